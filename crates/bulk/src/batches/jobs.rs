//! Working on a batch, slice by slice, and housekeeping.
//!
//! One run of the durable job works until it should yield, so that other jobs get their turn, a server can stop, and a
//! run's number of tries says something about this run. Two runs of one batch at once (a server's and that of the command
//! line) do no harm: each chunk looks whether the batch is where it left it.

use std::time::Duration;

use identity::tokens::behalf;
use kernel::{Error, Kind as Failure, Result};
use platform::access::Actor;
use platform::ctx::Ctx;
use platform::jobs::{JobKind, Progress, Queue};
use serde_json::Value;
use uuid::Uuid;

use super::kinds;
use super::model::{Batch, Kind, Outcome, Slice};
use super::service::{self, ended, enqueue_in, load, load_in};
use super::store;

/// The name of the job in the queue.
pub const RUN: &str = "batch.run";

/// A slice of a batch. Tries of one slice, the last of which [`MOST_FAULTS`] turns into a failed batch long before.
pub const RUN_KIND: JobKind = JobKind {
    queue: Queue::Bulk,
    most_attempts: 30,
    ..JobKind::new(RUN, |ctx, payload| Box::pin(run(ctx, payload)))
};

/// A chunk that fails for a passing reason is tried again so often at once.
const AT_ONCE: usize = 3;
/// After so many tries in a row without progress a batch has failed.
const MOST_FAULTS: i64 = 8;
/// A batch at work that has not moved for so long has lost its job, or its job kills every runner.
const STUCK: Duration = Duration::from_secs(15 * 60);

async fn run(ctx: &Ctx, payload: Value) -> Result<Progress> {
    let id = payload["batch"].as_str().and_then(|id| Uuid::try_parse(id).ok());
    let Some(id) = id else { return Ok(Progress::Done) };
    match drive(ctx, id, Slice::begin()).await? {
        Outcome::Paused => Ok(Progress::More),
        Outcome::Finished | Outcome::Elsewhere => Ok(Progress::Done),
    }
}

/// Works on a batch until its end or that of the slice. A failure that will not pass by itself is written into the batch;
/// others come back, to be tried again later.
pub async fn drive(ctx: &Ctx, id: Uuid, slice: Slice) -> Result<Outcome> {
    let Some(batch) = begin(ctx, id).await? else { return Ok(Outcome::Elsewhere) };
    // A newer release asked for it, and a process of that release will do it.
    let kind = kinds::find(&batch.kind)
        .ok_or_else(|| Error::internal(format!("there is no kind of work {}", batch.kind)))?;
    let state = batch.state.clone();
    match work(ctx, kind, batch, slice).await {
        Ok(Outcome::Finished) => finish(ctx, id, &state).await,
        Ok(outcome) => Ok(outcome),
        Err(e) => fail(ctx, id, &state, e).await,
    }
}

/// The batch, at work; `None` if there is nothing to do.
async fn begin(ctx: &Ctx, id: Uuid) -> Result<Option<Batch>> {
    let Some(batch) = load(ctx, id).await? else { return Ok(None) };
    match batch.state.as_str() {
        "running" | "reverting" => return Ok(Some(batch)),
        "waiting" => {}
        _ => return Ok(None),
    }
    let mut tx = ctx.write().await?;
    let Some(mut batch) = load_in(&mut tx, id).await? else { return Ok(None) };
    if batch.state == "waiting" {
        let (state, now) = ("running".to_owned(), ctx.now());
        let after = Batch { state, started_at: Some(now), updated_at: now, ..batch.clone() };
        batch = service::update_in(&mut tx, &batch, after).await?;
    }
    tx.commit().await?;
    Ok(batch.is_active().then_some(batch))
}

async fn work(ctx: &Ctx, kind: &Kind, mut batch: Batch, slice: Slice) -> Result<Outcome> {
    let acting = acting(ctx, kind, &batch).await?;
    let (id, state) = (batch.id, batch.state.clone());
    for attempt in 1.. {
        let done = match (batch.state.as_str(), &kind.revert) {
            ("reverting", Some(revert)) => (revert.work)(&acting, batch, slice).await,
            ("reverting", None) => return Ok(Outcome::Elsewhere),
            _ => (kind.work)(&acting, batch, slice).await,
        };
        match done {
            // Somebody else changed a customer in the same moment, or the database was busy.
            Err(e) if matches!(e.kind(), Failure::Stale | Failure::Transient) && attempt < AT_ONCE => {
                tracing::debug!(job = %id, error = ?e, "a chunk is tried again");
            }
            done => return done,
        }
        match load(ctx, id).await? {
            Some(again) if again.is_active() && again.state == state => batch = again,
            _ => return Ok(Outcome::Elsewhere),
        }
    }
    Err(Error::internal("the loop above returns"))
}

