//! Formats and columns, and writing a row of each. No database.

use std::sync::LazyLock;

use customers::customer::model::view::CustomerView;
use customers::customer::model::{Address, Business, CustomerRow, EmergencyContact, TextMember};
use identity::users::model::full_name;
use kernel::clock::Timestamp;
use kernel::{Error, Result};
use serde_json::{Map, Value};

use crate::cells::write_text;

/// How customers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values (RFC 4180) in UTF-8.
    Csv,
    /// One JSON object per line, as the API shows a customer to staff.
    Ndjson,
}

impl Format {
    /// By its name in a query or on the command line; 400 for another.
    pub fn parse(name: &str) -> Result<Format> {
        match name {
            "csv" => Ok(Format::Csv),
            "ndjson" => Ok(Format::Ndjson),
            _ => Err(Error::bad_request("PARAMETER_INVALID", "format: must be one of csv, ndjson")),
        }
    }

    /// Its name, which also ends file names.
    pub fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Ndjson => "ndjson",
        }
    }

    /// As it stands in `Content-Type`.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Ndjson => "application/x-ndjson",
        }
    }
}

/// One value of a customer.
enum Cell<'a> {
    Empty,
    Text(&'a str),
    Made(String),
    Bool(bool),
    Int(i64),
    Time(Timestamp),
    Json(&'a Value),
}

/// A column: its name, which is that of the API and what an import understands, and where its value is.
pub struct Column {
    name: &'static str,
    usual: bool,
    of: Accessor,
}

/// Where a value is.
enum Accessor {
    Cell(for<'a> fn(&'a CustomerRow) -> Cell<'a>),
    Text(fn(&CustomerRow) -> &Option<String>),
}

impl Column {
    fn cell<'a>(&self, row: &'a CustomerRow) -> Cell<'a> {
        match self.of {
            Accessor::Cell(of) => of(row),
            Accessor::Text(of) => text(of(row)),
        }
    }
}

/// What stands in the list of columns: one, or the members of a group.
enum ColumnGroup {
    One(&'static str, bool, for<'a> fn(&'a CustomerRow) -> Cell<'a>),
    Texts(&'static [TextMember]),
}

const fn column(name: &'static str, of: for<'a> fn(&'a CustomerRow) -> Cell<'a>) -> ColumnGroup {
    ColumnGroup::One(name, true, of)
}

/// Only for those who name it.
const fn more(name: &'static str, of: for<'a> fn(&'a CustomerRow) -> Cell<'a>) -> ColumnGroup {
    ColumnGroup::One(name, false, of)
}

const fn texts(members: &'static [TextMember]) -> ColumnGroup {
    ColumnGroup::Texts(members)
}

impl ColumnGroup {
    fn columns(&self) -> Vec<Column> {
        match self {
            ColumnGroup::One(name, usual, of) => {
                vec![Column { name, usual: *usual, of: Accessor::Cell(*of) }]
            }
            ColumnGroup::Texts(members) => {
                let text = |member: &TextMember| Column {
                    name: member.name,
                    usual: true,
                    of: Accessor::Text(member.of),
                };
                members.iter().map(text).collect()
            }
        }
    }
}

fn text(value: &Option<String>) -> Cell<'_> {
    said(value.as_deref())
}

fn said(value: Option<&str>) -> Cell<'_> {
    value.map_or(Cell::Empty, Cell::Text)
}

fn time(value: Option<Timestamp>) -> Cell<'static> {
    value.map_or(Cell::Empty, Cell::Time)
}

fn json(value: &Value) -> Cell<'_> {
    match value.as_object().is_some_and(Map::is_empty) {
        true => Cell::Empty,
        false => Cell::Json(value),
    }
}

/// Every column, in the order of a file that names none.
static COLUMNS: LazyLock<Vec<Column>> =
    LazyLock::new(|| PARTS.iter().flat_map(ColumnGroup::columns).collect());

