use std::fmt;

use kernel::ValueError;
use kernel::text::search_key;
use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

/// A password in NFC, so that it is the same from every keyboard. White space at its ends belongs to it.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

/// Longest new password, in characters.
const MAX_CHARS: usize = 128;
/// Longest password that is hashed at a login, in octets: what was imported may be longer than ours.
const MAX_PRESENTED: usize = 4096;

impl Password {
    /// A password that somebody presents to log in. `None` when it is longer than any password can be:
    /// answer as for a wrong one.
    pub fn presented(text: &str) -> Option<Password> {
        (text.len() <= MAX_PRESENTED).then(|| Password(text.nfc().collect::<String>().into()))
    }

    /// What is hashed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

/// What a new password must be: long enough, not among the common ones, not the user's own name. There are
/// no rules of composition, after NIST SP 800-63B section 5.1.1.2: they make passwords no harder to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordRules {
    min_chars: usize,
}

impl Default for PasswordRules {
    fn default() -> PasswordRules {
        PasswordRules { min_chars: PasswordRules::LEAST }
    }
}

impl PasswordRules {
    /// The smallest minimum that a deployment may set, and the default.
    pub const LEAST: usize = 8;

    /// Rules with a minimum of `min_chars` characters; below [`PasswordRules::LEAST`] or above 128 it is
    /// moved to that limit.
    pub fn with_min_chars(min_chars: usize) -> PasswordRules {
        PasswordRules { min_chars: min_chars.clamp(Self::LEAST, MAX_CHARS) }
    }

    /// Accepts a new password of the person whom `own` describes.
    ///
    /// Flaws: `too_short`, `too_long`, `common_password`, `personal_password`.
    pub fn check(&self, text: &str, own: &PersonalWords) -> Result<Password, ValueError> {
        let too_long = || ValueError::new("too_long", format!("must have at most {MAX_CHARS} characters"));
        let password = Password::presented(text).ok_or_else(too_long)?;
        let clean = password.0.expose_secret();
        let chars = clean.chars().count();
        if chars < self.min_chars {
            return Err(ValueError::new(
                "too_short",
                format!("must have at least {} characters", self.min_chars),
            ));
        }
        if chars > MAX_CHARS {
            return Err(too_long());
        }
        if is_common(clean) {
            return Err(ValueError::new(
                "common_password",
                "is one of the passwords that are tried first; choose another one",
            ));
        }
        if own.make_up(clean) {
            return Err(ValueError::new(
                "personal_password",
                "must not consist mostly of your own name or address",
            ));
        }
        Ok(password)
    }
}

/// Passwords that guessing begins with, lower case, sorted, none shorter than the least minimum.
const COMMON: &str = include_str!("../common_passwords.txt");

fn is_common(password: &str) -> bool {
    let lower: String = password.chars().flat_map(char::to_lowercase).nfc().collect();
    COMMON.lines().any(|line| line == lower)
}

/// The words of one person that guessing tries next: names, user name, e-mail address and the parts of it.
/// Words of fewer than four letters occur in too many passwords to count.
#[derive(Clone, Default)]
pub struct PersonalWords(Vec<Vec<char>>);

const SHORTEST_WORD: usize = 4;

impl PersonalWords {
    /// The words of a person; an unknown one is empty.
    pub fn new(first_name: &str, last_name: &str, email: &str, username: &str) -> PersonalWords {
        let mut own = PersonalWords::default();
        let local = email.rsplit_once('@').map_or(email, |(local, _)| local);
        for text in [
            first_name,
            last_name,
            &format!("{first_name}{last_name}"),
            &format!("{last_name}{first_name}"),
            email,
            local,
            username,
        ] {
            own.add(text);
            for part in text.split(|c: char| !c.is_alphanumeric()) {
                own.add(part);
            }
        }
        own
    }

    fn add(&mut self, word: &str) {
        let word: Vec<char> = search_key(word).chars().filter(|c| !c.is_whitespace()).collect();
        if word.len() >= SHORTEST_WORD && !self.0.contains(&word) {
            self.0.push(word);
        }
    }

    /// Do these words cover more than half of the password's characters?
    fn make_up(&self, password: &str) -> bool {
        let password: Vec<char> = search_key(password).chars().collect();
        let mut covered = vec![false; password.len()];
        for word in &self.0 {
            for start in 0..(password.len() + 1).saturating_sub(word.len()) {
                let end = start + word.len();
                if password[start..end] == word[..] {
                    covered[start..end].fill(true);
                }
            }
        }
        2 * covered.iter().filter(|c| **c).count() > password.len()
    }
}

