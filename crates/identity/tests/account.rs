//! Registration, login and the own account, through the router on both engines.
//!
//! Rows of the endpoints and promises: A1, A2, A3, C18.

mod common;

use common::{access, link, register, seed_body};
use identity::feature;
use platform::access::Scope;
use platform::test::{TestApp, TestReply, on_both_engines, on_both_engines_with};
use serde_json::{Value, json};

fn refresh_token(reply: &Value) -> String {
    reply["tokens"]["refresh"].as_str().expect("a token").to_owned()
}

async fn done(app: &TestApp) {
    app.run_jobs().await;
}

#[tokio::test]
async fn a1_register_gives_a_user_and_tokens() {
    on_both_engines(&[feature()], async |app| {
        let reply = register(app, "Test@Example.com").await;
        let user = &reply["user"];
        assert_eq!(user["email"], "Test@Example.com");
        assert_eq!(user["phone"], "+15551234567");
        assert_eq!(user["role"], "customer");
        assert_eq!(user["username"], "testuser");
        assert_eq!(user["unique_id"], "USER-10000000");
        assert_eq!(user["email_verified"], false);
        assert_eq!(user["is_staff"], false);
        let profile = app.get("/api/auth/profile/").bearer(&access(&reply)).send().await;
        assert_eq!(profile.expect(200)["id"], user["id"]);
        assert!(!profile.header("etag").is_empty());
        done(app).await;
        let mails = app.mails();
        assert_eq!(mails.len(), 1, "a link to prove the address");
    })
    .await;
}

/// Here nobody keeps profiles of customers; with the crate `customers` beside it, somebody does.
#[tokio::test]
async fn a1_register_with_a_profile_that_nobody_keeps_is_refused() {
    on_both_engines(&[feature()], async |app| {
        let body = json!({
            "email": "a@example.com", "first_name": "Ada", "last_name": "Rey", "password1": "Pass123!",
            "password2": "Pass123!", "customer": {"city": "Lima"}
        });
        let reply = app.post("/api/auth/register").json(body).send().await;
        assert_eq!(reply.expect_error(422, "VALIDATION_FAILED")["errors"][0]["code"], "not_served");
    })
    .await;
}

#[tokio::test]
async fn a1_register_says_all_faults_at_once() {
    on_both_engines(&[feature()], async |app| {
        let body = json!({"email": "nobody", "first_name": "", "password1": "Pass123!", "password2": "other", "colour": 1});
        let problem = app.post("/api/auth/register").json(body).send().await.expect_error(422, "VALIDATION_FAILED");
        let mut fields: Vec<&str> = problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields.len(), 5, "{problem}");
        let body = json!({"email": "a@example.com", "first_name": "A", "last_name": "B", "password": "password"});
        app.post("/api/auth/register").json(body).send().await.expect_error(422, "VALIDATION_FAILED");
    })
    .await;
}

#[tokio::test]
async fn c18_one_of_64_registrations_of_one_address_wins() {
    on_both_engines(&[feature()], async |app| {
        let requests = (0..64).map(|i| {
            let email = if i % 2 == 0 { "race@example.com" } else { "RACE@example.com" };
            app.post("/api/auth/register/").json(seed_body(email)).send()
        });
        let replies: Vec<TestReply> = futures_util::future::join_all(requests).await;
        let created = replies.iter().filter(|r| r.status == 201).count();
        let refused = replies.iter().filter(|r| r.status == 409).count();
        assert_eq!((created, refused), (1, 63));
        for reply in replies.iter().filter(|r| r.status == 409) {
            reply.expect_error(409, "USER_EMAIL_EXISTS");
        }
        done(app).await;
    })
    .await;
}

