//! Keeping the index in step: an entry is written in the transaction that changes the customer or its user, so a customer
//! is found as soon as its change was answered.

use database::{Engine, Ids};
use identity::users::service::User;
use kernel::Result;
use kernel::clock::Timestamp;
use kernel::text::search_key;
use platform::Tx;
use platform::access::Scope;
use platform::ctx::Ctx;
use platform::jobs::Progress;
use uuid::Uuid;

use crate::customer::model::{CustomerRef, CustomerRow};
use crate::customer::service::projections::Change;
use crate::customer::service::rows as customers;
use crate::search::model::rank::Texts;
use crate::search::model::tokens::{Subject, VERSION, tokens_of};
use crate::search::store::{self, Entry, OnExisting};

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
            email: row.email.as_str(),
            username: &row.username,
            customer_id: &row.customer_id,
            phone_digits: row.phone.digits(),
            company_name: row.business.company_name.as_deref(),
            city: row.address.city.as_deref(),
            state: row.address.state.as_deref(),
            postal_code: row.address.postal_code.as_deref(),
            country_code: row.country_code.as_deref(),
            tags: Some(&row.tags),
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
            email: row.email.as_str().map(search_key).unwrap_or_default(),
            username: row.username.clone(),
            company_name: folded(&row.business.company_name),
            city: folded(&row.address.city),
            phone: row.phone.digits().unwrap_or_default().to_owned(),
        },
    }
}

