//! SQLite: readers on the worker threads, and one writer whose commits are shared.
//!
//! A use case begins with a savepoint inside a transaction that it may share with others (`LiteTx::begin`),
//! and ends by waiting for the committer thread, which queues on the same fair mutex as the use cases: the
//! ones that were waiting before it run first, then one COMMIT, one fsync, acknowledges them all.
//! Whoever leaves a BEGIN open wakes the committer, always in `Drop`.

use std::cell::RefCell;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak, mpsc};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::{OwnedMutexGuard, Semaphore, oneshot};

use super::error;
use super::row::{FromRow, Row};
use super::value::Param;
use crate::error::{Error, Result};

/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 512;
/// Pages in the WAL (4 KiB each) from which the background checkpoint runs.
const CHECKPOINT_BYTES: u64 = 1000 * 4096;
/// Size of the WAL at which the committer itself makes room: readers kept the background from it.
const WAL_LIMIT_BYTES: u64 = 256 << 20;
/// Statistics and exports that may run at once.
const SLOW_READS: usize = 2;

/// An open SQLite database: one writer, readers per thread.
pub(crate) struct Lite {
    path: PathBuf,
    id: u64,
    writer: Arc<tokio::sync::Mutex<Writer>>,
    wake: mpsc::Sender<()>,
    idle: Mutex<Vec<Connection>>,
    slow: Arc<Semaphore>,
}

struct Writer {
    conn: Connection,
    /// Orders our processes in front of BEGIN IMMEDIATE; `busy_timeout` would starve one for seconds.
    lock: File,
    locked: bool,
    /// A BEGIN is open: the next use case joins it.
    open: bool,
    acks: Vec<oneshot::Sender<Result<()>>>,
}

impl Lite {
    /// Opens or creates the file, starts the committer and the checkpointer.
    pub fn open(path: &Path) -> Result<Arc<Lite>> {
        refuse_network_file_system(path)?;
        let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        conn.busy_timeout(Duration::from_secs(10)).map_err(error::lite)?;
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -16000;",
        )
        .map_err(error::lite)?;
        conn.busy_timeout(Duration::ZERO).map_err(error::lite)?;
        let lock_path = path.with_extension("lock");
        let lock =
            File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(|e| {
                Error::internal(format!("cannot open {}", lock_path.display())).with_source(e)
            })?;

        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (wake, wakes) = mpsc::channel();
        let lite = Arc::new(Lite {
            path: path.to_owned(),
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            writer: Arc::new(tokio::sync::Mutex::new(Writer {
                conn,
                lock,
                locked: false,
                open: false,
                acks: Vec::new(),
            })),
            wake,
            idle: Mutex::new(Vec::new()),
            slow: Arc::new(Semaphore::new(SLOW_READS)),
        });
        let (full, fulls) = mpsc::sync_channel(1);
        spawn("sqlite-commit", {
            let lite = Arc::downgrade(&lite);
            move || committer(&lite, &wakes, &full)
        })?;
        spawn("sqlite-checkpoint", {
            let path = path.to_owned();
            move || checkpointer(&path, &fulls)
        })?;
        Ok(lite)
    }

    fn wake(&self) {
        // The committer ends only with the last handle, and we hold one.
        let _ = self.wake.send(());
    }

    fn reader(&self) -> Result<Connection> {
        let conn = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        conn.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4000;").map_err(error::lite)?;
        conn.busy_timeout(Duration::from_secs(2)).map_err(error::lite)?;
        Ok(conn)
    }

    /// A connection for migrations, apart from the writer: a script runs for long and on a thread of its own.
    pub fn migration_connection(&self) -> Result<Connection> {
        connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    /// One statement on this thread's reader: about 15 µs for a point read, cheaper than any hand-over.
    pub fn read<R: FromRow>(&self, text: &str, args: &[&dyn Param], limit: usize) -> Result<Vec<R>> {
        thread_local! { static READERS: RefCell<Vec<(u64, Connection)>> = const { RefCell::new(Vec::new()) } }
        READERS.with(|readers| {
            let mut readers = readers.borrow_mut();
            let at = match readers.iter().position(|(id, _)| *id == self.id) {
                Some(at) => at,
                None => {
                    readers.push((self.id, self.reader()?));
                    readers.len() - 1
                }
            };
            query(&readers[at].1, text, args, limit)
        })
    }

    /// A reader of its own, for several statements that must agree or that take long.
    pub fn lend(self: &Arc<Lite>) -> Result<Lent> {
        let idle = self.idle.lock().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => self.reader()?,
        };
        conn.execute_batch("BEGIN").map_err(error::lite)?;
        Ok(Lent { lite: self.clone(), conn: Some(conn) })
    }

    /// A reader whose statements run on a blocking thread, each until `deadline`.
    pub async fn lend_slow(self: &Arc<Lite>, deadline: Duration) -> Result<SlowLent> {
        let permit = tokio::time::timeout(deadline, self.slow.clone().acquire_owned());
        let permit = permit.await.map_err(|_| error::deadline())?.map_err(|_| error::deadline())?;
        Ok(SlowLent { lent: Some(self.lend()?), deadline, _permit: permit })
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map(drop).map_err(|e| Error::internal("cannot start a database thread").with_source(e))
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(|e| {
        Error::internal(format!("cannot open the database file {}", path.display())).with_source(e)
    })?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(conn)
}

