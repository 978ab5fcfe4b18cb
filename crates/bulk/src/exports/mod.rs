//! Customers in a file: CSV for spreadsheets and imports, NDJSON for programs.
//!
//! - [`model`]: formats, columns, how a cell is written so that no spreadsheet runs it;
//! - [`service`]: reading page after page, with no connection held in between;
//! - [`api`]: `GET /api/v1/customers/export`, streamed.
//!
//! The statement stands with the others on `customer` in its store; `regulars export` is in the crate `server`.

pub mod api;
pub mod model;
pub mod service;
