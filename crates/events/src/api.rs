//! `GET /api/v1/events`.

use axum::Json;
use axum::extract::RawQuery;
use kernel::Result;
use kernel::clock::Timestamp;
use kernel::web::field::{free_object, nullable, one_of};
use kernel::web::problem::Problems;
use platform::ctx::Ctx;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::{Object, RefOr, Schema};
use uuid::Uuid;

use super::model::FeedQuery;
use super::service::{self, EventRow, Page};

/// Something that happened to a record.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// Its place in the feed; a number written as text, because JavaScript rounds numbers of this size.
    #[schema(example = "51904512")]
    seq: String,
    /// Its id, the same wherever the event is published.
    id: Uuid,
    /// When it happened.
    at: Timestamp,
    /// Who did it.
    actor: Actor,
    /// The request in which it happened.
    request_id: String,
    /// `<record>.<what happened>`.
    #[schema(example = "customer.updated")]
    action: String,
    /// The record to which it happened.
    subject: Subject,
    /// The customer whom it concerns.
    #[schema(example = "CUST_A1B2C3D4")]
    customer_id: Option<String>,
    /// The company whose staff may see it.
    #[schema(example = "COMP-001")]
    company_id: Option<String>,
    /// Names of the fields that changed.
    #[schema(value_type = Vec<String>)]
    fields: Value,
    /// For administrators, as long as it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    changes: Option<Changes>,
}

/// Who did something.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = EventActor)]
pub struct Actor {
    /// What it is.
    #[schema(schema_with = actor_kinds)]
    kind: String,
    /// The user or the API key.
    id: Option<Uuid>,
    /// E-mail or name, as it was then.
    name: String,
}

fn object_or_null() -> RefOr<Schema> {
    nullable(free_object().into())
}

fn actor_kinds() -> Object {
    one_of(["user", "api_key", "system", "anonymous"])
}

/// The record to which something happened.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = EventSubject)]
pub struct Subject {
    /// What kind of record.
    #[schema(example = "customer")]
    r#type: String,
    /// Its id.
    id: Uuid,
    /// Its public id.
    #[schema(example = "CUST_A1B2C3D4")]
    r#ref: String,
}

/// What an event changed.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = EventChanges)]
pub struct Changes {
    /// The changed fields as they were; absent for something new.
    #[schema(schema_with = object_or_null)]
    before: Option<Value>,
    /// The changed fields as they became.
    #[schema(schema_with = object_or_null)]
    after: Option<Value>,
    /// The address from which it was done.
    ip: Option<String>,
}

/// A page of the feed.
#[derive(Serialize, utoipa::ToSchema)]
pub struct EventFeed {
    /// In the order in which they were committed.
    events: Vec<EventView>,
    /// Ask with this as `after` next, also when `events` is empty.
    #[schema(example = "51904512")]
    next_after: String,
    /// Is there more already?
    has_more: bool,
}

impl From<EventRow> for EventView {
    fn from(row: EventRow) -> EventView {
        let changes = Changes { before: row.before.map(|j| j.0), after: row.after.map(|j| j.0), ip: row.ip };
        let known = changes.before.is_some() || changes.after.is_some() || changes.ip.is_some();
        EventView {
            seq: row.seq.to_string(),
            id: row.id,
            at: row.at,
            actor: Actor { kind: row.actor_kind, id: row.actor_id, name: row.actor_name },
            request_id: row.request_id,
            action: row.action,
            subject: Subject { r#type: row.subject_type, id: row.subject_id, r#ref: row.subject_ref },
            customer_id: row.customer_id,
            company_id: row.company_id,
            fields: row.fields.0,
            changes: known.then_some(changes),
        }
    }
}

impl From<Page> for EventFeed {
    fn from(page: Page) -> EventFeed {
        EventFeed {
            events: page.events.into_iter().map(EventView::from).collect(),
            next_after: page.next_after.to_string(),
            has_more: page.has_more,
        }
    }
}

/// What happened, in the order of its commits, without gaps: ask again with `next_after`.
#[utoipa::path(get, path = "/api/v1/events", operation_id = "listEvents", tag = "events",
    params(
        ("after" = Option<String>, Query, description = "`next_after` of the page before; from the beginning without it."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Events at most; 20 without it."),
        ("action" = Option<String>, Query, description = "Only this action, such as `customer.updated`."),
        ("customer_id" = Option<String>, Query, description = "Only what concerns this customer: UUID or CUST_…"),
        ("subject" = Option<String>, Query, description = "Only what happened to this record: UUID or public id."),
    ),
    responses((status = 200, body = EventFeed), Problems))]
pub async fn feed(ctx: Ctx, RawQuery(query): RawQuery) -> Result<Json<EventFeed>> {
    let query = FeedQuery::parse(query.as_deref().unwrap_or_default())?;
    let page = service::feed(&ctx, &query).await?;
    Ok(Json(page.into()))
}
