//! The conventions as a client meets them: through a small router inside the outer layer.

mod conventions;
mod documents;
mod sending;
mod sockets;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::http_service::HttpService;
use super::settings::WebSettings;
use crate::clock::{Clock, Timestamp};
use crate::id::Random;

/// A reply, read to its end.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
    /// Status and code of a problem, whose body is checked to be one.
    fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16());
        assert_eq!(body["request_id"], self.header("x-request-id"));
        assert_eq!(body["timestamp"], "2026-02-02T02:40:00.000000Z");
        (self.status.as_u16(), body["error_code"].as_str().unwrap().to_owned())
    }
}

fn settings() -> WebSettings {
    WebSettings { request_timeout: Duration::from_secs(5), ..WebSettings::default() }
}

fn edge(router: Router, settings: WebSettings) -> HttpService {
    let now = Timestamp::from_micros(1_770_000_000_000_000).unwrap();
    HttpService::new(router, settings, Clock::fixed(now), Random::seeded(7))
}

async fn send(
    edge: &HttpService,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = edge.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes().to_vec();
    Reply { status: parts.status, headers: parts.headers, bytes }
}

async fn fetch(edge: &HttpService, path: &str, headers: &[(&str, &str)]) -> Reply {
    send(edge, Method::GET, path, headers, Body::empty()).await
}
