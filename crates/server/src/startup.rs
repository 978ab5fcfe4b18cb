//! The database at the start of a process: reached, recognised as ours, looked through for damage, up to date.
//!
//! Only `serve`, `migrate` and what is told `--create` make one. Every other command that finds none ends before it has
//! made anything, and so do those if something says that there was one: a master key beside it, somebody else's tables.

use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use database::{Content, Db, Options, Target, migrate};
use kernel::Error;
use platform::advice::advice;
use platform::config::{Config, Create, Database};
use platform::storage::private_dir;
use schema::MIGRATIONS;
use secrecy::ExposeSecret;

/// How long the embedded database is looked through for damage before it is served: all of a small one (some hundred
/// megabytes), and of a large one a part, so that no start waits for minutes. `doctor` takes longer.
const CHECKED_FOR: Duration = Duration::from_secs(2);

/// The database of a process, ready for use.
pub async fn ready(config: &Config) -> anyhow::Result<Db> {
    let db = opened(config).await?;
    if config.database.migrate {
        let applied = platform::schema::migrate(&db, MIGRATIONS).await.map_err(|e| fails(config, e))?;
        if !applied.is_empty() {
            tracing::info!(migrations = applied.join(", "), "the database was migrated");
        }
        return Ok(db);
    }
    let missing = migrate::missing(&db, MIGRATIONS).await.map_err(|e| fails(config, e))?;
    anyhow::ensure!(
        missing.is_empty(),
        "the database lacks the migrations {}, and database.migrate is off: run `regulars migrate` first",
        missing.join(", ")
    );
    Ok(db)
}

/// The same before its migrations are looked at.
pub async fn opened(config: &Config) -> anyhow::Result<Db> {
    // Before the database is looked at: of two processes that make one together, the second sees the key only if the
    // first has made the database.
    let had_key = config.secret_key.is_none() && config.data_dir.join("secret.key").exists();
    let makes = config.database.create != Create::Never;
    if let Database::Sqlite(path) = &config.database.url {
        admit(config, &Content::of_file(path).map_err(|e| fails(config, e))?, had_key)?;
    }
    let db = open(config).map_err(|e| fails(config, e))?;
    reach(config, &db, makes).await?;
    if let Database::Postgres(_) = config.database.url {
        admit(config, &Content::of(&db).await.map_err(|e| fails(config, e))?, had_key)?;
    }
    if makes {
        private_dir(&config.data_dir).map_err(|e| {
            let dir = config.data_dir.display();
            anyhow::Error::from(e)
                .context(format!("the data directory {dir} cannot be made; choose another --data-dir"))
        })?;
        close_to_others(&config.data_dir);
        if !db.check_file(CHECKED_FOR).await.map_err(|e| fails(config, e))? {
            tracing::debug!("the database was looked through in part; `regulars doctor` goes on for longer");
        }
    }
    Ok(db)
}

/// Opens what the configuration names. Nothing is asked of a server yet; a file is made if it is missing.
pub fn open(config: &Config) -> database::Result<Db> {
    let target = match &config.database.url {
        Database::Sqlite(path) => Target::Sqlite(path.clone()),
        Database::Postgres(url) => Target::Postgres(url.expose_secret().to_owned()),
    };
    Db::open(&Options {
        pool_size: config.database.pool_size,
        deadline: config.database.timeout,
        lock_timeout: config.database.lock_timeout,
        idle_timeout: config.database.idle_timeout,
        wal_warning_bytes: config.database.wal_warning_bytes,
        ssl_root_cert: config.database.ssl_root_cert.clone(),
        application_name: "regulars",
        ..Options::new(target)
    })
}

/// Waits for a server, and looks whether this build can work with it.
async fn reach(config: &Config, db: &Db, makes: bool) -> anyhow::Result<()> {
    // Somebody sits in front of a command, and can try again.
    let patience = if makes { config.database.start_timeout } else { Duration::ZERO };
    let tell = |e: &database::Error, left: Duration| {
        if makes {
            let cause = std::error::Error::source(e).map_or_else(|| e.to_string(), ToString::to_string);
            tracing::warn!("waiting for the database, at most {} s more: {cause}", left.as_secs());
        }
    };
    db.reach(patience, tell).await.map_err(|e| fails(config, e))?;
    let Some(server) = db.server().await.map_err(|e| fails(config, e))? else { return Ok(()) };
    server.check().map_err(|e| fails(config, e))?;
    if makes && !server.encrypted && !db.is_local() {
        tracing::warn!(
            "the connection to the database goes over the network in clear: with TLS on the server it is encrypted, with \
             sslmode=verify-full in DATABASE_URL always"
        );
    }
    Ok(())
}

/// The failure with the sentence in front: which database, and what to do.
pub fn fails(config: &Config, e: impl Into<Error>) -> anyhow::Error {
    let e = e.into();
    let advice = advice(&e).map_or(String::new(), |advice| format!(": {advice}"));
    let told = format!("the database {} cannot be used{advice}", config.database.url.masked());
    anyhow::Error::from(e).context(told)
}

/// May this process use what is there, or make what is not?
fn admit(config: &Config, content: &Content, had_key: bool) -> anyhow::Result<()> {
    let url = config.database.url.masked();
    match (content, config.database.create) {
        (Content::Ours, _) | (_, Create::Always) => Ok(()),
        (Content::Foreign(table), _) => bail!(
            "{url} holds tables of something else, such as `{table}`: name a database of its own with --database-url or \
             DATABASE_URL, or add --create to put the tables of Regulars beside them"
        ),
        (Content::Nothing, Create::Never) => bail!("{}", none(config)),
        (Content::Nothing, Create::IfNew) if had_key => bail!(
            "{url} is missing or empty, and {} is the master key of a database that was: name that database with \
             --data-dir or DATABASE_URL, put a backup in its place, or add --create to begin with an empty one",
            config.data_dir.join("secret.key").display()
        ),
        (Content::Nothing, Create::IfNew) => Ok(()),
    }
}

/// What a command says that needs a database and finds none.
pub fn none(config: &Config) -> String {
    let place = match &config.database.url {
        Database::Sqlite(path) => format!("no database at {}", path.display()),
        Database::Postgres(_) => format!("no tables of Regulars in {}", config.database.url.masked()),
    };
    format!(
        "there is {place}: start the server (`regulars serve`), which makes it, or name another with --data-dir or \
         DATABASE_URL"
    )
}

/// Nobody else looks into a directory with what customers told. One that holds other things as well is left as it is.
fn close_to_others(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let open = std::fs::metadata(dir).is_ok_and(|meta| meta.permissions().mode() & 0o007 != 0);
    if !open {
        return;
    }
    let ours = |name: &str| {
        ["secret.key", "files", "outbox", "backups", "migrate-v1"].contains(&name)
            || name.starts_with("regulars.")
    };
    let only_ours = std::fs::read_dir(dir).is_ok_and(|mut entries| {
        entries.all(|entry| entry.is_ok_and(|entry| entry.file_name().to_str().is_some_and(ours)))
    });
    let closed = only_ours && std::fs::set_permissions(dir, PermissionsExt::from_mode(0o700)).is_ok();
    let dir = dir.display();
    if closed {
        tracing::info!("{dir} was open to everybody on this machine; now it is its owner's");
    } else {
        tracing::warn!(
            "{dir} is open to everybody on this machine: `chmod 700` it, or choose a --data-dir of its own"
        );
    }
}
