//! Two databases, one SQL.
//!
//! | file | holds |
//! |---|---|
//! | `sql` | `sql!`, `args!`, the register of statements, run-time conditions |
//! | `row`, `value` | `row!`, `column!`: what comes out and what goes in |
//! | `record` | INSERT and UPDATE from the struct of a row |
//! | `many` | many values as one argument |
//! | `tx` | `Tx`: the same on both engines |
//! | `sqlite` | SQLite: readers per thread, one writer, shared commits |
//! | `postgres` | PostgreSQL: the pool, and connections whose user went away |
//! | `error` | drivers' errors to ours, and which are worth another try |
//! | `migrate` | numbered folders with both texts, applied under a lock |
//! | `state` | what a process looks at first: is it there, is it ours, is it whole |
//!
//! It knows nothing of what is stored, of requests or of callers: it can be used without the rest. How to write a statement:
//! `docs/database.md`.

mod error;
mod many;
pub mod migrate;
mod postgres;
#[doc(hidden)]
pub mod record;
#[doc(hidden)]
pub mod row;
mod sql;
mod sqlite;
mod state;
mod tx;
mod value;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use tokio::sync::Semaphore;

pub use error::{Error, Kind, Parts, Result, Unreachable};
pub use many::{Ids, Texts};
pub use migrate::Migration;
pub use record::{Arg, Record, Versioned, Written, WrittenEntry, args_behind};
pub use row::{FieldSpec, FromRow, Row, Scalar};
pub use sql::{Entry, Sql, Where, arity, compose, mentions};
pub use state::{Content, Server};
pub use tx::{STATEMENTS, Tx, Usage};
pub use value::{Column, Json, Param};

use postgres::Postgres;
use sqlite::{Sqlite, SqliteTx};
use tx::{Access, Inner};

/// What the macros name in other crates.
#[doc(hidden)]
pub mod driver {
    pub use bytes::BytesMut;
    pub use inventory;
    pub use rusqlite;
    pub use tokio_postgres;
}

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// Embedded.
    Sqlite,
    /// A server.
    Postgres,
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
        })
    }
}

/// Where the database is.
#[derive(Clone)]
pub enum Target {
    /// A file on a local disk.
    Sqlite(PathBuf),
    /// A `postgres://` URL; may hold a password.
    Postgres(String),
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Sqlite(path) => write!(f, "sqlite {}", path.display()),
            Target::Postgres(_) => f.write_str("postgres"),
        }
    }
}

/// How to open a database.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it is.
    pub target: Target,
    /// PostgreSQL connections; 0 chooses by the number of cores.
    pub pool_size: usize,
    /// How long `write()` and a connection may take to come.
    pub deadline: Duration,
    /// How long one statement of `slow_read()` may take.
    pub slow_deadline: Duration,
    /// How long a statement waits for a row that another session of PostgreSQL keeps locked.
    pub lock_timeout: Duration,
    /// When PostgreSQL ends a transaction in which nothing happens: its host may be gone.
    pub idle_timeout: Duration,
    /// Bytes in SQLite's WAL from which the log warns.
    pub wal_warning_bytes: u64,
    /// What PostgreSQL shows as the name of our sessions.
    pub application_name: &'static str,
    /// Root certificates for PostgreSQL where its URL names none: a file, or `system`.
    pub ssl_root_cert: Option<String>,
}

impl Options {
    /// The defaults for a target.
    pub fn new(target: Target) -> Options {
        Options {
            target,
            pool_size: 0,
            deadline: Duration::from_secs(10),
            slow_deadline: Duration::from_secs(60),
            lock_timeout: Duration::from_secs(2),
            idle_timeout: Duration::from_secs(60),
            wal_warning_bytes: 256 << 20,
            application_name: "",
            ssl_root_cert: None,
        }
    }
}

/// Statistics and exports that SQLite runs at once; PostgreSQL a quarter of its pool.
const SLOW_READS: usize = 2;

/// An open database. Cloning shares it.
#[derive(Clone)]
pub struct Db {
    inner: DbInner,
    deadline: Duration,
    slow_deadline: Duration,
    slow: Arc<Semaphore>,
}

#[derive(Clone)]
enum DbInner {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
}

impl Db {
    /// Opens it; PostgreSQL is asked for nothing yet. Errors say what to do.
    pub fn open(options: &Options) -> Result<Db> {
        let inner = match &options.target {
            Target::Sqlite(path) => {
                if let Some(folder) = path.parent().filter(|p| *p != Path::new("")) {
                    private_dir(folder).map_err(|e| {
                        Error::internal(format!("cannot create {}", folder.display())).with_source(e)
                    })?;
                }
                DbInner::Sqlite(Sqlite::open(path, options.wal_warning_bytes)?)
            }
            Target::Postgres(url) => DbInner::Postgres(Postgres::open(url, options)?),
        };
        let slow_reads = match &inner {
            DbInner::Sqlite(_) => SLOW_READS,
            DbInner::Postgres(pg) => pg.slow_reads(),
        };
        let slow = Arc::new(Semaphore::new(slow_reads));
        Ok(Db { inner, deadline: options.deadline, slow_deadline: options.slow_deadline, slow })
    }

    /// Which engine it is.
    pub fn engine(&self) -> Engine {
        match self.inner {
            DbInner::Sqlite(_) => Engine::Sqlite,
            DbInner::Postgres(_) => Engine::Postgres,
        }
    }

