//! Lists: filters, sorting, paging and the envelope, from one static description per resource.
//!
//! ```ignore
//! pub struct Customers;
//! impl ListOf for Customers {
//!     type Item = CustomerView;                       // what one element looks like (Serialize + ToSchema)
//!     const SPEC: &'static ListSpec = &ListSpec {
//!         resource: "customers",                      // the key of the envelope
//!         sorts: &[Sort { name: "created_at", column: "c.created_at", kind: Kind::Time, nullable: false }],
//!         filters: &[Filter { name: "is_active", sql: "c.is_active = ", kind: Accepts::Bool, doc: "Only active ones." }],
//!         default_sort: "-created_at",
//!     };
//! }
//! pub type CustomerList = ListReply<Customers>;       // the alias names the component: "CustomerList"
//! // #[utoipa::path(get, path = "/customers", params(Listing<Customers>),
//! //     responses((status = 200, body = CustomerList), Problems))]
//! // async fn list(ctx: Ctx, Listing(request, ..): Listing<Customers>) -> Result<CustomerList> {
//! //     let (rows, total) = service::list(&ctx, &request).await?;       // asks for request.limit + 1 rows
//! //     Ok(ListReply::new(&request, rows, total, CustomerView::from))   // the rows implement Keyed
//! // }
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | the description, and the request that comes out of it |
//! | `parse.rs` | query parameters → [`ListRequest`] |
//! | `cursor.rs` | the opaque cursor |
//! | `page.rs` | [`ListRequest`] → SQL: filters, order, keyset |
//! | `reply.rs` | the envelope, its `Link` header |
//! | `docs.rs` | parameters and envelope in the OpenAPI document |

mod cursor;
mod docs;
mod page;
mod parse;
mod reply;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use jiff::civil::Date;
use uuid::Uuid;

pub use cursor::Cursor;
pub use page::Source;
pub use parse::{decode, parse, parse_pairs};
pub use reply::{ListReply, Total};

use crate::clock::Timestamp;
use crate::{Error, Result};

use super::request::RequestInfo;

/// Elements per page when the caller does not say.
pub const DEFAULT_LIMIT: u32 = 20;
/// Most elements per page.
pub const MAX_LIMIT: u32 = 1000;

/// What a list can be sorted and filtered by. Column and SQL texts are literals: nothing of a caller
/// becomes SQL.
#[derive(Debug)]
pub struct ListSpec {
    /// The key of the envelope, such as `customers`.
    pub resource: &'static str,
    /// What it can be sorted by, besides `id`.
    pub sorts: &'static [Sort],
    /// What it can be filtered by.
    pub filters: &'static [Filter],
    /// The order without `sort`, such as `-created_at`.
    pub default_sort: &'static str,
}

/// A field to sort by.
#[derive(Debug, Clone, Copy)]
pub struct Sort {
    /// Its name in `sort`.
    pub name: &'static str,
    /// The SQL expression, such as `c.created_at`.
    pub column: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Can it be NULL? NULLs come last in either direction.
    pub nullable: bool,
}

/// The type of a sort field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Int,
    /// A point in time.
    Time,
    /// A calendar date.
    Date,
    /// True or false.
    Bool,
}

/// A query parameter that narrows the list.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// Its name in the query.
    pub name: &'static str,
    /// The SQL before the argument, such as `c.city_key = `; empty if the feature's store builds it.
    pub sql: &'static str,
    /// What it accepts.
    pub kind: Accepts,
    /// One sentence for the documentation.
    pub doc: &'static str,
}

