//! Every statement on `customer`. The user is always joined: names, address and phone stand there and nowhere else.
//!
//! - here: finding one;
//! - [`many`]: finding many at once;
//! - [`write`](mod@write): inserting, changing, counting, erasing;
//! - [`list`]: what a list can be sorted and filtered by;
//! - [`matching`]: whom the rows of a file mean.

pub mod keys;
pub mod list;
pub mod many;
pub mod matching;
#[cfg(test)]
mod plans;
pub mod write;

use database::{Ids, Texts, Where, args, row, sql};
use kernel::Result;
use platform::Tx;
use platform::access::Scope;
use uuid::Uuid;

use super::model::{CustomerRef, CustomerRow};

row! {
    /// A customer that was found within a scope. What is written to a customer takes one of these, and nobody but the store
    /// makes one, so nothing is written to a row that its caller may not see.
    #[derive(Debug, Clone)]
    pub struct LoadedCustomer { row: CustomerRow }
}

impl LoadedCustomer {
    /// The row, which is not written any more.
    pub fn into_row(self) -> CustomerRow {
        self.row
    }
}

impl std::ops::Deref for LoadedCustomer {
    type Target = CustomerRow;
    fn deref(&self) -> &CustomerRow {
        &self.row
    }
}

/// The text that begins every `SELECT` of a [`CustomerRow`]; erased ones are nowhere.
macro_rules! customers_where {
    ($rest:literal) => {
        database::text!(
            "SELECT ",
            <$crate::customer::model::CustomerRow as database::FromRow>::SELECT,
            " FROM customer c
              JOIN user_account u ON u.id = c.user_id
              LEFT JOIN company o ON o.id = u.company_id
              WHERE c.erased_at IS NULL ",
            $rest
        )
    };
}
use customers_where;

/// `SELECT` of a [`CustomerRow`].
macro_rules! select_customer {
    ($rest:literal) => {
        sql!(customers_where!($rest) => CustomerRow)
    };
}
use select_customer;

/// The customer behind a reference.
pub async fn find(tx: &mut Tx, scope: &Scope, reference: CustomerRef) -> Result<Option<LoadedCustomer>> {
    let (all, company, user) = (scope.all(), scope.company(), scope.user());
    match reference {
        CustomerRef::Id(id) => {
            tx.opt(
                sql!(customers_where!("AND c.id = $1 AND ($2 OR u.company_id = $3 OR u.id = $4)") => LoadedCustomer),
                args![id, all, company, user],
            )
            .await
        }
        CustomerRef::Number(number) => {
            tx.opt(
                sql!(customers_where!("AND c.customer_id = $1 AND ($2 OR u.company_id = $3 OR u.id = $4)") => LoadedCustomer),
                args![number.to_string(), all, company, user],
            )
            .await
        }
    }
}

/// The profile of a user.
pub async fn find_by_user(tx: &mut Tx, scope: &Scope, user: Uuid) -> Result<Option<LoadedCustomer>> {
    tx.opt(
        sql!(customers_where!("AND c.user_id = $1 AND ($2 OR u.company_id = $3 OR u.id = $4)") => LoadedCustomer),
        args![user, scope.all(), scope.company(), scope.user()],
    )
    .await
}

/// The profile of the user who had this number in the first version of the services.
pub async fn find_by_legacy_user(tx: &mut Tx, scope: &Scope, number: i64) -> Result<Option<CustomerRow>> {
    tx.opt(
        select_customer!("AND u.legacy_user_id = $1 AND ($2 OR u.company_id = $3 OR u.id = $4)"),
        args![number, scope.all(), scope.company(), scope.user()],
    )
    .await
}

/// By the user's name, which is stored in lower case.
pub async fn find_by_username(tx: &mut Tx, scope: &Scope, username: &str) -> Result<Option<CustomerRow>> {
    tx.opt(
        select_customer!("AND u.username = $1 AND ($2 OR u.company_id = $3 OR u.id = $4)"),
        args![username, scope.all(), scope.company(), scope.user()],
    )
    .await
}

/// By the normalised address.
pub async fn find_by_email(tx: &mut Tx, scope: &Scope, email_key: &str) -> Result<Option<CustomerRow>> {
    tx.opt(
        select_customer!("AND u.email_key = $1 AND ($2 OR u.company_id = $3 OR u.id = $4)"),
        args![email_key, scope.all(), scope.company(), scope.user()],
    )
    .await
}

/// The public id of a user's profile.
pub async fn number_of_user(tx: &mut Tx, user: Uuid) -> Result<Option<String>> {
    tx.opt(
        sql!("SELECT customer_id FROM customer WHERE user_id = $1 AND erased_at IS NULL" => String),
        args![user],
    )
    .await
}

/// Those of these users who have a profile.
pub async fn with_profile(tx: &mut Tx, users: &Ids) -> Result<Vec<Uuid>> {
    if users.0.is_empty() {
        return Ok(Vec::new());
    }
    tx.all(
        // Looking up many keys has no common spelling.
        sql!(
            sqlite: "SELECT user_id FROM customer
                     WHERE user_id IN (SELECT unhex(value) FROM json_each($1)) AND erased_at IS NULL",
            postgres: "SELECT user_id FROM customer WHERE user_id = ANY($1) AND erased_at IS NULL" => Uuid
        ),
        args![*users],
    )
    .await
}

/// Those of these ids of other programs that customers have.
pub async fn known_external_ids(tx: &mut Tx, ids: &Texts) -> Result<Vec<String>> {
    if ids.0.is_empty() {
        return Ok(Vec::new());
    }
    tx.all(
        sql!(
            sqlite: "SELECT external_id FROM customer WHERE external_id IN (SELECT value FROM json_each($1))",
            postgres: "SELECT external_id FROM customer WHERE external_id = ANY($1)" => String
        ),
        args![*ids],
    )
    .await
}

/// The customers with these ids, in any order; as many as a page has.
pub async fn find_many(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<CustomerRow>> {
    let mut conditions = Where::new();
    conditions.and_in("c.id IN (", ids.to_vec(), ")");
    tx.select(select_customer!(""), &conditions, "").await
}

/// A thousand customers in the order of their ids: a full count reads all in such pages.
pub(crate) async fn page_for_counting(tx: &mut Tx, after: Uuid) -> Result<Vec<CustomerRow>> {
    tx.all(select_customer!("AND c.id > $1 ORDER BY c.id LIMIT 1000"), args![after]).await
}
