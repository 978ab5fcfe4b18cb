//! PostgreSQL: a pool of connections with cached prepared statements, and what to do with a connection
//! whose user went away in the middle.
//!
//! - here: the pool, its shares, and a connection in use;
//! - `url`: what a URL says;
//! - `tls`: whom a connection trusts;
//! - `connect`: how a connection is made.

mod connect;
mod tls;
mod url;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use futures_util::future::{maybe_done, poll_immediate};
use futures_util::{FutureExt, TryStreamExt};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::row::{FromRow, Row};
use super::value::Param;
use super::{Options, error};
use crate::error::{Error, Kind, Result};
use connect::{Connector, session};
pub(super) use connect::{is_tls, millis};
pub(crate) use url::PostgresUrl;

/// Cancels that are sent for one statement, the waits between them doubling: half a minute in all.
const CANCELS: u32 = 11;
const FIRST_CANCEL_WAIT: Duration = Duration::from_millis(15);
/// Texts made at run time stay prepared until between this and twice as many others were used.
const COMPOSED: usize = 128;
/// Sets of arguments that are on their way at once: the server is never idle, and what waits stays small.
const SETS_AT_ONCE: usize = 256;

/// While more than half of the places of writers are taken, a locked row is waited for so many times shorter: one that
/// somebody keeps locked then holds up those who want it, and nobody else.
const SHORTER: u32 = 4;

/// An open PostgreSQL database.
pub(crate) struct Postgres {
    pool: Pool,
    tls: MakeRustlsConnect,
    address: String,
    is_local: bool,
    /// Places of writers, fewer than there are connections: whatever they wait for, readers get on.
    writers: Arc<Semaphore>,
    most_writers: usize,
    begin_shortly: String,
    composed: Mutex<Composed>,
}

impl Postgres {
    /// Prepares the pool; the first connection is made by the first use.
    pub fn open(url: &str, options: &Options) -> Result<Arc<Postgres>> {
        let mut url =
            PostgresUrl::parse(url).map_err(|why| Error::internal(format!("the database URL {why}")))?;
        if url.config.get_application_name().is_none() {
            url.config.application_name(options.application_name);
        }
        if url.config.get_connect_timeout().is_none() {
            url.config.connect_timeout(options.deadline);
        }
        let root = url.root.as_deref().or(options.ssl_root_cert.as_deref());
        let tls = tls::connector(url.ssl_mode, root)?;
        let connector = Connector {
            mode: url.ssl_mode,
            tls: tls.clone(),
            session: session(options.lock_timeout, options.idle_timeout),
            address: url.address(),
            reached: Arc::default(),
        };
        let (address, is_local) = (url.address(), url.is_local());
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let size = if options.pool_size == 0 { default_pool_size() } else { options.pool_size };
        let pool = Pool::builder(Manager::from_connect(url.config, connector, manager))
            .max_size(size)
            .wait_timeout(Some(options.deadline))
            .create_timeout(Some(options.deadline))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|e| Error::internal("the PostgreSQL pool").with_source(e))?;
        let most_writers = size.saturating_sub(slow_reads(size) + (size / 8).max(1)).max(1);
        Ok(Arc::new(Postgres {
            pool,
            tls,
            address,
            is_local,
            writers: Arc::new(Semaphore::new(most_writers)),
            most_writers,
            begin_shortly: format!(
                "BEGIN READ WRITE; SET LOCAL lock_timeout = {}",
                millis(options.lock_timeout / SHORTER)
            ),
            composed: Mutex::default(),
        }))
    }

    /// How many of its connections long reads may take.
    pub fn slow_reads(&self) -> usize {
        slow_reads(self.pool.status().max_size)
    }

    /// Does every connection stay on this machine?
    pub fn is_local(&self) -> bool {
        self.is_local
    }

    async fn client(&self) -> Result<Object> {
        self.pool.get().await.map_err(|e| match e {
            PoolError::Backend(e) => error::unreachable(&self.address, &e),
            PoolError::Timeout(TimeoutType::Create) => error::no_answer(&self.address),
            e => error::deadline().with_source(e),
        })
    }

    /// A connection for single statements, each its own snapshot: no BEGIN. The session is read only.
    pub async fn read(self: &Arc<Postgres>) -> Result<PostgresTx> {
        let client = self.client().await?;
        Ok(PostgresTx { pg: self.clone(), client: Some(client), at: At::Idle, rest: At::Idle, _place: None })
    }

    /// A connection in a transaction; `begin` is the literal statement that opens it.
    pub async fn begin(self: &Arc<Postgres>, begin: &str) -> Result<PostgresTx> {
        let mut tx = self.read().await?;
        tx.batch(begin, At::Open).await?;
        tx.rest = At::Open;
        Ok(tx)
    }

    /// A transaction that may write, once a place of the writers is free.
    pub async fn write(self: &Arc<Postgres>) -> Result<PostgresTx> {
        let place = self.writers.clone().acquire_owned().await.map_err(|_| error::deadline())?;
        let is_crowded = self.writers.available_permits() < self.most_writers / 2;
        let mut tx = self.begin(if is_crowded { &self.begin_shortly } else { "BEGIN READ WRITE" }).await?;
        tx._place = Some(place);
        Ok(tx)
    }
}

