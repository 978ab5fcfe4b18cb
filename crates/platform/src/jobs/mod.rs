//! Durable jobs: rows enqueued in the transaction of the change that causes them, claimed by any process with
//! `--services jobs`, tried again with backoff, and taken over when their runner dies or stands still.
//!
//! | file | holds |
//! |---|---|
//! | `mod` | kinds of jobs, periodic tasks, enqueueing |
//! | `runner` | claims what is due, runs it, records how it ended |
//! | `claim` | the lease of one run, and why it does not run twice at once |
//! | `watch` | finds the claims of runners that are gone |
//! | `schedule` | makes jobs of periodic tasks, and mends times of a clock that was set back |
//! | `store` | every statement |
//!
//! A run may be cut at any await and then run again, so a job is idempotent. It does not run twice at once: what it
//! writes through its `Ctx` is written under its claim or not at all.

mod claim;
mod runner;
mod schedule;
mod store;
mod watch;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Notify, watch as channel};
use uuid::Uuid;

use crate::Tx;
use crate::app::{App, BoxFuture};
use crate::ctx::Ctx;
use kernel::clock::Timestamp;
use kernel::error::Result;

pub(crate) use claim::Claim;
pub use runner::run_due;
pub use schedule::enqueue_due;

/// How long a runner sleeps when nobody wakes it: another process may have enqueued.
const POLL: Duration = Duration::from_secs(1);
/// A runner that has not looked for jobs for so long stands still.
const STANDS_STILL: Duration = Duration::from_secs(60);

/// Does the work of a job; idempotent. It asks [`Ctx::should_yield`] after each bounded step.
pub type Run = for<'a> fn(&'a Ctx, Value) -> BoxFuture<'a, Result<Progress>>;

/// Is there anything to do for a periodic task? A read.
pub type HasWork = for<'a> fn(&'a Ctx) -> BoxFuture<'a, Result<bool>>;

/// How a run of a job ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left to do.
    Done,
    /// There is more: it is queued again, behind those that wait.
    More,
}

/// Kinds of jobs that share a limit of how many run at once in a process, so that slow ones never hold up mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Queue {
    /// Short, and somebody waits: mail.
    Quick,
    /// Long work that somebody asked for: imports, bulk updates.
    Bulk,
    /// Periodic tasks.
    Maintenance,
}

impl Queue {
    /// How many of its jobs one process runs at once.
    pub fn at_once(self) -> usize {
        match self {
            Queue::Quick => 4,
            Queue::Bulk => 2,
            // The daily ones may take long, and those of every few seconds should not wait for them.
            Queue::Maintenance => 3,
        }
    }
}

/// A kind of job: its name in the rows, and what it does.
#[derive(Clone, Copy)]
pub struct JobKind {
    /// `<feature>.<verb>`, such as `mail.send`.
    pub name: &'static str,
    /// With which others it shares places.
    pub queue: Queue,
    /// After so many failures it is given up.
    pub most_attempts: i64,
    /// Are its rows kept for a week when they are done?
    pub keeps_done: bool,
    /// Does the work.
    pub run: Run,
}

impl JobKind {
    /// A quick kind, tried ten times.
    pub const fn new(name: &'static str, run: Run) -> JobKind {
        JobKind { name, queue: Queue::Quick, most_attempts: 10, keeps_done: true, run }
    }
}

/// Work that is to be done now and then, once in the whole deployment: when it is due, a job of its kind is enqueued.
#[derive(Clone, Copy)]
pub struct Periodic {
    /// What is done. Jobs of it that are done are not kept.
    pub job: JobKind,
    /// How often.
    pub every: Duration,
    /// Asked first, in every process: for what is due every few seconds and seldom has anything to do.
    pub wanted: Option<HasWork>,
}

impl Periodic {
    /// A task whose job is tried three times.
    pub const fn new(name: &'static str, every: Duration, run: Run) -> Periodic {
        let job = JobKind { name, queue: Queue::Maintenance, most_attempts: 3, keeps_done: false, run };
        Periodic { job, every, wanted: None }
    }
    /// Only if there is something to do.
    pub const fn when(mut self, wanted: HasWork) -> Periodic {
        self.wanted = Some(wanted);
        self
    }
}

/// What to enqueue.
pub struct NewJob {
    kind: &'static str,
    payload: Value,
    run_at: Option<Timestamp>,
    dedupe_key: Option<String>,
    customer_id: Option<Uuid>,
}

