//! The own profile. Only the role customer has one.

use kernel::Result;
use kernel::web::Body;
use kernel::web::problem::Problems;
use kernel::web::reply::{Created, IfMatch, NoContent, WithETag};
use platform::app::App;
use platform::ctx::Ctx;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::bodies::{CustomerChangeBody, NewProfileBody};
use super::{created, tagged, unchanged};
use crate::customer::model::input::{CustomerChange, NewProfile};
use crate::customer::model::view::CustomerView;
use crate::customer::service::members::UpdateMode;
use crate::customer::service::profile;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get))
        .routes(routes!(me))
        .routes(routes!(create))
        .routes(routes!(patch, put))
        .routes(routes!(delete))
}

/// The caller's own profile.
#[utoipa::path(get, path = "/api/v1/customers/profile", operation_id = "getOwnProfile", tag = "profile",
    security(("bearer" = [])),
    responses((status = 200, body = CustomerView, headers(("ETag"))), Problems))]
async fn get(ctx: Ctx) -> Result<WithETag<CustomerView>> {
    tagged(&ctx, profile::get(&ctx).await?)
}

/// Another spelling of `/api/v1/customers/profile`.
#[utoipa::path(get, path = "/api/v1/customers/me", operation_id = "getOwnCustomer", tag = "profile",
    security(("bearer" = [])),
    responses((status = 200, body = CustomerView, headers(("ETag"))), Problems))]
async fn me(ctx: Ctx) -> Result<WithETag<CustomerView>> {
    get(ctx).await
}

/// Creates the caller's profile. Nothing is required: the user is known from the token.
#[utoipa::path(post, path = "/api/v1/customers/profile/create", operation_id = "createOwnProfile", tag = "profile",
    security(("bearer" = [])),
    request_body = Option<NewProfileBody>, responses((status = 201, body = CustomerView, headers(("ETag"))), Problems))]
async fn create(ctx: Ctx, Body(NewProfile(members)): NewProfileBody) -> Result<Created<CustomerView>> {
    let row = profile::create(&ctx, members).await?;
    created(&ctx, row)
}

/// Applies a JSON merge patch to the caller's profile.
#[utoipa::path(patch, path = "/api/v1/customers/profile/update", operation_id = "updateOwnProfile", tag = "profile",
    security(("bearer" = [])),
    request_body = CustomerChangeBody, params(IfMatch), responses((status = 200, body = CustomerView, headers(("ETag"))), Problems))]
async fn patch(
    ctx: Ctx,
    wanted: IfMatch,
    Body(CustomerChange(members)): CustomerChangeBody,
) -> Result<WithETag<CustomerView>> {
    let check = unchanged(&ctx, &wanted)?;
    tagged(&ctx, profile::change(&ctx, members, UpdateMode::Patch, check).await?)
}

/// Sets the members that the body names.
#[utoipa::path(put, path = "/api/v1/customers/profile/update", operation_id = "setOwnProfile", tag = "profile",
    security(("bearer" = [])),
    request_body = CustomerChangeBody, params(IfMatch), responses((status = 200, body = CustomerView, headers(("ETag"))), Problems))]
async fn put(
    ctx: Ctx,
    wanted: IfMatch,
    Body(CustomerChange(members)): CustomerChangeBody,
) -> Result<WithETag<CustomerView>> {
    let check = unchanged(&ctx, &wanted)?;
    tagged(&ctx, profile::change(&ctx, members, UpdateMode::Put, check).await?)
}

/// Deletes the caller's profile for good. The login stays.
#[utoipa::path(delete, path = "/api/v1/customers/profile/delete", operation_id = "deleteOwnProfile", tag = "profile",
    security(("bearer" = [])),
    params(IfMatch), responses((status = 204, description = "Deleted."), Problems))]
async fn delete(ctx: Ctx, wanted: IfMatch) -> Result<NoContent> {
    profile::delete(&ctx, unchanged(&ctx, &wanted)?).await?;
    Ok(NoContent)
}
