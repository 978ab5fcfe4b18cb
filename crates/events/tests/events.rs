//! `GET /api/v1/events`, on both engines.

#![expect(clippy::unwrap_used, reason = "the whole program is tests, their helpers included")]

use std::time::Duration;

use database::Engine;
use database::{args, sql};
use identity::api_keys::service::{NewApiKey, create};
use platform::app::Feature;
use platform::ctx::Ctx;
use platform::event::Event;
use platform::test::{TestApp, on_both_engines};
use serde_json::{Map, Value, json};
use uuid::Uuid;

fn features() -> [Feature; 2] {
    [identity::feature(), events::feature()]
}

async fn key(app: &TestApp, role: &str, scopes: &[&str], company: Option<&str>) -> String {
    let new = NewApiKey {
        name: format!("{role} {}", app.system().new_id()),
        role: role.to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        company: company.map(str::to_owned),
        expires_at: None,
    };
    create(&app.system(), new).await.unwrap().1.reveal()
}

async fn company(app: &TestApp, number: &str) -> Uuid {
    let ctx = app.system();
    let (id, now) = (ctx.new_id(), ctx.now());
    let mut tx = ctx.write().await.unwrap();
    tx.exec(
        sql!(
            "INSERT INTO company (id, company_id, company_key, name, business_name, document_type, document_number,
               document_number_key, status, created_at, updated_at, version)
             VALUES ($1, $2, $2, $2, $2, 'nit', $2, $2, 'active', $3, $3, 1)"
        ),
        args![id, number, now],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

/// Records that a note was created, for a company or for none.
async fn record(ctx: &Ctx, title: &str, company: Option<Uuid>) {
    let mut tx = ctx.write().await.unwrap();
    ctx.record(&mut tx, note(ctx, title).of_company(company)).await.unwrap();
    tx.commit().await.unwrap();
}

fn note(ctx: &Ctx, title: &str) -> Event {
    let members: Map<String, Value> = [("title".to_owned(), json!(title))].into_iter().collect();
    Event::new("note.created", "note", ctx.new_id(), title).created(members)
}

/// What the feed answers once it shows everything that was committed: on PostgreSQL a transaction of anybody else on
/// the server holds it back, such as one of a test beside this one.
async fn read(app: &TestApp, token: &str, path: &str) -> Value {
    loop {
        let ctx = app.system();
        let mut tx = ctx.read().await.unwrap();
        let last: i64 =
            tx.one(sql!("SELECT coalesce(max(seq), 0) AS seq FROM event" => i64), []).await.unwrap();
        if platform::event::horizon(&mut tx).await.unwrap() > last {
            drop(tx);
            return app.get(path).bearer(token).send().await.expect(200);
        }
        drop(tx);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn refs(feed: &Value) -> Vec<&str> {
    feed["events"].as_array().unwrap().iter().map(|event| event["subject"]["ref"].as_str().unwrap()).collect()
}

const NOTES: &str = "/api/v1/events?action=note.created";

#[tokio::test]
async fn a_reader_goes_through_the_feed_and_keeps_up() {
    on_both_engines(&features(), async |app| {
        let admin = key(app, "admin", &[], None).await;
        for n in 1..=5 {
            record(&app.system(), &format!("n{n}"), None).await;
        }
        let read_on = async |after: &Value, limit: u32| {
            read(app, &admin, &format!("{NOTES}&limit={limit}&after={}", after.as_str().unwrap())).await
        };
        let first = read_on(&json!("0"), 2).await;
        assert_eq!((refs(&first), &first["has_more"]), (vec!["n1", "n2"], &json!(true)));
        let second = read_on(&first["next_after"], 3).await;
        assert_eq!((refs(&second), &second["has_more"]), (vec!["n3", "n4", "n5"], &json!(false)));
        let nothing = read_on(&second["next_after"], 3).await;
        assert_eq!((refs(&nothing), &nothing["next_after"]), (vec![], &second["next_after"]));
        record(&app.system(), "n6", None).await;
        assert_eq!(refs(&read_on(&nothing["next_after"], 3).await), ["n6"]);
        // With and without a trailing slash, and without a number from the beginning.
        let all = read(app, &admin, "/api/v1/events/?limit=1000").await;
        assert_eq!(all["events"][0]["action"], "api_key.created");
        assert_eq!(all["events"][0]["seq"].as_str().map(|seq| seq.parse::<i64>().is_ok()), Some(true));
    })
    .await;
}

#[tokio::test]
async fn an_event_tells_who_did_what() {
    on_both_engines(&features(), async |app| {
        let admin = key(app, "admin", &[], None).await;
        record(&app.system(), "n1", None).await;
        let feed = read(app, &admin, NOTES).await;
        let event = &feed["events"][0];
        assert_eq!(event["action"], "note.created");
        assert_eq!(event["actor"], json!({ "kind": "system", "id": null, "name": "test" }));
        assert_eq!((&event["subject"]["type"], &event["subject"]["ref"]), (&json!("note"), &json!("n1")));
        assert_eq!(event["fields"], json!(["title"]));
        assert_eq!(event["changes"], json!({ "before": null, "after": { "title": "n1" }, "ip": null }));
        assert_eq!((&event["customer_id"], &event["company_id"]), (&Value::Null, &Value::Null));
        let id = event["subject"]["id"].as_str().unwrap();
        let of = async |subject: &str| {
            refs(&read(app, &admin, &format!("/api/v1/events?subject={subject}")).await).len()
        };
        assert_eq!((of(id).await, of("n1").await, of("n2").await), (1, 0, 0), "public ids are upper case");
        let key_events = read(app, &admin, "/api/v1/events?customer_id=CUST_00000000").await;
        assert_eq!(refs(&key_events), Vec::<&str>::new());
    })
    .await;
}

#[tokio::test]
async fn a_company_sees_its_own_events_and_no_values() {
    on_both_engines(&features(), async |app| {
        let (ours, theirs) = (company(app, "COMP-001").await, company(app, "COMP-002").await);
        let manager = key(app, "manager", &[], Some("COMP-001")).await;
        record(&app.system(), "ours", Some(ours)).await;
        record(&app.system(), "theirs", Some(theirs)).await;
        record(&app.system(), "nobody's", None).await;
        let feed = read(app, &manager, "/api/v1/events?limit=1000").await;
        assert!(refs(&feed)[0].starts_with("manager "), "its own key is the company's as well: {feed}");
        assert_eq!(refs(&feed)[1..], ["ours"]);
        assert_eq!(feed["events"][1]["company_id"], "COMP-001");
        assert!(feed["events"][1]["changes"].is_null(), "before and after are for administrators: {feed}");
    })
    .await;
}

#[tokio::test]
async fn who_may_not_read_events_is_refused() {
    on_both_engines(&features(), async |app| {
        company(app, "COMP-001").await;
        app.get(NOTES).send().await.expect_error(401, "NOT_AUTHENTICATED");
        let viewer = key(app, "viewer", &[], Some("COMP-001")).await;
        app.get(NOTES).bearer(&viewer).send().await.expect_error(403, "PERMISSION_DENIED");
        let narrow = key(app, "admin", &["customers.read"], None).await;
        app.get(NOTES).bearer(&narrow).send().await.expect_error(403, "PERMISSION_DENIED");
        // A narrowed key may read the feed without being shown what only administrators see.
        let reader = key(app, "admin", &["events.read"], None).await;
        record(&app.system(), "n1", None).await;
        let feed = read(app, &reader, NOTES).await;
        assert_eq!((refs(&feed), &feed["events"][0]["changes"]), (vec!["n1"], &Value::Null));
        let registered = app
            .post("/api/auth/register/")
            .json(json!({ "email": "a@example.com", "first_name": "A", "last_name": "B", "password": "a long enough sentence" }))
            .send()
            .await
            .expect(201);
        let customer = registered["tokens"]["access"].as_str().unwrap();
        app.get(NOTES).bearer(customer).send().await.expect_error(403, "STAFF_ONLY");
        app.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_refused() {
    on_both_engines(&features(), async |app| {
        let admin = key(app, "admin", &[], None).await;
        for (query, status, code) in [
            ("limit=1001", 422, "LIMIT_TOO_LARGE"),
            ("after=soon", 400, "PARAMETER_INVALID"),
            ("offset=3", 400, "UNKNOWN_PARAMETER"),
            ("action=%00", 400, "PARAMETER_INVALID"),
        ] {
            app.get(format!("/api/v1/events?{query}")).bearer(&admin).send().await.expect_error(status, code);
        }
    })
    .await;
}

/// Transactions become visible in another order than they began. A reader waits for the older one and skips neither.
#[tokio::test]
async fn two_interleaved_transactions_are_both_read() {
    on_both_engines(&features(), async |app| {
        if app.app.db.engine() == Engine::Sqlite {
            // One writer: the second transaction cannot begin before the first has ended.
            return;
        }
        let admin = key(app, "admin", &[], None).await;
        let (older, younger) = (app.system(), app.system());
        let mut slow = older.write().await.unwrap();
        older.record(&mut slow, note(&older, "older")).await.unwrap();
        record(&younger, "younger", None).await;
        let meanwhile = app.get(NOTES).bearer(&admin).send().await.expect(200);
        assert_eq!(refs(&meanwhile), Vec::<&str>::new(), "the younger one waits for the older");
        slow.commit().await.unwrap();
        assert_eq!(refs(&read(app, &admin, NOTES).await), ["older", "younger"]);
    })
    .await;
}

#[tokio::test]
async fn a_filter_without_hits_does_not_look_at_the_same_events_again() {
    on_both_engines(&features(), async |app| {
        let admin = key(app, "admin", &[], None).await;
        for n in 1..=3 {
            record(&app.system(), &format!("n{n}"), None).await;
        }
        let all = read(app, &admin, NOTES).await;
        let last = all["events"][2]["seq"].as_str().unwrap().to_owned();
        let none = read(app, &admin, "/api/v1/events?action=note.deleted").await;
        assert_eq!((refs(&none), none["next_after"].as_str()), (vec![], Some(last.as_str())));
        // A number from elsewhere is never lowered.
        let far = read(app, &admin, "/api/v1/events?action=note.deleted&after=9000000000000000000").await;
        assert_eq!(far["next_after"], "9000000000000000000");
    })
    .await;
}
