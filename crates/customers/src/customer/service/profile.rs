//! The own profile of a customer: the routes that only the role customer may use.

use identity::users::model::UserRef;
use identity::users::service::{self as users, User};
use kernel::web::body::from_value;
use kernel::{Error, FieldError, Result};
use platform::Tx;
use platform::access::{Permission, Scope};
use platform::ctx::Ctx;
use serde_json::Value;
use uuid::Uuid;

use super::change::change_in;
use super::create::insert_in;
use super::erase::erase_in;
use super::members::{Rights, UpdateMode};
use super::{CustomerRow, no_profile};
use crate::customer::model::Members;
use crate::customer::model::input::NewProfile;
use crate::customer::model::view::CustomerView;
use crate::customer::store::{self, write, write::already_exists};

/// The caller's profile. 403 for staff, 404 `PROFILE_NOT_FOUND` before it is created.
pub async fn get(ctx: &Ctx) -> Result<CustomerRow> {
    let user = ctx.require_customer()?;
    let scope = ctx.require(Permission::CustomersRead)?;
    let mut tx = ctx.read().await?;
    Ok(store::find_by_user(&mut tx, &scope, user).await?.ok_or_else(no_profile)?.into_row())
}

/// Creates the caller's profile. 409 `PROFILE_ALREADY_EXISTS` the second time.
pub async fn create(ctx: &Ctx, members: Members) -> Result<CustomerRow> {
    let user = ctx.require_customer()?;
    let scope = ctx.require(Permission::CustomersWrite)?;
    let mut tx = ctx.write().await?;
    if store::number_of_user(&mut tx, user).await?.is_some() {
        return Err(already_exists());
    }
    // From here on nobody else changes the names under which the new profile is found.
    write::lock_user(&mut tx, user).await?;
    let user = users::find_in(&mut tx, &scope, UserRef::Id(user)).await?.ok_or_else(no_profile)?;
    let row = Box::pin(insert_in(ctx, &mut tx, &scope, Rights::OWN, &user, members)).await?;
    tx.commit().await?;
    Ok(row)
}

/// Changes the caller's profile after `check` has looked at it.
pub async fn change(
    ctx: &Ctx,
    members: Members,
    how: UpdateMode,
    check: impl FnOnce(&CustomerRow) -> Result<()>,
) -> Result<CustomerRow> {
    let user = ctx.require_customer()?;
    let scope = ctx.require(Permission::CustomersWrite)?;
    let mut tx = ctx.write().await?;
    let before = store::find_by_user(&mut tx, &scope, user).await?.ok_or_else(no_profile)?;
    check(&before)?;
    let after = Box::pin(change_in(ctx, &mut tx, &scope, Rights::OWN, before, members, how)).await?;
    tx.commit().await?;
    Ok(after)
}

/// Erases the caller's profile; the login stays, and a new profile gets a new public id.
pub async fn delete(ctx: &Ctx, check: impl FnOnce(&CustomerRow) -> Result<()>) -> Result<()> {
    let user = ctx.require_customer()?;
    let scope = ctx.require(Permission::CustomersWrite)?;
    let mut tx = ctx.write().await?;
    let row = store::find_by_user(&mut tx, &scope, user).await?.ok_or_else(no_profile)?;
    check(&row)?;
    erase_in(ctx, &mut tx, &row, "customer.profile_deleted").await?;
    tx.commit().await
}

/// The public id of a user's profile, for login and its token.
pub async fn number_in(tx: &mut Tx, user: Uuid) -> Result<Option<String>> {
    store::number_of_user(tx, user).await
}

/// Creates the profile of somebody who is just registering, from the `customer` member of that body.
pub async fn create_for_in(ctx: &Ctx, tx: &mut Tx, user: &User, body: &Value) -> Result<Value> {
    let NewProfile(members) = from_value(body).map_err(|e| inside("customer", e))?;
    let scope = Scope::system("the user was just created in this transaction");
    let row =
        insert_in(ctx, tx, &scope, Rights::OWN, user, members).await.map_err(|e| inside("customer", e))?;
    serde_json::to_value(CustomerView::of(row, true))
        .map_err(|e| Error::internal("a profile as JSON").with_source(e))
}

/// The errors with the path of the member that they stand in.
fn inside(member: &str, e: Error) -> Error {
    if e.field_errors().is_empty() {
        return e;
    }
    let path = |field: &str| if field.is_empty() { member.to_owned() } else { format!("{member}.{field}") };
    Error::invalid(
        e.field_errors().iter().map(|f| FieldError::new(path(&f.field), f.code, f.message.clone())).collect(),
    )
}
