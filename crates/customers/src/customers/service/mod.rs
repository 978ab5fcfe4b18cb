//! Use cases on customers. One function is one transaction; the `_in` forms join a caller's.
//!
//! | file | holds |
//! |---|---|
//! | here | finding one, listing |
//! | [`members`] | what a body says, and how it changes a customer |
//! | `person` | the part of it that belongs to the user |
//! | [`create`] | by staff: user and customer in one |
//! | [`profile`] | by the customer: the own profile |
//! | [`change`] | PUT and PATCH |
//! | [`bulk`] | many at once: by ids, or as a job by filter |
//! | [`tagged`] | listing by tags |
//! | [`status`] | activate, verify, marks, services, logins |
//! | [`erase`] | deleting for good |
//! | [`keys`] | keys that a migration left to Rust |

pub mod bulk;
pub mod change;
pub mod create;
pub mod erase;
pub mod keys;
pub mod members;
pub(crate) mod person;
pub mod profile;
pub mod status;
pub mod tagged;

use identity::users::model::Username;
use kernel::access::{Permission, Scope};
use kernel::ctx::Ctx;
use kernel::db::Tx;
use kernel::event::Event;
use kernel::web::list::{FilterValue, ListRequest, Total};
use kernel::{Error, Result};
use uuid::Uuid;

use super::model::{CustomerRef, country_code};
pub use super::store::CustomerRow;
use super::store::{self, list, write};
use crate::search::service::{self as search, Wanted, index};
use crate::statistics::model::{self as counters, Place};
use crate::statistics::service as statistics;

/// Beyond this a filtered list is not counted.
const COUNTED: u64 = 10_000;

/// Which user's profile somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserKey {
    /// By the user's id.
    Id(Uuid),
    /// By the number of the first version of the services.
    Legacy(i64),
}

impl UserKey {
    /// Reads a UUID or a whole number.
    pub fn parse(text: &str) -> Option<UserKey> {
        let number = || text.parse().ok().filter(|n| *n >= 0).map(UserKey::Legacy);
        Uuid::try_parse(text).ok().map(UserKey::Id).or_else(number)
    }
}

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
    find_in(ctx, &mut tx, &scope, CustomerRef::parse(reference)?).await
}

/// The customer behind a reference, within the scope; 404. The request's answer is taken to tell of it.
pub async fn find_in(ctx: &Ctx, tx: &mut Tx, scope: &Scope, reference: CustomerRef) -> Result<CustomerRow> {
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
        UserKey::Id(id) => store::find_by_user(&mut tx, &scope, id).await,
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

/// A page of customers and a row more if there is another, and how many there are; those whom `q` finds, if it is
/// there. For staff.
pub async fn list(ctx: &Ctx, request: ListRequest) -> Result<(Vec<CustomerRow>, Total)> {
    search::find(ctx, &Wanted::of_list(request)).await
}

/// The same without `q`.
pub async fn listed(ctx: &Ctx, request: &ListRequest) -> Result<(Vec<CustomerRow>, Total)> {
    let scope = ctx.require_staff(Permission::CustomersRead)?;
    let mut tx = match list::is_quick(scope.all(), request) {
        true => ctx.read().await?,
        false => ctx.slow_read().await?,
    };
    let rows = list::page(&mut tx, &scope, request).await?;
    let total = match known_total_in(&mut tx, &scope, request).await? {
        Some(n) => Total::exact(n),
        None => Total::bounded(list::count_up_to(&mut tx, &scope, request, COUNTED).await?, COUNTED),
    };
    Ok((rows, total))
}

/// How many customers a list has, if the counters know it.
pub async fn known_total_in(tx: &mut Tx, scope: &Scope, request: &ListRequest) -> Result<Option<u64>> {
    match known(request) {
        Some(Known::Counter(metric, key)) => statistics::count_in(tx, scope, metric, key).await.map(Some),
        Some(Known::Place(place)) => statistics::count_place_in(tx, scope, &place).await.map(Some),
        None => Ok(None),
    }
}

/// Lists whose number the counters know already.
#[derive(Debug, PartialEq)]
enum Known<'a> {
    Counter(&'static str, &'a str),
    Place(Place<'a>),
}

fn known(request: &ListRequest) -> Option<Known<'_>> {
    match request.filters.as_slice() {
        [] => return Some(Known::Counter(counters::TOTAL, "")),
        [(filter, FilterValue::Bool(true))] => match filter.name {
            "is_active" => return Some(Known::Counter(counters::ACTIVE, "")),
            "is_verified" => return Some(Known::Counter(counters::VERIFIED, "")),
            "is_business_customer" => return Some(Known::Counter(counters::BUSINESS, "")),
            _ => {}
        },
        [(filter, FilterValue::Text(text))] => match filter.name {
            "tag" => return Some(Known::Counter(counters::TAG, text)),
            "gender" => return Some(Known::Counter(counters::GENDER, text)),
            _ => {}
        },
        _ => {}
    }
    let mut place = Place::default();
    for (filter, value) in &request.filters {
        let FilterValue::Text(text) = value else { return None };
        match filter.name {
            // A text that names no country has no counter of its own.
            "country" => place.country = Some(country_code(text)?),
            "state" if !text.is_empty() => place.state = Some(text),
            "city" if !text.is_empty() => place.city = Some(text),
            _ => return None,
        }
    }
    Some(Known::Place(place))
}

pub(crate) fn event(action: &'static str, row: &CustomerRow) -> Event {
    Event::new(action, "customer", row.id, row.customer_id.as_str())
        .of_customer(row.id)
        .of_company(row.company)
}

/// Writes a changed customer with its event and figures; nothing if nothing differs.
async fn save_in(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    before: &CustomerRow,
    after: CustomerRow,
    action: &'static str,
) -> Result<CustomerRow> {
    let saved = save_many_in(ctx, tx, scope, vec![(before.clone(), after)], action).await?.pop();
    saved.ok_or_else(|| Error::internal("a saved customer is gone"))
}

/// Writes changed customers, before and after, in the order of their ids; those that differ.
async fn save_many_in(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    mut changes: Vec<(CustomerRow, CustomerRow)>,
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
    write::update(tx, scope, &rows).await?;
    index::change_many_in(tx, &rows).await?;
    let figures: Vec<_> = rows.into_iter().map(|(before, after)| (Some(before), Some(after))).collect();
    statistics::changed_many_in(ctx, tx, &figures).await?;
    ctx.record_many(tx, events).await?;
    for (_, after) in differing {
        after.version += 1;
    }
    Ok(changes.into_iter().map(|(_, after)| after).collect())
}
