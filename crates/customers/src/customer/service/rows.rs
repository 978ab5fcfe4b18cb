//! Reading customers in the caller's transaction, within a scope: what the lists of other features, their searches and
//! their work on many are made of. The statements stand in the store.

pub use super::super::store::list::{
    EXPORTED, SEARCHABLE, SPEC, TAGGED, all_of, beside_comparisons, conditions, count_of, count_up_to,
    is_quick, page, page_of, page_to_export,
};
pub use super::super::store::many::{IDS_AT_ONCE, by_ids, count, ids, ids_of_numbers};
pub use super::super::store::matching::{Match, Named, by_emails, by_external_ids, by_own_ids, by_phones};
pub(crate) use super::super::store::page_for_counting;
pub use super::super::store::{find, find_many};
