//! Who the customers are: the profile of a user.
//!
//! | module | holds |
//! |---|---|
//! | [`avatars`] | pictures of customers |
//! | [`customers`] | the profile: everything under `/api/v1/customers` |
//! | [`tags`] | tags as rows |
//! | [`consent`] | the ledger behind `marketing_*` |
//! | [`migration_v1`] | customers of the first version of the services |
//! | [`statistics`] | exact figures without counting |

pub mod avatars;
pub mod consent;
pub mod customers;
pub mod migration_v1;
mod query;
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
            let routes = customers::api::routes().merge(statistics::api::routes());
            routes.merge(avatars::api::routes())
        },
        jobs: JOBS,
        periodic: PERIODIC,
        start: |parts| Box::pin(start(parts)),
    }
}

const JOBS: &[JobKind] = &[
    JobKind {
        name: statistics::service::RECONCILE,
        most_attempts: 3,
        run: |ctx, _| Box::pin(statistics::service::reconcile_job(ctx)),
    },
    JobKind {
        name: avatars::service::REMOVE,
        most_attempts: 10,
        run: |ctx, payload| Box::pin(avatars::service::remove_job(ctx, payload)),
    },
];

const PERIODIC: &[Periodic] = &[
    Periodic {
        name: "statistics.fold",
        every: Duration::from_secs(2),
        run: |ctx| Box::pin(statistics::service::fold(ctx)),
    },
    Periodic {
        name: "avatars.sweep",
        every: Duration::from_secs(24 * 3600),
        run: |ctx| Box::pin(avatars::service::sweep(ctx)),
    },
    Periodic {
        name: "statistics.reconcile",
        every: Duration::from_secs(24 * 3600),
        run: |ctx| Box::pin(statistics::service::schedule_reconcile(ctx)),
    },
];

async fn start(parts: &mut Parts) -> Result<()> {
    parts.keep(Arc::new(avatars::model::Studio::default()));
    parts.keep(Arc::new(ProfileHook {
        find: |tx, user| Box::pin(customers::service::profile::number_in(tx, user)),
        create: |ctx, tx, user, body| {
            Box::pin(customers::service::profile::create_for_in(ctx, tx, user, body))
        },
    }));
    Ok(())
}
