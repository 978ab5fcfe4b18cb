//! What a feature stands on beside the database and the web conventions, without business words.
//!
//! | module | holds |
//! |---|---|
//! | [`ctx`] | what a use case receives: caller, clock, ids, randomness, database |
//! | [`tx`] | its transaction |
//! | [`access`] | permissions, roles' reach, and the `Scope` that a store function demands |
//! | [`app`] | the process, and the features that it is assembled from |
//! | [`http`] | who is calling, `Idempotency-Key`, limits, uploads |
//! | [`event`] | the append-only log, written in the transaction of the change |
//! | [`jobs`] | durable jobs, enqueued in the caller's transaction |
//! | [`schema`] | the migrations of a process, and what follows them |
//! | [`config`], [`crypto`], [`log`], [`storage`], [`mail`], [`outbound`] | the outside world |
//! | [`test`](mod@test) | a fresh database on both engines, and a client for the real router |

pub mod access;
pub mod advice;
pub mod app;
pub mod config;
pub mod crypto;
pub mod ctx;
pub mod event;
pub mod http;
pub mod idempotency;
pub mod jobs;
pub mod log;
mod log_buffer;
mod log_text;
pub mod mail;
pub mod outbound;
pub mod schema;
pub mod storage;
pub mod test;
pub mod tx;

pub use ctx::Ctx;
pub use tx::Tx;
