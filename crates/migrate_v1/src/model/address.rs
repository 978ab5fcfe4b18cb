//! Splits an address of one text from the right: country, postal code, state, city; what is left is the first line.
//!
//! The text alone often allows several readings (`CA` is California and Canada), so all of them are tried and weighed by
//! what in them is known for certain. A reading that nothing supports, or that another comes close to, is left to people.

use customers::customer::model::{country_code, country_label};
use kernel::text::search_key;

use super::places::{COUNTRIES, Country};

/// From here on a reading is trusted.
pub const SURE: f64 = 0.8;

/// What was read out of a text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Split {
    /// Street and number, and whatever stands before the city.
    pub line1: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State as typed.
    pub state: Option<String>,
    /// Postal code as typed.
    pub postal_code: Option<String>,
    /// As typed; the usual name where the text names none.
    pub country: Option<String>,
    /// From 0 to 1.
    pub confidence: f64,
}

impl Split {
    /// Can it be written without anybody having looked?
    pub fn is_sure(&self) -> bool {
        self.confidence >= SURE
    }
}

/// How a reading comes to its country, with what that is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Source {
    Named,
    Default,
    Guessed,
}

/// One reading: a country, and the text without it.
struct Reading {
    code: Option<&'static str>,
    country: Option<String>,
    source: Source,
    segments: Vec<String>,
}

/// Reads an address. `default_country` is where it lies if it names no country.
pub fn split(text: &str, default_country: Option<&str>) -> Split {
    let segments: Vec<String> = text
        .split([',', ';', '\n', '\r'])
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|part| part.chars().any(char::is_alphanumeric))
        .collect();
    let mut read: Vec<(Option<&'static str>, f64, Split)> = readings(&segments, default_country)
        .into_iter()
        .map(|reading| {
            let code = reading.code;
            let (score, split) = weigh(reading);
            (code, score, split)
        })
        .collect();
    // Stable: of equals, the first way of reading stays.
    read.sort_by(|a, b| b.1.total_cmp(&a.1));
    let rival = read.iter().skip(1).find(|other| other.0 != read[0].0).map(|other| other.1);
    let Some((_, score, mut best)) = read.into_iter().next() else { return Split::default() };
    best.confidence = score.clamp(0.0, 1.0);
    if rival.is_some_and(|rival| rival + 0.05 >= score) {
        best.confidence = best.confidence.min(SURE - 0.1);
    }
    best.confidence = (best.confidence * 100.0).round() / 100.0;
    best
}

fn readings(segments: &[String], default_country: Option<&str>) -> Vec<Reading> {
    let mut all = named(segments);
    let here = |code: &'static str, source| Reading {
        code: Some(code),
        country: country_label(code).map(str::to_owned),
        source,
        segments: segments.to_vec(),
    };
    match default_country.and_then(country_code) {
        Some(code) => all.push(here(code, Source::Default)),
        None => {
            let with_states = COUNTRIES.iter().filter(|country| !country.states.is_empty());
            all.extend(with_states.map(|country| here(country.code, Source::Guessed)));
            all.push(Reading {
                code: None,
                country: None,
                source: Source::Guessed,
                segments: segments.to_vec(),
            });
        }
    }
    all
}

/// The country as the last part, or as the last words of it.
fn named(segments: &[String]) -> Vec<Reading> {
    let Some((last, before)) = segments.split_last() else { return Vec::new() };
    let words: Vec<&str> = last.split(' ').collect();
    let mut found = Vec::new();
    for n in 1..=words.len().min(5) {
        let (rest, name) = words.split_at(words.len() - n);
        let (rest, name) = (rest.join(" "), name.join(" "));
        let name = name.trim_end_matches('.');
        // Two letters behind other words are a state, but for the two that everybody writes.
        let letters = name.chars().filter(|c| c.is_alphanumeric()).count();
        let glued = !rest.is_empty() && letters <= 2 && !matches!(name, "US" | "UK" | "U.S" | "U.K");
        let Some(code) = country_code(name).filter(|_| !glued) else { continue };
        let mut segments = before.to_vec();
        if !rest.is_empty() {
            segments.push(rest);
        }
        found.push(Reading {
            code: Some(code),
            country: Some(name.to_owned()),
            source: Source::Named,
            segments,
        });
    }
    found
}

