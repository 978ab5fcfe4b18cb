//! The rows of one table in a dump.

use std::collections::{BTreeSet, HashMap};
use std::io::BufRead;

use serde_json::Value;

use super::super::model::report::Kind;
use super::sql_text::{Cell, Text};
use super::{Record, decoded};

/// A dump of a database.
pub struct Dump<R> {
    text: Text<R>,
    kind: Kind,
    table: Option<String>,
    /// Columns by table, of `CREATE TABLE`.
    columns: HashMap<String, Vec<String>>,
    /// Other tables with rows, for the message when the right one is not there.
    others: BTreeSet<String>,
    found: bool,
    over: bool,
    within: Within,
}

/// Where the reader stands.
enum Within {
    Statements,
    Insert(Vec<String>),
    Copy(Vec<String>),
}

/// What stands among the columns of a table and is none.
const CONSTRAINTS: [&str; 10] =
    ["CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "KEY", "INDEX", "FULLTEXT", "SPATIAL", "EXCLUDE"];

/// Deeper calls in a value than a dump writes.
const MOST_DEPTH: usize = 16;

impl<R: BufRead> Dump<R> {
    /// Begins at the start of the file.
    pub fn new(source: R, kind: Kind, table: Option<&str>) -> Dump<R> {
        Dump {
            text: Text::new(source),
            kind,
            table: table.map(str::to_lowercase),
            columns: HashMap::new(),
            others: BTreeSet::new(),
            found: false,
            over: false,
            within: Within::Statements,
        }
    }

    /// Is it the table that we want?
    fn wanted(&mut self, table: &str) -> bool {
        let table = table.to_lowercase();
        let wanted = match (&self.table, self.kind) {
            (Some(name), _) => *name == table,
            (None, Kind::Customer) => {
                ["customer", "customers"].contains(&table.as_str())
                    || table.ends_with("_customer")
                    || table.ends_with("_customers")
            }
            (None, Kind::User) => table.ends_with("user") || table.ends_with("users"),
        };
        self.found |= wanted;
        if !wanted && self.others.len() < 50 {
            self.others.insert(table);
        }
        wanted
    }

    /// Reads statements until rows of the table begin; an error is told as a record.
    fn advance(&mut self) -> Option<Result<(), String>> {
        self.text.skip_space();
        if self.text.peek(0)? == b'\\' {
            // A command of psql.
            self.text.rest_of_line();
            return Some(Ok(()));
        }
        let word = self.text.word().to_ascii_uppercase();
        match word.as_str() {
            "CREATE" => self.create(),
            "INSERT" | "REPLACE" => return Some(self.insert()),
            "COPY" => self.copy(),
            _ => self.text.skip_statement(),
        }
        Some(Ok(()))
    }

    fn create(&mut self) {
        let mut word = self.text.word().to_ascii_uppercase();
        while matches!(word.as_str(), "TEMP" | "TEMPORARY" | "UNLOGGED" | "GLOBAL" | "LOCAL") {
            word = self.text.word().to_ascii_uppercase();
        }
        if word == "TABLE" {
            let mut name = self.text.table();
            if name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case("IF")) {
                // NOT EXISTS
                self.text.word();
                self.text.word();
                name = self.text.table();
            }
            let mut columns = self.text.names();
            // Dumps write the words of constraints in capitals.
            columns.retain(|name| !CONSTRAINTS.contains(&name.as_str()));
            if let Some(name) = name {
                self.columns.insert(name.to_lowercase(), columns);
            }
        }
        self.text.skip_statement();
    }

    fn insert(&mut self) -> Result<(), String> {
        while !self.text.word().eq_ignore_ascii_case("INTO") {
            self.text.skip_space();
            let letter = self.text.peek(0).is_some_and(|b| b.is_ascii_alphabetic());
            if !letter {
                self.text.skip_statement();
                return Ok(());
            }
        }
        let Some(table) = self.text.table() else {
            self.text.skip_statement();
            return Ok(());
        };
        let mut columns = self.text.names();
        let mut word = self.text.word().to_ascii_uppercase();
        if word == "OVERRIDING" {
            self.text.word();
            self.text.word();
            word = self.text.word().to_ascii_uppercase();
        }
        if !matches!(word.as_str(), "VALUES" | "VALUE") || !self.wanted(&table) {
            self.text.skip_statement();
            return Ok(());
        }
        if columns.is_empty() {
            columns = self.columns.get(&table.to_lowercase()).cloned().unwrap_or_default();
        }
        if columns.is_empty() {
            self.text.skip_statement();
            return Err(format!(
                "the columns of {table} are not named; dump it with its CREATE TABLE, or with columns"
            ));
        }
        self.within = Within::Insert(columns);
        Ok(())
    }

    fn copy(&mut self) {
        let Some(table) = self.text.table() else { return self.text.skip_statement() };
        let mut columns = self.text.names();
        let from = self.text.word();
        let stdin = self.text.word();
        self.text.skip_statement();
        if !from.eq_ignore_ascii_case("FROM") || !stdin.eq_ignore_ascii_case("STDIN") {
            return;
        }
        self.text.rest_of_line();
        if columns.is_empty() {
            columns = self.columns.get(&table.to_lowercase()).cloned().unwrap_or_default();
        }
        if !self.wanted(&table) {
            // Its rows are passed by: no columns, no records.
            columns.clear();
        }
        self.within = Within::Copy(columns);
    }

    /// A row of `VALUES`.
    fn row(&mut self) -> Result<Vec<Cell>, String> {
        let mut cells = Vec::new();
        loop {
            cells.push(self.value(0)?);
            self.text.skip_space();
            match self.text.next() {
                Some(b',') => {}
                Some(b')') => return Ok(cells),
                Some(other) => return Err(format!("`{}` stands where a comma should", char::from(other))),
                None => return Err("the file ends in the middle of a row".to_owned()),
            }
        }
    }

    /// A string, a number, a word, or one of the calls with which SQLite writes line breaks.
    fn value(&mut self, depth: usize) -> Result<Cell, String> {
        self.text.skip_space();
        let backslash = self.text.backslash;
        let value = match self.text.peek(0).ok_or("the file ends in the middle of a row")? {
            b'\'' => Some(self.text.quoted(b'\'', backslash)),
            b'"' if backslash => Some(self.text.quoted(b'"', true)),
            b'-' | b'+' | b'.' | b'0'..=b'9' => Some(self.number()),
            _ => self.named_value(depth)?,
        };
        // `'…'::text`
        while self.text.take(b':') {
            self.text.take(b':');
            self.text.table();
        }
        Ok(value)
    }

    fn number(&mut self) -> String {
        let mut text = Vec::new();
        while let Some(byte) = self.text.peek(0) {
            if !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'-' | b'+') {
                break;
            }
            text.push(byte);
            self.text.next();
        }
        decoded(text)
    }

    fn named_value(&mut self, depth: usize) -> Result<Cell, String> {
        let word = self.text.word().to_ascii_lowercase();
        if self.text.peek(0) == Some(b'\'') {
            // E'…' escapes; N'…', _utf8'…' and X'…' are taken as they stand.
            let backslash = self.text.backslash || word == "e";
            return Ok(Some(self.text.quoted(b'\'', backslash)));
        }
        if word.starts_with('_') {
            return self.value(depth + 1);
        }
        if word.is_empty() || depth > MOST_DEPTH {
            return Err("here stands something else than a value".to_owned());
        }
        if self.text.take(b'(') {
            let arguments = match self.text.take(b')') {
                true => Vec::new(),
                false => self.arguments(depth)?,
            };
            return called(&word, &arguments);
        }
        Ok(match word.as_str() {
            "null" | "default" => None,
            _ => Some(word),
        })
    }

    fn arguments(&mut self, depth: usize) -> Result<Vec<Cell>, String> {
        let mut arguments = Vec::new();
        loop {
            arguments.push(self.value(depth + 1)?);
            self.text.skip_space();
            match self.text.next() {
                Some(b',') => {}
                Some(b')') => return Ok(arguments),
                _ => return Err("a call in a value does not end".to_owned()),
            }
        }
    }
}

