//! `regulars migrate-v1 --rollback REPORT`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use migrate_v1::model::report::{Kind, Outcome, Row};
use migrate_v1::service::BATCH;
use migrate_v1::service::undo::{Undone, undo};
use platform::ctx::Ctx;
use serde::Serialize;

use super::progress::Progress;
use super::report::Line;
use crate::cli::answer;

/// Records that are named in the answer; the rest is counted.
const NAMED: usize = 100;

/// What was taken back.
#[derive(Default, Serialize)]
struct Summary {
    interrupted: bool,
    removed: u64,
    kept: u64,
    gone: u64,
    /// Users that were not there when their turn came: they go with their customers.
    users_gone: u64,
    /// The first of those that were kept.
    kept_records: Vec<String>,
}

/// Takes back what a report says was made: customers first, for users have none when they go.
pub async fn run(ctx: &Ctx, report: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let mut summary = Summary::default();
    let mut progress = Progress::new(std::iter::empty())?;
    for kind in [Kind::Customer, Kind::User] {
        let mut rows =
            BufReader::new(std::fs::File::open(report)?).lines().enumerate().filter_map(|(at, line)| {
                read(&line, kind)
                    .map_err(|e| e.context(format!("{}, line {}", report.display(), at + 1)))
                    .transpose()
            });
        while !progress.stopped() {
            let batch: Vec<Row> = rows.by_ref().take(BATCH).collect::<anyhow::Result<_>>()?;
            if batch.is_empty() {
                break;
            }
            for (row, undone) in batch.iter().zip(undo(ctx, &batch).await?) {
                summary.add(row, undone);
            }
            progress.advanced(batch.len());
        }
    }
    summary.interrupted = progress.end();
    answer(&match json {
        true => serde_json::to_string_pretty(&summary)? + "\n",
        false => summary.told(),
    })?;
    Ok(if summary.interrupted { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

fn read(line: &std::io::Result<String>, kind: Kind) -> anyhow::Result<Option<Row>> {
    let Ok(line) = line else { bail!("the report cannot be read") };
    let is_there = |row: &Row| matches!(row.outcome, Outcome::Created | Outcome::Unchanged);
    match serde_json::from_str(line) {
        Ok(Line::Row(row)) => Ok(Some(row).filter(|row| row.kind == kind && is_there(row))),
        Ok(Line::Summary(_)) => Ok(None),
        // The last line of a run that was killed.
        Err(e) if e.is_eof() => Ok(None),
        Err(_) => bail!("this is not a report of migrate-v1 in NDJSON"),
    }
}

impl Summary {
    fn add(&mut self, row: &Row, undone: Undone) {
        match undone {
            Undone::Removed => self.removed += 1,
            Undone::Gone if row.kind == Kind::User => self.users_gone += 1,
            Undone::Gone => self.gone += 1,
            Undone::Kept => {
                self.kept += 1;
                if self.kept_records.len() < NAMED {
                    self.kept_records.push(row.customer_id.clone().unwrap_or_else(|| row.place.clone()));
                }
            }
        }
    }

    fn told(&self) -> String {
        let records = if self.removed == 1 { "record" } else { "records" };
        let mut parts = vec![format!("{} {records} taken back", self.removed)];
        let further = [
            (self.kept, "kept, for somebody changed them or no migration made them"),
            (self.gone, "no longer existed"),
            (self.users_gone, "users had gone with their customers"),
        ];
        parts.extend(further.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
        let mut text = parts.join("; ") + "\n";
        if !self.kept_records.is_empty() {
            text.push_str(&format!("kept: {}\n", self.kept_records.join(", ")));
        }
        text
    }
}
