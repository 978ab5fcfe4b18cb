//! The job: reads the file from where the last chunk ended, and works on one chunk after the other. Reading and checking
//! values goes on beside the writing, a chunk or two ahead.

use kernel::{Error, Kind as Failure, Result};
use platform::access::Scope;
use platform::app::App;
use platform::ctx::Ctx;
use platform::storage::ObjectName;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::chunk::{self, Verdicts};
use super::{KIND, gone, input_of, spec_of};
use crate::batches::service::{self as batches, Batch, Done, NewRow, Outcome, Slice, Verdict};
use crate::imports::model::options::{OnError, Position, Spec};
use crate::imports::model::record::{Content, Reader, Record};
use crate::imports::store;

/// Rows of one transaction.
const CHUNK: usize = 2000;
/// A chunk of long rows is shorter: it is held in memory.
const CHUNK_BYTES: u64 = 8 << 20;
/// So much is read from the file at once.
const PIECE: u64 = 1 << 20;
/// So often a chunk is tried again as it is before it is taken apart.
const REPEATS: usize = 2;
/// After so many rows other requests of the thread get on.
const PAUSE: usize = 64;

/// Works on an import until its end or that of the slice.
pub(super) async fn work(ctx: &Ctx, mut batch: Batch, slice: Slice) -> Result<Outcome> {
    let scope = ctx.require_staff(KIND.permission)?;
    let spec = spec_of(&batch)?;
    // A process that was killed at the end of an import did not come to say why it ended.
    let last = place_of(&batch, &spec)?;
    if last.unclosed {
        return Err(unreadable(last.row));
    }
    if batch.failed > 0 && spec.on_error == OnError::Stop {
        return Err(stopped_at(last.row));
    }
    let (mut most, mut repeats) = (CHUNK, 0);
    let mut feed = Feed::open(ctx.app(), &batch, &spec, most)?;
    loop {
        let piece = feed.next().await?;
        let (size, end) = (piece.records.len(), piece.end);
        match step(ctx, &scope, &spec, &batch, piece, repeats == REPEATS).await {
            Ok(Step::Moved(moved)) => (batch, repeats) = (*moved, 0),
            Ok(Step::Elsewhere) => return Ok(Outcome::Elsewhere),
            Ok(Step::Shorter(rows)) => {
                most = rows;
                feed = Feed::open(ctx.app(), &batch, &spec, most)?;
                continue;
            }
            // A neighbour wrote the same address in the same moment: looked up again, its rows get the verdict they deserve.
            Err(e) if e.kind() == Failure::Conflict && repeats < REPEATS => {
                tracing::debug!(job = %batch.id, error = ?e, "a chunk is tried again");
                repeats += 1;
                feed = Feed::open(ctx.app(), &batch, &spec, most)?;
                continue;
            }
            // Also who is changed by somebody else all the time: fewer rows take less time.
            Err(e) if size > 1 && (is_about_rows(&e) || e.kind() == Failure::Stale) => {
                tracing::debug!(job = %batch.id, error = ?e, "a chunk is tried again in parts");
                most = size / 2;
                feed = Feed::open(ctx.app(), &batch, &spec, most)?;
                continue;
            }
            Err(e) => return Err(e),
        }
        if end {
            return Ok(Outcome::Finished);
        }
        if slice.is_over(ctx) {
            return Ok(Outcome::Paused);
        }
        if most < CHUNK {
            most = (2 * most).min(CHUNK);
            feed = Feed::open(ctx.app(), &batch, &spec, most)?;
        }
        tokio::task::yield_now().await;
    }
}

/// May a smaller part of the chunk succeed? Somebody else wrote the same address in the same moment, for instance.
fn is_about_rows(e: &Error) -> bool {
    matches!(e.kind(), Failure::Conflict | Failure::Invalid | Failure::NotFound | Failure::Forbidden)
}

/// Where the last chunk ended.
fn place_of(batch: &Batch, spec: &Spec) -> Result<Position> {
    match batch.position.as_str() {
        "" => Ok(spec.start),
        text => serde_json::from_str(text)
            .map_err(|e| Error::internal("the position of an import is not one").with_source(e)),
    }
}

/// How a chunk ended.
enum Step {
    /// It is done.
    Moved(Box<Batch>),
    /// Somebody else moved the batch.
    Elsewhere,
    /// Nothing is done: only so many rows may be.
    Shorter(usize),
}

