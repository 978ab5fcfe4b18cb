//! The members of a body, read by name. The same calls, run over nothing, describe the body for the
//! OpenAPI document: what is accepted and what is documented cannot differ.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use secrecy::SecretString;
use serde_json::{Map, Value};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Ref, Schema};
use utoipa::openapi::{Deprecated, RefOr};

use super::body::Input;
use super::field::{Field, FieldValue, Required, free_object, nullable, wrong_type};
use super::values::{
    choice_schema, int_parts, list_schema, read_choice, read_object, read_secret, read_text, secret_schema,
    text_schema,
};
use crate::text::did_you_mean;
use crate::{FieldError, ValueError};

/// A named part of the OpenAPI document.
pub(super) type Component = (String, RefOr<Schema>);

/// More errors than this help nobody, and would make a reply many times the size of its request.
const MAX_FAULTS: usize = 200;

/// One member under one or several spellings: `"phone"` or `["phone", "phone_number"]`. The first is the
/// documented one.
pub trait Names: Copy {
    /// All spellings, at least one.
    fn all(&self) -> &[&'static str];
}

impl Names for &'static str {
    fn all(&self) -> &[&'static str] {
        std::slice::from_ref(self)
    }
}

impl<const N: usize> Names for [&'static str; N] {
    fn all(&self) -> &[&'static str] {
        self
    }
}

/// Whether a member may be left out or be null.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Optional,
    Needed,
    Kept,
}

/// Where a reader writes what is wrong: every error, with the path of its member.
struct Errors(Vec<FieldError>);

impl Errors {
    fn add(&mut self, field: &str, error: ValueError) {
        if self.0.len() < MAX_FAULTS {
            self.0.push(FieldError::new(field, error.code, error.message));
        }
    }
}

enum Source<'a> {
    Body(&'a Map<String, Value>),
    Describing {
        properties: Vec<(&'static str, RefOr<Schema>)>,
        required: Vec<&'static str>,
        components: Vec<Component>,
        example: Option<Value>,
    },
}

/// The members of one object, handed to [`Input::read`].
///
/// Rules that hold for every member: texts are trimmed (secrets are not); a blank text is the same as `null`; a NUL is
/// refused anywhere; two spellings of one member may both be there only with equal values.
pub struct Fields<'a> {
    source: Source<'a>,
    path: String,
    known: BTreeSet<&'static str>,
    ignored: BTreeSet<&'static str>,
    errors: Errors,
}

impl<'a> Fields<'a> {
    pub(super) fn of(body: &'a Map<String, Value>, path: String) -> Fields<'a> {
        Fields::new(Source::Body(body), path)
    }

    fn new(source: Source<'a>, path: String) -> Fields<'a> {
        Fields { source, path, known: BTreeSet::new(), ignored: BTreeSet::new(), errors: Errors(Vec::new()) }
    }

    /// A member that may be left out or cleared.
    pub fn get<T: FieldValue>(&mut self, names: impl Names) -> Field<T> {
        self.member(&names, Rule::Optional, T::any_schema, single(T::from_json))
    }
    /// A member that must be there and not be null.
    pub fn need<T: FieldValue>(&mut self, names: impl Names) -> Required<T> {
        Required(self.member(&names, Rule::Needed, T::any_schema, single(T::from_json)).value())
    }
    /// A member that a patch may leave out but not clear.
    pub fn change<T: FieldValue>(&mut self, names: impl Names) -> Option<T> {
        self.member(&names, Rule::Kept, T::any_schema, single(T::from_json)).value()
    }

    /// A text of one line, at most `max` characters.
    pub fn text(&mut self, names: impl Names, max: usize) -> Field<String> {
        self.member(&names, Rule::Optional, || text_schema(max).into(), single(|v| read_text(v, max, false)))
    }
    /// Like [`Fields::text`], required.
    pub fn need_text(&mut self, names: impl Names, max: usize) -> Required<String> {
        let read = single(|v: &Value| read_text(v, max, false));
        Required(self.member(&names, Rule::Needed, || text_schema(max).into(), read).value())
    }
    /// Like [`Fields::text`]; a patch may leave it out but not clear it.
    pub fn change_text(&mut self, names: impl Names, max: usize) -> Option<String> {
        let read = single(|v: &Value| read_text(v, max, false));
        self.member(&names, Rule::Kept, || text_schema(max).into(), read).value()
    }
    /// A text that may have line breaks (`\n`) and tabs, at most `max` characters.
    pub fn lines(&mut self, names: impl Names, max: usize) -> Field<String> {
        self.member(&names, Rule::Optional, || text_schema(max).into(), single(|v| read_text(v, max, true)))
    }
    /// A secret: taken as it is, not trimmed, at most `max` characters. A blank one is none.
    pub fn need_secret(&mut self, names: impl Names, max: usize) -> Required<SecretString> {
        let schema = || secret_schema(max).into();
        Required(self.member(&names, Rule::Needed, schema, single(|v| read_secret(v, max))).value())
    }
    /// Like [`Fields::need_secret`], optional.
    pub fn secret(&mut self, names: impl Names, max: usize) -> Field<SecretString> {
        self.member(&names, Rule::Optional, || secret_schema(max).into(), single(|v| read_secret(v, max)))
    }

    /// One of a few words.
    pub fn choice(&mut self, names: impl Names, words: &'static [&'static str]) -> Field<&'static str> {
        self.member(&names, Rule::Optional, || choice_schema(words).into(), single(|v| read_choice(v, words)))
    }

