//! Use cases of searching.
//!
//! | file | holds |
//! |---|---|
//! | here | what is wanted, and the two ways to answer: by relevance, or sorted |
//! | `listing` | without a text: filters alone |
//! | `narrow` | filters as tokens |
//! | `tiers` | by relevance, tier after tier |
//! | [`index`] | writing entries, filling and keeping up the index |

pub mod index;
mod listing;
mod narrow;
mod tiers;

use kernel::Result;
use kernel::web::list::{FilterValue, ListRequest, Total};
use platform::access::{Permission, Scope};
use platform::ctx::Ctx;

use super::model::query::Query;
pub use super::store::Field;
use super::store::{self, Hit, RowFilters};
use crate::customer::model::CustomerRow;
use crate::customer::service::rows;
pub use listing::known_total_in;
use listing::listed;
use narrow::{Narrow, patterns};

/// Beyond this matches are not counted.
const COUNTED: u64 = 10_000;
/// So many are put in order one by one; more are read in the order of the index.
const FEW: u64 = 1_000;

/// What somebody looks for. Everything is optional, and all that is given must hold.
#[derive(Debug)]
pub struct Criteria {
    /// Free text.
    pub query: Option<Query>,
    /// Folded texts that a field must contain.
    pub contains: Vec<(Field, String)>,
    /// Folded tags.
    pub tags: Vec<String>,
    /// All of the tags, not just one.
    pub all_tags: bool,
    /// Filters, order and page of the list.
    pub list: ListRequest,
}

impl Criteria {
    /// A list with `q=`.
    pub fn of_list(list: ListRequest) -> Criteria {
        let query = match list.filter("q") {
            Some(FilterValue::Text(text)) => Some(Query::parse(text)),
            _ => None,
        };
        Criteria { query, contains: Vec::new(), tags: Vec::new(), all_tags: false, list }
    }

    fn is_plain_list(&self) -> bool {
        self.query.is_none() && self.contains.is_empty() && self.tags.is_empty()
    }
}

/// A page of customers and a row more if there is another, and how many there are; those whom `q` finds, if it is
/// there. For staff.
pub async fn list(ctx: &Ctx, request: ListRequest) -> Result<(Vec<CustomerRow>, Total)> {
    find(ctx, &Criteria::of_list(request)).await
}

/// A page of the customers that match and a row more if there is another, and how many there are. For staff.
pub async fn find(ctx: &Ctx, wanted: &Criteria) -> Result<(Vec<CustomerRow>, Total)> {
    let scope = ctx.require_staff(Permission::CustomersRead)?;
    if wanted.is_plain_list() {
        return listed(ctx, &wanted.list).await;
    }
    let Some(mut narrow) = Narrow::of(&scope, wanted) else { return Ok((Vec::new(), Total::exact(0))) };
    if let Some(widest) = narrow.widest(wanted.query.as_ref().and_then(Query::words_by_prefix)) {
        narrow.known = store::known(&mut ctx.read().await?, &widest).await?;
    }
    let patterns = patterns(&wanted.contains);
    let rest = RowFilters { request: narrow.rest(), contains: &patterns };
    let (rows, total) = match &wanted.query {
        Some(query) if !wanted.list.is_sorted => {
            tiers::page(ctx, &scope, query, &narrow, rest, &wanted.list).await?
        }
        query => sorted(ctx, &scope, query.as_ref(), &narrow, rest, &wanted.list).await?,
    };
    for row in &rows {
        ctx.concerns(row.id);
    }
    Ok((rows, total))
}

/// In the order that the caller gave: the list's own machinery, cursors and all, over those that match.
async fn sorted(
    ctx: &Ctx,
    scope: &Scope,
    query: Option<&Query>,
    narrow: &Narrow,
    rest: RowFilters<'_>,
    request: &ListRequest,
) -> Result<(Vec<CustomerRow>, Total)> {
    let mut tx = ctx.read().await?;
    let engine = tx.engine();
    let expr = match query {
        Some(query) => query.words_by_prefix().and_then(|words| narrow.and(words)),
        None => narrow.alone(),
    };
    // What the tokens say is an upper bound of what matches.
    let few = match &expr {
        Some(expr) => store::count_up_to(&mut tx, expr, narrow.nothing_else(), FEW).await? <= FEW,
        None => query.is_some(),
    };
    let hits: Option<Vec<Hit>> = match query {
        Some(query) if few => Some(tiers::few(&mut tx, query, narrow, rest).await?.hits),
        _ => None,
    };
    if !few {
        drop(tx);
        tx = ctx.slow_read().await?;
    }
    let conditions = || {
        let mut w = rows::conditions(scope, request);
        match &hits {
            Some(hits) => store::narrow_to_hits(engine, &mut w, hits),
            None => store::narrow_to_matches(engine, &mut w, expr.as_ref(), rest.contains),
        }
        w
    };
    let found = rows::page_of(&mut tx, request, conditions()).await?;
    let count = rows::count_of(&mut tx, request, conditions(), COUNTED).await?;
    Ok((found, Total::bounded(count, COUNTED)))
}
