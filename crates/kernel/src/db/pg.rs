//! PostgreSQL: a pool of connections with cached prepared statements, and what to do with a connection
//! whose user went away in the middle.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use futures_util::future::{maybe_done, poll_immediate};
use futures_util::{FutureExt, TryStreamExt};
use parking_lot::Mutex;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{CancelToken, NoTls, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error;
use super::row::{FromRow, Row};
use super::value::Param;
use crate::error::{Error, Result};

/// Cancels that are sent for one statement, the waits between them doubling: half a minute in all.
const CANCELS: u32 = 11;
const FIRST_CANCEL_WAIT: Duration = Duration::from_millis(15);
/// Texts made at run time stay prepared until between this and twice as many others were used.
const COMPOSED: usize = 128;
/// Sets of arguments that are on their way at once: the server is never idle, and what waits stays small.
const SETS_AT_ONCE: usize = 256;

/// An open PostgreSQL database.
pub(crate) struct Pg {
    pool: Pool,
    tls: Option<MakeRustlsConnect>,
    composed: Mutex<Composed>,
}

impl Pg {
    /// Prepares the pool; the first connection is made by the first use. `sslmode=require` verifies the
    /// server's certificate against the public roots; anything weaker goes without TLS.
    pub fn open(url: &str, pool_size: usize, deadline: Duration) -> Result<Arc<Pg>> {
        let mut config: tokio_postgres::Config = url.parse().map_err(|e: tokio_postgres::Error| {
            // The URL may hold a password: the message says what is wrong, never what was written.
            Error::internal(
                "the PostgreSQL URL cannot be read; it looks like postgres://user:password@host:5432/name",
            )
            .with_source(e)
        })?;
        if config.get_application_name().is_none() {
            config.application_name("regulars");
        }
        config.connect_timeout(deadline);
        let require = matches!(config.get_ssl_mode(), tokio_postgres::config::SslMode::Require);
        let tls = require.then(rustls_connector);
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match &tls {
            Some(tls) => Manager::from_config(config, tls.clone(), manager),
            None => Manager::from_config(config, NoTls, manager),
        };
        let size = if pool_size == 0 { default_pool_size() } else { pool_size };
        let pool = Pool::builder(manager)
            .max_size(size)
            .wait_timeout(Some(deadline))
            .create_timeout(Some(deadline))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|e| Error::internal("the PostgreSQL pool").with_source(e))?;
        Ok(Arc::new(Pg { pool, tls, composed: Mutex::default() }))
    }

    /// Connections at most.
    pub fn most(&self) -> usize {
        self.pool.status().max_size
    }

    /// A connection for single statements, each its own snapshot: no BEGIN.
    pub async fn read(self: &Arc<Pg>) -> Result<PgTx> {
        let client = self.pool.get().await.map_err(error::pool)?;
        Ok(PgTx { pg: self.clone(), client: Some(client), at: At::Idle, rest: At::Idle })
    }

    /// A connection in a transaction; `begin` is the literal statement that opens it.
    pub async fn begin(self: &Arc<Pg>, begin: &str) -> Result<PgTx> {
        let mut tx = self.read().await?;
        tx.batch(begin, At::Open).await?;
        tx.rest = At::Open;
        Ok(tx)
    }
}

/// The texts made at run time that are prepared somewhere. Filters, orders and pages make as many as callers like, and
/// each costs every connection memory here and on the server.
#[derive(Default)]
struct Composed {
    recent: HashSet<String>,
    older: HashSet<String>,
}

impl Composed {
    /// Notes a use, and gives back what was not used for long.
    fn used(&mut self, text: &str) -> HashSet<String> {
        if self.recent.contains(text) {
            return HashSet::new();
        }
        let text = self.older.take(text).unwrap_or_else(|| text.to_owned());
        self.recent.insert(text);
        match self.recent.len() > COMPOSED {
            true => std::mem::replace(&mut self.older, std::mem::take(&mut self.recent)),
            false => HashSet::new(),
        }
    }
}

/// Four connections per core: on two cores, 8 answered a fifth more than 4, and 16 no more than 8 (benchmark, `get` and
/// `patch` with 16 clients).
fn default_pool_size() -> usize {
    std::thread::available_parallelism().map_or(4, |n| n.get() * 4).max(4)
}

