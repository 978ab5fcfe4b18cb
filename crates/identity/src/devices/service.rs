//! Device tokens: 256 bits, stored as a hash, bound to one user, renewed at each login.

use std::time::Duration;

use kernel::Result;
use platform::Tx;
use platform::ctx::Ctx;
use platform::jobs::Progress;
use uuid::Uuid;

use super::store::{self, Device};
use crate::secrets::DeviceToken;

/// How long a device is known without a login.
const KNOWN_FOR: Duration = Duration::from_secs(180 * 24 * 3600);
/// Devices of one user; a program that logs in without its token makes a new one each time.
const MOST: i64 = 100;

/// Is this the token of a device of `user`? Another user's helps nobody.
pub(crate) async fn is_known_in(
    ctx: &Ctx,
    tx: &mut Tx,
    token: &DeviceToken,
    user: Option<Uuid>,
) -> Result<bool> {
    let owner = store::owner(tx, &token.hash(), ctx.now()).await?;
    Ok(owner.is_some() && owner == user)
}

/// A new token for the device that opened `session`, instead of the one that it has presented.
pub(crate) async fn renew_in(
    ctx: &Ctx,
    tx: &mut Tx,
    user: Uuid,
    session: Uuid,
    presented: Option<&DeviceToken>,
) -> Result<DeviceToken> {
    if let Some(presented) = presented {
        store::delete(tx, &presented.hash()).await?;
    }
    let (token, now) = (DeviceToken::generate(ctx.random()), ctx.now());
    let device = Device {
        hash: token.hash().to_vec(),
        user_id: user,
        session_id: session,
        created_at: now,
        expires_at: now.plus(KNOWN_FOR),
    };
    store::insert(tx, &device).await?;
    store::delete_beyond(tx, user, MOST).await?;
    Ok(token)
}

/// Too many wrong passwords came with this token: it is in other hands.
pub(crate) async fn forget(ctx: &Ctx, token: &DeviceToken) -> Result<()> {
    let mut tx = ctx.write().await?;
    store::delete(&mut tx, &token.hash()).await?;
    tx.commit().await
}

/// Its session was ended from elsewhere: so the device is not to be trusted.
pub(crate) async fn delete_of_session_in(tx: &mut Tx, user: Uuid, session: Uuid) -> Result<()> {
    store::delete_of_session(tx, user, session).await
}

/// All sessions of a user are ended but `keep`: the same goes for their devices.
pub(crate) async fn delete_others_in(tx: &mut Tx, user: Uuid, keep: Option<Uuid>) -> Result<()> {
    store::delete_others(tx, user, keep).await
}

/// Housekeeping: deletes what is not known any more, in steps that hold up nobody.
pub(crate) async fn purge(ctx: &Ctx) -> Result<Progress> {
    loop {
        let mut tx = ctx.write().await?;
        let deleted = store::purge(&mut tx, ctx.now()).await?;
        tx.commit().await?;
        if deleted < store::STEP {
            return Ok(Progress::Done);
        }
        if ctx.should_yield() {
            return Ok(Progress::More);
        }
    }
}
