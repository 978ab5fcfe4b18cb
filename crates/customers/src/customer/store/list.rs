//! Lists of customers: what they can be sorted and filtered by.

use database::sql;
use database::{Sql, Where};
use identity::users::model::Email;
use kernel::text::search_key;
use kernel::web::list::Source;
use kernel::web::list::{Accepts, Filter, FilterValue, Key, Keyed, Kind, ListRequest, ListSpec, Page, Sort};
use kernel::{Result, TextValue};
use platform::Tx;
use platform::access::Scope;
use uuid::Uuid;

use super::{customers_where, select_customer};
use crate::customer::model::{CustomerRow, country_code, postal_key};

const fn sort(name: &'static str, column: &'static str, kind: Kind, nullable: bool) -> Sort {
    Sort { name, column, kind, nullable }
}

const fn filter(name: &'static str, sql: &'static str, kind: Accepts, doc: &'static str) -> Filter {
    Filter { name, sql, kind, doc }
}

/// What a list of customers can be sorted and filtered by.
pub const SPEC: ListSpec = ListSpec {
    resource: "customers",
    sorts: &[
        sort("created_at", "c.created_at", Kind::Time, false),
        sort("updated_at", "c.updated_at", Kind::Time, false),
        sort("customer_since", "c.customer_since", Kind::Time, false),
        sort("last_service_date", "c.last_service_date", Kind::Time, true),
        sort("total_services", "c.total_services", Kind::Int, false),
        // Family name first, folded: one order on both databases, with an index.
        sort("last_name", "u.name_key", Kind::Text, false),
        sort("first_name", "u.first_name", Kind::Text, false),
        sort("username", "u.username", Kind::Text, false),
        sort("email", "u.email_key", Kind::Text, true),
        sort("city", "c.city_key", Kind::Text, true),
        sort("state", "c.state_key", Kind::Text, true),
        sort("country", "c.country_code", Kind::Text, true),
        sort("date_of_birth", "c.date_of_birth", Kind::Date, true),
        sort("customer_id", "c.customer_id", Kind::Text, false),
        sort(
            "last_login_at",
            "CASE WHEN u.last_login > c.last_login_at THEN u.last_login ELSE coalesce(c.last_login_at, u.last_login) END",
            Kind::Time,
            true,
        ),
    ],
    filters: &FILTERS,
    default_sort: "-created_at",
};

/// What the list of customers takes: the filters, and a text to search for. Whatever else takes the filters must not
/// take this one and leave it unanswered.
pub const SEARCHABLE: ListSpec = ListSpec {
    filters: &with::<1, { FILTERS.len() + 1 }>([filter(
        "q",
        "",
        Accepts::Text(str::to_owned),
        "Words, parts of words, e-mail, phone, ids, tags; see `POST /api/v1/customers/search`. By relevance unless sorted.",
    )]),
    ..SPEC
};

/// How the tags of a path are meant.
const MATCH: Filter = filter(
    "match",
    "",
    Accepts::OneOf(&["any", "all"]),
    "Customers with any of the tags (default), or with all.",
);

/// What a list by tags can be sorted and filtered by. Its order without `sort` is that of the rows of tags: the newest
/// first, since ids sort by creation.
pub const TAGGED: ListSpec =
    ListSpec { filters: &with::<1, { FILTERS.len() + 1 }>([MATCH]), default_sort: "-id", ..SPEC };

/// What an export takes: the filters, and how the file is to be.
pub const EXPORTED: ListSpec = ListSpec {
    filters: &with::<3, { FILTERS.len() + 3 }>([
        filter(
            "format",
            "",
            Accepts::OneOf(&["csv", "ndjson"]),
            "CSV (default), or one JSON object per line.",
        ),
        filter("columns", "", Accepts::Text(str::to_owned), "Columns separated by commas, in this order."),
        filter(
            "bom",
            "",
            Accepts::Bool,
            "Begins the file with a byte order mark, which some spreadsheets need.",
        ),
    ]),
    ..SPEC
};

/// The filters and some more.
const fn with<const N: usize, const M: usize>(more: [Filter; N]) -> [Filter; M] {
    let mut all = [FILTERS[0]; M];
    let mut i = 0;
    while i < M {
        all[i] = if i < FILTERS.len() { FILTERS[i] } else { more[i - FILTERS.len()] };
        i += 1;
    }
    all
}

