//! `/api/v1/jobs`: long work that somebody asked for.

use axum::extract::Path;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use kernel::clock::Timestamp;
use kernel::web::field::one_of;
use kernel::web::list::{ListOf, ListReply, ListSpec, Listing};
use kernel::web::nothing::NothingBody;
use kernel::web::problem::Problems;
use kernel::web::query::Query;
use kernel::web::reply::json;
use kernel::{Error, Result};
use platform::app::App;
use platform::ctx::Ctx;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::Object;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::kinds;
use super::model::Column;
use super::report::{self, Format};
use super::service::{self, Batch, Verdict};
use super::store::{SPEC, STATES};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(cancel))
        .routes(routes!(revert))
        .routes(routes!(report))
}

/// Long work that somebody asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub struct JobView {
    /// Its id.
    id: Uuid,
    /// What is done.
    #[schema(schema_with = kind_words)]
    kind: String,
    /// How it stands.
    #[schema(schema_with = state_words)]
    state: String,
    /// Does it only say what would be done?
    dry_run: bool,
    /// Who asked for it.
    requested_by: String,
    /// How far it is.
    progress: ProgressView,
    /// Of the table that is imported: what became of each column.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    columns: Option<Vec<Column>>,
    /// Why it failed as a whole.
    error: Option<JobError>,
    /// One line per row: `?format=csv` or `ndjson`, `&verdict=failed`.
    #[schema(example = "/api/v1/jobs/019cb0a4-7d10-7c3a-8f4e-5b1c2d3e4f50/report")]
    report: String,
    /// When it was asked for.
    created_at: Timestamp,
    /// When the work began.
    started_at: Option<Timestamp>,
    /// The latest progress.
    updated_at: Timestamp,
    /// When it ended.
    finished_at: Option<Timestamp>,
}

fn kind_words() -> Object {
    one_of(kinds::all().into_iter().map(|kind| kind.name))
}

fn state_words() -> Object {
    one_of(STATES.iter().copied())
}

/// How far a job is: processed = created + updated + unchanged + skipped + duplicate + failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobProgress)]
pub struct ProgressView {
    /// Rows in all, once that is known.
    total: Option<i64>,
    /// Rows that have a verdict.
    processed: i64,
    /// New customers.
    created: i64,
    /// Changed ones.
    updated: i64,
    /// Rows that say what is stored.
    unchanged: i64,
    /// Rows left out on purpose, such as customers erased meanwhile.
    skipped: i64,
    /// Rows that mean the same customer as one before.
    duplicate: i64,
    /// Rows refused.
    failed: i64,
    /// 0 to 100; 100 only at the end.
    percent: Option<i64>,
}

/// Why a job failed as a whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobError {
    /// For programs.
    error_code: String,
    /// For people.
    detail: String,
}

impl From<Batch> for JobView {
    fn from(b: Batch) -> JobView {
        let progress = ProgressView {
            total: b.total,
            processed: b.processed,
            created: b.created,
            updated: b.updated,
            unchanged: b.unchanged,
            skipped: b.skipped,
            duplicate: b.duplicate,
            failed: b.failed,
            percent: b.percent(),
        };
        let detail = b.error.unwrap_or_default();
        let columns = b.spec.0.get("columns").and_then(|columns| Vec::deserialize(columns).ok());
        JobView {
            id: b.id,
            kind: b.kind,
            state: b.state,
            dry_run: b.dry_run,
            requested_by: b.requester_name,
            progress,
            columns,
            error: b.error_code.map(|error_code| JobError { error_code, detail }),
            report: format!("/api/v1/jobs/{}/report", b.id),
            created_at: b.created_at,
            started_at: b.started_at,
            updated_at: b.updated_at,
            finished_at: b.finished_at,
        }
    }
}

/// 202 with a job and where to look at it.
pub struct Accepted(pub Batch);

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let location = format!("/api/v1/jobs/{}", self.0.id);
        let mut response = json(StatusCode::ACCEPTED, &JobView::from(self.0));
        if let Ok(location) = location.parse() {
            response.headers_mut().insert(axum::http::header::LOCATION, location);
        }
        response
    }
}

