//! Result rows, read by position: by name costs three times as much on SQLite. `row!` writes the
//! positions, and the statement test compares the names.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::error;
use super::value::{Column, Date, Json};
use crate::clock::Timestamp;
use crate::error::Result;

/// A result row of either engine, while it is being read.
pub enum Row<'a> {
    /// SQLite's.
    Lite(&'a rusqlite::Row<'a>),
    /// PostgreSQL's.
    Pg(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// The value at position `i`, counted from 0. Errors if it is NULL or of another type.
    pub fn get<T: Column>(&self, i: usize) -> Result<T> {
        match self {
            Row::Lite(row) => row.get(i).map_err(error::lite),
            Row::Pg(row) => row.try_get(i).map_err(error::pg),
        }
    }
}

/// What the statement test knows of one column of a row type.
pub struct FieldSpec {
    /// The column's name; empty where any name will do.
    pub name: &'static str,
    /// Can a value of this PostgreSQL type be read?
    pub accepts: fn(&Type) -> bool,
}

/// A type that is read from a row by position. `row!` implements it.
pub trait FromRow: Sized {
    /// The columns, in order.
    const FIELDS: &'static [FieldSpec];
    /// Reads one row.
    fn from_row(row: &Row<'_>) -> Result<Self>;
}

/// A statement without rows.
impl FromRow for () {
    const FIELDS: &'static [FieldSpec] = &[];
    fn from_row(_: &Row<'_>) -> Result<()> {
        Ok(())
    }
}

macro_rules! scalar {
    ($($t:ty),*) => {$(
        impl FromRow for $t {
            const FIELDS: &'static [FieldSpec] =
                &[FieldSpec { name: "", accepts: <$t as tokio_postgres::types::FromSql>::accepts }];
            fn from_row(row: &Row<'_>) -> Result<$t> {
                row.get(0)
            }
        }
    )*};
}
scalar!(i64, bool, String, Vec<u8>, Uuid, Timestamp, Date, Json);
scalar!(Option<i64>, Option<String>, Option<Uuid>, Option<Timestamp>, Option<Vec<u8>>);

/// A struct and its reading from a row, from one list of fields: column names are the fields' names.
///
/// ```
/// kernel::row! {
///     /// What is left.
///     pub struct Left { pub id: uuid::Uuid, pub n: i64 }
/// }
/// ```
#[macro_export]
macro_rules! row {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$fmeta:meta])* $fvis:vis $field:ident : $ty:ty),* $(,)? }) => {
        $(#[$meta])*
        $vis struct $name { $($(#[$fmeta])* $fvis $field: $ty,)* }

        impl $crate::db::FromRow for $name {
            const FIELDS: &'static [$crate::db::FieldSpec] = &[$($crate::db::FieldSpec {
                name: stringify!($field),
                accepts: <$ty as $crate::db::driver::tokio_postgres::types::FromSql>::accepts,
            },)*];
            fn from_row(row: &$crate::db::Row<'_>) -> $crate::Result<Self> {
                let mut next = 0..;
                Ok($name { $($field: row.get(next.next().unwrap_or_default())?,)* })
            }
        }
    };
}
