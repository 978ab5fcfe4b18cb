//! Deleting for good: what stays is a tombstone without anything personal (SPEC 2).

use identity::users::model::UserRef;
use identity::users::service as users;
use kernel::Result;
use platform::Tx;
use platform::access::Permission;
use platform::ctx::Ctx;
use platform::event::Event;
use platform::{event as events, idempotency, jobs};

use super::projections::{self, ProjectionPhase};
use super::{CustomerRow, LoadedCustomer, find_in};
use crate::customer::model::CustomerRef;
use crate::customer::store::write;

/// Erases a customer, and its user when that one is no staff. For whoever has `customers.erase`.
pub async fn erase(ctx: &Ctx, reference: &str, check: impl FnOnce(&CustomerRow) -> Result<()>) -> Result<()> {
    let scope = ctx.require_staff(Permission::CustomersErase)?;
    let reference = CustomerRef::parse(reference)?;
    let mut tx = ctx.write().await?;
    let row = find_in(ctx, &mut tx, &scope, reference).await?;
    check(&row)?;
    erase_in(ctx, &mut tx, &row, "customer.erased").await?;
    if row.user_role == "customer"
        && let Some(user) = users::find_in(&mut tx, &scope, UserRef::Id(row.user_id)).await?
    {
        users::erase_in(ctx, &mut tx, &user).await?;
    }
    tx.commit().await
}

/// Erases the profile in the caller's transaction; the user is the caller's to decide about.
pub async fn erase_in(ctx: &Ctx, tx: &mut Tx, row: &LoadedCustomer, action: &'static str) -> Result<()> {
    write::lock_user(tx, row.user_id).await?;
    let total_services = write::erase(tx, row, ctx.now()).await?;
    projections::erase_in(ctx, tx, row).await?;
    events::erase_customer(tx, row.id).await?;
    jobs::erase_customer(tx, row.id).await?;
    idempotency::erase_customer(tx, row.id).await?;
    let erased = CustomerRow { total_services, ..CustomerRow::clone(row) };
    projections::follow_in(ctx, tx, ProjectionPhase::Afterwards, &[(Some(&erased), None)]).await?;
    // Nothing of what it was goes into the event.
    let event = Event::new(action, "customer", row.id, row.customer_id.as_str());
    ctx.record(tx, event.of_customer(row.id).of_company(row.company)).await
}
