use std::borrow::Cow;

use kernel::ValueError;

/// How the bytes of a file become text. Rows are found in the *carrier*, which is the file itself where ASCII is one byte
/// each, and UTF-8 made from UTF-16: so a place in the carrier is a place in the file, and reading can go on there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// One byte for a character, ASCII in its lower half.
    Single(&'static encoding_rs::Encoding),
}

/// A byte that no UTF-8 has: in the carrier, half a character of UTF-16.
const BROKEN: u8 = 0xff;

impl Encoding {
    /// What a file without any other sign is read as when it is no UTF-8.
    pub const WINDOWS_1252: Encoding = Encoding::Single(encoding_rs::WINDOWS_1252);

    /// The encoding with this name, such as `utf-8`, `utf-16le`, `windows-1252`, `latin1`.
    pub fn from_label(label: &str) -> Option<Encoding> {
        let found = encoding_rs::Encoding::for_label(label.trim().as_bytes())?;
        if found == encoding_rs::UTF_8 {
            Some(Encoding::Utf8)
        } else if found == encoding_rs::UTF_16LE {
            Some(Encoding::Utf16Le)
        } else if found == encoding_rs::UTF_16BE {
            Some(Encoding::Utf16Be)
        } else if found.is_single_byte() && found.is_ascii_compatible() {
            Some(Encoding::Single(found))
        } else {
            None
        }
    }

    /// Its usual name in lower case.
    pub fn name(self) -> String {
        match self {
            Encoding::Utf8 => "utf-8".to_owned(),
            Encoding::Utf16Le => "utf-16le".to_owned(),
            Encoding::Utf16Be => "utf-16be".to_owned(),
            Encoding::Single(single) => single.name().to_ascii_lowercase(),
        }
    }

    /// The text of a piece of the carrier. ValueError: `invalid_encoding`.
    pub fn text(self, carrier: &[u8]) -> Result<Cow<'_, str>, ValueError> {
        let text = match self {
            Encoding::Single(single) => single.decode_without_bom_handling_and_without_replacement(carrier),
            _ => std::str::from_utf8(carrier).ok().map(Cow::Borrowed),
        };
        text.ok_or_else(|| {
            let message = format!("is not {}; save the file as UTF-8, or name its encoding", self.name());
            ValueError::new("invalid_encoding", message)
        })
    }

    /// How many bytes of the file a piece of the carrier stands for.
    pub fn source_len(self, carrier: &[u8]) -> u64 {
        let wide = matches!(self, Encoding::Utf16Le | Encoding::Utf16Be);
        if !wide {
            return carrier.len() as u64;
        }
        let units = |byte: &u8| match byte {
            0x80..=0xbf => 0,
            0xf0..=0xf7 => 4,
            _ => 2,
        };
        carrier.iter().map(units).sum()
    }
}

/// Makes the carrier from the bytes of a file, in pieces of any size.
#[derive(Debug)]
pub struct Carrier {
    encoding: Encoding,
    /// What a later piece completes: half a unit, or half a pair.
    rest: Vec<u8>,
}

impl Carrier {
    /// From the beginning of a character.
    pub fn new(encoding: Encoding) -> Carrier {
        Carrier { encoding, rest: Vec::new() }
    }

    /// Appends the carrier of the next bytes.
    pub fn push(&mut self, bytes: &[u8], to: &mut Vec<u8>) {
        let unit = match self.encoding {
            Encoding::Utf8 | Encoding::Single(_) => return to.extend_from_slice(bytes),
            Encoding::Utf16Le => u16::from_le_bytes,
            Encoding::Utf16Be => u16::from_be_bytes,
        };
        self.rest.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(&[a, b]) = self.rest.get(at..at + 2) {
            let first = unit([a, b]);
            let pair = (0xd800..0xdc00).contains(&first);
            let second = self.rest.get(at + 2..at + 4).map(|two| unit([two[0], two[1]]));
            if pair && second.is_none() {
                break;
            }
            let units = [first, second.unwrap_or_default()];
            let used = if pair { 2 } else { 1 };
            match char::decode_utf16(units[..used].iter().copied()).next() {
                Some(Ok(c)) => {
                    to.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    at += 2 * used;
                }
                // Only the half is broken; what follows it may be the beginning of something.
                _ => {
                    to.push(BROKEN);
                    at += 2;
                }
            }
        }
        self.rest.drain(..at);
    }

    /// Appends what is left at the end of the file.
    pub fn finish(&mut self, to: &mut Vec<u8>) {
        if !self.rest.is_empty() {
            self.rest.clear();
            to.push(BROKEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    }

    #[test]
    fn labels_name_encodings_that_keep_ascii_apart() {
        assert_eq!(Encoding::from_label(" UTF-8 "), Some(Encoding::Utf8));
        assert_eq!(Encoding::from_label("latin1"), Some(Encoding::WINDOWS_1252));
        assert_eq!(Encoding::from_label("utf-16"), Some(Encoding::Utf16Le));
        for refused in ["shift_jis", "gb18030", "iso-2022-jp", "nonsense"] {
            assert_eq!(Encoding::from_label(refused), None, "{refused}");
        }
        assert_eq!(Encoding::WINDOWS_1252.text(b"Nu\xf1ez \x80").unwrap(), "Nuñez €");
        assert_eq!(Encoding::Utf8.text(b"Nu\xf1ez").unwrap_err().code, "invalid_encoding");
    }

    #[test]
    fn half_a_character_is_seen() {
        let mut carrier = Carrier::new(Encoding::Utf16Le);
        let mut out = Vec::new();
        carrier.push(&[0x00, 0xd8, 0x61, 0x00, 0x62], &mut out);
        carrier.finish(&mut out);
        assert_eq!(out, [BROKEN, b'a', BROKEN]);
    }

    proptest! {
        #[test]
        fn utf_16_is_the_same_in_any_pieces(text in any::<String>(), big: bool, cut in 1usize..7) {
            let encoding = if big { Encoding::Utf16Be } else { Encoding::Utf16Le };
            let file = utf16(&text, big);
            let mut carrier = Carrier::new(encoding);
            let mut out = Vec::new();
            file.chunks(cut).for_each(|piece| carrier.push(piece, &mut out));
            carrier.finish(&mut out);
            prop_assert_eq!(std::str::from_utf8(&out).unwrap(), &text);
            prop_assert_eq!(encoding.source_len(&out), file.len() as u64);
        }
    }
}
