//! What a look at the bytes of a file tells: its encoding, its delimiter, about how many lines it has.

use std::collections::HashSet;

use super::columns::is_known;
use super::encoding::{Carrier, Encoding};
use super::split::{Layout, Splitter, cells};

/// So much of the beginning is kept to guess the delimiter from.
const HEAD: usize = 64 << 10;
/// Delimiters that are tried, the most usual first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How a file is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// One file, made smaller.
    Compressed,
    /// A workbook, an archive or a document.
    Workbook,
}

/// Sees a whole file go by in pieces.
#[derive(Debug, Default)]
pub struct Survey {
    head: Vec<u8>,
    size: u64,
    lines: u64,
    last: u8,
    /// Characters of several bytes that are UTF-8, and bytes that are not.
    wide: u64,
    wrong: u64,
    /// The beginning of a character whose rest comes with the next piece.
    rest: Vec<u8>,
}

impl Survey {
    /// The next piece.
    pub fn see(&mut self, piece: &[u8]) {
        let room = HEAD.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..room]);
        self.size += piece.len() as u64;
        self.lines += piece.iter().filter(|b| **b == b'\n').count() as u64;
        self.last = piece.last().copied().unwrap_or(self.last);
        // A character that is cut in two is put together before the rest is looked at.
        let mut piece = piece;
        while !self.rest.is_empty() && !piece.is_empty() {
            let mut joined = std::mem::take(&mut self.rest);
            joined.push(piece[0]);
            piece = &piece[1..];
            self.count(&joined);
        }
        self.count(piece);
    }

    fn count(&mut self, mut bytes: &[u8]) {
        loop {
            let wide = |text: &[u8]| text.iter().filter(|b| **b >= 0xc0).count() as u64;
            let Err(e) = std::str::from_utf8(bytes) else {
                self.wide += wide(bytes);
                return;
            };
            let (good, bad) = bytes.split_at(e.valid_up_to());
            self.wide += wide(good);
            let Some(length) = e.error_len() else {
                self.rest = bad.to_vec();
                return;
            };
            self.wrong += 1;
            bytes = &bad[length..];
        }
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Lines so far: an estimate of the rows, because a cell can have several and UTF-16 other characters with such a byte.
    pub fn lines(&self) -> u64 {
        self.lines + u64::from(self.size > 0 && self.last != b'\n')
    }

    /// The beginning, without the mark of byte order.
    pub fn head(&self) -> &[u8] {
        &self.head[self.mark().1..]
    }

    /// What it is instead of text, by its first bytes.
    pub fn packing(&self) -> Option<Packing> {
        const KNOWN: [(&[u8], Packing); 8] = [
            (b"\x1f\x8b", Packing::Compressed),
            (b"BZh", Packing::Compressed),
            (b"\xfd7zXZ\0", Packing::Compressed),
            (b"\x28\xb5\x2f\xfd", Packing::Compressed),
            (b"PK\x03\x04", Packing::Workbook),
            (b"\xd0\xcf\x11\xe0", Packing::Workbook),
            (b"7z\xbc\xaf\x27\x1c", Packing::Workbook),
            (b"%PDF-", Packing::Workbook),
        ];
        KNOWN.iter().find(|(magic, _)| self.head.starts_with(magic)).map(|(_, packing)| *packing)
    }

    /// What the mark of byte order says, and its length.
    fn mark(&self) -> (Option<Encoding>, usize) {
        match self.head.as_slice() {
            [0xef, 0xbb, 0xbf, ..] => (Some(Encoding::Utf8), 3),
            [0xff, 0xfe, ..] => (Some(Encoding::Utf16Le), 2),
            [0xfe, 0xff, ..] => (Some(Encoding::Utf16Be), 2),
            _ => (None, 0),
        }
    }

    /// The encoding of the file, and where its text begins: what is demanded, else what the mark of byte order says, else
    /// what the bytes look like. A few wrong bytes in UTF-8 spoil their rows, not the encoding of all others.
    pub fn encoding(&self, demanded: Option<Encoding>) -> (Encoding, u64) {
        let (marked, length) = self.mark();
        let encoding = demanded.or(marked).unwrap_or_else(|| match self.zeros() {
            (even, odd) if odd > 4 * even && odd > 0 => Encoding::Utf16Le,
            (even, odd) if even > 4 * odd && even > 0 => Encoding::Utf16Be,
            _ if self.wrong == 0 || self.wide > self.wrong => Encoding::Utf8,
            _ => Encoding::WINDOWS_1252,
        });
        let skipped = if marked == Some(encoding) { length } else { 0 };
        (encoding, skipped as u64)
    }

    /// NULs at even and at odd places, of which UTF-16 has as many as ASCII characters; a tenth is a sign.
    fn zeros(&self) -> (usize, usize) {
        let count = |from: usize| self.head.iter().skip(from).step_by(2).filter(|b| **b == 0).count();
        let (even, odd) = (count(0), count(1));
        if 10 * (even + odd) < self.head.len() { (0, 0) } else { (even, odd) }
    }

    /// The delimiter with which the first row has the most names of members that we know, else the most cells.
    pub fn delimiter(&self, encoding: Encoding) -> u8 {
        let skipped = usize::try_from(self.encoding(Some(encoding)).1).unwrap_or_default();
        let mut carrier = Vec::new();
        Carrier::new(encoding).push(&self.head[skipped.min(self.head.len())..], &mut carrier);
        let score = |delimiter: u8| {
            let mut splitter = Splitter::new(Layout::Cells(delimiter), encoding);
            splitter.room().extend_from_slice(&carrier);
            splitter.finish();
            let row = std::iter::from_fn(|| {
                let row = splitter.next_row()?;
                Some(row.bytes.map(<[u8]>::to_vec).unwrap_or_default())
            });
            let row = row.into_iter().find(|row| !row.is_empty()).unwrap_or_default();
            let names: HashSet<String> = cells(&row, delimiter)
                .take(1000)
                .filter_map(|cell| encoding.text(&cell).ok().map(|text| text.trim().to_owned()))
                .collect();
            (names.iter().filter(|name| is_known(name)).count(), names.len())
        };
        let scores = DELIMITERS.map(|delimiter| (score(delimiter), delimiter));
        let best = scores.iter().map(|(score, _)| *score).max().unwrap_or_default();
        scores.iter().find(|(score, _)| *score == best).map_or(b',', |(_, delimiter)| *delimiter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(file: &[u8]) -> Survey {
        let mut survey = Survey::default();
        file.chunks(3).for_each(|piece| survey.see(piece));
        survey
    }

    fn encoding(file: &[u8]) -> (Encoding, u64) {
        survey(file).encoding(None)
    }

    #[test]
    fn encodings_are_told_apart() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        assert_eq!(encoding(b"email\na@b.c"), (Encoding::Utf8, 0));
        assert_eq!(encoding("nombre\nNuñez".as_bytes()), (Encoding::Utf8, 0));
        assert_eq!(encoding(b"\xef\xbb\xbfemail"), (Encoding::Utf8, 3));
        assert_eq!(encoding(b"nombre\nNu\xf1ez\nPe\xf1a"), (Encoding::WINDOWS_1252, 0));
        assert_eq!(encoding("ñññ ñññ".as_bytes()), (Encoding::Utf8, 0));
        assert_eq!(encoding("ñññ \u{fffd}".as_bytes()), (Encoding::Utf8, 0));
        assert_eq!(encoding(&[&utf16("\u{feff}email")[..]].concat()), (Encoding::Utf16Le, 2));
        assert_eq!(encoding(&utf16("email,name")), (Encoding::Utf16Le, 0));
        assert_eq!(encoding(b"\xfe\xff\0e"), (Encoding::Utf16Be, 2));
        assert_eq!(encoding(b""), (Encoding::Utf8, 0));
        let one_wrong = [&"ñandú ".repeat(50).into_bytes()[..], b"\xf1"].concat();
        assert_eq!(encoding(&one_wrong), (Encoding::Utf8, 0));
        let demanded = survey(b"\xef\xbb\xbfemail").encoding(Some(Encoding::WINDOWS_1252));
        assert_eq!(demanded, (Encoding::WINDOWS_1252, 0));
    }

    #[test]
    fn delimiters_are_told_apart() {
        for (file, delimiter) in [
            ("first_name;last_name,maiden;email\n", b';'),
            ("email\n", b','),
            ("\n\nemail\tphone\n", b'\t'),
            ("a|b|c\n1,2,3,4,5", b'|'),
            ("\"a;b;c;d\",email\n", b','),
            ("", b','),
        ] {
            assert_eq!(survey(file.as_bytes()).delimiter(Encoding::Utf8), delimiter, "{file:?}");
        }
    }

    #[test]
    fn lines_are_counted_with_an_open_last_one() {
        assert_eq!((survey(b"a\nb\n").lines(), survey(b"a\nb").lines(), survey(b"").lines()), (2, 2, 0));
        assert_eq!(survey(b"abcde").size(), 5);
    }
}
