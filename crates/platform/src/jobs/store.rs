//! Every statement on `job` and `job_schedule`.
//!
//! All that a runner writes about a job names its claim: after that ended, the job may be somebody else's.

use std::time::Duration;

use uuid::Uuid;

use super::claim::Claim;
use super::{Backlog, NewJob};
use crate::Tx;
use database::{Json, Texts};
use database::{args, row, sql};
use kernel::clock::Timestamp;
use kernel::error::Result;

row! {
    /// A job that was just claimed.
    #[derive(Debug)]
    pub(super) struct Claimed {
        pub id: Uuid,
        pub kind: String,
        pub payload: Json,
        pub attempts: i64,
    }
}

row! {
    /// A job at work, and what tells one claim and one heartbeat of it from the next.
    #[derive(Debug, Clone, PartialEq)]
    pub(super) struct Running {
        pub id: Uuid,
        pub kind: String,
        pub token: Option<Uuid>,
        pub attempts: i64,
        pub beats: i64,
        pub lease_ms: Option<i64>,
        /// Moves with the heartbeat of the previous release.
        pub locked_until: Option<Timestamp>,
    }
}

row! {
    struct Oldest { kind: String, run_at: Option<Timestamp> }
}

row! {
    struct Counted { ready: i64, running: i64, oldest: Option<Timestamp> }
}

row! {
    /// A job that was just enqueued.
    struct Queued of "job" {
        id: Uuid,
        kind: String,
        dedupe_key: Option<String>,
        payload: Json,
        state: String,
        run_at: Timestamp,
        queued_at: Timestamp,
        attempts: i64,
        customer_id: Option<Uuid>,
        created_at: Timestamp,
    }
}

pub(super) async fn insert(tx: &mut Tx, id: Uuid, job: NewJob, now: Timestamp) -> Result<bool> {
    let queued = Queued {
        id,
        kind: job.kind.to_owned(),
        dedupe_key: job.dedupe_key,
        payload: Json(job.payload),
        state: "ready".to_owned(),
        run_at: job.run_at.unwrap_or(now),
        queued_at: now,
        attempts: 0,
        customer_id: job.customer_id,
        created_at: now,
    };
    // One unfinished job of a kind has a key.
    let unless_there = "ON CONFLICT (kind, dedupe_key) WHERE state IN ('ready', 'running') DO NOTHING";
    Ok(tx.insert_records(&[&queued], unless_there).await? == [1])
}

/// Those of these kinds that have a job to do, whose oldest waits longest first.
pub(super) async fn due(tx: &mut Tx, kinds: Texts, now: Timestamp) -> Result<Vec<String>> {
    // One step into the index for each kind: however many jobs of one kind wait, they are in no other's way.
    let mut oldest: Vec<Oldest> = tx
        .all(
            sql!(
                sqlite: "SELECT k.value AS kind,
                           (SELECT run_at FROM job WHERE state = 'ready' AND kind = k.value ORDER BY run_at, id LIMIT 1) AS run_at
                         FROM json_each($1) k",
                postgres: "SELECT k AS kind,
                             (SELECT run_at FROM job WHERE state = 'ready' AND kind = k ORDER BY run_at, id LIMIT 1) AS run_at
                           FROM unnest($1::text[]) k" => Oldest
            ),
            args![kinds],
        )
        .await?;
    oldest.retain(|kind| kind.run_at.is_some_and(|at| at <= now));
    oldest.sort_by_key(|kind| kind.run_at);
    Ok(oldest.into_iter().map(|kind| kind.kind).collect())
}

/// Claims the oldest due job of a kind.
pub(super) async fn claim(
    tx: &mut Tx,
    kind: &str,
    token: Uuid,
    lease: Duration,
    now: Timestamp,
) -> Result<Option<Claimed>> {
    tx.opt(
        // SKIP LOCKED: two runners take two jobs instead of waiting for one. SQLite has one writer.
        sql!(
            sqlite: "UPDATE job SET state = 'running', attempts = attempts + 1, locked_until = $4, locked_by = $3, beats = 0,
                       lease_ms = $5
                     WHERE id = (SELECT id FROM job WHERE state = 'ready' AND kind = $1 AND run_at <= $2 ORDER BY run_at, id LIMIT 1)
                     RETURNING id, kind, payload, attempts",
            postgres: "UPDATE job SET state = 'running', attempts = attempts + 1, locked_until = $4, locked_by = $3, beats = 0,
                         lease_ms = $5
                       WHERE id = (SELECT id FROM job WHERE state = 'ready' AND kind = $1 AND run_at <= $2 ORDER BY run_at, id LIMIT 1
                                   FOR UPDATE SKIP LOCKED)
                       RETURNING id, kind, payload, attempts" => Claimed
        ),
        args![kind, now, token, now.plus(lease), millis(lease)],
    )
    .await
}

