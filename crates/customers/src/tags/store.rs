//! Every statement on `tag` and `customer_tag`.

use kernel::clock::Timestamp;
use kernel::db::{Tx, Where};
use kernel::web::list::ListRequest;
use kernel::{Result, args, sql};
use uuid::Uuid;

pub async fn find(tx: &mut Tx, key: &str) -> Result<Option<Uuid>> {
    tx.opt(sql!("SELECT id FROM tag WHERE name_key = $1" => Uuid), args![key]).await
}

/// Inserts unless there is one with this key.
pub async fn insert(tx: &mut Tx, id: Uuid, name: &str, key: &str, now: Timestamp) -> Result<()> {
    tx.exec(
        sql!("INSERT INTO tag (id, name, name_key, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name_key) DO NOTHING"),
        args![id, name, key, now],
    )
    .await
    .map(drop)
}

pub async fn attach(tx: &mut Tx, tag: Uuid, customer: Uuid) -> Result<()> {
    tx.exec(
        sql!("INSERT INTO customer_tag (tag_id, customer_id) VALUES ($1, $2) ON CONFLICT (tag_id, customer_id) DO NOTHING"),
        args![tag, customer],
    )
    .await
    .map(drop)
}

pub async fn detach(tx: &mut Tx, key: &str, customer: Uuid) -> Result<()> {
    tx.exec(
        sql!("DELETE FROM customer_tag WHERE customer_id = $2 AND tag_id = (SELECT id FROM tag WHERE name_key = $1)"),
        args![key, customer],
    )
    .await
    .map(drop)
}

pub async fn detach_all(tx: &mut Tx, customer: Uuid) -> Result<()> {
    tx.exec(sql!("DELETE FROM customer_tag WHERE customer_id = $1"), args![customer]).await.map(drop)
}

/// One page of the customers with all of these tags in the order of their ids, by the index of the first.
pub async fn page_of_all(tx: &mut Tx, tags: &[Uuid], request: &ListRequest) -> Result<Vec<Uuid>> {
    let base = sql!("SELECT x.customer_id FROM customer_tag x WHERE true" => Uuid);
    tx.page(base, request, "x.customer_id", with_all(tags)).await
}

/// How many customers have all of these tags, counted up to `bound` + 1.
pub async fn count_of_all(tx: &mut Tx, tags: &[Uuid], request: &ListRequest, bound: u64) -> Result<u64> {
    tx.count_up_to(
        sql!("SELECT CAST(1 AS bigint) AS n FROM customer_tag x WHERE true" => i64),
        request,
        with_all(tags),
        bound,
    )
    .await
}

/// How many customers have this tag and none of those, counted up to `bound` + 1.
pub async fn count_others(
    tx: &mut Tx,
    tag: Uuid,
    others: &[Uuid],
    request: &ListRequest,
    bound: u64,
) -> Result<u64> {
    let mut conditions = with_all(std::slice::from_ref(&tag));
    conditions.and_in(
        "NOT EXISTS (SELECT 1 FROM customer_tag y WHERE y.customer_id = x.customer_id AND y.tag_id IN (",
        others.to_vec(),
        "))",
    );
    tx.count_up_to(
        sql!("SELECT CAST(1 AS bigint) AS n FROM customer_tag x WHERE true" => i64),
        request,
        conditions,
        bound,
    )
    .await
}

fn with_all(tags: &[Uuid]) -> Where<'static> {
    let mut conditions = Where::new();
    for (i, tag) in tags.iter().enumerate() {
        let fragment = match i {
            0 => "x.tag_id = ?",
            _ => "EXISTS (SELECT 1 FROM customer_tag y WHERE y.tag_id = ? AND y.customer_id = x.customer_id)",
        };
        conditions.and_one(fragment, *tag);
    }
    conditions
}
