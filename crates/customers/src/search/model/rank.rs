//! Looking at candidates: is it really there, and how far is a misspelling from a name?

use super::query::{Query, can_be_misspelt, gram_words};
use super::words::{all_words, is_number, parts};

/// Folded texts of a customer, as they stand beside its tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
    /// The user's name.
    pub username: String,
    /// The customer's own business.
    pub company_name: String,
    /// City.
    pub city: String,
    /// Digits of the phone.
    pub phone: String,
}

/// Does every word of the query, or the phone number that it is, stand in one of the texts? Words that are too short
/// to be looked for inside were found as beginnings already.
pub fn contains(texts: &Texts, query: &Query) -> bool {
    let fields = [
        &texts.first_name,
        &texts.last_name,
        &texts.email,
        &texts.username,
        &texts.company_name,
        &texts.city,
    ];
    let inside = |word: &str| {
        let number = is_number(word) && word.len() >= 4;
        if !number && !gram_words(word) {
            return true;
        }
        fields.iter().any(|text| text.contains(word)) || (number && texts.phone.contains(word))
    };
    let phone = query.digits().is_some_and(|digits| digits.len() >= 4 && texts.phone.contains(digits));
    phone || query.words().all(inside)
}

/// How many letters the query is away from the customer's names; `None` if nobody would call it a misspelling.
pub fn distance(texts: &Texts, query: &Query) -> Option<usize> {
    let names = format!("{} {}", texts.first_name, texts.last_name);
    let names = all_words(&names);
    let others: Vec<String> = [&texts.email, &texts.username, &texts.company_name, &texts.city]
        .into_iter()
        .flat_map(|text| parts(text).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let mut sum = 0;
    for word in query.words().filter(|word| can_be_misspelt(word)) {
        let close = |names: &[String]| names.iter().map(|name| letters_apart(word, name)).min();
        let best = close(&names).unwrap_or(usize::MAX);
        // Beside a misspelt word others may be spelt well, and stand anywhere.
        let exact = others.iter().any(|other| other == word);
        let best = if exact { 0 } else { best };
        if best > allowed(word) {
            return None;
        }
        sum += best;
    }
    Some(sum)
}

fn letters_apart(word: &str, name: &str) -> usize {
    strsim::damerau_levenshtein(word, name)
}

/// A short word with two wrong letters is another word.
fn allowed(word: &str) -> usize {
    match word.chars().count() {
        0..=5 => 1,
        6..=9 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jonathan() -> Texts {
        Texts {
            first_name: "jonathan".to_owned(),
            last_name: "o'brien".to_owned(),
            email: "jb@example.com".to_owned(),
            phone: "15550123".to_owned(),
            ..Texts::default()
        }
    }

    #[test]
    fn parts_are_really_inside() {
        for (query, found) in [
            ("nathan", true),
            ("athan exam", true),
            ("5501", true),
            ("55-50", true),
            ("thana", false),
            ("9999", false),
        ] {
            assert_eq!(contains(&jonathan(), &Query::parse(query)), found, "{query}");
        }
    }

    #[test]
    fn misspellings_are_counted_in_letters() {
        for (query, letters) in [
            ("jonathan", Some(0)),
            ("jonahtan", Some(1)),
            ("jonatan obrein", Some(2)),
            ("jonathan example", Some(0)),
            ("jane", None),
            ("obrian", Some(1)),
        ] {
            assert_eq!(distance(&jonathan(), &Query::parse(query)), letters, "{query}");
        }
    }
}
