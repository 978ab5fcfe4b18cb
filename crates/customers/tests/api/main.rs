//! The routes of customers through the real router, on both engines. Tests are named after the rows of the table of
//! endpoints and promises.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod avatars;
mod change;
mod common;
mod create;
mod erase;
mod fields;
mod isolation;
mod lists;
mod lookup;
mod many;
mod places;
mod profile;
mod search;
mod search_index;
mod statistics;
mod status;
mod tags;
