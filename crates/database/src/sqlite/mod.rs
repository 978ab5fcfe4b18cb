//! SQLite: readers on the worker threads (`read`), one writer whose commits are shared (`write`), the size of its WAL
//! (`wal`), and a look at a file before it is used (`check`).

mod check;
mod read;
mod wal;
mod write;

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

pub(super) use check::content;
pub(super) use read::{SlowReader, SnapshotReader};
use wal::Watch;
pub(super) use write::SqliteTx;
use write::Writer;

use super::error;
use super::row::{FromRow, Row};
use super::value::Param;
use crate::error::{Error, Kind, Result};

/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 512;
/// Size to which the WAL's file is cut when it starts over: it seldom grows beyond.
const WAL_KEPT_BYTES: u64 = 192 << 20;

/// An open SQLite database: one writer, readers per thread.
pub(crate) struct Sqlite {
    path: PathBuf,
    id: u64,
    writer: Arc<tokio::sync::Mutex<Writer>>,
    wake: mpsc::Sender<()>,
    idle: Mutex<Vec<Connection>>,
    watch: Watch,
}

impl Sqlite {
    /// Opens or creates the file, starts the committer and the checkpointer.
    pub fn open(path: &Path, wal_warning_bytes: u64) -> Result<Arc<Sqlite>> {
        refuse_network_file_system(path)?;
        // SQLite gives the files beside it the mode of this one.
        match private().create_new(true).open(path) {
            // One that is there is not opened beside SQLite: closing it again would drop SQLite's locks.
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(cannot_open(path, e)),
            _ => {}
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let conn = connect(path, flags).map_err(|e| cannot_open(path, e))?;
        conn.busy_timeout(Duration::from_secs(10)).map_err(error::sqlite)?;
        let lock_path = path.with_extension("lock");
        let lock = open_lock(&lock_path)?;
        // Of several that make a new file a WAL one at the same moment, SQLite refuses all but one at once.
        let mode: String =
            conn.query_row("PRAGMA journal_mode", [], |row| row.get(0)).map_err(error::sqlite)?;
        let is_new = mode != "wal";
        if is_new {
            lock.lock().map_err(|e| cannot_open(&lock_path, e))?;
        }
        // When the WAL starts over, the file is kept up to this size: growing it again page by page costs more than
        // what is written.
        conn.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = {WAL_KEPT_BYTES}; PRAGMA cache_size = -64000;"
        ))
        .map_err(error::sqlite)?;
        if is_new {
            lock.unlock().map_err(|e| cannot_open(&lock_path, e))?;
        }
        conn.busy_timeout(Duration::ZERO).map_err(error::sqlite)?;

        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (wake, wakes) = mpsc::channel();
        let sqlite = Arc::new(Sqlite {
            path: path.to_owned(),
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            writer: Arc::new(tokio::sync::Mutex::new(Writer::new(conn, lock))),
            wake,
            idle: Mutex::new(Vec::new()),
            watch: Watch::new(wal_warning_bytes),
        });
        let (full, fulls) = mpsc::sync_channel(1);
        spawn("sqlite-commit", {
            let sqlite = Arc::downgrade(&sqlite);
            move || write::committer(&sqlite, &wakes, &full)
        })?;
        spawn("sqlite-checkpoint", {
            let path = path.to_owned();
            move || write::checkpointer(&path, &fulls)
        })?;
        Ok(sqlite)
    }

    fn wake(&self) {
        // The committer ends only with the last handle, and we hold one.
        let _ = self.wake.send(());
    }

    /// Commits what waits and moves the WAL into the file, as far as nobody is in the way.
    pub async fn checkpoint(&self) {
        let mut writer = self.writer.clone().lock_owned().await;
        // Copying can take a while, and a worker thread must not wait.
        let moved = tokio::task::spawn_blocking(move || writer.checkpoint()).await;
        if let Err(e) = moved {
            tracing::warn!(error = %e, "the WAL was left as it is");
        }
    }

    fn reader(&self) -> Result<Connection> {
        let conn = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        conn.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4000;").map_err(error::sqlite)?;
        conn.busy_timeout(Duration::from_secs(2)).map_err(error::sqlite)?;
        Ok(conn)
    }

    /// A connection for migrations, apart from the writer: a script runs for long and on a thread of its own.
    pub fn migration_connection(&self) -> Result<Connection> {
        connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    /// Our turn among the processes that write, for as long as the file is kept. Queued behind those that came before,
    /// where `busy_timeout` would let one that never pauses go first again and again.
    pub async fn turn(&self, patience: Duration) -> Result<File> {
        let path = self.path.with_extension("lock");
        let lock = open_lock(&path)?;
        let (done, locked) = tokio::sync::oneshot::channel();
        // A thread of its own: the runtime would wait for a blocking task at its end, also for one that nobody wants.
        spawn("sqlite-turn", move || {
            let locked = lock.lock().map(|()| lock);
            let _ = done.send(locked);
        })?;
        match tokio::time::timeout(patience, locked).await {
            Ok(Ok(locked)) => locked.map_err(|e| cannot_open(&path, e)),
            Ok(Err(_)) => Err(Error::internal("the thread that waits for the lock file is gone")),
            Err(_) => Err(error::deadline()),
        }
    }

    /// Bytes in the file of the WAL.
    pub fn wal_bytes(&self) -> u64 {
        let mut path = self.path.clone().into_os_string();
        path.push("-wal");
        std::fs::metadata(path).map_or(0, |file| file.len())
    }

    /// Writes everything that is committed into a new file, beside whoever reads and writes meanwhile.
    pub fn copy_to(&self, to: &Path) -> Result<()> {
        let file = private().create_new(true).open(to).map_err(|e| cannot_open(to, e))?;
        let copied = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .and_then(|conn| conn.execute("VACUUM INTO ?1", [to.to_string_lossy()]).map_err(error::sqlite))
            .and_then(|_| file.sync_all().map_err(|e| cannot_open(to, e)));
        if copied.is_err() {
            // Half a copy must not be taken for one.
            let _ = std::fs::remove_file(to);
        }
        copied
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
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map(drop).map_err(|e| Error::internal("cannot start a database thread").with_source(e))
}

/// A file that is made for nobody but its owner: it holds what customers told.
fn private() -> OpenOptions {
    let mut options = File::options();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn cannot_open(path: &Path, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::internal(format!("cannot open {}", path.display())).with_source(e)
}

/// The file that orders processes in front of the database.
fn open_lock(path: &Path) -> Result<File> {
    private().create(true).truncate(false).open(path).map_err(|e| cannot_open(path, e))
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let conn =
        Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(error::sqlite)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // Without it, a statement whose plan might profit from other arguments is prepared again at each use (STAT4).
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(error::sqlite)?;
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
        Some((at, kind)) if NETWORK.contains(&kind) => Err(Error::new(
            Kind::Internal,
            "DATABASE_ON_NETWORK",
            format!(
                "{} is on a network file system ({kind} at {at}), where SQLite's locks do not hold",
                folder.display()
            ),
        )),
        _ => Ok(()),
    }
}

/// Runs a prepared statement and reads at most `limit` rows; the cursor never outlives the call.
fn query<R: FromRow>(conn: &Connection, text: &str, args: &[&dyn Param], limit: usize) -> Result<Vec<R>> {
    let mut statement = conn.prepare_cached(text).map_err(error::sqlite)?;
    for (i, arg) in args.iter().enumerate() {
        statement.raw_bind_parameter(i + 1, arg.sqlite()).map_err(error::sqlite)?;
    }
    let mut rows = statement.raw_query();
    let mut out = Vec::new();
    while out.len() < limit {
        match rows.next().map_err(error::sqlite)? {
            Some(row) => out.push(R::from_row(&Row::Sqlite(row))?),
            None => break,
        }
    }
    Ok(out)
}

fn execute(conn: &Connection, text: &str, args: &[&dyn Param]) -> Result<u64> {
    let mut statement = conn.prepare_cached(text).map_err(error::sqlite)?;
    for (i, arg) in args.iter().enumerate() {
        statement.raw_bind_parameter(i + 1, arg.sqlite()).map_err(error::sqlite)?;
    }
    statement.raw_execute().map(|n| n as u64).map_err(error::sqlite)
}

/// Runs one prepared statement with each set of arguments; `answer` makes something of each run.
fn run_many<T>(
    conn: &Connection,
    text: &str,
    sets: &[&[&dyn Param]],
    out: &mut Vec<T>,
    answer: impl Fn(&mut rusqlite::Statement<'_>) -> Result<T>,
) -> Result<()> {
    let mut statement = conn.prepare_cached(text).map_err(error::sqlite)?;
    for set in sets {
        for (i, arg) in set.iter().enumerate() {
            statement.raw_bind_parameter(i + 1, arg.sqlite()).map_err(error::sqlite)?;
        }
        out.push(answer(&mut statement)?);
    }
    Ok(())
}

/// How many rows a statement changed.
fn changed(statement: &mut rusqlite::Statement<'_>) -> Result<u64> {
    statement.raw_execute().map(|n| n as u64).map_err(error::sqlite)
}

/// The first row of a statement. It is run to its end, so that all of its work is done.
fn first_row<R: FromRow>(statement: &mut rusqlite::Statement<'_>) -> Result<Option<R>> {
    let mut rows = statement.raw_query();
    let mut first = None;
    while let Some(row) = rows.next().map_err(error::sqlite)? {
        if first.is_none() {
            first = Some(R::from_row(&Row::Sqlite(row))?);
        }
    }
    Ok(first)
}
