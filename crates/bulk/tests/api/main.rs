//! Work on many customers through the real router, on both engines. Tests are named after the rows of the table of
//! endpoints and promises.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod bulk;
mod common;
mod derived;
mod differential;
mod exports;
mod forgotten;
mod import;
mod import_ids;
mod import_runs;
mod jobs;
mod round_trip;
mod samples;
mod streams;
