//! The assembly: the one list of features, a process made from a configuration, and its router.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use kernel::clock::Clock;
use kernel::id::Random;
use kernel::web::docs;
use kernel::web::http_service::HttpService;
use platform::app::{App, Feature, Parts};
use platform::config::{Config, Service};
use platform::http::guard;
use platform::jobs::{JobKind, Periodic};
use platform::mail::Mailer;
use platform::outbound::Outbound;
use platform::storage::Storage;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{health, master_key, metrics, pages, startup};

/// Every feature of the product. A new one is added here and nowhere else.
pub fn features() -> Vec<Feature> {
    vec![identity::feature(), customers::feature(), bulk::feature(), events::feature()]
}

/// The head of the OpenAPI document; the routes add the rest.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Regulars",
        description = "A self-hosted customer platform: who your customers are, what you know about them, what they \
                       allow you to do with it, and everything that happened. What all routes have in common is on the \
                       page [Conventions](/docs/conventions).",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    security(("bearer" = [])),
    // In the order in which a newcomer meets them; each route has one.
    tags(
        (name = "account", description = "Register, confirm an e-mail address, and change one's own account."),
        (name = "sessions", description = "Log in and out, refresh tokens, see where one is logged in, and the keys that \
                                           access tokens are verified with."),
        (name = "api keys", description = "Make, see, rename and revoke the keys of programs."),
        (name = "profile", description = "The customer profile of whoever is calling."),
        (name = "customers", description = "Create, read, change, verify, deactivate and erase customers."),
        (name = "search", description = "Find customers by words, places, tags, addresses and names."),
        (name = "statistics", description = "Figures about the customers within the caller's reach."),
        (name = "pictures", description = "The pictures of customers."),
        (name = "bulk", description = "Import and export files, and change many customers at once."),
        (name = "jobs", description = "What goes on in the background: how far it is, what became of each row, and how \
                                       to stop it or take it back."),
        (name = "events", description = "Everything that happened, in order and without gaps."),
        (name = "operation", description = "Health, readiness and metrics, for whoever runs the server."),
    )
)]
struct Document;

/// A process: database, master key, and every feature started. Which routes it serves is decided by [`router`].
pub async fn start(config: Config) -> anyhow::Result<App> {
    let (clock, random) = (Clock::System, Random::System);
    let db = startup::ready(&config).await?;
    let keys = master_key::load(&config, &db, &random).await?;
    let storage = Storage::local(&config.data_dir.join("files"))?;
    let mail = Mailer::new(&config.mail, &config.data_dir, clock.clone())?;
    let outbound = Outbound::new(config.outbound, clock.clone());
    let parts = Parts::new(db, Arc::new(config), clock, random, keys, storage, mail, outbound);
    Ok(App::start(parts, &features()).await?)
}

/// Everything that features do in the background. A process with jobs does it for all features, also for those
/// whose routes it does not serve.
pub fn background() -> (Vec<JobKind>, Vec<Periodic>) {
    let features = features();
    let jobs = features.iter().flat_map(|feature| feature.jobs).copied().collect();
    let own = features.iter().flat_map(|feature| feature.periodic);
    let periodic = own.chain(platform::jobs::HOUSEKEEPING).copied().collect();
    (jobs, periodic)
}

/// The routes of these services, and apart from them those that need no caller.
fn routes_of(serves: impl Fn(Service) -> bool) -> (OpenApiRouter<App>, OpenApiRouter<App>) {
    let served = |feature: &Feature| match feature.service {
        "" => true,
        name => name.parse().is_ok_and(&serves),
    };
    let mut guarded = OpenApiRouter::with_openapi(Document::openapi());
    for feature in features().iter().filter(|feature| served(feature)) {
        guarded = guarded.merge((feature.routes)());
    }
    let mut open = OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics));
    if serves(Service::Customers) {
        open = open.routes(routes!(health::customers_health));
    }
    (guarded, open)
}

/// The OpenAPI document of the whole product.
pub fn document() -> utoipa::openapi::OpenApi {
    let (guarded, open) = routes_of(|_| true);
    let mut api = guarded.merge(open).into_openapi();
    docs::complete(&mut api);
    api
}

/// What the process serves: the routes of its services behind the guard, and the pages, inside the outer layer.
/// Everything else answers 404.
pub fn router(app: &App) -> anyhow::Result<HttpService> {
    let (guarded, open) = routes_of(|service| app.config.serves(service));
    let around = guard::Guard::new(app.clone(), &features(), guarded.get_openapi())?;
    let guarded = guarded.route_layer(from_fn_with_state(around, guard::guard));
    let (router, mut api) = guarded.merge(open).split_for_parts();
    docs::complete(&mut api);
    let mut router: Router = router.with_state(app.clone());
    if app.config.docs_enabled {
        router = router.merge(docs::routes(&api)?);
    }
    let router = router.merge(pages::routes(app));
    Ok(HttpService::new(router, app.config.web_settings(), app.clock.clone(), app.random.clone()))
}
