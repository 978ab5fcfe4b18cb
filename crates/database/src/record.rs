//! Records: structs that say which columns of a table are written, so that INSERT and UPDATE are made from the struct that
//! SELECT is made from, and an UPDATE names the columns that differ and no other. On SQLite that is most of what it costs
//! (every index on a named column is written again), and on PostgreSQL it decides whether an index is touched at all (HOT).

use std::collections::BTreeMap;

use uuid::Uuid;

use super::many::Ids;
use super::row::Scalar;
use super::tx::Tx;
use super::value::Param;
use crate::error::Result;

/// Columns that are written together: one value, a group of a record, or a whole record. `row!` implements it for structs
/// that name their table.
pub trait Written {
    /// The names, in order; empty for a single value, which has that of its field.
    const COLUMNS: &'static [&'static str];
    /// What is written into them, in the same order.
    fn args<'a>(&'a self, out: &mut Vec<Arg<'a>>);
    /// Says of each whether it differs from what `before` has.
    fn differ(&self, before: &Self, out: &mut Vec<bool>);
}

/// One value of a column: borrowed from a record, or derived from another column.
pub enum Arg<'a> {
    /// A field.
    Borrowed(&'a dyn Param),
    /// What was made of one.
    Derived(Box<dyn Param + 'a>),
}

impl Arg<'_> {
    /// What is sent.
    pub fn param(&self) -> &dyn Param {
        match self {
            Arg::Borrowed(param) => *param,
            Arg::Derived(param) => param.as_ref(),
        }
    }
}

impl<T: Scalar> Written for T {
    const COLUMNS: &'static [&'static str] = &[""];
    fn args<'a>(&'a self, out: &mut Vec<Arg<'a>>) {
        out.push(Arg::Borrowed(self));
    }
    fn differ(&self, before: &T, out: &mut Vec<bool>) {
        out.push(self != before);
    }
}

/// A row of a table. `row! … of "table"` implements it.
pub trait Record: Written + Sync {
    /// The table.
    const TABLE: &'static str;
}

/// A record with an id and a version that goes up with each change.
pub trait Versioned: Record {
    /// Which rows can still be changed, such as `erased_at IS NULL`.
    const CHANGEABLE: &'static str;
    /// The primary key, in the column `id`.
    fn id(&self) -> Uuid;
    /// The version that was loaded, in the column `version`.
    fn version(&self) -> i64;
}

/// What the statement test reads: every struct with columns that are written registers itself.
pub struct WrittenEntry {
    /// The table.
    pub table: &'static str,
    /// The columns.
    pub columns: &'static [&'static str],
    /// `file:line`.
    pub at: &'static str,
}
inventory::collect!(WrittenEntry);

impl WrittenEntry {
    /// The statements that are made of it: an INSERT of all columns and, where it has a version, an UPDATE of each.
    pub fn statements(&self) -> Vec<String> {
        let update = |column: &&str| update_text(self.table, "true", &[column]);
        let is_versioned = self.columns.contains(&"version");
        let changed = self.columns.iter().filter(|column| is_versioned && **column != "version");
        [insert_text(self.table, self.columns, "")].into_iter().chain(changed.map(update)).collect()
    }
}

/// The arguments of a statement that names those of [`columns!`](crate::columns) behind others of its own.
pub fn args_behind<'a, const N: usize>(own: &[&'a dyn Param], columns: &'a [Arg<'a>]) -> [&'a dyn Param; N] {
    let mut all = own.iter().copied().chain(columns.iter().map(Arg::param));
    // The number of arguments is that of the text, which is made of the same columns.
    std::array::from_fn(|_| all.next().unwrap_or(&false))
}

/// The columns of a record as an INSERT of your own names them, where `insert_records` does not say enough: `columns!(User)`
/// is `id, username, …`, and `columns!(User, from 3)` is `$3, $4, …`.
#[macro_export]
macro_rules! columns {
    ($record:ty) => {{
        const COLUMNS: &[&str] = <$record as $crate::Written>::COLUMNS;
        const LIST: [u8; $crate::record::names_len(COLUMNS)] = $crate::record::names(COLUMNS);
        $crate::row::text(&LIST)
    }};
    ($record:ty, from $first:literal) => {{
        const N: usize = <$record as $crate::Written>::COLUMNS.len();
        const LIST: [u8; $crate::record::marks_len($first, N)] = $crate::record::marks($first, N);
        $crate::row::text(&LIST)
    }};
}

const fn put(bytes: &[u8], out: &mut [u8], at: usize) -> usize {
    let mut i = 0;
    while i < bytes.len() {
        if at + i < out.len() {
            out[at + i] = bytes[i];
        }
        i += 1;
    }
    at + bytes.len()
}

const fn write_names(names: &[&str], out: &mut [u8]) -> usize {
    let (mut at, mut i) = (0, 0);
    while i < names.len() {
        at = put(if i > 0 { b", " } else { b"" }, out, at);
        at = put(names[i].as_bytes(), out, at);
        i += 1;
    }
    at
}

/// Numbers of two digits at most: no table has a hundred columns.
const fn write_marks(first: usize, n: usize, out: &mut [u8]) -> usize {
    assert!(first + n <= 100, "more arguments than marks can be made for");
    let (mut at, mut i) = (0, first);
    while i < first + n {
        at = put(if i > first { b", $" } else { b"$" }, out, at);
        if i > 9 {
            at = put(&[b'0' + (i / 10) as u8], out, at);
        }
        at = put(&[b'0' + (i % 10) as u8], out, at);
        i += 1;
    }
    at
}

