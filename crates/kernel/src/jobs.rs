//! Durable jobs: rows enqueued in the transaction of the change that causes them, claimed by any process with
//! `--services jobs`, retried with backoff, and resumed by another process when their lease runs out (a kill).
//! A job may run twice, so it is idempotent.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::Value;
use tokio::sync::watch;
use uuid::Uuid;

use crate::app::{App, BoxFuture};
use crate::clock::Timestamp;
use crate::ctx::Ctx;
use crate::db::{Json, Tx};
use crate::error::{Error, Result};
use crate::{args, row, sql};

/// How long a claim holds without a sign of life; a third of it is the heartbeat.
const LEASE: Duration = Duration::from_secs(30);
/// How long a runner sleeps when nobody wakes it: another process may have enqueued.
const POLL: Duration = Duration::from_secs(1);
/// Jobs that one process runs at once.
const AT_ONCE: usize = 4;

/// A kind of job: its name in the rows, and what it does.
#[derive(Clone, Copy)]
pub struct JobKind {
    /// `<feature>.<verb>`, such as `mail.send`.
    pub name: &'static str,
    /// After so many failures it is given up.
    pub most_attempts: i64,
    /// Does the work; idempotent.
    pub run: for<'a> fn(&'a Ctx, Value) -> BoxFuture<'a, Result<()>>,
}

/// Housekeeping that every process with jobs does now and then; several may do it at once.
#[derive(Clone, Copy)]
pub struct Periodic {
    /// For the log.
    pub name: &'static str,
    /// How often.
    pub every: Duration,
    /// Does the work; idempotent.
    pub run: for<'a> fn(&'a Ctx) -> BoxFuture<'a, Result<()>>,
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

row! {
    struct Claimed { id: Uuid, kind: String, payload: Json, attempts: i64 }
}

/// Enqueues in the caller's transaction; `false` if an unfinished job with the same key exists.
pub async fn enqueue(ctx: &Ctx, tx: &mut Tx, job: NewJob) -> Result<bool> {
    let now = ctx.now();
    let rows = tx
        .exec(
            sql!(
                "INSERT INTO job (id, kind, dedupe_key, payload, state, run_at, attempts, customer_id, created_at)
                 VALUES ($1, $2, $3, $4, 'ready', $5, 0, $6, $7)
                 ON CONFLICT (kind, dedupe_key) WHERE state IN ('ready', 'running') DO NOTHING"
            ),
            args![ctx.new_id(), job.kind, job.dedupe_key, Json(job.payload), job.run_at.unwrap_or(now), job.customer_id, now],
        )
        .await?;
    let wake = ctx.app().wake_jobs.clone();
    // Kept for a runner that is busy right now: it looks again before it sleeps.
    tx.after_commit(move || wake.notify_one());
    Ok(rows == 1)
}

/// Deletes the jobs whose payload names a user: part of erasing it. Those that are done have no payload any more.
pub async fn forget_user(tx: &mut Tx, user: Uuid) -> Result<()> {
    tx.exec(
        sql!("DELETE FROM job WHERE state <> 'done' AND payload ->> 'user' = $1"),
        args![user.to_string()],
    )
    .await
    .map(drop)
}

/// Deletes the jobs that concern a customer: part of erasing it.
pub async fn forget_customer(tx: &mut Tx, customer: Uuid) -> Result<()> {
    tx.exec(sql!("DELETE FROM job WHERE customer_id = $1"), args![customer]).await.map(drop)
}

/// Housekeeping of the kernel's own tables.
pub const HOUSEKEEPING: &[Periodic] =
    &[Periodic { name: "kernel.purge", every: Duration::from_secs(3600), run: |ctx| Box::pin(purge(ctx)) }];

/// Deletes what is over: jobs a week after their end, stored answers after their day. In bounded steps, so that
/// nobody waits for it.
async fn purge(ctx: &Ctx) -> Result<()> {
    let before = ctx.now().minus(Duration::from_secs(7 * 24 * 3600));
    loop {
        let mut tx = ctx.write().await?;
        let jobs = tx
            .exec(
                sql!("DELETE FROM job WHERE id IN (SELECT id FROM job WHERE finished_at <= $1 LIMIT 1000)"),
                args![before],
            )
            .await?;
        let answers = crate::idempotency::purge(&mut tx, ctx.now()).await?;
        tx.commit().await?;
        if jobs < 1000 && answers < 1000 {
            return Ok(());
        }
    }
}

