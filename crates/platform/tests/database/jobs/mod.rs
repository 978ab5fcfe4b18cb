//! Durable jobs: enqueued with their cause, run once at a time, tried again, and taken over from the dead.
//!
//! | file | proves |
//! |---|---|
//! | here | jobs come with their cause, are tried again, make way |
//! | `claims` | a job runs once at a time, whatever happens to processes, databases and clocks |
//! | `periodic` | periodic tasks run once in a deployment and hold up nobody |

mod claims;
mod periodic;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use database::{args, row, sql};
use kernel::{Error, Result};
use parking_lot::Mutex;
use platform::app::{App, BoxFuture, Feature, Parts, ProcessState};
use platform::ctx::Ctx;
use platform::jobs::{self, JobKind, NewJob, Progress, Queue};
use platform::test::{TestApp, TestDb, on_both_databases};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

use crate::common::{PATIENCE, until};

/// One process on the test's database.
struct Process<'a> {
    app: App,
    db: &'a TestDb,
}

impl Process<'_> {
    fn advance(&self, by: Duration) {
        self.app.clock.advance(by);
    }
}

async fn on_both(test: impl AsyncFn(&Process<'_>)) {
    on_both_databases(async |db| {
        let app = TestApp::process(db, &[feature()], &[]).await;
        test(&Process { app, db }).await;
    })
    .await;
}

/// What the jobs of one process did, and what they are to do next.
struct Probe {
    ran: Mutex<Vec<Value>>,
    fail: AtomicBool,
    gate: Semaphore,
    waiting: AtomicUsize,
    /// What the transactions of gated jobs were refused with.
    refused: Mutex<Vec<&'static str>>,
    /// Gated jobs that are at work, and the most there ever were.
    at_work: AtomicUsize,
    most: AtomicUsize,
}

/// A gated job at work.
struct AtWork(Arc<Probe>);

impl AtWork {
    fn new(probe: &Arc<Probe>) -> AtWork {
        let n = probe.at_work.fetch_add(1, Ordering::SeqCst) + 1;
        probe.most.fetch_max(n, Ordering::SeqCst);
        probe.waiting.fetch_add(1, Ordering::SeqCst);
        AtWork(probe.clone())
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.at_work.fetch_sub(1, Ordering::SeqCst);
    }
}

impl ProcessState for Probe {
    fn new(_: &Parts) -> Probe {
        Probe {
            ran: Mutex::default(),
            fail: AtomicBool::new(false),
            gate: Semaphore::new(0),
            waiting: AtomicUsize::new(0),
            refused: Mutex::default(),
            at_work: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        }
    }
}

fn feature() -> Feature {
    Feature {
        name: "probe",
        service: "",
        routes: utoipa_axum::router::OpenApiRouter::new,
        jobs: &[NOTE, GATED, SLICED],
        periodic: &[],
        start: None,
        authenticate: None,
    }
}

/// Notes its payload; fails if it is told to.
const NOTE: JobKind = JobKind { most_attempts: 3, ..JobKind::new("probe.note", note) };
/// Waits at the gate first, then writes and notes.
const GATED: JobKind = JobKind { most_attempts: 3, ..JobKind::new("probe.gated", gated) };
/// Goes on until it should yield.
const SLICED: JobKind = JobKind { queue: Queue::Bulk, ..JobKind::new("probe.sliced", sliced) };
const KINDS: [JobKind; 3] = [NOTE, GATED, SLICED];

fn note(ctx: &Ctx, payload: Value) -> BoxFuture<'_, Result<Progress>> {
    Box::pin(async move {
        let probe = ctx.app().state::<Probe>();
        assert_ne!(payload["n"], "panic", "on purpose");
        probe.ran.lock().push(payload["n"].clone());
        match probe.fail.load(Ordering::SeqCst) {
            true => Err(Error::internal("told to fail")),
            false => Ok(Progress::Done),
        }
    })
}

fn gated(ctx: &Ctx, payload: Value) -> BoxFuture<'_, Result<Progress>> {
    Box::pin(async move {
        let probe = ctx.app().state::<Probe>();
        let at_work = AtWork::new(&probe);
        let passed = probe.gate.acquire().await.map_err(|_| Error::internal("the gate is gone"))?;
        passed.forget();
        let mut tx = ctx.write().await.inspect_err(|e| probe.refused.lock().push(e.code()))?;
        let n = payload["n"].to_string();
        let writes = sql!(
            "INSERT INTO setting (name, value) VALUES ($1, 'x') ON CONFLICT (name) DO UPDATE SET value = setting.value || 'x'"
        );
        tx.exec(writes, args![n]).await?;
        tx.commit().await?;
        drop(at_work);
        note(ctx, payload).await
    })
}