    /// A whole number within `range`.
    pub fn int(&mut self, names: impl Names, range: RangeInclusive<i64>) -> Field<i64> {
        let (schema, read) = int_parts(range);
        self.member(&names, Rule::Optional, schema, single(read))
    }

    /// A free JSON object of at most `max_bytes` when written compactly.
    pub fn object(&mut self, names: impl Names, max_bytes: usize) -> Field<Map<String, Value>> {
        let schema = || free_object().into();
        self.member(&names, Rule::Optional, schema, single(|v| read_object(v, max_bytes)))
    }

    /// A list of at most `max` values.
    pub fn list<T: FieldValue>(&mut self, names: impl Names, max: usize) -> Field<Vec<T>> {
        self.member(
            &names,
            Rule::Optional,
            || list_schema(T::schema(), max),
            |path, value, errors| read_list(path, value, errors, max, |_, item| T::from_json(item)),
        )
    }
    /// A list of at most `max` texts of one line, none blank, each at most `max_chars` characters.
    pub fn texts(&mut self, names: impl Names, max: usize, max_chars: usize) -> Field<Vec<String>> {
        let schema = || list_schema(text_schema(max_chars), max);
        self.member(&names, Rule::Optional, schema, |path, value, errors| {
            read_list(path, value, errors, max, |_, item| match read_text(item, max_chars, false)? {
                text if text.is_empty() => Err(ValueError::new("required", "Must not be blank")),
                text => Ok(text),
            })
        })
    }

    /// An object that is an [`Input`] itself, required: `"customer": {…}`. Its errors carry its path.
    pub fn need_nested<T: Input>(&mut self, names: impl Names) -> Required<T> {
        let schema = self.component::<T>();
        Required(self.member(&names, Rule::Needed, || schema, read_nested::<T>).value())
    }

