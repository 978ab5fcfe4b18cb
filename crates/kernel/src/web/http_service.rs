//! The outer layer: what happens to every request and reply, in one pass, because each further layer
//! costs allocations on every request.
//!
//! In: request id, trailing slash, cross-origin preflight, time limit, panics. Out: failures become
//! problems, `If-None-Match`, security and cache headers, compression, metrics, one line in the access log.
//! Layers that need a database (authentication, idempotency, retry) are put around the router before
//! [`HttpService::new`] gets it.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use tower::{Layer, Service};
use tower_http::CompressionLevel;
use tower_http::compression::Compression;

use super::cors::Cors;
use super::problem;
use super::reply;
use super::request::RequestInfo;
use super::sending;
use super::server::NoHost;
use super::settings::WebSettings;
use crate::Error;
use crate::clock::Clock;
use crate::id::Random;

/// The target of the log line about each request.
pub const ACCESS: &str = "access";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const API_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// Pages load nothing from elsewhere, run no inline script, and cannot be framed.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// Upper bounds in seconds for the histogram `http_request_duration_seconds`, for whoever installs the recorder.
pub const DURATION_BUCKETS: &[f64] =
    &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The whole application: the routes inside the outer layer.
#[derive(Clone)]
pub struct HttpService {
    router: Router,
    shared: Arc<Shared>,
}

struct Shared {
    settings: Arc<WebSettings>,
    cors: Cors,
    clock: Clock,
    random: Random,
}

/// What of the request the reply depends on.
struct RequestHead {
    info: RequestInfo,
    method: Method,
    start: Instant,
    authenticated: bool,
    origin: Option<HeaderValue>,
    accept_encoding: Option<HeaderValue>,
    conditions: Option<HeaderMap>,
}

impl HttpService {
    /// Puts the outer layer around the routes.
    pub fn new(router: Router, settings: WebSettings, clock: Clock, random: Random) -> HttpService {
        let cors = Cors::new(&settings.cors_origins);
        let shared = Shared { settings: Arc::new(settings), cors, clock, random };
        HttpService { router: router.layer(NoteRoute), shared: Arc::new(shared) }
    }
}

impl Service<Request> for HttpService {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A router is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let asked = shared.receive(&mut request);
        let early = match request.extensions().get::<NoHost>() {
            None => shared.cors.preflight(request.method(), request.headers()),
            Some(NoHost) => Some(no_host().into_response()),
        };
        let mut router = self.router.clone();
        Box::pin(async move {
            let response = match early {
                Some(response) => response,
                None => {
                    let run = async move { router.call(request).await };
                    let guarded = AssertUnwindSafe(run).catch_unwind();
                    match in_time(&asked.info, guarded).await {
                        Some(Ok(Ok(response))) => response,
                        Some(Ok(Err(never))) => match never {},
                        Some(Err(panic)) => panicked(panic.as_ref()).into_response(),
                        None => too_slow().into_response(),
                    }
                }
            };
            Ok(shared.answer(asked, response).await)
        })
    }
}

/// Waits as long as a request may take. Whether its route takes a file is known only once it is routed.
async fn in_time<T>(info: &RequestInfo, work: impl Future<Output = T>) -> Option<T> {
    let WebSettings { request_timeout, upload_timeout, .. } = info.settings();
    tokio::pin!(work);
    match tokio::time::timeout(*request_timeout, work.as_mut()).await {
        Err(_) if info.takes_file() => {
            tokio::time::timeout(upload_timeout.saturating_sub(*request_timeout), work).await.ok()
        }
        done => done.ok(),
    }
}

pub(super) fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    Error::internal(format!("panic: {}", text.unwrap_or("no message")))
}

fn no_host() -> Error {
    Error::bad_request("HOST_INVALID", "Send one `Host` header (RFC 9112)")
}

fn too_slow() -> Error {
    let detail =
        "The server could not finish this in time; repeat it, a change with the same Idempotency-Key";
    Error::unavailable("REQUEST_TIMED_OUT", detail, Duration::from_secs(1))
}

