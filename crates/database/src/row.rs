//! Result rows, read by position: by name costs three times as much on SQLite. `row!` writes the
//! positions, and the statement test compares the names.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::error;
use super::value::{Column, Json};
use crate::error::Result;

/// A result row of either engine, while it is being read.
pub enum Row<'a> {
    /// SQLite's.
    Sqlite(&'a rusqlite::Row<'a>),
    /// PostgreSQL's.
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// The value at position `i`, counted from 0. Errors if it is NULL or of another type.
    pub fn get<T: Column>(&self, i: usize) -> Result<T> {
        match self {
            Row::Sqlite(row) => row.get(i).map_err(error::sqlite),
            Row::Postgres(row) => row.try_get(i).map_err(error::postgres),
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

/// A type of one column, which can be a whole row: `sql!("SELECT name FROM t" => String)`.
pub trait Scalar: Column + Sized {}

impl<T: Scalar> FromRow for T {
    const FIELDS: &'static [FieldSpec] =
        &[FieldSpec { name: "", accepts: <T as tokio_postgres::types::FromSql>::accepts }];
    fn from_row(row: &Row<'_>) -> Result<T> {
        row.get(0)
    }
}

impl Scalar for i64 {}
impl Scalar for bool {}
impl Scalar for String {}
impl Scalar for Vec<u8> {}
impl Scalar for Uuid {}
impl Scalar for Json {}
impl<T: Scalar> Scalar for Option<T> where Option<T>: Column {}

/// A struct and its reading from a row, from one list of fields: column names are the fields' names.
///
/// ```
/// database::row! {
///     /// What is left.
///     pub struct Left { pub id: uuid::Uuid, pub n: i64 }
/// }
/// ```
#[macro_export]
macro_rules! row {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$fmeta:meta])* $fvis:vis $field:ident : $ty:ty),* $(,)? }) => {
        $(#[$meta])*
        $vis struct $name { $($(#[$fmeta])* $fvis $field: $ty,)* }

        impl $crate::FromRow for $name {
            const FIELDS: &'static [$crate::FieldSpec] = &[$($crate::FieldSpec {
                name: stringify!($field),
                accepts: <$ty as $crate::driver::tokio_postgres::types::FromSql>::accepts,
            },)*];
            fn from_row(row: &$crate::Row<'_>) -> $crate::Result<Self> {
                let mut next = 0..;
                Ok($name { $($field: row.get(next.next().unwrap_or_default())?,)* })
            }
        }
    };
}
