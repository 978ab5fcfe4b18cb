//! What becomes of the rows of a chunk. Whom they mean is looked up for all at once; what refuses one is known before
//! anything is written.

use std::collections::{HashMap, HashSet};

use customers::customer::model::CustomerRow;
use customers::customer::model::{CustomerNumber, Members, NewCustomer};
use customers::customer::service::LoadedCustomer;
use customers::customer::service::change::change_many_in;
use customers::customer::service::create::create_many_in;
use customers::customer::service::members::{Rights, UpdateMode};
use customers::customer::service::rows;
use database::{Ids, Json, Texts};
use kernel::{Error, FieldError, Result};
use platform::Tx;
use platform::access::Scope;
use platform::ctx::Ctx;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::candidate::Candidate;
use super::matched::{Found, Matched};
use super::own_id::{ID_OF_ANOTHER, OwnId, erased_hash};
use crate::batches::service::{self as batches, Batch, NewRow, Verdict};
use crate::imports::model::options::{MatchKey, Mode, Spec};
use crate::imports::model::record::{Content, Key, Record, missing};
use crate::imports::store;

/// What became of the rows, in their order.
pub(super) struct Verdicts {
    /// Lines of the report.
    pub lines: Vec<NewRow>,
    /// Hashes of everything unique in the rows that had an effect.
    pub keys: Vec<String>,
}

/// Works on the rows in the caller's transaction.
pub(super) async fn work_in(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    spec: &Spec,
    batch: &Batch,
    records: Vec<Record>,
) -> Result<Verdicts> {
    let mut lines: Vec<Option<NewRow>> = Vec::with_capacity(records.len());
    let mut waiting = Vec::new();
    for (at, record) in records.into_iter().enumerate() {
        let row = record.row;
        lines.push(match record.content {
            Content::Customer(said) => {
                waiting.push(Candidate::new(ctx, spec, at, row, *said));
                None
            }
            Content::Blank => Some(line(row, Verdict::Skipped, None, "blank_row", "The row is empty")),
            Content::Faulty(errors) => Some(NewRow::failed(row, None, &told(&errors))),
            Content::Unclosed => {
                let error = FieldError::new("row", "unclosed_quote", "opens a quote that is never closed");
                Some(NewRow::failed(row, None, &told(&[error])))
            }
        });
    }
    let found = Found::of(tx, scope, waiting.iter().flat_map(|c| &c.keys)).await?;
    waiting.iter_mut().for_each(|candidate| candidate.choose_key(ctx, spec, &found));
    let mut taken = SeenRows::of(ctx, tx, batch, &waiting, &found).await?;
    let mut keys = Vec::new();
    // A second round is for rows that gave way to one before them that was then refused.
    while !waiting.is_empty() {
        let round = Round::decide(ctx, spec, std::mem::take(&mut waiting), &found, &mut taken, &mut lines);
        let effective = round.write(ctx, tx, scope, &mut lines, &mut keys).await?;
        for (candidate, first) in effective.later {
            match lines[first].as_ref().is_some_and(|line| line.verdict == Verdict::Failed) {
                true => waiting.push(candidate),
                false => {
                    let customer = found.matched(candidate.key()).and_then(|matched| matched.one());
                    lines[candidate.at] = Some(taken.repetition(&candidate, customer, &lines[first]));
                }
            }
        }
        taken.release(&effective.refused);
    }
    Ok(Verdicts { lines: lines.into_iter().flatten().collect(), keys })
}

/// What earlier rows of the file have: the place in this chunk, or none for earlier chunks.
struct SeenRows {
    keys: HashMap<String, Option<usize>>,
    customers: HashMap<Uuid, Option<usize>>,
    dry: HashSet<String>,
    /// Places of rows about somebody who was erased while the file waited.
    erased: HashSet<usize>,
}