/// What a filter accepts.
#[derive(Debug, Clone, Copy)]
pub enum Accepts {
    /// A text, brought into the form that the compared column has.
    Text(fn(&str) -> String),
    /// `true`, `false`, `1`, `0`.
    Bool,
    /// A UUID.
    Uuid,
    /// A time, or a date for its midnight in UTC.
    Time,
    /// A date.
    Date,
    /// A whole number.
    Int,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// The value of a filter, ready to be bound.
#[derive(Debug, Clone, PartialEq)]
pub enum FilterValue {
    /// A text, normalised; also a word of [`Accepts::OneOf`].
    Text(String),
    /// True or false.
    Bool(bool),
    /// A UUID.
    Uuid(Uuid),
    /// A point in time.
    Time(Timestamp),
    /// A calendar date.
    Date(Date),
    /// A whole number.
    Int(i64),
}

/// The value of a sort field in one row.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// No value.
    Null,
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A point in time.
    Time(Timestamp),
    /// True or false.
    Bool(bool),
    /// A calendar date.
    Date(Date),
}

/// A row that a list can continue after.
pub trait Keyed {
    /// Its id, which completes every order.
    fn id(&self) -> Uuid;
    /// Its value of the sort field with this name (one of [`ListSpec::sorts`]).
    fn sort_key(&self, sort: &str) -> Key;
}

/// Connects a resource with its description and the shape of its elements.
pub trait ListOf: Send + Sync + 'static {
    /// An element as a client sees it.
    type Item: serde::Serialize + utoipa::ToSchema;
    /// The description.
    const SPEC: &'static ListSpec;
}

/// One sort field and its direction.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// The field.
    pub sort: &'static Sort,
    /// From the greatest to the least?
    pub descending: bool,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq)]
pub enum Page {
    /// After so many rows; also how `page` is read.
    Offset(u64),
    /// After the row that the cursor names.
    Cursor(Cursor),
}

/// How the caller named the page, which is how its links name the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Cursor,
    Offset,
    Number,
}

/// What a caller wants of a list, checked.
#[derive(Debug, Clone)]
pub struct ListRequest {
    /// The description it was read against.
    pub spec: &'static ListSpec,
    /// The filters it names, in the order of the query.
    pub filters: Vec<(&'static Filter, FilterValue)>,
    /// The sort fields; the id completes them, see [`ListRequest::id_descending`].
    pub order: Vec<Order>,
    /// Where the page begins.
    pub page: Page,
    /// Elements per page, 1 to [`MAX_LIMIT`].
    pub limit: u32,
    /// Did the caller say how to sort? Without, a search answers by relevance.
    pub is_sorted: bool,
    id_descending: bool,
    style: Style,
    uri: Option<Uri>,
}

impl ListRequest {
    /// The direction of the id, which completes the order: that of the last sort field.
    pub fn id_descending(&self) -> bool {
        self.id_descending
    }

    /// Rows to ask the database for: one more than a page, which says whether there is another page.
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The value of a filter, if the caller named it.
    pub fn filter(&self, name: &str) -> Option<&FilterValue> {
        self.filters.iter().find(|(f, _)| f.name == name).map(|(_, value)| value)
    }

    /// The order as `sort` writes it; a cursor belongs to one.
    pub fn sort_text(&self) -> String {
        let mut text = String::new();
        for order in &self.order {
            let sign = if order.descending { "-" } else { "" };
            text.push_str(sign);
            text.push_str(order.sort.name);
            text.push(',');
        }
        text.push_str(if self.id_descending { "-id" } else { "id" });
        text
    }

    /// Rows before the page; for a cursor what was counted on the way to it.
    pub fn offset(&self) -> u64 {
        match &self.page {
            Page::Offset(n) => *n,
            Page::Cursor(cursor) => cursor.position,
        }
    }
}

/// The query of a list route, checked against its description.
pub struct Listing<L>(pub ListRequest, pub PhantomData<L>);

impl<S: Send + Sync, L: ListOf> FromRequestParts<S> for Listing<L> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Listing<L>> {
        let mut request = parse(L::SPEC, parts.uri.query().unwrap_or_default())?;
        let uri = RequestInfo::of(&parts.extensions).map_or(&parts.uri, RequestInfo::uri);
        request.uri = Some(uri.clone());
        Ok(Listing(request, PhantomData))
    }
}
