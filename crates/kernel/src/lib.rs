//! What every feature stands on, and no business words.
//!
//! | module | holds |
//! |---|---|
//! | [`db`] | two databases behind one `Tx`; `sql!`, `row!`, migrations, filters |
//! | [`web`] | the HTTP conventions: bodies, lists, errors, tags, idempotency, documentation |
//! | [`ctx`] | what a use case receives: caller, clock, ids, randomness, database |
//! | [`access`] | permissions, roles' reach, and the `Scope` that every store function demands |
//! | [`text`] | cleaned text fields, and the key that comparing and searching use |
//! | [`event`] | the append-only log, written in the transaction of the change |
//! | [`jobs`] | durable jobs, enqueued in the caller's transaction |
//! | [`config`], [`crypto`], [`log`], [`storage`], [`mail`], [`outbound`] | the outside world |
//! | [`test`] | a fresh database on both engines, and a client for the real router |

pub mod access;
pub mod app;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod ctx;
pub mod db;
pub mod error;
pub mod event;
pub mod id;
pub mod idempotency;
pub mod jobs;
pub mod log;
mod log_buffer;
mod log_text;
pub mod mail;
pub mod outbound;
pub mod storage;
pub mod test;
pub mod text;
pub mod value;
pub mod web;

pub use error::{Error, Fault, Kind, Result};
pub use value::{Flaw, TextValue};
