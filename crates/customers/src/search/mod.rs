//! Finding customers, by filters or by words: one inverted index whose tokens are made here, the same on both databases (docs/search.md).
//!
//! - [`model`]: words, tokens, expressions, ranking; pure;
//! - `store`: the index, and what it is asked;
//! - [`service`]: finding, keeping the index in step, filling it;
//! - [`api`]: `POST /api/v1/customers/search`, and the list `GET /api/v1/customers`, whose `q=` is a search.

pub mod api;
pub mod model;
pub mod service;
mod store;
