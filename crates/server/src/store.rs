//! The statements of the assembly itself: facts about the deployment in `setting`, and the probes of `doctor`.

use database::{args, sql};
use kernel::Result;
use kernel::clock::Timestamp;
use platform::Tx;

/// The fingerprint of the master key with which the database was first used.
pub async fn master_key(tx: &mut Tx) -> Result<Option<String>> {
    tx.opt(sql!("SELECT value FROM setting WHERE name = 'master_key'" => String), []).await
}

/// Notes the fingerprint unless there is one; of two processes at once, one is first.
pub async fn keep_master_key(tx: &mut Tx, fingerprint: &str) -> Result<()> {
    let insert =
        sql!("INSERT INTO setting (name, value) VALUES ('master_key', $1) ON CONFLICT (name) DO NOTHING");
    tx.exec(insert, args![fingerprint]).await.map(drop)
}

/// Writes a row that means nothing.
pub async fn write_probe(tx: &mut Tx, name: &str) -> Result<()> {
    let insert = sql!(
        "INSERT INTO setting (name, value) VALUES ($1, 'written by doctor')
         ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    );
    tx.exec(insert, args![name]).await.map(drop)
}

/// Removes it again.
pub async fn remove_probe(tx: &mut Tx, name: &str) -> Result<()> {
    tx.exec(sql!("DELETE FROM setting WHERE name = $1"), args![name]).await.map(drop)
}

/// The clock of the machine on which the database runs.
pub async fn clock(tx: &mut Tx) -> Result<Option<Timestamp>> {
    let micros: i64 = tx
        .one(
            // The one place that asks the database for the time: to compare it with ours.
            sql!(
                sqlite: "SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER) AS micros",
                postgres: "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint) AS micros" => i64
            ),
            [],
        )
        .await?;
    Ok(Timestamp::from_micros(micros))
}
