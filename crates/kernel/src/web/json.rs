//! JSON as the API accepts it: UTF-8, at most [`MAX_DEPTH`] levels deep, no member twice. `serde_json`
//! alone keeps the last of two equal members, and two readers that keep different ones is how a check
//! on one value lets another through.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::{Error, Result};

/// Deepest nesting of arrays and objects that a body may have.
pub const MAX_DEPTH: usize = 32;

/// Reads one JSON text. 400 with `JSON_INVALID` (line and column), `JSON_TOO_DEEP` or
/// `JSON_DUPLICATE_MEMBER`.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let at = e.valid_up_to();
        Error::bad_request(
            "JSON_INVALID",
            format!("The body is not UTF-8 (at byte {at}); send JSON in UTF-8"),
        )
    })?;
    if depth(bytes) > MAX_DEPTH {
        let detail = format!("The body is nested deeper than {MAX_DEPTH} levels");
        return Err(Error::bad_request("JSON_TOO_DEEP", detail));
    }
    let twice = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict { twice: &twice }.deserialize(&mut reader).and_then(|v| reader.end().map(|()| v));
    value.map_err(|e| match twice.into_inner() {
        Some(name) => {
            let detail = format!("The body names \"{name}\" twice in one object");
            Error::bad_request("JSON_DUPLICATE_MEMBER", detail)
        }
        None => Error::bad_request("JSON_INVALID", format!("The body is not valid JSON: {e}")),
    })
}

/// The deepest nesting in `bytes`, whatever they are: brackets inside strings do not count.
fn depth(bytes: &[u8]) -> usize {
    let (mut now, mut most, mut in_text, mut escaped) = (0usize, 0usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => {
                now += 1;
                most = most.max(now);
            }
            b'}' | b']' => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// Does any text in the value, names included, hold a NUL? PostgreSQL cannot store one.
pub fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(s) => s.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(k, v)| k.contains('\0') || has_nul(v)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

struct Strict<'a> {
    twice: &'a RefCell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Number(v.into()))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Number(v.into()))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Number::from_f64(v).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }
    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::String(v))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Strict { twice: self.twice })? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.contains_key(&name) {
                self.twice.replace(Some(name.chars().take(64).collect()));
                return Err(A::Error::custom("duplicate member"));
            }
            let value = map.next_value_seed(Strict { twice: self.twice })?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(text: &[u8]) -> &'static str {
        parse(text).unwrap_err().code()
    }

    #[test]
    fn what_is_no_json_says_where() {
        let error = parse(b"{\n  \"a\": 1,\n}").unwrap_err();
        assert_eq!(error.code(), "JSON_INVALID");
        assert!(error.detail().contains("line 3 column 1"), "{error:?}");
        assert_eq!(code(b"{} x"), "JSON_INVALID");
        assert_eq!(code(b"\"\xff\""), "JSON_INVALID");
        assert_eq!(code(br#""\ud800""#), "JSON_INVALID");
        assert_eq!(code(b"1e999"), "JSON_INVALID");
    }

    #[test]
    fn nesting_is_bounded_and_brackets_in_texts_do_not_count() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(code(nested(MAX_DEPTH + 1).as_bytes()), "JSON_TOO_DEEP");
        assert_eq!(code("[".repeat(1_000_000).as_bytes()), "JSON_TOO_DEEP");
        let text = format!("\"\\\"{}\"", "[".repeat(100));
        assert!(parse(text.as_bytes()).is_ok());
    }

    #[test]
    fn a_member_twice_is_refused_at_any_depth() {
        assert_eq!(code(br#"{"a":1,"a":1}"#), "JSON_DUPLICATE_MEMBER");
        assert_eq!(code(br#"[{"b":{"a":1,"\u0061":2}}]"#), "JSON_DUPLICATE_MEMBER");
        assert!(parse(br#"[{"a":1},{"a":2}]"#).is_ok());
    }

    #[test]
    fn a_nul_is_found_in_names_too() {
        assert!(has_nul(&parse(br#"{"a":["x\u0000"]}"#).unwrap()));
        assert!(has_nul(&parse(br#"{"a\u0000":1}"#).unwrap()));
        assert!(!has_nul(&parse(br#"{"a":"\\u0000"}"#).unwrap()));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn agrees_with_serde_json(text in r#"[\[\]{}:,"ab01 .eE\\-]{0,30}"#) {
            if let Ok(value) = parse(text.as_bytes()) {
                prop_assert_eq!(value, serde_json::from_str::<Value>(&text).unwrap());
            }
        }
    }
}
