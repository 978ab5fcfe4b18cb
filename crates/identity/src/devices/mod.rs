//! Devices from which somebody has logged in: whoever guesses at an account from elsewhere does not make its owner wait.
//!
//! | file | holds |
//! |---|---|
//! | `store` | the statements on `login_device` |
//! | `service` | giving out a token at each login, knowing it again, forgetting it |

pub mod service;
mod store;
