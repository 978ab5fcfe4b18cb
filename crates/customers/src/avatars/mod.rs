//! Pictures of customers.
//!
//! - [`model`]: any image that somebody sends becomes three small ones, without what else was in the file;
//! - [`service`]: replacing and removing; files are written before the row that names them, and removed by a job after it;
//! - [`api`]: `/api/v1/customers/{ref}/avatar`, and the files for everybody who knows their names.

pub mod api;
pub mod model;
pub mod service;
