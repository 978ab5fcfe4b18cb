//! Who is calling: users, their credentials, sessions and tokens.
//!
//! | module | holds |
//! |---|---|
//! | [`users`] | the one home of names, addresses, phones and user names |
//! | [`credentials`] | password rules and the bounded pool that hashes |
//! | [`tokens`] | access tokens and their keys, refresh tokens, API keys |

pub mod credentials;
pub mod tokens;
pub mod users;
