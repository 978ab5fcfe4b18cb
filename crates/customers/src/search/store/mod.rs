//! Every statement on the index: `search_entry`, and on SQLite `customer_search`, the FTS5 table that belongs to it.
//! On PostgreSQL the tokens are a column with a GIN index. Here is what it is asked; `write` keeps it in step.

mod write;

use std::collections::BTreeSet;

use database::{Engine, Json, Where};
use database::{args, row, sql};
use kernel::Result;
use kernel::web::list::ListRequest;
use platform::Tx;
use serde_json::Value;
use uuid::Uuid;

use super::model::expansions::TokenExpansions;
use super::model::expr::Expr;
use super::model::query::Names;
use super::model::rank::Texts;
use crate::customer::service::rows;
pub use write::*;

row! {
    /// A customer that was found.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Hit {
        /// The newest has the highest.
        pub seq: i64,
        /// The customer's id.
        pub customer_id: Uuid,
    }
}

row! {
    /// A customer that may be found once its texts were looked at.
    #[derive(Debug, Clone)]
    pub struct Candidate {
        /// The newest has the highest.
        pub seq: i64,
        /// The customer's id.
        pub customer_id: Uuid,
        /// Folded.
        pub first_name: String,
        /// Folded.
        pub last_name: String,
        /// Folded.
        pub email: String,
        /// Folded.
        pub username: String,
        /// Folded.
        pub company_name: String,
        /// Folded.
        pub city: String,
        /// Digits.
        pub phone: String,
    }
}

impl Candidate {
    /// The customer, and the texts.
    pub fn split(self) -> (Hit, Texts) {
        let texts = Texts {
            first_name: self.first_name,
            last_name: self.last_name,
            email: self.email,
            username: self.username,
            company_name: self.company_name,
            city: self.city,
            phone: self.phone,
        };
        (Hit { seq: self.seq, customer_id: self.customer_id }, texts)
    }
}

/// Tokens that a beginning has so few of are asked for one by one; each costs a look into every part of the index.
const FEW_TOKENS: i64 = 16;

row! {
    /// A token of the index, and the beginning that it was asked for by.
    pub struct Term {
        /// The beginning.
        pub start: String,
        /// The token.
        pub term: Option<String>,
    }
}

/// Which tokens the beginnings in an expression have, where they are few. SQLite only: see [`TokenExpansions`].
pub async fn known(tx: &mut Tx, expr: &Expr) -> Result<TokenExpansions> {
    let mut starts = BTreeSet::new();
    expr.prefixes(&mut starts);
    let mut known = TokenExpansions::default();
    if tx.engine() != Engine::Sqlite || starts.is_empty() {
        return Ok(known);
    }
    let asked = Json(starts.iter().map(|start| Value::from(*start)).collect());
    // From each token to the next by the index: `char(1)` is in none of them.
    let terms = tx
        .all(
            sql!(
                sqlite: "WITH RECURSIVE step (start, term, n) AS (
                           SELECT value, (SELECT t.term FROM search_term t WHERE t.term >= value ORDER BY t.term LIMIT 1), 0
                           FROM json_each($1)
                           UNION ALL
                           SELECT start, (SELECT t.term FROM search_term t WHERE t.term >= step.term || char(1)
                             ORDER BY t.term LIMIT 1), n + 1
                           FROM step WHERE n < $2 AND substr(term, 1, length(start)) = start)
                         SELECT CAST(start AS TEXT) AS start, CAST(term AS TEXT) AS term FROM step
                         WHERE substr(term, 1, length(start)) = start" => Term
            ),
            args![asked, FEW_TOKENS],
        )
        .await?;
    for start in starts {
        let of = terms.iter().filter(|term| term.start == start);
        let tokens: Vec<String> = of.filter_map(|term| term.term.clone()).collect();
        if tokens.len() as i64 <= FEW_TOKENS {
            known.note(start.to_owned(), tokens);
        }
    }
    Ok(known)
}

/// Conditions that the tokens do not answer.
#[derive(Debug, Clone, Copy)]
pub struct RowFilters<'a> {
    /// Filters on the customer and its user.
    pub request: &'a ListRequest,
    /// Texts that must contain something, as patterns of LIKE.
    pub contains: &'a [(Field, String)],
}

impl RowFilters<'_> {
    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.request.filters.is_empty() && self.contains.is_empty()
    }
}

