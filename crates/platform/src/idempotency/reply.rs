//! An answer that is kept.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use kernel::{Error, Result};

/// The headers that are kept.
const HEADERS: [header::HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];

/// An answer as it was given the first time.
#[derive(Debug, Clone)]
pub struct StoredReply {
    /// HTTP status.
    pub status: u16,
    /// The headers worth keeping: media type, tag, location.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl StoredReply {
    /// What is kept of a reply, and the reply.
    pub(super) async fn of(response: Response) -> Result<(StoredReply, Response)> {
        let (parts, body) = response.into_parts();
        let bytes =
            body.collect().await.map_err(|e| Error::internal("a reply's body").with_source(e))?.to_bytes();
        let headers = HEADERS.iter().filter_map(|name| {
            let value = parts.headers.get(name)?.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        });
        let status = parts.status.as_u16();
        let reply = StoredReply { status, headers: headers.collect(), body: bytes.to_vec() };
        Ok((reply, Response::from_parts(parts, Body::from(bytes))))
    }

    /// The reply, marked as a repeat.
    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let headers = response.headers_mut();
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<header::HeaderName>(), HeaderValue::from_str(&value))
            {
                headers.insert(name, value);
            }
        }
        headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
        response
    }
}
