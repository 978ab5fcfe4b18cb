//! The one append-only log. `ctx.record` writes an event in the transaction of its change; audit trail,
//! timeline, webhooks and the feed read it (crate `events`).
//!
//! Order: on SQLite there is one writer. On PostgreSQL `seq` is the transaction's number shifted by 16 bits
//! plus the place within it, and a reader stops before the oldest transaction still running ([`horizon`]), so it
//! skips nothing (tested with interleaved transactions).

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::Tx;
use crate::access::Credential;
use crate::ctx::Ctx;
use database::{Engine, Json};
use database::{args, sql};
use kernel::error::{Error, Result};

/// Events that one transaction can write on PostgreSQL.
pub const MOST_PER_TRANSACTION: i64 = 1 << 16;

/// Something that happened to a record.
#[derive(Debug, Clone)]
pub struct Event {
    action: &'static str,
    subject_type: &'static str,
    subject_id: Uuid,
    subject_ref: String,
    pub(crate) customer_id: Option<Uuid>,
    company_id: Option<Uuid>,
    before: Option<Map<String, Value>>,
    after: Option<Map<String, Value>>,
    note: Option<Map<String, Value>>,
}

impl Event {
    /// `action` is `<subject>.<what happened>`, such as `customer.updated`; `reference` is the public id.
    pub fn new(
        action: &'static str,
        subject_type: &'static str,
        id: Uuid,
        reference: impl Into<String>,
    ) -> Event {
        Event {
            action,
            subject_type,
            subject_id: id,
            subject_ref: reference.into(),
            customer_id: None,
            company_id: None,
            before: None,
            after: None,
            note: None,
        }
    }

    /// The customer whose timeline it belongs to.
    pub fn of_customer(mut self, id: impl Into<Option<Uuid>>) -> Event {
        self.customer_id = id.into();
        self
    }

    /// The company whose staff may see it.
    pub fn of_company(mut self, id: impl Into<Option<Uuid>>) -> Event {
        self.company_id = id.into();
        self
    }

    /// The record as it is now, for something new; what it has not is not named. Leave secrets out.
    pub fn created(mut self, mut after: Map<String, Value>) -> Event {
        after.retain(|_, value| !value.is_null());
        self.after = Some(after);
        self
    }

    /// The record as it was and as it is: only what differs is kept. Leave secrets out.
    pub fn changed(mut self, mut before: Map<String, Value>, mut after: Map<String, Value>) -> Event {
        let differs = |(k, v): (&String, &Value), other: &Map<String, Value>| {
            (other.get(k) != Some(v)).then(|| k.clone())
        };
        let mut names: Vec<String> = before.iter().filter_map(|m| differs(m, &after)).collect();
        names.extend(after.iter().filter_map(|m| differs(m, &before)));
        before.retain(|name, _| names.contains(name));
        after.retain(|name, _| names.contains(name));
        self.before = Some(before);
        self.after = Some(after);
        self
    }

    /// Did [`Event::changed`] find no difference? Then there is nothing to record.
    pub fn is_empty(&self) -> bool {
        self.before.as_ref().is_some_and(Map::is_empty) && self.after.as_ref().is_some_and(Map::is_empty)
    }

    /// Further facts, such as a reason.
    pub fn note(mut self, name: &str, value: impl Into<Value>) -> Event {
        self.note.get_or_insert_default().insert(name.to_owned(), value.into());
        self
    }

    fn fields(&self) -> Value {
        let names = self.before.iter().chain(&self.after).flat_map(|m| m.keys());
        let mut names: Vec<&str> = names.map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        Value::from(names)
    }
}

/// An event as it is stored.
struct Stored {
    seq: i64,
    id: Uuid,
    fields: Json,
    before: Option<Json>,
    after: Option<Json>,
    event: Event,
}

impl Stored {
    fn new(ctx: &Ctx, seq: i64, mut event: Event) -> Stored {
        let fields = Json(event.fields());
        if let Some(note) = event.note.take() {
            event.after.get_or_insert_default().extend(note);
        }
        let object = |m: Option<Map<String, Value>>| m.map(|m| Json(Value::Object(m)));
        let (before, after) = (object(event.before.take()), object(event.after.take()));
        Stored { seq, id: ctx.new_id(), fields, before, after, event }
    }
}

/// The caller as the log names it.
fn actor(ctx: &Ctx) -> (&'static str, Option<Uuid>, &str) {
    let caller = ctx.caller().ok();
    let (kind, id) = match caller.map(|c| (&c.credential, c.user_id)) {
        Some((Credential::Session(_) | Credential::Behalf, user)) => ("user", user),
        Some((Credential::ApiKey(key), _)) => ("api_key", Some(*key)),
        Some((Credential::System, _)) => ("system", None),
        None => ("anonymous", None),
    };
    (kind, id, caller.map_or("anonymous", |c| c.name.as_str()))
}

