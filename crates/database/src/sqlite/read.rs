//! Readers apart from the worker threads' own: several statements that must agree, or that take long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, Value};

use super::{Sqlite, query};
use crate::error;
use crate::error::{Error, Result};
use crate::row::{FromRow, Row};
use crate::value::Param;

/// Steps of SQLite's machine after which a long statement looks whether it should go on.
const STEPS: i32 = 1000;

impl Sqlite {
    /// A reader of its own, for several statements that must agree or that take long.
    pub fn snapshot_reader(self: &Arc<Sqlite>) -> Result<SnapshotReader> {
        let idle = self.idle.lock().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => self.reader()?,
        };
        conn.execute_batch("BEGIN").map_err(error::sqlite)?;
        Ok(SnapshotReader { sqlite: self.clone(), conn: Some(conn), number: self.watch.begins() })
    }

    /// A reader whose statements run on a blocking thread, each until `deadline`.
    pub fn slow_reader(self: &Arc<Sqlite>, deadline: Duration) -> Result<SlowReader> {
        Ok(SlowReader { reader: Some(self.snapshot_reader()?), deadline })
    }
}

/// A reader with an open read transaction; goes back when dropped.
pub(crate) struct SnapshotReader {
    sqlite: Arc<Sqlite>,
    conn: Option<Connection>,
    /// Its number among the snapshots of this process.
    number: u64,
}

impl SnapshotReader {
    pub fn read<R: FromRow>(&self, text: &str, args: &[&dyn Param], limit: usize) -> Result<Vec<R>> {
        match &self.conn {
            Some(conn) => query(conn, text, args, limit),
            None => Err(error::poisoned()),
        }
    }
}

impl Drop for SnapshotReader {
    fn drop(&mut self) {
        self.sqlite.watch.ends(self.number);
        let Some(mut conn) = self.conn.take() else { return };
        let unwatched = conn.progress_handler(0, None::<fn() -> bool>).is_ok();
        let mut idle = self.sqlite.idle.lock();
        if unwatched && conn.execute_batch("ROLLBACK").is_ok() && idle.len() < 4 {
            idle.push(conn);
        }
    }
}

/// A reader for statements that may take long: never on a worker thread, never past the deadline.
pub(crate) struct SlowReader {
    reader: Option<SnapshotReader>,
    deadline: Duration,
}

impl SlowReader {
    pub async fn read<R: FromRow + Send + 'static>(
        &mut self,
        text: &str,
        args: &[&dyn Param],
        limit: usize,
    ) -> Result<Vec<R>> {
        let mut reader = self.reader.take().ok_or_else(error::poisoned)?;
        let text = text.to_owned();
        let mut owned = Vec::with_capacity(args.len());
        for arg in args {
            owned.push(owned_value(arg.sqlite().to_sql().map_err(error::sqlite)?)?);
        }
        // Rung at the deadline, and when the request is cancelled.
        let stop = Stop::default();
        let stopped = stop.0.clone();
        let mut work = tokio::task::spawn_blocking(move || {
            let args: Vec<&dyn rusqlite::ToSql> = owned.iter().map(|v| v as &dyn rusqlite::ToSql).collect();
            let rows = reader.read_until(&stopped, &text, &args, limit);
            (reader, rows)
        });
        let done = match tokio::time::timeout(self.deadline, &mut work).await {
            Ok(done) => done,
            Err(_) => {
                stop.ring();
                work.await
            }
        };
        let (reader, rows) = done.map_err(|e| Error::internal("a slow read").with_source(e))?;
        self.reader = Some(reader);
        rows
    }
}

/// Ends a statement, whether it runs already or not: SQLite's own interrupt is lost on one that has yet to start.
#[derive(Default)]
struct Stop(Arc<AtomicBool>);
impl Stop {
    fn ring(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
impl Drop for Stop {
    fn drop(&mut self) {
        self.ring();
    }
}

impl SnapshotReader {
    fn read_until<R: FromRow>(
        &mut self,
        stopped: &Arc<AtomicBool>,
        text: &str,
        args: &[&dyn rusqlite::ToSql],
        limit: usize,
    ) -> Result<Vec<R>> {
        let conn = self.conn.as_mut().ok_or_else(error::poisoned)?;
        let stopped = stopped.clone();
        conn.progress_handler(STEPS, Some(move || stopped.load(Ordering::Relaxed))).map_err(error::sqlite)?;
        let mut statement = conn.prepare_cached(text).map_err(error::sqlite)?;
        let mut rows = statement.query(args).map_err(error::sqlite)?;
        let mut out = Vec::new();
        while out.len() < limit {
            match rows.next().map_err(error::sqlite)? {
                Some(row) => out.push(R::from_row(&Row::Sqlite(row))?),
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
