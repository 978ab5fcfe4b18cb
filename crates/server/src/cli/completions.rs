//! `regulars completions SHELL`.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Cli, answer};

/// What `completions` takes.
#[derive(Args)]
pub struct Flags {
    /// The shell; for bash: `regulars completions bash > /etc/bash_completion.d/regulars`
    shell: Shell,
}

/// Runs the command. It needs no configuration and no database.
pub fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    generate(flags.shell, &mut Cli::command(), "regulars", &mut text);
    answer(&String::from_utf8(text)?)
}
