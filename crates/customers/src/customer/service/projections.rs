//! What else there is of a customer beside its row, contributed by the features that keep it; this one names none of them.
//!
//! - A [`Projection`] follows from the row (its entry in the index, the counters, the rows of its tags). It is told of
//!   every change in the transaction that makes it, of many customers at once. Their order is that of the list which the
//!   crate's `feature()` keeps.
//! - An [`Erasure`] forgets what somebody said about the customer elsewhere. Crates that stand on this one have some too,
//!   so each registers itself where its `feature()` is.

use kernel::Result;
use platform::Tx;
use platform::app::BoxFuture;
use platform::ctx::Ctx;

use crate::customer::model::CustomerRow;

/// A customer before and after: no before when it is created, no after when it is erased.
pub type Change<'a> = (Option<&'a CustomerRow>, Option<&'a CustomerRow>);

/// Brings a projection up to date with some changes.
pub type Follow = for<'a> fn(&'a Ctx, &'a mut Tx, &'a [Change<'a>]) -> BoxFuture<'a, Result<()>>;

/// Brings a projection up to date with one more counted service of a customer.
pub type FollowService = for<'a> fn(&'a mut Tx, &'a CustomerRow) -> BoxFuture<'a, Result<()>>;

/// What follows from the rows of customers.
pub struct Projection {
    /// Does it lock rows that customers share? Then it follows an update before the customers are written, so that
    /// every transaction locks the shared rows first.
    pub locks_shared_rows: bool,
    /// Follows some changes.
    pub follow: Follow,
    /// Follows one more counted service, which is no change of the record, if that matters to it.
    pub service_counted: Option<FollowService>,
}

/// All projections, in their order: registered beside the crate's `feature()`.
pub struct Projections(pub &'static [Projection]);

inventory::collect!(Projections);

/// Forgets what else is kept of a customer, as part of erasing it; the row is as it was loaded.
pub struct Erasure(pub for<'a> fn(&'a Ctx, &'a mut Tx, &'a CustomerRow) -> BoxFuture<'a, Result<()>>);

inventory::collect!(Erasure);

/// When projections follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProjectionPhase {
    /// Customers are about to be changed.
    BeforeUpdate,
    /// They were changed.
    AfterUpdate,
    /// They were created or erased: everything follows.
    Afterwards,
}

/// Lets the projections follow whose turn it is.
pub(super) async fn follow_in(
    ctx: &Ctx,
    tx: &mut Tx,
    moment: ProjectionPhase,
    changes: &[Change<'_>],
) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    for projection in projections() {
        let is_now = match moment {
            ProjectionPhase::BeforeUpdate => projection.locks_shared_rows,
            ProjectionPhase::AfterUpdate => !projection.locks_shared_rows,
            ProjectionPhase::Afterwards => true,
        };
        if is_now {
            (projection.follow)(ctx, tx, changes).await?;
        }
    }
    Ok(())
}

/// Lets the projections follow one more service of a customer.
pub(super) async fn service_counted_in(tx: &mut Tx, row: &CustomerRow) -> Result<()> {
    for follow in projections().filter_map(|projection| projection.service_counted) {
        follow(tx, row).await?;
    }
    Ok(())
}

/// Forgets everything that features keep of a customer beside its row.
pub(super) async fn erase_in(ctx: &Ctx, tx: &mut Tx, row: &CustomerRow) -> Result<()> {
    for Erasure(forget) in inventory::iter::<Erasure>() {
        forget(ctx, tx, row).await?;
    }
    Ok(())
}

fn projections() -> impl Iterator<Item = &'static Projection> {
    inventory::iter::<Projections>().flat_map(|Projections(all)| *all)
}
