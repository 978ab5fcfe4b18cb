//! What the index holds of a customer: tokens. One letter says what kind a token is, so that no text of a user can pose
//! as another kind; the rest is folded text. No token has a space: inside a tag it is written as [`GAP`].
//!
//! | kind | of | for |
//! |---|---|---|
//! | `n` | words of the names, and their ends in scripts without spaces | words and prefixes of names |
//! | `q` | the first one, two, three letters of those | short prefixes without reading half the vocabulary |
//! | `w` | other words: e-mail (before the @), user name, company, city, state, postal code, tags, external id | words and prefixes |
//! | `r` | the first three letters of other words | short prefixes |
//! | `s` | other words with digits behind letters, whole (`w` has the letters before) | a million `person123` are no million words that begin with `per` |
//! | `c` | the public id behind its `CUST_` | its beginning |
//! | `d` | words of the e-mail's domain | words and prefixes |
//! | `g` | three letters in a row of names, e-mail (before the @), company, city | substrings |
//! | `f` | four digits in a row of the phone | parts of phones |
//! | `p` | the phone's digits from the last to the first | phones by their end |
//! | `x` | the first letters of words of names, and these with a letter left out | misspellings |
//! | `t` | tags, whole | filter |
//! | `o` | the company to whom the user belongs | who may see it |
//! | `k` | the country's code | filter |
//! | `a`, `v` | inactive; verified | filter |

use kernel::text::search_key;
use uuid::Uuid;

use super::words::{chunks, grams, is_unspaced, parts, prefix, shorter, spelt, stem, words_of_key};
use crate::customer::model::Tags;

/// A space inside a token: a character that folding removes from whatever people type.
const GAP: &str = "\u{a0}";
/// Tokens of one customer, so that a text of 255 characters costs no more than a usual one in bulk.
const MOST: usize = 400;
/// Bytes of one token; both engines take more.
const LONGEST: usize = 600;
/// Characters of a text that are cut into runs of three.
const CUT: usize = 60;
/// Letters of the shortest word that may be misspelt.
pub const SHORTEST_MISSPELT: usize = 4;

/// What is indexed of a customer. Changing what [`tokens_of`] makes of it needs a new [`VERSION`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Given name.
    pub first_name: &'a str,
    /// Family name.
    pub last_name: &'a str,
    /// As it was typed.
    pub email: Option<&'a str>,
    /// The user's name.
    pub username: &'a str,
    /// `CUST_…`.
    pub customer_id: &'a str,
    /// The digits of the phone.
    pub phone_digits: Option<&'a str>,
    /// The customer's own business.
    pub company_name: Option<&'a str>,
    /// City.
    pub city: Option<&'a str>,
    /// State.
    pub state: Option<&'a str>,
    /// Postal code.
    pub postal_code: Option<&'a str>,
    /// Two letters.
    pub country_code: Option<&'a str>,
    /// Its tags.
    pub tags: Option<&'a Tags>,
    /// Id in another program.
    pub external_id: Option<&'a str>,
    /// Whose customer it is.
    pub company: Option<Uuid>,
    /// Not deactivated.
    pub is_active: bool,
    /// Verified by staff.
    pub is_verified: bool,
}

/// Goes up whenever the same customer would get other tokens: every entry is then written again.
pub const VERSION: i64 = 2;

/// The tokens of a customer: sorted, each once, with spaces between.
pub fn tokens_of(s: &Subject<'_>) -> String {
    let mut t = Tokens::default();
    // First: when something has to go, it is none of these.
    t.facts(s);
    t.names(s.first_name);
    t.names(s.last_name);
    if let Some(email) = s.email {
        t.email(email);
    }
    t.words(&search_key(s.username));
    let number = search_key(s.customer_id);
    t.add('c', &[number.strip_prefix("cust_").unwrap_or(&number)]);
    for text in [s.company_name, s.city].into_iter().flatten() {
        let key = search_key(text);
        t.words(&key);
        t.grams(&key);
    }
    for text in [s.state, s.postal_code, s.external_id].into_iter().flatten() {
        t.words(&search_key(text));
    }
    if let Some(digits) = s.phone_digits {
        t.phone(digits);
    }
    for tag in s.tags.into_iter().flat_map(Tags::iter) {
        let key = search_key(tag.as_str());
        // A stored tag of accents alone has nothing to be found by.
        if !key.is_empty() {
            t.push(&tag_token(&key));
            t.words(&key);
        }
    }
    t.finish()
}

