//! Result rows, read by position: by name costs three times as much on SQLite. `row!` writes the
//! positions, and the statement test compares the names.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::error;
use super::value::{Column, Json, Param};
use crate::error::{Error, Result};

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

    fn names(&self) -> Vec<&str> {
        match self {
            Row::Sqlite(row) => row.as_ref().column_names().collect(),
            Row::Postgres(row) => row.columns().iter().map(tokio_postgres::Column::name).collect(),
        }
    }

    /// The column at position `i` has a value that this release cannot read.
    #[cold]
    fn unreadable(&self, table: &str, i: usize, e: Error) -> Error {
        let names = self.names();
        let id = names.iter().position(|name| *name == "id").and_then(|i| self.get::<Uuid>(i).ok());
        let column = names.get(i).copied().unwrap_or_default();
        let of = if table.is_empty() { String::new() } else { format!(" of {table}") };
        let row = id.map(|id| format!(" in the row {id}")).unwrap_or_default();
        Error::internal(format!("The value of {column}{of}{row} cannot be read")).with_source(e)
    }
}

/// What is known of one column of a row type.
#[derive(Clone, Copy)]
pub struct FieldSpec {
    /// The column's name; empty where any name will do.
    pub name: &'static str,
    /// Can a value of this PostgreSQL type be read?
    pub accepts: fn(&Type) -> bool,
    /// How a SELECT says it: `c.city`, `u.company_id AS company`, or `coalesce(u.email, '') AS email`.
    table: &'static str,
    column: &'static str,
    source: &'static str,
}

impl FieldSpec {
    /// A column of this name, for whose PostgreSQL type `accepts` answers.
    pub const fn new(name: &'static str, accepts: fn(&Type) -> bool) -> FieldSpec {
        FieldSpec { name, accepts, table: "", column: "", source: "" }
    }
}

/// A type that is read from a row by position. `row!` implements it, also for structs of which other rows are made.
pub trait FromRow: Sized {
    /// The columns, in order.
    const FIELDS: &'static [FieldSpec];
    /// The same as the list of a SELECT.
    const SELECT: &'static str;
    /// The table, if the row is one of a table.
    const TABLE: &'static str = "";
    /// Reads the columns from `at` on, and moves `at` behind them.
    fn read(row: &Row<'_>, at: &mut usize) -> Result<Self>;
    /// Reads one row. What cannot be read is named by table, row and column.
    fn from_row(row: &Row<'_>) -> Result<Self> {
        let mut at = 0;
        Self::read(row, &mut at).map_err(|e| row.unreadable(Self::TABLE, at.saturating_sub(1), e))
    }
}

/// A statement without rows.
impl FromRow for () {
    const FIELDS: &'static [FieldSpec] = &[];
    const SELECT: &'static str = "";
    fn read(_: &Row<'_>, _: &mut usize) -> Result<()> {
        Ok(())
    }
}

/// A type of one column, which can be a whole row: `sql!("SELECT name FROM t" => String)`.
pub trait Scalar: Column + Param + PartialEq + Sized {}

impl<T: Scalar> FromRow for T {
    const FIELDS: &'static [FieldSpec] =
        &[FieldSpec::new("", <T as tokio_postgres::types::FromSql>::accepts)];
    const SELECT: &'static str = "";
    fn read(row: &Row<'_>, at: &mut usize) -> Result<T> {
        let value = row.get(*at);
        *at += 1;
        value
    }
}

impl Scalar for i64 {}
impl Scalar for f64 {}
impl Scalar for bool {}
impl Scalar for String {}
impl Scalar for Vec<u8> {}
impl Scalar for Uuid {}
impl Scalar for Json {}
impl<T: Scalar> Scalar for Option<T> where Option<T>: Column + Param {}

/// One field of a `row!`: a column, or a struct of columns.
#[doc(hidden)]
pub struct FieldPart {
    pub fields: &'static [FieldSpec],
    pub name: &'static str,
    pub table: &'static str,
    pub column: &'static str,
    pub source: &'static str,
}

/// The name of a field's column: its own, or the one that is said.
#[doc(hidden)]
pub const fn column_of(field: &'static str, said: &'static str) -> &'static str {
    if said.is_empty() { field } else { said }
}

/// How many columns the fields have together.
#[doc(hidden)]
pub const fn width(parts: &[FieldPart]) -> usize {
    let (mut n, mut i) = (0, 0);
    while i < parts.len() {
        n += parts[i].fields.len();
        i += 1;
    }
    n
}

/// The columns of all fields; a column without a name gets that of its field.
#[doc(hidden)]
pub const fn joined<const N: usize>(parts: &[FieldPart]) -> [FieldSpec; N] {
    const fn never(_: &Type) -> bool {
        false
    }
    let mut all = [FieldSpec::new("", never); N];
    let (mut n, mut i) = (0, 0);
    while i < parts.len() {
        let part = &parts[i];
        let mut j = 0;
        while j < part.fields.len() {
            all[n] = part.fields[j];
            if all[n].name.is_empty() {
                all[n] = FieldSpec {
                    name: part.name,
                    accepts: all[n].accepts,
                    table: part.table,
                    column: part.column,
                    source: part.source,
                };
            }
            n += 1;
            j += 1;
        }
        i += 1;
    }
    all
}

