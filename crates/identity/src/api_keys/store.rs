//! The statements on `api_key`.

use kernel::access::Scope;
use kernel::clock::Timestamp;
use kernel::db::{Json, Tx};
use kernel::{Result, args, row, sql};
use uuid::Uuid;

row! {
    /// What decides whether a key still holds, and for what.
    pub struct KeyState {
        pub name: String,
        pub role: String,
        pub reach: String,
        pub permissions: Json,
        pub scopes: Json,
        pub company_id: Option<Uuid>,
        pub expires_at: Option<Timestamp>,
        pub revoked_at: Option<Timestamp>,
        pub creator_id: Option<Uuid>,
        pub creator_active: bool,
        pub creator_reach: Option<String>,
        pub creator_permissions: Option<Json>,
        pub creator_company_id: Option<Uuid>,
    }
}

/// A key as it is written.
pub struct NewKey<'a> {
    pub id: Uuid,
    pub name: &'a str,
    pub hash: &'a [u8],
    pub role: &'a str,
    pub scopes: Json,
    pub company: Option<Uuid>,
    pub creator: Option<Uuid>,
    pub expires_at: Option<Timestamp>,
    pub now: Timestamp,
}

pub async fn insert(tx: &mut Tx, k: &NewKey<'_>) -> Result<()> {
    tx.exec(
        sql!(
            "INSERT INTO api_key (id, name, hash, role, scopes, company_id, creator_id, expires_at, created_at, updated_at, version)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, 1)"
        ),
        args![k.id, k.name, k.hash, k.role, k.scopes, k.company, k.creator, k.expires_at, k.now],
    )
    .await
    .map(drop)
}

pub async fn find_by_hash(tx: &mut Tx, hash: &[u8]) -> Result<Option<Uuid>> {
    tx.opt(sql!("SELECT id FROM api_key WHERE hash = $1" => Uuid), args![hash]).await
}

/// Is there a key that still holds?
pub async fn any(tx: &mut Tx, now: Timestamp) -> Result<bool> {
    let found = tx.opt(
        sql!(
            "SELECT id FROM api_key WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1) LIMIT 1" => Uuid
        ),
        args![now],
    );
    Ok(found.await?.is_some())
}

pub async fn state(tx: &mut Tx, id: Uuid) -> Result<Option<KeyState>> {
    tx.opt(
        sql!(
            "SELECT k.name, k.role, r.reach, r.permissions, k.scopes, k.company_id, k.expires_at, k.revoked_at, k.creator_id,
               coalesce(u.is_active, false) AS creator_active, cr.reach AS creator_reach,
               cr.permissions AS creator_permissions, u.company_id AS creator_company_id
             FROM api_key k
             JOIN role r ON r.code = k.role
             LEFT JOIN user_account u ON u.id = k.creator_id
             LEFT JOIN role cr ON cr.code = u.role
             WHERE k.id = $1" => KeyState
        ),
        args![id],
    )
    .await
}

/// Ends a key of the scope. One whose role reaches everything belongs to no company, whatever its row says.
pub async fn revoke(tx: &mut Tx, scope: &Scope, id: Uuid, now: Timestamp) -> Result<bool> {
    let rows = tx
        .exec(
            sql!(
                "UPDATE api_key SET revoked_at = $2, updated_at = $2, version = version + 1
                 WHERE id = $1 AND revoked_at IS NULL
                   AND ($3 OR (company_id = $4 AND role IN (SELECT code FROM role WHERE reach <> 'all')))"
            ),
            args![id, now, scope.all(), scope.company()],
        )
        .await?;
    Ok(rows == 1)
}
