//! What people do with their own account: registering, reading it, changing it.
//!
//! | file | holds |
//! |---|---|
//! | `service/register` | a user with a password, a session and, if it is asked for, a profile |
//! | `service/account` | reading and changing one's own |
//! | `api` | `/api/auth/register/`, `/api/auth/profile/` |

pub mod api;
mod service;
