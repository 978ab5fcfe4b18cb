//! `POST /api/v1/customers/import`: the file is the body, what is said about it the query.

use axum::http::Uri;
use kernel::app::App;
use kernel::ctx::Ctx;
use kernel::web::problem::Problems;
use kernel::web::upload::Upload;
use kernel::{Error, Result};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::options::{Format, Options, PARAMETERS};
use super::service::{self, Incoming, Worker};
use crate::batches::api::{Accepted, JobView};
use crate::query::Query;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import))
}

/// Imports customers from a CSV or NDJSON file: the body, or the first file of a form. Answers as soon as the file is
/// stored and its columns are known; the job tells how far it is, and its report what became of each row.
#[utoipa::path(post, path = "/api/v1/customers/import", operation_id = "importCustomers", tag = "bulk",
    security(("bearer" = [])),
    request_body(description = "The file; also as `application/x-ndjson`, or as a file of a form (`multipart/form-data`).",
        content = String, content_type = "text/csv"),
    params(
        ("format" = Option<String>, Query, description = "`csv` or `ndjson`; by the type of the body without it."),
        ("mode" = Option<String>, Query, description = "`create` (without it), `update` or `upsert`."),
        ("match" = Option<String>, Query, description = "`customer_id`, `external_id`, `email` or `phone`: by what a row finds \
            its customer. Without it the first of these that the row has; a customer_id of nobody, or of somebody else, is passed over."),
        ("dry_run" = Option<bool>, Query, description = "Only the verdicts, nothing is written."),
        ("mapping" = Option<String>, Query, description = "`column=member` with commas between, columns by name or number; \
            `column=` ignores one."),
        ("unknown" = Option<String>, Query, description = "Columns that nobody knows: `ignore` (without it), `refuse`, or keep \
            as `metadata`."),
        ("delimiter" = Option<String>, Query, description = "`,`, `;`, `|` or `tab`; guessed without it."),
        ("encoding" = Option<String>, Query, description = "Such as `windows-1252`; guessed without it."),
        ("date_order" = Option<String>, Query, description = "`dmy` or `mdy`, for days such as 03/04/1990."),
        ("empty" = Option<String>, Query, description = "What an empty cell does to a known customer: `keep` (without it) or \
            `clear`."),
        ("on_error" = Option<String>, Query, description = "After a row that could not be imported: `skip` (without it) to the \
            next, or `stop`."),
    ),
    responses((status = 202, body = JobView), Problems))]
async fn import(ctx: Ctx, uri: Uri, upload: Upload) -> Result<Accepted> {
    let options = options(&uri)?;
    let most_bytes = ctx.app().config.import_bytes;
    let format = format_of(&upload);
    let incoming = Incoming { options, format, most_bytes, pieces: upload.pieces };
    service::start(&ctx, incoming, Worker::Any).await.map(Accepted)
}

/// All faults at once: 422. An unknown parameter is 400, as everywhere.
fn options(uri: &Uri) -> Result<Options> {
    let query = Query::parse(uri, PARAMETERS)?;
    let mut options = Options::default();
    let said = PARAMETERS.iter().filter_map(|name| Some((*name, query.get(name)?)));
    let faults: Vec<_> = said.filter_map(|(name, text)| options.set(name, text).err()).collect();
    if faults.is_empty() { Ok(options) } else { Err(Error::invalid(faults)) }
}

/// What the type of the body says, or the name of the file in a form.
fn format_of(upload: &Upload) -> Option<Format> {
    let by_type = match upload.media_type.as_str() {
        "text/csv" | "text/tab-separated-values" | "application/vnd.ms-excel" => Some(Format::Csv),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Format::Ndjson),
        _ => None,
    };
    by_type.or_else(|| upload.file_name.as_deref().and_then(Format::of_name))
}