/// What SQLite's own functions give.
fn called(name: &str, arguments: &[Cell]) -> Result<Cell, String> {
    match (name, arguments) {
        ("replace", [Some(text), Some(from), Some(to)]) if !from.is_empty() => {
            Ok(Some(text.replace(from, to)))
        }
        ("char", [Some(code)]) => {
            let code = code.parse().ok().and_then(char::from_u32);
            code.map(|c| Some(c.to_string())).ok_or_else(|| "char() of no character".to_owned())
        }
        ("unistr", [Some(text)]) => Ok(Some(unistr(text))),
        _ => Err(format!("the value is a call of {name}(), which is not understood")),
    }
}

/// `\XXXX` and `\uXXXX` are characters.
fn unistr(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.strip_prefix('u').unwrap_or(rest);
        match digits.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                rest = &digits[4..];
            }
            None => {
                out.push('\\');
                rest = rest.strip_prefix('\\').unwrap_or(rest);
            }
        }
    }
    out + rest
}

/// A field of a COPY block.
fn copied(field: &[u8]) -> Cell {
    if field == b"\\N" {
        return None;
    }
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.iter().copied();
    while let Some(byte) = rest.next() {
        let escaped = if byte == b'\\' { rest.next() } else { None };
        bytes.push(match escaped {
            None => byte,
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'v') => 11,
            Some(other) => other,
        });
    }
    Some(decoded(bytes))
}

