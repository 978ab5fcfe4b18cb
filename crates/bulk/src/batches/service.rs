//! Use cases on batches. The `_in` forms are what a kind of work is made of.

use database::{Ids, Json, Texts};
use kernel::clock::Timestamp;
use kernel::web::list::{ListRequest, Total};
use kernel::{Error, Kind as Failure, Result};
use platform::Tx;
use platform::access::{Actor, Permission};
use platform::ctx::Ctx;
use platform::event::Event;
use platform::jobs::{self as queue, NewJob};
use serde_json::json;
use uuid::Uuid;

use super::jobs::RUN;
use super::kinds;
pub use super::model::{Batch, Counts, Kind, NewBatch, NewRow, Outcome, Revert, Slice, Verdict};
use super::store::{self, Viewer};
pub use super::store::{Line, RevertRow};

/// Beyond this a list of jobs is not counted.
const COUNTED: u64 = 10_000;

/// What a chunk did.
#[derive(Debug, Default)]
pub struct Done {
    /// Where to go on.
    pub position: String,
    /// All rows, if that became known.
    pub total: Option<i64>,
    /// The lines of the report; the counters follow from them.
    pub rows: Vec<NewRow>,
}

/// Asks for work in the caller's transaction; a process with jobs begins with it after the commit.
pub async fn create_in(ctx: &Ctx, tx: &mut Tx, new: NewBatch) -> Result<Batch> {
    let batch = insert_in(ctx, tx, new).await?;
    enqueue_in(ctx, tx, batch.id).await?;
    Ok(batch)
}

/// Asks for work that the caller's process does itself, with [`super::jobs::drive`].
pub async fn create_own_in(ctx: &Ctx, tx: &mut Tx, new: NewBatch) -> Result<Batch> {
    insert_in(ctx, tx, new).await
}