/// Writes events with consecutive numbers, in this order.
pub(crate) async fn insert(ctx: &Ctx, tx: &mut Tx, events: Vec<Event>) -> Result<()> {
    let most = i64::try_from(events.len()).unwrap_or(i64::MAX);
    if most == 0 {
        return Ok(());
    }
    let first = take_numbers(tx, most).await?;
    let stored: Vec<Stored> =
        (first..).zip(events).map(|(seq, event)| Stored::new(ctx, seq, event)).collect();
    let (kind, actor, name) = actor(ctx);
    let (now, request) = (ctx.now(), ctx.request().id.as_str());
    let ip = ctx.request().ip.map(|ip| ip.to_string());
    let rows: Vec<_> = stored
        .iter()
        .map(|s| {
            args![
                s.seq,
                s.id,
                now,
                kind,
                actor,
                name,
                request,
                s.event.action,
                s.event.subject_type,
                s.event.subject_id,
                s.event.subject_ref,
                s.event.customer_id,
                s.event.company_id,
                s.fields
            ]
        })
        .collect();
    tx.exec_many(
        // PostgreSQL: see the module's documentation.
        sql!(
            sqlite: "INSERT INTO event (seq, id, at, actor_kind, actor_id, actor_name, request_id, action, subject_type,
                       subject_id, subject_ref, customer_id, company_id, fields)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            postgres: "INSERT INTO event (seq, id, at, actor_kind, actor_id, actor_name, request_id, action, subject_type,
                         subject_id, subject_ref, customer_id, company_id, fields)
                       VALUES ((SELECT base FROM event_epoch) + (pg_current_xact_id()::text::bigint << 16) + $1, $2, $3,
                         $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        ),
        &rows,
    )
    .await?;
    let changes: Vec<_> =
        stored.iter().map(|s| args![s.seq, s.event.customer_id, s.before, s.after, ip, now]).collect();
    tx.exec_many(
        sql!(
            sqlite: "INSERT INTO event_change (event_seq, customer_id, before, after, ip, at)
                     VALUES ($1, $2, $3, $4, $5, $6)",
            postgres: "INSERT INTO event_change (event_seq, customer_id, before, after, ip, at)
                       VALUES ((SELECT base FROM event_epoch) + (pg_current_xact_id()::text::bigint << 16) + $1, $2, $3,
                         $4, $5, $6)"
        ),
        &changes,
    )
    .await
    .map(drop)
}

/// The first of `n` numbers. On PostgreSQL they count from 0 within the transaction, and the statements add the rest.
async fn take_numbers(tx: &mut Tx, n: i64) -> Result<i64> {
    let known = tx.events;
    let (first, taken) = match known {
        Some(events) => events,
        None if tx.engine() == Engine::Postgres => (0, 0),
        // One writer, so the next number is the order.
        None => (tx.one(sql!("SELECT coalesce(max(seq), 0) + 1 AS n FROM event" => i64), []).await?, 0),
    };
    if taken.saturating_add(n) > MOST_PER_TRANSACTION {
        return Err(Error::internal(
            "more events in one transaction than it has numbers for; split the work",
        ));
    }
    tx.events = Some((first, taken + n));
    Ok(first + taken)
}

/// The end of what a reader of the log may take: every event below it is there to be seen, and none will appear below
/// it later. Ask a reader for it first, then read `seq > $after AND seq < $horizon ORDER BY seq`, and go on from the last
/// `seq` that was read. On PostgreSQL the oldest transaction with changes that still runs on the server holds it back.
pub async fn horizon(tx: &mut Tx) -> Result<i64> {
    tx.one(
        // SQLite: one writer, so what is committed is all there is.
        sql!(
            sqlite: "SELECT coalesce(max(seq), 0) + 1 AS n FROM event",
            postgres: "SELECT base + (pg_snapshot_xmin(pg_current_snapshot())::text::bigint << 16) AS n FROM event_epoch" => i64
        ),
        [],
    )
    .await
}

/// Lifts the numbering over the events of a restored database, whose transactions count from a lower number.
/// On PostgreSQL, after migrating; changes nothing in daily life.
pub(crate) async fn lift_epoch(tx: &mut Tx) -> Result<()> {
    tx.exec(
        // Whatever this server committed is below the end of the snapshot. Our own number may be far below it.
        sql!(
            postgres: "UPDATE event_epoch SET base = (SELECT max(seq) FROM event)
                       WHERE (SELECT max(seq) FROM event)
                         >= base + (pg_snapshot_xmax(pg_current_snapshot())::text::bigint << 16)"
        ),
        [],
    )
    .await
    .map(drop)
}

/// Deletes before and after of everything that happened to a subject: part of erasing a user and its sessions, whose
/// events belong to no customer.
pub async fn erase_subject(tx: &mut Tx, subject: Uuid) -> Result<()> {
    tx.exec(
        sql!("DELETE FROM event_change WHERE event_seq IN (SELECT seq FROM event WHERE subject_id = $1)"),
        args![subject],
    )
    .await
    .map(drop)
}

/// Deletes before and after of everything that concerned a customer: part of erasing it.
pub async fn erase_customer(tx: &mut Tx, customer: Uuid) -> Result<()> {
    tx.exec(sql!("DELETE FROM event_change WHERE customer_id = $1"), args![customer]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::{TestApp, TestDb};
    use database::Engine;

    /// A migration runs for long beside the previous release, whose transactions have higher numbers.
    #[tokio::test]
    async fn events_of_later_transactions_do_not_lift_the_numbering() {
        let t = TestDb::new(Engine::Postgres).await;
        let app = TestApp::process(&t, &[], &[]).await;
        let mut early = app.system("migration").write().await.unwrap();
        early.exec(sql!("INSERT INTO setting (name, value) VALUES ('x', '')"), []).await.unwrap();
        let ctx = app.system("test");
        let mut tx = ctx.write().await.unwrap();
        ctx.record(&mut tx, Event::new("thing.created", "thing", ctx.new_id(), "THING-1")).await.unwrap();
        tx.commit().await.unwrap();
        lift_epoch(&mut early).await.unwrap();
        early.commit().await.unwrap();
        let mut read = app.system("test").read().await.unwrap();
        assert_eq!(read.one(sql!("SELECT base FROM event_epoch" => i64), []).await.unwrap(), 0);
        drop((read, app));
        t.end().await;
    }
}
