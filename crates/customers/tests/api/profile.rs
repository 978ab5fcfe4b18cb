//! The own profile.
//!
//! Rows of the endpoints and promises: A1, A4, A5, A6, A7, C1, C4, C17.

use std::time::Duration;

use fixtures::{actions, key, ledger, path, prove, register};
use platform::test::on_both_engines;
use serde_json::{Value, json};

use crate::common::features;

#[tokio::test]
async fn a4_a5_the_two_steps_of_seed_000() {
    on_both_engines(&features(), async |app| {
        let (token, user) = register(app, "test@example.com").await;
        let missing = app.get("/api/v1/customers/profile/").bearer(&token).send().await;
        assert_eq!(missing.expect_error(404, "PROFILE_NOT_FOUND")["detail"], "Customer profile not found");
        let body = json!({
            "street_address": "123 Test St", "city": "Portland", "state": "Oregon", "postal_code": "97201", "country": "USA"
        });
        let reply = app.post("/api/v1/customers/profile/create/").bearer(&token).json(&body).send().await;
        let own = reply.expect(201);
        for (name, value) in [
            ("user_id", json!(user)),
            ("email", json!("test@example.com")),
            ("first_name", json!("Test")),
            ("last_name", json!("User")),
            ("phone", json!("+15551234567")),
            ("user_role", json!("customer")),
            ("address_line1", json!("123 Test St")),
            ("full_address", json!("123 Test St, Portland, Oregon, 97201, USA")),
            ("formatted_address", json!("123 Test St\nPortland, Oregon 97201\nUSA")),
        ] {
            assert_eq!(own[name], value, "{name}");
        }
        for hidden in ["notes", "tags", "tag_list", "metadata", "external_id"] {
            assert!(own.get(hidden).is_none(), "{hidden}");
        }
        let read = app.get("/api/v1/customers/profile/").bearer(&token).send().await;
        assert_eq!(read.expect(200), own);
        assert_eq!(read.header("etag"), reply.header("etag"));
        assert_eq!(app.get("/api/v1/customers/me").bearer(&token).send().await.expect(200), own);
        assert_eq!(app.get(path(&own, "")).bearer(&token).send().await.expect(200), own);
        let again = app.post("/api/v1/customers/profile/create/").bearer(&token).json(&body).send().await;
        again.expect_error(409, "PROFILE_ALREADY_EXISTS");
    })
    .await;
}

