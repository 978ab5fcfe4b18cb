//! API keys: what they may do, and who may make and end them.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

use std::sync::Arc;
use std::time::Duration;

use database::{args, sql};
use identity::api_keys::service::{self as keys, NewApiKey};
use identity::feature;
use identity::users::service::{self as users, NewUser};
use kernel::Error;
use platform::access::{Caller, Credential, Permission, Permissions, Reach};
use platform::ctx::{Ctx, RequestState};
use platform::test::{TestApp, TestReply, on_both_engines};
use uuid::Uuid;

async fn company(app: &TestApp, code: &str) -> Uuid {
    let ctx = app.system();
    let id = ctx.new_id();
    let mut tx = ctx.write().await.unwrap();
    tx.exec(
        sql!(
            "INSERT INTO company (id, company_id, company_key, name, business_name, document_type, document_number,
               document_number_key, status, created_at, updated_at, version)
             VALUES ($1, $2, $2, $2, $2, 'RUC', $2, $2, 'active', $3, $3, 1)"
        ),
        args![id, code, ctx.now()],
    )
    .await
    .unwrap();
    // A role of one company that may make keys, and the same with a wider reach.
    tx.exec(
        sql!(
            "INSERT INTO role (code, name, reach, permissions, position)
             VALUES ('keeper', 'Keeper', 'company', '[\"users.read\",\"api_keys.manage\"]', 6),
               ('wide', 'Wide', 'all', '[\"users.read\"]', 7) ON CONFLICT DO NOTHING"
        ),
        [],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

async fn user(app: &TestApp, role: &str, company: Option<Uuid>) -> Uuid {
    let ctx = app.system();
    let mut tx = ctx.write().await.unwrap();
    let name = |text| kernel::TextValue::parse(text).unwrap();
    let new = NewUser { role: role.to_owned(), company, ..NewUser::named(name("Key"), name("Maker")) };
    let user = users::create_in(&ctx, &mut tx, new).await.unwrap();
    tx.commit().await.unwrap();
    user.id
}

/// The context of a request of this user, as the database knows it.
fn as_user(app: &TestApp, user: Uuid, role: &str, reach: Reach, company: Option<Uuid>) -> Ctx {
    let mut request = RequestState::new("test".to_owned());
    let permissions = match reach {
        Reach::All => Permissions::from_codes(["all"]),
        _ => Permissions::default().with(Permission::UsersRead).with(Permission::ApiKeysManage),
    };
    request.caller = Ok(Some(Arc::new(Caller {
        credential: Credential::Session(user),
        user_id: Some(user),
        name: "maker".to_owned(),
        role: role.to_owned(),
        reach,
        permissions,
        company_id: company,
    })));
    Ctx::new(app.app.clone(), Arc::new(request))
}

fn new(role: &str, company: Option<&str>) -> NewApiKey {
    let company = company.map(str::to_owned);
    NewApiKey {
        // Living keys of a company have different names.
        name: format!("a program of role {role}"),
        role: role.to_owned(),
        scopes: Vec::new(),
        company,
        expires_at: None,
    }
}

async fn made(ctx: &Ctx, new: NewApiKey) -> (Uuid, identity::secrets::ApiKeySecret) {
    let (key, secret) = keys::create(ctx, new).await.unwrap();
    (key.id, secret)
}

async fn set_role(app: &TestApp, user: Uuid, role: &str, company: Option<Uuid>) {
    let mut tx = app.system().write().await.unwrap();
    let statement = sql!("UPDATE user_account SET role = $2, company_id = $3 WHERE id = $1");
    tx.exec(statement, args![user, role, company]).await.unwrap();
    tx.commit().await.unwrap();
    // What is known of a caller is asked again after a second.
    app.advance(Duration::from_secs(2));
}

/// Presents the key: an account is for users, so a living key is told so.
async fn present(app: &TestApp, secret: &identity::secrets::ApiKeySecret) -> TestReply {
    app.get("/api/auth/profile/").bearer(&secret.reveal()).send().await
}

#[tokio::test]
async fn a_key_dies_when_its_creator_reaches_less_than_it() {
    on_both_engines(&[feature()], async |app| {
        let one = company(app, "COMP-001").await;
        company(app, "COMP-002").await;
        let admin = user(app, "admin", None).await;
        let ctx = as_user(app, admin, "admin", Reach::All, None);
        let (_, wide) = keys::create(&ctx, new("wide", None)).await.unwrap();
        let (_, inside) = keys::create(&ctx, new("keeper", Some("COMP-001"))).await.unwrap();
        let (_, outside) = keys::create(&ctx, new("keeper", Some("COMP-002"))).await.unwrap();
        for key in [&wide, &inside, &outside] {
            present(app, key).await.expect_error(403, "USERS_ONLY");
        }
        set_role(app, admin, "keeper", Some(one)).await;
        present(app, &inside).await.expect_error(403, "USERS_ONLY");
        present(app, &wide).await.expect_error(401, "API_KEY_INVALID");
        present(app, &outside).await.expect_error(401, "API_KEY_INVALID");
        // No company on either side is no company in common.
        set_role(app, admin, "keeper", None).await;
        present(app, &inside).await.expect_error(401, "API_KEY_INVALID");
        present(app, &wide).await.expect_error(401, "API_KEY_INVALID");
    })
    .await;
}

#[tokio::test]
async fn a_key_is_made_and_ended_within_the_own_company() {
    on_both_engines(&[feature()], async |app| {
        let one = company(app, "COMP-001").await;
        company(app, "COMP-002").await;
        let maker = user(app, "keeper", Some(one)).await;
        let ctx = as_user(app, maker, "keeper", Reach::Company, Some(one));
        let refused = |e: Error, code: &str| assert_eq!(e.code(), code);
        refused(
            keys::create(&ctx, new("keeper", Some("COMP-002"))).await.err().unwrap(),
            "COMPANY_OUT_OF_REACH",
        );
        refused(keys::create(&ctx, new("wide", Some("COMP-001"))).await.err().unwrap(), "ROLE_EXCEEDS_OWN");
        let (own, secret) = made(&ctx, new("keeper", Some("COMP-001"))).await;
        present(app, &secret).await.expect_error(403, "USERS_ONLY");

        let admin = user(app, "admin", None).await;
        let all = as_user(app, admin, "admin", Reach::All, None);
        let (other, _) = made(&all, new("keeper", Some("COMP-002"))).await;
        let (wide, _) = made(&all, new("wide", Some("COMP-001"))).await;
        for id in [other, wide] {
            refused(keys::revoke(&ctx, id, |_| Ok(())).await.unwrap_err(), "API_KEY_NOT_FOUND");
            keys::revoke(&all, id, |_| Ok(())).await.unwrap();
        }
        keys::revoke(&ctx, own, |_| Ok(())).await.unwrap();
        present(app, &secret).await.expect_error(401, "API_KEY_INVALID");
    })
    .await;
}

#[tokio::test]
async fn scopes_that_cannot_be_read_narrow_to_nothing() {
    on_both_engines(&[feature()], async |app| {
        let (id, secret) = made(&app.system(), new("employee", None)).await;
        let mut tx = app.system().write().await.unwrap();
        let statement = sql!("UPDATE api_key SET scopes = $2 WHERE id = $1");
        tx.exec(statement, args![id, database::Json(serde_json::json!({"users.read": true}))]).await.unwrap();
        tx.commit().await.unwrap();
        present(app, &secret).await.expect_error(401, "API_KEY_INVALID");
    })
    .await;
}

#[tokio::test]
async fn what_is_known_of_a_caller_is_not_fresh_when_the_clock_was_set_back() {
    on_both_engines(&[feature()], async |app| {
        let (id, secret) = made(&app.system(), new("employee", None)).await;
        present(app, &secret).await.expect_error(403, "USERS_ONLY");
        // Another process ends it, and then this one's clock is corrected.
        let mut tx = app.system().write().await.unwrap();
        let statement = sql!("UPDATE api_key SET revoked_at = $2 WHERE id = $1");
        tx.exec(statement, args![id, app.system().now()]).await.unwrap();
        tx.commit().await.unwrap();
        app.app.clock.set(app.app.clock.now().minus(Duration::from_secs(10)));
        present(app, &secret).await.expect_error(401, "API_KEY_INVALID");
    })
    .await;
}