async fn insert_in(ctx: &Ctx, tx: &mut Tx, new: NewBatch) -> Result<Batch> {
    let (caller, now) = (ctx.caller()?, ctx.now());
    let actor = caller.actor();
    let batch = Batch {
        id: ctx.new_id(),
        kind: new.kind.to_owned(),
        state: "waiting".to_owned(),
        dry_run: new.dry_run,
        requester_kind: actor.kind().to_owned(),
        requester_id: actor.id(),
        requester_name: caller.name.clone(),
        requester_role: caller.role.clone(),
        company_id: caller.company_id,
        spec: Json(new.spec),
        input: new.input,
        position: String::new(),
        total: new.total,
        processed: 0,
        created: 0,
        updated: 0,
        unchanged: 0,
        skipped: 0,
        duplicate: 0,
        failed: 0,
        faults: 0,
        error_code: None,
        error: None,
        started_at: None,
        finished_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    store::insert(tx, &batch).await?;
    ctx.record(tx, event("job.created", &batch).note("kind", new.kind).note("dry_run", new.dry_run)).await?;
    Ok(batch)
}

fn event(action: &'static str, batch: &Batch) -> Event {
    Event::new(action, "job", batch.id, batch.id.to_string()).of_company(batch.company_id)
}

/// Lets a process with jobs go on with a batch.
pub(super) async fn enqueue_in(ctx: &Ctx, tx: &mut Tx, id: Uuid) -> Result<()> {
    queue::enqueue(ctx, tx, NewJob::new(RUN, json!({ "batch": id }))).await.map(drop)
}

/// Who may look at jobs, and at whose.
fn viewer(ctx: &Ctx) -> Result<Viewer> {
    let scope = ctx.require_staff(Permission::CustomersRead)?;
    Ok(Viewer { all: scope.all(), actor: ctx.caller()?.actor() })
}

/// Who may decide about jobs: whoever changes customers, and what the kind asks for besides.
fn decider(ctx: &Ctx) -> Result<Viewer> {
    ctx.require_staff(Permission::CustomersWrite)?;
    viewer(ctx)
}

fn not_found() -> Error {
    Error::not_found("JOB_NOT_FOUND", "Job not found")
}

/// One job that the caller may see: its own, or anybody's for a role that reaches everything. 404.
pub async fn get(ctx: &Ctx, reference: &str) -> Result<Batch> {
    let viewer = viewer(ctx)?;
    let mut tx = ctx.read().await?;
    find_in(&mut tx, viewer, reference).await
}

async fn find_in(tx: &mut Tx, viewer: Viewer, reference: &str) -> Result<Batch> {
    let id = Uuid::try_parse(reference).map_err(|_| not_found())?;
    store::find(tx, viewer, id).await?.ok_or_else(not_found)
}

/// The same, and it stays as it is until the transaction ends: a chunk that is being written has come to its end.
async fn lock_one_in(tx: &mut Tx, viewer: Viewer, reference: &str) -> Result<Batch> {
    let id = Uuid::try_parse(reference).map_err(|_| not_found())?;
    store::find_locked(tx, viewer, id).await?.ok_or_else(not_found)
}

/// A page of the jobs that the caller may see, and how many there are.
pub async fn list(ctx: &Ctx, request: &ListRequest) -> Result<(Vec<Batch>, Total)> {
    let viewer = viewer(ctx)?;
    let mut tx = ctx.read().await?;
    let rows = store::page(&mut tx, viewer, request).await?;
    let found = store::count_up_to(&mut tx, viewer, request, COUNTED).await?;
    Ok((rows, Total::bounded(found, COUNTED)))
}

/// A thousand lines of a job's report after line `after`, of one verdict or of all (empty). Customers who are out of the
/// caller's reach by now are not named.
pub async fn lines(ctx: &Ctx, batch: &Batch, after: i64, verdict: &str) -> Result<Vec<Line>> {
    let scope = ctx.require_staff(Permission::CustomersRead)?;
    let mut tx = ctx.read().await?;
    store::lines(&mut tx, &scope, batch.id, after, verdict).await
}

/// Stops a job before its next chunk. What is done stays done. 409 `JOB_FINISHED` when there is nothing left to stop.
pub async fn cancel(ctx: &Ctx, reference: &str) -> Result<Batch> {
    let viewer = decider(ctx)?;
    let mut tx = ctx.write().await?;
    let mut batch = lock_one_in(&mut tx, viewer, reference).await?;
    require_kind(ctx, &batch)?;
    match batch.state.as_str() {
        "waiting" | "running" => {
            batch = end_in(&mut tx, &batch, batch.clone(), "cancelled", ctx.now()).await?;
            ctx.record(&mut tx, event("job.cancelled", &batch)).await?;
        }
        "cancelled" => {}
        _ => {
            return Err(Error::conflict("JOB_FINISHED", "The job is no longer waiting or running"));
        }
    }
    tx.commit().await?;
    ended(ctx, &batch).await;
    Ok(batch)
}

/// Takes back what a job did, as far as nobody changed it since; a job again, of the same id. 409 `JOB_NOT_REVERTIBLE`
/// for kinds that cannot, for dry runs, and for a job that has not ended.
pub async fn revert(ctx: &Ctx, reference: &str) -> Result<Batch> {
    let viewer = decider(ctx)?;
    let mut tx = ctx.write().await?;
    let mut batch = lock_one_in(&mut tx, viewer, reference).await?;
    let kind = require_kind(ctx, &batch)?;
    let refused = |why: &'static str| Err(Error::conflict("JOB_NOT_REVERTIBLE", why));
    let Some(revert) = &kind.revert else {
        return refused("A job of this kind cannot be reverted; its report says what it changed");
    };
    ctx.require_staff(revert.permission)?;
    if batch.dry_run {
        return refused("A dry run changed nothing that could be reverted");
    }
    match batch.state.as_str() {
        "done" | "failed" | "cancelled" => {
            let after = Batch {
                state: "reverting".to_owned(),
                position: String::new(),
                error_code: None,
                error: None,
                finished_at: None,
                faults: 0,
                updated_at: ctx.now(),
                ..batch.clone()
            };
            batch = update_in(&mut tx, &batch, after).await?;
            ctx.record(&mut tx, event("job.reverted", &batch)).await?;
            enqueue_in(ctx, &mut tx, batch.id).await?;
        }
        "reverting" | "reverted" => {}
        _ => return refused("The job has not ended; cancel it first"),
    }
    tx.commit().await?;
    Ok(batch)
}

/// May the caller decide about a job of this kind? 403.
fn require_kind(ctx: &Ctx, batch: &Batch) -> Result<&'static Kind> {
    let kind = kinds::find(&batch.kind).ok_or_else(|| {
        Error::conflict("JOB_UNKNOWN_KIND", "A newer release created this job; this one cannot run it")
    })?;
    ctx.require_staff(kind.permission)?;
    Ok(kind)
}

/// Writes a loaded batch back.
pub(super) async fn update_in(tx: &mut Tx, before: &Batch, mut after: Batch) -> Result<Batch> {
    store::update(tx, before, &after).await?;
    after.version += 1;
    Ok(after)
}

/// Writes the end of a loaded batch, `after` with what else changed. What the spec says is forgotten with it, unless the kind goes on needing it.
pub(super) async fn end_in(
    tx: &mut Tx,
    before: &Batch,
    mut after: Batch,
    state: &str,
    now: Timestamp,
) -> Result<Batch> {
    state.clone_into(&mut after.state);
    after.finished_at = Some(now);
    after.updated_at = now;
    // What was counted before the work began may have become more or less by now.
    if state == "done" {
        after.total = Some(after.processed);
    }
    if !kinds::find(&after.kind).is_some_and(|kind| kind.keeps_spec) {
        after.spec = Json(json!({}));
    }
    update_in(tx, before, after).await
}

