//! The same change of many customers: of up to 1000 by their ids at once, or of all that a filter finds, as a job.
//!
//! - [`model`]: what they get;
//! - [`service`]: changing by ids, asking for the job, and what it does;
//! - [`api`]: `POST /api/v1/customers/bulk-update`.

pub mod api;
pub mod model;
pub mod service;
