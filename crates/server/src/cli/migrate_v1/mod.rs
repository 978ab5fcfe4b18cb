//! `regulars migrate-v1`: the customers of the first version of the services, from files into this database.
//!
//! - here: what can be said, the copy beforehand, the run;
//! - `report`: the record of what was done;
//! - `progress`: how far it is, and Ctrl-C;
//! - `rollback`: taking it back.

mod progress;
mod report;
mod rollback;

use std::fmt::Write;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;
use migrate_v1::model::record::OldCustomer;
use migrate_v1::model::report::{Counts, Kind, Tally};
use migrate_v1::read;
use migrate_v1::service::{ACTOR, BATCH, Item, Migration, Options};
use platform::app::App;
use platform::config::{Config, Database};
use platform::ctx::Ctx;
use platform::storage::private_dir;
use serde::Serialize;

use super::{Given, answer};
use crate::app;
use progress::{Counted, Progress};
use report::Report;

/// What `migrate-v1` takes.
#[derive(Args)]
#[command(
    after_help = "Nothing is ever written twice: a run that was cut short is started again with the same words. \
                        `regulars docs migrate-v1` explains the files, the report, and the way back."
)]
pub struct Flags {
    /// Old customers: CSV, JSON, or a plain SQL dump
    #[arg(value_name = "FILE", required_unless_present = "rollback")]
    files: Vec<PathBuf>,
    /// Old users; where both say something, this file is right
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Which UUID a user's number has already: JSON object, or two columns
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Table of the customers in an SQL dump [default: customer, customers, or …_customer]
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// Table of the users in an SQL dump [default: user, users, or …user]
    #[arg(long, value_name = "NAME")]
    users_table: Option<String>,
    /// Say what would be done, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Where addresses lie that name no country [default: the setting default_country]
    #[arg(long, value_name = "CC")]
    default_country: Option<String>,
    /// Where to write what was done with each record, NDJSON or, named .csv, CSV [default: DATA_DIR/migrate-v1/TIME.ndjson]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Do without a copy of the database beforehand
    #[arg(long)]
    no_backup: bool,
    /// Take back what a report (NDJSON) says was made, but for what was changed since
    #[arg(long, value_name = "REPORT", conflicts_with_all = ["files", "users", "map", "dry_run", "report"])]
    rollback: Option<PathBuf>,
}

impl Flags {
    pub(super) fn given(&self) -> Vec<Given> {
        self.default_country.iter().map(|country| ("default_country", country.clone())).collect()
    }
}

/// What a run did, in numbers.
#[derive(Serialize)]
struct Summary {
    dry_run: bool,
    /// Ctrl-C; the rest is done by starting it again.
    interrupted: bool,
    users: Tally,
    customers: Tally,
    before: Counts,
    after: Counts,
    ignored_columns: Vec<String>,
    backup: Option<PathBuf>,
    report: Option<PathBuf>,
}

