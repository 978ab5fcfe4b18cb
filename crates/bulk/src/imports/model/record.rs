//! A row as what it says about a customer, read with the types of the API.

use customers::customer::model::input::CustomerChange;
use customers::customer::model::{CustomerRef, ExternalId};
use customers::customer::model::{Members, ReadOnlyMembers};
use identity::users::model::{Email, PersonName, Phone};
use kernel::web::Field;
use kernel::web::body::from_value;
use kernel::{Error, FieldError};
use serde_json::{Map, Value};

use super::columns::{Column, Kind, kind_of};
use super::encoding::{Carrier, Encoding};
use super::options::{Empty, Format, MatchKey, Position, Spec};
use super::split::{Layout, Splitter, SyntaxError, cells};
use super::values::{split_name, value};

/// Most errors that the verdict of one row names.
const MOST_FAULTS: usize = 20;

/// One row, read.
#[derive(Debug)]
pub struct Record {
    /// Its number in the file.
    pub row: i64,
    /// Where the next one begins.
    pub next: u64,
    /// What it says.
    pub content: Content,
}

/// What a row says.
#[derive(Debug)]
pub enum Content {
    /// Something about a customer.
    Customer(Box<RowValues>),
    /// Nothing: every cell is empty.
    Blank,
    /// It cannot be read, or a value is wrong.
    Faulty(Vec<FieldError>),
    /// Neither it nor anything after it can be read.
    Unclosed,
}

/// What a row says about a customer.
#[derive(Debug)]
pub struct RowValues {
    /// The customer that it names by id, if it does.
    pub customer: Option<CustomerRef>,
    /// The values, with the types of the API.
    pub members: Members,
}

/// By what a customer is looked for. The text is what the database compares.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// Id of either kind.
    Customer(CustomerRef),
    /// External id.
    External(String),
    /// Normalised address.
    Email(String),
    /// Digits.
    Phone(String),
}

impl Key {
    /// What two rows that mean one customer have in common.
    pub fn text(&self) -> String {
        match self {
            Key::Customer(reference) => format!("customer {reference}"),
            Key::External(id) => format!("external {id}"),
            Key::Email(email) => format!("email {email}"),
            Key::Phone(digits) => format!("phone {digits}"),
        }
    }
}

impl RowValues {
    /// The keys by which the customer is looked for, the first first: the one that is demanded, else an id and whatever
    /// comes next, because the id may be one of another installation.
    pub fn keys(&self, demanded: Option<MatchKey>) -> Vec<Key> {
        let one = |key: MatchKey| match key {
            MatchKey::CustomerId => self.customer.map(Key::Customer),
            MatchKey::ExternalId => {
                text(&self.members.external_id, |id: &ExternalId| Key::External(id.to_string()))
            }
            MatchKey::Email => text(&self.members.email, |email: &Email| Key::Email(email.key().to_owned())),
            MatchKey::Phone => {
                text(&self.members.phone, |phone: &Phone| Key::Phone(phone.digits().to_owned()))
            }
        };
        if let Some(key) = demanded {
            return one(key).into_iter().collect();
        }
        let rest = [MatchKey::ExternalId, MatchKey::Email, MatchKey::Phone].into_iter().find_map(one);
        one(MatchKey::CustomerId).into_iter().chain(rest).collect()
    }

    /// Everything beside the id that tells its customer from others.
    pub fn own_keys(&self) -> Vec<Key> {
        let all = [MatchKey::ExternalId, MatchKey::Email, MatchKey::Phone];
        all.into_iter().flat_map(|key| self.keys(Some(key))).collect()
    }

    /// What names one person: the id, the address, the id in another program; the telephone where there is nothing else.
    pub fn naming_keys(&self) -> Vec<Key> {
        let mut keys: Vec<Key> =
            self.customer.map(Key::Customer).into_iter().chain(self.own_keys()).collect();
        if keys.len() > 1 {
            keys.retain(|key| !matches!(key, Key::Phone(_)));
        }
        keys
    }
}

fn text<T>(field: &Field<T>, key: impl FnOnce(&T) -> Key) -> Option<Key> {
    match field {
        Field::Value(value) => Some(key(value)),
        Field::Absent | Field::Null => None,
    }
}

/// Reads a file from a position on, in pieces of any size.
#[derive(Debug)]
pub struct Reader {
    spec: Spec,
    encoding: Encoding,
    carrier: Carrier,
    splitter: Splitter,
    position: Position,
    kinds: Vec<Option<(Target, Kind)>>,
}

