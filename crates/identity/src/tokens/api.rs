//! `/.well-known/jwks.json`.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use kernel::Result;
use kernel::web::reply;
use platform::app::App;
use serde::Serialize;

use super::model::PublicJwk;
use super::service::Tokens;

/// A JSON Web Key Set (RFC 7517 section 5).
#[derive(Serialize, utoipa::ToSchema)]
pub struct KeySet {
    /// The keys that sign now, those that will, and those whose last tokens are still valid.
    #[schema(value_type = Vec<Object>)]
    keys: Vec<PublicJwk>,
}

/// The public keys with which any service verifies access tokens by itself.
#[utoipa::path(get, path = "/.well-known/jwks.json", operation_id = "getPublicKeys", tag = "sessions",
    security(()), responses((status = 200, body = KeySet)))]
pub async fn jwks(State(app): State<App>) -> Result<Response> {
    let keys = KeySet { keys: app.state::<Tokens>().public_keys(&app).await? };
    let mut response = reply::json(axum::http::StatusCode::OK, &keys).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, header::HeaderValue::from_static("public, max-age=300"));
    Ok(response)
}
