//! Sessions: login, refresh with rotation and reuse detection, logout.
//!
//! | file | holds |
//! |---|---|
//! | `store` | the statements on `session` and `refresh_token` |
//! | `login` | who logs in, and what an attempt costs |
//! | `failed_logins` | how often somebody may try |
//! | `service` | opening, refreshing, revoking |
//! | `unproven` | taking back what was set up on an address of somebody else |
//! | `api` | `/api/auth/login/`, `token/…`, `logout/`, `sessions/` |

pub mod api;
pub(crate) mod failed_logins;
pub(crate) mod login;
pub mod service;
mod store;
pub mod unproven;
