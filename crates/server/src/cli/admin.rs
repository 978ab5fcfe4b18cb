//! `regulars admin create`.

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use identity::users::model::{Email, PersonName};
use kernel::TextValue;
use kernel::config::Config;

use super::answer;
use crate::app;

/// What can be done with administrators.
#[derive(Subcommand)]
pub enum Verb {
    /// Create an administrator who can log in at once
    Create(Create),
}

/// What `admin create` takes.
#[derive(Args)]
pub struct Create {
    /// The address with which they log in
    #[arg(long)]
    email: String,
    /// Read the password from the first line of standard input; without it, it is asked for on the terminal
    #[arg(long)]
    password_stdin: bool,
    /// Given name
    #[arg(long, default_value = "Admin")]
    first_name: String,
    /// Family name
    #[arg(long, default_value = "User")]
    last_name: String,
}

/// Runs the command.
pub async fn run(config: Config, verb: Verb) -> anyhow::Result<ExitCode> {
    let Verb::Create(create) = verb;
    let email: Email = read("--email", &create.email)?;
    let names: (PersonName, PersonName) =
        (read("--first-name", &create.first_name)?, read("--last-name", &create.last_name)?);
    let password = if create.password_stdin { password_from_stdin()? } else { ask_password()? };
    let app = Box::pin(app::start(config)).await?;
    let ctx = app.system("regulars admin create");
    let user = Box::pin(identity::admin::create(&ctx, email, &password, names.0, names.1)).await?;
    answer(&format!(
        "Administrator {} ({}) created; log in with POST /api/auth/login/\n",
        user.unique_id(),
        user.email.unwrap_or_default()
    ))
}

fn read<T: TextValue>(flag: &str, text: &str) -> anyhow::Result<T> {
    T::parse(text).map_err(|flaw| anyhow::anyhow!("{flag}: {}", flaw.message))
}

fn password_from_stdin() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("the password could not be read from standard input")?;
    let password = line.trim_end_matches(['\n', '\r']).to_owned();
    ensure!(!password.is_empty(), "standard input holds no password: echo the password into the command");
    Ok(password)
}

fn ask_password() -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        bail!("there is no terminal to ask for the password: pipe it in and add --password-stdin");
    }
    let password = rpassword::prompt_password("Password: ")?;
    ensure!(password == rpassword::prompt_password("Again: ")?, "the two passwords differ; nothing was done");
    Ok(password)
}
