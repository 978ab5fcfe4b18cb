//! The statements on `mail_token`.

use kernel::clock::Timestamp;
use kernel::db::Tx;
use kernel::{Result, args, row, sql};
use uuid::Uuid;

row! {
    pub struct Link { pub user_id: Uuid, pub purpose: String, pub email: String, pub expires_at: Timestamp }
}

pub async fn insert(tx: &mut Tx, hash: &[u8], link: &Link, now: Timestamp) -> Result<()> {
    tx.exec(
        sql!("INSERT INTO mail_token (hash, user_id, purpose, email, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)"),
        args![hash, link.user_id, link.purpose, link.email, now, link.expires_at],
    )
    .await
    .map(drop)
}

/// A living link.
pub async fn find(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<Option<Link>> {
    tx.opt(
        sql!(
            "SELECT user_id, purpose, email, expires_at FROM mail_token
             WHERE hash = $1 AND used_at IS NULL AND expires_at > $2" => Link
        ),
        args![hash, now],
    )
    .await
}

/// The link, once: the second time there is none.
pub async fn consume(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<Option<Link>> {
    tx.opt(
        sql!(
            "UPDATE mail_token SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2
             RETURNING user_id, purpose, email, expires_at" => Link
        ),
        args![hash, now],
    )
    .await
}

/// Lets one proof at a time work on the links of a user, whichever link it holds. SQLite has one writer anyway.
pub async fn lock(tx: &mut Tx, user: Uuid) -> Result<()> {
    tx.all(
        sql!(
            sqlite: "SELECT hash FROM mail_token WHERE user_id = $1 ORDER BY hash",
            postgres: "SELECT hash FROM mail_token WHERE user_id = $1 ORDER BY hash FOR UPDATE" => Vec<u8>
        ),
        args![user],
    )
    .await
    .map(drop)
}

/// Ends the living links of a user.
pub async fn consume_others(tx: &mut Tx, user: Uuid, now: Timestamp) -> Result<u64> {
    tx.exec(
        sql!("UPDATE mail_token SET used_at = $2 WHERE user_id = $1 AND used_at IS NULL"),
        args![user, now],
    )
    .await
}

/// How many links of a purpose were sent since `since`: nobody's mailbox is filled by others.
pub async fn count_since(tx: &mut Tx, user: Uuid, purpose: &str, since: Timestamp) -> Result<i64> {
    tx.one(
        sql!("SELECT count(*) AS n FROM mail_token WHERE user_id = $1 AND purpose = $2 AND created_at > $3" => i64),
        args![user, purpose, since],
    )
    .await
}

/// Deletes the links of a user: part of erasing it.
pub async fn forget(tx: &mut Tx, user: Uuid) -> Result<()> {
    tx.exec(sql!("DELETE FROM mail_token WHERE user_id = $1"), args![user]).await.map(drop)
}

/// Deletes at most 1000 links that ended before `before`; says how many.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.exec(
        sql!("DELETE FROM mail_token WHERE hash IN (SELECT hash FROM mail_token WHERE expires_at <= $1 LIMIT 1000)"),
        args![before],
    )
    .await
}
