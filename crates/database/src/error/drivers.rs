//! Driver errors to ours, once. Which are worth another try is decided here.
//!
//! A violated unique constraint carries its name in one spelling for both engines: `table_column_key`, or `table_pkey`
//! for a primary key, which is what PostgreSQL calls it by itself and what SQLite's `table.column` is turned into. An
//! index of another name would have two (a test compares the schemas). The store maps it to a domain error with
//! [`Error::violates`].

use std::time::Duration;

use rusqlite::ErrorCode;
use rusqlite::ffi::{
    SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID, SQLITE_IOERR_FSYNC, SQLITE_IOERR_SHMOPEN,
};
use tokio_postgres::error::SqlState;

use super::{Error, Kind};

const TRY_AGAIN: Duration = Duration::from_secs(1);
/// Somebody has to do something first: make room, start a server.
const SOMEBODY_MUST_ACT: Duration = Duration::from_secs(60);
/// States of PostgreSQL that pass by themselves.
const PASSING: [SqlState; 8] = [
    SqlState::T_R_SERIALIZATION_FAILURE,
    SqlState::T_R_DEADLOCK_DETECTED,
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
    SqlState::CANNOT_CONNECT_NOW,
    SqlState::TOO_MANY_CONNECTIONS,
    SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    SqlState::CONNECTION_FAILURE,
];

fn conflict(constraint: String) -> Error {
    Error::new(Kind::Conflict, "CONFLICT", "The change conflicts with what is stored")
        .with_constraint(constraint)
}

/// The connection was lost before anything could be committed, or the like: the request may run again.
pub(crate) fn transient() -> Error {
    Error::new(Kind::Transient, "DATABASE_BUSY", "The database is busy; try again").retry_after(TRY_AGAIN)
}

pub(crate) fn storage_full() -> Error {
    Error::unavailable(
        "STORAGE_FULL",
        "The disk of the database is full; nothing was changed. Reading still works",
        SOMEBODY_MUST_ACT,
    )
}

/// Another session keeps what this statement wants to change, or the whole table.
fn locked() -> Error {
    let detail = "Another session keeps this record locked; nothing was changed. Try again";
    Error::unavailable("RECORD_LOCKED", detail, TRY_AGAIN)
}

/// No file or connection could be opened, for want of file descriptors, rights, or the file itself.
fn cannot_open() -> Error {
    Error::unavailable("DATABASE_UNAVAILABLE", "The database cannot be opened now; try again", TRY_AGAIN)
}

/// Why there is no connection to a server; for the log and for whoever starts the process.
#[derive(Debug)]
pub struct Unreachable {
    text: String,
    /// What the server itself said, if it was reached.
    pub code: Option<SqlState>,
    /// The server was reached, and no encryption could be agreed on.
    pub tls: bool,
}

impl Unreachable {
    /// A sentence; what the server itself said, if it was reached; whether no encryption could be agreed on.
    pub fn new(text: impl Into<String>, code: Option<SqlState>, tls: bool) -> Unreachable {
        Unreachable { text: text.into(), code, tls }
    }
}

impl std::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Unreachable {}

/// A connection could not be made. `Transient` where waiting helps: the server is away, starts, or is full.
pub(crate) fn unreachable(address: &str, e: &tokio_postgres::Error) -> Error {
    let tls = crate::postgres::is_tls(e) && !is_cut(e);
    let text = match e.code() {
        Some(_) => format!("{address} refuses the connection: {}", causes(e)),
        None => format!("cannot reach {address}: {}", causes(e)),
    };
    let passing = e.code().map_or(!tls, |code| PASSING.contains(code));
    let full = e.code() == Some(&SqlState::TOO_MANY_CONNECTIONS);
    let kind = if passing { Kind::Transient } else { Kind::Unavailable };
    let (code, detail) = match full {
        true => ("DATABASE_BUSY", "The database has no connection free; try again"),
        false => ("DATABASE_UNAVAILABLE", "The database cannot be reached now; try again"),
    };
    let cause = Unreachable { text, code: e.code().cloned(), tls };
    Error::new(kind, code, detail).retry_after(TRY_AGAIN).with_source(cause)
}

