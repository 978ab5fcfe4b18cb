//! Addresses in lines, as the post of their country wants them (the metadata of libaddressinput), and what postal codes are
//! compared by.

use std::collections::HashMap;
use std::sync::LazyLock;

use kernel::text::search_key;

/// Where no country is known: everything that is there.
const ANYWHERE: &str = "%A%n%C, %S %Z";

/// How the addresses of a country are written.
#[derive(Clone, Copy)]
struct Format {
    local: &'static str,
    latin: &'static str,
}

static FORMATS: LazyLock<HashMap<&str, Format>> = LazyLock::new(|| {
    let lines = include_str!("address_formats.tsv").lines().filter(|line| !line.starts_with('#'));
    let mut formats = HashMap::new();
    for line in lines {
        let mut cells = line.split('\t');
        let (Some(local), Some(latin), Some(codes)) = (cells.next(), cells.next(), cells.next()) else {
            continue;
        };
        let latin = if latin.is_empty() { local } else { latin };
        formats.extend(codes.split(' ').map(|code| (code, Format { local, latin })));
    }
    formats
});

/// The parts of an address; what is not there is empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parts<'a> {
    /// Street, then flat or building.
    pub lines: [&'a str; 2],
    /// City or town.
    pub city: &'a str,
    /// State, province or department.
    pub state: &'a str,
    /// Postal code.
    pub postal_code: &'a str,
    /// The country as typed: the last line.
    pub country: &'a str,
}