fn sliced(ctx: &Ctx, _: Value) -> BoxFuture<'_, Result<Progress>> {
    Box::pin(async move {
        let probe = ctx.app().state::<Probe>();
        let _at_work = AtWork::new(&probe);
        while !ctx.should_yield() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(if probe.fail.load(Ordering::SeqCst) { Progress::Done } else { Progress::More })
    })
}

/// How often a gated job wrote.
async fn written(app: &App, n: impl Into<Value>) -> usize {
    let mut tx = app.system("test").read().await.unwrap();
    let text = sql!("SELECT value FROM setting WHERE name = $1" => String);
    tx.opt(text, args![n.into().to_string()]).await.unwrap().map_or(0, |text| text.len())
}

async fn enqueue(app: &App, job: NewJob) -> bool {
    let ctx = app.system("test");
    let mut tx = ctx.write().await.unwrap();
    let new = jobs::enqueue(&ctx, &mut tx, job).await.unwrap();
    tx.commit().await.unwrap();
    new
}

fn numbered(kind: JobKind, n: impl Into<Value>) -> NewJob {
    NewJob::new(kind.name, json!({ "n": n.into() }))
}

row! {
    #[derive(Debug, Clone, PartialEq)]
    struct Stored { state: String, attempts: i64, last_error: Option<String> }
}

async fn stored(app: &App) -> Vec<Stored> {
    let ctx = app.system("test");
    let mut tx = ctx.read().await.unwrap();
    let all = sql!("SELECT state, attempts, last_error FROM job ORDER BY created_at, id" => Stored);
    tx.all(all, []).await.unwrap()
}

fn one(state: &str, attempts: i64, last_error: Option<&str>) -> [Stored; 1] {
    [Stored { state: state.to_owned(), attempts, last_error: last_error.map(str::to_owned) }]
}

async fn run_due(app: &App) -> usize {
    jobs::run_due(app, &KINDS).await.unwrap()
}

