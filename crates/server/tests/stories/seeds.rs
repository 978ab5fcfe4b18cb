//! Seeds 000 and 001: the quick test word for word (register, create the profile, get, update, check, delete),
//! against one process, and against an authentication process and a customers process that share a database.

use serde_json::{Value, json};

use crate::client::{Client, claims};
use crate::deployment::{Deployment, on_both_engines};

/// Seed 000, "PowerShell Quick Test".
fn registration() -> Value {
    json!({
        "email": "test@example.com", "first_name": "Test", "last_name": "User",
        "phone_number": "+15551234567", "password1": "Pass123!", "password2": "Pass123!",
    })
}

/// The same.
fn profile() -> Value {
    json!({
        "street_address": "123 Test St", "city": "Portland",
        "state": "Oregon", "postal_code": "97201", "country": "USA",
    })
}

/// Rows A1, A2, A3, A4, A5, A6, A7, A15, C1, C2, C3, C4.
#[tokio::test]
async fn a1_to_a7_a15_c1_to_c4_the_quick_test_in_one_process() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&[]).await;
        quick_test(deployment, &server.client(), &server.client()).await;
        server.stop().await;
    })
    .await;
}

/// Rows A59 and, over two processes, those above.
#[tokio::test]
async fn a59_the_quick_test_over_two_processes() {
    on_both_engines(async |deployment| {
        let auth = deployment.serve(&["--services", "auth,jobs"]).await;
        let customers = deployment.serve(&["--services", "customers"]).await;
        // What a process does not serve is not there.
        auth.client().get("/api/v1/customers/profile/").await.expect_error(404, "ROUTE_NOT_FOUND");
        customers.client().post("/api/auth/login/", json!({})).await.expect_error(404, "ROUTE_NOT_FOUND");
        quick_test(deployment, &auth.client(), &customers.client()).await;
        // The other way to know who it is: asking the authentication service.
        let login = auth.client().log_in("test@example.com", "Pass123!").await;
        let token = login["tokens"]["access"].as_str().unwrap();
        auth.client().post("/api/auth/token/verify/", json!({ "token": token })).await.expect(200);
        let me = auth.client().with(token).get("/api/auth/profile/").await.expect(200);
        assert_eq!(me["email"], "test@example.com", "{me}");
        customers.stop().await;
        auth.stop().await;
    })
    .await;
}

/// Rows A1, A5 and A15: the samples in JavaScript of seed 000 name no type for their bodies, and `fetch` calls a text
/// `text/plain`. `scripts/documents` runs them word for word.
#[tokio::test]
async fn a1_a5_a15_the_samples_in_javascript_send_json_as_text() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&[]).await;
        let send = async |client: &Client, path: &str, body: &Value| {
            client.upload(path, "text/plain;charset=UTF-8", body.to_string().into_bytes()).await
        };
        let registered = send(&server.client(), "/api/auth/register/", &registration()).await.expect(201);
        let mine = server.client().with(registered["tokens"]["access"].as_str().unwrap());
        send(&mine, "/api/v1/customers/profile/create/", &profile()).await.expect(201);
        let check = json!({ "user_id": registered["user"]["id"] });
        let checked = send(&mine, "/api/v1/customers/check_profile_exists/", &check).await.expect(200);
        assert_eq!(checked["exists"], true);
        server.stop().await;
    })
    .await;
}

async fn quick_test(deployment: &Deployment, auth: &Client, customers: &Client) {
    let registered = auth.post("/api/auth/register/", registration()).await.expect(201);
    let token = registered["tokens"]["access"].as_str().unwrap().to_owned();
    token_says_who_it_is(&registered, &token);
    let (me, mine) = (auth.with(&token), customers.with(&token));

    // C1: an account without a profile is normal.
    let missing = mine.get("/api/v1/customers/profile/").await.expect(404);
    assert_eq!(missing["detail"], "Customer profile not found");
    let user_id = registered["user"]["id"].clone();
    let check = json!({ "user_id": user_id });
    let checked = mine.post("/api/v1/customers/check_profile_exists/", check.clone()).await.expect(200);
    assert_eq!(checked["exists"], false);

    let created = mine.post("/api/v1/customers/profile/create/", profile()).await.expect(201);
    assert_eq!(created["user_id"], user_id);
    mine.post("/api/v1/customers/profile/create/", profile())
        .await
        .expect_error(409, "PROFILE_ALREADY_EXISTS");

    let read = mine.get("/api/v1/customers/profile/").await.expect(200);
    for (member, value) in [
        ("address_line1", "123 Test St"),
        ("city", "Portland"),
        ("state", "Oregon"),
        ("postal_code", "97201"),
        ("country", "USA"),
        ("email", "test@example.com"),
        ("first_name", "Test"),
        ("last_name", "User"),
        ("user_role", "customer"),
    ] {
        assert_eq!(read[member], value, "{member}: {read}");
    }
    assert_eq!(read["is_business_customer"], false);

    // Who they are is changed in one place, what they are as a customer in the other; both show both at once (C2).
    me.patch("/api/auth/profile/update/", json!({ "first_name": "Tess" })).await.expect(200);
    let change = json!({ "city": "Salem", "company_name": "Tech Corp" });
    let changed = mine.patch("/api/v1/customers/profile/update/", change).await.expect(200);
    assert_eq!((&changed["city"], &changed["first_name"]), (&json!("Salem"), &json!("Tess")));
    assert_eq!(changed["is_business_customer"], true);

    let checked = mine.post("/api/v1/customers/check_profile_exists/", check).await.expect(200);
    assert_eq!((&checked["exists"], &checked["customer_id"]), (&json!(true), &created["customer_id"]));

    mine.delete("/api/v1/customers/profile/delete/").await.expect(204);
    mine.get("/api/v1/customers/profile/").await.expect(404);
    account_is_left(auth, customers, &created).await;
    staff_is_no_customer(deployment, auth, customers).await;
}

/// The claims of seed 001.
fn token_says_who_it_is(registered: &Value, token: &str) {
    let claims = claims(token);
    assert_eq!(claims["user_id"], registered["user"]["id"]);
    assert_eq!(claims["email"], "test@example.com");
    assert_eq!((&claims["first_name"], &claims["last_name"]), (&json!("Test"), &json!("User")));
    assert_eq!(claims["user_role"], "customer");
}

/// C4: deleting the profile leaves the account, and a new profile is a new customer.
async fn account_is_left(auth: &Client, customers: &Client, before: &Value) {
    let login = auth.log_in("test@example.com", "Pass123!").await;
    assert_eq!(login["has_profile"], false);
    let mine = customers.with(login["tokens"]["access"].as_str().unwrap());
    let again = mine.post("/api/v1/customers/profile/create/", json!({})).await.expect(201);
    assert_ne!(again["customer_id"], before["customer_id"]);
    assert_eq!(auth.log_in("test@example.com", "Pass123!").await["has_profile"], true);
}

/// C3: only customers use the profile routes.
async fn staff_is_no_customer(deployment: &Deployment, auth: &Client, customers: &Client) {
    let args = ["admin", "create", "--email", "boss@example.com", "--password-stdin"];
    let made = deployment.run(&args, "a long enough sentence\n").await;
    assert_eq!(made.code, Some(0), "{}", made.err);
    let login = auth.log_in("boss@example.com", "a long enough sentence").await;
    let boss = customers.with(login["tokens"]["access"].as_str().unwrap());
    let refused = boss.get("/api/v1/customers/profile/").await.expect(403);
    assert_eq!(refused["detail"], "Only customers can access");
}
