//! What the tests of accounts share.

use platform::test::TestApp;
use serde_json::{Value, json};

/// Seed 000's registration.
pub fn seed_body(email: &str) -> Value {
    json!({
        "email": email, "first_name": "Test", "last_name": "User", "phone_number": "+15551234567",
        "password1": "Pass123!", "password2": "Pass123!"
    })
}

pub async fn register(app: &TestApp, email: &str) -> Value {
    app.post("/api/auth/register/").json(seed_body(email)).send().await.expect(201)
}

pub fn access(reply: &Value) -> String {
    reply["tokens"]["access"].as_str().expect("a token").to_owned()
}

/// The secret in the link of a mail, whose text part is quoted-printable.
pub fn link(mail: &str) -> String {
    let plain = mail.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=");
    let from = plain.find("#token=").expect("a link") + "#token=".len();
    plain[from..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').collect()
}
