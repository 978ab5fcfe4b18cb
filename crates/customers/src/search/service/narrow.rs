//! Filters as tokens, so that the index answers them together with the words, and what is left of them for SQL.

use kernel::web::list::{FilterValue, ListRequest};
use platform::access::Scope;

use super::Criteria;
use crate::customer::model::country_code;
use crate::search::model::expansions::TokenExpansions;
use crate::search::model::expr::Expr;
use crate::search::model::query::{all_grams, gram_words};
use crate::search::model::tokens::{company_token, country_token, tag_token};
use crate::search::model::words::{chunks, parts};
use crate::search::store::{Field, RowFilters};

/// What everybody who is found must have, whatever the words.
#[derive(Debug)]
pub struct Narrow {
    must: Vec<Expr>,
    must_not: Vec<Expr>,
    /// Which tokens there are of the beginnings in it.
    pub known: TokenExpansions,
    /// The filters that no token answers.
    rest: ListRequest,
    nothing: ListRequest,
}

impl Narrow {
    /// `None` if the scope reaches nobody.
    pub fn of(scope: &Scope, wanted: &Criteria) -> Option<Narrow> {
        let mut must = Vec::new();
        match (scope.all(), scope.company()) {
            (true, _) => {}
            // Inside the expression: what belongs to others takes no place among the candidates.
            (false, Some(company)) => must.push(Expr::Token(company_token(company))),
            (false, None) => return None,
        }
        let tags = wanted.tags.iter().map(|tag| Expr::Token(tag_token(tag)));
        must.extend(if wanted.all_tags { Expr::all(tags) } else { Expr::any(tags) });
        for (field, text) in &wanted.contains {
            must.extend(grams_of(*field, text));
        }
        let mut nothing = wanted.list.clone();
        nothing.filters.clear();
        let mut narrow = Narrow {
            must,
            must_not: Vec::new(),
            known: TokenExpansions::default(),
            rest: wanted.list.clone(),
            nothing,
        };
        let filters = std::mem::take(&mut narrow.rest.filters);
        narrow.rest.filters =
            filters.into_iter().filter(|(filter, value)| !narrow.takes(filter.name, value)).collect();
        Some(narrow)
    }

    /// Does a token answer this filter?
    fn takes(&mut self, name: &str, value: &FilterValue) -> bool {
        match (name, value) {
            ("q", _) => {}
            ("is_active", FilterValue::Bool(true)) => self.must_not.push(Expr::token('a', "0")),
            ("is_active", FilterValue::Bool(false)) => self.must.push(Expr::token('a', "0")),
            ("is_verified", FilterValue::Bool(true)) => self.must.push(Expr::token('v', "1")),
            ("is_verified", FilterValue::Bool(false)) => self.must_not.push(Expr::token('v', "1")),
            ("tag", FilterValue::Text(tag)) => self.must.push(Expr::Token(tag_token(tag))),
            ("country", FilterValue::Text(text)) => match country_code(text) {
                Some(code) => self.must.push(Expr::Token(country_token(code))),
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// The expression for those of them who match `words`; `None` if nobody can.
    pub fn and(&self, words: Expr) -> Option<Expr> {
        let wanted = Expr::all(self.must.iter().cloned().chain([words]))?;
        self.known.apply(wanted).map(|wanted| self.without(wanted))
    }

    /// The expression for all of them; `None` if no token narrows it.
    pub fn alone(&self) -> Option<Expr> {
        let wanted = Expr::all(self.must.iter().cloned())?;
        Some(self.without(self.known.apply(wanted.clone()).unwrap_or(wanted)))
    }

    /// Everything that will be asked for at most.
    pub fn widest(&self, words: Option<Expr>) -> Option<Expr> {
        Expr::all(self.must.iter().cloned().chain(words))
    }

    fn without(&self, wanted: Expr) -> Expr {
        match Expr::any(self.must_not.iter().cloned()) {
            Some(not) => Expr::Not(Box::new(wanted), Box::new(not)),
            None => wanted,
        }
    }

    /// What the tokens do not answer.
    pub fn rest(&self) -> &ListRequest {
        &self.rest
    }

    /// Nothing beside the tokens.
    pub fn nothing_else(&self) -> RowFilters<'_> {
        RowFilters { request: &self.nothing, contains: &[] }
    }
}

/// What everybody has whose field contains the text; the text itself is compared afterwards.
fn grams_of(field: Field, text: &str) -> Option<Expr> {
    match field {
        Field::Phone => (text.len() >= 4).then(|| all_grams('f', text, 4)).flatten(),
        Field::Email => match text.rsplit_once('@') {
            Some((local, domain)) => {
                Expr::all(grams_of_words(local).into_iter().chain(domain_begins(domain)))
            }
            None => Some(Expr::Or(vec![grams_of_words(text)?, domain_begins(text)?])),
        },
        _ => grams_of_words(text),
    }
}

fn grams_of_words(text: &str) -> Option<Expr> {
    let words = chunks(text).flat_map(parts).filter(|word| gram_words(word));
    Expr::all(words.filter_map(|word| all_grams('g', word, 3)))
}

/// Domains are indexed by their words: a text is looked for in them from the beginning of one. The longest has the fewest.
fn domain_begins(text: &str) -> Option<Expr> {
    let words = parts(text).filter(|word| gram_words(word));
    words.max_by_key(|word| word.len()).map(|word| Expr::prefix('d', word))
}

/// The patterns of LIKE for texts that a field must contain.
pub fn patterns(contains: &[(Field, String)]) -> Vec<(Field, String)> {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    contains.iter().map(|(field, text)| (*field, format!("%{}%", escaped(text)))).collect()
}
