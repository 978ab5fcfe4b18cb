//! Changing many customers alike: up to 1000 by ids in one transaction, or all that a filter finds, as a job.
//!
//! A change that is refused for one customer (a member that the caller may not write there, somebody with a role of staff)
//! leaves that one as it is, and the others are changed.

use std::collections::{HashMap, HashSet, VecDeque};

use customers::customer::model::{CustomerRef, Members};
use customers::customer::service::LoadedCustomer;
use customers::customer::service::change::change_many_in;
use customers::customer::service::members::{Rights, UpdateMode, faults_of_any};
use customers::customer::service::rows;
use database::{Ids, Texts};
use kernel::web::body::from_value;
use kernel::web::list::{ListRequest, parse_pairs};
use kernel::{Error, FieldError, Result};
use platform::Tx;
use platform::access::{Permission, Scope};
use platform::ctx::Ctx;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::model::BulkChange;
use crate::batches::service::{
    self as batches, Batch, Done, Kind, NewBatch, NewRow, Outcome, Slice, Verdict,
};

/// Customers of one transaction of the job. Other writers of SQLite wait for it, so it is short.
const CHUNK: usize = 500;

/// The kind of work in [`crate::batches`].
pub const KIND: Kind = Kind {
    name: "bulk_update",
    permission: Permission::CustomersWrite,
    work: |ctx, batch, slice| Box::pin(work(ctx, batch, slice)),
    revert: None,
    ended: None,
    keeps_spec: false,
};

/// A customer and what became of it.
pub struct Changed {
    id: Uuid,
    /// Public id.
    pub customer_id: String,
    /// What.
    pub outcome: UpdateOutcome,
}

/// What became of a customer.
pub enum UpdateOutcome {
    /// Changed, to this version.
    Updated(i64),
    /// It was so already.
    Unchanged,
    /// Left as it is.
    Failed(Error),
}

/// What is answered about a list of ids, in its order.
#[derive(Default)]
pub struct Answer {
    /// Each customer once.
    pub changed: Vec<Changed>,
    /// As it was named: not there, or outside the caller's scope.
    pub not_found: Vec<String>,
}

/// Changes the customers that are named, by UUID or public id; what became of each, in their order and each once.
pub async fn by_ids(ctx: &Ctx, references: Vec<String>, updates: Members) -> Result<Answer> {
    let scope = ctx.require_staff(Permission::CustomersWrite)?;
    check(ctx, &updates)?;
    let mut tx = ctx.write().await?;
    let rows = load(ctx, &mut tx, &scope, &references).await?;
    let changed = change_all_in(ctx, &mut tx, &scope, rows, &updates).await?;
    tx.commit().await?;
    Ok(in_order(references, changed))
}

/// The customers behind the references, in the order of their ids: two requests that name the same ones in another
/// order do not wait for each other.
async fn load(ctx: &Ctx, tx: &mut Tx, scope: &Scope, references: &[String]) -> Result<Vec<LoadedCustomer>> {
    let (mut ids, mut numbers) = (Vec::new(), Vec::new());
    for reference in references {
        match CustomerRef::parse(reference) {
            Ok(CustomerRef::Id(id)) => ids.push(id),
            Ok(CustomerRef::Number(number)) => numbers.push(number.to_string()),
            Err(_) => {}
        }
    }
    if !numbers.is_empty() {
        ids.extend(rows::ids_of_numbers(tx, scope, Texts(numbers)).await?);
    }
    ids.sort_unstable();
    ids.dedup();
    let rows = rows::by_ids(tx, scope, Ids(ids)).await?;
    rows.iter().for_each(|row| ctx.concerns(row.id));
    Ok(rows)
}

