//! Every route of `openapi.json`: without a token, with forged tokens, with a role that may not, of a foreign company
//! and of another customer. A new route is covered by itself; whoever opens one to everybody, or to customers,
//! has to say so here.

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use database::{Db, Options};
use database::{args, sql};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, Reply};
use crate::deployment::{Deployment, Server, on_both_engines};

/// Routes that need no token.
const PUBLIC: [&str; 12] = [
    "POST /api/auth/register",
    "POST /api/auth/login",
    "POST /api/auth/token/refresh",
    "POST /api/auth/token/verify",
    "POST /api/auth/email/verify",
    "GET /.well-known/jwks.json",
    "GET /api/v1/avatars/{avatar}/{file}",
    "GET /health",
    "GET /api/v1/customers/health",
    "GET /livez",
    "GET /readyz",
    "GET /metrics",
];

/// Routes on which a customer acts, on what is theirs; what is not theirs they do not find. All others refuse the role.
const OWN: [&str; 22] = [
    "GET /api/auth/profile",
    "PATCH /api/auth/profile/update",
    "POST /api/auth/logout",
    "GET /api/auth/sessions",
    "DELETE /api/auth/sessions",
    "DELETE /api/auth/sessions/{session}",
    "GET /api/v1/customers/profile",
    "GET /api/v1/customers/me",
    "POST /api/v1/customers/profile/create",
    "PATCH /api/v1/customers/profile/update",
    "PUT /api/v1/customers/profile/update",
    "DELETE /api/v1/customers/profile/delete",
    "POST /api/v1/customers/check_profile_exists",
    "GET /api/v1/customers/{ref}",
    "PUT /api/v1/customers/{ref}",
    "PATCH /api/v1/customers/{ref}",
    "GET /api/v1/customers/{ref}/avatar",
    "PUT /api/v1/customers/{ref}/avatar",
    "DELETE /api/v1/customers/{ref}/avatar",
    "GET /api/v1/customers/by_user_id",
    "GET /api/v1/customers/email/{email}",
    "GET /api/v1/customers/username/{username}",
];

/// Routes that read although they are sent a body.
const READS: [&str; 2] = ["POST /api/v1/customers/check_profile_exists", "POST /api/v1/customers/search"];

/// Lists whose path says which: what is not theirs is left out, and the list is empty.
const LISTS: [&str; 1] = ["GET /api/v1/customers/tags/{tags}"];

/// One operation of the document.
#[derive(Debug, Clone)]
pub struct Route {
    pub method: String,
    pub path: String,
    pub takes_body: bool,
    query: Vec<String>,
}

impl Route {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn is_public(&self) -> bool {
        PUBLIC.contains(&self.name().as_str())
    }

    /// Is it about one record that the caller names?
    fn names_one(&self) -> bool {
        self.path.contains('{') || !self.query.is_empty()
    }

    /// The path with its parameters, and the required ones of its query, filled in.
    pub fn path_for(&self, value: impl Fn(&str) -> String) -> String {
        let mut path = String::new();
        for part in self.path.split_inclusive('}') {
            match part.split_once('{') {
                Some((before, name)) => {
                    path.push_str(&(before.to_owned() + &value(name.trim_end_matches('}'))));
                }
                None => path.push_str(part),
            }
        }
        for (i, name) in self.query.iter().enumerate() {
            path.push_str(&format!("{}{name}={}", if i == 0 { '?' } else { '&' }, value(name)));
        }
        path
    }

    async fn call(&self, client: &Client, victim: &Victim) -> Reply {
        let method = Method::from_bytes(self.method.as_bytes()).unwrap();
        let body = self.takes_body.then(|| body_for(&self.name(), victim));
        client.attempt(method, &self.path_for(|name| victim.value(name)), body).await.unwrap()
    }
}

