//! The body of a route that needs none.

use super::body::{Body, Fields, Input};

/// Nothing to say: a body is optional, and empty if there is one.
pub struct Nothing;

impl Input for Nothing {
    const NAME: &'static str = "Nothing";
    const EMPTY_OK: bool = true;
    fn read(f: &mut Fields<'_>) -> Option<Nothing> {
        f.build(|| Nothing)
    }
}

/// Body of routes that need none.
pub type NothingBody = Body<Nothing>;