#[tokio::test]
async fn a5_nothing_is_required_and_one_of_many_at_once_wins() {
    on_both_engines(&features(), async |app| {
        let (token, _) = register(app, "test@example.com").await;
        let requests = (0..8).map(|_| app.post("/api/v1/customers/profile/create/").bearer(&token).send());
        let replies = futures_util::future::join_all(requests).await;
        assert_eq!(replies.iter().filter(|r| r.status == 201).count(), 1);
        for reply in replies.iter().filter(|r| r.status != 201) {
            reply.expect_error(409, "PROFILE_ALREADY_EXISTS");
        }
        let (other, _) = register(app, "other@example.com").await;
        app.post("/api/v1/customers/profile/create/").bearer(&other).json(json!({})).send().await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn a4_only_customers_have_a_profile() {
    on_both_engines(&features(), async |app| {
        let staff = key(app, "admin").await;
        for request in [
            app.get("/api/v1/customers/profile/"),
            app.get("/api/v1/customers/me/"),
            app.post("/api/v1/customers/profile/create/").json(json!({})),
            app.patch("/api/v1/customers/profile/update/").json(json!({})),
            app.put("/api/v1/customers/profile/update/").json(json!({})),
            app.delete("/api/v1/customers/profile/delete/"),
        ] {
            let problem = request.bearer(&staff).send().await.expect_error(403, "CUSTOMERS_ONLY");
            assert_eq!(problem["detail"], "Only customers can access");
        }
        app.get("/api/v1/customers/profile/").send().await.expect_error(401, "NOT_AUTHENTICATED");
    })
    .await;
}

#[tokio::test]
async fn a6_the_customer_changes_what_is_its_own() {
    on_both_engines(&features(), async |app| {
        let staff = key(app, "employee").await;
        let (token, _) = register(app, "test@example.com").await;
        let own = app
            .post("/api/v1/customers/profile/create/")
            .bearer(&token)
            .json(json!({}))
            .send()
            .await
            .expect(201);
        app.patch(path(&own, ""))
            .bearer(&staff)
            .json(json!({"tags": "vip", "notes": "n"}))
            .send()
            .await
            .expect(200);
        let patch =
            |body: Value| app.patch("/api/v1/customers/profile/update/").bearer(&token).json(body).send();
        let changed =
            patch(json!({"city": "Salem", "first_name": "Tess", "gender": "female"})).await.expect(200);
        assert_eq!((&changed["city"], &changed["full_name"]), (&json!("Salem"), &json!("Tess User")));
        let put = app
            .put("/api/v1/customers/profile/update/")
            .bearer(&token)
            .json(json!({"state": "OR"}))
            .send()
            .await;
        assert_eq!((&put.expect(200)["city"], &put.json()["state"]), (&json!("Salem"), &json!("OR")));
        for (name, value) in [
            ("notes", json!("mine")),
            ("tags", json!("gold")),
            ("metadata", json!({"a": "b"})),
            ("external_id", json!("x")),
            ("is_verified", json!(true)),
            ("is_active", json!(false)),
            ("total_services", json!(5)),
            ("email_verified", json!(true)),
            ("role", json!("admin")),
            ("company_id", json!("COMP-001")),
            ("customer_since", json!("2001-01-01T00:00:00Z")),
            ("last_service_date", json!("2001-01-01T00:00:00Z")),
        ] {
            let mut body = json!({"city": "Nowhere"});
            body[name] = value;
            patch(body).await.expect_error(403, "FIELD_NOT_WRITABLE");
        }
        let read = app.get("/api/v1/customers/profile").bearer(&token).send().await;
        assert_eq!(read.expect(200)["city"], "Salem");
        assert_eq!(patch(read.json()).await.expect(200), read.json(), "what was read can be sent back");
        let stale =
            app.patch("/api/v1/customers/profile/update").bearer(&token).header("if-match", "\"0.0.c\"");
        stale.json(json!({"city": "X"})).send().await.expect_error(412, "PRECONDITION_FAILED");
        let by_ref = app.patch(path(&own, "")).bearer(&token).json(json!({"city": "Bend"})).send().await;
        assert_eq!(by_ref.expect(200)["city"], "Bend");
    })
    .await;
}

#[tokio::test]
async fn b_agreeing_to_a_default_is_more_than_the_default() {
    on_both_engines(&features(), async |app| {
        let (token, _) = register(app, "test@example.com").await;
        let own = app
            .post("/api/v1/customers/profile/create/")
            .bearer(&token)
            .json(json!({}))
            .send()
            .await
            .expect(201);
        let agree = || {
            app.advance(Duration::from_secs(1));
            app.patch("/api/v1/customers/profile/update")
                .bearer(&token)
                .json(json!({"marketing_emails": true}))
                .send()
        };
        agree().await.expect(200);
        agree().await.expect(200);
        let states = ledger(app, &own).await;
        assert_eq!(states.len(), 3, "{states:?}");
        assert_eq!(states[2], ("marketing_emails".into(), true, "customer".into()));
    })
    .await;
}

#[tokio::test]
async fn a6_a_new_address_waits_whoever_has_it() {
    on_both_engines(&features(), async |app| {
        let (token, _) = register(app, "old@example.com").await;
        app.post("/api/v1/customers/profile/create/").bearer(&token).json(json!({})).send().await.expect(201);
        let patch = |email: &str| {
            app.patch("/api/v1/customers/profile/update").bearer(&token).json(json!({"email": email})).send()
        };
        register(app, "known@example.com").await;
        for proven in [false, true] {
            for email in ["known@example.com", "new@example.com"] {
                let waits = patch(email).await.expect(200);
                assert_eq!(
                    (&waits["email"], &waits["pending_email"]),
                    (&json!("old@example.com"), &json!(email))
                );
            }
            if !proven {
                prove(app, "old@example.com").await;
            }
        }
        for n in 0..6 {
            patch(&format!("stranger{n}@example.com")).await.expect(200);
        }
        patch("another@example.com").await.expect_error(429, "RATE_LIMITED");
        assert_eq!(patch("old@example.com").await.expect(200)["email"], "old@example.com");
        app.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn a7_c4_deleting_the_profile_leaves_the_login() {
    on_both_engines(&features(), async |app| {
        let staff = key(app, "employee").await;
        let (token, user) = register(app, "test@example.com").await;
        let create = || {
            app.post("/api/v1/customers/profile/create/").bearer(&token).json(json!({"city": "Bend"})).send()
        };
        let first = create().await.expect(201);
        app.delete("/api/v1/customers/profile/delete/").bearer(&token).send().await.expect(204);
        app.get("/api/v1/customers/profile/")
            .bearer(&token)
            .send()
            .await
            .expect_error(404, "PROFILE_NOT_FOUND");
        let again = app.delete("/api/v1/customers/profile/delete/").bearer(&token).send().await;
        again.expect_error(404, "PROFILE_NOT_FOUND");
        app.get(path(&first, "")).bearer(&staff).send().await.expect(404);
        assert_eq!(app.get("/api/auth/profile/").bearer(&token).send().await.expect(200)["id"], user);
        assert_eq!(actions(app, &first).await, ["customer.created", "customer.profile_deleted"]);
        let second = create().await.expect(201);
        assert_ne!(second["customer_id"], first["customer_id"]);
        assert_eq!(second["user_id"], first["user_id"]);
    })
    .await;
}

#[tokio::test]
async fn c17_a_deactivated_customer_reads_and_does_not_write() {
    on_both_engines(&features(), async |app| {
        let admin = key(app, "admin").await;
        let (token, _) = register(app, "test@example.com").await;
        let own = app
            .post("/api/v1/customers/profile/create/")
            .bearer(&token)
            .json(json!({}))
            .send()
            .await
            .expect(201);
        app.delete(path(&own, "")).bearer(&admin).send().await.expect(204);
        let read = app.get("/api/v1/customers/profile/").bearer(&token).send().await.expect(200);
        assert_eq!(read["is_active"], false);
        let write = app
            .patch("/api/v1/customers/profile/update")
            .bearer(&token)
            .json(json!({"city": "X"}))
            .send()
            .await;
        write.expect_error(403, "CUSTOMER_INACTIVE");
    })
    .await;
}

#[tokio::test]
async fn a1_c1_registering_and_the_profile_in_one_step() {
    on_both_engines(&features(), async |app| {
        let body = |customer: Value| {
            json!({
                "email": "one@example.com", "first_name": "One", "last_name": "Step", "password": "Pass123!", "customer": customer
            })
        };
        let wrong = app.post("/api/auth/register/").json(body(json!({"gender": "robot"}))).send().await;
        assert_eq!(wrong.expect_error(422, "VALIDATION_FAILED")["errors"][0]["field"], "customer.gender");
        // One thing has one value.
        let two = json!({"email": "other@example.com", "first_name": "Two", "last_name": null, "phone": "+15550001"});
        let refused = app.post("/api/auth/register/").json(body(two)).send().await.expect_error(422, "VALIDATION_FAILED");
        let errors: Vec<_> = refused["errors"].as_array().unwrap().iter().map(|e| (e["field"].as_str().unwrap(), e["code"].as_str().unwrap())).collect();
        let differs = |name| (name, "conflicting_values");
        assert_eq!(errors, [differs("customer.email"), differs("customer.first_name"), differs("customer.last_name")]);
        let same = json!({"city": "Lima", "email": "ONE@example.com", "first_name": "One"});
        let reply = app.post("/api/auth/register/").json(body(same)).send().await.expect(201);
        assert_eq!(reply["user"]["email"], "one@example.com");
        app.run_jobs().await;
        assert_eq!((&reply["customer"]["city"], &reply["customer"]["first_name"]), (&json!("Lima"), &json!("One")));
        let token = reply["tokens"]["access"].as_str().unwrap();
        let mut own = app.get("/api/v1/customers/profile/").bearer(token).send().await.expect(200);
        assert!(own["last_login_at"].is_string(), "registering logs in");
        own["last_login_at"] = Value::Null;
        assert_eq!(own, reply["customer"]);
        let login = json!({"email": "one@example.com", "password": "Pass123!"});
        let login = app.post("/api/auth/login/").json(login).send().await.expect(200);
        assert_eq!(login["has_profile"], true);
    })
    .await;
}
