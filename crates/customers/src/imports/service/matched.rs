//! Whom the keys of a chunk mean.

use std::collections::HashMap;

use kernel::access::Scope;
use kernel::db::{Ids, Texts, Tx};
use kernel::{Result, TextValue};
use uuid::Uuid;

use crate::customers::model::{CustomerNumber, CustomerRef};
use crate::customers::store::matching::{self, Match};
use crate::imports::model::record::Key;

/// What a key comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matched {
    /// One customer.
    One(Uuid),
    /// Several, so nobody.
    Several,
}

impl Matched {
    /// The customer.
    pub(super) fn one(&self) -> Option<Uuid> {
        match self {
            Matched::One(id) => Some(*id),
            Matched::Several => None,
        }
    }
}

/// The customers within the scope that some keys mean.
pub(super) struct Found(HashMap<Key, Matched>);

impl Found {
    /// Looks all keys up, each kind in one statement.
    pub(super) async fn of(tx: &mut Tx, scope: &Scope, keys: impl Iterator<Item = &Key>) -> Result<Found> {
        let (mut ids, mut numbers, mut externals, mut emails, mut phones) =
            (Ids::default(), Texts::default(), Texts::default(), Texts::default(), Texts::default());
        for key in keys {
            match key {
                Key::Customer(CustomerRef::Id(id)) => ids.0.push(*id),
                Key::Customer(CustomerRef::Number(number)) => numbers.0.push(number.to_string()),
                Key::External(id) => externals.0.push(id.clone()),
                Key::Email(email) => emails.0.push(email.clone()),
                Key::Phone(digits) => phones.0.push(digits.clone()),
            }
        }
        let mut found = Found(HashMap::new());
        if !ids.0.is_empty() {
            for id in matching::existing(tx, scope, ids).await? {
                found.0.insert(Key::Customer(CustomerRef::Id(id)), Matched::One(id));
            }
        }
        if !numbers.0.is_empty() {
            let number = |text: String| {
                CustomerNumber::parse(&text).ok().map(|n| Key::Customer(CustomerRef::Number(n)))
            };
            found.add(matching::by_numbers(tx, scope, numbers).await?, number);
        }
        if !externals.0.is_empty() {
            found.add(matching::by_external_ids(tx, scope, externals).await?, |id| Some(Key::External(id)));
        }
        if !emails.0.is_empty() {
            found.add(matching::by_emails(tx, scope, emails).await?, |email| Some(Key::Email(email)));
        }
        if !phones.0.is_empty() {
            found.add(matching::by_phones(tx, scope, phones).await?, |digits| Some(Key::Phone(digits)));
        }
        Ok(found)
    }

    fn add(&mut self, matches: Vec<Match>, key: impl Fn(String) -> Option<Key>) {
        for found in matches {
            let matched = if found.other.is_some() { Matched::Several } else { Matched::One(found.id) };
            if let Some(key) = key(found.key) {
                self.0.insert(key, matched);
            }
        }
    }

    /// What the first of these keys that means somebody means.
    pub(super) fn matched(&self, keys: &[Key]) -> Option<Matched> {
        keys.iter().find_map(|key| self.0.get(key)).copied()
    }

    /// How many of these keys it takes to know whom they mean.
    pub(super) fn deciding(&self, keys: &[Key]) -> usize {
        keys.iter().position(|key| self.0.contains_key(key)).map_or(keys.len(), |at| at + 1)
    }

    /// Everybody who was found.
    pub(super) fn customers(&self) -> impl Iterator<Item = Uuid> {
        self.0.values().filter_map(Matched::one)
    }
}
