//! The outer layer, bodies and tags, each through the router.

use std::sync::Arc;

use axum::extract::Path;
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use parking_lot::Mutex;
use serde_json::json;

use super::*;
use crate::web::body::{Fields, Input};
use crate::web::reply::{Created, ETag, IfMatch, NoContent, WithETag};
use crate::web::{Body as JsonBody, RequestInfo, problem};
use crate::{Error, Kind, Result};

struct Note(String);
impl Input for Note {
    const NAME: &'static str = "Note";
    fn read(f: &mut Fields<'_>) -> Option<Note> {
        let text = f.need_text("text", 100);
        f.build(|| Note(text.get()))
    }
}

struct Nothing;
impl Input for Nothing {
    const NAME: &'static str = "Nothing";
    const EMPTY_OK: bool = true;
    fn read(f: &mut Fields<'_>) -> Option<Nothing> {
        f.build(|| Nothing)
    }
}

async fn create(JsonBody(note): JsonBody<Note>) -> Created<Value> {
    Created { location: "/notes/1".into(), tag: Some(ETag::of(&[&1])), body: json!({"text": note.0}) }
}

async fn read() -> WithETag<Value> {
    WithETag(ETag::of(&[&3, &"admin"]), json!({"version": 3}))
}

async fn change(if_match: IfMatch) -> Result<NoContent> {
    if_match.check(&ETag::of(&[&3, &"admin"]), 3)?;
    Ok(NoContent)
}

async fn fail(Path(kind): Path<String>) -> Error {
    match kind.as_str() {
        "inside" => {
            Error::internal("password of the database is 123").with_source(std::io::Error::other("disk"))
        }
        "lost" => Error::new(Kind::Transient, "CONNECTION_LOST", "host db-7 closed the connection"),
        _ => Error::conflict("NOTE_EXISTS", "There is such a note already"),
    }
}

fn router() -> Router {
    let nested = Router::new().route("/{id}", get(|info: RequestInfo| async move { info.uri().to_string() }));
    Router::new()
        .route("/notes", post(create))
        .route("/notes/1", get(read).patch(change))
        .route("/empty", post(async |_: JsonBody<Nothing>| NoContent))
        .route("/fail/{kind}", get(fail))
        .route("/panic", get(async || -> NoContent { panic!("secret of the inside") }))
        .route("/never", get(async || std::future::pending::<NoContent>().await))
        .route("/number/{n}", get(async |Path(n): Path<u32>| n.to_string()))
        .route("/page", get(async || Html("<p>hello</p>")))
        .route("/big", get(async || axum::Json("x".repeat(5000))))
        .route("/small", get(async || axum::Json("x")))
        .route("/events", get(async || ([("content-type", "text/event-stream")], "x".repeat(5000))))
        .route("/public", get(async || ([("cache-control", "max-age=60")], "x")))
        .nest("/nested", nested)
}

fn app() -> HttpService {
    edge(router(), settings())
}

async fn post_json(path: &str, kind: &str, body: impl Into<Body>) -> Reply {
    send(&app(), Method::POST, path, &[("content-type", kind)], body).await
}

#[tokio::test]
async fn every_reply_has_a_request_id() {
    let app = app();
    let reply = fetch(&app, "/small", &[]).await;
    assert_eq!(uuid::Uuid::parse_str(reply.header("x-request-id")).unwrap().get_version_num(), 7);
    assert_eq!(
        fetch(&app, "/small", &[("x-request-id", "abc.1-2_3")]).await.header("x-request-id"),
        "abc.1-2_3"
    );
    assert_ne!(fetch(&app, "/small", &[("x-request-id", "a b")]).await.header("x-request-id"), "a b");
}

#[tokio::test]
async fn the_routers_own_refusals_are_problems() {
    let app = app();
    assert_eq!(fetch(&app, "/nowhere", &[]).await.problem(), (404, "ROUTE_NOT_FOUND".into()));
    let reply = send(&app, Method::DELETE, "/notes/1", &[], Body::empty()).await;
    assert_eq!(reply.problem(), (405, "METHOD_NOT_ALLOWED".into()));
    assert_eq!(reply.header("allow"), "GET,HEAD,PATCH");
    assert_eq!(fetch(&app, "/number/seven", &[]).await.problem(), (400, "REQUEST_UNREADABLE".into()));
}

