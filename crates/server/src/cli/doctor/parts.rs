//! The checks of what the process works with: database, keys, clock, files, mail.

use std::time::Duration;

use database::{Content, Db, Engine, migrate};
use kernel::Error;
use kernel::clock::Clock;
use kernel::id::Random;
use platform::Tx;
use platform::advice::advice;
use platform::config::{Config, Database};
use platform::mail::Mailer;
use platform::storage::Storage;
use schema::MIGRATIONS;

use super::{Check, Status, Trouble};
use crate::{master_key, startup, store};

/// Beyond this, tokens and sessions end visibly too early or too late.
const MOST_DRIFT: Duration = Duration::from_secs(5);
/// How long an embedded database is looked through for damage.
const CHECKED_FOR: Duration = Duration::from_secs(30);

/// The advice that fits the engine and the cause.
fn trouble(e: impl Into<Error>) -> Trouble {
    let e = e.into();
    Trouble::fail(
        &e,
        advice(&e)
            .unwrap_or("the log of the server may say more; `regulars config` shows which database is used"),
    )
}

/// Is it there, is it ours, is it up to date, and can it be written?
pub(super) async fn database(config: &Config) -> Result<(Db, String), Trouble> {
    if let Database::Sqlite(path) = &config.database.url {
        // Before it is opened, which would make it.
        known(config, &Content::of_file(path).map_err(trouble)?)?;
    }
    let db = startup::open(config).map_err(trouble)?;
    db.reach(Duration::ZERO, |_, _| ()).await.map_err(trouble)?;
    let server = db.server().await.map_err(trouble)?;
    let version = match &server {
        Some(server) => {
            server.check().map_err(|e| Trouble::fail(&Error::from(e), ""))?;
            format!("PostgreSQL {}", server.version)
        }
        None => "SQLite".to_owned(),
    };
    known(config, &Content::of(&db).await.map_err(trouble)?)?;
    let missing = migrate::missing(&db, MIGRATIONS).await.map_err(trouble)?;
    let url = config.database.url.masked();
    if !missing.is_empty() {
        let detail = format!("{url} lacks the migrations {}", missing.join(", "));
        return Err(Trouble::new(
            Status::Fail,
            detail,
            "run `regulars migrate`, or start the server, which does it",
        ));
    }
    let probe = format!("doctor {}", Random::System.uuid(Clock::System.now()));
    write(&db, &probe).await.map_err(trouble)?;
    Ok((db, format!("{url} ({version}) is up to date and can be written")))
}

fn known(config: &Config, content: &Content) -> Result<(), Trouble> {
    match content {
        Content::Ours => Ok(()),
        Content::Nothing => Err(Trouble::new(Status::Fail, startup::none(config), "")),
        Content::Foreign(table) => Err(Trouble::new(
            Status::Fail,
            format!("{} holds tables of something else, such as `{table}`", config.database.url.masked()),
            "name a database of its own with --database-url or DATABASE_URL",
        )),
    }
}

/// Two durable commits: the second removes what the first wrote.
async fn write(db: &Db, probe: &str) -> kernel::Result<()> {
    let mut tx = Tx::write(db).await?;
    store::write_probe(&mut tx, probe).await?;
    tx.commit().await?;
    let mut tx = Tx::write(db).await?;
    store::remove_probe(&mut tx, probe).await?;
    tx.commit().await
}

/// Is what goes over the network encrypted?
pub(super) async fn connection(db: &Db) -> Check {
    let Some(server) = db.server().await.map_err(trouble)? else {
        return Ok("the database is a file of this machine".to_owned());
    };
    match (server.encrypted, db.is_local()) {
        (true, _) => Ok("the connection to the database is encrypted".to_owned()),
        (false, true) => Ok("the connection to the database stays on this machine".to_owned()),
        (false, false) => Err(Trouble::new(
            Status::Warn,
            "the connection to the database goes over the network in clear",
            "turn TLS on at the server, and say sslmode=verify-full in DATABASE_URL",
        )),
    }
}

/// Is the file whole?
pub(super) async fn integrity(db: &Db) -> Check {
    if db.engine() == Engine::Postgres {
        let detail = "the server looks after its own files (pg_amcheck looks through them)";
        return Err(Trouble::new(Status::Skip, detail, ""));
    }
    match db.check_file(CHECKED_FOR).await {
        Ok(true) => Ok("the database file is whole".to_owned()),
        Ok(false) => {
            Ok(format!("no damage found in {} s; the file is too large for more", CHECKED_FOR.as_secs()))
        }
        Err(e) => Err(Trouble::fail(&e, "")),
    }
}

