use std::fmt;

use kernel::{Error, TextValue, ValueError};
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// The public number of a user, `USER-` and at least eight digits, from `USER-10000000`. Read in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UniqueId(i64);

impl UniqueId {
    /// The number of the first user.
    pub const FIRST: i64 = 10_000_000;

    /// The id with this number; `None` below [`UniqueId::FIRST`].
    pub fn from_number(number: i64) -> Option<UniqueId> {
        (number >= Self::FIRST).then_some(UniqueId(number))
    }

    /// The number without its prefix.
    pub fn number(self) -> i64 {
        self.0
    }
}

impl TextValue for UniqueId {
    /// The prefix and the nineteen digits of the largest number.
    const MAX_CHARS: usize = 24;

    fn parse(text: &str) -> Result<UniqueId, ValueError> {
        let wrong = || {
            ValueError::new(
                "invalid_unique_id",
                "must be USER- and at least eight digits, such as USER-10000000",
            )
        };
        let text = text.trim();
        let (prefix, digits) = text.split_at_checked(5).ok_or_else(wrong)?;
        // Without this check "+1" would be a number, and leading zeros would give one user two ids.
        if !prefix.eq_ignore_ascii_case("USER-")
            || !digits.bytes().all(|b| b.is_ascii_digit())
            || digits.starts_with('0')
        {
            return Err(wrong());
        }
        digits.parse().ok().and_then(UniqueId::from_number).ok_or_else(wrong)
    }
}

impl fmt::Display for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "USER-{}", self.0)
    }
}

impl Serialize for UniqueId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// What stands for a user in a path: the UUID or the public id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserRef {
    /// The record's id.
    Id(Uuid),
    /// The public id.
    UniqueId(UniqueId),
}

impl UserRef {
    /// Reads a path segment. Anything that is no reference names nobody: 404 `USER_NOT_FOUND`.
    pub fn parse(text: &str) -> Result<UserRef, Error> {
        // Of the spellings that the library reads, URNs and braces are left out.
        if matches!(text.len(), 32 | 36)
            && let Ok(id) = Uuid::try_parse(text)
        {
            return Ok(UserRef::Id(id));
        }
        UniqueId::parse(text)
            .map(UserRef::UniqueId)
            .map_err(|_| Error::not_found("USER_NOT_FOUND", "User not found"))
    }
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UserRef::Id(id) => id.fmt(f),
            UserRef::UniqueId(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use kernel::Kind;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unique_ids_have_one_spelling() {
        let first = UniqueId::from_number(UniqueId::FIRST).unwrap();
        assert_eq!(first.to_string(), "USER-10000000");
        assert_eq!(UniqueId::parse("user-10000000").unwrap(), first);
        assert_eq!(UniqueId::from_number(9_999_999), None);
        for bad in [
            "USER-9999999",
            "USER-010000000",
            "USER-+10000000",
            "10000000",
            "USER-",
            "USER-99999999999999999999",
            "USEŔ-1",
        ] {
            assert_eq!(UniqueId::parse(bad).unwrap_err().code, "invalid_unique_id", "{bad}");
        }
    }

    #[test]
    fn references_are_ids_of_either_kind() {
        let id = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001);
        assert_eq!(UserRef::parse(&id.to_string()).unwrap(), UserRef::Id(id));
        assert_eq!(UserRef::parse(&id.simple().to_string()).unwrap(), UserRef::Id(id));
        assert_eq!(UserRef::parse("user-12345678").unwrap().to_string(), "USER-12345678");
        for bad in ["me", "john", &id.urn().to_string(), &id.braced().to_string(), ""] {
            let error = UserRef::parse(bad).unwrap_err();
            assert_eq!((error.kind(), error.code()), (Kind::NotFound, "USER_NOT_FOUND"), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn reading_what_is_shown_changes_nothing(text in any::<String>(), number in UniqueId::FIRST..=i64::MAX) {
            let _ = UserRef::parse(&text);
            let id = UniqueId::from_number(number).unwrap();
            prop_assert_eq!(UniqueId::parse(&id.to_string()).unwrap(), id);
            prop_assert!(id.to_string().len() <= UniqueId::MAX_CHARS);
        }
    }
}
