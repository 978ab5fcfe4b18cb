//! Passwords: what may be one (`password`), and how it is stored (`hash`).

mod hash;
mod password;

pub use hash::PasswordHash;
pub use password::{Password, PasswordRules, PersonalWords};