/// A text that can be asked to contain something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the API's members")]
pub enum Field {
    FirstName,
    LastName,
    Email,
    CompanyName,
    City,
    Phone,
}

/// Customers that the expression and the rest find, the newest first.
pub async fn hits(tx: &mut Tx, expr: &Expr, rest: RowFilters<'_>, limit: usize) -> Result<Vec<Hit>> {
    let engine = tx.engine();
    let mut w = matching(engine, expr, rest);
    rest.request.narrow(&mut w);
    let tail = newest_first(engine, &mut w, limit);
    // SQLite's index is a table of its own, and CROSS JOIN makes it the first; so in all of these.
    let base = match joined(&w, rest) {
        Joined::Nobody => sql!(
            sqlite: "SELECT e.seq, e.customer_id FROM customer_search
                     CROSS JOIN search_entry e ON e.seq = customer_search.rowid WHERE true",
            postgres: "SELECT e.seq, e.customer_id FROM search_entry e WHERE true" => Hit
        ),
        Joined::Customer => sql!(
            sqlite: "SELECT e.seq, e.customer_id FROM customer_search
                     CROSS JOIN search_entry e ON e.seq = customer_search.rowid
                     CROSS JOIN customer c ON c.id = e.customer_id WHERE true",
            postgres: "SELECT e.seq, e.customer_id FROM search_entry e JOIN customer c ON c.id = e.customer_id WHERE true" => Hit
        ),
        Joined::User => sql!(
            sqlite: "SELECT e.seq, e.customer_id FROM customer_search
                     CROSS JOIN search_entry e ON e.seq = customer_search.rowid
                     CROSS JOIN customer c ON c.id = e.customer_id CROSS JOIN user_account u ON u.id = c.user_id WHERE true",
            postgres: "SELECT e.seq, e.customer_id FROM search_entry e JOIN customer c ON c.id = e.customer_id
                       JOIN user_account u ON u.id = c.user_id WHERE true" => Hit
        ),
    };
    tx.select(base, &w, &tail).await
}

/// The same with their texts.
pub async fn candidates(
    tx: &mut Tx,
    expr: &Expr,
    rest: RowFilters<'_>,
    limit: usize,
) -> Result<Vec<Candidate>> {
    let engine = tx.engine();
    let mut w = matching(engine, expr, rest);
    rest.request.narrow(&mut w);
    let tail = newest_first(engine, &mut w, limit);
    let base = match joined(&w, rest) {
        Joined::Nobody => sql!(
            sqlite: "SELECT e.seq, e.customer_id, e.first_name, e.last_name, e.email, e.username, e.company_name, e.city,
                       e.phone
                     FROM customer_search CROSS JOIN search_entry e ON e.seq = customer_search.rowid WHERE true",
            postgres: "SELECT e.seq, e.customer_id, e.first_name, e.last_name, e.email, e.username, e.company_name, e.city,
                         e.phone
                       FROM search_entry e WHERE true" => Candidate
        ),
        Joined::Customer => sql!(
            sqlite: "SELECT e.seq, e.customer_id, e.first_name, e.last_name, e.email, e.username, e.company_name, e.city,
                       e.phone
                     FROM customer_search CROSS JOIN search_entry e ON e.seq = customer_search.rowid
                     CROSS JOIN customer c ON c.id = e.customer_id WHERE true",
            postgres: "SELECT e.seq, e.customer_id, e.first_name, e.last_name, e.email, e.username, e.company_name, e.city,
                         e.phone
                       FROM search_entry e JOIN customer c ON c.id = e.customer_id WHERE true" => Candidate
        ),
        Joined::User => sql!(
            sqlite: "SELECT e.seq, e.customer_id, e.first_name, e.last_name, e.email, e.username, e.company_name, e.city,
                       e.phone
                     FROM customer_search CROSS JOIN search_entry e ON e.seq = customer_search.rowid
                     CROSS JOIN customer c ON c.id = e.customer_id CROSS JOIN user_account u ON u.id = c.user_id WHERE true",
            postgres: "SELECT e.seq, e.customer_id, e.first_name, e.last_name, e.email, e.username, e.company_name, e.city,
                         e.phone
                       FROM search_entry e JOIN customer c ON c.id = e.customer_id
                       JOIN user_account u ON u.id = c.user_id WHERE true" => Candidate
        ),
    };
    tx.select(base, &w, &tail).await
}

