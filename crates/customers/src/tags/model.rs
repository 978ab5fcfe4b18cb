//! What somebody asks for by tags.

use uuid::Uuid;

/// The customers that somebody asks for, by tags that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tagged {
    /// With at least one of these, the most used first.
    Any(Vec<Uuid>),
    /// With all of these, the rarest first.
    All(Vec<Uuid>),
}
