//! Many customers in one transaction come out as one after the other would, and one that is refused leaves no trace.
//!
//! Rows of the endpoints and promises: A16, A56, C16, C18.

use customers::customer::model::input::CustomerChange;
use customers::customer::model::{CustomerRef, NewCustomer};
use customers::customer::service::change::{change_in, change_many_in};
use customers::customer::service::create::{create_in, create_many_in};
use customers::customer::service::members::{Rights, UpdateMode};
use customers::customer::service::{CustomerRow, LoadedCustomer, find_in};
use database::{args, sql};
use fixtures::{company, company_key, customer, key, prove, register};
use kernel::web::body::from_value;
use kernel::{Error, Kind, Result};
use platform::Tx;
use platform::access::{Permission, Scope};
use platform::ctx::Ctx;
use platform::test::{TestApp, on_both_engines};
use serde_json::{Value, json};

use crate::common::features;

fn new(body: &Value) -> NewCustomer {
    from_value(body).unwrap()
}

fn scope(ctx: &Ctx) -> Scope {
    ctx.require(Permission::CustomersWrite).unwrap()
}

/// How each came out: its name, or the code of its refusal.
fn outcomes(results: &[Result<CustomerRow>]) -> Vec<String> {
    let told = |r: &Result<CustomerRow>| match r {
        Ok(row) => format!("{} {} {:?} {}", row.first_name, row.last_name, row.email, row.version),
        Err(e) => e.code().to_owned(),
    };
    results.iter().map(told).collect()
}

/// Everything that stands in the database, without what is random: ids, and the digits behind a name.
async fn state(tx: &mut Tx) -> Vec<String> {
    let customers = sql!(
        "SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(u.username, '0', ''), '1', ''),
                '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', '')
                || coalesce(u.email, '-') || coalesce(u.email_key, '-') || u.name_key || coalesce(u.phone, '-')
                || coalesce(u.phone_e164, '-') || u.first_name || ' ' || CAST(u.version AS text) || coalesce(c.city, '-')
                || coalesce(c.city_key, '-') || coalesce(c.country_code, '-') || coalesce(c.tags, '-') || coalesce(c.external_id, '-')
                || coalesce(CAST(c.marketing_sms AS text) || CAST(c.version AS text), '-') || coalesce(c.notes, '-')
                || coalesce(u.pending_email, '-') AS n
         FROM user_account u LEFT JOIN customer c ON c.user_id = u.id ORDER BY 1" => String
    );
    let consents = sql!(
        "SELECT u.email_key || e.purpose || CAST(e.state AS text) || e.source || e.actor AS n
         FROM consent_event e JOIN customer c ON c.id = e.customer_id JOIN user_account u ON u.id = c.user_id
         WHERE u.email_key IS NOT NULL ORDER BY 1" => String
    );
    let tags = sql!(
        "SELECT t.name || t.name_key || coalesce(u.email_key, '-') AS n FROM customer_tag ct JOIN tag t ON t.id = ct.tag_id
         JOIN customer c ON c.id = ct.customer_id JOIN user_account u ON u.id = c.user_id ORDER BY 1" => String
    );
    let figures = sql!(
        "SELECT metric || ' ' || key || ' ' || CAST(CAST(sum(n) AS bigint) AS text) AS n FROM (
           SELECT metric, key, n FROM stat_counter UNION ALL SELECT metric, key, n FROM stat_delta) s
         GROUP BY metric, key HAVING sum(n) <> 0 ORDER BY 1" => String
    );
    let events = sql!(
        "SELECT e.action || CAST(e.fields AS text) || coalesce(CAST(c.before AS text), '-') || coalesce(c.after ->> 'email', '-')
                || coalesce(c.after ->> 'city', '-') || coalesce(c.after ->> 'tags', '-') AS n
         FROM event e JOIN event_change c ON c.event_seq = e.seq ORDER BY 1" => String
    );
    let mut all = tx.all(customers, []).await.unwrap();
    for rest in [consents, tags, figures, events] {
        all.extend(tx.all(rest, []).await.unwrap());
    }
    all
}

/// Bodies of which some are refused, for reasons that stand in the database and in the batch itself.
fn bodies() -> Vec<Value> {
    let one = |email: &str, rest: Value| {
        let mut body = json!({"first_name": "Ada", "last_name": "Byron", "email": email});
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        body
    };
    let phone = "+15208782491";
    vec![
        one(
            "a@example.com",
            json!({"tags": "VIP,Café", "external_id": "E-1", "city": "Bogotá", "country": "Colombia"}),
        ),
        one("A@EXAMPLE.com", json!({})),
        one("b@example.com", json!({"external_id": "E-1"})),
        one("c@example.com", json!({"tags": ["cafe", "new"], "marketing_sms": true, "phone": phone})),
        one("d@example.com", json!({"date_of_birth": "2999-01-01", "tags": "lost", "external_id": "E-2"})),
        one("d@example.com", json!({"external_id": "E-2"})),
        json!({"first_name": "Phone", "last_name": "Only", "phone": phone, "country": "US"}),
        one("unproven@example.com", json!({"phone": phone})),
        one("proven@example.com", json!({"city": "Lima"})),
        one("proven@example.com", json!({})),
        one("e@example.com", json!({"total_services": 5})),
        one("there@example.com", json!({})),
        one("f@example.com", json!({"external_id": "E-0"})),
        one("g@example.com", json!({"first_name": "Eve", "username": "evebyron"})),
        one("h@example.com", json!({"first_name": "Eve", "username": "somebody"})),
    ]
}

