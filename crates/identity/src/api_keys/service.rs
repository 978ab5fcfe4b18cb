//! Use cases on API keys.

use kernel::access::{Caller, Credential, Permission, Permissions, Reach};
use kernel::app::App;
use kernel::clock::Timestamp;
use kernel::ctx::Ctx;
use kernel::db::{Json, Tx};
use kernel::event::Event;
use kernel::{Error, Result};
use serde_json::json;
use uuid::Uuid;

use super::store::{self, KeyState, NewKey};
use crate::roles::service::{self as roles, permissions};
use crate::tokens;
use crate::tokens::model::ApiKeySecret;
use crate::users;

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

/// Makes a key: its id, and the secret that is shown once. 403 if it could do more than its creator, or elsewhere.
pub async fn create(ctx: &Ctx, new: NewApiKey) -> Result<(Uuid, ApiKeySecret)> {
    ctx.require_staff(Permission::ApiKeysManage)?;
    check(&new)?;
    let caller = ctx.caller()?;
    let mut tx = ctx.write().await?;
    let role = roles::find_in(&mut tx, &new.role).await?;
    if caller.credential != Credential::System {
        roles::require_covered(caller, &role)?;
    }
    let company = match &new.company {
        Some(reference) => Some(users::service::company_in(&mut tx, reference).await?),
        // Whoever reaches one company makes keys of that company only.
        None if caller.reach == Reach::All => None,
        None => caller.company_id,
    };
    if caller.reach != Reach::All && company != caller.company_id {
        return Err(Error::forbidden(
            "COMPANY_OUT_OF_REACH",
            "You can make keys of your own company only; leave company_id out",
        ));
    }
    if role.reach == Reach::Company.as_str() && company.is_none() {
        return Err(Error::invalid_field(
            "company_id",
            "required",
            format!(
                "the role {} reaches one company; name it (on the command line with --company)",
                role.code
            ),
        ));
    }
    let (id, secret) = (ctx.new_id(), ApiKeySecret::generate(ctx.random()));
    let key = NewKey {
        id,
        name: new.name.trim(),
        hash: &secret.hash(),
        role: &role.code,
        scopes: Json(json!(new.scopes)),
        company,
        creator: caller.user_id,
        expires_at: new.expires_at,
        now: ctx.now(),
    };
    store::insert(&mut tx, &key).await?;
    let event = Event::new("api_key.created", "api_key", id, new.name.trim()).of_company(company);
    ctx.record(&mut tx, event.note("role", role.code.as_str()).note("scopes", new.scopes)).await?;
    tx.commit().await?;
    Ok((id, secret))
}

fn check(new: &NewApiKey) -> Result<()> {
    let mut faults = Vec::new();
    if kernel::text::line(&new.name, 100).is_err() {
        faults.push(kernel::Fault::new(
            "name",
            "invalid",
            "1 to 100 characters, for people to recognise the key by",
        ));
    }
    if new.role == "customer" {
        faults.push(kernel::Fault::new(
            "role",
            "invalid",
            "a key acts for the business; give it a role of staff",
        ));
    }
    for scope in new
        .scopes
        .iter()
        .filter(|s| !matches!(s.as_str(), "all" | "read") && Permission::from_code(s).is_none())
    {
        faults.push(kernel::Fault::new(
            "scopes",
            "unknown_permission",
            format!("there is no permission {scope}"),
        ));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::invalid(faults)) }
}

/// Is there a key that works?
pub async fn any(ctx: &Ctx) -> Result<bool> {
    let mut tx = ctx.read().await?;
    store::any(&mut tx, ctx.now()).await
}

/// Ends a key at once. 404 if there is none within the caller's reach, or it has ended.
pub async fn revoke(ctx: &Ctx, id: Uuid) -> Result<()> {
    let scope = ctx.require_staff(Permission::ApiKeysManage)?;
    let mut tx = ctx.write().await?;
    if !store::revoke(&mut tx, &scope, id, ctx.now()).await? {
        return Err(Error::not_found("API_KEY_NOT_FOUND", "API key not found"));
    }
    ctx.record(&mut tx, Event::new("api_key.revoked", "api_key", id, id.to_string())).await?;
    tokens::service::forget_after_commit(ctx, &mut tx, id);
    tx.commit().await
}

fn refused() -> Error {
    Error::unauthorized(
        "API_KEY_INVALID",
        "This API key is not valid; create another with `regulars api-key create`",
    )
}

/// Which key a presented secret is.
pub(crate) async fn recognise(app: &App, secret: &ApiKeySecret) -> Result<Uuid> {
    let ctx = app.system("authentication");
    let mut tx = ctx.read().await?;
    store::find_by_hash(&mut tx, &secret.hash()).await?.ok_or_else(refused)
}

/// The key as a caller. 401 if it has ended, or its creator has left or may do less now.
pub(crate) async fn caller_in(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<Caller> {
    let key = store::state(tx, id).await?.ok_or_else(refused)?;
    let own = permissions(Reach::from_code(&key.reach), &key.permissions);
    if key.revoked_at.is_some()
        || key.expires_at.is_some_and(|at| at <= now)
        || !creator_stands_behind(&key, own)
    {
        return Err(refused());
    }
    // Scopes that are no list were not written by us: nobody knows how far they were meant to narrow.
    let scopes = key.scopes.0.as_array().ok_or_else(refused)?;
    let narrowed = match scopes.is_empty() {
        true => own,
        false => own.and(Permissions::from_codes(scopes.iter().filter_map(|c| c.as_str()))),
    };
    Ok(Caller {
        credential: Credential::ApiKey(id),
        user_id: None,
        name: key.name,
        reach: Reach::from_code(&key.reach),
        role: key.role,
        permissions: narrowed,
        company_id: key.company_id,
    })
}

/// A key made on the command line has no creator. Any other dies with its creator's deactivation or loss of the
/// role that covered it: the rule of [`roles::require_covered`], asked again.
fn creator_stands_behind(key: &KeyState, own: Permissions) -> bool {
    if key.creator_id.is_none() {
        return true;
    }
    let (Some(reach), Some(codes)) = (&key.creator_reach, &key.creator_permissions) else { return false };
    let reach = Reach::from_code(reach);
    let reaches = match reach {
        Reach::All => true,
        Reach::Company => {
            Reach::from_code(&key.reach) != Reach::All
                && key.company_id.is_some()
                && key.company_id == key.creator_company_id
        }
        // Keys are for staff to make.
        Reach::Own => false,
    };
    let granted = match Reach::from_code(&key.reach) {
        // What `own` adds is no grant.
        Reach::Own => Permissions::default(),
        _ => own,
    };
    key.creator_active && reaches && permissions(reach, codes).covers(granted)
}
