//! Idempotency, retries and callers, through the router with a small feature of the test's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::StatusCode;
use axum::response::Response;
use database::{args, sql};
use futures_util::FutureExt;
use kernel::web::{Body, Fields, Input, reply};
use kernel::{Error, Kind, Result};
use platform::access::{Caller, Credential, Permissions, Reach};
use platform::app::{App, BoxFuture, Feature, Parts, ProcessState};
use platform::ctx::Ctx;
use platform::http::guard::Public;
use platform::test::{TestApp, on_both_engines};
use serde_json::{Value, json};
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// Every token is a user of its own; `bad` is none. What follows a `/` is the role, reach and company of that user now.
fn authenticate<'a>(app: &'a App, bearer: &'a str) -> BoxFuture<'a, Result<Arc<Caller>>> {
    Box::pin(async move {
        app.state::<Runs>().authenticated.fetch_add(1, Ordering::SeqCst);
        if bearer == "bad" {
            return Err(Error::unauthorized("TOKEN_INVALID", "no"));
        }
        let mut parts = bearer.split('/');
        let user = Uuid::from_u128(u128::from(parts.next().unwrap_or_default().len() as u64));
        Ok(Arc::new(Caller {
            credential: Credential::Session(user),
            user_id: Some(user),
            name: bearer.to_owned(),
            role: parts.next().unwrap_or("admin").to_owned(),
            reach: Reach::from_code(parts.next().unwrap_or("all")),
            permissions: Permissions::from_codes(["all"]),
            company_id: parts.next().and_then(|id| id.parse().ok()).map(Uuid::from_u128),
        }))
    })
}

/// How often each handler ran, and for how many runs it fails first.
#[derive(Default)]
struct Runs {
    count: AtomicU32,
    stale: AtomicU32,
    authenticated: AtomicU32,
    /// What the last transaction was refused with.
    refused: parking_lot::Mutex<Option<&'static str>>,
}

impl ProcessState for Runs {
    fn new(_: &Parts) -> Runs {
        Runs::default()
    }
}

struct Note {
    name: String,
    fail: bool,
    read_after: bool,
    panic: bool,
    /// Customers that the answer tells of, by number.
    of: Vec<i64>,
}

impl Input for Note {
    const NAME: &'static str = "Note";
    fn read(f: &mut Fields<'_>) -> Option<Note> {
        let name = f.need_text("name", 100);
        let flag = |f: &mut Fields<'_>, name: &'static str| f.get::<bool>(name).or(false);
        let (fail, read_after, panic) = (flag(f, "fail"), flag(f, "read_after"), flag(f, "panic"));
        let of = f.list("of", 10).or(Vec::new());
        f.build(|| Note { name: name.get(), fail, read_after, panic, of })
    }
}

type NoteBody = Body<Note>;

#[utoipa::path(post, path = "/api/v1/notes", request_body = NoteBody, responses((status = 201)))]
async fn create(ctx: Ctx, Body(note): NoteBody) -> Result<Response> {
    let runs = ctx.app().state::<Runs>();
    runs.count.fetch_add(1, Ordering::SeqCst);
    let refused = |e: &Error| *runs.refused.lock() = Some(e.code());
    let mut tx = ctx.write().await.inspect_err(refused)?;
    note.of.iter().for_each(|n| ctx.concerns(customer(*n)));
    for half in ["a", "b"] {
        let name = format!("{}-{}-{half}", note.name, ctx.new_id());
        tx.exec(sql!("INSERT INTO setting (name, value) VALUES ($1, $2)"), args![name, note.name]).await?;
    }
    if runs.stale.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
        return Err(Error::new(Kind::Stale, "CONFLICT", "changed meanwhile"));
    }
    if note.fail {
        return Err(Error::conflict("NAME_TAKEN", "taken"));
    }
    assert!(!note.panic, "as asked");
    tx.commit().await?;
    let mut known = -1;
    if note.read_after {
        let mut tx = ctx.read().await?;
        known = tx
            .one(sql!("SELECT count(*) AS n FROM setting WHERE value = $1" => i64), args![note.name])
            .await?;
    }
    Ok(reply::json(StatusCode::CREATED, &json!({"name": note.name, "known": known, "id": ctx.new_id()})))
}

#[utoipa::path(get, path = "/api/v1/notes", responses((status = 200)))]
async fn count(ctx: Ctx) -> Result<Response> {
    let mut tx = ctx.read().await?;
    let rows = tx.one(sql!("SELECT count(*) AS n FROM setting WHERE name LIKE '%-_'" => i64), []).await?;
    Ok(reply::json(StatusCode::OK, &json!({ "rows": rows })))
}

