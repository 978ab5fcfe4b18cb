//! What a body says about one member ([`Field`], [`Required`]), and how a JSON value becomes a Rust one
//! ([`FieldValue`]).

use serde_json::Value;
use utoipa::openapi::schema::{AdditionalProperties, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{Object, RefOr};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::value::{TextValue, ValueError};

/// What a body says about a member. A JSON merge patch (RFC 7396) tells "leave it" from "clear it".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// Not mentioned: leave it as it is.
    #[default]
    Absent,
    /// `null`, or a blank text: clear it.
    Null,
    /// A value.
    Value(T),
}

impl<T> Field<T> {
    /// The value, if there is one: what a creation stores.
    pub fn value(self) -> Option<T> {
        match self {
            Field::Value(v) => Some(v),
            Field::Absent | Field::Null => None,
        }
    }
    /// The value, or `other` if the body names none.
    pub fn or(self, other: T) -> T {
        self.value().unwrap_or(other)
    }
    /// Was the member left out?
    pub fn is_absent(&self) -> bool {
        matches!(self, Field::Absent)
    }
    /// Was it `null` or a blank text?
    pub fn is_null(&self) -> bool {
        matches!(self, Field::Null)
    }
    /// The same statement about a borrowed value.
    pub fn as_ref(&self) -> Field<&T> {
        match self {
            Field::Absent => Field::Absent,
            Field::Null => Field::Null,
            Field::Value(v) => Field::Value(v),
        }
    }
    /// The same statement about a value made from this one.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Field::Absent => Field::Absent,
            Field::Null => Field::Null,
            Field::Value(v) => Field::Value(f(v)),
        }
    }
    /// Patches an optional column.
    pub fn apply(self, to: &mut Option<T>) {
        match self {
            Field::Absent => {}
            Field::Null => *to = None,
            Field::Value(v) => *to = Some(v),
        }
    }
    /// Patches a column that cannot be empty: clearing it brings back `default`.
    pub fn apply_or(self, default: T, to: &mut T) {
        match self {
            Field::Absent => {}
            Field::Null => *to = default,
            Field::Value(v) => *to = v,
        }
    }
}

/// A member that must be there. It is opened only inside [`super::Fields::build`], which runs when there
/// are no errors: opening it earlier would end the reading at the first error and hide the others.
#[derive(Debug)]
pub struct Required<T>(pub(super) Option<T>);

impl<T> Required<T> {
    /// The value, to look at before [`super::Fields::build`], such as for rules about two members.
    pub fn peek(&self) -> Option<&T> {
        self.0.as_ref()
    }
    /// The value. Call it only inside [`super::Fields::build`]; elsewhere it panics over an incomplete
    /// body, and at once when the OpenAPI document is made, so the mistake cannot stay.
    pub fn get(self) -> T {
        self.0.expect("Required::get is called inside Fields::build only")
    }
}

/// A type that a JSON value can be read into.
pub trait FieldValue: Sized {
    /// Reads the value; never panics.
    fn from_json(value: &Value) -> Result<Self, ValueError>;
    /// The OpenAPI schema of what [`FieldValue::from_json`] accepts.
    fn schema() -> Object;
    /// The same where one type does not describe it, such as a text or a list.
    fn any_schema() -> RefOr<Schema> {
        Self::schema().into()
    }
}

/// A schema of one type with an optional format.
pub fn plain(kind: Type, format: Option<KnownFormat>) -> Object {
    ObjectBuilder::new().schema_type(kind).format(format.map(SchemaFormat::KnownFormat)).build()
}

/// The schema of a text that is one of a few words.
pub fn one_of(words: impl IntoIterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

/// The schema of an object whose members are `member`: a map by name.
pub fn map_of(member: Object) -> Object {
    let member = AdditionalProperties::RefOr(RefOr::T(Schema::Object(member)));
    ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(member)).build()
}

/// The schema of an object with any members.
pub fn free_object() -> Object {
    let free = Some(AdditionalProperties::FreeForm(true));
    ObjectBuilder::new().schema_type(Type::Object).additional_properties(free).build()
}

/// The schema that also allows null.
pub fn nullable(schema: RefOr<Schema>) -> RefOr<Schema> {
    use utoipa::openapi::schema::{OneOfBuilder, SchemaType};
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            if let SchemaType::Type(kind) = object.schema_type {
                object.schema_type = SchemaType::Array(vec![kind, Type::Null]);
            }
            if let Some(values) = &mut object.enum_values {
                values.push(Value::Null);
            }
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.schema_type = SchemaType::Array(vec![Type::Array, Type::Null]);
            RefOr::T(Schema::Array(array))
        }
        RefOr::T(Schema::OneOf(mut either)) => {
            either.items.push(plain(Type::Null, None).into());
            RefOr::T(Schema::OneOf(either))
        }
        other => OneOfBuilder::new().item(other).item(plain(Type::Null, None)).into(),
    }
}

