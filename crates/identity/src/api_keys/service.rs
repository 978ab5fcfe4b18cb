//! Use cases on API keys.

use database::Json;
use kernel::clock::Timestamp;
use kernel::text::{line, nearest_of};
use kernel::web::list::{ListRequest, Total};
use kernel::{Error, FieldError, Result, ValueError};
use platform::Tx;
use platform::access::{Caller, Credential, Permission, Reach, Scope};
use platform::ctx::Ctx;
use platform::event::Event;
use serde_json::json;
use uuid::Uuid;

use super::store::{self, NewKey};
pub use super::store::{ApiKey, SPEC};
use crate::revocations;
use crate::roles::service::{self as roles, Role};
use crate::secrets::ApiKeySecret;
use crate::users;

/// Longest name in characters.
pub const MOST_NAME_CHARS: usize = 100;
/// How far a list of keys is counted.
const COUNTED: u64 = 10_000;

/// What a new key is made of.
pub struct NewApiKey {
    /// How it appears as actor and author, 1 to 100 characters.
    pub name: String,
    /// Role code; not `customer`.
    pub role: String,
    /// Permission codes that narrow the role; empty leaves it whole.
    pub scopes: Vec<String>,
    /// The company, for a role that reaches one.
    pub company: Option<String>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// Makes a key, and the secret that is shown once. 403 if it could do more than whoever makes it, or elsewhere; 409 if
/// a living key of its company has the name.
pub async fn create(ctx: &Ctx, new: NewApiKey) -> Result<(ApiKey, ApiKeySecret)> {
    make(ctx, new, None, false).await
}

/// The same, ending the living key that has the name: a new secret for the same program.
pub async fn replace(ctx: &Ctx, new: NewApiKey) -> Result<(ApiKey, ApiKeySecret)> {
    make(ctx, new, None, true).await
}

/// The same as [`create`] with a secret from outside.
pub(super) async fn create_with(ctx: &Ctx, new: NewApiKey, secret: ApiKeySecret) -> Result<ApiKey> {
    make(ctx, new, Some(secret), false).await.map(|(key, _)| key)
}

async fn make(
    ctx: &Ctx,
    new: NewApiKey,
    secret: Option<ApiKeySecret>,
    replacing: bool,
) -> Result<(ApiKey, ApiKeySecret)> {
    let scope = ctx.require_staff(Permission::ApiKeysManage)?;
    let name = check(ctx, &new)?;
    let mut tx = ctx.write().await?;
    let role = roles::find_in(&mut tx, &new.role).await?;
    let company = company_in(&mut tx, ctx.caller()?, &new, &role).await?;
    let (maker, expires_at) = maker_in(ctx, &mut tx, new.expires_at).await?;
    if replacing {
        for key in store::find_by_name(&mut tx, &scope, &name).await?.iter().filter(|k| k.company == company)
        {
            revoke_in(ctx, &mut tx, key).await?;
        }
    }
    store::free_expired_name(&mut tx, &name, ctx.now()).await?;
    let (id, secret) = (ctx.new_id(), secret.unwrap_or_else(|| ApiKeySecret::generate(ctx.random())));
    let key = NewKey {
        id,
        name: name.clone(),
        living_name: name.clone(),
        hash: secret.hash().to_vec(),
        role: role.code.clone(),
        scopes: Json(json!(new.scopes)),
        company_id: company,
        creator_id: maker.user,
        parent_id: maker.key,
        expires_at,
        created_at: ctx.now(),
        updated_at: ctx.now(),
        version: 1,
    };
    if !store::insert(&mut tx, &key).await? {
        return Err(name_taken(&name));
    }
    let event = Event::new("api_key.created", "api_key", id, name.as_str()).of_company(company);
    ctx.record(&mut tx, event.note("role", role.code.as_str()).note("scopes", new.scopes)).await?;
    let made = store::find(&mut tx, &Scope::system("the key that was just made"), id).await?;
    tx.commit().await?;
    made.map(|key| (key, secret)).ok_or_else(|| Error::internal("a new key is gone"))
}

fn name_taken(name: &str) -> Error {
    Error::conflict(
        "API_KEY_NAME_EXISTS",
        format!(
            "There is a key of the name {name}, and the log could not tell them apart; choose another, or revoke that one \
             (on the command line --replace does both)"
        ),
    )
}

/// All errors at once; the name as it is stored.
fn check(ctx: &Ctx, new: &NewApiKey) -> Result<String> {
    let mut errors = Vec::new();
    let name = line(&new.name, MOST_NAME_CHARS);
    if name.is_err() {
        let message =
            format!("Must have 1 to {MOST_NAME_CHARS} characters, for people to recognise the key by");
        errors.push(FieldError::new("name", "invalid", message));
    }
    if new.role == "customer" {
        errors.push(FieldError::new(
            "role",
            "invalid",
            "Must be a role of staff: a key acts for the business",
        ));
    }
    errors.extend(new.scopes.iter().filter_map(|code| unknown_scope(code)));
    if new.expires_at.is_some_and(|at| at <= ctx.now()) {
        errors.push(FieldError::new("expires_at", "in_the_past", "Must be in the future"));
    }
    match name {
        Ok(name) if errors.is_empty() => Ok(name),
        _ => Err(Error::invalid(errors)),
    }
}

fn unknown_scope(code: &str) -> Option<FieldError> {
    let codes = || Permission::ALL.iter().map(|p| p.code()).chain(["all", "read"]);
    if codes().any(|known| known == code) {
        return None;
    }
    let shown: String = code.chars().take(64).collect();
    let message = match nearest_of(code, codes()) {
        Some(meant) => format!("There is no permission {shown}; did you mean {meant}?"),
        None => {
            format!("There is no permission {shown}; there are {}", codes().collect::<Vec<_>>().join(", "))
        }
    };
    Some(FieldError::new("scopes", "unknown_permission", message))
}

/// The company of a new key: who reaches one makes keys of that one only.
async fn company_in(tx: &mut Tx, caller: &Caller, new: &NewApiKey, role: &Role) -> Result<Option<Uuid>> {
    if caller.credential != Credential::System {
        roles::require_covered(caller, role)?;
    }
    let company = match &new.company {
        Some(reference) => Some(users::service::company_in(tx, reference).await?),
        None if caller.reach == Reach::All => None,
        None => caller.company_id,
    };
    if caller.reach != Reach::All && company != caller.company_id {
        return Err(Error::forbidden(
            "COMPANY_OUT_OF_REACH",
            "You can make keys of your own company only; leave company_id out",
        ));
    }
    if role.reach == Reach::Company && company.is_none() {
        let message = format!(
            "The role {} reaches one company; name it (on the command line with --company)",
            role.code
        );
        return Err(Error::invalid_field("company_id", "required", message));
    }
    Ok(company)
}

/// Who stands behind a new key.
struct Creator {
    user: Option<Uuid>,
    key: Option<Uuid>,
}

/// Who makes it, and when it ends. What a key makes ends with that key at the latest, so that a stolen one leaves
/// nothing behind once it is revoked; for the same reason it makes none itself.
async fn maker_in(
    ctx: &Ctx,
    tx: &mut Tx,
    expires_at: Option<Timestamp>,
) -> Result<(Creator, Option<Timestamp>)> {
    let caller = ctx.caller()?;
    let Credential::ApiKey(id) = caller.credential else {
        return Ok((Creator { user: caller.user_id, key: None }, expires_at));
    };
    let scope = Scope::system("the key that is calling");
    let own = store::find(tx, &scope, id).await?.ok_or_else(not_found)?;
    if own.parent_id.is_some() {
        return Err(Error::forbidden(
            "KEY_MADE_BY_KEY",
            "A key that was made by a key makes none itself; use that one, or log in",
        ));
    }
    let ends = match (expires_at, own.expires_at) {
        (Some(wanted), Some(most)) if wanted > most => {
            let message = format!("Must not be later than the end of the key that makes it, {most}");
            return Err(Error::invalid_field("expires_at", "too_late", message));
        }
        (wanted, most) => wanted.or(most),
    };
    Ok((Creator { user: own.creator_id, key: Some(id) }, ends))
}

/// One page of the keys within the caller's reach.
pub async fn list(ctx: &Ctx, request: &ListRequest) -> Result<(Vec<ApiKey>, Total)> {
    let scope = ctx.require_staff(Permission::ApiKeysManage)?;
    let mut tx = ctx.snapshot().await?;
    let rows = store::list(&mut tx, &scope, request).await?;
    let found = store::count(&mut tx, &scope, request, COUNTED).await?;
    Ok((rows, Total::bounded(found, COUNTED)))
}

/// One key. 404 if there is none within the caller's reach.
pub async fn get(ctx: &Ctx, id: Uuid) -> Result<ApiKey> {
    let scope = ctx.require_staff(Permission::ApiKeysManage)?;
    let mut tx = ctx.read().await?;
    store::find(&mut tx, &scope, id).await?.ok_or_else(not_found)
}

/// The living keys of this name within the caller's reach.
pub async fn find_by_name(ctx: &Ctx, name: &str) -> Result<Vec<ApiKey>> {
    let scope = ctx.require_staff(Permission::ApiKeysManage)?;
    let mut tx = ctx.read().await?;
    store::find_by_name(&mut tx, &scope, name).await
}

/// Gives a key another name, under which it appears from now on; without one it stays. 404, 409 if the name is taken or
/// the key has ended.
pub async fn rename(
    ctx: &Ctx,
    id: Uuid,
    name: Option<&str>,
    check: impl FnOnce(&ApiKey) -> Result<()>,
) -> Result<ApiKey> {
    let scope = ctx.require_staff(Permission::ApiKeysManage)?;
    let error = |error: ValueError| Error::invalid_field("name", error.code, error.message);
    let name = name.map(|name| line(name, MOST_NAME_CHARS)).transpose().map_err(error)?;
    let mut tx = ctx.write().await?;
    let key = store::find(&mut tx, &scope, id).await?.ok_or_else(not_found)?;
    check(&key)?;
    let Some(name) = name.filter(|name| *name != key.name) else {
        tx.commit().await?;
        return Ok(key);
    };
    if key.revoked_at.is_some() {
        return Err(Error::conflict("API_KEY_REVOKED", "A revoked key cannot be renamed"));
    }
    store::free_expired_name(&mut tx, &name, ctx.now()).await?;
    store::rename(&mut tx, &key, &name, ctx.now()).await.map_err(|e| taken(e, &name))?;
    let named = |name: &str| serde_json::Map::from_iter([("name".to_owned(), json!(name))]);
    let event = Event::new("api_key.updated", "api_key", id, name.as_str()).of_company(key.company);
    ctx.record(&mut tx, event.changed(named(&key.name), named(&name))).await?;
    revocations::invalidate_after_commit(ctx, &mut tx, id);
    tx.commit().await?;
    Ok(ApiKey { name, version: key.version + 1, updated_at: ctx.now(), ..key })
}

fn taken(e: Error, name: &str) -> Error {
    match ["api_key_living_name_key", "api_key_company_id_living_name_key"].iter().any(|key| e.violates(key))
    {
        true => name_taken(name).with_source(e),
        false => e,
    }
}

/// Is there a key that works?
pub async fn any(ctx: &Ctx) -> Result<bool> {
    let mut tx = ctx.read().await?;
    store::any(&mut tx, ctx.now()).await
}

/// Ends a key at once. 404 if there is none within the caller's reach, or it was ended before.
pub async fn revoke(ctx: &Ctx, id: Uuid, check: impl FnOnce(&ApiKey) -> Result<()>) -> Result<ApiKey> {
    let scope = ctx.require_staff(Permission::ApiKeysManage)?;
    let mut tx = ctx.write().await?;
    let key = store::find(&mut tx, &scope, id).await?.ok_or_else(not_found)?;
    check(&key)?;
    revoke_in(ctx, &mut tx, &key).await?;
    tx.commit().await?;
    Ok(key)
}

async fn revoke_in(ctx: &Ctx, tx: &mut Tx, key: &ApiKey) -> Result<()> {
    if !store::revoke(tx, key, ctx.now()).await? {
        return Err(not_found());
    }
    let event = Event::new("api_key.revoked", "api_key", key.id, key.name.as_str());
    ctx.record(tx, event.of_company(key.company)).await?;
    // Of the key, and of those that it made.
    revocations::invalidate_all_after_commit(ctx, tx);
    Ok(())
}

fn not_found() -> Error {
    Error::not_found("API_KEY_NOT_FOUND", "API key not found")
}