fn in_order(references: Vec<String>, changed: Vec<Changed>) -> Answer {
    let mut by_number = HashMap::new();
    let mut by_id = HashMap::new();
    for one in changed {
        by_number.insert(one.customer_id.clone(), one.id);
        by_id.insert(one.id, Some(one));
    }
    let mut answer = Answer::default();
    let mut missing = HashSet::new();
    for text in references {
        let id = match CustomerRef::parse(&text) {
            Ok(CustomerRef::Id(id)) => Some(id),
            Ok(CustomerRef::Number(number)) => by_number.get(&number.to_string()).copied(),
            Err(_) => None,
        };
        match id.and_then(|id| by_id.get_mut(&id)) {
            // Taken at its first mention.
            Some(one) => answer.changed.extend(one.take()),
            None if missing.insert(text.clone()) => answer.not_found.push(text),
            None => {}
        }
    }
    answer
}

/// Changes loaded customers in the caller's transaction.
async fn change_all_in(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    rows: Vec<LoadedCustomer>,
    updates: &Members,
) -> Result<Vec<Changed>> {
    let before: Vec<_> = rows.iter().map(|row| (row.id, row.customer_id.clone(), row.version)).collect();
    let changes = rows.into_iter().map(|row| (row, updates.clone())).collect();
    let changed = change_many_in(ctx, tx, scope, Rights::of(ctx)?, changes, UpdateMode::Patch).await?;
    let outcomes = before.into_iter().zip(changed).map(|((id, customer_id, version), changed)| {
        let outcome = match changed {
            Ok(after) if after.version == version => UpdateOutcome::Unchanged,
            Ok(after) => UpdateOutcome::Updated(after.version),
            Err(e) => UpdateOutcome::Failed(e),
        };
        Changed { id, customer_id, outcome }
    });
    Ok(outcomes.collect())
}

/// 422 for values that would be wrong for any customer.
fn check(ctx: &Ctx, updates: &Members) -> Result<()> {
    let errors = faults_of_any(ctx, updates);
    let errors: Vec<FieldError> =
        errors.into_iter().map(|f| FieldError { field: format!("updates.{}", f.field), ..f }).collect();
    if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
}

// ── By filter ───────────────────────────────────────────────────────────────────────────────────────

/// How many customers the filter finds.
pub async fn count(ctx: &Ctx, filter: &Map<String, Value>, updates: &Members) -> Result<i64> {
    let scope = ctx.require_staff(Permission::CustomersWrite)?;
    check(ctx, updates)?;
    let request = read_filter(filter)?;
    let mut tx = ctx.slow_read().await?;
    rows::count(&mut tx, &scope, &request).await
}

/// Asks for a job that changes all customers that the filter finds.
pub async fn by_filter(
    ctx: &Ctx,
    filter: Map<String, Value>,
    updates: &Members,
    updates_sent: Map<String, Value>,
) -> Result<Batch> {
    let total = count(ctx, &filter, updates).await?;
    let new = NewBatch {
        kind: KIND.name,
        dry_run: false,
        spec: json!({ "filter": filter, "updates": updates_sent }),
        input: None,
        total: Some(total),
    };
    let mut tx = ctx.write().await?;
    let batch = batches::create_in(ctx, &mut tx, new).await?;
    tx.commit().await?;
    Ok(batch)
}

/// The filters of the list of customers, as members of an object. 422 with the path of each error.
fn read_filter(filter: &Map<String, Value>) -> Result<ListRequest> {
    let mut errors = Vec::new();
    let mut pairs = Vec::new();
    let allowed = || rows::SPEC.filters.iter().map(|f| f.name).collect::<Vec<_>>().join(", ");
    for (name, value) in filter {
        let field = format!("filter.{}", name.chars().take(64).collect::<String>());
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            _ => String::new(),
        };
        if !rows::SPEC.filters.iter().any(|filter| filter.name == name) {
            errors.push(FieldError::new(
                field,
                "unknown_member",
                format!("Is no filter; allowed are {}", allowed()),
            ));
        } else if text.trim().is_empty() {
            // In a query an empty filter means none; here it could mean everybody.
            errors.push(FieldError::new(field, "required", "Must be a text, a number, true or false"));
        } else if let Err(e) = parse_pairs(&rows::SPEC, [(name.as_str(), text.as_str())].into_iter()) {
            // Of a query, the sentence begins with the name, which `field` says already.
            let why = e.detail();
            let why = why.strip_prefix(&format!("{name}: ")).unwrap_or(why);
            errors.push(FieldError::new(field, "invalid", why.to_owned()));
        } else {
            pairs.push((name.as_str(), text));
        }
    }
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    parse_pairs(&rows::SPEC, pairs.iter().map(|(name, text)| (*name, text.as_str())))
}

