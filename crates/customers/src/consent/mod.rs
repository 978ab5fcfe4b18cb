//! What customers allowed, append-only. `customer.marketing_*` is the current state of this ledger.

pub mod service;
mod store;
