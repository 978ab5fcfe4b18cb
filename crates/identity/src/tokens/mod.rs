//! What a caller sends to be recognised.
//!
//! - [`model`]: access tokens with their keys, refresh tokens, API keys.

pub mod model;
