//! PUT and PATCH of a customer.
//!
//! Rows of the endpoints and promises: A17, A18.

use std::time::Duration;

use fixtures::{actions, customer, key, ledger, path, prove, register};
use platform::test::on_both_engines;
use serde_json::{Value, json};

use crate::common::features;

#[tokio::test]
async fn a18_a_patch_changes_what_it_names_and_null_clears() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        let patch = |body: Value| app.patch(path(&one, "/")).bearer(&key).json(body).send();
        let full = patch(json!({
            "city": "Bogotá", "country": "Colombia", "gender": "female", "date_of_birth": "1815-12-10", "phone": "+1-555-0123"
        }))
        .await;
        full.expect_error(422, "VALIDATION_FAILED");
        app.advance(Duration::from_secs(1));
        let full = patch(json!({
            "city": "Bogotá", "country": "Colombia", "gender": "female", "date_of_birth": "1990-12-10", "phone": "+1-555-0123",
            "metadata": {"a": "1", "b": "2"}, "notification_preferences": {"email": {"news": true, "offers": true}},
            "tags": "one,two"
        }))
        .await
        .expect(200);
        assert_eq!((&full["country_code"], &full["version"]), (&json!("CO"), &json!(2)));
        assert_ne!(full["updated_at"], one["updated_at"]);
        let cleared = patch(json!({
            "city": null, "country": "", "gender": null, "date_of_birth": null, "phone": null, "tags": "two",
            "metadata": {"a": null, "c": "3"}, "notification_preferences": {"email": {"offers": null}}
        }))
        .await
        .expect(200);
        for name in ["city", "country", "country_code", "gender", "date_of_birth", "phone"] {
            assert!(cleared[name].is_null(), "{name}");
        }
        assert_eq!(cleared["metadata"], json!({"b": "2", "c": "3"}));
        assert_eq!(cleared["notification_preferences"], json!({"email": {"news": true}}));
        assert_eq!(cleared["tags"], "two");
        assert_eq!(cleared["first_name"], "Ada");
        patch(json!({"first_name": null})).await.expect_error(422, "VALIDATION_FAILED");
        patch(json!({"email": null})).await.expect_error(422, "VALIDATION_FAILED");
        patch(json!({"colour": "red"})).await.expect_error(422, "VALIDATION_FAILED");
        assert_eq!(actions(app, &one).await, ["customer.created", "customer.updated", "customer.updated"]);
    })
    .await;
}

#[tokio::test]
async fn a17_a_put_sets_what_it_names_and_objects_whole() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        let put = |body: Value| app.put(path(&one, "/")).bearer(&key).json(body).send();
        put(json!({"city": "Lima", "metadata": {"a": "1"}, "notification_preferences": {"a": 1}}))
            .await
            .expect(200);
        let second =
            put(json!({"state": "LIM", "metadata": {"b": "2"}, "notification_preferences": {"b": 2}})).await;
        let second = second.expect(200);
        assert_eq!((&second["city"], &second["state"]), (&json!("Lima"), &json!("LIM")));
        assert_eq!(
            (&second["metadata"], &second["notification_preferences"]),
            (&json!({"b": "2"}), &json!({"b": 2}))
        );
    })
    .await;
}

#[tokio::test]
async fn a17_what_was_read_can_be_sent_back_and_changes_nothing() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let one = customer(app, &key, "one@example.com").await;
        let sent_back = app.put(path(&one, "")).bearer(&key).json(&one).send().await;
        assert_eq!(sent_back.expect(200), one);
        assert_eq!(actions(app, &one).await, ["customer.created"]);
        assert_eq!(ledger(app, &one).await.len(), 2);
        let mut other = one.clone();
        other["total_services"] = json!(9);
        let refused = app.put(path(&one, "")).bearer(&key).json(other).send().await;
        assert_eq!(refused.expect_error(403, "FIELD_NOT_WRITABLE")["fields"], json!(["total_services"]));
    })
    .await;
}

#[tokio::test]
async fn a18_names_and_phone_are_written_to_the_user() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        let before = app.get(path(&one, "")).bearer(&key).send().await;
        let body =
            json!({"first_name": "Augusta", "phone_number": "+1-555-0123", "email": "augusta@example.com"});
        let reply = app.patch(path(&one, "")).bearer(&key).json(body).send().await;
        let changed = reply.expect(200);
        assert_eq!(changed["full_name"], "Augusta Lovelace");
        assert_eq!(
            (&changed["email"], &changed["phone"]),
            (&json!("augusta@example.com"), &json!("+1-555-0123"))
        );
        assert_eq!(changed["pending_email"], Value::Null, "without a login there is nothing to protect");
        assert_ne!(reply.header("etag"), before.header("etag"));
        let read = app.get("/api/v1/customers/email/augusta@example.com").bearer(&key).send().await;
        assert_eq!(read.expect(200), changed);
    })
    .await;
}

