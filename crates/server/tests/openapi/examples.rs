//! The document against the running routes: every example can be sent as it stands, and every reply is what the document
//! says it is, for staff and for customers.

use identity::api_keys::service::{self as api_keys, NewApiKey};
use platform::test::{TestApp, TestReply, on_both_engines};
use reqwest::Method;
use serde_json::{Value, json};

use super::{document, operations};

/// Operations that one person calls about itself; the others are called by staff.
const OWN: [&str; 3] = ["account", "sessions", "profile"];

/// Who and what the operations are about.
struct Stage<'a> {
    app: &'a TestApp,
    document: &'a Value,
    key: String,
    /// The reply to the registration, and to the latest login.
    registered: Value,
    tokens: Value,
    customer: Value,
    job: Value,
    api_key: Value,
}

#[tokio::test]
async fn every_example_can_be_sent_and_every_reply_is_as_described() {
    let document = document();
    let mut all = operations(&document);
    all.retain(|(_, path, _)| {
        path.starts_with("/api/") && !path.ends_with("/health") && !path.contains("{avatar}")
    });
    all.sort_by_key(|(.., operation)| rank(operation["operationId"].as_str().unwrap()));
    on_both_engines(&server::app::features(), async |app| {
        let key = NewApiKey {
            name: "examples".to_owned(),
            role: "admin".to_owned(),
            scopes: Vec::new(),
            company: None,
            expires_at: None,
        };
        let key = api_keys::create(&app.system(), key).await.unwrap().1.reveal();
        let null = || Value::Null;
        let mut stage = Stage {
            app,
            document: &document,
            key,
            registered: null(),
            tokens: null(),
            customer: null(),
            job: null(),
            api_key: null(),
        };
        let mut sent = 0;
        for (method, path, operation) in &all {
            sent += usize::from(stage.call(method, path, operation).await);
            app.run_jobs().await;
        }
        assert!(sent > 15, "only {sent} examples");
    })
    .await;
}

/// Who is needed comes first, what ends something last.
fn rank(id: &str) -> usize {
    let starts = |verbs: &[&str]| verbs.iter().any(|verb| id.starts_with(verb));
    match id {
        "registerUser" => 0,
        "verifyEmail" => 1,
        "loginUser" => 2,
        "createCustomer" => 3,
        "updateManyCustomers" | "createApiKey" => 4,
        "eraseCustomer" | "deleteOwnProfile" | "logoutUser" => 9,
        _ if starts(&["delete", "revoke", "cancel", "revert"]) => 8,
        _ => 5,
    }
}

