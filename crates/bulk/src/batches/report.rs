//! A report as it is sent: one line per row, read from the database in pages, so that its size is no matter of memory.

use std::collections::VecDeque;

use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::stream::{self, Stream};
use kernel::web::stream::streamed;
use kernel::{Error, Result};
use platform::ctx::Ctx;
use serde::Serialize;

use super::service::{self, Batch, Line};
use crate::cells::write_text;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, utoipa::ToSchema)]
#[schema(as = ReportFormat, rename_all = "lowercase")]
pub enum Format {
    /// Commas between, with a head.
    Csv,
    /// A JSON object in each line.
    Ndjson,
}

impl Format {
    /// Reads `csv` or `ndjson`; CSV without it. 400.
    pub fn parse(text: Option<&str>) -> Result<Format> {
        match text {
            None | Some("csv") => Ok(Format::Csv),
            Some("ndjson") => Ok(Format::Ndjson),
            Some(_) => Err(Error::bad_request("PARAMETER_INVALID", "format: must be one of csv, ndjson")),
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Ndjson => "application/x-ndjson",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Ndjson => "ndjson",
        }
    }

    fn write(self, line: &Line, out: &mut Vec<u8>) {
        match self {
            Format::Csv => {
                let n = line.n.to_string();
                let texts =
                    [&line.customer_id, &line.code, &line.message].map(|t| t.as_deref().unwrap_or_default());
                let [customer, code, message] = texts;
                csv_line([n.as_str(), line.verdict.as_str(), customer, code, message], out);
            }
            Format::Ndjson => {
                let view = LineView {
                    row: line.n,
                    verdict: line.verdict.as_str(),
                    customer_id: line.customer_id.as_deref(),
                    error_code: line.code.as_deref(),
                    detail: line.message.as_deref(),
                };
                // Texts and numbers into memory: there is nothing that could fail.
                let _ = serde_json::to_writer(&mut *out, &view);
                out.push(b'\n');
            }
        }
    }
}

/// A line of a report.
#[derive(Serialize)]
struct LineView<'a> {
    row: i64,
    verdict: &'a str,
    customer_id: Option<&'a str>,
    error_code: Option<&'a str>,
    detail: Option<&'a str>,
}

/// One line of CSV (RFC 4180). Names of columns begin a message: they come from a file, and may be formulas.
fn csv_line<'a>(cells: impl IntoIterator<Item = &'a str>, out: &mut Vec<u8>) {
    for (i, cell) in cells.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_text(cell, out);
    }
    out.extend_from_slice(b"\r\n");
}

/// The report of a job in pieces, each read when it is asked for. `verdict`: only these lines; empty is all.
pub fn pages(
    ctx: Ctx,
    batch: Batch,
    format: Format,
    verdict: &'static str,
) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
    let mut head = Vec::new();
    if format == Format::Csv {
        csv_line(["row", "verdict", "customer_id", "error_code", "detail"], &mut head);
    }
    let first = VecDeque::from_iter((!head.is_empty()).then(|| Bytes::from(head)));
    stream::try_unfold((first, Some(0)), move |(mut ready, after)| {
        let (ctx, batch) = (ctx.clone(), batch.clone());
        async move {
            if let Some(bytes) = ready.pop_front() {
                return Ok(Some((bytes, (ready, after))));
            }
            let Some(after) = after else { return Ok(None) };
            let lines = service::lines(&ctx, &batch, after, verdict).await?;
            let Some(last) = lines.last().map(|line| line.n) else { return Ok(None) };
            let mut out = Vec::with_capacity(lines.len() * 64);
            lines.iter().for_each(|line| format.write(line, &mut out));
            Ok::<_, Error>(Some((Bytes::from(out), (ready, Some(last)))))
        }
    })
}

/// The report of a job as a reply that is read while it is sent.
pub fn reply(ctx: Ctx, batch: Batch, format: Format, verdict: &'static str) -> Response {
    let name = format!("attachment; filename=\"job-{}.{}\"", batch.id, format.extension());
    let mut response = Response::new(streamed(pages(ctx, batch, format, verdict)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}