async fn begin(app: &TestApp) -> LoadedCustomer {
    let key = key(app, "admin").await;
    register(app, "unproven@example.com").await;
    register(app, "proven@example.com").await;
    prove(app, "proven@example.com").await;
    let body = json!({"first_name": "Was", "last_name": "There", "email": "there@example.com", "external_id": "E-0"});
    let there = app.post("/api/v1/customers/").bearer(&key).json(body).send().await.expect(201);
    customer(app, &key, "other@example.com").await;
    let ctx = app.system();
    let mut tx = ctx.read().await.unwrap();
    let reference = CustomerRef::parse(there["customer_id"].as_str().unwrap()).unwrap();
    find_in(&ctx, &mut tx, &scope(&ctx), reference).await.unwrap()
}

#[tokio::test]
async fn a16_many_are_created_as_one_after_the_other() {
    on_both_engines(&features(), async |app| {
        begin(app).await;
        let ctx = app.system();
        let mut tx = ctx.write().await.unwrap();
        let mut single = Vec::new();
        for body in bodies() {
            // A refusal alone ends the transaction where a statement failed: here none may.
            let done = create_in(&ctx, &mut tx, &scope(&ctx), new(&body)).await;
            assert!(!tx.has_failed(), "{body}");
            single.push(done);
        }
        let expected = state(&mut tx).await;
        drop(tx);
        let mut tx = ctx.write().await.unwrap();
        let batch = bodies().iter().map(new).collect();
        let many = create_many_in(&ctx, &mut tx, &scope(&ctx), batch).await.unwrap();
        assert_eq!(outcomes(&many), outcomes(&single));
        let codes: Vec<&str> = many.iter().filter_map(|r| r.as_ref().err()).map(Error::code).collect();
        assert_eq!(
            codes,
            [
                "CUSTOMER_EMAIL_EXISTS",
                "CUSTOMER_EXTERNAL_ID_EXISTS",
                "VALIDATION_FAILED",
                "CUSTOMER_EMAIL_EXISTS",
                "FIELD_NOT_WRITABLE",
                "CUSTOMER_EMAIL_EXISTS",
                "CUSTOMER_EXTERNAL_ID_EXISTS",
                "FIELD_NOT_WRITABLE",
            ]
        );
        assert_eq!(state(&mut tx).await, expected);
        let row = many[0].as_ref().unwrap();
        let stored = find_in(&ctx, &mut tx, &scope(&ctx), CustomerRef::Id(row.id)).await.unwrap();
        assert_eq!(row, &*stored, "what is answered is what is stored");
        drop(tx);
        app.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn c16_two_thousand_of_one_name_in_one_batch_have_two_thousand_names() {
    on_both_engines(&features(), async |app| {
        let ctx = app.system();
        let mut tx = ctx.write().await.unwrap();
        let batch = (0..2000).map(|n| {
            new(&json!({"first_name": "John", "last_name": "Doe", "email": format!("john{n}@example.com")}))
        });
        let batch = batch.collect();
        let done = create_many_in(&ctx, &mut tx, &scope(&ctx), batch).await.unwrap();
        let rows: Vec<CustomerRow> = done.into_iter().map(Result::unwrap).collect();
        tx.commit().await.unwrap();
        let names: std::collections::HashSet<&str> = rows.iter().map(|row| row.username.as_str()).collect();
        let numbers: std::collections::HashSet<&str> =
            rows.iter().map(|row| row.customer_id.as_str()).collect();
        assert_eq!((names.len(), numbers.len()), (2000, 2000));
        assert_eq!(rows[0].username, "johndoe", "the first has the plain name");
        let mut read = ctx.read().await.unwrap();
        let events = sql!("SELECT count(*) AS n FROM event WHERE action = 'customer.created'" => i64);
        assert_eq!(read.one(events, []).await.unwrap(), 2000);
        let total = sql!(
            "SELECT CAST(sum(n) AS bigint) AS n FROM (SELECT metric, n FROM stat_counter UNION ALL
             SELECT metric, n FROM stat_delta) s WHERE metric = $1" => i64
        );
        assert_eq!(read.one(total, args!["total"]).await.unwrap(), 2000);
    })
    .await;
}

#[tokio::test]
async fn a16_staff_of_a_company_create_many_in_it() {
    on_both_engines(&features(), async |app| {
        company(app, "COMP-001").await;
        let manager = company_key(app, "manager", "COMP-001").await;
        register(app, "outside@example.com").await;
        let reply = customer(app, &manager, "inside@example.com").await;
        let body = json!({
            "first_name": "A", "last_name": "B", "email": "own@example.com", "company_id": "COMP-001", "role": "customer"
        });
        let own = app.post("/api/v1/customers/").bearer(&manager).json(body).send().await.expect(201);
        assert_eq!(own["company_id"], reply["company_id"], "what is said of the company may be said");
        let body = json!({"first_name": "A", "last_name": "B", "email": "x@example.com", "company_id": "COMP-002"});
        let foreign = app.post("/api/v1/customers/").bearer(&manager).json(body).send().await;
        foreign.expect_error(403, "FIELD_NOT_WRITABLE");
        let body = json!({"first_name": "A", "last_name": "B", "email": "outside@example.com"});
        let taken = app.post("/api/v1/customers/").bearer(&manager).json(body).send().await;
        taken.expect_error(409, "CUSTOMER_EMAIL_EXISTS");
    })
    .await;
}

/// Changes of which some are refused, of customers created for them.
fn changes() -> Vec<Value> {
    vec![
        json!({"city": "Cali", "country": "CO", "tags": "gold,vip", "notes": "Good"}),
        json!({}),
        json!({"email": "there@example.com"}),
        json!({"email": "moved@example.com", "first_name": "Moved"}),
        json!({"email": "moved@example.com", "notes": "second to come"}),
        json!({"external_id": "E-0"}),
        json!({"external_id": "E-9", "tags": ""}),
        json!({"external_id": "E-9"}),
        json!({"marketing_sms": true, "marketing_emails": true}),
        json!({"customer_since": "2999-01-01T00:00:00Z"}),
        json!({"total_services": 9}),
        json!({"phone": "+15208782491", "is_active": false, "is_verified": true}),
    ]
}

#[tokio::test]
async fn a56_many_are_changed_as_one_after_the_other() {
    on_both_engines(&features(), async |app| {
        begin(app).await;
        let ctx = app.system();
        let mut tx = ctx.write().await.unwrap();
        let batch = (0..changes().len()).map(|n| {
            let body = json!({"first_name": "N", "last_name": "M", "email": format!("n{n}@example.com"), "tags": "vip"});
            new(&body)
        });
        let batch = batch.collect();
        let created = create_many_in(&ctx, &mut tx, &scope(&ctx), batch).await.unwrap();
        let mut rows = Vec::new();
        for row in created.into_iter().map(Result::unwrap) {
            rows.push(find_in(&ctx, &mut tx, &scope(&ctx), CustomerRef::Id(row.id)).await.unwrap());
        }
        tx.commit().await.unwrap();
        app.advance(std::time::Duration::from_secs(60));

        let rights = Rights::of(&ctx).unwrap();
        let members = |body: &Value| from_value::<CustomerChange>(body).unwrap().0;
        let mut tx = ctx.write().await.unwrap();
        let mut single = Vec::new();
        for (row, body) in rows.iter().zip(changes()) {
            let done = change_in(&ctx, &mut tx, &scope(&ctx), rights, row.clone(), members(&body), UpdateMode::Patch).await;
            assert!(!tx.has_failed(), "{body}");
            single.push(done);
        }
        let expected = state(&mut tx).await;
        drop(tx);
        let mut tx = ctx.write().await.unwrap();
        let batch: Vec<_> = rows.iter().cloned().zip(changes().iter().map(members)).collect();
        let many = change_many_in(&ctx, &mut tx, &scope(&ctx), rights, batch, UpdateMode::Patch).await.unwrap();
        assert_eq!(outcomes(&many), outcomes(&single));
        let refused = many.iter().enumerate().filter(|(_, r)| r.is_err()).map(|(n, _)| n).collect::<Vec<_>>();
        assert_eq!(refused.len(), 6, "{refused:?}");
        assert_eq!(state(&mut tx).await, expected);
        for (row, done) in rows.iter().zip(&many) {
            let stored = find_in(&ctx, &mut tx, &scope(&ctx), CustomerRef::Id(row.id)).await.unwrap();
            assert_eq!(done.as_ref().unwrap_or(row), &*stored, "a refused one is as it was");
        }
        // What was changed by somebody else in the meantime fails all of them: nobody's change is lost.
        let batch = vec![(rows[0].clone(), members(&json!({"city": "Lima"})))];
        let e = change_many_in(&ctx, &mut tx, &scope(&ctx), rights, batch, UpdateMode::Patch).await.unwrap_err();
        assert_eq!(e.kind(), Kind::Stale);
        assert!(tx.commit().await.is_err());
    })
    .await;
}
