//! `POST /api/v1/customers/import`: the file is the body, what is said about it the query.

use axum::http::Uri;
use kernel::web::problem::Problems;
use kernel::web::query::Query;
use kernel::{Error, Result};
use platform::app::App;
use platform::ctx::Ctx;
use platform::http::upload::Upload;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::DateOrder;
use super::model::columns::Unknown;
use super::model::options::{Empty, Format, MatchKey, Mode, OnError, Options, PARAMETERS};
use super::service::{self, IncomingFile, Worker};
use crate::batches::api::{Accepted, JobView};

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import))
}

/// A table or lines of JSON.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "for the documentation")]
struct ImportFile(Vec<u8>);

/// A form with a file.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "for the documentation")]
struct ImportForm {
    /// The file; the first one of the form is taken.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// What stands between two cells.
#[derive(utoipa::ToSchema)]
#[schema(as = ImportDelimiter)]
#[expect(dead_code, reason = "for the documentation")]
enum Delimiter {
    /// A comma.
    #[schema(rename = ",")]
    Comma,
    /// A semicolon.
    #[schema(rename = ";")]
    Semicolon,
    /// A vertical line.
    #[schema(rename = "|")]
    Pipe,
    /// A tab.
    #[schema(rename = "tab")]
    Tab,
}

/// Imports customers from a CSV or NDJSON file: the body, or the first file of a form. Answers as soon as the file is
/// stored and its columns are known; the job tells how far it is, and its report what became of each row.
#[utoipa::path(post, path = "/api/v1/customers/import", operation_id = "importCustomers", tag = "bulk",
    security(("bearer" = [])),
    request_body(description = "The file: as it is, or as a file of a form.", content(
        (String = "text/csv"),
        (String = "application/x-ndjson"),
        (ImportForm = "multipart/form-data"),
        (ImportFile = "application/octet-stream"),
    )),
    params(
        ("format" = inline(Option<Format>), Query, description = "Without it, by the type of the body."),
        ("mode" = inline(Option<Mode>), Query, description = "What is done with a row; `create` without it."),
        ("match" = inline(Option<MatchKey>), Query, description = "By what a row finds its customer. Without it the first of these that \
            the row has; a customer_id of nobody, or of somebody else, is passed over."),
        ("dry_run" = Option<bool>, Query, description = "Only the verdicts, nothing is written."),
        ("mapping" = Option<String>, Query, description = "`column=member` with commas between, columns by name or number; \
            `column=` ignores one."),
        ("unknown" = inline(Option<Unknown>), Query, description = "What is done with columns that nobody knows; `ignore` without it."),
        ("delimiter" = inline(Option<Delimiter>), Query, description = "Guessed without it."),
        ("encoding" = Option<String>, Query, description = "`utf-8`, `utf-16le`, `utf-16be`, or an encoding with one byte for a \
            character such as `windows-1252`; guessed without it."),
        ("date_order" = inline(Option<DateOrder>), Query, description = "For days such as 03/04/1990."),
        ("empty" = inline(Option<Empty>), Query, description = "What an empty cell does to a known customer; `keep` without it."),
        ("on_error" = inline(Option<OnError>), Query, description = "What follows a row that could not be imported; `skip` without it."),
    ),
    responses((status = 202, body = JobView), Problems))]
async fn import(ctx: Ctx, uri: Uri, upload: Upload) -> Result<Accepted> {
    let options = options(&uri)?;
    let most_bytes = ctx.app().config.import_bytes;
    let format = format_of(&upload);
    let incoming = IncomingFile { options, format, most_bytes, pieces: upload.pieces };
    service::start(&ctx, incoming, Worker::Any).await.map(Accepted)
}

/// All errors at once: 422. An unknown parameter is 400, as everywhere.
fn options(uri: &Uri) -> Result<Options> {
    let query = Query::parse(uri, PARAMETERS)?;
    let mut options = Options::default();
    let said = PARAMETERS.iter().filter_map(|name| Some((*name, query.get(name)?)));
    let errors: Vec<_> = said.filter_map(|(name, text)| options.set(name, text).err()).collect();
    if errors.is_empty() { Ok(options) } else { Err(Error::invalid(errors)) }
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
