//! Every statement on the index: `search_entry`, and on SQLite `customer_search`, the FTS5 table that belongs to it.
//! On PostgreSQL the tokens are a column with a GIN index.

use kernel::clock::Timestamp;
use kernel::db::{Engine, Json, Tx, Where};
use kernel::web::list::ListRequest;
use kernel::{Result, args, row, sql};
use serde_json::{Value, json};
use uuid::Uuid;

use super::model::expr::Expr;
use super::model::query::Names;
use super::model::rank::Texts;
use crate::customers::store::list;

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

/// What the index holds of one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The customer's id.
    pub customer_id: Uuid,
    /// Of the rules that made the tokens.
    pub version: i64,
    /// Sorted, with spaces between.
    pub tokens: String,
    /// What candidates are looked at by.
    pub texts: Texts,
}

// ── Writing ──────────────────────────────────────────────────────────────────────────────────────────

/// Writes an entry, whatever was there.
pub async fn put(tx: &mut Tx, e: &Entry) -> Result<()> {
    let t = &e.texts;
    tx.exec(
        // SQLite: a trigger writes entry and index, see the migration.
        sql!(
            sqlite: "INSERT INTO search_write (customer_id, version, tokens, first_name, last_name, email, username,
                       company_name, city, phone) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            postgres: "INSERT INTO search_entry (customer_id, version, tokens, first_name, last_name, email, username,
                         company_name, city, phone)
                       VALUES ($1, $2, array_to_tsvector(string_to_array($3, ' ')), $4, $5, $6, $7, $8, $9, $10)
                       ON CONFLICT (customer_id) DO UPDATE SET version = excluded.version, tokens = excluded.tokens,
                         first_name = excluded.first_name, last_name = excluded.last_name, email = excluded.email,
                         username = excluded.username, company_name = excluded.company_name, city = excluded.city,
                         phone = excluded.phone"
        ),
        args![
            e.customer_id, e.version, e.tokens, t.first_name, t.last_name, t.email, t.username, t.company_name, t.city,
            t.phone
        ],
    )
    .await
    .map(drop)
}

/// Writes many at once. An entry of the same rules that somebody else wrote meanwhile stays: it is newer.
pub async fn put_many(tx: &mut Tx, entries: &[Entry]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    if tx.engine() == Engine::Sqlite {
        // Its one writer has nobody beside it, and prepared inserts are faster than reading JSON.
        for entry in entries {
            put(tx, entry).await?;
        }
        return Ok(());
    }
    let rows: Vec<Value> = entries.iter().map(as_json).collect();
    tx.exec(
        // On SQLite only the loop above runs.
        sql!(
            sqlite: "DELETE FROM search_entry WHERE $1 IS NULL",
            postgres: "INSERT INTO search_entry (customer_id, version, tokens, first_name, last_name, email, username,
                         company_name, city, phone)
                       SELECT x.customer_id, x.version, array_to_tsvector(string_to_array(x.tokens, ' ')), x.first_name,
                         x.last_name, x.email, x.username, x.company_name, x.city, x.phone
                       FROM jsonb_to_recordset($1) AS x (customer_id uuid, version bigint, tokens text, first_name text,
                         last_name text, email text, username text, company_name text, city text, phone text)
                       ON CONFLICT (customer_id) DO UPDATE SET version = excluded.version, tokens = excluded.tokens,
                         first_name = excluded.first_name, last_name = excluded.last_name, email = excluded.email,
                         username = excluded.username, company_name = excluded.company_name, city = excluded.city,
                         phone = excluded.phone
                       WHERE search_entry.version < excluded.version"
        ),
        args![Json(Value::Array(rows))],
    )
    .await
    .map(drop)
}

fn as_json(e: &Entry) -> Value {
    let t = &e.texts;
    json!({
        "customer_id": e.customer_id, "version": e.version, "tokens": e.tokens, "first_name": t.first_name,
        "last_name": t.last_name, "email": t.email, "username": t.username, "company_name": t.company_name,
        "city": t.city, "phone": t.phone
    })
}

