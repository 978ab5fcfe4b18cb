//! A connection that is closed gently: a client that is still sending its request when the reply is there would lose the
//! reply to a closed socket.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::HttpBody;
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long, and for how many bytes, a client may go on sending that has its reply already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Longest time.
    pub time: Duration,
    /// Most bytes.
    pub bytes: usize,
}

/// A stream that reads on for a while after its end, if a request was not read whole.
pub(super) struct Linger<S> {
    stream: S,
    unread: Arc<AtomicBool>,
    left: Bounds,
    /// What ends it; there once our side is shut down.
    over: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + Unpin> Linger<S> {
    pub(super) fn new(stream: S, unread: Arc<AtomicBool>, bounds: Bounds) -> Linger<S> {
        Linger { stream, unread, left: bounds, over: None }
    }

    fn read_on(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let time = self.left.time;
        let over = self.over.get_or_insert_with(|| Box::pin(sleep(time)));
        if over.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut buffer = [0; 8 * 1024];
        while self.left.bytes > 0 {
            let mut buffer = ReadBuf::new(&mut buffer);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    self.left.bytes = self.left.bytes.saturating_sub(buffer.filled().len());
                }
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Linger<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Linger<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.over.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        match self.unread.load(Ordering::Relaxed) {
            true => self.read_on(cx),
            false => Poll::Ready(Ok(())),
        }
    }
}

/// The body of a request, which notes whether it was read to its end.
pub(super) struct TrackedBody {
    body: Incoming,
    unread: Arc<AtomicBool>,
}

impl TrackedBody {
    pub(super) fn new(body: Incoming, unread: Arc<AtomicBool>) -> TrackedBody {
        unread.store(!body.is_end_stream(), Ordering::Relaxed);
        TrackedBody { body, unread }
    }
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.unread.store(false, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