/// The token of a whole tag, from its folded form.
pub fn tag_token(key: &str) -> String {
    format!("t{}", key.replace(' ', GAP))
}

/// The token of those who are a company's customers.
pub fn company_token(company: Uuid) -> String {
    format!("o{}", company.simple())
}

/// The token of a country.
pub fn country_token(code: &str) -> String {
    format!("k{}", code.to_ascii_lowercase())
}

/// The last digits first.
pub fn reversed(digits: &str) -> String {
    digits.chars().rev().collect()
}

/// One text with all of them, and where each ends: a hundred small allocations for each customer are felt in bulk.
#[derive(Default)]
struct Tokens {
    text: String,
    ends: Vec<usize>,
}

impl Tokens {
    /// A token whose text is in pieces.
    fn add(&mut self, kind: char, pieces: &[&str]) {
        let length = pieces.iter().map(|piece| piece.len()).sum();
        if !(1..=LONGEST).contains(&length) {
            return;
        }
        self.text.push(kind);
        for piece in pieces {
            match piece.contains(' ') {
                true => self.text.push_str(&piece.replace(' ', GAP)),
                false => self.text.push_str(piece),
            }
        }
        self.ends.push(self.text.len());
    }

    /// A token with its kind before it.
    fn push(&mut self, token: &str) {
        self.text.push_str(token);
        self.ends.push(self.text.len());
    }

    fn names(&mut self, name: &str) {
        let key = search_key(name);
        for word in words_of_key(&key) {
            for start in ends(&word).chain([&*word]) {
                self.add('n', &[start]);
                for n in 1..=3 {
                    if let Some(start) = exactly(start, n) {
                        self.add('q', &[start]);
                    }
                }
            }
            if !word.chars().any(is_unspaced) {
                let start = spelt(&word);
                self.add('x', &[start]);
                if start.chars().nth(SHORTEST_MISSPELT - 1).is_some() {
                    shorter(start).for_each(|(before, behind)| self.add('x', &[before, behind]));
                }
            }
        }
        self.grams(&key);
    }

    /// Words of folded text that are no names.
    fn words(&mut self, key: &str) {
        for word in words_of_key(key) {
            match stem(&word) {
                Some(stem) => {
                    self.add('s', &[&word]);
                    self.add('w', &[stem]);
                    self.start(if exactly(stem, 3).is_some() { stem } else { &word });
                }
                None => {
                    self.add('w', &[&word]);
                    self.start(&word);
                }
            }
            for end in ends(&word) {
                self.add('w', &[end]);
                self.start(end);
            }
        }
    }

    fn start(&mut self, word: &str) {
        if let Some(start) = exactly(word, 3) {
            self.add('r', &[start]);
        }
    }

    /// Runs of three letters of folded text.
    fn grams(&mut self, key: &str) {
        for part in chunks(prefix(key, CUT)).flat_map(parts).filter(|part| !part.chars().any(is_unspaced)) {
            for gram in grams(part, 3) {
                self.add('g', &[gram]);
            }
        }
    }

    /// The domain by its words alone: most people share a few, and their parts would be in every entry.
    fn email(&mut self, email: &str) {
        let key = search_key(email);
        let (local, domain) = key.rsplit_once('@').unwrap_or((&key, ""));
        self.words(local);
        self.grams(local);
        for word in parts(domain) {
            self.add('d', &[word]);
            self.start(word);
        }
    }

    fn phone(&mut self, digits: &str) {
        self.add('p', &[&reversed(digits)]);
        for gram in grams(digits, 4) {
            self.add('f', &[gram]);
        }
    }

    fn facts(&mut self, s: &Subject<'_>) {
        if let Some(company) = s.company {
            self.push(&company_token(company));
        }
        if let Some(code) = s.country_code {
            self.push(&country_token(code));
        }
        if !s.is_active {
            self.add('a', &["0"]);
        }
        if s.is_verified {
            self.add('v', &["1"]);
        }
    }

    fn finish(self) -> String {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let mut all: Vec<&str> = starts.zip(&self.ends).map(|(start, end)| &self.text[start..*end]).collect();
        // Facts and tags decide who may see it: they stay when something has to go.
        if all.len() > MOST {
            all.sort_by_key(|token| !token.starts_with(['o', 'k', 'a', 'v', 't', 'n', 'p']));
            all.truncate(MOST);
        }
        all.sort_unstable();
        all.dedup();
        all.join(" ")
    }
}

