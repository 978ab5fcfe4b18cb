//! Driver errors to `kernel::Error`, once. Which are worth another try is decided here.
//!
//! A violated unique constraint carries its name in one spelling for both engines: `table_column_key`, or `table_pkey`
//! for a primary key, which is what PostgreSQL calls it by itself and what SQLite's `table.column` is turned into. An
//! index of another name would have two (a test compares the schemas). The store maps it to a domain error with
//! [`Error::violates`].

use std::time::Duration;

use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID, SQLITE_IOERR_FSYNC};
use tokio_postgres::error::SqlState;

use crate::error::{Error, Kind};

const TRY_AGAIN: Duration = Duration::from_secs(1);

fn conflict(constraint: String) -> Error {
    Error::conflict("CONFLICT", "The change contradicts what is stored").with_constraint(constraint)
}

/// The connection was lost before anything could be committed, or the like: the request may run again.
pub(crate) fn transient() -> Error {
    Error::new(Kind::Transient, "DATABASE_BUSY", "The database is busy; try again").retry_after(TRY_AGAIN)
}

pub(crate) fn storage_full() -> Error {
    Error::unavailable(
        "STORAGE_FULL",
        "The database cannot store anything at the moment; nothing was changed",
        TRY_AGAIN,
    )
}

/// COMMIT was sent and no answer came.
pub(crate) fn unknown() -> Error {
    let detail = "The connection to the database broke while the change was being committed; it may or may not have \
                  happened. Repeat the request with the same Idempotency-Key, or read the record first";
    Error::new(Kind::Unknown, "OUTCOME_UNKNOWN", detail).retry_after(TRY_AGAIN)
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

pub(crate) fn lite(e: rusqlite::Error) -> Error {
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
        ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => storage_full().with_source(e),
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

pub(crate) fn pg(e: tokio_postgres::Error) -> Error {
    let Some(db) = e.as_db_error() else {
        // No answer from the server: the connection is gone. Before COMMIT nothing has happened.
        let lost = e.is_closed() || std::error::Error::source(&e).is_some_and(|s| s.is::<std::io::Error>());
        return if lost { transient().with_source(e) } else { Error::internal("PostgreSQL").with_source(e) };
    };
    let code = db.code();
    if *code == SqlState::UNIQUE_VIOLATION {
        return conflict(db.constraint().unwrap_or_default().to_owned()).with_source(e);
    }
    let transient_codes = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
    ];
    if transient_codes.contains(code) {
        transient().with_source(e)
    } else if *code == SqlState::DISK_FULL || *code == SqlState::OUT_OF_MEMORY {
        storage_full().with_source(e)
    } else if *code == SqlState::QUERY_CANCELED {
        deadline().with_source(e)
    } else {
        Error::internal("PostgreSQL").with_source(e)
    }
}

pub(crate) fn pool(e: deadpool_postgres::PoolError) -> Error {
    match e {
        deadpool_postgres::PoolError::Backend(e) => pg(e),
        e @ deadpool_postgres::PoolError::Timeout(_) => deadline().with_source(e),
        e => transient().with_source(e),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::{constraint_name, lite};
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
        let kind = |code| lite(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)).kind();
        assert_eq!(kind(ffi::SQLITE_FULL), Kind::Unavailable);
        assert_eq!(kind(ffi::SQLITE_IOERR_WRITE), Kind::Unavailable);
        assert_eq!(kind(ffi::SQLITE_IOERR_FSYNC), Kind::Unknown);
        assert_eq!(kind(ffi::SQLITE_CORRUPT), Kind::Internal);
        assert_eq!(kind(ffi::SQLITE_BUSY), Kind::Transient);
    }
}
