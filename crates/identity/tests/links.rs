//! Links by mail: to whom they go, what they prove, and what they no longer prove.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

mod common;

use std::pin::pin;

use common::{access, link, register, seed_body};
use futures_util::poll;
use identity::credentials::hasher::Hasher;
use identity::users::model::UserRef;
use identity::users::service::{self as users, User, UserChange};
use identity::{ProfileHook, feature};
use kernel::web::Field;
use platform::access::Scope;
use platform::test::{TestApp, on_both_engines, on_both_engines_with};
use serde_json::{Value, json};
use uuid::Uuid;

fn id_of(reply: &Value) -> Uuid {
    reply["user"]["id"].as_str().unwrap().parse().unwrap()
}

/// Changes a user as staff would, past the rules of its own profile.
async fn change(app: &TestApp, id: Uuid, change: UserChange) -> User {
    let ctx = app.system();
    let mut tx = ctx.write().await.unwrap();
    let found = users::find_in(&mut tx, &Scope::system("test"), UserRef::Id(id)).await.unwrap();
    let user = users::update_in(&ctx, &mut tx, &found.unwrap(), change, None).await.unwrap();
    tx.commit().await.unwrap();
    user
}

fn to(email: &str) -> UserChange {
    UserChange { email: Field::Value(kernel::TextValue::parse(email).unwrap()), ..UserChange::default() }
}

/// Runs `request` until it computes a hash, then `meanwhile`, then the rest of `request`.
async fn while_hashing<T>(
    app: &TestApp,
    request: impl Future<Output = T>,
    meanwhile: impl AsyncFnOnce(),
) -> T {
    let hasher = app.app.state::<Hasher>();
    let free = hasher.free_places();
    let mut request = pin!(request);
    while hasher.free_places() == free {
        assert!(poll!(request.as_mut()).is_pending(), "the request ended without hashing");
        tokio::task::yield_now().await;
    }
    meanwhile().await;
    request.await
}

fn mails_to(app: &TestApp, email: &str) -> Vec<String> {
    app.mails().into_iter().filter(|m| m.contains(&format!("To: {email}"))).collect()
}

async fn verify(app: &TestApp, body: Value) -> platform::test::TestReply {
    app.post("/api/auth/email/verify/").json(body).send().await
}

