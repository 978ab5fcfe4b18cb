//! Writing entries, and the upkeep of the index.

use kernel::clock::Timestamp;
use kernel::db::{Engine, Json, Tx};
use kernel::{Result, args, row, sql};
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

/// What becomes of an entry that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// One of the same rules stays: somebody wrote it meanwhile, and it is newer.
    UnlessThere,
    /// It is written anew: the caller holds the customer locked.
    Always,
}

/// Writes many at once.
pub async fn put_many(tx: &mut Tx, entries: &[Entry], how: Put) -> Result<()> {
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
            sqlite: "DELETE FROM search_entry WHERE $1 IS NULL AND $2 IS NULL",
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
        args![Json(Value::Array(rows)), how == Put::Always],
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
