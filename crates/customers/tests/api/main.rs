//! The routes of customers through the real router, on both engines. Tests are named after the rows of the table of
//! endpoints and promises.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod avatars;
mod bulk;
mod change;
mod common;
mod create;
mod derived;
mod differential;
mod erase;
mod exports;
mod fields;
mod forgotten;
mod import;
mod import_ids;
mod import_runs;
mod isolation;
mod jobs;
mod lists;
mod lookup;
mod many;
mod migration;
mod places;
mod profile;
mod round_trip;
mod samples;
mod search;
mod search_index;
mod statistics;
mod status;
mod streams;
mod tags;