impl SeenRows {
    async fn of(
        ctx: &Ctx,
        tx: &mut Tx,
        batch: &Batch,
        waiting: &[Candidate],
        found: &Found,
    ) -> Result<SeenRows> {
        let sought: Texts = waiting.iter().filter_map(|c| c.sought.as_deref()).collect();
        let customers: Ids = found.customers().collect();
        let (keys, customers) = batches::seen_in(tx, batch, sought, customers).await?;
        let mut keys: HashMap<String, Option<usize>> = keys.into_iter().map(|key| (key, None)).collect();
        let mut dry = HashSet::new();
        if batch.dry_run {
            let facts: Texts = waiting.iter().flat_map(Candidate::facts).map(String::as_str).collect();
            dry.extend(store::known(tx, batch.id, facts).await?);
            keys.extend(dry.iter().map(|key| (key.clone(), None)));
        }
        let unknown = waiting.iter().filter(|c| found.matched(c.key()).is_none());
        let named: Vec<(usize, Vec<String>)> = unknown
            .map(|c| (c.at, c.said.naming_keys().iter().map(|key| erased_hash(ctx, key)).collect()))
            .collect();
        let hashes: Texts = named.iter().flat_map(|(_, hashes)| hashes).map(String::as_str).collect();
        let gone: HashSet<String> = store::known(tx, batch.id, hashes).await?.into_iter().collect();
        let erased = named.into_iter().filter(|(_, hashes)| hashes.iter().any(|hash| gone.contains(hash)));
        let erased = erased.map(|(at, _)| at).collect();
        Ok(SeenRows { keys, customers: customers.into_iter().map(|id| (id, None)).collect(), dry, erased })
    }

    /// The earlier row that means the same customer. An id that an earlier row got for somebody else is not free any more.
    fn before(&self, candidate: &mut Candidate, customer: Option<Uuid>) -> Option<Option<usize>> {
        let by_key = candidate.sought.as_ref().and_then(|key| self.keys.get(key));
        let earlier = by_key.or_else(|| customer.and_then(|id| self.customers.get(&id))).copied();
        let OwnId::Free(free) = &candidate.id else { return earlier };
        let Some(first) = self.keys.get(&free.id).copied() else { return earlier };
        match free.is_of_another(|fact| self.keys.contains_key(fact)) {
            true => candidate.id = OwnId::OfAnother,
            false if earlier.is_none() => return Some(first),
            false => {}
        }
        earlier
    }

    /// The refusal of something unique that another customer got earlier in a dry run, where it is not there to be in the
    /// way.
    fn clash(&self, candidate: &Candidate) -> Option<NewRow> {
        let clash = candidate.unique.iter().find(|(key, _)| self.dry.contains(key))?;
        let (code, detail) = match clash.1 {
            "email" => ("CUSTOMER_EMAIL_EXISTS", "Customer with this email already exists"),
            _ => ("CUSTOMER_EXTERNAL_ID_EXISTS", "Customer with this external_id already exists"),
        };
        Some(NewRow::failed(candidate.row, None, &Error::conflict(code, detail)))
    }

    /// What is said of a row whose key an earlier row has. A telephone that somebody had before the file, and that a row
    /// gave to another customer, now means two.
    fn repetition(&self, candidate: &Candidate, customer: Option<Uuid>, first: &Option<NewRow>) -> NewRow {
        let another = customer.is_some_and(|id| !self.customers.contains_key(&id));
        match candidate.key() {
            Some(Key::Phone(_)) if another => ambiguous(candidate.row),
            _ => duplicate(candidate.row, first),
        }
    }

    fn take(&mut self, candidate: &Candidate, customer: Option<Uuid>) {
        for key in candidate.facts() {
            self.keys.entry(key.clone()).or_insert(Some(candidate.at));
        }
        if let Some(id) = customer {
            self.customers.entry(id).or_insert(Some(candidate.at));
        }
    }

    /// Rows that were refused after all have nothing.
    fn release(&mut self, refused: &HashSet<usize>) {
        self.keys.retain(|_, at| at.is_none_or(|at| !refused.contains(&at)));
        self.customers.retain(|_, at| at.is_none_or(|at| !refused.contains(&at)));
    }
}

/// What shall be written, and which rows wait for what becomes of others.
#[derive(Default)]
struct Round {
    creates: Vec<(Line, NewCustomer)>,
    changes: Vec<(Line, Uuid, Members)>,
    later: Vec<(Candidate, usize)>,
}

/// What a written row leaves in the report.
struct Line {
    at: usize,
    row: i64,
    claim: Option<Vec<u8>>,
    keys: Vec<String>,
    /// The public id that a new customer shall have.
    wanted: Option<CustomerNumber>,
    id_is_of_another: bool,
}

/// What a round came to.
struct Effective {
    later: Vec<(Candidate, usize)>,
    refused: HashSet<usize>,
}

impl Round {
    fn decide(
        ctx: &Ctx,
        spec: &Spec,
        waiting: Vec<Candidate>,
        found: &Found,
        taken: &mut SeenRows,
        lines: &mut [Option<NewRow>],
    ) -> Round {
        let mut round = Round::default();
        for mut candidate in waiting {
            let matched = found.matched(candidate.key());
            let customer = matched.as_ref().and_then(Matched::one);
            let before = match matched {
                // Whom it repeats cannot be said either.
                Some(Matched::Several) => None,
                _ => taken.before(&mut candidate, customer),
            };
            match before {
                Some(Some(first)) => round.later.push((candidate, first)),
                Some(None) => lines[candidate.at] = Some(taken.repetition(&candidate, customer, &None)),
                None => match verdict(ctx, spec, &candidate, matched.as_ref(), taken) {
                    Some(line) => lines[candidate.at] = Some(line),
                    None => {
                        taken.take(&candidate, customer);
                        round.add(candidate, customer);
                    }
                },
            }
        }
        round
    }