/// Where a script has no spaces, a search for the end of a word is a search for a word.
fn ends(word: &str) -> impl Iterator<Item = &str> {
    const MOST_ENDS: usize = 24;
    let unspaced = word.chars().any(is_unspaced);
    word.char_indices().skip(1).take(if unspaced { MOST_ENDS } else { 0 }).map(|(i, _)| &word[i..])
}

/// The first `n` characters of a word that has so many.
fn exactly(word: &str, n: usize) -> Option<&str> {
    let start = prefix(word, n);
    (start.chars().count() == n).then_some(start)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_usual_customer_has_the_tokens_that_the_table_names() {
        let subject = Subject {
            first_name: "José",
            last_name: "Díaz",
            email: Some("j.diaz@mail.example"),
            username: "josediaz12",
            customer_id: "CUST_A1B2C3D4",
            phone_digits: Some("15550123"),
            tags: Some(&Tags::stored("New York,vip")),
            company: Some(Uuid::nil()),
            ..Subject::default()
        };
        let text = tokens_of(&subject);
        let tokens: Vec<&str> = text.split(' ').collect();
        for token in [
            "njose",
            "ndiaz",
            "qj",
            "qjo",
            "qjos",
            "wdiaz",
            "wj",
            "wjdiaz",
            "wjosediaz",
            "sjosediaz12",
            "ca1b2c3d4",
            "rmai",
            "dmail",
            "dexample",
            "gjos",
            "gose",
            "f1555",
            "f0123",
            "p32105551",
            "xjose",
            "xjos",
            "xose",
            "tnew\u{a0}york",
            "wyork",
            "a0",
        ] {
            assert!(tokens.contains(&token), "{token} in {text}");
        }
        assert!(tokens.len() < 85 && tokens.is_sorted(), "{}", tokens.len());
    }

    #[test]
    fn names_without_spaces_are_found_by_their_end() {
        let text =
            tokens_of(&Subject { first_name: "田中太郎", last_name: "김철수", ..Subject::default() });
        for token in ["n田中太郎", "n太郎", "n철수", "q太", "q太郎"] {
            assert!(text.split(' ').any(|t| t == token), "{token} in {text}");
        }
    }

    #[test]
    fn hostile_names_are_bounded_and_keep_who_may_see_them() {
        let company = Uuid::from_u128(7);
        let forged = company_token(company);
        for text in [
            "ก ข ".repeat(64),
            "\u{301}".repeat(10_000),
            "👩‍👩‍👧\u{202e}".repeat(60),
            "a-b.".repeat(64),
            "字".repeat(255),
        ] {
            let tags = (0..50).map(|n| format!("{forged} {n}")).collect::<Vec<_>>();
            let tags = Tags::stored(&tags.join(","));
            let name = format!("{text} {forged}");
            let mut subject = Subject {
                first_name: &name,
                last_name: &text,
                username: &name,
                city: Some(&name),
                tags: Some(&tags),
                external_id: Some(&forged),
                ..Subject::default()
            };
            let alone = tokens_of(&subject);
            assert!(alone.split(' ').count() <= MOST);
            assert!(!alone.split(' ').any(|token| token.starts_with('o')), "no text makes one");
            subject.company = Some(company);
            assert!(
                tokens_of(&subject)
                    .split(' ')
                    .any(|token| token == forged && !alone.contains(&format!(" {forged} ")))
            );
        }
    }

    #[test]
    fn a_stored_tag_that_folds_to_nothing_makes_no_token() {
        let tokens = |tags| {
            let tags = Tags::stored(tags);
            tokens_of(&Subject { tags: Some(&tags), is_active: true, ..Subject::default() })
        };
        assert_eq!(tokens("\u{16af0}"), "");
        assert_eq!(tokens("\u{16af0},\u{301},vip"), tokens("vip"));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_token_of_another_kind(a in any::<String>(), b in any::<String>()) {
            let tags = Tags::stored(&a);
            let subject = Subject {
                first_name: &a, last_name: &b, email: Some(&a), username: &b, customer_id: &a, phone_digits: Some(&b),
                company_name: Some(&a), city: Some(&b), tags: Some(&tags), external_id: Some(&b), is_active: true, ..Subject::default()
            };
            let text = tokens_of(&subject);
            for token in text.split(' ').filter(|t| !t.is_empty()) {
                prop_assert!(token.starts_with(|c: char| "nqwrsdgfpxtc".contains(c)), "{:?}", token);
                prop_assert!(token.len() > 1 && !token.contains(char::is_control));
            }
        }
    }
}
