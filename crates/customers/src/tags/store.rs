//! Every statement on `tag` and `customer_tag`.

use kernel::clock::Timestamp;
use kernel::db::Tx;
use kernel::{Result, args, sql};
use uuid::Uuid;

pub async fn find(tx: &mut Tx, key: &str) -> Result<Option<Uuid>> {
    tx.opt(sql!("SELECT id FROM tag WHERE name_key = $1" => Uuid), args![key]).await
}

/// Inserts unless there is one with this key.
pub async fn insert(tx: &mut Tx, id: Uuid, name: &str, key: &str, now: Timestamp) -> Result<()> {
    tx.exec(
        sql!("INSERT INTO tag (id, name, name_key, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name_key) DO NOTHING"),
        args![id, name, key, now],
    )
    .await
    .map(drop)
}

pub async fn attach(tx: &mut Tx, tag: Uuid, customer: Uuid) -> Result<()> {
    tx.exec(
        sql!("INSERT INTO customer_tag (tag_id, customer_id) VALUES ($1, $2) ON CONFLICT (tag_id, customer_id) DO NOTHING"),
        args![tag, customer],
    )
    .await
    .map(drop)
}

pub async fn detach(tx: &mut Tx, key: &str, customer: Uuid) -> Result<()> {
    tx.exec(
        sql!("DELETE FROM customer_tag WHERE customer_id = $2 AND tag_id = (SELECT id FROM tag WHERE name_key = $1)"),
        args![key, customer],
    )
    .await
    .map(drop)
}

pub async fn detach_all(tx: &mut Tx, customer: Uuid) -> Result<()> {
    tx.exec(sql!("DELETE FROM customer_tag WHERE customer_id = $1"), args![customer]).await.map(drop)
}
