//! Users: the one home of names, addresses, phones and user names.
//!
//! | file | holds |
//! |---|---|
//! | `model` | values that cannot hold an invalid one |
//! | `store` | the statements on `user_account` |
//! | `service` | finding, changing, erasing |
//! | `legacy` | users of the first version of the services |
//! | `create` | new users, one or many at once |
//! | `register` | a user with a password and a session |
//! | `account` | what somebody does with their own |
//! | `api` | `/api/auth/register/`, `/api/auth/profile/` |

pub(crate) mod account;
pub mod api;
mod create;
pub mod legacy;
pub mod model;
pub(crate) mod register;
pub mod service;
mod store;
