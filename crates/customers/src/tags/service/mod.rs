//! Keeping the rows in step with a customer's list, and what they say; [`list`] finds customers by them.

pub mod list;

use std::collections::{BTreeMap, HashMap};

use kernel::web::list::{ListRequest, Page, Total};
use kernel::{Error, Result, TextValue};
use platform::Tx;
use platform::access::{Permission, Scope};
use platform::ctx::Ctx;
use uuid::Uuid;

pub use super::model::Tagged;
use super::store;
use crate::customer::model::{Tag, Tags};
use crate::customer::service::projections::Change;
use crate::statistics::service::Named;
use crate::statistics::{model as counters, service as statistics};

/// Most tags that one question names.
const MOST_ASKED: usize = 50;
/// Beyond this the customers of several tags are not counted.
pub const COUNTED: u64 = 10_000;

/// Reads tags separated by commas: 400 if there is none, one that cannot be a tag, or more than 50.
pub fn parse(text: &str) -> Result<Vec<String>> {
    let refused = |detail: String| Error::bad_request("TAGS_INVALID", detail);
    let mut keys = Vec::new();
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        let tag = Tag::parse(part).map_err(|error| refused(format!("A tag {}", error.message)))?;
        keys.push(tag.key());
    }
    keys.sort_unstable();
    keys.dedup();
    match keys.len() {
        0 => Err(refused("Give at least one tag, several separated by commas".to_owned())),
        n if n > MOST_ASKED => Err(refused(format!("At most {MOST_ASKED} tags can be asked for at once"))),
        _ => Ok(keys),
    }
}

/// What was asked, and how many customers in scope have each tag, in the same order. `None` if nobody can match.
pub async fn known_in(
    tx: &mut Tx,
    scope: &Scope,
    keys: &[String],
    all: bool,
) -> Result<Option<(Tagged, Vec<u64>)>> {
    let mut known = Vec::with_capacity(keys.len());
    for (key, id) in find_in(tx, keys.iter()).await? {
        known.push((statistics::count_in(tx, scope, counters::TAG, &key).await?, id));
    }
    known.sort_unstable();
    if known.is_empty() || (all && known.len() < keys.len()) {
        return Ok(None);
    }
    if !all {
        known.reverse();
    }
    let (counts, ids): (Vec<u64>, Vec<Uuid>) = known.into_iter().unzip();
    let all = all && ids.len() > 1;
    Ok(Some((if all { Tagged::All(ids) } else { Tagged::Any(ids) }, counts)))
}

/// The ids of one page in the order of ids, and one more if there is another page. Over all companies.
pub async fn page_in(tx: &mut Tx, tagged: &Tagged, request: &ListRequest) -> Result<Vec<Uuid>> {
    let tags = match tagged {
        Tagged::Any(tags) if tags.len() > 1 => tags,
        Tagged::Any(tags) | Tagged::All(tags) => return store::page_of_all(tx, tags, request).await,
    };
    // The first rows of the union are among the first rows of each tag.
    let passed = match request.page {
        Page::Offset(n) => usize::try_from(n).unwrap_or(usize::MAX),
        Page::Cursor(_) => 0,
    };
    let mut each = request.clone();
    if passed > 0 {
        each.page = Page::Offset(0);
        each.limit = u32::try_from(passed).unwrap_or(u32::MAX).saturating_add(request.limit);
    }
    let mut ids = Vec::new();
    for tag in tags {
        ids.extend(store::page_of_all(tx, std::slice::from_ref(tag), &each).await?);
    }
    ids.sort_unstable();
    ids.dedup();
    if request.id_descending() {
        ids.reverse();
    }
    Ok(ids.into_iter().skip(passed).take(request.limit as usize + 1).collect())
}

/// How many customers of a scope have the tags, as far as the counters say it.
pub fn total_by_counters(tagged: &Tagged, counts: &[u64]) -> Option<Total> {
    match (tagged, counts) {
        (Tagged::Any(_), [one]) => Some(Total::exact(*one)),
        (Tagged::Any(_), [most, ..]) if *most > COUNTED => Some(Total::bounded(*most, COUNTED)),
        (_, [0, ..]) => Some(Total::exact(0)),
        _ => None,
    }
}

