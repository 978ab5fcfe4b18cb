//! `regulars config`.

use std::fmt::Write;
use std::process::ExitCode;

use clap::Args;
use kernel::config::Config;

use super::answer;

/// What `config` takes.
#[derive(Args)]
pub struct Flags {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(config: &Config, flags: &Flags) -> anyhow::Result<ExitCode> {
    let entries = config.explain();
    if flags.json {
        return answer(&(serde_json::to_string_pretty(entries)? + "\n"));
    }
    let width = entries.iter().map(|e| e.key.len() + e.value.chars().count()).max().unwrap_or(0).min(60);
    let mut text = String::new();
    for entry in entries {
        let left = format!("{} = {}", entry.key, entry.value);
        let _ = writeln!(text, "{left:<width$}   # {}", entry.source, width = width + 3);
    }
    answer(&text)
}
