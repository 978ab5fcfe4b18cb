//! Repeats, files and limits, through the router with a small feature of the test's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use axum::body::Body as Bytes;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use database::Engine;
use database::{args, sql};
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use kernel::web::stream::streamed;
use kernel::web::{Body, Fields, Input, reply};
use kernel::{Error, Result};
use platform::access::{Caller, Credential, Permissions, Reach};
use platform::app::{App, BoxFuture, Feature, Parts, ProcessState};
use platform::ctx::Ctx;
use platform::http::guard::ShowsSecret;
use platform::http::upload::Upload;
use platform::test::{TestApp, TestRequest, on_both_engines, on_both_engines_with};
use serde_json::json;
use tokio::sync::{Notify, Semaphore};
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// Every token is a user of its own, of the staff if it begins so.
fn authenticate<'a>(app: &'a App, bearer: &'a str) -> BoxFuture<'a, Result<Arc<Caller>>> {
    Box::pin(async move {
        let scene = app.state::<Scene>();
        if scene.ended.load(Ordering::SeqCst) {
            return Err(Error::unauthorized("SESSION_ENDED", "it has ended"));
        }
        let user = Uuid::from_u128(u128::from(bearer.len() as u64));
        Ok(Arc::new(Caller {
            credential: Credential::Session(user),
            user_id: Some(user),
            name: bearer.to_owned(),
            role: if scene.demoted.load(Ordering::SeqCst) { "less".to_owned() } else { "role".to_owned() },
            reach: if bearer.starts_with("staff") { Reach::All } else { Reach::Own },
            permissions: Permissions::from_codes(["all"]),
            company_id: None,
        }))
    })
}

#[derive(Default)]
struct Scene {
    runs: AtomicU32,
    ended: AtomicBool,
    demoted: AtomicBool,
    arrived: Notify,
    go: Semaphore0,
}

impl ProcessState for Scene {
    fn new(_: &Parts) -> Scene {
        Scene::default()
    }
}

/// A semaphore that begins with nothing.
struct Semaphore0(Semaphore);
impl Default for Semaphore0 {
    fn default() -> Semaphore0 {
        Semaphore0(Semaphore::new(0))
    }
}

async fn write(ctx: &Ctx) -> Result<()> {
    let mut tx = ctx.write().await?;
    ctx.app().state::<Scene>().runs.fetch_add(1, Ordering::SeqCst);
    tx.exec(sql!("INSERT INTO setting (name, value) VALUES ($1, '')"), args![ctx.new_id().to_string()])
        .await?;
    tx.commit().await
}

fn done(ctx: &Ctx) -> Response {
    reply::json(StatusCode::CREATED, &json!({ "id": ctx.new_id(), "text": "x".repeat(2000) }))
}

/// Stays in its transaction until it may go on.
#[utoipa::path(post, path = "/api/v1/slow", responses((status = 201)))]
async fn slow(ctx: Ctx) -> Result<Response> {
    let scene = ctx.app().state::<Scene>();
    let tx = ctx.write().await?;
    scene.arrived.notify_one();
    scene.go.0.acquire().await.map_err(|e| Error::internal("the gate").with_source(e))?.forget();
    tx.commit().await?;
    Ok(done(&ctx))
}

#[utoipa::path(post, path = "/api/v1/plain", responses((status = 201)))]
async fn plain(ctx: Ctx) -> Result<Response> {
    write(&ctx).await?;
    Ok(done(&ctx))
}

#[utoipa::path(post, path = "/api/v1/secret", responses((status = 201)))]
async fn secret(ctx: Ctx) -> Result<Response> {
    write(&ctx).await?;
    let mut response = done(&ctx);
    response.extensions_mut().insert(ShowsSecret);
    Ok(response)
}

#[utoipa::path(put, path = "/api/v1/file", responses((status = 201)),
    request_body(content = String, content_type = "application/octet-stream"))]
async fn file(ctx: Ctx, upload: Upload) -> Result<Response> {
    let file = upload.put_aside(&std::env::temp_dir(), 1 << 20).await?;
    let size = file.metadata().map_err(|e| Error::internal("a file").with_source(e))?.len();
    write(&ctx).await?;
    Ok(reply::json(StatusCode::CREATED, &json!({ "size": size, "id": ctx.new_id() })))
}

struct Thing;
impl Input for Thing {
    const NAME: &'static str = "Thing";
    const EMPTY_CHANGES_NOTHING: bool = true;
    fn read(f: &mut Fields<'_>) -> Option<Thing> {
        f.text("name", 10);
        f.build(|| Thing)
    }
}
type ThingBody = Body<Thing>;

