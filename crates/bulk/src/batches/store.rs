//! Every statement on `batch` and `batch_row`.

use database::{Ids, Json, Texts, Where};
use database::{args, row, sql};
use kernel::Result;
use kernel::clock::Timestamp;
use kernel::web::list::{Accepts, Filter, Key, Keyed, Kind, ListRequest, ListSpec, Sort};
use platform::Tx;
use platform::access::{Actor, Scope};
use uuid::Uuid;

use super::model::{Batch, BatchRow, Counts, NewRow, Verdict};

row! {
    /// A line of the report.
    pub struct Line {
        /// Its number.
        pub n: i64,
        /// What became of it.
        pub verdict: Verdict,
        /// `CUST_…`, unless the customer was erased or is out of reach.
        pub customer_id: Option<String>,
        /// Error code.
        pub code: Option<String>,
        /// For people.
        pub message: Option<String>,
    }
}

row! {
    /// What a revert needs of a line.
    #[derive(Debug, Clone)]
    pub struct RevertRow {
        /// Its number.
        pub n: i64,
        /// What became of it.
        pub verdict: Verdict,
        /// The customer.
        pub customer_id: Option<Uuid>,
        /// The version that the work left.
        pub customer_version: Option<i64>,
        /// What it was before.
        pub before: Option<Json>,
        /// What an earlier revert said of it.
        pub code: Option<String>,
    }
}

/// The states of a job.
pub const STATES: &[&str] = &["waiting", "running", "done", "failed", "cancelled", "reverting", "reverted"];

/// What a list of jobs can be sorted and filtered by.
pub const SPEC: ListSpec = ListSpec {
    resource: "jobs",
    sorts: &[Sort { name: "created_at", column: "b.created_at", kind: Kind::Time, nullable: false }],
    filters: &[
        Filter {
            name: "state",
            sql: "b.state = ",
            kind: Accepts::OneOf(STATES),
            doc: "Only jobs in this state.",
        },
        Filter {
            name: "kind",
            sql: "b.kind = ",
            kind: Accepts::Text(str::to_owned),
            doc: "Only jobs of this kind, such as bulk_update.",
        },
    ],
    default_sort: "-created_at",
};

impl Keyed for Batch {
    fn id(&self) -> Uuid {
        self.id
    }
    fn sort_key(&self, _: &str) -> Key {
        Key::Time(self.created_at)
    }
}

macro_rules! batches_where {
    ($rest:literal) => {
        database::text!("SELECT ", <Batch as database::FromRow>::SELECT, " FROM batch b WHERE true ", $rest)
    };
}

/// Whose jobs somebody may see: their own, or everybody's.
#[derive(Debug, Clone, Copy)]
pub struct Viewer {
    /// Everybody's.
    pub all: bool,
    /// Their own.
    pub actor: Actor,
}

pub async fn insert(tx: &mut Tx, batch: &Batch) -> Result<()> {
    tx.insert_records(&[batch], "").await.map(drop)
}

/// A job that the viewer may see.
pub async fn find(tx: &mut Tx, viewer: Viewer, id: Uuid) -> Result<Option<Batch>> {
    tx.opt(
        sql!(batches_where!("AND b.id = $1 AND ($2 OR (b.requester_kind = $3 AND b.requester_id = $4))") => Batch),
        args![id, viewer.all, viewer.actor.kind(), viewer.actor.id()],
    )
    .await
}

/// The same, and nobody else changes it until the transaction ends.
pub async fn find_locked(tx: &mut Tx, viewer: Viewer, id: Uuid) -> Result<Option<Batch>> {
    tx.opt(
        // SQLite has one writer.
        sql!(
            sqlite: batches_where!("AND b.id = $1 AND ($2 OR (b.requester_kind = $3 AND b.requester_id = $4))"),
            postgres: batches_where!("AND b.id = $1 AND ($2 OR (b.requester_kind = $3 AND b.requester_id = $4)) FOR UPDATE") => Batch
        ),
        args![id, viewer.all, viewer.actor.kind(), viewer.actor.id()],
    )
    .await
}

