//! `regulars migrate`.

use std::process::ExitCode;

use ::schema::MIGRATIONS;
use platform::config::Config;
use platform::schema;

use super::answer;
use crate::startup;

/// Runs the command. Safe beside running servers: migrations leave the previous release working.
pub async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let db = startup::opened(config).await?;
    let applied = schema::migrate(&db, MIGRATIONS).await;
    let applied = applied.map_err(|e| startup::fails(config, e))?;
    answer(&match applied.as_slice() {
        [] => format!("{} is up to date\n", config.database.url.masked()),
        names => format!("{}: applied {}\n", config.database.url.masked(), names.join(", ")),
    })
}
