//! Statements that change a customer.

use database::Ids;
use database::{args, row, sql};
use kernel::clock::Timestamp;
use kernel::{Error, Result};
use platform::Tx;
use uuid::Uuid;

use super::LoadedCustomer;
use crate::customer::model::CustomerRow;

row! {
    /// What counting a service leaves.
    pub struct Counted {
        /// Completed services, this one included.
        pub total_services: i64,
        /// The latest service.
        pub last_service_date: Timestamp,
    }
}

/// Inserts each, unless its public id is taken: `false`. A second profile of the same user violates the schema, see
/// [`taken`].
pub async fn insert(tx: &mut Tx, rows: &[&CustomerRow]) -> Result<Vec<bool>> {
    let inserted = tx.insert_records(rows, "ON CONFLICT (customer_id) DO NOTHING").await.map_err(taken)?;
    Ok(inserted.into_iter().map(|n| n == 1).collect())
}

/// Writes loaded customers back, before and after, all but their counters; `Stale` if somebody else was faster with one
/// of them. The versions go up by one.
pub async fn update(tx: &mut Tx, changes: &[(&LoadedCustomer, &CustomerRow)]) -> Result<()> {
    if changes.iter().any(|(before, after)| before.id != after.id) {
        return Err(Error::internal("a customer would be written over another"));
    }
    let changes: Vec<(&CustomerRow, &CustomerRow)> =
        changes.iter().map(|(before, after)| (&***before, *after)).collect();
    tx.update_records(&changes).await.map_err(taken)
}

/// The latest service, of a row that is locked until the transaction ends: what counting one more begins with.
pub async fn lock_last_service(tx: &mut Tx, row: &LoadedCustomer) -> Result<Option<Timestamp>> {
    let last = tx.opt(
        // SQLite has one writer.
        sql!(
            sqlite: "SELECT last_service_date FROM customer WHERE id = $1",
            postgres: "SELECT last_service_date FROM customer WHERE id = $1 FOR UPDATE" => Option<Timestamp>
        ),
        args![row.id],
    );
    Ok(last.await?.flatten())
}

/// Counts one more service. Not a change of the record: any number of them may come at once, and the version stays.
/// `None` if the customer was erased meanwhile.
pub async fn count_service(tx: &mut Tx, row: &LoadedCustomer, at: Timestamp) -> Result<Option<Counted>> {
    tx.opt(
        sql!(
            "UPDATE customer SET total_services = total_services + 1,
               last_service_date = CASE WHEN last_service_date > $2 THEN last_service_date ELSE $2 END
             WHERE id = $1 AND erased_at IS NULL
             RETURNING total_services, last_service_date" => Counted
        ),
        args![row.id, at],
    )
    .await
}

/// Sets what was counted elsewhere, of a customer that was just created.
pub async fn set_services(tx: &mut Tx, id: Uuid, total: i64, last: Option<Timestamp>) -> Result<()> {
    tx.exec(
        sql!("UPDATE customer SET total_services = $2, last_service_date = $3 WHERE id = $1"),
        args![id, total, last],
    )
    .await
    .map(drop)
}

/// Notes a login unless one was noted after `since`. The version stays.
pub async fn touch_login(tx: &mut Tx, row: &LoadedCustomer, at: Timestamp, since: Timestamp) -> Result<()> {
    tx.exec(
        sql!("UPDATE customer SET last_login_at = $2 WHERE id = $1 AND (last_login_at IS NULL OR last_login_at <= $3)"),
        args![row.id, at, since],
    )
    .await
    .map(drop)
}

/// Leaves a tombstone: the ids, the number of services and the times, nothing personal. `Stale` if somebody else was faster.
/// Says how many services it had: counting one is no change of the version, so more than were loaded may be there.
pub async fn erase(tx: &mut Tx, row: &LoadedCustomer, at: Timestamp) -> Result<i64> {
    update(tx, &[(row, &row.emptied(at))]).await?;
    tx.one(
        sql!("UPDATE customer SET user_id = NULL, last_login_at = NULL, erased_at = $2 WHERE id = $1 RETURNING total_services" => i64),
        args![row.id, at],
    )
    .await
}

/// Locks the user of a customer. Whatever writes both does it in this order, user then customer, so that no two wait
/// for each other.
pub async fn lock_user(tx: &mut Tx, user: Uuid) -> Result<()> {
    tx.opt(
        // SQLite has one writer.
        sql!(
            sqlite: "SELECT id FROM user_account WHERE id = $1",
            postgres: "SELECT id FROM user_account WHERE id = $1 FOR UPDATE" => Uuid
        ),
        args![user],
    )
    .await
    .map(drop)
}

/// Locks the users of many customers, in one order.
pub async fn lock_users(tx: &mut Tx, users: &Ids) -> Result<()> {
    tx.all(
        // SQLite has one writer, and nothing to lock.
        sql!(
            sqlite: "SELECT id FROM user_account WHERE id IS NULL AND $1 IS NULL",
            postgres: "SELECT id FROM user_account WHERE id = ANY($1) ORDER BY id FOR UPDATE" => Uuid
        ),
        args![*users],
    )
    .await
    .map(drop)
}

/// What a violated constraint means to whoever sent the value.
pub fn taken(e: Error) -> Error {
    if e.violates("customer_user_id_key") {
        already_exists().with_source(e)
    } else if e.violates("customer_external_id_key") {
        external_id_exists().with_source(e)
    } else {
        e
    }
}

/// 409 for an id of another program that somebody has.
pub fn external_id_exists() -> Error {
    Error::conflict("CUSTOMER_EXTERNAL_ID_EXISTS", "Customer with this external_id already exists")
}

/// 409 for a second profile.
pub fn already_exists() -> Error {
    Error::conflict("PROFILE_ALREADY_EXISTS", "Customer profile already exists")
}
