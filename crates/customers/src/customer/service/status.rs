//! What happens to a customer besides being described: activation, verification, marks, services, logins.

use std::time::Duration;

use identity::users::model::UserRef;
use identity::users::service::{self as users, UserChange};
use kernel::clock::Timestamp;
use kernel::{Error, Result};
use platform::Tx;
use platform::access::{Permission, Scope};
use platform::ctx::Ctx;
use serde_json::{Map, Value};

use super::members::Rights;
use super::person::{require_over_user, taken};
use super::projections::{self, ProjectionPhase};
use super::{CustomerRow, LoadedCustomer, event, find_in, not_found, save_in};
use crate::customer::model::CustomerRef;
use crate::customer::store::write;
pub use crate::customer::store::write::Counted;

/// A login is noted at most so often.
const LOGIN_EVERY: Duration = Duration::from_secs(60);

/// Which shown mark of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifiedContact {
    /// `email_verified`.
    Email,
    /// `phone_verified`.
    Phone,
}

/// The customer deactivated or active again; the same if it is so already.
pub(super) fn set_active(ctx: &Ctx, row: CustomerRow, active: bool, reason: Option<String>) -> CustomerRow {
    if row.is_active == active {
        return row;
    }
    let deactivated_at = (!active).then(|| ctx.now());
    CustomerRow { is_active: active, deactivated_at, deactivation_reason: reason, ..row }
}

/// The customer verified by the caller, or not verified any more; the same if it is so already.
pub(super) fn set_verified(ctx: &Ctx, row: CustomerRow, verified: bool) -> Result<CustomerRow> {
    if row.is_verified == verified {
        return Ok(row);
    }
    let by = ctx.caller()?.name.clone();
    Ok(CustomerRow {
        is_verified: verified,
        verified_at: verified.then(|| ctx.now()),
        verified_by: verified.then_some(by),
        ..row
    })
}

/// Deactivates or activates, after `check` has looked at the customer. Idempotent.
pub async fn activate(
    ctx: &Ctx,
    reference: &str,
    active: bool,
    reason: Option<String>,
    check: impl FnOnce(&CustomerRow) -> Result<()>,
) -> Result<CustomerRow> {
    let action = if active { "customer.activated" } else { "customer.deactivated" };
    let turn = |row| Ok(set_active(ctx, row, active, reason));
    save(ctx, Permission::CustomersDelete, reference, check, turn, action).await
}

/// Verifies a customer, or takes it back. Idempotent.
pub async fn verify(
    ctx: &Ctx,
    reference: &str,
    verified: bool,
    check: impl FnOnce(&CustomerRow) -> Result<()>,
) -> Result<CustomerRow> {
    let action = if verified { "customer.verified" } else { "customer.unverified" };
    let turn = |row| set_verified(ctx, row, verified);
    save(ctx, Permission::CustomersWrite, reference, check, turn, action).await
}

async fn save(
    ctx: &Ctx,
    permission: Permission,
    reference: &str,
    check: impl FnOnce(&CustomerRow) -> Result<()>,
    turn: impl FnOnce(CustomerRow) -> Result<CustomerRow>,
    action: &'static str,
) -> Result<CustomerRow> {
    let scope = ctx.require_staff(permission)?;
    let reference = CustomerRef::parse(reference)?;
    let mut tx = ctx.write().await?;
    let before = find_in(ctx, &mut tx, &scope, reference).await?;
    check(&before)?;
    let after = turn(CustomerRow::clone(&before))?;
    let after = save_in(ctx, &mut tx, before, after, action).await?;
    tx.commit().await?;
    Ok(after)
}

/// Marks e-mail or phone as verified. It is shown and nothing more: it never counts as a proof by the owner.
/// 409 `CONTACT_MISSING` without an address or phone.
pub async fn mark(
    ctx: &Ctx,
    reference: &str,
    mark: VerifiedContact,
    check: impl FnOnce(&CustomerRow) -> Result<()>,
) -> Result<CustomerRow> {
    let scope = ctx.require_staff(Permission::CustomersWrite)?;
    let reference = CustomerRef::parse(reference)?;
    let mut tx = ctx.write().await?;
    let before = find_in(ctx, &mut tx, &scope, reference).await?;
    check(&before)?;
    let (name, marked, has) = match mark {
        VerifiedContact::Email => ("email_verified", before.email_verified, before.email.is_some()),
        VerifiedContact::Phone => ("phone_verified", before.phone_verified, before.phone.is_some()),
    };
    if !has {
        return Err(Error::conflict(
            "CONTACT_MISSING",
            "The customer has no such address or number to verify; add it first",
        ));
    }
    require_over_user(ctx, &mut tx, Rights::of(ctx)?, &before, &[name]).await?;
    let after = if marked { before.into_row() } else { mark_in(ctx, &mut tx, &scope, before, mark).await? };
    tx.commit().await?;
    Ok(after)
}

