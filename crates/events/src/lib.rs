//! What happened: the event feed, in the order of its commits, for programs that keep up with it. It reads events and
//! imports no feature's use cases.
//!
//! A reader asks for what came `after` the last number that it has seen, and is given the number to ask with next.
//! It skips nothing: on PostgreSQL numbers become visible out of order, so the feed stops before the oldest
//! transaction that is still running ([`platform::event::horizon`]).
//!
//! | file | holds |
//! |---|---|
//! | `model` | the query of the feed, checked |
//! | `store` | the statements on `event` and `event_change` |
//! | `service` | who sees what |
//! | `api` | `GET /api/v1/events` |

pub mod api;
pub mod model;
pub mod service;
mod store;

use platform::app::Feature;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The crate as the assembly sees it. It is served beside the customers, under the same base path.
pub fn feature() -> Feature {
    Feature {
        name: "events",
        service: "customers",
        routes: || OpenApiRouter::new().routes(routes!(api::feed)),
        jobs: &[],
        periodic: &[],
        start: None,
        authenticate: None,
    }
}
