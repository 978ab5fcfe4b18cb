//! What happened: readers of the event log. It reads events and imports no feature's use cases.
//!
//! | module | holds |
//! |---|---|
//! | [`events`] | the feed `GET /api/v1/events` |

pub mod events;

use kernel::app::{Feature, nothing_to_start};

/// The crate as the assembly sees it. It is served beside the customers, under the same base path.
pub fn feature() -> Feature {
    Feature {
        name: "operations",
        service: "customers",
        routes: events::routes,
        jobs: &[],
        periodic: &[],
        start: nothing_to_start,
    }
}