    /// Members of our own replies that a client cannot set: ignored, so that what was read can be sent back. The document
    /// does not name them: nobody should write a program that sends them.
    pub fn read_only(&mut self, names: &'static [&'static str]) {
        self.ignored.extend(names);
    }

    /// Describes the member read last, for the OpenAPI document.
    pub fn note(&mut self, about: &str) {
        if let Source::Describing { properties, .. } = &mut self.source
            && let Some((_, schema)) = properties.last_mut()
        {
            match schema {
                RefOr::T(Schema::Object(object)) => object.description = Some(about.to_owned()),
                RefOr::T(Schema::Array(array)) => array.description = Some(about.to_owned()),
                RefOr::T(Schema::OneOf(one)) => one.description = Some(about.to_owned()),
                RefOr::Ref(reference) => reference.description = about.to_owned(),
                _ => {}
            }
        }
    }

    /// Narrows the documented schema of the member read last, where a rule outside of here does.
    pub fn refine(&mut self, narrow: impl FnOnce(&mut RefOr<Schema>)) {
        if let Source::Describing { properties, .. } = &mut self.source
            && let Some((_, schema)) = properties.last_mut()
        {
            narrow(schema);
        }
    }

    /// A body that can be sent as it stands, for the OpenAPI document. A test sends it to a fresh server.
    pub fn example(&mut self, make: impl FnOnce() -> Value) {
        if let Source::Describing { example, .. } = &mut self.source {
            *example = Some(make());
        }
    }

    /// A error found by a rule about several members.
    pub fn error(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        let path = join(&self.path, name);
        self.errors.add(&path, ValueError::new(code, message.into()));
    }

    /// Is the object empty?
    pub fn is_empty(&self) -> bool {
        matches!(self.source, Source::Body(body) if body.is_empty())
    }

    /// Makes the input when there are no errors. Everything must have been read by then, so that all errors
    /// are found at once.
    pub fn build<T>(&self, make: impl FnOnce() -> T) -> Option<T> {
        let complete = matches!(self.source, Source::Body(_)) && self.errors.0.is_empty();
        complete.then(make)
    }

    fn member<T>(
        &mut self,
        names: &impl Names,
        rule: Rule,
        schema: impl FnOnce() -> RefOr<Schema>,
        read: impl FnOnce(&str, &Value, &mut Errors) -> Option<T>,
    ) -> Field<T> {
        let names = names.all();
        let Some(first) = names.first().copied() else { return Field::Absent };
        self.known.extend(names);
        let body = match &mut self.source {
            Source::Body(body) => *body,
            Source::Describing { properties, required, .. } => {
                describe(properties, required, names, rule, schema());
                return Field::Absent;
            }
        };
        let mut said = names.iter().filter_map(|name| body.get_key_value(*name));
        let (name, value) = said.next().map_or((first, None), |(name, value)| (name.as_str(), Some(value)));
        let path = join(&self.path, name);
        if let Some((other, _)) = said.find(|(_, v)| Some(*v) != value) {
            let message = format!("Is the same member as {other}, with another value; send one of them");
            self.errors.add(&path, ValueError::new("conflicting_values", message));
            return Field::Absent;
        }
        match value {
            Some(value) if !is_blank(value) => match read(&path, value, &mut self.errors) {
                Some(value) => Field::Value(value),
                None => Field::Absent,
            },
            None if rule != Rule::Needed => Field::Absent,
            Some(_) if rule == Rule::Optional => Field::Null,
            None => {
                self.errors.add(&path, ValueError::new("required", "Is required"));
                Field::Absent
            }
            Some(_) => {
                self.errors.add(&path, ValueError::new("required", "Is required and cannot be empty"));
                Field::Absent
            }
        }
    }

    fn component<T: Input>(&mut self) -> RefOr<Schema> {
        if let Source::Describing { components, .. } = &mut self.source {
            components.extend(describe_input::<T>());
        }
        Ref::from_schema_name(T::NAME).into()
    }

    fn finish(mut self) -> Vec<FieldError> {
        if let Source::Body(body) = self.source {
            let unknown =
                |name: &&String| !self.known.contains(name.as_str()) && !self.ignored.contains(name.as_str());
            let allowed = self.known.iter().copied().collect::<Vec<_>>();
            for name in body.keys().filter(unknown).take(20) {
                let path = join(&self.path, &name.chars().take(64).collect::<String>());
                let near = did_you_mean(name, allowed.iter().copied());
                let message =
                    format!("Is not a member of this request{near}; allowed are {}", allowed.join(", "));
                self.errors.add(&path, ValueError::new("unknown_member", message));
            }
        }
        self.errors.0
    }
}

