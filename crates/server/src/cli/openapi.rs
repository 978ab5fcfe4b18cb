//! `regulars openapi`.

use std::process::ExitCode;

use kernel::web::docs;

use super::answer;
use crate::app;

/// Runs the command. It needs no configuration and no database.
pub fn run() -> anyhow::Result<ExitCode> {
    answer(&docs::to_json(&app::document())?)
}
