//! Every statement on `tag` and `customer_tag`.

use database::{Texts, Where};
use database::{args, row, sql};
use kernel::Result;
use kernel::clock::Timestamp;
use kernel::web::list::ListRequest;
use platform::Tx;
use platform::access::Scope;
use uuid::Uuid;

use super::model::Tagged;
use crate::customer::model::CustomerRow;
use crate::customer::service::rows;

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

/// One page of the customers with these tags, for what the rows alone do not answer: with other filters, in another
/// order, within a company.
pub async fn page_of_customers(
    tx: &mut Tx,
    scope: &Scope,
    request: &ListRequest,
    tags: &Tagged,
) -> Result<Vec<CustomerRow>> {
    rows::page_of(tx, request, tagged(scope, request, tags)).await
}

/// How many have these tags and pass the filters, counted up to `bound` + 1.
pub async fn count_of_customers(
    tx: &mut Tx,
    scope: &Scope,
    request: &ListRequest,
    tags: &Tagged,
    bound: u64,
) -> Result<u64> {
    rows::count_of(tx, request, tagged(scope, request, tags), bound).await
}

fn tagged<'a>(scope: &Scope, request: &'a ListRequest, tags: &Tagged) -> Where<'a> {
    let mut w = rows::conditions(scope, request);
    match tags {
        Tagged::Any(tags) => {
            w.and_in(
                "c.id IN (SELECT x.customer_id FROM customer_tag x WHERE x.tag_id IN (",
                tags.clone(),
                "))",
            );
        }
        Tagged::All(tags) => {
            for tag in tags {
                w.and_one("c.id IN (SELECT x.customer_id FROM customer_tag x WHERE x.tag_id = ?)", *tag);
            }
        }
    }
    w
}
