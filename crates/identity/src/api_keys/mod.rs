//! API keys: for programs. Shown once, stored as a hash, narrowed by scopes, dead with whoever made them.
//!
//! | file | holds |
//! |---|---|
//! | `model` | whether a key still holds, and for what |
//! | `store` | the statements on `api_key` |
//! | `service` | making, listing, renaming and revoking |
//! | `caller` | who is behind a key that is presented |
//! | `first` | the key that a container is started with |
//! | `api` | `/api/v1/api-keys` |

pub mod api;
pub(crate) mod caller;
pub mod first;
pub mod model;
pub mod service;
mod store;
