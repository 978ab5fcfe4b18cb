//! Reading customers from a file, without a database.
//!
//! - `encoding`: bytes become text, and a place in the text stays a place in the file;
//! - `survey`: what a look at the bytes tells: encoding, delimiter, size;
//! - `split`: rows, in bounded memory whatever the file is;
//! - `columns`: which column is which member;
//! - `values`: the text of a cell as a value of the API;
//! - `record`: a row as what it says about a customer;
//! - `same`: whether a row that has a customer's id means that customer;
//! - `options`: what can be said about an import, and what its job remembers.

pub mod columns;
mod encoding;
pub mod options;
pub mod record;
pub mod same;
mod split;
mod survey;
mod values;

pub use encoding::Encoding;
pub use survey::{Packing, Survey};
pub use values::DateOrder;