/// Is it at work, and still as it was loaded? Then nobody else moves it until the transaction ends.
pub async fn lock(tx: &mut Tx, id: Uuid, version: i64) -> Result<bool> {
    let found = tx.opt(
        // SQLite has one writer.
        sql!(
            sqlite: "SELECT id FROM batch WHERE id = $1 AND version = $2 AND state IN ('running', 'reverting')",
            postgres: "SELECT id FROM batch WHERE id = $1 AND version = $2 AND state IN ('running', 'reverting') FOR UPDATE" => Uuid
        ),
        args![id, version],
    );
    Ok(found.await?.is_some())
}

/// Moves a batch on. `Stale` if somebody else did.
pub async fn advance(
    tx: &mut Tx,
    batch: &Batch,
    position: &str,
    total: Option<i64>,
    counts: &Counts,
    now: Timestamp,
) -> Result<()> {
    tx.exec_versioned(
        sql!(
            "UPDATE batch SET position = $3, total = $4, processed = processed + $5, created = created + $6,
               updated = updated + $7, unchanged = unchanged + $8, skipped = skipped + $9, duplicate = duplicate + $10,
               failed = failed + $11, faults = 0, updated_at = $12, version = version + 1
             WHERE id = $1 AND version = $2"
        ),
        args![
            batch.id, batch.version, position, total, counts.sum(), counts.created, counts.updated, counts.unchanged,
            counts.skipped, counts.duplicate, counts.failed, now
        ],
    )
    .await
}

/// Writes a loaded batch back, before and after. `Stale` if somebody else was faster.
pub async fn update(tx: &mut Tx, before: &Batch, after: &Batch) -> Result<()> {
    tx.update_records(&[(before, after)]).await
}

pub async fn insert_rows(tx: &mut Tx, batch_id: Uuid, rows: Vec<NewRow>) -> Result<()> {
    let rows: Vec<BatchRow> = rows.into_iter().map(|row| BatchRow { batch_id, row }).collect();
    tx.insert_records(&rows.iter().collect::<Vec<_>>(), "").await.map(drop)
}

fn seen_by(viewer: Viewer) -> Where<'static> {
    let mut conditions = Where::new();
    if !viewer.all {
        let (kind, id) = (viewer.actor.kind(), viewer.actor.id());
        conditions.and_one("b.requester_kind = ?", kind).and_one("b.requester_id = ?", id);
    }
    conditions
}

/// A page of jobs and one more.
pub async fn page(tx: &mut Tx, viewer: Viewer, request: &ListRequest) -> Result<Vec<Batch>> {
    tx.page(sql!(batches_where!("") => Batch), request, "b.id", seen_by(viewer)).await
}

/// How many there are, counted up to `bound` + 1.
pub async fn count_up_to(tx: &mut Tx, viewer: Viewer, request: &ListRequest, bound: u64) -> Result<u64> {
    let base = sql!("SELECT b.version AS n FROM batch b WHERE true" => i64);
    tx.count_up_to(base, request, seen_by(viewer), bound).await
}

/// Those of these keys (hexadecimal) that lines of the batch have.
pub async fn known_keys(tx: &mut Tx, batch: Uuid, keys: Texts) -> Result<Vec<String>> {
    tx.all(
        // A list as one argument: see `database::Texts`.
        sql!(
            sqlite: "SELECT lower(hex(key_hash)) AS key FROM batch_row
                     WHERE batch_id = $1 AND key_hash IN (SELECT unhex(value) FROM json_each($2))",
            postgres: "SELECT encode(key_hash, 'hex') AS key FROM batch_row
                       WHERE batch_id = $1 AND key_hash IN (SELECT decode(v, 'hex') FROM unnest($2::text[]) v)" => String
        ),
        args![batch, keys],
    )
    .await
}

/// Those of these customers about whom a line of the batch says that the row had its effect.
pub async fn known_customers(tx: &mut Tx, batch: Uuid, customers: Ids) -> Result<Vec<Uuid>> {
    tx.all(
        // A list as one argument: see `database::Ids`.
        sql!(
            sqlite: "SELECT DISTINCT customer_id FROM batch_row
                     WHERE customer_id IN (SELECT unhex(value) FROM json_each($2)) AND batch_id = $1
                       AND verdict IN ('created', 'updated', 'unchanged')",
            postgres: "SELECT DISTINCT customer_id FROM batch_row
                       WHERE customer_id = ANY($2) AND batch_id = $1 AND verdict IN ('created', 'updated', 'unchanged')" => Uuid
        ),
        args![batch, customers],
    )
    .await
}

