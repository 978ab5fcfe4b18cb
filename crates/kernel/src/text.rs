//! Text as people type it: cleaned on the way in, folded for comparing.
//!
//! | item | for |
//! |---|---|
//! | [`search_key`] | the `*_key` columns: case- and accent-blind, the same on both databases |
//! | [`did_you_mean`] | the nearest of the names that are known |
//! | [`Line`], [`Block`] | a field of one line, a field of several, with their limits in the type |
//! | [`line()`], [`block`] | the same cleaning for types with rules of their own |
//! | [`nearest_of`] | the name that somebody meant who misspelt it |

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use crate::value::{TextValue, ValueError};

/// Folds text for comparing, sorting and searching: compatibility forms, letter case, accents, typographic
/// apostrophes and dashes, invisible characters and runs of white space stop mattering. Keys are computed
/// here and not in SQL because `lower()` and `LIKE` differ between the databases beyond ASCII.
/// Folding a key again gives the same key.
pub fn search_key(text: &str) -> String {
    if text.is_ascii() {
        return collapse(text.chars().map(|c| c.to_ascii_lowercase()), text.len());
    }
    // Lower-casing letter by letter, because `str::to_lowercase` writes a sigma differently at the end of
    // a word, and a prefix would no longer match its word.
    let folded =
        text.nfkd().filter(|c| !is_accent(*c)).flat_map(char::to_lowercase).flat_map(plain_letter).nfc();
    collapse(folded, text.len())
}

fn collapse(chars: impl Iterator<Item = char>, capacity: usize) -> String {
    let mut key = String::with_capacity(capacity);
    let mut gap = false;
    for c in chars {
        if c.is_whitespace() {
            gap = true;
        } else if !c.is_control() && !is_invisible(c) {
            if gap && !key.is_empty() {
                key.push(' ');
            }
            gap = false;
            key.push(c);
        }
    }
    key
}

/// Marks that an accent-blind search ignores. Marks that make another letter (vowel signs of Indic scripts,
/// Thai and Lao vowels and tones, the voicing of kana) have other combining classes and stay.
fn is_accent(c: char) -> bool {
    matches!(canonical_combining_class(c), 1 | 10..=36 | 200..=240)
}

/// Characters without a shape, which come along when text is copied from a page.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Letters that have no decomposition and that people type without their stroke, and the second spelling
/// of letters that have two lower-case forms.
fn plain_letter(c: char) -> impl Iterator<Item = char> {
    let (first, second) = match c {
        'ß' => ('s', Some('s')),
        'æ' => ('a', Some('e')),
        'œ' => ('o', Some('e')),
        'þ' => ('t', Some('h')),
        'ø' => ('o', None),
        'ł' => ('l', None),
        'đ' | 'ð' => ('d', None),
        'ħ' => ('h', None),
        'ŧ' => ('t', None),
        'ı' => ('i', None),
        'ς' => ('σ', None),
        '\u{2018}' | '\u{2019}' | '\u{2bc}' => ('\'', None),
        '\u{2010}'..='\u{2015}' => ('-', None),
        other => (other, None),
    };
    std::iter::once(first).chain(second)
}

/// Trims, composes (NFC) and checks text of one line, at most `max` characters.
///
/// Flaws: `blank` (nothing visible), `too_long`, `control_character` (also line breaks, and the characters
/// that reverse the direction of what follows, with which a name can pose as another).
pub fn line(text: &str, max: usize) -> Result<String, ValueError> {
    let clean: String = text.trim().nfc().collect();
    if clean.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || reverses(c)) {
        return Err(ValueError::new("control_character", "must be one line without control characters"));
    }
    check_size(&clean, max)?;
    Ok(clean)
}

/// Like [`line()`], but line breaks and tabs may stay; CR LF becomes LF.
pub fn block(text: &str, max: usize) -> Result<String, ValueError> {
    let clean: String = text.replace("\r\n", "\n").replace('\r', "\n").trim().nfc().collect();
    if clean.chars().any(|c| (c.is_control() && c != '\n' && c != '\t') || reverses(c)) {
        return Err(ValueError::new("control_character", "must not contain control characters"));
    }
    check_size(&clean, max)?;
    Ok(clean)
}

/// The name among `known` that somebody who wrote `wrong` most likely meant: a third of its letters may differ.
pub fn nearest_of<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Of a name that is far too long nothing is near, and comparing it would take its time.
    let wrong: String = wrong.to_lowercase().chars().take(64).collect();
    let most = (wrong.chars().count() / 3).max(1);
    let near = known.into_iter().map(|name| (distance(&wrong, &name.to_lowercase()), name));
    near.min().filter(|(distance, _)| *distance <= most).map(|(_, name)| name)
}

/// How many letters differ; two that changed places count once.
pub fn distance(a: &str, b: &str) -> usize {
    strsim::osa_distance(a, b)
}

