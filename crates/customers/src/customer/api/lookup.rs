//! Finding a customer by something else than its id.

use axum::Json;
use axum::extract::Path;
use axum::http::Uri;
use kernel::web::Body;
use kernel::web::problem::Problems;
use kernel::web::reply::WithETag;
use kernel::{Error, Result};
use platform::app::App;
use platform::ctx::Ctx;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::bodies::ProfileQuestionBody;
use super::tagged;
use crate::customer::model::UserKey;
use crate::customer::model::input::ProfileQuestion;
use crate::customer::model::view::CustomerView;
use crate::customer::service;
use kernel::web::query::Query;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(by_user_id))
        .routes(routes!(by_username))
        .routes(routes!(by_email))
        .routes(routes!(check_profile_exists))
}

/// The profile of a user.
#[utoipa::path(get, path = "/api/v1/customers/by_user_id", operation_id = "getCustomerByUserId", tag = "search",
    security(("bearer" = [])),
    params(("user_id" = String, Query, description = "The user's UUID, or the number it had before a migration.")),
    responses((status = 200, body = CustomerView, headers(("ETag"))), Problems))]
async fn by_user_id(ctx: Ctx, uri: Uri) -> Result<WithETag<CustomerView>> {
    let query = Query::parse(&uri, &["user_id"])?;
    let user = query.get("user_id").and_then(UserKey::parse);
    let user =
        user.ok_or_else(|| Error::bad_request("PARAMETER_INVALID", "user_id must be given and be a UUID"))?;
    tagged(&ctx, service::get_by_user(&ctx, user).await?)
}

/// The customer with this user name, in any case.
#[utoipa::path(get, path = "/api/v1/customers/username/{username}", operation_id = "getCustomerByUsername", tag = "search",
    security(("bearer" = [])),
    params(("username" = String, Path, description = "The whole name.")),
    responses((status = 200, body = CustomerView, headers(("ETag"))), Problems))]
async fn by_username(ctx: Ctx, Path(username): Path<String>) -> Result<WithETag<CustomerView>> {
    tagged(&ctx, service::get_by_username(&ctx, &username).await?)
}

/// The customer with this e-mail address, in any spelling that reaches the same mailbox.
#[utoipa::path(get, path = "/api/v1/customers/email/{email}", operation_id = "getCustomerByEmail", tag = "search",
    security(("bearer" = [])),
    params(("email" = String, Path, description = "The whole address.")),
    responses((status = 200, body = CustomerView, headers(("ETag"))), Problems))]
async fn by_email(ctx: Ctx, Path(email): Path<String>) -> Result<WithETag<CustomerView>> {
    tagged(&ctx, service::get_by_email(&ctx, &email).await?)
}

/// Whether a user has a profile.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ProfileAnswer {
    /// It has one that the caller may see.
    exists: bool,
    /// The same, as older clients call it.
    profile_exists: bool,
    /// Its public id.
    customer_id: Option<String>,
}

/// Does this user have a profile? Customers may ask about themselves; about others the answer is always no.
#[utoipa::path(post, path = "/api/v1/customers/check_profile_exists", operation_id = "checkProfileExists", tag = "search",
    security(("bearer" = [])),
    request_body = ProfileQuestionBody, responses((status = 200, body = ProfileAnswer), Problems))]
async fn check_profile_exists(
    ctx: Ctx,
    Body(ProfileQuestion(user)): ProfileQuestionBody,
) -> Result<Json<ProfileAnswer>> {
    let found = service::find_by_user(&ctx, user).await?;
    let exists = found.is_some();
    Ok(Json(ProfileAnswer { exists, profile_exists: exists, customer_id: found.map(|row| row.customer_id) }))
}