/// Is the key here the database's?
pub(super) async fn keys(config: &Config, db: &Db) -> Check {
    const ADVICE: &str = "put the right key back; without it signing keys and second factors cannot be read";
    let known = master_key::known(db).await.map_err(trouble)?;
    if known.is_none() {
        let detail = "the database has no master key yet; the first start makes it";
        return Err(Trouble::new(Status::Skip, detail, ""));
    }
    let keys = master_key::load(config, db, &Random::System).await.map_err(|e| Trouble::fail(&e, ADVICE))?;
    let place = match config.secret_key {
        Some(_) => "the setting secret_key".to_owned(),
        None => config.data_dir.join("secret.key").display().to_string(),
    };
    Ok(format!(
        "{place} is the master key of this database ({}…); keep a copy elsewhere",
        &keys.fingerprint()[..8]
    ))
}

/// Do both machines agree on the time?
pub(super) async fn clock(db: &Db) -> Check {
    const ADVICE: &str =
        "let both machines set their clocks by NTP: tokens and sessions end too early or too late";
    let ask = async {
        let mut tx = Tx::read(db).await?;
        store::clock(&mut tx).await
    };
    let theirs = ask.await.map_err(trouble)?;
    let ours = Clock::System.now();
    let Some(theirs) = theirs else {
        return Err(Trouble::new(Status::Fail, "the database's clock cannot be read", ADVICE));
    };
    let apart = ours.since(theirs).max(theirs.since(ours));
    if apart > MOST_DRIFT {
        let detail = format!("it is {ours} here and {theirs} at the database, {} s apart", apart.as_secs());
        return Err(Trouble::new(Status::Fail, detail, ADVICE));
    }
    Ok(format!("{ours}, as at the database"))
}

/// Is there somebody who can administer?
pub(super) async fn administrator(db: &Db) -> Check {
    let ask = async {
        let mut tx = Tx::read(db).await?;
        identity::admin::exists_in(&mut tx).await
    };
    match ask.await.map_err(trouble)? {
        true => Ok("there is an active administrator".to_owned()),
        false => Err(Trouble::new(
            Status::Warn,
            "there is no active administrator",
            "run `regulars admin create --email you@example.com`",
        )),
    }
}

/// Can files be written and read?
pub(super) async fn storage(config: &Config) -> Check {
    const ADVICE: &str = "let this user write there, or choose another --data-dir";
    let dir = config.data_dir.join("files");
    if !dir.exists() {
        let detail = format!("{} does not exist yet; the server creates it at the start", dir.display());
        return Err(Trouble::new(Status::Skip, detail, ""));
    }
    let storage = Storage::local(&dir).map_err(|e| Trouble::fail(&e, ADVICE))?;
    let checked = storage.check(&Random::System).await;
    checked.map_err(|e| {
        let full = e.code() == "STORAGE_FULL";
        Trouble::fail(&e, if full { "make room on the disk of the data directory" } else { ADVICE })
    })?;
    Ok(format!("{} can be written and read", dir.display()))
}

/// Does mail go out?
pub(super) async fn mail(config: &Config) -> Check {
    let outbox = config.data_dir.join("outbox");
    let advice = match config.mail.smtp_url {
        Some(_) => "correct mail.smtp_url and mail.from, or ask who runs the mail server",
        None => {
            "let this user write to the outbox in the data directory, or name a mail server with mail.smtp_url"
        }
    };
    if config.mail.smtp_url.is_none() && !outbox.exists() {
        let detail = format!(
            "mail is written to files in {}, which the first one makes, and sent to nobody (mail.smtp_url is empty)",
            outbox.display()
        );
        return Ok(detail);
    }
    let mailer =
        Mailer::new(&config.mail, &config.data_dir, Clock::System).map_err(|e| Trouble::fail(&e, advice))?;
    mailer.check().await.map_err(|e| Trouble::fail(&e, advice))?;
    Ok(match config.mail.smtp_url {
        Some(_) => format!("the mail server answers; mail comes from {}", config.mail.from),
        None => {
            format!(
                "mail is written to files in {} and sent to nobody (mail.smtp_url is empty)",
                outbox.display()
            )
        }
    })
}
