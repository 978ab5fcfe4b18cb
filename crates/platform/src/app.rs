//! What a process holds: the database, the clock, the settings, and what each feature keeps in memory.
//! Features are assembled from a list (`server/app.rs`; a feature's own tests list what they need).
//!
//! What a feature keeps in memory is a [`ProcessState`], and its type says how it is made: whoever can name it gets it.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use parking_lot::RwLock;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::access::Caller;
use crate::config::Config;
use crate::crypto::Keys;
use crate::ctx::Ctx;
use crate::http::guard::{Guard, guard};
use crate::http::limit::RateLimits;
use crate::idempotency::Running;
use crate::jobs::{self, JobKind, Periodic};
use crate::mail::Mailer;
use crate::outbound::Outbound;
use crate::storage::Storage;
use database::Db;
use kernel::clock::Clock;
use kernel::error::Result;
use kernel::id::Random;
use kernel::web::docs;

/// A future behind a pointer, for the few places where features are called through a list.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who presented a bearer token; 401 if nobody that we know.
pub type Authenticate = for<'a> fn(&'a App, &'a str) -> BoxFuture<'a, Result<Arc<Caller>>>;

/// What has to succeed before anything is served.
pub type Start = for<'a> fn(&'a App) -> BoxFuture<'a, Result<()>>;

/// What a feature keeps in memory: one of each type in a process, made when it is first asked for with [`App::state`].
pub trait ProcessState: Send + Sync + 'static {
    /// As a process begins with it. What needs the database is read later (see [`Feature::start`]).
    fn new(parts: &Parts) -> Self;
}

/// One feature as the assembly sees it.
pub struct Feature {
    /// Its name, for messages.
    pub name: &'static str,
    /// The name under which `--services` turns it on; empty: always on.
    pub service: &'static str,
    /// Its routes with their documentation.
    pub routes: fn() -> OpenApiRouter<App>,
    /// The kinds of jobs that it runs.
    pub jobs: &'static [JobKind],
    /// Its housekeeping.
    pub periodic: &'static [Periodic],
    /// What has to succeed before anything is served.
    pub start: Option<Start>,
    /// Turns bearer tokens into callers, for the routes of all features.
    pub authenticate: Option<Authenticate>,
}

/// What a process is made of, before it starts.
pub struct Parts {
    /// The database, migrated.
    pub db: Db,
    /// The settings.
    pub config: Arc<Config>,
    /// The clock.
    pub clock: Clock,
    /// Ids and randomness.
    pub random: Random,
    /// The master key.
    pub keys: Keys,
    /// Files.
    pub storage: Storage,
    /// Mail.
    pub mail: Mailer,
    /// Calls to other hosts.
    pub outbound: Outbound,
    /// Puts the number of statements into a header of every reply; tests only.
    pub show_statements: bool,
    /// What the process keeps for its jobs.
    pub jobs: jobs::RunnerState,
    /// How much strangers, customers and staff may ask.
    pub rate_limits: RateLimits,
    /// The keys of the requests that are being worked on.
    pub running: Running,
    states: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Parts {
    /// The parts that every process has.
    #[expect(clippy::too_many_arguments, reason = "one value per part, named at the two places that call it")]
    pub fn new(
        db: Db,
        config: Arc<Config>,
        clock: Clock,
        random: Random,
        keys: Keys,
        storage: Storage,
        mail: Mailer,
        outbound: Outbound,
    ) -> Parts {
        let rate_limits = RateLimits::new(&config.limits, &clock);
        Parts {
            storage,
            mail,
            outbound,
            db,
            config,
            clock,
            random,
            keys,
            show_statements: false,
            jobs: jobs::RunnerState::default(),
            rate_limits,
            running: Running::default(),
            states: RwLock::default(),
        }
    }
}

/// A running process. Cloning shares it.
#[derive(Clone)]
pub struct App(Arc<Parts>);

impl App {
    /// Starts every feature.
    pub async fn start(parts: Parts, features: &[Feature]) -> Result<App> {
        let app = App(Arc::new(parts));
        for start in features.iter().filter_map(|feature| feature.start) {
            start(&app).await?;
        }
        Ok(app)
    }

    /// What a feature keeps in memory; made now if nobody has asked for it before.
    pub fn state<T: ProcessState>(&self) -> Arc<T> {
        let kept = self.0.states.read().get(&TypeId::of::<T>()).cloned();
        kept.and_then(|state| state.downcast().ok()).unwrap_or_else(|| self.make_state())
    }

    /// Made while nobody else can look, so there is one. `T::new` cannot ask for another: it sees no [`App`].
    #[cold]
    fn make_state<T: ProcessState>(&self) -> Arc<T> {
        let mut states = self.0.states.write();
        let kept = states.get(&TypeId::of::<T>()).cloned().and_then(|state| state.downcast().ok());
        kept.unwrap_or_else(|| {
            let state = Arc::new(T::new(&self.0));
            states.insert(TypeId::of::<T>(), state.clone());
            state
        })
    }

    /// A context for work that no request asked for: the command line, a job.
    pub fn system(&self, name: &str) -> Ctx {
        Ctx::system(self.clone(), name)
    }
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The routes of some features behind `platform::http::guard`, and their documentation. Fails if none of them authenticates.
pub fn routes(app: &App, features: &[Feature]) -> Result<(Router, OpenApi)> {
    let merged =
        features.iter().fold(OpenApiRouter::new(), |router, feature| router.merge((feature.routes)()));
    let (router, mut api) = merged.split_for_parts();
    docs::complete(&mut api);
    // Around matched routes only: what is not there costs no authentication.
    let around = axum::middleware::from_fn_with_state(Guard::new(app.clone(), features, &api)?, guard);
    let router = router.route_layer(around).with_state(app.clone());
    Ok((router, api))
}