#[tokio::test]
async fn a_link_goes_to_the_address_it_proves_or_nowhere() {
    on_both_engines(&[feature()], async |app| {
        let reply = register(app, "first@example.com").await;
        change(app, id_of(&reply), to("second@example.com")).await;
        app.run_jobs().await;
        assert!(mails_to(app, "second@example.com").is_empty(), "a link for one address went to another");
        assert!(mails_to(app, "first@example.com").is_empty(), "it is not the user's address any more");
        // Back again: the link is about an address that is the user's, and goes there.
        let reply = register(app, "third@example.com").await;
        app.run_jobs().await;
        let body = json!({"token": link(&mails_to(app, "third@example.com")[0])});
        app.post("/api/auth/email/verify").bearer(&access(&reply)).json(body).send().await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_link_that_has_ended_is_not_sent() {
    on_both_engines(&[feature()], async |app| {
        register(app, "late@example.com").await;
        app.advance(std::time::Duration::from_secs(25 * 3600));
        app.run_jobs().await;
        assert!(app.mails().is_empty());
    })
    .await;
}

// A profile that brings another address for its user.
inventory::submit! {
    ProfileHook {
        find: |_, _| Box::pin(async { Ok(None) }),
        create: |ctx, tx, user, _| {
            Box::pin(async move {
                users::update_in(ctx, tx, user, to("profile@example.com"), None).await?;
                Ok(json!({}))
            })
        },
        changed: |_, _, _| Box::pin(async { Ok(()) }),
    }
}

#[tokio::test]
async fn a_profile_that_changes_the_address_changes_what_is_proven() {
    on_both_engines(&[feature()], async |app| {
        let mut body = seed_body("typed@example.com");
        body["customer"] = json!({});
        let reply = app.post("/api/auth/register/").json(body).send().await.expect(201);
        assert_eq!(reply["user"]["email"], "profile@example.com");
        app.run_jobs().await;
        assert!(mails_to(app, "typed@example.com").is_empty());
        let body = json!({"token": link(&mails_to(app, "profile@example.com")[0])});
        let user =
            app.post("/api/auth/email/verify").bearer(&access(&reply)).json(body).send().await.expect(200);
        assert_eq!(user["email"], "profile@example.com");
    })
    .await;
}

#[tokio::test]
async fn a_link_proves_nothing_about_an_address_that_came_while_hashing() {
    on_both_engines(&[feature()], async |app| {
        let reply = register(app, "mine@example.com").await;
        app.run_jobs().await;
        let body = json!({"token": link(&app.mails()[0]), "password": "Pass123!"});
        let reply = while_hashing(app, verify(app, body), async || {
            change(app, id_of(&reply), to("victim@example.com")).await;
        })
        .await;
        reply.expect_error(400, "LINK_INVALID");
    })
    .await;
}

#[tokio::test]
async fn a_link_compares_the_password_that_is_stored_at_the_end() {
    on_both_engines(&[feature()], async |app| {
        let reply = register(app, "owner@example.com").await;
        app.run_jobs().await;
        let body = json!({"token": link(&app.mails()[0]), "password": "Pass123!"});
        let verified = while_hashing(app, verify(app, body.clone()), async || {
            set_password(app, id_of(&reply), "the owner's own words").await;
        })
        .await;
        verified.expect_error(400, "LINK_INVALID");
        // Nothing was used up by the refusal.
        verify(app, json!({"token": body["token"], "password": "the owner's own words"})).await.expect(200);
    })
    .await;
}

async fn set_password(app: &TestApp, user: Uuid, text: &str) {
    use identity::credentials::model::{PasswordRules, PersonalWords};
    let password = PasswordRules::with_min_chars(8).check(text, &PersonalWords::new("", "", "", "")).unwrap();
    let hash = app.app.state::<Hasher>().hash(&password).await.unwrap();
    let ctx = app.system();
    let mut tx = ctx.write().await.unwrap();
    identity::credentials::service::set_in(&ctx, &mut tx, user, &hash).await.unwrap();
    tx.commit().await.unwrap();
}

/// A user whose address is proven and who waits for the proof of `new@example.com`.
async fn waiting(app: &TestApp) -> (Value, String) {
    let reply = register(app, "old@example.com").await;
    app.run_jobs().await;
    let token = access(&reply);
    let body = json!({"token": link(&app.mails()[0])});
    app.post("/api/auth/email/verify/").bearer(&token).json(body).send().await.expect(200);
    let body = json!({"email": "new@example.com"});
    app.patch("/api/auth/profile/update/").bearer(&token).json(body).send().await.expect(200);
    app.run_jobs().await;
    let secret = link(&mails_to(app, "new@example.com")[0]);
    (reply, secret)
}

#[tokio::test]
async fn a_change_that_was_taken_back_proves_nothing() {
    on_both_engines(&[feature()], async |app| {
        let (reply, secret) = waiting(app).await;
        let body = json!({"token": secret, "password": "Pass123!"});
        let refused = while_hashing(app, verify(app, body.clone()), async || {
            let back = UserChange { pending_email: Field::Null, ..UserChange::default() };
            change(app, id_of(&reply), back).await;
        })
        .await;
        refused.expect_error(400, "LINK_INVALID");
        verify(app, body).await.expect_error(400, "LINK_INVALID");
        let user = app.get("/api/auth/profile").bearer(&access(&reply)).send().await.expect(200);
        assert_eq!(user["email"], "old@example.com");
    })
    .await;
}

#[tokio::test]
async fn a_proof_ends_the_other_links() {
    on_both_engines(&[feature()], async |app| {
        let (reply, secret) = waiting(app).await;
        let body = json!({"email": "newer@example.com"});
        let patch =
            |body: Value| app.patch("/api/auth/profile/update").bearer(&access(&reply)).json(body).send();
        patch(body).await.expect(200);
        app.run_jobs().await;
        let newer = link(&mails_to(app, "newer@example.com")[0]);
        verify(app, json!({"token": newer, "password": "Pass123!"})).await.expect(200);
        // Asked for again, the first address needs a link of its own.
        patch(json!({"email": "new@example.com"})).await.expect(200);
        verify(app, json!({"token": secret, "password": "Pass123!"})).await.expect_error(400, "LINK_INVALID");
        app.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn a_login_needs_the_password_that_is_stored_at_the_end() {
    on_both_engines(&[feature()], async |app| {
        let reply = register(app, "squatted@example.com").await;
        app.run_jobs().await;
        let body = json!({"email": "squatted@example.com", "password": "Pass123!"});
        let login = app.post("/api/auth/login/").json(&body).send();
        let late = while_hashing(app, login, async || {
            set_password(app, id_of(&reply), "the owner's own words").await;
        })
        .await;
        late.expect_error(401, "INVALID_CREDENTIALS");
    })
    .await;
}

async fn patch_email(app: &TestApp, reply: &Value, email: &str) -> Value {
    let patch = app.patch("/api/auth/profile/update/").bearer(&access(reply));
    patch.json(json!({ "email": email })).send().await.expect(200)
}

#[tokio::test]
async fn nobody_fills_a_mailbox_by_many_accounts() {
    on_both_engines(&[feature()], async |app| {
        for i in 0..5 {
            let reply = register(app, &format!("eve{i}@example.com")).await;
            // The victim's address, as an unproven one; then the account moves on and leaves it to the next.
            patch_email(app, &reply, if i % 2 == 0 { "victim@example.com" } else { "Victim@Example.com" })
                .await;
            app.run_jobs().await;
            patch_email(app, &reply, &format!("moved{i}@example.com")).await;
            app.run_jobs().await;
        }
        let mails = app.mails();
        let sent = mails.iter().filter(|m| m.to_lowercase().contains("to: victim@example.com")).count();
        assert_eq!(sent, 3, "per address, whoever asks");
        assert!(mails.iter().all(|m| !m.contains("Test")), "a stranger's words: no name in a mail");
        assert!(mails_to(app, "moved4@example.com").len() == 1, "other addresses are served");
        app.advance(std::time::Duration::from_secs(3601));
        register(app, "victim@example.com").await;
        app.run_jobs().await;
        let mails = app.mails();
        let sent = mails.iter().filter(|m| m.to_lowercase().contains("to: victim@example.com")).count();
        assert_eq!(sent, 4, "after an hour again");
    })
    .await;
}

#[tokio::test]
async fn concurrent_requests_do_not_pass_the_limit() {
    on_both_engines(&[feature()], async |app| {
        let ctx = app.system();
        let mut tx = ctx.write().await.unwrap();
        let name = |text| kernel::TextValue::parse(text).unwrap();
        let new = users::NewUser {
            email: Some(kernel::TextValue::parse("typed@example.com").unwrap()),
            ..users::NewUser::named(name("Typed"), name("In"))
        };
        users::create_in(&ctx, &mut tx, new).await.unwrap();
        tx.commit().await.unwrap();
        let requests =
            (0..16).map(|_| app.post("/api/auth/register/").json(seed_body("typed@example.com")).send());
        for reply in futures_util::future::join_all(requests).await {
            reply.expect_error(409, "ACCOUNT_CLAIMABLE");
        }
        app.run_jobs().await;
        assert_eq!(mails_to(app, "typed@example.com").len(), 3);
    })
    .await;
}

#[tokio::test]
async fn an_old_address_is_told_once_an_hour() {
    on_both_engines(&[feature()], async |app| {
        let (reply, _) = waiting(app).await;
        for i in 0..4 {
            patch_email(app, &reply, &format!("new{i}@example.com")).await;
            app.run_jobs().await;
        }
        let told = || mails_to(app, "old@example.com").iter().filter(|m| m.contains("being changed")).count();
        assert_eq!(told(), 1);
        app.advance(std::time::Duration::from_secs(3601));
        let login = json!({"email": "old@example.com", "password": "Pass123!"});
        let reply = app.post("/api/auth/login/").json(login).send().await.expect(200);
        patch_email(app, &reply, "new9@example.com").await;
        app.run_jobs().await;
        assert_eq!(told(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_new_unproven_address_gets_a_link() {
    on_both_engines(&[feature()], async |app| {
        let reply = register(app, "typo@example.com").await;
        patch_email(app, &reply, "right@example.com").await;
        app.run_jobs().await;
        let body = json!({"token": link(&mails_to(app, "right@example.com")[0])});
        let user =
            app.post("/api/auth/email/verify").bearer(&access(&reply)).json(body).send().await.expect(200);
        assert_eq!((&user["email"], &user["email_verified"]), (&json!("right@example.com"), &json!(true)));
    })
    .await;
}

#[tokio::test]
async fn the_current_address_takes_a_change_back() {
    on_both_engines(&[feature()], async |app| {
        let (reply, secret) = waiting(app).await;
        // What was read can be sent back: that is no wish to end the change.
        let read = app.get("/api/auth/profile").bearer(&access(&reply)).send().await.expect(200);
        let patch = app.patch("/api/auth/profile/update").bearer(&access(&reply)).json(&read);
        assert_eq!(patch.send().await.expect(200)["pending_email"], "new@example.com");
        assert_eq!(patch_email(app, &reply, "old@example.com").await["pending_email"], Value::Null);
        verify(app, json!({"token": secret, "password": "Pass123!"})).await.expect_error(400, "LINK_INVALID");
    })
    .await;
}

#[tokio::test]
async fn a_password_that_has_to_be_the_accounts_own_replaces_nothing() {
    on_both_engines(&[feature()], async |app| {
        let reply = register(app, "typing@example.com").await;
        app.run_jobs().await;
        let token = link(&app.mails()[0]);
        let body =
            |password: &str, keep: bool| json!({"token": token, "password": password, "keep_password": keep});
        // Also one that would be refused as a new one: what is wrong is that it is not the account's.
        for wrong in ["Pass123?", "short"] {
            verify(app, body(wrong, true)).await.expect_error(401, "INVALID_CREDENTIALS");
        }
        let login = json!({"email": "typing@example.com", "password": "Pass123!"});
        app.post("/api/auth/login/").json(&login).send().await.expect(200);
        // The link was not used up, and the session is left.
        verify(app, body("Pass123!", true)).await.expect(200);
        let user = app.get("/api/auth/profile").bearer(&access(&reply)).send().await.expect(200);
        assert_eq!(user["email_verified"], true);
    })
    .await;
}

#[tokio::test]
async fn a_new_address_asks_for_the_accounts_password_and_for_no_other() {
    on_both_engines(&[feature()], async |app| {
        let (_, secret) = waiting(app).await;
        for wrong in ["another sentence", "short"] {
            let body = json!({"token": secret, "password": wrong});
            verify(app, body).await.expect_error(401, "INVALID_CREDENTIALS");
        }
        verify(app, json!({"token": secret, "password": "Pass123!"})).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn each_mail_leads_to_the_page_for_it() {
    on_both_engines(&[feature()], async |app| {
        waiting(app).await;
        let ctx = app.system();
        let mut tx = ctx.write().await.unwrap();
        let name = |text| kernel::TextValue::parse(text).unwrap();
        let new = users::NewUser {
            email: Some(kernel::TextValue::parse("typed@example.com").unwrap()),
            ..users::NewUser::named(name("Typed"), name("In"))
        };
        users::create_in(&ctx, &mut tx, new).await.unwrap();
        tx.commit().await.unwrap();
        let register = app.post("/api/auth/register/").json(seed_body("typed@example.com"));
        register.send().await.expect_error(409, "ACCOUNT_CLAIMABLE");
        app.run_jobs().await;
        for (to, page) in [
            ("old@example.com", "/account/verify"),
            ("new@example.com", "/account/email"),
            ("typed@example.com", "/account/claim"),
        ] {
            let mail = mails_to(app, to).into_iter().find(|mail| mail.contains("#token")).unwrap();
            let plain = mail.replace("=\r\n", "").replace("=3D", "=");
            assert!(plain.contains(&format!("http://127.0.0.1:8000{page}#token=")), "{plain}");
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_learns_by_a_change_which_addresses_are_known() {
    on_both_engines(&[feature()], async |app| {
        register(app, "known@example.com").await;
        let (one, two) = (register(app, "ann@example.com").await, register(app, "bob@example.com").await);
        app.run_jobs().await;
        let before = app.mails().len();
        let send = async |who: &Value, email: &str| {
            let patch =
                app.patch("/api/auth/profile/update/").bearer(&access(who)).json(json!({"email": email}));
            let reply = patch.send().await;
            let mut user = reply.expect(200);
            assert_eq!(user["pending_email"], email);
            for own in ["id", "unique_id", "username", "email", "pending_email"] {
                user[own] = Value::Null;
            }
            let named = |name: &&str| format!("{name}: {}", reply.header(name));
            let headers: Vec<String> = ["etag", "ratelimit", "x-statements"]
                .iter()
                .filter(|n| **n != "ratelimit")
                .map(named)
                .collect();
            (user, headers)
        };
        assert_eq!(send(&one, "Known@example.com").await, send(&two, "unknown@example.com").await);
        app.run_jobs().await;
        assert_eq!(app.mails().len(), before + 2, "both have sent a mail");
        let mails = mails_to(app, "known@example.com");
        let told: Vec<_> = mails.iter().filter(|mail| !mail.contains("#token=")).collect();
        assert!(
            matches!(told[..], [told] if told.contains("asked for")),
            "its owner is told, without a link"
        );
        link(&mails_to(app, "unknown@example.com")[0]);
    })
    .await;
}

#[tokio::test]
async fn an_account_and_a_network_ask_for_few_addresses_an_hour() {
    let settings = [("limits.emails_per_hour_account", "3"), ("limits.emails_per_hour_network", "6")];
    on_both_engines_with(&[feature()], &settings, async |app| {
        let ann = register(app, "ann@example.com").await;
        let patch = |who: &Value, body: Value| {
            app.patch("/api/auth/profile/update/").bearer(&access(who)).json(body).send()
        };
        for n in 0..3 {
            patch(&ann, json!({"email": format!("stranger{n}@example.com")})).await.expect(200);
        }
        let refused = patch(&ann, json!({"email": "stranger3@example.com"})).await;
        refused.expect_error(429, "RATE_LIMITED");
        assert_eq!(refused.header("retry-after"), "1200");
        assert!(refused.header("ratelimit").contains("\"account-emails\";r=0;t=3600"));
        // Other changes, and what was read and is sent back, ask for nothing.
        let read = app.get("/api/auth/profile").bearer(&access(&ann)).send().await.expect(200);
        assert_eq!(patch(&ann, read).await.expect(200)["pending_email"], "stranger2@example.com");
        register(app, "bob@example.com").await;
        register(app, "carl@example.com").await;
        let refused = app.post("/api/auth/register/").json(seed_body("dora@example.com")).send().await;
        refused.expect_error(429, "RATE_LIMITED");
        assert!(refused.header("ratelimit").contains("\"network-emails\";r=0;t=3600"));
        app.advance(std::time::Duration::from_secs(3600));
        register(app, "dora@example.com").await;
        app.run_jobs().await;
    })
    .await;
}
