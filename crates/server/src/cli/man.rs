//! `regulars man`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_mangen::{Man, generate_to};

use super::{Cli, answer};

/// What `man` takes.
#[derive(Args)]
pub struct Flags {
    /// Write regulars.1 and a page for each command into this directory, such as /usr/local/share/man/man1
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Runs the command. It needs no configuration and no database.
pub fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    let Some(folder) = &flags.folder else {
        let mut text = Vec::new();
        Man::new(Cli::command()).render(&mut text)?;
        return answer(&String::from_utf8(text)?);
    };
    let cannot = || format!("the pages cannot be written into {}", folder.display());
    std::fs::create_dir_all(folder).with_context(cannot)?;
    generate_to(Cli::command(), folder).with_context(cannot)?;
    answer(&format!("The pages are in {}\n", folder.display()))
}