/// Where a cell goes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Member(String),
    Metadata(String),
}

impl Reader {
    /// The next byte that it gets is the one at `position`.
    pub fn new(spec: Spec, position: Position) -> Reader {
        let encoding = spec.encoding();
        let layout = match spec.format {
            Format::Csv => Layout::Cells(u8::try_from(spec.delimiter).unwrap_or(b',')),
            Format::Ndjson => Layout::Lines,
        };
        let kinds = spec.columns.iter().map(target).collect();
        let (carrier, splitter) = (Carrier::new(encoding), Splitter::new(layout, encoding));
        Reader { spec, encoding, carrier, splitter, position, kinds }
    }

    /// Behind the last row that it gave.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The next piece of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        self.carrier.push(bytes, self.splitter.room());
    }

    /// There are no further pieces.
    pub fn finish(&mut self) {
        self.carrier.finish(self.splitter.room());
        self.splitter.finish();
    }

    /// The texts of the next row that is not empty, as the first row of a table is read; `None` if it has not come.
    pub fn header(&mut self) -> Option<(Result<Vec<String>, FieldError>, Position)> {
        let encoding = self.encoding;
        let delimiter = u8::try_from(self.spec.delimiter).unwrap_or(b',');
        loop {
            let row = self.splitter.next_row()?;
            self.position.offset += row.took;
            self.position.row += 1;
            let names = match row.bytes {
                Ok([]) => continue,
                Err(broken) => Err(fault_of(broken)),
                Ok(bytes) => cells(bytes, delimiter)
                    .take(super::columns::MOST_COLUMNS + 1)
                    .map(|cell| {
                        let error = |f: kernel::ValueError| FieldError::new("file", f.code, f.message);
                        encoding
                            .text(&cell)
                            .map(|t| t.trim_start_matches('\u{feff}').trim().to_owned())
                            .map_err(error)
                    })
                    .collect(),
            };
            return Some((names, self.position));
        }
    }

    /// The next row; `None` if its end has not come yet, or after the last one. Empty lines are counted and passed over.
    pub fn next_record(&mut self) -> Option<Record> {
        loop {
            let row = self.splitter.next_row()?;
            self.position.offset += row.took;
            self.position.row += 1;
            let content = match row.bytes {
                Ok([]) => continue,
                Err(SyntaxError::Unclosed) => Content::Unclosed,
                Err(broken) => Content::Faulty(vec![fault_of(broken)]),
                Ok(bytes) => match self.spec.format {
                    Format::Csv => read_cells(&self.spec, self.encoding, &self.kinds, bytes),
                    Format::Ndjson => read_line(self.encoding, bytes),
                },
            };
            return Some(Record { row: self.position.row, next: self.position.offset, content });
        }
    }
}

fn fault_of(broken: SyntaxError) -> FieldError {
    let (code, message) = match broken {
        SyntaxError::TooLong => ("row_too_long", "is longer than 1 MiB"),
        SyntaxError::Quote => (
            "invalid_quote",
            "has something between a closing quote and the end of its cell; write quotes inside a quoted cell twice",
        ),
        SyntaxError::Unclosed => ("unclosed_quote", "opens a quote that is never closed"),
    };
    FieldError::new("row", code, message)
}

fn target(column: &Column) -> Option<(Target, Kind)> {
    let member = column.member.as_deref()?;
    match member.strip_prefix("metadata.") {
        Some(key) => Some((Target::Metadata(key.to_owned()), Kind::Text)),
        None => Some((Target::Member(member.to_owned()), kind_of(member)?)),
    }
}

fn read_cells(spec: &Spec, encoding: Encoding, kinds: &[Option<(Target, Kind)>], bytes: &[u8]) -> Content {
    let delimiter = u8::try_from(spec.delimiter).unwrap_or(b',');
    let mut body = Map::new();
    let mut errors = Vec::new();
    let (mut count, mut blank, mut surplus) = (0, true, false);
    for (at, cell) in cells(bytes, delimiter).enumerate() {
        count = at + 1;
        let is_blank = cell.iter().all(u8::is_ascii_whitespace);
        blank &= is_blank;
        let Some(column) = kinds.get(at) else {
            surplus |= !is_blank;
            continue;
        };
        let Some((target, kind)) = column else { continue };
        let name = &spec.columns[at].name;
        if is_blank {
            if spec.empty == Empty::Clear {
                clear(&mut body, target, *kind);
            }
            continue;
        }
        let read = encoding.text(&cell).and_then(|text| value(*kind, &text, spec.date_order));
        match read {
            Ok(value) => put(&mut body, target, *kind, value),
            Err(error) => errors.push(FieldError::new(name.clone(), error.code, error.message)),
        }
    }
    if blank {
        return Content::Blank;
    }
    if surplus || count < kinds.len() {
        let message = format!("has {count} cells, and the file {} columns", kinds.len());
        errors.insert(0, FieldError::new("row", "wrong_number_of_cells", message));
    }
    content(body, errors)
}

