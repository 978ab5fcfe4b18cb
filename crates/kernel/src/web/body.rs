//! Request bodies. A body type implements [`Input`] once and gets from it: reading, every error at once,
//! and its place in the OpenAPI document.
//!
//! ```ignore
//! pub struct NewVehicle { vin: Vin, color: Option<String> }
//! impl Input for NewVehicle {
//!     const NAME: &'static str = "NewVehicle";
//!     fn read(f: &mut Fields<'_>) -> Option<Self> {
//!         let vin = f.need("vin");
//!         let color = f.text(["color", "colour"], 40);
//!         f.read_only(&["id", "created_at", "updated_at", "version"]);
//!         f.build(|| NewVehicle { vin: vin.get(), color: color.value() })
//!     }
//! }
//! // #[utoipa::path(post, path = "/vehicles", request_body = NewVehicleBody, …)]
//! // async fn create(ctx: Ctx, Body(new): NewVehicleBody) -> Result<Created<Vehicle>>
//! pub type NewVehicleBody = Body<NewVehicle>;
//! ```
//! The alias is needed because `utoipa` names a generic type after all its parts.

use std::borrow::Cow;

use axum::extract::{FromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde_json::{Map, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

pub use super::fields::{Fields, Names};
use super::fields::{describe_input, read_input};
use super::json;
use super::request::RequestInfo;
use super::settings::WebSettings;
use crate::{Error, Kind, Result};

/// A request body.
pub trait Input: Sized + Send + 'static {
    /// Name of the component in the OpenAPI document.
    const NAME: &'static str;
    /// Does no body at all, or `null`, mean the same as `{}`? Then the route is described with `Option<…Body>`.
    const EMPTY_OK: bool = false;
    /// Does a body without members change nothing, whatever is stored? Then its answer is not stored either: a repeat
    /// does the same.
    const EMPTY_CHANGES_NOTHING: bool = false;
    /// Reads every member, then makes the value with [`Fields::build`]. Run over nothing, the same calls
    /// describe the body, so they must not depend on what was read.
    fn read(fields: &mut Fields<'_>) -> Option<Self>;
}

/// The body of a request, read and checked.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: Input> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Body<T>> {
        let info = RequestInfo::of(request.extensions()).cloned();
        let value = read_json(request, T::EMPTY_OK).await?;
        if T::EMPTY_CHANGES_NOTHING
            && value.as_object().is_some_and(Map::is_empty)
            && let Some(info) = info
        {
            info.set_asks_nothing();
        }
        from_value(&value).map(Body)
    }
}

impl<T: Input> utoipa::PartialSchema for Body<T> {
    fn schema() -> RefOr<Schema> {
        describe_input::<T>().swap_remove(0).1
    }
}

impl<T: Input> utoipa::ToSchema for Body<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(T::NAME)
    }
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.extend(describe_input::<T>().into_iter().skip(1));
    }
}

/// Reads an input from JSON that came another way: an import row, a stored request, a test.
pub fn from_value<T: Input>(value: &Value) -> Result<T> {
    let Value::Object(members) = value else {
        return Err(Error::invalid_field("", "wrong_type", "The body must be a JSON object"));
    };
    match read_input::<T>(members, String::new()) {
        (Some(value), errors) if errors.is_empty() => Ok(value),
        (None, errors) if errors.is_empty() => {
            Err(Error::internal(format!("{} was not built although it has no errors", T::NAME)))
        }
        (_, errors) => Err(Error::invalid(errors)),
    }
}

/// Reads an input from JSON text.
pub fn from_slice<T: Input>(bytes: &[u8]) -> Result<T> {
    from_value(&json::parse(bytes)?)
}

/// Reads the JSON body of a request that has no [`Input`] type. 400, 408, 413 or 415 when it cannot.
pub async fn read_json(request: Request, empty_ok: bool) -> Result<Value> {
    let (parts, body) = request.into_parts();
    let bytes = collect(&parts, body).await?;
    if bytes.is_empty() {
        return match empty_ok {
            true => Ok(Value::Object(Map::new())),
            false => Err(Error::bad_request("JSON_INVALID", "The body is empty; send a JSON object")),
        };
    }
    let parsed = match content_type(&parts.headers)? {
        MediaType::Json => json::parse(&bytes),
        // Of anything else than JSON its type is what is wrong.
        MediaType::Text => json::parse(&bytes).map_err(|e| match e.code() {
            "JSON_INVALID" => no_json(),
            _ => e,
        }),
    };
    match parsed? {
        Value::Null if empty_ok => Ok(Value::Object(Map::new())),
        value => Ok(value),
    }
}

