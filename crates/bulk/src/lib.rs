//! Many customers at once, with the public services of the crate `customers`.
//!
//! | module | holds |
//! |---|---|
//! | [`batches`] | long work that somebody asked for: `/api/v1/jobs` |
//! | [`updates`] | the same change of many customers |
//! | [`imports`] | customers from files |
//! | [`exports`] | customers in a file |
//! | [`cells`] | cells of CSV files |
//!
//! `batches` knows neither of its kinds of work: each is registered below, as is what an erased customer leaves behind.

pub mod batches;
pub mod cells;
pub mod exports;
pub mod imports;
pub mod updates;

use std::time::Duration;

use customers::customer::service::projections::Erasure;
use platform::app::Feature;
use platform::jobs::Periodic;

/// The feature, for the assembly. It is served beside the customers, under the same base path.
pub fn feature() -> Feature {
    Feature {
        name: "bulk",
        service: "customers",
        routes: || {
            batches::api::routes()
                .merge(updates::api::routes())
                .merge(exports::api::routes())
                .merge(imports::api::routes())
        },
        jobs: &[batches::jobs::RUN_KIND],
        periodic: PERIODIC,
        start: None,
        authenticate: None,
    }
}

const PERIODIC: &[Periodic] = &[
    Periodic::new("batches.revive", Duration::from_secs(600), |ctx, _| Box::pin(batches::jobs::revive(ctx))),
    Periodic::new("imports.sweep", Duration::from_secs(3600), |ctx, _| {
        Box::pin(imports::service::sweep(ctx))
    }),
    Periodic::new("batches.purge", Duration::from_secs(3600), |ctx, _| Box::pin(batches::jobs::purge(ctx))),
];

inventory::submit! { updates::service::KIND }
inventory::submit! { imports::service::KIND }

inventory::submit! { Erasure(|_, tx, row| Box::pin(batches::service::erase_in(tx, row.id))) }
inventory::submit! { Erasure(|ctx, tx, row| Box::pin(imports::service::erase_in(ctx, tx, row))) }
