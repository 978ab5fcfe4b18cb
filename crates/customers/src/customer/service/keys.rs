//! Housekeeping: makes the keys that a migration left to Rust.

use kernel::Result;
use platform::ctx::Ctx;
use platform::jobs::Progress;

use crate::customer::model::postal_key;
use crate::customer::store::keys;

/// Keys of one transaction.
const STEP: i64 = 500;

/// Makes the missing keys of postal codes, in short transactions.
pub async fn fill(ctx: &Ctx) -> Result<Progress> {
    loop {
        let mut tx = ctx.read().await?;
        let waiting = keys::unkeyed(&mut tx, STEP).await?;
        drop(tx);
        let last = (waiting.len() as i64) < STEP;
        if !waiting.is_empty() {
            let keyed = waiting.into_iter().map(|one| {
                let key = postal_key(&one.postal_code);
                (one, key)
            });
            let keyed: Vec<_> = keyed.collect();
            let mut tx = ctx.write().await?;
            keys::set_postal_keys(&mut tx, &keyed).await?;
            tx.commit().await?;
        }
        if last {
            return Ok(Progress::Done);
        }
        if ctx.should_yield() {
            return Ok(Progress::More);
        }
    }
}

/// Are there keys to make?
pub async fn is_unfilled(ctx: &Ctx) -> Result<bool> {
    let mut tx = ctx.read().await?;
    Ok(!keys::unkeyed(&mut tx, 1).await?.is_empty())
}
