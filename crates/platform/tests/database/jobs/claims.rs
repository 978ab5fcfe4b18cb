//! A job runs once at a time: processes that die, stand still or are cut off from the database, and clocks that differ or
//! are set back.

use super::*;

/// A runner that dies in the middle of a gated job: nothing of it is recorded.
async fn dies_at_the_gate(app: &App) {
    let before = probe(app).waiting.load(Ordering::SeqCst);
    let runner = begins(app);
    until("the job runs", async || probe(app).waiting.load(Ordering::SeqCst) > before).await;
    runner.abort();
    assert!(runner.await.unwrap_err().is_cancelled());
}

fn begins(app: &App) -> tokio::task::JoinHandle<usize> {
    let app = app.clone();
    tokio::spawn(async move { run_due(&app).await })
}

async fn another(t: &Process<'_>) -> App {
    let other = TestApp::process(t.db, &[feature()], &[]).await;
    // It begins to watch whatever is at work.
    assert_eq!(run_due(&other).await, 0);
    other
}

#[tokio::test]
async fn a_job_of_a_dead_runner_is_taken_over_when_its_lease_ends() {
    on_both(async |t| {
        enqueue(&t.app, numbered(GATED, 1)).await;
        dies_at_the_gate(&t.app).await;
        let other = another(t).await;
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
            // Seen to stand still from here on.
            let looks = begins(&t.app);
            assert_eq!(looks.await.unwrap(), 0);
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

/// Two runs of one job, the first of which does not know that it is late: the process stood still, or its clock. Then the
/// first goes on, fails or not.
async fn late(t: &Process<'_>, fails: bool) {
    enqueue(&t.app, numbered(GATED, 1)).await;
    let slow = begins(&t.app);
    until("the first runs it", async || probe(&t.app).waiting.load(Ordering::SeqCst) > 0).await;
    let other = another(t).await;
    other.clock.advance(seconds(31));
    let second = begins(&other);
    until("the second took it over", async || probe(&other).waiting.load(Ordering::SeqCst) > 0).await;
    let running = stored(&t.app).await;
    probe(&t.app).fail.store(fails, Ordering::SeqCst);
    probe(&t.app).gate.add_permits(1);
    slow.await.unwrap();
    assert_eq!(written(&t.app, 1).await, 0, "only who holds the claim writes");
    assert!(probe(&t.app).ran.lock().is_empty());
    assert_eq!(*probe(&t.app).refused.lock(), ["JOB_CLAIM_LOST"]);
    assert_eq!(stored(&t.app).await, running, "only who holds the claim decides");
    probe(&other).gate.add_permits(1);
    second.await.unwrap();
    assert_eq!(stored(&t.app).await.last().unwrap().state, "done");
    assert_eq!(written(&t.app, 1).await, 1);
}

#[tokio::test]
async fn a_runner_that_lost_its_claim_has_no_say() {
    on_both(async |t| late(t, false).await).await;
    on_both(async |t| late(t, true).await).await;
}

#[tokio::test]
async fn a_claim_is_not_taken_while_its_work_writes() {
    on_both(async |t| {
        enqueue(&t.app, numbered(GATED, 1)).await;
        dies_at_the_gate(&t.app).await;
        let other = another(t).await;
        // What the dead one left on PostgreSQL: a transaction that nobody has ended yet. SQLite has one writer.
        let ctx = t.app.system("test");
        let mut tx = ctx.write().await.unwrap();
        let held =
            sql!(sqlite: "SELECT id FROM job", postgres: "SELECT id FROM job FOR KEY SHARE" => uuid::Uuid);
        tx.all(held, []).await.unwrap();
        other.clock.advance(seconds(31));
        probe(&other).gate.add_permits(1);
        match tx.engine() {
            database::Engine::Postgres => assert_eq!(run_due(&other).await, 0),
            database::Engine::Sqlite => {}
        }
        // Ended before the next look: what is only dropped may hold its lock a moment longer.
        tx.commit().await.unwrap();
        assert_eq!(run_due(&other).await, 1);
    })
    .await;
}

/// After SIGSTOP, or when the machine was suspended: the clock went on, the process did not.
#[tokio::test]
async fn a_process_that_stood_still_cancels_its_work_and_begins_anew() {
    on_both(async |t| {
        enqueue(&t.app, numbered(GATED, 1)).await;
        let slow = begins(&t.app);
        until("it runs", async || probe(&t.app).waiting.load(Ordering::SeqCst) == 1).await;
        t.advance(seconds(40));
        probe(&t.app).gate.add_permits(1);
        // It gives the job back and takes it again at once.
        assert_eq!(slow.await.unwrap(), 2);
        assert_eq!(stored(&t.app).await, one("done", 2, None));
        assert_eq!((written(&t.app, 1).await, probe(&t.app).most.load(Ordering::SeqCst)), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_stood_still_never_runs_its_own_job_twice_at_once() {
    on_both(async |t| {
        let (stop, stopped) = watch::channel(false);
        let runner = tokio::spawn(jobs::run(t.app.clone(), KINDS.to_vec(), Vec::new(), stopped));
        for round in 1..=2 {
            enqueue(&t.app, numbered(GATED, round)).await;
            let before = probe(&t.app).waiting.load(Ordering::SeqCst);
            until("it runs", async || probe(&t.app).waiting.load(Ordering::SeqCst) > before).await;
            t.advance(seconds(40));
            // Wakes the runner, and the work.
            enqueue(&t.app, numbered(NOTE, 100)).await;
            probe(&t.app).gate.add_permits(1);
            until("it is done", async || stored(&t.app).await.iter().all(|job| job.state == "done")).await;
        }
        stop.send(true).unwrap();
        runner.await.unwrap();
        assert_eq!(probe(&t.app).most.load(Ordering::SeqCst), 1, "never two at once");
        assert_eq!((written(&t.app, 1).await, written(&t.app, 2).await), (1, 1));
    })
    .await;
}

/// A process whose leases are short, with a gated job at work.
async fn in_a_hurry(db: &TestDb) -> (App, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
    let app = TestApp::process(db, &[feature()], &[("jobs.lease_s", "1")]).await;
    let (stop, stopped) = watch::channel(false);
    let runner = tokio::spawn(jobs::run(app.clone(), KINDS.to_vec(), Vec::new(), stopped));
    enqueue(&app, numbered(GATED, 1)).await;
    until("it runs", async || probe(&app).at_work.load(Ordering::SeqCst) == 1).await;
    (app, stop, runner)
}

async fn ends_well(app: &App, stop: &watch::Sender<bool>, runner: tokio::task::JoinHandle<()>) {
    probe(app).gate.add_permits(1);
    until("it is done", async || stored(app).await.iter().all(|job| job.state == "done")).await;
    stop.send(true).unwrap();
    runner.await.unwrap();
    assert_eq!((written(app, 1).await, probe(app).most.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_that_finds_its_claim_gone_cancels_the_work() {
    on_both_databases(async |db| {
        let (app, stop, runner) = in_a_hurry(db).await;
        let mut tx = app.system("test").write().await.unwrap();
        let taken = sql!("UPDATE job SET locked_by = $1, attempts = attempts + 1");
        tx.exec(taken, args![app.system("test").new_id()]).await.unwrap();
        tx.commit().await.unwrap();
        until("the work is cancelled", async || probe(&app).at_work.load(Ordering::SeqCst) == 0).await;
        // Whoever took it is gone as well. Its time passes.
        let seen = Duration::from_millis(100);
        until("it is begun again", async || {
            app.clock.advance(seen);
            probe(&app).at_work.load(Ordering::SeqCst) == 1
        })
        .await;
        ends_well(&app, &stop, runner).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_whose_lease_cannot_be_extended_is_cancelled_before_its_end() {
    on_both_databases(async |db| {
        let (app, stop, runner) = in_a_hurry(db).await;
        // Nobody gets at the row, and on SQLite nobody writes at all.
        let stranger = TestApp::process(db, &[feature()], &[]).await;
        let ctx = stranger.system("test");
        let mut tx = ctx.write().await.unwrap();
        let held =
            sql!(sqlite: "SELECT id FROM job", postgres: "SELECT id FROM job FOR UPDATE" => uuid::Uuid);
        tx.all(held, []).await.unwrap();
        until("the work is cancelled", async || probe(&app).at_work.load(Ordering::SeqCst) == 0).await;
        drop(tx);
        until("it is begun again", async || probe(&app).at_work.load(Ordering::SeqCst) == 1).await;
        ends_well(&app, &stop, runner).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_gives_signs_of_life() {
    on_both_databases(async |db| {
        let (app, stop, runner) = in_a_hurry(db).await;
        until("a heartbeat", async || {
            let mut tx = app.system("test").read().await.unwrap();
            tx.one(sql!("SELECT beats FROM job" => i64), []).await.unwrap() > 0
        })
        .await;
        ends_well(&app, &stop, runner).await;
    })
    .await;
}

#[tokio::test]
async fn a_claim_is_left_alone_while_it_gives_signs_of_life() {
    on_both(async |t| {
        enqueue(&t.app, numbered(GATED, 1)).await;
        dies_at_the_gate(&t.app).await;
        let other = another(t).await;
        let ctx = t.app.system("test");
        for _ in 0..4 {
            let mut tx = ctx.write().await.unwrap();
            tx.exec(sql!("UPDATE job SET beats = beats + 1"), []).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(run_due(&other).await, 0);
            other.clock.advance(seconds(29));
        }
        other.clock.advance(seconds(1));
        probe(&other).gate.add_permits(1);
        assert_eq!(run_due(&other).await, 1);
    })
    .await;
}

#[tokio::test]
async fn clocks_that_are_apart_steal_no_job() {
    on_both(async |t| {
        enqueue(&t.app, numbered(GATED, 1)).await;
        let slow = begins(&t.app);
        until("it runs", async || probe(&t.app).waiting.load(Ordering::SeqCst) == 1).await;
        let other = another(t).await;
        for apart in [60, 86_400] {
            other.clock.set(t.app.clock.now().plus(seconds(apart)));
            assert_eq!(run_due(&other).await, 0);
        }
        probe(&t.app).gate.add_permits(1);
        assert_eq!(slow.await.unwrap(), 1);
        assert_eq!(stored(&t.app).await, one("done", 1, None));
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_was_set_back_strands_no_job_at_work() {
    on_both(async |t| {
        let right = t.app.clock.now();
        t.app.clock.set(right.plus(seconds(86_400)));
        enqueue(&t.app, numbered(GATED, 1)).await;
        dies_at_the_gate(&t.app).await;
        // The clock is corrected, and the server starts again.
        let other = another(t).await;
        other.clock.set(right);
        other.clock.advance(seconds(31));
        probe(&other).gate.add_permits(1);
        assert_eq!(run_due(&other).await, 1);
        assert_eq!(stored(&t.app).await, one("done", 2, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_set_back_strands_no_job_that_waits() {
    on_both(async |t| {
        let right = t.app.clock.now();
        t.app.clock.set(right.plus(seconds(86_400)));
        enqueue(&t.app, numbered(NOTE, 1)).await;
        enqueue(&t.app, numbered(NOTE, 2).run_at(t.app.clock.now().plus(seconds(60)))).await;
        t.app.clock.set(right);
        assert_eq!(run_due(&t.app).await, 0);
        jobs::enqueue_due(&t.app, &[]).await.unwrap();
        assert_eq!(run_due(&t.app).await, 1);
        t.advance(seconds(59));
        assert_eq!(run_due(&t.app).await, 0, "it waits as long as it was to wait");
        t.advance(seconds(1));
        assert_eq!(run_due(&t.app).await, 1);
        assert_eq!(*probe(&t.app).ran.lock(), [json!(1), json!(2)]);
    })
    .await;
}

#[tokio::test]
async fn a_claim_of_the_previous_release_is_left_alone_while_it_gives_signs_of_life() {
    on_both(async |t| {
        enqueue(&t.app, numbered(GATED, 1)).await;
        dies_at_the_gate(&t.app).await;
        let ctx = t.app.system("test");
        let beats = async |n: u64| {
            let mut tx = ctx.write().await.unwrap();
            let statement = sql!("UPDATE job SET lease_ms = NULL, locked_until = $1");
            tx.exec(statement, args![ctx.now().plus(seconds(30 + n))]).await.unwrap();
            tx.commit().await.unwrap();
        };
        let other = TestApp::process(t.db, &[feature()], &[]).await;
        for n in 0..4 {
            beats(n).await;
            assert_eq!(run_due(&other).await, 0);
            other.clock.advance(seconds(29));
        }
        other.clock.advance(seconds(2));
        probe(&other).gate.add_permits(1);
        assert_eq!(run_due(&other).await, 1);
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
        assert_eq!(jobs::run_due(&t.app, &[NOTE]).await.unwrap(), 1);
        assert_eq!(*probe(&t.app).ran.lock(), [json!(2)]);
        let left = stored(&t.app).await;
        assert_eq!((left[0].state.as_str(), left[0].attempts), ("ready", 0), "its attempts are not used up");
        probe(&t.app).gate.add_permits(1);
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
