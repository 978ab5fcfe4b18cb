//! Columns with a delimiter and a head.

use std::io::{BufRead, Read};

use serde_json::Value;

use super::super::model::record::Fields;
use super::{Record, decoded};

/// The rows of a file.
pub struct Csv<R: Read> {
    rows: csv::ByteRecordsIntoIter<std::io::Chain<std::io::Cursor<Vec<u8>>, R>>,
    head: Vec<String>,
    failed: bool,
}

impl<R: BufRead> Csv<R> {
    /// Reads the head, whose most frequent delimiter is that of the file.
    pub fn new(mut source: R) -> Csv<R> {
        let mut first = Vec::new();
        // A failure shows again with the first row.
        let _ = source.by_ref().take(1 << 20).read_until(b'\n', &mut first);
        let count = |delimiter: u8| first.iter().filter(|b| **b == delimiter).count();
        let delimiter = [b'\t', b'|', b';', b','].into_iter().max_by_key(|d| count(*d)).unwrap_or(b',');
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .has_headers(true)
            .from_reader(std::io::Cursor::new(first).chain(source));
        let head = reader.byte_headers().map(|head| head.iter().map(|name| decoded(name.to_vec())).collect());
        Csv { head: head.unwrap_or_default(), rows: reader.into_byte_records(), failed: false }
    }

    fn fields(&self, row: &csv::ByteRecord) -> Result<Fields, String> {
        let more = row.iter().skip(self.head.len()).any(|value| !value.is_empty());
        if more {
            return Err(format!("it has {} values, and the head has {} columns", row.len(), self.head.len()));
        }
        let names = self.head.iter().map(|name| name.trim().to_owned());
        Ok(names.zip(row.iter().map(|value| Value::String(decoded(value.to_vec())))).collect())
    }
}

impl<R: BufRead> Iterator for Csv<R> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            if self.failed {
                return None;
            }
            return match self.rows.next()? {
                Ok(row) if row.iter().all(|value| value.trim_ascii().is_empty()) => continue,
                Ok(row) => {
                    let line = row.position().map_or(0, csv::Position::line);
                    Some(Record { line, fields: self.fields(&row) })
                }
                Err(e) => {
                    self.failed = true;
                    let line = e.position().map_or(0, csv::Position::line);
                    Some(Record { line, fields: Err(format!("the file cannot be read further: {e}")) })
                }
            };
        }
    }
}
