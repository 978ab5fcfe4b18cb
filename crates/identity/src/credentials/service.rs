//! Passwords of users. Hashing never happens inside a transaction.

use kernel::Result;
use platform::Tx;
use platform::ctx::Ctx;
use uuid::Uuid;

use super::model::PasswordHash;
use super::store;

/// Sets the password's hash.
pub async fn set_in(ctx: &Ctx, tx: &mut Tx, user: Uuid, hash: &PasswordHash) -> Result<()> {
    store::put(tx, user, hash.as_str(), ctx.now()).await
}

/// The stored hash, if the user has a password.
pub(crate) async fn find_in(tx: &mut Tx, user: Uuid) -> Result<Option<PasswordHash>> {
    store::find(tx, user).await?.map(|hash| PasswordHash::parse(&hash)).transpose()
}

/// The stored hash as it stays until the transaction ends: whoever takes it away waits, or has done so already.
pub(crate) async fn lock_in(tx: &mut Tx, user: Uuid) -> Result<Option<PasswordHash>> {
    store::lock(tx, user).await?.map(|hash| PasswordHash::parse(&hash)).transpose()
}

pub(crate) async fn upgrade_in(
    tx: &mut Tx,
    user: Uuid,
    old: &PasswordHash,
    new: &PasswordHash,
) -> Result<()> {
    store::upgrade(tx, user, old.as_str(), new.as_str()).await
}

/// Deletes the password, if there is one; says whether there was.
pub(crate) async fn delete_in(tx: &mut Tx, user: Uuid) -> Result<bool> {
    Ok(store::delete(tx, user).await? > 0)
}
