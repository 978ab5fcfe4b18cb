//! The statements on `login_device`.

use database::{args, row, sql};
use kernel::Result;
use kernel::clock::Timestamp;
use platform::Tx;
use uuid::Uuid;

row! {
    /// A device that is known from a login.
    pub struct Device of "login_device" {
        /// Of its token.
        pub hash: Vec<u8>,
        pub user_id: Uuid,
        /// That its last login opened.
        pub session_id: Uuid,
        pub created_at: Timestamp,
        pub expires_at: Timestamp,
    }
}

/// Whose device it is that has a token with this hash.
pub async fn owner(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<Option<Uuid>> {
    tx.opt(
        sql!("SELECT user_id FROM login_device WHERE hash = $1 AND expires_at > $2" => Uuid),
        args![hash, now],
    )
    .await
}

pub async fn insert(tx: &mut Tx, device: &Device) -> Result<()> {
    tx.insert_records(&[device], "").await.map(drop)
}

pub async fn delete(tx: &mut Tx, hash: &[u8]) -> Result<()> {
    tx.exec(sql!("DELETE FROM login_device WHERE hash = $1"), args![hash]).await.map(drop)
}

/// Deletes the devices of a user but the newest.
pub async fn delete_beyond(tx: &mut Tx, user: Uuid, newest: i64) -> Result<()> {
    tx.exec(
        sql!(
            "DELETE FROM login_device WHERE hash IN
               (SELECT hash FROM login_device WHERE user_id = $1 ORDER BY created_at DESC, hash LIMIT 1000 OFFSET $2)"
        ),
        args![user, newest],
    )
    .await
    .map(drop)
}

/// Deletes the device that opened a session of a user.
pub async fn delete_of_session(tx: &mut Tx, user: Uuid, session: Uuid) -> Result<()> {
    tx.exec(sql!("DELETE FROM login_device WHERE user_id = $1 AND session_id = $2"), args![user, session])
        .await
        .map(drop)
}

/// Deletes the devices of a user but the one that opened `keep`.
pub async fn delete_others(tx: &mut Tx, user: Uuid, keep: Option<Uuid>) -> Result<()> {
    tx.exec(
        sql!("DELETE FROM login_device WHERE user_id = $1 AND session_id IS DISTINCT FROM $2"),
        args![user, keep],
    )
    .await
    .map(drop)
}

/// Rows that one transaction of housekeeping deletes at most.
pub const STEP: u64 = 1000;

/// Deletes at most 1000 devices that are not known any more; says how many.
pub async fn purge(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    tx.exec(
        sql!(
            "DELETE FROM login_device WHERE hash IN
               (SELECT hash FROM login_device WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000)"
        ),
        args![now],
    )
    .await
}
