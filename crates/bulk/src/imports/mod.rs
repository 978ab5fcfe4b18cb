//! Importing customers from files: CSV as spreadsheets and other programs write it, and NDJSON with the members of the
//! API. The file is stored, looked at, and worked on as a job ([`crate::batches`]), chunk by chunk.
//!
//! - [`model`]: reading files, without a database;
//! - `store`: what a dry run has to remember;
//! - [`service`]: taking a file, the job, and taking it back;
//! - [`api`]: `POST /api/v1/customers/import`.

pub mod api;
pub mod model;
pub mod service;
mod store;