/// Every route that the process documents.
pub async fn all(client: &Client) -> Vec<Route> {
    let document = client.get("/openapi.json").await.expect(200);
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let query = parameters.iter().filter(|p| p["in"] == "query" && p["required"] == true);
            routes.push(Route {
                method: method.to_uppercase(),
                path: path.clone(),
                takes_body: operation["requestBody"].is_object(),
                query: query.map(|p| p["name"].as_str().unwrap().to_owned()).collect(),
            });
        }
    }
    assert!(routes.len() > 20, "{}", routes.len());
    routes
}

/// A body that a caller who may would be allowed to send.
fn body_for(route: &str, victim: &Victim) -> Value {
    match route {
        "POST /api/v1/customers" => {
            json!({ "first_name": "Eva", "last_name": "Rey", "email": "eva@example.com" })
        }
        "POST /api/v1/customers/bulk-update" => {
            json!({ "customer_ids": [victim.customer_id], "updates": { "city": "Quito" } })
        }
        "POST /api/v1/customers/check_profile_exists" => json!({ "user_id": victim.user_id }),
        "POST /api/v1/api-keys" => json!({ "name": "of the walk", "role": "employee" }),
        "POST /api/auth/token/refresh" => json!({ "refresh": "x" }),
        _ => json!({}),
    }
}

/// The customer of another company whom nobody here may touch.
struct Victim {
    user_id: String,
    id: String,
    customer_id: String,
    username: String,
    email: String,
    session: String,
    job: String,
    api_key: String,
}

impl Victim {
    async fn new(client: &Client, staff: &Client) -> Victim {
        let registered = client.register("victim@example.com").await;
        let token = registered["tokens"]["access"].as_str().unwrap();
        let created = client
            .with(token)
            .post("/api/v1/customers/profile/create/", json!({ "city": "Lima" }))
            .await
            .expect(201);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let number = text(&created["customer_id"]);
        let path = format!("/api/v1/customers/{number}/");
        staff.patch(&path, json!({ "tags": "of the victim" })).await.expect(200);
        let shown = staff.get(&path).await.expect(200);
        // A job about the victim, which changes nothing.
        let same = json!({ "filter": { "customer_id": number }, "updates": { "city": "Lima" } });
        let job = staff.post("/api/v1/customers/bulk-update", same).await.expect(202);
        Victim {
            user_id: text(&registered["user"]["id"]),
            id: text(&created["id"]),
            customer_id: number,
            username: text(&shown["username"]),
            email: "victim@example.com".to_owned(),
            session: text(&crate::client::claims(token)["sid"]),
            job: text(&job["id"]),
            api_key: text(&staff.get("/api/v1/api-keys").await.expect(200)["api_keys"][0]["id"]),
        }
    }

    /// What stands for the victim in a parameter of this name.
    fn value(&self, name: &str) -> String {
        let value: &str = match name {
            "ref" | "customer_ref" | "customer_id" => &self.customer_id,
            "username" => &self.username,
            "email" => &self.email,
            "user_id" => &self.user_id,
            "session" => &self.session,
            "job" => &self.job,
            "api_key" => &self.api_key,
            "id" => &self.id,
            "tags" => "of%20the%20victim",
            // A stand-in would be not found whatever the statement does, and the walk would prove nothing.
            other => panic!("say here what of the victim stands for the parameter {other}"),
        };
        value.to_owned()
    }

    /// What a story must not have changed.
    async fn state(&self, staff: &Client) -> Value {
        staff.get(&format!("/api/v1/customers/{}/", self.customer_id)).await.expect(200)
    }
}

/// A server, its routes, and who plays before it.
struct Stage {
    server: Server,
    client: Client,
    admin: Client,
    victim: Victim,
    before: Value,
    /// All but the public ones.
    routes: Vec<Route>,
}

impl Stage {
    async fn new(deployment: &Deployment) -> Stage {
        let server = deployment.serve(&["--log-level", "warn"]).await;
        let client = server.client();
        let admin = client.with(&deployment.api_key("admin", "story").await);
        let victim = Victim::new(&client, &admin).await;
        let before = victim.state(&admin).await;
        let mut routes = all(&client).await;
        routes.retain(|route| !route.is_public());
        Stage { server, client, admin, victim, before, routes }
    }

