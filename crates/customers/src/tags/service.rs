//! Keeping the rows in step with a customer's list.

use kernel::ctx::Ctx;
use kernel::db::Tx;
use kernel::{Error, Result};
use uuid::Uuid;

use super::store;
use crate::customers::model::{Tag, Tags};

/// Changes the rows from one list to another, in the transaction that changes the list.
pub async fn set_in(ctx: &Ctx, tx: &mut Tx, customer: Uuid, before: &Tags, after: &Tags) -> Result<()> {
    let has = |tags: &Tags, tag: &Tag| tags.iter().any(|t| t.key() == tag.key());
    for tag in before.iter().filter(|t| !has(after, t)) {
        store::detach(tx, &tag.key(), customer).await?;
    }
    let mut new: Vec<&Tag> = after.iter().filter(|t| !has(before, t)).collect();
    // One order in every transaction: two that both make new tags wait for each other and do not deadlock.
    new.sort_by_key(|tag| tag.key());
    for tag in new {
        let id = id_in(ctx, tx, tag).await?;
        store::attach(tx, id, customer).await?;
    }
    Ok(())
}

async fn id_in(ctx: &Ctx, tx: &mut Tx, tag: &Tag) -> Result<Uuid> {
    let key = tag.key();
    if let Some(id) = store::find(tx, &key).await? {
        return Ok(id);
    }
    store::insert(tx, ctx.new_id(), tag.as_str(), &key, ctx.now()).await?;
    store::find(tx, &key).await?.ok_or_else(|| Error::internal("a tag that was just inserted is gone"))
}

/// Takes all tags from a customer: part of erasing it.
pub async fn forget_in(tx: &mut Tx, customer: Uuid) -> Result<()> {
    store::detach_all(tx, customer).await
}
