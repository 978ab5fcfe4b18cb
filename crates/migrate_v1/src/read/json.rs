//! Objects of an array, or one after the other. They are cut apart by their braces and parsed one by one, so that a broken
//! one costs no other.

use std::io::BufRead;

use serde_json::Value;

use super::{Record, decoded};

/// Larger than any customer.
const MOST_BYTES: usize = 16 << 20;

/// The objects of a file.
pub struct Objects<R> {
    source: R,
    line: u64,
    over: bool,
}

impl<R: BufRead> Objects<R> {
    /// Begins at the start of the file.
    pub fn new(source: R) -> Objects<R> {
        Objects { source, line: 1, over: false }
    }

    fn byte(&mut self) -> Result<Option<u8>, String> {
        let byte = match self.source.fill_buf() {
            Ok([]) => return Ok(None),
            Ok(bytes) => bytes[0],
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => return self.byte(),
            Err(e) => return Err(format!("the file cannot be read further: {e}")),
        };
        self.source.consume(1);
        self.line += u64::from(byte == b'\n');
        Ok(Some(byte))
    }

    /// The bytes up to the brace that closes the one before.
    fn object(&mut self) -> Result<Vec<u8>, String> {
        let (mut bytes, mut depth, mut quoted, mut escaped) = (vec![b'{'], 1, false, false);
        while depth > 0 {
            let byte = self.byte()?.ok_or("the file ends in the middle of an object")?;
            bytes.push(byte);
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b'{' if !quoted => depth += 1,
                b'}' if !quoted => depth -= 1,
                _ => {}
            }
            if bytes.len() > MOST_BYTES {
                return Err("an object does not end; the file is not a list of objects".to_owned());
            }
        }
        Ok(bytes)
    }
}

impl<R: BufRead> Iterator for Objects<R> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        while !self.over {
            let line = self.line;
            let fields = match self.byte() {
                Ok(None) => return None,
                Ok(Some(b'{')) => match self.object() {
                    Ok(bytes) => match serde_json::from_str(&decoded(bytes)) {
                        Ok(Value::Object(fields)) => Ok(fields),
                        Ok(_) => Err("it is not an object".to_owned()),
                        Err(e) => Err(format!("it is no JSON: {e}")),
                    },
                    Err(e) => {
                        self.over = true;
                        Err(e)
                    }
                },
                Ok(Some(b'[' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n')) => continue,
                Ok(Some(_)) => {
                    self.over = true;
                    Err("here stands something else than an object of customer data".to_owned())
                }
                Err(e) => {
                    self.over = true;
                    Err(e)
                }
            };
            return Some(Record { line, fields });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_object_costs_no_other() {
        let text = "[{\"a\": \"}{\\\"\"},\n {\"a\": nope},\n {\"b\": {\"c\": []}}]";
        let all: Vec<Record> = Objects::new(text.as_bytes()).collect();
        assert_eq!(all.len(), 3);
        assert_eq!(all[0].fields.as_ref().unwrap()["a"], "}{\"");
        assert!(all[1].fields.is_err());
        assert_eq!((all[2].line, all[2].fields.is_ok()), (3, true));
    }

    #[test]
    fn the_end_of_a_cut_file_is_told_once() {
        let all: Vec<Record> = Objects::new(&b"{\"a\": 1}{\"b"[..]).collect();
        assert!(all[0].fields.is_ok() && all[1].fields.is_err() && all.len() == 2);
        let all: Vec<Record> = Objects::new(&b"\"text\" {}"[..]).collect();
        assert!(all[0].fields.is_err() && all.len() == 1);
    }
}
