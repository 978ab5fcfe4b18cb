//! Claims what is due, runs it, and records how it ended.

use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::claim::{Claim, ClaimLost};
use super::store::{self, Claimed, Running};
use super::{JobKind, POLL, Progress, Queue};
use crate::Tx;
use crate::app::App;
use crate::ctx::Ctx;
use database::Texts;
use kernel::error::{Error, Result};

/// Tries to record the end of a job, a second apart, as long as its lease lasts.
const RECORD_TRIES: u32 = 30;

struct Runner {
    app: App,
    kinds: BTreeMap<&'static str, JobKind>,
    stop: watch::Receiver<bool>,
    busy: Arc<Mutex<Busy>>,
}

/// What this runner works on.
#[derive(Default)]
struct Busy {
    places: BTreeMap<Queue, usize>,
    tokens: HashSet<Uuid>,
}

/// A place in a queue, free again when it is dropped.
struct QueueSlot {
    queue: Queue,
    token: Uuid,
    busy: Arc<Mutex<Busy>>,
}

impl Drop for QueueSlot {
    fn drop(&mut self) {
        let mut busy = self.busy.lock();
        busy.tokens.remove(&self.token);
        if let Some(n) = busy.places.get_mut(&self.queue) {
            *n = n.saturating_sub(1);
        }
    }
}

/// A job that was claimed and is to be run.
struct ClaimedJob {
    kind: JobKind,
    job: Claimed,
    claim: Arc<Claim>,
    _place: QueueSlot,
}

/// Claims and runs jobs until `stop` says so, then waits for those that run.
pub(super) async fn run(app: App, kinds: &[JobKind], mut stop: watch::Receiver<bool>) {
    let runner = Arc::new(Runner::new(app, kinds, stop.clone()));
    let mut at_work = JoinSet::new();
    while !*stop.borrow() {
        runner.looks();
        let mut begin = |taken: ClaimedJob| {
            let runner = runner.clone();
            at_work.spawn(async move { runner.work(taken).await });
        };
        if let Err(e) = runner.round(&mut begin).await {
            tracing::warn!(error = ?e, "cannot claim jobs; trying again");
        }
        tokio::select! {
            () = runner.app.jobs.wake.notified() => {}
            () = tokio::time::sleep(POLL) => {}
            Some(_) = at_work.join_next() => {}
            changed = stop.changed() => {
                // Whoever could have said stop is gone.
                if changed.is_err() {
                    break;
                }
            }
        }
    }
    while at_work.join_next().await.is_some() {}
}

/// Runs everything that is due now, one after the other, and says how many ran: for tests and the command line.
pub async fn run_due(app: &App, kinds: &[JobKind]) -> Result<usize> {
    let (_never, stop) = watch::channel(false);
    let runner = Runner::new(app.clone(), kinds, stop);
    let mut ran = 0;
    for seen in runner.still().await? {
        if let Some(taken) = runner.take_over(&seen).await? {
            runner.work(taken).await;
            ran += 1;
        }
    }
    while let Some(taken) = runner.claim_due().await? {
        runner.work(taken).await;
        ran += 1;
    }
    Ok(ran)
}

/// Runs what should run until `stop`; what ends by itself is in the log and begins again.
pub(super) async fn supervised<F: Future<Output = ()>>(
    what: &'static str,
    mut stop: watch::Receiver<bool>,
    begin: impl Fn() -> F,
) {
    loop {
        let ended = AssertUnwindSafe(begin()).catch_unwind().await;
        if *stop.borrow() || stop.has_changed().is_err() {
            return;
        }
        tracing::error!(what, panicked = ended.is_err(), "ended by itself; it is begun again");
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            _ = stop.changed() => {}
        }
    }
}

impl Runner {
    fn new(app: App, kinds: &[JobKind], stop: watch::Receiver<bool>) -> Runner {
        let kinds = kinds.iter().map(|kind| (kind.name, *kind)).collect();
        Runner { app, kinds, stop, busy: Arc::default() }
    }

    /// Shows that it lives.
    fn looks(&self) {
        let at = u64::try_from(self.app.clock.uptime().as_micros()).unwrap_or(u64::MAX).max(1);
        self.app.jobs.looked.store(at, Ordering::SeqCst);
    }

    /// Begins whatever can be begun now.
    async fn round(&self, begin: &mut (dyn FnMut(ClaimedJob) + Send)) -> Result<()> {
        for seen in self.still().await? {
            if let Some(taken) = self.take_over(&seen).await? {
                begin(taken);
            }
        }
        while let Some(taken) = self.claim_due().await? {
            begin(taken);
        }
        Ok(())
    }

