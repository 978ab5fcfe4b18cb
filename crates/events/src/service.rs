//! Reading the feed. Staff with `events.read` see what happened within their scope; before and after, and the
//! address of who did it, only those who may do everything.

use kernel::Result;
use platform::access::{Permission, Permissions};
use platform::ctx::Ctx;
use platform::event;

use super::model::FeedQuery;
use super::store;
pub use super::store::EventRow;

/// A page of the feed.
pub struct Page {
    /// In the order of the feed.
    pub events: Vec<EventRow>,
    /// The number to ask with next; also when there is nothing new, so that a reader can just go on.
    pub next_after: i64,
    /// Is there more already?
    pub has_more: bool,
}

/// What happened after a number. 403 for customers and for staff without `events.read`.
pub async fn feed(ctx: &Ctx, query: &FeedQuery) -> Result<Page> {
    let scope = ctx.require_staff(Permission::EventsRead)?;
    let with_changes = ctx.caller()?.permissions.covers(Permissions::from_codes(["all"]));
    let mut tx = match query.has_index() {
        true => ctx.read().await?,
        false => ctx.slow_read().await?,
    };
    // Before the rows: whatever is below this number now is there when they are read.
    let horizon = event::horizon(&mut tx).await?;
    let mut events = store::list(&mut tx, &scope, query, horizon, with_changes).await?;
    let limit = query.limit as usize;
    let has_more = events.len() > limit;
    events.truncate(limit);
    let next_after = match events.last() {
        Some(last) if has_more => last.seq,
        // All of the log is looked through, also what the filters left out: it need not be again.
        _ => query.after.max(store::last(&mut tx, horizon).await?),
    };
    Ok(Page { events, next_after, has_more })
}
