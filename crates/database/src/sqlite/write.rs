//! The one writer, and commits that use cases share.
//!
//! A use case runs in a transaction that it may share with others (`SqliteTx::begin`): the first of them opened it and
//! needs nothing else to go back, each later one begins with a savepoint. It ends by waiting for the committer thread,
//! which queues on the same fair mutex as the use cases: the ones that were waiting before it run first, then one
//! COMMIT, one fsync, acknowledges them all.
//! Whoever leaves a BEGIN open wakes the committer, always in `Drop`.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Weak, mpsc};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::{OwnedMutexGuard, oneshot};

use super::{Sqlite, changed, connect, execute, first_row, query, run_many};
use crate::error;
use crate::error::{Error, Kind, Result};
use crate::row::FromRow;
use crate::value::Param;

/// Pages in the WAL from which the background moves them, 4 MiB.
const MOVED_FROM: u64 = 1000;
/// Pages in the WAL from which it starts over as soon as the background has moved nearly all of them, 8 MiB. Under steady
/// writing nobody else makes it: a file that grows on costs more than what is written into it.
const START_OVER_FROM: u64 = 2048;
/// Pages that the committer moves itself for it, a few milliseconds' worth.
const LAST_MOVED: u64 = 1024;
/// Pages in the WAL from which the committer moves all of them, 128 MiB: large transactions, which the background never
/// catches up with, or readers that kept it from it.
const MOST_PAGES: u64 = 32_768;
/// Time between two checkpoints.
const CHECKPOINT_PAUSE: Duration = Duration::from_millis(500);
/// Sets of arguments after which a long statement lets the other tasks of its worker thread run: about a millisecond.
const SETS_AT_ONCE: usize = 128;

pub(super) struct Writer {
    conn: Connection,
    /// Orders our processes in front of BEGIN IMMEDIATE; `busy_timeout` would starve one for seconds.
    lock: File,
    locked: bool,
    /// A BEGIN is open: the next use case joins it.
    open: bool,
    /// Who waits for the COMMIT, by the number of its use case.
    acks: Vec<(u64, oneshot::Sender<Result<()>>)>,
    /// What to run before COMMIT, of the use cases that are done.
    last: Vec<Last>,
    /// The number of the last use case.
    number: u64,
}

/// A statement that waits for the end of the shared transaction.
struct Last {
    owner: u64,
    place: i64,
    text: &'static str,
    args: Vec<Box<dyn Param>>,
}

/// A use case inside the shared transaction.
pub(crate) struct SqliteTx {
    writer: OwnedMutexGuard<Writer>,
    sqlite: Arc<Sqlite>,
    number: u64,
    undo: Undo,
    last: Vec<Last>,
}

/// How what a use case wrote is taken back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Undo {
    /// It is not, or no longer, in a transaction.
    Nothing,
    /// It is the first and, holding the writer, still the only one. A savepoint would keep every page that it changes as
    /// it was, which is most of what a large one costs.
    Transaction,
    /// To its own savepoint: others before it stay.
    Savepoint,
}

impl SqliteTx {
    /// Waits for its turn; the caller sets one deadline around the whole of it.
    pub async fn begin(sqlite: Arc<Sqlite>, deadline: Duration) -> Result<SqliteTx> {
        let mut writer = sqlite.writer.clone().lock_owned().await;
        writer.number += 1;
        let number = writer.number;
        let mut tx = SqliteTx { writer, sqlite, number, undo: Undo::Nothing, last: Vec::new() };
        if tx.writer.open {
            tx.writer.step("SAVEPOINT use_case")?;
            tx.undo = Undo::Savepoint;
            return Ok(tx);
        }
        if !tx.writer.try_begin()? {
            // Another process writes. Its turn may take a while, and a worker thread must not wait: the guard
            // travels with the blocking task, and if nobody waits for it any more, its Drop cleans up.
            tx = tokio::task::spawn_blocking(move || tx.begin_waiting(deadline))
                .await
                .map_err(|e| Error::internal("waiting for the write lock").with_source(e))??;
        }
        tx.undo = Undo::Transaction;
        Ok(tx)
    }

    fn begin_waiting(mut self, deadline: Duration) -> Result<SqliteTx> {
        let w = &mut *self.writer;
        w.lock.lock().map_err(|e| Error::internal("locking the lock file").with_source(e))?;
        w.locked = true;
        // Only somebody without our lock file can still hold the database: a shell, a backup.
        w.conn.busy_timeout(deadline).map_err(error::sqlite)?;
        let begun = w.conn.execute_batch("BEGIN IMMEDIATE").map_err(error::sqlite);
        w.conn.busy_timeout(Duration::ZERO).map_err(error::sqlite)?;
        // It waited for the whole deadline: as late as if the caller's own clock had rung first.
        begun.map_err(|e| if is_busy(&e) { error::deadline().with_source(e) } else { e })?;
        w.open = true;
        Ok(self)
    }