/// An empty text is written by [`conditions`].
const FILTERS: [Filter; 19] = [
    filter("is_active", "", Accepts::Bool, "Only active ones, or only deactivated ones."),
    filter("is_verified", "c.is_verified = ", Accepts::Bool, "Only verified ones, or only the others."),
    filter("email_verified", "u.email_verified = ", Accepts::Bool, "By the mark of the e-mail address."),
    filter("phone_verified", "u.phone_verified = ", Accepts::Bool, "By the mark of the phone."),
    filter("is_business_customer", "", Accepts::Bool, "With a company name or a tax number, or without."),
    filter("email", "u.email_key = ", Accepts::Text(email_key), "The whole address; case does not matter."),
    filter(
        "username",
        "u.username = ",
        Accepts::Text(str::to_lowercase),
        "The whole name; case does not matter.",
    ),
    filter("customer_id", "c.customer_id = ", Accepts::Text(str::to_uppercase), "The public id."),
    filter("user_id", "c.user_id = ", Accepts::Uuid, "The user's id."),
    filter("external_id", "c.external_id = ", Accepts::Text(str::to_owned), "The id in another program."),
    filter("city", "", Accepts::Text(search_key), "Case and accents do not matter."),
    filter("state", "", Accepts::Text(search_key), "Case and accents do not matter."),
    filter(
        "postal_code",
        "c.postal_key = ",
        Accepts::Text(postal_key),
        "Case, spaces and hyphens do not matter.",
    ),
    filter("country", "", Accepts::Text(str::to_owned), "Any spelling: USA, US and United States are one."),
    filter("company_name", "c.company_name = ", Accepts::Text(str::to_owned), "As typed."),
    filter("gender", "c.gender = ", Accepts::OneOf(&["male", "female", "other"]), "What the customer gave."),
    filter("tag", "", Accepts::Text(search_key), "With this tag; case and accents do not matter."),
    filter("created_after", "c.created_at >= ", Accepts::Time, "Created at this time or later."),
    filter("created_before", "c.created_at < ", Accepts::Time, "Created before this time."),
];

/// Filters that leave one customer at most, each by an index of its own.
const NAMES_ONE: [&str; 5] = ["email", "username", "customer_id", "user_id", "external_id"];
/// Filters that an index answers in the order of creation.
const BY_CREATION: [&str; 5] = ["is_active", "city", "country", "state", "postal_code"];
/// So many filters by place at once have an index of their own, too.
const PLACES: [&[&str]; 2] = [&["city", "country"], &["city", "country", "state"]];
/// Orders that an index gives, in either direction, as long as nothing is filtered.
/// (What belongs to the user has indexes as well, but no planner goes through users in order to list customers.)
const IN_ORDER: [&str; 4] = ["created_at", "updated_at", "customer_id", "id"];
/// Rows that an offset may pass over; further ones take as long as a scan.
const PASSED_OVER: u64 = 10_000;

/// Does an index answer this in time that does not grow with the number of customers? What is not sure to is read apart
/// from the rest and with a deadline (`Ctx::slow_read`). `everything`: the scope is not one company's. A test holds the plans of SQLite against this.
pub fn is_quick(everything: bool, request: &ListRequest) -> bool {
    let names: Vec<&str> = request.filters.iter().map(|(filter, _)| filter.name).collect();
    if names.iter().any(|name| NAMES_ONE.contains(name)) {
        return true;
    }
    let order = match request.order.as_slice() {
        [] => "id",
        [one] => one.sort.name,
        _ => return false,
    };
    let near = match &request.page {
        Page::Offset(n) => *n <= PASSED_OVER,
        Page::Cursor(_) => true,
    };
    let narrowed: Vec<&str> = names.into_iter().filter(|name| !is_time_of_creation(name)).collect();
    let by_creation = order == "created_at";
    let served = match narrowed.as_slice() {
        [] if narrowed.len() == request.filters.len() => IN_ORDER.contains(&order),
        [] => by_creation,
        [one] => by_creation && BY_CREATION.contains(one) && !is_text_of_country(request),
        several => {
            let mut several = several.to_vec();
            several.sort_unstable();
            by_creation && PLACES.contains(&several.as_slice()) && !is_text_of_country(request)
        }
    };
    // Of one company's customers an index knows no order.
    near && served && everything
}