/// What the job does: ids from the filter, and the customers of each chunk of them as they are then.
async fn work(ctx: &Ctx, mut batch: Batch, slice: Slice) -> Result<Outcome> {
    let scope = ctx.require_staff(KIND.permission)?;
    let spec = batch.spec.0.clone();
    let request = read_filter(spec["filter"].as_object().ok_or_else(unreadable)?)?;
    let BulkChange(updates) = from_value(&spec["updates"])?;
    let mut ids: VecDeque<Uuid> = VecDeque::new();
    loop {
        if ids.is_empty() {
            ids = next_ids(ctx, &scope, &request, &batch).await?.into();
        }
        if ids.is_empty() {
            return Ok(Outcome::Finished);
        }
        let some = ids.drain(..ids.len().min(CHUNK)).collect();
        match chunk(ctx, &scope, batch, some, &updates).await? {
            Some(moved) => batch = moved,
            None => return Ok(Outcome::Elsewhere),
        }
        if slice.is_over(ctx) {
            return Ok(Outcome::Paused);
        }
        // Other requests of this thread get on between two chunks.
        tokio::task::yield_now().await;
    }
}

fn unreadable() -> Error {
    Error::internal("the spec of a bulk update is not one")
}

async fn next_ids(ctx: &Ctx, scope: &Scope, request: &ListRequest, batch: &Batch) -> Result<Vec<Uuid>> {
    let after = match batch.position.as_str() {
        "" => Uuid::nil(),
        id => Uuid::try_parse(id).map_err(|_| unreadable())?,
    };
    let is_many = usize::try_from(batch.total.unwrap_or(i64::MAX)).is_ok_and(|n| n > rows::IDS_AT_ONCE);
    let mut tx = ctx.slow_read().await?;
    rows::ids(&mut tx, scope, request, batch.created_at, after, is_many).await
}

/// One transaction. `None` if somebody else moved the batch.
async fn chunk(
    ctx: &Ctx,
    scope: &Scope,
    batch: Batch,
    ids: Vec<Uuid>,
    updates: &Members,
) -> Result<Option<Batch>> {
    let mut tx = ctx.write().await?;
    if !batches::lock_in(&mut tx, &batch).await? {
        return Ok(None);
    }
    let position = ids.last().map(Uuid::to_string).unwrap_or_default();
    let rows = rows::by_ids(&mut tx, scope, Ids(ids.clone())).await?;
    let outcomes = change_all_in(ctx, &mut tx, scope, rows, updates).await.map_err(batches::passing)?;
    let rows = report(batch.processed, &ids, outcomes);
    let done = Done { position, total: None, rows };
    let batch = batches::advance_in(ctx, &mut tx, batch, done).await?;
    tx.commit().await?;
    Ok(Some(batch))
}

/// A line for every id, numbered after those before. Who was erased since the search is left out.
fn report(before: i64, ids: &[Uuid], changed: Vec<Changed>) -> Vec<NewRow> {
    let mut changed = changed.into_iter().peekable();
    let mut lines = Vec::with_capacity(ids.len());
    for (n, id) in (before + 1..).zip(ids) {
        let line = |verdict| NewRow::new(n, verdict, Some(*id));
        lines.push(match changed.next_if(|one| one.id == *id).map(|one| one.outcome) {
            Some(UpdateOutcome::Updated(version)) => {
                NewRow { version: Some(version), ..line(Verdict::Updated) }
            }
            Some(UpdateOutcome::Unchanged) => line(Verdict::Unchanged),
            Some(UpdateOutcome::Failed(e)) => NewRow::failed(n, Some(*id), &e),
            None => NewRow {
                code: Some("CUSTOMER_NOT_FOUND".to_owned()),
                message: Some("The customer was erased meanwhile, or is out of reach now".to_owned()),
                ..NewRow::new(n, Verdict::Skipped, None)
            },
        });
    }
    lines
}
