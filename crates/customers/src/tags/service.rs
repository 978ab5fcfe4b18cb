//! Keeping the rows in step with a customer's list.

use std::collections::{BTreeMap, HashMap};

use kernel::ctx::Ctx;
use kernel::db::Tx;
use kernel::{Error, Result};
use uuid::Uuid;

use super::store;
use crate::customers::model::{Tag, Tags};

/// A customer whose list changes.
pub struct Retagged {
    /// Whose list.
    pub customer: Uuid,
    /// What it was.
    pub before: Tags,
    /// What it is.
    pub after: Tags,
}

/// Changes the rows from one list to another, in the transaction that changes the lists.
pub async fn set_many_in(ctx: &Ctx, tx: &mut Tx, changes: &[Retagged]) -> Result<()> {
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    // One order in every transaction: two that both make new tags wait for each other and do not deadlock.
    let mut names: BTreeMap<String, &Tag> = BTreeMap::new();
    for Retagged { customer, before, after } in changes {
        let keys = |tags: &Tags| tags.iter().map(Tag::key).collect::<Vec<_>>();
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
async fn ids_in(ctx: &Ctx, tx: &mut Tx, names: &BTreeMap<String, &Tag>) -> Result<HashMap<String, Uuid>> {
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

/// Takes all tags from a customer: part of erasing it.
pub async fn forget_in(tx: &mut Tx, customer: Uuid) -> Result<()> {
    store::detach_all(tx, customer).await
}
