//! Who the customers are: the profile of a user.
//!
//! | module | holds |
//! |---|---|
//! | [`customers`] | the profile: numbers, address, tags, metadata |

pub mod customers;
