//! The statements on `session` and `refresh_token`.

use database::{args, row, sql};
use kernel::Result;
use kernel::clock::Timestamp;
use platform::Tx;
use uuid::Uuid;

row! {
    /// A session as its user sees it.
    #[derive(Debug, Clone)]
    pub struct Session of "session" {
        /// UUIDv7, the `sid` of tokens.
        pub id: Uuid,
        /// Whose it is.
        pub user_id: Uuid,
        /// Where it was opened from.
        pub ip: Option<String>,
        /// What it was opened with.
        pub user_agent: Option<String>,
        /// Login.
        pub created_at: Timestamp,
        /// Last refresh.
        pub last_seen_at: Timestamp,
        /// Ends without use.
        pub idle_until: Timestamp,
        /// Ends in any case.
        pub ends_at: Timestamp,
        /// Ended by somebody.
        pub revoked_at: Option<Timestamp>,
    }
}

row! {
    pub struct RefreshTokenUse {
        pub session_id: Uuid,
        pub used_at: Option<Timestamp>,
    }
}

macro_rules! sessions_where {
    ($rest:literal) => {
        database::text!("SELECT ", <Session as database::FromRow>::SELECT, " FROM session WHERE ", $rest)
    };
}

pub async fn insert(tx: &mut Tx, s: &Session) -> Result<()> {
    tx.insert_records(&[s], "").await.map(drop)
}

pub async fn insert_token(tx: &mut Tx, hash: &[u8], session: Uuid, now: Timestamp) -> Result<()> {
    tx.exec(
        sql!("INSERT INTO refresh_token (hash, session_id, created_at) VALUES ($1, $2, $3)"),
        args![hash, session, now],
    )
    .await
    .map(drop)
}

/// Marks a token as used, once: `false` if it was before, or is none of ours.
pub async fn use_token(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<bool> {
    let rows = tx
        .exec(
            sql!("UPDATE refresh_token SET used_at = $2 WHERE hash = $1 AND used_at IS NULL"),
            args![hash, now],
        )
        .await?;
    Ok(rows == 1)
}

pub async fn find_token(tx: &mut Tx, hash: &[u8]) -> Result<Option<RefreshTokenUse>> {
    tx.opt(
        sql!("SELECT session_id, used_at FROM refresh_token WHERE hash = $1" => RefreshTokenUse),
        args![hash],
    )
    .await
}

pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Session>> {
    tx.opt(
        sql!(
            sessions_where!("id = $1") => Session
        ),
        args![id],
    )
    .await
}

/// The living sessions of a user, newest first; nobody has more than the limit shows.
pub async fn list(tx: &mut Tx, user: Uuid, now: Timestamp) -> Result<Vec<Session>> {
    tx.all(
        sql!(
            sessions_where!("user_id = $1 AND revoked_at IS NULL AND idle_until > $2 AND ends_at > $2
             ORDER BY created_at DESC, id DESC LIMIT 1000") => Session
        ),
        args![user, now],
    )
    .await
}

pub async fn touch(tx: &mut Tx, id: Uuid, now: Timestamp, idle_until: Timestamp) -> Result<()> {
    tx.exec(
        sql!("UPDATE session SET last_seen_at = $2, idle_until = $3 WHERE id = $1 AND revoked_at IS NULL"),
        args![id, now, idle_until],
    )
    .await
    .map(drop)
}

pub async fn revoke(tx: &mut Tx, id: Uuid, user: Uuid, now: Timestamp, because: &str) -> Result<bool> {
    let rows = tx
        .exec(
            sql!(
                "UPDATE session SET revoked_at = $3, revoked_because = $4
                 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL"
            ),
            args![id, user, now, because],
        )
        .await?;
    Ok(rows == 1)
}

/// Ends all sessions of a user but `keep`; says how many.
pub async fn revoke_all(
    tx: &mut Tx,
    user: Uuid,
    keep: Option<Uuid>,
    now: Timestamp,
    because: &str,
) -> Result<u64> {
    tx.exec(
        sql!(
            "UPDATE session SET revoked_at = $3, revoked_because = $4
             WHERE user_id = $1 AND revoked_at IS NULL AND id IS DISTINCT FROM $2"
        ),
        args![user, keep, now, because],
    )
    .await
}

/// Takes addresses and devices out of a user's sessions: part of erasing it.
pub async fn delete_of_user(tx: &mut Tx, user: Uuid) -> Result<()> {
    tx.exec(sql!("UPDATE session SET ip = NULL, user_agent = NULL WHERE user_id = $1"), args![user])
        .await
        .map(drop)
}

/// Rows that one transaction of housekeeping deletes at most.
pub const STEP: u64 = 1000;

/// Deletes at most 1000 tokens of the 1000 sessions that ended first, before `before`; says how many.
pub async fn purge_tokens(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.exec(
        sql!(
            "DELETE FROM refresh_token WHERE hash IN (SELECT t.hash FROM refresh_token t WHERE t.session_id IN
               (SELECT id FROM session WHERE ends_at <= $1 ORDER BY ends_at, id LIMIT 1000) LIMIT 1000)"
        ),
        args![before],
    )
    .await
}

/// Deletes the 1000 sessions that ended first, before `before`, whose tokens are gone; says how many.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.exec(
        sql!(
            "DELETE FROM session WHERE id IN
               (SELECT id FROM session WHERE ends_at <= $1 ORDER BY ends_at, id LIMIT 1000)"
        ),
        args![before],
    )
    .await
}
