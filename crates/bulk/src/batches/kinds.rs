//! Every kind of work that some feature registered.

use super::model::Kind;

/// All of them, by their names.
pub(super) fn all() -> Vec<&'static Kind> {
    let mut kinds: Vec<&Kind> = inventory::iter::<Kind>().collect();
    kinds.sort_by_key(|kind| kind.name);
    kinds
}

/// The kind of this name; `None` for one of a newer release.
pub(super) fn find(name: &str) -> Option<&'static Kind> {
    inventory::iter::<Kind>().find(|kind| kind.name == name)
}
