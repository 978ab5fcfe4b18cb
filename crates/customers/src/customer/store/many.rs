//! Finding many customers at once: for work on all that a filter leaves, and on lists of ids.

use database::{Ids, Texts};
use database::{args, sql};
use kernel::Result;
use kernel::clock::Timestamp;
use kernel::web::list::ListRequest;
use platform::Tx;
use platform::access::Scope;
use uuid::Uuid;

use super::{LoadedCustomer, customers_where, list};

/// How many ids are looked for at once. Each search may read an index from its beginning, so they should be few.
pub const IDS_AT_ONCE: usize = 20_000;

/// How many customers a list's filters leave, all of them counted.
pub async fn count(tx: &mut Tx, scope: &Scope, request: &ListRequest) -> Result<i64> {
    let n = list::count_up_to(tx, scope, request, u64::MAX).await?;
    Ok(i64::try_from(n).unwrap_or(i64::MAX))
}

/// The ids after `after` that a list's filters leave, in their order, of customers created up to `until`. `many`: there
/// are more of them than one search finds, so that going through all customers in this order costs the least.
pub async fn ids(
    tx: &mut Tx,
    scope: &Scope,
    request: &ListRequest,
    until: Timestamp,
    after: Uuid,
    many: bool,
) -> Result<Vec<Uuid>> {
    // SQLite cannot know how many a filter leaves: it would take an index that seems narrow, and sort what it finds, again
    // for every search.
    let base = match many {
        true => sql!(
            sqlite: "SELECT c.id FROM customer c INDEXED BY sqlite_autoindex_customer_1
                     CROSS JOIN user_account u ON u.id = c.user_id WHERE c.erased_at IS NULL",
            postgres: "SELECT c.id FROM customer c JOIN user_account u ON u.id = c.user_id WHERE c.erased_at IS NULL" => Uuid
        ),
        false => sql!(
            "SELECT c.id FROM customer c JOIN user_account u ON u.id = c.user_id WHERE c.erased_at IS NULL" => Uuid
        ),
    };
    let mut conditions = list::conditions(scope, request);
    request.narrow(&mut conditions);
    conditions.and_one("c.created_at <= ?", until).and_one("c.id > ?", after);
    tx.select(base, &conditions, " ORDER BY c.id LIMIT 20000").await
}

/// The customers with these ids, within the scope, in the order of their ids. Who is not there is left out.
pub async fn by_ids(tx: &mut Tx, scope: &Scope, ids: Ids) -> Result<Vec<LoadedCustomer>> {
    tx.all(
        // A list as one argument: see `database::Ids`.
        sql!(
            sqlite: customers_where!(
                "AND c.id IN (SELECT unhex(value) FROM json_each($1)) AND ($2 OR u.company_id = $3 OR u.id = $4) ORDER BY c.id"
            ),
            postgres: customers_where!(
                "AND c.id = ANY($1) AND ($2 OR u.company_id = $3 OR u.id = $4) ORDER BY c.id"
            ) => LoadedCustomer
        ),
        args![ids, scope.all(), scope.company(), scope.user()],
    )
    .await
}

/// The ids of the customers with these public ids, within the scope.
pub async fn ids_of_numbers(tx: &mut Tx, scope: &Scope, numbers: Texts) -> Result<Vec<Uuid>> {
    tx.all(
        // A list as one argument: see `database::Texts`.
        sql!(
            sqlite: "SELECT c.id FROM customer c JOIN user_account u ON u.id = c.user_id
                     WHERE c.erased_at IS NULL AND c.customer_id IN (SELECT value FROM json_each($1))
                       AND ($2 OR u.company_id = $3 OR u.id = $4)",
            postgres: "SELECT c.id FROM customer c JOIN user_account u ON u.id = c.user_id
                       WHERE c.erased_at IS NULL AND c.customer_id = ANY($1)
                         AND ($2 OR u.company_id = $3 OR u.id = $4)" => Uuid
        ),
        args![numbers, scope.all(), scope.company(), scope.user()],
    )
    .await
}