impl Shared {
    fn receive(&self, request: &mut Request) -> RequestHead {
        trim_slash(request.uri_mut());
        let headers = request.headers();
        let id = match headers.get(REQUEST_ID).filter(|id| is_sane_id(id)) {
            Some(id) => id.clone(),
            None => {
                let id = self.random.uuid(self.clock.now());
                let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
                let text = id.as_hyphenated().encode_lower(&mut text);
                HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unknown"))
            }
        };
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let conditional = reads && headers.contains_key(header::IF_NONE_MATCH);
        let asked = RequestHead {
            info: RequestInfo::new(id, request.uri().clone(), Arc::clone(&self.settings)),
            method: request.method().clone(),
            start: Instant::now(),
            authenticated: headers.contains_key(header::AUTHORIZATION)
                || headers.contains_key(header::COOKIE),
            origin: headers.get(header::ORIGIN).cloned(),
            accept_encoding: headers.get(header::ACCEPT_ENCODING).cloned(),
            conditions: conditional.then(|| headers.clone()),
        };
        request.extensions_mut().insert(asked.info.clone());
        asked
    }

    async fn answer(&self, asked: RequestHead, mut response: Response) -> Response {
        let error_code = self.write_problem(&asked, &mut response);
        if let Some(wanted) = &asked.conditions
            && response.status() == StatusCode::OK
            && reply::none_match(wanted, response.headers())
        {
            not_modified(&mut response);
        }
        self.cors.mark(asked.origin.as_ref(), response.headers_mut());
        add_headers(&asked, response.headers_mut());
        let response = sending::watched(&asked.info, self.compress(&asked, response).await);
        note(&asked, response.status(), error_code);
        response
    }

    /// Turns an error, also one of the router's own, into the reply that a client reads; logs it once, and gives its
    /// code for the access log.
    fn write_problem(&self, asked: &RequestHead, response: &mut Response) -> Option<&'static str> {
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return None;
        }
        let headers = response.headers();
        let kind = headers.get(header::CONTENT_TYPE);
        // The router's own replies are empty or plain text; whoever set another type has answered already.
        let bare = kind.is_none_or(|k| k.as_bytes().starts_with(b"text/plain"));
        let error = match problem::take_error(response) {
            Some(error) => error,
            None if bare => Arc::new(problem::of_bare_status(status)?),
            None => return None,
        };
        let id = asked.info.id();
        problem::log(&error, id);
        if bare {
            problem::render(&error, id, self.clock.now(), response);
        }
        Some(error.code())
    }

    async fn compress(&self, asked: &RequestHead, mut response: Response) -> Response {
        if !is_worth_compressing(self.settings.compress_from, &response) {
            return response;
        }
        let Some(accepted) = &asked.accept_encoding else {
            response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
            return response;
        };
        let mut request = Request::new(Body::empty());
        request.headers_mut().insert(header::ACCEPT_ENCODING, accepted.clone());
        let mut reply = Some(response);
        let inner = tower::service_fn(move |_: Request| {
            std::future::ready(Ok::<_, Infallible>(reply.take().unwrap_or_default()))
        });
        let mut service = Compression::new(inner).quality(CompressionLevel::Fastest);
        match service.call(request).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    }
}

