//! Finding rows: where each begins and ends, in bounded memory whatever the file is.

use std::borrow::Cow;

use super::encoding::Encoding;

/// Longest row in bytes. Longer ones are counted and thrown away.
pub const MOST_ROW_BYTES: usize = 1 << 20;

/// How the rows of a file are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Cells between these; a quoted cell may have line breaks (RFC 4180).
    Cells(u8),
    /// One record in a line.
    Lines,
}

/// What keeps a row from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyntaxError {
    /// Over [`MOST_ROW_BYTES`].
    TooLong,
    /// Something stands between a closing quote and the end of its cell.
    Quote,
    /// The last quote of the file is never closed: this row goes to its end.
    Unclosed,
}

/// One row as it stands in the file.
#[derive(Debug)]
pub struct RawRow<'a> {
    /// Without its line end.
    pub bytes: Result<&'a [u8], SyntaxError>,
    /// How many bytes of the file it took, with its line end.
    pub took: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    CellStart,
    Plain,
    Quoted,
    Closing,
    SyntaxError,
}

/// Takes the carrier in pieces of any size and gives rows.
#[derive(Debug)]
pub struct Splitter {
    layout: Layout,
    encoding: Encoding,
    buffer: Vec<u8>,
    /// Where the row that is being looked for begins in the buffer, and how far it was looked at.
    start: usize,
    seen: usize,
    state: State,
    /// A quote stood where none may.
    broken: bool,
    /// Bytes of the file that this row had and that were thrown away.
    dropped: u64,
    ended: bool,
}

impl Splitter {
    /// At the beginning of a row.
    pub fn new(layout: Layout, encoding: Encoding) -> Splitter {
        Splitter {
            layout,
            encoding,
            buffer: Vec::new(),
            start: 0,
            seen: 0,
            state: State::CellStart,
            broken: false,
            dropped: 0,
            ended: false,
        }
    }

    /// Where the next piece of the carrier is appended.
    pub fn room(&mut self) -> &mut Vec<u8> {
        self.buffer.drain(..self.start);
        self.seen -= self.start;
        self.start = 0;
        &mut self.buffer
    }

    /// There are no further pieces.
    pub fn finish(&mut self) {
        self.ended = true;
    }

    /// The next row; `None` if its end has not come yet, or after the last one.
    pub fn next_row(&mut self) -> Option<RawRow<'_>> {
        while self.seen < self.buffer.len() {
            let byte = self.buffer[self.seen];
            if self.state != State::Quoted && matches!(byte, b'\n' | b'\r') {
                let next = self.buffer.get(self.seen + 1);
                // Whether CR stands alone is known only from what follows it.
                if byte == b'\r' && next.is_none() && !self.ended {
                    return None;
                }
                let end = if byte == b'\r' && next == Some(&b'\n') { 2 } else { 1 };
                return Some(self.take(end));
            }
            self.state = self.after(byte);
            self.broken |= self.state == State::SyntaxError;
            self.seen += 1;
            if self.seen - self.start > MOST_ROW_BYTES {
                self.dropped += self.encoding.source_len(&self.buffer[self.start..self.seen]);
                self.start = self.seen;
            }
        }
        let any = self.start < self.seen || self.dropped > 0;
        (self.ended && any).then(|| self.take(0))
    }

    fn after(&self, byte: u8) -> State {
        let Layout::Cells(delimiter) = self.layout else { return State::Plain };
        match (self.state, byte) {
            (State::Quoted, b'"') => State::Closing,
            (State::Quoted, _) => State::Quoted,
            (State::Closing, b'"') => State::Quoted,
            (State::SyntaxError, _) => State::SyntaxError,
            (_, b) if b == delimiter => State::CellStart,
            (State::CellStart, b'"') => State::Quoted,
            (State::Closing, _) => State::SyntaxError,
            _ => State::Plain,
        }
    }

    /// Ends the row, whose line end has so many bytes.
    fn take(&mut self, line_end: usize) -> RawRow<'_> {
        let row = self.start..self.seen;
        let end = self.seen + line_end;
        let took = self.dropped + self.encoding.source_len(&self.buffer[self.start..end]);
        let error = match () {
            () if self.state == State::Quoted => Some(SyntaxError::Unclosed),
            () if self.dropped > 0 => Some(SyntaxError::TooLong),
            () if self.broken => Some(SyntaxError::Quote),
            () => None,
        };
        (self.start, self.seen) = (end, end);
        (self.state, self.broken, self.dropped) = (State::CellStart, false, 0);
        RawRow { bytes: error.map_or(Ok(&self.buffer[row]), Err), took }
    }
}

/// The cells of a row that [`Splitter`] gave, quotes taken off.
pub fn cells(row: &[u8], delimiter: u8) -> Cells<'_> {
    Cells { rest: Some(row), delimiter }
}

