//! The benchmark of the release server (docs/benchmarks.md says how to run and read it). Not shipped.
//!
//! | module | holds |
//! |---|---|
//! | `people`, `seed` | who the N customers are, and how they get into the database |
//! | `cluster`, `server`, `machine` | PostgreSQL, the server under test, what /proc says about it |
//! | `http`, `scenarios`, `load` | one connection, what it asks for, the closed loop |
//! | `works` | long work: import, bulk update, export |
//! | `references`, `report` | the same work without the server; the table |
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints figures and its progress"
)]

mod cluster;
mod http;
mod load;
mod machine;
mod people;
mod references;
mod report;
mod scenarios;
mod seed;
mod server;
mod works;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::cluster::Cluster;
use crate::report::{EngineReport, Reference, Report};
use crate::scenarios::{Scenario, World};
use crate::server::{Server, Setup};
use crate::works::Work;

/// Builds customers, drives the server on loopback, prints figures beside references from the same run.
#[derive(Parser)]
struct Args {
    /// Customers to build.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    customers: u64,
    /// Database to measure.
    #[arg(long, value_enum, default_value = "both")]
    engine: Engines,
    /// Measured seconds per line.
    #[arg(long, default_value_t = 5.0, value_parser = seconds)]
    seconds: f64,
    /// Keep-alive connections.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=250))]
    connections: u64,
    /// Give every customer a city of its own: what people type freely must not cost.
    #[arg(long)]
    distinct_cities: bool,
    /// Only these scenarios, separated by commas, and no long work but that of `--only-work`.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Scenario>,
    /// Only this long work, and no scenarios but those of `--only`.
    #[arg(long, value_enum, value_delimiter = ',')]
    only_work: Vec<Work>,
    /// Also write the figures to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Measure this server instead of building the one of this workspace.
    #[arg(long)]
    server: Option<PathBuf>,
    /// A setting for the server, such as `LOG_LEVEL=warn`; may be given several times.
    #[arg(long, value_parser = variable)]
    server_env: Vec<(String, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Engines {
    Sqlite,
    Postgres,
    Both,
}

fn seconds(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "a number of seconds".to_owned())?;
    if (0.1..=600.0).contains(&value) { Ok(value) } else { Err("0.1 to 600 seconds".to_owned()) }
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn main() -> ExitCode {
    let args = Args::parse();
    match measure(&args) {
        Ok(report) if report.has_errors() => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// On half of the cores, so that the load does not take the server's share.
fn measure(args: &Args) -> Result<Report> {
    let threads = (machine::describe().cores / 2).max(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    let outcome = runtime.block_on(async {
        let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        // Leaving `run` drops the server and the cluster, which ends them.
        tokio::select! {
            report = run(args) => report,
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
            _ = terminated.recv() => bail!("terminated"),
        }
    });
    // Building on SQLite runs on a thread that an interruption need not wait for.
    runtime.shutdown_background();
    outcome
}

async fn run(args: &Args) -> Result<Report> {
    let binary = match &args.server {
        Some(path) => path.canonicalize().with_context(|| path.display().to_string())?,
        None => {
            eprintln!("building the server");
            server::build()?
        }
    };
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build: its figures say nothing, use cargo run --release -p bench");
    }
    let hash = references::hash()?;
    let mut report = Report {
        machine: machine::describe(),
        customers: args.customers,
        connections: args.connections,
        seconds: args.seconds,
        hash_us: hash.as_secs_f64() * 1e6,
        engines: Vec::new(),
    };
    if args.engine != Engines::Postgres {
        report.engines.push(sqlite(args, binary.clone()).await?);
    }
    if args.engine != Engines::Sqlite {
        report.engines.push(postgres(args, binary).await?);
    }
    println!("{}", report.table());
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    Ok(report)
}

fn setup(args: &Args, binary: PathBuf, folder: &tempfile::TempDir, database_url: Option<String>) -> Setup {
    // All load comes from one address, which the limit on strangers would stop.
    let unlimited = ("REGULARS_LIMITS_OPEN_PER_MINUTE".to_owned(), "0".to_owned());
    let environment = std::iter::once(unlimited).chain(args.server_env.iter().cloned()).collect();
    Setup { binary, data_dir: folder.path().to_owned(), database_url, environment }
}

async fn sqlite(args: &Args, binary: PathBuf) -> Result<EngineReport> {
    let folder = tempfile::Builder::new().prefix("regulars-bench.").tempdir()?;
    let setup = setup(args, binary, &folder, None);
    let database = folder.path().join("regulars.db");
    setup.migrate()?;
    eprintln!("sqlite: building {} customers", args.customers);
    let (path, customers) = (database.clone(), args.customers);
    let built = tokio::task::spawn_blocking(move || seed::sqlite(&path, customers)).await??;
    if args.distinct_cities {
        rusqlite::Connection::open(&database)?.execute_batch(seed::DISTINCT_CITIES)?;
    }
    setup.run_maintenance().await?;
    let mut report = drive(args, &setup, None, "sqlite").await?;
    report.built_in_s = built.as_secs_f64();
    report.references.push(references::sqlite_select(&database, args.customers, args.seconds)?);
    Ok(report)
}

async fn postgres(args: &Args, binary: PathBuf) -> Result<EngineReport> {
    let folder = tempfile::Builder::new().prefix("regulars-bench.").tempdir()?;
    eprintln!("postgres: starting a cluster");
    let cluster = Cluster::start().await?;
    let url = cluster.create("bench").await?;
    let setup = setup(args, binary, &folder, Some(url.clone()));
    setup.migrate()?;
    eprintln!("postgres: building {} customers", args.customers);
    let built = seed::postgres(&mut cluster::connect(&url).await?, args.customers).await?;
    if args.distinct_cities {
        cluster::connect(&url).await?.batch_execute(seed::DISTINCT_CITIES).await?;
    }
    setup.run_maintenance().await?;
    seed::vacuum_postgres(&cluster::connect(&url).await?).await?;
    // Before the server runs: its connections and its jobs would take from pgbench.
    eprintln!("postgres: pgbench");
    let reference: Reference =
        references::pgbench(&cluster, &url, folder.path(), args.customers, args.connections, args.seconds)
            .await?;
    let mut report = drive(args, &setup, Some(&cluster), "postgres").await?;
    report.built_in_s = built.as_secs_f64();
    report.references.push(reference);
    Ok(report)
}

/// Starts the server on a database with customers and runs the scenarios.
async fn drive(
    args: &Args,
    setup: &Setup,
    cluster: Option<&Cluster>,
    engine: &'static str,
) -> Result<EngineReport> {
    let api_key = setup.credentials()?;
    let server = Server::start(setup).await?;
    let idle_kib = server.resident_kib()?;
    let world = World { address: server.address, customers: args.customers, api_key };
    let everything = args.only.is_empty() && args.only_work.is_empty();
    let mut rows = Vec::new();
    for scenario in Scenario::ALL {
        // The static reply is the base of a column, so it always runs.
        if everything || args.only.contains(&scenario) || scenario == Scenario::Static {
            eprintln!("{engine}: {}", scenario.name());
            let row = load::drive(&server, cluster, &world, scenario, args.connections, args.seconds).await?;
            rows.push(row);
        }
    }
    let mut works = Vec::new();
    for work in Work::ALL.into_iter().filter(|work| everything || args.only_work.contains(work)) {
        eprintln!("{engine}: {}", work.name());
        works.push(works::drive(&server, &world, work).await?);
    }
    Ok(EngineReport { engine, built_in_s: 0.0, idle_kib, rows, works, references: Vec::new() })
}
