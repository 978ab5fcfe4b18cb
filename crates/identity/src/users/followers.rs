//! What other features keep of a user: they contribute it beside the crate's `feature()`, and users name none of them.

use std::sync::Arc;

use kernel::Result;
use platform::Tx;
use platform::app::BoxFuture;
use platform::ctx::Ctx;

use super::store::User;

/// Follows something that happens to a user, in the transaction that does it.
pub type Follow = for<'a> fn(&'a Ctx, &'a mut Tx, &'a User) -> BoxFuture<'a, Result<()>>;

/// What one feature keeps.
pub struct Follower {
    /// The user may not log in any more.
    pub deactivated: Option<Follow>,
    /// The user is erased.
    pub erased: Option<Follow>,
}

/// The followers of a process, in the order in which they lock.
pub struct Followers(pub &'static [Follower]);

pub(super) async fn deactivated_in(ctx: &Ctx, tx: &mut Tx, user: &User) -> Result<()> {
    for follow in followers(ctx).0.iter().filter_map(|follower| follower.deactivated) {
        follow(ctx, tx, user).await?;
    }
    Ok(())
}

pub(super) async fn erased_in(ctx: &Ctx, tx: &mut Tx, user: &User) -> Result<()> {
    for follow in followers(ctx).0.iter().filter_map(|follower| follower.erased) {
        follow(ctx, tx, user).await?;
    }
    Ok(())
}

fn followers(ctx: &Ctx) -> Arc<Followers> {
    ctx.app().part::<Followers>()
}
