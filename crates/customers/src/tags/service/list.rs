//! Customers by their tags.

use kernel::Result;
use kernel::web::list::{FilterValue, ListRequest, Page, Total};
use platform::Tx;
use platform::access::{Permission, Scope};
use platform::ctx::Ctx;

use super::super::store;
use super::{self as tags, COUNTED, Tagged};
use crate::customer::model::CustomerRow;
use crate::customer::service::rows;
pub use crate::customer::service::rows::TAGGED as SPEC;

/// A page of the customers with these tags, a row more if there is another page, and how many there are. For staff.
pub async fn list(ctx: &Ctx, asked: &str, request: &ListRequest) -> Result<(Vec<CustomerRow>, Total)> {
    let scope = ctx.require_staff(Permission::CustomersRead)?;
    let keys = tags::parse(asked)?;
    let all = matches!(request.filter("match"), Some(FilterValue::Text(word)) if word == "all");
    let by_rows = scope.all() && is_by_tags_alone(request);
    // What all of several tags have in common may be rare among many.
    let mut tx = match by_rows && !(all && keys.len() > 1) {
        true => ctx.snapshot().await?,
        false => ctx.slow_read().await?,
    };
    let Some((tagged, counts)) = tags::known_in(&mut tx, &scope, &keys, all).await? else {
        return Ok((Vec::new(), Total::exact(0)));
    };
    let found = match by_rows {
        true => page_by_rows(&mut tx, &tagged, request).await?,
        false => store::page_of_customers(&mut tx, &scope, request, &tagged).await?,
    };
    let total = total(&mut tx, &scope, request, &tagged, &counts).await?;
    Ok((found, total))
}

/// Nothing but the tags narrows it, and their rows have its order: a page costs the same however many have the tags.
fn is_by_tags_alone(request: &ListRequest) -> bool {
    let near = match &request.page {
        Page::Offset(n) => *n <= COUNTED,
        Page::Cursor(_) => true,
    };
    near && request.order.is_empty() && has_no_filters(request)
}

fn has_no_filters(request: &ListRequest) -> bool {
    request.filters.iter().all(|(filter, _)| filter.name == "match")
}

async fn page_by_rows(tx: &mut Tx, tagged: &Tagged, request: &ListRequest) -> Result<Vec<CustomerRow>> {
    let ids = tags::page_in(tx, tagged, request).await?;
    let mut rows = rows::find_many(tx, &ids).await?;
    rows.sort_unstable_by_key(|row| row.id);
    if request.id_descending() {
        rows.reverse();
    }
    Ok(rows)
}

async fn total(
    tx: &mut Tx,
    scope: &Scope,
    request: &ListRequest,
    tagged: &Tagged,
    counts: &[u64],
) -> Result<Total> {
    let alone = has_no_filters(request);
    if alone && let Some(total) = tags::total_by_counters(tagged, counts) {
        return Ok(total);
    }
    match alone && scope.all() {
        true => tags::total_in(tx, tagged, counts, request).await,
        false => {
            let found = store::count_of_customers(tx, scope, request, tagged, COUNTED).await?;
            Ok(Total::bounded(found, COUNTED))
        }
    }
}
