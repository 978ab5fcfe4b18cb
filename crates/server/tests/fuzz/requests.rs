//! What is sent to the routes, through the whole server: no reply may be a fault of its own.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use database::Engine;
use fixtures::{customer, key, register};
use kernel::web::docs;
use platform::test::{TestApp, TestReply};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::input::{Bytes, bytes, corpus, text, wrong};
use crate::run::run;

/// A server with a customer, on the embedded database: what differs by engine is compared elsewhere.
struct Stage {
    runtime: Runtime,
    app: TestApp,
    key: String,
    customer: Value,
}

impl Stage {
    fn new() -> Stage {
        let runtime = Runtime::new().unwrap();
        let (app, key, customer) = runtime.block_on(async {
            let app = TestApp::start(Engine::Sqlite, &server::app::features(), &[]).await;
            let key = key(&app, "admin").await;
            let customer = customer(&app, &key, "ada@example.com").await;
            (app, key, customer)
        });
        Stage { runtime, app, key, customer }
    }

    fn send(&self, method: &str, path: &str, token: &str, body: Option<(&str, Vec<u8>)>) -> TestReply {
        let mut request = self.app.request(method.parse::<Method>().unwrap(), path);
        if !token.is_empty() {
            request = request.header("authorization", token);
        }
        if let Some((kind, body)) = body {
            request = request.body(kind, body);
        }
        // Limits are for others to test.
        self.app.advance(Duration::from_secs(60));
        self.runtime.block_on(request.send())
    }

    /// Sends a body by somebody who may do everything.
    fn post(&self, method: &str, path: &str, kind: &str, body: Vec<u8>) -> Result<TestReply, TestCaseError> {
        let reply = self.send(method, path, &format!("Bearer {}", self.key), Some((kind, body)));
        no_fault(&reply)?;
        Ok(reply)
    }

    /// The path with its parameters filled in.
    fn fill(&self, path: &str) -> String {
        let id = self.customer["customer_id"].as_str().unwrap();
        path.replace("{ref}", id).replace("{customer}", id).replace(['{', '}'], "")
    }
}

/// A fault of the server is none of the caller's; a panic is one as well.
fn no_fault(reply: &TestReply) -> Result<(), TestCaseError> {
    let known = [StatusCode::NOT_IMPLEMENTED];
    prop_assert!(!reply.status.is_server_error() || known.contains(&reply.status), "{}", reply.text());
    if reply.status.is_client_error() {
        prop_assert!(reply.json()["error_code"].is_string(), "{} {}", reply.status, reply.text());
    }
    Ok(())
}

fn document() -> Value {
    serde_json::from_str(&docs::to_json(&server::app::document()).unwrap()).unwrap()
}

/// Every operation with a JSON body: its method, its path and a body that can be sent.
fn bodies(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let Some(place) = schema["$ref"].as_str() else { continue };
            let example = document.pointer(&place[1..]).and_then(|schema| schema["examples"].get(0));
            // What ends the key that all requests are sent with would end the test.
            if let Some(example) = example.filter(|_| !path.contains("api-keys")) {
                all.push((method.to_uppercase(), path.clone(), example.clone()));
            }
        }
    }
    assert!(all.len() > 12, "only {} bodies", all.len());
    all
}

#[test]
fn bodies_of_requests() {
    let (stage, document) = (Stage::new(), document());
    let body = select(bodies(&document)).prop_flat_map(|(method, path, right)| {
        let json = |value: &Value| serde_json::to_vec(value).unwrap();
        let broken = bytes(vec![json(&right)]);
        let wrong = wrong(right).prop_map(move |value| Bytes(json(&value)));
        (Just(method), Just(path), prop_oneof![3 => wrong, 1 => broken])
    });
    run(&body, |(method, path, Bytes(body))| {
        stage.post(&method, &stage.fill(&path), "application/json", body).map(drop)
    });
}

/// Every list, with the names of its parameters.
fn lists(document: &Value) -> Vec<(String, Vec<String>)> {
    let all = document["paths"].as_object().unwrap().iter().filter_map(|(path, item)| {
        let parameters = item["get"]["parameters"].as_array()?;
        let names: Vec<String> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "query")
            .filter_map(|parameter| Some(parameter["name"].as_str()?.to_owned()))
            .collect();
        (!names.is_empty()).then(|| (path.clone(), names))
    });
    let all: Vec<_> = all.collect();
    assert!(all.len() > 8, "only {} lists", all.len());
    all
}

