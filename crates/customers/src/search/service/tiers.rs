//! By relevance: who is named as a whole, then words, beginnings, parts, misspellings; in each the newest first. What is
//! read is bounded by the page, or by [`FEW`]: a common name never ranks the whole table.

use std::collections::{HashMap, HashSet};

use database::Where;
use kernel::web::list::{ListRequest, Total};
use kernel::{Error, Result};
use platform::Tx;
use platform::access::Scope;
use platform::ctx::Ctx;

use super::narrow::Narrow;
use super::{COUNTED, FEW};
use crate::customer::model::CustomerRow;
use crate::customer::service::rows as customers;
use crate::search::model::expr::Expr;
use crate::search::model::query::Query;
use crate::search::model::rank::{contains, distance};
use crate::search::store::{self, Hit, RowFilters};

/// Places that relevance reaches; nobody reads so far, and a sorted search goes on.
const WINDOW: u64 = 10_000;
/// Below so many results misspellings are looked for.
const TOO_FEW: usize = 10;
/// Candidates of a misspelling.
const SIMILAR: usize = 500;

/// Who was found, the best first, each once.
#[derive(Debug, Default)]
pub struct Found {
    /// In order.
    pub hits: Vec<Hit>,
    seen: HashSet<i64>,
    /// Were candidates left that nobody looked at?
    cut: bool,
}

impl Found {
    fn add(&mut self, hits: impl IntoIterator<Item = Hit>) {
        self.hits.extend(hits.into_iter().filter(|hit| self.seen.insert(hit.seq)));
    }
}

/// A page of the list by relevance.
pub async fn page(
    ctx: &Ctx,
    scope: &Scope,
    query: &Query,
    narrow: &Narrow,
    rest: RowFilters<'_>,
    request: &ListRequest,
) -> Result<(Vec<CustomerRow>, Total)> {
    let offset = request.offset();
    if offset > WINDOW {
        let detail = format!("Results by relevance end after {WINDOW}; give a `sort` to read all of them");
        return Err(Error::bad_request("OFFSET_TOO_LARGE", detail));
    }
    let mut tx = ctx.read().await?;
    let words = query.words_by_prefix().and_then(|words| narrow.and(words));
    let mut matches = match &words {
        Some(words) => store::count_up_to(&mut tx, words, narrow.nothing_else(), COUNTED).await?,
        None => 0,
    };
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    let until = offset.saturating_add(request.limit as usize).saturating_add(1);
    let (found, total) = if matches <= FEW {
        let found = few_of(&mut tx, query, narrow, rest, matches).await?;
        let total = Total { count: found.hits.len() as u64, exact: !found.cut };
        (found, total)
    } else {
        if let Some(words) = words.filter(|_| !rest.is_empty()) {
            drop(tx);
            tx = ctx.slow_read().await?;
            matches = store::count_up_to(&mut tx, &words, rest, COUNTED).await?;
        }
        (many(&mut tx, query, narrow, rest, until).await?, Total::bounded(matches, COUNTED))
    };
    let hits = found.hits.get(offset..until.min(found.hits.len())).unwrap_or_default();
    Ok((rows(&mut tx, scope, hits).await?, total))
}

/// The customers behind hits, in their order.
async fn rows(tx: &mut Tx, scope: &Scope, hits: &[Hit]) -> Result<Vec<CustomerRow>> {
    if hits.is_empty() {
        return Ok(Vec::new());
    }
    let mut w = Where::new();
    scope.restrict(&mut w, "u.company_id", "u.id");
    store::narrow_to_hits(tx.engine(), &mut w, hits);
    let place: HashMap<_, _> = hits.iter().enumerate().map(|(i, hit)| (hit.customer_id, i)).collect();
    let mut rows = customers::all_of(tx, w).await?;
    rows.sort_by_key(|row| place.get(&row.id).copied());
    Ok(rows)
}

/// Everybody who matches, in order, when they are few.
pub async fn few(tx: &mut Tx, query: &Query, narrow: &Narrow, rest: RowFilters<'_>) -> Result<Found> {
    few_of(tx, query, narrow, rest, FEW).await
}

/// `matches`: how many the words alone find, at most.
async fn few_of(
    tx: &mut Tx,
    query: &Query,
    narrow: &Narrow,
    rest: RowFilters<'_>,
    matches: u64,
) -> Result<Found> {
    let most = usize::try_from(FEW).unwrap_or(usize::MAX);
    let mut found = Found::default();
    named(tx, query, narrow, rest, &mut found).await?;
    let mut by_words = HashSet::new();
    for tier in tiers(query).filter_map(|tier| narrow.and(tier)) {
        if by_words.len() as u64 >= matches {
            break;
        }
        let hits = store::hits(tx, &tier, rest, most + 1).await?;
        by_words.extend(hits.iter().map(|hit| hit.seq));
        found.add(hits);
    }
    if found.hits.len() < most
        && let Some(inside) = query.substrings().and_then(|inside| narrow.and(inside))
    {
        let limit = most + found.hits.len();
        let candidates = store::candidates(tx, &inside, rest, limit).await?;
        found.cut |= candidates.len() == limit;
        let texts = candidates.into_iter().map(store::Candidate::split);
        found.add(texts.filter(|(_, texts)| contains(texts, query)).map(|(hit, _)| hit));
    }
    if found.hits.len() < TOO_FEW
        && let Some(similar) = query.misspelt().and_then(|similar| narrow.and(similar))
    {
        misspelt(tx, query, &similar, rest, &mut found).await?;
    }
    Ok(found)
}

async fn misspelt(
    tx: &mut Tx,
    query: &Query,
    similar: &Expr,
    rest: RowFilters<'_>,
    found: &mut Found,
) -> Result<()> {
    let candidates = store::candidates(tx, similar, rest, SIMILAR).await?;
    found.cut |= candidates.len() == SIMILAR;
    let texts = candidates.into_iter().map(store::Candidate::split);
    let mut near: Vec<(usize, Hit)> =
        texts.filter_map(|(hit, texts)| Some((distance(&texts, query)?, hit))).collect();
    near.sort_by_key(|(distance, hit)| (*distance, std::cmp::Reverse(hit.seq)));
    found.add(near.into_iter().map(|(_, hit)| hit));
    Ok(())
}

/// The first `until` of very many.
async fn many(
    tx: &mut Tx,
    query: &Query,
    narrow: &Narrow,
    rest: RowFilters<'_>,
    until: usize,
) -> Result<Found> {
    let mut found = Found::default();
    named(tx, query, narrow, rest, &mut found).await?;
    for tier in tiers(query).filter_map(|tier| narrow.and(tier)) {
        if found.hits.len() >= until {
            break;
        }
        // Those of the tiers before are in this one as well.
        let limit = until + found.hits.len();
        let hits = store::hits(tx, &tier, rest, limit).await?;
        found.add(hits);
    }
    Ok(found)
}

async fn named(
    tx: &mut Tx,
    query: &Query,
    narrow: &Narrow,
    rest: RowFilters<'_>,
    found: &mut Found,
) -> Result<()> {
    if query.names.is_empty() {
        return Ok(());
    }
    let hits = store::named(tx, &query.names).await?;
    if !hits.is_empty() {
        found.add(store::among(tx, narrow.alone().as_ref(), rest, &hits).await?);
    }
    Ok(())
}

/// From the best to the widest; each holds the ones before.
fn tiers(query: &Query) -> impl Iterator<Item = Expr> {
    [
        query.phone(),
        query.names_exactly(),
        query.words_exactly(),
        query.names_by_prefix(),
        query.words_by_prefix(),
    ]
    .into_iter()
    .flatten()
}
