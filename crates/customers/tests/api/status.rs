//! Activation, verification, marks, services, logins.
//!
//! Rows of the endpoints and promises: A11, A12, A18, A19, A26, A51, A52, C7.

use std::time::Duration;

use customers::customer::model::CustomerRef;
use customers::customer::service::find_in;
use customers::customer::service::status::count_service_in;
use database::{Engine, Json};
use database::{args, sql};
use fixtures::{actions, company, company_key, customer, key, path};
use futures_util::future::join_all;
use platform::access::Scope;
use platform::test::on_both_engines;
use serde_json::{Value, json};

use crate::common::features;

#[tokio::test]
async fn a11_forty_services_at_once_count_forty() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        let requests = (0..40).map(|_| app.post(path(&one, "/increment_service/")).bearer(&key).send());
        let mut counts: Vec<i64> = join_all(requests)
            .await
            .iter()
            .map(|r| r.expect(200)["total_services"].as_i64().unwrap())
            .collect();
        counts.sort_unstable();
        assert_eq!(counts, (1..=40).collect::<Vec<i64>>());
        let read = app.get(path(&one, "")).bearer(&key).send().await.expect(200);
        assert_eq!(read["total_services"], 40);
        assert!(read["last_service_date"].is_string());
        let stats = app.get("/api/v1/customers/stats/").bearer(&key).send().await.expect(200);
        assert_eq!(stats["total_services"], 40);
        assert_eq!(actions(app, &one).await.iter().filter(|a| *a == "customer.service_counted").count(), 40);
    })
    .await;
}

#[tokio::test]
async fn a11_the_event_says_what_was_there_just_before() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let one = customer(app, &key, "one@example.com").await;
        let (ctx, scope) =
            (app.system(), Scope::system("a test of what happens between loading and counting"));
        let id = CustomerRef::Id(one["id"].as_str().unwrap().parse().unwrap());
        let loaded = find_in(&ctx, &mut ctx.read().await.unwrap(), &scope, id).await.unwrap();
        let first = json!({"service_date": "2024-03-01"});
        app.post(path(&one, "/increment_service")).bearer(&key).json(first).send().await.expect(200);
        let mut tx = ctx.write().await.unwrap();
        count_service_in(&ctx, &mut tx, &loaded, ctx.now()).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = ctx.read().await.unwrap();
        let before = sql!(
            "SELECT c.before FROM event e JOIN event_change c ON c.event_seq = e.seq
             WHERE e.action = 'customer.service_counted' ORDER BY e.seq" => Json
        );
        let before: Vec<Value> = tx.all(before, []).await.unwrap().into_iter().map(|json| json.0).collect();
        let second = json!({"total_services": 1, "last_service_date": "2024-03-01T00:00:00.000000Z"});
        assert_eq!(before, [json!({"total_services": 0, "last_service_date": null}), second]);
    })
    .await;
}

#[tokio::test]
async fn a11_the_date_is_the_latest_and_a_repeat_counts_once() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        let count = |body: Value| app.post(path(&one, "/increment_service")).bearer(&key).json(body).send();
        let first = count(json!({"service_date": "2024-03-01"})).await.expect(200);
        assert_eq!(first, json!({"total_services": 1, "last_service_date": "2024-03-01T00:00:00.000000Z"}));
        let older = count(json!({"service_date": "2023-03-01T10:00:00Z"})).await.expect(200);
        assert_eq!(older, json!({"total_services": 2, "last_service_date": "2024-03-01T00:00:00.000000Z"}));
        count(json!({"service_date": "2999-01-01"})).await.expect_error(422, "VALIDATION_FAILED");
        count(json!({"date": "2024-01-01"})).await.expect_error(422, "VALIDATION_FAILED");
        let keyed = || {
            app.post(path(&one, "/increment_service"))
                .bearer(&key)
                .header("idempotency-key", "once")
                .json(json!({}))
                .send()
        };
        assert_eq!(keyed().await.expect(200)["total_services"], 3);
        let again = keyed().await;
        assert_eq!(
            (again.expect(200)["total_services"].as_i64(), again.header("idempotent-replayed")),
            (Some(3), "true")
        );
        // Whatever a browser says of a body that is not there.
        for (n, kind) in
            ["text/plain;charset=UTF-8", "multipart/form-data; boundary=x", "application/octet-stream"]
                .iter()
                .enumerate()
        {
            let keyed =
                app.post(path(&one, "/increment_service")).bearer(&key).header("idempotency-key", kind);
            let again =
                app.post(path(&one, "/increment_service")).bearer(&key).header("idempotency-key", kind);
            for request in [keyed, again] {
                assert_eq!(request.body(kind, "").send().await.expect(200)["total_services"], 4 + n);
            }
        }
        let nobody = app.post("/api/v1/customers/CUST_00000000/increment_service").bearer(&key).send().await;
        nobody.expect_error(404, "CUSTOMER_NOT_FOUND");
    })
    .await;
}

