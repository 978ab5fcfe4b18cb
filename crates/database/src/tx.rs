//! `Tx`: the way in to either database. It owns its connection, is `Send` and not `Sync` (pass `&mut Tx`),
//! and rolls back when dropped. Its first failed statement poisons it, on both engines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::many::Ids;
use super::postgres::PostgresTx;
use super::row::FromRow;
use super::sql::{Sql, Where, compose, question_marks};
use super::sqlite::{SlowReader, SnapshotReader, Sqlite, SqliteTx};
use super::value::Param;
use super::{Engine, error};
use crate::error::{Error, Kind, Result};

/// What one unit of work does with the database: how many statements it ran, and whether a transaction is open.
#[derive(Default)]
pub struct Usage {
    statements: Arc<AtomicU32>,
    open: AtomicBool,
}

impl Usage {
    /// Statements so far; tests read it from a header.
    pub fn statements(&self) -> u32 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Refused while the same unit of work has another transaction open: a second connection can deadlock the pool, and a
    /// second SQLite write would wait for itself.
    pub(crate) fn open(self: &Arc<Usage>) -> Result<OpenUsage> {
        if self.open.swap(true, Ordering::SeqCst) {
            return Err(Error::internal(
                "a transaction of this request is still open: pass `&mut tx` on, or commit first",
            ));
        }
        Ok(OpenUsage(Some(self.clone())))
    }
}

pub(crate) enum Inner {
    SqliteWrite(SqliteTx),
    SqliteRead(Arc<Sqlite>),
    SqliteSnapshot(SnapshotReader),
    SqliteSlow(SlowReader),
    Postgres(PostgresTx),
}

/// What a `Tx` may do, and what a failed statement means for the next.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Access {
    /// Single reads, each its own snapshot: a failed one leaves nothing behind.
    Read,
    /// Reads that agree; the first failed one ends it.
    Snapshot,
    /// A transaction; the first failed statement ends it.
    Write,
}

/// The log target of statements.
pub const STATEMENTS: &str = "database::statement";

/// A transaction, or a way to read. See the module's documentation.
pub struct Tx {
    inner: Option<Inner>,
    failed: bool,
    access: Access,
    statements: Arc<AtomicU32>,
    usage: Option<Arc<Usage>>,
    after: Vec<Box<dyn FnOnce() + Send>>,
    /// Of a slow read; given back after its connection.
    permit: Option<tokio::sync::OwnedSemaphorePermit>,
}

impl Tx {
    pub(crate) fn new(inner: Inner, access: Access, mut usage: OpenUsage) -> Tx {
        let usage = usage.0.take();
        let statements = usage.as_ref().map(|u| u.statements.clone()).unwrap_or_default();
        let after = Vec::new();
        Tx { inner: Some(inner), failed: false, access, statements, usage, after, permit: None }
    }

    /// The same, counted among the slow reads until it ends.
    pub(crate) fn holding(mut self, permit: tokio::sync::OwnedSemaphorePermit) -> Tx {
        self.permit = Some(permit);
        self
    }

    /// Did a statement fail? Then nothing of it stays, and whoever goes through many records cannot leave this one out.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Which engine it runs on; for tests and the few places that report it.
    pub fn engine(&self) -> Engine {
        match self.inner {
            Some(Inner::Postgres(_)) => Engine::Postgres,
            _ => Engine::Sqlite,
        }
    }

    /// Runs a statement and says how many rows it changed.
    pub async fn exec<const N: usize>(
        &mut self,
        sql: &'static Sql<N, ()>,
        args: [&dyn Param; N],
    ) -> Result<u64> {
        let text = sql.source(self.engine());
        self.may_write()?;
        let done = match self.step(text)? {
            Inner::SqliteWrite(tx) => tx.exec(sql.sqlite(), &args),
            Inner::Postgres(tx) => tx.exec(sql.postgres(), &args).await,
            Inner::SqliteRead(_) | Inner::SqliteSnapshot(_) | Inner::SqliteSlow(_) => Err(reader_writes()),
        };
        self.keep(done)
    }