fn is_worth_compressing(from: u64, response: &Response) -> bool {
    let headers = response.headers();
    if response.body().size_hint().exact().is_some_and(|n| n < from)
        || headers.contains_key(header::CONTENT_ENCODING)
    {
        return false;
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    // Server-sent events would be held back until a block is full.
    (kind.starts_with("text/") && kind != "text/event-stream")
        || kind.ends_with("json")
        || kind.ends_with("javascript")
        || matches!(kind, "image/svg+xml" | "application/xml")
}

fn not_modified(response: &mut Response) {
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.body_mut() = Body::empty();
    response.headers_mut().remove(header::CONTENT_TYPE);
    response.headers_mut().remove(header::CONTENT_LENGTH);
}

fn add_headers(asked: &RequestHead, headers: &mut HeaderMap) {
    headers.insert(REQUEST_ID, asked.info.id_header());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    let is_page = headers.get(header::CONTENT_TYPE).is_some_and(|k| k.as_bytes().starts_with(b"text/html"));
    let policy = if is_page { PAGE_POLICY } else { API_POLICY };
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    if asked.authenticated {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
}

/// Figures and the access log. Never the path or the query: they hold names and addresses.
fn note(asked: &RequestHead, status: StatusCode, error_code: Option<&str>) {
    let took = asked.start.elapsed();
    let method = match asked.method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        // Anybody can invent methods; each would be a new time series.
        _ => "OTHER",
    };
    let route = asked.info.route().unwrap_or("none");
    let status = status.as_u16();
    metrics::counter!(
        "http_requests_total", "method" => method, "route" => route.to_owned(), "status" => status.to_string()
    )
    .increment(1);
    metrics::histogram!("http_request_duration_seconds", "method" => method, "route" => route.to_owned())
        .record(took.as_secs_f64());
    // To the microsecond: further digits are noise.
    let ms = (took.as_secs_f64() * 1e6).round() / 1e3;
    tracing::info!(target: ACCESS, request_id = asked.info.id(), method, route, status, ms, error_code, "request");
}

/// A request id from outside is taken if it can do no harm in a log or a header.
fn is_sane_id(id: &HeaderValue) -> bool {
    let fine = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=64).contains(&id.len()) && id.as_bytes().iter().all(fine)
}

/// With and without trailing slash are the same route (SPEC 4).
fn trim_slash(uri: &mut Uri) {
    let path = uri.path();
    if path.len() < 2 || !path.ends_with('/') {
        return;
    }
    let mut text = path.trim_end_matches('/').to_owned();
    if text.is_empty() {
        text.push('/');
    }
    if let Some(query) = uri.query() {
        text.push('?');
        text.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    // A prefix of a valid path is a valid path.
    parts.path_and_query = PathAndQuery::from_maybe_shared(Bytes::from(text)).ok();
    if let Ok(trimmed) = Uri::from_parts(parts) {
        *uri = trimmed;
    }
}

/// Remembers the route's template. It sits inside the router because only there is it known.
#[derive(Clone, Copy)]
struct NoteRoute;

#[derive(Clone)]
struct RouteNoted<S>(S);

impl<S> Layer<S> for NoteRoute {
    type Service = RouteNoted<S>;
    fn layer(&self, inner: S) -> RouteNoted<S> {
        RouteNoted(inner)
    }
}

impl<S: Service<Request>> Service<Request> for RouteNoted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }
    fn call(&mut self, request: Request) -> S::Future {
        if let (Some(info), Some(route)) =
            (RequestInfo::of(request.extensions()), request.extensions().get::<MatchedPath>())
        {
            info.set_route(route.clone());
        }
        self.0.call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_slash_forms_are_one_path() {
        let trimmed = |text: &str| {
            let mut uri: Uri = text.parse().unwrap();
            trim_slash(&mut uri);
            uri.to_string()
        };
        assert_eq!(trimmed("/a/b/"), "/a/b");
        assert_eq!(trimmed("/a/b//?x=/&y="), "/a/b?x=/&y=");
        assert_eq!(trimmed("/a/b?x=1/"), "/a/b?x=1/");
        assert_eq!(trimmed("/"), "/");
        assert_eq!(trimmed("//"), "/");
        assert_eq!(trimmed("http://host:1/a/"), "http://host:1/a");
    }

    #[test]
    fn request_ids_from_outside_are_checked() {
        let sane = |text: &str| is_sane_id(&HeaderValue::from_str(text).unwrap());
        assert!(sane("0190b5a4-0000-7000.A_z") && sane(&"a".repeat(64)));
        assert!(!sane("") && !sane(&"a".repeat(65)) && !sane("a b") && !sane("a\"b") && !sane("a=b"));
    }
}
