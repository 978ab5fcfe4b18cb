//! The command line: what can be said, and how failures are told. One file per command.
//!
//! Answers go to standard output, everything else to standard error. Every command works on the database that a
//! running server uses.

mod admin;
mod api_key;
mod completions;
mod config;
mod docs;
mod doctor;
mod export;
mod import;
mod man;
mod migrate;
mod migrate_v1;
mod openapi;
mod serve;
mod table;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use platform::config::{Config, Create, Sources};

/// The release, with its commit and its day where they were known when it was built.
const VERSION: &str = env!("REGULARS_VERSION");

/// A self-hosted customer platform in one binary.
#[derive(Parser)]
#[command(name = "regulars", version = VERSION, arg_required_else_help = true, propagate_version = true)]
#[command(after_help = "Settings: `regulars config` shows each with its value and where that came from; \
                        `regulars docs configuration` explains them.")]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// The heading of what every command takes, so that it does not stand between what the command itself takes.
const EVERYWHERE: &str = "Options of every command";

/// What every command takes. A flag wins over the environment, the environment over the file.
#[derive(Args)]
struct Common {
    /// Configuration file [default: regulars.toml, if it is there]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory of the embedded database, files, and the master key [default: data]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "DIR")]
    data_dir: Option<String>,
    /// sqlite://PATH or postgres://USER@HOST/NAME; a password belongs into DATABASE_URL, where `ps` does not show it
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "URL")]
    database_url: Option<String>,
    /// error, warn, info, debug, trace, or a filter [default: info; warn for commands that answer and end]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "LEVEL")]
    log_level: Option<String>,
    /// auto, json or text
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Make the database if there is none. Of themselves only `serve` and `migrate` do, and not beside an old master key
    /// or somebody else's tables
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    create: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::Flags),
    /// Administrators
    #[command(subcommand)]
    Admin(admin::Verb),
    /// Keys for programs
    #[command(subcommand)]
    ApiKey(api_key::Verb),
    /// Import customers from a CSV or NDJSON file
    Import(Box<import::Flags>),
    /// Bring the database up to this release
    Migrate,
    /// Bring over the customers of the first version of the services: number for a user, address in one text
    MigrateV1(migrate_v1::Flags),
    /// Print the effective configuration, secrets masked, and where each value came from
    Config(config::Flags),
    /// Write customers to a file or to standard output
    Export(export::Flags),
    /// Print the OpenAPI document
    Openapi,
    /// Print a document: conventions of the API, settings, imports, and others
    Docs(docs::Flags),
    /// Check database, files, keys, clock and mail, and say what to do
    Doctor(doctor::Flags),
    /// Print what completes these commands in a shell
    Completions(completions::Flags),
    /// Print the manual page, or write one for each command into a directory
    Man(man::Flags),
}

/// A setting given by a flag.
type Given = (&'static str, String);

impl Common {
    fn given(&self) -> Vec<Given> {
        let flags = [
            ("data_dir", &self.data_dir),
            ("database.url", &self.database_url),
            ("log.level", &self.log_level),
            ("log.format", &self.log_format),
        ];
        flags.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect()
    }
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(Box::pin(run(cli))));
    platform::log::flush();
    done.unwrap_or_else(|e| {
        let _ = std::io::stderr().write_all(explain(&e).as_bytes());
        ExitCode::FAILURE
    })
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let mut given = cli.common.given();
    if let Command::Serve(flags) = &cli.command {
        given.extend(flags.given());
    }
    if let Command::MigrateV1(flags) = &cli.command {
        given.extend(flags.given());
    }
    // What needs no configuration works with a broken one.
    match &cli.command {
        Command::Openapi => return openapi::run(),
        Command::Docs(flags) => return docs::run(flags),
        Command::Completions(flags) => return completions::run(flags),
        Command::Man(flags) => return man::run(flags),
        _ => {}
    }
    let mut config = Config::load(&Sources::of_process(cli.common.config.clone(), given))?;
    config.database.create = match cli.command {
        _ if cli.common.create => Create::Always,
        Command::Serve(_) | Command::Migrate => Create::IfNew,
        _ => Create::Never,
    };
    if !matches!(cli.command, Command::Serve(_)) {
        quieten(&mut config);
    }
    platform::log::init(&config);
    match cli.command {
        Command::Serve(_) => serve::run(config).await,
        Command::Admin(verb) => admin::run(config, verb).await,
        Command::ApiKey(verb) => api_key::run(config, verb).await,
        Command::Import(flags) => import::run(config, *flags).await,
        Command::Migrate => migrate::run(&config).await,
        Command::MigrateV1(flags) => Box::pin(migrate_v1::run(config, flags)).await,
        Command::Config(flags) => config::run(&config, &flags),
        Command::Export(flags) => export::run(config, flags).await,
        Command::Openapi => openapi::run(),
        Command::Docs(flags) => docs::run(&flags),
        Command::Completions(flags) => completions::run(&flags),
        Command::Man(flags) => man::run(&flags),
        Command::Doctor(flags) => doctor::run(config, &flags).await,
    }
}