fn record(line: u64, columns: &[String], cells: Vec<Cell>) -> Record {
    let fields = match columns.len() == cells.len() {
        true => Ok(columns.iter().cloned().zip(cells.into_iter().map(Value::from)).collect()),
        false => Err(format!("it has {} values for {} columns", cells.len(), columns.len())),
    };
    Record { line, fields }
}

impl<R: BufRead> Dump<R> {
    /// The next row of an INSERT; nothing at its end.
    fn next_inserted(&mut self, columns: Vec<String>) -> Option<Record> {
        let opens = self.text.take(b'(');
        let line = self.text.line;
        if !opens {
            // ON CONFLICT, RETURNING, or the end.
            self.text.skip_statement();
            return None;
        }
        match self.row() {
            Ok(cells) => {
                let record = record(line, &columns, cells);
                match self.text.take(b',') {
                    true => self.within = Within::Insert(columns),
                    false => self.text.skip_statement(),
                }
                Some(record)
            }
            Err(e) => {
                self.text.skip_statement();
                Some(Record { line, fields: Err(format!("{e}; the rest of this statement is passed over")) })
            }
        }
    }

    fn next_copied(&mut self, columns: Vec<String>) -> Option<Record> {
        let line = self.text.line;
        self.text.peek(0)?;
        let text = self.text.rest_of_line();
        if text == b"\\." {
            return None;
        }
        let record = match columns.is_empty() {
            true => None,
            false => Some(record(line, &columns, text.split(|b| *b == b'\t').map(copied).collect())),
        };
        self.within = Within::Copy(columns);
        record
    }

    fn end(&mut self) -> Option<Record> {
        self.over = true;
        let line = self.text.line;
        if let Some(failure) = self.text.failure.take() {
            return Some(Record { line, fields: Err(failure) });
        }
        if self.found {
            return None;
        }
        let others: Vec<&str> = self.others.iter().map(String::as_str).collect();
        let others = if others.is_empty() { "none".to_owned() } else { others.join(", ") };
        let message = format!(
            "the dump has no rows of the table that was looked for; name it (tables with rows: {others})"
        );
        Some(Record { line, fields: Err(message) })
    }
}

