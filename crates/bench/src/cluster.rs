//! A PostgreSQL cluster for the length of the run, started by `scripts/postgres` with durable settings.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::machine;

/// The running cluster; dropping it stops and removes it.
pub struct Cluster {
    /// URL of a superuser.
    pub url: String,
    /// Folder of `pgbench`.
    pub programs: PathBuf,
    script: Child,
    /// The process that has one for each connection.
    postmaster: u32,
}

impl Cluster {
    /// Starts a cluster; installs PostgreSQL's programs if there are none.
    pub async fn start() -> Result<Cluster> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/postgres");
        // The cluster lives until our end of the pipe closes, which also happens when this program is killed.
        let hold =
            r#"printf '%s\n%s\n' "$REGULARS_TEST_POSTGRES" "$REGULARS_TEST_POSTGRES_BIN"; cat >/dev/null"#;
        let mut script = Command::new("bash")
            .args([script, "--durable", "run", "sh", "-c", hold])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("bash is needed for scripts/postgres")?;
        let mut lines = BufReader::new(script.stdout.take().context("no output")?).lines();
        let mut line = || Some(lines.next()?.ok()).flatten().filter(|line| !line.is_empty());
        let (Some(url), Some(programs)) = (line(), line()) else {
            let status = script.wait()?;
            anyhow::bail!("scripts/postgres started no cluster ({status}); its message stands above");
        };
        let mut cluster = Cluster { url, programs: programs.into(), script, postmaster: 0 };
        let row = connect(&cluster.url).await?.query_one("SHOW data_directory", &[]).await?;
        let file = PathBuf::from(row.get::<_, String>(0)).join("postmaster.pid");
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        cluster.postmaster = text.lines().next().unwrap_or_default().trim().parse().context("no process")?;
        Ok(cluster)
    }

    /// Processor time of all its processes so far.
    pub fn cpu_time(&self) -> Result<Duration> {
        machine::family_time(self.postmaster)
    }

    /// Creates an empty database and returns its URL.
    pub async fn create(&self, name: &str) -> Result<String> {
        let client = connect(&self.url).await?;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        Ok(with_database(&self.url, name))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Waiting closes the pipe first.
        drop(self.script.stdin.take());
        drop(self.script.wait());
    }
}

/// The URL of another database of the same server.
pub fn with_database(url: &str, name: &str) -> String {
    url.rsplit_once('/').map_or_else(|| url.to_owned(), |(server, _)| format!("{server}/{name}"))
}

/// One connection; it ends when the client is dropped.
pub async fn connect(url: &str) -> Result<tokio_postgres::Client> {
    let (client, driver) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(async move { drop(driver.await) });
    Ok(client)
}