/// Something for the value of a parameter, as it stands in a URL.
fn value(cursors: Vec<Vec<u8>>) -> impl Strategy<Value = String> {
    let known = [
        "1",
        "0",
        "-1",
        "true",
        "false",
        "null",
        "asc",
        "desc",
        "created_at",
        "-name,email",
        "2024-02-29",
        "ada",
        "a@b.c",
    ];
    let plain = select(known.to_vec()).prop_map(str::to_owned);
    let encoded = |text: String| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    prop_oneof![3 => plain, 2 => text(cursors).prop_map(encoded), 1 => "[A-Za-z0-9%+&=._~,:;-]{0,24}"]
}

#[test]
fn filters_and_cursors() {
    let (stage, document) = (Stage::new(), document());
    let page = stage.send("GET", "/api/v1/events?limit=1", &format!("Bearer {}", stage.key), None);
    let cursor = page.json()["next_cursor"].as_str().unwrap_or("eyJ").to_owned();
    let cursors: Vec<Vec<u8>> = corpus("filters", &[]).into_iter().chain([cursor.into_bytes()]).collect();
    let query = select(lists(&document)).prop_flat_map(move |(path, names)| {
        let pair = (prop_oneof![9 => select(names), 1 => "[a-z%_]{0,8}"], value(cursors.clone()));
        (Just(path), prop::collection::vec(pair, 0..5))
    });
    run(&query, |(path, pairs)| {
        let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let path = format!("{}?{}", stage.fill(&path), pairs.join("&"));
        no_fault(&stage.send("GET", &path, &format!("Bearer {}", stage.key), None))
    });
}

/// A form with one file in it.
fn form(file: &[u8]) -> Vec<u8> {
    let head = "--line\r\nContent-Disposition: form-data; name=\"mode\"\r\n\r\ncreate\r\n--line\r\n\
                Content-Disposition: form-data; name=\"file\"; filename=\"people.csv\"\r\nContent-Type: text/csv\r\n\r\n";
    [head.as_bytes(), file, b"\r\n--line--\r\n"].concat()
}

#[test]
fn files_of_imports() {
    let stage = Stage::new();
    let corpus = corpus("imports", &["people.csv"]);
    let kind = select(vec!["text/csv", "application/x-ndjson", "multipart/form-data; boundary=line"]);
    run(&(bytes(corpus), kind, any::<bool>()), |(Bytes(file), kind, inside)| {
        let file = if kind.starts_with("multipart") && inside { form(&file) } else { file };
        let reply = stage.post("POST", "/api/v1/customers/import", kind, file)?;
        if reply.status == StatusCode::ACCEPTED {
            stage.runtime.block_on(stage.app.run_jobs());
            let job = format!("/api/v1/jobs/{}", reply.json()["id"].as_str().unwrap());
            let state = stage.send("GET", &job, &format!("Bearer {}", stage.key), None).json();
            prop_assert!(
                ["done", "failed", "stopped", "cancelled"]
                    .contains(&state["state"].as_str().unwrap_or_default()),
                "{state}"
            );
            prop_assert!(state["error"]["code"] != "INTERNAL_ERROR", "{state}");
        }
        Ok(())
    });
}

#[test]
fn forms() {
    let stage = Stage::new();
    let path = format!("/api/v1/customers/{}/avatar", stage.customer["customer_id"].as_str().unwrap());
    let corpus = vec![form(b"email,first_name\na@b.co,Ada\n"), form(&corpus("forms", &["portrait.jpg"])[0])];
    let kind = select(vec![
        "multipart/form-data; boundary=line",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data",
        "image/jpeg",
    ]);
    run(&(bytes(corpus), kind, any::<bool>()), |(Bytes(form), kind, import)| {
        let (method, path) =
            if import { ("POST", "/api/v1/customers/import") } else { ("PUT", path.as_str()) };
        stage.post(method, path, kind, form)?;
        stage.runtime.block_on(stage.app.run_jobs());
        Ok(())
    });
}

#[test]
fn tokens() {
    let stage = Stage::new();
    let (token, _) = stage.runtime.block_on(register(&stage.app, "grace@example.com"));
    let mut corpus = corpus("tokens", &[]);
    corpus.extend([&token, &stage.key].map(|right| right.as_bytes().to_vec()));
    let right = [format!("Bearer {token}"), format!("Bearer {}", stage.key)];
    run(&text(corpus), |token| {
        let header = format!("Bearer {token}");
        // Others never reach the server as a header.
        if !header.bytes().all(|byte| (0x20..0x7f).contains(&byte) || byte == b'\t') {
            return Ok(());
        }
        for path in ["/api/auth/profile", "/api/v1/customers"] {
            let reply = stage.send("GET", path, &header, None);
            no_fault(&reply)?;
            let known = right.iter().any(|right| right.trim() == header.trim());
            let lets_in = reply.status.is_success() || reply.status == StatusCode::FORBIDDEN;
            prop_assert!(known || !lets_in, "{path} {}", reply.status);
        }
        Ok(())
    });
}