    fn add(&mut self, candidate: Candidate, customer: Option<Uuid>) {
        let (claim, keys) = (candidate.claim(), candidate.facts().cloned().collect());
        let Candidate { at, row, said, id, .. } = candidate;
        let (wanted, id_is_of_another) = match id {
            OwnId::Fits => (None, false),
            OwnId::Free(free) => (free.number, false),
            OwnId::OfAnother => (None, true),
        };
        let line = Line { at, row, claim, keys, wanted, id_is_of_another };
        let mut members = said.members;
        if let Some(id) = customer {
            self.changes.push((line, id, members));
        } else if let (Some(first_name), Some(last_name)) =
            (members.first_name.take(), members.last_name.take())
        {
            // Both are there: a row without one has its verdict already.
            let number = line.wanted;
            self.creates.push((line, NewCustomer { number, first_name, last_name, members }));
        }
    }

    async fn write(
        self,
        ctx: &Ctx,
        tx: &mut Tx,
        scope: &Scope,
        lines: &mut [Option<NewRow>],
        keys: &mut Vec<String>,
    ) -> Result<Effective> {
        let mut refused = HashSet::new();
        let mut keep = |line: Line, new: NewRow| {
            match new.verdict == Verdict::Failed {
                true => drop(refused.insert(line.at)),
                false => keys.extend(line.keys),
            }
            lines[line.at] = Some(new);
        };
        let (places, news): (Vec<Line>, Vec<NewCustomer>) = self.creates.into_iter().unzip();
        let created = Box::pin(create_many_in(ctx, tx, scope, news)).await?;
        for (mut place, created) in places.into_iter().zip(created) {
            let new = new_line(&mut place, created);
            keep(place, new);
        }
        let ids = self.changes.iter().map(|(_, id, _)| *id).collect();
        let rows = rows::by_ids(tx, scope, ids).await?;
        let mut rows: HashMap<Uuid, LoadedCustomer> = rows.into_iter().map(|row| (row.id, row)).collect();
        let (mut places, mut changes) = (Vec::new(), Vec::new());
        for (place, id, members) in self.changes {
            match rows.remove(&id) {
                Some(row) => {
                    places.push((place, row.clone()));
                    changes.push((row, members));
                }
                None => {
                    let message = "The customer was erased meanwhile";
                    let gone = line(place.row, Verdict::Skipped, None, "CUSTOMER_NOT_FOUND", message);
                    keep(place, gone);
                }
            }
        }
        let changed =
            Box::pin(change_many_in(ctx, tx, scope, Rights::of(ctx)?, changes, UpdateMode::Patch)).await?;
        for ((mut place, before), changed) in places.into_iter().zip(changed) {
            let new = match changed {
                Ok(after) if state(&after) == state(&before) => {
                    written(&mut place, Verdict::Unchanged, &after)
                }
                Ok(after) => {
                    let before = Some(Json(Value::Object(differences(&before, &after))));
                    NewRow { before, ..written(&mut place, Verdict::Updated, &after) }
                }
                Err(e) => NewRow::failed(place.row, Some(before.id), &told_of(e)),
            };
            keep(place, new);
        }
        Ok(Effective { later: self.later, refused })
    }
}

