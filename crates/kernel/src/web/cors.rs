//! Cross-origin requests (the Fetch standard's CORS protocol): off unless origins are configured. No
//! cookies are allowed across origins; callers send a bearer token.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, accept, accept-language, if-match, if-none-match, idempotency-key, x-request-id",
);
const REPLY_HEADERS: HeaderValue = HeaderValue::from_static(
    "etag, location, link, retry-after, ratelimit, ratelimit-policy, x-request-id, idempotent-replayed, content-disposition",
);

/// Which origins may call.
#[derive(Debug, Default)]
pub(super) struct Cors {
    origins: Vec<String>,
    any: bool,
}

impl Cors {
    pub(super) fn new(origins: &[String]) -> Cors {
        let trimmed = |o: &String| o.trim().trim_end_matches('/').to_ascii_lowercase();
        Cors { origins: origins.iter().map(trimmed).collect(), any: origins.iter().any(|o| o.trim() == "*") }
    }

    fn is_off(&self) -> bool {
        self.origins.is_empty()
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        let origin = origin.as_bytes();
        self.any || self.origins.iter().any(|o| o.as_bytes().eq_ignore_ascii_case(origin))
    }

    /// The answer to a preflight request of an allowed origin; any other `OPTIONS` goes on to the routes.
    pub(super) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response> {
        if self.is_off()
            || method != Method::OPTIONS
            || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        {
            return None;
        }
        headers.get(header::ORIGIN).filter(|origin| self.allows(origin))?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let reply = response.headers_mut();
        reply.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        reply.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
        reply.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        Some(response)
    }

    /// Tells the browser whether the page may read this reply.
    pub(super) fn mark(&self, origin: Option<&HeaderValue>, reply: &mut HeaderMap) {
        if self.is_off() {
            return;
        }
        reply.append(header::VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = origin.filter(|o| self.allows(o)) {
            reply.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            reply.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, REPLY_HEADERS);
        }
    }
}
