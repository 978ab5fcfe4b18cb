//! Passwords of users. Hashing never happens inside a transaction.

use kernel::Result;
use platform::Tx;
use platform::ctx::Ctx;
use platform::event::Event;
use uuid::Uuid;

use super::model::PasswordHash;
use super::store;
use crate::sessions;
use crate::users::service::User;

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

/// Takes away what was set up while the address was unproven: whoever proves it first wins (SPEC 8).
pub async fn revoke_in(ctx: &Ctx, tx: &mut Tx, user: &User, because: &'static str) -> Result<()> {
    // The password first: a login holds its row until its session is there to be revoked.
    let deleted = store::delete(tx, user.id).await?;
    sessions::service::revoke_all_in(ctx, tx, user.id, None, because).await?;
    if deleted > 0 {
        let event = Event::new("user.credentials_revoked", "user", user.id, user.unique_id());
        ctx.record(tx, event.of_company(user.company).note("reason", because)).await?;
    }
    Ok(())
}

/// Deletes the password: part of erasing a user.
pub(crate) async fn forget_in(tx: &mut Tx, user: Uuid) -> Result<()> {
    store::delete(tx, user).await.map(drop)
}
