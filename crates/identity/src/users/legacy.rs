//! Users of the first version of the services, whose ids were numbers: finding and taking them over, and taking that back.

use kernel::{Error, Result};
use platform::Tx;
use platform::ctx::Ctx;
use platform::event::{self, Event};
use uuid::Uuid;

use super::followers;
pub use super::store::UserCounts;
use super::store::{self, User};
use crate::revocations;

/// The user who had this number.
pub async fn find_in(tx: &mut Tx, number: i64) -> Result<Option<User>> {
    store::find_by_legacy(tx, number).await
}

/// Was there a user with this id, who is erased now?
pub async fn is_erased_in(tx: &mut Tx, id: Uuid) -> Result<bool> {
    store::is_erased(tx, id).await
}

/// How many users there are. For reports: it reads them all.
pub async fn count_in(tx: &mut Tx) -> Result<UserCounts> {
    store::count(tx).await
}

/// Notes which number a user had. 409 if it has another one.
pub async fn adopt_in(ctx: &Ctx, tx: &mut Tx, user: User, number: i64) -> Result<User> {
    match user.legacy_user_id {
        Some(known) if known == number => return Ok(user),
        Some(_) => {
            return Err(Error::conflict(
                "LEGACY_ID_EXISTS",
                "The user had another number in the first version",
            ));
        }
        None => {}
    }
    let after = User { legacy_user_id: Some(number), updated_at: ctx.now(), ..user.clone() };
    store::update(tx, &user, &after).await?;
    let event = Event::new("user.legacy_id_set", "user", user.id, user.unique_id()).of_company(user.company);
    ctx.record(tx, event.note("legacy_user_id", number)).await?;
    Ok(User { version: user.version + 1, ..after })
}

/// Takes back the creation of a user whom nobody but `actor`, a part of the system, has touched, and who never logged
/// in: `false` for any other. Its name is free again.
pub async fn withdraw_in(ctx: &Ctx, tx: &mut Tx, user: &User, actor: &str) -> Result<bool> {
    let untouched = user.role == "customer"
        && !user.has_password
        && user.last_login.is_none()
        && user.email_proven_at.is_none()
        && store::touched_by_others(tx, user.id, actor).await? == 0;
    if !untouched {
        return Ok(false);
    }
    followers::erased_in(ctx, tx, user).await?;
    event::erase_subject(tx, user.id).await?;
    store::delete(tx, user).await?;
    revocations::invalidate_after_commit(ctx, tx, user.id);
    ctx.record(tx, Event::new("user.withdrawn", "user", user.id, user.unique_id())).await?;
    Ok(true)
}
