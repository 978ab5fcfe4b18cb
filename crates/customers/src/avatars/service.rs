//! Replacing and removing pictures. A picture belongs to the customer's user.
//!
//! Files are written before the row that names them, so that no row names what is not there; whatever a failed
//! transaction leaves is found by its age and removed. Files that a change or an erasure leaves are removed by a job.

use std::fs::File;
use std::time::Duration;

use bytes::Bytes;
use identity::users::model::{AVATAR_SIZES, AvatarName, UserRef};
use identity::users::service as users;
use kernel::{Error, Kind, Result};
use platform::Tx;
use platform::access::{Permission, Scope};
use platform::ctx::Ctx;
use platform::jobs::{self, NewJob, Progress};
use platform::storage::ObjectName;
use serde_json::{Value, json};

use super::model::ImageDecoder;
use crate::customer::model::CustomerRef;
use crate::customer::service::members::Rights;
use crate::customer::service::person::require_over_user;
use crate::customer::service::{CustomerRow, event, find_in};

/// The kind of the job that removes the files of a picture.
pub const REMOVE: &str = "avatars.remove";
/// Days that the search for files without an owner looks back, but for the last one, whose files may wait for their row.
const SWEPT_DAYS: u64 = 7;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// 404 for a customer without a picture.
pub fn not_found() -> Error {
    Error::not_found("AVATAR_NOT_FOUND", "Picture not found")
}

/// May the caller change the picture of this customer? Asked before the upload is read: 403, 404.
pub async fn target(ctx: &Ctx, reference: &str) -> Result<CustomerRow> {
    let scope = ctx.require(Permission::CustomersWrite)?;
    let mut tx = ctx.read().await?;
    let row = find_in(ctx, &mut tx, &scope, CustomerRef::parse(reference)?).await?;
    check(ctx, &mut tx, &row).await?;
    Ok(row.into_row())
}

async fn check(ctx: &Ctx, tx: &mut Tx, row: &CustomerRow) -> Result<()> {
    let rights = Rights::of(ctx)?;
    if !rights.staff && !row.is_active {
        let detail = "This customer is deactivated; ask the staff to activate it";
        return Err(Error::forbidden("CUSTOMER_INACTIVE", detail));
    }
    require_over_user(ctx, tx, rights, row, &["avatar"]).await
}

/// Makes an image the picture of a customer.
pub async fn replace(ctx: &Ctx, row: &CustomerRow, image: File) -> Result<CustomerRow> {
    let pictures = ctx.app().state::<ImageDecoder>().make(ctx.caller()?.actor(), image).await?;
    let name = AvatarName::random(ctx.random(), ctx.now(), pictures.png);
    for (size, file) in AVATAR_SIZES.into_iter().zip(pictures.files) {
        ctx.app().storage.put(&name.object(size)?, file).await?;
    }
    let saved = set(ctx, row, Some(&name)).await;
    if let Err(e) = &saved
        && e.kind() != Kind::Unknown
        && let Err(e) = delete_files(ctx, &name).await
    {
        tracing::warn!(error = ?e, "the files of a refused picture stay until they are swept");
    }
    saved
}

/// Takes the picture of a customer away. 404 if there is none.
pub async fn remove(ctx: &Ctx, row: &CustomerRow) -> Result<CustomerRow> {
    set(ctx, row, None).await
}

async fn set(ctx: &Ctx, row: &CustomerRow, name: Option<&AvatarName>) -> Result<CustomerRow> {
    let scope = ctx.require(Permission::CustomersWrite)?;
    let mut tx = ctx.write().await?;
    let row = find_in(ctx, &mut tx, &scope, CustomerRef::Id(row.id)).await?;
    check(ctx, &mut tx, &row).await?;
    if row.avatar.is_none() && name.is_none() {
        return Err(not_found());
    }
    let row = set_in(ctx, &mut tx, &scope, row.into_row(), name).await?;
    let event = event("customer.avatar_changed", &row);
    ctx.record(&mut tx, event.note("avatar", if name.is_some() { "replaced" } else { "removed" })).await?;
    tx.commit().await?;
    Ok(row)
}

