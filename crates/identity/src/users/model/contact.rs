//! What a user has of an address and of a phone: what was typed, with what was made of it then. Nobody makes it anew from
//! what is stored, where a later release may read otherwise, and nobody sets the one without the other.

use database::row;

use super::{Email, Phone};

row! {
    /// The e-mail address of a user, if there is one.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct UserEmail in "u" {
        email: Option<String>,
        email_key: Option<String>,
    } writes
}

row! {
    /// The phone of a user, if there is one.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct UserPhone in "u" {
        phone: Option<String>,
        phone_digits: Option<String>,
        phone_e164: Option<String>,
    } writes
}

impl UserEmail {
    /// An address that is stored elsewhere with the key that was made of it.
    pub fn stored(typed: String, key: String) -> UserEmail {
        UserEmail { email: Some(typed), email_key: Some(key) }
    }

    /// As it was typed.
    pub fn as_str(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// The same.
    pub fn into_string(self) -> Option<String> {
        self.email
    }

    /// What it is unique by.
    pub fn key(&self) -> Option<&str> {
        self.email_key.as_deref()
    }

    /// Is there one?
    pub fn is_some(&self) -> bool {
        self.email.is_some()
    }
}

impl From<Option<&Email>> for UserEmail {
    fn from(email: Option<&Email>) -> UserEmail {
        email.map_or_else(UserEmail::default, |email| {
            UserEmail::stored(email.as_str().to_owned(), email.key().to_owned())
        })
    }
}

impl UserPhone {
    /// A phone that was just typed, with its form in E.164 where it is valid.
    pub fn new(phone: &Phone, e164: Option<String>) -> UserPhone {
        UserPhone {
            phone: Some(phone.as_str().to_owned()),
            phone_digits: Some(phone.digits().to_owned()),
            phone_e164: e164,
        }
    }

    /// As it was typed.
    pub fn as_str(&self) -> Option<&str> {
        self.phone.as_deref()
    }

    /// The same.
    pub fn into_string(self) -> Option<String> {
        self.phone
    }

    /// What it is looked for by.
    pub fn digits(&self) -> Option<&str> {
        self.phone_digits.as_deref()
    }

    /// E.164, where it was valid.
    pub fn e164(&self) -> Option<&str> {
        self.phone_e164.as_deref()
    }

    /// Is there one?
    pub fn is_some(&self) -> bool {
        self.phone.is_some()
    }
}
