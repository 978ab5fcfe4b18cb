//! Kinds of work, and what a chunk of it did.

use std::time::Duration;

use database::{Json, Versioned, column, row};
use kernel::Result;
use kernel::clock::Timestamp;
use platform::access::Permission;
use platform::app::BoxFuture;
use platform::ctx::Ctx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

/// How long one run works before it makes way for other jobs, and for a server that wants to stop.
const SLICE: Duration = Duration::from_secs(2);

row! {
    /// Long work that somebody asked for.
    #[derive(Debug, Clone)]
    pub struct Batch in "b" of "batch" {
        /// UUIDv7.
        pub id: Uuid,
        /// Such as `bulk_update`.
        pub kind: String,
        /// waiting, running, done, failed, cancelled, reverting, reverted.
        pub state: String,
        /// Only says what would be done.
        pub dry_run: bool,
        /// `user`, `api_key` or `system`.
        pub requester_kind: String,
        /// The user or the key.
        pub requester_id: Option<Uuid>,
        /// As whom they appeared when they asked.
        pub requester_name: String,
        /// Their role then.
        pub requester_role: String,
        /// Their company then.
        pub company_id: Option<Uuid>,
        /// In the words of the kind.
        pub spec: Json,
        /// The file that is worked on.
        pub input: Option<String>,
        /// Where to go on, in the words of the kind; empty at the beginning.
        pub position: String,
        /// Rows, once that is known.
        pub total: Option<i64>,
        /// Rows that have a verdict.
        pub processed: i64,
        /// New customers.
        pub created: i64,
        /// Changed customers.
        pub updated: i64,
        /// Rows that say what is stored.
        pub unchanged: i64,
        /// Rows left out on purpose.
        pub skipped: i64,
        /// Rows that mean the same customer as one before.
        pub duplicate: i64,
        /// Rows refused.
        pub failed: i64,
        /// Tries in a row that got no further.
        pub faults: i64,
        /// Why it failed as a whole.
        pub error_code: Option<String>,
        /// The same for people.
        pub error: Option<String>,
        /// When the work began.
        pub started_at: Option<Timestamp>,
        /// When it ended.
        pub finished_at: Option<Timestamp>,
        /// When it was asked for.
        pub created_at: Timestamp,
        /// The latest progress.
        pub updated_at: Timestamp,
        /// Counts changes.
        pub version: i64,
    }
}

impl Versioned for Batch {
    const CHANGEABLE: &'static str = "true";
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        self.version
    }
}

/// Works on a batch from its position until there is no more, the slice is over, or somebody else has moved it.
pub type Work = for<'a> fn(&'a Ctx, Batch, Slice) -> BoxFuture<'a, Result<Outcome>>;

/// What follows the end of a batch.
pub type Ended = for<'a> fn(&'a Ctx, &'a Batch) -> BoxFuture<'a, Result<()>>;

/// A kind of work: its name in the rows, and what it does. It registers itself, so that this feature names none.
pub struct Kind {
    /// Such as `bulk_update`.
    pub name: &'static str,
    /// Who asks for it, cancels and reverts it needs this; looked at again in every slice.
    pub permission: Permission,
    /// Does the work, with the rights that the requester has now.
    pub work: Work,
    /// Takes back what was done, if that can be done.
    pub revert: Option<Revert>,
    /// Called after the end, whatever it was, perhaps more than once: deletes files.
    pub ended: Option<Ended>,
    /// Is the spec needed after the end? Else it is forgotten: it may name customers.
    pub keeps_spec: bool,
}

inventory::collect!(Kind);

/// Taking back what a job did, chunk by chunk.
pub struct Revert {
    /// Who asks for it needs this besides.
    pub permission: Permission,
    /// Does it.
    pub work: Work,
}

/// One column of the file and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ImportColumn)]
pub struct Column {
    /// As the file names it.
    pub name: String,
    /// The member that it is, `metadata.` and a key, or null if it is ignored.
    pub member: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is left to do.
    Finished,
    /// The slice was over.
    Paused,
    /// It was cancelled, or somebody else works on it: nothing to do here.
    Elsewhere,
}

/// The time that one run may take. Ask after every chunk.
#[derive(Debug, Clone, Copy)]
pub struct Slice(Instant);

impl Slice {
    /// Begins now.
    pub fn begin() -> Slice {
        Slice(Instant::now() + SLICE)
    }
    /// Is the time over, or should a job make way?
    pub fn is_over(&self, ctx: &Ctx) -> bool {
        Instant::now() >= self.0 || ctx.should_yield()
    }
}

/// What is asked for.
#[derive(Debug)]
pub struct NewBatch {
    /// Name of the kind.
    pub kind: &'static str,
    /// Only say what would be done.
    pub dry_run: bool,
    /// In the words of the kind.
    pub spec: Value,
    /// The file that is worked on.
    pub input: Option<String>,
    /// Rows, if that is known.
    pub total: Option<i64>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Verdict {
    /// A new customer.
    Created,
    /// A changed one.
    Updated,
    /// It says what is stored.
    Unchanged,
    /// Left out on purpose.
    Skipped,
    /// Means the same customer as a row before it.
    Duplicate,
    /// Refused; code and message say why.
    Failed,
}

column!(Verdict as String, |verdict| verdict.as_str().to_owned(), |text| {
    let known = Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == text);
    known.ok_or_else(|| format!("{text} is no verdict").into())
});