async fn set_in(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    row: CustomerRow,
    name: Option<&AvatarName>,
) -> Result<CustomerRow> {
    let user = users::find_in(tx, scope, UserRef::Id(row.user_id)).await?;
    let user = user.ok_or_else(|| Error::internal("a customer without a user"))?;
    if let Some(old) = user.avatar.as_deref().and_then(AvatarName::parse) {
        remove_later(ctx, tx, &old).await?;
    }
    let user = users::set_avatar_in(ctx, tx, user, name).await?;
    Ok(row.with_user(&user))
}

/// Takes the picture away as part of erasing a customer.
pub async fn erase_in(ctx: &Ctx, tx: &mut Tx, row: &CustomerRow) -> Result<()> {
    if row.avatar.is_some() {
        let scope = Scope::system("the customer that is erased was loaded within the caller's");
        set_in(ctx, tx, &scope, row.clone(), None).await?;
    }
    Ok(())
}

/// Not a job of the customer: it has to outlive the customer's erasure. It says nothing of whose picture it was.
async fn remove_later(ctx: &Ctx, tx: &mut Tx, name: &AvatarName) -> Result<()> {
    jobs::enqueue(ctx, tx, NewJob::new(REMOVE, json!({ "avatar": name.to_string() }))).await.map(drop)
}

/// The paths of a customer's picture.
pub async fn get(ctx: &Ctx, reference: &str) -> Result<CustomerRow> {
    let row = crate::customer::service::get(ctx, reference).await?;
    if row.avatar.is_none() { Err(not_found()) } else { Ok(row) }
}

/// A file of a picture and its type, for whoever knows its name.
pub async fn file(ctx: &Ctx, stem: &str, file: &str) -> Result<(&'static str, Bytes)> {
    let (size, extension) = file.split_once('.').ok_or_else(not_found)?;
    let size = AVATAR_SIZES.into_iter().find(|known| known.to_string() == size).ok_or_else(not_found)?;
    let name = AvatarName::parse(&format!("{stem}.{extension}")).ok_or_else(not_found)?;
    let bytes = ctx.app().storage.get(&name.object(size)?).await?.ok_or_else(not_found)?;
    Ok((name.media_type(), bytes))
}

/// The job: removes the files of a picture that nobody has.
pub async fn remove_job(ctx: &Ctx, payload: Value) -> Result<Progress> {
    let name = payload["avatar"].as_str().and_then(AvatarName::parse);
    let name = name.ok_or_else(|| Error::internal("the job names no picture"))?;
    delete_if_unused(ctx, &name).await?;
    Ok(Progress::Done)
}

async fn delete_if_unused(ctx: &Ctx, name: &AvatarName) -> Result<()> {
    let mut tx = ctx.read().await?;
    let used = users::has_avatar_in(&mut tx, name).await?;
    drop(tx);
    if used { Ok(()) } else { delete_files(ctx, name).await }
}

async fn delete_files(ctx: &Ctx, name: &AvatarName) -> Result<()> {
    for size in AVATAR_SIZES {
        ctx.app().storage.delete(&name.object(size)?).await?;
    }
    Ok(())
}

/// Housekeeping: removes what transactions left that never came to their end.
pub async fn sweep(ctx: &Ctx) -> Result<Progress> {
    for days in 2..=SWEPT_DAYS {
        let folder = AvatarName::folder(ctx.now().minus(DAY * u32::try_from(days).unwrap_or(2)))?;
        let mut after: Option<ObjectName> = None;
        loop {
            let page = ctx.app().storage.list(&folder, after.as_ref(), 3000).await?;
            let mut names: Vec<AvatarName> =
                page.iter().filter_map(|one| AvatarName::of_object(&one.name)).collect();
            names.dedup();
            for name in &names {
                delete_if_unused(ctx, name).await?;
            }
            match page.last() {
                Some(last) if page.len() == 3000 => after = Some(last.name.clone()),
                _ => break,
            }
        }
    }
    Ok(Progress::Done)
}
