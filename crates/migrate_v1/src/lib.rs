//! The customers of the first version of the services (`regulars migrate-v1`): a number for the user, the address in one
//! text, names, e-mail and phone in the customer.
//!
//! - [`model`]: reading addresses and records, and what is reported of each;
//! - [`read`]: files in every format that they were exported to;
//! - [`service`]: writing them, in batches that can be repeated, and taking that back;
//! - `store`: the few statements that no other feature has.

pub mod model;
pub mod read;
pub mod service;
mod store;
