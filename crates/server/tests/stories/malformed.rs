//! What nobody should send, as bytes on a socket: the right 4xx with an `error_code`, never a 500.

use std::net::SocketAddr;

use serde_json::Value;

use crate::deployment::on_both_engines;
use crate::raw::{Raw, head, send, with_body};

const JSON: &str = "application/json";
const CREATE: &str = "/api/v1/customers/";

/// A refusal has the status and the code, and is a problem.
#[track_caller]
fn refused(what: &str, reply: &Raw, status: u16, code: &str) {
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{what}: {reply:?}");
    assert!(
        reply.head.to_lowercase().contains("content-type: application/problem+json"),
        "{what}: {reply:?}"
    );
}

/// The body of a customer with one member replaced by this JSON text.
fn customer(member: &str, value: &str) -> String {
    format!(
        r#"{{"first_name": "Ana", "last_name": "Mora", "email": "ana@example.com", "{member}": {value}}}"#
    )
}

fn bodies() -> Vec<(&'static str, Vec<u8>, u16, &'static str)> {
    let deep = format!(r#"{{"metadata": {}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    let deep_objects = format!("{}1{}", r#"{"a":"#.repeat(5000), "}".repeat(5000));
    let long = customer("notes", &format!("\"{}\"", "x".repeat(30_000)));
    let huge = customer("notes", &format!("\"{}\"", "x".repeat(2 << 20)));
    vec![
        ("half an object", b"{".to_vec(), 400, "JSON_INVALID"),
        ("nothing", Vec::new(), 400, "JSON_INVALID"),
        ("no JSON", b"first_name=Ana&last_name=Mora".to_vec(), 400, "JSON_INVALID"),
        ("more after the end", b"{} {}".to_vec(), 400, "JSON_INVALID"),
        ("not UTF-8", b"{\"first_name\": \"\xff\xfe\"}".to_vec(), 400, "JSON_INVALID"),
        ("half a surrogate", customer("notes", r#""\ud800""#).into_bytes(), 400, "JSON_INVALID"),
        ("deep arrays", deep.into_bytes(), 400, "JSON_TOO_DEEP"),
        ("deep objects", deep_objects.into_bytes(), 400, "JSON_TOO_DEEP"),
        ("one member twice", customer("last_name", "\"Mora\"").into_bytes(), 400, "JSON_DUPLICATE_MEMBER"),
        ("an array", b"[]".to_vec(), 422, "VALIDATION_FAILED"),
        ("null", b"null".to_vec(), 422, "VALIDATION_FAILED"),
        ("a number for a text", customer("city", "5").into_bytes(), 422, "VALIDATION_FAILED"),
        ("an object for a text", customer("city", "{}").into_bytes(), 422, "VALIDATION_FAILED"),
        ("a text for a truth", customer("marketing_sms", "\"often\"").into_bytes(), 422, "VALIDATION_FAILED"),
        ("an unknown member", customer("shoe_size", "42").into_bytes(), 422, "VALIDATION_FAILED"),
        ("NUL", customer("city", r#""a\u0000b""#).into_bytes(), 422, "VALIDATION_FAILED"),
        (
            "a long value",
            customer("city", &format!("\"{}\"", "x".repeat(101))).into_bytes(),
            422,
            "VALIDATION_FAILED",
        ),
        ("a very long value", long.into_bytes(), 422, "VALIDATION_FAILED"),
        (
            "a date that is none",
            customer("date_of_birth", "\"2001-02-30\"").into_bytes(),
            422,
            "VALIDATION_FAILED",
        ),
        ("no address", br#"{"first_name": "Ana", "last_name": "Mora"}"#.to_vec(), 422, "VALIDATION_FAILED"),
        ("more than a body may have", huge.into_bytes(), 413, "BODY_TOO_LARGE"),
    ]
}

/// Row C12.
#[tokio::test]
async fn c12_bodies_that_cannot_be_taken() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&["--log-level", "warn"]).await;
        let key = deployment.api_key("admin", "story").await;
        let at = server.address();
        for (what, body, status, code) in bodies() {
            let reply = send(at, &with_body("POST", CREATE, &key, JSON, &body)).await;
            refused(what, &reply, status, code);
        }
        for kind in ["", "text/html", "application/xml", "application/x-www-form-urlencoded", "json"] {
            let body = customer("city", "\"Lima\"");
            let reply = send(at, &with_body("POST", CREATE, &key, kind, body.as_bytes())).await;
            refused(kind, &reply, 415, "UNSUPPORTED_MEDIA_TYPE");
        }
        // Every error at once.
        let body = br#"{"first_name": 5, "email": "no address", "shoe_size": 42}"#;
        let reply = send(at, &with_body("POST", CREATE, &key, JSON, body)).await;
        let problem: Value = serde_json::from_str(&reply.body).unwrap();
        let fields: Vec<&str> =
            problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
        for field in ["first_name", "last_name", "email", "shoe_size"] {
            assert!(fields.contains(&field), "{field}: {problem}");
        }
        server.stop().await;
    })
    .await;
}

/// Row C12.
#[tokio::test]
async fn c12_queries_and_paths_that_cannot_be_read() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&["--log-level", "warn"]).await;
        let key = deployment.api_key("admin", "story").await;
        let at = server.address();
        let long = "x".repeat(1500);
        for (query, status, code) in [
            ("limit=1001", 422, "LIMIT_TOO_LARGE"),
            ("limit=0", 422, "PARAMETER_OUT_OF_RANGE"),
            ("limit=ten", 400, "PARAMETER_INVALID"),
            ("limit=99999999999999999999999", 422, "PARAMETER_OUT_OF_RANGE"),
            ("offset=-1", 422, "PARAMETER_OUT_OF_RANGE"),
            ("sort=password_hash", 400, "UNKNOWN_SORT_FIELD"),
            ("sort=created_at;DROP%20TABLE%20customer", 400, "UNKNOWN_SORT_FIELD"),
            ("cursor=bm90aGluZw", 400, "CURSOR_INVALID"),
            ("cursor=%00", 400, "CURSOR_INVALID"),
            ("shoe_size=42", 400, "UNKNOWN_PARAMETER"),
            ("limit=1&limit=2", 400, "PARAMETER_REPEATED"),
            ("city=%ff", 400, "QUERY_INVALID"),
            ("city=%00", 400, "PARAMETER_INVALID"),
            (&format!("city={long}"), 400, "PARAMETER_INVALID"),
        ] {
            let reply = get(at, &format!("{CREATE}?{query}"), &key).await;
            refused(query, &reply, status, code);
        }
        for reference in ["nobody", "CUST_0000000G", "%00", "%F0%9F%90%94", "%2e%2e%2fusers", &long] {
            let reply = get(at, &format!("/api/v1/customers/{reference}/"), &key).await;
            refused(reference, &reply, 404, "CUSTOMER_NOT_FOUND");
        }
        let reply = get(at, "/api/v1/customers/%ff/", &key).await;
        refused("a path that is not UTF-8", &reply, 400, "REQUEST_UNREADABLE");
        server.stop().await;
    })
    .await;
}

