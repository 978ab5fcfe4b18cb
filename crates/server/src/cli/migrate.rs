//! `regulars migrate`.

use std::process::ExitCode;

use kernel::clock::Clock;
use kernel::config::Config;
use kernel::db::migrate;

use super::answer;
use crate::database;

/// Runs the command. Safe beside running servers: migrations leave the previous release working.
pub async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let db = database::opened(config).await?;
    let applied = migrate::migrate(&db, Clock::System.now()).await;
    let applied = applied.map_err(|e| database::fails(config, e))?;
    answer(&match applied.as_slice() {
        [] => format!("{} is up to date\n", config.database.url.masked()),
        names => format!("{}: applied {}\n", config.database.url.masked(), names.join(", ")),
    })
}
