//! What every feature shares, without business words: the values (errors, time, ids, text), and the HTTP conventions that read
//! and write them.
//!
//! | module | holds |
//! |---|---|
//! | [`error`] | the one error type: what went wrong, and what the caller can do about it |
//! | [`clock`], [`date`] | instants, calendar dates, and the clock that tests set |
//! | [`id`] | UUIDs and public ids, and the randomness that they are made of |
//! | [`text`] | cleaned text fields, and the key that comparing and searching use |
//! | [`value`] | types that cannot hold an invalid value: parse, don't validate |
//! | [`web`] | the HTTP conventions: bodies, lists, replies, errors, sockets, documentation |

pub mod clock;
pub mod date;
pub mod error;
pub mod id;
pub mod text;
pub mod value;
pub mod web;

pub use date::Date;
pub use error::{Error, FieldError, Kind, Result};
pub use value::{TextValue, ValueError};
