//! Failures as replies: `application/problem+json` (RFC 9457).
//!
//! [`Error`] becomes a reply in two steps. `IntoResponse` keeps the error itself in the extensions of a
//! reply without body, so that the layers in between (idempotency, retry) can see what happened
//! ([`error_of`]); the outer layer adds what only it knows (request id, time), logs once, and writes the body.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};

use super::docs::response_header;
use crate::clock::Timestamp;
use crate::{Error, FieldError, Kind};

/// The media type of failures.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A failure as a client sees it (RFC 9457). Some have further members, such as `current_version`.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Identifies the kind of problem; the same for every occurrence.
    #[schema(example = "urn:regulars:error:customer-email-exists")]
    pub r#type: String,
    /// The kind of problem in a few words.
    #[schema(example = "Customer email exists")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 409)]
    pub status: u16,
    /// A sentence for people that says what to do.
    #[schema(example = "Customer with this email already exists")]
    pub detail: String,
    /// Stable code for programs.
    #[schema(example = "CUSTOMER_EMAIL_EXISTS")]
    pub error_code: String,
    /// When it happened.
    pub timestamp: Timestamp,
    /// The id in `X-Request-Id`: quote it when asking for help.
    pub request_id: String,
    /// Every error of a body that was readable but invalid.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Further members.
    #[serde(flatten)]
    #[schema(ignore)]
    pub members: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone)]
struct Failure(Arc<Error>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status_of(&self);
        response.extensions_mut().insert(Failure(Arc::new(self)));
        response
    }
}

/// The error behind a reply, as long as no layer has made another reply of it.
pub fn error_of(response: &Response) -> Option<&Error> {
    response.extensions().get::<Failure>().map(|f| f.0.as_ref())
}

/// Takes the error out, for a layer that answers in another form (an HTML page); that layer then logs it
/// with [`log`].
pub fn take_error(response: &mut Response) -> Option<Arc<Error>> {
    response.extensions_mut().remove::<Failure>().map(|f| f.0)
}

fn status_of(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.kind().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Writes a failure to the log: what is our error with its causes, what will pass as a warning.
pub fn log(error: &Error, request_id: &str) {
    match error.kind() {
        Kind::Internal => tracing::error!(request_id, error = ?error, "request failed"),
        kind if kind.status() >= 500 => tracing::warn!(request_id, error = ?error, "request not served"),
        _ => tracing::debug!(request_id, error = ?error, "request refused"),
    }
}

/// What a client may read: the inside of the server stays inside.
fn public_detail(error: &Error) -> &str {
    match error.kind() {
        Kind::Internal => "An internal error occurred; quote the request id when asking for help",
        Kind::Stale => "The record was changed by somebody else at the same time; read it again and repeat",
        Kind::Transient => "The database could not do this now; try again",
        Kind::Unknown => {
            "It is not known whether the change was made; repeat the request with the same Idempotency-Key"
        }
        _ => error.detail(),
    }
}

/// The wait that `Retry-After` shows: given, or a second where trying again is the right thing to do.
fn wait_of(error: &Error) -> Option<Duration> {
    let passing = matches!(error.kind(), Kind::Unavailable | Kind::Transient | Kind::Unknown | Kind::TooMany);
    error.wait().or_else(|| passing.then_some(Duration::from_secs(1)))
}

/// Writes the problem into a reply that [`Error`] made. The reply's other headers stay.
pub(super) fn render(error: &Error, request_id: &str, now: Timestamp, response: &mut Response) {
    let code = error.code();
    let problem = Problem {
        r#type: format!("urn:regulars:error:{}", code.to_ascii_lowercase().replace('_', "-")),
        title: title_of(code),
        status: error.kind().status(),
        detail: public_detail(error).to_owned(),
        error_code: code.to_owned(),
        timestamp: now,
        request_id: request_id.to_owned(),
        errors: error.field_errors().to_vec(),
        members: error.members().clone(),
    };
    // A map with text keys and no foreign types cannot fail to serialise.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Some(wait) = wait_of(error) {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    if error.kind() == Kind::Unauthorized {
        headers.entry(header::WWW_AUTHENTICATE).or_insert(HeaderValue::from_static("Bearer"));
    }
    *response.status_mut() = status_of(error);
    *response.body_mut() = Body::from(body);
}