    /// A customer who is not the victim.
    async fn other(&self) -> Client {
        let registered = self.client.register("other@example.com").await;
        self.client.with(registered["tokens"]["access"].as_str().unwrap())
    }

    /// A key of this role for a company to which the victim does not belong.
    async fn foreign(&self, deployment: &Deployment, role: &str) -> Client {
        company(deployment, "COMP-901").await;
        let args = ["api-key", "create", "--role", role, "--name", role, "--company", "COMP-901"];
        self.client.with(deployment.run(&args, "").await.out.trim())
    }

    /// Nothing of all that was tried has changed the victim.
    async fn end(self) {
        assert_eq!(self.victim.state(&self.admin).await, self.before);
        self.server.stop().await;
    }
}

/// Rows C10 and C12.
#[tokio::test]
async fn every_route_refuses_a_caller_without_a_token_and_with_a_forged_one() {
    on_both_engines(async |deployment| {
        let stage = Stage::new(deployment).await;
        let (client, victim) = (&stage.client, &stage.victim);
        let registered = client.register("real@example.com").await;
        let real = registered["tokens"]["access"].as_str().unwrap();
        let keys = client.get("/.well-known/jwks.json").await.expect(200);
        for route in &stage.routes {
            let what = route.name();
            let reply = route.call(client, victim).await;
            assert_eq!(
                (reply.status, &reply.json()["error_code"]),
                (401, &json!("NOT_AUTHENTICATED")),
                "{what}"
            );
            assert_eq!(reply.header("www-authenticate"), "Bearer", "{what}");
            for (forgery, token) in forgeries(real, &keys) {
                let reply = route.call(&client.with(&token), victim).await;
                assert_eq!(reply.status, 401, "{what} takes a token with {forgery}: {}", reply.text);
            }
        }
        client.with(real).get("/api/auth/profile/").await.expect(200);
        stage.end().await;
    })
    .await;
}

/// An exception that nobody needs would open the next route of that name.
#[tokio::test]
async fn every_exception_is_a_route() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&[]).await;
        let routes = all(&server.client()).await;
        for name in PUBLIC.iter().chain(&OWN).chain(&READS).chain(&LISTS) {
            assert!(routes.iter().any(|route| route.name() == *name), "there is no {name}");
        }
        server.stop().await;
    })
    .await;
}

/// Tokens that somebody makes who has seen a real one and the public keys.
fn forgeries(real: &str, keys: &Value) -> Vec<(&'static str, String)> {
    let parts: Vec<&str> = real.split('.').collect();
    let [head, claims, signature] = parts[..] else { panic!("{real}") };
    let decode = |part: &str| -> Value {
        serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
    };
    let encode = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let headed = |change: Value| {
        let mut head = decode(head);
        head.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        encode(&head)
    };
    let mut raised = decode(claims);
    raised["user_role"] = json!("admin");
    let raised = encode(&raised);
    let none = headed(json!({ "alg": "none" }));
    let hs256 = headed(json!({ "alg": "HS256" }));
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == decode(head)["kid"]).unwrap();
    let coordinate = |name: &str| BASE64URL_NOPAD.decode(key[name].as_str().unwrap().as_bytes()).unwrap();
    let point = [&[4][..], &coordinate("x"), &coordinate("y")].concat();
    let signed = |secret: &[u8]| {
        let message = format!("{hs256}.{raised}");
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
    };
    let own_key = headed(json!({ "jwk": key, "jku": "http://127.0.0.1/keys", "kid": "mine" }));
    vec![
        ("alg none", format!("{none}.{claims}.")),
        ("alg none and other claims", format!("{none}.{raised}.{signature}")),
        ("changed claims", format!("{head}.{raised}.{signature}")),
        ("HS256 under the public key's text", signed(key.to_string().as_bytes())),
        ("HS256 under the public point", signed(&point)),
        ("an empty signature", format!("{head}.{claims}.")),
        ("no signature", format!("{head}.{claims}")),
        ("zeros for a signature", format!("{head}.{claims}.{}", BASE64URL_NOPAD.encode(&[0; 64]))),
        ("a key of its own", format!("{own_key}.{claims}.{signature}")),
        ("half of it missing", real[..real.len() / 2].to_owned()),
    ]
}

