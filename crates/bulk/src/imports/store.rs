//! Every statement on `import_key`: whom the rows of a dry run would have created, of which nothing else is left, and who was
//! erased while a file waited.

use database::Texts;
use database::{args, sql};
use kernel::Result;
use platform::Tx;
use uuid::Uuid;

/// Notes keys (hexadecimal); those that are there stay.
pub async fn insert(tx: &mut Tx, batch: Uuid, keys: Texts) -> Result<()> {
    tx.exec(
        // A list as one argument: see `database::Texts`.
        sql!(
            sqlite: "INSERT INTO import_key (batch_id, key_hash) SELECT $1, unhex(value) FROM json_each($2) WHERE true
                     ON CONFLICT DO NOTHING",
            postgres: "INSERT INTO import_key (batch_id, key_hash) SELECT $1, decode(v, 'hex') FROM unnest($2::text[]) v
                       ON CONFLICT DO NOTHING"
        ),
        args![batch, keys],
    )
    .await
    .map(drop)
}

/// Those of these keys that are there, hexadecimal in lower case.
pub async fn known(tx: &mut Tx, batch: Uuid, keys: Texts) -> Result<Vec<String>> {
    tx.all(
        // A list as one argument: see `database::Texts`.
        sql!(
            sqlite: "SELECT lower(hex(key_hash)) AS key FROM import_key
                     WHERE batch_id = $1 AND key_hash IN (SELECT unhex(value) FROM json_each($2))",
            postgres: "SELECT encode(key_hash, 'hex') AS key FROM import_key
                       WHERE batch_id = $1 AND key_hash IN (SELECT decode(v, 'hex') FROM unnest($2::text[]) v)" => String
        ),
        args![batch, keys],
    )
    .await
}

/// Deletes up to 10,000 keys of a batch; says how many.
pub async fn delete(tx: &mut Tx, batch: Uuid) -> Result<u64> {
    tx.exec(
        sql!(
            "DELETE FROM import_key WHERE batch_id = $1
               AND key_hash IN (SELECT key_hash FROM import_key WHERE batch_id = $1 ORDER BY key_hash LIMIT 10000)"
        ),
        args![batch],
    )
    .await
}
