//! Links sent by mail: proving an address (`verify`) and claiming an account that staff typed in (`claim`).
//!
//! | file | holds |
//! |---|---|
//! | `store` | the statements on `mail_token` |
//! | `service` | asking for a link, consuming it |
//! | `jobs` | sending the mail |
//! | `api` | `/api/auth/email/verify/` |
//! | `pages` | where the links lead; the assembly serves pages there |

pub mod api;
pub mod jobs;
pub mod pages;
pub mod service;
mod store;
