//! What proves that somebody is who they say.
//!
//! - [`model`]: the password rules and stored hashes;
//! - [`hasher`]: the bounded pool in which passwords are hashed.

pub mod hasher;
pub mod model;
pub mod service;
mod store;
