//! Administrators, as the command line manages them.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

use identity::users::legacy;
use identity::users::model::{Email, PersonName, Username};
use identity::users::service::{self as users, NewUser, User};
use identity::{admin, feature};
use kernel::TextValue;
use platform::access::{Caller, Credential};
use platform::test::{TestApp, TestReply, on_both_engines};
use serde_json::json;

const PASSWORD: &str = "a long enough sentence";

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn names() -> (PersonName, PersonName) {
    (PersonName::parse("Ada").unwrap(), PersonName::parse("Rey").unwrap())
}

async fn create(app: &TestApp, address: &str) -> User {
    let (first, last) = names();
    admin::create(&app.system(), email(address), PASSWORD, first, last).await.unwrap()
}

async fn log_in(app: &TestApp, address: &str, password: &str) -> TestReply {
    app.post("/api/auth/login/").json(json!({ "email": address, "password": password })).send().await
}

fn access(reply: &TestReply) -> String {
    reply.expect(200)["tokens"]["access"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_address_is_taken_once_and_the_way_out_is_named() {
    on_both_engines(&[feature()], async |app| {
        create(app, "ada@example.com").await;
        let (first, last) = names();
        let twice =
            admin::create(&app.system(), email("ADA@example.com"), PASSWORD, first, last).await.unwrap_err();
        assert_eq!(twice.code(), "USER_EMAIL_EXISTS");
        assert!(twice.detail().contains("regulars admin password"), "{twice}");
        let listed = admin::list(&app.system()).await.unwrap();
        assert_eq!(
            listed.iter().map(|user| user.email.as_str()).collect::<Vec<_>>(),
            [Some("ada@example.com")]
        );
    })
    .await;
}

#[tokio::test]
async fn administrators_are_managed_on_the_command_line_only() {
    on_both_engines(&[feature()], async |app| {
        let ada = create(app, "ada@example.com").await;
        let session = Credential::Session(ada.id);
        let caller =
            Caller { credential: session, user_id: Some(ada.id), ..Caller::system("ada@example.com") };
        let ctx = app.system().behalf(caller, "r".to_owned(), false);
        assert_eq!(admin::list(&ctx).await.unwrap_err().code(), "COMMAND_LINE_ONLY");
        let password = admin::set_password(&ctx, &email("ada@example.com"), PASSWORD).await;
        assert_eq!(password.unwrap_err().code(), "COMMAND_LINE_ONLY");
        log_in(app, "ada@example.com", PASSWORD).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_user_name_and_the_number_of_the_first_version_are_kept() {
    on_both_engines(&[feature()], async |app| {
        let ctx = app.system();
        let new = |name: &str| {
            let (first, last) = names();
            NewUser { username: Some(Username::parse(name).unwrap()), ..NewUser::named(first, last) }
        };
        let mut tx = ctx.write().await.unwrap();
        let user = users::create_in(&ctx, &mut tx, new("ada")).await.unwrap();
        let user = legacy::adopt_in(&ctx, &mut tx, user, 7).await.unwrap();
        let user = legacy::adopt_in(&ctx, &mut tx, user, 7).await.unwrap();
        let other = legacy::adopt_in(&ctx, &mut tx, user, 8).await.unwrap_err();
        assert_eq!(other.code(), "LEGACY_ID_EXISTS");
        tx.commit().await.unwrap();
        let mut tx = ctx.write().await.unwrap();
        let taken = users::create_in(&ctx, &mut tx, new("ada")).await.unwrap_err();
        assert_eq!(taken.code(), "USERNAME_EXISTS");
    })
    .await;
}

#[tokio::test]
async fn a_new_password_ends_what_the_old_one_opened() {
    on_both_engines(&[feature()], async |app| {
        create(app, "ada@example.com").await;
        let token = access(&log_in(app, "ada@example.com", PASSWORD).await);
        app.get("/api/auth/profile/").bearer(&token).send().await.expect(200);
        let ctx = app.system();
        let weak = admin::set_password(&ctx, &email("ada@example.com"), "short").await.unwrap_err();
        assert_eq!(weak.field_errors()[0].field, "password");
        admin::set_password(&ctx, &email("ada@example.com"), "another long sentence").await.unwrap();
        app.get("/api/auth/profile/").bearer(&token).send().await.expect_error(401, "SESSION_ENDED");
        log_in(app, "ada@example.com", PASSWORD).await.expect_error(401, "INVALID_CREDENTIALS");
        log_in(app, "ada@example.com", "another long sentence").await.expect(200);
        // Only administrators: a customer's password is the customer's.
        let body = json!({
            "email": "eva@example.com", "first_name": "Eva", "last_name": "Rey", "password": PASSWORD
        });
        app.post("/api/auth/register/").json(body).send().await.expect(201);
        app.run_jobs().await;
        for address in ["eva@example.com", "nobody@example.com"] {
            let unknown = admin::set_password(&ctx, &email(address), PASSWORD).await.unwrap_err();
            assert_eq!(unknown.code(), "ADMIN_NOT_FOUND");
        }
    })
    .await;
}

#[tokio::test]
async fn an_administrator_is_deactivated_and_activated_but_not_the_last() {
    on_both_engines(&[feature()], async |app| {
        create(app, "ada@example.com").await;
        let ctx = app.system();
        let (ada, eva) = (email("ada@example.com"), email("eva@example.com"));
        assert_eq!(admin::set_active(&ctx, &ada, false).await.unwrap_err().code(), "LAST_ADMIN");
        create(app, "eva@example.com").await;
        let token = access(&log_in(app, "ada@example.com", PASSWORD).await);
        let key = json!({ "name": "of Ada", "role": "admin" });
        let key = app.post("/api/v1/api-keys").bearer(&token).json(key).send().await.expect(201);
        let key = key["key"].as_str().unwrap();
        app.get("/api/v1/api-keys").bearer(key).send().await.expect(200);

        assert!(!admin::set_active(&ctx, &ada, false).await.unwrap().is_active);
        app.get("/api/auth/profile/").bearer(&token).send().await.expect_error(401, "SESSION_ENDED");
        app.get("/api/v1/api-keys").bearer(key).send().await.expect_error(401, "API_KEY_INVALID");
        log_in(app, "ada@example.com", PASSWORD).await.expect_error(403, "ACCOUNT_DISABLED");
        assert_eq!(admin::set_active(&ctx, &eva, false).await.unwrap_err().code(), "LAST_ADMIN");
        admin::set_active(&ctx, &ada, false).await.unwrap();
        admin::set_active(&ctx, &ada, true).await.unwrap();
        log_in(app, "ada@example.com", PASSWORD).await.expect(200);
        admin::set_active(&ctx, &eva, false).await.unwrap();
    })
    .await;
}

/// Two who each take away the other: one of them is refused.
#[tokio::test]
async fn two_administrators_cannot_both_be_taken_away_at_once() {
    on_both_engines(&[feature()], async |app| {
        create(app, "ada@example.com").await;
        create(app, "eva@example.com").await;
        let (one, two) = (app.system(), app.system());
        let (ada, eva) = (email("ada@example.com"), email("eva@example.com"));
        let (left, right) =
            tokio::join!(admin::set_active(&one, &ada, false), admin::set_active(&two, &eva, false));
        let codes: Vec<_> = [left.err(), right.err()].into_iter().flatten().map(|e| e.code()).collect();
        assert_eq!(codes, ["LAST_ADMIN"]);
    })
    .await;
}

#[tokio::test]
async fn a_deployment_is_started_with_an_administrator_once() {
    on_both_engines(&[feature()], async |app| {
        let (one, two) = (app.system(), app.system());
        let ensure = async |ctx, password: &str| {
            let (first, last) = names();
            admin::ensure_first(ctx, email("ada@example.com"), password, first, last).await
        };
        let (left, right) = tokio::join!(ensure(&one, PASSWORD), ensure(&two, PASSWORD));
        assert_eq!([left.unwrap(), right.unwrap()].iter().flatten().count(), 1, "two processes at once");
        log_in(app, "ada@example.com", PASSWORD).await.expect(200);
        // A start changes nothing that people have done since.
        admin::set_password(&one, &email("ada@example.com"), "another long sentence").await.unwrap();
        assert!(ensure(&one, PASSWORD).await.unwrap().is_none());
        log_in(app, "ada@example.com", "another long sentence").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn an_address_in_the_field_for_a_user_name_logs_in() {
    on_both_engines(&[feature()], async |app| {
        create(app, "ada@example.com").await;
        let body = json!({ "username": "Ada@Example.com", "password": PASSWORD });
        app.post("/api/auth/login/").json(body).send().await.expect(200);
        let body = json!({ "username": "nobody@example.com", "password": PASSWORD });
        app.post("/api/auth/login/").json(body).send().await.expect_error(401, "INVALID_CREDENTIALS");
    })
    .await;
}
