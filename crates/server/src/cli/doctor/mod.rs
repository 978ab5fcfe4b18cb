//! `regulars doctor`: asks every part of the deployment whether it works, and says what to do where it does not.
//! It makes nothing and changes nothing: what it writes to find out whether writing works, it removes again.

mod machine;
mod parts;

use std::fmt::Write;
use std::process::ExitCode;

use clap::Args;
use platform::config::Config;
use serde::Serialize;

use super::answer;

/// What `doctor` takes.
#[derive(Args)]
pub struct Flags {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// It works.
    Ok,
    /// It works, and somebody should look at it.
    Warn,
    /// It does not work.
    Fail,
    /// It could not be looked at, or there is nothing yet to look at.
    Skip,
}

/// What was found out about one part.
#[derive(Serialize)]
struct Finding {
    part: &'static str,
    status: Status,
    /// Not `fail`.
    ok: bool,
    /// What is so, or what is wrong.
    detail: String,
    /// What to do; empty if nothing.
    advice: String,
}

impl Finding {
    fn new(part: &'static str, status: Status, detail: String, advice: &str) -> Finding {
        Finding { part, status, ok: status != Status::Fail, detail, advice: advice.to_owned() }
    }
}

/// Why a check does not pass.
struct Trouble {
    status: Status,
    detail: String,
    advice: String,
}

type Check = Result<String, Trouble>;

impl Trouble {
    fn fail(error: &(dyn std::error::Error + 'static), advice: impl Into<String>) -> Trouble {
        Trouble { status: Status::Fail, detail: sentence(error), advice: advice.into() }
    }

    fn new(status: Status, detail: impl Into<String>, advice: impl Into<String>) -> Trouble {
        Trouble { status, detail: detail.into(), advice: advice.into() }
    }
}

/// An error with its causes, each once: outer sentences often quote the inner ones, and some repeat themselves.
fn sentence(error: &(dyn std::error::Error + 'static)) -> String {
    let mut told = String::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if told.is_empty() {
            told = text;
        } else if !told.contains(&text) && !text.contains(told.as_str()) {
            told = format!("{told}: {text}");
        } else if text.contains(told.as_str()) {
            told = text;
        }
        next = cause.source();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in told.split(": ") {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts.join(": ").replace('\n', " ")
}

/// Runs the command. Its exit code says whether everything works; what somebody should look at does not count.
pub async fn run(config: Config, flags: &Flags) -> anyhow::Result<ExitCode> {
    let findings = examine(&config).await;
    let ok = findings.iter().all(|finding| finding.ok);
    let text = match flags.json {
        true => serde_json::to_string_pretty(&serde_json::json!({ "ok": ok, "checks": findings }))? + "\n",
        false => lines(&findings),
    };
    answer(&text)?;
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn lines(findings: &[Finding]) -> String {
    let mut text = String::new();
    for f in findings {
        let status = match f.status {
            Status::Ok => "OK",
            Status::Warn => "WARN",
            Status::Fail => "FAIL",
            Status::Skip => "SKIP",
        };
        let _ = writeln!(text, "{status:<4}  {:<13}  {}", f.part, f.detail);
        if !f.advice.is_empty() {
            let _ = writeln!(text, "      {:<13}  → {}", "", f.advice);
        }
    }
    text
}

/// What needs the database is looked at only if there is one that works; it is named in any case.
async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let db = match parts::database(config).await {
        Ok((db, detail)) => {
            findings.push(Finding::new("database", Status::Ok, detail, ""));
            Some(db)
        }
        Err(trouble) => {
            findings.push(finding("database", Err(trouble)));
            None
        }
    };
    match &db {
        Some(db) => {
            findings.push(finding("connection", parts::connection(db).await));
            findings.push(finding("integrity", parts::integrity(db).await));
            findings.push(finding("keys", parts::keys(config, db).await));
            findings.push(finding("clock", parts::clock(db).await));
            findings.push(finding("administrator", parts::administrator(db).await));
        }
        None => {
            for part in ["connection", "integrity", "keys", "clock", "administrator"] {
                let detail = "not looked at, because the database does not work".to_owned();
                findings.push(Finding::new(part, Status::Skip, detail, ""));
            }
        }
    }
    drop(db);
    findings.push(finding("storage", parts::storage(config).await));
    findings.push(finding("mail", Box::pin(parts::mail(config)).await));
    findings.push(finding("disk", machine::disk(config)));
    findings.push(finding("files", machine::files(config)));
    findings.push(finding("address", machine::address(config)));
    findings
}

fn finding(part: &'static str, check: Check) -> Finding {
    match check {
        Ok(detail) => Finding::new(part, Status::Ok, detail, ""),
        Err(trouble) => Finding::new(part, trouble.status, trouble.detail, &trouble.advice),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_repeats_itself_is_told_once() {
        let cause = std::io::Error::other("cannot make x: cannot make x: denied: denied");
        let error = kernel::Error::internal("the directory x cannot be used").with_source(cause);
        assert_eq!(sentence(&error), "the directory x cannot be used: cannot make x: denied");
        let quoted =
            kernel::Error::internal("no answer: refused").with_source(std::io::Error::other("refused"));
        assert_eq!(sentence(&quoted), "no answer: refused");
    }
}