fn is_time_of_creation(filter: &str) -> bool {
    matches!(filter, "created_after" | "created_before")
}

/// A country that is in no list is compared as typed, which no index does.
fn is_text_of_country(request: &ListRequest) -> bool {
    matches!(request.filter("country"), Some(FilterValue::Text(text)) if country_code(text).is_none())
}

/// What an address is looked for by.
pub fn email_key(text: &str) -> String {
    Email::parse(text).map_or_else(|_| search_key(text), |email| email.key().to_owned())
}

impl Keyed for CustomerRow {
    fn id(&self) -> Uuid {
        self.id
    }

    fn sort_key(&self, sort: &str) -> Key {
        let text = |v: Option<String>| v.map_or(Key::Null, Key::Text);
        match sort {
            "updated_at" => Key::Time(self.updated_at),
            "customer_since" => Key::Time(self.customer_since),
            "last_service_date" => self.last_service_date.map_or(Key::Null, Key::Time),
            "total_services" => Key::Int(self.total_services),
            "last_name" => Key::Text(search_key(&format!("{} {}", self.last_name, self.first_name))),
            "first_name" => Key::Text(self.first_name.clone()),
            "username" => Key::Text(self.username.clone()),
            "email" => text(self.email.key().map(str::to_owned)),
            "city" => text(self.address.city_key()),
            "state" => text(self.address.state_key()),
            "country" => text(self.country_code.clone()),
            "date_of_birth" => self.date_of_birth.map_or(Key::Null, |d| Key::Date(d.0)),
            "customer_id" => Key::Text(self.customer_id.clone()),
            "last_login_at" => self.last_login().map_or(Key::Null, Key::Time),
            _ => Key::Time(self.created_at),
        }
    }
}

/// One page, and a row more if there is another.
pub async fn page(tx: &mut Tx, scope: &Scope, request: &ListRequest) -> Result<Vec<CustomerRow>> {
    page_of(tx, request, conditions(scope, request)).await
}

/// The same with conditions that began as [`conditions`].
pub async fn page_of<'a>(tx: &mut Tx, request: &'a ListRequest, w: Where<'a>) -> Result<Vec<CustomerRow>> {
    match is_from_the_start(request) {
        true => tx.page(select_customer!(""), request, "c.id", w).await,
        false => tx.late_page(&source(), request, w).await,
    }
}

/// Is it what comes first, or after a cursor, in an order that indexes give? Then no row is read in vain.
fn is_from_the_start(request: &ListRequest) -> bool {
    let in_order = match request.order.as_slice() {
        [] => true,
        [one] => IN_ORDER.contains(&one.sort.name),
        _ => false,
    };
    in_order && !matches!(request.page, Page::Offset(1..))
}

fn source() -> Source<CustomerRow> {
    late(select_customer!(""))
}

/// The ids of a late page, for these rows.
pub(super) fn late<R>(rows: &'static Sql<0, R>) -> Source<R> {
    Source {
        rows,
        ids: sql!(
            "SELECT c.id FROM customer c JOIN user_account u ON u.id = c.user_id LEFT JOIN company o ON o.id = u.company_id
             WHERE c.erased_at IS NULL" => Uuid
        ),
        own_ids: sql!("SELECT c.id FROM customer c WHERE c.erased_at IS NULL" => Uuid),
        others: &["u", "o"],
        id: "c.id",
    }
}

/// All rows under conditions that leave few.
pub async fn all_of(tx: &mut Tx, w: Where<'_>) -> Result<Vec<CustomerRow>> {
    tx.select(select_customer!(""), &w, "").await
}

/// How many rows the filters leave, counted up to `bound` + 1.
pub async fn count_up_to(tx: &mut Tx, scope: &Scope, request: &ListRequest, bound: u64) -> Result<u64> {
    count_of(tx, request, conditions(scope, request), bound).await
}

/// The same with conditions that began as [`conditions`].
pub async fn count_of<'a>(tx: &mut Tx, request: &'a ListRequest, w: Where<'a>, bound: u64) -> Result<u64> {
    let base = counted(&w, request);
    tx.count_up_to(base, request, w, bound).await
}

