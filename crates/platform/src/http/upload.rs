//! A file as the body of a request: read piece by piece, never held whole. The route decides which types and sizes it
//! takes; that it takes a file at all stands in its documentation (see [`super::guard::Guard`]).
//!
//! Such a request has the time of `limits.upload_timeout_s` instead of that of other requests, as long as its bytes keep
//! coming, and its handler runs once, because the body cannot be given twice. When the file has arrived, and before
//! anything is made of it, its sender is asked for again ([`Arrival`]).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::guard::Guard;
use crate::access::Caller;
use crate::crypto::Sha256;
use crate::idempotency::Idempotency;
use crate::storage;
use kernel::web::body::too_large;
use kernel::web::{RequestInfo, WebSettings};
use kernel::{Error, Kind, Result};

/// What has to be done when a file has arrived.
#[derive(Clone)]
pub(super) struct Arrival(Arc<Sender>);

struct Sender {
    guard: Guard,
    caller: Arc<Caller>,
    token: String,
    key: Option<Idempotency>,
}

impl Arrival {
    pub(super) fn new(
        guard: &Guard,
        caller: Arc<Caller>,
        token: String,
        key: Option<Idempotency>,
    ) -> Arrival {
        Arrival(Arc::new(Sender { guard: guard.clone(), caller, token, key }))
    }

    /// Its sender may have been refused while the file was on its way, which can take an hour. 401, or 403 when it may
    /// do something else by now.
    async fn complete(&self, sent: &[u8]) -> Result<()> {
        let Sender { guard, caller, token, key } = &*self.0;
        if !guard.authenticate(token).await?.has_rights_of(caller) {
            let detail = "What you may do was changed while the file was on its way; send it again";
            return Err(Error::forbidden("RIGHTS_CHANGED", detail));
        }
        if let Some(key) = key {
            key.sent(sent);
        }
        Ok(())
    }
}

/// The pieces of a file, after whose last the arrival is completed. What is said about the file is part of what was sent.
fn arriving(
    pieces: BoxStream<'static, Result<Bytes>>,
    about: String,
    arrival: Arrival,
) -> BoxStream<'static, Result<Bytes>> {
    let begun = (pieces, Sha256::default(), about, arrival);
    let checked = stream::try_unfold(begun, |(mut pieces, mut digest, mut about, arrival)| async move {
        match pieces.try_next().await? {
            Some(piece) => {
                digest.update(&piece);
                Ok(Some((piece, (pieces, digest, about, arrival))))
            }
            None => {
                about.push_str(&data_encoding::HEXLOWER.encode(&digest.finish()));
                arrival.complete(about.as_bytes()).await?;
                Ok(None)
            }
        }
    });
    checked.boxed()
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
        let arrival = request.extensions().get::<Arrival>().cloned();
        let upload = Upload::read(request).await?;
        let Some(arrival) = arrival else { return Ok(upload) };
        // Not the bytes of a form: whoever sends it again draws another boundary.
        let about = serde_json::json!([upload.media_type, upload.file_name]).to_string();
        Ok(Upload { pieces: arriving(upload.pieces, about, arrival), ..upload })
    }
}

impl Upload {
    async fn read(request: Request) -> Result<Upload> {
        let info = RequestInfo::of(request.extensions());
        if info.is_some_and(|info| !info.takes_file()) {
            return Err(Error::internal("the documentation of this route does not say that it takes a file"));
        }
        let patience =
            info.map_or_else(|| WebSettings::default().body_timeout, |info| info.settings().body_timeout);
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

    /// The whole file on disk, in a folder of the server's, for work that waits for its turn: meanwhile it takes no memory. It
    /// has no name there, and is gone with the handle. 413 for more than `limit` bytes, 503 when the disk is full.
    pub async fn put_aside(mut self, folder: &Path, limit: usize) -> Result<std::fs::File> {
        let file = tempfile::tempfile_in(folder).map_err(storage::storage_error)?;
        let mut file = tokio::fs::File::from_std(file);
        let mut size = 0;
        while let Some(piece) = self.pieces.try_next().await? {
            size += piece.len();
            if size > limit {
                return Err(too_large(limit));
            }
            file.write_all(&piece).await.map_err(storage::storage_error)?;
        }
        file.flush().await.map_err(storage::storage_error)?;
        file.rewind().await.map_err(storage::storage_error)?;
        Ok(file.into_std().await)
    }
}

/// The pieces of a body, each within `patience`.
fn patient(body: axum::body::Body, patience: Duration) -> BoxStream<'static, Result<Bytes>> {
    let pieces = body.into_data_stream();
    stream::try_unfold(pieces, move |mut pieces| async move {
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
        return inner.again();
    }
    Error::bad_request("FORM_INVALID", format!("The form cannot be read: {e}"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;
    use kernel::web::stream::streamed;

    fn headers(kind: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())])
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