fn put(body: &mut Map<String, Value>, target: &Target, kind: Kind, value: Value) {
    match target {
        Target::Metadata(key) => {
            let metadata = body.entry("metadata").or_insert_with(|| Map::new().into());
            if let Value::Object(members) = metadata {
                members.insert(key.clone(), value);
            }
        }
        Target::Member(_) if kind == Kind::FullName => {
            let (first, last) = split_name(value.as_str().unwrap_or_default());
            // A column of its own knows better.
            for (member, name) in [("first_name", first), ("last_name", last)] {
                if !name.is_empty() && !body.contains_key(member) {
                    body.insert(member.to_owned(), name.into());
                }
            }
        }
        Target::Member(member) if member == "metadata" => match (body.get_mut(member), value) {
            (Some(Value::Object(there)), Value::Object(more)) => {
                for (key, value) in more {
                    there.entry(key).or_insert(value);
                }
            }
            (_, value) => drop(body.insert(member.clone(), value)),
        },
        Target::Member(member) => drop(body.insert(member.clone(), value)),
    }
}

/// An empty cell that shall clear. What cannot be empty stays as it is.
fn clear(body: &mut Map<String, Value>, target: &Target, kind: Kind) {
    match target {
        Target::Metadata(_) => put(body, target, kind, Value::Null),
        Target::Member(_) if matches!(kind, Kind::Bool | Kind::Key | Kind::FullName) => {}
        Target::Member(member) if matches!(member.as_str(), "first_name" | "last_name") => {}
        Target::Member(member) => drop(body.insert(member.clone(), Value::Null)),
    }
}

fn read_line(encoding: Encoding, bytes: &[u8]) -> Content {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Content::Blank;
    }
    let one = |code, message: String| Content::Faulty(vec![FieldError::new("row", code, message)]);
    let text = match encoding.text(bytes) {
        Ok(text) => text,
        Err(error) => return one(error.code, error.message.into_owned()),
    };
    match kernel::web::json::parse(text.trim_start_matches('\u{feff}').as_bytes()) {
        Ok(Value::Object(body)) => content(body, Vec::new()),
        Ok(_) => one("wrong_type", "must be a JSON object".to_owned()),
        // What is said of a request's body is true of the row.
        Err(e) => one("invalid_json", e.detail().trim_start_matches("The body ").to_owned()),
    }
}

/// Reads the members; those that nobody writes are left out, because an export has them.
fn content(mut body: Map<String, Value>, mut errors: Vec<FieldError>) -> Content {
    let id = body.shift_remove("customer_id").filter(|v| !v.is_null());
    let customer = id.as_ref().map(|id| CustomerRef::parse(id.as_str().unwrap_or_default().trim()));
    if let Some(Err(_)) = &customer {
        let message = "must be CUST_ and eight hexadecimal digits, or a UUID";
        errors.push(FieldError::new("customer_id", "invalid_customer_id", message));
    }
    match from_value::<CustomerChange>(&Value::Object(body)) {
        Ok(CustomerChange(members)) if errors.is_empty() => {
            let members = Members { fixed: ReadOnlyMembers::default(), ..members };
            Content::Customer(Box::new(RowValues { customer: customer.and_then(Result::ok), members }))
        }
        read => {
            errors.extend(read.err().iter().flat_map(Error::field_errors).cloned());
            errors.truncate(MOST_FAULTS);
            Content::Faulty(errors)
        }
    }
}

/// What a creation needs and the row does not have.
pub fn missing(members: &Members) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let names: [(&str, &Option<PersonName>); 2] =
        [("first_name", &members.first_name), ("last_name", &members.last_name)];
    for (name, value) in names {
        if value.is_none() {
            errors.push(FieldError::new(name, "required", "Is required for a new customer"));
        }
    }
    if !matches!(members.email, Field::Value(_)) && !matches!(members.phone, Field::Value(_)) {
        errors.push(FieldError::new("email", "required", "Give an e-mail address or a phone number"));
    }
    errors
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
