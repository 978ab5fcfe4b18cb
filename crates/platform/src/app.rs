//! What a process holds: the database, the clock, the settings, and what each feature keeps in memory.
//! Features are assembled from a list (`server/app.rs`; a feature's own tests list what they need).

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
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
use kernel::error::{Error, Result};
use kernel::id::Random;
use kernel::web::docs;

/// A future behind a pointer, for the few places where features are called through a list.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Turns a bearer token into a caller. `identity` implements it; the kernel only knows that somebody can.
pub trait Authenticate: Send + Sync {
    /// Who presented `bearer`; 401 if nobody that we know.
    fn authenticate<'a>(&'a self, app: &'a App, bearer: &'a str) -> BoxFuture<'a, Result<Arc<Caller>>>;
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
    /// Puts what it keeps in memory into the process, before anything is served.
    pub start: for<'a> fn(&'a mut Parts) -> BoxFuture<'a, Result<()>>,
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
    /// Who turns bearer tokens into callers.
    pub authenticate: Option<Arc<dyn Authenticate>>,
    /// Puts the number of statements into a header of every reply; tests only.
    pub show_statements: bool,
    /// What the process keeps for its jobs.
    pub jobs: jobs::Local,
    /// How much strangers, customers and staff may ask.
    pub rate_limits: RateLimits,
    /// The keys of the requests that are being worked on.
    pub running: Running,
    memory: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
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

            authenticate: None,
            show_statements: false,
            jobs: jobs::Local::default(),
            rate_limits,
            running: Running::default(),
            memory: HashMap::new(),
        }
    }

    /// Keeps a feature's own state, found again by its type with [`App::part`].
    pub fn keep<T: Send + Sync + 'static>(&mut self, state: Arc<T>) {
        self.memory.insert(TypeId::of::<T>(), state);
    }
}

/// A running process. Cloning shares it.
#[derive(Clone)]
pub struct App(Arc<Parts>);

impl App {
    /// Starts every feature and freezes the parts.
    pub async fn start(mut parts: Parts, features: &[Feature]) -> Result<App> {
        for feature in features {
            (feature.start)(&mut parts).await?;
        }
        Ok(App(Arc::new(parts)))
    }

    /// A feature's own state, if the feature was started.
    pub fn try_part<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.memory.get(&TypeId::of::<T>()).cloned().and_then(|part| part.downcast::<T>().ok())
    }

    /// A feature's own state. Panics if the feature was not started, which is a mistake of the assembly.
    pub fn part<T: Send + Sync + 'static>(&self) -> Arc<T> {
        self.try_part()
            .unwrap_or_else(|| panic!("{} is not in the list of features", std::any::type_name::<T>()))
    }

    /// Who turns bearer tokens into callers.
    pub fn authenticator(&self) -> Result<&dyn Authenticate> {
        self.0.authenticate.as_deref().ok_or_else(|| Error::internal("no feature authenticates"))
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

/// The routes of some features behind `platform::http::guard`, and their documentation.
pub fn routes(app: &App, features: &[Feature]) -> (Router, OpenApi) {
    let merged =
        features.iter().fold(OpenApiRouter::new(), |router, feature| router.merge((feature.routes)()));
    let (router, mut api) = merged.split_for_parts();
    docs::complete(&mut api);
    // Around matched routes only: what is not there costs no authentication.
    let around = axum::middleware::from_fn_with_state(Guard::new(app.clone(), &api), guard);
    let router = router.route_layer(around).with_state(app.clone());
    (router, api)
}

/// A feature that keeps nothing in memory.
pub fn nothing_to_start(_: &mut Parts) -> BoxFuture<'_, Result<()>> {
    Box::pin(async { Ok(()) })
}