#[utoipa::path(patch, path = "/api/v1/thing", request_body = ThingBody, responses((status = 201)))]
async fn thing(ctx: Ctx, Body(Thing): ThingBody) -> Result<Response> {
    ctx.write().await?.commit().await?;
    Ok(done(&ctx))
}

#[utoipa::path(get, path = "/api/v1/plain", responses((status = 200)))]
async fn read(ctx: Ctx) -> Result<Response> {
    let mut tx = ctx.read().await?;
    let keys = tx.one(sql!("SELECT count(*) AS n FROM idempotency_key" => i64), []).await?;
    Ok(reply::json(StatusCode::OK, &json!({ "keys": keys })))
}

fn feature() -> Feature {
    Feature {
        name: "limits",
        service: "",
        routes: || {
            OpenApiRouter::new()
                .routes(routes!(slow))
                .routes(routes!(plain, read))
                .routes(routes!(secret))
                .routes(routes!(file))
                .routes(routes!(thing))
        },
        jobs: &[],
        periodic: &[],
        start: None,
        authenticate: Some(authenticate),
    }
}

fn keyed(request: TestRequest, key: &str) -> TestRequest {
    request.bearer("staff").header("idempotency-key", key)
}

async fn keys(app: &TestApp) -> i64 {
    app.get("/api/v1/plain").bearer("staff").send().await.expect(200)["keys"].as_i64().expect("a number")
}

fn runs(app: &TestApp) -> u32 {
    app.app.state::<Scene>().runs.load(Ordering::SeqCst)
}

/// More than PostgreSQL's connections: one each, and nothing else would go on.
#[tokio::test]
async fn repeats_of_a_request_that_is_running_are_refused_at_once_and_hold_nothing() {
    on_both_engines(&[feature()], async |app| {
        let scene = app.app.state::<Scene>();
        let mut first = Box::pin(keyed(app.post("/api/v1/slow"), "k").send());
        let replies = async {
            scene.arrived.notified().await;
            let repeats = (0..40).map(|_| keyed(app.post("/api/v1/slow"), "k").send());
            for reply in futures_util::future::join_all(repeats).await {
                reply.expect_error(409, "IDEMPOTENCY_KEY_IN_USE");
                assert_eq!(reply.header("retry-after"), "1");
            }
            assert_eq!(keys(app).await, 0, "others go on");
            scene.go.0.add_permits(1);
        };
        let (first, ()) = futures_util::future::join(first.as_mut(), replies).await;
        first.expect(201);
        let again = keyed(app.post("/api/v1/slow"), "k").send().await;
        assert_eq!(
            (again.bytes, again.headers["idempotent-replayed"].as_bytes()),
            (first.bytes, b"true".as_slice())
        );
    })
    .await;
}

