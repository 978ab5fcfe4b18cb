use std::fmt;

use kernel::FieldError;
use kernel::text::{block, line};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// Most keys, and the longest key and value in characters.
const MAX_KEYS: usize = 50;
const MAX_KEY_CHARS: usize = 40;
const MAX_VALUE_CHARS: usize = 500;

/// What other programs attach to a customer: up to 50 keys with text values, in the order given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata(Map<String, Value>);

impl Metadata {
    /// Reads the object of a body; `field` is its name there, for the errors. All errors at once.
    pub fn from_json(value: &Value, field: &str) -> Result<Metadata, Vec<FieldError>> {
        Metadata::default().merged(value, field)
    }

    /// The metadata after a merge patch (RFC 7396): members replace, `null` removes, others stay.
    pub fn merged(&self, patch: &Value, field: &str) -> Result<Metadata, Vec<FieldError>> {
        let Value::Object(patch) = patch else {
            return Err(vec![FieldError::new(field, "invalid_type", "must be an object with text values")]);
        };
        let mut errors = Vec::new();
        let mut members = self.0.clone();
        for (key, value) in patch {
            let at = format!("{field}.{key}");
            if line(key, MAX_KEY_CHARS).as_ref() != Ok(key) {
                let message = format!("must have a name of 1 to {MAX_KEY_CHARS} characters in one line");
                errors.push(FieldError::new(at, "invalid_key", message));
                continue;
            }
            match value {
                Value::Null => drop(members.shift_remove(key)),
                Value::String(text) => match block(text, MAX_VALUE_CHARS) {
                    Ok(clean) => drop(members.insert(key.clone(), Value::String(clean))),
                    Err(error) if error.code == "blank" => drop(members.insert(key.clone(), "".into())),
                    Err(error) => errors.push(FieldError::new(at, error.code, error.message)),
                },
                _ => errors.push(FieldError::new(at, "invalid_type", "must be a text")),
            }
        }
        if members.len() > MAX_KEYS {
            errors.push(FieldError::new(field, "too_many", format!("must have at most {MAX_KEYS} members")));
        }
        if errors.is_empty() { Ok(Metadata(members)) } else { Err(errors) }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str)
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Metadata {
    /// As a JSON object.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(&self.0).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(s)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn errors(value: &Value) -> Vec<(String, &'static str)> {
        let errors = Metadata::from_json(value, "metadata").unwrap_err();
        errors.into_iter().map(|error| (error.field, error.code)).collect()
    }

    #[test]
    fn keeps_texts_in_order() {
        let metadata =
            Metadata::from_json(&json!({"z": "last", "a": " first ", "empty": ""}), "metadata").unwrap();
        assert_eq!(metadata.iter().collect::<Vec<_>>(), [("z", "last"), ("a", "first"), ("empty", "")]);
        assert_eq!(metadata.get("z"), Some("last"));
        assert_eq!(metadata.to_string(), r#"{"z":"last","a":"first","empty":""}"#);
    }

    #[test]
    fn names_every_fault() {
        let long = "k".repeat(41);
        let value =
            json!({"n": 1, "": "x", " pad": "x", &long: "x", "v": "x".repeat(501), "c": "a\u{0}", "ok": "x"});
        assert_eq!(
            errors(&value),
            [
                ("metadata.n".to_owned(), "invalid_type"),
                ("metadata.".to_owned(), "invalid_key"),
                ("metadata. pad".to_owned(), "invalid_key"),
                (format!("metadata.{long}"), "invalid_key"),
                ("metadata.v".to_owned(), "too_long"),
                ("metadata.c".to_owned(), "control_character"),
            ]
        );
        assert_eq!(errors(&json!(["a"])), [("metadata".to_owned(), "invalid_type")]);
    }

    #[test]
    fn at_most_fifty_keys() {
        let object = |n: usize| Value::Object((0..n).map(|i| (format!("k{i}"), json!("v"))).collect());
        assert_eq!(Metadata::from_json(&object(50), "metadata").unwrap().len(), 50);
        assert_eq!(errors(&object(51)), [("metadata".to_owned(), "too_many")]);
    }

    #[test]
    fn patches_replace_remove_and_keep() {
        let before = Metadata::from_json(&json!({"a": "1", "b": "2", "c": "3"}), "metadata").unwrap();
        let after = before.merged(&json!({"a": null, "b": "two", "d": "4", "x": null}), "metadata").unwrap();
        assert_eq!(after.to_string(), r#"{"b":"two","c":"3","d":"4"}"#);
        assert!(before.merged(&json!(null), "metadata").is_err());
    }

    proptest! {
        #[test]
        fn reading_what_is_shown_changes_nothing(members in prop::collection::vec((any::<String>(), any::<String>()), 0..4)) {
            let value = Value::Object(members.into_iter().map(|(k, v)| (k, Value::String(v))).collect());
            if let Ok(metadata) = Metadata::from_json(&value, "metadata") {
                let again: Value = serde_json::from_str(&metadata.to_string()).unwrap();
                prop_assert_eq!(Metadata::from_json(&again, "metadata").unwrap(), metadata);
            }
        }
    }
}
