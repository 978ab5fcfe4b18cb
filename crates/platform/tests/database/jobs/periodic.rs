//! Periodic tasks are rows: they outlive restarts, run once in a deployment, and hold up nobody.

use platform::jobs::Periodic;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const DAILY: Periodic = Periodic::new("probe.daily", Duration::from_secs(24 * 3600), note);
const SLOW: Periodic = Periodic::new("probe.slow", Duration::from_secs(1), gated);
const WANTED: Periodic = Periodic::new("probe.wanted", HOUR, note).when(wanted);

/// As the flag says that otherwise makes notes fail.
fn wanted(ctx: &Ctx) -> BoxFuture<'_, Result<bool>> {
    Box::pin(async move { Ok(ctx.app().state::<Probe>().fail.load(Ordering::SeqCst)) })
}

/// Runs what is due of a task, and says how often it ran.
async fn due(app: &App, task: Periodic) -> usize {
    jobs::enqueue_due(app, &[task]).await.unwrap();
    jobs::run_due(app, &[task.job]).await.unwrap()
}

#[tokio::test]
async fn a_daily_task_runs_in_a_deployment_that_is_restarted_every_day() {
    on_both(async |t| {
        let mut ran = Vec::new();
        for day in 0..4 {
            // A process that lives for ten hours of a day.
            let app = TestApp::process(t.db, &[feature()], &[]).await;
            app.clock.advance(HOUR * 24 * day);
            for _ in 0..10 {
                ran.push(due(&app, DAILY).await);
                app.clock.advance(HOUR);
            }
        }
        let days: Vec<usize> = ran.chunks(10).map(|day| day.iter().sum()).collect();
        assert_eq!(days, [0, 1, 1, 1], "not at the first start, and once a day after that");
        assert_eq!(stored(&t.app).await, [], "what is done is not kept");
    })
    .await;
}

#[tokio::test]
async fn many_processes_run_a_task_once() {
    on_both(async |t| {
        let mut apps = vec![t.app.clone()];
        for _ in 0..2 {
            apps.push(TestApp::process(t.db, &[feature()], &[]).await);
        }
        let mut ran = 0;
        for round in 0..3 {
            for (n, app) in apps.iter().enumerate() {
                // Their clocks are half a minute apart.
                app.clock.set(t.app.clock.now().plus(seconds(30 * n as u64)));
                ran += due(app, DAILY).await;
            }
            assert_eq!(ran, round);
            t.advance(HOUR * 24);
        }
    })
    .await;
}