    pub fn exec(&mut self, text: &str, args: &[&dyn Param]) -> Result<u64> {
        let done = execute(&self.writer.conn, text, args);
        self.seen(done)
    }

    /// Leaves a statement for the end of the shared transaction.
    pub fn exec_before_commit(&mut self, text: &'static str, place: i64, args: Vec<Box<dyn Param>>) {
        self.last.push(Last { owner: self.number, place, text, args });
    }

    /// The same statement with each set: how many rows each changed.
    pub async fn exec_many(&mut self, text: &str, sets: &[&[&dyn Param]]) -> Result<Vec<u64>> {
        self.many(text, sets, changed).await
    }

    /// The same statement with each set: the first row of each.
    pub async fn opt_many<R: FromRow>(
        &mut self,
        text: &str,
        sets: &[&[&dyn Param]],
    ) -> Result<Vec<Option<R>>> {
        self.many(text, sets, first_row).await
    }

    /// In the pauses the transaction and the place as the writer stay ours.
    async fn many<T>(
        &mut self,
        text: &str,
        sets: &[&[&dyn Param]],
        answer: fn(&mut rusqlite::Statement<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut answers = Vec::with_capacity(sets.len());
        for (i, sets) in sets.chunks(SETS_AT_ONCE).enumerate() {
            if i > 0 {
                tokio::task::yield_now().await;
            }
            let done = run_many(&self.writer.conn, text, sets, &mut answers, answer);
            self.seen(done)?;
        }
        Ok(answers)
    }

    pub fn read<R: FromRow>(&mut self, text: &str, args: &[&dyn Param], limit: usize) -> Result<Vec<R>> {
        let rows = query(&self.writer.conn, text, args, limit);
        self.seen(rows)
    }

    /// A full disk in one statement may undo the whole shared transaction, the neighbours' released
    /// savepoints included: the connection is then back in autocommit, and everybody must be told.
    fn seen<T>(&mut self, result: Result<T>) -> Result<T> {
        if let Err(e) = &result
            && self.writer.conn.is_autocommit()
        {
            self.undo = Undo::Nothing;
            self.writer.fail(e, None);
        }
        result
    }

    /// Leaves what it wrote to the shared transaction and waits until that is on disk.
    pub async fn commit(mut self) -> Result<()> {
        if self.undo == Undo::Savepoint {
            let released = self.writer.step("RELEASE use_case");
            self.seen(released)?;
        }
        self.undo = Undo::Nothing;
        let last = std::mem::take(&mut self.last);
        self.writer.last.extend(last);
        let (ack, acked) = oneshot::channel();
        let number = self.number;
        self.writer.acks.push((number, ack));
        drop(self);
        acked.await.unwrap_or_else(|_| Err(error::unknown()))
    }
}

impl Drop for SqliteTx {
    fn drop(&mut self) {
        let writer = &mut self.writer;
        let undone = match self.undo {
            Undo::Nothing => Ok(()),
            Undo::Transaction => writer.step("ROLLBACK").map(|()| writer.open = false),
            Undo::Savepoint => {
                writer.step("ROLLBACK TO use_case").and_then(|()| writer.step("RELEASE use_case"))
            }
        };
        if let Err(e) = undone {
            // The batch cannot be trusted any more: nobody in it is acknowledged.
            writer.abandon(&e, None);
        }
        if self.writer.open {
            self.sqlite.wake();
        } else {
            self.writer.unlock();
        }
    }
}

impl Writer {
    pub(super) fn new(conn: Connection, lock: File) -> Writer {
        Writer { conn, lock, locked: false, open: false, acks: Vec::new(), last: Vec::new(), number: 0 }
    }

    /// BEGIN IMMEDIATE if nobody else is at it.
    fn try_begin(&mut self) -> Result<bool> {
        match self.lock.try_lock() {
            Ok(()) => self.locked = true,
            Err(std::fs::TryLockError::WouldBlock) => return Ok(false),
            Err(std::fs::TryLockError::Error(e)) => {
                return Err(Error::internal("locking the lock file").with_source(e));
            }
        }
        match self.step("BEGIN IMMEDIATE") {
            Ok(()) => {
                self.open = true;
                Ok(true)
            }
            Err(e) if is_busy(&e) => {
                self.unlock();
                Ok(false)
            }
            Err(e) => {
                self.unlock();
                Err(e)
            }
        }
    }

