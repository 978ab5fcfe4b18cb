//! Customers: what the business knows about a user who buys from it.
//!
//! - [`model`]: values that cannot be wrong, and pure rules.

pub mod model;