/// `CUSTOMER_EMAIL_EXISTS` → `Customer email exists`, `API_KEY_INVALID` → `API key invalid`.
fn title_of(code: &str) -> String {
    const SPELT: [&str; 8] = ["API", "CSV", "HTTP", "ID", "JSON", "SMS", "URL", "UUID"];
    let word = |word: &str| match SPELT.contains(&word) {
        true => word.to_owned(),
        false => word.to_ascii_lowercase(),
    };
    let mut title = code.split('_').map(word).collect::<Vec<_>>().join(" ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

/// The error for a reply that the router itself made: no such path, method or readable parameter.
pub(super) fn of_bare_status(status: StatusCode) -> Option<Error> {
    let error = |kind, code, detail: &'static str| Some(Error::new(kind, code, detail));
    match status.as_u16() {
        400 => error(Kind::BadRequest, "REQUEST_UNREADABLE", "The path, query or body could not be read"),
        404 => error(Kind::NotFound, "ROUTE_NOT_FOUND", "There is nothing at this path; see /docs"),
        405 => error(
            Kind::MethodNotAllowed,
            "METHOD_NOT_ALLOWED",
            "This path does not take this method; see `Allow`",
        ),
        408 => error(Kind::RequestTimeout, "REQUEST_TIMEOUT", "The request arrived too slowly"),
        413 => error(Kind::TooLarge, "BODY_TOO_LARGE", "The body is too large"),
        415 => {
            error(Kind::UnsupportedMedia, "UNSUPPORTED_MEDIA_TYPE", "This media type is not accepted here")
        }
        422 => error(Kind::Invalid, "REQUEST_INVALID", "The request is readable but invalid"),
        500 => error(Kind::Internal, "INTERNAL_ERROR", "a reply with status 500 and no error"),
        _ => None,
    }
}

/// The failures that every route can answer with, for `responses((status = 200, body = X), Problems)`. Those that only a body or
/// `If-Match` can bring about are left out of the routes without (`docs::headers`).
pub struct Problems;

/// Statuses, the components that describe them, what they mean, and their headers.
const DOCUMENTED: [(u16, &str, &str, &[&str]); 13] = [
    (400, "BadRequest", "The request could not be read.", &[]),
    (401, "Unauthorized", "No valid credentials were sent.", &["WWW-Authenticate"]),
    (403, "Forbidden", "The caller is known and not allowed to do this.", &[]),
    (404, "NotFound", "It does not exist, or it is outside what the caller may see.", &[]),
    (408, "RequestTimeout", "The body arrived too slowly; send it again.", &[]),
    (409, "Conflict", "It contradicts what is stored, such as a duplicate.", &["Retry-After"]),
    (
        412,
        "PreconditionFailed",
        "`If-Match` names an older version; `current_version` says which one is stored.",
        &[],
    ),
    (413, "ContentTooLarge", "The body is too large.", &[]),
    (415, "UnsupportedMediaType", "The body is not of a media type that is read here.", &[]),
    (422, "UnprocessableContent", "The request is readable but invalid; `errors` lists every error.", &[]),
    (
        429,
        "TooManyRequests",
        "Too many requests; `Retry-After` says how long to wait.",
        &["Retry-After", "RateLimit"],
    ),
    (
        500,
        "InternalServerError",
        "A failure on our side; the reply shows a request id and nothing of the inside.",
        &[],
    ),
    (503, "ServiceUnavailable", "Not now; `Retry-After` says when to try again.", &["Retry-After"]),
];

/// The descriptions that the routes refer to, by name.
pub(super) fn shared_responses() -> Vec<(String, RefOr<utoipa::openapi::Response>)> {
    let one = |(_, name, about, headers): (u16, &str, &str, &[&str])| {
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let mut response =
            ResponseBuilder::new().description(about).content("application/problem+json", problem).build();
        response.headers.extend(["X-Request-Id"].iter().chain(headers).map(|name| response_header(name)));
        (name.to_owned(), response.into())
    };
    DOCUMENTED.into_iter().map(one).collect()
}

impl utoipa::IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::response::Response>> {
        let one = |(status, name, ..): (u16, &str, &str, &[&str])| {
            (status.to_string(), Ref::from_response_name(name).into())
        };
        DOCUMENTED.into_iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::{Value, json};

    use super::*;

    async fn rendered(error: Error) -> (Response, Value) {
        let now = Timestamp::from_micros(1_770_000_000_000_000).unwrap();
        let mut response = error.into_response();
        let error = take_error(&mut response).unwrap();
        render(&error, "r-1", now, &mut response);
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(parts, Body::empty()), serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn a_problem_says_what_and_when() {
        let error = Error::conflict("CUSTOMER_EMAIL_EXISTS", "Customer with this email already exists")
            .with_member("current_version", 7);
        let (response, body) = rendered(error).await;
        assert_eq!(response.status(), 409);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(
            body,
            json!({
                "type": "urn:regulars:error:customer-email-exists",
                "title": "Customer email exists",
                "status": 409,
                "detail": "Customer with this email already exists",
                "error_code": "CUSTOMER_EMAIL_EXISTS",
                "timestamp": "2026-02-02T02:40:00.000000Z",
                "request_id": "r-1",
                "current_version": 7,
            })
        );
    }

    #[test]
    fn what_the_router_answers_by_itself_gets_a_code() {
        for (status, code) in [
            (400, "REQUEST_UNREADABLE"),
            (404, "ROUTE_NOT_FOUND"),
            (405, "METHOD_NOT_ALLOWED"),
            (408, "REQUEST_TIMEOUT"),
            (413, "BODY_TOO_LARGE"),
            (415, "UNSUPPORTED_MEDIA_TYPE"),
            (422, "REQUEST_INVALID"),
            (500, "INTERNAL_ERROR"),
        ] {
            let error = of_bare_status(StatusCode::from_u16(status).unwrap()).unwrap();
            assert_eq!((error.kind().status(), error.code()), (status, code));
        }
        assert!(of_bare_status(StatusCode::OK).is_none());
    }

    #[test]
    fn a_title_is_spelt_as_people_spell_it() {
        assert_eq!(title_of("JSON_INVALID"), "JSON invalid");
        assert_eq!(title_of("API_KEY_INVALID"), "API key invalid");
        assert_eq!(title_of("CUSTOMER_ID_EXISTS"), "Customer ID exists");
        assert_eq!(title_of("VALIDATION_FAILED"), "Validation failed");
    }

    #[tokio::test]
    async fn the_inside_stays_inside() {
        let inside = std::io::Error::other("/var/lib/secret.db is locked");
        for kind in [Kind::Internal, Kind::Transient, Kind::Unknown, Kind::Stale] {
            let (response, body) = rendered(
                Error::new(kind, "SOME_CODE", "inside")
                    .with_source(std::io::Error::other(inside.to_string())),
            )
            .await;
            assert_eq!(response.status().as_u16(), kind.status());
            let text = body.to_string();
            assert!(!text.contains("inside\"") && !text.contains("secret.db"), "{text}");
        }
    }

    #[tokio::test]
    async fn waiting_and_challenges_are_headers() {
        let busy = Error::unavailable("BUSY", "Busy", Duration::from_millis(1200));
        assert_eq!(rendered(busy).await.0.headers()[header::RETRY_AFTER], "2");
        let lost = Error::new(Kind::Transient, "LOST", "").retry_after(Duration::ZERO);
        assert_eq!(rendered(lost).await.0.headers()[header::RETRY_AFTER], "1");
        let nobody = Error::unauthorized("TOKEN_MISSING", "Log in");
        assert_eq!(rendered(nobody).await.0.headers()[header::WWW_AUTHENTICATE], "Bearer");
    }

    #[tokio::test]
    async fn all_faults_are_listed() {
        let error = Error::invalid(vec![
            FieldError::new("a", "required", "Is required"),
            FieldError::new("b", "too_long", "…"),
        ]);
        let (_, body) = rendered(error).await;
        assert_eq!(body["errors"][1], json!({"field": "b", "code": "too_long", "message": "…"}));
    }
}
