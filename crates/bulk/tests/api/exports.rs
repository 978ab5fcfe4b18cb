//! `GET /api/v1/customers/export`.

use std::sync::Arc;
use std::time::Duration;

use bulk::exports::api::{body, wanted};
use bulk::exports::service::{Export, ExportRequest};
use database::sql;
use fixtures::{company, company_key, customer, key, path, register};
use http_body_util::BodyExt;
use platform::access::{Caller, Credential};
use platform::ctx::{Ctx, RequestState};
use platform::test::{TestApp, TestReply, on_both_engines, on_both_engines_with};
use serde_json::{Value, json};

use crate::common::features;

async fn export(app: &TestApp, key: &str, query: &str) -> TestReply {
    app.get(format!("/api/v1/customers/export{query}")).bearer(key).send().await
}

async fn people(app: &TestApp, key: &str, n: usize) -> Vec<Value> {
    let mut people = Vec::new();
    for i in 0..n {
        app.advance(Duration::from_secs(1));
        people.push(customer(app, key, &format!("p{i}@example.com")).await);
    }
    people
}

/// In pieces of two rows.
fn in_twos(query: &str) -> ExportRequest {
    ExportRequest { page: 2, ..wanted(query).unwrap() }
}

#[tokio::test]
async fn csv_has_the_names_of_the_api_and_no_formula() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let body = json!({
            "first_name": "Zoë", "last_name": "O\"Neil, Jr", "email": "zoe@example.com", "phone": "+1-555-0123",
            "company_name": "=cmd()", "notes": "two\nlines", "tags": "a,b", "date_of_birth": "1990-01-15",
            "metadata": {"k": "v"}, "city": "New York", "country": "USA", "external_id": "@x"
        });
        let one = app.post("/api/v1/customers/").bearer(&key).json(body).send().await.expect(201);
        let reply = export(app, &key, "?columns=first_name,last_name,email,phone,company_name,notes,tags,date_of_birth,metadata,external_id,is_active,total_services,created_at,gender").await;
        reply.expect(200);
        assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8; header=present");
        assert_eq!(reply.header("content-disposition"), "attachment; filename=\"customers-2026-05-28.csv\"");
        assert_eq!(
            reply.text(),
            format!(
                "first_name,last_name,email,phone,company_name,notes,tags,date_of_birth,metadata,external_id,is_active,\
                 total_services,created_at,gender\r\n\
                 Zoë,\"O\"\"Neil, Jr\",zoe@example.com,'+1-555-0123,'=cmd(),\"two\nlines\",\"a,b\",1990-01-15,\"{{\"\"k\"\":\"\"v\"\"}}\",\
                 '@x,true,0,{},\r\n",
                one["created_at"].as_str().unwrap()
            )
        );
        let all = export(app, &key, "?bom=true").await.text();
        assert!(all.starts_with("\u{feff}customer_id,external_id,username,first_name,"), "{all}");
        assert_eq!(all.lines().next().unwrap().split(',').count(), 38);
        let none = export(app, &key, "?city=Lima&columns=email").await;
        assert_eq!(none.text(), "email\r\n");
    })
    .await;
}

#[tokio::test]
async fn ndjson_has_the_shape_of_the_api() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let people = people(app, &key, 3).await;
        let reply = export(app, &key, "?format=ndjson").await;
        assert_eq!(reply.header("content-type"), "application/x-ndjson");
        let lines: Vec<Value> = reply.text().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(lines, people, "in the order of creation");
        let reply = export(app, &key, "?format=ndjson&columns=email,tags,gender&email=P1@example.com").await;
        assert_eq!(reply.text(), "{\"email\":\"p1@example.com\",\"tags\":\"\",\"gender\":null}\n");
        assert_eq!(export(app, &key, "?format=ndjson&city=Lima").await.text(), "");
    })
    .await;
}

