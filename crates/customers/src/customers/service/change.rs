//! PUT and PATCH, by staff or by the customer.

use kernel::access::{Permission, Scope};
use kernel::ctx::Ctx;
use kernel::db::Tx;
use kernel::{Error, Result, TextValue};

use super::members::{Draft, How, Members, Rights, draft};
use super::{CustomerRow, find_in, save_in};
use crate::consent::service::{self as consent, MARKETING_EMAILS, Source};
use crate::customers::model::{CustomerRef, Tags};
use crate::tags::service as tags;

/// Changes a customer after `check` has looked at it (`If-Match`).
pub async fn change(
    ctx: &Ctx,
    reference: &str,
    members: Members,
    how: How,
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
    before: CustomerRow,
    members: Members,
    how: How,
) -> Result<CustomerRow> {
    if !rights.staff && !before.is_active {
        return Err(Error::forbidden(
            "CUSTOMER_INACTIVE",
            "This customer is deactivated; ask the staff to activate it",
        ));
    }
    let Draft { row, person, consents } = draft(ctx, rights, &before, members, how)?;
    let row = person.save_in(ctx, tx, scope, rights, row).await?;
    for (purpose, state) in consents {
        let stored = if purpose == MARKETING_EMAILS { before.marketing_emails } else { before.marketing_sms };
        if state != stored {
            let source = if rights.staff { Source::Staff } else { Source::Customer };
            consent::record_in(ctx, tx, row.id, purpose, state, source).await?;
        } else if !rights.staff {
            consent::confirm_in(ctx, tx, row.id, purpose, state).await?;
        }
    }
    if row.tags != before.tags {
        tags::set_in(ctx, tx, row.id, &tags_of(&before), &tags_of(&row)).await?;
    }
    save_in(ctx, tx, scope, &before, row, "customer.updated").await
}

/// The tags of a stored customer, which were checked when they were written.
pub(super) fn tags_of(row: &CustomerRow) -> Tags {
    Tags::parse(&row.tags).unwrap_or_default()
}