#[tokio::test]
async fn a_task_that_is_at_work_is_not_begun_again() {
    on_both(async |t| {
        due(&t.app, SLOW).await;
        t.advance(seconds(1));
        let at_work = tokio::spawn({
            let app = t.app.clone();
            async move { due(&app, SLOW).await }
        });
        until("it runs", async || probe(&t.app).waiting.load(Ordering::SeqCst) == 1).await;
        for _ in 0..3 {
            t.advance(seconds(2));
            assert_eq!(due(&t.app, SLOW).await, 0);
        }
        assert_eq!(stored(&t.app).await.len(), 1);
        probe(&t.app).gate.add_permits(1);
        assert_eq!(at_work.await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_task_that_has_nothing_to_do_is_no_job() {
    on_both(async |t| {
        assert_eq!(due(&t.app, WANTED).await, 0);
        t.advance(HOUR * 2);
        assert_eq!(due(&t.app, WANTED).await, 0);
        probe(&t.app).fail.store(true, Ordering::SeqCst);
        assert_eq!(due(&t.app, WANTED).await, 0, "planned for now");
        jobs::enqueue_due(&t.app, &[WANTED]).await.unwrap();
        assert_eq!(stored(&t.app).await, one("ready", 0, None));
        probe(&t.app).fail.store(false, Ordering::SeqCst);
        assert_eq!(jobs::run_due(&t.app, &[WANTED.job]).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_task_that_was_planned_by_a_clock_that_was_set_back_runs() {
    on_both(async |t| {
        let right = t.app.clock.now();
        t.app.clock.set(right.plus(HOUR * 24 * 365));
        assert_eq!(due(&t.app, DAILY).await, 0);
        t.app.clock.set(right);
        assert_eq!(due(&t.app, DAILY).await, 1);
        assert_eq!(due(&t.app, DAILY).await, 0);
        t.advance(HOUR * 24);
        assert_eq!(due(&t.app, DAILY).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_task_that_fails_is_tried_again_and_runs_at_its_next_time() {
    on_both(async |t| {
        due(&t.app, DAILY).await;
        t.advance(HOUR * 24);
        probe(&t.app).fail.store(true, Ordering::SeqCst);
        for _ in 0..4 {
            due(&t.app, DAILY).await;
            t.advance(seconds(60));
        }
        assert_eq!(stored(&t.app).await, one("failed", 3, Some("told to fail")));
        probe(&t.app).fail.store(false, Ordering::SeqCst);
        t.advance(HOUR * 24);
        assert_eq!(due(&t.app, DAILY).await, 1);
    })
    .await;
}

/// As many slow tasks as there are places for them, and more; mail goes out beside them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_goes_out_while_long_tasks_run() {
    const TASKS: [Periodic; 4] = [
        Periodic::new("probe.long1", HOUR, gated),
        Periodic::new("probe.long2", HOUR, gated),
        Periodic::new("probe.long3", HOUR, gated),
        Periodic::new("probe.long4", HOUR, gated),
    ];
    on_both(async |t| {
        jobs::enqueue_due(&t.app, &TASKS).await.unwrap();
        t.advance(HOUR);
        let (stop, stopped) = watch::channel(false);
        let runner = tokio::spawn(jobs::run(t.app.clone(), KINDS.to_vec(), TASKS.to_vec(), stopped));
        let places = Queue::Maintenance.at_once();
        until("they run", async || probe(&t.app).waiting.load(Ordering::SeqCst) == places).await;
        for n in 0..10 {
            enqueue(&t.app, numbered(NOTE, n)).await;
        }
        until("the mails are out", async || probe(&t.app).ran.lock().len() == 10).await;
        assert_eq!(probe(&t.app).at_work.load(Ordering::SeqCst), places, "they are still at it");
        stop.send(true).unwrap();
        probe(&t.app).gate.add_permits(TASKS.len());
        runner.await.unwrap();
    })
    .await;
}

fn panics(ctx: &Ctx, _: Value) -> BoxFuture<'_, Result<Progress>> {
    Box::pin(async move {
        ctx.app().state::<Probe>().waiting.fetch_add(1, Ordering::SeqCst);
        panic!("on purpose")
    })
}

fn panics_early(_: &Ctx) -> BoxFuture<'_, Result<bool>> {
    panic!("on purpose")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_panic_end_nothing_else() {
    const PANICS: Periodic = Periodic::new("probe.panics", Duration::from_millis(1), panics);
    const PANICS_EARLY: Periodic = Periodic::new("probe.early", HOUR, note).when(panics_early);
    on_both(async |t| {
        jobs::enqueue_due(&t.app, &[PANICS]).await.unwrap();
        t.advance(seconds(1));
        let (stop, stopped) = watch::channel(false);
        let tasks = vec![PANICS_EARLY, PANICS];
        let runner = tokio::spawn(jobs::run(t.app.clone(), KINDS.to_vec(), tasks, stopped));
        until("it panics", async || probe(&t.app).waiting.load(Ordering::SeqCst) >= 1).await;
        enqueue(&t.app, numbered(NOTE, 1)).await;
        until("the job is done", async || !probe(&t.app).ran.lock().is_empty()).await;
        assert!(!jobs::stands_still(&t.app));
        stop.send(true).unwrap();
        runner.await.unwrap();
    })
    .await;
}
