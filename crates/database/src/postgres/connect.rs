//! How a connection is made: encrypted as the URL says, with the settings of a session, and with a line in the log when
//! the server goes away and when it is back.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::Connect;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::url::SslMode;
use crate::error::causes;

type Driver = tokio_postgres::config::SslMode;
type Opened = Result<(Client, JoinHandle<()>), Error>;

/// Makes connections for the pool.
pub(super) struct Connector {
    pub mode: SslMode,
    pub tls: MakeRustlsConnect,
    /// Run once on every new connection.
    pub session: String,
    pub address: String,
    pub reached: Arc<Reached>,
}

/// What every session is set to.
///
/// Whatever does not say that it writes reads: a transaction that changes something begins with READ WRITE. A statement is
/// neither compiled nor shared among processes: both pay for what runs for seconds, and cost a statement of a millisecond a
/// hundred more wherever the estimate of its rows is wrong, such as while a table grows by an import.
pub(super) fn session(lock_timeout: Duration, idle_timeout: Duration) -> String {
    format!(
        "SET default_transaction_read_only = on; SET jit = off; SET max_parallel_workers_per_gather = 0; \
         SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {}",
        millis(lock_timeout),
        millis(idle_timeout)
    )
}

/// For a setting of PostgreSQL: more does not fit, and 0 would mean for ever.
pub(crate) fn millis(time: Duration) -> u128 {
    time.as_millis().clamp(1, i32::MAX as u128)
}

/// Whether the last thing that was heard of the server was good.
#[derive(Default)]
pub(super) struct Reached {
    once: AtomicBool,
    away: AtomicBool,
}

impl Reached {
    fn there(&self, address: &str) {
        self.once.store(true, Ordering::Relaxed);
        if self.away.swap(false, Ordering::Relaxed) {
            tracing::info!(database = address, "PostgreSQL is reached again");
        }
    }

    /// Before it was reached for the first time, whoever starts the process tells it.
    fn away(&self, address: &str, what: &'static str, e: &Error) {
        if !self.once.load(Ordering::Relaxed) || self.away.swap(true, Ordering::Relaxed) {
            tracing::debug!(database = address, error = causes(e), "{what}");
        } else {
            tracing::warn!(database = address, error = causes(e), "{what}");
        }
    }
}

impl Connect for Connector {
    fn connect(&self, config: &Config) -> Pin<Box<dyn Future<Output = Opened> + Send + '_>> {
        let config = config.clone();
        Box::pin(async move {
            let opened = self.open(config).await;
            match &opened {
                Ok(_) => self.reached.there(&self.address),
                Err(e) => self.reached.away(&self.address, "PostgreSQL cannot be reached", e),
            }
            opened
        })
    }
}

impl Connector {
    async fn open(&self, config: Config) -> Opened {
        let (first, second) = match self.mode {
            SslMode::Disable => (Driver::Disable, None),
            SslMode::Allow => (Driver::Disable, Some(Driver::Require)),
            SslMode::Prefer => (Driver::Prefer, Some(Driver::Disable)),
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => (Driver::Require, None),
        };
        match (self.attempt(&config, first).await, second) {
            (Err(e), Some(other)) if may_differ(&e) => {
                // What was wrong first is what the server was asked for first.
                self.attempt(&config, other).await.map_err(|_| e)
            }
            (opened, _) => opened,
        }
    }

    async fn attempt(&self, config: &Config, encryption: Driver) -> Opened {
        let mut config = config.clone();
        config.ssl_mode(encryption);
        let (client, connection) = config.connect(self.tls.clone()).await?;
        let (reached, address) = (self.reached.clone(), self.address.clone());
        let task = tokio::spawn(async move {
            if let Err(e) = connection.await {
                reached.away(&address, "a connection to PostgreSQL was lost", &e);
            }
        });
        client.batch_execute(&self.session).await?;
        Ok((client, task))
    }
}

/// Could the other form of connection work? The handshake failed, or `pg_hba.conf` has no entry for this form.
fn may_differ(e: &Error) -> bool {
    e.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) || is_tls(e)
}

/// The driver says it in its sentence only.
pub(crate) fn is_tls(e: &Error) -> bool {
    e.to_string().contains("TLS handshake")
}
