//! Accounts on addresses that nobody proved: whoever proves the address first has it.

use kernel::Result;
use platform::Tx;
use platform::ctx::Ctx;
use platform::event::Event;

use super::service::revoke_all_in;
use crate::credentials::service as credentials;
use crate::users::service::User;

/// Takes away what was set up while the address was unproven: whoever proves it first wins (SPEC 8).
pub async fn revoke_in(ctx: &Ctx, tx: &mut Tx, user: &User, because: &'static str) -> Result<()> {
    // The password first: a login holds its row until its session is there to be revoked.
    let deleted = credentials::delete_in(tx, user.id).await?;
    revoke_all_in(ctx, tx, user.id, None, because).await?;
    if deleted {
        let event = Event::new("user.credentials_revoked", "user", user.id, user.unique_id());
        ctx.record(tx, event.of_company(user.company).note("reason", because)).await?;
    }
    Ok(())
}
