//! The schema of this build, for both engines: `migrations/NNNN_name/{sqlite,postgres}.sql`. A crate of its own, so that a new
//! migration rebuilds nothing but the program that has it inside; tests read the directory.

use std::borrow::Cow;

use database::Migration;

/// Every migration of this build, in order.
pub const MIGRATIONS: &[Migration] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_has_what_the_directory_has() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
        assert_eq!(Migration::of_directory(directory.as_ref()).unwrap(), MIGRATIONS);
    }
}
