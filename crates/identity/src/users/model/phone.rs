use std::fmt;

use kernel::{TextValue, ValueError};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};
use serde::{Serialize, Serializer};
use unicode_normalization::UnicodeNormalization;

/// A phone number as somebody wrote it. Refused is only what cannot be a phone: letters other than an
/// extension mark, fewer than 5 or more than 15 digits (E.164), more than 20 characters. Whether the number
/// exists somewhere is a second question with its own answer, [`Phone::facts`]; sample numbers such as
/// `+1-555-0123` are phones that no country has given out.
///
/// Reading one costs next to nothing; the tables of numbering plans (24 MB) are loaded by the first
/// [`Phone::facts`]. `Debug` shows the masked form.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone {
    raw: String,
    digits: String,
    extension: Option<String>,
    international: bool,
}

/// What the numbering plans say about a [`Phone`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneFacts {
    /// How far the number could be understood.
    pub status: PhoneStatus,
    /// `+` country code and number, without the extension, when the number is valid.
    pub e164: Option<String>,
}

/// How far a phone number could be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PhoneStatus {
    /// Some region gives out such numbers.
    Valid,
    /// The country is known and the number could be one, but no region gives it out.
    Possible,
    /// A national number without a known region, or no country has its prefix.
    Unparsed,
}

impl PhoneStatus {
    /// The code that is stored and shown.
    pub fn code(self) -> &'static str {
        match self {
            PhoneStatus::Valid => "valid",
            PhoneStatus::Possible => "possible",
            PhoneStatus::Unparsed => "unparsed",
        }
    }
}

const MIN_DIGITS: usize = 5;
const MAX_DIGITS: usize = 15;
const MAX_EXTENSION: usize = 7;

impl Phone {
    /// What was typed, trimmed.
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// The digits without extension, for searching: a search for the last 5 or more finds the number.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// The digits after `x` or `ext`.
    pub fn extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// Looks the number up in the numbering plans. A number without `+` is read as one of `region` (a
    /// two-letter country code: the address' country, else the deployment's).
    pub fn facts(&self, region: Option<&str>) -> PhoneFacts {
        let unparsed = PhoneFacts { status: PhoneStatus::Unparsed, e164: None };
        let region = region.and_then(|code| Region::from_code(code).ok());
        // Only digits go in: the library's own reading of free text accepts letters and much else.
        let parsed = match (self.international, region) {
            (true, _) => PHONE_NUMBER_UTIL.parse(format!("+{}", self.digits), None),
            (false, Some(region)) => PHONE_NUMBER_UTIL.parse(&self.digits, Some(region)),
            (false, None) => return unparsed,
        };
        let Ok(number) = parsed else { return unparsed };
        if !PHONE_NUMBER_UTIL.is_valid_number(&number) {
            return PhoneFacts { status: PhoneStatus::Possible, e164: None };
        }
        let e164 = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned();
        PhoneFacts { status: PhoneStatus::Valid, e164: Some(e164) }
    }

    /// A form for logs and for people who need not know the number: `***23`.
    pub fn masked(&self) -> String {
        format!("***{}", &self.digits[self.digits.len() - 2..])
    }
}

impl TextValue for Phone {
    const MAX_CHARS: usize = 20;
    const FORMAT: &'static str = "phone";

    fn parse(text: &str) -> Result<Phone, ValueError> {
        let raw = kernel::text::line(text, Self::MAX_CHARS)?;
        // Full-width and Arabic forms of digits and signs, as keyboards of Asia make them.
        let plain: String = raw.nfkc().map(ascii_digit).flat_map(char::to_lowercase).collect();
        let (number, extension) = split_extension(&plain)?;
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        if digits.len() < MIN_DIGITS || digits.len() > MAX_DIGITS {
            return Err(ValueError::new(
                "invalid_phone",
                format!("must have {MIN_DIGITS} to {MAX_DIGITS} digits, without the extension"),
            ));
        }
        let first = number.chars().find(|c| *c == '+' || c.is_ascii_digit());
        Ok(Phone { raw, digits, extension, international: first == Some('+') })
    }
}

fn ascii_digit(c: char) -> char {
    let offset = match c {
        '\u{660}'..='\u{669}' => u32::from(c) - 0x660,
        '\u{6f0}'..='\u{6f9}' => u32::from(c) - 0x6f0,
        _ => return c,
    };
    char::from_digit(offset, 10).unwrap_or(c)
}