/// SQLite's locks do not hold on network file systems: two hosts would destroy the file.
fn refuse_network_file_system(path: &Path) -> Result<()> {
    const NETWORK: [&str; 11] = [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "glusterfs",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.s3fs",
    ];
    let Ok(mounts) = std::fs::read_to_string("/proc/self/mounts") else { return Ok(()) };
    let folder = path.parent().and_then(|p| p.canonicalize().ok()).unwrap_or_default();
    let mount = mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.nth(1)?, words.next()?))
        })
        .filter(|(at, _)| folder.starts_with(at))
        .max_by_key(|(at, _)| at.len());
    match mount {
        Some((at, kind)) if NETWORK.contains(&kind) => Err(Error::internal(format!(
            "{} is on a network file system ({kind} at {at}), where SQLite's locks do not hold. Put --data-dir on a \
             local disk, or use PostgreSQL by setting DATABASE_URL",
            folder.display()
        ))),
        _ => Ok(()),
    }
}

/// Runs a prepared statement and reads at most `limit` rows; the cursor never outlives the call.
fn query<R: FromRow>(conn: &Connection, text: &str, args: &[&dyn Param], limit: usize) -> Result<Vec<R>> {
    let mut statement = conn.prepare_cached(text).map_err(error::lite)?;
    for (i, arg) in args.iter().enumerate() {
        statement.raw_bind_parameter(i + 1, arg.lite()).map_err(error::lite)?;
    }
    let mut rows = statement.raw_query();
    let mut out = Vec::new();
    while out.len() < limit {
        match rows.next().map_err(error::lite)? {
            Some(row) => out.push(R::from_row(&Row::Lite(row))?),
            None => break,
        }
    }
    Ok(out)
}

fn execute(conn: &Connection, text: &str, args: &[&dyn Param]) -> Result<u64> {
    let mut statement = conn.prepare_cached(text).map_err(error::lite)?;
    for (i, arg) in args.iter().enumerate() {
        statement.raw_bind_parameter(i + 1, arg.lite()).map_err(error::lite)?;
    }
    statement.raw_execute().map(|n| n as u64).map_err(error::lite)
}

/// A reader with an open read transaction; goes back when dropped.
pub(crate) struct Lent {
    lite: Arc<Lite>,
    conn: Option<Connection>,
}

