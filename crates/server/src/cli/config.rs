//! `regulars config`.

use std::fmt::Write;
use std::process::ExitCode;

use clap::Args;
use platform::config::{Config, Entry};

use super::answer;

/// What `config` takes.
#[derive(Args)]
pub struct Flags {
    /// Print JSON
    #[arg(long, conflicts_with = "toml")]
    json: bool,
    /// Print a regulars.toml to begin with: every setting explained, what is at its default commented out, without secrets
    #[arg(long)]
    toml: bool,
}

/// The column of the sources. A line that reaches it has its source below.
const SOURCES: usize = 48;

/// Runs the command.
pub fn run(config: &Config, flags: &Flags) -> anyhow::Result<ExitCode> {
    let entries = config.explain();
    if flags.toml {
        return answer(&config.to_file());
    }
    if flags.json {
        return answer(&(serde_json::to_string_pretty(entries)? + "\n"));
    }
    answer(&entries.iter().map(line).collect::<String>())
}

/// One line of TOML, with the place of the value as its comment. What only stands for a value is all comment.
fn line(entry: &Entry) -> String {
    let mark = if entry.is_stand_in { "# " } else { "" };
    let mut text = format!("{mark}{} = {}", entry.key, entry.value);
    if text.chars().count() >= SOURCES {
        text.push('\n');
        let _ = write!(text, "{:SOURCES$}", "");
    }
    let missing = SOURCES.saturating_sub(text.lines().last().map_or(0, |last| last.chars().count()));
    let _ = writeln!(text, "{:missing$}# {}", "", entry.source);
    text
}

#[cfg(test)]
mod tests {
    use platform::config::Shown;

    use super::*;

    #[test]
    fn the_column_of_the_sources_stands() {
        let entry = |value: &str, is_stand_in| Entry {
            key: "database.url",
            value: Shown::Text(value.to_owned()),
            source: "default".to_owned(),
            is_stand_in,
        };
        for value in ["", "sqlite://data/regulars.db", &"x".repeat(32), &"x".repeat(33), &"x".repeat(200)] {
            for stand_in in [false, true] {
                let text = line(&entry(value, stand_in));
                let last = text.lines().last().unwrap();
                assert_eq!(last.rfind("# default"), Some(SOURCES), "{text}");
                assert_eq!(text.starts_with("# "), stand_in);
            }
        }
    }
}
