use std::fmt;

use deunicode::deunicode;
use kernel::id::Random;
use kernel::{TextValue, ValueError};
use serde::Serialize;
use uuid::Uuid;

use super::{Email, UniqueId};

/// A user name: 3 to 50 of `a-z 0-9 _ . -`, beginning with a letter or digit, not digits only (those are
/// phone numbers), no reserved word and nothing that reads like an id. Upper case is lowered on the way in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Username(String);

const MIN_CHARS: usize = 3;

/// Names that would let somebody pose as the business or as a part of the program. Sorted.
const RESERVED: &[&str] = &[
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "anonymous",
    "api",
    "auth",
    "billing",
    "bot",
    "console",
    "contact",
    "customer",
    "customers",
    "deleted",
    "docs",
    "everyone",
    "guest",
    "health",
    "help",
    "helpdesk",
    "hostmaster",
    "info",
    "localhost",
    "login",
    "logout",
    "mailer-daemon",
    "manager",
    "moderator",
    "nobody",
    "noreply",
    "no-reply",
    "null",
    "official",
    "operator",
    "owner",
    "postmaster",
    "profile",
    "public",
    "register",
    "regulars",
    "root",
    "sales",
    "search",
    "security",
    "service",
    "settings",
    "staff",
    "statistics",
    "superuser",
    "support",
    "sysadmin",
    "system",
    "tags",
    "team",
    "undefined",
    "unknown",
    "user",
    "users",
    "webmaster",
];

impl Username {
    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a given name is looked up by; `None` for what nobody is called. Not parsed as a new name is: names that are
    /// reserved today may have been given yesterday.
    pub fn lookup(text: &str) -> Option<String> {
        let name = text.trim().to_lowercase();
        let possible = !name.is_empty() && name.len() <= Self::MAX_CHARS && !name.contains(char::is_control);
        possible.then_some(name)
    }
}

impl TextValue for Username {
    const MAX_CHARS: usize = 50;

    fn parse(text: &str) -> Result<Username, ValueError> {
        let name = text.trim().to_ascii_lowercase();
        if name.len() > Self::MAX_CHARS {
            return Err(ValueError::new("too_long", "must have at most 50 characters"));
        }
        if name.len() < MIN_CHARS {
            return Err(ValueError::new("too_short", "must have at least 3 characters"));
        }
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if !name.bytes().all(|b| plain(b) || b"_.-".contains(&b)) || !name.bytes().next().is_some_and(plain) {
            return Err(ValueError::new(
                "invalid_username",
                "must consist of letters a to z, digits, dots, hyphens and underscores, and begin with a letter or digit",
            ));
        }
        if name.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ValueError::new("invalid_username", "must not consist of digits only"));
        }
        if RESERVED.contains(&name.as_str()) || reads_like_an_id(&name) {
            return Err(ValueError::new("reserved", "is reserved; choose another one"));
        }
        Ok(Username(name))
    }
}

/// A user who is called like somebody's id could be taken for that somebody.
fn reads_like_an_id(name: &str) -> bool {
    Uuid::try_parse(name).is_ok()
        || UniqueId::parse(name).is_ok()
        || ["cust_", "comp-"].iter().any(|prefix| {
            name.strip_prefix(prefix).is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()))
        })
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Longest base of a generated name, which leaves room for every suffix.
const MAX_BASE: usize = 20;

/// The stem of a generated user name: both names in Latin script, lower case, letters and digits only, at
/// most 20; without any, the part of the e-mail address before `@` and `+`; without that, `user`.
pub fn username_base(first: &str, last: &str, email: Option<&Email>) -> String {
    let local = email.map(|e| e.local().split('+').next().unwrap_or_default()).unwrap_or_default();
    [format!("{first}{last}"), local.to_owned()]
        .iter()
        .map(|text| latin(text))
        .find(|base| base.bytes().any(|b| b.is_ascii_lowercase()))
        .unwrap_or_else(|| "user".to_owned())
}

fn latin(text: &str) -> String {
    // Symbols and emoji are left out first: their transliteration is a description in words.
    let letters: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
    let mut base = deunicode(&letters).to_ascii_lowercase();
    base.retain(|c| c.is_ascii_alphanumeric());
    base.truncate(MAX_BASE);
    base
}

/// User names to try for one base, in order: the base itself when it is a name, then with 4 random digits
/// (8 times), 6 digits (4 times), 8 hexadecimal digits (4 times). The unique index decides which is free;
/// with 4,294,967,296 endings, the last four cannot all be taken but by an error.
pub struct UsernameCandidates {
    base: String,
    random: Random,
    tried: usize,
}

impl UsernameCandidates {
    /// Candidates for `base`, which is usually a [`username_base`]. Whatever the base, all are valid names.
    pub fn new(base: &str, random: &Random) -> UsernameCandidates {
        let mut base = latin(base);
        if !base.bytes().any(|b| b.is_ascii_lowercase()) {
            "user".clone_into(&mut base);
        }
        UsernameCandidates { base, random: random.clone(), tried: 0 }
    }
}

impl Iterator for UsernameCandidates {
    type Item = Username;

