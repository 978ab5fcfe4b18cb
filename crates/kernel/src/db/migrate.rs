//! Migrations: numbered folders with both texts, applied once, in order, under a lock, each in its own
//! transaction with its checksum. Expand, then contract: the previous release keeps working.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;

use super::{Content, Db, DbInner, Engine, Usage, error};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::{args, sql};

/// One step of the schema.
pub struct Migration {
    /// The folder's name, `0001_start`.
    pub name: &'static str,
    /// The text for SQLite.
    pub sqlite: &'static str,
    /// The text for PostgreSQL.
    pub postgres: &'static str,
}

/// Every migration of this build, in order.
pub const ALL: &[Migration] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// Names of the migrations that were applied by this call.
pub type Applied = Vec<&'static str>;

const TABLE_SQLITE: &str = "CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT";
const TABLE_POSTGRES: &str = "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL)";
/// How long a migration of SQLite waits for its turn among the writers, and then for a stranger with the file.
const PATIENCE: Duration = Duration::from_secs(60);
/// Any fixed number: whoever migrates this database takes it, and the next waits until that one is done.
const ADVISORY_LOCK: &str = "SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock(7234519003)";
/// A change of a table that waits for a session which keeps it lets everybody else wait behind: not for long.
const TABLE_LOCKS: &str = "SET LOCAL lock_timeout = '30s'; SET LOCAL idle_in_transaction_session_timeout = 0";

crate::row! {
    struct Known { name: String, checksum: String }
}

fn checksum(text: &str) -> String {
    HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref())
}

/// Brings the database up to this build. Several processes may call it at once. Errors if an applied
/// migration has another text now, or if the database is newer than this build.
pub async fn migrate(db: &Db, now: Timestamp) -> Result<Applied> {
    match &db.inner {
        DbInner::Lite(lite) => {
            // A start beside busy writers has nothing to wait for.
            if missing(db).await?.is_empty() {
                return Ok(Applied::new());
            }
            let turn = lite.turn(PATIENCE).await?;
            let mut conn = lite.migration_connection()?;
            let migrated = tokio::task::spawn_blocking(move || migrate_lite(&mut conn, now)).await;
            drop(turn);
            migrated.map_err(|e| Error::internal("the migration").with_source(e))?
        }
        DbInner::Pg(_) => migrate_pg(db, now).await,
    }
}

/// Names of the migrations that this build has and the database has not. Changes nothing. Errors as [`migrate`].
pub async fn missing(db: &Db) -> Result<Vec<&'static str>> {
    let known = match Content::of(db).await? {
        Content::Ours => {
            let mut tx = db.read(&std::sync::Arc::new(Usage::default())).await?;
            tx.all(sql!("SELECT name, checksum FROM migration ORDER BY name" => Known), []).await?
        }
        Content::Nothing | Content::Foreign(_) => Vec::new(),
    };
    let text: fn(&Migration) -> &'static str = match db.engine() {
        Engine::Sqlite => |m| m.sqlite,
        Engine::Postgres => |m| m.postgres,
    };
    Ok(pending(&known, text)?.iter().map(|m| m.name).collect())
}

fn migrate_lite(conn: &mut rusqlite::Connection, now: Timestamp) -> Result<Applied> {
    conn.busy_timeout(PATIENCE).map_err(error::lite)?;
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(error::lite)?;
    tx.execute_batch(TABLE_SQLITE).map_err(error::lite)?;
    let known = {
        let mut statement =
            tx.prepare("SELECT name, checksum FROM migration ORDER BY name").map_err(error::lite)?;
        let rows = statement
            .query_map([], |r| Ok(Known { name: r.get(0)?, checksum: r.get(1)? }))
            .map_err(error::lite)?;
        rows.collect::<rusqlite::Result<Vec<_>>>().map_err(error::lite)?
    };
    let mut applied = Vec::new();
    for migration in pending(&known, |m| m.sqlite)? {
        let wrong =
            |e: rusqlite::Error| Error::internal(format!("migration {}", migration.name)).with_source(e);
        tx.execute_batch(migration.sqlite).map_err(wrong)?;
        tx.execute(
            "INSERT INTO migration (name, checksum, applied_at) VALUES (?1, ?2, ?3)",
            (migration.name, checksum(migration.sqlite), now.as_micros()),
        )
        .map_err(wrong)?;
        applied.push(migration.name);
    }
    tx.commit().map_err(error::lite)?;
    Ok(applied)
}

async fn migrate_pg(db: &Db, now: Timestamp) -> Result<Applied> {
    let mut tx = db.write(&std::sync::Arc::new(Usage::default())).await?;
    tx.script(ADVISORY_LOCK).await?;
    tx.script(TABLE_LOCKS).await?;
    tx.script(TABLE_POSTGRES).await?;
    let known = tx.all(sql!("SELECT name, checksum FROM migration ORDER BY name" => Known), []).await?;
    let mut applied = Vec::new();
    for migration in pending(&known, |m| m.postgres)? {
        tx.script(migration.postgres)
            .await
            .map_err(|e| Error::internal(format!("migration {}", migration.name)).with_source(e))?;
        tx.exec(
            sql!("INSERT INTO migration (name, checksum, applied_at) VALUES ($1, $2, $3)"),
            args![migration.name, checksum(migration.postgres), now],
        )
        .await?;
        applied.push(migration.name);
    }
    crate::event::lift_epoch(&mut tx).await?;
    tx.commit().await?;
    Ok(applied)
}

/// What is left to apply, after comparing what is known with what this build has.
fn pending(known: &[Known], text: fn(&Migration) -> &'static str) -> Result<Vec<&'static Migration>> {
    for row in known {
        let Some(migration) = ALL.iter().find(|m| m.name == row.name) else {
            return Err(refuse(format!(
                "the database has migration {}, which this build does not know: it was used by a newer release. Start that release, or put back the backup that was made before",
                row.name
            )));
        };
        if checksum(text(migration)) != row.checksum {
            return Err(refuse(format!(
                "migration {} was applied with another text than this build has",
                row.name
            )));
        }
    }
    Ok(ALL.iter().filter(|m| known.iter().all(|k| k.name != m.name)).collect())
}

fn refuse(why: String) -> Error {
    Error::new(Kind::Internal, "MIGRATION_REFUSED", why)
}
