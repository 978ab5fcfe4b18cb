//! The server under test: built, prepared through its own command line, started, watched, ended.

use ::server::app;
use customers::search::service::index;
use customers::statistics::service as statistics;
use platform::config::{Config, FileChoice, Sources};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::http::{Call, Connection};
use crate::machine;

/// The administrator who is made for the run.
pub const ADMIN_EMAIL: &str = "bench@regulars.example";
/// Passes the server's rules for passwords.
pub const PASSWORD: &str = "correct-horse-battery-9";

/// How to call the binary for one data directory and one database.
pub struct Setup {
    pub binary: PathBuf,
    pub data_dir: PathBuf,
    /// `None` means SQLite in the data directory.
    pub database_url: Option<String>,
    /// Further environment, `NAME=VALUE`.
    pub environment: Vec<(String, String)>,
}

impl Setup {
    /// The binary with nothing of our own environment: a setting there would change what is measured.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(args).arg("--data-dir").arg(&self.data_dir).current_dir(&self.data_dir);
        command.env_clear().env("PATH", "/usr/bin:/bin").envs(self.environment.iter().cloned());
        command.envs(self.database_url.iter().map(|url| ("DATABASE_URL", url)));
        command
    }

    /// Brings the counters and the index of the search up to what was built, by the product's own housekeeping.
    pub async fn run_maintenance(&self) -> Result<()> {
        let flags = [("data_dir", self.data_dir.display().to_string())];
        let url = self.database_url.iter().map(|url| ("database.url", url.clone()));
        let sources = Sources {
            file: FileChoice::Nowhere,
            flags: flags.into_iter().chain(url).collect(),
            ..Sources::default()
        };
        let app = app::start(Config::load(&sources)?).await?;
        let ctx = app.system("bench");
        statistics::reconcile_job(&ctx).await?;
        statistics::fold(&ctx).await?;
        index::fill(&ctx).await?;
        index::merge(&ctx).await?;
        Ok(())
    }

    /// Runs one command to its end and returns what it printed.
    fn run(&self, args: &[&str], input: &str) -> Result<String> {
        let mut command = self.command(args);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| self.binary.display().to_string())?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        ensure!(
            output.status.success(),
            "regulars {} ended with {}: {}",
            args.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Creates the tables.
    pub fn migrate(&self) -> Result<()> {
        self.run(&["migrate"], "").map(drop)
    }

    /// Creates the administrator and returns a new API key.
    pub fn credentials(&self) -> Result<String> {
        self.run(&["admin", "create", "--email", ADMIN_EMAIL, "--password-stdin"], &format!("{PASSWORD}\n"))?;
        let printed = self.run(&["api-key", "create", "--role", "admin", "--name", "bench"], "")?;
        let key = printed.lines().rfind(|line| !line.trim().is_empty());
        key.map(|key| key.trim().to_owned()).context("api-key create printed no key")
    }
}

/// The running server; dropping it ends it.
pub struct Server {
    pub address: SocketAddr,
    process: Child,
}

impl Server {
    /// Starts the server and waits until it says that it is ready.
    pub async fn start(setup: &Setup) -> Result<Server> {
        let address = free_address()?;
        let log_path = setup.data_dir.join("server.log");
        let log = std::fs::File::create(&log_path)?;
        let mut command = setup.command(&["serve", "--listen", &address.to_string()]);
        let process = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| setup.binary.display().to_string())?;
        let mut server = Server { address, process };
        server.wait_until_ready(&log_path).await?;
        Ok(server)
    }

    async fn wait_until_ready(&mut self, log: &Path) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            if let Some(status) = self.process.try_wait()? {
                let text = std::fs::read_to_string(log).unwrap_or_default();
                bail!("the server ended at its start with {status}:\n{text}");
            }
            if self.is_ready().await {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("the server was not ready within 60 s")
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut connection) = Connection::open(self.address).await else { return false };
        let reply = connection.call(Call::get("/readyz", None)).await;
        reply.is_ok_and(|reply| reply.status == 200)
    }

    /// Processor time so far.
    pub fn cpu_time(&self) -> Result<Duration> {
        machine::cpu_time(self.process.id())
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> Result<u64> {
        machine::resident_kib(self.process.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its data is thrown away, so there is nothing to end in order.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Builds the server beside this program, in the same profile, and returns its path.
pub fn build() -> Result<PathBuf> {
    let folder = std::env::current_exe()?.parent().context("this program is in no folder")?.to_owned();
    let release = folder.file_name().is_some_and(|name| name == "release");
    let mut command = Command::new("cargo");
    command.args(["build", "--quiet", "--package", "regulars"]);
    command.args(release.then_some("--release"));
    // The same target directory, also if it was chosen by a variable or a configuration file.
    command.arg("--target-dir").arg(folder.parent().context("no target directory")?);
    let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).status().context("cargo")?;
    ensure!(status.success(), "the server could not be built");
    Ok(folder.join("regulars"))
}
