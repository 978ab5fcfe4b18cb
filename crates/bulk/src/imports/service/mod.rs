//! Taking a file and asking for its import; the job that follows.
//!
//! | file | holds |
//! |---|---|
//! | here | storing a file, looking at it, asking for the job |
//! | `run` | the job: one chunk after the other |
//! | `chunk`, `candidate`, `matched`, `own_id` | what becomes of the rows of a chunk, and whom they mean |
//! | `revert` | taking an import back |

mod candidate;
mod chunk;
mod matched;
mod own_id;
mod revert;
mod run;

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, TryStreamExt};
use kernel::clock::Timestamp;
use kernel::{Error, FieldError, Result};
use platform::access::Permission;
use platform::ctx::Ctx;
use platform::jobs::Progress;
use platform::storage::ObjectName;

use super::model::columns::plan;
use super::model::options::{Format, Options, Position, Spec};
use super::model::record::Reader;
use super::model::{Packing, Survey};
use super::store;
use crate::batches::service::{self as batches, Batch, Kind, NewBatch, Revert};
pub use own_id::erase_in;

/// The kind of work in [`crate::batches`].
pub const KIND: Kind = Kind {
    name: "import",
    permission: Permission::CustomersImport,
    work: |ctx, batch, slice| Box::pin(run::work(ctx, batch, slice)),
    revert: Some(Revert {
        permission: Permission::CustomersErase,
        work: |ctx, batch, slice| Box::pin(revert::work(ctx, batch, slice)),
    }),
    ended: Some(|ctx, batch| Box::pin(delete_file(ctx, batch))),
    keeps_spec: true,
};

/// Where files wait for their import.
const FOLDER: &str = "imports";
/// A file that is older than this belongs to no import that could still be at work.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// So much of a file is read to find its first row, whose limit is smaller.
const HEAD: u64 = 2 << 20;

/// A file as it comes in.
pub struct IncomingFile {
    /// What somebody says about it.
    pub options: Options,
    /// Csv or ndjson, if the file's name or type says so.
    pub format: Option<Format>,
    /// More bytes than this are refused.
    pub most_bytes: u64,
    /// Its bytes.
    pub pieces: BoxStream<'static, Result<Bytes>>,
}

/// Who works on the import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worker {
    /// A process with jobs.
    Any,
    /// The caller, with [`crate::batches::jobs::drive`].
    Caller,
}

/// Stores a file and asks for its import. 422 when the file cannot be imported at all: it is empty, or has no column that
/// is known.
pub async fn start(ctx: &Ctx, incoming: IncomingFile, worker: Worker) -> Result<Batch> {
    ctx.require_staff(KIND.permission)?;
    let Some(format) = incoming.options.format.or(incoming.format) else {
        return Err(no_format(incoming.pieces).await);
    };
    let input = ObjectName::new(&format!("{FOLDER}/{}", ctx.new_id()))?;
    let storage = &ctx.app().storage;
    let mut survey = Survey::default();
    let pieces = incoming.pieces.inspect_ok(|piece| survey.see(piece));
    storage.put_stream(&input, pieces, incoming.most_bytes).await?;
    let asked = async {
        let spec = look(ctx, &input, format, &incoming.options, &survey).await?;
        ask(ctx, &input, &spec, incoming.options.dry_run, worker).await
    };
    match asked.await {
        Ok(batch) => Ok(batch),
        Err(e) => {
            // Best effort: what stays is swept away.
            let _ = storage.delete(&input).await;
            Err(e)
        }
    }
}

/// What to do with a file of which nobody said how it is to be read: its beginning may tell.
async fn no_format(mut pieces: BoxStream<'static, Result<Bytes>>) -> Error {
    let mut survey = Survey::default();
    while survey.size() < 8 {
        match pieces.try_next().await {
            Ok(Some(piece)) => survey.see(&piece),
            Ok(None) => break,
            Err(e) => return e,
        }
    }
    if survey.size() == 0 {
        return Error::invalid_field("file", "empty", "Is empty");
    }
    if let Some(error) = unreadable(&survey) {
        return Error::invalid(vec![error]);
    }
    if survey.head().trim_ascii_start().starts_with(b"[") {
        let message =
            "Is a JSON array; write each object on a line of its own (NDJSON) and say format=ndjson";
        return Error::invalid_field("file", "not_lines", message);
    }
    Error::new(
        kernel::Kind::UnsupportedMedia,
        "UNSUPPORTED_MEDIA_TYPE",
        "Send the file as text/csv or application/x-ndjson, or say format=csv or format=ndjson",
    )
}

/// Why a file is no text, if it is none. People send the file that they see.
fn unreadable(survey: &Survey) -> Option<FieldError> {
    let message = match survey.packing()? {
        Packing::Compressed => "Is compressed; unpack it first",
        Packing::Workbook => {
            "Is a workbook, an archive or a document; save the table as CSV (UTF-8) and import that"
        }
    };
    Some(FieldError::new("file", "not_text", message))
}