async fn get(at: SocketAddr, path: &str, key: &str) -> Raw {
    send(at, head("GET", path, &format!("Authorization: Bearer {key}\r\n")).as_bytes()).await
}

#[tokio::test]
async fn both_slash_forms_are_one_route_and_heads_have_no_body() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&["--log-level", "warn"]).await;
        let key = deployment.api_key("admin", "story").await;
        let at = server.address();
        for path in
            ["/api/v1/customers", "/api/v1/customers/", "/health", "/health/", "/livez", "/livez/", "/docs/"]
        {
            let reply = get(at, path, &key).await;
            assert_eq!(reply.status, 200, "{path}: {reply:?}");
            let bare =
                send(at, head("HEAD", path, &format!("Authorization: Bearer {key}\r\n")).as_bytes()).await;
            assert_eq!((bare.status, bare.body.as_str()), (200, ""), "{path}: {bare:?}");
        }
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn methods_and_credentials_that_a_route_does_not_take() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&["--log-level", "warn"]).await;
        let at = server.address();
        for (method, path) in [
            ("BREW", CREATE),
            ("TRACE", "/health"),
            ("DELETE", "/api/auth/login/"),
            ("PUT", "/api/v1/events"),
        ] {
            let reply = send(at, head(method, path, "").as_bytes()).await;
            refused(method, &reply, 405, "METHOD_NOT_ALLOWED");
            assert!(reply.head.to_lowercase().contains("\r\nallow: "), "{reply:?}");
        }
        for header in
            ["Basic YTpi", "Bearer", "Bearer ", "Bearer \t", "bearer.x.y", "Bearer \u{e9}", "Token x"]
        {
            let request = head("GET", "/api/auth/profile/", &format!("Authorization: {header}\r\n"));
            let reply = send(at, request.as_bytes()).await;
            assert_eq!(reply.status, 401, "{header:?}: {reply:?}");
            assert!(!reply.code().is_empty(), "{header:?}: {reply:?}");
        }
        // No HTTP at all: an answer or none, and the server goes on.
        for garbage in
            [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], b"GET\r\n\r\n", b"\0\0\0\0\r\n\r\n"]
        {
            let reply = send(at, garbage).await;
            assert!(matches!(reply.status, 0 | 400), "{reply:?}");
        }
        assert_eq!(get(at, "/livez", "x").await.status, 200);
        server.stop().await;
    })
    .await;
}

/// The same bodies at every route that takes one, so that a new route is covered by itself.
#[tokio::test]
async fn no_route_answers_a_malformed_body_with_a_500() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&["--log-level", "warn"]).await;
        let key = deployment.api_key("admin", "story").await;
        let at = server.address();
        for route in crate::routes::all(&server.client()).await {
            if !route.takes_body {
                continue;
            }
            for (what, body, ..) in bodies() {
                // Names alone are a whole search.
                if what == "no address" && route.path == "/api/v1/customers/search" {
                    continue;
                }
                let path = route.path_for(|_| "0198b5a4-0000-7000-8000-000000000001".to_owned());
                let reply = send(at, &with_body(&route.method, &path, &key, JSON, &body)).await;
                let what = format!("{} {}: {what}", route.method, route.path);
                assert!((400..500).contains(&reply.status), "{what}: {reply:?}");
                assert!(!reply.code().is_empty(), "{what}: {reply:?}");
            }
        }
        server.stop().await;
    })
    .await;
}
