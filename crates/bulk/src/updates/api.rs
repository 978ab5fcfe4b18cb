//! `POST /api/v1/customers/bulk-update`.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kernel::Result;
use kernel::web::Body;
use kernel::web::problem::Problems;
use kernel::web::reply;
use platform::app::App;
use platform::ctx::Ctx;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::BulkUpdate;
use super::service::{self, Answer, Became, Changed};
use crate::batches::api::{Accepted, JobView};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(bulk_update))
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
        for Changed { customer_id, became, .. } in answer.changed {
            match became {
                Became::Updated(_) => updated.push(customer_id),
                Became::Unchanged => unchanged.push(customer_id),
                Became::Failed(e) => failed.push(BulkFailure {
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
