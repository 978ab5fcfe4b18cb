//! The letters of a dump: names, strings, numbers, comments, as PostgreSQL, MySQL and SQLite write them.

use std::io::BufRead;

use super::decoded;

/// A dump, byte by byte.
pub struct Text<R> {
    source: R,
    ahead: std::collections::VecDeque<u8>,
    /// The line of the next byte, from 1.
    pub line: u64,
    /// Why reading ended early.
    pub failure: Option<String>,
    /// MySQL: a backslash in a string escapes.
    pub backslash: bool,
}

/// A value in a row.
pub type Cell = Option<String>;

impl<R: BufRead> Text<R> {
    /// Begins at the start of the file.
    pub fn new(source: R) -> Text<R> {
        Text { source, ahead: Default::default(), line: 1, failure: None, backslash: false }
    }

    fn fill(&mut self) -> bool {
        loop {
            match self.source.fill_buf() {
                Ok([]) => return false,
                Ok(bytes) => {
                    let n = bytes.len().min(4096);
                    self.ahead.extend(&bytes[..n]);
                    self.source.consume(n);
                    return true;
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.failure = Some(format!("the file cannot be read further: {e}"));
                    return false;
                }
            }
        }
    }

    /// The byte `n` places ahead.
    pub fn peek(&mut self, n: usize) -> Option<u8> {
        while self.ahead.len() <= n {
            if self.failure.is_some() || !self.fill() {
                return None;
            }
        }
        self.ahead.get(n).copied()
    }

    /// The next byte.
    pub fn next(&mut self) -> Option<u8> {
        let byte = self.peek(0)?;
        self.ahead.pop_front();
        self.line += u64::from(byte == b'\n');
        Some(byte)
    }

    /// The rest of the line, without its end.
    pub fn rest_of_line(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        while let Some(byte) = self.next() {
            if byte == b'\n' {
                break;
            }
            line.push(byte);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        line
    }

    /// White space and comments.
    pub fn skip_space(&mut self) {
        while let Some(byte) = self.peek(0) {
            match (byte, self.peek(1)) {
                (b'-', Some(b'-')) => drop(self.rest_of_line()),
                (b'/', Some(b'*')) => {
                    self.backslash |= self.peek(2) == Some(b'!');
                    self.next();
                    self.next();
                    while let Some(byte) = self.next() {
                        if byte == b'*' && self.peek(0) == Some(b'/') {
                            self.next();
                            break;
                        }
                    }
                }
                _ if byte.is_ascii_whitespace() => drop(self.next()),
                _ => return,
            }
        }
    }

    /// Takes `byte` if it comes next.
    pub fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek(0) == Some(byte);
        if found {
            self.next();
        }
        found
    }

    /// A bare word, which may be empty.
    pub fn word(&mut self) -> String {
        self.skip_space();
        let mut word = Vec::new();
        while let Some(byte) = self.peek(0) {
            if !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'$') && byte.is_ascii() {
                break;
            }
            word.push(byte);
            self.next();
        }
        decoded(word)
    }

    /// Between two of the same quotes; doubled they stand for themselves.
    pub fn quoted(&mut self, end: u8, backslash: bool) -> String {
        let mut bytes = Vec::new();
        self.next();
        while let Some(byte) = self.next() {
            if byte == end {
                if self.peek(0) != Some(end) {
                    break;
                }
                self.next();
            } else if byte == b'\\' && backslash {
                match self.next() {
                    Some(b'n') => bytes.push(b'\n'),
                    Some(b'r') => bytes.push(b'\r'),
                    Some(b't') => bytes.push(b'\t'),
                    Some(b'0') => bytes.push(0),
                    Some(other) => bytes.push(other),
                    None => break,
                }
                continue;
            }
            bytes.push(byte);
        }
        decoded(bytes)
    }

    /// A name: bare or in the quotes of any dialect.
    pub fn name(&mut self) -> Option<String> {
        self.skip_space();
        let name = match self.peek(0)? {
            b'"' => self.quoted(b'"', false),
            b'`' => {
                self.backslash = true;
                self.quoted(b'`', false)
            }
            b'[' => self.quoted(b']', false),
            _ => self.word(),
        };
        (!name.is_empty()).then_some(name)
    }

    /// A name with those of its schema before it; the last part.
    pub fn table(&mut self) -> Option<String> {
        let mut name = self.name()?;
        while self.take(b'.') {
            name = self.name()?;
        }
        Some(name)
    }

    /// Names in parentheses, if such come next; what stands behind a name up to the comma does not matter.
    pub fn names(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        if !self.take(b'(') {
            return names;
        }
        while let Some(name) = self.name() {
            names.push(name);
            let mut depth = 0;
            loop {
                self.skip_space();
                match self.peek(0) {
                    None => return names,
                    Some(b',') if depth == 0 => break,
                    Some(b')') if depth == 0 => {
                        self.next();
                        return names;
                    }
                    Some(b'(') => depth += 1,
                    Some(b')') => depth -= 1,
                    Some(quote @ (b'\'' | b'"' | b'`')) => {
                        self.quoted(quote, self.backslash && quote == b'\'');
                        continue;
                    }
                    Some(_) => {}
                }
                self.next();
            }
            self.next();
        }
        names
    }

    /// To the end of the statement, past strings that hold a semicolon.
    pub fn skip_statement(&mut self) {
        loop {
            self.skip_space();
            match self.peek(0) {
                None => return,
                Some(b';') => {
                    self.next();
                    return;
                }
                Some(quote @ (b'\'' | b'"' | b'`')) => {
                    self.quoted(quote, self.backslash && quote == b'\'');
                }
                Some(b'$') => self.skip_dollar(),
                Some(_) => drop(self.next()),
            }
        }
    }

    /// `$tag$ … $tag$` of PostgreSQL's functions.
    fn skip_dollar(&mut self) {
        let mut tag = vec![b'$'];
        self.next();
        while let Some(byte) = self.peek(0) {
            if !byte.is_ascii_alphanumeric() && byte != b'_' && byte != b'$' {
                return;
            }
            tag.push(byte);
            self.next();
            if byte == b'$' {
                break;
            }
        }
        let mut seen = std::collections::VecDeque::with_capacity(tag.len());
        while let Some(byte) = self.next() {
            if seen.len() == tag.len() {
                seen.pop_front();
            }
            seen.push_back(byte);
            if seen.iter().eq(&tag) {
                return;
            }
        }
    }
}