    fn place(&self, queue: Queue) -> Option<QueueSlot> {
        let token = self.app.random.uuid(self.app.clock.now());
        let mut busy = self.busy.lock();
        let n = busy.places.entry(queue).or_default();
        if *n >= queue.at_once() {
            return None;
        }
        *n += 1;
        busy.tokens.insert(token);
        Some(QueueSlot { queue, token, busy: self.busy.clone() })
    }

    fn has_place(&self, queue: Queue) -> bool {
        self.busy.lock().places.get(&queue).is_none_or(|n| *n < queue.at_once())
    }

    /// Jobs of kinds that we know whose claims stand still, but for our own: those end by themselves.
    async fn still(&self) -> Result<Vec<Running>> {
        let ctx = self.app.system("jobs");
        let rows = store::running(&mut ctx.read().await?).await?;
        let mut still = self.app.jobs.watch.look(rows, self.app.clock.uptime());
        let busy = self.busy.lock();
        still.retain(|row| {
            self.kinds.contains_key(row.kind.as_str())
                && !row.token.is_some_and(|token| busy.tokens.contains(&token))
        });
        Ok(still)
    }

    async fn take_over(&self, seen: &Running) -> Result<Option<ClaimedJob>> {
        let Some(kind) = self.kinds.get(seen.kind.as_str()) else { return Ok(None) };
        let Some(place) = self.place(kind.queue) else { return Ok(None) };
        let (ctx, lease, asked) =
            (self.app.system("jobs"), self.app.config.job_lease, self.app.clock.uptime());
        let mut tx = ctx.write().await?;
        let job = store::take_over(&mut tx, seen, place.token, lease, ctx.now()).await?;
        tx.commit().await?;
        let Some(job) = job else { return Ok(None) };
        tracing::warn!(job = %job.id, kind = job.kind, "a job is taken over from a runner that stands still or is gone");
        self.taken(*kind, job, place, asked).await
    }

    /// The oldest due job of those kinds that have a place.
    async fn claim_due(&self) -> Result<Option<ClaimedJob>> {
        let ctx = self.app.system("jobs");
        loop {
            let kinds = self.kinds.values().filter(|kind| self.has_place(kind.queue));
            let kinds: Texts = kinds.map(|kind| kind.name).collect();
            // Looking first costs a read; claiming costs the write lock, which an idle process should leave alone.
            let due = store::due(&mut ctx.read().await?, kinds, ctx.now()).await?;
            let mut claimed = None;
            for kind in due.iter().filter_map(|name| self.kinds.get(name.as_str())) {
                let Some(place) = self.place(kind.queue) else { continue };
                let (lease, asked) = (self.app.config.job_lease, self.app.clock.uptime());
                let mut tx = ctx.write().await?;
                let job = store::claim(&mut tx, kind.name, place.token, lease, ctx.now()).await?;
                tx.commit().await?;
                if let Some(job) = job {
                    claimed = Some((*kind, job, place, asked));
                    break;
                }
            }
            let Some((kind, job, place, asked)) = claimed else { return Ok(None) };
            if let Some(taken) = self.taken(kind, job, place, asked).await? {
                return Ok(Some(taken));
            }
        }
    }

    /// What was claimed, unless it takes its runners along: then it is given up.
    async fn taken(
        &self,
        kind: JobKind,
        job: Claimed,
        place: QueueSlot,
        asked: Duration,
    ) -> Result<Option<ClaimedJob>> {
        let (clock, stop) = (self.app.clock.clone(), self.stop.clone());
        let claim = Arc::new(Claim::new(job.id, place.token, self.app.config.job_lease, clock, asked, stop));
        if job.attempts <= kind.most_attempts {
            return Ok(Some(ClaimedJob { kind, job, claim, _place: place }));
        }
        let why = "its runner died at each attempt";
        tracing::error!(job = %job.id, kind = kind.name, "a job is given up: {why}");
        let ctx = self.app.system("jobs");
        let mut tx = ctx.write().await?;
        store::give_up(&mut tx, &claim, ctx.now(), kind.most_attempts, why).await?;
        tx.commit().await?;
        Ok(None)
    }

    async fn work(&self, taken: ClaimedJob) {
        let ClaimedJob { kind, job, claim, _place } = &taken;
        let ctx = Ctx::job(self.app.clone(), kind.name, claim.clone());
        let run = async { (kind.run)(&ctx, job.payload.0.clone()).await };
        // A panic is a failure of this job, not of the runner.
        let ended = claim.guard(&self.app, AssertUnwindSafe(run).catch_unwind()).await;
        let ended = ended.map(|done| done.unwrap_or_else(|_| Err(Error::internal("the job panicked"))));
        let end = self.judge(&taken, ended);
        self.record(&taken, &end).await;
    }

