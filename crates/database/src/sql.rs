//! `sql!`: a statement as text, with its number of arguments and its row type checked by the compiler
//! and everything else by one test that prepares every registered statement on both databases.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::OnceLock;

use super::Engine;
use super::row::FieldSpec;
use super::value::Param;

/// A statement with `N` arguments whose rows are `R`. Made by `sql!` only.
pub struct Sql<const N: usize, R> {
    sqlite_source: &'static str,
    sqlite: OnceLock<String>,
    postgres: &'static str,
    row: PhantomData<fn() -> R>,
}

impl<const N: usize, R> Sql<N, R> {
    #[doc(hidden)]
    pub const fn new(sqlite_source: &'static str, postgres: &'static str) -> Sql<N, R> {
        Sql { sqlite_source, sqlite: OnceLock::new(), postgres, row: PhantomData }
    }

    /// The text for SQLite. `$1` is a *name* there, numbered by first appearance, so it becomes `?1`, once.
    pub(crate) fn sqlite(&'static self) -> &'static str {
        self.sqlite.get_or_init(|| question_marks(self.sqlite_source))
    }

    /// The text for PostgreSQL.
    pub(crate) fn postgres(&self) -> &'static str {
        self.postgres
    }

    /// The text for one of them as it was written; empty if it is never asked.
    pub(crate) fn source(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite_source,
            Engine::Postgres => self.postgres,
        }
    }
}

/// `$n` to `?n`. No literal in our statements contains `$` and a digit.
pub(crate) fn question_marks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let numbered = c == '$' && chars.peek().is_some_and(char::is_ascii_digit);
        out.push(if numbered { '?' } else { c });
    }
    out
}

/// What the statement test reads: every `sql!` registers itself.
pub struct Entry {
    /// SQLite's text, with `$n`; empty if only the other engine is asked.
    pub sqlite: &'static str,
    /// PostgreSQL's text, or empty.
    pub postgres: &'static str,
    /// `file:line`.
    pub at: &'static str,
    /// The row type's columns.
    pub fields: &'static [FieldSpec],
    /// Completed by a filter at run time, so it may end in `WHERE true`.
    pub args: usize,
}
inventory::collect!(Entry);

/// The number of arguments of a statement; a gap in `$1…$n` does not compile.
pub const fn arity(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut seen, mut most, mut i) = (0u128, 0usize, 0);
    while i < bytes.len() {
        if bytes[i] == b'$' {
            let mut n = 0usize;
            while i + 1 < bytes.len() && bytes[i + 1].is_ascii_digit() {
                n = n * 10 + (bytes[i + 1] - b'0') as usize;
                i += 1;
            }
            assert!(n < 128, "a statement has at most 127 arguments");
            if n > 0 {
                seen |= 1 << n;
                if n > most {
                    most = n;
                }
            }
        }
        i += 1;
    }
    let mut n = 1;
    while n <= most {
        assert!(seen & (1 << n) != 0, "a gap in the numbering of $1…$n");
        n += 1;
    }
    most
}

