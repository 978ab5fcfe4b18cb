use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use kernel::{TextValue, ValueError};
use serde::{Serialize, Serializer};
use unicode_normalization::UnicodeNormalization;

/// An e-mail address: what was typed, for showing, and its [`key`](Email::key), which is unique.
///
/// The local part is a dot-atom (RFC 5321, with the letters of RFC 6531); quoted local parts and address
/// literals are refused because hardly any mail system delivers them. `.test`, `.example` and `localhost`
/// are addresses like any other. `Debug` shows the masked form, so that logs never hold an address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email {
    typed: String,
    key: String,
    /// Where the local part ends in `typed`, and in `key`.
    at: (usize, usize),
}

/// Octets of a whole address in a mail command (RFC 5321 section 4.5.3.1.3, without the brackets).
const MAX_OCTETS: usize = 254;
/// Octets of the local part (RFC 5321 section 4.5.3.1.1).
const MAX_LOCAL_OCTETS: usize = 64;

impl Email {
    /// What was typed, trimmed and in NFC.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// The normalised form that is unique among users: lower case, the domain in ASCII. Sub-addresses
    /// (`+tag`) and dots stay: whether they matter is up to the mail system of the address.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The local part as typed.
    pub fn local(&self) -> &str {
        &self.typed[..self.at.0]
    }

    /// The domain in ASCII and lower case, for sending.
    pub fn domain(&self) -> &str {
        &self.key[self.at.1 + 1..]
    }

    /// A form for logs and for people who need not know the address: `j***@example.com`.
    pub fn masked(&self) -> String {
        let first: String = self.typed.chars().take(1).collect();
        format!("{first}***@{}", self.domain())
    }
}

impl TextValue for Email {
    const MAX_CHARS: usize = MAX_OCTETS;
    const FORMAT: &'static str = "email";

    fn parse(text: &str) -> Result<Email, ValueError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ValueError::new("blank", "must not be blank"));
        }
        // Before any work: no composition makes a text of this size short enough.
        if text.len() > 8 * MAX_OCTETS {
            return Err(too_long());
        }
        let typed: String = text.nfc().collect();
        let (local, domain) = typed.rsplit_once('@').ok_or_else(|| {
            ValueError::new("invalid_email", "must be an e-mail address, such as name@example.com")
        })?;
        check_local(local)?;
        let domain = ascii_domain(domain)?;
        // Letter by letter: `str::to_lowercase` writes a sigma differently at the end of a word, and two
        // spellings of one address would get two keys.
        let local_key: String = local.chars().flat_map(char::to_lowercase).nfc().collect();
        let key = format!("{local_key}@{domain}");
        if local.len() > MAX_LOCAL_OCTETS || local_key.len() > MAX_LOCAL_OCTETS {
            return Err(ValueError::new(
                "too_long",
                format!("must have at most {MAX_LOCAL_OCTETS} characters before the @"),
            ));
        }
        if key.len() > MAX_OCTETS || typed.chars().count() > MAX_OCTETS {
            return Err(too_long());
        }
        let at = (local.len(), local_key.len());
        Ok(Email { typed, key, at })
    }
}

fn too_long() -> ValueError {
    ValueError::new("too_long", format!("must have at most {MAX_OCTETS} characters"))
}

fn check_local(local: &str) -> Result<(), ValueError> {
    if local.is_empty() || local.split('.').any(str::is_empty) {
        return Err(ValueError::new(
            "invalid_email",
            "must have a name before the @, without dots at its ends or in a row",
        ));
    }
    let allowed = |c: char| match c {
        '.' => true,
        c if c.is_ascii() => c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c),
        c => c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c),
    };
    match local.chars().find(|c| !allowed(*c)) {
        None => Ok(()),
        Some(c) if c.is_control() || c.is_whitespace() => {
            Err(ValueError::new("invalid_email", "must not contain white space or control characters"))
        }
        Some(c) => Err(ValueError::new("invalid_email", format!("must not contain {c} before the @"))),
    }
}