/// The jobs at work, in every process.
pub(super) async fn running(tx: &mut Tx) -> Result<Vec<Running>> {
    tx.all(
        sql!(
            "SELECT id, kind, locked_by AS token, attempts, beats, lease_ms, locked_until FROM job
             WHERE state = 'running' ORDER BY locked_until LIMIT 1000" => Running
        ),
        [],
    )
    .await
}

/// Claims a job whose claim stands still, if it still does. While its work has a transaction open, it is left alone.
pub(super) async fn take_over(
    tx: &mut Tx,
    seen: &Running,
    token: Uuid,
    lease: Duration,
    now: Timestamp,
) -> Result<Option<Claimed>> {
    tx.opt(
        // SKIP LOCKED: the claim is locked by whoever still writes under it. SQLite has one writer.
        sql!(
            sqlite: "UPDATE job SET attempts = attempts + 1, locked_until = $6, locked_by = $5, beats = 0, lease_ms = $7
                     WHERE id = $1 AND state = 'running' AND locked_by IS $2 AND attempts = $3 AND beats = $4
                     RETURNING id, kind, payload, attempts",
            postgres: "UPDATE job SET attempts = attempts + 1, locked_until = $6, locked_by = $5, beats = 0, lease_ms = $7
                       WHERE id = (SELECT id FROM job WHERE id = $1 AND state = 'running' AND locked_by IS NOT DISTINCT FROM $2
                                     AND attempts = $3 AND beats = $4 FOR UPDATE SKIP LOCKED)
                       RETURNING id, kind, payload, attempts" => Claimed
        ),
        args![seen.id, seen.token, seen.attempts, seen.beats, token, now.plus(lease), millis(lease)],
    )
    .await
}

/// A sign of life; `false` if the claim is lost.
pub(super) async fn extend(tx: &mut Tx, claim: &Claim, now: Timestamp) -> Result<bool> {
    let rows = tx
        .exec(
            sql!(
                "UPDATE job SET locked_until = $3, beats = beats + 1
                 WHERE id = $1 AND locked_by = $2 AND state = 'running'"
            ),
            args![claim.id, claim.token, now.plus(claim.lease)],
        )
        .await?;
    Ok(rows == 1)
}

/// Is the claim ours? Then it stays so until the transaction ends.
pub(super) async fn hold(tx: &mut Tx, claim: &Claim) -> Result<bool> {
    let found = tx.opt(
        // Against `take_over` and the deletion of the job, and not against heartbeats. SQLite has one writer.
        sql!(
            sqlite: "SELECT id FROM job WHERE id = $1 AND locked_by = $2 AND state = 'running'",
            postgres: "SELECT id FROM job WHERE id = $1 AND locked_by = $2 AND state = 'running' FOR KEY SHARE" => Uuid
        ),
        args![claim.id, claim.token],
    );
    Ok(found.await?.is_some())
}

pub(super) async fn done(tx: &mut Tx, claim: &Claim, now: Timestamp) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE job SET state = 'done', payload = '{}', finished_at = $3, last_error = NULL
             WHERE id = $1 AND locked_by = $2 AND state = 'running'"
        ),
        args![claim.id, claim.token, now],
    )
    .await
    .map(drop)
}

/// Deletes a job that is done and that nobody will ask about.
pub(super) async fn delete(tx: &mut Tx, claim: &Claim) -> Result<()> {
    tx.exec(
        sql!("DELETE FROM job WHERE id = $1 AND locked_by = $2 AND state = 'running'"),
        args![claim.id, claim.token],
    )
    .await
    .map(drop)
}

/// Puts a job back behind those that wait: the next part of its work is to be done.
pub(super) async fn requeue(tx: &mut Tx, claim: &Claim, now: Timestamp) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE job SET state = 'ready', run_at = $3, queued_at = $3, attempts = 0, last_error = NULL, locked_until = NULL,
               locked_by = NULL
             WHERE id = $1 AND locked_by = $2 AND state = 'running'"
        ),
        args![claim.id, claim.token, now],
    )
    .await
    .map(drop)
}

/// Puts a job back to be tried again at `run_at`.
pub(super) async fn retry(
    tx: &mut Tx,
    claim: &Claim,
    now: Timestamp,
    run_at: Timestamp,
    why: &str,
) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE job SET state = 'ready', run_at = $3, queued_at = $4, last_error = $5, locked_until = NULL, locked_by = NULL
             WHERE id = $1 AND locked_by = $2 AND state = 'running'"
        ),
        args![claim.id, claim.token, run_at, now, why],
    )
    .await
    .map(drop)
}