async fn mark_in(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    before: LoadedCustomer,
    mark: VerifiedContact,
) -> Result<CustomerRow> {
    let user = users::find_in(tx, scope, UserRef::Id(before.user_id)).await?.ok_or_else(not_found)?;
    let change = UserChange {
        email_verified: (mark == VerifiedContact::Email).then_some(true),
        phone_verified: (mark == VerifiedContact::Phone).then_some(true),
        ..UserChange::default()
    };
    let user =
        users::update_in(ctx, tx, &user, change, before.country_code.as_deref()).await.map_err(taken)?;
    let after = CustomerRow::clone(&before).with_user(&user);
    save_in(ctx, tx, before, after, "customer.updated").await
}

/// Counts a completed service, at `at` or now. Any number at once are all counted.
pub async fn count_service(ctx: &Ctx, reference: &str, at: Option<Timestamp>) -> Result<Counted> {
    let scope = ctx.require_staff(Permission::CustomersWrite)?;
    let reference = CustomerRef::parse(reference)?;
    if at.is_some_and(|at| at > ctx.now()) {
        return Err(Error::invalid_field("service_date", "in_the_future", "must not be in the future"));
    }
    let mut tx = ctx.write().await?;
    let row = find_in(ctx, &mut tx, &scope, reference).await?;
    let counted = count_service_in(ctx, &mut tx, &row, at.unwrap_or(ctx.now())).await?;
    tx.commit().await?;
    Ok(counted)
}

/// Counts a completed service in the caller's transaction, such as that of its record.
pub async fn count_service_in(
    ctx: &Ctx,
    tx: &mut Tx,
    row: &LoadedCustomer,
    at: Timestamp,
) -> Result<Counted> {
    // Somebody else may have counted one since the row was read, and the event says what was there before this one.
    let last = write::lock_last_service(tx, row).await?;
    let counted = write::count_service(tx, row, at).await?.ok_or_else(not_found)?;
    projections::service_counted_in(tx, row).await?;
    let facts = |n: i64, at: Option<Timestamp>| {
        let at = at.map_or(Value::Null, |at| at.to_string().into());
        Map::from_iter([("total_services".to_owned(), n.into()), ("last_service_date".to_owned(), at)])
    };
    let after = facts(counted.total_services, Some(counted.last_service_date));
    let before = facts(counted.total_services - 1, last);
    ctx.record(tx, event("customer.service_counted", row).changed(before, after)).await?;
    Ok(counted)
}

/// Takes over what was counted elsewhere, into a customer that was just created.
pub async fn migrate_services_in(
    ctx: &Ctx,
    tx: &mut Tx,
    before: &CustomerRow,
    total: i64,
    last: Option<Timestamp>,
) -> Result<()> {
    let after = CustomerRow { total_services: total, last_service_date: last, ..before.clone() };
    write::set_services(tx, before.id, total, last).await?;
    projections::follow_in(ctx, tx, ProjectionPhase::AfterUpdate, &[(Some(before), Some(&after))]).await?;
    let event = event("customer.services_migrated", &after);
    ctx.record(tx, event.changed(before.snapshot(), after.snapshot())).await
}

/// Notes that the customer logged in elsewhere, at most once a minute. No change of the record, and no event.
pub async fn touch_login(ctx: &Ctx, reference: &str) -> Result<CustomerRow> {
    let scope = ctx.require_staff(Permission::CustomersWrite)?;
    let reference = CustomerRef::parse(reference)?;
    let mut tx = ctx.write().await?;
    let row = find_in(ctx, &mut tx, &scope, reference).await?;
    let now = ctx.now();
    if row.last_login_at.is_none_or(|at| now.since(at) >= LOGIN_EVERY) {
        write::touch_login(&mut tx, &row, now, now.minus(LOGIN_EVERY)).await?;
    }
    let row = find_in(ctx, &mut tx, &scope, CustomerRef::Id(row.id)).await?;
    tx.commit().await?;
    Ok(row.into_row())
}
