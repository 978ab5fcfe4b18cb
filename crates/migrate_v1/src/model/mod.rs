//! The old data and what becomes of it, without a database.
//!
//! - [`address`], `places`: one text becomes the parts of an address;
//! - [`record`]: an old customer or user, whatever its columns are called;
//! - [`report`]: what was done with each record.

pub mod address;
mod places;
pub mod record;
pub mod report;