impl<R: BufRead> Iterator for Dump<R> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        while !self.over {
            let line = self.text.line;
            let found = match std::mem::replace(&mut self.within, Within::Statements) {
                Within::Insert(columns) => self.next_inserted(columns),
                Within::Copy(columns) => self.next_copied(columns),
                Within::Statements => match self.advance() {
                    Some(Ok(())) => None,
                    Some(Err(message)) => Some(Record { line, fields: Err(message) }),
                    None => return self.end(),
                },
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        let dump = Dump::new(std::io::Cursor::new(text.as_bytes().to_vec()), Kind::Customer, None);
        dump.map(|record| match record.fields {
            Ok(fields) => fields.values().map(|v| v.as_str().unwrap_or("NULL").to_owned()).collect(),
            Err(e) => vec![format!("error: {e}")],
        })
        .collect()
    }

    #[test]
    fn a_dump_of_postgresql() {
        let text = "--\n-- PostgreSQL database dump\n--\n\\restrict x\nSET client_encoding = 'UTF8';
CREATE FUNCTION f() RETURNS trigger AS $body$ BEGIN; INSERT INTO customers VALUES (0); END $body$ LANGUAGE plpgsql;
CREATE TABLE public.customers_customer (\n  id bigint NOT NULL, user_id integer, address text DEFAULT 'a,b'::text,\n  CONSTRAINT c CHECK ((user_id > 0))\n);
COPY public.other (a) FROM stdin;\n5\n\\.\n
COPY public.customers_customer (id, user_id, address) FROM stdin;\n1\t17\t1 A St\\nPortland\n2\t\\N\tC:\\\\x\n\\.\n
SELECT pg_catalog.setval('s', 2, true);\n";
        assert_eq!(rows(text), [["1", "17", "1 A St\nPortland"], ["2", "NULL", "C:\\x"]]);
    }

    #[test]
    fn a_dump_of_mysql() {
        let text = "/*!40101 SET NAMES utf8mb4 */;\nDROP TABLE IF EXISTS `customers`;
CREATE TABLE `customers` (\n `id` int(11) NOT NULL AUTO_INCREMENT,\n `note` varchar(20) DEFAULT 'x;y',\n PRIMARY KEY (`id`)\n) ENGINE=InnoDB;
LOCK TABLES `customers` WRITE;\nINSERT IGNORE INTO `customers` VALUES (1,'O\\'Neil; \\\"x\\\"'),(2,_utf8mb4'b'),\n(3,NULL);\nUNLOCK TABLES;\n";
        assert_eq!(rows(text), [["1", "O'Neil; \"x\""], ["2", "b"], ["3", "NULL"]]);
    }

    #[test]
    fn a_dump_of_sqlite() {
        let text = "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;
CREATE TABLE IF NOT EXISTS \"customers_customer\" (\"id\" integer NOT NULL PRIMARY KEY, \"address\" text NULL);
INSERT INTO customers_customer VALUES(1,replace('1 A St\\nPortland','\\n',char(10)));
INSERT INTO customers_customer VALUES(2,unistr('caf\\u00e9'));\nCOMMIT;\n";
        assert_eq!(rows(text), [["1", "1 A St\nPortland"], ["2", "café"]]);
    }

    #[test]
    fn what_is_wrong_is_told_and_the_rest_is_read() {
        let text = "INSERT INTO customers (a, b) VALUES (1), (2, 3);\nINSERT INTO customers (a) VALUES (now());
INSERT INTO customers (a) VALUES ('x'::varchar(9)), (true) ON CONFLICT DO NOTHING;\nINSERT INTO customers (a) VALUES (1.5e3);";
        let read = rows(text);
        assert!(read[0][0].starts_with("error: it has 1 values"), "{read:?}");
        assert_eq!(read[1], ["2", "3"]);
        assert!(read[2][0].contains("now()"), "{read:?}");
        assert_eq!(read.last().unwrap(), &["1.5e3"]);
        assert!(rows("INSERT INTO orders (a) VALUES (1);")[0][0].contains("orders"));
        assert!(rows("INSERT INTO customers VALUES (1);")[0][0].contains("CREATE TABLE"));
        assert!(rows("INSERT INTO customers (a) VALUES (1")[0][0].contains("ends"));
    }
}
