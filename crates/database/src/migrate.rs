//! Migrations: numbered folders with both texts, applied once, in order, under a lock, each in its own
//! transaction with its checksum. Expand, then contract: the previous release keeps working.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;

use super::{Content, Db, DbInner, Engine, Usage, error};
use crate::error::{Error, Kind, Result};
use crate::{args, row, sql};

/// One step of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The folder's name, `0001_start`.
    pub name: Cow<'static, str>,
    /// The text for SQLite.
    pub sqlite: Cow<'static, str>,
    /// The text for PostgreSQL.
    pub postgres: Cow<'static, str>,
}

impl Migration {
    /// Those of a directory with a folder for each, `0001_start/{sqlite.sql,postgres.sql}`, in order of their names.
    pub fn of_directory(root: &Path) -> std::io::Result<Vec<Migration>> {
        let mut folders = std::fs::read_dir(root)?.collect::<Result<Vec<_>, _>>()?;
        folders.retain(|entry| entry.path().is_dir());
        folders.sort_by_key(std::fs::DirEntry::file_name);
        let read = |folder: &std::fs::DirEntry, file| std::fs::read_to_string(folder.path().join(file));
        folders
            .iter()
            .map(|folder| {
                Ok(Migration {
                    name: folder.file_name().to_string_lossy().into_owned().into(),
                    sqlite: read(folder, "sqlite.sql")?.into(),
                    postgres: read(folder, "postgres.sql")?.into(),
                })
            })
            .collect()
    }

    fn text(&self, engine: Engine) -> &str {
        match engine {
            Engine::Sqlite => &self.sqlite,
            Engine::Postgres => &self.postgres,
        }
    }
}

/// Names of the migrations that were applied by this call.
pub type Applied = Vec<String>;

const TABLE_SQLITE: &str = "CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT";
const TABLE_POSTGRES: &str = "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL)";
/// How long a migration of SQLite waits for its turn among the writers, and then for a stranger with the file.
const PATIENCE: Duration = Duration::from_secs(60);
/// Any fixed number: whoever migrates this database takes it, and the next waits until that one is done.
const ADVISORY_LOCK: &str = "SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock(7234519003)";
/// A change of a table that waits for a session which keeps it lets everybody else wait behind: not for long.
const TABLE_LOCKS: &str = "SET LOCAL lock_timeout = '30s'; SET LOCAL idle_in_transaction_session_timeout = 0";

row! {
    /// A migration that the database has.
    struct AppliedRow { name: String, checksum: String }
}

fn checksum(text: &str) -> String {
    HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref())
}

/// Applies what the database has not. Several processes may call it at once. Errors if an applied migration has another
/// text now, or if the database has one that is not among these: it was used by a newer release.
pub async fn migrate(db: &Db, migrations: &[Migration]) -> Result<Applied> {
    match &db.inner {
        DbInner::Sqlite(sqlite) => {
            // A start beside busy writers has nothing to wait for.
            if missing(db, migrations).await?.is_empty() {
                return Ok(Applied::new());
            }
            let turn = sqlite.turn(PATIENCE).await?;
            let mut conn = sqlite.migration_connection()?;
            let migrations = migrations.to_vec();
            let migrated = tokio::task::spawn_blocking(move || migrate_sqlite(&mut conn, &migrations)).await;
            drop(turn);
            migrated.map_err(|e| Error::internal("the migration").with_source(e))?
        }
        DbInner::Postgres(_) => migrate_postgres(db, migrations).await,
    }
}

/// Names of those of these migrations that the database has not. Changes nothing. Errors as [`migrate`].
pub async fn missing(db: &Db, migrations: &[Migration]) -> Result<Vec<String>> {
    let known = match Content::of(db).await? {
        Content::Ours => {
            let mut tx = db.read(&Arc::new(Usage::default())).await?;
            tx.all(sql!("SELECT name, checksum FROM migration ORDER BY name" => AppliedRow), []).await?
        }
        Content::Nothing | Content::Foreign(_) => Vec::new(),
    };
    Ok(pending(&known, migrations, db.engine())?.iter().map(|m| m.name.to_string()).collect())
}

