//! Who the customers are: the profile of a user.
//!
//! | module | holds |
//! |---|---|
//! | [`avatars`] | pictures of customers |
//! | [`customer`] | the profile: one customer under `/api/v1/customers/{ref}` |
//! | [`tags`] | tags as rows, and lists by them |
//! | [`places`] | lists by place, and the places there are |
//! | [`consent`] | the ledger behind `marketing_*` |
//! | [`search`] | finding customers: lists, the index and what it is asked |
//! | [`statistics`] | exact figures without counting |
//!
//! `customer` stands at the bottom beside `consent`; `statistics`, `tags`, `search`, `places` and `avatars` stand on it,
//! in this order. What of theirs follows a change of a customer, or is forgotten with it, is listed here (decision 22).

pub mod avatars;
pub mod consent;
pub mod customer;
pub mod places;
pub mod search;
pub mod statistics;
pub mod tags;

use std::time::Duration;

use identity::ProfileHook;
use platform::app::Feature;
use platform::jobs::{JobKind, Periodic};

use customer::service::projections::{Erasure, Projection, Projections};

/// The feature, for the assembly.
pub fn feature() -> Feature {
    Feature {
        name: "customers",
        service: "customers",
        routes: || {
            customer::api::routes()
                .merge(statistics::api::routes())
                .merge(tags::api::routes())
                .merge(places::api::routes())
                .merge(avatars::api::routes())
                .merge(search::api::routes())
        },
        jobs: JOBS,
        periodic: PERIODIC,
        start: None,
        authenticate: None,
    }
}

const JOBS: &[JobKind] = &[JobKind::new(avatars::service::REMOVE, |ctx, payload| {
    Box::pin(avatars::service::remove_job(ctx, payload))
})];

const PERIODIC: &[Periodic] = &[
    Periodic::new("customers.keys", Duration::from_secs(60), |ctx, _| {
        Box::pin(customer::service::keys::fill(ctx))
    })
    .when(|ctx| Box::pin(customer::service::keys::is_unfilled(ctx))),
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
];

/// What follows from the rows of customers, in this order.
const PROJECTIONS: &[Projection] = &[
    Projection {
        // A new tag is waited for before a customer is locked.
        locks_shared_rows: true,
        follow: |ctx, tx, changes| Box::pin(tags::service::follow_in(ctx, tx, changes)),
        service_counted: None,
    },
    Projection {
        locks_shared_rows: false,
        follow: |ctx, tx, changes| Box::pin(statistics::service::follow_in(ctx, tx, changes)),
        service_counted: Some(|tx, row| Box::pin(statistics::service::service_counted_in(tx, row.company))),
    },
    Projection {
        locks_shared_rows: false,
        follow: |_, tx, changes| Box::pin(search::service::index::follow_in(tx, changes)),
        service_counted: None,
    },
];

inventory::submit! { Projections(PROJECTIONS) }

inventory::submit! { Erasure(|ctx, tx, row| Box::pin(avatars::service::erase_in(ctx, tx, row))) }
inventory::submit! { Erasure(|_, tx, row| Box::pin(consent::service::erase_in(tx, row.id))) }

inventory::submit! {
    ProfileHook {
        find: |tx, user| Box::pin(customer::service::profile::number_in(tx, user)),
        create: |ctx, tx, user, body| {
            Box::pin(customer::service::profile::create_for_in(ctx, tx, user, body))
        },
        changed: |tx, before, after| Box::pin(search::service::index::user_changed_in(tx, before, after)),
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);
