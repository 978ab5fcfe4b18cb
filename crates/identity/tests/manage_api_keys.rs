//! `/api/v1/api-keys`: each endpoint and each of its outcomes, and the key that a deployment is started with.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

use std::time::Duration;

use database::{args, sql};
use identity::api_keys::service::{self as keys, NewApiKey};
use identity::api_keys::{first, model::KeyState};
use identity::feature;
use platform::test::{TestApp, TestReply, on_both_engines};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

const KEYS: &str = "/api/v1/api-keys/";

fn new(name: &str, role: &str, company: Option<&str>) -> NewApiKey {
    NewApiKey {
        name: name.to_owned(),
        role: role.to_owned(),
        scopes: Vec::new(),
        company: company.map(str::to_owned),
        expires_at: None,
    }
}

/// A key that the command line made: its secret and its id.
async fn system_key(app: &TestApp, name: &str, role: &str, company: Option<&str>) -> (String, Uuid) {
    let (key, secret) = keys::create(&app.system(), new(name, role, company)).await.unwrap();
    (secret.reveal(), key.id)
}

/// Two companies, and a role of one company that may manage keys.
async fn companies(app: &TestApp) {
    let ctx = app.system();
    let mut tx = ctx.write().await.unwrap();
    for number in ["COMP-001", "COMP-002"] {
        tx.exec(
            sql!(
                "INSERT INTO company (id, company_id, company_key, name, business_name, document_type, document_number,
                   document_number_key, status, created_at, updated_at, version)
                 VALUES ($1, $2, $2, $2, $2, 'RUC', $2, $2, 'active', $3, $3, 1)"
            ),
            args![ctx.new_id(), number, ctx.now()],
        )
        .await
        .unwrap();
    }
    tx.exec(
        sql!(
            "INSERT INTO role (code, name, reach, permissions, position)
             VALUES ('keeper', 'Keeper', 'company', '[\"users.read\",\"api_keys.manage\"]', 6)"
        ),
        [],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

/// An account is for users, so a living key is told so.
async fn present(app: &TestApp, secret: &str) -> TestReply {
    app.get("/api/auth/profile/").bearer(secret).send().await
}

fn path(id: impl std::fmt::Display) -> String {
    format!("{KEYS}{id}")
}

#[tokio::test]
async fn a_key_is_made_shown_renamed_and_ended() {
    on_both_engines(&[feature()], async |app| {
        let (admin, _) = system_key(app, "root", "admin", None).await;
        let body = json!({
            "name": "nightly import", "role": "employee", "scopes": ["customers.read", "customers.write"],
            "expires_at": "2027-01-01T00:00:00Z"
        });
        let reply = app.post(KEYS).bearer(&admin).json(&body).send().await;
        let made = reply.expect(201);
        let (secret, key) = (made["key"].as_str().unwrap(), &made["api_key"]);
        let id = key["id"].as_str().unwrap();
        assert_eq!(reply.header("location"), format!("/api/v1/api-keys/{id}"));
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(
            (&key["name"], &key["role"], &key["state"]),
            (&json!("nightly import"), &json!("employee"), &json!("active"))
        );
        assert_eq!(
            (&key["scopes"], &key["expires_at"]),
            (&body["scopes"], &json!("2027-01-01T00:00:00.000000Z"))
        );
        assert_eq!(
            (&key["created_by"]["kind"], &key["created_by"]["name"]),
            (&json!("api_key"), &json!("root"))
        );
        present(app, secret).await.expect_error(403, "USERS_ONLY");

        let shown = app.get(path(id)).bearer(&admin).send().await;
        assert_eq!(&shown.expect(200), key);
        assert!(!shown.text().contains(secret), "shown once");
        let unchanged =
            app.get(path(id)).bearer(&admin).header("if-none-match", shown.header("etag")).send().await;
        assert_eq!(unchanged.status, 304);

        // What was read can be sent back; only the name is another.
        let mut sent = shown.json();
        sent["name"] = json!("hourly import");
        let stale = app.patch(path(id)).bearer(&admin).header("if-match", "\"9\"").json(&sent).send().await;
        stale.expect_error(412, "PRECONDITION_FAILED");
        let renamed = app
            .patch(path(id))
            .bearer(&admin)
            .header("if-match", shown.header("etag"))
            .json(&sent)
            .send()
            .await;
        assert_eq!(
            (&renamed.expect(200)["name"], &renamed.json()["version"]),
            (&json!("hourly import"), &json!(2))
        );
        let same = app.patch(path(id)).bearer(&admin).json(json!({})).send().await.expect(200);
        assert_eq!(same["version"], 2, "nothing was changed");

        let stale = app.delete(path(id)).bearer(&admin).header("if-match", "\"1\"").send().await;
        stale.expect_error(412, "PRECONDITION_FAILED");
        app.delete(path(id)).bearer(&admin).send().await.expect(204);
        present(app, secret).await.expect_error(401, "API_KEY_INVALID");
        let ended = app.get(path(id)).bearer(&admin).send().await.expect(200);
        assert_eq!(ended["state"], "revoked");
        assert!(ended["revoked_at"].is_string());
        app.delete(path(id)).bearer(&admin).send().await.expect_error(404, "API_KEY_NOT_FOUND");
        let renamed = app.patch(path(id)).bearer(&admin).json(json!({ "name": "x" })).send().await;
        renamed.expect_error(409, "API_KEY_REVOKED");
    })
    .await;
}

#[tokio::test]
async fn a_body_that_cannot_be_a_key_is_told_all_its_faults() {
    on_both_engines(&[feature()], async |app| {
        let (admin, _) = system_key(app, "root", "admin", None).await;
        let post = async |body: Value| app.post(KEYS).bearer(&admin).json(body).send().await;
        let errors = post(json!({
            "name": "x", "role": "customer", "scopes": ["customers.raed", "xyzzy"], "expires_at": "2020-01-01T00:00:00Z"
        }))
        .await
        .expect_error(422, "VALIDATION_FAILED");
        let told = errors["errors"].to_string();
        for word in ["role of staff", "did you mean customers.read?", "xyzzy; there are", "in the future"] {
            assert!(told.contains(word), "{word}: {told}");
        }
        for code in ["unknown_permission", "in_the_past"] {
            assert!(told.contains(&format!("\"code\":\"{code}\"")), "{code}: {told}");
        }
        let unknown = post(json!({ "name": "x", "role": "amdin" })).await.expect_error(422, "VALIDATION_FAILED");
        assert_eq!(unknown["errors"][0]["code"], "unknown_role");
        let told = unknown["errors"][0]["message"].as_str().unwrap();
        assert!(told.contains("admin, ") && told.ends_with("did you mean admin?"), "{told}");
        let missing = post(json!({})).await.expect_error(422, "VALIDATION_FAILED");
        assert_eq!(missing["errors"].as_array().unwrap().len(), 2, "{missing}");
        let company = post(json!({ "name": "x", "role": "manager" })).await.expect_error(422, "VALIDATION_FAILED");
        assert_eq!(company["errors"][0]["field"], "company_id");
        let nowhere = post(json!({ "name": "x", "role": "manager", "company_id": "COMP-999" })).await;
        assert_eq!(nowhere.expect_error(422, "VALIDATION_FAILED")["errors"][0]["code"], "unknown_company");
        app.get(path("nonsense")).bearer(&admin).send().await.expect_error(404, "API_KEY_NOT_FOUND");
        app.get(path(Uuid::nil())).bearer(&admin).send().await.expect_error(404, "API_KEY_NOT_FOUND");
        app.get(format!("{KEYS}?colour=red")).bearer(&admin).send().await.expect_error(400, "UNKNOWN_PARAMETER");
    })
    .await;
}

/// Two keys of one name could not be told apart in the log.
#[tokio::test]
async fn living_keys_of_a_company_have_different_names() {
    on_both_engines(&[feature()], async |app| {
        companies(app).await;
        let (admin, _) = system_key(app, "root", "admin", None).await;
        let ctx = app.system();
        let make = async |name: &str, company: Option<&str>| {
            let role = if company.is_some() { "keeper" } else { "employee" };
            keys::create(&ctx, new(name, role, company)).await.map(|(key, secret)| (key.id, secret.reveal()))
        };
        let (first, secret) = make("sync", None).await.unwrap();
        make("sync", Some("COMP-001")).await.unwrap();
        make("sync", Some("COMP-002")).await.unwrap();
        for company in [None, Some("COMP-001")] {
            assert_eq!(make(" sync ", company).await.unwrap_err().code(), "API_KEY_NAME_EXISTS");
        }
        let (other, _) = make("other", None).await.unwrap();
        let taken = app.patch(path(other)).bearer(&admin).json(json!({ "name": "sync" })).send().await;
        taken.expect_error(409, "API_KEY_NAME_EXISTS");
        let key = json!({ "name": "sync", "role": "employee" });
        let twice = app.post(KEYS).bearer(&admin).header("idempotency-key", "k").json(&key).send().await;
        twice.expect_error(409, "API_KEY_NAME_EXISTS");

        // Replacing ends the one and makes the other, in one step.
        let (replaced, _) = keys::replace(&ctx, new("sync", "employee", None)).await.unwrap();
        present(app, &secret).await.expect_error(401, "API_KEY_INVALID");
        assert_eq!(keys::get(&ctx, first).await.unwrap().state(ctx.now()), KeyState::Revoked);
        assert_eq!(keys::find_by_name(&ctx, "sync").await.unwrap().len(), 3);
        // One that has ended keeps its name from nobody.
        keys::revoke(&ctx, replaced.id, |_| Ok(())).await.unwrap();
        let ends = NewApiKey {
            expires_at: Some(ctx.now().plus(Duration::from_secs(60))),
            ..new("sync", "employee", None)
        };
        keys::create(&ctx, ends).await.unwrap();
        assert_eq!(make("sync", None).await.unwrap_err().code(), "API_KEY_NAME_EXISTS");
        app.advance(Duration::from_secs(60));
        make("sync", None).await.unwrap();
    })
    .await;
}

/// An answer with a secret is not kept for repeats: it would stand in the database.
#[tokio::test]
async fn no_secret_is_stored() {
    on_both_engines(&[feature()], async |app| {
        let (admin, _) = system_key(app, "root", "admin", None).await;
        let key = json!({ "name": "once", "role": "employee" });
        let make =
            async || app.post(KEYS).bearer(&admin).header("idempotency-key", "k").json(&key).send().await;
        make().await.expect(201);
        let mut tx = app.system().read().await.unwrap();
        let stored = sql!("SELECT coalesce(sum(length(body)), 0) AS n FROM idempotency_key" => i64);
        assert_eq!(tx.one(stored, []).await.unwrap(), 0);
        drop(tx);
        make().await.expect_error(409, "IDEMPOTENCY_REPLY_NOT_KEPT");
    })
    .await;
}

#[tokio::test]
async fn keys_are_listed_within_the_own_reach() {
    on_both_engines(&[feature()], async |app| {
        companies(app).await;
        let (admin, root) = system_key(app, "root", "admin", None).await;
        let (keeper, own) = system_key(app, "keeper", "keeper", Some("COMP-001")).await;
        let (_, theirs) = system_key(app, "theirs", "keeper", Some("COMP-002")).await;
        // Of the company, and reaching everything: not the company's to see.
        let (_, wide) = system_key(app, "wide", "employee", Some("COMP-001")).await;
        let (_, old) = system_key(app, "old", "keeper", Some("COMP-001")).await;
        keys::revoke(&app.system(), old, |_| Ok(())).await.unwrap();
        let names = async |token: &str, query: &str| {
            let reply = app.get(format!("{KEYS}{query}")).bearer(token).send().await.expect(200);
            let names = reply["api_keys"]
                .as_array()
                .unwrap()
                .iter()
                .map(|key| key["name"].as_str().unwrap().to_owned());
            (names.collect::<Vec<_>>(), reply["total"].as_u64().unwrap())
        };
        // The clock stands, and ids complete the order.
        assert_eq!(names(&admin, "").await.1, 5);
        assert_eq!(names(&admin, "?is_revoked=true").await, (vec!["old".to_owned()], 1));
        assert_eq!(names(&admin, "?role=employee").await.0, ["wide"]);
        assert_eq!(names(&keeper, "?is_revoked=false").await, (vec!["keeper".to_owned()], 1));
        assert_eq!(names(&keeper, "").await.1, 2);
        assert_eq!(names(&keeper, "?name=root").await.1, 0);
        let first = app.get(format!("{KEYS}?limit=2")).bearer(&admin).send().await.expect(200);
        let next = format!("{KEYS}?limit=10&cursor={}", first["next_cursor"].as_str().unwrap());
        let rest = app.get(next).bearer(&admin).send().await.expect(200);
        assert_eq!(rest["api_keys"].as_array().unwrap().len(), 3);
        for foreign in [root, theirs, wide] {
            let hidden = |reply: TestReply| drop(reply.expect_error(404, "API_KEY_NOT_FOUND"));
            hidden(app.get(path(foreign)).bearer(&keeper).send().await);
            hidden(app.patch(path(foreign)).bearer(&keeper).json(json!({ "name": "mine" })).send().await);
            hidden(app.delete(path(foreign)).bearer(&keeper).send().await);
        }
        app.get(path(own)).bearer(&keeper).send().await.expect(200);
        let elsewhere = json!({ "name": "x", "role": "keeper", "company_id": "COMP-002" });
        app.post(KEYS).bearer(&keeper).json(elsewhere).send().await.expect_error(403, "COMPANY_OUT_OF_REACH");
        let more = json!({ "name": "x", "role": "manager" });
        app.post(KEYS).bearer(&keeper).json(more).send().await.expect_error(403, "ROLE_EXCEEDS_OWN");
        let mine = app
            .post(KEYS)
            .bearer(&keeper)
            .json(json!({ "name": "x", "role": "keeper" }))
            .send()
            .await
            .expect(201);
        assert_eq!(mine["api_key"]["company_id"], "COMP-001");
    })
    .await;
}

#[tokio::test]
async fn who_may_not_manage_keys_is_refused() {
    on_both_engines(&[feature()], async |app| {
        let (_, id) = system_key(app, "root", "admin", None).await;
        let (employee, _) = system_key(app, "employee", "employee", None).await;
        let body = json!({
            "email": "eva@example.com", "first_name": "Eva", "last_name": "Rey", "password": "a long enough sentence"
        });
        let registered = app.post("/api/auth/register/").json(body).send().await.expect(201);
        app.run_jobs().await;
        let customer = registered["tokens"]["access"].as_str().unwrap().to_owned();
        for (token, code) in [(&employee, "PERMISSION_DENIED"), (&customer, "PERMISSION_DENIED")] {
            app.get(KEYS).bearer(token).send().await.expect_error(403, code);
            app.get(path(id)).bearer(token).send().await.expect_error(403, code);
            app.delete(path(id)).bearer(token).send().await.expect_error(403, code);
            let body = json!({ "name": "x", "role": "employee" });
            app.post(KEYS).bearer(token).json(body).send().await.expect_error(403, code);
            app.patch(path(id))
                .bearer(token)
                .json(json!({ "name": "x" }))
                .send()
                .await
                .expect_error(403, code);
        }
        app.get(KEYS).send().await.expect_error(401, "NOT_AUTHENTICATED");
    })
    .await;
}

/// A stolen key leaves nothing behind once it is revoked.
#[tokio::test]
async fn what_a_key_makes_ends_with_it() {
    on_both_engines(&[feature()], async |app| {
        let ctx = app.system();
        let ends = ctx.now().plus(Duration::from_secs(3600));
        let made = NewApiKey { expires_at: Some(ends), ..new("parent", "admin", None) };
        let (parent, parent_secret) = keys::create(&ctx, made).await.unwrap();
        let parent_secret = parent_secret.reveal();
        let post = async |token: &str, body: Value| app.post(KEYS).bearer(token).json(body).send().await;
        let late = json!({ "name": "late", "role": "admin", "expires_at": ends.plus(Duration::from_secs(1)).to_string() });
        assert_eq!(post(&parent_secret, late).await.expect_error(422, "VALIDATION_FAILED")["errors"][0]["code"], "too_late");
        let child = post(&parent_secret, json!({ "name": "child", "role": "admin" })).await.expect(201);
        assert_eq!(child["api_key"]["expires_at"], ends.to_string(), "at the latest with its parent");
        let secret = child["key"].as_str().unwrap();
        let grandchild = post(secret, json!({ "name": "grandchild", "role": "employee" })).await;
        grandchild.expect_error(403, "KEY_MADE_BY_KEY");
        present(app, secret).await.expect_error(403, "USERS_ONLY");
        keys::revoke(&ctx, parent.id, |_| Ok(())).await.unwrap();
        present(app, &parent_secret).await.expect_error(401, "API_KEY_INVALID");
        present(app, secret).await.expect_error(401, "API_KEY_INVALID");
        let id: Uuid = child["api_key"]["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(keys::get(&ctx, id).await.unwrap().state(ctx.now()), KeyState::Orphaned);
    })
    .await;
}

/// Another process that knows the key asks again within two seconds.
#[tokio::test]
async fn a_revoked_key_ends_in_other_processes() {
    on_both_engines(&[feature()], async |app| {
        let (secret, id) = system_key(app, "sync", "employee", None).await;
        present(app, &secret).await.expect_error(403, "USERS_ONLY");
        let other = TestApp::process(&app.db, &[feature()], &[]).await;
        keys::revoke(&other.system("another process"), id, |_| Ok(())).await.unwrap();
        app.advance(Duration::from_secs(2));
        present(app, &secret).await.expect_error(401, "API_KEY_INVALID");
    })
    .await;
}

/// Whoever mistypes a key is not told to log in.
#[tokio::test]
async fn what_begins_like_a_key_is_told_of_keys() {
    on_both_engines(&[feature()], async |app| {
        for bad in ["rk_bad", "rk_", &format!("rk_{}", "A".repeat(43))] {
            let problem = present(app, bad).await.expect_error(401, "API_KEY_INVALID");
            assert!(problem["detail"].as_str().unwrap().contains("API key"), "{problem}");
            assert_eq!(problem["title"], "API key invalid");
        }
        present(app, "bad").await.expect_error(401, "TOKEN_INVALID");
    })
    .await;
}

#[tokio::test]
async fn a_deployment_is_started_with_a_key_once() {
    on_both_engines(&[feature()], async |app| {
        let ctx = app.system();
        let text = |letter: &str| format!("rk_{}A", letter.repeat(42));
        let (one, two) = (SecretString::from(text("B")), SecretString::from(text("C")));
        let ensure =
            async |secret: &SecretString| first::ensure(&app.system(), secret, "bootstrap", "employee").await;
        // Two processes at once.
        let (left, right) = tokio::join!(ensure(&one), ensure(&one));
        let made: Vec<_> = [left.unwrap(), right.unwrap()].into_iter().flatten().collect();
        assert_eq!(made.len(), 1);
        present(app, one.expose_secret()).await.expect_error(403, "USERS_ONLY");
        assert!(ensure(&one).await.unwrap().is_none());
        // Another secret stands beside it, and the log tells them apart.
        assert_eq!(ensure(&two).await.unwrap().unwrap().name, "bootstrap 2");
        present(app, one.expose_secret()).await.expect_error(403, "USERS_ONLY");
        present(app, two.expose_secret()).await.expect_error(403, "USERS_ONLY");
        // What somebody has ended stays so.
        keys::revoke(&ctx, made[0].id, |_| Ok(())).await.unwrap();
        assert!(ensure(&one).await.unwrap().is_none());
        present(app, one.expose_secret()).await.expect_error(401, "API_KEY_INVALID");
        let bad = ensure(&SecretString::from("hunter2")).await.unwrap_err();
        assert!(bad.detail().contains("openssl") && !format!("{bad:?}").contains("hunter2"), "{bad:?}");
    })
    .await;
}

/// Keys of the releases before could have one name; the elder keeps it, and both work.
#[tokio::test]
async fn rows_of_the_previous_release_need_no_name_of_their_own() {
    on_both_engines(&[feature()], async |app| {
        let (secret, _) = system_key(app, "sync", "employee", None).await;
        let mut tx = app.system().write().await.unwrap();
        tx.exec(sql!("UPDATE api_key SET living_name = NULL"), []).await.unwrap();
        tx.commit().await.unwrap();
        let (newer, _) = system_key(app, "sync", "employee", None).await;
        present(app, &secret).await.expect_error(403, "USERS_ONLY");
        present(app, &newer).await.expect_error(403, "USERS_ONLY");
        assert_eq!(keys::find_by_name(&app.system(), "sync").await.unwrap().len(), 2);
    })
    .await;
}

/// The table of the filters: what each finds before a change, and that it finds the new value only after it.
#[tokio::test]
async fn a_changed_key_is_found_by_the_new_value_only() {
    let filters: Vec<&str> = keys::SPEC.filters.iter().map(|filter| filter.name).collect();
    assert_eq!(filters, ["is_revoked", "name", "role"], "a case for each");
    on_both_engines(&[feature()], async |app| {
        let (admin, _) = system_key(app, "root", "admin", None).await;
        let (_, one) = system_key(app, "one", "employee", None).await;
        let found = async |query: &str| {
            let list = app.get(format!("{KEYS}?{query}")).bearer(&admin).send().await.expect(200);
            list["api_keys"].as_array().unwrap().iter().any(|key| key["id"] == one.to_string())
        };
        assert!(found("name=one").await && !found("name=two").await);
        app.patch(path(one)).bearer(&admin).json(json!({"name": "two"})).send().await.expect(200);
        assert!(found("name=two").await && !found("name=one").await);
        assert!(found("is_revoked=false").await && !found("is_revoked=true").await);
        app.delete(path(one)).bearer(&admin).send().await.expect(204);
        assert!(found("is_revoked=true").await && !found("is_revoked=false").await);
        // The role of a key never changes.
        assert!(found("role=employee").await && !found("role=admin").await);
    })
    .await;
}
