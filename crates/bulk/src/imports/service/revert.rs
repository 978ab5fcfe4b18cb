//! Taking an import back, last row first: who was created is erased, who was changed gets back what was there before,
//! and who was changed since by somebody else stays as they are.

use std::collections::HashMap;

use customers::customer::model::CustomerRow;
use customers::customer::model::input::CustomerChange;
use customers::customer::service::LoadedCustomer;
use customers::customer::service::change::change_many_in;
use customers::customer::service::erase::erase_in;
use customers::customer::service::members::{Rights, UpdateMode};
use customers::customer::service::rows;
use database::Ids;
use identity::users::model::UserRef;
use identity::users::service as users;
use kernel::web::body::from_value;
use kernel::{Error, Result};
use platform::Tx;
use platform::access::{Permission, Scope};
use platform::ctx::Ctx;
use uuid::Uuid;

use super::chunk::state;
use crate::batches::service::{self as batches, Batch, NewRow, Outcome, RevertRow, Slice, Verdict};

/// Code of a line whose row was taken back, and of one whose row was not.
const REVERTED: &str = "REVERTED";
const KEPT: &str = "KEPT";

/// Works on it until its end or that of the slice. Erasing needs the permission to erase.
pub(super) async fn work(ctx: &Ctx, mut batch: Batch, slice: Slice) -> Result<Outcome> {
    ctx.require_staff(Permission::CustomersErase)?;
    let scope = ctx.require_staff(super::KIND.permission)?;
    loop {
        let mut tx = ctx.write().await?;
        if !batches::lock_in(&mut tx, &batch).await? {
            return Ok(Outcome::Elsewhere);
        }
        let before = match batch.position.as_str() {
            "" => i64::MAX,
            n => n.parse().map_err(|_| Error::internal("the position of a revert is not one"))?,
        };
        let lines = batches::kept_in(&mut tx, &batch, before).await?;
        let Some(last) = lines.last().map(|line| line.n) else { return Ok(Outcome::Finished) };
        let done =
            Box::pin(revert_in(ctx, &mut tx, &scope, &batch, lines)).await.map_err(batches::passing)?;
        batch = batches::revert_in(ctx, &mut tx, batch, last.to_string(), &done).await?;
        tx.commit().await?;
        if slice.is_over(ctx) {
            return Ok(Outcome::Paused);
        }
        tokio::task::yield_now().await;
    }
}

/// Takes back what these lines tell of, and says what became of them.
async fn revert_in(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    batch: &Batch,
    lines: Vec<RevertRow>,
) -> Result<Vec<NewRow>> {
    // A revert that failed on its way and is asked for again has these behind it.
    let reverted = |line: &RevertRow| line.code.as_deref() == Some(REVERTED);
    let touched =
        |line: &&RevertRow| matches!(line.verdict, Verdict::Created | Verdict::Updated) && !reverted(line);
    let ids: Ids = lines.iter().filter(touched).filter_map(|line| line.customer_id).collect();
    let rows = rows::by_ids(tx, scope, ids).await?;
    let mut rows: HashMap<Uuid, LoadedCustomer> = rows.into_iter().map(|row| (row.id, row)).collect();
    let (mut done, mut changes, mut places) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines.into_iter().filter(|line| touched(&line)) {
        let verdict = line.verdict;
        let found = line.customer_id.and_then(|id| rows.remove(&id));
        let Some(row) = found.filter(|row| line.customer_version == Some(state(row))) else {
            done.push(said(
                line.n,
                verdict,
                line.customer_id,
                KEPT,
                "Changed or erased since, so it stays as it is",
            ));
            continue;
        };
        match (verdict, line.before) {
            (Verdict::Created, _) if was_used(batch, &row) => {
                let message = "Has had a service or logged in since, so it stays";
                done.push(said(line.n, verdict, Some(row.id), KEPT, message));
            }
            (Verdict::Created, _) => {
                erase_created_in(ctx, tx, scope, batch, &row).await?;
                done.push(said(line.n, verdict, None, REVERTED, "Erased"));
            }
            (_, before) => {
                let before = before.map(|json| json.0).unwrap_or_default();
                match from_value(&before) {
                    Ok(CustomerChange(members)) => {
                        places.push((line.n, row.id));
                        changes.push((row, members));
                    }
                    Err(_) => {
                        let message = "What was there before would be refused today, so it stays as it is";
                        done.push(said(line.n, verdict, Some(row.id), KEPT, message));
                    }
                }
            }
        }
    }
    let changed =
        Box::pin(change_many_in(ctx, tx, scope, Rights::of(ctx)?, changes, UpdateMode::Put)).await?;
    for ((n, id), changed) in places.into_iter().zip(changed) {
        done.push(match changed {
            Ok(_) => said(n, Verdict::Updated, Some(id), REVERTED, "Has again what was there before"),
            Err(e) => said(n, Verdict::Updated, Some(id), KEPT, e.detail()),
        });
    }
    Ok(done)
}

/// Is there more to the customer than what was imported?
fn was_used(batch: &Batch, row: &CustomerRow) -> bool {
    row.total_services > 0 || row.last_login().is_some_and(|at| at >= batch.created_at)
}

/// A user who was there before the import loses the profile that the import gave them, and stays.
async fn erase_created_in(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    batch: &Batch,
    row: &LoadedCustomer,
) -> Result<()> {
    erase_in(ctx, tx, row, "customer.erased").await?;
    if row.user_role == "customer"
        && let Some(user) = users::find_in(tx, scope, UserRef::Id(row.user_id)).await?
        && user.created_at >= batch.created_at
        // Registered while the file was read.
        && !user.has_password
        && user.email_proven_at.is_none()
    {
        users::erase_in(ctx, tx, &user).await?;
    }
    Ok(())
}

fn said(n: i64, verdict: Verdict, customer: Option<Uuid>, code: &str, message: &str) -> NewRow {
    let (code, message) = (Some(code.to_owned()), Some(message.to_owned()));
    NewRow { code, message, ..NewRow::new(n, verdict, customer) }
}
