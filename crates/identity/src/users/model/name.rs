use std::fmt;

use kernel::text::{line, search_key};
use kernel::{TextValue, ValueError};
use serde::Serialize;

/// A first or last name: 1 to 100 characters in one line, trimmed, in NFC.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct PersonName(String);

impl PersonName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// See [`kernel::text::search_key`].
    pub fn key(&self) -> String {
        search_key(&self.0)
    }
}

impl TextValue for PersonName {
    const MAX_CHARS: usize = 100;
    fn parse(text: &str) -> Result<PersonName, ValueError> {
        line(text, Self::MAX_CHARS).map(PersonName)
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// First and last name with a space between; one alone when the other is empty.
pub fn full_name(first: &str, last: &str) -> String {
    format!("{first} {last}").trim().to_owned()
}

/// What users are sorted and looked for by: the last name, then the first, without case and accents.
pub fn name_key(last: &str, first: &str) -> String {
    search_key(&format!("{last} {first}"))
}

/// A user's postal address as one text. Customers have structured addresses instead.
pub type UserAddress = kernel::text::Line<500>;

/// The number of an identity document as printed on it, 1 to 50 characters. Check digits belong to the
/// document's type and are not looked at here.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct IdentityNumber(String);

impl IdentityNumber {
    /// The number as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Letters and digits only, lower case: how two spellings of a number are compared.
    pub fn key(&self) -> String {
        search_key(&self.0).chars().filter(|c| c.is_alphanumeric()).collect()
    }
}

impl TextValue for IdentityNumber {
    const MAX_CHARS: usize = 50;
    fn parse(text: &str) -> Result<IdentityNumber, ValueError> {
        let number = IdentityNumber(line(text, Self::MAX_CHARS)?);
        if number.key().is_empty() {
            return Err(ValueError::new("invalid_number", "must contain letters or digits"));
        }
        Ok(number)
    }
}

impl fmt::Display for IdentityNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The code of a document type, such as `passport` or `dni_es`. Read in any case, kept in lower case.
/// Whether such a type exists is known by the database alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct DocumentTypeCode(String);

impl DocumentTypeCode {
    /// The code in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TextValue for DocumentTypeCode {
    const MAX_CHARS: usize = 50;
    fn parse(text: &str) -> Result<DocumentTypeCode, ValueError> {
        let code = line(text, Self::MAX_CHARS)?.to_ascii_lowercase();
        let first = code.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if !first || !code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            return Err(ValueError::new(
                "invalid_code",
                "must be a code of letters, digits and underscores, such as passport; GET /api/v1/document-types lists them",
            ));
        }
        Ok(DocumentTypeCode(code))
    }
}

impl fmt::Display for DocumentTypeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The language that a user reads: a BCP 47 tag of language, script and region (`es`, `es-CO`,
/// `zh-Hant-TW`), in the usual letter case. An underscore is read as a hyphen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Locale(String);

impl Locale {
    /// The whole tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language alone, two or three lower-case letters.
    pub fn language(&self) -> &str {
        self.0.split('-').next().unwrap_or(&self.0)
    }
}

impl TextValue for Locale {
    const MAX_CHARS: usize = 12;
    fn parse(text: &str) -> Result<Locale, ValueError> {
        let wrong =
            || ValueError::new("invalid_locale", "must be a language tag such as en, es-CO or zh-Hant-TW");
        let text = text.trim();
        if !text.is_ascii() || text.len() > Self::MAX_CHARS {
            return Err(wrong());
        }
        let mut parts = text.split(['-', '_']).peekable();
        let letters = |part: &str, sizes: &[usize]| {
            sizes.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic())
        };
        let language = parts.next().filter(|p| letters(p, &[2, 3])).ok_or_else(wrong)?;
        let mut tag = language.to_ascii_lowercase();
        if let Some(script) = parts.next_if(|p| letters(p, &[4])) {
            tag.push('-');
            tag.push_str(&script[..1].to_ascii_uppercase());
            tag.push_str(&script[1..].to_ascii_lowercase());
        }
        let area = |p: &str| letters(p, &[2]) || (p.len() == 3 && p.bytes().all(|b| b.is_ascii_digit()));
        if let Some(region) = parts.next_if(|p| area(p)) {
            tag.push('-');
            tag.push_str(&region.to_ascii_uppercase());
        }
        if parts.next().is_some() { Err(wrong()) } else { Ok(Locale(tag)) }
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_cleaned_and_limited() {
        assert_eq!(PersonName::parse("  Jose\u{301} María ").unwrap().as_str(), "José María");
        assert_eq!(PersonName::parse("Łódź").unwrap().key(), "lodz");
        assert!(PersonName::parse(&"ñ".repeat(100)).is_ok());
        assert_eq!(PersonName::parse(&"ñ".repeat(101)).unwrap_err().code, "too_long");
        assert_eq!(PersonName::parse("\t").unwrap_err().code, "blank");
        assert_eq!(PersonName::parse("a\nb").unwrap_err().code, "control_character");
    }

    #[test]
    fn full_names_have_no_stray_space() {
        assert_eq!(full_name("John", "Doe"), "John Doe");
        assert_eq!(full_name("Plato", ""), "Plato");
        assert_eq!(full_name("", "Doe"), "Doe");
    }

    #[test]
    fn locales_take_their_usual_case() {
        for (typed, tag) in
            [("EN", "en"), ("es_co", "es-CO"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419")]
        {
            assert_eq!(Locale::parse(typed).unwrap().as_str(), tag);
        }
        assert_eq!(Locale::parse("es-CO").unwrap().language(), "es");
        for bad in ["", "e", "english", "en-", "en-USA", "en-US-x", "é"] {
            assert_eq!(Locale::parse(bad).unwrap_err().code, "invalid_locale", "{bad}");
        }
    }

    #[test]
    fn document_codes_are_case_blind() {
        assert_eq!(DocumentTypeCode::parse("NIT").unwrap().as_str(), "nit");
        assert_eq!(DocumentTypeCode::parse("dni_ES").unwrap().as_str(), "dni_es");
        for bad in ["1a", "a b", "ñ", "a-b"] {
            assert_eq!(DocumentTypeCode::parse(bad).unwrap_err().code, "invalid_code", "{bad}");
        }
    }

    #[test]
    fn identity_numbers_compare_without_punctuation() {
        assert_eq!(IdentityNumber::parse(" 12.345.678-K ").unwrap().key(), "12345678k");
        assert_eq!(IdentityNumber::parse("--").unwrap_err().code, "invalid_number");
    }

    proptest! {
        #[test]
        fn reading_what_is_shown_changes_nothing(text in any::<String>(), tag in "[a-zA-Z]{1,4}([-_][a-zA-Z0-9]{1,4}){0,3}") {
            if let Ok(name) = PersonName::parse(&text) {
                prop_assert_eq!(&PersonName::parse(&name.to_string()).unwrap(), &name);
            }
            if let Ok(number) = IdentityNumber::parse(&text) {
                prop_assert_eq!(&IdentityNumber::parse(&number.to_string()).unwrap(), &number);
            }
            for text in [&text, &tag] {
                if let Ok(code) = DocumentTypeCode::parse(text) {
                    prop_assert_eq!(&DocumentTypeCode::parse(&code.to_string()).unwrap(), &code);
                }
                if let Ok(locale) = Locale::parse(text) {
                    prop_assert_eq!(&Locale::parse(&locale.to_string()).unwrap(), &locale);
                }
            }
        }
    }
}