#[utoipa::path(get, path = "/api/v1/open", responses((status = 200)))]
async fn open(Public(ctx): Public) -> Result<Response> {
    Ok(reply::json(StatusCode::OK, &json!({ "ip": ctx.request().ip.map(|ip| ip.to_string()) })))
}

/// Fails as often as it is told to, as a row that somebody else changed would.
#[utoipa::path(post, path = "/api/v1/open", responses((status = 200)))]
async fn knock(Public(ctx): Public) -> Result<Response> {
    let runs = ctx.app().state::<Runs>();
    match runs.stale.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)) {
        Ok(_) => Err(Error::new(Kind::Stale, "CONFLICT", "changed meanwhile")),
        Err(_) => Ok(reply::json(StatusCode::OK, &json!({}))),
    }
}

fn feature() -> Feature {
    Feature {
        name: "notes",
        service: "",
        routes: || OpenApiRouter::new().routes(routes!(create, count)).routes(routes!(open, knock)),
        jobs: &[],
        periodic: &[],
        start: None,
        authenticate: Some(authenticate),
    }
}

/// A customer of the tests.
fn customer(n: i64) -> Uuid {
    Uuid::from_u128(n.unsigned_abs().into())
}

async fn rows(app: &TestApp) -> i64 {
    app.get("/api/v1/notes").bearer("a").send().await.expect(200)["rows"].as_i64().expect("a number")
}

fn note(app: &TestApp, key: &str, body: Value) -> platform::test::TestRequest {
    app.post("/api/v1/notes/").bearer("a").header("idempotency-key", key).json(body)
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    on_both_engines(&[feature()], async |app| {
        for body in [json!({"name": "x"}), json!({"name": "y", "read_after": true})] {
            let key = body["name"].as_str().unwrap();
            let first = note(app, key, body.clone()).send().await;
            let again = note(app, key, body.clone()).send().await;
            first.expect(201);
            assert_eq!(again.bytes, first.bytes);
            assert_eq!(again.header("idempotent-replayed"), "true");
            let refused = app.app.state::<Runs>().refused.lock().take();
            assert_eq!(refused, Some("IDEMPOTENT_REPLAY"), "the handler got no transaction");
            assert_eq!(first.header("idempotent-replayed"), "");
        }
        assert_eq!(rows(app).await, 4);
        let other = note(app, "x", json!({"name": "z"})).send().await;
        other.expect_error(422, "IDEMPOTENCY_KEY_REUSED");
        // Another caller's key is another key.
        let other = app.post("/api/v1/notes").bearer("somebody else").header("idempotency-key", "x");
        other.json(json!({"name": "z"})).send().await.expect(201);
        note(app, "", json!({"name": "z"})).send().await.expect_error(400, "IDEMPOTENCY_KEY_INVALID");
        app.advance(std::time::Duration::from_secs(24 * 3600 + 1));
        note(app, "x", json!({"name": "z"})).send().await.expect(201);
        assert_eq!(rows(app).await, 8);
    })
    .await;
}

/// Erases all that is kept of a customer, as far as the kernel knows of it.
async fn forget(app: &TestApp, n: i64) {
    let ctx = app.system();
    let mut tx = ctx.write().await.expect("a transaction");
    platform::idempotency::erase_customer(&mut tx, customer(n)).await.expect("they are deleted");
    tx.commit().await.expect("it commits");
}

#[tokio::test]
async fn an_answer_goes_with_any_of_the_customers_it_tells_of() {
    on_both_engines(&[feature()], async |app| {
        let body = json!({"name": "x", "of": [1, 2]});
        let replayed = async |key: &str| {
            let reply = note(app, key, body.clone()).send().await;
            reply.expect(201);
            reply.header("idempotent-replayed") == "true"
        };
        assert!(!replayed("k").await && replayed("k").await);
        forget(app, 3).await;
        assert!(replayed("k").await, "another customer's");
        for (n, key) in [(1, "k"), (2, "k"), (2, "l")] {
            replayed(key).await;
            forget(app, n).await;
            assert!(!replayed(key).await, "customer {n}");
        }
        // A key whose answer expired forgets whom that one told of.
        app.advance(std::time::Duration::from_secs(24 * 3600 + 1));
        note(app, "k", json!({"name": "x", "of": [2]})).send().await.expect(201);
        forget(app, 1).await;
        let again = note(app, "k", json!({"name": "x", "of": [2]})).send().await;
        assert_eq!(again.header("idempotent-replayed"), "true");
    })
    .await;
}

