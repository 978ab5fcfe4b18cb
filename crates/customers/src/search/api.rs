//! `GET /api/v1/customers` and `POST /api/v1/customers/search`.

use kernel::Result;
use kernel::clock::Timestamp;
use kernel::text::search_key;
use kernel::web::field::{nullable, one_of};
use kernel::web::list::{ListOf, ListReply, ListSpec, Listing, MAX_LIMIT, parse_pairs};
use kernel::web::problem::Problems;
use kernel::web::{Body, Fields, Input};
use platform::app::App;
use platform::ctx::Ctx;
use serde_json::json;
use utoipa::openapi::{RefOr, Schema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::query::Query;
use super::service::{self, Criteria, Field};
use crate::customer::model::Gender;
use crate::customer::model::input::AnyTags;
use crate::customer::model::view::CustomerView;
use crate::customer::service::rows::{SEARCHABLE, SPEC};

/// Longest text of a query.
const QUERY_CHARS: usize = 200;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(search))
}

/// Lists of customers.
pub struct Customers;

impl ListOf for Customers {
    type Item = CustomerView;
    const SPEC: &'static ListSpec = &SEARCHABLE;
}

/// A page of customers.
pub type CustomerList = ListReply<Customers>;

/// The customers that the caller may see. For staff.
#[utoipa::path(get, path = "/api/v1/customers", operation_id = "listCustomers", tag = "customers",
    security(("bearer" = [])),
    params(Listing<Customers>), responses((status = 200, body = CustomerList), Problems))]
async fn list(ctx: Ctx, Listing(request, ..): Listing<Customers>) -> Result<CustomerList> {
    let (rows, total) = service::list(&ctx, request.clone()).await?;
    Ok(ListReply::new(&request, rows, total, |row| CustomerView::of(row, false)))
}

/// What is looked for, as it was sent.
pub struct CustomerSearch {
    query: Option<String>,
    contains: Vec<(Field, String)>,
    tags: Vec<String>,
    all_tags: bool,
    /// Filters, order and page, under the names that the list has for them.
    pairs: Vec<(&'static str, String)>,
}

impl Input for CustomerSearch {
    const NAME: &'static str = "CustomerSearch";
    fn read(f: &mut Fields<'_>) -> Option<CustomerSearch> {
        f.example(|| {
            json!({
                "query": "john", "country": "USA", "is_active": true, "tags": "premium,tech",
                "created_after": "2024-01-01T00:00:00Z", "sort_by": "created_at", "sort_order": "desc",
                "page": 1, "limit": 10
            })
        });
        let query = f.text("query", QUERY_CHARS).value();
        f.note(
            "Names, e-mail, phone in any spelling, user name, ids, company, city, tags: words, beginnings, parts; case, \
             accents and small misspellings do not matter.",
        );
        let contains = contains(f);
        let tags = f.get::<AnyTags>("tags").value();
        f.note("Separated by commas, or a list; any of them.");
        let all_tags = f.choice("tags_match", &["any", "all"]).value() == Some("all");
        let mut pairs = filters(f);
        pairs.extend(order_and_page(f));
        f.build(|| CustomerSearch {
            query,
            contains,
            tags: tags.map(|tags| tags.0.iter().map(|tag| tag.key()).collect()).unwrap_or_default(),
            all_tags,
            pairs,
        })
    }
}

/// Texts that are contained, whatever their case and accents.
fn contains(f: &mut Fields<'_>) -> Vec<(Field, String)> {
    let mut all = Vec::new();
    // As long as the fields themselves may be.
    for (name, field, chars) in [
        ("first_name", Field::FirstName, 100),
        ("last_name", Field::LastName, 100),
        ("email", Field::Email, 254),
        ("company_name", Field::CompanyName, 255),
        ("city", Field::City, 100),
    ] {
        let text = f.text(name, chars).value();
        f.note("Contains this; case and accents do not matter.");
        all.extend(text.map(|text| (field, search_key(&text))));
    }
    let phone = f.text(["phone", "phone_number"], 40).value();
    f.note("Contains these digits.");
    if let Some(text) = phone {
        let digits: String = search_key(&text).chars().filter(char::is_ascii_digit).collect();
        // Every phone contains nothing, so this would find everybody.
        if digits.is_empty() {
            f.error("phone", "invalid_phone", "Must have at least one digit");
        }
        all.push((Field::Phone, digits));
    }
    all
}

fn filters(f: &mut Fields<'_>) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    for name in ["username", "external_id", "customer_id", "state", "postal_code", "country"] {
        pairs.extend(f.text(name, QUERY_CHARS).value().map(|text| (name, text)));
    }
    for name in ["is_active", "is_verified", "email_verified", "phone_verified", "is_business_customer"] {
        pairs.extend(f.get::<bool>(name).value().map(|yes| (name, yes.to_string())));
    }
    pairs.extend(f.get::<Gender>("gender").value().map(|gender| ("gender", gender.to_string())));
    for name in ["created_after", "created_before"] {
        pairs.extend(f.get::<Timestamp>(name).value().map(|time| (name, time.to_string())));
    }
    pairs
}

fn order_and_page(f: &mut Fields<'_>) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    for name in ["sort", "sort_by", "sort_order", "cursor"] {
        pairs.extend(f.text(name, 4000).value().map(|text| (name, text)));
        match name {
            "sort_by" => f.refine(|member| *member = nullable(one_of(SPEC.sort_names()).into())),
            "sort_order" => f.refine(|member| *member = nullable(one_of(["asc", "desc"]).into())),
            _ => {}
        }
        f.note(
            "As in the list of customers. Without an order, a search with a query is answered by relevance.",
        );
    }
    for (name, least, most) in
        [("page", 1, None), ("limit", 1, Some(i64::from(MAX_LIMIT))), ("offset", 0, None), ("skip", 0, None)]
    {
        pairs.extend(f.int(name, 0..=1_000_000_000_000).value().map(|n| (name, n.to_string())));
        // The list refuses what is beyond these, with its own codes.
        f.refine(|member| {
            if let RefOr::T(Schema::Object(number)) = member {
                number.minimum = Some(least.into());
                number.maximum = most.map(Into::into);
            }
        });
    }
    pairs
}

impl CustomerSearch {
    fn wanted(self) -> Result<Criteria> {
        let pairs = self.pairs.iter().map(|(name, value)| (*name, value.as_str()));
        Ok(Criteria {
            query: self.query.as_deref().map(Query::parse),
            contains: self.contains,
            tags: self.tags,
            all_tags: self.all_tags,
            list: parse_pairs(&SPEC, pairs)?,
        })
    }
}

/// Body of a search.
pub type CustomerSearchBody = Body<CustomerSearch>;

/// Finds customers. All members are optional, and all that are given must hold.
#[utoipa::path(post, path = "/api/v1/customers/search", operation_id = "searchCustomers", tag = "search",
    security(("bearer" = [])),
    request_body = CustomerSearchBody,
    responses((status = 200, body = CustomerList), Problems))]
async fn search(ctx: Ctx, Body(search): CustomerSearchBody) -> Result<CustomerList> {
    let wanted = search.wanted()?;
    let (rows, total) = service::find(&ctx, &wanted).await?;
    Ok(ListReply::new(&wanted.list, rows, total, |row| CustomerView::of(row, false)))
}
