//! Activation, verification, marks, services, logins.

use axum::Json;
use axum::extract::Path;
use kernel::Result;
use kernel::clock::Timestamp;
use kernel::web::Body;
use kernel::web::nothing::NothingBody;
use kernel::web::problem::Problems;
use kernel::web::reply::{IfMatch, WithETag};
use platform::app::App;
use platform::ctx::Ctx;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::bodies::{DeactivationBody, ServiceDoneBody, VerificationBody};
use super::{tagged, unchanged};
use crate::customer::model::input::{Deactivation, ServiceDone, Verification};
use crate::customer::model::view::CustomerView;
use crate::customer::service::status::{self, Counted, VerifiedContact};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(deactivate))
        .routes(routes!(activate))
        .routes(routes!(verify))
        .routes(routes!(verify_email))
        .routes(routes!(verify_phone))
        .routes(routes!(last_login))
        .routes(routes!(increment_service))
}

/// Deactivates a customer, with a reason.
#[utoipa::path(post, path = "/api/v1/customers/{ref}/deactivate", operation_id = "deactivateCustomer", tag = "customers",
    security(("bearer" = [])),
    params(("ref" = String, Path, description = "UUID or `CUST_…`."), IfMatch), request_body = Option<DeactivationBody>,
    responses((status = 200, body = CustomerView, headers(("ETag"))), Problems))]
async fn deactivate(
    ctx: Ctx,
    Path(reference): Path<String>,
    wanted: IfMatch,
    Body(Deactivation(reason)): DeactivationBody,
) -> Result<WithETag<CustomerView>> {
    let check = unchanged(&ctx, &wanted)?;
    tagged(&ctx, status::activate(&ctx, &reference, false, reason, check).await?)
}

/// Makes a deactivated customer active again.
#[utoipa::path(post, path = "/api/v1/customers/{ref}/activate", operation_id = "activateCustomer", tag = "customers",
    security(("bearer" = [])),
    params(("ref" = String, Path, description = "UUID or `CUST_…`."), IfMatch),
    responses((status = 200, body = CustomerView, headers(("ETag"))), Problems))]
async fn activate(
    ctx: Ctx,
    Path(reference): Path<String>,
    wanted: IfMatch,
    _: NothingBody,
) -> Result<WithETag<CustomerView>> {
    let check = unchanged(&ctx, &wanted)?;
    tagged(&ctx, status::activate(&ctx, &reference, true, None, check).await?)
}

/// Verifies a customer; `{"is_verified": false}` takes it back.
#[utoipa::path(post, path = "/api/v1/customers/{ref}/verify", operation_id = "verifyCustomer", tag = "customers",
    security(("bearer" = [])),
    params(("ref" = String, Path, description = "UUID or `CUST_…`."), IfMatch), request_body = Option<VerificationBody>,
    responses((status = 200, body = CustomerView, headers(("ETag"))), Problems))]
async fn verify(
    ctx: Ctx,
    Path(reference): Path<String>,
    wanted: IfMatch,
    Body(Verification(verified)): VerificationBody,
) -> Result<WithETag<CustomerView>> {
    tagged(&ctx, status::verify(&ctx, &reference, verified, unchanged(&ctx, &wanted)?).await?)
}

/// Marks the e-mail address as verified. The mark is shown and never counts as a proof by its owner.
#[utoipa::path(patch, path = "/api/v1/customers/{ref}/verify-email", operation_id = "verifyCustomerEmail", tag = "customers",
    security(("bearer" = [])),
    params(("ref" = String, Path, description = "UUID or `CUST_…`."), IfMatch),
    responses((status = 200, body = CustomerView, headers(("ETag"))), Problems))]
async fn verify_email(
    ctx: Ctx,
    Path(reference): Path<String>,
    wanted: IfMatch,
    _: NothingBody,
) -> Result<WithETag<CustomerView>> {
    let check = unchanged(&ctx, &wanted)?;
    tagged(&ctx, status::mark(&ctx, &reference, VerifiedContact::Email, check).await?)
}

/// Marks the phone as verified. The mark is shown and never counts as a proof by its owner.
#[utoipa::path(patch, path = "/api/v1/customers/{ref}/verify-phone", operation_id = "verifyCustomerPhone", tag = "customers",
    security(("bearer" = [])),
    params(("ref" = String, Path, description = "UUID or `CUST_…`."), IfMatch),
    responses((status = 200, body = CustomerView, headers(("ETag"))), Problems))]
async fn verify_phone(
    ctx: Ctx,
    Path(reference): Path<String>,
    wanted: IfMatch,
    _: NothingBody,
) -> Result<WithETag<CustomerView>> {
    let check = unchanged(&ctx, &wanted)?;
    tagged(&ctx, status::mark(&ctx, &reference, VerifiedContact::Phone, check).await?)
}

/// Notes a login that happened elsewhere, at most once a minute.
#[utoipa::path(patch, path = "/api/v1/customers/{ref}/last-login", operation_id = "recordCustomerLogin", tag = "customers",
    security(("bearer" = [])),
    params(("ref" = String, Path, description = "UUID or `CUST_…`.")),
    responses((status = 200, body = CustomerView, headers(("ETag"))), Problems))]
async fn last_login(
    ctx: Ctx,
    Path(reference): Path<String>,
    _: NothingBody,
) -> Result<WithETag<CustomerView>> {
    tagged(&ctx, status::touch_login(&ctx, &reference).await?)
}

/// What counting a service answers.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
struct ServiceCount {
    /// Completed services, this one included.
    total_services: i64,
    /// The latest service.
    last_service_date: Timestamp,
}

/// Counts a completed service. Requests at the same time are all counted; `Idempotency-Key` makes a repeat count once.
#[utoipa::path(post, path = "/api/v1/customers/{ref}/increment_service", operation_id = "incrementCustomerServices", tag = "customers",
    security(("bearer" = [])),
    params(("ref" = String, Path, description = "UUID or `CUST_…`.")), request_body = Option<ServiceDoneBody>,
    responses((status = 200, body = ServiceCount), Problems))]
async fn increment_service(
    ctx: Ctx,
    Path(reference): Path<String>,
    Body(ServiceDone(at)): ServiceDoneBody,
) -> Result<Json<ServiceCount>> {
    let Counted { total_services, last_service_date } = status::count_service(&ctx, &reference, at).await?;
    Ok(Json(ServiceCount { total_services, last_service_date }))
}