/// The domain as DNS has it (UTS 46): ASCII, lower case, labels of letters, digits and inner hyphens.
fn ascii_domain(domain: &str) -> Result<String, ValueError> {
    let wrong = || ValueError::new("invalid_email", "must have a domain after the @, such as example.com");
    let ascii = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .map_err(|_| wrong())?;
    // A single label is a slip of the keyboard (`name@gmail`), but for this machine's own name; a number
    // as the last label is an IP address.
    let last = ascii.rsplit('.').next().unwrap_or_default();
    let named =
        last.bytes().any(|b| !b.is_ascii_digit()) && (last.len() < ascii.len() || ascii == "localhost");
    if named { Ok(ascii.into_owned()) } else { Err(wrong()) }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl Serialize for Email {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.typed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_what_was_typed_and_normalises_the_key() {
        for (typed, shown, key) in [
            ("  John.Doe@Example.COM ", "John.Doe@Example.COM", "john.doe@example.com"),
            ("a+Tag.x@gmail.com", "a+Tag.x@gmail.com", "a+tag.x@gmail.com"),
            ("jose\u{301}@mañana.com", "josé@mañana.com", "josé@xn--maana-pta.com"),
            ("ΑΣ@BÜCHER.example", "ΑΣ@BÜCHER.example", "ασ@xn--bcher-kva.example"),
            ("root@localhost", "root@localhost", "root@localhost"),
            ("t@x.test", "t@x.test", "t@x.test"),
            ("o'neil/x=1@a--b.example", "o'neil/x=1@a--b.example", "o'neil/x=1@a--b.example"),
        ] {
            let email = Email::parse(typed).unwrap();
            assert_eq!((email.as_str(), email.key()), (shown, key));
        }
    }

    #[test]
    fn splits_and_masks() {
        let email = Email::parse("José.Núñez@Bücher.example").unwrap();
        assert_eq!(email.local(), "José.Núñez");
        assert_eq!(email.domain(), "xn--bcher-kva.example");
        assert_eq!(email.masked(), "J***@xn--bcher-kva.example");
        assert_eq!(format!("{email:?}"), email.masked());
        assert_eq!(serde_json::to_string(&email).unwrap(), "\"José.Núñez@Bücher.example\"");
    }

    #[test]
    fn refuses_what_no_mail_reaches() {
        for text in [
            "john",
            "@x.com",
            "a@",
            "a@gmail",
            "a b@x.com",
            "a\0@x.com",
            ".a@x.com",
            "a.@x.com",
            "a..b@x.com",
            "a@x..com",
            "a@-x.com",
            "a@x.com.",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "\"a b\"@x.com",
            "a@b@x.com",
            "a@x_y.com",
            "a<b@x.com",
            "a@x.com\nBcc: b@y.com",
            "a\u{200b}b@x.com",
        ] {
            assert_eq!(Email::parse(text).unwrap_err().code, "invalid_email", "{text:?}");
        }
        assert_eq!(Email::parse("  ").unwrap_err().code, "blank");
    }

    #[test]
    fn keeps_the_limits_of_mail() {
        let label = "d".repeat(62);
        let local = "l".repeat(64);
        assert!(Email::parse(&format!("{local}@x.com")).is_ok());
        assert_eq!(Email::parse(&format!("{local}l@x.com")).unwrap_err().code, "too_long");
        let domain = format!("{label}.{label}.{label}.com");
        let fits = format!("{}@{domain}", "l".repeat(MAX_OCTETS - 1 - domain.len()));
        assert!(Email::parse(&fits).is_ok());
        assert_eq!(Email::parse(&format!("l{fits}")).unwrap_err().code, "too_long");
        assert_eq!(Email::parse(&"x".repeat(1 << 20)).unwrap_err().code, "too_long");
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = Email::parse(&text);
        }

        #[test]
        fn reading_what_is_shown_changes_nothing(
            text in "[a-zA-ZÀ-žΑ-ωА-я0-9.+'\u{301}]{1,20}@[a-zA-ZÀ-žΑ-ωА-я0-9-]{1,9}(\\.[a-zßÀ-ž]{1,5}){1,2}"
        ) {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(&Email::parse(&email.to_string()).unwrap(), &email);
                let again = Email::parse(email.key()).unwrap();
                prop_assert_eq!(again.key(), email.key());
            }
        }

        #[test]
        fn ordinary_addresses_are_accepted(text in "[a-z0-9]{1,10}([._+-][a-z0-9]{1,10}){0,2}@[a-z0-9]{1,10}\\.[a-z]{2,6}") {
            prop_assert!(Email::parse(&text).is_ok());
        }
    }
}