impl NewJob {
    /// A job of `kind`, to run as soon as possible. The payload holds ids, not secrets.
    pub fn new(kind: &'static str, payload: Value) -> NewJob {
        NewJob { kind, payload, run_at: None, dedupe_key: None, customer_id: None }
    }
    /// Not before `at`.
    pub fn run_at(mut self, at: Timestamp) -> NewJob {
        self.run_at = Some(at);
        self
    }
    /// Not again while an unfinished job of this kind has this key.
    pub fn dedupe(mut self, key: impl Into<String>) -> NewJob {
        self.dedupe_key = Some(key.into());
        self
    }
    /// The customer whom it concerns: erasing the customer deletes it.
    pub fn of_customer(mut self, id: Uuid) -> NewJob {
        self.customer_id = Some(id);
        self
    }
}

/// What waits and runs, in the whole deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Jobs that are due, counted up to 10,000.
    pub ready: i64,
    /// Jobs at work, counted up to 10,000.
    pub running: i64,
    /// How long the oldest of those that are due has waited.
    pub oldest: Duration,
}

/// What a process keeps in memory for its jobs.
#[derive(Default)]
pub struct RunnerState {
    wake: Notify,
    watch: watch::Watch,
    /// Uptime in microseconds when the runner last looked for jobs; 0: there is none.
    looked: AtomicU64,
}

/// Enqueues in the caller's transaction; `false` if an unfinished job with the same key exists.
pub async fn enqueue(ctx: &Ctx, tx: &mut Tx, job: NewJob) -> Result<bool> {
    let new = store::insert(tx, ctx.new_id(), job, ctx.now()).await?;
    let app = ctx.app().clone();
    // Kept for a runner that is busy right now: it looks again before it sleeps.
    tx.after_commit(move || app.jobs.wake.notify_one());
    Ok(new)
}

/// Deletes the jobs whose payload names a user: part of erasing it. Those that are done have no payload any more.
pub async fn erase_user(tx: &mut Tx, user: Uuid) -> Result<()> {
    store::erase_user(tx, user).await
}

/// Deletes the jobs that concern a customer: part of erasing it.
pub async fn erase_customer(tx: &mut Tx, customer: Uuid) -> Result<()> {
    store::erase_customer(tx, customer).await
}

/// Jobs that wait or run, but for periodic tasks.
pub async fn unfinished(tx: &mut Tx) -> Result<i64> {
    store::unfinished(tx).await
}

/// What is due and at work at this time.
pub async fn backlog(tx: &mut Tx, now: Timestamp) -> Result<Backlog> {
    store::backlog(tx, now).await
}

/// Does the runner of this process stand still? `false` where none was started.
pub fn stands_still(app: &App) -> bool {
    match app.jobs.looked.load(Ordering::SeqCst) {
        0 => false,
        at => app.clock.uptime().saturating_sub(Duration::from_micros(at)) > STANDS_STILL,
    }
}

/// Housekeeping of the kernel's own tables.
pub const HOUSEKEEPING: &[Periodic] =
    &[Periodic::new("kernel.purge", Duration::from_secs(3600), |ctx, _| Box::pin(purge(ctx)))];

/// Deletes what is over: jobs a week after their end, stored answers after their day. In bounded steps, so that
/// nobody waits for it.
async fn purge(ctx: &Ctx) -> Result<Progress> {
    let before = ctx.now().minus(Duration::from_secs(7 * 24 * 3600));
    loop {
        let mut tx = ctx.write().await?;
        let jobs = store::purge(&mut tx, before).await?;
        let answers = crate::idempotency::purge(&mut tx, ctx.now()).await?;
        tx.commit().await?;
        if jobs < 1000 && answers < 1000 {
            return Ok(Progress::Done);
        }
        if ctx.should_yield() {
            return Ok(Progress::More);
        }
    }
}

/// Runs jobs and periodic tasks until `stop` says so, then lets the running ones come to their next pause.
pub async fn run(app: App, kinds: Vec<JobKind>, periodic: Vec<Periodic>, stop: channel::Receiver<bool>) {
    let kinds: Vec<_> = kinds.into_iter().chain(periodic.iter().map(|task| task.job)).collect();
    let claiming = runner::supervised("the runner of jobs", stop.clone(), || {
        runner::run(app.clone(), &kinds, stop.clone())
    });
    let planning = runner::supervised("the schedule of periodic tasks", stop.clone(), || {
        schedule::run(app.clone(), &periodic, stop.clone())
    });
    tokio::join!(claiming, planning);
    app.jobs.looked.store(0, Ordering::SeqCst);
}