/// The error of a value of another type than `expected`.
pub(super) fn wrong_type(expected: &str, value: &Value) -> ValueError {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    ValueError::new("wrong_type", format!("Must be {expected}, not {found}"))
}

fn text<'a>(expected: &str, value: &'a Value) -> Result<&'a str, ValueError> {
    let text = value.as_str().ok_or_else(|| wrong_type(expected, value))?;
    if text.contains('\0') {
        return Err(ValueError::new("control_character", "Must not contain a NUL character"));
    }
    Ok(text.trim())
}

impl<T: TextValue> FieldValue for T {
    fn from_json(value: &Value) -> Result<T, ValueError> {
        T::parse(text("a text", value)?)
    }
    fn schema() -> Object {
        let mut schema = plain(Type::String, None);
        schema.max_length = Some(T::MAX_CHARS);
        if !T::WORDS.is_empty() {
            return super::values::choice_schema(T::WORDS);
        }
        if !T::FORMAT.is_empty() {
            schema.format = Some(SchemaFormat::Custom(T::FORMAT.to_owned()));
        }
        schema
    }
}

impl FieldValue for bool {
    fn from_json(value: &Value) -> Result<bool, ValueError> {
        value.as_bool().ok_or_else(|| wrong_type("true or false", value))
    }
    fn schema() -> Object {
        plain(Type::Boolean, None)
    }
}

/// Integers beyond this lose digits in JavaScript and in `3.0` notation.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl FieldValue for i64 {
    fn from_json(value: &Value) -> Result<i64, ValueError> {
        let expected = "a whole number";
        let number = value.as_number().ok_or_else(|| wrong_type(expected, value))?;
        // JSON does not tell 3 from 3.0, and some clients write the latter.
        match (number.as_i64(), number.as_f64()) {
            (Some(n), _) => Ok(n),
            (None, Some(n)) if n.fract() == 0.0 && n.abs() <= EXACT => Ok(n as i64),
            _ => Err(ValueError::new("wrong_type", "Must be a whole number of at most 64 bits")),
        }
    }
    fn schema() -> Object {
        plain(Type::Integer, Some(KnownFormat::Int64))
    }
}

impl FieldValue for f64 {
    fn from_json(value: &Value) -> Result<f64, ValueError> {
        value.as_f64().ok_or_else(|| wrong_type("a number", value))
    }
    fn schema() -> Object {
        plain(Type::Number, Some(KnownFormat::Double))
    }
}

impl FieldValue for Uuid {
    fn from_json(value: &Value) -> Result<Uuid, ValueError> {
        let text = text("a UUID", value)?;
        Uuid::try_parse(text).map_err(|_| ValueError::new("invalid_uuid", "Must be a UUID"))
    }
    fn schema() -> Object {
        plain(Type::String, Some(KnownFormat::Uuid))
    }
}

impl FieldValue for Timestamp {
    fn from_json(value: &Value) -> Result<Timestamp, ValueError> {
        parse_time(text("a time", value)?)
    }
    fn schema() -> Object {
        plain(Type::String, Some(KnownFormat::DateTime))
    }
}

impl FieldValue for jiff::civil::Date {
    fn from_json(value: &Value) -> Result<jiff::civil::Date, ValueError> {
        parse_date(text("a date", value)?)
    }
    fn schema() -> Object {
        plain(Type::String, Some(KnownFormat::Date))
    }
}

/// Reads an RFC 3339 time; without offset it is UTC, a date alone is its midnight in UTC. Years 1 to 9999.
pub fn parse_time(text: &str) -> Result<Timestamp, ValueError> {
    let error = || ValueError::new("invalid_time", "Must be a time such as 2026-03-01T12:30:00Z");
    let instant = text
        .parse::<jiff::Timestamp>()
        .or_else(|_| {
            text.parse::<jiff::civil::DateTime>()?.to_zoned(jiff::tz::TimeZone::UTC).map(|z| z.timestamp())
        })
        .map_err(|_: jiff::Error| error())?;
    if !is_storable(instant.to_zoned(jiff::tz::TimeZone::UTC).date()) {
        return Err(error());
    }
    Ok(Timestamp::from(instant))
}

/// Reads `2026-03-01`, also written as a date-time at midnight. Years 1 to 9999.
pub fn parse_date(text: &str) -> Result<jiff::civil::Date, ValueError> {
    let error = || ValueError::new("invalid_date", "Must be a date such as 2026-03-01");
    let day = text.get(..10).ok_or_else(error)?;
    let time = text.get(10..).unwrap_or_default();
    if !time.is_empty() {
        let clock = time.trim_start_matches(['T', 't', ' ']).trim_end_matches(['Z', 'z']);
        let clock = clock.strip_suffix("+00:00").unwrap_or(clock);
        // "00:00", "00:00:00", "00:00:00.000"
        if clock.len() < 5 || !clock.chars().all(|c| matches!(c, '0' | ':' | '.')) {
            return Err(error());
        }
        text.parse::<jiff::civil::DateTime>()
            .map(|_| ())
            .or_else(|_| text.parse::<jiff::Timestamp>().map(|_| ()))
            .map_err(|_| error())?;
    }
    let date: jiff::civil::Date = day.parse().map_err(|_| error())?;
    if !is_storable(date) {
        return Err(error());
    }
    Ok(date)
}

