//! Which tokens there are: with that an expression gets smaller before it is asked. A beginning that is one word's alone is
//! asked for as that word, which costs the page; FTS5 would put together every row of it first.

use super::expr::Expr;

/// All tokens of some beginnings.
#[derive(Debug, Clone, Default)]
pub struct TokenExpansions(Vec<(String, Vec<String>)>);

impl TokenExpansions {
    /// Takes note of all tokens that begin so; they may be none.
    pub fn note(&mut self, start: String, tokens: Vec<String>) {
        self.0.push((start, tokens));
    }

    /// What finds the same customers; `None` if nobody can be found.
    pub fn apply(&self, expr: Expr) -> Option<Expr> {
        match expr {
            Expr::Token(token) => self.may_be(&token).then_some(Expr::Token(token)),
            Expr::Prefix(start) => match self.0.iter().find(|(known, _)| *known == start) {
                Some((_, tokens)) => Expr::any(tokens.iter().cloned().map(Expr::Token)),
                None => Some(Expr::Prefix(start)),
            },
            Expr::And(parts) => {
                let parts: Option<Vec<Expr>> = parts.into_iter().map(|part| self.apply(part)).collect();
                Expr::all(parts?)
            }
            Expr::Or(parts) => Expr::any(parts.into_iter().filter_map(|part| self.apply(part))),
            Expr::Not(one, other) => {
                let one = self.apply(*one)?;
                Some(match self.apply(*other) {
                    Some(other) => Expr::Not(Box::new(one), Box::new(other)),
                    None => one,
                })
            }
        }
    }

    fn may_be(&self, token: &str) -> bool {
        self.0
            .iter()
            .filter(|(start, _)| token.starts_with(start.as_str()))
            .all(|(_, tokens)| tokens.iter().any(|known| known == token))
    }
}

#[cfg(test)]
mod tests {
    use database::Engine;

    use super::*;

    #[test]
    fn what_is_not_there_is_not_asked_for() {
        let mut known = TokenExpansions::default();
        known.note("wpers".to_owned(), vec!["wperson".to_owned()]);
        known.note("nzz".to_owned(), Vec::new());
        let text = |expr| known.apply(expr).map(|expr| expr.text(Engine::Sqlite));
        let (person, nobody) = (Expr::prefix('w', "pers"), Expr::prefix('n', "zz"));
        let or = Expr::Or(vec![
            Expr::token('w', "pers"),
            person.clone(),
            nobody.clone(),
            Expr::prefix('d', "pers"),
        ]);
        assert_eq!(text(or).as_deref(), Some(r#"("wperson" OR "dpers"*)"#));
        assert_eq!(text(Expr::And(vec![person.clone(), nobody.clone()])), None);
        let not = |one: &Expr, other: &Expr| Expr::Not(Box::new(one.clone()), Box::new(other.clone()));
        assert_eq!(text(not(&person, &nobody)).as_deref(), Some(r#""wperson""#));
        assert_eq!(text(not(&nobody, &person)), None);
        assert_eq!(text(Expr::token('n', "zzz")), None);
        assert_eq!(text(Expr::token('o', "zzz")).as_deref(), Some(r#""ozzz""#));
    }
}
