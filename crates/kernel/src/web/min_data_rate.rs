//! A connection that gives up when its client takes its reply too slowly: otherwise a reply that nobody takes would
//! hold its memory and its place for ever, and one that is taken byte by byte as well.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// The least pace at which a client takes its reply: it may keep us waiting for the grace period, which it wins back with what it
/// takes at `bytes_per_second`. Time in which
/// we have nothing to write is not waited.
#[derive(Debug, Clone, Copy)]
pub(super) struct MinDataRate {
    /// For a client that takes nothing.
    pub grace_period: Duration,
    /// Bytes a second that a client has to take in the long run.
    pub bytes_per_second: u32,
}

/// A stream whose writes fail when its client has used up its [`MinDataRate`].
pub(super) struct MinDataRateStream<S> {
    stream: S,
    min_data_rate: MinDataRate,
    left: Duration,
    /// Since when a write waits, and what wakes it when the time is over.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<S> MinDataRateStream<S> {
    pub(super) fn new(stream: S, min_data_rate: MinDataRate) -> MinDataRateStream<S> {
        MinDataRateStream { stream, min_data_rate, left: min_data_rate.grace_period, waiting: None }
    }

    fn watch(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let Poll::Ready(written) = written else {
            let left = self.left;
            let (_, over) = self.waiting.get_or_insert_with(|| {
                let now = Instant::now();
                (now, Box::pin(sleep_until(now + left)))
            });
            return over.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()));
        };
        if let Some((since, _)) = self.waiting.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
        if let Ok(bytes) = written {
            let won =
                Duration::from_secs_f64(bytes as f64 / f64::from(self.min_data_rate.bytes_per_second.max(1)));
            self.left = self.left.saturating_add(won).min(self.min_data_rate.grace_period);
        }
        Poll::Ready(written)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for MinDataRateStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MinDataRateStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(cx, written)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch(cx, written)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::sleep;

    use super::*;

    const RATE: MinDataRate = MinDataRate { grace_period: Duration::from_secs(60), bytes_per_second: 1000 };

    /// Writes without end to a client that reads; what ended it, after how long. The clock is one that jumps.
    async fn written_to(reads: impl AsyncFn(DuplexStream)) -> Option<(io::ErrorKind, Duration)> {
        let (ours, theirs) = duplex(512);
        let mut stall = MinDataRateStream::new(ours, RATE);
        let begun = Instant::now();
        let write = async {
            loop {
                if let Err(e) = stall.write_all(&[0; 512]).await {
                    return (e.kind(), begun.elapsed());
                }
            }
        };
        tokio::select! {
            ended = write => Some(ended),
            () = reads(theirs) => None,
        }
    }

    async fn read(mut stream: DuplexStream, bytes: usize, every: Duration, for_: Duration) {
        let begun = Instant::now();
        let mut taken = vec![0; bytes];
        while begun.elapsed() < for_ {
            sleep(every).await;
            stream.read_exact(&mut taken).await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_let_go() {
        let ended = written_to(async |_kept| std::future::pending().await).await.unwrap();
        assert_eq!((ended.0, ended.1.as_secs()), (io::ErrorKind::TimedOut, 60));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_takes_a_little_now_and_then_as_well() {
        let long = Duration::from_secs(1800);
        let ended = written_to(async |stream| read(stream, 1, Duration::from_secs(50), long).await).await;
        let (kind, after) = ended.unwrap();
        assert!(kind == io::ErrorKind::TimedOut && after < Duration::from_secs(120), "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_slow_but_fast_enough_is_served_to_the_end() {
        let long = Duration::from_secs(1800);
        let steady = written_to(async |stream| read(stream, 1100, Duration::from_secs(1), long).await).await;
        assert_eq!(steady, None);
        // Also with pauses.
        let paused = async |stream| read(stream, 60_000, Duration::from_secs(50), long).await;
        assert_eq!(written_to(paused).await, None);
    }
}
