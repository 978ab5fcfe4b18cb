//! Durable jobs: enqueued with their cause, run once at a time, tried again, and taken over from the dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use kernel::app::{App, BoxFuture, Feature, Parts};
use kernel::ctx::Ctx;
use kernel::jobs::{self, JobKind, NewJob, Periodic};
use kernel::test::{TestApp, TestDb, on_both_databases};
use kernel::{Error, Result, args, row, sql};
use parking_lot::Mutex;
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
    panics: AtomicUsize,
}

fn start(parts: &mut Parts) -> BoxFuture<'_, Result<()>> {
    let probe = Probe {
        ran: Mutex::default(),
        fail: AtomicBool::new(false),
        gate: Semaphore::new(0),
        waiting: AtomicUsize::new(0),
        panics: AtomicUsize::new(0),
    };
    parts.keep(Arc::new(probe));
    Box::pin(async { Ok(()) })
}

fn feature() -> Feature {
    Feature {
        name: "probe",
        service: "",
        routes: utoipa_axum::router::OpenApiRouter::new,
        jobs: &[NOTE, GATED],
        periodic: &[],
        start,
    }
}

/// Notes its payload; fails if it is told to.
const NOTE: JobKind = JobKind { name: "probe.note", most_attempts: 3, run: note };
/// Waits at the gate first.
const GATED: JobKind = JobKind { name: "probe.gated", most_attempts: 3, run: gated };
const KINDS: [JobKind; 2] = [NOTE, GATED];

fn note(ctx: &Ctx, payload: Value) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move {
        let probe = ctx.app().part::<Probe>();
        assert_ne!(payload["n"], "panic", "on purpose");
        probe.ran.lock().push(payload["n"].clone());
        match probe.fail.load(Ordering::SeqCst) {
            true => Err(Error::internal("told to fail")),
            false => Ok(()),
        }
    })
}

fn gated(ctx: &Ctx, payload: Value) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move {
        let probe = ctx.app().part::<Probe>();
        probe.waiting.fetch_add(1, Ordering::SeqCst);
        let passed = probe.gate.acquire().await.map_err(|_| Error::internal("the gate is gone"))?;
        passed.forget();
        note(ctx, payload).await
    })
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
    app.part::<Probe>()
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

