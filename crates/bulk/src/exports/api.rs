//! `GET /api/v1/customers/export`: a file, written while it is read.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use customers::customer::model::view::CustomerView;
use customers::customer::service::rows::EXPORTED;
use futures_util::stream;
use kernel::text::did_you_mean;
use kernel::web::list::{FilterValue, ListOf, ListRequest, ListSpec, Listing, decode, parse};
use kernel::web::problem::Problems;
use kernel::web::stream::streamed;
use kernel::{Error, Result};
use platform::access::Permission;
use platform::app::App;
use platform::ctx::Ctx;
use tokio::sync::{mpsc, oneshot};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Columns, Format};
use super::service::{Export, ExportRequest, PAGE};

/// Pieces that wait for a slow client, besides the one it is reading.
const WAITING: usize = 1;
/// A file has neither pages nor another order than that of creation.
const NOT_HERE: [&str; 8] = ["limit", "offset", "skip", "page", "cursor", "sort", "sort_by", "sort_order"];

/// Files of customers.
struct Exported;

impl ListOf for Exported {
    type Item = CustomerView;
    const SPEC: &'static ListSpec = &EXPORTED;
}

/// The parameters: those of the list but for order and pages.
struct ExportParams;

impl utoipa::IntoParams for ExportParams {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut all = <Listing<Exported> as utoipa::IntoParams>::into_params(place);
        all.retain(|parameter| !NOT_HERE.contains(&parameter.name.as_str()));
        all
    }
}

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(export))
}

/// The customers that the filters find, as a file in the order of creation. A body that ends before its end, without
/// the last chunk, is an export that failed.
#[utoipa::path(get, path = "/api/v1/customers/export", operation_id = "exportCustomers", tag = "bulk",
    security(("bearer" = [])),
    params(ExportParams),
    responses((status = 200, description = "The file.", content((String = "text/csv"), (String = "application/x-ndjson"))), Problems))]
async fn export(ctx: Ctx, uri: Uri) -> Result<Response> {
    ctx.require_staff(Permission::CustomersExport)?;
    let wanted = wanted(uri.query().unwrap_or_default())?;
    let format = wanted.format;
    let export = Export::begin(&ctx, wanted).await?;
    let name =
        format!("attachment; filename=\"customers-{}.{}\"", &ctx.now().to_string()[..10], format.name());
    let mut response = body(export).await?.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    let name = HeaderValue::from_str(&name).map_err(|e| Error::internal("a file name").with_source(e))?;
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// 400 for a parameter that a list has and an export has not, and for one that neither has.
fn check_name(name: &str) -> Result<()> {
    let detail = match NOT_HERE.contains(&name) {
        true => format!("{name}: an export has all rows in the order of creation; leave it out"),
        false => {
            let known: Vec<&str> = EXPORTED.filters.iter().map(|filter| filter.name).collect();
            if known.contains(&name) {
                return Ok(());
            }
            let name: String = name.chars().take(64).collect();
            let near = did_you_mean(&name, known.iter().copied());
            format!("Unknown parameter \"{name}\"{near}; allowed are {}", known.join(", "))
        }
    };
    Err(Error::bad_request("UNKNOWN_PARAMETER", detail))
}

/// Reads the query of an export, also what the command line was given in its form.
pub fn wanted(query: &str) -> Result<ExportRequest> {
    for part in query.split('&').filter(|part| !part.is_empty()) {
        check_name(&decode(part.split('=').next().unwrap_or_default())?)?;
    }
    // The newest last: what is created meanwhile is found at the end.
    let separator = if query.is_empty() { "" } else { "&" };
    let mut filters = parse(&EXPORTED, &format!("{query}{separator}sort=created_at"))?;
    let text = |request: &ListRequest, name| match request.filter(name) {
        Some(FilterValue::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let format = text(&filters, "format").map_or(Ok(Format::Csv), |name| Format::parse(&name))?;
    let columns = text(&filters, "columns").map_or(Ok(Columns::usual()), |names| Columns::parse(&names))?;
    let bom = matches!(filters.filter("bom"), Some(FilterValue::Bool(true)));
    filters.filters.retain(|(filter, _)| !["format", "columns", "bom"].contains(&filter.name));
    Ok(ExportRequest { format, columns, bom, filters, page: PAGE })
}

/// What the writing task tells the reply.
enum BodyChunk {
    Bytes(Vec<u8>),
    /// Nothing is missing. The reply tells when it has come to this.
    End(oneshot::Sender<()>),
    Failed(Error),
}

/// The body of a reply. Its first piece is made before, so that what fails at once is an error like any other; what fails
/// later breaks the connection off, and no client takes a part for the whole.
pub async fn body(mut export: Export) -> Result<Body> {
    let first = export.next().await?.unwrap_or_default();
    let (pieces, waiting) = mpsc::channel(WAITING);
    tokio::spawn(write(export, first, pieces));
    let pieces = stream::try_unfold(waiting, |mut waiting| async {
        match waiting.recv().await {
            Some(BodyChunk::Bytes(bytes)) => Ok(Some((Bytes::from(bytes), waiting))),
            Some(BodyChunk::End(seen)) => {
                // Nobody may be there to hear it.
                let _ = seen.send(());
                Ok(None)
            }
            Some(BodyChunk::Failed(e)) => Err(e),
            // The task is gone without a word, or its time was over.
            None => Err(Error::internal("the export broke off")),
        }
    });
    Ok(streamed(pieces))
}

/// Writes until the end, or until the time is over; what a client has taken by then is broken off.
async fn write(mut export: Export, first: Vec<u8>, pieces: mpsc::Sender<BodyChunk>) {
    let limit = export.time_limit();
    let complete = match tokio::time::timeout(limit, send(&mut export, first, &pieces)).await {
        Ok(Ok(complete)) => complete,
        Ok(Err(e)) => {
            tracing::error!(rows = export.rows(), error = ?e, "an export broke off");
            let _ = pieces.send(BodyChunk::Failed(e)).await;
            false
        }
        Err(_) => {
            tracing::warn!(
                rows = export.rows(),
                ?limit,
                "an export took longer than limits.export_timeout_s"
            );
            false
        }
    };
    drop(pieces);
    if let Err(e) = export.end(complete).await {
        tracing::error!(error = ?e, "the end of an export could not be recorded");
    }
}

/// Sends piece after piece. True when the reply came to its end, false when its client went away.
async fn send(export: &mut Export, first: Vec<u8>, pieces: &mpsc::Sender<BodyChunk>) -> Result<bool> {
    let mut piece = Some(first);
    while let Some(bytes) = piece {
        if !bytes.is_empty() && pieces.send(BodyChunk::Bytes(bytes)).await.is_err() {
            return Ok(false);
        }
        piece = export.next().await?;
    }
    let (seen, end) = oneshot::channel();
    Ok(pieces.send(BodyChunk::End(seen)).await.is_ok() && end.await.is_ok())
}
