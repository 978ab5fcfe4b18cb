use std::collections::HashMap;
use std::sync::LazyLock;

use kernel::text::search_key;

use super::country_names::{ALIASES, LABELS};

/// The two-letter code (ISO 3166-1) of the country that a text names: by code of two or three letters, by
/// its English name, by its own name or a usual other one. Case, accents and punctuation do not matter.
pub fn country_code(text: &str) -> Option<&'static str> {
    let key = name_key(text);
    let code = match key.len() {
        2 => rust_iso3166::from_alpha2(&key.to_ascii_uppercase()),
        3 => rust_iso3166::from_alpha3(&key.to_ascii_uppercase()),
        _ => None,
    };
    code.map(|country| country.alpha2).or_else(|| NAMES.get(&key).copied())
}

/// What a country is compared by: its code in lower case, else the folded text. `USA`, `US` and
/// `United States` have one key, and a text that names no country is still found as it was typed.
pub fn country_key(text: &str) -> String {
    country_code(text).map_or_else(|| search_key(text), str::to_ascii_lowercase)
}

/// The name that statistics show for a two-letter code: the usual English one, and `USA`, `UK`.
pub fn country_label(code: &str) -> Option<&'static str> {
    let country = rust_iso3166::from_alpha2(code)?;
    let usual = LABELS.iter().find(|(alpha2, _)| *alpha2 == country.alpha2);
    Some(usual.map_or(country.name, |(_, label)| label))
}

/// The folded name without punctuation and without `the`: `U.S.A.` is `usa`, `The Gambia` is `gambia`.
fn name_key(text: &str) -> String {
    let folded = search_key(text).replace('&', " and ");
    let words = folded.replace(['.', '\'', '(', ')', '’', '`'], "").replace([',', '-', '/'], " ");
    let mut words: Vec<&str> = words.split_whitespace().collect();
    if words.len() > 1 {
        words.retain(|word| *word != "the");
    }
    words.join(" ")
}

/// Every name by its key. Built at the first use.
static NAMES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let official = rust_iso3166::ALL.iter().map(|country| (country.name, country.alpha2));
    let labels = LABELS.iter().map(|(code, name)| (*name, *code));
    let aliases = ALIASES.iter().flat_map(|(code, names)| names.split('|').map(move |name| (name, *code)));
    official.chain(labels).chain(aliases).map(|(name, code)| (name_key(name), code)).collect()
});

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn many_spellings_are_one_country() {
        for (code, names) in [
            (
                "US",
                &[
                    "USA",
                    "us",
                    "U.S.A.",
                    "U.S.",
                    "United States",
                    "the united states of america",
                    "Estados Unidos",
                    "EE. UU.",
                    "America",
                ] as &[_],
            ),
            (
                "GB",
                &[
                    "UK",
                    "u.k.",
                    "GBR",
                    "England",
                    "Great Britain",
                    "SCOTLAND",
                    "United Kingdom",
                    "Reino Unido",
                ],
            ),
            ("DE", &["Germany", "Deutschland", "Alemania", "DEU"]),
            ("ES", &["España", "espana", "Spain"]),
            ("LK", &["Ceylon", "Sri Lanka"]),
            ("NL", &["Holland", "Netherlands", "The Netherlands", "Países Bajos"]),
            ("CO", &["Colombia", "COL", "República de Colombia"]),
            ("CI", &["Côte d'Ivoire", "Cote d’Ivoire", "Ivory Coast"]),
            ("KR", &["South Korea", "Korea, Republic of", "대한민국"]),
            ("JP", &["日本", "Japan"]),
            ("CZ", &["Czech Republic", "Czechia", "Česko"]),
            ("BA", &["Bosnia & Herzegovina", "Bosnia and Herzegovina"]),
            ("GM", &["The Gambia", "Gambia"]),
            ("TR", &["Turkey", "Türkiye", "TURKİYE"]),
        ] {
            for name in names {
                assert_eq!(country_code(name), Some(code), "{name}");
            }
        }
    }

    #[test]
    fn what_names_no_country_has_no_code() {
        for text in ["", " ", "Atlantis", "XX", "ZZZ", "the", "Korea"] {
            assert_eq!(country_code(text), None, "{text}");
        }
    }

    #[test]
    fn labels_are_the_usual_names() {
        for (code, label) in [
            ("US", "USA"),
            ("GB", "UK"),
            ("CA", "Canada"),
            ("BO", "Bolivia"),
            ("RU", "Russia"),
            ("VN", "Vietnam"),
            ("NL", "Netherlands"),
        ] {
            assert_eq!(country_label(code), Some(label));
        }
        assert_eq!(country_label("XX"), None);
    }

    #[test]
    fn every_code_and_label_reads_back_and_no_name_is_claimed_twice() {
        for country in rust_iso3166::ALL {
            let label = country_label(country.alpha2).unwrap();
            for text in [country.alpha2, country.alpha3, country.name, label] {
                assert_eq!(country_code(text), Some(country.alpha2), "{text}");
            }
            assert!(!label.contains('('), "{label} is no usual name");
        }
        let mut seen = HashSet::new();
        for (code, names) in ALIASES {
            assert!(rust_iso3166::from_alpha2(code).is_some(), "{code}");
            for name in names.split('|') {
                assert!(seen.insert(name_key(name)), "{name} is listed twice");
                assert_eq!(country_code(name), Some(*code), "{name}");
            }
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_codes_have_labels(text in "\\PC*|[a-zA-Z]{2,3}") {
            if let Some(code) = country_code(&text) {
                prop_assert_eq!(country_code(country_label(code).unwrap()), Some(code));
            }
        }
    }
}
