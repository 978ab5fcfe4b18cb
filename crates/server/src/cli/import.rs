//! `regulars import`: the job of `POST /api/v1/customers/import`, worked on by the command itself, beside a server or
//! without one.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use bulk::batches::api::JobView;
use bulk::batches::jobs::drive;
use bulk::batches::report;
use bulk::batches::service::{self as batches, Batch, Outcome, Slice};
use bulk::imports::model::options::{Format, Options};
use bulk::imports::service::{IncomingFile, Worker, ignored_columns, start};
use bytes::Bytes;
use clap::Args;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use kernel::{Error, FieldError};
use platform::config::Config;
use platform::ctx::Ctx;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::answer;
use crate::app;

/// Between two lines of progress where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);
/// Before a step is tried again that failed for a reason that may pass; the job counts such steps and gives up.
const PAUSE: Duration = Duration::from_secs(1);
/// Exit code after Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;
/// So much of the file is read at once.
const PIECE: usize = 256 << 10;
/// Failed rows that the answer shows; the report has all.
const SHOWN: usize = 5;

/// What the command takes.
#[derive(Args)]
#[command(
    after_help = "Exit code: 0 when every row was imported, skipped or a duplicate; 1 when rows or the whole file \
                        failed; 130 after Ctrl-C, which loses nothing: `--resume` goes on."
)]
pub struct Flags {
    /// CSV or NDJSON; - reads standard input
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    file: Option<PathBuf>,
    /// Go on with an import that was interrupted
    #[arg(long, value_name = "ID")]
    resume: Option<String>,
    /// csv or ndjson [default: by the name of the file]
    #[arg(long)]
    format: Option<String>,
    /// create, update or upsert [default: create]
    #[arg(long)]
    mode: Option<String>,
    /// customer_id, external_id, email or phone [default: the first of these that a row has]
    #[arg(long = "match", value_name = "KEY")]
    match_by: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// COLUMN=MEMBER, by name or number of the column; nothing after = ignores it; may be given several times
    #[arg(long, value_name = "COLUMN=MEMBER")]
    mapping: Vec<String>,
    /// Columns that nobody knows: ignore, refuse or metadata [default: ignore]
    #[arg(long)]
    unknown: Option<String>,
    /// One of , ; | tab [default: guessed]
    #[arg(long)]
    delimiter: Option<String>,
    /// Such as utf-8 or windows-1252 [default: guessed]
    #[arg(long)]
    encoding: Option<String>,
    /// dmy or mdy, for days such as 03/04/1990
    #[arg(long)]
    date_order: Option<String>,
    /// What an empty cell does to a known customer: keep or clear [default: keep]
    #[arg(long)]
    empty: Option<String>,
    /// After a row that cannot be imported: skip or stop [default: skip]
    #[arg(long)]
    on_error: Option<String>,
    /// Write the verdict of each row into this file; with --resume of an import that has ended as well
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Answer with the job as JSON
    #[arg(long)]
    json: bool,
}

impl Flags {
    fn options(&self) -> Result<Options, Error> {
        let mut options = Options { dry_run: self.dry_run, ..Options::default() };
        let said = [
            ("format", &self.format),
            ("mode", &self.mode),
            ("match", &self.match_by),
            ("unknown", &self.unknown),
            ("delimiter", &self.delimiter),
            ("encoding", &self.encoding),
            ("date_order", &self.date_order),
            ("empty", &self.empty),
            ("on_error", &self.on_error),
        ];
        let said = said.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)));
        let said = said.chain(self.mapping.iter().map(|text| ("mapping", text.as_str())));
        let errors: Vec<FieldError> = said.filter_map(|(name, text)| options.set(name, text).err()).collect();
        if errors.is_empty() { Ok(options) } else { Err(Error::invalid(errors)) }
    }
}

