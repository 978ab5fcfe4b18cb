//! Replies that are made while they are sent. What goes wrong in one comes too late for another reply: it ends the
//! connection, and has to be told to the log and the metrics here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::http_service::panicked;
use super::problem;
use super::request::RequestInfo;
use crate::Error;

/// Watches the body of a reply whose length is not known yet; others are whole already.
pub(super) fn watched(info: &RequestInfo, response: Response) -> Response {
    match response.body().size_hint().exact() {
        Some(_) => response,
        None => response.map(|body| Body::new(Watched { body: Some(body), info: info.clone() })),
    }
}

struct Watched {
    /// None after its end, or its failure.
    body: Option<Body>,
    info: RequestInfo,
}

impl Watched {
    fn broke_off(&mut self, why: &'static str, error: &Error) {
        self.body = None;
        metrics::counter!("http_replies_broken_off_total", "why" => why).increment(1);
        problem::log(error, self.info.id());
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        match catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(cx))) {
            Ok(Poll::Ready(Some(Err(e)))) => {
                let text = format!("the reply broke off: {e}");
                self.broke_off("error", &Error::internal(text));
                Poll::Ready(Some(Err(e)))
            }
            Ok(polled) => polled,
            Err(panic) => {
                let error = panicked(panic.as_ref());
                self.broke_off("panic", &error);
                Poll::Ready(Some(Err(axum::Error::new(error))))
            }
        }
    }
    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }
    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}