#[doc(hidden)]
pub const fn names_len(names: &[&str]) -> usize {
    write_names(names, &mut [])
}

#[doc(hidden)]
pub const fn names<const N: usize>(names: &[&str]) -> [u8; N] {
    let mut out = [0; N];
    write_names(names, &mut out);
    out
}

#[doc(hidden)]
pub const fn marks_len(first: usize, n: usize) -> usize {
    write_marks(first, n, &mut [])
}

#[doc(hidden)]
pub const fn marks<const N: usize>(first: usize, n: usize) -> [u8; N] {
    let mut out = [0; N];
    write_marks(first, n, &mut out);
    out
}

fn insert_text(table: &str, columns: &[&str], on_conflict: &str) -> String {
    let marks: Vec<String> = (1..=columns.len()).map(|n| format!("${n}")).collect();
    format!("INSERT INTO {table} ({}) VALUES ({}) {on_conflict}", columns.join(", "), marks.join(", "))
}

/// `$1` is the id, `$2` the version.
fn update_text(table: &str, changeable: &str, columns: &[&str]) -> String {
    let sets: String =
        columns.iter().enumerate().map(|(i, column)| format!("{column} = ${}, ", i + 3)).collect();
    format!("UPDATE {table} SET {sets}version = version + 1 WHERE id = $1 AND version = $2 AND {changeable}")
}

impl Tx {
    /// Inserts records with one statement for all, and says of each how many rows it made: 0 where `on_conflict`, such as
    /// `ON CONFLICT (name) DO NOTHING`, left it out. Errors as [`Tx::exec_many`].
    pub async fn insert_records<R: Record>(
        &mut self,
        records: &[&R],
        on_conflict: &'static str,
    ) -> Result<Vec<u64>> {
        let text = insert_text(R::TABLE, R::COLUMNS, on_conflict);
        let mut args = Vec::with_capacity(records.len() * R::COLUMNS.len());
        records.iter().for_each(|record| record.args(&mut args));
        let params: Vec<&dyn Param> = args.iter().map(Arg::param).collect();
        let sets: Vec<&[&dyn Param]> = params.chunks(R::COLUMNS.len()).collect();
        self.exec_sets(&text, &sets).await
    }

    /// Writes records back that were loaded, before and after: the columns that differ, and the version, which goes up by
    /// one, also where nothing else differs. `Stale` if somebody else was faster with one of them; then nothing
    /// of the transaction stays.
    pub async fn update_records<R: Versioned>(&mut self, changes: &[(&R, &R)]) -> Result<()> {
        let groups = by_columns(changes);
        if groups.len() > 1 {
            // Several statements would lock the rows in several orders.
            let mut ids: Vec<Uuid> = changes.iter().map(|(_, after)| after.id()).collect();
            ids.sort_unstable();
            self.lock_rows(R::TABLE, Ids(ids)).await?;
        }
        for (differ, records) in &groups {
            let columns: Vec<&str> = chosen(R::COLUMNS, differ).copied().collect();
            let text = update_text(R::TABLE, R::CHANGEABLE, &columns);
            let width = columns.len() + 2;
            let keys: Vec<(Uuid, i64)> =
                records.iter().map(|record| (record.id(), record.version())).collect();
            let mut args = Vec::with_capacity(records.len() * width);
            for (record, (id, version)) in records.iter().zip(&keys) {
                args.push(Arg::Borrowed(id));
                args.push(Arg::Borrowed(version));
                let mut all = Vec::with_capacity(R::COLUMNS.len());
                record.args(&mut all);
                args.extend(all.into_iter().zip(differ).filter(|(_, differs)| **differs).map(|(arg, _)| arg));
            }
            let params: Vec<&dyn Param> = args.iter().map(Arg::param).collect();
            let sets: Vec<&[&dyn Param]> = params.chunks(width).collect();
            let changed = self.exec_sets(&text, &sets).await?;
            if changed.contains(&0) {
                return Err(self.stale());
            }
        }
        Ok(())
    }
}

fn chosen<'a, T>(all: &'a [T], flags: &'a [bool]) -> impl Iterator<Item = &'a T> {
    all.iter().zip(flags).filter(|(_, flag)| **flag).map(|(one, _)| one)
}

/// The records that are written by one statement, by the columns that it names.
type Groups<'a, R> = BTreeMap<Vec<bool>, Vec<&'a R>>;

/// The records by the columns in which they differ, in the order of their ids: two transactions that change the same ones
/// lock them in one order and wait for each other, instead of each for the other.
fn by_columns<'a, R: Versioned>(changes: &[(&'a R, &'a R)]) -> Groups<'a, R> {
    let mut groups = Groups::<R>::new();
    for (before, after) in changes {
        let mut differ = Vec::with_capacity(R::COLUMNS.len());
        after.differ(before, &mut differ);
        // The version is counted by the statement, from the one that was loaded.
        differ
            .iter_mut()
            .zip(R::COLUMNS)
            .filter(|(_, column)| **column == "version")
            .for_each(|(differs, _)| *differs = false);
        groups.entry(differ).or_default().push(after);
    }
    groups.values_mut().for_each(|records| records.sort_by_key(|record| record.id()));
    groups
}