/// A command that answers and ends logs what went wrong, unless somebody asked for more.
fn quieten(config: &mut Config) {
    let chosen = config.explain().iter().any(|entry| entry.key == "log.level" && entry.source != "default");
    if !chosen {
        "warn".clone_into(&mut config.log.level);
    }
}

/// Writes an answer. A reader that went away (`regulars openapi | head`) is no failure.
fn answer(text: &str) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(e.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// A failure with its causes, each once: outer sentences often quote the inner ones. A refusal says all that the person
/// can do something about: its causes are ours.
fn explain(error: &anyhow::Error) -> String {
    let mut lines = vec![format!("regulars: {error}")];
    let refusal = |e: &(dyn std::error::Error + 'static)| {
        e.downcast_ref::<kernel::Error>().is_some_and(|e| e.kind().status() < 500)
    };
    let causes = error.chain().position(refusal).map_or(usize::MAX, |at| at + 1);
    for cause in error.chain().take(causes) {
        let text = cause.to_string();
        if !lines.iter().any(|line| line.contains(&text)) {
            lines.push(format!("  because: {text}"));
        }
        let errors = cause.downcast_ref::<kernel::Error>().map_or(&[][..], kernel::Error::field_errors);
        if errors.len() > 1 {
            lines.extend(errors.iter().map(|error| format!("  {}: {}", error.field, error.message)));
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_stand_before_or_after_the_command() {
        for line in [
            &["regulars", "--data-dir", "d", "serve", "--listen", "127.0.0.1:1", "--listen", "[::1]:2"][..],
            &["regulars", "serve", "--listen", "127.0.0.1:1", "--data-dir", "d", "--listen", "[::1]:2"],
        ] {
            let cli = Cli::try_parse_from(line).unwrap();
            let Command::Serve(flags) = &cli.command else { panic!("{line:?}") };
            assert_eq!(cli.common.given(), [("data_dir", "d".to_owned())]);
            assert_eq!(
                flags.given(),
                [("listen", "127.0.0.1:1".to_owned()), ("listen", "[::1]:2".to_owned())]
            );
        }
    }

    #[test]
    fn a_failure_is_told_with_each_cause_once() {
        let cause = std::io::Error::other("connection refused");
        let inner = kernel::Error::internal("no answer: connection refused").with_source(cause);
        let error = anyhow::Error::from(inner).context("the database cannot be used");
        assert_eq!(
            explain(&error),
            "regulars: the database cannot be used\n  because: no answer: connection refused\n"
        );
        let two = vec![
            kernel::FieldError::new("email", "invalid", "is no address"),
            kernel::FieldError::new("name", "required", "is missing"),
        ];
        let told = explain(&kernel::Error::invalid(two).into());
        assert!(told.ends_with("  email: Is no address\n  name: Is missing\n"), "{told}");
    }

    #[test]
    fn the_causes_of_a_refusal_are_not_told() {
        let cause = || std::io::Error::other("UNIQUE constraint failed: user_account.email_key");
        let refusal = || kernel::Error::conflict("USER_EMAIL_EXISTS", "User with this email already exists");
        let told = explain(&refusal().with_source(cause()).into());
        assert_eq!(told, "regulars: User with this email already exists\n");
        let told = explain(&anyhow::Error::from(refusal().with_source(cause())).context("nothing was made"));
        assert_eq!(told, "regulars: nothing was made\n  because: User with this email already exists\n");
        let ours = kernel::Error::internal("the statement failed").with_source(cause());
        assert!(explain(&ours.into()).contains("UNIQUE"));
    }
}
