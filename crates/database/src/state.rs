//! What a process looks at before it uses a database: is it there, is it ours, is it whole.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::sqlite::Sqlite;
use super::{Db, DbInner, Tx, Usage, sqlite};
use crate::error::{Error, Kind, Result};
use crate::{row, sql};

/// The oldest PostgreSQL that is supported.
const OLDEST: i64 = 140_000;
/// Time between two attempts to reach a server, and between two lines that say so.
const ATTEMPTS: Duration = Duration::from_millis(500);
const LINES: Duration = Duration::from_secs(5);

/// What a database holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Nothing: no table, or no file.
    Nothing,
    /// Tables, none of which says that they are ours; one of them.
    Foreign(String),
    /// Our tables.
    Ours,
}

row! {
    /// What a PostgreSQL server says of itself and of our connection.
    pub struct Server {
        /// `16.4 (Debian …)`.
        pub version: String,
        /// 160004.
        pub number: i64,
        /// Of the database.
        pub encoding: String,
        /// Is the connection encrypted?
        pub encrypted: bool,
        /// Does it only read?
        pub standby: bool,
    }
}

impl Server {
    /// An error if this build cannot work with it.
    pub fn check(&self) -> Result<()> {
        let refuse = |code, why: String| Err(Error::new(Kind::Internal, code, why));
        if self.number < OLDEST {
            return refuse(
                "DATABASE_TOO_OLD",
                format!("this is PostgreSQL {}; 14 is the oldest that works", self.version),
            );
        }
        if self.encoding != "UTF8" {
            let why = format!(
                "the database has the encoding {}; it must be UTF8: CREATE DATABASE name OWNER role ENCODING 'UTF8' \
                 TEMPLATE template0",
                self.encoding
            );
            return refuse("DATABASE_ENCODING", why);
        }
        match self.standby {
            true => refuse(
                "DATABASE_STANDBY",
                "this server is a standby, which only reads: name the primary".into(),
            ),
            false => Ok(()),
        }
    }
}

impl Content {
    /// What a file holds, without making or changing one.
    pub fn of_file(path: &Path) -> Result<Content> {
        match std::fs::metadata(path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Content::Nothing),
            Ok(file) if file.len() == 0 => return Ok(Content::Nothing),
            _ => {}
        }
        sqlite::content(path)
    }

    /// What a database holds.
    pub async fn of(db: &Db) -> Result<Content> {
        let mut tx = db.read(&Arc::new(Usage::default())).await?;
        if is_ours(&mut tx).await? {
            return Ok(Content::Ours);
        }
        let table =
            tx.opt(sql!(sqlite: SOME_TABLE_SQLITE, postgres: SOME_TABLE_POSTGRES => String), []).await?;
        Ok(table.map_or(Content::Nothing, Content::Foreign))
    }
}

/// Does the database have the table of migrations, with the columns that ours has?
async fn is_ours(tx: &mut Tx) -> Result<bool> {
    let columns: i64 = tx
        .one(
            // Each engine keeps the names of its columns in its own catalogue.
            sql!(
                sqlite: OUR_COLUMNS,
                postgres: "SELECT count(*) AS n FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                           JOIN pg_namespace n ON n.oid = c.relnamespace
                           WHERE n.nspname = current_schema() AND c.relname = 'migration' AND NOT a.attisdropped
                             AND a.attname IN ('name', 'checksum', 'applied_at')" => i64
            ),
            [],
        )
        .await?;
    Ok(columns == 3)
}

/// How many columns of our table of migrations there are, of three.
pub(super) const OUR_COLUMNS: &str = "SELECT count(*) AS n FROM pragma_table_info('migration') WHERE name IN ('name', 'checksum', 'applied_at')";
/// The name of some table.
pub(super) const SOME_TABLE_SQLITE: &str = "SELECT name FROM sqlite_schema
     WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name LIMIT 1";
/// What an extension brought along is nobody's data.
const SOME_TABLE_POSTGRES: &str =
    "SELECT c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
       AND NOT EXISTS (SELECT 1 FROM pg_depend d
                       WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     ORDER BY c.relname LIMIT 1";

impl Db {
    /// Waits until the server answers, at most `patience`, and says every few seconds why it does not yet. What waiting
    /// does not mend (a wrong password) is told at once. The embedded database is always there.
    pub async fn reach(&self, patience: Duration, mut tell: impl FnMut(&Error, Duration)) -> Result<()> {
        let DbInner::Postgres(pg) = &self.inner else { return Ok(()) };
        let begun = Instant::now();
        let mut told: Option<Instant> = None;
        loop {
            let e = match pg.read().await {
                Ok(_) => return Ok(()),
                Err(e) if e.kind() == Kind::Transient => e,
                Err(e) => return Err(e),
            };
            let left = patience.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(e.with_kind(Kind::Unavailable));
            }
            if told.is_none_or(|at| at.elapsed() >= LINES) {
                tell(&e, left);
                told = Some(Instant::now());
            }
            tokio::time::sleep(ATTEMPTS.min(left)).await;
        }
    }

    /// What the server says of itself; `None` for the embedded database.
    pub async fn server(&self) -> Result<Option<Server>> {
        let DbInner::Postgres(_) = &self.inner else { return Ok(None) };
        let mut tx = self.read(&Arc::new(Usage::default())).await?;
        let server = tx.one(
            sql!(
                postgres: "SELECT current_setting('server_version') AS version,
                             current_setting('server_version_num')::bigint AS number,
                             pg_encoding_to_char(d.encoding)::text AS encoding,
                             coalesce((SELECT s.ssl FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()), false) AS encrypted,
                             pg_is_in_recovery() AS standby
                           FROM pg_database d WHERE d.datname = current_database()" => Server
            ),
            [],
        );
        server.await.map(Some)
    }

    /// Does what is said to it leave this machine? Never for the embedded database.
    pub fn is_local(&self) -> bool {
        match &self.inner {
            DbInner::Sqlite(_) => true,
            DbInner::Postgres(pg) => pg.is_local(),
        }
    }

    /// Looks through the embedded database for damage, for so long; says whether it got to the end. On PostgreSQL the
    /// server does that, and the answer is yes.
    pub async fn check_file(&self, within: Duration) -> Result<bool> {
        let DbInner::Sqlite(sqlite) = &self.inner else { return Ok(true) };
        let sqlite: Arc<Sqlite> = sqlite.clone();
        let checked = tokio::task::spawn_blocking(move || sqlite.check(within)).await;
        checked.map_err(|e| Error::internal("checking the database").with_source(e))?
    }
}

#[cfg(test)]
mod tests {
    use super::Server;

    #[test]
    fn a_server_that_cannot_be_worked_with_is_refused() {
        let server = |number, encoding: &str, standby| {
            let server =
                Server { version: "16".into(), number, encoding: encoding.into(), encrypted: true, standby };
            server.check().map_err(|e| e.code())
        };
        assert_eq!(server(140_000, "UTF8", false), Ok(()));
        assert_eq!(server(130_021, "UTF8", false), Err("DATABASE_TOO_OLD"));
        assert_eq!(server(160_004, "SQL_ASCII", false), Err("DATABASE_ENCODING"));
        assert_eq!(server(160_004, "UTF8", true), Err("DATABASE_STANDBY"));
    }
}