#[tokio::test]
async fn of_16_at_once_one_runs_and_the_others_get_its_answer_or_are_told_to_wait() {
    on_both_engines(&[feature()], async |app| {
        let requests = (0..16).map(|_| note(app, "one", json!({"name": "x"})).send());
        let replies = futures_util::future::join_all(requests).await;
        let (done, waiting): (Vec<_>, Vec<_>) = replies.iter().partition(|r| r.status == 201);
        let bodies: std::collections::BTreeSet<&Vec<u8>> = done.iter().map(|r| &r.bytes).collect();
        assert_eq!(bodies.len(), 1);
        assert_eq!(done.iter().filter(|r| r.header("idempotent-replayed").is_empty()).count(), 1);
        for reply in waiting {
            reply.expect_error(409, "IDEMPOTENCY_KEY_IN_USE");
            assert_eq!(reply.header("retry-after"), "1");
        }
        assert_eq!(rows(app).await, 2);
    })
    .await;
}

#[tokio::test]
async fn failures_are_not_recorded_and_roll_back() {
    on_both_engines(&[feature()], async |app| {
        note(app, "k", json!({"name": "x", "fail": true})).send().await.expect_error(409, "NAME_TAKEN");
        note(app, "p", json!({"name": "x", "panic": true})).send().await.expect_error(500, "INTERNAL_ERROR");
        assert_eq!(rows(app).await, 0);
        note(app, "k", json!({"name": "x"})).send().await.expect(201);
        note(app, "p", json!({"name": "x"})).send().await.expect(201);
        assert_eq!(rows(app).await, 4);
    })
    .await;
}

#[tokio::test]
async fn requests_that_were_cut_and_repeated_run_once() {
    on_both_engines(&[feature()], async |app| {
        let runs = app.app.state::<Runs>();
        for n in 0..60 {
            let key = format!("cut-{n}");
            // Cut at the n-th pending poll.
            let mut request = Box::pin(note(app, &key, json!({"name": key})).send());
            for _ in 0..(n % 15) {
                if request.as_mut().now_or_never().is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(request);
            note(app, &key, json!({"name": key})).send().await.expect(201);
        }
        assert_eq!(rows(app).await, 120, "nothing doubled, missing or half");
        assert!(runs.count.load(Ordering::SeqCst) >= 60);
    })
    .await;
}

#[tokio::test]
async fn a_row_changed_meanwhile_runs_the_handler_again_at_most_twice() {
    on_both_engines(&[feature()], async |app| {
        let runs = app.app.state::<Runs>();
        runs.stale.store(2, Ordering::SeqCst);
        note(app, "k", json!({"name": "x"})).send().await.expect(201);
        assert_eq!(runs.count.load(Ordering::SeqCst), 3);
        runs.stale.store(3, Ordering::SeqCst);
        note(app, "l", json!({"name": "x"})).send().await.expect_error(409, "CONFLICT");
        assert_eq!((runs.count.load(Ordering::SeqCst), rows(app).await), (6, 2));
    })
    .await;
}

#[tokio::test]
async fn callers_are_asked_for_where_a_route_is_not_open() {
    on_both_engines(&[feature()], async |app| {
        app.get("/api/v1/notes").send().await.expect_error(401, "NOT_AUTHENTICATED");
        app.get("/api/v1/notes").bearer("bad").send().await.expect_error(401, "TOKEN_INVALID");
        app.get("/api/v1/notes")
            .header("authorization", "Basic YTpi")
            .send()
            .await
            .expect_error(401, "TOKEN_INVALID");
        // An old token does not keep anybody from what is open to everybody.
        let reply =
            app.get("/api/v1/open").bearer("bad").header("x-forwarded-for", "203.0.113.9").send().await;
        assert_eq!(reply.expect(200)["ip"], "127.0.0.1", "no proxy is trusted");
        app.get("/api/v1/nothing").send().await.expect(404);
    })
    .await;
    platform::test::on_both_engines_with(
        &[feature()],
        &[("trusted_proxies", "127.0.0.0/8,10.0.0.0/8")],
        async |app| {
            let open = |list: &'static str| app.get("/api/v1/open").header("x-forwarded-for", list).send();
            assert_eq!(open("198.51.100.1, 203.0.113.9, 10.0.0.7").await.expect(200)["ip"], "203.0.113.9");
            assert_eq!(open("nonsense").await.expect(200)["ip"], "127.0.0.1");
            for list in ["198.51.100.1, 203.0.113.9:4711, 10.0.0.7:80", "203.0.113.9:1"] {
                assert_eq!(open(list).await.expect(200)["ip"], "203.0.113.9");
            }
            assert_eq!(open("[2001:db8::9]:4711, 10.0.0.7").await.expect(200)["ip"], "2001:db8::9");
        },
    )
    .await;
}

#[tokio::test]
async fn open_routes_are_limited_whoever_is_calling() {
    let limit = [("limits.open_per_minute", "3")];
    platform::test::on_both_engines_with(&[feature()], &limit, async |app| {
        let knock = || app.post("/api/v1/open");
        app.app.state::<Runs>().stale.store(2, Ordering::SeqCst);
        let retried = knock().send().await;
        retried.expect(200);
        assert_eq!(retried.header("ratelimit"), "\"open\";r=2;t=60", "three runs are one request");
        for (bearer, left) in [("a", 1), ("bad", 0)] {
            let reply = knock().bearer(bearer).send().await;
            reply.expect(200);
            assert_eq!(reply.header("ratelimit"), format!("\"open\";r={left};t=60"));
        }
        for bearer in ["a", "somebody else", "bad"] {
            let refused = knock().bearer(bearer).send().await;
            refused.expect_error(429, "RATE_LIMITED");
            assert_eq!(refused.header("ratelimit"), "\"open\";r=0;t=60");
            assert_eq!(refused.header("ratelimit-policy"), "\"open\";q=3;w=60");
        }
        // What is safe or asks for a caller is not counted.
        app.get("/api/v1/open").send().await.expect(200);
        let plain = app.post("/api/v1/notes").bearer("a").json(json!({"name": "x"})).send().await;
        plain.expect(201);
        assert_eq!(plain.header("ratelimit"), "");
    })
    .await;
}

#[tokio::test]
async fn a_repeat_after_a_change_of_the_callers_rights_is_refused() {
    on_both_engines(&[feature()], async |app| {
        let send = |bearer: &'static str| {
            let request = app.post("/api/v1/notes/").bearer(bearer).header("idempotency-key", "k");
            request.json(json!({"name": "x"})).send()
        };
        send("a/manager/company/1").await.expect(201);
        assert_eq!(send("a/manager/company/1").await.header("idempotent-replayed"), "true");
        for now in ["a/clerk/company/1", "a/manager/all/1", "a/manager/company/2", "a/manager/company"] {
            send(now).await.expect_error(422, "IDEMPOTENCY_KEY_REUSED");
        }
        assert_eq!(rows(app).await, 2);
    })
    .await;
}

