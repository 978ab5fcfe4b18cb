//! The statements on `signing_key`, and the two that say who is behind a token.

use database::Json;
use database::{args, row, sql};
use kernel::Result;
use kernel::clock::Timestamp;
use platform::Tx;
use platform::access::Reach;
use uuid::Uuid;

row! {
    /// A key as it is stored: the private half is encrypted.
    pub struct StoredKey of "signing_key" {
        pub kid: String,
        pub algorithm: String,
        pub public_jwk: Json,
        pub private_sealed: Vec<u8>,
        /// `next`, `active` or `retired`.
        pub state: String,
        pub created_at: Timestamp,
        pub state_since: Timestamp,
    }
}

row! {
    /// What decides whether a session's token still holds, and for what.
    pub struct SessionState {
        pub user_id: Uuid,
        /// How it appears in the event log, which outlives its erasure: a customer by its number, staff by address.
        pub name: String,
        pub role: String,
        pub reach: Reach,
        pub permissions: Json,
        pub company_id: Option<Uuid>,
        pub is_active: bool,
        pub company_active: bool,
        pub revoked_at: Option<Timestamp>,
        pub ends_at: Timestamp,
    }
}

/// Only one process makes or changes keys at a time. SQLite has one writer anyway.
pub async fn lock(tx: &mut Tx) -> Result<()> {
    tx.opt(
        sql!(
            sqlite: "SELECT 'the one writer' AS lock",
            postgres: "SELECT 'locked' AS lock FROM pg_advisory_xact_lock(7234519005)" => String
        ),
        [],
    )
    .await
    .map(drop)
}

/// Every key whose tokens may still be valid.
pub async fn list(tx: &mut Tx, retired_after: Timestamp) -> Result<Vec<StoredKey>> {
    tx.all(
        sql!(
            database::text!(
                "SELECT ",
                <StoredKey as database::FromRow>::SELECT,
                " FROM signing_key
                  WHERE algorithm = 'ES256' AND (state <> 'retired' OR state_since > $1) ORDER BY created_at"
            ) => StoredKey
        ),
        args![retired_after],
    )
    .await
}

pub async fn insert(tx: &mut Tx, key: &StoredKey) -> Result<()> {
    tx.insert_records(&[key], "").await.map(drop)
}

pub async fn set_state(tx: &mut Tx, kid: &str, state: &str, now: Timestamp) -> Result<()> {
    tx.exec(
        sql!("UPDATE signing_key SET state = $2, state_since = $3 WHERE kid = $1"),
        args![kid, state, now],
    )
    .await
    .map(drop)
}

pub async fn issuer(tx: &mut Tx) -> Result<Option<String>> {
    tx.opt(sql!("SELECT value FROM setting WHERE name = 'issuer'" => String), []).await
}

pub async fn set_issuer(tx: &mut Tx, issuer: &str) -> Result<()> {
    tx.exec(
        sql!(
            "INSERT INTO setting (name, value) VALUES ('issuer', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ),
        args![issuer],
    )
    .await
    .map(drop)
}

pub async fn session_state(tx: &mut Tx, session: Uuid) -> Result<Option<SessionState>> {
    tx.opt(
        sql!(
            "SELECT u.id AS user_id,
               CASE WHEN r.reach = 'own' THEN 'USER-' || u.unique_no ELSE coalesce(u.email, u.username) END AS name,
               u.role, r.reach, r.permissions, u.company_id, u.is_active, coalesce(c.status = 'active', true) AS company_active, s.revoked_at, s.ends_at
             FROM session s
             JOIN user_account u ON u.id = s.user_id
             JOIN role r ON r.code = u.role
             LEFT JOIN company c ON c.id = u.company_id
             WHERE s.id = $1" => SessionState
        ),
        args![session],
    )
    .await
}

row! {
    /// What a user may do now, whatever sessions there are.
    pub struct UserState {
        /// How it appears in the event log: a customer by its number, staff by address.
        pub name: String,
        pub role: String,
        pub reach: Reach,
        pub permissions: Json,
        pub company_id: Option<Uuid>,
        pub is_active: bool,
        pub company_active: bool,
    }
}

pub async fn user_state(tx: &mut Tx, user: Uuid) -> Result<Option<UserState>> {
    tx.opt(
        sql!(
            "SELECT CASE WHEN r.reach = 'own' THEN 'USER-' || u.unique_no ELSE coalesce(u.email, u.username) END AS name,
               u.role, r.reach, r.permissions, u.company_id, u.is_active, coalesce(c.status = 'active', true) AS company_active
             FROM user_account u
             JOIN role r ON r.code = u.role
             LEFT JOIN company c ON c.id = u.company_id
             WHERE u.id = $1 AND u.erased_at IS NULL" => UserState
        ),
        args![user],
    )
    .await
}