    /// Before a process stops: SQLite's WAL is moved into the database file, so that the file alone is everything. Does what
    /// it can; what another process or a reader is in the way of stays in the WAL, and nothing is lost.
    pub async fn checkpoint(&self) {
        if let DbInner::Sqlite(sqlite) = &self.inner {
            sqlite.checkpoint().await;
        }
    }

    /// Bytes in the file of SQLite's WAL; `None` on PostgreSQL.
    pub fn wal_bytes(&self) -> Option<u64> {
        match &self.inner {
            DbInner::Sqlite(sqlite) => Some(sqlite.wal_bytes()),
            DbInner::Postgres(_) => None,
        }
    }

    /// Copies the embedded database into a new file that only its owner can read. `false` on PostgreSQL, whose own
    /// programs do that.
    pub async fn copy_to(&self, to: &Path) -> Result<bool> {
        let DbInner::Sqlite(sqlite) = &self.inner else { return Ok(false) };
        let (sqlite, to) = (sqlite.clone(), to.to_owned());
        let copied = tokio::task::spawn_blocking(move || sqlite.copy_to(&to)).await;
        copied.map_err(|e| Error::internal("copying the database failed").with_source(e))?.map(|()| true)
    }

    /// Single statements, each its own snapshot, on the primary: what was written is read.
    pub async fn read(&self, usage: &Arc<Usage>) -> Result<Tx> {
        let usage = usage.open()?;
        let inner = match &self.inner {
            DbInner::Sqlite(sqlite) => Inner::SqliteRead(sqlite.clone()),
            DbInner::Postgres(pg) => Inner::Postgres(self.with_retries(|| pg.read()).await?),
        };
        Ok(Tx::new(inner, Access::Read, usage))
    }

    /// Several statements that must agree.
    pub async fn snapshot(&self, usage: &Arc<Usage>) -> Result<Tx> {
        let usage = usage.open()?;
        let inner = match &self.inner {
            DbInner::Sqlite(sqlite) => Inner::SqliteSnapshot(sqlite.snapshot_reader()?),
            DbInner::Postgres(pg) => Inner::Postgres(
                self.with_retries(|| pg.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await?,
            ),
        };
        Ok(Tx::new(inner, Access::Snapshot, usage))
    }

    /// Statistics, exports and the like: apart from the worker threads, each statement with a deadline, and so few at
    /// once that the rest goes on. `Unavailable` if no place comes free within the deadline.
    pub async fn slow_read(&self, usage: &Arc<Usage>) -> Result<Tx> {
        let usage = usage.open()?;
        let permit = tokio::time::timeout(self.slow_deadline, self.slow.clone().acquire_owned());
        let permit = permit.await.map_err(|_| error::deadline())?.map_err(|_| error::deadline())?;
        let inner = match &self.inner {
            DbInner::Sqlite(sqlite) => Inner::SqliteSlow(sqlite.slow_reader(self.slow_deadline)?),
            DbInner::Postgres(pg) => {
                let begin = format!(
                    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {}",
                    postgres::millis(self.slow_deadline)
                );
                Inner::Postgres(self.with_retries(|| pg.begin(&begin)).await?)
            }
        };
        Ok(Tx::new(inner, Access::Snapshot, usage).holding(permit))
    }

    /// A transaction. One deadline covers the whole wait; dropping it rolls back.
    pub async fn write(&self, usage: &Arc<Usage>) -> Result<Tx> {
        let usage = usage.open()?;
        let inner = match &self.inner {
            DbInner::Sqlite(sqlite) => {
                let begin = SqliteTx::begin(sqlite.clone(), self.deadline);
                let begun = tokio::time::timeout(self.deadline, begin).await;
                Inner::SqliteWrite(begun.map_err(|_| error::deadline())??)
            }
            DbInner::Postgres(pg) => Inner::Postgres(self.with_retries(|| pg.write()).await?),
        };
        Ok(Tx::new(inner, Access::Write, usage))
    }

    /// A connection and its BEGIN, tried again until the deadline: hides nearly all of a server's restart.
    async fn with_retries<T, F: Future<Output = Result<T>>>(&self, get: impl FnMut() -> F) -> Result<T> {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(10))
            .with_max_delay(Duration::from_millis(500))
            .with_jitter()
            .without_max_times();
        let mut last = None;
        let tries = get
            .retry(backoff)
            .when(|e: &Error| e.kind() == Kind::Transient)
            .notify(|e: &Error, _| last = Some(e.again()));
        match tokio::time::timeout(self.deadline, tries).await {
            Ok(done) => done,
            // A server that refuses connections is not a busy one: say which it was. No other try helps.
            Err(_) => Err(last.map_or_else(error::deadline, |e| e.with_kind(Kind::Unavailable))),
        }
    }
}

/// Can this `postgres://…` URL be used? The error is the end of a sentence and quotes no password.
pub fn check_url(url: &str) -> Result<(), String> {
    postgres::PostgresUrl::parse(url).map(drop)
}

/// Makes a directory, and those above it, that only its owner can enter; one that exists stays as it is.
pub fn private_dir(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Async closures over `dyn` arguments in this layer once broke `Send` far away, at every handler.
    #[test]
    fn everything_is_send() {
        fn send<F: Future + Send>(_: F) {}
        fn holds(db: &Db, usage: &Arc<Usage>) {
            send(async move {
                let mut tx = db.write(usage).await?;
                let n = tx
                    .one(
                        crate::sql!("SELECT count(*) AS n FROM migration WHERE name = $1" => i64),
                        crate::args!["x"],
                    )
                    .await?;
                tx.commit().await?;
                Ok::<i64, Error>(n)
            });
        }
        let _ = holds;
    }
}
