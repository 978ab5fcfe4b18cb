//! The statements on `credential`.

use database::{args, sql};
use kernel::Result;
use kernel::clock::Timestamp;
use platform::Tx;
use uuid::Uuid;

pub async fn find(tx: &mut Tx, user: Uuid) -> Result<Option<String>> {
    tx.opt(sql!("SELECT password_hash FROM credential WHERE user_id = $1" => String), args![user]).await
}

/// The same, kept from changing until the transaction ends. SQLite has one writer anyway.
pub async fn lock(tx: &mut Tx, user: Uuid) -> Result<Option<String>> {
    tx.opt(
        sql!(
            sqlite: "SELECT password_hash FROM credential WHERE user_id = $1",
            postgres: "SELECT password_hash FROM credential WHERE user_id = $1 FOR UPDATE" => String
        ),
        args![user],
    )
    .await
}

pub async fn put(tx: &mut Tx, user: Uuid, hash: &str, now: Timestamp) -> Result<()> {
    tx.exec(
        sql!(
            "INSERT INTO credential (user_id, password_hash, changed_at) VALUES ($1, $2, $3)
             ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash, changed_at = excluded.changed_at"
        ),
        args![user, hash, now],
    )
    .await
    .map(drop)
}

/// A hash in a newer form of the same password: only if it is still that password.
pub async fn upgrade(tx: &mut Tx, user: Uuid, old: &str, new: &str) -> Result<()> {
    tx.exec(
        sql!("UPDATE credential SET password_hash = $3 WHERE user_id = $1 AND password_hash = $2"),
        args![user, old, new],
    )
    .await
    .map(drop)
}

pub async fn delete(tx: &mut Tx, user: Uuid) -> Result<u64> {
    tx.exec(sql!("DELETE FROM credential WHERE user_id = $1"), args![user]).await
}
