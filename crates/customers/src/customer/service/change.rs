//! PUT and PATCH, by staff or by the customer; one or many at once. What could refuse one of many is looked up before
//! anything is written, and each statement runs for all.

use std::collections::HashSet;

use kernel::{Error, Kind, Result};
use platform::Tx;
use platform::access::{Permission, Scope};
use platform::ctx::Ctx;

use super::members::{Draft, Rights, UpdateMode, draft};
use super::person::Person;
use super::{CustomerRow, LoadedCustomer, find_in, save_many_in};
use crate::consent::service::{self as consent, MARKETING_EMAILS, Source};
use crate::customer::model::{CustomerRef, Members};
use crate::customer::store::{self, write};

/// Changes a customer after `check` has looked at it (`If-Match`).
pub async fn change(
    ctx: &Ctx,
    reference: &str,
    members: Members,
    how: UpdateMode,
    check: impl FnOnce(&CustomerRow) -> Result<()>,
) -> Result<CustomerRow> {
    let scope = ctx.require(Permission::CustomersWrite)?;
    let reference = CustomerRef::parse(reference)?;
    let mut tx = ctx.write().await?;
    let before = find_in(ctx, &mut tx, &scope, reference).await?;
    check(&before)?;
    // Boxed: several whole customers in one future are more than a stack frame should hold.
    let after = Box::pin(change_in(ctx, &mut tx, &scope, Rights::of(ctx)?, before, members, how)).await?;
    tx.commit().await?;
    Ok(after)
}

/// Changes a loaded customer in the caller's transaction.
pub async fn change_in(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    rights: Rights,
    before: LoadedCustomer,
    members: Members,
    how: UpdateMode,
) -> Result<CustomerRow> {
    let changed = change_many_in(ctx, tx, scope, rights, vec![(before, members)], how).await?.pop();
    changed.unwrap_or_else(|| Err(Error::internal("a changed customer is gone")))
}

/// Changes loaded customers in the caller's transaction, each once. The inner result says why one was refused, and the
/// others are changed; the outer one fails all of them, and the transaction with them.
pub async fn change_many_in(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    rights: Rights,
    changes: Vec<(LoadedCustomer, Members)>,
    how: UpdateMode,
) -> Result<Vec<Result<CustomerRow>>> {
    let mut plans: Vec<Result<PlannedChange>> =
        changes.into_iter().map(|(before, members)| plan(ctx, rights, before, members, how)).collect();
    refuse_known_external_ids(tx, &mut plans).await?;
    Box::pin(write_users(ctx, tx, scope, rights, &mut plans)).await?;
    let accepted: Vec<&PlannedChange> = plans.iter().flatten().collect();
    write_consents(ctx, tx, rights, &accepted).await?;
    let (mut changes, mut answers) = (Vec::new(), Vec::new());
    for plan in plans {
        answers.push(plan.map(|plan| changes.push((plan.before, plan.row))));
    }
    let mut saved = save_many_in(ctx, tx, changes, "customer.updated").await?.into_iter();
    let gone = || Error::internal("a changed customer is gone");
    Ok(answers.into_iter().map(|answer| answer.and_then(|()| saved.next().ok_or_else(gone))).collect())
}

/// A customer that will be changed.
struct PlannedChange {
    before: LoadedCustomer,
    row: CustomerRow,
    person: Person,
    consents: Vec<(&'static str, bool)>,
}

fn plan(
    ctx: &Ctx,
    rights: Rights,
    before: LoadedCustomer,
    members: Members,
    how: UpdateMode,
) -> Result<PlannedChange> {
    if !rights.staff && !before.is_active {
        return Err(Error::forbidden(
            "CUSTOMER_INACTIVE",
            "This customer is deactivated; ask the staff to activate it",
        ));
    }
    let Draft { row, person, consents } = draft(ctx, rights, &before, members, how)?;
    Ok(PlannedChange { before, row, person, consents })
}

/// 409 for an id that another customer has or gets.
async fn refuse_known_external_ids(tx: &mut Tx, plans: &mut [Result<PlannedChange>]) -> Result<()> {
    let new = |plan: &PlannedChange| {
        plan.row.external_id.clone().filter(|_| plan.row.external_id != plan.before.external_id)
    };
    let wanted = plans.iter().flatten().filter_map(new).collect();
    let mut known: HashSet<String> = store::known_external_ids(tx, &wanted).await?.into_iter().collect();
    for plan in plans {
        if let Some(id) = plan.as_ref().ok().and_then(new)
            && !known.insert(id)
        {
            *plan = Err(write::external_id_exists());
        }
    }
    Ok(())
}

/// Writes what belongs to the users, where it differs.
async fn write_users(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    rights: Rights,
    plans: &mut [Result<PlannedChange>],
) -> Result<()> {
    let differing =
        |plan: &&mut Result<PlannedChange>| plan.as_ref().is_ok_and(|plan| plan.person.differs(&plan.row));
    let mut differing: Vec<_> = plans.iter_mut().filter(differing).collect();
    if differing.len() > 1 {
        // In one order: two that change the same ones wait for each other and do not deadlock.
        let users = differing.iter().flat_map(|plan| plan.as_ref().ok()).map(|plan| plan.row.user_id);
        write::lock_users(tx, &users.collect()).await?;
    }
    for slot in &mut differing {
        let Ok(plan) = slot else { continue };
        let (person, row) = (std::mem::take(&mut plan.person), plan.row.clone());
        match person.save_in(ctx, tx, scope, rights, row).await {
            Ok(row) => plan.row = row,
            Err(e) if tx.has_failed() || !is_refusal(&e) => return Err(e),
            Err(e) => **slot = Err(e),
        }
    }
    Ok(())
}

/// Does it concern this record alone?
fn is_refusal(e: &Error) -> bool {
    matches!(e.kind(), Kind::Forbidden | Kind::NotFound | Kind::Conflict | Kind::Invalid)
}

async fn write_consents(ctx: &Ctx, tx: &mut Tx, rights: Rights, plans: &[&PlannedChange]) -> Result<()> {
    let source = if rights.staff { Source::Staff } else { Source::Customer };
    let mut changed = Vec::new();
    for plan in plans {
        for (purpose, state) in &plan.consents {
            let stored = match *purpose {
                MARKETING_EMAILS => plan.before.marketing_emails,
                _ => plan.before.marketing_sms,
            };
            if *state != stored {
                changed.push((plan.row.id, *purpose, *state, source));
            } else if !rights.staff {
                consent::confirm_in(ctx, tx, plan.row.id, purpose, *state).await?;
            }
        }
    }
    consent::record_many_in(ctx, tx, &changed).await
}