#[tokio::test]
async fn filters_narrow_an_export() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let people = people(app, &key, 5).await;
        for (i, one) in people.iter().enumerate() {
            let body = json!({"tags": if i % 2 == 0 { "vip" } else { "" }, "city": "Lima", "country": if i < 3 { "Peru" } else { "US" }});
            app.patch(path(one, "")).bearer(&key).json(body).send().await.expect(200);
        }
        app.delete(path(&people[0], "")).bearer(&key).send().await.expect(204);
        for (query, found) in [
            ("", 5),
            ("tag=VIP", 3),
            ("tag=vip&is_active=true", 2),
            ("city=lima&country=PE", 3),
            ("country=usa", 2),
            ("state=x", 0),
            ("email_verified=false", 5),
            ("is_active=false", 1),
            ("created_before=2000-01-01", 0),
        ] {
            let mut export = Export::begin(&app.system(), in_twos(query)).await.unwrap();
            let mut text = String::new();
            while let Some(piece) = export.next().await.unwrap() {
                text.push_str(std::str::from_utf8(&piece).unwrap());
            }
            assert_eq!((text.lines().count(), export.rows()), (found + 1, found as u64), "{query}");
            export.end(true).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_exported_is_refused() {
    on_both_engines(&features(), async |app| {
        let admin = key(app, "admin").await;
        for (query, code) in [
            ("?format=xlsx", "PARAMETER_INVALID"),
            ("?columns=password", "PARAMETER_INVALID"),
            ("?columns=,", "PARAMETER_INVALID"),
            ("?limit=5", "UNKNOWN_PARAMETER"),
            ("?sort=email", "UNKNOWN_PARAMETER"),
            ("?colour=red", "UNKNOWN_PARAMETER"),
            ("?is_active=perhaps", "PARAMETER_INVALID"),
        ] {
            export(app, &admin, query).await.expect_error(400, code);
        }
        let employee = key(app, "employee").await;
        export(app, &employee, "").await.expect_error(403, "PERMISSION_DENIED");
        let (customer, _) = register(app, "c@example.com").await;
        assert_eq!(export(app, &customer, "").await.expect(403)["status"], 403);
        app.get("/api/v1/customers/export").send().await.expect_error(401, "NOT_AUTHENTICATED");
    })
    .await;
}

#[tokio::test]
async fn an_export_stays_within_its_company() {
    on_both_engines(&features(), async |app| {
        company(app, "COMP-001").await;
        let (all, own) = (key(app, "admin").await, company_key(app, "manager", "COMP-001").await);
        people(app, &all, 2).await;
        customer(app, &own, "own@example.com").await;
        let mut tx = app.system().write().await.unwrap();
        tx.exec(
            sql!(
                sqlite: "UPDATE role SET permissions = '[\"customers.read\",\"customers.export\"]' WHERE code = 'manager'",
                postgres: "UPDATE role SET permissions = '[\"customers.read\",\"customers.export\"]' WHERE code = 'manager'"
            ),
            [],
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        let fresh = company_key(app, "manager", "COMP-001").await;
        app.advance(Duration::from_secs(60));
        assert_eq!(export(app, &fresh, "?columns=email").await.text(), "email\r\nown@example.com\r\n");
        assert_eq!(export(app, &fresh, "?columns=email&email=p0@example.com").await.text(), "email\r\n");
        assert_eq!(export(app, &all, "?columns=email").await.text().lines().count(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_later_page_does_not_have_who_was_erased_meanwhile() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let people = people(app, &key, 5).await;
        let mut export = Export::begin(&app.system(), in_twos("columns=email")).await.unwrap();
        assert_eq!(export.total(), Some(5));
        let mut text = String::from_utf8(export.next().await.unwrap().unwrap()).unwrap();
        app.delete(path(&people[3], "/hard")).bearer(&key).send().await.expect(204);
        while let Some(piece) = export.next().await.unwrap() {
            text.push_str(std::str::from_utf8(&piece).unwrap());
        }
        assert_eq!(text, "email\r\np0@example.com\r\np1@example.com\r\np2@example.com\r\np4@example.com\r\n");
    })
    .await;
}

#[tokio::test]
async fn what_breaks_midway_is_no_whole_file() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        people(app, &key, 9).await;
        let export = Export::begin(&app.system(), in_twos("columns=email")).await.unwrap();
        let mut body = body(export).await.unwrap();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(first.starts_with(b"email\r\np0@"));
        let mut tx = app.system().write().await.unwrap();
        tx.exec(sql!("ALTER TABLE company RENAME TO gone"), []).await.unwrap();
        tx.commit().await.unwrap();
        let mut broken = false;
        while let Some(frame) = body.frame().await {
            broken = frame.is_err();
        }
        assert!(broken, "the body ends with an error");
        let mut tx = app.system().write().await.unwrap();
        tx.exec(sql!("ALTER TABLE gone RENAME TO company"), []).await.unwrap();
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn so_many_at_once_and_the_log_knows_of_each() {
    on_both_engines(&features(), async |app| {
        let (admin, other) = (key(app, "admin").await, key(app, "admin").await);
        people(app, &admin, 3).await;
        let begin = async || Export::begin(&app.system(), in_twos("")).await;
        let mut own = Vec::new();
        for _ in 0..4 {
            own.push(begin().await.unwrap());
        }
        // Whoever leaves his exports lying leaves places for others, and a turn to read.
        assert_eq!(begin().await.err().unwrap().code(), "EXPORTS_BUSY");
        export(app, &admin, "?columns=email").await.expect(200);
        let mut all: Vec<Export> = Vec::new();
        for n in 0..3 {
            let ctx = caller(app, n);
            for _ in 0..4 {
                all.push(Export::begin(&ctx, in_twos("")).await.unwrap());
            }
        }
        let refused = export(app, &other, "").await;
        refused.expect_error(503, "EXPORTS_BUSY");
        assert_eq!(refused.header("retry-after"), "10");
        // At the end of a file its place is free, before anything is noted.
        let mut done = all.pop().unwrap();
        while done.next().await.unwrap().is_some() {}
        export(app, &other, "?email=p1@example.com&country=US&columns=email").await.expect(200);
        done.end(true).await.unwrap();
        drop((own, all));
        // The last is written behind the reply.
        while count(app, "customers.exported").await < 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(count(app, "customers.export_started").await, 4 + 1 + 12 + 1);
    })
    .await;
}

/// A program with rights to everything.
fn caller(app: &TestApp, n: u128) -> Ctx {
    let mut caller = Caller::system("a program");
    caller.credential = Credential::ApiKey(uuid::Uuid::from_u128(n));
    let mut request = RequestState::new("exports".to_owned());
    request.caller = Ok(Some(Arc::new(caller)));
    Ctx::new(app.app.clone(), Arc::new(request))
}

async fn count(app: &TestApp, action: &str) -> i64 {
    let mut tx = app.system().read().await.unwrap();
    let count = sql!("SELECT count(*) AS n FROM event WHERE action = $1" => i64);
    tx.one(count, database::args![action]).await.unwrap()
}

#[tokio::test]
async fn a_client_that_takes_too_long_gets_no_whole_file_and_keeps_no_place() {
    on_both_engines_with(&features(), &[("limits.export_timeout_s", "1")], async |app| {
        let key = key(app, "admin").await;
        people(app, &key, 9).await;
        let exports = async || {
            let mut bodies = Vec::new();
            for _ in 0..4 {
                bodies.push(
                    body(Export::begin(&app.system(), in_twos("columns=email")).await.unwrap())
                        .await
                        .unwrap(),
                );
            }
            bodies
        };
        let bodies = exports().await;
        assert_eq!(Export::begin(&app.system(), in_twos("")).await.err().unwrap().code(), "EXPORTS_BUSY");
        // Nobody reads them, and they stay open.
        while count(app, "customers.exported").await < 4 {
            tokio::task::yield_now().await;
        }
        drop(exports().await);
        for mut body in bodies {
            let mut broken = false;
            while let Some(frame) = body.frame().await {
                broken = frame.is_err();
            }
            assert!(broken, "the body ends with an error");
        }
    })
    .await;
}

#[tokio::test]
async fn c7_a_parameter_that_an_export_has_not_is_refused_with_what_to_do() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        for (query, told) in [
            ("contry=x", "Unknown parameter \"contry\" (did you mean country?); allowed are is_active"),
            ("limit=3", "limit: an export has all rows in the order of creation; leave it out"),
        ] {
            let refused = app.get(format!("/api/v1/customers/export?{query}")).bearer(&key).send().await;
            let refused = refused.expect_error(400, "UNKNOWN_PARAMETER");
            let detail = refused["detail"].as_str().unwrap();
            assert!(detail.starts_with(told) && !detail.contains("offset"), "{query}: {detail}");
        }
    })
    .await;
}