/// See [`cells`].
pub struct Cells<'a> {
    rest: Option<&'a [u8]>,
    delimiter: u8,
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cow<'a, [u8]>;

    fn next(&mut self) -> Option<Cow<'a, [u8]>> {
        let rest = self.rest.take()?;
        let Some(quoted) = rest.strip_prefix(b"\"") else {
            let end = rest.iter().position(|b| *b == self.delimiter);
            self.rest = end.map(|end| &rest[end + 1..]);
            return Some(Cow::Borrowed(&rest[..end.unwrap_or(rest.len())]));
        };
        let (mut at, mut doubled) = (0, false);
        while let Some(byte) = quoted.get(at) {
            match (byte, quoted.get(at + 1)) {
                (b'"', Some(b'"')) => (at, doubled) = (at + 2, true),
                (b'"', _) => break,
                _ => at += 1,
            }
        }
        let at = at.min(quoted.len());
        self.rest = quoted.get(at + 1..).and_then(|after| after.strip_prefix(&[self.delimiter]));
        let text = &quoted[..at];
        Some(if doubled { Cow::Owned(undouble(text)) } else { Cow::Borrowed(text) })
    }
}

fn undouble(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut skip = false;
    for byte in text {
        skip = *byte == b'"' && !skip;
        if !skip {
            out.push(*byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Rows = Vec<Result<Vec<String>, SyntaxError>>;

    /// The rows of a file that comes in pieces of `cut` bytes, and how many bytes they took.
    fn read(file: &[u8], cut: usize) -> (Rows, u64) {
        let mut splitter = Splitter::new(Layout::Cells(b','), Encoding::Utf8);
        let (mut rows, mut took) = (Vec::new(), 0);
        let mut pieces = file.chunks(cut);
        loop {
            while let Some(row) = splitter.next_row() {
                took += row.took;
                let text = |cell: Cow<'_, [u8]>| String::from_utf8_lossy(&cell).into_owned();
                rows.push(row.bytes.map(|bytes| cells(bytes, b',').map(text).collect()));
            }
            match pieces.next() {
                Some(piece) => splitter.room().extend_from_slice(piece),
                None if splitter.ended => return (rows, took),
                None => splitter.finish(),
            }
        }
    }

    fn row(cells: &[&str]) -> Result<Vec<String>, SyntaxError> {
        Ok(cells.iter().map(|c| (*c).to_owned()).collect())
    }

    #[test]
    fn line_ends_and_quotes_are_those_of_rfc_4180() {
        let file = b"a,b\r\n\"x, \"\"y\"\"\n z\",\"\"\r1,5\" pipe\n\n,\nlast,";
        let expected = vec![
            row(&["a", "b"]),
            row(&["x, \"y\"\n z", ""]),
            row(&["1", "5\" pipe"]),
            row(&[""]),
            row(&["", ""]),
            row(&["last", ""]),
        ];
        for cut in [1, 2, 3, 1000] {
            assert_eq!(read(file, cut), (expected.clone(), file.len() as u64), "{cut}");
        }
    }

    #[test]
    fn a_wrong_quote_costs_its_row_and_an_open_one_the_rest() {
        let (rows, _) = read(b"a\n\"b\"c,d\n\"e\",f\n", 4);
        assert_eq!(rows, [row(&["a"]), Err(SyntaxError::Quote), row(&["e", "f"])]);
        let (rows, took) = read(b"a\n\"b,c\nd,e\n", 4);
        assert_eq!((rows, took), (vec![row(&["a"]), Err(SyntaxError::Unclosed)], 11));
    }

    #[test]
    fn a_huge_row_is_counted_and_not_kept() {
        let mut file = b"a\n".to_vec();
        file.extend(std::iter::repeat_n(b'x', 10 << 20));
        file.extend_from_slice(b"\nb\n\"");
        file.extend(std::iter::repeat_n(b'\n', 3 << 20));
        file.extend_from_slice(b"\",c\nd\n");
        let mut splitter = Splitter::new(Layout::Cells(b','), Encoding::Utf8);
        let mut rows = Vec::new();
        let mut took = 0;
        for piece in file.chunks(64 << 10) {
            splitter.room().extend_from_slice(piece);
            while let Some(row) = splitter.next_row() {
                took += row.took;
                rows.push(row.bytes.map(<[u8]>::to_vec));
            }
            assert!(splitter.buffer.capacity() < 3 * MOST_ROW_BYTES);
        }
        let expected = [
            Ok(b"a".to_vec()),
            Err(SyntaxError::TooLong),
            Ok(b"b".to_vec()),
            Err(SyntaxError::TooLong),
            Ok(b"d".to_vec()),
        ];
        assert_eq!(rows, expected);
        assert_eq!(took, file.len() as u64);
    }

    fn written(rows: &[Vec<String>]) -> Vec<u8> {
        let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(",");
        rows.iter().map(line).collect::<Vec<_>>().join("\r\n").into_bytes()
    }

    proptest! {
        #[test]
        fn any_bytes_are_rows(file in proptest::collection::vec(
            prop_oneof![any::<u8>(), Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r')], 0..300), cut in 1usize..40) {
            let whole = read(&file, 1000);
            prop_assert_eq!(whole.1, file.len() as u64, "every byte belongs to a row");
            prop_assert_eq!(read(&file, cut), whole, "the same in any pieces");
        }

        #[test]
        fn what_was_written_comes_back(
            rows in proptest::collection::vec(proptest::collection::vec("[a-z\",;\r\n é]{0,8}", 1..5), 1..6), cut in 1usize..9
        ) {
            let (read, _) = read(&written(&rows), cut);
            let read: Vec<_> = read.into_iter().map(Result::unwrap).collect();
            prop_assert_eq!(read, rows);
        }
    }
}