impl Verdict {
    /// All of them.
    pub const ALL: [Verdict; 6] = [
        Verdict::Created,
        Verdict::Updated,
        Verdict::Unchanged,
        Verdict::Skipped,
        Verdict::Duplicate,
        Verdict::Failed,
    ];
    /// The words of all of them.
    pub const WORDS: &'static [&'static str] =
        &["created", "updated", "unchanged", "skipped", "duplicate", "failed"];

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Created => "created",
            Verdict::Updated => "updated",
            Verdict::Unchanged => "unchanged",
            Verdict::Skipped => "skipped",
            Verdict::Duplicate => "duplicate",
            Verdict::Failed => "failed",
        }
    }
}

row! {
    /// A line of the report.
    #[derive(Debug, Clone)]
    pub struct NewRow {
        /// Its number, from 1; a file's row.
        pub n: i64,
        /// What became of it.
        pub verdict: Verdict,
        /// The customer.
        pub customer: Option<Uuid> as "customer_id",
        /// The version that this work left.
        pub version: Option<i64> as "customer_version",
        /// Tells apart rows of one file that mean the same customer.
        pub key_hash: Option<Vec<u8>>,
        /// What a revert needs.
        pub before: Option<Json>,
        /// Error code.
        pub code: Option<String>,
        /// For people.
        pub message: Option<String>,
    } writes
}

row! {
    /// The same as it is stored.
    pub struct BatchRow of "batch_row" {
        /// Of which batch.
        pub batch_id: Uuid,
        /// The line.
        pub row: NewRow,
    }
}

impl NewRow {
    /// A line about a customer, or about none.
    pub fn new(n: i64, verdict: Verdict, customer: Option<Uuid>) -> NewRow {
        NewRow {
            n,
            verdict,
            customer,
            version: None,
            key_hash: None,
            before: None,
            code: None,
            message: None,
        }
    }
    /// A refusal and why.
    pub fn failed(n: i64, customer: Option<Uuid>, e: &kernel::Error) -> NewRow {
        let (code, message) = (Some(e.code().to_owned()), Some(e.detail().to_owned()));
        NewRow { code, message, ..NewRow::new(n, Verdict::Failed, customer) }
    }
}

/// How many rows had which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of Verdict")]
pub struct Counts {
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub skipped: i64,
    pub duplicate: i64,
    pub failed: i64,
}

impl Counts {
    /// Counts lines.
    pub fn of(rows: &[NewRow]) -> Counts {
        let mut counts = Counts::default();
        for row in rows {
            *match row.verdict {
                Verdict::Created => &mut counts.created,
                Verdict::Updated => &mut counts.updated,
                Verdict::Unchanged => &mut counts.unchanged,
                Verdict::Skipped => &mut counts.skipped,
                Verdict::Duplicate => &mut counts.duplicate,
                Verdict::Failed => &mut counts.failed,
            } += 1;
        }
        counts
    }
    /// All together.
    pub fn sum(&self) -> i64 {
        self.created + self.updated + self.unchanged + self.skipped + self.duplicate + self.failed
    }
}

impl Batch {
    /// Is it waiting, at work, or being reverted?
    pub fn is_active(&self) -> bool {
        matches!(self.state.as_str(), "waiting" | "running" | "reverting")
    }

    /// How much is done, 0 to 100; `None` while nobody knows how much there is. 100 is kept for the end.
    pub fn percent(&self) -> Option<i64> {
        if matches!(self.state.as_str(), "done" | "reverted") {
            return Some(100);
        }
        match self.total {
            Some(total) if total > 0 => Some((self.processed.saturating_mul(100) / total).min(99)),
            Some(_) => Some(0),
            // Of a file the size is known before the rows are.
            None => {
                let size = self.spec.0.get("size").and_then(Value::as_i64).filter(|size| *size > 0)?;
                let place: Value = serde_json::from_str(&self.position).unwrap_or_default();
                Some((place["offset"].as_i64().unwrap_or(0).saturating_mul(100) / size).min(99))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_counted_once() {
        let all = Verdict::ALL;
        assert_eq!(all.map(Verdict::as_str), Verdict::WORDS);
        let rows: Vec<NewRow> =
            (1..).zip(all).flat_map(|(n, verdict)| vec![NewRow::new(n, verdict, None); n as usize]).collect();
        let counts = Counts::of(&rows);
        assert_eq!((counts.created, counts.updated, counts.unchanged), (1, 2, 3));
        assert_eq!((counts.skipped, counts.duplicate, counts.failed), (4, 5, 6));
        assert_eq!(counts.sum(), rows.len() as i64);
    }
}
