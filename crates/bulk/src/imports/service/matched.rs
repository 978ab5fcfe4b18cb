//! Whom the keys of a chunk mean.

use std::collections::HashMap;

use customers::customer::model::Members;
use customers::customer::model::{CustomerNumber, CustomerRef};
use customers::customer::service::rows::{self, Match, Named};
use database::{Ids, Texts};
use identity::users::model::PersonName;
use kernel::text::search_key;
use kernel::{Result, TextValue};
use platform::Tx;
use platform::access::Scope;
use uuid::Uuid;

use crate::imports::model::record::Key;
use crate::imports::model::same::{Comparison, is_another};

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
#[derive(Default)]
pub(super) struct Found {
    matched: HashMap<Key, Matched>,
    /// Those that are named by an id, for what else is known of them.
    named: HashMap<Uuid, Named>,
}

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
        let mut found = Found::default();
        if !(ids.0.is_empty() && numbers.0.is_empty()) {
            for named in rows::by_own_ids(tx, scope, ids, numbers).await? {
                let number = CustomerNumber::parse(&named.number).ok().map(CustomerRef::Number);
                for reference in number.into_iter().chain([CustomerRef::Id(named.id)]) {
                    found.matched.insert(Key::Customer(reference), Matched::One(named.id));
                }
                found.named.insert(named.id, named);
            }
        }
        if !externals.0.is_empty() {
            found.add(rows::by_external_ids(tx, scope, externals).await?, |id| Some(Key::External(id)));
        }
        if !emails.0.is_empty() {
            found.add(rows::by_emails(tx, scope, emails).await?, |email| Some(Key::Email(email)));
        }
        if !phones.0.is_empty() {
            found.add(rows::by_phones(tx, scope, phones).await?, |digits| Some(Key::Phone(digits)));
        }
        Ok(found)
    }

    fn add(&mut self, matches: Vec<Match>, key: impl Fn(String) -> Option<Key>) {
        for found in matches {
            let matched = if found.other.is_some() { Matched::Several } else { Matched::One(found.id) };
            if let Some(key) = key(found.key) {
                self.matched.insert(key, matched);
            }
        }
    }

    /// What the key means.
    pub(super) fn matched(&self, key: Option<&Key>) -> Option<Matched> {
        self.matched.get(key?).copied()
    }

    /// The customer that has this id.
    pub(super) fn named(&self, reference: CustomerRef) -> Option<&Named> {
        self.matched.get(&Key::Customer(reference)).and_then(Matched::one).and_then(|id| self.named.get(&id))
    }

    /// Everybody who was found.
    pub(super) fn customers(&self) -> impl Iterator<Item = Uuid> {
        self.matched.values().filter_map(Matched::one)
    }
}

/// Does a row with these keys mean somebody else?
pub(super) fn is_not(named: &Named, keys: &[Key]) -> bool {
    let told = |stored: &Option<String>, said: &String| match stored {
        None => Comparison::Nothing,
        Some(stored) if stored == said => Comparison::Same,
        Some(_) => Comparison::Other,
    };
    is_another(keys.iter().map(|key| match key {
        Key::External(id) => told(&named.external_id, id),
        Key::Email(email) => told(&named.email_key, email),
        Key::Phone(digits) => told(&named.phone_digits, digits),
        Key::Customer(_) => Comparison::Nothing,
    }))
}

/// Is somebody called otherwise, by both names?
pub(super) fn has_other_names(named: &Named, said: &Members) -> bool {
    let differs = |said: &Option<PersonName>, stored: &str| {
        said.as_ref().is_some_and(|name| search_key(name.as_str()) != search_key(stored))
    };
    differs(&said.first_name, &named.first_name) && differs(&said.last_name, &named.last_name)
}