impl fmt::Debug for PersonalWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonalWords({} words)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn verdict(text: &str) -> Result<(), &'static str> {
        let own = PersonalWords::new("José", "Doe-Miller", "j.rumpelstilz+x@example.com", "millerj1990");
        PasswordRules::default().check(text, &own).map(drop).map_err(|error| error.code)
    }

    #[test]
    fn sample_passwords_pass() {
        let rules = PasswordRules::default();
        let tester = PersonalWords::new("Test", "User", "test@example.com", "testuser");
        assert!(rules.check("Pass123!", &tester).is_ok());
        let john = PersonalWords::new("John", "Doe", "john@example.com", "john_doe");
        assert!(rules.check("securepassword", &john).is_ok());
    }

    #[test]
    fn length_is_counted_in_composed_characters() {
        assert_eq!(verdict("ñandúé7"), Err("too_short"));
        assert_eq!(verdict("n\u{303}andu\u{301}e\u{301}7"), Err("too_short"));
        assert_eq!(verdict("ñandúé7x"), Ok(()));
        assert_eq!(verdict(&"🦀?".repeat(64)), Ok(()));
        assert_eq!(verdict(&"🦀".repeat(129)), Err("too_long"));
        assert_eq!(verdict(&"x".repeat(1 << 20)), Err("too_long"));
        let strict = PasswordRules::with_min_chars(12);
        assert_eq!(strict.check("ñandúé7xyz!", &PersonalWords::default()).unwrap_err().code, "too_short");
        assert_eq!(PasswordRules::with_min_chars(3), PasswordRules::default());
    }

    #[test]
    fn both_spellings_of_an_accent_are_one_password() {
        let own = PersonalWords::default();
        let rules = PasswordRules::default();
        let composed = rules.check("contraseñas!", &own).unwrap();
        let decomposed = rules.check("contrasen\u{303}as!", &own).unwrap();
        assert_eq!(composed.as_bytes(), decomposed.as_bytes());
        assert_eq!(Password::presented("contrasen\u{303}as!").unwrap().as_bytes(), composed.as_bytes());
    }

    #[test]
    fn common_passwords_are_refused_in_any_case() {
        for text in [
            "password",
            "PASSWORD",
            "P@ssw0rd",
            "12345678",
            "Qwerty123",
            "11111111",
            "CONTRASEN\u{303}A",
            "iloveyou",
        ] {
            assert_eq!(verdict(text), Err("common_password"), "{text}");
        }
        assert_eq!(verdict("password-of-the-garage"), Ok(()));
    }

    #[test]
    fn the_list_is_what_the_check_expects() {
        let list: Vec<&str> = COMMON.lines().collect();
        assert!(list.len() >= 1000);
        assert!(list.windows(2).all(|pair| pair[0] < pair[1]), "sorted, without repeats");
        for entry in list {
            assert!(is_common(entry), "{entry}: not in the form that is compared");
            assert!(entry.chars().count() >= PasswordRules::LEAST, "{entry}: could never be chosen");
        }
    }

    #[test]
    fn own_words_may_not_make_up_most_of_it() {
        for text in [
            "jose1234!",
            "JosÉ-jose",
            "Miller2024",
            "rumpelstilz!",
            "DoeMiller99",
            "millerj1990",
            "j.rumpelstilz+x@example.com",
        ] {
            let expected = if text == "jose1234!" { Ok(()) } else { Err("personal_password") };
            assert_eq!(verdict(text), expected, "{text}");
        }
        assert_eq!(verdict("my miller grinds fine flour"), Ok(()));
        assert_eq!(verdict("doe doe doe"), Ok(()), "three letters are in too many words");
    }

    #[test]
    fn secrets_do_not_show() {
        let shown = format!("{:?}", Password::presented("hunter2hunter2").unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(format!("{:?}", PersonalWords::new("Johnny", "", "", "")), "PersonalWords(1 words)");
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>(), first in any::<String>(), email in any::<String>()) {
            let own = PersonalWords::new(&first, "Doe", &email, "");
            let _ = PasswordRules::default().check(&text, &own);
        }
    }
}
