//! A file as the body of a request: read piece by piece, never held whole. The route decides which types and sizes it
//! takes.
//!
//! Such a request has the time of `limits.upload_timeout_s` instead of that of other requests, as long as its bytes keep
//! coming; its handler runs once, and an `Idempotency-Key` is not looked at, because the body cannot be given twice.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use std::time::Duration;

use super::body::too_large;
use super::request::RequestInfo;
use super::settings::WebSettings;
use crate::{Error, Kind, Result};

/// Types of bodies that are files; everything else is small and read whole.
const TYPES: &[&str] = &[
    "application/octet-stream",
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/vnd.ms-excel",
];

/// Is the body a file?
pub fn is_upload(headers: &HeaderMap) -> bool {
    is_upload_type(&essence(headers))
}

/// Is this the media type of a file?
pub(super) fn is_upload_type(kind: &str) -> bool {
    let family = |family: &str| kind.starts_with(family);
    family("multipart/")
        || family("image/")
        || (family("text/") && kind != "text/json")
        || TYPES.contains(&kind)
}

/// The media type without parameters, in lower case.
fn essence(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The file of a request: its whole body, or the first file of a form (`multipart/form-data`).
pub struct Upload {
    /// Such as `text/csv`; empty if it is not said.
    pub media_type: String,
    /// As the form names it.
    pub file_name: Option<String>,
    /// Its bytes. Fails with 408 when none come for a while, and with 400 when they end early.
    pub pieces: BoxStream<'static, Result<Bytes>>,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Upload> {
        let settings = RequestInfo::of(request.extensions()).map(RequestInfo::settings);
        let patience = settings.map_or_else(|| WebSettings::default().body_timeout, |s| s.body_timeout);
        let (parts, body) = request.into_parts();
        let coding = parts.headers.get(header::CONTENT_ENCODING);
        if coding.is_some_and(|c| !c.as_bytes().eq_ignore_ascii_case(b"identity")) {
            let detail = "Compressed files are not accepted; send the file as it is";
            return Err(Error::new(Kind::UnsupportedMedia, "UNSUPPORTED_MEDIA_TYPE", detail));
        }
        let pieces = patient(body, patience);
        let media_type = essence(&parts.headers);
        if !media_type.starts_with("multipart/") {
            return Ok(Upload { media_type, file_name: None, pieces });
        }
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let boundary = multer::parse_boundary(kind.unwrap_or_default()).map_err(|e| no_form(&e))?;
        first_file(multer::Multipart::new(pieces, boundary)).await
    }
}

impl Upload {
    /// The whole file, for routes that take small ones. 413 for more than `limit` bytes.
    pub async fn whole(mut self, limit: usize) -> Result<Bytes> {
        let mut file = BytesMut::new();
        while let Some(piece) = self.pieces.try_next().await? {
            if file.len() + piece.len() > limit {
                return Err(too_large(limit));
            }
            file.extend_from_slice(&piece);
        }
        Ok(file.freeze())
    }
}

/// The pieces of a body, each within `patience`.
fn patient(body: axum::body::Body, patience: Duration) -> BoxStream<'static, Result<Bytes>> {
    let pieces = body.into_data_stream();
    futures_util::stream::try_unfold(pieces, move |mut pieces| async move {
        match tokio::time::timeout(patience, pieces.try_next()).await {
            Ok(Ok(piece)) => Ok(piece.map(|piece| (piece, pieces))),
            Ok(Err(e)) => Err(cut(e)),
            Err(_) => Err(Error::new(
                Kind::RequestTimeout,
                "BODY_TOO_SLOW",
                "The body arrived too slowly; send it again",
            )),
        }
    })
    .boxed()
}

fn cut(e: axum::Error) -> Error {
    Error::bad_request("BODY_INCOMPLETE", "The body ended early; send it again").with_source(e)
}

async fn first_file(mut form: multer::Multipart<'static>) -> Result<Upload> {
    while let Some(field) = form.next_field().await.map_err(|e| no_form(&e))? {
        let Some(name) = field.file_name() else { continue };
        let file_name = Some(name.chars().take(255).collect());
        let media_type =
            field.content_type().map(|m| m.essence_str().to_ascii_lowercase()).unwrap_or_default();
        let pieces = field.map_err(|e| no_form(&e)).boxed();
        return Ok(Upload { media_type, file_name, pieces });
    }
    Err(Error::bad_request("FILE_MISSING", "The form has no file; send one as a part with a file name"))
}

/// What went wrong inside a form: a failure of the body comes through as it was.
fn no_form(e: &multer::Error) -> Error {
    if let multer::Error::StreamReadFailed(inner) = e
        && let Some(inner) = inner.downcast_ref::<Error>()
    {
        return Error::new(inner.kind(), inner.code(), inner.detail().to_owned());
    }
    Error::bad_request("FORM_INVALID", format!("The form cannot be read: {e}"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures_util::stream;

    use super::*;
    use crate::web::stream::streamed;

    fn headers(kind: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())])
    }

    #[test]
    fn files_are_told_from_small_bodies() {
        for kind in [
            "text/csv; charset=utf-8",
            "Multipart/Form-Data; boundary=x",
            "application/x-ndjson",
            "image/png",
        ] {
            assert!(is_upload(&headers(kind)), "{kind}");
        }
        for kind in ["application/json", "application/merge-patch+json", "text/json", ""] {
            assert!(!is_upload(&headers(kind)), "{kind}");
        }
        assert!(!is_upload(&HeaderMap::new()));
    }

    async fn failure(body: Body) -> Error {
        let mut pieces = patient(body, Duration::from_millis(10));
        assert_eq!(pieces.next().await.unwrap().unwrap(), "begun");
        let failure = pieces.next().await.unwrap().unwrap_err();
        assert!(pieces.next().await.is_none() && pieces.next().await.is_none(), "a failure is the end");
        failure
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_or_breaks_off_is_told() {
        let begun = || stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"begun"))]);
        let slow = streamed(begun().chain(stream::pending()));
        assert_eq!(failure(slow).await.code(), "BODY_TOO_SLOW");
        let cut = streamed(begun().chain(stream::iter([Err(std::io::ErrorKind::UnexpectedEof.into())])));
        assert_eq!(failure(cut).await.code(), "BODY_INCOMPLETE");
        let mut whole = patient(streamed(begun()), Duration::from_millis(10));
        assert_eq!(whole.next().await.unwrap().unwrap(), "begun");
        assert!(whole.next().await.is_none() && whole.next().await.is_none());
    }

    #[tokio::test]
    async fn a_form_that_breaks_off_fails_as_its_body_did() {
        let head = "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.csv\"\r\n\r\nbegun";
        let body = stream::iter([
            Ok(Bytes::from(head)),
            Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)),
        ]);
        let mut request = Request::new(streamed(body));
        *request.headers_mut() = headers("multipart/form-data; boundary=x");
        let failed = Upload::from_request(request, &()).await.err().unwrap();
        assert_eq!(failed.code(), "BODY_INCOMPLETE");
    }
}
