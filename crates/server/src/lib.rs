//! The product put together: which features there are, what a process is made of, and the command line.
//!
//! | module | holds |
//! |---|---|
//! | [`app`] | the one list of features; a process from a configuration; the router |
//! | [`startup`] | the database at the start: is it there, is it ours, is it whole, is it up to date |
//! | [`master_key`] | which master key belongs to the database |
//! | [`health`] | `/health`, `/livez`, `/readyz` |
//! | [`metrics`] | `/metrics` |
//! | [`pages`] | the few pages for people: `/`, the links in mails, the documents |
//! | `first_steps` | what a new installation still lacks |
//! | `consul` | registration with a Consul agent |
//! | [`cli`] | one file per command |

pub mod app;
mod bootstrap;
pub mod cli;
mod consul;
mod first_steps;
pub mod health;
pub mod master_key;
pub mod metrics;
pub mod pages;
pub mod startup;
mod store;
