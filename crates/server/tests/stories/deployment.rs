//! A database, a data directory, and processes on them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use database::driver::tokio_postgres::{self, NoTls};
use database::{Engine, Target};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::client::Client;

/// Only a process that hangs needs so long.
const PATIENCE: Duration = Duration::from_secs(60);
const BINARY: &str = env!("CARGO_BIN_EXE_regulars");

/// A database without tables and an empty data directory.
pub struct Deployment {
    pub engine: Engine,
    folder: tempfile::TempDir,
    database: Option<(String, String)>,
}

/// Runs a story on SQLite, then on PostgreSQL; the output of a failure names the engine.
pub async fn on_both_engines(story: impl AsyncFn(&Deployment)) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        eprintln!("── on {engine}");
        let deployment = Deployment::new(engine).await;
        story(&deployment).await;
        deployment.end().await;
    }
}

impl Deployment {
    pub async fn new(engine: Engine) -> Deployment {
        let folder = tempfile::tempdir().unwrap();
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(empty_postgres().await),
        };
        Deployment { engine, folder, database }
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder of the story's own, in which commands run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its database, for what there is no command for.
    pub fn target(&self) -> Target {
        match &self.database {
            Some((url, _)) => Target::Postgres(url.clone()),
            None => Target::Sqlite(self.data().join("regulars.db")),
        }
    }

    /// A command on this deployment. It sees no setting of whoever runs the tests.
    pub fn command(&self, args: &[&str]) -> Command {
        self.command_by(&[], args)
    }

    fn command_by(&self, by: &[&str], args: &[&str]) -> Command {
        let mut words = by.iter().copied().chain([BINARY]);
        let mut command = Command::new(words.next().unwrap_or(BINARY));
        command.args(words);
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("REGULARS_DATA_DIR", self.data());
        if let Some((url, _)) = &self.database {
            command.env("DATABASE_URL", url);
        }
        command.args(args).current_dir(self.folder.path()).kill_on_drop(true).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, args: &[&str], input: &str) -> Done {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that reads nothing may have ended before.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let output = output.unwrap_or_else(|_| panic!("{args:?} does not end")).unwrap();
        Done::new(&output)
    }

    /// Makes the database, for commands that come before any server.
    pub async fn migrate(&self) {
        let done = self.run(&["migrate"], "").await;
        assert_eq!(done.code, Some(0), "{}", done.err);
    }

    /// Starts a server on a free port, or on the addresses that `args` name, and waits until it serves.
    pub async fn serve(&self, args: &[&str]) -> Server {
        self.launch(args).ready().await
    }

    /// Starts a server without waiting.
    pub fn launch(&self, args: &[&str]) -> Starting {
        self.launch_by(&[], args)
    }

    /// The same by another program, such as `nohup`, that becomes the server.
    pub fn launch_by(&self, by: &[&str], args: &[&str]) -> Starting {
        self.start(self.prepare_by(by, args))
    }

    /// A server that is not started yet, for a story that says more than arguments.
    pub fn prepare(&self, args: &[&str]) -> Command {
        self.prepare_by(&[], args)
    }

    fn prepare_by(&self, by: &[&str], args: &[&str]) -> Command {
        let mut all = vec!["serve"];
        if !args.contains(&"--listen") {
            all.extend(["--listen", "127.0.0.1:0"]);
        }
        all.extend(args);
        self.command_by(by, &all)
    }

    /// Starts a prepared server without waiting.
    pub fn start(&self, mut command: Command) -> Starting {
        let log = tempfile::Builder::new().suffix(".log").tempfile_in(self.folder.path()).unwrap();
        let (log, path) = log.keep().unwrap();
        let child = command.stdout(Stdio::piped()).stderr(Stdio::from(log)).spawn().unwrap();
        Starting { child, log: path }
    }

    /// Makes an administrator's key.
    pub async fn api_key(&self, role: &str, name: &str) -> String {
        let done = self.run(&["api-key", "create", "--role", role, "--name", name], "").await;
        assert_eq!(done.code, Some(0), "{}", done.err);
        done.out.lines().last().unwrap().to_owned()
    }

