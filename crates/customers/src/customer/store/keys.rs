//! Keys that a migration left to Rust: of postal codes that SQL folds otherwise.

use database::{args, row, sql};
use kernel::Result;
use platform::Tx;
use uuid::Uuid;

row! {
    /// A postal code that waits for its key.
    pub struct Unkeyed {
        /// Whose it is.
        pub id: Uuid,
        /// As it was typed.
        pub postal_code: String,
    }
}

/// Postal codes without a key, in the order of their ids. An index of its own holds them, and is empty once all have one.
pub async fn unkeyed(tx: &mut Tx, limit: i64) -> Result<Vec<Unkeyed>> {
    tx.all(
        sql!(
            "SELECT id, postal_code FROM customer
             WHERE postal_code IS NOT NULL AND postal_key IS NULL AND erased_at IS NULL ORDER BY id LIMIT $1" => Unkeyed
        ),
        args![limit],
    )
    .await
}

/// Writes the keys of these postal codes, unless the code is another by now. A key is no change of the record.
pub async fn set_postal_keys(tx: &mut Tx, keyed: &[(Unkeyed, String)]) -> Result<()> {
    let sets: Vec<_> = keyed.iter().map(|(one, key)| args![one.id, one.postal_code, *key]).collect();
    tx.exec_many(sql!("UPDATE customer SET postal_key = $3 WHERE id = $1 AND postal_code = $2"), &sets)
        .await
        .map(drop)
}
