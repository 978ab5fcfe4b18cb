//! `regulars admin`.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use identity::users::api::UserReply;
use identity::users::model::{Email, PersonName};
use identity::users::service::User;
use kernel::TextValue;
use platform::config::Config;
use platform::ctx::Ctx;

use super::answer;
use super::table::table;
use crate::app;

/// What can be done with administrators.
#[derive(Subcommand)]
pub enum Verb {
    /// Create an administrator who can log in at once
    Create(Create),
    /// List the administrators, the oldest first
    List(List),
    /// Give an administrator a new password, and end their sessions
    Password(Password),
    /// Keep an administrator from logging in, and end their sessions and the API keys that they made
    Deactivate(AdminEmail),
    /// Let an administrator log in again
    Activate(AdminEmail),
}

/// An administrator.
#[derive(Args)]
pub struct AdminEmail {
    /// The address with which they log in
    #[arg(long)]
    email: String,
}

/// Where a password comes from.
#[derive(Args)]
pub struct PasswordSource {
    /// Read the password from the first line of standard input; without it, it is asked for on the terminal
    #[arg(long)]
    password_stdin: bool,
}

/// What `admin create` takes.
#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    who: AdminEmail,
    #[command(flatten)]
    given: PasswordSource,
    /// Given name
    #[arg(long, default_value = "Admin")]
    first_name: String,
    /// Family name
    #[arg(long, default_value = "User")]
    last_name: String,
}

/// What `admin list` takes.
#[derive(Args)]
pub struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `admin password` takes.
#[derive(Args)]
pub struct Password {
    #[command(flatten)]
    who: AdminEmail,
    #[command(flatten)]
    given: PasswordSource,
}

/// Runs the command. What is said is looked at before the database is touched.
pub async fn run(config: Config, verb: Verb) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Create(create) => make(config, &create).await,
        Verb::List(flags) => list(&context(config, "regulars admin list").await?, &flags).await,
        Verb::Password(flags) => password(config, &flags).await,
        Verb::Deactivate(who) => activate(config, &who, false).await,
        Verb::Activate(who) => activate(config, &who, true).await,
    }
}

async fn context(config: Config, name: &str) -> anyhow::Result<Ctx> {
    Ok(Box::pin(app::start(config)).await?.system(name))
}

async fn make(config: Config, create: &Create) -> anyhow::Result<ExitCode> {
    let email = create.who.read()?;
    let names: (PersonName, PersonName) =
        (read("--first-name", &create.first_name)?, read("--last-name", &create.last_name)?);
    let password = create.given.read()?;
    let ctx = context(config, "regulars admin create").await?;
    let user = Box::pin(identity::admin::create(&ctx, email, &password, names.0, names.1)).await?;
    answer(&format!("Administrator {} created; log in with POST /api/auth/login/\n", shown(&user)))
}

async fn list(ctx: &Ctx, flags: &List) -> anyhow::Result<ExitCode> {
    let users = identity::admin::list(ctx).await?;
    if flags.json {
        let users: Vec<UserReply> = users.iter().map(UserReply::from).collect();
        return answer(&(serde_json::to_string_pretty(&users)? + "\n"));
    }
    if users.is_empty() {
        let _ = writeln!(std::io::stderr(), "There is no administrator; `regulars admin create` makes one.");
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<_> = users.iter().map(row).collect();
    answer(&table(["ID", "E-MAIL", "NAME", "STATE", "LAST LOGIN"], &rows))
}

fn row(user: &User) -> [String; 5] {
    let minute =
        |at: kernel::clock::Timestamp| at.to_string().chars().take(16).collect::<String>().replace('T', " ");
    let state = match (user.is_active, user.has_password) {
        (false, _) => "deactivated",
        (true, false) => "without password",
        (true, true) => "active",
    };
    [
        user.unique_id(),
        user.email.as_str().unwrap_or("-").to_owned(),
        user.full_name(),
        state.to_owned(),
        user.last_login.map_or_else(|| "never".to_owned(), minute),
    ]
}

async fn password(config: Config, flags: &Password) -> anyhow::Result<ExitCode> {
    let (email, password) = (flags.who.read()?, flags.given.read()?);
    let ctx = context(config, "regulars admin password").await?;
    let user = Box::pin(identity::admin::set_password(&ctx, &email, &password)).await?;
    let note = if user.is_active { "" } else { "; still deactivated: `regulars admin activate`" };
    answer(&format!("{} has a new password, and every session of theirs has ended{note}\n", shown(&user)))
}

async fn activate(config: Config, who: &AdminEmail, active: bool) -> anyhow::Result<ExitCode> {
    let email = who.read()?;
    let name = if active { "regulars admin activate" } else { "regulars admin deactivate" };
    let ctx = context(config, name).await?;
    let user = Box::pin(identity::admin::set_active(&ctx, &email, active)).await?;
    let what =
        if active { "can log in" } else { "cannot log in any more; their sessions and API keys have ended" };
    answer(&format!("{} {what}\n", shown(&user)))
}

fn shown(user: &User) -> String {
    format!("{} ({})", user.unique_id(), user.email.as_str().unwrap_or_default())
}

impl AdminEmail {
    fn read(&self) -> anyhow::Result<Email> {
        read("--email", &self.email)
    }
}

impl PasswordSource {
    fn read(&self) -> anyhow::Result<String> {
        if self.password_stdin { password_from_stdin() } else { ask_password() }
    }
}

fn read<T: TextValue>(flag: &str, text: &str) -> anyhow::Result<T> {
    T::parse(text).map_err(|error| anyhow::anyhow!("{flag}: {}", error.message))
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