#[tokio::test]
async fn a1_an_account_that_staff_typed_in_is_claimed_by_mail() {
    on_both_engines(&[feature()], async |app| {
        let ctx = app.system();
        let mut tx = ctx.write().await.unwrap();
        let name = |text| kernel::TextValue::parse(text).unwrap();
        let new = identity::users::service::NewUser {
            email: Some(kernel::TextValue::parse("typed@example.com").unwrap()),
            ..identity::users::service::NewUser::named(name("Typed"), name("In"))
        };
        let user = identity::users::service::create_in(&ctx, &mut tx, new).await.unwrap();
        tx.commit().await.unwrap();

        let reply = app.post("/api/auth/register/").json(seed_body("typed@example.com")).send().await;
        reply.expect_error(409, "ACCOUNT_CLAIMABLE");
        assert!(!reply.text().contains("access"));
        done(app).await;
        let token = link(&app.mails()[0]);
        let verify = |body: Value| app.post("/api/auth/email/verify/").json(body).send();
        verify(json!({"token": token})).await.expect_error(422, "VALIDATION_FAILED");
        let claimed = verify(json!({"token": token, "password": "correct horse"})).await.expect(200);
        assert_eq!(claimed["id"], json!(user.id));
        assert_eq!(claimed["email_verified"], true);
        verify(json!({"token": token, "password": "correct horse"})).await.expect_error(400, "LINK_INVALID");
        let login = json!({"email": "typed@example.com", "password": "correct horse"});
        app.post("/api/auth/login/").json(login).send().await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn whoever_proves_an_address_first_wins() {
    on_both_engines(&[feature()], async |app| {
        let squatter = register(app, "victim@example.com").await;
        done(app).await;
        let token = link(&app.mails()[0]);
        // The owner of the mailbox opens the link without knowing the squatter's password, and sets their own.
        let body = json!({"token": token, "password": "my very own words"});
        app.post("/api/auth/email/verify/").json(body).send().await.expect(200);
        let old = json!({"email": "victim@example.com", "password": "Pass123!"});
        app.post("/api/auth/login/").json(old).send().await.expect_error(401, "INVALID_CREDENTIALS");
        app.get("/api/auth/profile/")
            .bearer(&access(&squatter))
            .send()
            .await
            .expect_error(401, "SESSION_ENDED");
        let new = json!({"email": "victim@example.com", "password": "my very own words"});
        app.post("/api/auth/login/").json(new).send().await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn whoever_registered_proves_the_address_and_keeps_everything() {
    on_both_engines(&[feature()], async |app| {
        let reply = register(app, "me@example.com").await;
        done(app).await;
        let body = json!({"token": link(&app.mails()[0])});
        let verified =
            app.post("/api/auth/email/verify/").bearer(&access(&reply)).json(body).send().await.expect(200);
        assert_eq!(verified["email_verified"], true);
        app.get("/api/auth/profile/").bearer(&access(&reply)).send().await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a2_login_by_address_or_user_name() {
    on_both_engines(&[feature()], async |app| {
        register(app, "test@example.com").await;
        for who in [json!({"email": "TEST@example.com"}), json!({"username": "TestUser"})] {
            let mut body = who.as_object().unwrap().clone();
            body.insert("password".into(), "Pass123!".into());
            let reply = app.post("/api/auth/login/").json(&body).send().await.expect(200);
            assert_eq!(reply["has_profile"], false);
            assert_eq!(reply["user"]["email"], "test@example.com");
            assert!(reply["user"]["last_login"].is_string());
            body.insert("password".into(), "Pass123?".into());
            app.post("/api/auth/login/").json(&body).send().await.expect_error(401, "INVALID_CREDENTIALS");
        }
        let nobody = json!({"email": "nobody@example.com", "password": "Pass123!"});
        app.post("/api/auth/login/").json(nobody).send().await.expect_error(401, "INVALID_CREDENTIALS");
        let both = json!({"email": "test@example.com", "username": "testuser", "password": "Pass123!"});
        app.post("/api/auth/login/").json(both).send().await.expect_error(422, "VALIDATION_FAILED");
        // A phone logs in only once it is verified.
        let phone = json!({"phone": "+15551234567", "password": "Pass123!"});
        app.post("/api/auth/login/").json(phone).send().await.expect_error(401, "INVALID_CREDENTIALS");
        done(app).await;
    })
    .await;
}

#[tokio::test]
async fn a2_a_refresh_token_is_used_once_and_betrays_a_second_user() {
    on_both_engines(&[feature()], async |app| {
        let first = register(app, "test@example.com").await;
        let old = refresh_token(&first);
        let refresh =
            |token: String| app.post("/api/auth/token/refresh/").json(json!({ "refresh": token })).send();
        let second = refresh(old.clone()).await.expect(200);
        // The answer was lost: the same token gives the same successor.
        let again = refresh(old.clone()).await.expect(200);
        assert_eq!(second["refresh"], again["refresh"]);
        let newest = second["refresh"].as_str().unwrap().to_owned();
        let third = refresh(newest).await.expect(200);
        app.get("/api/auth/profile").bearer(third["access"].as_str().unwrap()).send().await.expect(200);
        // Its successor was used by now: somebody has a copy.
        refresh(old).await.expect_error(401, "REFRESH_TOKEN_INVALID");
        refresh(third["refresh"].as_str().unwrap().to_owned())
            .await
            .expect_error(401, "REFRESH_TOKEN_INVALID");
        app.get("/api/auth/profile")
            .bearer(third["access"].as_str().unwrap())
            .send()
            .await
            .expect_error(401, "SESSION_ENDED");
        refresh("rt_nonsense".to_owned()).await.expect_error(401, "REFRESH_TOKEN_INVALID");
        done(app).await;
    })
    .await;
}

#[tokio::test]
async fn a2_a_lost_answer_can_be_asked_for_half_a_minute() {
    on_both_engines(&[feature()], async |app| {
        let first = register(app, "test@example.com").await;
        let refresh =
            |token: String| app.post("/api/auth/token/refresh/").json(json!({ "refresh": token })).send();
        refresh(refresh_token(&first)).await.expect(200);
        app.advance(std::time::Duration::from_secs(31));
        refresh(refresh_token(&first)).await.expect_error(401, "REFRESH_TOKEN_INVALID");
        done(app).await;
    })
    .await;
}

#[tokio::test]
async fn a2_concurrent_refreshes_of_one_token_agree() {
    on_both_engines(&[feature()], async |app| {
        let first = register(app, "test@example.com").await;
        let token = refresh_token(&first);
        let requests =
            (0..8).map(|_| app.post("/api/auth/token/refresh/").json(json!({ "refresh": token })).send());
        let replies = futures_util::future::join_all(requests).await;
        let successors: std::collections::BTreeSet<String> =
            replies.iter().map(|r| r.expect(200)["refresh"].as_str().unwrap().to_owned()).collect();
        assert_eq!(successors.len(), 1);
        done(app).await;
    })
    .await;
}

#[tokio::test]
async fn a2_access_ends_after_ten_minutes_and_sessions_after_their_time() {
    on_both_engines(&[feature()], async |app| {
        let reply = register(app, "test@example.com").await;
        app.advance(std::time::Duration::from_secs(601));
        app.get("/api/auth/profile").bearer(&access(&reply)).send().await.expect_error(401, "TOKEN_EXPIRED");
        app.advance(std::time::Duration::from_secs(15 * 86_400));
        let body = json!({"refresh": refresh_token(&reply)});
        app.post("/api/auth/token/refresh/")
            .json(body)
            .send()
            .await
            .expect_error(401, "REFRESH_TOKEN_INVALID");
        done(app).await;
    })
    .await;
}

#[tokio::test]
async fn a2_logout_holds_at_once() {
    on_both_engines(&[feature()], async |app| {
        let reply = register(app, "test@example.com").await;
        app.get("/api/auth/profile").bearer(&access(&reply)).send().await.expect(200);
        app.post("/api/auth/logout/").bearer(&access(&reply)).send().await.expect(204);
        app.get("/api/auth/profile").bearer(&access(&reply)).send().await.expect_error(401, "SESSION_ENDED");
        let body = json!({"refresh": refresh_token(&reply)});
        app.post("/api/auth/token/refresh/")
            .json(body)
            .send()
            .await
            .expect_error(401, "REFRESH_TOKEN_INVALID");
        app.post("/api/auth/logout/").send().await.expect_error(401, "NOT_AUTHENTICATED");
        done(app).await;
    })
    .await;
}

#[tokio::test]
async fn sessions_are_listed_and_revoked() {
    on_both_engines(&[feature()], async |app| {
        let one = register(app, "test@example.com").await;
        let login = json!({"email": "test@example.com", "password": "Pass123!"});
        let two = app
            .post("/api/auth/login")
            .json(&login)
            .header("user-agent", "a browser")
            .send()
            .await
            .expect(200);
        let three = app.post("/api/auth/login").json(&login).send().await.expect(200);
        let list = app.get("/api/auth/sessions/").bearer(&access(&three)).send().await.expect(200);
        assert_eq!(list["total"], 3);
        let entry = |agent: &str| {
            list["sessions"].as_array().unwrap().iter().find(|s| s["user_agent"] == agent).unwrap()["id"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let path = format!("/api/auth/sessions/{}/", entry("a browser"));
        app.delete(&path).bearer(&access(&three)).send().await.expect(204);
        app.delete(&path).bearer(&access(&three)).send().await.expect_error(404, "SESSION_NOT_FOUND");
        app.get("/api/auth/profile").bearer(&access(&two)).send().await.expect_error(401, "SESSION_ENDED");
        let revoked = app.delete("/api/auth/sessions").bearer(&access(&three)).send().await.expect(200);
        assert_eq!(revoked["revoked"], 1);
        app.get("/api/auth/profile").bearer(&access(&one)).send().await.expect_error(401, "SESSION_ENDED");
        app.get("/api/auth/profile").bearer(&access(&three)).send().await.expect(200);
        // Somebody else's session is not there.
        let other = register(app, "other@example.com").await;
        let mine =
            list["sessions"].as_array().unwrap().iter().find(|s| s["is_current"] == true).unwrap()["id"]
                .as_str()
                .unwrap()
                .to_owned();
        app.delete(format!("/api/auth/sessions/{mine}"))
            .bearer(&access(&other))
            .send()
            .await
            .expect_error(404, "SESSION_NOT_FOUND");
        done(app).await;
    })
    .await;
}

#[tokio::test]
async fn a3_the_own_account_is_changed_and_nothing_that_is_others_to_change() {
    on_both_engines(&[feature()], async |app| {
        let reply = register(app, "test@example.com").await;
        let token = access(&reply);
        let patch = |body: Value| app.patch("/api/auth/profile/update/").bearer(&token).json(body).send();
        let user =
            patch(json!({"first_name": "Tess", "phone_number": "+1-555-0123", "address": "1 Main St"}))
                .await
                .expect(200);
        assert_eq!(
            (&user["first_name"], &user["phone"], &user["version"]),
            (&json!("Tess"), &json!("+1-555-0123"), &json!(2))
        );
        assert_eq!(patch(json!({"address": null})).await.expect(200)["address"], Value::Null);
        // What was read can be sent back.
        let read = app.get("/api/auth/profile").bearer(&token).send().await.expect(200);
        assert_eq!(patch(read.clone()).await.expect(200)["version"], read["version"]);
        for body in
            [json!({"role": "admin"}), json!({"email_verified": true}), json!({"company_id": "COMP-001"})]
        {
            patch(body).await.expect_error(403, "FIELD_NOT_WRITABLE");
        }
        patch(json!({"colour": "red"})).await.expect_error(422, "VALIDATION_FAILED");
        patch(json!({"phone": "+15550001", "phone_number": "+15550002"}))
            .await
            .expect_error(422, "VALIDATION_FAILED");
        let stale = app.patch("/api/auth/profile/update").bearer(&token).header("if-match", "\"1\"");
        let problem =
            stale.json(json!({"first_name": "X"})).send().await.expect_error(412, "PRECONDITION_FAILED");
        assert_eq!(problem["current_version"], 3);
        // A new address waits for its proof; another spelling of the same one does not.
        let waits = patch(json!({"email": "new@example.com"})).await.expect(200);
        assert_eq!(
            (&waits["email"], &waits["pending_email"]),
            (&json!("test@example.com"), &json!("new@example.com"))
        );
        let spelled = patch(json!({"email": "Test@Example.com"})).await.expect(200);
        assert_eq!(
            (&spelled["email"], &spelled["pending_email"]),
            (&json!("Test@Example.com"), &Value::Null)
        );
        done(app).await;
    })
    .await;
}

#[tokio::test]
async fn a3_a_proven_address_stays_until_the_new_one_is_proven() {
    on_both_engines(&[feature()], async |app| {
        let reply = register(app, "old@example.com").await;
        done(app).await;
        let body = json!({"token": link(&app.mails()[0])});
        app.post("/api/auth/email/verify/").bearer(&access(&reply)).json(body).send().await.expect(200);
        let change = json!({"email": "new@example.com"});
        let user = app
            .patch("/api/auth/profile/update/")
            .bearer(&access(&reply))
            .json(change)
            .send()
            .await
            .expect(200);
        assert_eq!(user["email"], "old@example.com");
        assert_eq!(user["pending_email"], "new@example.com");
        app.run_jobs().await;
        let mails = app.mails();
        let to_new =
            mails.iter().find(|m| m.contains("To: new@example.com")).expect("a link to the new address");
        let body = json!({"token": link(to_new), "password": "Pass123!"});
        let user = app.post("/api/auth/email/verify/").json(body).send().await.expect(200);
        assert_eq!((&user["email"], &user["pending_email"]), (&json!("new@example.com"), &Value::Null));
        app.run_jobs().await;
        assert!(
            app.mails().iter().any(|m| m.contains("To: old@example.com") && m.contains("changed")),
            "the old address is told"
        );
    })
    .await;
}

#[tokio::test]
async fn events_of_an_account_are_written_with_it() {
    on_both_engines(&[feature()], async |app| {
        register(app, "test@example.com").await;
        let ctx = app.system();
        let _ = Scope::system("test");
        let mut tx = ctx.read().await.unwrap();
        let actions =
            tx.all(database::sql!("SELECT action FROM event ORDER BY seq" => String), []).await.unwrap();
        assert_eq!(actions, ["user.created", "session.created"]);
        drop(tx);
        done(app).await;
    })
    .await;
}

#[tokio::test]
async fn strangers_are_limited_and_told_what_is_left() {
    on_both_engines_with(&[feature()], &[("limits.open_per_minute", "3")], async |app| {
        let body = json!({"email": "nobody@example.com", "password": "Pass123!"});
        let login = || app.post("/api/auth/login/").json(&body).send();
        let reply = login().await;
        reply.expect_error(401, "INVALID_CREDENTIALS");
        login().await;
        let last = login().await;
        assert_eq!(last.header("ratelimit-policy"), "\"open\";q=3;w=60");
        assert_eq!(last.header("ratelimit"), "\"open\";r=0;t=60");
        let refused = login().await;
        refused.expect_error(429, "RATE_LIMITED");
        assert_eq!(refused.header("retry-after"), "20");
        app.advance(std::time::Duration::from_secs(20));
        login().await.expect_error(401, "INVALID_CREDENTIALS");
    })
    .await;
}

#[tokio::test]
async fn an_account_of_ones_own_does_not_lift_the_limit() {
    on_both_engines_with(&[feature()], &[("limits.open_per_minute", "4")], async |app| {
        let own = access(&register(app, "mallory@example.com").await);
        let body = json!({"email": "victim@example.com", "password": "Pass123!"});
        let login = || app.post("/api/auth/login/").bearer(&own).json(&body).send();
        for _ in 0..3 {
            login().await.expect_error(401, "INVALID_CREDENTIALS");
        }
        login().await.expect_error(429, "RATE_LIMITED");
        app.post("/api/auth/token/refresh/")
            .bearer(&own)
            .json(json!({"refresh": "guessed"}))
            .send()
            .await
            .expect_error(429, "RATE_LIMITED");
        app.get("/api/auth/profile/").bearer(&own).send().await.expect(200);
        done(app).await;
    })
    .await;
}
