//! Until many are written at once.

use kernel::access::Scope;
use kernel::ctx::Ctx;
use kernel::db::Tx;
use kernel::{Error, Result};

use crate::customers::service::CustomerRow;
use crate::customers::service::change::change_in;
use crate::customers::service::create::{NewCustomer, create_in};
use crate::customers::service::members::{How, Members, Rights};

fn is_refusal(e: &Error) -> bool {
    (400..500).contains(&e.kind().status()) && e.kind() != kernel::Kind::Stale
}

pub async fn create_many_in(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    new: Vec<NewCustomer>,
) -> Result<Vec<Result<CustomerRow>>> {
    let mut out = Vec::new();
    for new in new {
        match Box::pin(create_in(ctx, tx, scope, new)).await {
            Err(e) if tx.is_poisoned() || !is_refusal(&e) => return Err(e),
            done => out.push(done),
        }
    }
    Ok(out)
}

pub async fn change_many_in(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    changes: Vec<(CustomerRow, Members)>,
    how: How,
) -> Result<Vec<Result<CustomerRow>>> {
    let mut out = Vec::new();
    for (row, members) in changes {
        match Box::pin(change_in(ctx, tx, scope, Rights::of(ctx)?, row, members, how)).await {
            Err(e) if tx.is_poisoned() || !is_refusal(&e) => return Err(e),
            done => out.push(done),
        }
    }
    Ok(out)
}