async fn ask(ctx: &Ctx, input: &ObjectName, spec: &Spec, dry_run: bool, worker: Worker) -> Result<Batch> {
    let spec = serde_json::to_value(spec).map_err(|e| Error::internal("a spec as JSON").with_source(e))?;
    let new = NewBatch { kind: KIND.name, dry_run, spec, input: Some(input.to_string()), total: None };
    let mut tx = ctx.write().await?;
    let batch = match worker {
        Worker::Any => batches::create_in(ctx, &mut tx, new).await?,
        Worker::Caller => batches::create_own_in(ctx, &mut tx, new).await?,
    };
    tx.commit().await?;
    Ok(batch)
}

/// Decides how the file is read. All errors at once.
async fn look(
    ctx: &Ctx,
    input: &ObjectName,
    format: Format,
    options: &Options,
    survey: &Survey,
) -> Result<Spec> {
    let (encoding, skipped) = survey.encoding(options.encoding);
    if survey.size() <= skipped {
        return Err(Error::invalid_field("file", "empty", "Is empty"));
    }
    if let Some(error) = unreadable(survey) {
        return Err(Error::invalid(vec![error]));
    }
    let delimiter = options.delimiter.unwrap_or_else(|| survey.delimiter(encoding));
    let mut spec = Spec {
        format,
        mode: options.mode,
        match_by: options.match_by,
        columns: Vec::new(),
        delimiter: char::from(delimiter),
        encoding: encoding.name(),
        date_order: options.date_order,
        empty: options.empty,
        on_error: options.on_error,
        size: survey.size(),
        start: Position { offset: skipped, ..Position::default() },
    };
    if format == Format::Ndjson {
        return Ok(spec);
    }
    let head = ctx.app().storage.get_range(input, skipped..skipped + HEAD).await?.ok_or_else(gone)?;
    let mut reader = Reader::new(spec.clone(), spec.start);
    reader.push(&head);
    reader.finish();
    let Some((names, start)) = reader.header() else {
        return Err(Error::invalid_field("file", "empty", "Has no row"));
    };
    let names =
        names.map_err(|error| Error::invalid(vec![FieldError { field: "file".to_owned(), ..error }]))?;
    spec.columns = plan(&names, &options.mapping, options.unknown).map_err(Error::invalid)?;
    spec.start = start;
    Ok(spec)
}

fn gone() -> Error {
    Error::conflict("IMPORT_FILE_GONE", "The file of this import no longer exists; import it again")
}

/// The columns of its file that an import takes nothing from, as the file names them.
pub fn ignored_columns(batch: &Batch) -> Vec<String> {
    let columns = spec_of(batch).map(|spec| spec.columns).unwrap_or_default();
    columns.into_iter().filter(|column| column.member.is_none()).map(|column| column.name).collect()
}

/// What a batch of this kind has to do.
fn spec_of(batch: &Batch) -> Result<Spec> {
    serde_json::from_value(batch.spec.0.clone())
        .map_err(|e| Error::internal("the spec of an import is not one").with_source(e))
}

fn input_of(batch: &Batch) -> Result<ObjectName> {
    ObjectName::new(batch.input.as_deref().unwrap_or_default())
}

/// After the end: the file and what was remembered for its rows are deleted.
async fn delete_file(ctx: &Ctx, batch: &Batch) -> Result<()> {
    ctx.app().storage.delete(&input_of(batch)?).await?;
    loop {
        let mut tx = ctx.write().await?;
        let deleted = store::delete(&mut tx, batch.id).await?;
        tx.commit().await?;
        if deleted == 0 {
            return Ok(());
        }
    }
}

/// Housekeeping: deletes files a day after they came, whatever became of their imports.
pub async fn sweep(ctx: &Ctx) -> Result<Progress> {
    let storage = &ctx.app().storage;
    let folder = ObjectName::new(FOLDER)?;
    let mut after: Option<ObjectName> = None;
    loop {
        let page = storage.list(&folder, after.as_ref(), 1000).await?;
        for one in &page {
            // The name is a UUIDv7, which begins with the time; they are in the order of their ages.
            let id = one.name.as_str().rsplit('/').next().and_then(|id| uuid::Uuid::try_parse(id).ok());
            let made = id.and_then(|id| id.get_timestamp()).map(|t| t.to_unix());
            let made = made.and_then(|(seconds, _)| Timestamp::from_micros(seconds as i64 * 1_000_000));
            match made {
                Some(made) if ctx.now().since(made) < KEPT => return Ok(Progress::Done),
                _ => storage.delete(&one.name).await?,
            }
        }
        after = page.last().map(|one| one.name.clone());
        if page.len() < 1000 {
            return Ok(Progress::Done);
        }
        if ctx.should_yield() {
            return Ok(Progress::More);
        }
    }
}
