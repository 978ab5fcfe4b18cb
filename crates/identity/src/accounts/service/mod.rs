//! Use cases of accounts; each has a file of its own.

pub mod account;
pub mod register;
