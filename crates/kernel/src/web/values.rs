//! Readers and schemas of the plain values that [`super::fields`] offers: texts, choices, numbers, objects.

use std::ops::RangeInclusive;

use secrecy::SecretString;
use serde_json::{Map, Value};
use utoipa::openapi::schema::{ArrayBuilder, Schema, Type};
use utoipa::openapi::{Object, RefOr};

use super::field::{FieldValue, one_of, plain, wrong_type};
use super::json;
use crate::ValueError;

pub(super) fn read_text(value: &Value, max: usize, lines: bool) -> Result<String, ValueError> {
    let text = value.as_str().ok_or_else(|| wrong_type("a text", value))?.trim();
    let text = if lines { text.replace("\r\n", "\n") } else { text.to_owned() };
    if text.chars().any(|c| c.is_control() && !(lines && matches!(c, '\n' | '\t'))) {
        let message = if lines { "Must not contain control characters" } else { "Must be one line of text" };
        return Err(ValueError::new("control_character", message));
    }
    too_long(text, max)
}

pub(super) fn read_secret(value: &Value, max: usize) -> Result<SecretString, ValueError> {
    let text = value.as_str().ok_or_else(|| wrong_type("a text", value))?;
    if text.contains('\0') {
        return Err(ValueError::new("control_character", "Must not contain a NUL character"));
    }
    too_long(text.to_owned(), max).map(SecretString::from)
}

fn too_long(text: String, max: usize) -> Result<String, ValueError> {
    match text.chars().count() {
        n if n > max => {
            Err(ValueError::new("too_long", format!("Must have at most {max} characters, not {n}")))
        }
        _ => Ok(text),
    }
}

pub(super) fn read_choice(value: &Value, words: &'static [&'static str]) -> Result<&'static str, ValueError> {
    let text = value.as_str().ok_or_else(|| wrong_type("a text", value))?.trim();
    let found = words.iter().copied().find(|word| *word == text);
    found.ok_or_else(|| ValueError::new("unknown_choice", format!("Must be one of {}", words.join(", "))))
}

pub(super) fn read_object(value: &Value, max_bytes: usize) -> Result<Map<String, Value>, ValueError> {
    let Value::Object(members) = value else { return Err(wrong_type("an object", value)) };
    if json::has_nul(value) {
        return Err(ValueError::new("control_character", "Must not contain a NUL character"));
    }
    match value.to_string().len() {
        n if n > max_bytes => {
            Err(ValueError::new("too_long", format!("Must have at most {max_bytes} bytes as JSON, not {n}")))
        }
        _ => Ok(members.clone()),
    }
}

pub(super) fn int_parts(
    range: RangeInclusive<i64>,
) -> (impl FnOnce() -> RefOr<Schema>, impl FnOnce(&Value) -> Result<i64, ValueError>) {
    let (low, high) = range.into_inner();
    let schema = move || {
        let mut schema = i64::schema();
        schema.minimum = Some(low.into());
        schema.maximum = Some(high.into());
        schema.into()
    };
    let read = move |value: &Value| match i64::from_json(value)? {
        n if n < low || n > high => {
            Err(ValueError::new("out_of_range", format!("Must be between {low} and {high}")))
        }
        n => Ok(n),
    };
    (schema, read)
}

pub(super) fn text_schema(max: usize) -> Object {
    let mut schema = plain(Type::String, None);
    schema.max_length = Some(max);
    schema
}

pub(super) fn secret_schema(max: usize) -> Object {
    let mut schema = plain(Type::String, Some(utoipa::openapi::KnownFormat::Password));
    schema.max_length = Some(max);
    schema.write_only = Some(true);
    schema
}

pub(super) fn choice_schema(words: &'static [&'static str]) -> Object {
    one_of(words.iter().copied())
}

pub(super) fn list_schema(item: Object, max: usize) -> RefOr<Schema> {
    ArrayBuilder::new().items(item).max_items(Some(max)).into()
}
