//! Links sent by mail: proving an address (`verify`) and claiming an account that staff typed in (`claim`).
//!
//! | file | holds |
//! |---|---|
//! | `store` | the statements on `mail_token` |
//! | `service` | asking for a link, consuming it |
//! | `jobs` | sending the mail |
//! | `api` | `/api/auth/email/verify/` |

pub mod api;
pub mod jobs;
pub mod service;
mod store;
