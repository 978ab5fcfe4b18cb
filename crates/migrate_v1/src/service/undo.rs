//! Taking a migration back: what it made and nobody has touched since.

use customers::customer::model::CustomerRef;
use customers::customer::service::erase::erase_in;
use customers::customer::service::profile::number_in;
use customers::customer::service::rows;
use identity::users::legacy;
use identity::users::model::UserRef;
use identity::users::service as users;
use kernel::{Error, Result};
use platform::Tx;
use platform::access::Permission;
use platform::ctx::Ctx;
use serde::Serialize;

use super::ACTOR;
use super::members::V1_USER_ID;
use crate::model::report::{Kind, Outcome, Row};
use crate::store;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Undone {
    /// It is gone.
    Removed,
    /// Somebody has changed it, or it was not made by a migration.
    Kept,
    /// It was not there any more.
    Gone,
}

/// Takes records of a report back, at best as many as a batch: in one transaction, and where that fails, each in its own.
/// Customers first, then the users of the file of users.
pub async fn undo(ctx: &Ctx, rows: &[Row]) -> Result<Vec<Undone>> {
    match Box::pin(undo_all(ctx, rows)).await {
        Err(_) if rows.len() > 1 => {
            let mut undone = Vec::with_capacity(rows.len());
            for row in rows {
                undone.extend(Box::pin(undo_all(ctx, std::slice::from_ref(row))).await?);
            }
            Ok(undone)
        }
        done => done,
    }
}

async fn undo_all(ctx: &Ctx, rows: &[Row]) -> Result<Vec<Undone>> {
    let mut tx = ctx.write().await?;
    let mut undone = Vec::with_capacity(rows.len());
    for row in rows {
        let is_there = matches!(row.outcome, Outcome::Created | Outcome::Unchanged);
        undone.push(match row.kind {
            _ if !is_there => Undone::Kept,
            Kind::Customer => undo_customer(ctx, &mut tx, row).await?,
            Kind::User => undo_user(ctx, &mut tx, row).await?,
        });
    }
    tx.commit().await?;
    Ok(undone)
}

async fn undo_customer(ctx: &Ctx, tx: &mut Tx, row: &Row) -> Result<Undone> {
    let scope = ctx.require_staff(Permission::CustomersErase)?;
    let Some(number) = &row.customer_id else { return Ok(Undone::Gone) };
    let reference = CustomerRef::parse(number).map_err(|_| unreadable(number))?;
    let Some(customer) = rows::find(tx, &scope, reference).await? else { return Ok(Undone::Gone) };
    let migrated = customer.metadata.0.get(V1_USER_ID).is_some();
    if !migrated
        || customer.last_login_at.is_some()
        || customer.user_last_login.is_some()
        || store::touched_by_others(tx, customer.id, ACTOR).await? > 0
    {
        return Ok(Undone::Kept);
    }
    erase_in(ctx, tx, &customer, "customer.migration_undone").await?;
    // Also in the report of a run that took up another: whoever made the user, it was a migration or it stays.
    if let Some(user) = users::find_in(tx, &scope, UserRef::Id(customer.user_id)).await? {
        legacy::withdraw_in(ctx, tx, &user, ACTOR).await?;
    }
    Ok(Undone::Removed)
}

async fn undo_user(ctx: &Ctx, tx: &mut Tx, row: &Row) -> Result<Undone> {
    let scope = ctx.require_staff(Permission::CustomersErase)?;
    let Some(id) = row.id else { return Ok(Undone::Gone) };
    let Some(user) = users::find_in(tx, &scope, UserRef::Id(id)).await? else { return Ok(Undone::Gone) };
    if number_in(tx, user.id).await?.is_some() {
        return Ok(Undone::Kept);
    }
    Ok(if legacy::withdraw_in(ctx, tx, &user, ACTOR).await? { Undone::Removed } else { Undone::Kept })
}

fn unreadable(number: &str) -> Error {
    Error::bad_request("REPORT_UNREADABLE", format!("{number} in the report is not a customer id"))
}