/// Reads an object; its errors, and the value if there are none.
pub(super) fn read_input<T: Input>(body: &Map<String, Value>, path: String) -> (Option<T>, Vec<FieldError>) {
    let mut fields = Fields::of(body, path);
    let value = T::read(&mut fields);
    (value, fields.finish())
}

/// The component that describes `T`, and those of the inputs inside it.
pub(super) fn describe_input<T: Input>() -> Vec<Component> {
    let empty = Source::Describing {
        properties: Vec::new(),
        required: Vec::new(),
        components: Vec::new(),
        example: None,
    };
    let mut fields = Fields::new(empty, String::new());
    let _ = T::read(&mut fields);
    let Source::Describing { properties, required, mut components, example } = fields.source else {
        return Vec::new();
    };
    let closed = Some(AdditionalProperties::FreeForm(false));
    let mut object = ObjectBuilder::new().additional_properties(closed).examples(example);
    for (name, schema) in properties {
        object = object.property(name, schema);
    }
    for name in required {
        object = object.required(name);
    }
    components.insert(0, (T::NAME.to_owned(), object.build().into()));
    components
}

fn describe(
    properties: &mut Vec<(&'static str, RefOr<Schema>)>,
    required: &mut Vec<&'static str>,
    names: &[&'static str],
    rule: Rule,
    schema: RefOr<Schema>,
) {
    let schema = if rule == Rule::Optional { nullable(schema) } else { schema };
    let mut schema = schema;
    if let (Rule::Needed, RefOr::T(Schema::Object(object))) = (rule, &mut schema)
        && object.max_length.is_some()
    {
        object.min_length = Some(1);
    }
    // With several spellings none of them is required by name; the first one's description says so.
    if let ([only], Rule::Needed) = (names, rule) {
        required.push(only);
    }
    for other in names.iter().skip(1) {
        let mut alias = schema.clone();
        if let RefOr::T(Schema::Object(object)) = &mut alias {
            object.description = Some(format!("Another spelling of `{}`.", names[0]));
            object.deprecated = Some(Deprecated::True);
        }
        properties.push((other, alias));
    }
    // The documented spelling comes last, where `Fields::note` finds it.
    properties.push((names[0], schema));
}

/// Without a name, the object itself is meant.
fn join(path: &str, name: &str) -> String {
    if name.is_empty() {
        return path.to_owned();
    }
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// A reader of one value, as [`Fields::member`] takes it.
fn single<T>(
    read: impl FnOnce(&Value) -> Result<T, ValueError>,
) -> impl FnOnce(&str, &Value, &mut Errors) -> Option<T> {
    |path, value, errors| read(value).map_err(|error| errors.add(path, error)).ok()
}

fn read_nested<T: Input>(path: &str, value: &Value, errors: &mut Errors) -> Option<T> {
    let Value::Object(body) = value else {
        errors.add(path, wrong_type("an object", value));
        return None;
    };
    let (value, found) = read_input(body, path.to_owned());
    let room = MAX_FAULTS.saturating_sub(errors.0.len());
    errors.0.extend(found.into_iter().take(room));
    value
}

fn sized_array<'v>(path: &str, value: &'v Value, errors: &mut Errors, max: usize) -> Option<&'v [Value]> {
    let error = match value {
        Value::Array(items) if items.len() <= max => return Some(items),
        Value::Array(items) => {
            ValueError::new("too_many", format!("Must have at most {max} items, not {}", items.len()))
        }
        other => wrong_type("an array", other),
    };
    errors.add(path, error);
    None
}

fn read_list<T>(
    path: &str,
    value: &Value,
    errors: &mut Errors,
    max: usize,
    read: impl Fn(usize, &Value) -> Result<T, ValueError>,
) -> Option<Vec<T>> {
    let items = sized_array(path, value, errors, max)?;
    let mut out = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        match read(i, item) {
            Ok(item) => out.push(item),
            Err(error) => errors.add(&format!("{path}[{i}]"), error),
        }
    }
    (out.len() == items.len()).then_some(out)
}
