//! What every test here begins with.

use identity::api_keys::service::{self as api_keys, NewApiKey};
use kernel::app::Feature;
use kernel::test::TestApp;
use kernel::{args, sql};
use serde_json::{Value, json};

/// The features that customers stand on, and customers.
pub fn features() -> [Feature; 2] {
    [identity::feature(), customers::feature()]
}

/// A key for a program of the business, with a role that reaches everything.
pub async fn key(app: &TestApp, role: &str) -> String {
    make_key(app, role, None).await
}

/// A key for a program of one company.
pub async fn company_key(app: &TestApp, role: &str, company: &str) -> String {
    make_key(app, role, Some(company.to_owned())).await
}

/// Two companies, and a key for a manager of each.
pub async fn two_companies(app: &TestApp) -> (String, String) {
    company(app, "COMP-001").await;
    company(app, "COMP-002").await;
    (company_key(app, "manager", "COMP-001").await, company_key(app, "manager", "COMP-002").await)
}

async fn make_key(app: &TestApp, role: &str, company: Option<String>) -> String {
    let named = |name: String| NewApiKey {
        name,
        role: role.to_owned(),
        scopes: Vec::new(),
        company: company.clone(),
        expires_at: None,
    };
    let made = match api_keys::create(&app.system(), named(format!("{role} of the test"))).await {
        // Living keys have different names; a test may want several of a role.
        Err(e) if e.code() == "API_KEY_NAME_EXISTS" => {
            let name = format!("{role} {}", app.system().new_id());
            api_keys::create(&app.system(), named(name)).await
        }
        made => made,
    };
    made.unwrap().1.reveal()
}

/// A company with this public id.
pub async fn company(app: &TestApp, id: &str) {
    let ctx = app.system();
    let mut tx = ctx.write().await.unwrap();
    tx.exec(
        sql!(
            "INSERT INTO company (id, company_id, company_key, name, business_name, document_type, document_number,
               document_number_key, status, created_at, updated_at, version)
             VALUES ($1, $2, $2, $2, $2, 'nit', $2, $2, 'active', $3, $3, 1)"
        ),
        args![ctx.new_id(), id, ctx.now()],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

/// Registers a customer and gives its token and its user's id.
pub async fn register(app: &TestApp, email: &str) -> (String, String) {
    let body = json!({
        "email": email, "first_name": "Test", "last_name": "User", "phone_number": "+15551234567",
        "password1": "Pass123!", "password2": "Pass123!"
    });
    let reply = app.post("/api/auth/register/").json(body).send().await.expect(201);
    app.run_jobs().await;
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    (text(&reply["tokens"]["access"]), text(&reply["user"]["id"]))
}

/// The secret of the link that was mailed to an address.
pub fn mailed_token(app: &TestApp, email: &str) -> String {
    let mails = app.mails();
    let mail = mails.iter().find(|mail| mail.contains(&format!("To: {email}"))).unwrap();
    let mail = mail.replace("=\r\n", "").replace("=3D", "=");
    let secret = mail.split("#token=").nth(1).unwrap();
    secret.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
}

/// Makes the address of a user count as proved by its owner.
pub async fn prove(app: &TestApp, email: &str) {
    let ctx = app.system();
    let mut tx = ctx.write().await.unwrap();
    let proved = tx
        .exec(
            sql!("UPDATE user_account SET email_verified = true, email_proven_at = $2 WHERE email = $1"),
            args![email, ctx.now()],
        )
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(proved, 1);
}

/// A customer with names and an address, created by staff.
pub async fn customer(app: &TestApp, key: &str, email: &str) -> Value {
    let body = json!({"first_name": "Ada", "last_name": "Lovelace", "email": email});
    app.post("/api/v1/customers/").bearer(key).json(body).send().await.expect(201)
}

/// `/api/v1/customers/{ref}` of a customer in a reply, and more behind it.
pub fn path(customer: &Value, rest: &str) -> String {
    format!("/api/v1/customers/{}{rest}", customer["customer_id"].as_str().unwrap())
}

/// The ledger of a customer: purpose, state and source, oldest first.
pub async fn ledger(app: &TestApp, customer: &Value) -> Vec<(String, bool, String)> {
    let id = customer["id"].as_str().unwrap().parse().unwrap();
    let mut tx = app.system().read().await.unwrap();
    let events = customers::consent::service::list_in(&mut tx, id).await.unwrap();
    let mut entries: Vec<_> = events.into_iter().map(|e| (e.at, e.purpose, e.state, e.source)).collect();
    entries.sort();
    entries.into_iter().map(|(_, purpose, state, source)| (purpose, state, source)).collect()
}

/// The actions that concern a customer, in order.
pub async fn actions(app: &TestApp, customer: &Value) -> Vec<String> {
    let id: uuid::Uuid = customer["id"].as_str().unwrap().parse().unwrap();
    let mut tx = app.system().read().await.unwrap();
    tx.all(sql!("SELECT action FROM event WHERE customer_id = $1 ORDER BY seq" => String), args![id])
        .await
        .unwrap()
}
