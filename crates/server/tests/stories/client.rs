//! Requests as a program of a customer would send them.

use std::net::SocketAddr;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// One address, and perhaps a token. Cloning shares the connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// A reply, read to its end.
#[derive(Debug)]
pub struct Reply {
    what: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Client {
    pub fn new(address: SocketAddr) -> Client {
        Client { http: reqwest::Client::new(), base: format!("http://{address}"), token: None }
    }

    /// The same address with a token.
    pub fn with(&self, token: &str) -> Client {
        Client { token: Some(token.to_owned()), ..self.clone() }
    }

    /// A request that may fail on the way: the server may be killed under it.
    pub async fn attempt(&self, method: Method, path: &str, body: Option<Value>) -> Option<Reply> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.ok()?;
        Some(Reply { what: format!("{method} {path}"), status, headers, text })
    }

    /// Sends a file.
    pub async fn upload(&self, path: &str, media_type: &str, file: Vec<u8>) -> Reply {
        self.send_file(Method::POST, path, media_type, file).await
    }

    /// Sends a file by another method.
    pub async fn send_file(&self, method: Method, path: &str, media_type: &str, file: Vec<u8>) -> Reply {
        let what = format!("{method} {path}");
        let request = self.http.request(method, format!("{}{path}", self.base));
        let mut request = request.header("content-type", media_type);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.body(file).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Reply { what, status, headers, text: response.text().await.unwrap() }
    }

    /// A request with headers of its own, whose redirects are not followed.
    pub async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut request = http.request(method.clone(), format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Reply { what: format!("{method} {path}"), status, headers, text: response.text().await.unwrap() }
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let what = format!("{method} {path}");
        self.attempt(method, path, body).await.unwrap_or_else(|| panic!("no reply to {what}"))
    }
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, Some(body)).await
    }
    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PATCH, path, Some(body)).await
    }
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, None).await
    }

    /// Logs in; the body of the answer.
    pub async fn log_in(&self, email: &str, password: &str) -> Value {
        self.post("/api/auth/login/", json!({ "email": email, "password": password })).await.expect(200)
    }

    /// Registers somebody; the body of the answer.
    pub async fn register(&self, email: &str) -> Value {
        let body = json!({
            "email": email, "first_name": "Rosa", "last_name": "Quispe", "password": "a long enough sentence",
        });
        self.post("/api/auth/register/", body).await.expect(201)
    }
}

impl Reply {
    /// Method and path of the request.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The body as JSON; null if there is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// A header's value; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Panics with the body unless the status is `status`; the body as JSON.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text);
        self.json()
    }

    /// Panics unless it is a problem with this status and code; the problem.
    #[track_caller]
    pub fn expect_error(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(problem["error_code"], code, "{}: {}", self.what, self.text);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.what);
        problem
    }
}

/// The claims of an access token, unverified.
pub fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}
