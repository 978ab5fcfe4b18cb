//! `regulars doctor`: asks every part of the deployment whether it works, and says what to do where it does not.
//! It changes nothing: what it writes to find out whether writing works, it removes again.

use std::fmt::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use kernel::clock::Clock;
use kernel::config::Config;
use kernel::db::{Db, Usage, migrate};
use kernel::id::Random;
use kernel::mail::Mailer;
use kernel::storage::Storage;
use serde::Serialize;

use super::answer;
use crate::{app, master_key, store};

/// Beyond this, tokens and sessions end visibly too early or too late.
const MOST_DRIFT: Duration = Duration::from_secs(5);

/// What `doctor` takes.
#[derive(Args)]
pub struct Flags {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was found out about one part.
#[derive(Serialize)]
struct Finding {
    part: &'static str,
    ok: bool,
    /// What is so, or what is wrong.
    detail: String,
    /// What to do; empty if nothing.
    advice: String,
}

type Check = Result<String, (anyhow::Error, &'static str)>;

/// Runs the command. Its exit code says whether everything works.
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
        let _ = writeln!(text, "{:<4}  {:<10}  {}", if f.ok { "OK" } else { "FAIL" }, f.part, f.detail);
        if !f.advice.is_empty() {
            let _ = writeln!(text, "      {:<10}  → {}", "", f.advice);
        }
    }
    text
}

async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![finding("database", database(config).await)];
    if findings[0].ok
        && let Ok(db) = app::open_database(config)
    {
        findings.push(finding("keys", keys(config, &db).await));
        findings.push(finding("clock", clock(&db).await));
    }
    findings.push(finding("storage", storage(config).await));
    findings.push(finding("mail", Box::pin(mail(config)).await));
    findings
}

fn finding(part: &'static str, check: Check) -> Finding {
    match check {
        Ok(detail) => Finding { part, ok: true, detail, advice: String::new() },
        Err((error, advice)) => {
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            Finding { part, ok: false, detail: causes.join(": "), advice: advice.to_owned() }
        }
    }
}

/// Pairs a failure with what to do about it.
fn or<T, E: Into<anyhow::Error>>(
    result: Result<T, E>,
    advice: &'static str,
) -> Result<T, (anyhow::Error, &'static str)> {
    result.map_err(|e| (e.into(), advice))
}

async fn database(config: &Config) -> Check {
    const REACH: &str =
        "start the database, or correct DATABASE_URL (`regulars config` shows which one is used)";
    const WRITE: &str = "make room on the disk and let this user write there, then run this again";
    let db = or(app::open_database(config), REACH)?;
    let missing = or(migrate::missing(&db).await, REACH)?;
    if !missing.is_empty() {
        let error =
            anyhow::anyhow!("{} lacks migrations: {}", config.database.url.masked(), missing.join(", "));
        return Err((error, "run `regulars migrate`, or start the server, which does it"));
    }
    let probe = format!("doctor {}", Random::System.uuid(Clock::System.now()));
    or(write(&db, &probe).await, WRITE)?;
    Ok(format!("{} ({}) is up to date and can be written", config.database.url.masked(), db.engine()))
}

/// Two durable commits: the second removes what the first wrote.
async fn write(db: &Db, probe: &str) -> kernel::Result<()> {
    let usage = Arc::new(Usage::default());
    let mut tx = db.write(&usage).await?;
    store::write_probe(&mut tx, probe).await?;
    tx.commit().await?;
    let mut tx = db.write(&usage).await?;
    store::remove_probe(&mut tx, probe).await?;
    tx.commit().await
}

async fn keys(config: &Config, db: &Db) -> Check {
    const ADVICE: &str = "put the right key back; without it signing keys and second factors cannot be read";
    if or(master_key::known(db).await, ADVICE)?.is_none() {
        return Ok("the database has no master key yet; the first start makes it".to_owned());
    }
    let keys = or(master_key::load(config, db, &Random::System).await, ADVICE)?;
    let place = match config.secret_key {
        Some(_) => "the setting secret_key".to_owned(),
        None => config.data_dir.join("secret.key").display().to_string(),
    };
    Ok(format!(
        "{place} is the master key of this database ({}…); keep a copy elsewhere",
        &keys.fingerprint()[..8]
    ))
}

async fn clock(db: &Db) -> Check {
    const ADVICE: &str =
        "let both machines set their clocks by NTP: tokens and sessions end too early or too late";
    let ask = async {
        let mut tx = db.read(&Arc::new(Usage::default())).await?;
        store::clock(&mut tx).await
    };
    let theirs = or(ask.await, ADVICE)?;
    let ours = Clock::System.now();
    let Some(theirs) = theirs else {
        return Err((anyhow::anyhow!("the database's clock cannot be read"), ADVICE));
    };
    let apart = ours.since(theirs).max(theirs.since(ours));
    if apart > MOST_DRIFT {
        let error =
            anyhow::anyhow!("it is {ours} here and {theirs} at the database, {} s apart", apart.as_secs());
        return Err((error, ADVICE));
    }
    Ok(format!("{ours}, as at the database"))
}

async fn storage(config: &Config) -> Check {
    const ADVICE: &str = "make room, and let this user write there, or choose another --data-dir";
    let dir = config.data_dir.join("files");
    let storage = or(Storage::local(&dir), ADVICE)?;
    or(storage.check(&Random::System).await, ADVICE)?;
    Ok(format!("{} can be written and read", dir.display()))
}

async fn mail(config: &Config) -> Check {
    const ADVICE: &str = "correct mail.smtp_url and mail.from, or ask who runs the mail server";
    let mailer = or(Mailer::new(&config.mail, &config.data_dir, Clock::System), ADVICE)?;
    or(mailer.check().await, ADVICE)?;
    Ok(match &config.mail.smtp_url {
        Some(_) => format!("the mail server answers; mail comes from {}", config.mail.from),
        None => format!(
            "mail is written to files in {} and sent to nobody (mail.smtp_url is empty)",
            config.data_dir.join("outbox").display()
        ),
    })
}
