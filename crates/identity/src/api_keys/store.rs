//! The statements on `api_key`. Whoever made a key is read with it: whether it holds depends on them.

use database::{Json, Where};
use database::{args, row, sql};
use kernel::Result;
use kernel::clock::Timestamp;
use kernel::web::list::{Accepts, Filter, Key, Keyed, Kind, ListRequest, ListSpec, Sort};
use platform::Tx;
use platform::access::{Reach, Scope};
use uuid::Uuid;

row! {
    /// A key, with what its role and whoever made it may do now.
    #[derive(Debug, Clone)]
    pub struct ApiKey in "k" {
        /// UUIDv7.
        pub id: Uuid,
        /// For people.
        pub name: String,
        /// Role code.
        pub role: String,
        /// How far the role reaches.
        pub reach: Reach = "r.reach",
        /// What the role may do.
        pub permissions: Json = "r.permissions",
        /// What narrows it.
        pub scopes: Json,
        /// The company that it is confined to.
        pub company: Option<Uuid> as "company_id",
        /// Its public id.
        pub company_id: Option<String> = "c.company_id",
        /// When it ends by itself.
        pub expires_at: Option<Timestamp>,
        /// When somebody ended it.
        pub revoked_at: Option<Timestamp>,
        /// The user who made it, or who made the key that made it.
        pub creator_id: Option<Uuid>,
        /// How the user is called.
        pub creator_name: Option<String> = "coalesce(u.email, u.username)",
        /// May the user log in?
        pub creator_active: bool = "coalesce(u.is_active, false)",
        /// How far the user's role reaches.
        pub creator_reach: Option<Reach> = "cr.reach",
        /// What the user's role may do.
        pub creator_permissions: Option<Json> = "cr.permissions",
        /// The user's company.
        pub creator_company: Option<Uuid> = "u.company_id",
        /// The key that made it.
        pub parent_id: Option<Uuid>,
        /// How that key is called.
        pub parent_name: Option<String> = "p.name",
        /// How far that key's role reaches.
        pub parent_reach: Option<Reach> = "pr.reach",
        /// What that key's role may do.
        pub parent_permissions: Option<Json> = "pr.permissions",
        /// What narrows that key.
        pub parent_scopes: Option<Json> = "p.scopes",
        /// The company of that key.
        pub parent_company: Option<Uuid> = "p.company_id",
        /// When that key ends by itself.
        pub parent_expires_at: Option<Timestamp> = "p.expires_at",
        /// When somebody ended that key.
        pub parent_revoked_at: Option<Timestamp> = "p.revoked_at",
        /// Creation.
        pub created_at: Timestamp,
        /// Last change.
        pub updated_at: Timestamp,
        /// Counts changes.
        pub version: i64,
    }
}

/// What the list of keys can be sorted and filtered by.
pub const SPEC: ListSpec = ListSpec {
    resource: "api_keys",
    sorts: &[Sort { name: "created_at", column: "k.created_at", kind: Kind::Time, nullable: false }],
    filters: &[
        Filter {
            name: "is_revoked",
            sql: "(k.revoked_at IS NOT NULL) = ",
            kind: Accepts::Bool,
            doc: "Only those that were ended, or only the others.",
        },
        Filter {
            name: "name",
            sql: "k.name = ",
            kind: Accepts::Text(str::to_owned),
            doc: "Only those of this name.",
        },
        Filter {
            name: "role",
            sql: "k.role = ",
            kind: Accepts::Text(str::to_owned),
            doc: "Only those of this role.",
        },
    ],
    default_sort: "-created_at",
};

impl Keyed for ApiKey {
    fn id(&self) -> Uuid {
        self.id
    }
    fn sort_key(&self, _: &str) -> Key {
        Key::Time(self.created_at)
    }
}

macro_rules! keys_where {
    ($rest:literal) => {
        database::text!(
            "SELECT ",
            <ApiKey as database::FromRow>::SELECT,
            " FROM api_key k
             JOIN role r ON r.code = k.role
             LEFT JOIN company c ON c.id = k.company_id
             LEFT JOIN user_account u ON u.id = k.creator_id
             LEFT JOIN role cr ON cr.code = u.role
             LEFT JOIN api_key p ON p.id = k.parent_id
             LEFT JOIN role pr ON pr.code = p.role
             WHERE ",
            $rest
        )
    };
}

