//! Users: the one home of identity. A customer is the profile of one user.
//!
//! - [`model`]: values that cannot be wrong (e-mail, phone, names) and how user names are made.

pub mod model;
