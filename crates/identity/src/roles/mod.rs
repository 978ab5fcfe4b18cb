//! Roles are rows: code, name, reach, permissions (SPEC 3).
//!
//! | file | holds |
//! |---|---|
//! | `store` | the statements on `role` |
//! | `service` | what a role may do; who may grant it |

pub mod service;
mod store;