/// Takes a reading apart and says how much speaks for it.
fn weigh(reading: Reading) -> (f64, Split) {
    let Reading { code, country, source, mut segments } = reading;
    let facts = COUNTRIES.iter().find(|facts| Some(facts.code) == code);
    let (postal_code, leads) = take_postcode(&mut segments, facts).unzip();
    let state = facts.and_then(|facts| take_state(&mut segments, facts));
    let city = if segments.len() > 1 { segments.pop() } else { None };
    let mut score: f64 = match source {
        Source::Named => 0.25,
        Source::Default => 0.15,
        Source::Guessed => 0.1,
    };
    score += match (facts, &postal_code) {
        (Some(_), Some(_)) => 0.35,
        (None, Some(_)) => 0.2,
        (Some(facts), None) if facts.needs_postcode => 0.0,
        // Nothing is missing.
        (_, None) => 0.15,
    };
    score += match (facts.is_some_and(|facts| !facts.states.is_empty()), &state) {
        (_, Some(_)) => 0.25,
        (true, None) => -0.2,
        (false, None) => 0.0,
    };
    let has_digit = |text: &str| text.chars().any(char::is_numeric);
    score += match &city {
        Some(city) if has_digit(city) => 0.1,
        Some(_) => 0.2,
        None => 0.0,
    };
    score += if segments.iter().any(|part| has_digit(part)) { 0.2 } else { 0.05 };
    // A further part without a number is more likely a district, a village or a county than a street.
    if segments.iter().skip(1).any(|part| !has_digit(part) && !is_unit(part)) {
        score -= 0.25;
    }
    // A guess needs everything in its place: OR is a province of Spain too, and there the postal code leads.
    let in_place = leads == Some(facts.is_some_and(|facts| facts.postcode_first));
    if source == Source::Guessed && (!in_place || state.is_none()) {
        score = score.min(0.3);
    }
    let split = Split {
        line1: Some(segments.join(", ")).filter(|line| !line.is_empty()),
        city,
        state,
        postal_code,
        country,
        confidence: 0.0,
    };
    if split.line1.is_none() || split.city.is_none() || !fits(&split) {
        score = score.min(0.4);
    }
    (score, split)
}

/// Is every part as short as the fields of a customer are?
fn fits(split: &Split) -> bool {
    let within = |part: &Option<String>, most: usize| {
        part.as_ref().is_none_or(|part| kernel::text::line(part, most).is_ok())
    };
    within(&split.line1, 255)
        && within(&split.city, 100)
        && within(&split.state, 100)
        && within(&split.postal_code, 20)
        && within(&split.country, 100)
}

fn is_unit(part: &str) -> bool {
    const UNITS: [&str; 15] = [
        "apt",
        "apartment",
        "suite",
        "ste",
        "unit",
        "floor",
        "flat",
        "room",
        "building",
        "bldg",
        "piso",
        "depto",
        "dpto",
        "apto",
        "po box",
    ];
    let key = search_key(part);
    UNITS.iter().any(|unit| key.starts_with(unit) || key.ends_with(unit))
}

/// The postal code at the end of one of the last two parts, or before the city where it is written so. Never out of the
/// first part, whose number is that of the house. With it, whether something follows in its part.
fn take_postcode(segments: &mut Vec<String>, facts: Option<&Country>) -> Option<(String, bool)> {
    for at in (segments.len().saturating_sub(2).max(1)..segments.len()).rev() {
        let words: Vec<&str> = segments[at].split(' ').collect();
        let mut cuts = Vec::new();
        for n in (1..=words.len().min(2)).rev() {
            cuts.push((words.len() - n..words.len(), 0..words.len() - n));
            if facts.is_some_and(|facts| facts.postcode_first) {
                cuts.push((0..n, n..words.len()));
            }
        }
        let found = cuts.into_iter().find(|(code, _)| is_postcode(&words[code.clone()].concat(), facts));
        let Some((code, rest)) = found else { continue };
        let leads = code.end < words.len();
        let (code, rest) = (words[code].join(" "), trimmed(&words[rest].join(" ")));
        match rest.is_empty() {
            true => drop(segments.remove(at)),
            false => segments[at] = rest,
        }
        return Some((code.trim_start_matches('〒').to_owned(), leads));
    }
    None
}