impl Lent {
    pub fn read<R: FromRow>(&self, text: &str, args: &[&dyn Param], limit: usize) -> Result<Vec<R>> {
        match &self.conn {
            Some(conn) => query(conn, text, args, limit),
            None => Err(error::poisoned()),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        let mut idle = self.lite.idle.lock();
        if conn.execute_batch("ROLLBACK").is_ok() && idle.len() < 4 {
            idle.push(conn);
        }
    }
}

/// A reader for statements that may take long: never on a worker thread, never past the deadline.
pub(crate) struct SlowLent {
    lent: Option<Lent>,
    deadline: Duration,
    _permit: tokio::sync::OwnedSemaphorePermit,
}

impl SlowLent {
    pub async fn read<R: FromRow + Send + 'static>(
        &mut self,
        text: &str,
        args: &[&dyn Param],
        limit: usize,
    ) -> Result<Vec<R>> {
        let lent = self.lent.take().ok_or_else(error::poisoned)?;
        let stop = lent.conn.as_ref().map(Connection::get_interrupt_handle);
        let text = text.to_owned();
        let mut owned = Vec::with_capacity(args.len());
        for arg in args {
            owned.push(owned_value(arg.lite().to_sql().map_err(error::lite)?)?);
        }
        let work = tokio::task::spawn_blocking(move || {
            let args: Vec<&dyn rusqlite::ToSql> = owned.iter().map(|v| v as &dyn rusqlite::ToSql).collect();
            let rows = lent.read_owned(&text, &args, limit);
            (lent, rows)
        });
        // Cut at the deadline, and also when the request is cancelled: the guard interrupts in `Drop`.
        let guard = Interrupt(stop);
        let timer = tokio::time::sleep(self.deadline);
        tokio::pin!(work, timer);
        let (lent, rows) = tokio::select! {
            done = &mut work => done,
            () = &mut timer => { guard.now(); work.await }
        }
        .map_err(|e| Error::internal("a slow read").with_source(e))?;
        std::mem::forget(guard);
        self.lent = Some(lent);
        rows
    }
}

struct Interrupt(Option<rusqlite::InterruptHandle>);
impl Interrupt {
    fn now(&self) {
        if let Some(handle) = &self.0 {
            handle.interrupt();
        }
    }
}
impl Drop for Interrupt {
    fn drop(&mut self) {
        self.now();
    }
}

impl Lent {
    fn read_owned<R: FromRow>(
        &self,
        text: &str,
        args: &[&dyn rusqlite::ToSql],
        limit: usize,
    ) -> Result<Vec<R>> {
        let conn = self.conn.as_ref().ok_or_else(error::poisoned)?;
        let mut statement = conn.prepare_cached(text).map_err(error::lite)?;
        let mut rows = statement.query(args).map_err(error::lite)?;
        let mut out = Vec::new();
        while out.len() < limit {
            match rows.next().map_err(error::lite)? {
                Some(row) => out.push(R::from_row(&Row::Lite(row))?),
                None => break,
            }
        }
        Ok(out)
    }
}

fn owned_value(value: ToSqlOutput<'_>) -> Result<Value> {
    match value {
        ToSqlOutput::Borrowed(v) => {
            Value::try_from(v).map_err(|e| Error::internal("an argument").with_source(e))
        }
        ToSqlOutput::Owned(v) => Ok(v),
        _ => Err(Error::internal("an argument of a kind that we do not send")),
    }
}

/// A use case inside the shared transaction: its own savepoint.
pub(crate) struct LiteTx {
    writer: OwnedMutexGuard<Writer>,
    lite: Arc<Lite>,
    inside: bool,
}

impl LiteTx {
    /// Waits for its turn; the caller sets one deadline around the whole of it.
    pub async fn begin(lite: Arc<Lite>) -> Result<LiteTx> {
        let writer = lite.writer.clone().lock_owned().await;
        let mut tx = LiteTx { writer, lite, inside: false };
        if !tx.writer.open && !tx.writer.try_begin()? {
            // Another process writes. Its turn may take a while, and a worker thread must not wait: the guard
            // travels with the blocking task, and if nobody waits for it any more, its Drop cleans up.
            tx = tokio::task::spawn_blocking(move || tx.begin_waiting())
                .await
                .map_err(|e| Error::internal("waiting for the write lock").with_source(e))??;
        }
        tx.writer.step("SAVEPOINT use_case")?;
        tx.inside = true;
        Ok(tx)
    }

