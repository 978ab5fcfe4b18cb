//! `regulars serve`.

use std::fmt::Write;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use kernel::web::server::Server;
use platform::app::App;
use platform::config::{Config, Database, Service};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::{Given, answer};
use crate::consul::Registration;
use crate::first_steps::FirstSteps;
use crate::{app, bootstrap, metrics};

/// What `serve` takes.
#[derive(Args)]
pub struct Flags {
    /// HOST:PORT to listen on; may be given several times [default: 127.0.0.1:8000]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Vec<String>,
    /// The same as --listen 127.0.0.1:PORT
    #[arg(long, value_name = "PORT", conflicts_with = "listen")]
    port: Option<u16>,
    /// Which services this process runs, separated by commas [default: all]
    #[arg(long, value_name = "NAMES")]
    services: Option<String>,
    /// The address under which people reach this installation [default: the first listener]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

impl Flags {
    pub(super) fn given(&self) -> Vec<Given> {
        let port = self.port.map(|port| ("listen", format!("127.0.0.1:{port}")));
        let listen = self.listen.iter().map(|address| ("listen", address.clone())).chain(port);
        let rest = [("services", &self.services), ("public_url", &self.public_url)];
        listen.chain(rest.into_iter().filter_map(|(key, value)| Some((key, value.clone()?)))).collect()
    }
}

/// Serves until it is asked to stop.
pub async fn run(mut config: Config) -> anyhow::Result<ExitCode> {
    metrics::install()?;
    // Before the database is touched: an address in use is the most common mistake.
    let listeners: Vec<String> = config.listen.iter().map(ToString::to_string).collect();
    let server = Server::bind(&listeners).await.map_err(with_a_way_out)?;
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
    bootstrap::run(&app).await?;
    let service = app::router(&app)?;
    tell_of_start(&app);
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(metrics::keep_up());
    let jobs = app.config.serves(Service::Jobs).then(|| {
        let (kinds, periodic) = app::background();
        tokio::spawn(platform::jobs::run(app.clone(), kinds, periodic, stopped.clone()))
    });
    tokio::spawn(watch_signals(signals, stop, app.config.limits.shutdown));
    answer(&announcement(&app, &addresses).await?)?;
    let consul = Registration::of(&app).map(Arc::new);
    let registering = consul.clone().map(|entry| tokio::spawn(async move { entry.register().await }));
    let drain = app.config.limits.shutdown;
    let settings = app.config.server_settings();
    let mut asked = stopped;
    let mut since = Instant::now();
    let stopping = async {
        drop(asked.wait_for(|stop| *stop).await);
        since = Instant::now();
        // Before draining: whoever asks Consul is sent elsewhere while the last requests are answered.
        if let (Some(task), Some(entry)) = (registering, consul) {
            task.abort();
            entry.deregister().await;
        }
    };
    let cut = server.run(service, settings, stopping).await;
    if cut > 0 {
        tracing::warn!(connections = cut, "requests did not finish in time and were cut off");
    }
    // One time for all: whoever supervises the process has one, too.
    let left = || drain.saturating_sub(since.elapsed()).max(MOMENT);
    if let Some(jobs) = jobs
        && tokio::time::timeout(left(), jobs).await.is_err()
    {
        tracing::warn!(
            "jobs did not finish in time; another process, or the next start, takes them up again"
        );
    }
    if tokio::time::timeout(left(), app.db.checkpoint()).await.is_err() {
        tracing::warn!("somebody still writes; the newest changes stay in the WAL beside the database file");
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

fn tell_of_start(app: &App) {
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        listen = app.config.listen.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        database = app.config.database.url.masked(),
        "started"
    );
}

/// What jobs and the database get when requests took all of the time to stop: they have only to notice.
const MOMENT: Duration = Duration::from_secs(2);

/// An address that cannot be had, with what to try instead.
fn with_a_way_out(error: kernel::Error) -> anyhow::Error {
    let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    let advice = match cause.map(std::io::Error::kind) {
        Some(ErrorKind::AddrInUse) => {
            "another program listens there; stop it, or choose another address: --listen 127.0.0.1:8001"
        }
        Some(ErrorKind::PermissionDenied) => {
            "ports below 1024 need rights of their own; choose a higher one: --listen 127.0.0.1:8000"
        }
        Some(ErrorKind::AddrNotAvailable) => {
            "this is not an address of this machine; 0.0.0.0 means all that it has: --listen 0.0.0.0:8000"
        }
        _ => return error.into(),
    };
    anyhow::anyhow!("{error}\n  {advice}")
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

/// The ways of asking a process to stop. Made before anything is announced: who reads that it runs may stop it.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// A terminal that is closed. `None` under `nohup`, which is how somebody says that it should not matter.
    hangup: Option<Signal>,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if hangups_are_ignored() { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    /// Somebody asks the process to stop.
    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }

    /// Somebody is tired of waiting. Not a hangup: a terminal that is closed sends it twice, itself and through its shell.
    async fn again(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Was the process started with SIGHUP ignored? Only Linux tells; elsewhere it counts.
fn hangups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The lowest bit is signal 1.
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
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
    signals.again().await;
    tracing::warn!("ended at once, as asked");
    platform::log::flush();
    std::process::exit(130);
}