    fn step(&mut self, text: &str) -> Result<()> {
        execute(&self.conn, text, &[]).map(drop)
    }

    fn unlock(&mut self) {
        if std::mem::take(&mut self.locked) {
            // Closing the file would unlock it as well; an error here leaves nothing worse than waiting.
            let _ = self.lock.unlock();
        }
    }

    fn commit(&mut self) {
        if !self.open {
            return;
        }
        match self.run_last().and_then(|()| self.step("COMMIT").map_err(|e| (None, e))) {
            Ok(()) => {
                self.open = false;
                self.unlock();
                for (_, ack) in self.acks.drain(..) {
                    let _ = ack.send(Ok(()));
                }
            }
            Err((owner, e)) => self.abandon(&e, owner),
        }
    }

    pub(super) fn checkpoint(&mut self) {
        self.commit();
        // A reader or another process may be in the way.
        let _ = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    /// The error with whose statement it was.
    fn run_last(&mut self) -> Result<(), (Option<u64>, Error)> {
        let mut last = std::mem::take(&mut self.last);
        last.sort_by_key(|last| last.place);
        for Last { owner, text, args, .. } in &last {
            let args: Vec<&dyn Param> = args.iter().map(|arg| &**arg).collect();
            execute(&self.conn, text, &args).map_err(|e| (Some(*owner), e))?;
        }
        Ok(())
    }

    /// Pages in the WAL, and how many of them are in the database file already.
    fn pages(&self) -> (u64, u64) {
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(1)?, row.get(2)?));
        let pages: Option<(i64, i64)> = self
            .conn
            .prepare_cached("PRAGMA wal_checkpoint(NOOP)")
            .and_then(|mut statement| statement.query_row([], read))
            .ok();
        let (pages, moved) = pages.unwrap_or_default();
        (u64::try_from(pages).unwrap_or(0), u64::try_from(moved).unwrap_or(0))
    }

    /// Rolls the shared transaction back and tells everybody in it why.
    fn abandon(&mut self, reason: &Error, owner: Option<u64>) {
        if !self.conn.is_autocommit() {
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        self.fail(reason, owner);
    }

    /// What one use case did wrong is told to that one: the others may run again, and then without it.
    fn fail(&mut self, reason: &Error, owner: Option<u64>) {
        self.open = false;
        self.last.clear();
        self.unlock();
        // A disk that is full is so for everybody.
        let owner = owner.filter(|_| !matches!(reason.kind(), Kind::Unavailable | Kind::Unknown));
        for (number, ack) in self.acks.drain(..) {
            let is_neighbour = owner.is_some_and(|owner| owner != number);
            let _ = ack.send(Err(if is_neighbour { error::transient() } else { reason.again() }));
        }
    }
}

fn is_busy(e: &Error) -> bool {
    let code = std::error::Error::source(e)
        .and_then(|s| s.downcast_ref::<rusqlite::Error>())
        .and_then(rusqlite::Error::sqlite_error_code);
    matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Ends with the last handle: it holds only a `Weak`, and the channel closes with the store.
pub(super) fn committer(sqlite: &Weak<Sqlite>, wakes: &mpsc::Receiver<()>, full: &mpsc::SyncSender<()>) {
    while wakes.recv().is_ok() {
        while wakes.try_recv().is_ok() {}
        let Some(sqlite) = sqlite.upgrade() else { return };
        let mut writer = sqlite.writer.clone().blocking_lock_owned();
        writer.commit();
        if writer.open {
            continue;
        }
        let (pages, moved) = writer.pages();
        sqlite.watch.look(pages);
        let left = pages.saturating_sub(moved);
        if pages > MOST_PAGES || (pages > START_OVER_FROM && left <= LAST_MOVED) {
            // A reader may be in the way: then the next commit tries again.
            let _ = writer.conn.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()));
        } else if left > MOVED_FROM {
            let _ = full.try_send(());
        }
    }
}

/// Moves the WAL into the database file on a connection of its own: on the writer's, the tail of writes
/// would show it.
pub(super) fn checkpointer(path: &Path, fulls: &mpsc::Receiver<()>) {
    let Ok(conn) = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE) else { return };
    while fulls.recv().is_ok() {
        let _ = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        // A page that changes with every commit is moved twice a second instead of each time.
        std::thread::sleep(CHECKPOINT_PAUSE);
    }
}