/// Takes a customer out of the index.
pub async fn delete(tx: &mut Tx, customer: Uuid) -> Result<()> {
    tx.exec(sql!("DELETE FROM search_entry WHERE customer_id = $1"), args![customer]).await.map(drop)
}

/// The profile of a user, locked: whoever writes its entry next waits, and then reads what we wrote.
pub async fn lock_customer_of(tx: &mut Tx, user: Uuid) -> Result<Option<Uuid>> {
    tx.opt(
        // SQLite has one writer.
        sql!(
            sqlite: "SELECT id FROM customer WHERE user_id = $1 AND erased_at IS NULL",
            postgres: "SELECT id FROM customer WHERE user_id = $1 AND erased_at IS NULL FOR UPDATE" => Uuid
        ),
        args![user],
    )
    .await
}

// ── Upkeep ───────────────────────────────────────────────────────────────────────────────────────────

/// How far customers that were there before the index, or before its present rules, are in it.
pub async fn progress(tx: &mut Tx) -> Result<Option<String>> {
    tx.opt(sql!("SELECT value FROM setting WHERE name = 'search.filled'" => String), []).await
}

/// The same, kept from other processes until the transaction ends.
pub async fn lock_progress(tx: &mut Tx) -> Result<Option<String>> {
    tx.exec(
        sql!("INSERT INTO setting (name, value) VALUES ('search.filled', '') ON CONFLICT (name) DO NOTHING"),
        [],
    )
    .await?;
    tx.opt(
        // SQLite has one writer.
        sql!(
            sqlite: "SELECT value FROM setting WHERE name = 'search.filled'",
            postgres: "SELECT value FROM setting WHERE name = 'search.filled' FOR UPDATE" => String
        ),
        [],
    )
    .await
}

/// Notes it.
pub async fn keep_progress(tx: &mut Tx, value: &str) -> Result<()> {
    tx.exec(sql!("UPDATE setting SET value = $1 WHERE name = 'search.filled'"), args![value]).await.map(drop)
}

row! {
    /// A customer, in the order of creation, and the rules of its entry.
    pub struct Waiting {
        /// Its id.
        pub id: Uuid,
        /// When it was created.
        pub created_at: Timestamp,
        /// `None` without an entry.
        pub version: Option<i64>,
    }
}

/// The next customers in the order of creation, with an entry or without.
pub async fn waiting(tx: &mut Tx, after: (Timestamp, Uuid), limit: i64) -> Result<Vec<Waiting>> {
    tx.all(
        sql!(
            "SELECT c.id, c.created_at, e.version FROM customer c LEFT JOIN search_entry e ON e.customer_id = c.id
             WHERE c.erased_at IS NULL AND (c.created_at, c.id) > ($1, $2) ORDER BY c.created_at, c.id LIMIT $3" => Waiting
        ),
        args![after.0, after.1, limit],
    )
    .await
}

/// Joins parts of SQLite's index, a bounded number of pages: the fewer parts, the faster it answers. `false` if there was
/// nothing to join, as always on PostgreSQL, whose autovacuum keeps its index.
pub async fn merge(tx: &mut Tx, pages: i64) -> Result<bool> {
    if tx.engine() != Engine::Sqlite {
        return Ok(false);
    }
    let before = changes(tx).await?;
    tx.exec(
        // The other text is never run.
        sql!(
            sqlite: "INSERT INTO customer_search (customer_search, rank) VALUES ('merge', $1)",
            postgres: "UPDATE search_entry SET version = version WHERE seq IS NULL AND version = $1"
        ),
        args![pages],
    )
    .await?;
    // So says the documentation of FTS5: the command itself counts as one.
    Ok(changes(tx).await? >= before + 2)
}

async fn changes(tx: &mut Tx) -> Result<i64> {
    // Asked of SQLite only.
    tx.one(sql!(sqlite: "SELECT total_changes() AS n", postgres: "SELECT CAST(0 AS bigint) AS n" => i64), [])
        .await
}

