//! The routes of pictures.

use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use identity::users::model::AvatarPaths;
use kernel::Result;
use kernel::web::problem::Problems;
use kernel::web::reply::{NoContent, WithETag};
use platform::app::App;
use platform::ctx::Ctx;
use platform::http::guard::Public;
use platform::http::upload::Upload;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{model, service};
use crate::customer::api::tag;
use crate::customer::model::CustomerRow;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get, put, delete)).routes(routes!(file))
}

fn tagged(ctx: &Ctx, row: &CustomerRow) -> Result<WithETag<AvatarPaths>> {
    let paths = AvatarPaths::of(row.avatar.as_deref()).ok_or_else(service::not_found)?;
    Ok(WithETag(tag(row, ctx.caller()?.is_customer()), paths))
}

/// The image itself.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "it describes a body that is read as bytes")]
struct ImageFile(Vec<u8>);

/// A form with an image.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "for the documentation")]
struct ImageForm {
    /// The image; the first file of the form is taken.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Where a customer's picture is found, in three sizes.
#[utoipa::path(get, path = "/api/v1/customers/{ref}/avatar", operation_id = "getCustomerAvatar", tag = "pictures",
    security(("bearer" = [])),
    params(("ref" = String, Path, description = "UUID or `CUST_…`.")),
    responses((status = 200, body = AvatarPaths, headers(("ETag"))), Problems))]
async fn get(ctx: Ctx, Path(reference): Path<String>) -> Result<WithETag<AvatarPaths>> {
    let row = service::get(&ctx, &reference).await?;
    tagged(&ctx, &row)
}

/// Makes the image in the body the customer's picture: JPEG, PNG, GIF or WebP. It is cropped to a square, turned upright,
/// and kept in three sizes without anything else that was in the file. By staff or by the customer.
#[utoipa::path(put, path = "/api/v1/customers/{ref}/avatar", operation_id = "setCustomerAvatar", tag = "pictures",
    security(("bearer" = [])),
    params(("ref" = String, Path, description = "UUID or `CUST_…`.")),
    request_body(description = "The image: as it is, or as a file of a form.", content(
        (ImageFile = "image/*"),
        (ImageForm = "multipart/form-data"),
    )),
    responses((status = 200, body = AvatarPaths, headers(("ETag"))), Problems))]
async fn put(
    ctx: Ctx,
    State(app): State<App>,
    Path(reference): Path<String>,
    request: Request,
) -> Result<WithETag<AvatarPaths>> {
    let row = service::target(&ctx, &reference).await?;
    // Read only now: a stranger cannot make us take a file.
    let upload = Upload::from_request(request, &app).await?;
    if !upload.media_type.starts_with("image/") {
        return Err(model::unsupported());
    }
    let image = upload.put_aside(&app.config.data_dir, app.config.limits.avatar_bytes).await?;
    let row = service::replace(&ctx, &row, image).await?;
    tagged(&ctx, &row)
}

/// Takes the picture away.
#[utoipa::path(delete, path = "/api/v1/customers/{ref}/avatar", operation_id = "deleteCustomerAvatar", tag = "pictures",
    security(("bearer" = [])),
    params(("ref" = String, Path, description = "UUID or `CUST_…`.")),
    responses((status = 204, description = "Gone."), Problems))]
async fn delete(ctx: Ctx, Path(reference): Path<String>) -> Result<NoContent> {
    let row = service::target(&ctx, &reference).await?;
    service::remove(&ctx, &row).await?;
    Ok(NoContent)
}

/// A file of a picture, for everybody who knows its name, which nobody can guess. It never changes, so it may be kept for
/// ever.
#[utoipa::path(get, path = "/api/v1/avatars/{avatar}/{file}", operation_id = "getAvatarFile", tag = "pictures",
    security(()),
    params(("avatar" = String, Path, description = "As the paths of a picture name it."),
        ("file" = String, Path, description = "`64`, `256` or `512`, and `.jpg` or `.png`.")),
    responses((status = 200, description = "The image.", content_type = "image/*"), Problems))]
async fn file(Public(ctx): Public, Path((avatar, name)): Path<(String, String)>) -> Result<Response> {
    let (kind, bytes) = service::file(&ctx, &avatar, &name).await?;
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{avatar}.{name}\"")) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}
