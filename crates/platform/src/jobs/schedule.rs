//! Periodic tasks: a row says when each is to run next, in the whole deployment; when it is due, whoever sees it first
//! plans the next run and enqueues a job, in one transaction. So a server that is restarted every day still comes to what
//! is done every day, and many processes do it once.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{NewJob, POLL, Periodic, enqueue, store};
use crate::app::App;
use crate::ctx::Ctx;
use kernel::clock::Timestamp;
use kernel::error::{Error, Result};

/// So far the clocks of two processes may be apart. A time beyond that comes from a clock that was set back since.
const SKEW: Duration = Duration::from_secs(300);
/// The key under which a task has at most one unfinished job.
const KEY: &str = "periodic";

/// Enqueues what is due until `stop` says so.
pub(super) async fn run(app: App, tasks: &[Periodic], mut stop: watch::Receiver<bool>) {
    let ctx = app.system("schedule");
    let mut rests: HashMap<&str, Instant> = HashMap::new();
    while !*stop.borrow() {
        for task in tasks {
            let now = Instant::now();
            if rests.get(task.job.name).is_some_and(|until| now < *until) {
                continue;
            }
            let done = AssertUnwindSafe(look(&ctx, task)).catch_unwind().await;
            let rest = done.unwrap_or_else(|_| Err(Error::internal("the look panicked"))).unwrap_or_else(|e| {
                tracing::warn!(task = task.job.name, error = ?e, "cannot see to a periodic task; trying again");
                task.every.min(5 * POLL)
            });
            rests.insert(task.job.name, now + rest);
        }
        if let Err(e) = mend(&ctx).await {
            tracing::warn!(error = ?e, "cannot look for jobs from a clock that was set back; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            changed = stop.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

/// Enqueues what is due now: for tests and the command line.
pub async fn enqueue_due(app: &App, tasks: &[Periodic]) -> Result<()> {
    let ctx = app.system("schedule");
    for task in tasks {
        look(&ctx, task).await?;
    }
    mend(&ctx).await
}

/// Enqueues the task's job if it is due. The time until the next look.
async fn look(ctx: &Ctx, task: &Periodic) -> Result<Duration> {
    let name = task.job.name;
    if let Some(wanted) = task.wanted
        && !wanted(ctx).await?
    {
        return Ok(task.every);
    }
    let now = ctx.now();
    let next = store::next_run(&mut ctx.read().await?, name).await?;
    // However far it is: the clock may be set meanwhile.
    let rest = |at: Timestamp| at.since(now).min(10 * POLL);
    match next {
        None => {
            let first = if task.wanted.is_some() { now } else { now.plus(task.every) };
            let mut tx = ctx.write().await?;
            store::plan(&mut tx, name, first).await?;
            tx.commit().await?;
            Ok(rest(first))
        }
        // Later than it can be: planned by a clock that was set back since, or by a release with another period.
        Some(at) if at > now && at <= now.plus(task.every + SKEW) => Ok(rest(at)),
        Some(at) => {
            let next = now.plus(task.every);
            let mut tx = ctx.write().await?;
            if store::plan_next(&mut tx, name, at, next).await? {
                enqueue(ctx, &mut tx, NewJob::new(name, Value::Null).dedupe(KEY)).await?;
            }
            tx.commit().await?;
            Ok(rest(next))
        }
    }
}

/// Jobs that were queued by a clock that was set back since would wait for it to come round again: their waiting time
/// begins anew.
async fn mend(ctx: &Ctx) -> Result<()> {
    let limit = ctx.now().plus(SKEW);
    while store::has_queued_after(&mut ctx.read().await?, limit).await? {
        let mut tx = ctx.write().await?;
        let n = store::queue_anew(&mut tx, ctx.now(), limit).await?;
        tx.commit().await?;
        tracing::warn!(
            jobs = n,
            "jobs were queued in the future: the clock was set back; they wait from now"
        );
    }
    Ok(())
}