/// The list of jobs.
pub struct Jobs;

impl ListOf for Jobs {
    type Item = JobView;
    const SPEC: &'static ListSpec = &SPEC;
}

/// A page of jobs.
pub type JobList = ListReply<Jobs>;

/// The jobs that the caller asked for; for a role that reaches everything, all jobs. Newest first.
#[utoipa::path(get, path = "/api/v1/jobs", operation_id = "listJobs", tag = "jobs", security(("bearer" = [])),
    params(Listing<Jobs>), responses((status = 200, body = JobList), Problems))]
async fn list(ctx: Ctx, Listing(request, ..): Listing<Jobs>) -> Result<JobList> {
    let (rows, total) = service::list(&ctx, &request).await?;
    Ok(ListReply::new(&request, rows, total, JobView::from))
}

/// One job and how far it is.
#[utoipa::path(get, path = "/api/v1/jobs/{job}", operation_id = "getJob", tag = "jobs",
    security(("bearer" = [])),
    params(("job" = Uuid, Path, description = "The job's id.")),
    responses((status = 200, body = JobView), Problems))]
async fn get(ctx: Ctx, Path(job): Path<String>) -> Result<axum::Json<JobView>> {
    Ok(axum::Json(service::get(&ctx, &job).await?.into()))
}

/// Stops a job before its next chunk. What is done stays done.
#[utoipa::path(post, path = "/api/v1/jobs/{job}/cancel", operation_id = "cancelJob", tag = "jobs",
    security(("bearer" = [])),
    params(("job" = Uuid, Path, description = "The job's id.")),
    responses((status = 200, body = JobView), Problems))]
async fn cancel(ctx: Ctx, Path(job): Path<String>, _: NothingBody) -> Result<axum::Json<JobView>> {
    Ok(axum::Json(service::cancel(&ctx, &job).await?.into()))
}

/// Takes back what a job did, as far as nobody changed it since. The job goes on under its id until it is `reverted`.
#[utoipa::path(post, path = "/api/v1/jobs/{job}/revert", operation_id = "revertJob", tag = "jobs",
    security(("bearer" = [])),
    params(("job" = Uuid, Path, description = "The job's id.")),
    responses((status = 202, body = JobView), Problems))]
async fn revert(ctx: Ctx, Path(job): Path<String>, _: NothingBody) -> Result<Accepted> {
    service::revert(&ctx, &job).await.map(Accepted)
}

/// One line per row: what became of it, and why. In CSV, cells that look like formulas begin with an apostrophe.
#[utoipa::path(get, path = "/api/v1/jobs/{job}/report", operation_id = "getJobReport", tag = "jobs",
    security(("bearer" = [])),
    params(
        ("job" = Uuid, Path, description = "The job's id."),
        ("format" = inline(Option<Format>), Query, description = "CSV without it."),
        ("verdict" = inline(Option<Verdict>), Query, description = "Only these lines."),
    ),
    responses((status = 200, description = "The file.",
        content((String = "text/csv"), (String = "application/x-ndjson"))), Problems))]
async fn report(ctx: Ctx, Path(job): Path<String>, uri: Uri) -> Result<Response> {
    let query = Query::parse(&uri, &["format", "verdict"])?;
    let format = Format::parse(query.get("format"))?;
    let verdict = verdict(query.get("verdict"))?;
    let batch = service::get(&ctx, &job).await?;
    Ok(report::reply(ctx, batch, format, verdict))
}

fn verdict(text: Option<&str>) -> Result<&'static str> {
    let Some(text) = text else { return Ok("") };
    let known = Verdict::WORDS.iter().find(|word| **word == text).copied();
    known.ok_or_else(|| {
        let detail = format!("verdict must be one of {}", Verdict::WORDS.join(", "));
        Error::bad_request("PARAMETER_INVALID", detail)
    })
}