/// Runs the command. 1 if a record failed, 130 if it was interrupted.
pub async fn run(config: Config, flags: Flags) -> anyhow::Result<ExitCode> {
    let map = match &flags.map {
        Some(path) => read::map(&read_text(path)?)?,
        None => Default::default(),
    };
    for path in flags.files.iter().chain(&flags.users).chain(&flags.rollback) {
        std::fs::File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    }
    for path in &flags.files {
        holds_customers(path, flags.table.as_deref())?;
    }
    let copies = matches!(config.database.url, Database::Sqlite(_));
    ensure!(
        copies || flags.dry_run || flags.no_backup,
        "PostgreSQL is copied by its own program: run `pg_dump --format=custom --file=before.dump` first, then say --no-backup"
    );
    let app = Box::pin(app::start(config)).await?;
    let ctx = app.system(ACTOR);
    let backup = match flags.dry_run || flags.no_backup {
        true => None,
        false => Some(back_up(&app, &ctx).await?),
    };
    if let Some(report) = &flags.rollback {
        return Box::pin(rollback::run(&ctx, report, flags.json)).await;
    }
    let options =
        Options { dry_run: flags.dry_run, default_country: app.config.default_country.clone(), map };
    let summary = Box::pin(migrate(&app, &ctx, &flags, options, backup)).await?;
    let failed = summary.users.failed + summary.customers.failed;
    answer(&match flags.json {
        true => serde_json::to_string_pretty(&summary)? + "\n",
        false => told(&summary),
    })?;
    Ok(match (summary.interrupted, failed) {
        (true, _) => ExitCode::from(130),
        (false, 0) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Refuses a file of something else before anything is copied or written. What is wrong with a single record is in the
/// report.
fn holds_customers(path: &Path, table: Option<&str>) -> anyhow::Result<()> {
    // A pipe can be read only once.
    if !std::fs::metadata(path).is_ok_and(|file| file.is_file()) {
        return Ok(());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut records =
        read::records(&name, BufReader::new(std::fs::File::open(path)?), Kind::Customer, table)?;
    let Some(first) = records.next() else {
        bail!("{name} holds no customers; the first row names the columns, and each further row is one");
    };
    ensure!(
        first.fields.map_or(true, OldCustomer::is_known),
        "{name} has no column that is known, such as user_id, email or address; does its first row name the columns?"
    );
    Ok(())
}

fn stamp(ctx: &Ctx) -> String {
    ctx.now().to_jiff().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A copy of the embedded database, made before anything is written.
async fn back_up(app: &App, ctx: &Ctx) -> anyhow::Result<PathBuf> {
    let folder = app.config.data_dir.join("backups");
    private_dir(&folder)?;
    let path = folder.join(format!("before-migrate-v1-{}-{}.db", stamp(ctx), std::process::id()));
    app.db.copy_to(&path).await.with_context(|| {
        format!(
            "the database could not be copied to {}; is there room? --no-backup does without",
            path.display()
        )
    })?;
    Ok(path)
}

async fn migrate(
    app: &App,
    ctx: &Ctx,
    flags: &Flags,
    options: Options,
    backup: Option<PathBuf>,
) -> anyhow::Result<Summary> {
    let path = match (&flags.report, flags.dry_run) {
        (Some(path), _) => Some(path.clone()),
        (None, true) => None,
        (None, false) => {
            let folder = app.config.data_dir.join("migrate-v1");
            private_dir(&folder)?;
            Some(folder.join(format!("{}.ndjson", stamp(ctx))))
        }
    };
    let mut report = path.as_deref().map(Report::open).transpose()?;
    let mut migration = Migration::start(ctx, options).await?;
    let before = migration.counts().await?;
    let (mut users, mut customers) = (Tally::default(), Tally::default());
    let mut progress = Progress::new(flags.files.iter().chain(&flags.users))?;
    if let Some(path) = &flags.users {
        let table = flags.users_table.as_deref();
        file(&mut migration, path, Kind::User, table, &mut users, &mut report, &mut progress).await?;
    }
    for path in &flags.files {
        let table = flags.table.as_deref();
        file(&mut migration, path, Kind::Customer, table, &mut customers, &mut report, &mut progress).await?;
    }
    let summary = Summary {
        dry_run: flags.dry_run,
        interrupted: progress.end(),
        users,
        customers,
        before,
        after: migration.counts().await?,
        ignored_columns: migration.ignored.iter().cloned().collect(),
        backup,
        report: path,
    };
    if let Some(report) = &mut report {
        report.summary(&summary)?;
    }
    Ok(summary)
}

/// Migrates one file, batch by batch, until its end or Ctrl-C.
async fn file(
    migration: &mut Migration<'_>,
    path: &Path,
    kind: Kind,
    table: Option<&str>,
    tally: &mut Tally,
    report: &mut Option<Report>,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let source = std::fs::File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    let source = BufReader::with_capacity(1 << 16, Counted::new(source, progress.position()));
    let mut records = read::records(&name, source, kind, table)?;
    while !progress.stopped() {
        let batch: Vec<Item> =
            records.by_ref().take(BATCH).map(|record| Item { file: name.clone(), record }).collect();
        if batch.is_empty() {
            break;
        }
        let rows = migration.batch(kind, batch).await.with_context(|| {
            format!("{name}: the run ended after {} records; start it again and it goes on", tally.read)
        })?;
        for row in &rows {
            tally.add(row);
        }
        if let Some(report) = report {
            report.rows(&rows)?;
        }
        progress.advanced(rows.len());
    }
    Ok(())
}

/// What a person wants to know.
fn told(s: &Summary) -> String {
    let mut text = String::new();
    let verb = if s.dry_run { "would be created" } else { "created" };
    for (what, t) in [("users", &s.users), ("customers", &s.customers)] {
        if t.read > 0 {
            let _ = writeln!(
                text,
                "{what}: {} read, {} {verb}, {} there already, {} duplicates, {} erased before, {} failed",
                t.read, t.created, t.unchanged, t.duplicates, t.erased, t.failed
            );
        }
    }
    let t = &s.customers;
    let _ = writeln!(
        text,
        "to look at: {} customers tagged needs_review, {} that differ from their user, {} without a user",
        t.needs_review, t.with_differences, t.orphans
    );
    let _ = writeln!(
        text,
        "in the database: {} users and {} customers before, {} and {} now",
        s.before.users, s.before.customers, s.after.users, s.after.customers
    );
    if !s.ignored_columns.is_empty() {
        let _ = writeln!(text, "columns that nobody knows: {}", s.ignored_columns.join(", ").escape_debug());
    }
    for (what, path) in [("copy from before", &s.backup), ("report", &s.report)] {
        if let Some(path) = path {
            let _ = writeln!(text, "{what}: {}", path.display());
        }
    }
    if s.interrupted {
        text.push_str("interrupted: start it again with the same words, and it goes on\n");
    }
    text
}