/// Runs jobs and housekeeping until `stop` says so, then lets the running ones finish.
pub async fn run(app: App, kinds: Vec<JobKind>, periodic: Vec<Periodic>, mut stop: watch::Receiver<bool>) {
    let me = app.random.uuid(app.clock.now());
    let mut running = tokio::task::JoinSet::new();
    let mut due: Vec<(tokio::time::Instant, Periodic)> =
        periodic.iter().map(|p| (tokio::time::Instant::now() + p.every, *p)).collect();
    while !*stop.borrow() {
        for (at, task) in &mut due {
            if tokio::time::Instant::now() >= *at {
                *at = tokio::time::Instant::now() + task.every;
                keep_house(&app, task).await;
            }
        }
        while running.len() < AT_ONCE {
            match claim(&app, &kinds, me).await {
                Ok(Some(job)) => {
                    let (app, kinds) = (app.clone(), kinds.clone());
                    running.spawn(async move { work(&app, &kinds, me, job).await });
                }
                Ok(None) => break,
                Err(e) => {
                    tracing::warn!(error = ?e, "cannot claim jobs; trying again");
                    break;
                }
            }
        }
        tokio::select! {
            () = app.wake_jobs.notified() => {}
            () = tokio::time::sleep(POLL) => {}
            Some(_) = running.join_next() => {}
            changed = stop.changed() => {
                // Whoever could have said stop is gone.
                if changed.is_err() {
                    break;
                }
            }
        }
    }
    while running.join_next().await.is_some() {}
}

async fn keep_house(app: &App, task: &Periodic) {
    let ctx = app.system(task.name);
    let done = std::panic::AssertUnwindSafe(async { (task.run)(&ctx).await }).catch_unwind().await;
    if let Err(e) = done.unwrap_or_else(|_| Err(Error::internal("the housekeeping panicked"))) {
        tracing::warn!(task = task.name, error = ?e, "housekeeping failed; it is tried again");
    }
}

/// Runs everything that is due now, one after the other, and says how many ran: for tests and the command line.
pub async fn run_due(app: &App, kinds: &[JobKind]) -> Result<usize> {
    let me = app.random.uuid(app.clock.now());
    let mut ran = 0;
    while let Some(job) = claim(app, kinds, me).await? {
        work(app, kinds, me, job).await;
        ran += 1;
    }
    Ok(ran)
}

/// Jobs that wait or run.
pub async fn unfinished(tx: &mut Tx) -> Result<i64> {
    tx.one(sql!("SELECT count(*) AS n FROM job WHERE state IN ('ready', 'running')" => i64), []).await
}

/// The next job that this process can run.
async fn claim(app: &App, kinds: &[JobKind], me: Uuid) -> Result<Option<Claimed>> {
    let ctx = app.system("jobs");
    loop {
        let Some(job) = claim_any(&ctx, me).await? else { return Ok(None) };
        match kinds.iter().find(|k| k.name == job.kind) {
            // A newer release may have enqueued it; it is left to a process that knows the kind.
            None => put_off(&ctx, me, &job).await?,
            // It never came to its end: it takes its runners along.
            Some(kind) if job.attempts > kind.most_attempts => {
                tracing::error!(job = %job.id, kind = kind.name, "a job is given up: its runner died at each attempt");
                give_up(&ctx, me, &job, kind.most_attempts, "its runner died at each attempt").await?;
            }
            Some(_) => return Ok(Some(job)),
        }
    }
}

async fn claim_any(ctx: &Ctx, me: Uuid) -> Result<Option<Claimed>> {
    let now = ctx.now();
    // Looking first costs a read; claiming costs the write lock, which an idle process should leave alone.
    let mut tx = ctx.read().await?;
    let due = tx
        .opt(
            sql!(
                "SELECT id FROM job WHERE state = 'ready' AND run_at <= $1
                 UNION ALL SELECT id FROM job WHERE state = 'running' AND locked_until <= $1 LIMIT 1" => Uuid
            ),
            args![now],
        )
        .await?;
    drop(tx);
    if due.is_none() {
        return Ok(None);
    }
    let mut tx = ctx.write().await?;
    tx.exec(
        sql!("UPDATE job SET state = 'ready' WHERE state = 'running' AND locked_until <= $1"),
        args![now],
    )
    .await?;
    let job = tx
        .opt(
            // SKIP LOCKED: two runners take two jobs instead of waiting for one. SQLite has one writer.
            sql!(
                sqlite: "UPDATE job SET state = 'running', attempts = attempts + 1, locked_until = $2, locked_by = $3
                         WHERE id = (SELECT id FROM job WHERE state = 'ready' AND run_at <= $1 ORDER BY run_at, id LIMIT 1)
                         RETURNING id, kind, payload, attempts",
                postgres: "UPDATE job SET state = 'running', attempts = attempts + 1, locked_until = $2, locked_by = $3
                           WHERE id = (SELECT id FROM job WHERE state = 'ready' AND run_at <= $1 ORDER BY run_at, id LIMIT 1
                                       FOR UPDATE SKIP LOCKED)
                           RETURNING id, kind, payload, attempts" => Claimed
            ),
            args![now, now.plus(LEASE), me],
        )
        .await?;
    tx.commit().await?;
    Ok(job)
}

