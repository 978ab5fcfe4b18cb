//! The report: a line for each record, written when its batch is committed. It holds personal data, so it is its owner's
//! alone.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use migrate_v1::model::report::Row;
use serde::{Deserialize, Serialize};
use serde_json::Value;

const COLUMNS: [&str; 13] = [
    "kind",
    "place",
    "user_id",
    "outcome",
    "id",
    "customer_id",
    "user_created",
    "orphan",
    "confidence",
    "needs_review",
    "differences",
    "left",
    "error",
];

/// A line of a report.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Line {
    /// One record.
    Row(Row),
    /// The end of a run.
    Summary(Value),
}

/// A report that is being written.
pub struct Report {
    path: PathBuf,
    file: BufWriter<File>,
    csv: bool,
}

impl Report {
    /// Opens a file; one that is there is continued.
    pub fn open(path: &Path) -> anyhow::Result<Report> {
        let mut options = File::options();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file =
            options.open(path).with_context(|| format!("the report {} cannot be written", path.display()))?;
        let is_new = file.metadata()?.len() == 0;
        let csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let mut report = Report { path: path.to_owned(), file: BufWriter::new(file), csv };
        match (is_new, csv) {
            (true, true) => report.write(&COLUMNS.join(","))?,
            (true, false) => {}
            // A run that was killed may have left half a line.
            (false, _) => report.write("")?,
        }
        Ok(report)
    }

    /// Adds the rows of a batch.
    pub fn rows(&mut self, rows: &[Row]) -> anyhow::Result<()> {
        for row in rows {
            let line = if self.csv { cells(row)? } else { serde_json::to_string(&Line::Row(row.clone()))? };
            self.write(&line)?;
        }
        self.flush()
    }

    /// Adds the numbers of the run, for which a table of records has no place.
    pub fn summary(&mut self, summary: &impl Serialize) -> anyhow::Result<()> {
        if !self.csv {
            let line = Line::Summary(serde_json::to_value(summary)?);
            self.write(&serde_json::to_string(&line)?)?;
        }
        self.flush()?;
        Ok(self.file.get_ref().sync_all()?)
    }

    fn write(&mut self, line: &str) -> anyhow::Result<()> {
        writeln!(self.file, "{line}").with_context(|| self.fails())
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        self.file.flush().with_context(|| self.fails())
    }

    fn fails(&self) -> String {
        format!(
            "the report {} cannot be written; the records so far are migrated, and starting again goes on",
            self.path.display()
        )
    }
}

/// A row of the table. Lists are JSON; what a spreadsheet would take for a formula is made text.
fn cells(row: &Row) -> anyhow::Result<String> {
    let Value::Object(members) = serde_json::to_value(row)? else { return Ok(String::new()) };
    let cell = |name: &&str| {
        let text = match members.get(*name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(list)) if list.is_empty() => String::new(),
            Some(other) => other.to_string(),
        };
        let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    };
    Ok(COLUMNS.iter().map(cell).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use migrate_v1::model::report::Kind;

    use super::*;

    #[test]
    fn a_table_has_no_formulas_and_keeps_its_quotes() {
        let mut row = Row::new(Kind::Customer, "=c.csv:2".to_owned());
        row.error = Some("no \"name\"".to_owned());
        let line = cells(&row).unwrap();
        assert!(line.starts_with("\"customer\",\"'=c.csv:2\","), "{line}");
        assert!(line.ends_with(",\"no \"\"name\"\"\""), "{line}");
    }
}
