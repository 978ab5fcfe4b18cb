//! The document as it is served, and the page that shows it. The page is built in, loads nothing from other hosts and
//! sends the document to nobody.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use utoipa::openapi::OpenApi;

use super::to_json;
use crate::{Error, Result};

/// Swagger UI puts styles into elements, so styles may be inline; scripts may not.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
);
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Regulars API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<style>
html:not(.dark-mode) { background: #fff; }
/* In the light, Swagger UI's own colours of these are too pale to read. */
html:not(.dark-mode) .swagger-ui .opblock .opblock-summary-method,
html:not(.dark-mode) .swagger-ui .info .title small.version-stamp pre { color: #10151a; }
html:not(.dark-mode) .swagger-ui .btn.authorize { color: #137a4a; border-color: #137a4a; }
html:not(.dark-mode) .swagger-ui .btn.authorize svg { fill: #137a4a; }
html:not(.dark-mode) .swagger-ui .info a { color: #1f5fb8; }
.swagger-ui .filter .operation-filter-input { max-width: none; }
</style>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<noscript>This page needs JavaScript; the API is described in <a href="/openapi.json">openapi.json</a>.</noscript>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"#;
const START: &str = include_str!("start.js");
/// The vendored files that the page needs.
const FILES: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

/// `/openapi.json`, `/docs` and its files.
pub fn routes(api: &OpenApi) -> Result<Router> {
    let document = Bytes::from(to_json(api)?);
    Ok(Router::new()
        .route(
            "/openapi.json",
            get(move || std::future::ready(file(document, "application/json", "no-cache"))),
        )
        .route("/docs", get(page))
        .route("/docs/{file}", get(asset)))
}

async fn page() -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(PAGE))
}

async fn asset(Path(name): Path<String>) -> Result<Response> {
    if name == "start.js" {
        return Ok(file(Bytes::from_static(START.as_bytes()), "text/javascript", "max-age=3600"));
    }
    let missing = || Error::not_found("ROUTE_NOT_FOUND", "File not found");
    let known = FILES.iter().find(|file| **file == name).ok_or_else(missing)?;
    let config = Arc::new(utoipa_swagger_ui::Config::new(["/openapi.json"]));
    let found = utoipa_swagger_ui::serve(known, config);
    let found = found.map_err(|e| Error::internal(format!("{known}: {e}")))?.ok_or_else(missing)?;
    let bytes = match found.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    Ok(file(bytes, &found.content_type, "max-age=3600"))
}

fn file(bytes: Bytes, kind: &str, cache: &'static str) -> Response {
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(kind) = HeaderValue::from_str(kind) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    response
}