/// What the row comes to without anything being written; `None` if it shall be.
fn verdict(
    ctx: &Ctx,
    spec: &Spec,
    candidate: &Candidate,
    matched: Option<&Matched>,
    taken: &SeenRows,
) -> Option<NewRow> {
    let row = candidate.row;
    let failed = |e: Error| Some(NewRow::failed(row, None, &e));
    let of_another = matches!(candidate.id, OwnId::OfAnother);
    if of_another && spec.match_by == Some(MatchKey::CustomerId) {
        return failed(Error::conflict(ID_OF_ANOTHER, "Its customer_id belongs to somebody else here"));
    }
    if candidate.keys.is_empty() && spec.mode != Mode::Create {
        let message = "The row has nothing by which its customer could be found; fill in the match key";
        return failed(Error::bad_request("MATCH_KEY_MISSING", message));
    }
    match (matched, spec.mode) {
        (Some(Matched::Several), _) => return Some(ambiguous(row)),
        (Some(Matched::One(id)), Mode::Create) => {
            ctx.concerns(*id);
            let message = "There is such a customer already, and the import only creates";
            return Some(line(row, Verdict::Skipped, Some(*id), "ALREADY_EXISTS", message));
        }
        (Some(Matched::One(_)), Mode::Update | Mode::Upsert) => return taken.clash(candidate),
        (None, Mode::Update) if of_another => {
            let message = "Its customer_id belongs to somebody else here, and the import only changes";
            return Some(line(row, Verdict::Skipped, None, ID_OF_ANOTHER, message));
        }
        (None, Mode::Update) => {
            let message = "Customer not found, and this import only updates";
            return Some(line(row, Verdict::Skipped, None, "CUSTOMER_NOT_FOUND", message));
        }
        (None, Mode::Upsert) if spec.match_by == Some(MatchKey::CustomerId) => {
            let message =
                "There is no customer with this customer_id; import without match to create who is missing";
            return failed(Error::not_found("CUSTOMER_NOT_FOUND", message));
        }
        (None, Mode::Create | Mode::Upsert) if taken.erased.contains(&candidate.at) => {
            let message = "The customer was erased while the file waited";
            return Some(line(row, Verdict::Skipped, None, "CUSTOMER_ERASED", message));
        }
        (None, Mode::Create | Mode::Upsert) => {}
    }
    let errors = missing(&candidate.said.members);
    if !errors.is_empty() {
        return failed(told(&errors));
    }
    taken.clash(candidate)
}

fn line(row: i64, verdict: Verdict, customer: Option<Uuid>, code: &str, message: &str) -> NewRow {
    let (code, message) = (Some(code.to_owned()), Some(message.to_owned()));
    NewRow { code, message, ..NewRow::new(row, verdict, customer) }
}

fn ambiguous(row: i64) -> NewRow {
    let message = "Several customers have this telephone number; match by another key";
    NewRow::failed(row, None, &Error::conflict("MATCH_AMBIGUOUS", message))
}

fn duplicate(row: i64, first: &Option<NewRow>) -> NewRow {
    let message = match first {
        Some(first) => format!("Means the same customer as row {}", first.n),
        None => "Means the same customer as an earlier row".to_owned(),
    };
    line(row, Verdict::Duplicate, None, "DUPLICATE_ROW", &message)
}

fn written(place: &mut Line, verdict: Verdict, row: &CustomerRow) -> NewRow {
    let key_hash = place.claim.take();
    let message = place.id_is_of_another.then(|| {
        let instead =
            if verdict == Verdict::Created { "it got a new one" } else { "it was found by its other keys" };
        format!("Its customer_id belongs to somebody else here, so {instead}")
    });
    let code = message.is_some().then(|| ID_OF_ANOTHER.to_owned());
    NewRow {
        key_hash,
        version: Some(state(row)),
        code,
        message,
        ..NewRow::new(place.row, verdict, Some(row.id))
    }
}

fn new_line(place: &mut Line, created: Result<CustomerRow>) -> NewRow {
    match created {
        Ok(row) => {
            place.id_is_of_another |=
                place.wanted.is_some_and(|wanted| wanted.to_string() != row.customer_id);
            written(place, Verdict::Created, &row)
        }
        Err(e) => NewRow::failed(place.row, None, &told_of(e)),
    }
}

/// What any change of the customer or its user raises.
pub(super) fn state(row: &CustomerRow) -> i64 {
    row.version + row.user_version
}

/// The errors of a row in one sentence, for the line of the report.
fn told(errors: &[FieldError]) -> Error {
    let code = match errors {
        [one] => one.code,
        _ => "VALIDATION_FAILED",
    };
    let each: Vec<String> = errors.iter().map(|f| format!("{}: {}", f.field, f.message)).collect();
    Error::new(kernel::Kind::Invalid, code, each.join("; "))
}

/// An error with all its errors in its sentence.
fn told_of(e: Error) -> Error {
    if e.field_errors().is_empty() { e } else { told(e.field_errors()) }
}

/// Members that follow from others, or that nobody writes.
const NOT_RESTORED: &[&str] = &[
    "username",
    "email_verified",
    "pending_email",
    "phone_verified",
    "deactivation_reason",
    "last_service_date",
    "total_services",
];

/// What was there before of the members that differ: a body that takes the change back.
fn differences(before: &CustomerRow, after: &CustomerRow) -> Map<String, Value> {
    let (mut body, _) = before.difference(after);
    body.retain(|name, _| !NOT_RESTORED.contains(&name.as_str()));
    body
}