/// Lines after `after`, of one verdict or of all (empty). They name customers within the scope.
pub async fn lines(tx: &mut Tx, scope: &Scope, batch: Uuid, after: i64, verdict: &str) -> Result<Vec<Line>> {
    tx.all(
        sql!(
            "SELECT r.n, r.verdict, CASE WHEN $4 OR u.company_id = $5 OR u.id = $6 THEN c.customer_id END AS customer_id,
               r.code, r.message
             FROM batch_row r LEFT JOIN customer c ON c.id = r.customer_id LEFT JOIN user_account u ON u.id = c.user_id
             WHERE r.batch_id = $1 AND r.n > $2 AND ($3 = '' OR r.verdict = $3) ORDER BY r.n LIMIT 1000" => Line
        ),
        args![batch, after, verdict, scope.all(), scope.company(), scope.user()],
    )
    .await
}

/// Up to 500 lines before `before`, last first: the way a revert goes.
pub async fn kept_before(tx: &mut Tx, batch: Uuid, before: i64) -> Result<Vec<RevertRow>> {
    tx.all(
        sql!(
            "SELECT n, verdict, customer_id, customer_version, before, code FROM batch_row
             WHERE batch_id = $1 AND n < $2 ORDER BY n DESC LIMIT 500" => RevertRow
        ),
        args![batch, before],
    )
    .await
}

/// Writes what a revert did into a line.
pub async fn set_verdicts(tx: &mut Tx, batch: Uuid, rows: &[NewRow]) -> Result<()> {
    let sets: Vec<_> =
        rows.iter().map(|r| args![batch, r.n, r.verdict, r.customer, r.version, r.code, r.message]).collect();
    tx.exec_many(
        sql!(
            "UPDATE batch_row SET verdict = $3, customer_id = $4, customer_version = $5, code = $6, message = $7, before = NULL
             WHERE batch_id = $1 AND n = $2"
        ),
        &sets,
    )
    .await
    .map(drop)
}

/// The batches of a kind that wait or are at work; an index of its own holds them.
pub async fn active(tx: &mut Tx, kind: &str) -> Result<Vec<Uuid>> {
    tx.all(
        sql!(
            "SELECT id FROM batch WHERE state IN ('waiting', 'running', 'reverting') AND kind = $1 ORDER BY id LIMIT 1000" => Uuid
        ),
        args![kind],
    )
    .await
}

/// Takes a customer out of every report; the lines stay, so that their numbers add up.
pub async fn erase_customer(tx: &mut Tx, customer: Uuid) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE batch_row SET customer_id = NULL, customer_version = NULL, key_hash = NULL, before = NULL, message = NULL
             WHERE customer_id = $1"
        ),
        args![customer],
    )
    .await
    .map(drop)
}

/// Batches that should be at work and have not moved since `before`.
pub async fn stuck(tx: &mut Tx, before: Timestamp) -> Result<Vec<Batch>> {
    tx.all(
        sql!(
            batches_where!(
                "AND b.state IN ('waiting', 'running', 'reverting') AND b.updated_at <= $1 ORDER BY b.updated_at LIMIT 100"
            ) => Batch
        ),
        args![before],
    )
    .await
}

/// A batch that ended before this time.
pub async fn expired(tx: &mut Tx, before: Timestamp) -> Result<Option<Batch>> {
    tx.opt(
        sql!(
            batches_where!(
                "AND b.finished_at <= $1 AND b.state NOT IN ('waiting', 'running', 'reverting') ORDER BY b.finished_at LIMIT 1"
            ) => Batch
        ),
        args![before],
    )
    .await
}

/// Deletes up to 5000 lines of a batch; says how many.
pub async fn delete_lines(tx: &mut Tx, batch: Uuid) -> Result<u64> {
    tx.exec(
        sql!(
            "DELETE FROM batch_row WHERE batch_id = $1
               AND n IN (SELECT n FROM batch_row WHERE batch_id = $1 ORDER BY n LIMIT 5000)"
        ),
        args![batch],
    )
    .await
}

pub async fn delete(tx: &mut Tx, batch: Uuid) -> Result<()> {
    tx.exec(sql!("DELETE FROM batch WHERE id = $1"), args![batch]).await.map(drop)
}
