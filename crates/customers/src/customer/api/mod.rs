//! The routes under `/api/v1/customers`.
//!
//! | file | holds |
//! |---|---|
//! | here | one customer: POST, GET, PUT, PATCH, DELETE |
//! | [`bodies`] | the names of the bodies |
//! | `status` | activation, verification, marks, services, logins |
//! | `lookup` | by user, name, address |
//! | `profile` | the own profile |
//!
//! Lists are answered by [`crate::search`]; `/api/v1/customers/health` is served by the crate `server`, which knows every part of the process.

pub mod bodies;
mod lookup;
mod profile;
mod status;

use axum::extract::Path;
use kernel::Result;
use kernel::web::Body;
use kernel::web::problem::Problems;
use kernel::web::reply::{Created, ETag, IfMatch, NoContent, WithETag};
use platform::app::App;
use platform::ctx::Ctx;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::input::CustomerChange;
use super::model::view::CustomerView;
use super::model::{CustomerRow, Members};
use super::service::members::UpdateMode;
use super::service::{self, change, create as creation, erase as erasure, status as states};
use bodies::{CustomerChangeBody, NewCustomerBody};

/// The tag of a customer: its version, its user's, and who looks. Counters and logins do not change it.
pub fn tag(row: &CustomerRow, for_customer: bool) -> ETag {
    ETag::of(&[&row.version, &row.user_version, if for_customer { &"c" } else { &"s" }])
}

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(get, put, patch, deactivate))
        .routes(routes!(erase))
        .merge(status::routes())
        .merge(lookup::routes())
        .merge(profile::routes())
}

/// One customer with its tag, as the caller sees it.
fn tagged(ctx: &Ctx, row: CustomerRow) -> Result<WithETag<CustomerView>> {
    let for_customer = ctx.caller()?.is_customer();
    ctx.concerns(row.id);
    Ok(WithETag(tag(&row, for_customer), CustomerView::of(row, for_customer)))
}

fn created(ctx: &Ctx, row: CustomerRow) -> Result<Created<CustomerView>> {
    let WithETag(tag, body) = tagged(ctx, row)?;
    Ok(Created { location: format!("/api/v1/customers/{}", body.customer_id), tag: Some(tag), body })
}

/// `If-Match` against the customer as this caller sees it.
fn unchanged(ctx: &Ctx, wanted: &IfMatch) -> Result<impl FnOnce(&CustomerRow) -> Result<()>> {
    let (wanted, for_customer) = (wanted.clone(), ctx.caller()?.is_customer());
    Ok(move |row: &CustomerRow| wanted.check(&tag(row, for_customer), row.version))
}

/// Creates user and customer, with generated user name and public id.
#[utoipa::path(post, path = "/api/v1/customers", operation_id = "createCustomer", tag = "customers",
    security(("bearer" = [])),
    request_body = NewCustomerBody, responses((status = 201, body = CustomerView, headers(("ETag"))), Problems))]
async fn create(ctx: Ctx, Body(new): NewCustomerBody) -> Result<Created<CustomerView>> {
    let row = creation::create(&ctx, new).await?;
    created(&ctx, row)
}

/// One customer, by UUID or public id.
#[utoipa::path(get, path = "/api/v1/customers/{ref}", operation_id = "getCustomer", tag = "customers",
    security(("bearer" = [])),
    params(("ref" = String, Path, description = "UUID or `CUST_…`.")),
    responses((status = 200, body = CustomerView, headers(("ETag"))), Problems))]
async fn get(ctx: Ctx, Path(reference): Path<String>) -> Result<WithETag<CustomerView>> {
    tagged(&ctx, service::get(&ctx, &reference).await?)
}

/// Sets the members that the body names.
#[utoipa::path(put, path = "/api/v1/customers/{ref}", operation_id = "setCustomer", tag = "customers",
    security(("bearer" = [])),
    params(("ref" = String, Path, description = "UUID or `CUST_…`."), IfMatch), request_body = CustomerChangeBody,
    responses((status = 200, body = CustomerView, headers(("ETag"))), Problems))]
async fn put(
    ctx: Ctx,
    Path(reference): Path<String>,
    wanted: IfMatch,
    Body(CustomerChange(members)): CustomerChangeBody,
) -> Result<WithETag<CustomerView>> {
    update(&ctx, &reference, &wanted, members, UpdateMode::Put).await
}

/// Applies a JSON merge patch (RFC 7396): `null` clears.
#[utoipa::path(patch, path = "/api/v1/customers/{ref}", operation_id = "updateCustomer", tag = "customers",
    security(("bearer" = [])),
    params(("ref" = String, Path, description = "UUID or `CUST_…`."), IfMatch), request_body = CustomerChangeBody,
    responses((status = 200, body = CustomerView, headers(("ETag"))), Problems))]
async fn patch(
    ctx: Ctx,
    Path(reference): Path<String>,
    wanted: IfMatch,
    Body(CustomerChange(members)): CustomerChangeBody,
) -> Result<WithETag<CustomerView>> {
    update(&ctx, &reference, &wanted, members, UpdateMode::Patch).await
}

async fn update(
    ctx: &Ctx,
    reference: &str,
    wanted: &IfMatch,
    members: Members,
    how: UpdateMode,
) -> Result<WithETag<CustomerView>> {
    let row = change::change(ctx, reference, members, how, unchanged(ctx, wanted)?).await?;
    tagged(ctx, row)
}

/// Deactivates a customer. Staff still see it; nothing is lost.
#[utoipa::path(delete, path = "/api/v1/customers/{ref}", operation_id = "deleteCustomer", tag = "customers",
    security(("bearer" = [])),
    params(("ref" = String, Path, description = "UUID or `CUST_…`."), IfMatch),
    responses((status = 204, description = "Deactivated, or it was already."), Problems))]
async fn deactivate(ctx: Ctx, Path(reference): Path<String>, wanted: IfMatch) -> Result<NoContent> {
    states::activate(&ctx, &reference, false, None, unchanged(&ctx, &wanted)?).await?;
    Ok(NoContent)
}

/// Erases a customer and, unless it is staff, its user for good.
#[utoipa::path(delete, path = "/api/v1/customers/{ref}/hard", operation_id = "eraseCustomer", tag = "customers",
    security(("bearer" = [])),
    params(("ref" = String, Path, description = "UUID or `CUST_…`."), IfMatch),
    responses((status = 204, description = "Erased."), Problems))]
async fn erase(ctx: Ctx, Path(reference): Path<String>, wanted: IfMatch) -> Result<NoContent> {
    erasure::erase(&ctx, &reference, unchanged(&ctx, &wanted)?).await?;
    Ok(NoContent)
}