fn rustls_connector() -> MakeRustlsConnect {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("aws-lc-rs has the default protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    MakeRustlsConnect::new(config)
}

/// Where a connection is, for whoever has to clean up after a request that was cut.
#[derive(Clone, Copy, PartialEq)]
enum At {
    /// Outside a transaction, between statements.
    Idle,
    /// In a transaction, between statements.
    Open,
    /// A statement was sent and its answer is not here yet.
    Busy,
    /// COMMIT was sent.
    Committing,
}

/// A connection in use.
pub(crate) struct PgTx {
    pg: Arc<Pg>,
    client: Option<Object>,
    at: At,
    rest: At,
}

/// The connection, unless the use case gave up a statement of it (a `select!`, a timeout): if that one fails, COMMIT
/// would be a rollback that is answered with OK.
fn usable(client: &Option<Object>, at: At) -> Result<&Object> {
    client.as_ref().filter(|_| at != At::Busy).ok_or_else(error::poisoned)
}

impl PgTx {
    async fn batch(&mut self, text: &str, then: At) -> Result<()> {
        let client = usable(&self.client, self.at)?;
        self.at = At::Busy;
        let done = client.batch_execute(text).await;
        // Also if it failed: its first half may have begun a transaction.
        self.at = then;
        done.map_err(error::pg)
    }

    pub async fn exec(&mut self, text: &str, args: &[&dyn Param]) -> Result<u64> {
        let client = usable(&self.client, self.at)?;
        let params: Vec<_> = args.iter().map(|a| a.pg()).collect();
        self.at = At::Busy;
        let done = match client.prepare_cached(text).await {
            Ok(statement) => client.execute(&statement, &params).await,
            Err(e) => Err(e),
        };
        self.at = self.rest;
        done.map_err(|e| self.failed(e))
    }

    /// The same statement with each set: how many rows each changed.
    pub async fn exec_many<const N: usize>(
        &mut self,
        text: &str,
        sets: &[[&dyn Param; N]],
    ) -> Result<Vec<u64>> {
        Ok(self.many(text, sets).await?.into_iter().map(|(changed, _)| changed).collect())
    }

    /// The same statement with each set: the first row of each.
    pub async fn opt_many<const N: usize, R: FromRow>(
        &mut self,
        text: &str,
        sets: &[[&dyn Param; N]],
    ) -> Result<Vec<Option<R>>> {
        let answers = self.many(text, sets).await?;
        answers
            .iter()
            .map(|(_, row)| row.as_ref().map(|row| R::from_row(&Row::Pg(row))).transpose())
            .collect()
    }

    /// Sends the sets without waiting for the answer to the one before: the server runs them in this order, and after
    /// the first that fails none.
    async fn many<const N: usize>(&mut self, text: &str, sets: &[[&dyn Param; N]]) -> Result<Vec<Answer>> {
        let client = usable(&self.client, self.at)?;
        self.at = At::Busy;
        let mut answers = Vec::with_capacity(sets.len());
        let mut done = client.prepare_cached(text).await.map(drop);
        for window in sets.chunks(SETS_AT_ONCE) {
            if done.is_err() {
                break;
            }
            done = pipelined(client, text, window, &mut answers).await;
        }
        self.at = self.rest;
        done.map_err(|e| self.failed(e))?;
        Ok(answers)
    }

    pub async fn read<R: FromRow>(
        &mut self,
        text: &str,
        args: &[&dyn Param],
        limit: usize,
    ) -> Result<Vec<R>> {
        let rows = self.rows(text, args, false).await?;
        rows.iter().take(limit).map(|row| R::from_row(&Row::Pg(row))).collect()
    }

    /// With a custom plan only the types of the arguments are kept: what is prepared under a name has, from its sixth run
    /// on, one plan for all arguments.
    async fn rows(
        &mut self,
        text: &str,
        args: &[&dyn Param],
        custom_plan: bool,
    ) -> Result<Vec<tokio_postgres::Row>> {
        let client = usable(&self.client, self.at)?;
        let params: Vec<_> = args.iter().map(|a| a.pg()).collect();
        self.at = At::Busy;
        let done = match client.prepare_cached(text).await {
            Ok(statement) if custom_plan => {
                let typed: Vec<_> = params.into_iter().zip(statement.params().iter().cloned()).collect();
                client.query_typed(text, &typed).await
            }
            Ok(statement) => client.query(&statement, &params).await,
            Err(e) => Err(e),
        };
        self.at = self.rest;
        done.map_err(|e| self.failed(e))
    }

    /// The same for a text made at run time, which does not stay prepared for ever.
    pub async fn read_composed<R: FromRow>(
        &mut self,
        text: &str,
        args: &[&dyn Param],
        custom_plan: bool,
    ) -> Result<Vec<R>> {
        let rows = self.rows(text, args, custom_plan).await;
        // Noted when it is prepared, so that nothing is prepared and not noted.
        let old = self.pg.composed.lock().used(text);
        for text in old {
            self.pg.pool.manager().statement_caches.remove(&text, &[]);
        }
        rows?.iter().map(|row| R::from_row(&Row::Pg(row))).collect()
    }

    /// A migration in another process can change the result type of a statement that we prepared: prepare anew.
    fn failed(&self, e: tokio_postgres::Error) -> Error {
        let stale_plan = e.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED)
            && e.as_db_error().is_some_and(|d| d.message().contains("cached plan"));
        if stale_plan && let Some(client) = &self.client {
            client.statement_cache.clear();
            return Error::new(
                crate::Kind::Transient,
                "DATABASE_BUSY",
                "The database schema just changed; try again",
            );
        }
        error::pg(e)
    }

    /// Several statements as text, in a migration.
    pub async fn script(&mut self, text: &str) -> Result<()> {
        self.batch(text, self.rest).await
    }

    pub async fn commit(mut self) -> Result<()> {
        let client = usable(&self.client, self.at)?;
        if client.is_closed() {
            // COMMIT cannot be sent any more, so the server rolled back.
            return Err(error::transient());
        }
        self.at = At::Committing;
        let done = client.batch_execute("COMMIT").await;
        self.at = At::Idle;
        done.map_err(|e| {
            if e.as_db_error().is_some_and(|d| {
                *d.code() != SqlState::ADMIN_SHUTDOWN && *d.code() != SqlState::CRASH_SHUTDOWN
            }) {
                error::pg(e)
            } else {
                error::unknown().with_source(e)
            }
        })
    }
}

