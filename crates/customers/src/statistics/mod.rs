//! Figures about the customers, exact at any size, because every change carries its own difference (DOMAIN 7).
//!
//! - [`model`]: what one customer contributes to which counter, and what the figures are made of;
//! - `store`: the counters (SQLite adds at once; PostgreSQL appends differences, which a housekeeping task folds);
//! - [`service`]: writing differences, reading the overview, comparing with a full count;
//! - [`api`]: `GET /api/v1/customers/stats` and its other spelling.

pub mod api;
pub mod model;
pub mod service;
mod store;