/// The list of a SELECT, `c.id, u.role AS user_role`, written into `out` as far as it is long enough; its length.
const fn write_list(fields: &[FieldSpec], out: &mut [u8]) -> usize {
    const fn put(text: &str, out: &mut [u8], at: usize) -> usize {
        let text = text.as_bytes();
        let mut i = 0;
        while i < text.len() {
            if at + i < out.len() {
                out[at + i] = text[i];
            }
            i += 1;
        }
        at + text.len()
    }
    let (mut at, mut i) = (0, 0);
    while i < fields.len() {
        let field = &fields[i];
        if i > 0 {
            at = put(", ", out, at);
        }
        if !field.source.is_empty() {
            at = put(field.source, out, at);
            at = put(" AS ", out, at);
        } else if !field.table.is_empty() {
            at = put(field.table, out, at);
            at = put(".", out, at);
        }
        if field.source.is_empty() && !field.column.is_empty() {
            at = put(field.column, out, at);
            at = put(" AS ", out, at);
        }
        at = put(field.name, out, at);
        i += 1;
    }
    at
}

#[doc(hidden)]
pub const fn list_len(fields: &[FieldSpec]) -> usize {
    write_list(fields, &mut [])
}

#[doc(hidden)]
pub const fn list<const N: usize>(fields: &[FieldSpec]) -> [u8; N] {
    let mut out = [0; N];
    write_list(fields, &mut out);
    out
}

/// How many bytes the texts have together.
#[doc(hidden)]
pub const fn text_len(parts: &[&str]) -> usize {
    let (mut n, mut i) = (0, 0);
    while i < parts.len() {
        n += parts[i].len();
        i += 1;
    }
    n
}

#[doc(hidden)]
pub const fn join<const N: usize>(parts: &[&str]) -> [u8; N] {
    let mut out = [0; N];
    let (mut n, mut i) = (0, 0);
    while i < parts.len() {
        let part = parts[i].as_bytes();
        let mut j = 0;
        while j < part.len() {
            out[n] = part[j];
            n += 1;
            j += 1;
        }
        i += 1;
    }
    out
}

/// Text made while compiling.
#[doc(hidden)]
pub const fn text(bytes: &'static [u8]) -> &'static str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("a list of columns is made of texts"),
    }
}

/// The names of the columns that are written, of all fields: as [`joined`].
#[doc(hidden)]
pub struct WrittenPart {
    pub columns: &'static [&'static str],
    pub name: &'static str,
    pub is_written: bool,
}

#[doc(hidden)]
pub const fn written_width(parts: &[WrittenPart]) -> usize {
    let (mut n, mut i) = (0, 0);
    while i < parts.len() {
        if parts[i].is_written {
            n += parts[i].columns.len();
        }
        i += 1;
    }
    n
}

#[doc(hidden)]
pub const fn written<const N: usize>(parts: &[WrittenPart]) -> [&'static str; N] {
    let mut all = [""; N];
    let (mut n, mut i) = (0, 0);
    while i < parts.len() {
        let part = &parts[i];
        let mut j = 0;
        while part.is_written && j < part.columns.len() {
            all[n] = if part.columns[j].is_empty() { part.name } else { part.columns[j] };
            n += 1;
            j += 1;
        }
        i += 1;
    }
    all
}