/// How many there are, counted up to `bound` + 1.
pub async fn count_up_to(tx: &mut Tx, expr: &Expr, rest: RowFilters<'_>, bound: u64) -> Result<u64> {
    let w = matching(tx.engine(), expr, rest);
    let base = match joined(&w, rest) {
        Joined::Nobody => sql!(
            sqlite: "SELECT customer_search.rowid AS n FROM customer_search WHERE true",
            postgres: "SELECT e.seq AS n FROM search_entry e WHERE true" => i64
        ),
        Joined::Customer => sql!(
            sqlite: "SELECT e.seq AS n FROM customer_search CROSS JOIN search_entry e ON e.seq = customer_search.rowid
                     CROSS JOIN customer c ON c.id = e.customer_id WHERE true",
            postgres: "SELECT e.seq AS n FROM search_entry e JOIN customer c ON c.id = e.customer_id WHERE true" => i64
        ),
        Joined::User => sql!(
            sqlite: "SELECT e.seq AS n FROM customer_search CROSS JOIN search_entry e ON e.seq = customer_search.rowid
                     CROSS JOIN customer c ON c.id = e.customer_id CROSS JOIN user_account u ON u.id = c.user_id WHERE true",
            postgres: "SELECT e.seq AS n FROM search_entry e JOIN customer c ON c.id = e.customer_id
                       JOIN user_account u ON u.id = c.user_id WHERE true" => i64
        ),
    };
    tx.count_up_to(base, rest.request, w, bound).await
}

/// What stands beside the entries in a statement. Each join is a look for every entry that the tokens find.
enum Joined {
    Nobody,
    Customer,
    User,
}

fn joined(w: &Where<'_>, rest: RowFilters<'_>) -> Joined {
    match rest.is_empty() {
        true => Joined::Nobody,
        false if w.mentions("u") || rest.request.filters_ask("u") => Joined::User,
        false => Joined::Customer,
    }
}

fn matching<'a>(engine: Engine, expr: &Expr, rest: RowFilters<'a>) -> Where<'a> {
    let mut w = Where::new();
    let text = expr.text(engine);
    match engine {
        Engine::Sqlite => w.and_one("customer_search MATCH ?", text),
        Engine::Postgres => w.and_one("e.tokens @@ CAST(CAST(? AS text) AS tsquery)", text).custom_plan(),
    };
    besides(&mut w, rest);
    w
}

fn besides<'a>(w: &mut Where<'a>, rest: RowFilters<'a>) {
    if !rest.is_empty() {
        w.and("c.erased_at IS NULL", Vec::new());
        rows::beside_comparisons(w, rest.request);
    }
    for (field, pattern) in rest.contains {
        w.and_one(
            match field {
                Field::FirstName => "e.first_name LIKE ? ESCAPE '\\'",
                Field::LastName => "e.last_name LIKE ? ESCAPE '\\'",
                Field::Email => "e.email LIKE ? ESCAPE '\\'",
                Field::CompanyName => "e.company_name LIKE ? ESCAPE '\\'",
                Field::City => "e.city LIKE ? ESCAPE '\\'",
                Field::Phone => "e.phone LIKE ? ESCAPE '\\'",
            },
            pattern.as_str(),
        );
    }
}

fn newest_first(engine: Engine, w: &mut Where<'_>, limit: usize) -> String {
    let limit = w.bind(i64::try_from(limit).unwrap_or(i64::MAX));
    match engine {
        // The index gives its own numbers in order, and nothing has to be sorted.
        Engine::Sqlite => format!(" ORDER BY customer_search.rowid DESC LIMIT ${limit}"),
        Engine::Postgres => format!(" ORDER BY e.seq DESC LIMIT ${limit}"),
    }
}

fn numbers(hits: &[Hit]) -> Json {
    Json(hits.iter().map(|hit| Value::from(hit.seq)).collect())
}

/// Customers whom a query names as a whole, by their unique values.
pub async fn named(tx: &mut Tx, names: &Names) -> Result<Vec<Hit>> {
    tx.all(
        sql!(
            "SELECT e.seq, e.customer_id FROM search_entry e WHERE e.customer_id IN (
               SELECT c.id FROM customer c WHERE c.id = $1
               UNION ALL SELECT c.id FROM customer c WHERE c.user_id = $1
               UNION ALL SELECT c.id FROM customer c WHERE c.customer_id = $2
               UNION ALL SELECT c.id FROM customer c WHERE c.external_id = $3
               UNION ALL SELECT c.id FROM user_account u JOIN customer c ON c.user_id = u.id WHERE u.username = $4
               UNION ALL SELECT c.id FROM user_account u JOIN customer c ON c.user_id = u.id WHERE u.email_key = $5
               UNION ALL SELECT c.id FROM user_account u JOIN customer c ON c.user_id = u.id WHERE u.unique_no = $6)
             ORDER BY e.seq DESC LIMIT 100" => Hit
        ),
        args![names.id, names.customer_id, names.external_id, names.username, names.email, names.unique_no],
    )
    .await
}

