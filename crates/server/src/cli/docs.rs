//! `regulars docs`.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::answer;
use crate::pages::documents::DOCUMENTS;

/// What `docs` takes.
#[derive(Args)]
pub struct Flags {
    /// Which document; without it, a list of them
    name: Option<String>,
}

/// Runs the command.
pub fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    let Some(name) = &flags.name else { return answer(&list()) };
    let Some(document) = DOCUMENTS.iter().find(|document| document.name == name) else {
        bail!("there is no document {name}\n\n{}", list());
    };
    answer(document.text)
}

fn list() -> String {
    let width = DOCUMENTS.iter().map(|document| document.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for document in DOCUMENTS {
        let _ = writeln!(text, "{:width$}  {}", document.name, document.about);
    }
    text + "\nregulars docs NAME prints one; a running server shows them below /docs\n"
}
