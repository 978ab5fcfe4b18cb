//! What somebody typed, and what the index is asked for it, tier by tier.

use identity::users::model::{Email, UniqueId};
use kernel::TextValue;
use kernel::text::search_key;
use uuid::Uuid;

use super::expr::Expr;
use super::tokens::{SHORTEST_MISSPELT, reversed};
use super::words::{chunks, deletions, grams, is_number, is_unspaced, parts, prefix, stem};
use crate::customer::model::CustomerRef;

/// Words of a query that are looked at.
const MOST_WORDS: usize = 8;
/// Characters of one of them.
const LONGEST_WORD: usize = 60;
/// Digits with which the end of a phone begins to mean that phone.
const PHONE_END: usize = 5;

/// A query, folded and cut into words. See [`Query::parse`].
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Between white space; each with its words.
    chunks: Vec<Vec<String>>,
    /// All digits, if it has the shape of a phone number.
    digits: Option<String>,
    /// What it may name as a whole.
    pub names: Names,
}

/// The unique values of a customer that a query may be, each only if it has the shape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The customer's or its user's.
    pub id: Option<Uuid>,
    /// `CUST_…`.
    pub customer_id: Option<String>,
    /// The number in `USER-…`.
    pub unique_no: Option<i64>,
    /// The normalised address.
    pub email: Option<String>,
    /// The user's name, in lower case.
    pub username: Option<String>,
    /// The id in another program, as typed.
    pub external_id: Option<String>,
}

impl Names {
    fn of(text: &str) -> Names {
        if text.is_empty() || text.chars().count() > 255 || text.contains(char::is_control) {
            return Names::default();
        }
        let reference = CustomerRef::parse(text).ok();
        let one = !text.contains(char::is_whitespace);
        Names {
            id: Uuid::try_parse(text).ok(),
            customer_id: match reference {
                Some(CustomerRef::Number(number)) => Some(number.to_string()),
                _ => None,
            },
            unique_no: UniqueId::parse(text).ok().map(|id| id.number()),
            email: Email::parse(text).ok().map(|email| email.key().to_owned()),
            username: one.then(|| text.to_lowercase()),
            external_id: Some(text.to_owned()),
        }
    }

    /// Is there nothing that it may be?
    pub fn is_empty(&self) -> bool {
        *self == Names::default()
    }
}

impl Query {
    /// Reads what was typed. Any text is a query; one without letters and digits finds nothing.
    pub fn parse(text: &str) -> Query {
        let key = search_key(text);
        let mut left = MOST_WORDS;
        let mut all = Vec::new();
        for chunk in chunks(&key) {
            let words: Vec<String> = match number_start(chunk) {
                // Kept whole: no word has this sign in it.
                Some(_) => vec![chunk.to_owned()],
                None => parts(chunk).take(left).map(|part| prefix(part, LONGEST_WORD).to_owned()).collect(),
            };
            left = left.saturating_sub(words.len());
            if !words.is_empty() {
                all.push(words);
            }
        }
        Query { chunks: all, digits: phone_digits(&key), names: Names::of(text.trim()) }
    }