/// Those of a few customers that also have the tokens and the rest.
pub async fn among(tx: &mut Tx, expr: Option<&Expr>, rest: RowFilters<'_>, hits: &[Hit]) -> Result<Vec<Hit>> {
    let engine = tx.engine();
    let mut w = Where::new();
    narrow_to_hits(engine, &mut w, hits);
    if let Some(expr) = expr {
        let fragment = match engine {
            Engine::Sqlite => {
                "EXISTS (SELECT 1 FROM customer_search WHERE customer_search MATCH ? AND customer_search.rowid = e.seq)"
            }
            Engine::Postgres => "e.tokens @@ CAST(CAST(? AS text) AS tsquery)",
        };
        w.and_one(fragment, expr.text(engine)).custom_plan();
    }
    besides(&mut w, rest);
    rest.request.narrow(&mut w);
    let base = sql!(
        "SELECT e.seq, e.customer_id FROM search_entry e JOIN customer c ON c.id = e.customer_id
         JOIN user_account u ON u.id = c.user_id WHERE c.erased_at IS NULL" => Hit
    );
    tx.select(base, &w, " ORDER BY e.seq DESC").await
}

/// Narrows a list of customers (alias `c`) to those that were found.
pub fn narrow_to_hits(engine: Engine, w: &mut Where<'_>, hits: &[Hit]) {
    let fragment = match engine {
        Engine::Sqlite => {
            "c.id IN (SELECT e.customer_id FROM search_entry e WHERE e.seq IN (SELECT value FROM json_each(?)))"
        }
        Engine::Postgres => {
            "c.id IN (SELECT e.customer_id FROM search_entry e
               WHERE e.seq IN (SELECT CAST(x AS bigint) FROM jsonb_array_elements_text(?) AS x))"
        }
    };
    w.and_one(fragment, numbers(hits));
}

/// Narrows a list of customers to those that have the tokens and contain the texts.
pub fn narrow_to_matches<'a>(
    engine: Engine,
    w: &mut Where<'a>,
    expr: Option<&Expr>,
    contains: &'a [(Field, String)],
) {
    if let Some(expr) = expr {
        let fragment = match engine {
            Engine::Sqlite => {
                "c.id IN (SELECT e.customer_id FROM customer_search CROSS JOIN search_entry e ON e.seq = customer_search.rowid
                   WHERE customer_search MATCH ?)"
            }
            Engine::Postgres => {
                "c.id IN (SELECT e.customer_id FROM search_entry e WHERE e.tokens @@ CAST(CAST(? AS text) AS tsquery))"
            }
        };
        w.and_one(fragment, expr.text(engine)).custom_plan();
    }
    for (field, pattern) in contains {
        w.and_one(contains_in_list(*field), pattern.as_str());
    }
}

fn contains_in_list(field: Field) -> &'static str {
    match field {
        Field::FirstName => {
            "EXISTS (SELECT 1 FROM search_entry e WHERE e.customer_id = c.id AND e.first_name LIKE ? ESCAPE '\\')"
        }
        Field::LastName => {
            "EXISTS (SELECT 1 FROM search_entry e WHERE e.customer_id = c.id AND e.last_name LIKE ? ESCAPE '\\')"
        }
        Field::Email => {
            "EXISTS (SELECT 1 FROM search_entry e WHERE e.customer_id = c.id AND e.email LIKE ? ESCAPE '\\')"
        }
        Field::CompanyName => {
            "EXISTS (SELECT 1 FROM search_entry e WHERE e.customer_id = c.id AND e.company_name LIKE ? ESCAPE '\\')"
        }
        Field::City => {
            "EXISTS (SELECT 1 FROM search_entry e WHERE e.customer_id = c.id AND e.city LIKE ? ESCAPE '\\')"
        }
        Field::Phone => {
            "EXISTS (SELECT 1 FROM search_entry e WHERE e.customer_id = c.id AND e.phone LIKE ? ESCAPE '\\')"
        }
    }
}