fn trimmed(text: &str) -> String {
    text.trim_matches(|c: char| c == '-' || c == '.' || c.is_whitespace()).to_owned()
}

fn is_postcode(text: &str, facts: Option<&Country>) -> bool {
    let compact: Vec<char> = text.trim_start_matches('〒').chars().filter(|c| *c != '-').collect();
    let is_like = |shape: &str| {
        shape.len() == compact.len()
            && shape.chars().zip(&compact).all(|(kind, c)| match kind {
                '9' => c.is_ascii_digit(),
                _ => c.is_ascii_alphabetic(),
            })
    };
    match facts {
        Some(facts) => facts.postcodes.split(' ').any(is_like),
        None => (4..=6).contains(&compact.len()) && compact.iter().all(char::is_ascii_digit),
    }
}

/// The state as the last part, or as a code behind the city. A whole name behind other words is left: `Port Washington`
/// is a city.
fn take_state(segments: &mut Vec<String>, facts: &Country) -> Option<String> {
    let is_state = |text: &str| {
        let key = search_key(text.trim_end_matches('.'));
        !key.is_empty() && facts.states.split([';', '|']).any(|name| search_key(name) == key)
    };
    if segments.len() < 2 {
        return None;
    }
    let last = segments.last()?.clone();
    // New York is a state and a city: with nothing else left for the city, it is the city.
    if is_state(&last) {
        let is_code = last.chars().count() <= 3;
        return if is_code || segments.len() > 2 { segments.pop() } else { None };
    }
    let (city, code) = last.rsplit_once(' ')?;
    let is_code = code.chars().count() <= 3 && !code.chars().any(char::is_lowercase);
    if !is_code || !is_state(code) {
        return None;
    }
    *segments.last_mut()? = trimmed(city);
    Some(code.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Line 1, city, state, postal code, country.
    fn parts(split: &Split) -> [&str; 5] {
        [&split.line1, &split.city, &split.state, &split.postal_code, &split.country]
            .map(|part| part.as_deref().unwrap_or_default())
    }

    #[test]
    fn c21_the_sample_of_seed_000() {
        for default in [None, Some("US"), Some("DE")] {
            let split = split("123 Main St, Portland, OR, 97201, USA", default);
            assert_eq!(parts(&split), ["123 Main St", "Portland", "OR", "97201", "USA"]);
            assert!(split.is_sure(), "{split:?}");
        }
    }

    #[test]
    fn c21_the_sample_of_seed_001_names_no_country() {
        for default in [None, Some("US")] {
            let split = split("123 Main St, Portland, OR, 97201", default);
            assert_eq!(parts(&split), ["123 Main St", "Portland", "OR", "97201", "USA"]);
            assert!(split.is_sure(), "{split:?}");
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of cases")]
    fn addresses_of_many_countries() {
        for (text, default, expected) in [
            ("123 Main St, Portland, OR 97201", "US", ["123 Main St", "Portland", "OR", "97201", "USA"]),
            (
                "123 Main St\nPortland OR 97201-1234\nU.S.A.",
                "",
                ["123 Main St", "Portland", "OR", "97201-1234", "U.S.A"],
            ),
            (
                "123 Main St, Apt 4B, Portland, Oregon, 97201, United States",
                "",
                ["123 Main St, Apt 4B", "Portland", "Oregon", "97201", "United States"],
            ),
            ("5 Ocean Ave, Los Angeles, CA 90001", "", ["5 Ocean Ave", "Los Angeles", "CA", "90001", "USA"]),
            ("5 Ocean Ave, Los Angeles, CA", "US", ["5 Ocean Ave", "Los Angeles", "CA", "", "USA"]),
            ("350 5th Ave, New York, NY 10118, USA", "", ["350 5th Ave", "New York", "NY", "10118", "USA"]),
            (
                "1 Yonge St, Toronto, ON M5E 1W7, Canada",
                "",
                ["1 Yonge St", "Toronto", "ON", "M5E 1W7", "Canada"],
            ),
            (
                "10 Downing Street, London SW1A 2AA, UK",
                "US",
                ["10 Downing Street", "London", "", "SW1A 2AA", "UK"],
            ),
            (
                "10 Downing Street, London, SW1A2AA",
                "GB",
                ["10 Downing Street", "London", "", "SW1A2AA", "UK"],
            ),
            (
                "Unit 5, 1234 Long Road, Sydney NSW 2000, Australia",
                "",
                ["Unit 5, 1234 Long Road", "Sydney", "NSW", "2000", "Australia"],
            ),
            (
                "Hauptstraße 5, 10115 Berlin, Deutschland",
                "",
                ["Hauptstraße 5", "Berlin", "", "10115", "Deutschland"],
            ),
            ("12 rue de la Paix, 75002 Paris", "FR", ["12 rue de la Paix", "Paris", "", "75002", "France"]),
            (
                "Damrak 1, 1012 LG Amsterdam, Netherlands",
                "",
                ["Damrak 1", "Amsterdam", "", "1012 LG", "Netherlands"],
            ),
            (
                "Calle Mayor 1, 28013 Madrid, Madrid, España",
                "",
                ["Calle Mayor 1", "Madrid", "Madrid", "28013", "España"],
            ),
            (
                "Av. Paulista 1000, São Paulo - SP, 01310-100, Brasil",
                "",
                ["Av. Paulista 1000", "São Paulo", "SP", "01310-100", "Brasil"],
            ),
            (
                "Carrera 7 # 71-21, Bogotá, Cundinamarca, Colombia",
                "",
                ["Carrera 7 # 71-21", "Bogotá", "Cundinamarca", "", "Colombia"],
            ),
            ("12 Galle Road, Colombo, Sri Lanka", "", ["12 Galle Road", "Colombo", "", "", "Sri Lanka"]),
            (
                "221 MG Road, Bengaluru, Karnataka 560001, India",
                "",
                ["221 MG Road", "Bengaluru", "Karnataka", "560001", "India"],
            ),
        ] {
            let split = split(text, Some(default));
            assert_eq!(parts(&split), expected, "{text}");
            assert!(split.is_sure(), "{text}: {split:?}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_left_to_people() {
        for (text, default) in [
            ("", ""),
            ("somewhere", "US"),
            ("Main Street, Portland", "US"),
            ("123 Main St Portland OR 97201", "US"),
            ("123 Main St, NY 10001", "US"),
            ("12 Peachtree St, Atlanta, Georgia", "US"),
            ("5 High St, Oxford, Oxfordshire, OX1 1AA, UK", ""),
            ("Portland, OR, 97201, USA", ""),
        ] {
            let split = split(text, Some(default));
            assert!(!split.is_sure(), "{text}: {split:?}");
        }
    }

    #[test]
    fn the_table_is_well_formed() {
        for facts in COUNTRIES {
            assert!(country_label(facts.code).is_some(), "{}", facts.code);
            assert!(facts.postcodes.chars().all(|c| matches!(c, '9' | 'A' | ' ')), "{}", facts.code);
            assert!(
                facts.states.is_empty() || !facts.states.split([';', '|']).any(str::is_empty),
                "{}",
                facts.code
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_nothing_of_it_is_lost(
            text in "\\PC{0,80}|([A-Z]?[a-z0-9]{1,8}[ ,;\\n]{1,2}){0,9}(OR|CA|97201|USA|UK|SW1A 2AA)?",
            default in prop::sample::select(vec!["", "US", "DE", "GB", "BR"]),
        ) {
            let split = split(&text, Some(default));
            prop_assert!((0.0..=1.0).contains(&split.confidence));
            if split.is_sure() {
                // What was not typed is the country alone.
                let typed: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
                let mut read: Vec<char> = parts(&split)[..4].concat().chars().filter(|c| c.is_alphanumeric()).collect();
                let mut rest: Vec<char> = typed.chars().collect();
                for c in read.drain(..) {
                    let at = rest.iter().position(|r| *r == c);
                    prop_assert!(at.is_some());
                    at.map(|at| rest.swap_remove(at));
                }
                let country: String = split.country.unwrap_or_default().chars().filter(|c| c.is_alphanumeric()).collect();
                prop_assert!(rest.is_empty() || rest.len() == country.chars().count(), "{rest:?}");
            }
        }
    }
}
