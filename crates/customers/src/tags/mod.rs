//! Tags as rows, so that a whole tag is found and not a part of one. The customer also keeps them as one text.

pub mod api;
pub mod model;
pub mod service;
mod store;
