//! `regulars export`.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bulk::exports::api::wanted;
use bulk::exports::service::Export;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use platform::config::Config;
use tempfile::NamedTempFile;

use crate::app;

/// Rows after which somebody without a terminal reads a line.
const TELL_EVERY: u64 = 100_000;

/// What `export` takes.
#[derive(Args)]
pub struct Flags {
    /// How customers are written
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// The file; it appears when it is complete, readable by you alone. Standard output without it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file of --output if it is there
    #[arg(long, requires = "output")]
    force: bool,
    /// A filter of the list of customers, such as country=USA; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    filter: Vec<String>,
    /// Columns separated by commas, in this order
    #[arg(long, value_name = "NAMES")]
    columns: Option<String>,
    /// Begin with a byte order mark, which some spreadsheets need
    #[arg(long)]
    bom: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Csv,
    Ndjson,
}

/// Runs the command. Whatever ends it early leaves no file.
pub async fn run(config: Config, flags: Flags) -> anyhow::Result<ExitCode> {
    let wanted = wanted(&query(&flags)?)?;
    let mut sink = Sink::open(flags.output.as_deref(), flags.force)?;
    let app = Box::pin(app::start(config)).await?;
    let ctx = app.system("regulars export");
    let mut export = Export::begin(&ctx, wanted).await?;
    let told = ExportProgress::new(export.total());
    let done = tokio::select! {
        done = write(&mut export, &mut sink, &told) => done,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted; nothing was kept")),
    };
    let rows = export.rows();
    export.end(done.is_ok()).await?;
    told.end();
    if matches!(&done, Err(e) if reader_went_away(e)) {
        return Ok(ExitCode::SUCCESS);
    }
    done?;
    sink.keep()?;
    let customers = if rows == 1 { "customer" } else { "customers" };
    told.line(&format!("{rows} {customers} exported"));
    Ok(ExitCode::SUCCESS)
}

/// The flags as the query of the route: one reader for both.
fn query(flags: &Flags) -> anyhow::Result<String> {
    let mut pairs = vec![match flags.format {
        Format::Csv => "format=csv".to_owned(),
        Format::Ndjson => "format=ndjson".to_owned(),
    }];
    for filter in &flags.filter {
        let Some((name, value)) = filter.split_once('=') else {
            bail!("--filter {filter}: write it as NAME=VALUE, such as country=USA");
        };
        ensure!(
            !["format", "columns", "bom"].contains(&name),
            "--filter {name}: this is not a filter; use --{name}"
        );
        pairs.push(format!("{}={}", encode(name), encode(value)));
    }
    pairs.extend(flags.columns.iter().map(|columns| format!("columns={}", encode(columns))));
    pairs.extend(flags.bom.then(|| "bom=true".to_owned()));
    Ok(pairs.join("&"))
}

fn encode(text: &str) -> String {
    let byte = |b: u8| match b {
        b if b.is_ascii_alphanumeric() || b"-._".contains(&b) => char::from(b).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

async fn write(export: &mut Export, sink: &mut Sink, told: &ExportProgress) -> anyhow::Result<()> {
    while let Some(piece) = export.next().await? {
        sink.write(&piece)?;
        told.rows(export.rows());
    }
    sink.flush()
}

fn reader_went_away(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Where the bytes go.
enum Sink {
    Output,
    /// Beside the file that it becomes; deleted unless it does.
    File {
        file: NamedTempFile,
        path: PathBuf,
        force: bool,
    },
}

impl Sink {
    fn open(path: Option<&Path>, force: bool) -> anyhow::Result<Sink> {
        let Some(path) = path else { return Ok(Sink::Output) };
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        ensure!(!path.is_dir(), "--output {} is a directory; name a file", path.display());
        // Said before the work, and seen to at its end.
        ensure!(force || !path.exists(), "{}", is_there(path));
        let file = NamedTempFile::new_in(folder).with_context(|| {
            format!("no file can be made in {}; choose another --output", folder.display())
        })?;
        Ok(Sink::File { file, path: path.to_owned(), force })
    }

    fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        match self {
            Sink::Output => Ok(std::io::stdout().lock().write_all(bytes)?),
            Sink::File { file, path, .. } => {
                file.write_all(bytes).with_context(|| format!("{} cannot be written", path.display()))
            }
        }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        match self {
            Sink::Output => Ok(std::io::stdout().lock().flush()?),
            Sink::File { file, path, .. } => {
                file.as_file().sync_all().with_context(|| format!("{} cannot be written", path.display()))
            }
        }
    }

    fn keep(self) -> anyhow::Result<()> {
        let Sink::File { file, path, force } = self else { return Ok(()) };
        let kept = if force { file.persist(&path) } else { file.persist_noclobber(&path) };
        match kept {
            Ok(_) => Ok(()),
            Err(e) if e.error.kind() == std::io::ErrorKind::AlreadyExists => bail!(is_there(&path)),
            Err(e) => Err(e).with_context(|| format!("{} cannot be written", path.display())),
        }
    }
}

fn is_there(path: &Path) -> String {
    format!("--output {} is there already; --force replaces it", path.display())
}

/// Progress on standard error: a bar on a terminal, lines elsewhere.
struct ExportProgress {
    bar: Option<ProgressBar>,
    last: std::cell::Cell<u64>,
}

impl ExportProgress {
    fn new(total: Option<u64>) -> ExportProgress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
            let shape = match total {
                Some(_) => "{bar:30} {human_pos} of {human_len}, {per_sec}, {eta} left",
                None => "{spinner} {human_pos}, {per_sec}",
            };
            bar.set_style(ProgressStyle::with_template(shape).unwrap_or(ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        ExportProgress { bar, last: std::cell::Cell::new(0) }
    }

    fn rows(&self, rows: u64) {
        match &self.bar {
            Some(bar) => bar.set_position(rows),
            None if rows / TELL_EVERY > self.last.replace(rows) / TELL_EVERY => {
                self.line(&format!("{rows} customers"));
            }
            None => {}
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(filter: &[&str]) -> Flags {
        let filter = filter.iter().map(|f| (*f).to_owned()).collect();
        Flags {
            format: Format::Csv,
            output: None,
            force: false,
            filter,
            columns: Some("email,id".to_owned()),
            bom: true,
        }
    }

    #[test]
    fn flags_say_what_the_query_says() {
        let query = query(&flags(&["city=New York", "tag=a&b=c"])).unwrap();
        assert_eq!(query, "format=csv&city=New%20York&tag=a%26b%3Dc&columns=email%2Cid&bom=true");
        assert_eq!(wanted(&query).unwrap().filters.filters.len(), 2);
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for wrong in ["country", "format=csv", "columns=x"] {
            assert!(query(&flags(&[wrong])).is_err(), "{wrong}");
        }
    }
}
