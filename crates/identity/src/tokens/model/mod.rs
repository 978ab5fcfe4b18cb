//! Tokens as rules without a clock or a database.
//!
//! - `access`: the claims of an access token, and the verifier that no forgery passes;
//! - `keys`: the key pairs that sign, their public halves as JSON Web Keys.

mod access;
#[cfg(test)]
mod access_tests;
mod keys;

pub use access::{Claims, MAX_TOKEN_BYTES, Verifier};
pub use keys::{PublicJwk, PublicKey, SigningAlgorithm, SigningKey};
