//! Who the customers are: the profile of a user.
//!
//! | module | holds |
//! |---|---|
//! | [`avatars`] | pictures of customers |
//! | [`customers`] | the profile: everything under `/api/v1/customers` |
//! | [`batches`] | long work that somebody asked for: `/api/v1/jobs` |
//! | [`tags`] | tags as rows, and lists by them |
//! | [`places`] | lists by place, and the places there are |
//! | [`exports`] | customers in a file |
//! | [`consent`] | the ledger behind `marketing_*` |
//! | [`migration_v1`] | customers of the first version of the services |
//! | [`search`] | finding customers: the index and what it is asked |
//! | [`statistics`] | exact figures without counting |
//! | [`imports`] | customers from files |

pub mod avatars;
pub mod batches;
pub mod consent;
pub mod customers;
pub mod exports;
pub mod imports;
pub mod migration_v1;
pub mod places;
mod query;
pub mod search;
pub mod statistics;
pub mod tags;

use std::sync::Arc;
use std::time::Duration;

use identity::ProfileHook;
use kernel::Result;
use kernel::app::{Feature, Parts};
use kernel::jobs::{JobKind, Periodic};

/// The feature, for the assembly.
pub fn feature() -> Feature {
    Feature {
        name: "customers",
        service: "customers",
        routes: || {
            customers::api::routes()
                .merge(batches::api::routes())
                .merge(statistics::api::routes())
                .merge(tags::api::routes())
                .merge(places::api::routes())
                .merge(avatars::api::routes())
                .merge(search::api::routes())
                .merge(exports::api::routes())
                .merge(imports::api::routes())
        },
        jobs: JOBS,
        periodic: PERIODIC,
        start: |parts| Box::pin(start(parts)),
    }
}

const JOBS: &[JobKind] = &[
    JobKind::new(avatars::service::REMOVE, |ctx, payload| {
        Box::pin(avatars::service::remove_job(ctx, payload))
    }),
    batches::jobs::RUN_KIND,
];

const PERIODIC: &[Periodic] = &[
    Periodic::new("customers.keys", Duration::from_secs(60), |ctx, _| {
        Box::pin(customers::service::keys::fill(ctx))
    })
    .when(|ctx| Box::pin(customers::service::keys::is_unfilled(ctx))),
    Periodic::new("search.fill", Duration::from_secs(5), |ctx, _| {
        Box::pin(search::service::index::fill(ctx))
    })
    .when(|ctx| Box::pin(search::service::index::is_unfilled(ctx))),
    Periodic::new("search.merge", Duration::from_secs(60), |ctx, _| {
        Box::pin(search::service::index::merge(ctx))
    })
    .when(|ctx| Box::pin(search::service::index::is_mergeable(ctx))),
    Periodic::new("statistics.fold", Duration::from_secs(2), |ctx, _| {
        Box::pin(statistics::service::fold(ctx))
    })
    .when(|ctx| Box::pin(statistics::service::has_work(ctx))),
    Periodic::new("statistics.reconcile", DAY, |ctx, _| Box::pin(statistics::service::reconcile_job(ctx))),
    Periodic::new("avatars.sweep", DAY, |ctx, _| Box::pin(avatars::service::sweep(ctx))),
    Periodic::new("batches.revive", Duration::from_secs(600), |ctx, _| Box::pin(batches::jobs::revive(ctx))),
    Periodic::new("imports.sweep", Duration::from_secs(3600), |ctx, _| {
        Box::pin(imports::service::sweep(ctx))
    }),
    Periodic::new("batches.purge", Duration::from_secs(3600), |ctx, _| Box::pin(batches::jobs::purge(ctx))),
];

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn start(parts: &mut Parts) -> Result<()> {
    parts.keep(Arc::new(avatars::model::Studio::new(parts.config.avatar_memory)));
    parts.keep(Arc::new(exports::service::Places::default()));
    parts.keep(Arc::new(ProfileHook {
        find: |tx, user| Box::pin(customers::service::profile::number_in(tx, user)),
        create: |ctx, tx, user, body| {
            Box::pin(customers::service::profile::create_for_in(ctx, tx, user, body))
        },
        changed: |tx, before, after| Box::pin(search::service::index::user_changed_in(tx, before, after)),
    }));
    Ok(())
}
