//! Every kind of work. A new one is added here.

use super::model::Kind;
use crate::customers::service::bulk;
use crate::imports::service as imports;

/// All of them.
pub(super) const KINDS: &[Kind] = &[bulk::KIND, imports::KIND];

/// The kind of this name; `None` for one of a newer release.
pub(super) fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
