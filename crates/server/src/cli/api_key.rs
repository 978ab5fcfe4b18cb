//! `regulars api-key`.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use identity::api_keys::api::ApiKeyView;
use identity::api_keys::service::{self, ApiKey, NewApiKey, SPEC};
use kernel::web::list::{ListReply, parse_pairs};
use platform::config::Config;
use platform::ctx::Ctx;
use uuid::Uuid;

use super::answer;
use super::table::table;
use crate::app;

const DAY: u64 = 24 * 3600;

/// What can be done with API keys.
#[derive(Subcommand)]
pub enum Verb {
    /// Create a key and print it, once, as the last line of standard output
    Create(Create),
    /// List the keys, newest first
    List(List),
    /// End a key at once
    Revoke(Named),
    /// Give a key another name
    Rename(Rename),
}

/// What `api-key create` takes.
#[derive(Args)]
pub struct Create {
    /// The role that it has: admin, manager, employee, viewer
    #[arg(long)]
    role: String,
    /// How it appears in the event log; every living key of a company has its own
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
    /// Revoke the key that has this name now
    #[arg(long)]
    replace: bool,
}

/// What `api-key list` takes.
#[derive(Args)]
pub struct List {
    /// Also those that were revoked
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A key.
#[derive(Args)]
pub struct Named {
    /// Its id or its name
    #[arg(value_name = "KEY")]
    key: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `api-key rename` takes.
#[derive(Args)]
pub struct Rename {
    #[command(flatten)]
    named: Named,
    /// The new name
    #[arg(value_name = "NAME")]
    name: String,
}

/// Runs the command.
pub async fn run(config: Config, verb: Verb) -> anyhow::Result<ExitCode> {
    let app = Box::pin(app::start(config)).await?;
    match verb {
        Verb::Create(create) => make(&app.system("regulars api-key create"), create).await,
        Verb::List(flags) => list(&app.system("regulars api-key list"), &flags).await,
        Verb::Revoke(named) => revoke(&app.system("regulars api-key revoke"), &named).await,
        Verb::Rename(rename) => change(&app.system("regulars api-key rename"), &rename).await,
    }
}

async fn make(ctx: &Ctx, create: Create) -> anyhow::Result<ExitCode> {
    let new = NewApiKey {
        name: create.name,
        role: create.role,
        scopes: create.scope,
        company: create.company,
        expires_at: create.expires_days.map(|days| ctx.now().plus(Duration::from_secs(days * DAY))),
    };
    let (key, secret) = match create.replace {
        true => Box::pin(service::replace(ctx, new)).await?,
        false => Box::pin(service::create(ctx, new)).await?,
    };
    // Not on standard output, so that KEY=$(regulars api-key create …) is the key alone.
    let _ = writeln!(
        std::io::stderr(),
        "API key {} created. It is shown only now; send it as `Authorization: Bearer KEY`:",
        key.id
    );
    answer(&format!("{}\n", secret.reveal()))
}

async fn list(ctx: &Ctx, flags: &List) -> anyhow::Result<ExitCode> {
    let keys = all(ctx, flags.all).await?;
    if flags.json {
        return answer(&(serde_json::to_string_pretty(&keys)? + "\n"));
    }
    if keys.is_empty() {
        let _ = writeln!(std::io::stderr(), "There are no API keys; `regulars api-key create` makes one.");
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<_> = keys.iter().map(row).collect();
    answer(&table(["ID", "NAME", "ROLE", "COMPANY", "STATE", "CREATED", "EXPIRES", "CREATED BY"], &rows))
}

/// Page after page: a list is never read whole in one statement.
async fn all(ctx: &Ctx, revoked: bool) -> anyhow::Result<Vec<ApiKeyView>> {
    let mut keys = Vec::new();
    let mut cursor = String::new();
    loop {
        let pairs = [
            ("limit", "1000"),
            ("is_revoked", if revoked { "" } else { "false" }),
            ("cursor", cursor.as_str()),
        ];
        let request = parse_pairs(&SPEC, pairs.into_iter())?;
        let (rows, total) = service::list(ctx, &request).await?;
        let page = ListReply::<identity::api_keys::api::ApiKeys>::new(&request, rows, total, |key| {
            ApiKeyView::of(key, ctx.now())
        });
        let next = page.next_cursor().map(str::to_owned);
        keys.extend(page.items);
        match next {
            Some(next) => cursor = next,
            None => return Ok(keys),
        }
    }
}

fn row(key: &ApiKeyView) -> [String; 8] {
    let day = |at: kernel::clock::Timestamp| at.to_string().chars().take(10).collect::<String>();
    let scopes = key.scopes.as_array().map_or(0, Vec::len);
    let role = match scopes {
        0 => key.role.clone(),
        _ => format!("{}, narrowed", key.role),
    };
    let by = key.created_by.name.as_deref().unwrap_or("the command line");
    [
        key.id.to_string(),
        key.name.clone(),
        role,
        key.company_id.clone().unwrap_or_else(|| "-".to_owned()),
        key.state.to_owned(),
        day(key.created_at),
        key.expires_at.map_or_else(|| "never".to_owned(), day),
        by.to_owned(),
    ]
}

async fn revoke(ctx: &Ctx, named: &Named) -> anyhow::Result<ExitCode> {
    let key = find(ctx, &named.key).await?;
    Box::pin(service::revoke(ctx, key.id, |_| Ok(()))).await?;
    let told =
        format!("API key {} ({}) is revoked; running servers refuse it within 2 seconds\n", key.id, key.name);
    say(ctx, service::get(ctx, key.id).await?, named.json, &told)
}

async fn change(ctx: &Ctx, rename: &Rename) -> anyhow::Result<ExitCode> {
    let key = find(ctx, &rename.named.key).await?;
    let changed = Box::pin(service::rename(ctx, key.id, Some(&rename.name), |_| Ok(()))).await?;
    let told = format!("API key {} is called {} now\n", changed.id, changed.name);
    say(ctx, changed, rename.named.json, &told)
}

fn say(ctx: &Ctx, key: ApiKey, json: bool, told: &str) -> anyhow::Result<ExitCode> {
    match json {
        true => answer(&(serde_json::to_string_pretty(&ApiKeyView::of(key, ctx.now()))? + "\n")),
        false => answer(told),
    }
}

/// The key that somebody names: by id, or by the name of one that was not revoked.
async fn find(ctx: &Ctx, named: &str) -> anyhow::Result<ApiKey> {
    if let Ok(id) = Uuid::try_parse(named) {
        return service::get(ctx, id).await.with_context(|| format!("{named}: see `regulars api-key list`"));
    }
    let mut found = service::find_by_name(ctx, named).await?;
    match (found.pop(), found.as_slice()) {
        (None, _) => {
            bail!("there is no API key called {named} that was not revoked; see `regulars api-key list`")
        }
        (Some(key), []) => Ok(key),
        (Some(last), others) => {
            let ids: Vec<String> = others.iter().chain([&last]).map(|key| key.id.to_string()).collect();
            bail!("{} API keys are called {named}; name one by its id: {}", ids.len(), ids.join(", "))
        }
    }
}