    /// Drops the database. A story that panics leaves it to the end of the throw-away server.
    pub async fn end(self) {
        if let Some((_, name)) = &self.database {
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            connect().await.batch_execute(&drop).await.unwrap();
        }
    }
}

fn postgres() -> String {
    #[expect(clippy::disallowed_methods, reason = "the one setting of the tests")]
    let url = std::env::var("REGULARS_TEST_POSTGRES");
    url.expect("a PostgreSQL server: run `scripts/test`, or `scripts/postgres run cargo nextest run …`")
}

async fn connect() -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(&postgres(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn empty_postgres() -> (String, String) {
    let id = kernel::id::Random::System.uuid(kernel::clock::Clock::System.now());
    let name = format!("regulars_story_{}", id.simple());
    connect().await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let server = postgres();
    let (head, _) = server.rsplit_once('/').unwrap();
    (format!("{head}/{name}"), name)
}

/// A command that has ended.
pub struct Done {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Done {
    fn new(output: &Output) -> Done {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Done { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

/// A server that may not serve yet.
pub struct Starting {
    child: Child,
    log: PathBuf,
}

impl Starting {
    /// Waits for the announcement, which comes once it serves.
    pub async fn ready(mut self) -> Server {
        let mut lines = BufReader::new(self.child.stdout.take().unwrap()).lines();
        let mut said = Vec::new();
        let read = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                let last = line.starts_with("Ctrl-C");
                said.push(line);
                if last {
                    return true;
                }
            }
            false
        };
        let announced = tokio::time::timeout(PATIENCE, read).await.unwrap_or(false);
        assert!(announced, "it does not serve: {said:?}\n{}", std::fs::read_to_string(&self.log).unwrap());
        let addresses = said.iter().filter_map(|line| {
            line.trim()
                .strip_prefix("API")?
                .trim()
                .strip_prefix("http://")?
                .trim_end_matches('/')
                .parse()
                .ok()
        });
        let addresses: Vec<SocketAddr> = addresses.collect();
        Server { child: self.child, log: self.log, addresses, said: said.join("\n") }
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Sends a signal by name.
    pub async fn signal(&self, name: &str) {
        send_signal(&self.child, name).await;
    }

    /// Waits for a process that is expected to give up; its exit code and what it said.
    pub async fn refused(mut self) -> Done {
        let mut out = String::new();
        let end = async {
            self.child.stdout.take().unwrap().read_to_string(&mut out).await.unwrap();
            self.child.wait().await.unwrap()
        };
        let status = tokio::time::timeout(PATIENCE, end).await.expect("it serves instead of refusing");
        Done { code: status.code(), out, err: std::fs::read_to_string(&self.log).unwrap() }
    }
}

async fn send_signal(child: &Child, name: &str) {
    let id = child.id().expect("the process runs").to_string();
    let sent = Command::new("kill").args([&format!("-{name}"), &id]).status().await.unwrap();
    assert!(sent.success());
}

/// A server that serves.
pub struct Server {
    child: Child,
    log: PathBuf,
    pub addresses: Vec<SocketAddr>,
    /// What it announced.
    pub said: String,
}

impl Server {
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// A client without a token.
    pub fn client(&self) -> Client {
        Client::new(self.address())
    }

    /// The most memory that it ever had, in KiB.
    pub fn most_memory(&self) -> u64 {
        let id = self.child.id().expect("the process runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        most.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Sends a signal by name: `KILL`, `TERM`, `INT`.
    pub async fn signal(&self, name: &str) {
        send_signal(&self.child, name).await;
    }

    /// Waits for its end; the exit code, if no signal ended it.
    pub async fn ended(&mut self) -> Option<i32> {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it does not end").unwrap().code()
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(mut self) {
        self.signal("TERM").await;
        assert_eq!(self.ended().await, Some(0), "{}", self.log());
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let from = log.len().saturating_sub(8000);
            eprintln!("── log of {:?}:\n{}", self.addresses, log.get(from..).unwrap_or(&log));
        }
    }
}