    /// Does it have no words?
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The words.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.chunks.iter().flatten().map(String::as_str)
    }

    /// The phone number that it looks like, as digits.
    pub fn digits(&self) -> Option<&str> {
        self.digits.as_deref()
    }

    /// A phone in any spelling: these digits, with or without the country's, or the last five or more.
    pub fn phone(&self) -> Option<Expr> {
        let digits = self.digits.as_deref().filter(|digits| digits.len() >= PHONE_END)?;
        let plain = digits.trim_start_matches('0');
        let mut forms = vec![Expr::prefix('p', &reversed(digits))];
        if plain.len() >= PHONE_END && plain.len() < digits.len() {
            forms.push(Expr::prefix('p', &reversed(plain)));
        }
        // Stored as people dial it at home, asked for with the country.
        for code in 1..=3 {
            if let Some(home) = plain.get(code..).filter(|home| home.len() >= 7) {
                forms.push(Expr::token('p', &reversed(home)));
                forms.push(Expr::token('p', &reversed(&format!("0{home}"))));
            }
        }
        Expr::any(forms)
    }

    /// Every word is a word of the names.
    pub fn names_exactly(&self) -> Option<Expr> {
        self.each(|word| Expr::token('n', word))
    }

    /// Every word is a word somewhere.
    pub fn words_exactly(&self) -> Option<Expr> {
        self.each(|word| Expr::Or(word_exactly(word)))
    }

    /// Every word begins a word of the names.
    pub fn names_by_prefix(&self) -> Option<Expr> {
        self.each(name_by_prefix)
    }

    /// Every word begins a word somewhere, or is the end of a phone.
    pub fn words_by_prefix(&self) -> Option<Expr> {
        let words = self.each(word_by_prefix);
        Expr::any(words.into_iter().chain(self.phone()))
    }

    /// Every word stands somewhere inside; `None` if all are too short. Who is found has to be looked at: three letters in
    /// a row need not be those of one word.
    pub fn substrings(&self) -> Option<Expr> {
        let long = |word: &str| gram_words(word) || (is_number(word) && word.len() >= 4);
        let words = self.words().any(long).then(|| self.each_word(substring)).flatten();
        let digits = self.digits.as_deref().filter(|digits| digits.len() >= 4);
        Expr::any(words.into_iter().chain(digits.and_then(|digits| all_grams('f', digits, 4))))
    }

    /// Every word but for a letter or two; `None` if no word can be misspelt. Who is found has to be ranked.
    pub fn misspelt(&self) -> Option<Expr> {
        let spelt = self.words().any(can_be_misspelt);
        spelt
            .then(|| {
                self.each_word(|word| match can_be_misspelt(word) {
                    true => Expr::Or(
                        deletions(word, if word.chars().count() >= 8 { 2 } else { 1 })
                            .iter()
                            .map(|form| Expr::token('x', form))
                            .collect(),
                    ),
                    false => word_by_prefix(word),
                })
            })
            .flatten()
    }

    /// One condition per piece: of all its words, or of these written as one.
    fn each(&self, of: impl Fn(&str) -> Expr) -> Option<Expr> {
        Expr::all(self.chunks.iter().filter_map(|words| {
            let apart = Expr::all(words.iter().map(|word| of(word)));
            let joined = (words.len() > 1).then(|| of(prefix(&words.concat(), LONGEST_WORD)));
            Expr::any(apart.into_iter().chain(joined))
        }))
    }

    fn each_word(&self, of: impl Fn(&str) -> Expr) -> Option<Expr> {
        Expr::all(self.words().map(of))
    }
}

/// What was typed of a public id behind its `CUST_`.
fn number_start(word: &str) -> Option<&str> {
    let start = word.strip_prefix("cust_")?;
    ((1..=8).contains(&start.len()) && is_hex(start)).then_some(start)
}

fn is_hex(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The digits of a text that has the shape of a phone number: nothing but digits and the signs around them.
fn phone_digits(key: &str) -> Option<String> {
    let shape = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '+' | '-' | '(' | ')' | '.' | '/');
    let digits: String = key.chars().filter(char::is_ascii_digit).collect();
    (key.chars().all(shape) && (3..=20).contains(&digits.len())).then_some(digits)
}

fn word_exactly(word: &str) -> Vec<Expr> {
    let mut any: Vec<Expr> = ['n', 'w', 'd'].map(|kind| Expr::token(kind, word)).into();
    if stem(word).is_some() || is_number(word) {
        any.push(Expr::token('s', word));
    }
    if let Some(start) = number_start(word) {
        any.push(Expr::prefix('c', start));
    }
    any
}

