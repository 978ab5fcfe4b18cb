//! The statements on `mail_token`: links, and notices without one, so that all mails to an address are counted.

use database::{args, row, sql};
use kernel::Result;
use kernel::clock::Timestamp;
use platform::Tx;
use uuid::Uuid;

row! {
    pub struct Link { pub user_id: Uuid, pub purpose: String, pub email: String, pub email_key: String, pub expires_at: Timestamp }
}

row! {
    /// A mail as it is noted. One without a link is used from the start.
    pub struct Sent of "mail_token" {
        pub hash: Vec<u8>,
        pub user_id: Uuid,
        pub purpose: String,
        pub email: String,
        pub email_key: String,
        pub created_at: Timestamp,
        pub expires_at: Timestamp,
        pub used_at: Option<Timestamp>,
    }
}

pub async fn insert(tx: &mut Tx, mail: &Sent) -> Result<()> {
    tx.insert_records(&[mail], "").await.map(drop)
}

/// Lets one transaction at a time count and send mails to an address. SQLite has one writer anyway.
pub async fn lock_address(tx: &mut Tx, email_key: &str) -> Result<()> {
    tx.opt(
        sql!(
            sqlite: "SELECT $1 AS lock",
            postgres: "SELECT 'locked' AS lock FROM pg_advisory_xact_lock(hashtextextended($1, 7234519006))" => String
        ),
        args![email_key],
    )
    .await
    .map(drop)
}

/// How many mails went to an address since `since`, for whomever and whatever: nobody's mailbox is filled by others.
pub async fn count_to_address(tx: &mut Tx, email_key: &str, since: Timestamp) -> Result<i64> {
    tx.one(
        sql!("SELECT count(*) AS n FROM mail_token WHERE email_key = $1 AND created_at > $2" => i64),
        args![email_key, since],
    )
    .await
}

/// How many mails of a purpose a user caused since `since`.
pub async fn count_of_user(tx: &mut Tx, user: Uuid, purpose: &str, since: Timestamp) -> Result<i64> {
    tx.one(
        sql!("SELECT count(*) AS n FROM mail_token WHERE user_id = $1 AND purpose = $2 AND created_at > $3" => i64),
        args![user, purpose, since],
    )
    .await
}

/// A living link.
pub async fn find(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<Option<Link>> {
    tx.opt(
        sql!(
            database::text!(
                "SELECT ",
                <Link as database::FromRow>::SELECT,
                " FROM mail_token WHERE hash = $1 AND used_at IS NULL AND expires_at > $2"
            ) => Link
        ),
        args![hash, now],
    )
    .await
}

/// The link, once: the second time there is none.
pub async fn consume(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<Option<Link>> {
    tx.opt(
        sql!(
            database::text!(
                "UPDATE mail_token SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING ",
                <Link as database::FromRow>::SELECT
            ) => Link
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

/// Deletes the links of a user: part of erasing it.
pub async fn delete_of_user(tx: &mut Tx, user: Uuid) -> Result<()> {
    tx.exec(sql!("DELETE FROM mail_token WHERE user_id = $1"), args![user]).await.map(drop)
}

/// Rows that one transaction of [`purge`] deletes at most.
pub const STEP: u64 = 1000;

/// Deletes at most 1000 links that ended before `before`; says how many.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.exec(
        sql!("DELETE FROM mail_token WHERE hash IN (SELECT hash FROM mail_token WHERE expires_at <= $1 LIMIT 1000)"),
        args![before],
    )
    .await
}