/// The other side went away in the middle, as a server does that stops.
fn is_cut(e: &tokio_postgres::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let source = std::error::Error::source(e).and_then(|source| source.downcast_ref::<std::io::Error>());
    source.is_some_and(|io| {
        matches!(io.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
    })
}

/// A server that accepts a connection and says nothing.
pub(crate) fn no_answer(address: &str) -> Error {
    let text = format!("cannot reach {address}: no answer in time");
    let cause = Unreachable { text, code: None, tls: false };
    let detail = "The database does not answer; try again";
    Error::new(Kind::Transient, "DATABASE_UNAVAILABLE", detail).retry_after(TRY_AGAIN).with_source(cause)
}

/// An error's sentence with those of its causes, each once and on one line: the driver's own is "db error".
pub(crate) fn causes(e: &dyn std::error::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(e);
    while let Some(error) = next {
        let text = error.to_string().replace('\n', " ");
        let says_nothing = ["db error", "error connecting to server", "error communicating with the server"];
        let is_known = texts.iter().any(|before| before.contains(&text));
        let is_empty = error.source().is_some() && says_nothing.contains(&text.as_str());
        if !is_known && !is_empty {
            texts.push(text);
        }
        next = error.source();
    }
    texts.join(": ")
}

/// COMMIT was sent and no answer came.
pub(crate) fn unknown() -> Error {
    let detail = "The connection to the database broke while the change was being committed; it may or may not have \
                  happened. Repeat the request with the same Idempotency-Key, or read the record first";
    Error::new(Kind::Unknown, "OUTCOME_UNKNOWN", detail).retry_after(TRY_AGAIN)
}

/// The file of SQLite is not whole.
pub(crate) fn damaged(what: &str) -> Error {
    Error::new(Kind::Internal, "DATABASE_DAMAGED", format!("the database file is damaged ({what})"))
}

/// A transaction goes no further after its first failed statement, on both engines: PostgreSQL refuses
/// to, and even answers its COMMIT with OK; SQLite would carry on with half of it.
pub(crate) fn poisoned() -> Error {
    Error::internal("a statement of this transaction failed before; it was rolled back")
}

/// The deadline of `write()` or of a pool passed.
pub(crate) fn deadline() -> Error {
    Error::unavailable("DATABASE_BUSY", "The database did not become free in time; try again", TRY_AGAIN)
}

pub(crate) fn sqlite(e: rusqlite::Error) -> Error {
    let rusqlite::Error::SqliteFailure(failure, message) = &e else {
        return Error::internal("SQLite").with_source(e);
    };
    match failure.code {
        ErrorCode::ConstraintViolation => {
            let unique = message.as_deref().and_then(|m| m.strip_prefix("UNIQUE constraint failed: "));
            match unique {
                Some(columns) => conflict(constraint_name(columns, failure.extended_code)).with_source(e),
                None => Error::internal("a constraint of the schema").with_source(e),
            }
        }
        ErrorCode::DiskFull => storage_full().with_source(e),
        // What was written may or may not reach the disk, and a crash may bring it back.
        ErrorCode::SystemIoFailure if failure.extended_code == SQLITE_IOERR_FSYNC => unknown().with_source(e),
        // A full disk under the WAL shows as an I/O error as well.
        ErrorCode::SystemIoFailure if failure.extended_code == SQLITE_IOERR_SHMOPEN => {
            cannot_open().with_source(e)
        }
        ErrorCode::SystemIoFailure => storage_full().with_source(e),
        ErrorCode::CannotOpen => cannot_open().with_source(e),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => transient().with_source(e),
        ErrorCode::OperationInterrupted => deadline().with_source(e),
        _ => Error::internal("SQLite").with_source(e),
    }
}

/// `t.a, t.b` or `index 't_a_key'` to `t_a_b_key` or `t_a_key`; a primary key to `t_pkey`.
fn constraint_name(columns: &str, extended_code: i32) -> String {
    if let SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_ROWID = extended_code {
        return format!("{}_pkey", columns.split('.').next().unwrap_or_default());
    }
    if let Some(index) = columns.strip_prefix("index '") {
        return index.trim_end_matches('\'').to_owned();
    }
    let mut name = String::new();
    for (i, column) in columns.split(", ").enumerate() {
        match column.split_once('.') {
            Some((table, column)) if i == 0 => name.push_str(&format!("{table}_{column}")),
            Some((_, column)) => name.push_str(&format!("_{column}")),
            None => name.push_str(column),
        }
    }
    name + "_key"
}

pub(crate) fn postgres(e: tokio_postgres::Error) -> Error {
    let Some(db) = e.as_db_error() else {
        // No answer from the server: the connection is gone. Before COMMIT nothing has happened.
        let lost = e.is_closed() || std::error::Error::source(&e).is_some_and(|s| s.is::<std::io::Error>());
        return if lost { transient().with_source(e) } else { Error::internal("PostgreSQL").with_source(e) };
    };
    let code = db.code();
    if *code == SqlState::UNIQUE_VIOLATION {
        return conflict(db.constraint().unwrap_or_default().to_owned()).with_source(e);
    }
    if PASSING.contains(code) {
        transient().with_source(e)
    } else if *code == SqlState::LOCK_NOT_AVAILABLE {
        locked().with_source(e)
    } else if *code == SqlState::DISK_FULL || *code == SqlState::OUT_OF_MEMORY {
        storage_full().with_source(e)
    } else if *code == SqlState::QUERY_CANCELED {
        deadline().with_source(e)
    } else {
        Error::internal("PostgreSQL").with_source(e)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::{constraint_name, sqlite};
    use crate::error::Kind;

    #[test]
    fn one_spelling_for_both_engines() {
        let unique = |columns| constraint_name(columns, ffi::SQLITE_CONSTRAINT_UNIQUE);
        assert_eq!(unique("user_account.email_key"), "user_account_email_key_key");
        assert_eq!(
            unique("customer_tag.customer_id, customer_tag.tag_id"),
            "customer_tag_customer_id_tag_id_key"
        );
        assert_eq!(unique("index 'user_account_phone_e164_key'"), "user_account_phone_e164_key");
        let primary = |columns| constraint_name(columns, ffi::SQLITE_CONSTRAINT_PRIMARYKEY);
        assert_eq!(primary("customer_tag.tag_id, customer_tag.customer_id"), "customer_tag_pkey");
    }

    /// Disks that break cannot be had in a test.
    #[test]
    fn a_disk_that_fails_says_whether_anything_may_be_stored() {
        let kind = |code| sqlite(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)).kind();
        assert_eq!(kind(ffi::SQLITE_FULL), Kind::Unavailable);
        assert_eq!(kind(ffi::SQLITE_IOERR_WRITE), Kind::Unavailable);
        assert_eq!(kind(ffi::SQLITE_IOERR_FSYNC), Kind::Unknown);
        assert_eq!(crate::error::unknown().code(), "OUTCOME_UNKNOWN");
        assert_eq!(kind(ffi::SQLITE_CORRUPT), Kind::Internal);
        assert_eq!(kind(ffi::SQLITE_BUSY), Kind::Transient);
        // No file descriptor left: it passes, and the disk is not full.
        for code in [ffi::SQLITE_CANTOPEN, ffi::SQLITE_IOERR_SHMOPEN] {
            let e = sqlite(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
            assert_eq!((e.kind(), e.code()), (Kind::Unavailable, "DATABASE_UNAVAILABLE"));
        }
    }
}