const PARTS: &[ColumnGroup] = &[
    column("customer_id", |r| Cell::Text(&r.customer_id)),
    column("external_id", |r| text(&r.external_id)),
    column("username", |r| Cell::Text(&r.username)),
    column("first_name", |r| Cell::Text(&r.first_name)),
    column("last_name", |r| Cell::Text(&r.last_name)),
    column("email", |r| said(r.email.as_str())),
    column("phone", |r| said(r.phone.as_str())),
    texts(Address::MEMBERS),
    column("country_code", |r| text(&r.country_code)),
    column("date_of_birth", |r| r.date_of_birth.map_or(Cell::Empty, |d| Cell::Made(d.to_string()))),
    column("gender", |r| text(&r.gender)),
    texts(Business::MEMBERS),
    texts(EmergencyContact::MEMBERS),
    column("is_active", |r| Cell::Bool(r.is_active)),
    column("is_verified", |r| Cell::Bool(r.is_verified)),
    column("email_verified", |r| Cell::Bool(r.email_verified)),
    column("phone_verified", |r| Cell::Bool(r.phone_verified)),
    column("customer_since", |r| Cell::Time(r.customer_since)),
    column("last_service_date", |r| time(r.last_service_date)),
    column("total_services", |r| Cell::Int(r.total_services)),
    column("preferred_contact_method", |r| Cell::Text(&r.preferred_contact_method)),
    column("marketing_emails", |r| Cell::Bool(r.marketing_emails)),
    column("marketing_sms", |r| Cell::Bool(r.marketing_sms)),
    column("tags", |r| Cell::Text(r.tags.as_str())),
    column("notes", |r| text(&r.notes)),
    column("notification_preferences", |r| json(&r.notification_preferences.0)),
    column("metadata", |r| json(&r.metadata.0)),
    column("created_at", |r| Cell::Time(r.created_at)),
    column("updated_at", |r| Cell::Time(r.updated_at)),
    more("id", |r| Cell::Made(r.id.to_string())),
    more("user_id", |r| Cell::Made(r.user_id.to_string())),
    more("full_name", |r| Cell::Made(full_name(&r.first_name, &r.last_name))),
    more("full_address", |r| Cell::Made(r.full_address())),
    more("formatted_address", |r| Cell::Made(r.formatted_address())),
    more("pending_email", |r| text(&r.pending_email)),
    more("user_role", |r| Cell::Text(&r.user_role)),
    more("company_id", |r| text(&r.company_id)),
    more("is_business_customer", |r| Cell::Bool(r.business.is_there())),
    more("last_login_at", |r| time(r.last_login())),
    more("deactivated_at", |r| time(r.deactivated_at)),
    more("deactivation_reason", |r| text(&r.deactivation_reason)),
    more("verified_at", |r| time(r.verified_at)),
];

/// Which columns, in which order.
#[derive(Clone)]
pub struct Columns(Vec<&'static Column>, bool);

impl Columns {
    /// The usual ones; of NDJSON, everything.
    pub fn usual() -> Columns {
        Columns(COLUMNS.iter().filter(|c| c.usual).collect(), true)
    }

    /// Those that a text names, separated by commas; 400 for an unknown one, one that is named twice, and none.
    pub fn parse(text: &str) -> Result<Columns> {
        let refused = |detail: String| Error::bad_request("PARAMETER_INVALID", detail);
        let mut chosen: Vec<&'static Column> = Vec::new();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let Some(column) = COLUMNS.iter().find(|c| c.name == name) else {
                let name: String = name.chars().take(64).collect();
                let all: Vec<&str> = COLUMNS.iter().map(|c| c.name).collect();
                let all = all.join(", ");
                return Err(refused(format!("columns: unknown column \"{name}\"; there are {all}")));
            };
            if chosen.iter().any(|c| c.name == name) {
                return Err(refused(format!("columns: {name} is named twice")));
            }
            chosen.push(column);
        }
        match chosen.is_empty() {
            true => Err(refused("columns: name at least one".to_owned())),
            false => Ok(Columns(chosen, false)),
        }
    }

    /// The line of names that begins a CSV file.
    pub fn header(&self) -> String {
        self.0.iter().map(|c| c.name).collect::<Vec<_>>().join(",") + "\r\n"
    }

    /// Appends a customer as a line of CSV.
    pub fn write_csv(&self, row: &CustomerRow, out: &mut Vec<u8>) {
        for (i, column) in self.0.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            match column.cell(row) {
                Cell::Empty => {}
                Cell::Text(text) => write_text(text, out),
                Cell::Made(text) => write_text(&text, out),
                Cell::Bool(true) => out.extend(b"true"),
                Cell::Bool(false) => out.extend(b"false"),
                Cell::Int(n) => out.extend(n.to_string().bytes()),
                Cell::Time(t) => out.extend(t.to_string().bytes()),
                Cell::Json(value) => write_text(&value.to_string(), out),
            }
        }
        out.extend(b"\r\n");
    }

    /// Appends a customer as a line of JSON.
    pub fn write_json(&self, row: CustomerRow, out: &mut Vec<u8>) -> Result<()> {
        let broken = |e: serde_json::Error| Error::internal("a customer as JSON").with_source(e);
        let view = CustomerView::of(row, false);
        if self.1 {
            serde_json::to_writer(&mut *out, &view).map_err(broken)?;
        } else {
            let mut all = serde_json::to_value(&view).map_err(broken)?;
            let mut chosen = Map::new();
            for column in &self.0 {
                let value = all.get_mut(column.name).map(Value::take);
                chosen.insert(column.name.to_owned(), value.unwrap_or_default());
            }
            serde_json::to_writer(&mut *out, &chosen).map_err(broken)?;
        }
        out.push(b'\n');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_that_are_named() {
        assert_eq!(Columns::parse(" email , id").unwrap().header(), "email,id\r\n");
        assert!(Columns::usual().header().starts_with("customer_id,external_id,username,first_name,"));
        for wrong in ["", ",", "email,email", "password"] {
            assert_eq!(Columns::parse(wrong).err().unwrap().code(), "PARAMETER_INVALID", "{wrong}");
        }
    }
}