fn probe(app: &App) -> Arc<Probe> {
    app.state::<Probe>()
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[tokio::test]
async fn a_job_is_there_exactly_if_its_cause_is() {
    on_both(async |t| {
        let ctx = t.app.system("test");
        let mut tx = ctx.write().await.unwrap();
        assert!(jobs::enqueue(&ctx, &mut tx, numbered(NOTE, 1)).await.unwrap());
        drop(tx);
        assert_eq!(run_due(&t.app).await, 0);
        let late = t.app.clock.now().plus(seconds(60));
        assert!(enqueue(&t.app, numbered(NOTE, 2)).await);
        assert!(enqueue(&t.app, numbered(NOTE, 3).run_at(late)).await);
        assert_eq!(run_due(&t.app).await, 1);
        t.advance(seconds(60));
        assert_eq!(run_due(&t.app).await, 1);
        assert_eq!(*probe(&t.app).ran.lock(), [json!(2), json!(3)]);
    })
    .await;
}

#[tokio::test]
async fn a_dedupe_key_holds_until_the_job_is_finished() {
    on_both(async |t| {
        assert!(enqueue(&t.app, numbered(NOTE, 1).dedupe("k")).await);
        assert!(!enqueue(&t.app, numbered(NOTE, 2).dedupe("k")).await);
        assert!(enqueue(&t.app, numbered(NOTE, 3).dedupe("other")).await);
        assert!(enqueue(&t.app, numbered(GATED, 4).dedupe("k")).await, "another kind");
        probe(&t.app).gate.add_permits(1);
        assert_eq!(run_due(&t.app).await, 3);
        assert!(enqueue(&t.app, numbered(NOTE, 5).dedupe("k")).await, "finished");

        // Also while it runs and while it waits for another try.
        probe(&t.app).fail.store(true, Ordering::SeqCst);
        assert_eq!(run_due(&t.app).await, 1);
        assert!(!enqueue(&t.app, numbered(NOTE, 6).dedupe("k")).await);
        probe(&t.app).fail.store(false, Ordering::SeqCst);
        t.advance(seconds(10));
        assert_eq!(run_due(&t.app).await, 1);
        let ran: Vec<_> = probe(&t.app).ran.lock().iter().map(|n| n.as_i64().unwrap()).collect();
        assert_eq!(ran.len(), 5);
        assert!(!ran.contains(&2) && !ran.contains(&6));
    })
    .await;
}

#[tokio::test]
async fn a_job_that_fails_is_tried_again_later_and_given_up_at_last() {
    on_both(async |t| {
        probe(&t.app).fail.store(true, Ordering::SeqCst);
        enqueue(&t.app, numbered(NOTE, 1)).await;
        for attempt in 1..=3u32 {
            assert_eq!(run_due(&t.app).await, 1, "attempt {attempt}");
            let state = if attempt < 3 { "ready" } else { "failed" };
            assert_eq!(stored(&t.app).await, one(state, attempt.into(), Some("told to fail")));
            // 5 s, 10 s, and up to a quarter more.
            let wait = seconds(5 << (attempt - 1));
            t.advance(wait - Duration::from_millis(1));
            assert_eq!(run_due(&t.app).await, 0, "attempt {attempt} is waited for");
            t.advance(wait / 4 + Duration::from_millis(2));
        }
        t.advance(seconds(100_000));
        assert_eq!(run_due(&t.app).await, 0);
        assert_eq!(probe(&t.app).ran.lock().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_works_at_last_is_done() {
    on_both(async |t| {
        probe(&t.app).fail.store(true, Ordering::SeqCst);
        enqueue(&t.app, numbered(NOTE, 1)).await;
        assert_eq!(run_due(&t.app).await, 1);
        probe(&t.app).fail.store(false, Ordering::SeqCst);
        t.advance(seconds(10));
        assert_eq!(run_due(&t.app).await, 1);
        assert_eq!(stored(&t.app).await, one("done", 2, None));
    })
    .await;
}

#[tokio::test]
async fn a_panic_is_a_failure_of_the_job_alone() {
    on_both(async |t| {
        enqueue(&t.app, numbered(NOTE, "panic")).await;
        for _ in 0..3 {
            assert_eq!(run_due(&t.app).await, 1);
            t.advance(seconds(100));
        }
        assert_eq!(stored(&t.app).await, one("failed", 3, Some("the job panicked")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_finishes_its_jobs_when_it_is_stopped_or_left_alone() {
    on_both(async |t| {
        for forgotten in [false, true] {
            let (stop, stopped) = watch::channel(false);
            let runner = tokio::spawn(jobs::run(t.app.clone(), KINDS.to_vec(), Vec::new(), stopped));
            let before = probe(&t.app).waiting.load(Ordering::SeqCst);
            enqueue(&t.app, numbered(GATED, 1)).await;
            until("it runs", async || probe(&t.app).waiting.load(Ordering::SeqCst) > before).await;
            if forgotten {
                drop(stop);
            } else {
                stop.send(true).unwrap();
            }
            assert!(!runner.is_finished());
            probe(&t.app).gate.add_permits(1);
            tokio::time::timeout(PATIENCE, runner).await.expect("it ends").unwrap();
            assert!(stored(&t.app).await.iter().all(|job| job.state == "done"));
        }
    })
    .await;
}

#[tokio::test]
async fn erasing_a_customer_takes_its_jobs_along() {
    on_both(async |t| {
        let ctx = t.app.system("test");
        let (gone, kept) = (ctx.new_id(), ctx.new_id());
        enqueue(&t.app, numbered(NOTE, 1).of_customer(gone)).await;
        enqueue(&t.app, numbered(NOTE, 2).of_customer(kept)).await;
        let mut tx = ctx.write().await.unwrap();
        jobs::erase_customer(&mut tx, gone).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(run_due(&t.app).await, 1);
        let mut tx = ctx.read().await.unwrap();
        let left = sql!("SELECT count(*) AS n FROM job WHERE customer_id = $1" => i64);
        assert_eq!(tx.one(left, args![kept]).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_is_seen_by_work_that_goes_on_and_on() {
    on_both(async |t| {
        let (stop, stopped) = watch::channel(false);
        let runner = tokio::spawn(jobs::run(t.app.clone(), KINDS.to_vec(), Vec::new(), stopped));
        enqueue(&t.app, numbered(SLICED, 1)).await;
        until("it runs", async || probe(&t.app).waiting.load(Ordering::SeqCst) > 0).await;
        stop.send(true).unwrap();
        tokio::time::timeout(PATIENCE, runner).await.expect("it ends").unwrap();
        assert_eq!(stored(&t.app).await, one("ready", 0, None), "the rest is for whoever comes next");
        probe(&t.app).fail.store(true, Ordering::SeqCst);
        assert_eq!(run_due(&t.app).await, 1);
        assert_eq!(stored(&t.app).await, one("done", 1, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_sees_no_stop_is_cut_and_put_back() {
    on_both_databases(async |db| {
        let app = TestApp::process(db, &[feature()], &[("limits.shutdown_s", "1")]).await;
        let (stop, stopped) = watch::channel(false);
        let runner = tokio::spawn(jobs::run(app.clone(), KINDS.to_vec(), Vec::new(), stopped));
        enqueue(&app, numbered(GATED, 1)).await;
        until("it runs", async || probe(&app).waiting.load(Ordering::SeqCst) > 0).await;
        stop.send(true).unwrap();
        tokio::time::timeout(PATIENCE, runner).await.expect("it ends").unwrap();
        assert_eq!(stored(&app).await, one("ready", 1, Some("its process was stopped")));
        probe(&app).gate.add_permits(1);
        assert_eq!(run_due(&app).await, 1);
        assert_eq!((stored(&app).await, written(&app, 1).await), (one("done", 2, None).to_vec(), 1));
    })
    .await;
}
