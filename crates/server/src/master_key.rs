//! The master key of a deployment. What it protects (signing keys, second factors) lies in the database, so the
//! database notes which key that is: a process with another one refuses to start instead of failing later, at the
//! first secret that it cannot open.

use std::path::Path;

use database::Db;
use kernel::id::Random;
use kernel::{Error, Kind, Result};
use platform::Tx;
use platform::config::Config;
use platform::crypto::Keys;

use crate::store;

/// The key of this process, which is the database's. A new database takes the key that is given or makes one.
/// `MASTER_KEY_MISSING` and `MASTER_KEY_WRONG` say where to look for the right one.
pub async fn load(config: &Config, db: &Db, random: &Random) -> Result<Keys> {
    let known = known(db).await?;
    let file = config.data_dir.join("secret.key");
    // Looked at before a key is made: a new file would hide that the old one is gone.
    if known.is_some() && config.secret_key.is_none() && !file.exists() {
        return Err(missing(&file));
    }
    let keys = Keys::load(config.secret_key.as_ref(), &config.data_dir, random)?;
    let known = match known {
        Some(known) => known,
        None => keep(db, &keys).await?,
    };
    if known == keys.fingerprint() {
        return Ok(keys);
    }
    Err(wrong(config.secret_key.is_some(), &file, &known, &keys.fingerprint()))
}

/// The fingerprint of the key with which the database was first used; `None` before the first start.
pub async fn known(db: &Db) -> Result<Option<String>> {
    let mut tx = Tx::read(db).await?;
    store::master_key(&mut tx).await
}

/// Notes our key, unless another process was faster; gives the one that is noted.
async fn keep(db: &Db, keys: &Keys) -> Result<String> {
    let mut tx = Tx::write(db).await?;
    store::keep_master_key(&mut tx, &keys.fingerprint()).await?;
    let known = store::master_key(&mut tx).await?;
    tx.commit().await?;
    known.ok_or_else(|| Error::internal("the master key was noted and is not there"))
}

fn missing(file: &Path) -> Error {
    let detail = format!(
        "the master key is missing: the database was made with one, and neither {} nor the setting secret_key is \
         there. Put the file back from where it was kept (backups leave it out on purpose), or give the key as \
         REGULARS_SECRET_KEY",
        file.display()
    );
    Error::new(Kind::Internal, "MASTER_KEY_MISSING", detail)
}

fn wrong(is_given: bool, file: &Path, known: &str, ours: &str) -> Error {
    let ours_from = if is_given { "the setting secret_key".to_owned() } else { file.display().to_string() };
    let detail = format!(
        "this is not the master key of this database: the database was made with the key {}…, {ours_from} holds \
         {}…. Use the key of the process that made it (its DATA_DIR/secret.key or secret_key), or another database",
        &known.get(..8).unwrap_or(known),
        &ours.get(..8).unwrap_or(ours),
    );
    Error::new(Kind::Internal, "MASTER_KEY_WRONG", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_key_is_told_by_where_it_comes_from() {
        let file = Path::new("data/secret.key");
        assert_eq!(missing(file).code(), "MASTER_KEY_MISSING");
        for (is_given, holder) in
            [(true, "the setting secret_key holds beef"), (false, "data/secret.key holds beef")]
        {
            let error = wrong(is_given, file, "cafe", "beef");
            assert_eq!(error.code(), "MASTER_KEY_WRONG");
            assert!(error.detail().contains(holder), "{error}");
        }
    }
}