    fn next(&mut self) -> Option<Username> {
        self.tried += 1;
        let base = &self.base;
        match self.tried {
            1 => Username::parse(base).ok().or_else(|| self.next()),
            2..=9 => Some(Username(format!("{base}{:04}", self.random.below(10_000)))),
            10..=13 => Some(Username(format!("{base}{:06}", self.random.below(1_000_000)))),
            14..=17 => Some(Username(format!("{base}{:08x}", self.random.below(1 << 32)))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn base(first: &str, last: &str, email: &str) -> String {
        username_base(first, last, Email::parse(email).ok().as_ref())
    }

    #[test]
    fn names_are_lowered_and_checked() {
        assert_eq!(Username::parse(" John.Doe_1-x ").unwrap().as_str(), "john.doe_1-x");
        assert_eq!(Username::parse("john_doe").unwrap().as_str(), "john_doe");
        for (text, code) in [
            ("ab", "too_short"),
            ("", "too_short"),
            ("_ab", "invalid_username"),
            (".ab", "invalid_username"),
            ("joão", "invalid_username"),
            ("a b c", "invalid_username"),
            ("a@b.com", "invalid_username"),
            ("5551234", "invalid_username"),
            ("Admin", "reserved"),
            ("user-10000000", "reserved"),
            ("cust_a1b2c3d4", "reserved"),
            ("comp-001", "reserved"),
            ("01980000-0000-7000-8000-000000000001", "reserved"),
        ] {
            assert_eq!(Username::parse(text).unwrap_err().code, code, "{text}");
        }
        assert!(Username::parse(&"a".repeat(50)).is_ok());
        assert_eq!(Username::parse(&"a".repeat(51)).unwrap_err().code, "too_long");
    }

    #[test]
    fn bases_are_latin_and_fall_back() {
        assert_eq!(base("John", "Doe", "x@y.test"), "johndoe");
        assert_eq!(base("José María", "Núñez-O'Brien", ""), "josemarianunezobrien");
        assert_eq!(base("Wolfeschlegelstein", "Hausenberger", "").len(), 20);
        assert_eq!(base("小明", "王", ""), "xiaomingwang");
        assert_eq!(base("Юлия", "Щука", ""), "iuliiashchuka");
        assert_eq!(base("🚗", "—", "Fleet.One+cars@y.test"), "fleetone");
        assert_eq!(base("1", "2", "99@y.test"), "user");
        assert_eq!(base("", "", ""), "user");
    }

    #[test]
    fn candidates_come_in_order() {
        let random = Random::seeded(7);
        let all: Vec<String> = UsernameCandidates::new("johndoe", &random).map(|u| u.to_string()).collect();
        let lengths: Vec<usize> = all.iter().map(|name| name.len() - "johndoe".len()).collect();
        assert_eq!(lengths, [0, 4, 4, 4, 4, 4, 4, 4, 4, 6, 6, 6, 6, 8, 8, 8, 8]);
        let distinct: HashSet<&String> = all.iter().collect();
        assert!(distinct.len() >= 16, "{all:?}");
    }

    #[test]
    fn short_and_reserved_bases_get_a_suffix_at_once() {
        for base in ["li", "admin", "user", "support"] {
            let first = UsernameCandidates::new(base, &Random::seeded(1)).next().unwrap();
            assert_eq!(first.as_str().len(), base.len() + 4, "{first}");
        }
    }

    /// Everybody is called John Doe: the index refuses what is taken, the candidates must not run out.
    #[test]
    fn a_hundred_thousand_namesakes_all_get_a_name() {
        let random = Random::seeded(42);
        let mut taken = HashSet::new();
        for _ in 0..100_000 {
            let free =
                UsernameCandidates::new("johndoe", &random).find(|name| !taken.contains(name)).unwrap();
            taken.insert(free);
        }
        assert_eq!(taken.len(), 100_000);
    }

    proptest! {
        #[test]
        fn any_names_give_valid_candidates(
            first in any::<String>(), last in any::<String>(), local in "[a-z0-9.+]{0,10}", seed in any::<u64>()
        ) {
            let email = Email::parse(&format!("{local}@example.com")).ok();
            let base = username_base(&first, &last, email.as_ref());
            prop_assert!(base.len() <= MAX_BASE);
            let mut count = 0;
            for name in UsernameCandidates::new(&base, &Random::seeded(seed)) {
                prop_assert_eq!(&Username::parse(name.as_str()), &Ok(name.clone()));
                prop_assert!(name.as_str().starts_with(&base));
                count += 1;
            }
            prop_assert!(count >= 16);
        }

        #[test]
        fn any_base_gives_valid_candidates(base in any::<String>()) {
            for name in UsernameCandidates::new(&base, &Random::seeded(1)) {
                prop_assert!(Username::parse(name.as_str()).is_ok(), "{}", name);
            }
        }

        #[test]
        fn reading_what_is_shown_changes_nothing(text in "\\PC*|[a-zA-Z0-9_.-]{1,52}") {
            if let Ok(name) = Username::parse(&text) {
                prop_assert_eq!(&Username::parse(&name.to_string()).unwrap(), &name);
            }
        }
    }
}
