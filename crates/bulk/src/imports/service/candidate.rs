//! A row on its way to its verdict: by what its customer is looked for.

use platform::ctx::Ctx;

use super::matched::{Found, has_other_names, is_not};
use super::own_id::{FreeId, OwnId, hash};
use crate::imports::model::options::{MatchKey, Spec};
use crate::imports::model::record::{Key, RowValues};

/// A row that means a customer and has no verdict yet.
pub(super) struct Candidate {
    /// Its place in the chunk.
    pub at: usize,
    pub row: i64,
    pub said: RowValues,
    /// By what it is looked for: first all that may decide, then the one that does.
    pub keys: Vec<Key>,
    /// The hash of the one, those of everything else that tells it from others, and of what no two customers can have.
    pub sought: Option<String>,
    pub own: Vec<String>,
    pub unique: Vec<(String, &'static str)>,
    pub id: OwnId,
}

impl Candidate {
    pub(super) fn new(ctx: &Ctx, spec: &Spec, at: usize, row: i64, said: RowValues) -> Candidate {
        let hash = |key: &Key| hash(ctx, &key.text());
        let keys = said.keys(spec.match_by);
        let own = said.own_keys();
        let unique = own.iter().filter_map(|key| match key {
            Key::External(_) => Some((hash(key), "external_id")),
            Key::Email(_) => Some((hash(key), "email")),
            Key::Customer(_) | Key::Phone(_) => None,
        });
        let unique = unique.collect();
        let own = own.iter().map(hash).collect();
        Candidate { at, row, said, keys, sought: None, own, unique, id: OwnId::Fits }
    }

    /// Decides by which key it is looked for. The id counts unless it is somebody else's or nobody's; who is named by it
    /// may have the telephone of somebody else in the file.
    pub(super) fn choose_key(&mut self, ctx: &Ctx, spec: &Spec, found: &Found) {
        let demanded = spec.match_by.is_some();
        if let Some(reference) =
            self.said.customer.filter(|_| spec.match_by.is_none_or(|by| by == MatchKey::CustomerId))
        {
            let own = self.said.own_keys();
            match found.named(reference) {
                Some(named)
                    if is_not(named, &own) && (!demanded || has_other_names(named, &self.said.members)) =>
                {
                    self.id = OwnId::OfAnother;
                }
                Some(_) => self.keys.truncate(1),
                None => self.id = OwnId::Free(FreeId::of(ctx, reference, &own)),
            }
            if self.keys.len() > 1 {
                self.keys.remove(0);
            }
        }
        self.sought = self.key().map(|key| hash(ctx, &key.text()));
    }

    /// The key that decides whom it means.
    pub(super) fn key(&self) -> Option<&Key> {
        self.keys.first()
    }

    /// What it claims for itself in the report, which is there in every row that means the same.
    pub(super) fn claim(&self) -> Option<Vec<u8>> {
        data_encoding::HEXLOWER.decode(self.sought.as_ref()?.as_bytes()).ok()
    }

    /// Everything that a dry run remembers of it.
    pub(super) fn facts(&self) -> impl Iterator<Item = &String> {
        let of_id = match &self.id {
            OwnId::Free(free) => Some(free.facts()),
            OwnId::Fits | OwnId::OfAnother => None,
        };
        self.own.iter().chain(&self.sought).chain(of_id.into_iter().flatten())
    }
}