/// Runs the command.
pub async fn run(config: Config, flags: Flags) -> anyhow::Result<ExitCode> {
    let app = Box::pin(app::start(config)).await?;
    let ctx = app.system("regulars import");
    let found = tokio::select! {
        found = Box::pin(find(&ctx, &flags)) => found?,
        _ = tokio::signal::ctrl_c() => {
            tell("Interrupted; nothing was imported");
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    let id = found.id;
    let done = tokio::select! {
        done = Box::pin(work(&ctx, found)) => done?,
        _ = tokio::signal::ctrl_c() => {
            tell(&format!("Interrupted; nothing is lost. Go on with: regulars import --resume {id}"));
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    conclude(&ctx, &flags, done).await
}

/// The import to work on: an interrupted one, or one that begins now.
async fn find(ctx: &Ctx, flags: &Flags) -> anyhow::Result<Batch> {
    let batch = match (&flags.resume, &flags.file) {
        (Some(id), _) => batches::get(ctx, id).await.context("--resume takes the id of an import")?,
        (None, Some(file)) => Box::pin(begin(ctx, flags, file)).await?,
        (None, None) => anyhow::bail!("name a file, or --resume an import"),
    };
    anyhow::ensure!(batch.kind == "import", "the job {} is not an import", batch.id);
    Ok(batch)
}

async fn begin(ctx: &Ctx, flags: &Flags, file: &Path) -> anyhow::Result<Batch> {
    let options = flags.options()?;
    let shown = file.display();
    let is_stdin = file == Path::new("-");
    let format = file.file_name().and_then(|name| Format::of_name(&name.to_string_lossy()));
    let pieces = if is_stdin {
        anyhow::ensure!(
            options.format.is_some(),
            "standard input has no name that tells what it is: say --format csv or --format ndjson"
        );
        pieces(tokio::io::stdin())
    } else {
        pieces(open(file).await?)
    };
    let incoming = IncomingFile { options, format, most_bytes: u64::MAX, pieces };
    let begun = Box::pin(start(ctx, incoming, Worker::Caller)).await;
    begun.map_err(|e| match e.code() {
        "UNSUPPORTED_MEDIA_TYPE" => anyhow::anyhow!(
            "{shown}: the name does not tell what it is: say --format csv, or --format ndjson for one JSON object in each line"
        ),
        _ => anyhow::Error::new(e).context(format!("{shown} cannot be imported")),
    })
}

/// The file, if there is one that can be read.
async fn open(file: &Path) -> anyhow::Result<tokio::fs::File> {
    let shown = file.display();
    let opened = match tokio::fs::File::open(file).await {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => anyhow::bail!("{shown}: there is no such file"),
        opened => opened.with_context(|| format!("{shown} cannot be read"))?,
    };
    anyhow::ensure!(
        !opened.metadata().await?.is_dir(),
        "{shown} is a directory: name a CSV or NDJSON file in it"
    );
    Ok(opened)
}

/// A file piece by piece.
fn pieces(file: impl AsyncRead + Send + Unpin + 'static) -> BoxStream<'static, kernel::Result<Bytes>> {
    futures_util::stream::try_unfold(file, |mut file| async move {
        let mut piece = bytes::BytesMut::with_capacity(PIECE);
        match file.read_buf(&mut piece).await {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some((piece.freeze(), file))),
            Err(e) => Err(Error::bad_request("FILE_UNREADABLE", "The file cannot be read").with_source(e)),
        }
    })
    .boxed()
}

/// Works on the import until its end.
async fn work(ctx: &Ctx, mut batch: Batch) -> anyhow::Result<Batch> {
    let id = batch.id;
    let mut progress = Progress::new()?;
    while batch.is_active() {
        match drive(ctx, id, Slice::begin()).await {
            Ok(Outcome::Finished | Outcome::Paused) => {}
            // Cancelled, or a server took it up: it works, and this looks on.
            Ok(Outcome::Elsewhere) => tokio::time::sleep(PAUSE).await,
            Err(e) => {
                tracing::warn!(error = ?e, "a step failed; it is tried again");
                tokio::time::sleep(PAUSE).await;
            }
        }
        batch = batches::get(ctx, &id.to_string()).await?;
        progress.show(&batch);
    }
    progress.end();
    Ok(batch)
}

/// The answer: counts, what failed and what was left out, the file with the verdicts if one is wanted, the exit code.
async fn conclude(ctx: &Ctx, flags: &Flags, batch: Batch) -> anyhow::Result<ExitCode> {
    let failed = batch.failed > 0 || batch.state != "done";
    let path = &flags.report;
    if let Some(path) = path {
        write_report(ctx, &batch, path)
            .await
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let text = match flags.json {
        true => {
            let mut view = serde_json::to_value(JobView::from(batch))?;
            view["report_file"] = path.as_ref().map(|path| path.display().to_string()).into();
            format!("{view}\n")
        }
        false => told(ctx, &batch, path.as_deref()).await?,
    };
    answer(&text)?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The answer for people.
async fn told(ctx: &Ctx, batch: &Batch, report: Option<&Path>) -> anyhow::Result<String> {
    let mut lines = vec![sentence(batch)];
    lines.extend(batch.error.clone());
    let failed = batches::lines(ctx, batch, 0, "failed").await?;
    for row in failed.iter().take(SHOWN) {
        let why = row.message.as_deref().or(row.code.as_deref()).unwrap_or("failed");
        lines.push(format!("  row {}: {why}", row.n));
    }
    let more = usize::try_from(batch.failed).unwrap_or_default().saturating_sub(failed.len().min(SHOWN));
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
    let ignored = ignored_columns(batch);
    if !ignored.is_empty() {
        lines.push(format!("Columns that were ignored: {}", ignored.join(", ")));
    }
    match report {
        Some(path) => lines.push(format!("What became of each row: {}", path.display())),
        None if batch.skipped + batch.duplicate + batch.failed > 0 => {
            lines.push(format!(
                "What became of each row: regulars import --resume {} --report FILE",
                batch.id
            ));
        }
        None => {}
    }
    Ok(lines.join("\n") + "\n")
}

fn sentence(b: &Batch) -> String {
    let what = if b.dry_run { "Dry run" } else { "Import" };
    let ended = match b.state.as_str() {
        "failed" => "failed",
        "cancelled" => "was cancelled",
        "reverted" => "was taken back",
        _ if b.dry_run => "is done, and nothing was written",
        _ => "is done",
    };
    let rows = if b.processed == 1 { "row" } else { "rows" };
    format!(
        "{what} {} {ended}. {} {rows}: {} created, {} updated, {} unchanged, {} skipped, {} duplicate, {} failed",
        b.id, b.processed, b.created, b.updated, b.unchanged, b.skipped, b.duplicate, b.failed
    )
}

/// The file is there when it is complete, for its owner alone: it may name customers.
async fn write_report(ctx: &Ctx, batch: &Batch, path: &Path) -> anyhow::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(&part).await?;
    let pages = report::pages(ctx.clone(), batch.clone(), report::Format::Csv, "");
    let mut pages = std::pin::pin!(pages);
    while let Some(page) = pages.try_next().await? {
        file.write_all(&page).await?;
    }
    file.sync_all().await?;
    drop(file);
    Ok(tokio::fs::rename(&part, path).await?)
}

fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A bar on a terminal, a line now and then elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    told: Instant,
}

impl Progress {
    fn new() -> anyhow::Result<Progress> {
        let bar = match std::io::stderr().is_terminal() {
            true => {
                let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}  {elapsed}")?;
                Some(ProgressBar::new(100).with_style(style))
            }
            false => None,
        };
        let told = Instant::now();
        Ok(Progress { bar, told })
    }

    fn show(&mut self, batch: &Batch) {
        let percent = batch.percent().unwrap_or_default();
        let line = format!("{} rows, {} failed", batch.processed, batch.failed);
        match &self.bar {
            Some(bar) => {
                bar.set_position(u64::try_from(percent).unwrap_or_default());
                bar.set_message(line);
            }
            None if self.told.elapsed() >= EVERY => {
                self.told += self.told.elapsed();
                tell(&format!("{percent} %: {line}"));
            }
            None => {}
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