/// The context in which the work is done: with the rights that the requester has today. 403 when that is not enough.
async fn acting(ctx: &Ctx, kind: &Kind, batch: &Batch) -> Result<Ctx> {
    let actor = Actor::stored(&batch.requester_kind, batch.requester_id)
        .ok_or_else(|| Error::internal("a batch of nobody"))?;
    let mut tx = ctx.read().await?;
    let caller = behalf::caller_in(&mut tx, actor, &batch.requester_name, ctx.now()).await?;
    drop(tx);
    let acting = ctx.behalf(caller, format!("batch-{}", batch.id), batch.dry_run);
    acting.require_staff(kind.permission)?;
    Ok(acting)
}

/// What was in this state is finished. Who cancelled it since, and perhaps asked for it to be taken back, is heard.
async fn finish(ctx: &Ctx, id: Uuid, state: &str) -> Result<Outcome> {
    let mut tx = ctx.write().await?;
    let Some(batch) = load_in(&mut tx, id).await?.filter(|batch| batch.state == state) else {
        return Ok(Outcome::Elsewhere);
    };
    let end = if state == "reverting" { "reverted" } else { "done" };
    let batch = service::end_in(&mut tx, &batch, batch.clone(), end, ctx.now()).await?;
    tx.commit().await?;
    ended(ctx, &batch).await;
    Ok(Outcome::Finished)
}

/// A refusal stays one however often it is tried. Anything else may pass.
fn is_final(e: &Error) -> bool {
    let status = e.kind().status();
    (400..500).contains(&status) && !matches!(e.kind(), Failure::Stale | Failure::TooMany)
}

async fn fail(ctx: &Ctx, id: Uuid, state: &str, e: Error) -> Result<Outcome> {
    let mut tx = ctx.write().await?;
    let in_state = |batch: &Batch| batch.is_active() && batch.state == state;
    let Some(before) = load_in(&mut tx, id).await?.filter(in_state) else {
        return Ok(Outcome::Elsewhere);
    };
    let mut batch = Batch { faults: before.faults + 1, ..before.clone() };
    if !is_final(&e) && batch.faults < MOST_FAULTS {
        batch.updated_at = ctx.now();
        service::update_in(&mut tx, &before, batch).await?;
        tx.commit().await?;
        return Err(e);
    }
    // A refusal is for whoever asked, and the job tells it.
    if is_final(&e) {
        tracing::info!(job = %id, kind = batch.kind, error = ?e, "a job of somebody was refused");
    } else {
        tracing::error!(job = %id, kind = batch.kind, error = ?e, "a job of somebody failed");
    }
    let told = match e.kind() {
        Failure::Internal => {
            "Something went wrong on our side; the log has it under the id of this job".to_owned()
        }
        _ => e.detail().to_owned(),
    };
    (batch.error_code, batch.error) = (Some(e.code().to_owned()), Some(told));
    let batch = service::end_in(&mut tx, &before, batch, "failed", ctx.now()).await?;
    tx.commit().await?;
    ended(ctx, &batch).await;
    Ok(Outcome::Finished)
}

/// Housekeeping: puts batches back to work whose job was lost, and gives up those that kill every process.
pub async fn revive(ctx: &Ctx) -> Result<Progress> {
    let mut tx = ctx.read().await?;
    let stuck = store::stuck(&mut tx, ctx.now().minus(STUCK)).await?;
    drop(tx);
    // Those of a newer release are left to its processes.
    for batch in stuck.into_iter().filter(|batch| kinds::find(&batch.kind).is_some()) {
        tracing::warn!(job = %batch.id, kind = batch.kind, "a job has not moved for long; it is begun again");
        let lost = Error::internal("the process that worked on it died, again and again");
        match fail(ctx, batch.id, &batch.state, lost).await {
            Ok(_) => {}
            Err(e) if e.kind() == Failure::Stale => {}
            Err(e) if e.kind() == Failure::Internal => {
                let mut tx = ctx.write().await?;
                enqueue_in(ctx, &mut tx, batch.id).await?;
                tx.commit().await?;
            }
            Err(e) => return Err(e),
        }
    }
    Ok(Progress::Done)
}

/// Housekeeping: deletes batches and their reports some time after their end, in bounded steps.
pub async fn purge(ctx: &Ctx) -> Result<Progress> {
    let before = ctx.now().minus(ctx.app().config.jobs_kept);
    loop {
        let mut tx = ctx.read().await?;
        let Some(batch) = store::expired(&mut tx, before).await? else { return Ok(Progress::Done) };
        drop(tx);
        ended(ctx, &batch).await;
        loop {
            let mut tx = ctx.write().await?;
            let deleted = store::delete_lines(&mut tx, batch.id).await?;
            if deleted == 0 {
                store::delete(&mut tx, batch.id).await?;
            }
            tx.commit().await?;
            if ctx.should_yield() {
                return Ok(Progress::More);
            }
            if deleted == 0 {
                break;
            }
        }
    }
}
