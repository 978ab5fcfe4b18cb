//! `regulars migrate`.

use std::process::ExitCode;

use anyhow::Context;
use kernel::clock::Clock;
use kernel::config::Config;
use kernel::db::migrate;
use kernel::storage::private_dir;

use super::answer;
use crate::app;

/// Runs the command. Safe beside running servers: migrations leave the previous release working.
pub async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    private_dir(&config.data_dir)?;
    let db = app::open_database(config)?;
    let applied =
        migrate::migrate(&db, Clock::System.now()).await.with_context(|| app::database_fails(config))?;
    answer(&match applied.as_slice() {
        [] => format!("{} is up to date\n", config.database.url.masked()),
        names => format!("{}: applied {}\n", config.database.url.masked(), names.join(", ")),
    })
}
