//! What a caller carries: access tokens that no forgery passes, their keys, refresh tokens, API keys.
//!
//! | file | holds |
//! |---|---|
//! | `model` | the tokens themselves; pure, no clock, no database |
//! | `store` | the statements on `signing_key`, and who is behind a session |
//! | `service` | keys in memory, the cache of verified tokens, revocation |
//! | `behalf` | who somebody is now that asked for something earlier |
//! | `api` | `/.well-known/jwks.json` |

pub mod api;
pub mod behalf;
pub mod model;
pub mod service;
mod store;