/// The number, and the digits of its extension. The only letters that a phone may have are `x` and `ext`
/// between the two.
fn split_extension(plain: &str) -> Result<(&str, Option<String>), ValueError> {
    let Some(start) = plain.find(char::is_alphabetic) else { return Ok((plain, None)) };
    let (number, rest) = plain.split_at(start);
    let wrong = || {
        ValueError::new("invalid_phone", "must not contain letters other than x or ext before an extension")
    };
    let rest = rest.strip_prefix("ext").or_else(|| rest.strip_prefix('x')).ok_or_else(wrong)?;
    let rest = rest.trim_start_matches(['.', ':', '=', ' ']);
    if rest.is_empty() || rest.len() > MAX_EXTENSION || !rest.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ValueError::new(
            "invalid_phone",
            format!("must have 1 to {MAX_EXTENSION} digits after x or ext"),
        ));
    }
    Ok((number, Some(rest.to_owned())))
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl Serialize for Phone {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.raw)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts(text: &str, region: Option<&str>) -> (PhoneStatus, Option<String>) {
        let facts = Phone::parse(text).unwrap().facts(region);
        (facts.status, facts.e164)
    }

    #[test]
    fn sample_numbers_are_phones() {
        for text in ["+1-555-0123", "+15551234567", "+1234567890", "+9876543210"] {
            let phone = Phone::parse(text).unwrap();
            assert_eq!(phone.as_str(), text);
            assert_eq!(phone.facts(Some("US")).e164, None);
            assert_eq!(phone.facts(None).status, PhoneStatus::Possible, "{text}");
        }
    }

    #[test]
    fn real_numbers_get_their_e164_form() {
        let valid = |e164: &str| (PhoneStatus::Valid, Some(e164.to_owned()));
        assert_eq!(facts("+1 (520) 878-2491", None), valid("+15208782491"));
        assert_eq!(facts("520 878 2491", Some("US")), valid("+15208782491"));
        assert_eq!(facts("020 7946 0018", Some("GB")), valid("+442079460018"));
        assert_eq!(facts("+39 02 3661 8300", None), valid("+390236618300"));
        assert_eq!(facts("３０１２３４５６", Some("DE")), valid("+4930123456"));
        assert_eq!(facts("+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", None), valid("+966501234567"));
        assert_eq!(facts("300 1234567", Some("CO")), valid("+573001234567"));
    }

    #[test]
    fn national_numbers_need_a_region() {
        assert_eq!(facts("020 7946 0018", None), (PhoneStatus::Unparsed, None));
        assert_eq!(facts("020 7946 0018", Some("nowhere")), (PhoneStatus::Unparsed, None));
        assert_eq!(facts("+999 12345678", None).0, PhoneStatus::Unparsed);
    }

    #[test]
    fn the_extension_is_apart() {
        for text in ["520-878-2491 x302", "520-878-2491 ext.302", "520-878-2491EXT 302"] {
            let phone = Phone::parse(text).unwrap();
            assert_eq!((phone.digits(), phone.extension()), ("5208782491", Some("302")));
            assert_eq!(phone.facts(Some("US")).e164.as_deref(), Some("+15208782491"));
        }
        assert_eq!(Phone::parse("+4412345").unwrap().extension(), None);
    }

    #[test]
    fn refuses_what_cannot_be_a_phone() {
        for text in [
            "1234",
            "+1234567890123456",
            "call me",
            "555-CALL-NOW",
            "5551234 x",
            "5551234 x12345678",
            "x5551234",
        ] {
            assert_eq!(Phone::parse(text).unwrap_err().code, "invalid_phone", "{text}");
        }
        assert_eq!(Phone::parse("+1 520 878 2491 ext 302").unwrap_err().code, "too_long");
        assert_eq!(Phone::parse(" ").unwrap_err().code, "blank");
    }

    #[test]
    fn logs_show_two_digits() {
        assert_eq!(format!("{:?}", Phone::parse("+1-555-0123").unwrap()), "***23");
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = Phone::parse(&text);
        }

        #[test]
        fn anything_that_looks_like_a_phone_is_read_and_looked_up(
            text in "[+＋]?[0-9٠-٩０-９ ()./-]{3,16}( ?(x|ext|EXT)[.: ]?[0-9]{1,4})?",
            region in prop::sample::select(vec![None, Some("US"), Some("GB"), Some("IT"), Some("BR"), Some("AR"), Some("CI")])
        ) {
            if let Ok(phone) = Phone::parse(&text) {
                prop_assert_eq!(&Phone::parse(&phone.to_string()).unwrap(), &phone);
                let facts = phone.facts(region);
                prop_assert_eq!(facts.e164.is_some(), facts.status == PhoneStatus::Valid);
                if let Some(e164) = facts.e164 {
                    prop_assert!(e164.starts_with('+') && e164[1..].bytes().all(|b| b.is_ascii_digit()));
                    prop_assert_eq!(Phone::parse(&e164).unwrap().facts(None).e164, Some(e164));
                }
            }
        }
    }
}
