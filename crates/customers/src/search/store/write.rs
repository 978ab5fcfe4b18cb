//! Writing entries, and the upkeep of the index.

use database::{Engine, Ids, Json};
use database::{args, row, sql};
use kernel::Result;
use kernel::clock::Timestamp;
use platform::Tx;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::search::model::rank::Texts;

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

/// What becomes of an entry that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnExisting {
    /// One of the same rules stays: somebody wrote it meanwhile, and it is newer.
    UnlessThere,
    /// It is written anew: the caller holds the customer locked.
    Always,
}

/// Writes entries.
pub async fn put_many(tx: &mut Tx, entries: Vec<Entry>, how: OnExisting) -> Result<()> {
    match tx.engine() {
        _ if entries.is_empty() => Ok(()),
        Engine::Sqlite => put_lite(tx, entries).await,
        Engine::Postgres => put_pg(tx, &entries, how).await,
    }
}

/// Entries at once, whatever was there: SQLite's one writer has nobody beside it. The index last: FTS5 collects what is
/// written to it and sorts it once, unless a number comes that is lower than the one before, or a savepoint, or a statement
/// of several steps; then it writes down what it has as a part of its own, which must be joined with others later.
async fn put_lite(tx: &mut Tx, entries: Vec<Entry>) -> Result<()> {
    let rows: Vec<_> = entries
        .iter()
        .map(|e| {
            let t = &e.texts;
            args![
                e.customer_id,
                e.version,
                t.first_name,
                t.last_name,
                t.email,
                t.username,
                t.company_name,
                t.city,
                t.phone
            ]
        })
        .collect();
    let numbers = tx
        .opt_many(
            sql!(
                sqlite: "INSERT INTO search_entry (customer_id, version, first_name, last_name, email, username, company_name,
                           city, phone)
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                         ON CONFLICT (customer_id) DO UPDATE SET version = excluded.version,
                           first_name = excluded.first_name, last_name = excluded.last_name, email = excluded.email,
                           username = excluded.username, company_name = excluded.company_name, city = excluded.city,
                           phone = excluded.phone
                         RETURNING seq" => i64
            ),
            &rows,
        )
        .await?;
    for (seq, entry) in numbers.into_iter().flatten().zip(entries) {
        tx.exec_before_commit(
            sql!(sqlite: "INSERT OR REPLACE INTO customer_search (rowid, tokens) VALUES ($1, $2)"),
            seq,
            [Box::new(seq), Box::new(entry.tokens)],
        )?;
    }
    Ok(())
}

async fn put_pg(tx: &mut Tx, entries: &[Entry], how: OnExisting) -> Result<()> {
    let rows: Vec<Value> = entries.iter().map(as_json).collect();
    tx.exec(
        sql!(
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
                       WHERE $2 OR search_entry.version < excluded.version"
        ),
        args![Json(Value::Array(rows)), how == OnExisting::Always],
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
    let seq =
        tx.opt(sql!("SELECT seq FROM search_entry WHERE customer_id = $1" => i64), args![customer]).await?;
    let Some(seq) = seq else { return Ok(()) };
    if tx.engine() == Engine::Sqlite {
        // Behind what others wrote for it in the same shared transaction.
        tx.exec_before_commit(
            sql!(sqlite: "DELETE FROM customer_search WHERE rowid = $1"),
            seq,
            [Box::new(seq)],
        )?;
    }
    tx.exec(sql!("DELETE FROM search_entry WHERE seq = $1"), args![seq]).await.map(drop)
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

/// Customers whose entries are of older rules than these.
pub async fn outdated(tx: &mut Tx, version: i64, limit: i64) -> Result<Vec<Uuid>> {
    tx.all(
        sql!("SELECT customer_id FROM search_entry WHERE version < $1 ORDER BY version, seq LIMIT $2" => Uuid),
        args![version, limit],
    )
    .await
}

/// Locks customers until the transaction ends, in one order.
pub async fn lock_customers(tx: &mut Tx, ids: &Ids) -> Result<()> {
    tx.all(
        // SQLite has one writer, and nothing to lock.
        sql!(
            sqlite: "SELECT id FROM customer WHERE id IS NULL AND $1 IS NULL",
            postgres: "SELECT id FROM customer WHERE id = ANY($1) ORDER BY id FOR UPDATE" => Uuid
        ),
        args![*ids],
    )
    .await
    .map(drop)
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
        sql!(sqlite: "INSERT INTO customer_search (customer_search, rank) VALUES ('merge', $1)"),
        args![pages],
    )
    .await?;
    // So says the documentation of FTS5: the command itself counts as one.
    Ok(changes(tx).await? >= before + 2)
}

async fn changes(tx: &mut Tx) -> Result<i64> {
    tx.one(sql!(sqlite: "SELECT total_changes() AS n" => i64), []).await
}