fn migrate_sqlite(conn: &mut rusqlite::Connection, migrations: &[Migration]) -> Result<Applied> {
    conn.busy_timeout(PATIENCE).map_err(error::sqlite)?;
    let tx =
        conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(error::sqlite)?;
    tx.execute_batch(TABLE_SQLITE).map_err(error::sqlite)?;
    let known = {
        let mut statement =
            tx.prepare("SELECT name, checksum FROM migration ORDER BY name").map_err(error::sqlite)?;
        let rows = statement
            .query_map([], |r| Ok(AppliedRow { name: r.get(0)?, checksum: r.get(1)? }))
            .map_err(error::sqlite)?;
        rows.collect::<rusqlite::Result<Vec<_>>>().map_err(error::sqlite)?
    };
    let mut applied = Applied::new();
    for migration in pending(&known, migrations, Engine::Sqlite)? {
        let wrong =
            |e: rusqlite::Error| Error::internal(format!("migration {}", migration.name)).with_source(e);
        tx.execute_batch(&migration.sqlite).map_err(wrong)?;
        tx.execute(
            "INSERT INTO migration (name, checksum, applied_at)
             VALUES (?1, ?2, CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER))",
            (&migration.name, checksum(&migration.sqlite)),
        )
        .map_err(wrong)?;
        applied.push(migration.name.to_string());
    }
    tx.commit().map_err(error::sqlite)?;
    Ok(applied)
}

async fn migrate_postgres(db: &Db, migrations: &[Migration]) -> Result<Applied> {
    let mut tx = db.write(&Arc::new(Usage::default())).await?;
    tx.script(ADVISORY_LOCK).await?;
    tx.script(TABLE_LOCKS).await?;
    tx.script(TABLE_POSTGRES).await?;
    let known = tx.all(sql!("SELECT name, checksum FROM migration ORDER BY name" => AppliedRow), []).await?;
    let mut applied = Applied::new();
    for migration in pending(&known, migrations, Engine::Postgres)? {
        tx.script(&migration.postgres)
            .await
            .map_err(|e| Error::internal(format!("migration {}", migration.name)).with_source(e))?;
        tx.exec(
            sql!(postgres: "INSERT INTO migration (name, checksum, applied_at) VALUES ($1, $2, now())"),
            args![migration.name.to_string(), checksum(&migration.postgres)],
        )
        .await?;
        applied.push(migration.name.to_string());
    }
    tx.commit().await?;
    Ok(applied)
}

/// What is left to apply, after comparing what the database has with what there is.
fn pending<'a>(
    known: &[AppliedRow],
    migrations: &'a [Migration],
    engine: Engine,
) -> Result<Vec<&'a Migration>> {
    for row in known {
        let Some(migration) = migrations.iter().find(|m| m.name == row.name) else {
            return Err(refuse(format!(
                "the database has migration {}, which this build does not know: it was used by a newer release. Start that release, or put back the backup that was made before",
                row.name
            )));
        };
        if checksum(migration.text(engine)) != row.checksum {
            return Err(refuse(format!(
                "migration {} was applied with another text than this build has",
                row.name
            )));
        }
    }
    Ok(migrations.iter().filter(|m| known.iter().all(|k| k.name != m.name)).collect())
}

fn refuse(why: String) -> Error {
    Error::new(Kind::Internal, "MIGRATION_REFUSED", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_a_newer_release_is_refused() {
        let known = [AppliedRow { name: "9999_later".into(), checksum: String::new() }];
        let refused = pending(&known, &[], Engine::Sqlite).err().map(|e| e.code());
        assert_eq!(refused, Some("MIGRATION_REFUSED"));
        assert!(pending(&[], &[], Engine::Sqlite).is_ok_and(|left| left.is_empty()));
    }
}