/// Rows C10 and C12.
#[tokio::test]
async fn every_route_refuses_roles_that_may_not() {
    on_both_engines(async |deployment| {
        let stage = Stage::new(deployment).await;
        let (other, viewer) = (stage.other().await, stage.foreign(deployment, "viewer").await);
        for route in &stage.routes {
            let what = route.name();
            if !OWN.contains(&what.as_str()) {
                let reply = route.call(&other, &stage.victim).await;
                assert_eq!(reply.status, 403, "{what} with the role customer: {}", reply.text);
                assert!(!reply.json()["error_code"].is_null(), "{what}: {}", reply.text);
            }
            if route.method != "GET" && !READS.contains(&what.as_str()) {
                let reply = route.call(&viewer, &stage.victim).await;
                assert_eq!(reply.status, 403, "{what} with the role viewer: {}", reply.text);
            }
        }
        stage.end().await;
    })
    .await;
}

/// Row C10.
#[tokio::test]
async fn every_route_hides_what_belongs_to_another_company_or_customer() {
    on_both_engines(async |deployment| {
        let stage = Stage::new(deployment).await;
        let (other, manager) = (stage.other().await, stage.foreign(deployment, "manager").await);
        let mut looked_at = 0;
        for route in stage.routes.iter().filter(|route| route.names_one()) {
            looked_at += 1;
            for (who, caller) in [("a foreign manager", &manager), ("another customer", &other)] {
                hidden(route, who, &route.call(caller, &stage.victim).await, &stage.victim);
            }
        }
        assert!(looked_at >= 10, "{looked_at}");
        let seen = manager.get("/api/v1/customers/").await.expect(200);
        assert_eq!((&seen["customers"], &seen["total"]), (&json!([]), &json!(0)));
        stage.end().await;
    })
    .await;
}

/// 403 where the role may not do this to anybody; what it may do, it does not find here.
fn hidden(route: &Route, who: &str, reply: &Reply, victim: &Victim) {
    const TO_NOBODY: [&str; 4] = ["PERMISSION_DENIED", "STAFF_ONLY", "CUSTOMERS_ONLY", "USERS_ONLY"];
    let what = route.name();
    if LISTS.contains(&what.as_str()) && reply.status == 200 {
        assert_eq!(
            (&reply.json()["customers"], &reply.json()["total"]),
            (&json!([]), &json!(0)),
            "{what} by {who}"
        );
        return;
    }
    let code = reply.json()["error_code"].as_str().unwrap_or_default().to_owned();
    let refused = reply.status == 404 || (reply.status == 403 && TO_NOBODY.contains(&code.as_str()));
    assert!(refused, "{what} by {who}: {} {}", reply.status, reply.text);
    let echoes = route.path.contains("{email}") || route.path.contains("{username}");
    let told =
        [&victim.email, &victim.username].into_iter().any(|secret| reply.text.contains(secret.as_str()));
    assert!(echoes || !told, "{what} tells {who}: {}", reply.text);
}

/// A company, for which there is no route yet.
async fn company(deployment: &Deployment, number: &str) {
    let db = Db::open(&Options::new(deployment.target())).unwrap();
    let mut tx = db.write(&std::sync::Arc::default()).await.unwrap();
    let now = kernel::clock::Clock::System.now();
    let id = kernel::id::Random::System.uuid(now);
    tx.exec(
        sql!(
            "INSERT INTO company (id, company_id, company_key, name, business_name, document_type, document_number,
               document_number_key, status, created_at, updated_at, version)
             VALUES ($1, $2, $2, $2, $2, 'nit', $2, $2, 'active', $3, $3, 1)"
        ),
        args![id, number, now],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
}