// ── Asking ───────────────────────────────────────────────────────────────────────────────────────────

/// Conditions that the tokens do not answer.
#[derive(Debug, Clone, Copy)]
pub struct Rest<'a> {
    /// Filters on the customer and its user.
    pub request: &'a ListRequest,
    /// Texts that must contain something, as patterns of LIKE.
    pub contains: &'a [(Field, String)],
}

impl Rest<'_> {
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
pub async fn hits(tx: &mut Tx, expr: &Expr, rest: Rest<'_>, limit: usize) -> Result<Vec<Hit>> {
    let engine = tx.engine();
    let mut w = matching(engine, expr, rest);
    rest.request.narrow(&mut w);
    let tail = newest_first(engine, &mut w, limit);
    // SQLite's index is a table of its own, and CROSS JOIN makes it the first; so in all of these.
    let base = match rest.is_empty() {
        true => sql!(
            sqlite: "SELECT e.seq, e.customer_id FROM customer_search
                     CROSS JOIN search_entry e ON e.seq = customer_search.rowid WHERE true",
            postgres: "SELECT e.seq, e.customer_id FROM search_entry e WHERE true" => Hit
        ),
        false => sql!(
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
pub async fn candidates(tx: &mut Tx, expr: &Expr, rest: Rest<'_>, limit: usize) -> Result<Vec<Candidate>> {
    let engine = tx.engine();
    let mut w = matching(engine, expr, rest);
    rest.request.narrow(&mut w);
    let tail = newest_first(engine, &mut w, limit);
    let base = match rest.is_empty() {
        true => sql!(
            sqlite: "SELECT e.seq, e.customer_id, e.first_name, e.last_name, e.email, e.username, e.company_name, e.city,
                       e.phone
                     FROM customer_search CROSS JOIN search_entry e ON e.seq = customer_search.rowid WHERE true",
            postgres: "SELECT e.seq, e.customer_id, e.first_name, e.last_name, e.email, e.username, e.company_name, e.city,
                         e.phone
                       FROM search_entry e WHERE true" => Candidate
        ),
        false => sql!(
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
pub async fn count_up_to(tx: &mut Tx, expr: &Expr, rest: Rest<'_>, bound: u64) -> Result<u64> {
    let w = matching(tx.engine(), expr, rest);
    let base = match rest.is_empty() {
        true => sql!(
            sqlite: "SELECT customer_search.rowid AS n FROM customer_search WHERE true",
            postgres: "SELECT e.seq AS n FROM search_entry e WHERE true" => i64
        ),
        false => sql!(
            sqlite: "SELECT e.seq AS n FROM customer_search CROSS JOIN search_entry e ON e.seq = customer_search.rowid
                     CROSS JOIN customer c ON c.id = e.customer_id CROSS JOIN user_account u ON u.id = c.user_id WHERE true",
            postgres: "SELECT e.seq AS n FROM search_entry e JOIN customer c ON c.id = e.customer_id
                       JOIN user_account u ON u.id = c.user_id WHERE true" => i64
        ),
    };
    tx.count_up_to(base, rest.request, w, bound).await
}

fn matching<'a>(engine: Engine, expr: &Expr, rest: Rest<'a>) -> Where<'a> {
    let mut w = Where::new();
    let text = expr.text(engine);
    match engine {
        Engine::Sqlite => w.and_one("customer_search MATCH ?", text),
        Engine::Postgres => w.and_one("e.tokens @@ CAST(CAST(? AS text) AS tsquery)", text),
    };
    besides(&mut w, rest);
    w
}

fn besides<'a>(w: &mut Where<'a>, rest: Rest<'a>) {
    if !rest.is_empty() {
        w.and("c.erased_at IS NULL", Vec::new());
        list::beside_comparisons(w, rest.request);
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
pub async fn among(tx: &mut Tx, expr: Option<&Expr>, rest: Rest<'_>, hits: &[Hit]) -> Result<Vec<Hit>> {
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
        w.and_one(fragment, expr.text(engine));
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
        w.and_one(fragment, expr.text(engine));
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
