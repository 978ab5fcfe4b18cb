//! Every statement on `tag` and `customer_tag`.

use kernel::clock::Timestamp;
use kernel::db::{Texts, Tx};
use kernel::{Result, args, row, sql};
use uuid::Uuid;

row! {
    /// A tag by its key.
    pub struct Found { pub name_key: String, pub id: Uuid }
}

/// The tags with these keys.
pub async fn find(tx: &mut Tx, keys: &Texts) -> Result<Vec<Found>> {
    if keys.0.is_empty() {
        return Ok(Vec::new());
    }
    tx.all(
        // Looking up many keys has no common spelling.
        sql!(
            sqlite: "SELECT name_key, id FROM tag WHERE name_key IN (SELECT value FROM json_each($1))",
            postgres: "SELECT name_key, id FROM tag WHERE name_key = ANY($1)" => Found
        ),
        args![*keys],
    )
    .await
}

/// Inserts (id, name, key) unless there is one with this key.
pub async fn insert(tx: &mut Tx, tags: &[(Uuid, &str, &str)], now: Timestamp) -> Result<()> {
    let rows: Vec<_> = tags.iter().map(|(id, name, key)| args![*id, *name, *key, now]).collect();
    tx.exec_many(
        sql!("INSERT INTO tag (id, name, name_key, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name_key) DO NOTHING"),
        &rows,
    )
    .await
    .map(drop)
}

/// Attaches tags to customers.
pub async fn attach(tx: &mut Tx, pairs: &[(Uuid, Uuid)]) -> Result<()> {
    let rows: Vec<_> = pairs.iter().map(|(tag, customer)| args![*tag, *customer]).collect();
    tx.exec_many(
        sql!("INSERT INTO customer_tag (tag_id, customer_id) VALUES ($1, $2) ON CONFLICT (tag_id, customer_id) DO NOTHING"),
        &rows,
    )
    .await
    .map(drop)
}

/// Detaches tags, named by their keys, from customers.
pub async fn detach(tx: &mut Tx, pairs: &[(String, Uuid)]) -> Result<()> {
    let rows: Vec<_> = pairs.iter().map(|(key, customer)| args![*key, *customer]).collect();
    tx.exec_many(
        sql!("DELETE FROM customer_tag WHERE customer_id = $2 AND tag_id = (SELECT id FROM tag WHERE name_key = $1)"),
        &rows,
    )
    .await
    .map(drop)
}

pub async fn detach_all(tx: &mut Tx, customer: Uuid) -> Result<()> {
    tx.exec(sql!("DELETE FROM customer_tag WHERE customer_id = $1"), args![customer]).await.map(drop)
}
