//! What whoever runs the process can do about a failure of the database, by engine and cause.

use std::error::Error;

use database::Unreachable;
use database::driver::rusqlite::{self, ErrorCode};
use database::driver::tokio_postgres::{self, error::SqlState};

const ADDRESS: &str = "start the database server, or correct the address in DATABASE_URL (`regulars config` shows which one is used)";
const TLS: &str = "sslmode in DATABASE_URL says whether the connection is encrypted, sslrootcert whom it trusts: \
                   sslrootcert=FILE for an authority of your own, sslmode=disable for a server without TLS";
const LOGIN: &str = "correct user and password in DATABASE_URL";
const ADMISSION: &str =
    "let this user in in the server's pg_hba.conf, or correct user, database and sslmode in DATABASE_URL";
const NO_DATABASE: &str = "create it: CREATE DATABASE name OWNER role ENCODING 'UTF8' TEMPLATE template0";
const CONNECTIONS: &str =
    "raise max_connections of the server or the CONNECTION LIMIT of the role, or lower database.pool_size";
const SOON: &str = "the server starts or stops; try again in a moment";
const RIGHTS: &str = "let the role make tables: ALTER DATABASE name OWNER TO role, or GRANT USAGE, CREATE ON SCHEMA \
                      public TO role";
const LOCK: &str = "another session keeps a table locked (pg_stat_activity and pg_locks show which one); end it and try again";
const STANDBY: &str = "this server only reads: name the primary in DATABASE_URL";
const ENCODING: &str = "make a database with ENCODING 'UTF8' TEMPLATE template0 and name that";
const NO_ROOM: &str = "make room on the disk of the database";
const NOT_SQLITE: &str = "name the right file, or put a backup in its place: this one is no SQLite database";
const DAMAGED: &str = "put a backup in its place: the file is damaged. A copy made beside a running server (cp, rsync) is; \
                       `sqlite3 regulars.db \".backup COPY\"` makes whole ones, as does cp when the server is stopped";
const FILES: &str =
    "let this user read and write the database file and its directory, or choose another --data-dir";
const LOCAL_DISK: &str = "put --data-dir on a local disk, or use PostgreSQL by setting DATABASE_URL";
const BUSY: &str = "another program keeps the database locked; end it and try again";

/// A sentence without a full stop; `None` where the failure itself says what to do, or nobody knows.
pub fn advice(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut next = Some(error);
    while let Some(cause) = next {
        let found = if let Some(cause) = cause.downcast_ref::<Unreachable>() {
            match (&cause.code, cause.tls) {
                (Some(code), _) => by_state(code),
                (None, true) => Some(TLS),
                (None, false) => Some(ADDRESS),
            }
        } else if let Some(cause) = cause.downcast_ref::<tokio_postgres::Error>() {
            cause.code().and_then(by_state)
        } else if let Some(cause) = cause.downcast_ref::<kernel::Error>() {
            match cause.code() {
                "DATABASE_DAMAGED" => Some(DAMAGED),
                "DATABASE_ON_NETWORK" => Some(LOCAL_DISK),
                _ => None,
            }
        } else if let Some(cause) = cause.downcast_ref::<rusqlite::Error>() {
            cause.sqlite_error_code().and_then(by_code)
        } else {
            cause.downcast_ref::<std::io::Error>().map(|_| FILES)
        };
        if found.is_some() {
            return found;
        }
        next = cause.source();
    }
    None
}

fn by_state(code: &SqlState) -> Option<&'static str> {
    let known = [
        (SqlState::INVALID_PASSWORD, LOGIN),
        (SqlState::INVALID_AUTHORIZATION_SPECIFICATION, ADMISSION),
        (SqlState::INVALID_CATALOG_NAME, NO_DATABASE),
        (SqlState::TOO_MANY_CONNECTIONS, CONNECTIONS),
        (SqlState::CANNOT_CONNECT_NOW, SOON),
        (SqlState::INSUFFICIENT_PRIVILEGE, RIGHTS),
        (SqlState::LOCK_NOT_AVAILABLE, LOCK),
        (SqlState::READ_ONLY_SQL_TRANSACTION, STANDBY),
        (SqlState::UNTRANSLATABLE_CHARACTER, ENCODING),
        (SqlState::DISK_FULL, NO_ROOM),
    ];
    known.into_iter().find(|(state, _)| state == code).map(|(_, advice)| advice)
}

fn by_code(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::NotADatabase => NOT_SQLITE,
        ErrorCode::DatabaseCorrupt => DAMAGED,
        ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen => FILES,
        ErrorCode::DiskFull => NO_ROOM,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => BUSY,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use database::driver::rusqlite::ffi;
    use kernel::error::Error;

    use super::*;

    #[test]
    fn advice_fits_the_cause() {
        let sqlite = |code| {
            Error::internal("x").with_source(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
        };
        assert_eq!(advice(&sqlite(ffi::SQLITE_NOTADB)), Some(NOT_SQLITE));
        assert_eq!(advice(&sqlite(ffi::SQLITE_CORRUPT)), Some(DAMAGED));
        assert_eq!(advice(&sqlite(ffi::SQLITE_CANTOPEN)), Some(FILES));
        let away = Unreachable::new("no answer", None, false);
        assert_eq!(advice(&Error::internal("x").with_source(away)), Some(ADDRESS));
        let io = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        assert_eq!(advice(&Error::internal("cannot open x").with_source(io)), Some(FILES));
        let of_code = |code| Error::new(kernel::Kind::Internal, code, "x");
        assert_eq!(advice(&of_code("DATABASE_DAMAGED")), Some(DAMAGED));
        assert_eq!(advice(&of_code("DATABASE_ON_NETWORK")), Some(LOCAL_DISK));
        assert_eq!(advice(&Error::internal("a bug")), None);
    }
}
