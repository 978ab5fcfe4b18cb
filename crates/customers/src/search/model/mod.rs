//! Pure rules of searching: no SQL, no request.
//!
//! | file | holds |
//! |---|---|
//! | [`words`] | where a word ends |
//! | [`tokens`] | what the index holds of a customer |
//! | [`expr`] | what it is asked, for both engines |
//! | [`expansions`] | which tokens there are, so that less is asked |
//! | [`query`] | what somebody typed, tier by tier |
//! | [`rank`] | looking at candidates |

pub mod expansions;
pub mod expr;
pub mod query;
pub mod rank;
pub mod tokens;
pub mod words;