/// Follows changes of customers: those that were created get an entry, those of whom something indexed differs get a new
/// one, those that were erased have none any more.
pub async fn follow_in(tx: &mut Tx, changes: &[Change<'_>]) -> Result<()> {
    let (mut new, mut differing) = (Vec::new(), Vec::new());
    for change in changes {
        match *change {
            (None, Some(row)) => new.push(entry(row)),
            (Some(before), Some(after)) if Subject::from(before) != Subject::from(after) => {
                differing.push(after);
            }
            (Some(_), Some(_)) | (None, None) => {}
            (Some(row), None) => store::delete(tx, row.id).await?,
        }
    }
    if !new.is_empty() {
        store::put_many(tx, new, OnExisting::UnlessThere).await?;
    }
    put_changed_in(tx, differing).await
}

async fn put_changed_in(tx: &mut Tx, after: Vec<&CustomerRow>) -> Result<()> {
    if after.is_empty() {
        return Ok(());
    }
    let entries: Vec<Entry> = match tx.engine() {
        Engine::Sqlite => after.into_iter().map(entry).collect(),
        // Somebody else may have changed one of their users since we read it.
        Engine::Postgres => {
            let ids = Ids(after.into_iter().map(|row| row.id).collect());
            let rows = customers::by_ids(tx, &entries_scope(), ids).await?;
            rows.iter().map(|row| entry(row)).collect()
        }
    };
    store::put_many(tx, entries, OnExisting::Always).await
}

/// Follows a user that was just changed, whoever changed it.
pub async fn user_changed_in(tx: &mut Tx, before: &User, after: &User) -> Result<()> {
    let indexed = |u: &User| {
        (
            u.first_name.clone(),
            u.last_name.clone(),
            u.email.clone(),
            u.phone.digits().map(str::to_owned),
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
        Some(row) => store::put_many(tx, vec![entry(&row)], OnExisting::Always).await,
        None => Ok(()),
    }
}

fn entries_scope() -> Scope {
    Scope::system("entries of the index")
}

/// Maintenance: brings the index to the rules of this release, see [`Release::fill`].
pub async fn fill(ctx: &Ctx) -> Result<Progress> {
    Release(VERSION).fill(ctx).await
}

/// Is there anything to index?
pub async fn is_unfilled(ctx: &Ctx) -> Result<bool> {
    Release(VERSION).has_work(ctx).await
}

/// A release, by the version of its rules. Two may work on one database while one replaces the other: the older never
/// undoes what the newer did, and the newer renews what the older writes (docs/decisions/0015).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release(pub i64);

impl Release {
    /// Indexes customers that were there before the index or before these rules, oldest first, in short transactions; then
    /// whatever a process with older rules wrote since. Several processes may do it at once; they take turns.
    pub async fn fill(self, ctx: &Ctx) -> Result<Progress> {
        while self.has_work(ctx).await? && self.step(ctx).await? {
            if ctx.should_yield() {
                return Ok(Progress::More);
            }
        }
        Ok(Progress::Done)
    }

    /// Is anything missing, or written by older rules? Never if the index is that of a newer release.
    async fn has_work(self, ctx: &Ctx) -> Result<bool> {
        let mut tx = ctx.read().await?;
        let state = read_fill_state(&store::progress(&mut tx).await?.unwrap_or_default());
        Ok(!self.is_older(&state)
            && (!self.is_filled(&state) || !store::outdated(&mut tx, self.0, 1).await?.is_empty()))
    }

    /// Fills, or renews once it is filled; `false` when nothing is left of that.
    async fn step(self, ctx: &Ctx) -> Result<bool> {
        Ok(self.fill_step(ctx).await? || self.renew_step(ctx).await?)
    }

    /// Is the index that of a newer release?
    fn is_older(self, state: &FillState) -> bool {
        state.version > self.0
    }

    fn is_filled(self, state: &FillState) -> bool {
        state.version == self.0 && state.filled
    }

    /// One step; `false` when nothing is left.
    async fn fill_step(self, ctx: &Ctx) -> Result<bool> {
        let mut tx = ctx.write().await?;
        let state = read_fill_state(&store::lock_progress(&mut tx).await?.unwrap_or_default());
        if self.is_older(&state) || self.is_filled(&state) {
            tx.commit().await?;
            return Ok(false);
        }
        let after = state.place.filter(|_| state.version == self.0);
        let after = after.unwrap_or((Timestamp::from_micros(0).unwrap_or(ctx.now()), Uuid::nil()));
        let waiting = store::waiting(&mut tx, after, STEP).await?;
        let missing =
            waiting.iter().filter(|w| w.version.is_none_or(|version| version < self.0)).map(|w| w.id);
        self.put_anew(&mut tx, missing.collect()).await?;
        let more = waiting.len() as i64 == STEP;
        let place = match waiting.last().filter(|_| more) {
            Some(last) => format!("{} {} {}", self.0, last.created_at.as_micros(), last.id),
            None => format!("{} {FILLED}", self.0),
        };
        store::keep_progress(&mut tx, &place).await?;
        tx.commit().await?;
        Ok(more)
    }

    /// One step of renewing entries of older rules; `false` when nothing is left.
    async fn renew_step(self, ctx: &Ctx) -> Result<bool> {
        let mut tx = ctx.write().await?;
        let outdated = store::outdated(&mut tx, self.0, STEP).await?;
        let more = outdated.len() as i64 == STEP;
        self.put_anew(&mut tx, outdated).await?;
        tx.commit().await?;
        Ok(more)
    }

    /// Writes the entries of these customers unless somebody newer did. They are locked first: who changes one of them at
    /// the same moment writes its entry before we read it, or after.
    async fn put_anew(self, tx: &mut Tx, mut ids: Vec<Uuid>) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        ids.sort_unstable();
        let ids = Ids(ids);
        store::lock_customers(tx, &ids).await?;
        let rows = customers::by_ids(tx, &entries_scope(), ids).await?;
        let entries = rows.iter().map(|row| Entry { version: self.0, ..entry(row) }).collect();
        store::put_many(tx, entries, OnExisting::UnlessThere).await
    }
}

/// How far the index is.
struct FillState {
    /// Of the rules; 0 before there is an index.
    version: i64,
    filled: bool,
    place: Option<(Timestamp, Uuid)>,
}

fn read_fill_state(text: &str) -> FillState {
    let (version, rest) = text.split_once(' ').unwrap_or((text, ""));
    FillState {
        version: version.parse().unwrap_or_default(),
        filled: rest == FILLED,
        place: read_place(rest),
    }
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