async fn work(app: &App, kinds: &[JobKind], me: Uuid, job: Claimed) {
    let Some(kind) = kinds.iter().find(|k| k.name == job.kind).copied() else { return };
    let ctx = app.system(kind.name);
    // Side by side, not in turns: the job may hold the write lock that the heartbeat waits for.
    let run = async {
        tokio::select! {
            done = (kind.run)(&ctx, job.payload.0.clone()) => done,
            never = heartbeat(app, job.id, me) => match never {},
        }
    };
    // A panic is a failure of this job, not of the runner.
    let done = std::panic::AssertUnwindSafe(run).catch_unwind().await;
    let done = done.unwrap_or_else(|_| Err(Error::internal("the job panicked")));
    if let Err(e) = finish(app, kind, me, &job, done).await {
        tracing::warn!(job = %job.id, kind = kind.name, error = ?e, "cannot record the end of a job; its lease will run out and it runs again");
    }
}

/// Keeps the lease for as long as the job is at work.
async fn heartbeat(app: &App, id: Uuid, me: Uuid) -> Infallible {
    let mut beat = tokio::time::interval(LEASE / 3);
    beat.tick().await;
    loop {
        beat.tick().await;
        extend(app, id, me).await;
    }
}

async fn extend(app: &App, id: Uuid, me: Uuid) {
    let ctx = app.system("jobs");
    let extended = async {
        let mut tx = ctx.write().await?;
        tx.exec(
            sql!("UPDATE job SET locked_until = $3 WHERE id = $1 AND locked_by = $2 AND state = 'running'"),
            args![id, me, ctx.now().plus(LEASE)],
        )
        .await?;
        tx.commit().await
    };
    if let Err(e) = extended.await {
        tracing::warn!(job = %id, error = ?e, "cannot extend the lease of a job");
    }
}

async fn finish(app: &App, kind: JobKind, me: Uuid, job: &Claimed, done: Result<()>) -> Result<()> {
    let ctx = app.system("jobs");
    let e = match done {
        Ok(()) => {
            let mut tx = ctx.write().await?;
            tx.exec(
                sql!(
                    "UPDATE job SET state = 'done', payload = '{}', finished_at = $3, last_error = NULL
                     WHERE id = $1 AND locked_by = $2 AND state = 'running'"
                ),
                args![job.id, me, ctx.now()],
            )
            .await?;
            return tx.commit().await;
        }
        Err(e) => e,
    };
    if job.attempts < kind.most_attempts {
        tracing::warn!(job = %job.id, kind = kind.name, attempt = job.attempts, error = ?e, "a job failed; it is tried again");
        let again = ctx.now().plus(backoff(&ctx, job.attempts));
        return give_back(&ctx, me, job, again, e.detail()).await;
    }
    tracing::error!(job = %job.id, kind = kind.name, attempts = job.attempts, error = ?e, "a job failed for the last time");
    give_up(&ctx, me, job, job.attempts, e.detail()).await
}

// All of these change only a job that is still ours: after its lease it may be somebody else's.

async fn give_back(ctx: &Ctx, me: Uuid, job: &Claimed, run_at: Timestamp, why: &str) -> Result<()> {
    let mut tx = ctx.write().await?;
    tx.exec(
        sql!(
            "UPDATE job SET state = 'ready', run_at = $3, last_error = $4, locked_until = NULL, locked_by = NULL
             WHERE id = $1 AND locked_by = $2 AND state = 'running'"
        ),
        args![job.id, me, run_at, why],
    )
    .await?;
    tx.commit().await
}

async fn give_up(ctx: &Ctx, me: Uuid, job: &Claimed, attempts: i64, why: &str) -> Result<()> {
    let mut tx = ctx.write().await?;
    tx.exec(
        sql!(
            "UPDATE job SET state = 'failed', finished_at = $3, attempts = $4, last_error = $5
             WHERE id = $1 AND locked_by = $2 AND state = 'running'"
        ),
        args![job.id, me, ctx.now(), attempts, why],
    )
    .await?;
    tx.commit().await
}

/// Leaves it for a minute to processes that know its kind; looking at it was no attempt.
async fn put_off(ctx: &Ctx, me: Uuid, job: &Claimed) -> Result<()> {
    let mut tx = ctx.write().await?;
    tx.exec(
        sql!(
            "UPDATE job SET state = 'ready', run_at = $3, attempts = attempts - 1, locked_until = NULL, locked_by = NULL
             WHERE id = $1 AND locked_by = $2 AND state = 'running'"
        ),
        args![job.id, me, ctx.now().plus(Duration::from_secs(60))],
    )
    .await?;
    tx.commit().await
}

/// 5 s, doubled with each attempt, at most an hour, and up to a quarter more so that they spread out.
fn backoff(ctx: &Ctx, attempts: i64) -> Duration {
    let exponent = u32::try_from(attempts.clamp(1, 10) - 1).unwrap_or(0);
    let base = Duration::from_secs((5u64 << exponent).min(3600));
    base + Duration::from_millis(ctx.random().below(base.as_millis() as u64 / 4 + 1))
}
