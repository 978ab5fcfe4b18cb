//! `POST /api/v1/customers/bulk-update`.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use customers::customer::model::Members;
use customers::customer::service::rows::SPEC;
use kernel::Result;
use kernel::web::field::nullable;
use kernel::web::problem::Problems;
use kernel::web::{Body, Fields, Input, reply};
use platform::app::App;
use platform::ctx::Ctx;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::BulkChange;
use super::service::{self, Answer, Changed, UpdateOutcome};
use crate::batches::api::{Accepted, JobView};

/// Customers that one request names.
const MOST_IDS: usize = 1000;
/// Largest `updates` as JSON; its members have limits of their own.
const UPDATES_BYTES: usize = 256 * 1024;
/// Largest `filter` as JSON.
const FILTER_BYTES: usize = 16 * 1024;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(bulk_update))
}

/// By ids or by filter.
pub struct BulkUpdate {
    customer_ids: Option<Vec<String>>,
    filter: Map<String, Value>,
    dry_run: bool,
    updates: Members,
    /// As they were sent, for the job.
    updates_sent: Map<String, Value>,
}

impl Input for BulkUpdate {
    const NAME: &'static str = "CustomerBulkUpdate";
    fn read(f: &mut Fields<'_>) -> Option<BulkUpdate> {
        f.example(|| {
            json!({"filter": {"tag": "vip", "country": "US"}, "updates": {"is_verified": true}, "dry_run": true})
        });
        let customer_ids = f.texts("customer_ids", MOST_IDS, 64);
        f.note("UUIDs or `CUST_…`, 1 to 1000: updated in one transaction. Either these or `filter`.");
        let filter = f.object("filter", FILTER_BYTES);
        f.refine(|member| *member = nullable(SPEC.filters_schema().into()));
        f.note("The filters of the list of customers, such as `{\"tag\": \"vip\", \"country\": \"US\"}`: updated by a job.");
        let all = f.change::<bool>("all").unwrap_or(false);
        f.note("Must be true to mean everybody, that is, an empty `filter` or none.");
        let dry_run = f.change::<bool>("dry_run").unwrap_or(false);
        f.note("Only counts whom the filter finds.");
        let updates_sent = f.object("updates", UPDATES_BYTES).value().unwrap_or_default();
        let updates = f.need_nested::<BulkChange>("updates");
        let by_filter = !filter.is_absent() || all;
        let ids = customer_ids.value();
        let filter = filter.value().unwrap_or_default();
        if let Some((name, code, message)) = contradiction(ids.as_deref(), by_filter, &filter, all, dry_run) {
            f.error(name, code, message);
        }
        f.build(|| BulkUpdate { customer_ids: ids, filter, dry_run, updates: updates.get().0, updates_sent })
    }
}

/// What does not go together: the member, a code, and a sentence.
fn contradiction(
    ids: Option<&[String]>,
    by_filter: bool,
    filter: &Map<String, Value>,
    all: bool,
    dry_run: bool,
) -> Option<(&'static str, &'static str, &'static str)> {
    match ids {
        Some(_) if by_filter => {
            Some(("filter", "conflicting_values", "Give customer_ids or filter, not both"))
        }
        Some(_) if dry_run => Some(("dry_run", "conflicting_values", "Goes with filter only")),
        Some([]) => Some(("customer_ids", "required", "Must name at least one customer")),
        Some(_) => None,
        None if !by_filter => Some(("customer_ids", "required", "Give customer_ids or filter")),
        None if filter.is_empty() && !all => {
            Some(("filter", "required", "Is empty; say \"all\": true if you mean everybody"))
        }
        None if !filter.is_empty() && all => {
            Some(("all", "conflicting_values", "Goes with an empty filter only"))
        }
        None => None,
    }
}

/// Body of `bulk-update`.
pub type BulkUpdateBody = Body<BulkUpdate>;

/// What became of each of the customers that were named.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CustomerBulkUpdated)]
pub struct BulkUpdated {
    /// How many were changed.
    updated_count: usize,
    /// Public ids of the changed ones.
    updated: Vec<String>,
    /// Public ids of those that were so already.
    unchanged: Vec<String>,
    /// As they were named.
    not_found: Vec<String>,
    /// Those that were left as they are, and why.
    failed: Vec<BulkFailure>,
}

/// A customer that was left as it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CustomerBulkFailure)]
pub struct BulkFailure {
    /// Public id.
    customer_id: String,
    /// For programs.
    error_code: String,
    /// For people.
    detail: String,
}

/// What a dry run found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CustomerBulkCounted)]
pub struct BulkCounted {
    /// Customers that the filter finds.
    would_update: i64,
}

/// What `bulk-update` answers with 200.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "for the documentation: each is answered as it is")]
enum CustomerBulkReply {
    /// By ids.
    Updated(BulkUpdated),
    /// A dry run.
    Counted(BulkCounted),
}

impl From<Answer> for BulkUpdated {
    fn from(answer: Answer) -> BulkUpdated {
        let (mut updated, mut unchanged, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for Changed { customer_id, outcome, .. } in answer.changed {
            match outcome {
                UpdateOutcome::Updated(_) => updated.push(customer_id),
                UpdateOutcome::Unchanged => unchanged.push(customer_id),
                UpdateOutcome::Failed(e) => failed.push(BulkFailure {
                    customer_id,
                    error_code: e.code().to_owned(),
                    detail: e.detail().to_owned(),
                }),
            }
        }
        BulkUpdated { updated_count: updated.len(), updated, unchanged, not_found: answer.not_found, failed }
    }
}

/// Changes many customers alike: up to 1000 by ids at once, or all that a filter finds, as a job.
#[utoipa::path(post, path = "/api/v1/customers/bulk-update", operation_id = "updateManyCustomers", tag = "bulk",
    security(("bearer" = [])),
    request_body(content = BulkUpdateBody, examples(
        ("by ids" = (value = json!({
            "customer_ids": ["CUST_A1B2C3D4", "CUST_B2C3D4E5"],
            "updates": {"marketing_emails": false, "notes": "Bulk updated customer", "tags": "bulk-updated"}
        }))),
        ("by a filter, as a job" = (value = json!({
            "filter": {"tag": "vip", "country": "US"}, "updates": {"is_verified": true}, "dry_run": true
        })))
    )),
    responses((status = 200, body = CustomerBulkReply), (status = 202, body = JobView), Problems))]
async fn bulk_update(ctx: Ctx, Body(body): BulkUpdateBody) -> Result<Response> {
    let BulkUpdate { customer_ids, filter, dry_run, updates, updates_sent } = body;
    if let Some(ids) = customer_ids {
        let answer = service::by_ids(&ctx, ids, updates).await?;
        return Ok(reply::json(StatusCode::OK, &BulkUpdated::from(answer)));
    }
    if dry_run {
        let would_update = service::count(&ctx, &filter, &updates).await?;
        return Ok(reply::json(StatusCode::OK, &BulkCounted { would_update }));
    }
    service::by_filter(&ctx, filter, &updates, updates_sent)
        .await
        .map(|batch| Accepted(batch).into_response())
}