#[tokio::test]
async fn a_failure_shows_nothing_of_the_inside() {
    let app = app();
    for (path, status) in [("/fail/inside", 500), ("/fail/lost", 503), ("/panic", 500)] {
        let reply = fetch(&app, path, &[]).await;
        assert_eq!(reply.problem().0, status, "{path}");
        let text = String::from_utf8(reply.bytes).unwrap();
        assert!(!text.contains("password") && !text.contains("db-7") && !text.contains("secret"), "{text}");
    }
    assert_eq!(fetch(&app, "/fail/lost", &[]).await.header("retry-after"), "1");
    let reply = fetch(&app, "/fail/other", &[]).await;
    assert_eq!(reply.problem(), (409, "NOTE_EXISTS".into()));
    assert_eq!(reply.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_request_that_never_ends_is_ended() {
    let short = WebSettings { request_timeout: Duration::from_millis(1), ..settings() };
    let reply = fetch(&edge(router(), short), "/never", &[]).await;
    assert_eq!(reply.problem(), (503, "REQUEST_TIMED_OUT".into()));
}

#[tokio::test]
async fn a_layer_between_sees_the_error() {
    let seen = Arc::new(Mutex::new(None));
    let layered = {
        let seen = Arc::clone(&seen);
        router().layer(axum::middleware::map_response(move |response: axum::response::Response| {
            *seen.lock() = problem::error_of(&response).map(|e| (e.kind(), e.code()));
            std::future::ready(response)
        }))
    };
    fetch(&edge(layered, settings()), "/fail/lost", &[]).await;
    assert_eq!(*seen.lock(), Some((Kind::Transient, "CONNECTION_LOST")));
}

#[tokio::test]
async fn both_slash_forms_are_one_route() {
    let app = app();
    assert_eq!(fetch(&app, "/small/", &[]).await.status, 200);
    let reply = fetch(&app, "/nested/5/?a=b/", &[]).await;
    assert_eq!(reply.bytes, b"/nested/5?a=b/");
}

#[tokio::test]
async fn a_body_is_read_and_its_faults_are_listed() {
    let reply = post_json("/notes/", "application/json", r#"{"text":" hi "}"#).await;
    assert_eq!((reply.status.as_u16(), reply.json()), (201, json!({"text": "hi"})));
    assert_eq!((reply.header("location"), reply.header("etag")), ("/notes/1", "\"1\""));
    let reply = post_json("/notes", "application/json", r#"{"txt":1}"#).await;
    assert_eq!(reply.problem(), (422, "VALIDATION_FAILED".into()));
    assert_eq!(reply.json()["errors"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn media_types_are_checked() {
    for kind in
        ["application/json; charset=UTF-8", "Application/Merge-Patch+JSON", "application/vnd.x+json;v=1"]
    {
        assert_eq!(post_json("/notes", kind, r#"{"text":"x"}"#).await.status, 201, "{kind}");
    }
    // What a browser's `fetch` says of a text.
    let kind = "text/plain;charset=UTF-8";
    assert_eq!(post_json("/notes", kind, r#"{"text":"x"}"#).await.status, 201);
    assert_eq!(post_json("/notes", kind, "text=x").await.problem(), (415, "UNSUPPORTED_MEDIA_TYPE".into()));
    assert_eq!(post_json("/notes", kind, r#"{"text":"x","text":"y"}"#).await.problem().0, 400);
    for kind in [
        "text/plain; charset=latin1",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin1",
        "text/json+json",
    ] {
        let reply = post_json("/notes", kind, r#"{"text":"x"}"#).await;
        assert_eq!(reply.problem(), (415, "UNSUPPORTED_MEDIA_TYPE".into()), "{kind}");
    }
    let none = send(&app(), Method::POST, "/notes", &[], r#"{"text":"x"}"#).await;
    assert_eq!(none.problem().0, 415);
    let coded = [("content-type", "application/json"), ("content-encoding", "gzip")];
    assert_eq!(send(&app(), Method::POST, "/notes", &coded, "x").await.problem().0, 415);
}

#[tokio::test]
async fn an_empty_body_is_an_empty_object_only_where_that_makes_sense() {
    assert_eq!(send(&app(), Method::POST, "/empty", &[], Body::empty()).await.status, 204);
    let form = [("content-type", "application/x-www-form-urlencoded"), ("content-length", "0")];
    assert_eq!(send(&app(), Method::POST, "/empty", &form, Body::empty()).await.status, 204);
    assert_eq!(post_json("/empty", "application/json", "null").await.status, 204);
    assert_ne!(post_json("/notes", "application/json", "null").await.status, 201);
    assert_eq!(post_json("/empty", "application/json", r#"{"x":1}"#).await.problem().0, 422);
    let reply = send(&app(), Method::POST, "/notes", &[], Body::empty()).await;
    assert_eq!(reply.problem(), (400, "JSON_INVALID".into()));
}

#[tokio::test]
async fn bodies_are_bounded() {
    let big = format!("{{\"text\":\"{}\"}}", "x".repeat(1024 * 1024));
    assert_eq!(
        post_json("/notes", "application/json", big.clone()).await.problem(),
        (413, "BODY_TOO_LARGE".into())
    );
    let chunks =
        big.into_bytes().chunks(1000).map(|c| Ok::<_, std::io::Error>(c.to_vec())).collect::<Vec<_>>();
    let stream = crate::web::stream::streamed(futures_util::stream::iter(chunks));
    assert_eq!(post_json("/notes", "application/json", stream).await.problem().0, 413);
    let small = WebSettings { body_limit: 10, ..settings() };
    let announced = [("content-type", "application/json"), ("content-length", "11")];
    let reply = send(&edge(router(), small), Method::POST, "/notes", &announced, Body::empty()).await;
    assert_eq!(reply.json()["limit_bytes"], 10);
}

#[tokio::test]
async fn a_body_in_pieces_is_one_body() {
    let pieces = ["{\"te", "xt\":", "\"x\"}"].map(Ok::<_, std::io::Error>);
    let stream = crate::web::stream::streamed(futures_util::stream::iter(pieces));
    assert_eq!(post_json("/notes", "application/json", stream).await.status, 201);
    let broken = [Ok("{"), Err(std::io::Error::other("gone"))];
    let stream = crate::web::stream::streamed(futures_util::stream::iter(broken));
    assert_eq!(
        post_json("/notes", "application/json", stream).await.problem(),
        (400, "BODY_INCOMPLETE".into())
    );
}

#[tokio::test]
async fn a_body_that_never_comes_is_given_up() {
    let short = WebSettings { body_timeout: Duration::from_millis(1), ..settings() };
    let stream =
        crate::web::stream::streamed(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let kind = [("content-type", "application/json")];
    let reply = send(&edge(router(), short), Method::POST, "/notes", &kind, stream).await;
    assert_eq!(reply.problem(), (408, "BODY_TOO_SLOW".into()));
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let app = app();
    let first = fetch(&app, "/notes/1", &[]).await;
    let tag = first.header("etag");
    let again = fetch(&app, "/notes/1", &[("if-none-match", tag)]).await;
    assert_eq!((again.status.as_u16(), again.bytes.len(), again.header("etag")), (304, 0, tag));
    assert!(again.headers.get("content-type").is_none() && !again.header("x-request-id").is_empty());
    let head =
        send(&app, Method::HEAD, "/notes/1", &[("if-none-match", "W/\"3.admin\"")], Body::empty()).await;
    assert_eq!(head.status, 304);
    assert_eq!(fetch(&app, "/notes/1", &[("if-none-match", "\"2\"")]).await.status, 200);
}

#[tokio::test]
async fn a_stale_change_is_refused_with_the_current_version() {
    let patch =
        async |tag: &str| send(&app(), Method::PATCH, "/notes/1", &[("if-match", tag)], Body::empty()).await;
    assert_eq!(patch("\"3.admin\"").await.status, 204);
    let reply = patch("\"2.admin\"").await;
    assert_eq!(reply.problem(), (412, "PRECONDITION_FAILED".into()));
    assert_eq!(reply.json()["current_version"], 3);
}

#[tokio::test]
async fn large_replies_are_compressed() {
    let app = app();
    let coded = async |path, accept| fetch(&app, path, &[("accept-encoding", accept)]).await;
    let reply = coded("/big", "gzip").await;
    assert_eq!((reply.header("content-encoding"), reply.header("vary")), ("gzip", "accept-encoding"));
    assert!(reply.bytes.len() < 500 && reply.bytes.starts_with(&[0x1f, 0x8b]));
    assert_eq!(coded("/big", "br, gzip;q=0.5").await.header("content-encoding"), "gzip");
    assert_eq!(coded("/big", "br").await.header("content-encoding"), "");
    assert_eq!(coded("/big", "identity").await.bytes.len(), 5002);
    assert_eq!(fetch(&app, "/big", &[]).await.header("vary"), "accept-encoding");
    assert_eq!(coded("/small", "gzip").await.header("content-encoding"), "");
    assert_eq!(coded("/events", "gzip").await.header("content-encoding"), "");
}

#[tokio::test]
async fn replies_are_fenced_in() {
    let app = app();
    let reply = fetch(&app, "/small", &[("authorization", "Bearer x")]).await;
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert_eq!(reply.header("referrer-policy"), "no-referrer");
    assert_eq!(reply.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(fetch(&app, "/small", &[]).await.header("cache-control"), "");
    assert_eq!(fetch(&app, "/public", &[("cookie", "a=b")]).await.header("cache-control"), "max-age=60");
    let page = fetch(&app, "/page", &[]).await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"), "{policy}");
}

#[tokio::test]
async fn other_origins_are_refused_unless_configured() {
    let ask = [("origin", "https://shop.example"), ("access-control-request-method", "PATCH")];
    let off = send(&app(), Method::OPTIONS, "/notes/1", &ask, Body::empty()).await;
    assert_eq!((off.status.as_u16(), off.header("access-control-allow-origin")), (405, ""));
    let with = |origin: &str| edge(router(), WebSettings { cors_origins: vec![origin.into()], ..settings() });
    let shop = with("https://Shop.example/");
    let reply = send(&shop, Method::OPTIONS, "/notes/1", &ask, Body::empty()).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("access-control-allow-origin")),
        (204, "https://shop.example")
    );
    assert!(reply.header("access-control-allow-headers").contains("idempotency-key"));
    assert!(reply.headers.get("access-control-allow-credentials").is_none());
    let reply = fetch(&shop, "/fail/other", &ask[..1]).await;
    assert_eq!(
        (reply.header("access-control-allow-origin"), reply.header("vary")),
        ("https://shop.example", "origin")
    );
    let other = [("origin", "https://shop.example.evil"), ask[1]];
    let reply = send(&shop, Method::OPTIONS, "/notes/1", &other, Body::empty()).await;
    assert_eq!((reply.status.as_u16(), reply.header("access-control-allow-origin")), (405, ""));
    assert_eq!(
        fetch(&with("*"), "/small", &other[..1]).await.header("access-control-allow-origin"),
        other[0].1
    );
}

#[derive(Clone, Default)]
pub(super) struct Log(pub(super) Arc<Mutex<Vec<u8>>>);
impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn logs_and_figures_carry_the_route_and_never_the_path() {
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || sink.clone()).with_ansi(false).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let _figures = metrics::set_default_local_recorder(&recorder);
    let app = app();
    fetch(&app, "/nested/ada@example.org?token=t0ps3cret", &[("x-request-id", "r-1")]).await;
    fetch(&app, "/fail/inside", &[("x-request-id", "r-2")]).await;
    fetch(&app, "/hidden/ada", &[]).await;
    let odd = Method::from_bytes(b"ADA").unwrap();
    send(&app, odd, "/small", &[], Body::empty()).await;

    let text = String::from_utf8(log.0.lock().clone()).unwrap();
    let metrics = recorder.handle().render();
    for leak in ["ada@", "t0ps3cret", "/hidden", "ADA"] {
        assert!(!text.contains(leak) && !metrics.contains(leak), "{leak} in\n{text}\n{metrics}");
    }
    assert!(text.contains(r#"request_id="r-1" method="GET" route="/nested/{id}" status=200"#), "{text}");
    assert_eq!(text.matches("password of the database is 123: disk").count(), 1, "{text}");
    assert!(text.contains(r#"ERROR kernel::web::problem: request failed request_id="r-2""#), "{text}");
    assert!(
        metrics.contains(r#"http_requests_total{method="GET",route="/nested/{id}",status="200"} 1"#),
        "{metrics}"
    );
    assert!(
        metrics.contains(r#"http_requests_total{method="OTHER",route="/small",status="405"} 1"#),
        "{metrics}"
    );
    assert!(metrics.contains("http_request_duration_seconds"), "{metrics}");
}

#[tokio::test]
async fn a_page_may_answer_an_error_in_its_own_form() {
    let pages =
        router().layer(axum::middleware::map_response(async |mut response: axum::response::Response| {
            match problem::take_error(&mut response) {
                Some(error) => (response.status(), Html(format!("<h1>{error}</h1>"))).into_response(),
                None => response,
            }
        }));
    let reply = fetch(&edge(pages, settings()), "/fail/other", &[]).await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (409, "text/html; charset=utf-8"));
    assert_eq!(reply.bytes, b"<h1>There is such a note already</h1>");
}