    fn begin_waiting(mut self) -> Result<LiteTx> {
        let w = &mut *self.writer;
        w.lock.lock().map_err(|e| Error::internal("locking the lock file").with_source(e))?;
        w.locked = true;
        // Only somebody without our lock file can still hold the database: a shell, a backup.
        w.conn.busy_timeout(Duration::from_secs(5)).map_err(error::lite)?;
        let begun = w.conn.execute_batch("BEGIN IMMEDIATE").map_err(error::lite);
        w.conn.busy_timeout(Duration::ZERO).map_err(error::lite)?;
        begun?;
        w.open = true;
        Ok(self)
    }

    pub fn exec(&mut self, text: &str, args: &[&dyn Param]) -> Result<u64> {
        let done = execute(&self.writer.conn, text, args);
        self.seen(done)
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
            self.inside = false;
            self.writer.fail(e);
        }
        result
    }

    /// Releases the savepoint and waits until the shared transaction is on disk.
    pub async fn commit(mut self) -> Result<()> {
        let released = self.writer.step("RELEASE use_case");
        self.seen(released)?;
        self.inside = false;
        let (ack, acked) = oneshot::channel();
        self.writer.acks.push(ack);
        drop(self);
        acked.await.unwrap_or_else(|_| Err(error::unknown()))
    }
}

impl Drop for LiteTx {
    fn drop(&mut self) {
        if self.inside {
            let undone =
                self.writer.step("ROLLBACK TO use_case").and_then(|()| self.writer.step("RELEASE use_case"));
            if let Err(e) = undone {
                // The batch cannot be trusted any more: nobody in it is acknowledged.
                self.writer.abandon(&e);
            }
        }
        if self.writer.open {
            self.lite.wake();
        } else {
            self.writer.unlock();
        }
    }
}

impl Writer {
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
        match self.step("COMMIT") {
            Ok(()) => {
                self.open = false;
                self.unlock();
                for ack in self.acks.drain(..) {
                    let _ = ack.send(Ok(()));
                }
            }
            Err(e) => self.abandon(&e),
        }
    }

    /// Rolls the shared transaction back and tells everybody in it why.
    fn abandon(&mut self, reason: &Error) {
        if !self.conn.is_autocommit() {
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        self.fail(reason);
    }

    fn fail(&mut self, reason: &Error) {
        self.open = false;
        self.unlock();
        for ack in self.acks.drain(..) {
            let told = Error::new(reason.kind(), reason.code(), reason.detail().to_owned());
            let _ = ack.send(Err(told.retry_after(Duration::from_secs(1))));
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
fn committer(lite: &Weak<Lite>, wakes: &mpsc::Receiver<()>, full: &mpsc::SyncSender<()>) {
    while wakes.recv().is_ok() {
        while wakes.try_recv().is_ok() {}
        let Some(lite) = lite.upgrade() else { return };
        let mut writer = lite.writer.clone().blocking_lock_owned();
        writer.commit();
        let wal = lite.path.as_os_str().to_owned();
        let mut wal = PathBuf::from(wal);
        wal.as_mut_os_string().push("-wal");
        let size = std::fs::metadata(&wal).map(|m| m.len()).unwrap_or(0);
        if size > WAL_LIMIT_BYTES && !writer.open {
            let _ = writer.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        } else if size > CHECKPOINT_BYTES {
            let _ = full.try_send(());
        }
    }
}

/// Moves the WAL into the database file on a connection of its own: on the writer's, the tail of writes
/// would show it.
fn checkpointer(path: &Path, fulls: &mpsc::Receiver<()>) {
    let Ok(conn) = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE) else { return };
    while fulls.recv().is_ok() {
        let _ = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    }
}
