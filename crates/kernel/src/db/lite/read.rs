//! Readers apart from the worker threads' own: several statements that must agree, or that take long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, Value};

use super::{Lite, query};
use crate::db::error;
use crate::db::row::{FromRow, Row};
use crate::db::value::Param;
use crate::error::{Error, Result};

/// Steps of SQLite's machine after which a long statement looks whether it should go on.
const STEPS: i32 = 1000;

impl Lite {
    /// A reader of its own, for several statements that must agree or that take long.
    pub fn lend(self: &Arc<Lite>) -> Result<Lent> {
        let idle = self.idle.lock().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => self.reader()?,
        };
        conn.execute_batch("BEGIN").map_err(error::lite)?;
        Ok(Lent { lite: self.clone(), conn: Some(conn), number: self.watch.begins() })
    }

    /// A reader whose statements run on a blocking thread, each until `deadline`.
    pub fn lend_slow(self: &Arc<Lite>, deadline: Duration) -> Result<SlowLent> {
        Ok(SlowLent { lent: Some(self.lend()?), deadline })
    }
}

/// A reader with an open read transaction; goes back when dropped.
pub(crate) struct Lent {
    lite: Arc<Lite>,
    conn: Option<Connection>,
    /// Its number among the snapshots of this process.
    number: u64,
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
        self.lite.watch.ends(self.number);
        let Some(mut conn) = self.conn.take() else { return };
        let unwatched = conn.progress_handler(0, None::<fn() -> bool>).is_ok();
        let mut idle = self.lite.idle.lock();
        if unwatched && conn.execute_batch("ROLLBACK").is_ok() && idle.len() < 4 {
            idle.push(conn);
        }
    }
}

/// A reader for statements that may take long: never on a worker thread, never past the deadline.
pub(crate) struct SlowLent {
    lent: Option<Lent>,
    deadline: Duration,
}

impl SlowLent {
    pub async fn read<R: FromRow + Send + 'static>(
        &mut self,
        text: &str,
        args: &[&dyn Param],
        limit: usize,
    ) -> Result<Vec<R>> {
        let mut lent = self.lent.take().ok_or_else(error::poisoned)?;
        let text = text.to_owned();
        let mut owned = Vec::with_capacity(args.len());
        for arg in args {
            owned.push(owned_value(arg.lite().to_sql().map_err(error::lite)?)?);
        }
        // Rung at the deadline, and when the request is cancelled.
        let stop = Stop::default();
        let stopped = stop.0.clone();
        let mut work = tokio::task::spawn_blocking(move || {
            let args: Vec<&dyn rusqlite::ToSql> = owned.iter().map(|v| v as &dyn rusqlite::ToSql).collect();
            let rows = lent.read_until(&stopped, &text, &args, limit);
            (lent, rows)
        });
        let done = match tokio::time::timeout(self.deadline, &mut work).await {
            Ok(done) => done,
            Err(_) => {
                stop.ring();
                work.await
            }
        };
        let (lent, rows) = done.map_err(|e| Error::internal("a slow read").with_source(e))?;
        self.lent = Some(lent);
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

impl Lent {
    fn read_until<R: FromRow>(
        &mut self,
        stopped: &Arc<AtomicBool>,
        text: &str,
        args: &[&dyn rusqlite::ToSql],
        limit: usize,
    ) -> Result<Vec<R>> {
        let conn = self.conn.as_mut().ok_or_else(error::poisoned)?;
        let stopped = stopped.clone();
        conn.progress_handler(STEPS, Some(move || stopped.load(Ordering::Relaxed))).map_err(error::lite)?;
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