pub(super) async fn give_up(
    tx: &mut Tx,
    claim: &Claim,
    now: Timestamp,
    attempts: i64,
    why: &str,
) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE job SET state = 'failed', finished_at = $3, attempts = $4, last_error = $5
             WHERE id = $1 AND locked_by = $2 AND state = 'running'"
        ),
        args![claim.id, claim.token, now, attempts, why],
    )
    .await
    .map(drop)
}

/// Are there jobs that were queued later than `limit`?
pub(super) async fn has_queued_after(tx: &mut Tx, limit: Timestamp) -> Result<bool> {
    let found = tx.opt(
        sql!("SELECT id FROM job WHERE state = 'ready' AND queued_at > $1 LIMIT 1" => Uuid),
        args![limit],
    );
    Ok(found.await?.is_some())
}

/// Begins the waiting time of up to 1000 such jobs anew, now; says how many.
pub(super) async fn queue_anew(tx: &mut Tx, now: Timestamp, limit: Timestamp) -> Result<u64> {
    tx.exec(
        sql!(
            "UPDATE job SET run_at = run_at - (queued_at - $1), queued_at = $1
             WHERE id IN (SELECT id FROM job WHERE state = 'ready' AND queued_at > $2 LIMIT 1000)"
        ),
        args![now, limit],
    )
    .await
}

pub(super) async fn erase_user(tx: &mut Tx, user: Uuid) -> Result<()> {
    tx.exec(
        sql!("DELETE FROM job WHERE state <> 'done' AND payload ->> 'user' = $1"),
        args![user.to_string()],
    )
    .await
    .map(drop)
}

pub(super) async fn erase_customer(tx: &mut Tx, customer: Uuid) -> Result<()> {
    tx.exec(sql!("DELETE FROM job WHERE customer_id = $1"), args![customer]).await.map(drop)
}

/// Deletes up to 1000 jobs that ended before this time; says how many.
pub(super) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.exec(
        sql!("DELETE FROM job WHERE id IN (SELECT id FROM job WHERE finished_at <= $1 LIMIT 1000)"),
        args![before],
    )
    .await
}

pub(super) async fn unfinished(tx: &mut Tx) -> Result<i64> {
    tx.one(
        // Periodic tasks (the key of `schedule`) come and go by themselves.
        sql!(
            "SELECT count(*) AS n FROM job WHERE state IN ('ready', 'running') AND dedupe_key IS DISTINCT FROM 'periodic'" => i64
        ),
        [],
    )
    .await
}

pub(super) async fn backlog(tx: &mut Tx, now: Timestamp) -> Result<Backlog> {
    // Bounded: a million jobs that wait are told from ten thousand by their age.
    let counted = tx
        .one(
            sql!(
                "SELECT (SELECT count(*) FROM (SELECT id FROM job WHERE state = 'ready' AND run_at <= $1 LIMIT 10000) AS r) AS ready,
                   (SELECT count(*) FROM (SELECT id FROM job WHERE state = 'running' LIMIT 10000) AS w) AS running,
                   (SELECT run_at FROM job WHERE state = 'ready' AND run_at <= $1 ORDER BY run_at LIMIT 1) AS oldest" => Counted
            ),
            args![now],
        )
        .await?;
    let oldest = counted.oldest.map_or(Duration::ZERO, |at| now.since(at));
    Ok(Backlog { ready: counted.ready, running: counted.running, oldest })
}

/// When a periodic task is to run next.
pub(super) async fn next_run(tx: &mut Tx, name: &str) -> Result<Option<Timestamp>> {
    tx.opt(sql!("SELECT next_run_at FROM job_schedule WHERE name = $1" => Timestamp), args![name]).await
}

/// Plans a task that was never planned; `false` if somebody else just did.
pub(super) async fn plan(tx: &mut Tx, name: &str, next: Timestamp) -> Result<bool> {
    let rows = tx
        .exec(
            sql!(
                "INSERT INTO job_schedule (name, next_run_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"
            ),
            args![name, next],
        )
        .await?;
    Ok(rows == 1)
}

/// Plans the run after the one that was to be at `seen`; `false` if somebody else just did.
pub(super) async fn plan_next(tx: &mut Tx, name: &str, seen: Timestamp, next: Timestamp) -> Result<bool> {
    let rows = tx
        .exec(
            sql!("UPDATE job_schedule SET next_run_at = $3 WHERE name = $1 AND next_run_at = $2"),
            args![name, seen, next],
        )
        .await?;
    Ok(rows == 1)
}

fn millis(lease: Duration) -> i64 {
    i64::try_from(lease.as_millis()).unwrap_or(i64::MAX)
}