/// Whoever may not any more must not get in with a body that was slow to come.
#[tokio::test]
async fn a_caller_is_known_as_it_is_when_the_body_is_there() {
    on_both_engines(&[feature()], async |app| {
        let (router, _) = platform::app::routes(&app.app, &[feature()]).unwrap();
        let runs = app.app.state::<Runs>();
        for (bearer, status) in [("a", 201), ("bad", 401)] {
            runs.authenticated.store(0, Ordering::SeqCst);
            let seen = runs.clone();
            let body = futures_util::stream::once(async move {
                assert_eq!(seen.authenticated.load(Ordering::SeqCst), 0, "asked before the body was there");
                Ok::<_, std::convert::Infallible>(if status == 201 { r#"{"name": "x"}"# } else { "nonsense" })
            });
            let request = axum::http::Request::post("/api/v1/notes")
                .header("authorization", format!("Bearer {bearer}"))
                .header("content-type", "application/json");
            let request = request.body(kernel::web::stream::streamed(body)).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(runs.authenticated.load(Ordering::SeqCst), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn statements_are_counted_and_constant() {
    on_both_engines(&[feature()], async |app| {
        assert_eq!(app.get("/api/v1/notes").bearer("a").send().await.statements(), 1);
        let plain = app.post("/api/v1/notes").bearer("a").json(json!({"name": "x"})).send().await;
        assert_eq!(plain.statements(), 2);
        assert_eq!(note(app, "k", json!({"name": "x"})).send().await.statements(), 4);
        assert_eq!(note(app, "k", json!({"name": "x"})).send().await.statements(), 2);
    })
    .await;
}

#[tokio::test]
async fn routes_that_nobody_authenticates_are_refused_before_they_are_served() {
    on_both_engines(&[feature()], async |app| {
        let open = Feature { authenticate: None, ..feature() };
        let refused = platform::app::routes(&app.app, &[open]).err().unwrap();
        assert!(refused.to_string().contains("no feature authenticates"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn a_state_is_made_once_for_each_process() {
    on_both_engines(&[feature()], async |app| {
        let asked = (0..8).map(|_| {
            tokio::task::spawn_blocking({
                let app = app.app.clone();
                move || app.state::<Runs>()
            })
        });
        let states = futures_util::future::join_all(asked).await;
        let first = app.app.state::<Runs>();
        assert!(states.into_iter().all(|state| Arc::ptr_eq(&first, &state.unwrap())));
        let other = TestApp::process(&app.db, &[feature()], &[]).await;
        assert!(!Arc::ptr_eq(&first, &other.state::<Runs>()));
    })
    .await;
}