/// Years 1 to 9999: PostgreSQL refuses others where SQLite does not, and RFC 3339 cannot write them.
pub(super) fn is_storable(date: jiff::civil::Date) -> bool {
    (1..=9999).contains(&date.year())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_tells_leave_from_clear() {
        let mut name = Some("old");
        Field::Absent.apply(&mut name);
        assert_eq!(name, Some("old"));
        Field::Value("new").apply(&mut name);
        assert_eq!(name, Some("new"));
        Field::Null.apply(&mut name);
        assert_eq!(name, None);
        let mut active = false;
        Field::Null.apply_or(true, &mut active);
        assert!(active);
        assert_eq!(Field::Value(2).map(|n| n + 1).or(9), 3);
        assert_eq!(Field::Null.or(9), 9);
    }

    #[test]
    fn numbers_are_whole_when_they_say_so() {
        assert_eq!(i64::from_json(&json!(3.0)), Ok(3));
        assert_eq!(i64::from_json(&json!(i64::MIN)), Ok(i64::MIN));
        for bad in [json!(3.5), json!(1e300), json!(u64::MAX), json!("3"), json!(true)] {
            assert_eq!(i64::from_json(&bad).unwrap_err().code, "wrong_type", "{bad}");
        }
    }

    #[test]
    fn times_without_offset_are_utc() {
        let time = |s: &str| Timestamp::from_json(&json!(s)).map(|t| t.to_string());
        let noon = Ok("2026-03-01T12:00:00.000000Z".to_owned());
        assert_eq!(time("2026-03-01T12:00:00Z"), noon);
        assert_eq!(time("2026-03-01T14:00:00+02:00"), noon);
        assert_eq!(time("2026-03-01T12:00:00"), noon);
        assert_eq!(time(" 2026-03-01 12:00:00.0000001 "), noon);
        assert_eq!(time("2026-03-01"), Ok("2026-03-01T00:00:00.000000Z".to_owned()));
        for bad in ["", "now", "2026-13-01T00:00:00Z", "-002026-01-01T00:00:00Z", "1740830400"] {
            assert_eq!(time(bad).unwrap_err().code, "invalid_time", "{bad}");
        }
    }

    #[test]
    fn a_date_may_be_written_as_midnight() {
        let date = |s: &str| jiff::civil::Date::from_json(&json!(s)).map(|d| d.to_string());
        for good in
            ["1990-05-15", "1990-05-15T00:00:00", "1990-05-15T00:00:00Z", "1990-05-15T00:00:00.000+00:00"]
        {
            assert_eq!(date(good), Ok("1990-05-15".to_owned()), "{good}");
        }
        for bad in
            ["1990-05-15T08:00:00Z", "1990-02-30", "15/05/1990", "1990-05-15T00", "1990-5-15", "é990-05-15x"]
        {
            assert_eq!(date(bad).unwrap_err().code, "invalid_date", "{bad}");
        }
    }

    #[test]
    fn null_joins_types_and_choices() {
        let mut choice = plain(Type::String, None);
        choice.enum_values = Some(vec![json!("a")]);
        let schema = serde_json::to_value(nullable(choice.into())).unwrap();
        assert_eq!(schema, json!({"type": ["string", "null"], "enum": ["a", null]}));
    }

    #[test]
    fn years_are_1_to_9999() {
        for text in
            ["0000-12-31T23:59:59Z", "-000001-05-15T00:00:00Z", "0001-01-01T00:00:00+01:00", "0000-12-31"]
        {
            assert_eq!(Timestamp::from_json(&json!(text)).unwrap_err().code, "invalid_time", "{text}");
            assert!(jiff::civil::Date::from_json(&json!(text)).is_err(), "{text}");
        }
        Timestamp::from_json(&json!("0001-01-01T00:00:00Z")).unwrap();
        assert!(jiff::civil::Date::from_json(&json!("9999-12-31")).is_ok());
        assert!(jiff::civil::Date::from_json(&json!("10000-01-01")).is_err());
    }

    proptest! {
        #[test]
        fn parsers_never_panic(text in ".{0,40}") {
            let value = json!(text);
            let _ = (Timestamp::from_json(&value), jiff::civil::Date::from_json(&value), Uuid::from_json(&value));
        }
        #[test]
        fn dates_never_panic(text in "[0-9TZ:. +-]{8,30}") {
            let _ = (parse_time(&text), parse_date(&text));
        }
    }
}
