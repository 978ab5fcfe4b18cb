//! Statements of the migration.

use database::{args, sql};
use kernel::Result;
use platform::Tx;
use uuid::Uuid;

/// The namespace of the ids that users get from their numbers, if it was drawn already.
pub async fn namespace(tx: &mut Tx) -> Result<Option<String>> {
    tx.opt(sql!("SELECT value FROM setting WHERE name = 'migrate_v1.namespace'" => String), []).await
}

/// Keeps a namespace unless there is one; of two processes at once, one is first.
pub async fn keep_namespace(tx: &mut Tx, namespace: Uuid) -> Result<()> {
    let insert = sql!(
        "INSERT INTO setting (name, value) VALUES ('migrate_v1.namespace', $1) ON CONFLICT (name) DO NOTHING"
    );
    tx.exec(insert, args![namespace.to_string()]).await.map(drop)
}

/// How many things that others than `actor` (a part of the system) did to a customer are in the log.
pub async fn touched_by_others(tx: &mut Tx, customer: Uuid, actor: &str) -> Result<i64> {
    tx.one(
        sql!(
            "SELECT count(*) AS n FROM event
             WHERE customer_id = $1 AND NOT (actor_kind = 'system' AND actor_name = $2)" => i64
        ),
        args![customer, actor],
    )
    .await
}