/// The bytes of a body, within the limits of size and time: 408 or 413 beyond them.
pub async fn collect(parts: &Parts, body: axum::body::Body) -> Result<Bytes> {
    let fallback = WebSettings::default;
    let (limit, time) = match RequestInfo::of(&parts.extensions).map(RequestInfo::settings) {
        Some(s) => (s.body_limit, s.body_timeout),
        None => (fallback().body_limit, fallback().body_timeout),
    };
    check_announced_length(&parts.headers, limit)?;
    let read = tokio::time::timeout(time, read_bytes(body, limit)).await;
    read.map_err(|_| {
        Error::new(Kind::RequestTimeout, "BODY_TOO_SLOW", "The body arrived too slowly; send it again")
    })?
}

/// Refuses by `Content-Length`, before anything is read.
fn check_announced_length(headers: &HeaderMap, limit: usize) -> Result<()> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    match announced {
        Some(n) if n > limit as u64 => Err(too_large(limit)),
        _ => Ok(()),
    }
}

async fn read_bytes(mut body: axum::body::Body, limit: usize) -> Result<Bytes> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| {
            Error::bad_request("BODY_INCOMPLETE", "The body ended early; send it again").with_source(e)
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > limit {
            return Err(too_large(limit));
        }
        // Nearly every body is one frame, which needs no copy.
        match first.is_empty() {
            true => first = data,
            false => rest.extend_from_slice(&data),
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    Ok([first.as_ref(), rest.as_ref()].concat().into())
}

/// 413 `BODY_TOO_LARGE`; the detail names the limit in bytes.
pub fn too_large(limit: usize) -> Error {
    let detail = format!("The body is larger than {limit} bytes");
    Error::new(Kind::TooLarge, "BODY_TOO_LARGE", detail).with_member("limit_bytes", limit)
}

/// What a request says that its body is.
enum MediaType {
    Json,
    /// What a browser's `fetch` says of a text when nobody tells it otherwise.
    Text,
}

/// JSON as `text/plain` is read, although a page of any origin may send it without asking first: a request does nothing
/// without a bearer token, which no browser sends by itself. No cookie is read anywhere; if one ever is, this has to go.
fn content_type(headers: &HeaderMap) -> Result<MediaType> {
    let coding = headers.get(header::CONTENT_ENCODING);
    if coding.is_some_and(|c| !c.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(unsupported("Compressed bodies are not accepted; send plain JSON"));
    }
    let value = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut parts = value.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let media_type = match essence.as_str() {
        "application/json" => MediaType::Json,
        "text/plain" => MediaType::Text,
        other if other.starts_with("application/") && other.ends_with("+json") => MediaType::Json,
        _ => return Err(no_json()),
    };
    let charset =
        parts.filter_map(|p| p.split_once('=')).find(|(k, _)| k.trim().eq_ignore_ascii_case("charset"));
    match charset {
        Some((_, name)) if !name.trim().trim_matches('"').eq_ignore_ascii_case("utf-8") => {
            Err(unsupported("JSON is UTF-8 (RFC 8259); no other charset is accepted"))
        }
        _ => Ok(media_type),
    }
}

fn no_json() -> Error {
    unsupported("Send the body as JSON, with `Content-Type: application/json`")
}

fn unsupported(detail: &'static str) -> Error {
    Error::new(Kind::UnsupportedMedia, "UNSUPPORTED_MEDIA_TYPE", detail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use utoipa::PartialSchema;

    use super::*;
    use crate::value::{TextValue, ValueError};
    use crate::web::field::Field;

    #[derive(Debug, Clone, PartialEq)]
    struct Email(String);
    impl TextValue for Email {
        const MAX_CHARS: usize = 254;
        const FORMAT: &'static str = "email";
        fn parse(text: &str) -> Result<Email, ValueError> {
            match text.contains('@') {
                true => Ok(Email(text.to_lowercase())),
                false => Err(ValueError::new("invalid_email", "Must be an e-mail address")),
            }
        }
    }

    #[derive(Debug, PartialEq)]
    struct Address {
        city: String,
    }
    impl Input for Address {
        const NAME: &'static str = "Address";
        fn read(f: &mut Fields<'_>) -> Option<Address> {
            let city = f.need_text("city", 5);
            f.build(|| Address { city: city.get() })
        }
    }

    #[derive(Debug, PartialEq)]
    struct Parcel(Address);
    impl Input for Parcel {
        const NAME: &'static str = "Parcel";
        fn read(f: &mut Fields<'_>) -> Option<Parcel> {
            let to = f.need_nested("to");
            f.build(|| Parcel(to.get()))
        }
    }

    #[derive(Debug, PartialEq)]
    struct Person {
        name: String,
        email: Field<Email>,
        phone: Field<String>,
        age: Field<i64>,
        gender: Field<&'static str>,
        active: Option<bool>,
        note: Field<String>,
        tags: Field<Vec<String>>,
        extra: Field<Map<String, Value>>,
        born: Field<jiff::civil::Date>,
        ids: Field<Vec<uuid::Uuid>>,
    }
    impl Input for Person {
        const NAME: &'static str = "Person";
        fn read(f: &mut Fields<'_>) -> Option<Person> {
            let name = f.need_text("name", 10);
            f.note("What people call them.");
            let email = f.get("email");
            let phone = f.text(["phone", "phone_number"], 20);
            let age = f.int("age", 0..=150);
            let gender = f.choice("gender", &["male", "female"]);
            let active = f.change(["is_active", "active"]);
            let note = f.lines("note", 20);
            let tags = f.texts("tags", 4, 4);
            let extra = f.object("extra", 32);
            let born = f.get("born");
            let ids = f.list("ids", 2);
            f.read_only(&["id", "version"]);
            f.build(|| Person {
                name: name.get(),
                email,
                phone,
                age,
                gender,
                active,
                note,
                tags,
                extra,
                born,
                ids,
            })
        }
    }

    fn errors(value: &Value) -> Vec<(String, &'static str)> {
        let error = from_value::<Person>(value).unwrap_err();
        assert_eq!(error.code(), "VALIDATION_FAILED");
        error.field_errors().iter().map(|f| (f.field.clone(), f.code)).collect()
    }

    fn error(value: &Value) -> (String, &'static str) {
        let mut all = errors(value);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    #[test]
    fn reads_every_kind_of_member() {
        let person: Person = from_value(&json!({
            "id": 7, "version": 1, "name": " Ada ", "email": "ADA@x.org", "phone_number": "1", "age": 36.0,
            "gender": "female", "active": true, "note": "a\r\n\tb", "tags": [" x ", "y"],
            "extra": {"k": [1]},
            "born": "1815-12-10T00:00:00Z", "ids": ["0190b5a4-0000-7000-8000-000000000000"],
        }))
        .unwrap();
        assert_eq!(person.name, "Ada");
        assert_eq!(person.email, Field::Value(Email("ada@x.org".into())));
        assert_eq!(person.phone, Field::Value("1".into()));
        assert_eq!((person.age, person.active), (Field::Value(36), Some(true)));
        assert_eq!(person.note, Field::Value("a\n\tb".into()));
        assert_eq!(person.tags, Field::Value(vec!["x".into(), "y".into()]));
        assert_eq!(person.born.value().map(|d| d.to_string()), Some("1815-12-10".into()));
    }

    #[test]
    fn blank_and_null_clear_and_absent_leaves() {
        let person: Person = from_value(&json!({"name": "A", "email": "  ", "age": null})).unwrap();
        assert!(person.email.is_null() && person.age.is_null() && person.phone.is_absent());
        assert_eq!(error(&json!({"name": "A", "active": null})), ("active".into(), "required"));
    }

    #[test]
    fn all_faults_come_at_once_with_their_paths() {
        let found = errors(&json!({
            "name": " ", "email": "nobody", "age": 200, "gender": "robot", "active": "yes", "note": "a\u{7}",
            "tags": ["ok", "", 5, "toolong"], "extra": {"k": "0123456789012345678901234567890"}, "ids": [1, 2, 3], "nickname": "x",
        }));
        let expected = [
            ("name", "required"),
            ("email", "invalid_email"),
            ("age", "out_of_range"),
            ("gender", "unknown_choice"),
            ("active", "wrong_type"),
            ("note", "control_character"),
            ("tags[1]", "required"),
            ("tags[2]", "wrong_type"),
            ("tags[3]", "too_long"),
            ("extra", "too_long"),
            ("ids", "too_many"),
            ("nickname", "unknown_member"),
        ];
        assert_eq!(found, expected.map(|(f, c)| (f.to_owned(), c)));
    }

    #[test]
    fn an_unknown_member_is_told_what_is_allowed() {
        let error = from_value::<Address>(&json!({"city": "Rome", "town": "Rome"})).unwrap_err();
        assert_eq!(error.field_errors()[0].message, "Is not a member of this request; allowed are city");
    }

    #[test]
    fn two_spellings_must_agree() {
        let both: Person = from_value(&json!({"name": "A", "phone": "1", "phone_number": "1"})).unwrap();
        assert_eq!(both.phone, Field::Value("1".into()));
        let differing = json!({"name": "A", "phone": "1", "phone_number": "2"});
        assert_eq!(error(&differing), ("phone".into(), "conflicting_values"));
        let cleared = json!({"name": "A", "phone": null, "phone_number": "2"});
        assert_eq!(error(&cleared), ("phone".into(), "conflicting_values"));
    }

    #[test]
    fn nul_and_line_breaks_are_refused() {
        for (member, value) in [
            ("name", json!("a\0")),
            ("name", json!("a\nb")),
            ("email", json!("a@\0")),
            ("note", json!("a\0")),
            ("extra", json!({"k": ["\0"]})),
            ("extra", json!({"\0": 1})),
            ("phone", json!("\u{85}1\u{9b}")),
        ] {
            let mut body = json!({"name": "A"});
            body[member] = value;
            assert_eq!(error(&body), (member.to_owned(), "control_character"));
        }
    }

    #[test]
    fn what_is_no_object_is_invalid() {
        let error = from_slice::<Address>(b"[]").unwrap_err();
        assert_eq!((error.kind().status(), error.field_errors()[0].code), (422, "wrong_type"));
    }

    #[test]
    fn faults_are_bounded() {
        let mut body = json!({"name": "A"});
        for i in 0..5000 {
            body[format!("x{i}")] = json!(1);
        }
        assert_eq!(errors(&body).len(), 20);
    }

    #[test]
    fn the_schema_is_what_read_asks_for() {
        let schema = serde_json::to_value(Body::<Person>::schema()).unwrap();
        assert_eq!(schema["required"], json!(["name"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        let of = |name: &str| schema["properties"][name].clone();
        assert_eq!(
            of("name"),
            json!({"type": "string", "minLength": 1, "maxLength": 10, "description": "What people call them."})
        );
        assert_eq!(of("email"), json!({"type": ["string", "null"], "format": "email", "maxLength": 254}));
        assert_eq!(of("phone_number")["description"], "Another spelling of `phone`.");
        assert_eq!(of("age")["maximum"], 150);
        assert_eq!(of("gender")["enum"], json!(["male", "female", null]));
        assert_eq!(of("phone_number")["deprecated"], true);
        // Accepted and ignored, so not to be written by anybody.
        assert!(of("id").is_null());
    }

    #[test]
    fn an_object_within_is_read_and_described_as_one_of_its_own() {
        let read = |to: Value| from_value::<Parcel>(&json!({ "to": to }));
        assert_eq!(read(json!({"city": "Lyon"})).unwrap(), Parcel(Address { city: "Lyon".into() }));
        let error = read(json!({"city": "Gotham", "zip": 1})).unwrap_err();
        let found: Vec<_> = error.field_errors().iter().map(|f| (f.field.as_str(), f.code)).collect();
        assert_eq!(found, [("to.city", "too_long"), ("to.zip", "unknown_member")]);
        assert_eq!(read(json!(3)).unwrap_err().field_errors()[0].code, "wrong_type");
        let schema = serde_json::to_value(Body::<Parcel>::schema()).unwrap();
        assert_eq!(schema["properties"]["to"]["$ref"], "#/components/schemas/Address");
        let mut components = Vec::new();
        <Body<Parcel> as utoipa::ToSchema>::schemas(&mut components);
        assert!(components.iter().any(|(name, _)| name == "Address"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let name = prop_oneof![
                prop::sample::select(vec![
                    "name",
                    "email",
                    "phone",
                    "age",
                    "gender",
                    "is_active",
                    "note",
                    "tags",
                    "to",
                    "extra",
                    "born",
                    "ids",
                    "city",
                    "id",
                ])
                .prop_map(String::from),
                ".{0,4}",
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(name, inner, 0..6)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reading_never_panics(value in any_json()) {
            let _ = (from_value::<Person>(&value), from_value::<Parcel>(&value));
        }
    }
}