/// A quarter of the connections.
fn slow_reads(size: usize) -> usize {
    (size / 4).max(1)
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

/// Five connections per core, of which writers take four at most: on two cores, 8 answered a fifth more than 4, and 16 no
/// more than 8 (benchmark, `get` and `patch` with 16 clients).
fn default_pool_size() -> usize {
    std::thread::available_parallelism().map_or(5, |n| n.get() * 5).max(5)
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
pub(crate) struct PostgresTx {
    pg: Arc<Postgres>,
    client: Option<Object>,
    at: At,
    rest: At,
    /// A writer's; given back after the connection.
    _place: Option<OwnedSemaphorePermit>,
}

/// The connection, unless the use case gave up a statement of it (a `select!`, a timeout): if that one fails, COMMIT
/// would be a rollback that is answered with OK.
fn usable(client: &Option<Object>, at: At) -> Result<&Object> {
    client.as_ref().filter(|_| at != At::Busy).ok_or_else(error::poisoned)
}

impl PostgresTx {
    async fn batch(&mut self, text: &str, then: At) -> Result<()> {
        let client = usable(&self.client, self.at)?;
        self.at = At::Busy;
        let done = client.batch_execute(text).await;
        // Also if it failed: its first half may have begun a transaction.
        self.at = then;
        done.map_err(error::postgres)
    }

    pub async fn exec(&mut self, text: &str, args: &[&dyn Param]) -> Result<u64> {
        let client = usable(&self.client, self.at)?;
        let params: Vec<_> = args.iter().map(|a| a.postgres()).collect();
        self.at = At::Busy;
        let done = match client.prepare_cached(text).await {
            Ok(statement) => client.execute(&statement, &params).await,
            Err(e) => Err(e),
        };
        self.at = self.rest;
        done.map_err(|e| self.failed(e))
    }

    /// The same statement with each set: how many rows each changed.
    pub async fn exec_many(&mut self, text: &str, sets: &[&[&dyn Param]]) -> Result<Vec<u64>> {
        Ok(self.many(text, sets).await?.into_iter().map(|(changed, _)| changed).collect())
    }

    /// The same statement with each set: the first row of each.
    pub async fn opt_many<R: FromRow>(
        &mut self,
        text: &str,
        sets: &[&[&dyn Param]],
    ) -> Result<Vec<Option<R>>> {
        let answers = self.many(text, sets).await?;
        answers
            .iter()
            .map(|(_, row)| row.as_ref().map(|row| R::from_row(&Row::Postgres(row))).transpose())
            .collect()
    }

    /// Sends the sets without waiting for the answer to the one before: the server runs them in this order, and after
    /// the first that fails none.
    async fn many(&mut self, text: &str, sets: &[&[&dyn Param]]) -> Result<Vec<Answer>> {
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
        rows.iter().take(limit).map(|row| R::from_row(&Row::Postgres(row))).collect()
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
        let params: Vec<_> = args.iter().map(|a| a.postgres()).collect();
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
        self.note_composed(text);
        rows?.iter().map(|row| R::from_row(&Row::Postgres(row))).collect()
    }

    /// As [`PostgresTx::exec_many`], of such a text.
    pub async fn exec_many_composed(&mut self, text: &str, sets: &[&[&dyn Param]]) -> Result<Vec<u64>> {
        let done = self.exec_many(text, sets).await;
        self.note_composed(text);
        done
    }

    /// Noted when it is prepared, so that nothing is prepared and not noted.
    fn note_composed(&self, text: &str) {
        let old = self.pg.composed.lock().used(text);
        for text in old {
            self.pg.pool.manager().statement_caches.remove(&text, &[]);
        }
    }

    /// A migration in another process can change the result type of a statement that we prepared: prepare anew.
    fn failed(&self, e: tokio_postgres::Error) -> Error {
        let stale_plan = e.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED)
            && e.as_db_error().is_some_and(|d| d.message().contains("cached plan"));
        if stale_plan && let Some(client) = &self.client {
            client.statement_cache.clear();
            let detail = "The database schema just changed; try again";
            return Error::new(Kind::Transient, "DATABASE_BUSY", detail).with_source(e);
        }
        error::postgres(e)
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
            let is_stopping = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN]
                .iter()
                .any(|code| e.code() == Some(code));
            match e.as_db_error() {
                Some(_) if !is_stopping => error::postgres(e),
                _ => error::unknown().with_source(e),
            }
        })
    }
}

/// How many rows a statement changed, and its first row.
type Answer = (u64, Option<tokio_postgres::Row>);

/// Sends all sets and takes all answers: nothing of it is on its way when it returns. The first failure counts.
async fn pipelined(
    client: &Object,
    text: &str,
    sets: &[&[&dyn Param]],
    answers: &mut Vec<Answer>,
) -> Result<(), tokio_postgres::Error> {
    let statement = client.prepare_cached(text).await?;
    let mut running: Vec<_> =
        sets.iter().map(|set| Box::pin(maybe_done(run(client, &statement, set)))).collect();
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

async fn run(
    client: &Object,
    statement: &Statement,
    args: &[&dyn Param],
) -> Result<Answer, tokio_postgres::Error> {
    let rows = client.query_raw(statement, args.iter().map(|arg| arg.postgres())).await?;
    let mut rows = std::pin::pin!(rows);
    let mut first = None;
    while let Some(row) = rows.try_next().await? {
        first.get_or_insert(row);
    }
    Ok((rows.rows_affected().unwrap_or_default(), first))
}

impl Drop for PostgresTx {
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
async fn stop(client: ClientWrapper, tls: MakeRustlsConnect) {
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

async fn cancel(token: &CancelToken, tls: MakeRustlsConnect) {
    // A statement that ended by itself in the meantime is as good.
    let _ = token.cancel_query(tls).await;
}
