//! The promises of the database layer, on both engines. `docs/database.md` says which file proves what.
//!
//! One program instead of one per file: linking is what takes the time. Tests marked `#[ignore]` are child
//! processes, which other tests start, stop and kill.

#![expect(clippy::unwrap_used, reason = "the whole program is tests, their helpers included")]

mod common;

mod basics;
mod child;
mod cut;
mod errors;
mod events;
mod group_commit;
mod jobs;
mod locks;
mod many;
mod processes;
mod reads;
mod records;
mod restart;
mod start;
mod tls;
mod transactions;
mod values;
