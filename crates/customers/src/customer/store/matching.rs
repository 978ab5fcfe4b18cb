//! Finding the customers that rows of a file mean, for many keys in one statement.

use database::{Ids, Texts};
use database::{args, row, sql};
use kernel::Result;
use platform::Tx;
use platform::access::Scope;
use uuid::Uuid;

row! {
    /// A key and whom it names.
    #[derive(Debug)]
    pub struct Match {
        /// As it was asked for.
        pub key: String,
        /// The customer.
        pub id: Uuid,
        /// Another one with the same key: it decides nothing.
        pub other: Option<Uuid>,
    }
}

row! {
    /// A customer that is named by its id, and what else tells it from others.
    #[derive(Debug)]
    pub struct Named in "c" {
        /// The id.
        pub id: Uuid,
        /// The public id.
        pub number: String as "customer_id",
        /// The id in another program.
        pub external_id: Option<String>,
        /// The normalised address.
        pub email_key: Option<String> = "u.email_key",
        /// The digits of the phone.
        pub phone_digits: Option<String> = "u.phone_digits",
        /// Given name.
        pub first_name: String = "u.first_name",
        /// Family name.
        pub last_name: String = "u.last_name",
    }
}

macro_rules! named_among {
    ($ids:literal) => {
        database::text!(
            "SELECT ",
            <Named as database::FromRow>::SELECT,
            " FROM (",
            $ids,
            ") k
              JOIN customer c ON c.id = k.id JOIN user_account u ON u.id = c.user_id
              WHERE c.erased_at IS NULL AND ($3 OR u.company_id = $4 OR u.id = $5)"
        )
    };
}

/// By id and by public id.
pub async fn by_own_ids(tx: &mut Tx, scope: &Scope, ids: Ids, numbers: Texts) -> Result<Vec<Named>> {
    tx.all(
        // A list as one argument: see `database::Texts`.
        sql!(
            sqlite: named_among!(
                "SELECT id FROM customer WHERE id IN (SELECT unhex(value) FROM json_each($1))
                 UNION SELECT id FROM customer WHERE customer_id IN (SELECT value FROM json_each($2))"
            ),
            postgres: named_among!(
                "SELECT id FROM customer WHERE id = ANY($1) UNION SELECT id FROM customer WHERE customer_id = ANY($2)"
            ) => Named
        ),
        args![ids, numbers, scope.all(), scope.company(), scope.user()],
    )
    .await
}

/// By id in another program.
pub async fn by_external_ids(tx: &mut Tx, scope: &Scope, ids: Texts) -> Result<Vec<Match>> {
    tx.all(
        // A list as one argument: see `database::Texts`.
        sql!(
            sqlite: "SELECT c.external_id AS key, c.id, NULL AS other FROM customer c JOIN user_account u ON u.id = c.user_id
                     WHERE c.erased_at IS NULL AND c.external_id IN (SELECT value FROM json_each($1))
                       AND ($2 OR u.company_id = $3 OR u.id = $4)",
            postgres: "SELECT c.external_id AS key, c.id, NULL::uuid AS other
                       FROM customer c JOIN user_account u ON u.id = c.user_id
                       WHERE c.erased_at IS NULL AND c.external_id = ANY($1)
                         AND ($2 OR u.company_id = $3 OR u.id = $4)" => Match
        ),
        args![ids, scope.all(), scope.company(), scope.user()],
    )
    .await
}

/// By normalised address.
pub async fn by_emails(tx: &mut Tx, scope: &Scope, keys: Texts) -> Result<Vec<Match>> {
    tx.all(
        // A list as one argument: see `database::Texts`.
        sql!(
            sqlite: "SELECT u.email_key AS key, c.id, NULL AS other FROM user_account u JOIN customer c ON c.user_id = u.id
                     WHERE c.erased_at IS NULL AND u.email_key IN (SELECT value FROM json_each($1))
                       AND ($2 OR u.company_id = $3 OR u.id = $4)",
            postgres: "SELECT u.email_key AS key, c.id, NULL::uuid AS other
                       FROM user_account u JOIN customer c ON c.user_id = u.id
                       WHERE c.erased_at IS NULL AND u.email_key = ANY($1)
                         AND ($2 OR u.company_id = $3 OR u.id = $4)" => Match
        ),
        args![keys, scope.all(), scope.company(), scope.user()],
    )
    .await
}

/// By the digits of the telephone number, which several may have: the first two of each, because thousands can share a
/// number that somebody made up.
pub async fn by_phones(tx: &mut Tx, scope: &Scope, digits: Texts) -> Result<Vec<Match>> {
    tx.all(
        // A list as one argument: see `database::Texts`.
        sql!(
            sqlite: "SELECT m.key, m.id, (
                       SELECT c.id FROM user_account u JOIN customer c ON c.user_id = u.id
                       WHERE u.phone_digits = m.key AND c.erased_at IS NULL AND c.id <> m.id
                         AND ($2 OR u.company_id = $3 OR u.id = $4) LIMIT 1) AS other
                     FROM (SELECT k.value AS key, (
                             SELECT c.id FROM user_account u JOIN customer c ON c.user_id = u.id
                             WHERE u.phone_digits = k.value AND c.erased_at IS NULL
                               AND ($2 OR u.company_id = $3 OR u.id = $4) LIMIT 1) AS id
                           FROM json_each($1) k) m
                     WHERE m.id IS NOT NULL",
            postgres: "SELECT m.key, m.id, (
                         SELECT c.id FROM user_account u JOIN customer c ON c.user_id = u.id
                         WHERE u.phone_digits = m.key AND c.erased_at IS NULL AND c.id <> m.id
                           AND ($2 OR u.company_id = $3 OR u.id = $4) LIMIT 1) AS other
                       FROM (SELECT k.value AS key, (
                               SELECT c.id FROM user_account u JOIN customer c ON c.user_id = u.id
                               WHERE u.phone_digits = k.value AND c.erased_at IS NULL
                                 AND ($2 OR u.company_id = $3 OR u.id = $4) LIMIT 1) AS id
                             FROM unnest($1::text[]) k (value)) m
                       WHERE m.id IS NOT NULL" => Match
        ),
        args![digits, scope.all(), scope.company(), scope.user()],
    )
    .await
}