#[tokio::test]
async fn a18_the_address_of_a_login_waits_for_its_owner() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let (token, _) = register(app, "owner@example.com").await;
        prove(app, "owner@example.com").await;
        let own = app
            .post("/api/v1/customers/profile/create")
            .bearer(&token)
            .json(json!({}))
            .send()
            .await
            .expect(201);
        let patch =
            |email: Value| app.patch(path(&own, "")).bearer(&key).json(json!({"email": email})).send();
        customer(app, &key, "other@example.com").await;
        patch(json!("other@example.com")).await.expect_error(409, "CUSTOMER_EMAIL_EXISTS");
        patch(Value::Null).await.expect_error(422, "VALIDATION_FAILED");
        let waiting = patch(json!("thief@example.com")).await.expect(200);
        assert_eq!(
            (&waiting["email"], &waiting["pending_email"]),
            (&json!("owner@example.com"), &json!("thief@example.com"))
        );
        let mails = app.mails().len();
        assert_eq!(app.run_jobs().await, 2, "a link to the new address, a word to the old");
        assert_eq!(app.mails().len(), mails + 2);
        let login = json!({"email": "owner@example.com", "password": "Pass123!"});
        app.post("/api/auth/login/").json(login).send().await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a18_a_stale_if_match_is_412_and_a_fresh_one_works() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let one = customer(app, &key, "one@example.com").await;
        let first = app.get(path(&one, "")).bearer(&key).send().await.header("etag").to_owned();
        let patch = |tag: &str, city: &str| {
            app.patch(path(&one, "")).bearer(&key).header("if-match", tag).json(json!({"city": city})).send()
        };
        let second = patch(&first, "Lima").await;
        second.expect(200);
        let problem = patch(&first, "Quito").await.expect_error(412, "PRECONDITION_FAILED");
        assert_eq!(problem["current_version"], 2);
        let put = app
            .put(path(&one, ""))
            .bearer(&key)
            .header("if-match", &first)
            .json(json!({"city": "X"}))
            .send()
            .await;
        put.expect_error(412, "PRECONDITION_FAILED");
        let delete = app.delete(path(&one, "")).bearer(&key).header("if-match", &first).send().await;
        delete.expect_error(412, "PRECONDITION_FAILED");
        let hard = app.delete(path(&one, "/hard")).bearer(&key).header("if-match", &first).send().await;
        hard.expect_error(412, "PRECONDITION_FAILED");
        patch(second.header("etag"), "Quito").await.expect(200);
        patch("*", "Cusco").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a18_counters_and_logins_leave_the_tag_alone() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        let before = app.get(path(&one, "")).bearer(&key).send().await.header("etag").to_owned();
        app.post(path(&one, "/increment_service")).bearer(&key).send().await.expect(200);
        app.patch(path(&one, "/last-login")).bearer(&key).send().await.expect(200);
        let after = app.get(path(&one, "")).bearer(&key).send().await;
        assert_eq!(after.header("etag"), before);
        assert_eq!(after.json()["version"], 1);
    })
    .await;
}

#[tokio::test]
async fn a18_patches_at_once_are_all_kept() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        let bodies = [json!({"city": "Lima"}), json!({"state": "LIM"}), json!({"notes": "n"})];
        let requests = bodies.into_iter().map(|b| app.patch(path(&one, "")).bearer(&key).json(b).send());
        for reply in futures_util::future::join_all(requests).await {
            reply.expect(200);
        }
        let after = app.get(path(&one, "")).bearer(&key).send().await.expect(200);
        assert_eq!(
            (&after["city"], &after["state"], &after["notes"]),
            (&json!("Lima"), &json!("LIM"), &json!("n"))
        );
        assert_eq!(after["version"], 4);
    })
    .await;
}

#[tokio::test]
async fn b_consent_changes_write_the_ledger() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        app.advance(Duration::from_secs(1));
        let patch = |body: Value| app.patch(path(&one, "")).bearer(&key).json(body).send();
        let reply = patch(json!({"marketing_emails": false, "marketing_sms": false})).await.expect(200);
        assert_eq!(reply["marketing_emails"], false);
        patch(json!({"marketing_emails": null})).await.expect_error(422, "VALIDATION_FAILED");
        let states = ledger(app, &one).await;
        assert_eq!(states.len(), 3, "{states:?}");
        assert_eq!(states[2], ("marketing_emails".into(), false, "staff".into()));
    })
    .await;
}

#[tokio::test]
async fn a18_staff_who_happen_to_be_customers_are_changed_as_users() {
    on_both_engines(&features(), async |app| {
        let employee = key(app, "employee").await;
        let admin = key(app, "admin").await;
        let (token, user) = register(app, "promoted@example.com").await;
        let own = app
            .post("/api/v1/customers/profile/create")
            .bearer(&token)
            .json(json!({}))
            .send()
            .await
            .expect(201);
        let id: uuid::Uuid = user.parse().unwrap();
        let mut tx = app.system().write().await.unwrap();
        tx.exec(database::sql!("UPDATE user_account SET role = 'admin' WHERE id = $1"), database::args![id])
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let patch = |key: &str, body: Value| app.patch(path(&own, "")).bearer(key).json(body).send();
        patch(&employee, json!({"first_name": "Mallory"})).await.expect_error(403, "FIELD_NOT_WRITABLE");
        app.patch(path(&own, "/verify-email"))
            .bearer(&employee)
            .send()
            .await
            .expect_error(403, "FIELD_NOT_WRITABLE");
        patch(&employee, json!({"first_name": "Test", "city": "Lima"})).await.expect(200);
        assert_eq!(
            patch(&admin, json!({"first_name": "Mallory"})).await.expect(200)["first_name"],
            "Mallory"
        );
    })
    .await;
}
