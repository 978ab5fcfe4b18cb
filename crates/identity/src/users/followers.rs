//! What other features keep of a user: they contribute it beside the crate's `feature()`, and users name none of them.

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

/// All followers, in the order in which they lock: registered by the crate's `feature()`.
pub struct Followers(pub &'static [Follower]);

inventory::collect!(Followers);

pub(super) async fn deactivated_in(ctx: &Ctx, tx: &mut Tx, user: &User) -> Result<()> {
    for follow in followers().filter_map(|follower| follower.deactivated) {
        follow(ctx, tx, user).await?;
    }
    Ok(())
}

pub(super) async fn erased_in(ctx: &Ctx, tx: &mut Tx, user: &User) -> Result<()> {
    for follow in followers().filter_map(|follower| follower.erased) {
        follow(ctx, tx, user).await?;
    }
    Ok(())
}

fn followers() -> impl Iterator<Item = &'static Follower> {
    inventory::iter::<Followers>().flat_map(|Followers(all)| *all)
}