    /// What becomes of a job after a run.
    fn judge(&self, taken: &ClaimedJob, ended: std::result::Result<Result<Progress>, ClaimLost>) -> End {
        let (id, kind, attempt) = (taken.job.id, taken.kind.name, taken.job.attempts);
        let is_last = attempt >= taken.kind.most_attempts;
        let (end, outcome) = match ended {
            Ok(Ok(Progress::Done)) => (End::Done, "done"),
            Ok(Ok(Progress::More)) => (End::More, "more"),
            Err(ClaimLost::ClaimedJob) => {
                tracing::warn!(job = %id, kind, attempt, "a job was cancelled: its claim is lost");
                (End::Nothing, "lost")
            }
            Ok(Err(e)) if e.code() == "JOB_CLAIM_LOST" => (self.ran_out(taken, is_last), "lost"),
            Err(ClaimLost::RanOut) => (self.ran_out(taken, is_last), "lost"),
            Err(ClaimLost::Stopped) => {
                tracing::info!(job = %id, kind, attempt, "a job was cut by the stop of this process; another goes on with it");
                (End::Retry(Duration::ZERO, "its process was stopped".to_owned()), "lost")
            }
            Ok(Err(e)) if is_last => {
                tracing::error!(job = %id, kind, attempt, error = ?e, "a job failed for the last time");
                (End::GivenUp(e.detail().to_owned()), "failed")
            }
            Ok(Err(e)) => {
                tracing::warn!(job = %id, kind, attempt, error = ?e, "a job failed; it is tried again");
                let wait = backoff(self.app.random.below(1000), attempt);
                (End::Retry(wait, e.detail().to_owned()), "retried")
            }
        };
        metrics::counter!("job_runs_total", "kind" => kind, "outcome" => outcome).increment(1);
        end
    }

    fn ran_out(&self, taken: &ClaimedJob, is_last: bool) -> End {
        let why = "its lease ran out: the process stood still, or the database did not answer";
        tracing::warn!(job = %taken.job.id, kind = taken.kind.name, attempt = taken.job.attempts, "a job was cancelled: {why}");
        if is_last { End::GivenUp(why.to_owned()) } else { End::Retry(Duration::ZERO, why.to_owned()) }
    }

    /// Written only if the claim is still ours.
    async fn record(&self, taken: &ClaimedJob, end: &End) {
        for attempt in 1.. {
            let Err(e) = self.try_record(taken, end).await else { return };
            let job = taken.job.id;
            if attempt >= RECORD_TRIES || taken.claim.is_over() {
                tracing::warn!(%job, error = ?e, "cannot record the end of a job; its lease will run out and it runs again");
                return;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn try_record(&self, taken: &ClaimedJob, end: &End) -> Result<()> {
        let ctx = self.app.system("jobs");
        let mut tx = ctx.write().await?;
        self.record_in(&ctx, &mut tx, taken, end).await?;
        tx.commit().await
    }

    async fn record_in(&self, ctx: &Ctx, tx: &mut Tx, taken: &ClaimedJob, end: &End) -> Result<()> {
        let (claim, now) = (&*taken.claim, ctx.now());
        match end {
            End::Nothing => Ok(()),
            End::Done if taken.kind.keeps_done => store::done(tx, claim, now).await,
            End::Done => store::delete(tx, claim).await,
            End::More => store::requeue(tx, claim, now).await,
            End::Retry(wait, why) => store::retry(tx, claim, now, now.plus(*wait), why).await,
            End::GivenUp(why) => store::give_up(tx, claim, now, taken.job.attempts, why).await,
        }
    }
}

/// What is written about a job after a run.
enum End {
    Nothing,
    Done,
    More,
    Retry(Duration, String),
    GivenUp(String),
}

/// 5 s, doubled with each attempt, at most an hour, and up to a quarter more so that they spread out.
fn backoff(thousandths: u64, attempt: i64) -> Duration {
    let exponent = u32::try_from(attempt.clamp(1, 10) - 1).unwrap_or(0);
    let base = Duration::from_secs((5u64 << exponent).min(3600));
    base + base / 4 * u32::try_from(thousandths.min(1000)).unwrap_or(0) / 1000
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_ends_by_itself_begins_again_until_the_stop() {
        let begun = AtomicUsize::new(0);
        let (stop, stopped) = watch::channel(false);
        supervised("probe", stopped, || async {
            match begun.fetch_add(1, Ordering::SeqCst) {
                0 => panic!("on purpose"),
                1 => {}
                _ => stop.send(true).unwrap(),
            }
        })
        .await;
        assert_eq!(begun.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn tries_are_further_and_further_apart() {
        let seconds = |random, attempt| backoff(random, attempt).as_secs_f64();
        assert_eq!([seconds(0, 1), seconds(0, 2), seconds(0, 3)], [5.0, 10.0, 20.0]);
        assert_eq!(seconds(1000, 2), 12.5);
        assert_eq!((seconds(0, 10), seconds(0, 99)), (2560.0, 2560.0));
    }
}
