//! Bodies that are sent while they are made.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use futures_util::stream::{Stream, StreamExt};
use tower::BoxError;

/// A body from pieces, for every reply that is made while it is sent. It ends once: after its last piece, or its first
/// failure, `pieces` is dropped and not asked again, however often the reader of the body asks. Coders do, and some streams
/// panic then.
pub fn streamed<S, B, E>(pieces: S) -> Body
where
    S: Stream<Item = Result<B, E>> + Send + 'static,
    B: Into<Bytes> + 'static,
    E: Into<BoxError> + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "the one place where pieces become a body")]
    Body::from_stream(Once(Some(Box::pin(pieces))))
}

/// A stream until its end or its first failure, and nothing afterwards.
struct Once<S>(Option<Pin<Box<S>>>);

impl<S, B, E> Stream for Once<S>
where
    S: Stream<Item = Result<B, E>>,
{
    type Item = Result<B, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(pieces) = self.0.as_mut() else { return Poll::Ready(None) };
        let next = std::task::ready!(pieces.poll_next_unpin(cx));
        if !matches!(next, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(next)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::BodyExt;

    use super::*;

    /// Gives what it has, then panics: it was asked again.
    fn brittle(
        mut pieces: Vec<Option<Result<&'static str, std::io::Error>>>,
    ) -> impl Stream<Item = Result<&'static str, std::io::Error>> {
        pieces.reverse();
        stream::poll_fn(move |_| Poll::Ready(pieces.pop().expect("it is not asked after its end")))
    }

    #[tokio::test]
    async fn a_body_ends_once() {
        let mut body = streamed(brittle(vec![Some(Ok("a")), Some(Ok("b")), None]));
        for text in ["a", "b"] {
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), text);
        }
        assert!(body.frame().await.is_none() && body.frame().await.is_none());
    }

    #[tokio::test]
    async fn a_failure_is_the_end() {
        let mut body = streamed(brittle(vec![Some(Ok("a")), Some(Err(std::io::Error::other("gone")))]));
        assert!(body.frame().await.unwrap().is_ok());
        assert!(body.frame().await.unwrap().is_err());
        assert!(body.frame().await.is_none() && body.frame().await.is_none());
    }
}
