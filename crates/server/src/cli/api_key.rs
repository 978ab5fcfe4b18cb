//! `regulars api-key create`.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use identity::api_keys::service::{self, NewApiKey};
use kernel::config::Config;

use super::answer;
use crate::app;

const DAY: u64 = 24 * 3600;

/// What can be done with API keys.
#[derive(Subcommand)]
pub enum Verb {
    /// Create a key and print it, once, as the last line of standard output
    Create(Create),
}

/// What `api-key create` takes.
#[derive(Args)]
pub struct Create {
    /// The role that it has: admin, manager, employee, viewer
    #[arg(long)]
    role: String,
    /// How it appears in the event log
    #[arg(long)]
    name: String,
    /// The company that it is confined to (COMP-…), which manager and viewer need
    #[arg(long)]
    company: Option<String>,
    /// Narrows the role to this permission, such as customers.read; may be given several times
    #[arg(long, value_name = "PERMISSION")]
    scope: Vec<String>,
    /// Ends by itself after so many days [default: never]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=36500))]
    expires_days: Option<u64>,
}

/// Runs the command.
pub async fn run(config: Config, verb: Verb) -> anyhow::Result<ExitCode> {
    let Verb::Create(create) = verb;
    let app = Box::pin(app::start(config)).await?;
    let ctx = app.system("regulars api-key create");
    let new = NewApiKey {
        name: create.name,
        role: create.role,
        scopes: create.scope,
        company: create.company,
        expires_at: create.expires_days.map(|days| ctx.now().plus(Duration::from_secs(days * DAY))),
    };
    let (id, secret) = Box::pin(service::create(&ctx, new)).await?;
    // Not on standard output, so that KEY=$(regulars api-key create …) is the key alone.
    let _ = writeln!(
        std::io::stderr(),
        "API key {id} created. It is shown only now; send it as `Authorization: Bearer KEY`:"
    );
    answer(&format!("{}\n", secret.reveal()))
}
