//! Keeping the index in step: an entry is written in the transaction that changes the customer or its user, so a customer
//! is found as soon as its change was answered.

use std::collections::HashSet;

use identity::users::service::User;
use kernel::Result;
use kernel::access::Scope;
use kernel::clock::Timestamp;
use kernel::ctx::Ctx;
use kernel::db::{Engine, Ids, Tx};
use kernel::jobs::Progress;
use kernel::text::search_key;
use uuid::Uuid;

use crate::customers::model::CustomerRef;
use crate::customers::service::CustomerRow;
use crate::customers::store as customers;
use crate::search::model::rank::Texts;
use crate::search::model::tokens::{Subject, VERSION, tokens_of};
use crate::search::store::{self, Entry, Put};

/// Customers that one step of filling reads.
const STEP: i64 = 500;
/// Pages of SQLite's index that one step joins, a few milliseconds' worth.
const MERGED: i64 = 64;
const FILLED: &str = "filled";

impl<'a> From<&'a CustomerRow> for Subject<'a> {
    fn from(row: &'a CustomerRow) -> Subject<'a> {
        Subject {
            first_name: &row.first_name,
            last_name: &row.last_name,
            email: row.email.as_deref(),
            username: &row.username,
            customer_id: &row.customer_id,
            phone_digits: row.phone_digits.as_deref(),
            company_name: row.company_name.as_deref(),
            city: row.city.as_deref(),
            state: row.state.as_deref(),
            postal_code: row.postal_code.as_deref(),
            country_code: row.country_code.as_deref(),
            tags: &row.tags,
            external_id: row.external_id.as_deref(),
            company: row.company,
            is_active: row.is_active,
            is_verified: row.is_verified,
        }
    }
}

fn entry(row: &CustomerRow) -> Entry {
    let folded = |text: &Option<String>| text.as_deref().map(search_key).unwrap_or_default();
    Entry {
        customer_id: row.id,
        version: VERSION,
        tokens: tokens_of(&Subject::from(row)),
        texts: Texts {
            first_name: search_key(&row.first_name),
            last_name: search_key(&row.last_name),
            email: folded(&row.email),
            username: row.username.clone(),
            company_name: folded(&row.company_name),
            city: folded(&row.city),
            phone: row.phone_digits.clone().unwrap_or_default(),
        },
    }
}

/// Writes the entries of many customers that were just inserted, or have none of the present rules.
pub async fn put_many_in(tx: &mut Tx, rows: &[CustomerRow]) -> Result<()> {
    let entries: Vec<Entry> = rows.iter().map(entry).collect();
    store::put_many(tx, entries, Put::UnlessThere).await
}

/// Writes the entries of customers whose rows were just updated, before and after, where something indexed differs.
pub async fn change_many_in(tx: &mut Tx, changes: &[(&CustomerRow, &CustomerRow)]) -> Result<()> {
    let differing = changes.iter().filter(|(before, after)| Subject::from(*before) != Subject::from(*after));
    let after: Vec<&CustomerRow> = differing.map(|(_, after)| *after).collect();
    if after.is_empty() {
        return Ok(());
    }
    let entries: Vec<Entry> = match tx.engine() {
        Engine::Sqlite => after.into_iter().map(entry).collect(),
        Engine::Postgres => {
            let ids = Ids(after.into_iter().map(|row| row.id).collect());
            let rows = customers::many::by_ids(tx, &entries_scope(), ids).await?;
            rows.iter().map(entry).collect()
        }
    };
    store::put_many(tx, entries, Put::Always).await
}

/// The same for a user that was just changed, whoever changed it.
pub async fn user_changed_in(tx: &mut Tx, before: &User, after: &User) -> Result<()> {
    let indexed = |u: &User| {
        (
            u.first_name.clone(),
            u.last_name.clone(),
            u.email.clone(),
            u.phone_digits.clone(),
            u.username.clone(),
            u.company,
        )
    };
    if indexed(before) == indexed(after) {
        return Ok(());
    }
    match store::lock_customer_of(tx, after.id).await? {
        Some(customer) => renew_in(tx, customer).await,
        None => Ok(()),
    }
}

