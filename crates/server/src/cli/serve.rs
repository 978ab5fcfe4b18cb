//! `regulars serve`.

use std::fmt::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use kernel::app::App;
use kernel::config::{Config, Database, Service};
use kernel::web::server::{Server, ServerSettings};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::{Given, answer};
use crate::consul::Registration;
use crate::first_steps::FirstSteps;
use crate::{app, figures};

/// What `serve` takes.
#[derive(Args)]
pub struct Flags {
    /// HOST:PORT to listen on; may be given several times [default: 127.0.0.1:8000]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Vec<String>,
    /// Which services this process runs, separated by commas [default: all]
    #[arg(long, value_name = "NAMES")]
    services: Option<String>,
    /// The address under which people reach this installation [default: the first listener]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

impl Flags {
    pub(super) fn given(&self) -> Vec<Given> {
        let listen = self.listen.iter().map(|address| ("listen", address.clone()));
        let rest = [("services", &self.services), ("public_url", &self.public_url)];
        listen.chain(rest.into_iter().filter_map(|(key, value)| Some((key, value.clone()?)))).collect()
    }
}

/// Serves until it is asked to stop.
pub async fn run(mut config: Config) -> anyhow::Result<ExitCode> {
    figures::install()?;
    // Before the database is touched: an address in use is the most common mistake.
    let listeners: Vec<String> = config.listen.iter().map(ToString::to_string).collect();
    let server = Server::bind(&listeners).await?;
    let addresses = server.addresses().to_vec();
    for (listen, address) in config.listen.iter_mut().zip(&addresses) {
        listen.port = address.port();
    }
    let mut signals = Signals::new()?;
    let app = tokio::select! {
        app = Box::pin(app::start(config)) => app?,
        // While it waits for its database.
        () = signals.next() => return Ok(ExitCode::SUCCESS),
    };
    let edge = app::router(&app)?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        listen = app.config.listen.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        database = app.config.database.url.masked(),
        "started"
    );
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(figures::keep_up());
    let jobs = app.config.serves(Service::Jobs).then(|| {
        let (kinds, periodic) = app::background();
        tokio::spawn(kernel::jobs::run(app.clone(), kinds, periodic, stopped.clone()))
    });
    tokio::spawn(watch_signals(signals, stop, app.config.limits.shutdown));
    answer(&announcement(&app, &addresses).await?)?;
    let consul = Registration::of(&app).map(Arc::new);
    let registering = consul.clone().map(|entry| tokio::spawn(async move { entry.register().await }));
    let drain = app.config.limits.shutdown;
    let settings = ServerSettings { drain_timeout: drain, ..ServerSettings::default() };
    let mut asked = stopped;
    let stopping = async move {
        drop(asked.wait_for(|stop| *stop).await);
        // Before draining: whoever asks Consul is sent elsewhere while the last requests are answered.
        if let (Some(task), Some(entry)) = (registering, consul) {
            task.abort();
            entry.deregister().await;
        }
    };
    let cut = server.run(edge, settings, stopping).await;
    if cut > 0 {
        tracing::warn!(connections = cut, "requests did not finish in time and were cut off");
    }
    if let Some(jobs) = jobs
        && tokio::time::timeout(drain, jobs).await.is_err()
    {
        tracing::warn!(
            "jobs did not finish in time; another process, or the next start, takes them up again"
        );
    }
    if tokio::time::timeout(drain, app.db.settle()).await.is_err() {
        tracing::warn!("somebody still writes; the newest changes stay in the WAL beside the database file");
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// What a person wants to know once it runs.
async fn announcement(app: &App, addresses: &[SocketAddr]) -> anyhow::Result<String> {
    let config = &app.config;
    let mut text = format!("Regulars {}\n", env!("CARGO_PKG_VERSION"));
    for address in addresses {
        let _ = writeln!(text, "  API            http://{address}/");
    }
    if config.docs_enabled
        && let Some(first) = addresses.first()
    {
        let _ = writeln!(text, "  Documentation  http://{first}/docs");
    }
    let _ = writeln!(text, "  Database       {}", database(config));
    let steps = FirstSteps::of(app).await?;
    if !steps.has_admin {
        let _ = writeln!(
            text,
            "\nThere is no administrator yet. With the same settings, in another terminal:\n  \
             {} admin create --email you@example.com{}",
            steps.command, steps.flags
        );
    }
    text.push_str("\nCtrl-C stops it; requests in flight are answered first.\n");
    Ok(text)
}

fn database(config: &Config) -> String {
    match &config.database.url {
        Database::Sqlite(path) => {
            format!("embedded SQLite, {} (DATABASE_URL=postgres://… uses PostgreSQL)", path.display())
        }
        Database::Postgres(_) => format!("PostgreSQL, {}", config.database.url.masked()),
    }
}

/// Both ways of asking a process to stop. Made before anything is announced: who reads that it runs may stop it.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The first signal lets requests in flight finish, the second ends the process.
async fn watch_signals(mut signals: Signals, stop: watch::Sender<bool>, patience: Duration) {
    signals.next().await;
    tracing::info!(
        "stopping: requests in flight have {} s to finish; another Ctrl-C ends at once",
        patience.as_secs()
    );
    // Fails only when nobody serves any more.
    let _ = stop.send(true);
    signals.next().await;
    tracing::warn!("ended at once, as asked");
    kernel::log::flush();
    std::process::exit(130);
}
