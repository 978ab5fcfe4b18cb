//! The claim of one run of a job: its lease, and what a run may know of it.
//!
//! The holder counts its lease from before the question that renewed it, and stops a sixth before its end; everybody else
//! counts from after they saw the answer. So the work has ended before somebody else begins it, unless it was suspended in
//! the middle of a step, or is computing without ever pausing; and then it cannot write any more: each of its
//! transactions begins by holding its claim.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use super::store;
use crate::Tx;
use crate::app::App;
use kernel::clock::Clock;
use kernel::error::{Error, Result};

/// How long one run goes on before it makes way for other jobs of its queue.
const SLICE: Duration = Duration::from_secs(2);

/// A claim of a job.
pub(crate) struct Claim {
    pub id: Uuid,
    /// New with every claim.
    pub token: Uuid,
    pub lease: Duration,
    clock: Clock,
    /// Uptime in microseconds until which the work may go on.
    until: AtomicU64,
    slice_end: Instant,
    stop: watch::Receiver<bool>,
}

/// Why work was cut.
pub(crate) enum ClaimLost {
    /// Somebody else has the job, or it was deleted.
    ClaimedJob,
    /// Nobody knows: its lease ran out, because the process stood still or the database did not answer.
    RanOut,
    /// The process stops, and the work did not come to a pause in the time that is left for that.
    Stopped,
}

impl Claim {
    /// `asked` is the uptime before the job was claimed.
    pub fn new(
        id: Uuid,
        token: Uuid,
        lease: Duration,
        clock: Clock,
        asked: Duration,
        stop: watch::Receiver<bool>,
    ) -> Claim {
        let until = AtomicU64::new(0);
        let claim = Claim { id, token, lease, clock, until, slice_end: Instant::now() + SLICE, stop };
        claim.renewed(asked);
        claim
    }

    fn renewed(&self, asked: Duration) {
        let until = asked + self.lease * 5 / 6;
        self.until.store(u64::try_from(until.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    fn left(&self) -> Duration {
        Duration::from_micros(self.until.load(Ordering::SeqCst)).saturating_sub(self.clock.uptime())
    }

    /// Has the lease run out?
    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// Should the work come back with what is left undone? Its time is over, or the process is to stop.
    pub fn should_yield(&self) -> bool {
        Instant::now() >= self.slice_end || *self.stop.borrow()
    }

    /// The first statement of every transaction of the work: nobody takes the job over before that ends.
    pub async fn hold_in(&self, tx: &mut Tx) -> Result<()> {
        if !self.is_over() && store::hold(tx, self).await? {
            return Ok(());
        }
        let detail = "This runner no longer holds the job; the one that does continues it";
        Err(Error::unavailable("JOB_CLAIM_LOST", detail, Duration::from_secs(1)))
    }

    /// Runs the work for as long as the claim lasts.
    pub async fn guard<T>(
        &self,
        app: &App,
        work: impl Future<Output = T>,
    ) -> std::result::Result<T, ClaimLost> {
        let (mut work, mut lost) = (pin!(work), pin!(self.keep(app)));
        let mut stopped = pin!(self.stopped(app.config.limits.shutdown / 2));
        std::future::poll_fn(|cx| {
            // Looked at before each step: a process that stood still must not go on where it stopped.
            if self.is_over() {
                return Poll::Ready(Err(ClaimLost::RanOut));
            }
            // Side by side, not in turns: the work may hold the write lock that the heartbeat waits for.
            if let Poll::Ready(lost) = lost.as_mut().poll(cx) {
                return Poll::Ready(Err(lost));
            }
            if stopped.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(ClaimLost::Stopped));
            }
            work.as_mut().poll(cx).map(Ok)
        })
        .await
    }

    /// Ends some time after the process was asked to stop.
    async fn stopped(&self, patience: Duration) {
        let mut stop = self.stop.clone();
        if stop.wait_for(|stop| *stop).await.is_err() {
            // Nobody is left who could say it: the work is waited for.
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(patience).await;
    }

    /// The heartbeat; ends when the claim is lost.
    async fn keep(&self, app: &App) -> ClaimLost {
        let mut pause = self.lease / 3;
        loop {
            tokio::time::sleep(pause.min(self.left())).await;
            let asked = self.clock.uptime();
            match tokio::time::timeout(self.left(), self.extend(app)).await {
                Ok(Ok(true)) => {
                    self.renewed(asked);
                    pause = self.lease / 3;
                }
                Ok(Ok(false)) => return ClaimLost::ClaimedJob,
                Ok(Err(e)) => {
                    tracing::warn!(job = %self.id, error = ?e, "cannot extend the lease of a job; trying again");
                    pause = self.lease / 15;
                }
                Err(_) => return ClaimLost::RanOut,
            }
        }
    }

    async fn extend(&self, app: &App) -> Result<bool> {
        let ctx = app.system("jobs");
        let mut tx = ctx.write().await?;
        let ours = store::extend(&mut tx, self, ctx.now()).await?;
        tx.commit().await?;
        Ok(ours)
    }
}