row! {
    /// A new key.
    pub struct NewKey of "api_key" {
        pub id: Uuid,
        pub name: String,
        /// The same while it lives: no two living keys of a company have one name.
        pub living_name: String,
        pub hash: Vec<u8>,
        pub role: String,
        pub scopes: Json,
        pub company_id: Option<Uuid>,
        pub creator_id: Option<Uuid>,
        pub parent_id: Option<Uuid>,
        pub expires_at: Option<Timestamp>,
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
        pub version: i64,
    }
}

/// Inserts a key; false if another living one of its company has the name, or the secret is known.
pub async fn insert(tx: &mut Tx, key: &NewKey) -> Result<bool> {
    Ok(tx.insert_records(&[key], "ON CONFLICT DO NOTHING").await? == [1])
}

/// A key whose time is over keeps its name from nobody.
pub async fn free_expired_name(tx: &mut Tx, name: &str, now: Timestamp) -> Result<()> {
    tx.exec(
        sql!("UPDATE api_key SET living_name = NULL WHERE living_name = $1 AND expires_at <= $2"),
        args![name, now],
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

/// A key of the scope. One whose role reaches everything belongs to no company, whatever its row says.
pub async fn find(tx: &mut Tx, scope: &Scope, id: Uuid) -> Result<Option<ApiKey>> {
    tx.opt(
        sql!(keys_where!("k.id = $1 AND ($2 OR (k.company_id = $3 AND r.reach <> 'all'))") => ApiKey),
        args![id, scope.all(), scope.company()],
    )
    .await
}

/// The keys of the scope with this name that nobody has ended: few, and at most a hundred.
pub async fn find_by_name(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Vec<ApiKey>> {
    tx.all(
        sql!(
            keys_where!(
                "k.name = $1 AND k.revoked_at IS NULL AND ($2 OR (k.company_id = $3 AND r.reach <> 'all'))
                 ORDER BY k.id LIMIT 100"
            ) => ApiKey
        ),
        args![name, scope.all(), scope.company()],
    )
    .await
}

fn within(scope: &Scope) -> Where<'static> {
    let mut conditions = Where::new();
    if !scope.all() {
        // NULL, for a role without a company, equals nothing.
        conditions.and_one("k.company_id = ?", scope.company()).and("r.reach <> 'all'", Vec::new());
    }
    conditions
}

/// One page of the keys of the scope, and a row more.
pub async fn list(tx: &mut Tx, scope: &Scope, request: &ListRequest) -> Result<Vec<ApiKey>> {
    tx.page(sql!(keys_where!("true") => ApiKey), request, "k.id", within(scope)).await
}

/// How many keys of the scope the filters leave, up to `bound` + 1.
pub async fn count(tx: &mut Tx, scope: &Scope, request: &ListRequest, bound: u64) -> Result<u64> {
    let base = sql!("SELECT k.version AS n FROM api_key k JOIN role r ON r.code = k.role WHERE true" => i64);
    tx.count_up_to(base, request, within(scope), bound).await
}

/// Gives a loaded key another name; `Stale` if somebody else was faster.
pub async fn rename(tx: &mut Tx, key: &ApiKey, name: &str, now: Timestamp) -> Result<()> {
    tx.exec_versioned(
        sql!(
            "UPDATE api_key SET name = $3, living_name = $3, updated_at = $4, version = version + 1
             WHERE id = $1 AND version = $2 AND revoked_at IS NULL"
        ),
        args![key.id, key.version, name, now],
    )
    .await
}

/// Ends a loaded key; false if it has ended.
pub async fn revoke(tx: &mut Tx, key: &ApiKey, now: Timestamp) -> Result<bool> {
    let rows = tx
        .exec(
            sql!(
                "UPDATE api_key SET revoked_at = $2, living_name = NULL, updated_at = $2, version = version + 1
                 WHERE id = $1 AND revoked_at IS NULL"
            ),
            args![key.id, now],
        )
        .await?;
    Ok(rows == 1)
}