/// A statement: `sql!("SELECT id, n FROM t WHERE id = $1" => Left)`, without rows `sql!("DELETE …")`.
/// Texts that share a list of columns put it together with `concat!`.
/// Where an engine must differ: `sql!(sqlite: "…", postgres: "…" => Left)`, with a comment why. What only one of them is
/// ever asked: `sql!(sqlite: "…")`, `sql!(postgres: "…" => Left)`; the other answers with an error.
#[macro_export]
macro_rules! sql {
    (sqlite: $sqlite:expr, postgres: $postgres:expr) => { $crate::sql!(sqlite: $sqlite, postgres: $postgres => ()) };
    (sqlite: $sqlite:expr, postgres: $postgres:expr => $row:ty) => {{
        const _: () = assert!(
            $crate::arity($sqlite) == $crate::arity($postgres),
            "both texts have the same number of arguments"
        );
        $crate::sql!(@ $sqlite, $sqlite, $postgres, $row)
    }};
    (sqlite: $sqlite:expr) => { $crate::sql!(@ $sqlite, $sqlite, "", ()) };
    (sqlite: $sqlite:expr => $row:ty) => { $crate::sql!(@ $sqlite, $sqlite, "", $row) };
    (postgres: $postgres:expr) => { $crate::sql!(@ $postgres, "", $postgres, ()) };
    (postgres: $postgres:expr => $row:ty) => { $crate::sql!(@ $postgres, "", $postgres, $row) };
    (@ $counted:expr, $sqlite:expr, $postgres:expr, $row:ty) => {{
        const N: usize = $crate::arity($counted);
        static STATEMENT: $crate::Sql<N, $row> = $crate::Sql::new($sqlite, $postgres);
        $crate::driver::inventory::submit! {
            $crate::Entry {
                sqlite: $sqlite,
                postgres: $postgres,
                at: concat!(file!(), ":", line!()),
                fields: <$row as $crate::FromRow>::FIELDS,
                args: N,
            }
        }
        &STATEMENT
    }};
    // For scratch tables of tests: prepared by nobody but whoever runs it.
    (@unregistered $text:expr) => { $crate::sql!(@unregistered $text => ()) };
    (@unregistered $text:expr => $row:ty) => {{
        static STATEMENT: $crate::Sql<{ $crate::arity($text) }, $row> = $crate::Sql::new($text, $text);
        &STATEMENT
    }};
    ($text:expr) => { $crate::sql!(@ $text, $text, $text, ()) };
    ($text:expr => $row:ty) => { $crate::sql!(@ $text, $text, $text, $row) };
}

/// Texts that are joined while compiling, as `concat!` does with literals: `text!("SELECT ", Row::SELECT, " FROM t")`.
#[macro_export]
macro_rules! text {
    ($($part:expr),* $(,)?) => {{
        const PARTS: &[&str] = &[$($part),*];
        const JOINED: [u8; $crate::row::text_len(PARTS)] = $crate::row::join(PARTS);
        $crate::row::text(&JOINED)
    }};
}

/// The arguments of a statement: `args![id, name]`.
#[macro_export]
macro_rules! args {
    ($($arg:expr),* $(,)?) => { [$(&$arg as &dyn $crate::Param),*] };
}

/// Conditions joined at run time from literal fragments; what comes from a caller is always an argument.
#[derive(Default)]
pub struct Where<'a> {
    text: String,
    args: Vec<Box<dyn Param + 'a>>,
    /// See [`Where::custom_plan`].
    pub(crate) custom_plan: bool,
}

