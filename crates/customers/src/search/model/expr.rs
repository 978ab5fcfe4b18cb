//! What the index is asked: tokens joined by *and*, *or*, *not*. Written once for each engine, always quoted, so that no
//! text of a user is syntax.

use std::collections::BTreeSet;
use std::fmt::Write;

use database::Engine;

/// An expression over tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// The customer has this token.
    Token(String),
    /// The customer has a token that begins so.
    Prefix(String),
    /// All of them; at least one.
    And(Vec<Expr>),
    /// Any of them; at least one.
    Or(Vec<Expr>),
    /// The first and not the second.
    Not(Box<Expr>, Box<Expr>),
}

impl Expr {
    /// A token from its kind and its text.
    pub fn token(kind: char, text: &str) -> Expr {
        Expr::Token(format!("{kind}{text}"))
    }

    /// Tokens that begin so.
    pub fn prefix(kind: char, text: &str) -> Expr {
        Expr::Prefix(format!("{kind}{text}"))
    }

    /// All of those that are there; `None` if there is none.
    pub fn all(parts: impl IntoIterator<Item = Expr>) -> Option<Expr> {
        join(parts, Expr::And)
    }

    /// Any of those that are there.
    pub fn any(parts: impl IntoIterator<Item = Expr>) -> Option<Expr> {
        join(parts, Expr::Or)
    }

    /// The beginnings in it, each once.
    pub fn prefixes<'a>(&'a self, found: &mut BTreeSet<&'a str>) {
        match self {
            Expr::Token(_) => {}
            Expr::Prefix(start) => drop(found.insert(start)),
            Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| part.prefixes(found)),
            Expr::Not(one, other) => [one, other].into_iter().for_each(|part| part.prefixes(found)),
        }
    }

    /// As the engine reads it: FTS5's MATCH, or a `tsquery`.
    pub fn text(&self, engine: Engine) -> String {
        let mut out = String::new();
        match engine {
            Engine::Sqlite => self.fts5(&mut out),
            Engine::Postgres => self.tsquery(&mut out),
        }
        out
    }

    fn fts5(&self, out: &mut String) {
        match self {
            Expr::Token(token) => quote(out, token, '"', false),
            Expr::Prefix(token) => {
                quote(out, token, '"', false);
                out.push('*');
            }
            Expr::And(parts) => joined(out, parts, " AND ", Expr::fts5),
            Expr::Or(parts) => joined(out, parts, " OR ", Expr::fts5),
            Expr::Not(one, other) => joined(out, [&**one, &**other], " NOT ", Expr::fts5),
        }
    }

    fn tsquery(&self, out: &mut String) {
        match self {
            Expr::Token(token) => quote(out, token, '\'', true),
            Expr::Prefix(token) => {
                quote(out, token, '\'', true);
                out.push_str(":*");
            }
            Expr::And(parts) => joined(out, parts, " & ", Expr::tsquery),
            Expr::Or(parts) => joined(out, parts, " | ", Expr::tsquery),
            Expr::Not(one, other) => joined(out, [&**one, &**other], " & !", Expr::tsquery),
        }
    }
}

fn join(parts: impl IntoIterator<Item = Expr>, of: fn(Vec<Expr>) -> Expr) -> Option<Expr> {
    let mut parts: Vec<Expr> = parts.into_iter().collect();
    match parts.len() {
        0 | 1 => parts.pop(),
        _ => Some(of(parts)),
    }
}

fn joined<'a>(
    out: &mut String,
    parts: impl IntoIterator<Item = &'a Expr>,
    sign: &str,
    write: fn(&Expr, &mut String),
) {
    out.push('(');
    for (i, part) in parts.into_iter().enumerate() {
        if i > 0 {
            out.push_str(sign);
        }
        write(part, out);
    }
    out.push(')');
}

/// Doubles what would end the text; `tsquery` takes a backslash for a sign as well.
fn quote(out: &mut String, token: &str, mark: char, backslash: bool) {
    out.push(mark);
    for c in token.chars() {
        if c == mark || (backslash && c == '\\') {
            out.push(c);
        }
        let _ = write!(out, "{c}");
    }
    out.push(mark);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_texts_are_quoted() {
        let expr = Expr::Not(
            Box::new(Expr::And(vec![Expr::token('n', "o'b\"r\\"), Expr::prefix('w', "x*")])),
            Box::new(Expr::any([Expr::token('a', "0")]).unwrap()),
        );
        assert_eq!(expr.text(Engine::Sqlite), r#"(("no'b""r\" AND "wx*"*) NOT "a0")"#);
        assert_eq!(expr.text(Engine::Postgres), r#"(('no''b"r\\' & 'wx*':*) & !'a0')"#);
        assert_eq!(Expr::all([]), None);
    }
}
