//! Lists without a text to search for: filters, an order, a page. The counters know how long many of them are.

use kernel::Result;
use kernel::web::list::{FilterValue, ListRequest, Total};
use platform::Tx;
use platform::access::{Permission, Scope};
use platform::ctx::Ctx;

use super::COUNTED;
use crate::customer::model::{CustomerRow, country_code};
use crate::customer::service::rows;
use crate::statistics::model::{self as counters, Location};
use crate::statistics::service as statistics;

/// A page of customers without a text to search for, and how many there are. For staff.
pub async fn listed(ctx: &Ctx, request: &ListRequest) -> Result<(Vec<CustomerRow>, Total)> {
    let scope = ctx.require_staff(Permission::CustomersRead)?;
    let mut tx = match rows::is_quick(scope.all(), request) {
        true => ctx.read().await?,
        false => ctx.slow_read().await?,
    };
    let found = rows::page(&mut tx, &scope, request).await?;
    let total = match known_total_in(&mut tx, &scope, request).await? {
        Some(n) => Total::exact(n),
        None => Total::bounded(rows::count_up_to(&mut tx, &scope, request, COUNTED).await?, COUNTED),
    };
    Ok((found, total))
}

/// How many customers a list has, if the counters know it.
pub async fn known_total_in(tx: &mut Tx, scope: &Scope, request: &ListRequest) -> Result<Option<u64>> {
    match counted_by(request) {
        Some(CountedBy::Counter(metric, key)) => statistics::count_in(tx, scope, metric, key).await.map(Some),
        Some(CountedBy::Location(place)) => statistics::count_place_in(tx, scope, &place).await.map(Some),
        None => Ok(None),
    }
}

/// Lists whose number the counters know already.
#[derive(Debug, PartialEq)]
enum CountedBy<'a> {
    Counter(&'static str, &'a str),
    Location(Location<'a>),
}

fn counted_by(request: &ListRequest) -> Option<CountedBy<'_>> {
    match request.filters.as_slice() {
        [] => return Some(CountedBy::Counter(counters::TOTAL, "")),
        [(filter, FilterValue::Bool(true))] => match filter.name {
            "is_active" => return Some(CountedBy::Counter(counters::ACTIVE, "")),
            "is_verified" => return Some(CountedBy::Counter(counters::VERIFIED, "")),
            "is_business_customer" => return Some(CountedBy::Counter(counters::BUSINESS, "")),
            _ => {}
        },
        [(filter, FilterValue::Text(text))] => match filter.name {
            "tag" => return Some(CountedBy::Counter(counters::TAG, text)),
            "gender" => return Some(CountedBy::Counter(counters::GENDER, text)),
            _ => {}
        },
        _ => {}
    }
    let mut place = Location::default();
    for (filter, value) in &request.filters {
        let FilterValue::Text(text) = value else { return None };
        match filter.name {
            // A text that names no country has no counter of its own.
            "country" => place.country = Some(country_code(text)?),
            "state" if !text.is_empty() => place.state = Some(text),
            "city" if !text.is_empty() => place.city = Some(text),
            _ => return None,
        }
    }
    Some(CountedBy::Location(place))
}