/// Reads the customer again, whose row we hold locked: somebody else may have changed its user, or it, since we read it.
async fn renew_in(tx: &mut Tx, customer: Uuid) -> Result<()> {
    match customers::find(tx, &entries_scope(), CustomerRef::Id(customer)).await? {
        Some(row) => store::put_many(tx, vec![entry(&row)], Put::Always).await,
        None => Ok(()),
    }
}

fn entries_scope() -> Scope {
    Scope::system("entries of the index")
}

/// Takes a customer out of the index: part of erasing it.
pub async fn forget_in(tx: &mut Tx, customer: Uuid) -> Result<()> {
    store::delete(tx, customer).await
}

/// Housekeeping: indexes customers that were there before the index or before its present rules, oldest first, in short
/// transactions.
pub async fn fill(ctx: &Ctx) -> Result<Progress> {
    while fill_step(ctx).await? {
        if ctx.should_yield() {
            return Ok(Progress::More);
        }
    }
    Ok(Progress::Done)
}

/// Is there anything to index?
pub async fn is_unfilled(ctx: &Ctx) -> Result<bool> {
    let mut tx = ctx.read().await?;
    let done = store::progress(&mut tx).await?;
    Ok(done.is_none_or(|value| value != format!("{VERSION} {FILLED}")))
}

/// One step; `false` when nothing is left.
async fn fill_step(ctx: &Ctx) -> Result<bool> {
    let mut tx = ctx.write().await?;
    let value = store::lock_progress(&mut tx).await?.unwrap_or_default();
    let after = match value.strip_prefix(&format!("{VERSION} ")) {
        Some(FILLED) => {
            tx.commit().await?;
            return Ok(false);
        }
        Some(place) => read_place(place),
        None => None,
    };
    let after = after.unwrap_or((Timestamp::from_micros(0).unwrap_or(ctx.now()), Uuid::nil()));
    let waiting = store::waiting(&mut tx, after, STEP).await?;
    let missing: HashSet<Uuid> =
        waiting.iter().filter(|w| w.version != Some(VERSION)).map(|w| w.id).collect();
    let mut rows = match waiting.last().filter(|_| !missing.is_empty()) {
        Some(last) => customers::created_between(&mut tx, after, (last.created_at, last.id)).await?,
        None => Vec::new(),
    };
    rows.retain(|row| missing.contains(&row.id));
    put_many_in(&mut tx, &rows).await?;
    let more = waiting.len() as i64 == STEP;
    let place = match waiting.last().filter(|_| more) {
        Some(last) => format!("{VERSION} {} {}", last.created_at.as_micros(), last.id),
        None => format!("{VERSION} {FILLED}"),
    };
    store::keep_progress(&mut tx, &place).await?;
    tx.commit().await?;
    Ok(more)
}

fn read_place(text: &str) -> Option<(Timestamp, Uuid)> {
    let (micros, id) = text.split_once(' ')?;
    Some((Timestamp::from_micros(micros.parse().ok()?)?, id.parse().ok()?))
}

/// Housekeeping: joins parts of SQLite's index after much was written, so that a question looks into few of them.
/// Other writers come in between.
pub async fn merge(ctx: &Ctx) -> Result<Progress> {
    if ctx.app().db.engine() != Engine::Sqlite {
        return Ok(Progress::Done);
    }
    loop {
        let mut tx = ctx.write().await?;
        let more = store::merge(&mut tx, MERGED).await?;
        tx.commit().await?;
        match (more, ctx.should_yield()) {
            (false, _) => return Ok(Progress::Done),
            (true, true) => return Ok(Progress::More),
            (true, false) => {}
        }
    }
}

/// Does this database have an index whose parts can be joined?
pub async fn is_mergeable(ctx: &Ctx) -> Result<bool> {
    Ok(ctx.app().db.engine() == Engine::Sqlite)
}