/// How many rows a statement changed, and its first row.
type Answer = (u64, Option<tokio_postgres::Row>);

/// Sends all sets and takes all answers: nothing of it is on its way when it returns. The first failure counts.
async fn pipelined<const N: usize>(
    client: &Object,
    text: &str,
    sets: &[[&dyn Param; N]],
    answers: &mut Vec<Answer>,
) -> Result<(), tokio_postgres::Error> {
    let statement = client.prepare_cached(text).await?;
    let mut running: Vec<_> =
        sets.iter().map(|set| Box::pin(maybe_done(run(client, &statement, set.map(Param::pg))))).collect();
    for one in &mut running {
        // One poll queues the message; polling in turn keeps the order.
        let _ = poll_immediate(one).await;
    }
    let mut done = Ok(());
    for mut one in running {
        one.as_mut().await;
        match one.as_mut().take_output() {
            Some(Ok(answer)) => answers.push(answer),
            Some(Err(e)) if done.is_ok() => done = Err(e),
            _ => {}
        }
    }
    done
}

async fn run<const N: usize>(
    client: &Object,
    statement: &Statement,
    args: [&(dyn ToSql + Sync); N],
) -> Result<Answer, tokio_postgres::Error> {
    let rows = client.query_raw(statement, args).await?;
    let mut rows = std::pin::pin!(rows);
    let mut first = None;
    while let Some(row) = rows.try_next().await? {
        first.get_or_insert(row);
    }
    Ok((rows.rows_affected().unwrap_or_default(), first))
}

impl Drop for PgTx {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        match self.at {
            // Back to the pool as it is. During COMMIT its answer comes before anything that follows.
            At::Idle | At::Committing => {}
            // One poll queues the message; answers come in order, so whoever has the connection next comes after it.
            At::Open => drop(client.batch_execute("ROLLBACK").now_or_never()),
            // Its statement may run for long: the connection leaves the pool, and the server is told to stop.
            At::Busy => {
                let client = Object::take(client);
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(stop(client, self.pg.tls.clone()));
                }
            }
        }
    }
}

/// Tells the server to stop the statement, until it answers what was sent behind it. Once is not enough: a cancel that
/// arrives before its statement has begun is lost, and the statement would run to its end with its locks, because the
/// server does not look whether anybody still listens.
async fn stop(client: ClientWrapper, tls: Option<MakeRustlsConnect>) {
    let token = client.cancel_token();
    let behind = client.batch_execute("ROLLBACK");
    tokio::pin!(behind);
    let mut wait = FIRST_CANCEL_WAIT;
    for _ in 0..CANCELS {
        cancel(&token, tls.clone()).await;
        // An error is an answer as well: cancelled itself, or the connection is gone.
        if tokio::time::timeout(wait, &mut behind).await.is_ok() {
            return;
        }
        wait *= 2;
    }
    tracing::warn!("PostgreSQL does not cancel a statement that nobody waits for; it may run to its end");
}

async fn cancel(token: &CancelToken, tls: Option<MakeRustlsConnect>) {
    // A statement that ended by itself in the meantime is as good.
    let _ = match tls {
        Some(tls) => token.cancel_query(tls).await,
        None => token.cancel_query(NoTls).await,
    };
}