/// A struct and its reading from a row, from one list of fields: column names are the fields' names. A field may be a
/// struct made by `row!` itself, whose columns then stand in its place.
///
/// ```
/// database::row! {
///     /// What is left.
///     pub struct Left { pub id: uuid::Uuid, pub n: i64 }
/// }
/// ```
///
/// `in "t"` says under which name its table stands in a SELECT, whose list is then `Self::SELECT`; `of "table"` that it is a
/// [`Record`](crate::Record) of this table, whose columns are also written (see [`Written`](crate::Written)): all but those
/// with `= "expression"`, which come from elsewhere, and those with `[read]`. `as "column"` is for a field of another name.
/// Behind `=>` stand columns that are derived from this one (and others behind it) and written with it, never read. A struct
/// that ends in `writes` is a group of columns inside a record.
///
/// ```
/// fn folded(name: &String) -> String { name.to_lowercase() }
/// fn label(name: &String, row: &i64) -> String { format!("{row} {name}") }
/// database::row! {
///     /// A shelf, and how many things lie on it.
///     #[derive(Clone)]
///     pub struct Shelf in "s" of "shelf" {
///         pub id: uuid::Uuid,
///         pub row: i64 as "row_no",
///         pub name: String => name_key(folded) => label(label, row),
///         pub things: i64 = "(SELECT count(*) FROM thing t WHERE t.shelf_id = s.id)",
///         pub version: i64,
///     }
/// }
/// use database::FromRow;
/// assert_eq!(
///     Shelf::SELECT,
///     "s.id, s.row_no AS row, s.name, (SELECT count(*) FROM thing t WHERE t.shelf_id = s.id) AS things, s.version",
/// );
/// assert_eq!(<Shelf as database::Written>::COLUMNS, ["id", "row_no", "name", "name_key", "label", "version"]);
/// ```
#[macro_export]
macro_rules! row {
    ($(#[$meta:meta])* $vis:vis struct $name:ident $(in $alias:literal)? of $table:literal { $($body:tt)* }) => {
        $crate::row! { @read $table; $(#[$meta])* $vis struct $name $(in $alias)? { $($body)* } }
        $crate::row! { @written $name { $($body)* } }
        impl $crate::Record for $name {
            const TABLE: &'static str = $table;
        }
        $crate::driver::inventory::submit! {
            $crate::WrittenEntry {
                table: $table,
                columns: <$name as $crate::Written>::COLUMNS,
                at: concat!(file!(), ":", line!()),
            }
        }
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident $(in $alias:literal)? { $($body:tt)* } writes) => {
        $crate::row! { @read ""; $(#[$meta])* $vis struct $name $(in $alias)? { $($body)* } }
        $crate::row! { @written $name { $($body)* } }
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident $(in $alias:literal)? { $($body:tt)* }) => {
        $crate::row! { @read ""; $(#[$meta])* $vis struct $name $(in $alias)? { $($body)* } }
    };
    (@read $table:literal; $(#[$meta:meta])* $vis:vis struct $name:ident $(in $alias:literal)? {
        $($(#[$fmeta:meta])* $fvis:vis $field:ident : $ty:ty $(as $column:literal)? $(= $source:literal)? $([$read:ident])?
            $(=> $key:ident ($of:path $(, $also:ident)*))*),* $(,)?
    }) => {
        $(#[$meta])*
        $vis struct $name { $($(#[$fmeta])* $fvis $field: $ty,)* }

        impl $crate::FromRow for $name {
            const TABLE: &'static str = $table;
            const FIELDS: &'static [$crate::FieldSpec] = {
                const ALIAS: &str = concat!("" $(, $alias)?);
                const PARTS: &[$crate::row::FieldPart] = &[$($crate::row::FieldPart {
                    fields: <$ty as $crate::FromRow>::FIELDS,
                    name: stringify!($field),
                    table: ALIAS,
                    column: concat!("" $(, $column)?),
                    source: concat!("" $(, $source)?),
                },)*];
                &$crate::row::joined::<{ $crate::row::width(PARTS) }>(PARTS)
            };
            const SELECT: &'static str = {
                const FIELDS: &[$crate::FieldSpec] = <$name as $crate::FromRow>::FIELDS;
                const LIST: [u8; $crate::row::list_len(FIELDS)] = $crate::row::list(FIELDS);
                $crate::row::text(&LIST)
            };
            fn read(row: &$crate::Row<'_>, at: &mut usize) -> $crate::Result<Self> {
                Ok($name { $($field: <$ty as $crate::FromRow>::read(row, at)?,)* })
            }
        }
    };
    (@written $name:ident {
        $($(#[$fmeta:meta])* $fvis:vis $field:ident : $ty:ty $(as $column:literal)? $(= $source:literal)? $([$read:ident])?
            $(=> $key:ident ($of:path $(, $also:ident)*))*),* $(,)?
    }) => {
        impl $crate::Written for $name {
            const COLUMNS: &'static [&'static str] = {
                const PARTS: &[$crate::row::WrittenPart] = &[$(
                    $crate::row::WrittenPart {
                        columns: <$ty as $crate::Written>::COLUMNS,
                        name: $crate::row::column_of(stringify!($field), concat!("" $(, $column)?)),
                        is_written: concat!("" $(, $source)? $(, stringify!($read))?).is_empty(),
                    },
                    $($crate::row::WrittenPart { columns: &[""], name: stringify!($key), is_written: true },)*
                )*];
                &$crate::row::written::<{ $crate::row::written_width(PARTS) }>(PARTS)
            };
            fn args<'a>(&'a self, out: &mut Vec<$crate::Arg<'a>>) {
                $(
                    if const { concat!("" $(, $source)? $(, stringify!($read))?).is_empty() } {
                        <$ty as $crate::Written>::args(&self.$field, out);
                        $(out.push($crate::Arg::Derived(Box::new($of(&self.$field $(, &self.$also)*))));)*
                    }
                )*
            }
            fn differ(&self, before: &Self, out: &mut Vec<bool>) {
                $(
                    if const { concat!("" $(, $source)? $(, stringify!($read))?).is_empty() } {
                        let _from = out.len();
                        <$ty as $crate::Written>::differ(&self.$field, &before.$field, out);
                        // A text and what is derived from it are written together, so neither stays behind.
                        $({
                            let _ = stringify!($key);
                            out.push(out[_from] $(|| self.$also != before.$also)*);
                        })*
                    }
                )*
            }
        }
    };
}