fn name_by_prefix(word: &str) -> Expr {
    match word.chars().count() {
        1..=3 => Expr::token('q', word),
        _ => Expr::prefix('n', word),
    }
}

fn word_by_prefix(word: &str) -> Expr {
    let mut any = word_exactly(word);
    any.push(name_by_prefix(word));
    match word.chars().count() {
        1..=2 if word.chars().any(is_unspaced) => any.push(Expr::prefix('w', word)),
        1..=2 => {}
        3 => any.push(Expr::token('r', word)),
        _ => any.extend(['w', 'd'].map(|kind| Expr::prefix(kind, word))),
    }
    if word.bytes().any(|b| b.is_ascii_digit()) && word.len() > 3 {
        any.push(Expr::prefix('s', word));
        if is_hex(word) {
            any.push(Expr::prefix('c', word));
        }
    }
    if is_number(word) && word.len() >= PHONE_END {
        any.push(Expr::prefix('p', &reversed(word)));
    }
    Expr::Or(any)
}

fn substring(word: &str) -> Expr {
    let letters = gram_words(word).then(|| all_grams('g', word, 3)).flatten();
    let digits = (is_number(word) && word.len() >= 4).then(|| all_grams('f', word, 4)).flatten();
    Expr::any(letters.into_iter().chain(digits)).unwrap_or_else(|| word_by_prefix(word))
}

/// All runs of `n` characters of a text, as many as narrow the search.
pub fn all_grams(kind: char, text: &str, n: usize) -> Option<Expr> {
    const ENOUGH: usize = 12;
    Expr::all(grams(text, n).take(ENOUGH).map(|gram| Expr::token(kind, gram)))
}

/// Can runs of three letters find it?
pub fn gram_words(word: &str) -> bool {
    word.chars().count() >= 3 && !word.contains('_') && !word.chars().any(is_unspaced)
}

/// Is it long enough, and made of letters that people mistake?
pub fn can_be_misspelt(word: &str) -> bool {
    let long = word.chars().count() >= SHORTEST_MISSPELT;
    long && word.chars().all(|c| !c.is_ascii_digit() && c != '_' && !is_unspaced(c))
}

#[cfg(test)]
mod tests {
    use database::Engine;

    use super::*;

    fn text(expr: Option<Expr>) -> String {
        expr.map_or_else(String::new, |expr| expr.text(Engine::Sqlite))
    }

    #[test]
    fn words_become_tokens() {
        let query = Query::parse("José  O'Brien");
        assert_eq!(text(query.names_exactly()), r#"("njose" AND (("no" AND "nbrien") OR "nobrien"))"#);
        assert_eq!(text(Query::parse("jo d").names_by_prefix()), r#"("qjo" AND "qd")"#);
        assert_eq!(text(Query::parse("johnny").names_by_prefix()), r#""njohnny"*"#);
        assert_eq!(text(Query::parse("ohnn").substrings()), r#"("gohn" AND "ghnn")"#);
        assert!(Query::parse("%% \"' --").is_empty());
        assert_eq!(Query::parse("ab").substrings(), None);
        assert_eq!(Query::parse("田中").misspelt(), None);
    }

    #[test]
    fn shapes_are_recognised() {
        assert_eq!(Query::parse("+1 (555) 01-23").digits(), Some("15550123"));
        assert_eq!(Query::parse("555 main").digits(), None);
        assert_eq!(
            Query::parse(" john.doe@EXAMPLE.com ").names.email.as_deref(),
            Some("john.doe@example.com")
        );
        assert_eq!(Query::parse("cust_a1b2c3d4").names.customer_id.as_deref(), Some("CUST_A1B2C3D4"));
        assert_eq!(Query::parse("USER-10000001").names.unique_no, Some(10_000_001));
        assert!(Query::parse("").names.is_empty());
        assert!(text(Query::parse("0123456").phone()).starts_with(r#"("p6543210"* OR "p654321"*"#));
    }
}