#[tokio::test]
async fn a12_verify_and_take_it_back() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        let verify = || app.post(path(&one, "/verify/")).bearer(&key);
        let verified = verify().send().await.expect(200);
        assert_eq!(verified["is_verified"], true);
        assert_eq!(verified["verified_by"], "employee of the test");
        assert!(verified["verified_at"].is_string());
        app.advance(Duration::from_secs(60));
        assert_eq!(verify().json(json!({})).send().await.expect(200), verified, "once is enough");
        let back = verify().json(json!({"is_verified": false})).send().await.expect(200);
        assert_eq!(
            (&back["is_verified"], &back["verified_at"], &back["verified_by"]),
            (&json!(false), &Value::Null, &Value::Null)
        );
        assert_eq!(
            actions(app, &one).await,
            ["customer.created", "customer.verified", "customer.unverified"]
        );
        verify().json(json!({"verified": true})).send().await.expect_error(422, "VALIDATION_FAILED");
        let patched = app
            .patch(path(&one, ""))
            .bearer(&key)
            .json(json!({"is_verified": true}))
            .send()
            .await
            .expect(200);
        assert_eq!(patched["verified_by"], "employee of the test");
    })
    .await;
}

#[tokio::test]
async fn a19_a_soft_delete_deactivates_and_staff_still_see_it() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let one = customer(app, &key, "one@example.com").await;
        let reply = app.delete(path(&one, "/")).bearer(&key).send().await;
        reply.expect(204);
        assert!(reply.bytes.is_empty());
        app.delete(path(&one, "/")).bearer(&key).send().await.expect(204);
        let read = app.get(path(&one, "")).bearer(&key).send().await.expect(200);
        assert_eq!(read["is_active"], false);
        assert!(read["deactivated_at"].is_string());
        for (query, n) in [("is_active=true", 0), ("is_active=false", 1), ("", 1)] {
            let list = app.get(format!("/api/v1/customers/?{query}")).bearer(&key).send().await.expect(200);
            assert_eq!(
                (list["total"].as_i64(), list["customers"].as_array().unwrap().len()),
                (Some(n), n as usize),
                "{query}"
            );
        }
        let employee = fixtures::key(app, "employee").await;
        app.delete(path(&one, "")).bearer(&employee).send().await.expect_error(403, "PERMISSION_DENIED");
        let body = json!({"is_active": true});
        app.patch(path(&one, ""))
            .bearer(&employee)
            .json(body)
            .send()
            .await
            .expect_error(403, "FIELD_NOT_WRITABLE");
    })
    .await;
}

#[tokio::test]
async fn a26_deactivate_with_a_reason_and_activate() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let one = customer(app, &key, "one@example.com").await;
        let body = json!({"reason": "moved away"});
        let off = app.post(path(&one, "/deactivate/")).bearer(&key).json(body).send().await.expect(200);
        assert_eq!((&off["is_active"], &off["deactivation_reason"]), (&json!(false), &json!("moved away")));
        let again = app.post(path(&one, "/deactivate/")).bearer(&key).send().await.expect(200);
        assert_eq!(again, off);
        let on = app.post(path(&one, "/activate/")).bearer(&key).send().await.expect(200);
        assert_eq!(
            (&on["is_active"], &on["deactivation_reason"], &on["deactivated_at"]),
            (&json!(true), &Value::Null, &Value::Null)
        );
        assert_eq!(
            actions(app, &one).await,
            ["customer.created", "customer.deactivated", "customer.activated"]
        );
        let long = json!({"reason": "x".repeat(501)});
        app.post(path(&one, "/deactivate/"))
            .bearer(&key)
            .json(long)
            .send()
            .await
            .expect_error(422, "VALIDATION_FAILED");
    })
    .await;
}

