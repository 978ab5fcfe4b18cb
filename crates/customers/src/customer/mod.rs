//! Customers: what the business knows about a user who buys from it.
//!
//! - [`model`]: values that cannot be wrong, and pure rules;
//! - `store`: every statement on `customer`, always with its user;
//! - [`service`]: the use cases; one function, one transaction;
//! - [`api`]: the routes under `/api/v1/customers`.

pub mod api;
pub mod model;
pub mod service;
mod store;
