//! Inputs: what is right, with mistakes put into it.

use std::fmt;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value};

/// Pieces that parsers have trouble with.
const PIECES: &[&str] = &[
    "\0",
    "\u{feff}",
    "\r\n",
    "\r",
    "\n\n",
    "\t",
    "\"",
    "\"\"",
    "'",
    "''",
    "\\",
    "\\'",
    "\\.",
    "\\N",
    "`",
    "--",
    "/*",
    "*/",
    ";",
    ",",
    "|",
    "$$",
    "$a$",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "<",
    "%",
    "%00",
    "%zz",
    "%f0%9f",
    "+",
    "&",
    "=",
    "@",
    "..",
    "/",
    "ä",
    "é",
    "ß",
    "İ",
    "ﬁ",
    "字",
    "\u{202e}",
    "\u{200d}",
    "\u{1f469}\u{200d}\u{1f52c}",
    "\u{10ffff}",
    "-1",
    "0",
    "1e999",
    "-0.0",
    "9223372036854775808",
    "NaN",
    "null",
    "true",
    "2024-02-30",
    "0000-01-01",
    "9999-12-31T23:59:59.999999999Z",
    "INSERT INTO",
    "VALUES",
    "COPY",
    "FROM stdin;",
    "E'\\x'",
    "0x",
    "::text",
    "--line\r\n",
    "Content-Disposition: form-data; name=\"file\"",
    "filename*=UTF-8''",
    "rk_",
    "rt_",
    "eyJ",
    "Bearer ",
];

/// One mistake.
#[derive(Debug, Clone)]
enum Mistake {
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    Set(Index, u8),
    Cut(Index),
    Join(Index, Vec<u8>),
}

fn mistake(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Mistake> {
    let at = any::<Index>;
    let piece = prop_oneof![
        select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 1..8),
    ];
    prop_oneof![
        4 => (at(), piece).prop_map(|(at, piece)| Mistake::Insert(at, piece)),
        2 => (at(), 1..40_usize).prop_map(|(at, n)| Mistake::Remove(at, n)),
        1 => (at(), 1..40_usize, 1..200_usize).prop_map(|(at, n, times)| Mistake::Repeat(at, n, times)),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Mistake::Set(at, byte)),
        1 => at().prop_map(Mistake::Cut),
        1 => (at(), select(corpus)).prop_map(|(at, other)| Mistake::Join(at, other)),
    ]
}

impl Mistake {
    fn make(self, bytes: &mut Vec<u8>) {
        let place = |at: Index, bytes: &[u8]| at.index(bytes.len() + 1);
        match self {
            Mistake::Insert(at, piece) => drop(bytes.splice(place(at, bytes)..place(at, bytes), piece)),
            Mistake::Remove(at, n) => {
                let at = place(at, bytes);
                drop(bytes.drain(at..bytes.len().min(at + n)));
            }
            Mistake::Repeat(at, n, times) => {
                let at = place(at, bytes);
                let again = bytes[at..bytes.len().min(at + n)].repeat(times);
                drop(bytes.splice(at..at, again));
            }
            Mistake::Set(at, byte) => {
                let at = place(at, bytes);
                bytes.get_mut(at).into_iter().for_each(|old| *old = byte);
            }
            Mistake::Cut(at) => bytes.truncate(place(at, bytes)),
            Mistake::Join(at, other) => {
                bytes.truncate(place(at, bytes));
                bytes.extend(other);
            }
        }
    }
}

/// Bytes that are shown as a literal of Rust.
#[derive(Clone)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// Bytes out of `corpus` with mistakes, and now and then any bytes.
pub fn bytes(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Bytes> {
    let wrong = (select(corpus.clone()), prop::collection::vec(mistake(corpus), 0..8));
    let wrong = wrong.prop_map(|(mut bytes, mistakes)| {
        mistakes.into_iter().for_each(|mistake| mistake.make(&mut bytes));
        bytes
    });
    prop_oneof![9 => wrong, 1 => prop::collection::vec(any::<u8>(), 0..400)].prop_map(Bytes)
}

/// The same as text.
pub fn text(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = String> {
    bytes(corpus).prop_map(|bytes| String::from_utf8_lossy(&bytes.0).into_owned())
}

/// The files of the corpus of a target, and those of `examples/` that are named.
pub fn corpus(target: &str, examples: &[&str]) -> Vec<Vec<u8>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = std::fs::read_dir(here.join("tests/fuzz/corpus").join(target)).into_iter().flatten();
    let mut paths: Vec<_> = own.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.extend(examples.iter().map(|name| here.join("../../examples").join(name)));
    let mut all: Vec<_> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    // Mistakes shall meet what matters: a few rows do.
    all.iter_mut().for_each(|file| file.truncate(4000));
    all
}

/// Any value that JSON has.
pub fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(PIECES).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[a-z]{300}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((".{0,6}", inner), 0..4)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

/// `right` with some of its members, also deep ones, replaced, removed or given other names.
pub fn wrong(right: Value) -> impl Strategy<Value = Value> {
    let change = (any::<Index>(), prop_oneof![3 => json().prop_map(Some), 1 => Just(None)]);
    (Just(right), prop::collection::vec(change, 0..5)).prop_map(|(mut value, changes)| {
        for (at, new) in changes {
            let mut places = Vec::new();
            pointers(&value, String::new(), &mut places);
            let place = at.get(&places).clone();
            match (new, place.rsplit_once('/')) {
                (Some(new), _) => value.pointer_mut(&place).into_iter().for_each(|old| *old = new.clone()),
                (None, Some((outer, name))) => {
                    if let Some(Value::Object(members)) = value.pointer_mut(outer)
                        && let Some(member) = members.shift_remove(name)
                    {
                        members.insert(format!("{name}_"), member);
                    }
                }
                (None, None) => {}
            }
        }
        value
    })
}

/// The places of all values within one.
fn pointers(value: &Value, place: String, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers(inner, format!("{place}/{name}"), all);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, inner)| pointers(inner, format!("{place}/{i}"), all));
        }
        _ => {}
    }
    all.push(place);
}
