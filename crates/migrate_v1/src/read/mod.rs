//! Reads the old data, record by record, however it was exported; memory does not grow with the file.
//!
//! - `csv`: any delimiter, with a head;
//! - `json`: an array, one object per line, or Django's `dumpdata`;
//! - `map`: which UUID a number has;
//! - `sql`: `INSERT` statements and `COPY` blocks of the dumps of PostgreSQL, MySQL and SQLite.

mod csv;
mod json;
mod map;
mod sql;
mod sql_text;

use std::io::BufRead;

use kernel::{Error, Result};

use super::model::record::Fields;
use super::model::report::Kind;
pub use map::map;

/// One record of a file, or why it cannot be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The line where it begins.
    pub line: u64,
    /// Its columns; the error is a sentence.
    pub fields: std::result::Result<Fields, String>,
}

/// Every record of a file. After a failure of the disk there is one that says so, and no more.
pub type Records = Box<dyn Iterator<Item = Record> + Send>;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Columns with a delimiter.
    Csv,
    /// JSON, in an array or one after the other.
    Json,
    /// A dump of a database.
    Sql,
}

/// How a file that is called so and begins so is written.
pub fn format_of(name: &str, head: &[u8]) -> Format {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("csv" | "tsv") => return Format::Csv,
        Some("json" | "ndjson" | "jsonl") => return Format::Json,
        Some("sql" | "dump") => return Format::Sql,
        _ => {}
    }
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let upper = text.to_ascii_uppercase();
    if text.starts_with(['[', '{']) {
        Format::Json
    } else if ["--", "/*", "INSERT ", "COPY ", "CREATE ", "PRAGMA ", "SET ", "BEGIN"]
        .iter()
        .any(|w| upper.starts_with(w))
    {
        Format::Sql
    } else {
        Format::Csv
    }
}

/// Opens a file's records. `table` names the table of a dump; without it, its usual names are looked for. 400 for a
/// compressed or binary file.
pub fn records(
    name: &str,
    mut source: impl BufRead + Send + 'static,
    kind: Kind,
    table: Option<&str>,
) -> Result<Records> {
    let head = source.fill_buf().map_err(|e| unreadable(name, &e.to_string()))?.to_vec();
    let binary = [&b"\x1f\x8b"[..], b"PK\x03\x04", b"PGDMP", b"SQLite format 3"];
    if binary.iter().any(|magic| head.starts_with(magic)) {
        return Err(unreadable(
            name,
            "it is compressed or binary; unpack it, or dump the database as plain SQL",
        ));
    }
    if head.starts_with(b"\xef\xbb\xbf") {
        let mut mark = [0; 3];
        source.read_exact(&mut mark).map_err(|e| unreadable(name, &e.to_string()))?;
    }
    Ok(match format_of(name, &head) {
        Format::Csv => Box::new(csv::Csv::new(source)),
        Format::Json => Box::new(json::Objects::new(source)),
        Format::Sql => Box::new(sql::Dump::new(source, kind, table)),
    })
}

fn unreadable(name: &str, why: &str) -> Error {
    Error::bad_request("FILE_UNREADABLE", format!("{name} cannot be read: {why}"))
}

/// Text of a file: UTF-8, and where it is not, Latin-1, in which every byte is a letter.
fn decoded(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| e.into_bytes().into_iter().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(name: &str, text: &[u8]) -> Vec<Record> {
        records(name, std::io::Cursor::new(text.to_vec()), Kind::Customer, None).unwrap().collect()
    }

    #[test]
    fn a_format_is_known_by_name_or_by_its_beginning() {
        assert_eq!(format_of("a.CSV", b""), Format::Csv);
        assert_eq!(format_of("a.json", b""), Format::Json);
        assert_eq!(format_of("customers", b"\xef\xbb\xbf [{"), Format::Json);
        assert_eq!(format_of("customers.txt", b"-- PostgreSQL database dump"), Format::Sql);
        assert_eq!(format_of("customers.txt", b"user_id,address"), Format::Csv);
    }

    #[test]
    fn what_is_packed_is_refused() {
        let packed = records("a.sql.gz", &b"\x1f\x8b..."[..], Kind::Customer, None);
        assert_eq!(packed.err().unwrap().code(), "FILE_UNREADABLE");
    }

    #[test]
    fn one_customer_in_every_format_is_the_same() {
        let values = ["17", "Zoë O'Neil", "1 A St, Portland"];
        for (name, text) in [
            ("a.csv", "user_id,name,address\n17,Zoë O'Neil,\"1 A St, Portland\"\n"),
            ("a.csv", "\u{feff}user_id;name;address\r\n17;Zoë O'Neil;1 A St, Portland\r\n"),
            (
                "a.json",
                "[{\"user_id\": \"17\", \"name\": \"Zoë O'Neil\", \"address\": \"1 A St, Portland\"}]",
            ),
            (
                "a.ndjson",
                "{\"user_id\": \"17\", \"name\": \"Zo\\u00eb O'Neil\", \"address\": \"1 A St, Portland\"}\n",
            ),
            (
                "a.sql",
                "INSERT INTO \"customers\" (user_id, name, address) VALUES (17, 'Zoë O''Neil', '1 A St, Portland');",
            ),
            (
                "a.sql",
                "INSERT INTO `customers_customer` (`user_id`,`name`,`address`) VALUES (17,'Zoë O\\'Neil','1 A St, Portland');",
            ),
            (
                "a.sql",
                "COPY public.customers (user_id, name, address) FROM stdin;\n17\tZoë O'Neil\t1 A St, Portland\n\\.\n",
            ),
        ] {
            let records = all(name, text.as_bytes());
            assert_eq!(records.len(), 1, "{text}: {records:?}");
            let fields = records[0].fields.clone().unwrap();
            let read: Vec<&str> = fields.values().map(|v| v.as_str().unwrap()).collect();
            assert_eq!(read, values, "{text}");
        }
        let latin = all("a.csv", b"user_id,name\n17,Zo\xeb\n");
        assert_eq!(latin[0].fields.as_ref().unwrap()["name"], "Zoë");
    }

    proptest! {
        #[test]
        fn no_file_is_too_strange(
            name in prop::sample::select(vec!["a.csv", "a.json", "a.sql", "a"]),
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            text in "(INSERT INTO customers|COPY customers|CREATE TABLE customers|\\(|\\)|'|\"|`|,|;|VALUES|FROM stdin;\n|\\\\|\\$\\$|--|/\\*|\\*/|\\[|\\{|\\}|\\]|:|a|1|\n|\t| ){0,40}",
        ) {
            for content in [bytes, text.into_bytes()] {
                if let Ok(records) = records(name, std::io::Cursor::new(content), Kind::Customer, None) {
                    prop_assert!(records.take(1000).count() < 1000);
                }
            }
        }
    }
}