#[tokio::test]
async fn repeats_on_another_node_are_refused_as_well() {
    on_both_engines(&[feature()], async |app| {
        if app.app.db.engine() == Engine::Sqlite {
            // There a repeat waits for its turn to write, as everybody does.
            return;
        }
        let node = TestApp::process(&app.db, &[feature()], &[]).await;
        let (router, _) = platform::app::routes(&node, &[feature()]).unwrap();
        let elsewhere = async || {
            let request = Request::post("/api/v1/slow").header("authorization", "Bearer staff");
            let request = request.header("idempotency-key", "k").body(Bytes::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap()
        };
        let scene = app.app.state::<Scene>();
        let first = keyed(app.post("/api/v1/slow"), "k").send();
        let replies = async {
            scene.arrived.notified().await;
            let refused = elsewhere().await;
            assert_eq!(kernel::web::problem::error_of(&refused).unwrap().code(), "IDEMPOTENCY_KEY_IN_USE");
            scene.go.0.add_permits(1);
        };
        let (first, ()) = futures_util::future::join(first, replies).await;
        first.expect(201);
        let again = elsewhere().await;
        assert_eq!(
            (again.status().as_u16(), again.headers()["idempotent-replayed"].as_bytes()),
            (201, b"true".as_slice())
        );
    })
    .await;
}

#[tokio::test]
async fn a_key_is_honoured_whatever_type_a_body_says_it_has() {
    let types = [
        "text/plain;charset=UTF-8",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "image/png",
    ];
    on_both_engines(&[feature()], async |app| {
        for (n, kind) in types.iter().enumerate() {
            for again in ["", "true"] {
                let sent = keyed(app.post("/api/v1/plain"), kind).body(kind, "").send().await;
                sent.expect(201);
                assert_eq!(sent.header("idempotent-replayed"), again, "{kind}");
            }
            assert_eq!(runs(app) as usize, n + 1);
        }
        // The query is a part of what was asked.
        keyed(app.post("/api/v1/plain"), "q").send().await.expect(201);
        let other = keyed(app.post("/api/v1/plain?a=1"), "q").send().await;
        other.expect_error(422, "IDEMPOTENCY_KEY_REUSED");
    })
    .await;
}

fn form(boundary: &str, file: &str) -> (String, String) {
    let head = "Content-Disposition: form-data; name=\"f\"; filename=\"f.csv\"\r\nContent-Type: text/csv";
    let body = format!("--{boundary}\r\n{head}\r\n\r\n{file}\r\n--{boundary}--\r\n");
    (format!("multipart/form-data; boundary={boundary}"), body)
}

#[tokio::test]
async fn a_file_that_is_sent_again_gets_the_first_answer() {
    on_both_engines(&[feature()], async |app| {
        let send = async |key: &str, kind: &str, file: &str| {
            let reply = keyed(app.put("/api/v1/file"), key).body(kind, file).send().await;
            let replayed = reply.header("idempotent-replayed") == "true";
            (reply, replayed)
        };
        let (first, replayed) = send("k", "text/csv", "some text").await;
        assert_eq!((first.expect(201)["size"].as_u64(), replayed), (Some(9), false));
        let (again, replayed) = send("k", "text/csv", "some text").await;
        assert_eq!((&again.bytes, replayed), (&first.bytes, true));
        send("k", "text/csv", "other text").await.0.expect_error(422, "IDEMPOTENCY_KEY_REUSED");
        send("k", "text/plain", "some text").await.0.expect_error(422, "IDEMPOTENCY_KEY_REUSED");
        for (boundary, file, expected) in
            [("one", "a", (201, false)), ("two", "a", (201, true)), ("two", "b", (422, false))]
        {
            let (kind, body) = form(boundary, file);
            let (reply, replayed) = send("form", &kind, &body).await;
            assert_eq!((reply.status.as_u16(), replayed), expected);
        }
        assert_eq!((runs(app), keys(app).await), (2, 2));
    })
    .await;
}

#[tokio::test]
async fn whoever_was_refused_while_a_file_was_on_its_way_gets_nothing_done() {
    on_both_engines(&[feature()], async |app| {
        let (router, _) = platform::app::routes(&app.app, &[feature()]).unwrap();
        let scene = app.app.state::<Scene>();
        for (flag, status, code) in
            [(&scene.ended, 401, "SESSION_ENDED"), (&scene.demoted, 403, "RIGHTS_CHANGED")]
        {
            let seen = app.app.state::<Scene>();
            let half = stream::iter([Ok("half of it")]);
            let rest = stream::once(async move {
                if status == 401 { &seen.ended } else { &seen.demoted }.store(true, Ordering::SeqCst);
                Ok::<_, std::convert::Infallible>("the rest")
            });
            let request = Request::put("/api/v1/file").header("authorization", "Bearer staff");
            let request = request.body(streamed(half.chain(rest))).unwrap();
            let refused = router.clone().oneshot(request).await.unwrap();
            let error = kernel::web::problem::error_of(&refused).unwrap();
            assert_eq!((refused.status().as_u16(), error.code()), (status, code));
            flag.store(false, Ordering::SeqCst);
        }
        assert_eq!(runs(app), 0);
        app.put("/api/v1/file").bearer("staff").body("text/csv", "whole").send().await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_is_on_its_way_keeps_its_key() {
    on_both_engines(&[feature()], async |app| {
        let (router, _) = platform::app::routes(&app.app, &[feature()]).unwrap();
        let endless = streamed(stream::pending::<Result<String, std::convert::Infallible>>());
        let request = Request::put("/api/v1/file").header("authorization", "Bearer staff");
        let request = request.header("idempotency-key", "k").body(endless).unwrap();
        let mut first = Box::pin(router.oneshot(request));
        assert!(first.as_mut().now_or_never().is_none());
        let send = || keyed(app.put("/api/v1/file"), "k").body("text/csv", "x").send();
        send().await.expect_error(409, "IDEMPOTENCY_KEY_IN_USE");
        drop(first);
        send().await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn an_answer_with_a_secret_is_not_kept() {
    on_both_engines(&[feature()], async |app| {
        let send = || keyed(app.post("/api/v1/secret"), "k").send();
        send().await.expect(201);
        send().await.expect_error(409, "IDEMPOTENCY_REPLY_NOT_KEPT");
        assert_eq!(runs(app), 1);
        let ctx = app.system();
        let mut tx = ctx.read().await.unwrap();
        let stored = tx.one(sql!("SELECT body FROM idempotency_key" => Vec<u8>), []).await.unwrap();
        assert!(stored.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_request_for_nothing_leaves_no_record() {
    on_both_engines(&[feature()], async |app| {
        for body in [json!({}), json!({}), json!({"name": "x"})] {
            keyed(app.patch("/api/v1/thing"), "k").json(body).send().await.expect(201);
        }
        assert_eq!(keys(app).await, 1);
    })
    .await;
}

#[tokio::test]
async fn changes_are_limited_per_account_and_those_of_the_staff_apart() {
    let settings = [("limits.customer_writes_per_minute", "2"), ("limits.staff_writes_per_minute", "3")];
    on_both_engines_with(&[feature()], &settings, async |app| {
        let write = |who: &'static str| app.post("/api/v1/plain").bearer(who).send();
        let first = write("ann").await;
        first.expect(201);
        assert_eq!(first.header("ratelimit-policy"), "\"writes\";q=2;w=60, \"written-kib\";q=16384;w=86400");
        assert_eq!(first.header("ratelimit"), "\"writes\";r=1;t=60, \"written-kib\";r=16383;t=86400");
        write("ann").await.expect(201);
        let refused = write("ann").await;
        refused.expect_error(429, "RATE_LIMITED");
        assert_eq!(
            (refused.header("retry-after"), refused.header("ratelimit")),
            ("30", "\"writes\";r=0;t=60")
        );
        app.get("/api/v1/plain").bearer("ann").send().await.expect(200);
        write("robert").await.expect(201);
        for _ in 0..3 {
            write("staff").await.expect(201);
        }
        write("staff").await.expect_error(429, "RATE_LIMITED");
        assert_eq!(runs(app), 6);
    })
    .await;
}

#[tokio::test]
async fn what_a_customer_sends_and_keeps_in_a_day_is_bounded() {
    let settings = [
        ("limits.customer_bytes_per_day", "8192"),
        ("limits.customer_answers_per_day", "3"),
        ("limits.customer_answer_bytes_per_day", "4096"),
    ];
    on_both_engines_with(&[feature()], &settings, async |app| {
        let keyed = |who: &'static str, key: &str| {
            app.post("/api/v1/plain").bearer(who).header("idempotency-key", key).send()
        };
        // An answer takes 3 KiB: there is room for one. The others happen once as well.
        keyed("ann", "a").await.expect(201);
        assert_eq!(keyed("ann", "a").await.header("idempotent-replayed"), "true");
        keyed("ann", "b").await.expect(201);
        keyed("ann", "b").await.expect_error(429, "RATE_LIMITED");
        assert_eq!(runs(app), 2);
        let refused = keyed("ann", "c").await;
        refused.expect_error(429, "RATE_LIMITED");
        assert!(refused.header("ratelimit").contains("\"idempotency-keys\";r=0"));
        // A day allows more, and what was not kept is told.
        app.advance(std::time::Duration::from_secs(12 * 3600));
        keyed("ann", "b").await.expect_error(409, "IDEMPOTENCY_REPLY_NOT_KEPT");
        let large = |who: &'static str| {
            app.post("/api/v1/plain").bearer(who).body("text/plain", vec![b'x'; 5 * 1024]).send()
        };
        large("robert").await.expect(201);
        large("robert").await.expect_error(429, "RATE_LIMITED");
        large("staff").await.expect(201);
        large("staff").await.expect(201);
    })
    .await;
}

/// No route whose documentation does not say so takes a file: it would be held whole in memory first.
#[tokio::test]
async fn pieces_are_read_to_their_end_and_not_beyond() {
    let body = Bytes::from("x");
    let mut request = Request::new(body);
    request.headers_mut().insert("content-type", "text/csv".parse().unwrap());
    let upload = <Upload as axum::extract::FromRequest<()>>::from_request(request, &()).await.unwrap();
    let mut pieces = upload.pieces;
    assert_eq!(pieces.try_next().await.unwrap().unwrap(), "x");
    for _ in 0..3 {
        assert!(pieces.try_next().await.unwrap().is_none());
    }
}
