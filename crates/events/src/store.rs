//! The statements on `event` and `event_change`. Of customers and companies only the public ids are read, in the
//! same statement, so that a page costs two statements however many records it names.

use database::{Json, Where};
use database::{args, row, sql};
use kernel::Result;
use kernel::clock::Timestamp;
use platform::Tx;
use platform::access::Scope;
use uuid::Uuid;

use super::model::{FeedQuery, Reference};

row! {
    /// An event, with what it changed where the caller may see that.
    pub struct EventRow in "e" {
        /// Its place in the feed.
        pub seq: i64,
        /// Its id.
        pub id: Uuid,
        /// When.
        pub at: Timestamp,
        /// `user`, `api_key`, `system` or `anonymous`.
        pub actor_kind: String,
        /// The user or the key.
        pub actor_id: Option<Uuid>,
        /// How the actor was called then.
        pub actor_name: String,
        /// The request in which it happened.
        pub request_id: String,
        /// `<record>.<what happened>`.
        pub action: String,
        /// What kind of record.
        pub subject_type: String,
        /// The record.
        pub subject_id: Uuid,
        /// Its public id.
        pub subject_ref: String,
        /// Public id of the customer whom it concerns.
        pub customer_id: Option<String> = "c.customer_id",
        /// Public id of the company whose staff may see it.
        pub company_id: Option<String> = "o.company_id",
        /// Names of what changed.
        pub fields: Json,
        /// What changed, as it was.
        pub before: Option<Json> = "ch.before",
        /// What changed, as it became.
        pub after: Option<Json> = "ch.after",
        /// From where it was done.
        pub ip: Option<String> = "ch.ip",
    }
}

/// Both forms of the feed's statement: they differ in the condition of the last join.
macro_rules! feed {
    ($changes:literal) => {
        database::text!(
            "SELECT ",
            <EventRow as database::FromRow>::SELECT,
            " FROM event e LEFT JOIN customer c ON c.id = e.customer_id LEFT JOIN company o ON o.id = e.company_id
             LEFT JOIN event_change ch ON ",
            $changes,
            " WHERE true"
        )
    };
}

/// A page of the feed and one event more, which says whether there is another page.
pub async fn list(
    tx: &mut Tx,
    scope: &Scope,
    query: &FeedQuery,
    horizon: i64,
    with_changes: bool,
) -> Result<Vec<EventRow>> {
    let mut filter = Where::new();
    filter.and_one("e.seq > ?", query.after).and_one("e.seq < ?", horizon);
    if !scope.all() {
        // NULL, for a role without a company, equals nothing.
        filter.and_one("e.company_id = ?", scope.company());
    }
    if let Some(action) = &query.action {
        filter.and_one("e.action = ?", action.as_str());
    }
    match &query.customer {
        Some(Reference::Id(id)) => drop(filter.and_one("e.customer_id = ?", *id)),
        Some(Reference::Public(number)) => drop(
            filter
                .and_one("e.customer_id = (SELECT id FROM customer WHERE customer_id = ?)", number.as_str()),
        ),
        None => {}
    }
    match &query.subject {
        Some(Reference::Id(id)) => drop(filter.and_one("e.subject_id = ?", *id)),
        Some(Reference::Public(reference)) => drop(filter.and_one("e.subject_ref = ?", reference.as_str())),
        None => {}
    }
    let tail = format!(" ORDER BY e.seq LIMIT {}", u64::from(query.limit) + 1);
    // Before and after are not even read for those who may not see them.
    let base = match with_changes {
        true => sql!(feed!("ch.event_seq = e.seq") => EventRow),
        false => sql!(feed!("false") => EventRow),
    };
    tx.select(base, &filter, &tail).await
}

/// The number of the last event below the horizon; 0 without any. (Not the horizon itself: numbers of a database that is
/// restored on another server go on from its last event.)
pub async fn last(tx: &mut Tx, horizon: i64) -> Result<i64> {
    tx.one(sql!("SELECT coalesce(max(seq), 0) AS n FROM event WHERE seq < $1" => i64), args![horizon]).await
}
