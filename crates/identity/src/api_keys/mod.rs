//! API keys: for programs. Shown once, stored as a hash, narrowed by scopes, dead with their creator.
//!
//! | file | holds |
//! |---|---|
//! | `store` | the statements on `api_key` |
//! | `service` | making, revoking, and who is behind one |

pub mod service;
mod store;