    /// Runs one statement with each set of arguments, in this order, and says how many rows each changed. It counts as
    /// one statement, and poisons as one: after a failure, or when its use case stopped waiting, nothing of it stays.
    /// On PostgreSQL the sets are pipelined.
    pub async fn exec_many<const N: usize>(
        &mut self,
        sql: &'static Sql<N, ()>,
        sets: &[[&dyn Param; N]],
    ) -> Result<Vec<u64>> {
        let Some(inner) = self.begin_many(sql.source(self.engine()), sets.is_empty())? else {
            return Ok(Vec::new());
        };
        let done = match inner {
            Inner::SqliteWrite(tx) => tx.exec_many(sql.sqlite(), &slices(sets)).await?,
            Inner::Postgres(tx) => tx.exec_many(sql.postgres(), &slices(sets)).await?,
            Inner::SqliteRead(_) | Inner::SqliteSnapshot(_) | Inner::SqliteSlow(_) => {
                return Err(reader_writes());
            }
        };
        self.failed = false;
        Ok(done)
    }

    /// The same for a text that was made at run time from the columns of a record.
    pub(crate) async fn exec_sets(&mut self, text: &str, sets: &[&[&dyn Param]]) -> Result<Vec<u64>> {
        let Some(inner) = self.begin_many(text, sets.is_empty())? else {
            return Ok(Vec::new());
        };
        let done = match inner {
            Inner::SqliteWrite(tx) => tx.exec_many(&question_marks(text), sets).await?,
            Inner::Postgres(tx) => tx.exec_many_composed(text, sets).await?,
            Inner::SqliteRead(_) | Inner::SqliteSnapshot(_) | Inner::SqliteSlow(_) => {
                return Err(reader_writes());
            }
        };
        self.failed = false;
        Ok(done)
    }

    /// Locks rows by their ids, in the order of the ids. SQLite has one writer, and nothing to lock.
    pub(crate) async fn lock_rows(&mut self, table: &str, ids: Ids) -> Result<()> {
        if self.engine() == Engine::Sqlite {
            return Ok(());
        }
        let text = format!("SELECT id FROM {table} WHERE id = ANY($1) ORDER BY id FOR UPDATE");
        let locked = match self.step(&text)? {
            Inner::Postgres(tx) => tx.read_composed::<uuid::Uuid>(&text, &[&ids], false).await,
            _ => Ok(Vec::new()),
        };
        self.keep(locked).map(drop)
    }

    /// SQLite only: runs a statement when the transaction ends that the use case shares with others, before its COMMIT;
    /// all such statements run in ascending order of `place`, and then in that of the calls. It is for an index that is
    /// cheaper to write in one go and in order than bit by bit. Nobody sees its effect before the COMMIT, its own use case
    /// neither, and if it fails, everybody in the transaction is refused.
    pub fn exec_before_commit<const N: usize>(
        &mut self,
        sql: &'static Sql<N, ()>,
        place: i64,
        args: [Box<dyn Param>; N],
    ) -> Result<()> {
        let text = sql.source(self.engine());
        self.may_write()?;
        match self.step(text)? {
            Inner::SqliteWrite(tx) => tx.exec_before_commit(sql.sqlite(), place, Vec::from(args)),
            _ => return Err(Error::internal("only SQLite has transactions that are shared")),
        }
        Ok(())
    }

