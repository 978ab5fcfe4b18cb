//! Users: the one home of names, addresses, phones and user names.
//!
//! | file | holds |
//! |---|---|
//! | `model` | values that cannot hold an invalid one |
//! | `store` | the statements on `user_account` |
//! | `service` | finding, changing, erasing |
//! | `legacy` | users of the first version of the services |
//! | `create` | new users, one or many at once |
//! | `followers` | what other features keep of a user, contributed by them |
//! | `api` | a user as it is shown |

pub mod api;
mod create;
pub mod followers;
pub mod legacy;
pub mod model;
pub mod service;
mod store;
