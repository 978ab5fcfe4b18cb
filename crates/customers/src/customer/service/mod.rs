//! Use cases on customers. One function is one transaction; the `_in` forms join a caller's.
//!
//! | file | holds |
//! |---|---|
//! | here | finding one, writing what changed |
//! | [`members`] | what a body says, and how it changes a customer |
//! | `person` | the part of it that belongs to the user |
//! | [`create`] | by staff: user and customer in one |
//! | [`profile`] | by the customer: the own profile |
//! | [`change`] | PUT and PATCH |
//! | [`rows`] | reading many, for other features |
//! | [`projections`] | what follows a change, contributed by other features |
//! | [`status`] | activate, verify, marks, services, logins |
//! | [`erase`] | deleting for good |
//! | [`keys`] | keys that a migration left to Rust |

pub mod change;
pub mod create;
pub mod erase;
pub mod keys;
pub mod members;
pub(crate) mod person;
pub mod profile;
pub mod projections;
pub mod rows;
pub mod status;

use identity::users::model::Username;
use kernel::{Error, Result};
use platform::Tx;
use platform::access::{Permission, Scope};
use platform::ctx::Ctx;
use platform::event::Event;

pub use super::model::CustomerRow;
use super::model::{CustomerRef, UserKey};
pub use super::store::LoadedCustomer;
use super::store::{self, list, write};
use projections::{Change, ProjectionPhase};

/// 404 for what is not there or not the caller's to see.
pub fn not_found() -> Error {
    Error::not_found("CUSTOMER_NOT_FOUND", "Customer not found")
}

/// 404 for a user without a profile.
pub fn no_profile() -> Error {
    Error::not_found("PROFILE_NOT_FOUND", "Customer profile not found")
}

/// The customer behind a reference.
pub async fn get(ctx: &Ctx, reference: &str) -> Result<CustomerRow> {
    let scope = ctx.require(Permission::CustomersRead)?;
    let mut tx = ctx.read().await?;
    Ok(find_in(ctx, &mut tx, &scope, CustomerRef::parse(reference)?).await?.into_row())
}

/// The customer behind a reference, within the scope; 404. The request's answer is taken to tell of it.
pub async fn find_in(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    reference: CustomerRef,
) -> Result<LoadedCustomer> {
    let row = store::find(tx, scope, reference).await?.ok_or_else(not_found)?;
    ctx.concerns(row.id);
    Ok(row)
}

/// The profile of a user.
pub async fn get_by_user(ctx: &Ctx, user: UserKey) -> Result<CustomerRow> {
    find_by_user(ctx, user).await?.ok_or_else(no_profile)
}

/// The profile of a user, if there is one that the caller may see.
pub async fn find_by_user(ctx: &Ctx, user: UserKey) -> Result<Option<CustomerRow>> {
    let scope = ctx.require(Permission::CustomersRead)?;
    let mut tx = ctx.read().await?;
    match user {
        UserKey::Id(id) => Ok(store::find_by_user(&mut tx, &scope, id).await?.map(LoadedCustomer::into_row)),
        UserKey::Legacy(number) => store::find_by_legacy_user(&mut tx, &scope, number).await,
    }
}

/// The customer with this user name, in any case.
pub async fn get_by_username(ctx: &Ctx, username: &str) -> Result<CustomerRow> {
    let scope = ctx.require(Permission::CustomersRead)?;
    let name = Username::lookup(username).ok_or_else(not_found)?;
    let mut tx = ctx.read().await?;
    store::find_by_username(&mut tx, &scope, &name).await?.ok_or_else(not_found)
}

/// The customer with this e-mail address, compared in its normalised form.
pub async fn get_by_email(ctx: &Ctx, email: &str) -> Result<CustomerRow> {
    let scope = ctx.require(Permission::CustomersRead)?;
    // What is no address today may have been one when it was stored; a filter of the list is read alike.
    let key = list::email_key(email);
    let mut tx = ctx.read().await?;
    store::find_by_email(&mut tx, &scope, &key).await?.ok_or_else(not_found)
}

/// An event about a customer.
pub fn event(action: &'static str, row: &CustomerRow) -> Event {
    Event::new(action, "customer", row.id, row.customer_id.as_str())
        .of_customer(row.id)
        .of_company(row.company)
}

/// Writes a changed customer with its event and figures; nothing if nothing differs.
async fn save_in(
    ctx: &Ctx,
    tx: &mut Tx,
    before: LoadedCustomer,
    after: CustomerRow,
    action: &'static str,
) -> Result<CustomerRow> {
    let saved = save_many_in(ctx, tx, vec![(before, after)], action).await?.pop();
    saved.ok_or_else(|| Error::internal("a saved customer is gone"))
}

/// Writes changed customers, before and after, in the order of their ids; those that differ.
async fn save_many_in(
    ctx: &Ctx,
    tx: &mut Tx,
    mut changes: Vec<(LoadedCustomer, CustomerRow)>,
    action: &'static str,
) -> Result<Vec<CustomerRow>> {
    let now = ctx.now();
    let mut events = Vec::with_capacity(changes.len());
    let mut differing = Vec::with_capacity(changes.len());
    for (before, after) in &mut changes {
        let (was, is) = before.difference(after);
        let event = event(action, after).changed(was, is);
        if !event.is_empty() {
            after.updated_at = now;
            events.push(event);
            differing.push((&*before, after));
        }
    }
    let mut rows: Vec<_> = differing.iter().map(|(before, after)| (*before, &**after)).collect();
    rows.sort_by_key(|(_, after)| after.id);
    let follows: Vec<Change<'_>> =
        rows.iter().map(|(before, after)| (Some(&***before), Some(*after))).collect();
    projections::follow_in(ctx, tx, ProjectionPhase::BeforeUpdate, &follows).await?;
    write::update(tx, &rows).await?;
    projections::follow_in(ctx, tx, ProjectionPhase::AfterUpdate, &follows).await?;
    ctx.record_many(tx, events).await?;
    for (_, after) in differing {
        after.version += 1;
    }
    Ok(changes.into_iter().map(|(_, after)| after).collect())
}