#[tokio::test]
async fn a51_staff_mark_address_and_phone() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        let marked = app.patch(path(&one, "/verify-email/")).bearer(&key).send().await.expect(200);
        assert_eq!(marked["email_verified"], true);
        let again = app.patch(path(&one, "/verify-email/")).bearer(&key).send().await.expect(200);
        assert_eq!(again, marked);
        app.patch(path(&one, "/verify-phone/")).bearer(&key).send().await.expect_error(409, "CONTACT_MISSING");
        app.patch(path(&one, "")).bearer(&key).json(json!({"phone": "+1 520 878 2491"})).send().await.expect(200);
        let phone = app.patch(path(&one, "/verify-phone/")).bearer(&key).send().await.expect(200);
        assert_eq!(phone["phone_verified"], true);
        let two = customer(app, &key, "two@example.com").await;
        app.patch(path(&two, "")).bearer(&key).json(json!({"phone": "+1 (520) 878-2491"})).send().await.expect(200);
        app.patch(path(&two, "/verify-phone/")).bearer(&key).send().await.expect_error(409, "PHONE_EXISTS");
        // The mark is no proof: registering on the address still goes through a claim.
        let body = json!({"email": "one@example.com", "first_name": "E", "last_name": "V", "password": "Sesame-open-77"});
        app.post("/api/auth/register/").json(body).send().await.expect_error(409, "ACCOUNT_CLAIMABLE");
        app.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn a52_logins_elsewhere_are_noted_once_a_minute() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        let touch = async || app.patch(path(&one, "/last-login/")).bearer(&key).send().await.expect(200);
        let first = touch().await;
        assert!(first["last_login_at"].is_string());
        app.advance(Duration::from_secs(59));
        assert_eq!(touch().await["last_login_at"], first["last_login_at"]);
        app.advance(Duration::from_secs(1));
        let later = touch().await;
        assert_ne!(later["last_login_at"], first["last_login_at"]);
        assert_eq!((&later["version"], &later["updated_at"]), (&json!(1), &one["updated_at"]));
    })
    .await;
}

#[tokio::test]
async fn a51_verifying_and_marking_honour_if_match() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let one = customer(app, &key, "one@example.com").await;
        for (method, rest) in [("POST", "/verify"), ("PATCH", "/verify-email"), ("PATCH", "/verify-phone")] {
            let request = app.request(method.parse().unwrap(), path(&one, rest)).bearer(&key);
            let reply = request.header("if-match", "\"another\"").json(json!({})).send().await;
            assert_eq!(reply.status.as_u16(), 412, "{rest}: {}", reply.text());
        }
    })
    .await;
}

#[tokio::test]
async fn a18_a_manager_does_not_change_an_administrator_through_a_profile() {
    on_both_engines(&features(), async |app| {
        company(app, "COMP-001").await;
        let manager = company_key(app, "manager", "COMP-001").await;
        let one = customer(app, &manager, "one@example.com").await;
        let user: uuid::Uuid = one["user_id"].as_str().unwrap().parse().unwrap();
        for (role, status) in [("viewer", 200), ("admin", 403)] {
            let mut tx = app.system().write().await.unwrap();
            tx.exec(sql!("UPDATE user_account SET role = $2 WHERE id = $1"), args![user, role])
                .await
                .unwrap();
            tx.commit().await.unwrap();
            let body = json!({"email": format!("{role}@example.com")});
            app.patch(path(&one, "")).bearer(&manager).json(body).send().await.expect(status);
            let mark = app.patch(path(&one, "/verify-email")).bearer(&manager).send().await;
            mark.expect(status);
        }
    })
    .await;
}

#[tokio::test]
async fn c7_creating_and_changing_take_few_statements() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let body =
            json!({"first_name": "Ada", "last_name": "Lovelace", "email": "one@example.com", "city": "Lima"});
        let one = app.post("/api/v1/customers/").bearer(&key).json(body).send().await;
        // SQLite asks for the numbers of user and event and for retired names, which PostgreSQL does on the way, and its
        // index is apart from the entry.
        let apart = 4 * u32::from(app.app.db.engine() == Engine::Sqlite);
        assert_eq!(
            one.statements(),
            8 + apart,
            "address, user, customer, consent, figures, index, event of two rows"
        );
        let patch =
            app.patch(path(&one.expect(201), "")).bearer(&key).json(json!({"city": "Cali"})).send().await;
        // PostgreSQL reads the customer again before it is indexed, which SQLite's one writer need not.
        let apart = u32::from(app.app.db.engine() == Engine::Sqlite);
        assert_eq!(patch.statements(), 7 + apart, "customer, change, index, figures, event of two rows");
    })
    .await;
}