    /// Like [`Tx::exec_many`], with the first row of each, if it has one: `INSERT … ON CONFLICT DO NOTHING RETURNING …`.
    pub async fn opt_many<const N: usize, R: FromRow + Send + 'static>(
        &mut self,
        sql: &'static Sql<N, R>,
        sets: &[[&dyn Param; N]],
    ) -> Result<Vec<Option<R>>> {
        let Some(inner) = self.begin_many(sql.source(self.engine()), sets.is_empty())? else {
            return Ok(Vec::new());
        };
        let done = match inner {
            Inner::SqliteWrite(tx) => tx.opt_many(sql.sqlite(), &slices(sets)).await?,
            Inner::Postgres(tx) => tx.opt_many(sql.postgres(), &slices(sets)).await?,
            Inner::SqliteRead(_) | Inner::SqliteSnapshot(_) | Inner::SqliteSlow(_) => {
                return Err(reader_writes());
            }
        };
        self.failed = false;
        Ok(done)
    }

    /// Takes the transaction for failed until all of it is done: SQLite pauses in it, and there it can be dropped.
    fn begin_many(&mut self, text: &str, empty: bool) -> Result<Option<&mut Inner>> {
        self.may_write()?;
        if empty && !self.failed {
            return Ok(None);
        }
        self.step(text)?;
        self.failed = true;
        Ok(self.inner.as_mut())
    }

    /// All rows. The statement bounds them: a LIMIT, a keyset, or a table that stays small.
    pub async fn all<const N: usize, R: FromRow + Send + 'static>(
        &mut self,
        sql: &'static Sql<N, R>,
        args: [&dyn Param; N],
    ) -> Result<Vec<R>> {
        self.rows(sql, &args, usize::MAX).await
    }

    /// The first row, if there is one.
    pub async fn opt<const N: usize, R: FromRow + Send + 'static>(
        &mut self,
        sql: &'static Sql<N, R>,
        args: [&dyn Param; N],
    ) -> Result<Option<R>> {
        Ok(self.rows(sql, &args, 1).await?.pop())
    }

    /// The one row that such a statement always has (`RETURNING`, `count(*)`).
    pub async fn one<const N: usize, R: FromRow + Send + 'static>(
        &mut self,
        sql: &'static Sql<N, R>,
        args: [&dyn Param; N],
    ) -> Result<R> {
        let row = self.rows(sql, &args, 1).await?.pop();
        row.ok_or_else(|| Error::internal(format!("no row from: {}", sql.source(self.engine()))))
    }

    async fn rows<const N: usize, R: FromRow + Send + 'static>(
        &mut self,
        sql: &'static Sql<N, R>,
        args: &[&dyn Param],
        limit: usize,
    ) -> Result<Vec<R>> {
        let text = sql.source(self.engine());
        let rows = match self.step(text)? {
            Inner::SqliteRead(sqlite) => sqlite.read(sql.sqlite(), args, limit),
            Inner::SqliteWrite(tx) => tx.read(sql.sqlite(), args, limit),
            Inner::SqliteSnapshot(reader) => reader.read(sql.sqlite(), args, limit),
            Inner::SqliteSlow(reader) => reader.read(sql.sqlite(), args, limit).await,
            Inner::Postgres(tx) => tx.read(sql.postgres(), args, limit).await,
        };
        self.keep(rows)
    }

    /// A registered base (ending in `WHERE …`) completed by conditions and a literal tail.
    pub async fn select<R: FromRow + Send + 'static>(
        &mut self,
        base: &'static Sql<0, R>,
        conditions: &Where<'_>,
        tail: &str,
    ) -> Result<Vec<R>> {
        let text = compose(self.engine(), base, conditions, tail);
        self.rows_of(&text, conditions).await
    }

    /// `count(*)` over such a base, which stops at the limit bound as `$limit`.
    pub async fn count_select(
        &mut self,
        base: &'static Sql<0, i64>,
        conditions: &Where<'_>,
        limit: usize,
    ) -> Result<Vec<i64>> {
        let inner = compose(self.engine(), base, conditions, &format!(" LIMIT ${limit}"));
        self.rows_of(&format!("SELECT count(*) AS n FROM ({inner}) AS found"), conditions).await
    }

    /// A text made at run time; `$n` becomes `?n` on SQLite.
    async fn rows_of<R: FromRow + Send + 'static>(
        &mut self,
        text: &str,
        conditions: &Where<'_>,
    ) -> Result<Vec<R>> {
        let args = &conditions.args();
        let rows = match self.step(text)? {
            Inner::SqliteRead(sqlite) => sqlite.read(&question_marks(text), args, usize::MAX),
            Inner::SqliteWrite(tx) => tx.read(&question_marks(text), args, usize::MAX),
            Inner::SqliteSnapshot(reader) => reader.read(&question_marks(text), args, usize::MAX),
            Inner::SqliteSlow(reader) => reader.read(&question_marks(text), args, usize::MAX).await,
            Inner::Postgres(tx) => tx.read_composed(text, args, conditions.custom_plan).await,
        };
        self.keep(rows)
    }

    /// `UPDATE … AND version = $n` changed nothing: somebody else was faster.
    pub async fn exec_versioned<const N: usize>(
        &mut self,
        sql: &'static Sql<N, ()>,
        args: [&dyn Param; N],
    ) -> Result<()> {
        match self.exec(sql, args).await? {
            0 => Err(self.stale()),
            _ => Ok(()),
        }
    }

    pub(crate) fn stale(&mut self) -> Error {
        self.failed = true;
        let detail = "The record was changed by somebody else in the meantime; read it again";
        Error::new(Kind::Stale, "CONFLICT", detail)
    }

    /// Several statements as text, in a migration.
    pub(crate) async fn script(&mut self, text: &str) -> Result<()> {
        let done = match self.step(text)? {
            Inner::Postgres(tx) => tx.script(text).await,
            _ => Err(Error::internal("migrations of SQLite have a connection of their own")),
        };
        self.keep(done)
    }

    /// Says at once what the engine would say: SQLite's readers have `query_only`, PostgreSQL's sessions are read only until
    /// a transaction begins with READ WRITE.
    fn may_write(&self) -> Result<()> {
        match self.access {
            Access::Write => Ok(()),
            Access::Read | Access::Snapshot => Err(reader_writes()),
        }
    }

    /// `database.echo` shows this target; values are never in the text.
    fn step(&mut self, text: &str) -> Result<&mut Inner> {
        if self.failed {
            return Err(error::poisoned());
        }
        if text.is_empty() {
            return Err(Error::internal("this statement is one of the other engine"));
        }
        tracing::debug!(target: STATEMENTS, "{text}");
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.inner.as_mut().ok_or_else(error::poisoned)
    }

    fn keep<T>(&mut self, result: Result<T>) -> Result<T> {
        self.failed |= result.is_err() && self.access != Access::Read;
        result
    }

    /// Runs `then` when the transaction is committed, or when nobody can know whether it was.
    pub fn after_commit(&mut self, then: impl FnOnce() + Send + 'static) {
        self.after.push(Box::new(then));
    }

    /// Lets the unit of work open another transaction while this one waits for its end.
    pub fn detach(&mut self) {
        if let Some(usage) = self.usage.take() {
            usage.open.store(false, Ordering::SeqCst);
        }
    }

    /// Makes it last. Every use case that succeeds ends with it, even one that wrote nothing: on SQLite it
    /// may have read rows of its batch neighbours that are not on disk yet.
    pub async fn commit(mut self) -> Result<()> {
        if self.failed {
            return Err(error::poisoned());
        }
        let after = std::mem::take(&mut self.after);
        let done = match self.inner.take() {
            Some(Inner::SqliteWrite(tx)) => tx.commit().await,
            Some(Inner::Postgres(tx)) if self.access == Access::Write => tx.commit().await,
            _ => Ok(()),
        };
        if done.as_ref().err().is_none_or(|e| e.kind() == Kind::Unknown) {
            for then in after {
                then();
            }
        }
        done
    }
}

fn slices<'a, const N: usize>(sets: &'a [[&'a dyn Param; N]]) -> Vec<&'a [&'a dyn Param]> {
    sets.iter().map(<[_; N]>::as_slice).collect()
}

fn reader_writes() -> Error {
    Error::internal("a write through a reader; use write()")
}

impl Drop for Tx {
    fn drop(&mut self) {
        self.detach();
    }
}

/// The right of a unit of work to its one open transaction, until the `Tx` has it.
pub(crate) struct OpenUsage(Option<Arc<Usage>>);

impl Drop for OpenUsage {
    fn drop(&mut self) {
        if let Some(usage) = &self.0 {
            usage.open.store(false, Ordering::SeqCst);
        }
    }
}