fn reverses(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn check_size(clean: &str, max: usize) -> Result<(), ValueError> {
    if clean.chars().all(|c| c.is_whitespace() || is_invisible(c)) {
        return Err(ValueError::new("blank", "must not be blank"));
    }
    if clean.chars().count() > max {
        return Err(ValueError::new("too_long", format!("must have at most {max} characters")));
    }
    Ok(())
}

/// What somebody who wrote an unknown name most likely meant, as a part of the sentence that refuses it:
/// ` (did you mean city?)`; nothing if no name is near.
pub fn did_you_mean<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest_of(wrong, names).map_or(String::new(), |name| format!(" (did you mean {name}?)"))
}

/// One line of text, 1 to `MAX` characters after trimming, in NFC, without control characters.
/// A blank text is an error (`blank`): a member that may be empty is an `Option<Line>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Line<const MAX: usize>(String);

/// Text of several lines, 1 to `MAX` characters after trimming, in NFC; line breaks are LF.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Block<const MAX: usize>(String);

impl<const MAX: usize> Line<MAX> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// See [`search_key`].
    pub fn key(&self) -> String {
        search_key(&self.0)
    }
}

impl<const MAX: usize> Block<MAX> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> TextValue for Line<MAX> {
    const MAX_CHARS: usize = MAX;
    fn parse(text: &str) -> Result<Self, ValueError> {
        line(text, MAX).map(Line)
    }
}

impl<const MAX: usize> TextValue for Block<MAX> {
    const MAX_CHARS: usize = MAX;
    fn parse(text: &str) -> Result<Self, ValueError> {
        block(text, MAX).map(Block)
    }
}

impl<const MAX: usize> fmt::Display for Line<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> fmt::Display for Block<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unknown_names_are_answered_with_the_nearest() {
        let names = ["city", "country", "postal_code", "created_after"];
        for (wrong, near) in [
            ("contry", " (did you mean country?)"),
            ("Cty", " (did you mean city?)"),
            ("ctiy", " (did you mean city?)"),
            ("colour", ""),
        ] {
            assert_eq!(did_you_mean(wrong, names), near, "{wrong}");
        }
        assert_eq!(did_you_mean(&"x".repeat(100_000), names), "");
        assert_eq!(did_you_mean("city", []), "");
    }

    #[test]
    fn keys_ignore_case_accents_and_spacing() {
        for (typed, key) in [
            ("  José   MARÍA\tNúñez ", "jose maria nunez"),
            ("Łódź", "lodz"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("ﬁne", "fine"),
            ("Ｔｏｋｙｏ", "tokyo"),
            ("O\u{2019}Brien", "o'brien"),
            ("zero\u{200b}width", "zerowidth"),
            ("İstanbul", "istanbul"),
            ("ΣΑΣ", "σασ"),
            ("σας", "σασ"),
            ("a\0b", "ab"),
            ("", ""),
            (" \u{301} ", ""),
        ] {
            assert_eq!(search_key(typed), key, "{typed:?}");
        }
    }

    #[test]
    fn keys_keep_marks_that_make_another_letter() {
        assert_ne!(search_key("कि"), search_key("का"));
        assert_ne!(search_key("が"), search_key("か"));
        assert_ne!(search_key("กุ"), search_key("ก"));
    }

    #[test]
    fn lines_are_trimmed_composed_and_checked() {
        assert_eq!(line("  Jose\u{301} ", 4).unwrap(), "José");
        assert_eq!(line("five!", 4).unwrap_err().code, "too_long");
        assert_eq!(line(" \u{200b} ", 4).unwrap_err().code, "blank");
        for bad in ["a\nb", "a\0b", "a\u{2028}b", "a\u{202e}b"] {
            assert_eq!(line(bad, 9).unwrap_err().code, "control_character", "{bad:?}");
        }
        assert_eq!(block(" a\r\nb\rc\t ", 9).unwrap(), "a\nb\nc");
        assert_eq!(block("a\0b", 9).unwrap_err().code, "control_character");
        assert_eq!(Line::<3>::parse("abcd").unwrap_err().message, "must have at most 3 characters");
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in any::<String>()) {
            let key = search_key(&text);
            prop_assert_eq!(search_key(&key), key);
        }

        #[test]
        fn case_never_matters_in_latin_letters(text in "[a-zA-ZÀ-ÖØ-öø-ž ]{0,20}") {
            prop_assert_eq!(search_key(&text.to_uppercase()), search_key(&text.to_lowercase()));
        }

        #[test]
        fn cleaning_twice_changes_nothing(text in any::<String>()) {
            if let Ok(one) = Line::<80>::parse(&text) {
                prop_assert_eq!(&Line::<80>::parse(&one.to_string()).unwrap(), &one);
            }
            if let Ok(one) = Block::<80>::parse(&text) {
                prop_assert_eq!(&Block::<80>::parse(&one.to_string()).unwrap(), &one);
            }
        }
    }
}