/// One chunk, one transaction; a dry run undoes it and writes the verdicts in a second one. At the last try a row by itself
/// that clashes with a neighbour is refused.
async fn step(
    ctx: &Ctx,
    scope: &Scope,
    spec: &Spec,
    batch: &Batch,
    piece: Piece,
    is_last_try: bool,
) -> Result<Step> {
    let Piece { records, position, end } = piece;
    let (rows, unclosed) =
        (records.len(), records.last().is_some_and(|r| matches!(r.content, Content::Unclosed)));
    let alone = (rows == 1).then(|| records[0].row);
    let mut tx = ctx.write().await?;
    if !batches::lock_in(&mut tx, batch).await? {
        return Ok(Step::Elsewhere);
    }
    let verdicts = match Box::pin(chunk::work_in(ctx, &mut tx, scope, spec, batch, records)).await {
        Err(e) if is_about_rows(&e) && alone.is_some() && (is_last_try || e.kind() != Failure::Conflict) => {
            drop(tx);
            tx = ctx.write().await?;
            if !batches::lock_in(&mut tx, batch).await? {
                return Ok(Step::Elsewhere);
            }
            let line = NewRow::failed(alone.unwrap_or_default(), None, &e);
            Verdicts { lines: vec![line], keys: Vec::new() }
        }
        verdicts => verdicts?,
    };
    let failed = verdicts.lines.iter().position(|line| line.verdict == Verdict::Failed);
    let stops = failed.filter(|_| spec.on_error == OnError::Stop);
    if let Some(at) = stops.filter(|at| at + 1 < rows) {
        return Ok(Step::Shorter(at + 1));
    }
    if batch.dry_run {
        drop(tx);
        tx = ctx.write().await?;
        if !batches::lock_in(&mut tx, batch).await? {
            return Ok(Step::Elsewhere);
        }
        store::insert(&mut tx, batch.id, verdicts.keys.into_iter().collect()).await?;
    }
    let last = verdicts.lines.last().map(|line| line.n);
    let stopped = stops.is_some() || unclosed;
    let done = i64::try_from(verdicts.lines.len()).unwrap_or(i64::MAX);
    let done = Done {
        position: serde_json::to_string(&Position { unclosed, ..position })
            .map_err(|e| Error::internal("a position").with_source(e))?,
        total: (end || stopped).then_some(batch.processed + done),
        rows: verdicts.lines,
    };
    let moved = batches::advance_in(ctx, &mut tx, batch.clone(), done).await?;
    tx.commit().await?;
    match (unclosed, stops) {
        (true, _) => Err(unreadable(last.unwrap_or_default())),
        (_, Some(_)) => Err(stopped_at(last.unwrap_or_default())),
        _ => Ok(Step::Moved(Box::new(moved))),
    }
}

// Of kinds that no repetition changes and no smaller part.

fn unreadable(row: i64) -> Error {
    let detail = format!(
        "Row {row} opens a quote that is never closed, so it goes to the end of the file: nothing after it was read; \
         close the quote and import the file again"
    );
    Error::bad_request("IMPORT_UNREADABLE", detail)
}

fn stopped_at(row: i64) -> Error {
    let detail =
        format!("Row {row} could not be imported, and the import was to stop there; the report says why");
    Error::bad_request("IMPORT_STOPPED", detail)
}

/// The rows of a chunk, read.
struct Piece {
    records: Vec<Record>,
    /// Behind the last of them.
    position: Position,
    /// Nothing follows.
    end: bool,
}

/// Reads ahead.
struct Feed {
    pieces: mpsc::Receiver<Result<Piece>>,
    reading: JoinHandle<()>,
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Feed {
    /// From where the batch is, in chunks of at most `most` rows.
    fn open(app: &App, batch: &Batch, spec: &Spec, most: usize) -> Result<Feed> {
        let position = place_of(batch, spec)?;
        let (to, pieces) = mpsc::channel(1);
        let (app, input) = (app.clone(), input_of(batch)?);
        let reader = Reader::new(spec.clone(), position);
        let reading = tokio::spawn(async move {
            if let Err(e) = read(&app, &input, reader, most, &to).await {
                // Nobody listens any more, or gets it.
                let _ = to.send(Err(e)).await;
            }
        });
        Ok(Feed { pieces, reading })
    }

    async fn next(&mut self) -> Result<Piece> {
        let gone = || Err(Error::internal("reading the file of an import ended without an end"));
        self.pieces.recv().await.unwrap_or_else(gone)
    }
}

async fn read(
    app: &App,
    input: &ObjectName,
    mut reader: Reader,
    most: usize,
    to: &mpsc::Sender<Result<Piece>>,
) -> Result<()> {
    let (mut offset, mut from) = (reader.position().offset, reader.position().offset);
    let mut records: Vec<Record> = Vec::new();
    let mut ended = false;
    loop {
        while let Some(record) = reader.next_record() {
            let next = record.next;
            records.push(record);
            if records.len() >= most || next - from >= CHUNK_BYTES {
                let piece =
                    Piece { records: std::mem::take(&mut records), position: reader.position(), end: false };
                if to.send(Ok(piece)).await.is_err() {
                    return Ok(());
                }
                from = next;
            } else if records.len().is_multiple_of(PAUSE) {
                tokio::task::yield_now().await;
            }
        }
        if ended {
            let _ = to.send(Ok(Piece { records, position: reader.position(), end: true })).await;
            return Ok(());
        }
        let bytes = app.storage.get_range(input, offset..offset + PIECE).await?.ok_or_else(gone)?;
        offset += bytes.len() as u64;
        ended = bytes.is_empty();
        match ended {
            true => reader.finish(),
            false => reader.push(&bytes),
        }
    }
}