/// The user counts only if somebody asks for it: every customer has one.
fn counted(w: &Where<'_>, request: &ListRequest) -> &'static Sql<0, i64> {
    match w.mentions("u") || request.filters_ask("u") {
        true => {
            sql!("SELECT c.total_services AS n FROM customer c JOIN user_account u ON u.id = c.user_id WHERE c.erased_at IS NULL" => i64)
        }
        false => sql!("SELECT c.total_services AS n FROM customer c WHERE c.erased_at IS NULL" => i64),
    }
}

/// The scope, and the filters that are more than a comparison.
pub fn conditions<'a>(scope: &Scope, request: &'a ListRequest) -> Where<'a> {
    let mut w = Where::new();
    scope.restrict(&mut w, "u.company_id", "u.id");
    beside_comparisons(&mut w, request);
    w
}

/// The filters that are more than a comparison.
pub fn beside_comparisons<'a>(w: &mut Where<'a>, request: &'a ListRequest) {
    by_place(w, request);
    if let Some(FilterValue::Text(tag)) = request.filter("tag") {
        w.and_one(
            "c.id IN (SELECT x.customer_id FROM customer_tag x JOIN tag t ON t.id = x.tag_id WHERE t.name_key = ?)",
            tag.as_str(),
        );
    }
    by_flags(w, request);
}

/// One page of an export, and a row more, after the request's cursor.
pub async fn page_to_export(tx: &mut Tx, scope: &Scope, request: &ListRequest) -> Result<Vec<CustomerRow>> {
    tx.page(select_customer!(""), request, "c.id", to_export(scope, request)).await
}

/// Like [`conditions`], and nothing leads SQLite from the order of creation to another, for which it would sort what it
/// finds for every page anew: a whole export passes over every customer once at most.
pub(super) fn to_export<'a>(scope: &Scope, request: &'a ListRequest) -> Where<'a> {
    let mut w = Where::new();
    scope.restrict(&mut w, "coalesce(u.company_id, NULL)", "u.id");
    by_place(&mut w, request);
    if let Some(FilterValue::Text(tag)) = request.filter("tag") {
        w.and_one(
            "(SELECT count(*) FROM customer_tag x JOIN tag t ON t.id = x.tag_id WHERE x.customer_id = c.id AND t.name_key = ?) > 0",
            tag.as_str(),
        );
    }
    by_flags(&mut w, request);
    w
}

/// The parts of an address. Of several, one index answers in the order of creation; the others are written so that no
/// index serves them, because SQLite, which knows no distribution, would take the one with more columns and sort.
fn by_place<'a>(w: &mut Where<'a>, request: &'a ListRequest) {
    let text = |name| match request.filter(name) {
        Some(FilterValue::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let (country, state, city) = (text("country"), text("state"), text("city"));
    let by_postal = text("postal_code").is_some();
    if let Some(city) = city {
        w.and_one(if by_postal { "coalesce(c.city_key, '') = ?" } else { "c.city_key = ?" }, city);
    }
    if let Some(state) = state {
        let aside = by_postal || (city.is_some() && country.is_none());
        w.and_one(if aside { "coalesce(c.state_key, '') = ?" } else { "c.state_key = ?" }, state);
    }
    if let Some(country) = country {
        let aside = by_postal || (state.is_some() && city.is_none());
        match country_code(country) {
            Some(code) if aside => w.and_one("coalesce(c.country_code, '') = ?", code),
            Some(code) => w.and_one("c.country_code = ?", code),
            None => w.and_one("c.country_code IS NULL AND c.country = ?", country),
        };
    }
}

fn by_flags<'a>(w: &mut Where<'a>, request: &'a ListRequest) {
    if let Some(FilterValue::Bool(active)) = request.filter("is_active") {
        let aside = ["city", "state", "country", "postal_code"].iter().any(|n| request.filter(n).is_some());
        w.and_one(if aside { "(c.is_active AND true) = ?" } else { "c.is_active = ?" }, *active);
    }
    if let Some(FilterValue::Bool(business)) = request.filter("is_business_customer") {
        w.and_one("(c.company_name IS NOT NULL OR c.tax_id IS NOT NULL) = ?", *business);
    }
}