/// A runner that dies in the middle of a gated job: nothing of it is recorded.
async fn dies_at_the_gate(app: &App) {
    let before = probe(app).waiting.load(Ordering::SeqCst);
    let runner = tokio::spawn({
        let app = app.clone();
        async move { run_due(&app).await }
    });
    until("the job runs", async || probe(app).waiting.load(Ordering::SeqCst) > before).await;
    runner.abort();
    assert!(runner.await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn a_job_of_a_dead_runner_is_taken_over_when_its_lease_ends() {
    on_both(async |t| {
        let other = TestApp::process(t.db, &[feature()], &[]).await;
        enqueue(&t.app, numbered(GATED, 1)).await;
        dies_at_the_gate(&t.app).await;
        probe(&other).gate.add_permits(1);
        other.clock.advance(seconds(29));
        assert_eq!(run_due(&other).await, 0, "the lease holds");
        other.clock.advance(seconds(2));
        assert_eq!(run_due(&other).await, 1);
        assert_eq!(stored(&t.app).await, one("done", 2, None));
        assert_eq!(*probe(&other).ran.lock(), [json!(1)]);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_kills_its_runner_each_time_is_given_up() {
    on_both(async |t| {
        enqueue(&t.app, numbered(GATED, 1)).await;
        for _ in 0..3 {
            dies_at_the_gate(&t.app).await;
            t.advance(seconds(31));
        }
        probe(&t.app).gate.add_permits(1);
        assert_eq!(run_due(&t.app).await, 0);
        let left = stored(&t.app).await;
        assert_eq!((left[0].state.as_str(), left[0].attempts), ("failed", 3), "{left:?}");
        assert!(left[0].last_error.is_some());
    })
    .await;
}

/// A runner so slow that its lease ends while it works, and what becomes of its verdict.
async fn late(t: &Process<'_>, fails: bool) {
    let other = TestApp::process(t.db, &[feature()], &[]).await;
    enqueue(&t.app, numbered(GATED, 1)).await;
    let slow = tokio::spawn({
        let app = t.app.clone();
        async move { run_due(&app).await }
    });
    until("the first runs it", async || probe(&t.app).waiting.load(Ordering::SeqCst) > 0).await;
    other.clock.advance(seconds(31));
    let second = tokio::spawn({
        let app = other.clone();
        async move { run_due(&app).await }
    });
    until("the second took it over", async || probe(&other).waiting.load(Ordering::SeqCst) > 0).await;
    let running = stored(&t.app).await;
    probe(&t.app).fail.store(fails, Ordering::SeqCst);
    probe(&t.app).gate.add_permits(1);
    slow.await.unwrap();
    assert_eq!(stored(&t.app).await, running, "only who holds the lease decides");
    probe(&other).gate.add_permits(1);
    second.await.unwrap();
    assert_eq!(stored(&t.app).await.last().unwrap().state, "done");
}

#[tokio::test]
async fn a_runner_that_lost_its_lease_has_no_say() {
    on_both(async |t| late(t, false).await).await;
    on_both(async |t| late(t, true).await).await;
}

#[tokio::test]
async fn a_runner_that_lost_its_lease_cannot_give_up_the_job() {
    on_both(async |t| {
        let twice: [JobKind; 1] = [JobKind { most_attempts: 2, ..GATED }];
        enqueue(&t.app, numbered(GATED, 1)).await;
        dies_at_the_gate(&t.app).await;
        t.advance(seconds(31));
        let slow = tokio::spawn({
            let app = t.app.clone();
            async move { jobs::run_due(&app, &twice).await }
        });
        until("it runs", async || probe(&t.app).waiting.load(Ordering::SeqCst) > 1).await;
        let other = TestApp::process(t.db, &[feature()], &[]).await;
        other.clock.advance(seconds(100));
        probe(&other).gate.add_permits(1);
        assert_eq!(run_due(&other).await, 1);
        probe(&t.app).fail.store(true, Ordering::SeqCst);
        probe(&t.app).gate.add_permits(1);
        slow.await.unwrap().unwrap();
        assert_eq!(stored(&t.app).await, one("done", 3, None));
    })
    .await;
}

#[tokio::test]
async fn a_job_of_a_newer_release_waits_and_holds_nobody_up() {
    on_both(async |t| {
        enqueue(&t.app, numbered(GATED, 1)).await;
        t.advance(Duration::from_millis(1));
        enqueue(&t.app, numbered(NOTE, 2)).await;
        // A process that knows notes only.
        for _ in 0..5 {
            assert!(jobs::run_due(&t.app, &[NOTE]).await.unwrap() <= 1);
            t.advance(seconds(120));
        }
        assert_eq!(*probe(&t.app).ran.lock(), [json!(2)]);
        let left = stored(&t.app).await;
        assert_eq!((left[0].state.as_str(), left[0].attempts), ("ready", 0), "its attempts are not used up");
        probe(&t.app).gate.add_permits(1);
        assert_eq!(run_due(&t.app).await, 1);
    })
    .await;
}

#[tokio::test]
async fn the_first_look_finds_what_stands_behind_a_job_of_a_newer_release() {
    on_both(async |t| {
        enqueue(&t.app, numbered(GATED, 1)).await;
        t.advance(Duration::from_millis(1));
        enqueue(&t.app, numbered(NOTE, 2)).await;
        assert_eq!(jobs::run_due(&t.app, &[NOTE]).await.unwrap(), 1);
        probe(&t.app).gate.add_permits(1);
        t.advance(seconds(120));
        assert_eq!(run_due(&t.app).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_the_work_and_never_a_job() {
    on_both(async |t| {
        let other = TestApp::process(t.db, &[feature()], &[]).await;
        let (stop, stopped) = watch::channel(false);
        let runners = [&t.app, &other]
            .map(|app| tokio::spawn(jobs::run(app.clone(), KINDS.to_vec(), Vec::new(), stopped.clone())));
        for n in 0..40 {
            enqueue(if n % 2 == 0 { &t.app } else { &other }, numbered(NOTE, n)).await;
        }
        until("all are done", async || stored(&t.app).await.iter().all(|job| job.state == "done")).await;
        stop.send(true).unwrap();
        for runner in runners {
            runner.await.unwrap();
        }
        assert!(stored(&t.app).await.iter().all(|job| job.attempts == 1));
        let mut ran: Vec<i64> = Vec::new();
        for app in [&t.app, &other] {
            ran.extend(probe(app).ran.lock().iter().map(|n| n.as_i64().unwrap()));
        }
        ran.sort_unstable();
        assert_eq!(ran, (0..40).collect::<Vec<_>>(), "each once");
    })
    .await;
}

fn panics(ctx: &Ctx) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move {
        ctx.app().part::<Probe>().panics.fetch_add(1, Ordering::SeqCst);
        panic!("on purpose")
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn housekeeping_that_panics_does_not_end_the_runner() {
    on_both(async |t| {
        let periodic = vec![Periodic { name: "probe.panics", every: Duration::from_millis(1), run: panics }];
        let (stop, stopped) = watch::channel(false);
        let runner = tokio::spawn(jobs::run(t.app.clone(), KINDS.to_vec(), periodic, stopped));
        until("it panics", async || {
            // Each enqueued job wakes the runner.
            enqueue(&t.app, numbered(NOTE, 1)).await;
            probe(&t.app).panics.load(Ordering::SeqCst) >= 2
        })
        .await;
        until("the jobs are done", async || stored(&t.app).await.iter().all(|job| job.state == "done")).await;
        stop.send(true).unwrap();
        runner.await.unwrap();
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
        jobs::forget_customer(&mut tx, gone).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(run_due(&t.app).await, 1);
        let mut tx = ctx.read().await.unwrap();
        let left = sql!("SELECT count(*) AS n FROM job WHERE customer_id = $1" => i64);
        assert_eq!(tx.one(left, args![kept]).await.unwrap(), 1);
    })
    .await;
}