impl Stage<'_> {
    /// Calls an operation, with its example if it has one: true then.
    async fn call(&mut self, method: &str, path: &str, operation: &Value) -> bool {
        let id = operation["operationId"].as_str().expect("it is there");
        let content = &operation["requestBody"]["content"];
        if content.is_object() && content["application/json"].is_null() {
            return false;
        }
        let example = content.is_object().then(|| self.example(id, &content["application/json"]["schema"]));
        let token = self.token(id, operation["tags"][0].as_str().expect("it is there")).await;
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("it is there");
        let mut request = self.app.request(method, self.fill(path, operation));
        if let Some(token) = token {
            request = request.bearer(&token);
        }
        if let Some(example) = &example {
            request = request.json(example);
        }
        let reply = request.send().await;
        self.check(id, operation, &reply);
        if example.is_some() {
            assert!(reply.status.is_success(), "{id}: {} {}", reply.status, reply.text());
        }
        match id {
            "registerUser" => (self.registered, self.tokens) = (reply.json(), reply.json()["tokens"].clone()),
            "loginUser" => self.tokens = reply.json()["tokens"].clone(),
            "refreshTokens" => self.tokens = reply.json(),
            "createApiKey" => self.api_key = reply.json()["api_key"].clone(),
            "createCustomer" => {
                self.customer = reply.json();
                self.job = self.start_job().await;
            }
            _ => {}
        }
        example.is_some()
    }

    /// A change by filter, so that there is a job to look at.
    async fn start_job(&self) -> Value {
        let body = json!({"filter": {"tag": "navy"}, "updates": {"city": "Boston"}});
        let request = self.app.post("/api/v1/customers/bulk-update").bearer(&self.key).json(body);
        request.send().await.expect(202)
    }

    /// The example of a body; secrets stand in it for what only this server knows.
    fn example(&self, id: &str, schema: &Value) -> Value {
        let schema =
            schema["$ref"].as_str().and_then(|path| self.document.pointer(&path[1..])).unwrap_or(schema);
        let mut example = schema["examples"][0].clone();
        assert!(example.is_object(), "{id}: say `f.example(…)` in the body's `read`");
        match id {
            "refreshTokens" => example["refresh"] = self.tokens["refresh"].clone(),
            "verifyToken" => example["token"] = self.tokens["access"].clone(),
            "verifyEmail" => example["token"] = self.mailed_token().into(),
            _ => {}
        }
        example
    }

    /// The secret of the link in the first mail.
    fn mailed_token(&self) -> String {
        let mails = self.app.mails();
        let mail = mails.first().expect("a mail").replace("=\r\n", "").replace("=3D", "=");
        let link = mail.split("token=").nth(1).expect("a link");
        link.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
    }

    async fn token(&self, id: &str, group: &str) -> Option<String> {
        if ["registerUser", "loginUser", "refreshTokens"].contains(&id) {
            return None;
        }
        if id == "createOwnProfile" {
            let body = json!({
                "email": "second@example.com", "first_name": "Second", "last_name": "Person",
                "password": "Difference-Engine-1842"
            });
            let registered = self.app.post("/api/auth/register").json(body).send().await.expect(201);
            return registered["tokens"]["access"].as_str().map(str::to_owned);
        }
        match OWN.contains(&group) {
            true => self.tokens["access"].as_str().map(str::to_owned),
            false => Some(self.key.clone()),
        }
    }

    /// The path with its parameters, and those that must be in the query.
    fn fill(&self, path: &str, operation: &Value) -> String {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let value = |name: &str| match name {
            "ref" => text(&self.customer["customer_id"]),
            "job" => text(&self.job["id"]),
            "api_key" => text(&self.api_key["id"]),
            "email" => text(&self.customer["email"]),
            "username" => text(&self.customer["username"]),
            "user_id" => text(&self.customer["user_id"]),
            "tags" => "premium".to_owned(),
            _ => "019cb0a4-7d10-7c3a-8f4e-5b1c2d3e4f50".to_owned(),
        };
        let mut filled = path.to_owned();
        let mut separator = '?';
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default();
            match parameter["in"].as_str() {
                Some("path") => filled = filled.replace(&format!("{{{name}}}"), &value(name)),
                Some("query") if parameter["required"] == true => {
                    filled.push_str(&format!("{separator}{name}={}", value(name)));
                    separator = '&';
                }
                _ => {}
            }
        }
        filled
    }

    /// The status is documented, and the body fits its schema.
    fn check(&self, id: &str, operation: &Value, reply: &TestReply) {
        let status = reply.status.as_u16().to_string();
        let mut described = &operation["responses"][&status];
        if let Some(path) = described["$ref"].as_str() {
            described = self.document.pointer(&path[1..]).expect("it is there");
        }
        assert!(described.is_object(), "{id} answered {status}, which is not documented: {}", reply.text());
        let kind = reply.header("content-type").split(';').next().unwrap_or_default();
        let Some(schema) = described["content"][kind]["schema"].as_object() else {
            assert!(
                reply.bytes.is_empty() || described["content"][kind].is_object(),
                "{id} {status}: {kind}"
            );
            return;
        };
        if !kind.ends_with("json") {
            return;
        }
        let mut schema = Value::Object(schema.clone());
        schema["components"] = self.document["components"].clone();
        // What a token claims is its issuer's; everything else has to be described.
        if reply.status.is_success() && id != "verifyToken" {
            schema["unevaluatedProperties"] = json!(false);
        }
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let body = reply.json();
        let errors: Vec<String> =
            validator.iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{id} {status}: {errors:#?}\n{body:#}");
    }
}