/// What a kind does after the end. It may happen again when the batch is purged, so a failure here is only logged.
pub(super) async fn ended(ctx: &Ctx, batch: &Batch) {
    let Some(ended) = kinds::find(&batch.kind).and_then(|kind| kind.ended) else { return };
    if let Err(e) = ended(ctx, batch).await {
        tracing::warn!(job = %batch.id, error = ?e, "cannot tidy up after a job; it is tried again when it is purged");
    }
}

// ── What a chunk is made of ─────────────────────────────────────────────────────────────────────────

/// The first statement of a chunk's transaction: is the batch still at work and where we know it? If not, somebody
/// cancelled it or works on it too; drop the transaction and answer [`Outcome::Elsewhere`].
pub async fn lock_in(tx: &mut Tx, batch: &Batch) -> Result<bool> {
    store::lock(tx, batch.id, batch.version).await
}

/// The last of it: writes the lines of the report and moves position and counters.
pub async fn advance_in(ctx: &Ctx, tx: &mut Tx, mut batch: Batch, done: Done) -> Result<Batch> {
    let counts = Counts::of(&done.rows);
    let total = done.total.or(batch.total);
    store::insert_rows(tx, batch.id, done.rows).await?;
    store::advance(tx, &batch, &done.position, total, &counts, ctx.now()).await?;
    batch.position = done.position;
    batch.total = total;
    batch.processed += counts.sum();
    batch.created += counts.created;
    batch.updated += counts.updated;
    batch.unchanged += counts.unchanged;
    batch.skipped += counts.skipped;
    batch.duplicate += counts.duplicate;
    batch.failed += counts.failed;
    batch.faults = 0;
    batch.version += 1;
    Ok(batch)
}

/// A neighbour wrote the same address in the same moment: what a chunk looked up before it wrote is out of date, and tried
/// again it sees the neighbour. Other conflicts are verdicts about rows, and no failure of a chunk.
pub fn passing(e: Error) -> Error {
    match e.kind() {
        Failure::Conflict => Error::new(Failure::Stale, "CONFLICT", e.detail().to_owned()).with_source(e),
        _ => e,
    }
}

/// Which of these keys (hexadecimal) and customers earlier rows of the batch have.
pub async fn seen_in(
    tx: &mut Tx,
    batch: &Batch,
    keys: Texts,
    customers: Ids,
) -> Result<(Vec<String>, Vec<Uuid>)> {
    let keys = store::known_keys(tx, batch.id, keys).await?;
    Ok((keys, store::known_customers(tx, batch.id, customers).await?))
}

/// The lines that a revert comes to next: 500 before line `before`, last first. Begin with `i64::MAX`.
pub async fn kept_in(tx: &mut Tx, batch: &Batch, before: i64) -> Result<Vec<RevertRow>> {
    store::kept_before(tx, batch.id, before).await
}

/// Like [`advance_in`] for a revert: the lines are those of [`kept_in`] with what became of them, and the counters stay.
pub async fn revert_in(
    ctx: &Ctx,
    tx: &mut Tx,
    mut batch: Batch,
    position: String,
    rows: &[NewRow],
) -> Result<Batch> {
    store::set_verdicts(tx, batch.id, rows).await?;
    store::advance(tx, &batch, &position, batch.total, &Counts::default(), ctx.now()).await?;
    batch.position = position;
    batch.version += 1;
    Ok(batch)
}

/// The batches of a kind that wait or are at work.
pub async fn active_in(tx: &mut Tx, kind: &str) -> Result<Vec<Uuid>> {
    store::active(tx, kind).await
}

/// Takes a customer out of the reports: part of erasing it.
pub async fn erase_in(tx: &mut Tx, customer: Uuid) -> Result<()> {
    store::erase_customer(tx, customer).await
}

/// The batch, whoever asks.
pub(super) async fn load(ctx: &Ctx, id: Uuid) -> Result<Option<Batch>> {
    let mut tx = ctx.read().await?;
    store::find(&mut tx, EVERYBODY, id).await
}

/// The batch in the caller's transaction, whoever asks; until its end nobody else changes it.
pub(super) async fn load_in(tx: &mut Tx, id: Uuid) -> Result<Option<Batch>> {
    store::find_locked(tx, EVERYBODY, id).await
}

/// For the work itself, which no caller asks for.
const EVERYBODY: Viewer = Viewer { all: true, actor: Actor::System };