/// The lines of an address, separated by line feeds, in the order and with the signs that are usual in the country (ISO
/// 3166 code). What an address of that country does not have in its pattern, such as a state in Germany, is left out.
pub fn formatted_address(parts: Parts<'_>, country_code: Option<&str>) -> String {
    let format = country_code.and_then(|code| FORMATS.get(code));
    let pattern = match format {
        Some(format) if parts.is_latin() => format.latin,
        Some(format) => format.local,
        None => ANYWHERE,
    };
    let has_any = [parts.lines[0], parts.lines[1], parts.city, parts.state, parts.postal_code];
    let mut lines: Vec<String> = Vec::new();
    if has_any.iter().any(|part| !part.is_empty()) {
        lines.extend(pattern.split("%n").map(|line| parts.line(line)));
    }
    lines.push(parts.country.to_owned());
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// What postal codes are compared by: folded, without spaces and hyphens.
pub fn postal_key(text: &str) -> String {
    search_key(text).replace([' ', '-'], "")
}

impl Parts<'_> {
    /// One line of a pattern. Signs stand between two parts that are there, or beside one at an end of the line.
    fn line(&self, pattern: &str) -> String {
        let (mut text, mut signs, mut last_is_there, mut has_part) =
            (String::new(), String::new(), true, false);
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                signs.push(c);
                continue;
            }
            has_part = true;
            let part = self.part(chars.next());
            if !part.is_empty() {
                // After a part that is missing, only what stands next to this one counts.
                if last_is_there || !text.is_empty() {
                    text.push_str(&signs);
                }
                text.push_str(&part);
            }
            last_is_there = !part.is_empty();
            signs.clear();
        }
        if last_is_there || !has_part {
            text.push_str(&signs);
        }
        text
    }

    fn part(&self, letter: Option<char>) -> String {
        match letter {
            Some('A') => self.lines.into_iter().filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n"),
            Some('C') => self.city.to_owned(),
            Some('S') => self.state.to_owned(),
            Some('Z') => self.postal_code.to_owned(),
            _ => String::new(),
        }
    }

    /// Is it written in Latin letters? Up to U+024F, and those of Vietnamese.
    fn is_latin(&self) -> bool {
        let [one, two] = self.lines;
        let texts = [one, two, self.city, self.state].into_iter().flat_map(str::chars);
        texts.filter(|c| c.is_alphabetic()).all(|c| matches!(c, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(parts: [&str; 6], code: &str) -> Vec<String> {
        let [one, two, city, state, postal_code, country] = parts;
        let parts = Parts { lines: [one, two], city, state, postal_code, country };
        let code = Some(code).filter(|code| !code.is_empty());
        formatted_address(parts, code).lines().map(str::to_owned).collect()
    }

    #[test]
    fn each_country_has_its_order() {
        let cases: &[(&str, [&str; 6], &[&str])] = &[
            (
                "US",
                ["123 Main Street", "Floor 2", "New York", "NY", "10001", "USA"],
                &["123 Main Street", "Floor 2", "New York, NY 10001", "USA"],
            ),
            (
                "DE",
                ["Torstr. 1", "", "Berlin", "Berlin", "10119", "Germany"],
                &["Torstr. 1", "10119 Berlin", "Germany"],
            ),
            (
                "CO",
                ["Calle 1", "", "Bogotá", "D.C.", "110111", "Colombia"],
                &["Calle 1", "Bogotá, D.C., 110111", "Colombia"],
            ),
            (
                "GB",
                ["10 Downing St", "", "London", "", "SW1A 2AA", "UK"],
                &["10 Downing St", "London", "SW1A 2AA", "UK"],
            ),
            ("CH", ["Gasse 1", "", "Bern", "", "3011", "Schweiz"], &["Gasse 1", "CH-3011 Bern", "Schweiz"]),
            (
                "JP",
                ["千代田1-1", "", "", "東京都", "100-8111", "日本"],
                &["〒100-8111", "東京都", "千代田1-1", "日本"],
            ),
            (
                "JP",
                ["1-1 Chiyoda", "", "", "Tokyo", "100-8111", "Japan"],
                &["1-1 Chiyoda, Tokyo", "100-8111", "Japan"],
            ),
            (
                "SG",
                ["1 Raffles Place", "", "", "", "048616", "Singapore"],
                &["1 Raffles Place", "SINGAPORE 048616", "Singapore"],
            ),
        ];
        for (code, parts, wanted) in cases {
            assert_eq!(lines(*parts, code), *wanted, "{code}");
        }
    }

    #[test]
    fn signs_go_with_what_is_missing() {
        let us = |city, state, postal| lines(["", "", city, state, postal, ""], "US");
        assert_eq!(us("Portland", "", "97201"), ["Portland 97201"]);
        assert_eq!(us("Portland", "OR", ""), ["Portland, OR"]);
        assert_eq!(us("", "OR", "97201"), ["OR 97201"]);
        assert_eq!(us("Portland", "", ""), ["Portland"]);
        assert_eq!(us("", "", ""), Vec::<String>::new());
        assert_eq!(lines(["", "", "Bern", "", "", ""], "CH"), ["Bern"]);
        assert_eq!(lines(["", "", "", "", "", "Peru"], "PE"), ["Peru"]);
        assert_eq!(
            lines(["Somewhere 1", "", "Nowhere", "", "1", "Atlantis"], ""),
            ["Somewhere 1", "Nowhere 1", "Atlantis"]
        );
    }

    #[test]
    fn spellings_of_a_postal_code_have_one_key() {
        assert_eq!(postal_key("SW1A 1AA"), postal_key("sw1a1aa"));
        assert_eq!(postal_key("100-8111"), "1008111");
    }

    /// Every pattern is read, and nothing of a complete address gets lost but what the pattern has no place for.
    #[test]
    fn every_pattern_is_readable() {
        assert!(FORMATS.len() > 190, "{}", FORMATS.len());
        for (code, format) in FORMATS.iter() {
            assert_eq!(code.len(), 2, "{code}");
            for pattern in [format.local, format.latin] {
                let mut rest = pattern.to_owned();
                for (sign, text) in [("%A", "street"), ("%C", "city"), ("%S", "state"), ("%Z", "code")] {
                    let known = rest.matches(sign).count() <= 1;
                    assert!(known, "{code}: {pattern}");
                    rest = rest.replace(sign, text);
                }
                assert!(!rest.replace("%n", "").contains('%'), "{code}: {pattern}");
                let parts = Parts {
                    lines: ["street", ""],
                    city: "city",
                    state: "state",
                    postal_code: "code",
                    country: "",
                };
                let whole: Vec<String> = pattern.split("%n").map(|line| parts.line(line)).collect();
                assert_eq!(whole.join("\n"), rest.replace("%n", "\n"), "{code}");
            }
        }
    }
}
