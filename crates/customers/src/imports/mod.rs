//! Importing customers from files.

pub mod model;
