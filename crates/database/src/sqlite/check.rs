//! Looks at a file without changing it: whose it is, and whether it is whole.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use super::{Sqlite, connect};
use crate::error::{self, Result};
use crate::state::{Content, OUR_COLUMNS, SOME_TABLE_SQLITE};

/// Steps of SQLite's machine between two looks at the clock.
const STEPS: i32 = 10_000;

/// What a file holds, which must be there.
pub(crate) fn content(path: &Path) -> Result<Content> {
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    // Beside a process that just makes it.
    conn.busy_timeout(Duration::from_secs(5)).map_err(error::sqlite)?;
    let ours: i64 = conn.query_row(OUR_COLUMNS, [], |row| row.get(0)).map_err(error::sqlite)?;
    if ours == 3 {
        return Ok(Content::Ours);
    }
    let table = conn.query_row(SOME_TABLE_SQLITE, [], |row| row.get(0)).optional().map_err(error::sqlite)?;
    Ok(table.map_or(Content::Nothing, Content::Foreign))
}

impl Sqlite {
    /// First the shape of the file, then whether every index says what its table says, as far as the time goes. An error
    /// if something is wrong; `false` if it did not get to the end.
    pub fn check(&self, within: Duration) -> Result<bool> {
        let mut conn = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let until = Instant::now() + within;
        conn.progress_handler(STEPS, Some(move || Instant::now() >= until)).map_err(error::sqlite)?;
        for pragma in ["PRAGMA quick_check(1)", "PRAGMA integrity_check(1)"] {
            if Instant::now() >= until || !passes(&conn, pragma)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn passes(conn: &Connection, pragma: &str) -> Result<bool> {
    match conn.query_row(pragma, [], |row| row.get::<_, String>(0)) {
        Ok(answer) if answer == "ok" => Ok(true),
        Ok(answer) => Err(error::damaged(&answer.replace('\n', " "))),
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(false),
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            Err(error::damaged(&e.to_string()).with_source(e))
        }
        Err(e) => Err(error::sqlite(e)),
    }
}