/// The same by the rows, over all companies, without touching a customer.
pub async fn total_in(tx: &mut Tx, tagged: &Tagged, counts: &[u64], request: &ListRequest) -> Result<Total> {
    let found = match tagged {
        Tagged::All(tags) => store::count_of_all(tx, tags, request, COUNTED).await?,
        Tagged::Any(tags) => {
            // Each adds those that have none of the tags before it.
            let mut found = counts.first().copied().unwrap_or_default();
            for (i, tag) in tags.iter().enumerate().skip(1) {
                if found > COUNTED {
                    break;
                }
                found += store::count_others(tx, *tag, &tags[..i], request, COUNTED - found).await?;
            }
            found
        }
    };
    Ok(Total::bounded(found, COUNTED))
}

/// The tags in use by the customers that the caller may see, the most used first, at most `most`.
pub async fn in_use(ctx: &Ctx, most: i64) -> Result<Vec<Named>> {
    let scope = ctx.require_staff(Permission::CustomersRead)?;
    let mut tx = ctx.slow_read().await?;
    statistics::tags_in(&mut tx, &scope, most).await
}

/// Follows changes of customers whose lists differ: their rows become those of the list.
pub async fn follow_in(ctx: &Ctx, tx: &mut Tx, changes: &[Change<'_>]) -> Result<()> {
    let mut differing = Vec::new();
    for change in changes {
        match *change {
            (Some(row), None) => store::detach_all(tx, row.id).await?,
            (before, Some(after)) if before.map_or("", |row| row.tags.as_str()) != after.tags.as_str() => {
                let before = before.map_or_else(Tags::default, |row| row.tags.clone());
                differing.push((after.id, before, after.tags.clone()));
            }
            _ => {}
        }
    }
    set_many_in(ctx, tx, &differing).await
}

/// Changes the rows of customers from one list to another.
async fn set_many_in(ctx: &Ctx, tx: &mut Tx, changes: &[(Uuid, Tags, Tags)]) -> Result<()> {
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    // One order in every transaction: two that both make new tags wait for each other and do not deadlock.
    let mut names: BTreeMap<String, Tag> = BTreeMap::new();
    for (customer, before, after) in changes {
        let keys = |tags: &Tags| tags.iter().map(|tag| tag.key()).collect::<Vec<_>>();
        let (had, has) = (keys(before), keys(after));
        gone.extend(had.iter().filter(|key| !has.contains(key)).map(|key| (key.clone(), *customer)));
        for (tag, key) in after.iter().zip(has).filter(|(_, key)| !had.contains(key)) {
            names.entry(key.clone()).or_insert(tag);
            come.push((key, *customer));
        }
    }
    store::detach(tx, &gone).await?;
    let ids = ids_in(ctx, tx, &names).await?;
    let come: Vec<_> = come.iter().filter_map(|(key, customer)| Some((*ids.get(key)?, *customer))).collect();
    store::attach(tx, &come).await
}

/// The ids of tags by their keys; those that nobody had before are made.
async fn ids_in(ctx: &Ctx, tx: &mut Tx, names: &BTreeMap<String, Tag>) -> Result<HashMap<String, Uuid>> {
    let mut ids = find_in(tx, names.keys()).await?;
    let new: Vec<_> = names
        .iter()
        .filter(|(key, _)| !ids.contains_key(*key))
        .map(|(key, tag)| (ctx.new_id(), tag.as_str(), key.as_str()))
        .collect();
    if !new.is_empty() {
        store::insert(tx, &new, ctx.now()).await?;
        // Not ours where somebody else was faster.
        ids.extend(find_in(tx, new.iter().map(|(_, _, key)| *key)).await?);
    }
    match ids.len() == names.len() {
        true => Ok(ids),
        false => Err(Error::internal("a tag that was just inserted is gone")),
    }
}

async fn find_in(tx: &mut Tx, keys: impl Iterator<Item: Into<String>>) -> Result<HashMap<String, Uuid>> {
    let found = store::find(tx, &keys.collect()).await?;
    Ok(found.into_iter().map(|tag| (tag.name_key, tag.id)).collect())
}