impl<'a> Where<'a> {
    /// No condition yet.
    pub fn new() -> Where<'a> {
        Where::default()
    }

    /// `AND fragment`, in which each `?` takes the next argument.
    pub fn and(&mut self, fragment: &'static str, args: Vec<Box<dyn Param + 'a>>) -> &mut Where<'a> {
        self.push(" AND ", fragment, args)
    }

    /// `AND fragment` with one argument.
    pub fn and_one(&mut self, fragment: &'static str, arg: impl Param + 'a) -> &mut Where<'a> {
        self.push(" AND ", fragment, vec![Box::new(arg)])
    }

    /// PostgreSQL plans the statement anew for these arguments: its rows are so few or so many that a plan for any
    /// arguments is far off, as for an index of words.
    pub fn custom_plan(&mut self) -> &mut Where<'a> {
        self.custom_plan = true;
        self
    }

    /// `AND` one of these values: `before` ends in an open parenthesis, `after` begins with what closes it.
    pub fn and_in<T: Param + 'a>(
        &mut self,
        before: &'static str,
        values: Vec<T>,
        after: &'static str,
    ) -> &mut Where<'a> {
        if values.is_empty() {
            return self.and("false", Vec::new());
        }
        let marks = vec!["?"; values.len()].join(", ");
        let values = values.into_iter().map(|value| Box::new(value) as Box<dyn Param + 'a>);
        self.and_built(&format!("{before}{marks}{after}"), values.collect())
    }

    /// `AND fragment` for a fragment put together from literals at run time, such as a keyset over the
    /// columns of a list's static specification.
    pub fn and_built(&mut self, fragment: &str, args: Vec<Box<dyn Param + 'a>>) -> &mut Where<'a> {
        self.push(" AND ", fragment, args)
    }

    fn push(&mut self, join: &str, fragment: &str, args: Vec<Box<dyn Param + 'a>>) -> &mut Where<'a> {
        self.text.push_str(join);
        let mut next = self.args.len();
        for c in fragment.chars() {
            if c == '?' {
                next += 1;
                self.text.push('$');
                self.text.push_str(&next.to_string());
            } else {
                self.text.push(c);
            }
        }
        self.args.extend(args);
        debug_assert_eq!(next, self.args.len(), "as many arguments as question marks in {fragment}");
        self
    }

    /// Do the conditions ask for a column of this table? If not, a statement need not join it.
    pub fn mentions(&self, table: &str) -> bool {
        mentions(&self.text, table)
    }

    /// The next placeholder's number for what follows the conditions, and the argument behind it.
    pub fn bind(&mut self, arg: impl Param + 'a) -> usize {
        self.args.push(Box::new(arg));
        self.args.len()
    }

    /// The same arguments under another text.
    pub fn with_text(mut self, text: String) -> Where<'a> {
        self.text = text;
        self
    }

    /// The conditions so far, each behind ` AND `.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn args(&self) -> Vec<&dyn Param> {
        self.args.iter().map(|a| a.as_ref() as &dyn Param).collect()
    }
}

/// Does the text name a column of this table?
pub fn mentions(text: &str, table: &str) -> bool {
    text.match_indices(table).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        text[at + table.len()..].starts_with('.')
            && !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.')
    })
}

/// A statement put together at run time: a registered `SELECT … WHERE true`-like base, conditions, a tail.
pub fn compose<R>(
    engine: Engine,
    base: &'static Sql<0, R>,
    conditions: &Where<'_>,
    tail: &str,
) -> Cow<'static, str> {
    let base = base.source(engine);
    let mut text = String::with_capacity(base.len() + conditions.text().len() + tail.len());
    text.push_str(base);
    text.push_str(conditions.text());
    text.push_str(tail);
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arity_counts_names_not_places() {
        assert_eq!(arity("SELECT 1"), 0);
        assert_eq!(arity("UPDATE t SET a = $2, b = $2 WHERE id = $1"), 2);
        assert_eq!(arity("VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)"), 11);
    }

    #[test]
    #[should_panic(expected = "gap")]
    fn a_gap_is_refused() {
        arity("SELECT $1, $3");
    }

    #[test]
    fn names_become_positions_for_sqlite() {
        assert_eq!(
            question_marks("SET a = $2 WHERE id = $1 AND b ->> '$.x' = $10"),
            "SET a = ?2 WHERE id = ?1 AND b ->> '$.x' = ?10"
        );
    }

    #[test]
    fn conditions_number_their_arguments() {
        let mut w = Where::new();
        w.and_one("a = ?", 1i64).and("b BETWEEN ? AND ?", vec![Box::new(2i64), Box::new(3i64)]);
        assert_eq!(w.text(), " AND a = $1 AND b BETWEEN $2 AND $3");
        w.and_in("d IN (", vec![4i64, 5], ")").and_in("e IN (", Vec::<i64>::new(), ")");
        assert_eq!(w.text(), " AND a = $1 AND b BETWEEN $2 AND $3 AND d IN ($4, $5) AND false");
        assert_eq!(w.bind(9i64), 6);
    }

    #[test]
    fn a_table_is_known_by_its_columns() {
        for text in [" AND u.id = $1", "u.id", "(u.id)", "a = 1 AND lower(u.name) = 2"] {
            assert!(mentions(text, "u"), "{text}");
        }
        for text in ["", " AND c.u = 1", "menu.id", "x_u.id", "user_account u", "s.u.id"] {
            assert!(!mentions(text, "u"), "{text}");
        }
    }
}
