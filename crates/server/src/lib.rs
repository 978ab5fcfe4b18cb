//! The product put together: which features there are, what a process is made of, and the command line.
//!
//! | module | holds |
//! |---|---|
//! | [`app`] | the one list of features; a process from a configuration; the router |
//! | [`master_key`] | which master key belongs to the database |
//! | [`health`] | `/health`, `/livez`, `/readyz` |
//! | [`figures`] | `/metrics` |
//! | `consul` | registration with a Consul agent |
//! | [`cli`] | one file per command |

pub mod app;
pub mod cli;
mod consul;
pub mod figures;
pub mod health;
pub mod master_key;
mod store;
