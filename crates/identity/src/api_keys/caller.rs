//! Who is behind a key that is presented, and whether it still holds.

use database::Json;
use kernel::clock::Timestamp;
use kernel::{Error, Result};
use platform::Tx;
use platform::access::{Caller, Credential, Permissions, Scope};
use platform::app::App;
use uuid::Uuid;

use super::model::{Grantor, KeyState};
use super::store::{self, ApiKey};
use crate::roles::service::permissions;
use crate::secrets::ApiKeySecret;

/// 401 for what begins like a key and is none that works.
pub(crate) fn refused() -> Error {
    Error::unauthorized(
        "API_KEY_INVALID",
        "This API key is not valid: it was revoked, has expired, or belongs to another database. Create another with \
         `regulars api-key create`",
    )
}

/// Which key a presented secret is.
pub(crate) async fn recognise(app: &App, secret: &ApiKeySecret) -> Result<Uuid> {
    let ctx = app.system("authentication");
    let mut tx = ctx.read().await?;
    store::find_by_hash(&mut tx, &secret.hash()).await?.ok_or_else(refused)
}

/// The key as a caller. 401 if it has ended, or whoever made it has left or may do less now.
pub(crate) async fn caller_in(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<Caller> {
    let key = store::find(tx, &Scope::system("who is calling"), id).await?.ok_or_else(refused)?;
    if key.state(now) != KeyState::Active {
        return Err(refused());
    }
    let own = permissions(key.reach, &key.permissions);
    Ok(Caller {
        credential: Credential::ApiKey(id),
        user_id: None,
        reach: key.reach,
        permissions: narrowed(own, &key.scopes).ok_or_else(refused)?,
        company_id: key.company,
        name: key.name,
        role: key.role,
    })
}

/// Scopes that are no list were not written by us: nobody knows how far they were meant to narrow.
fn narrowed(own: Permissions, scopes: &Json) -> Option<Permissions> {
    let scopes = scopes.0.as_array()?;
    Some(match scopes.is_empty() {
        true => own,
        false => own.and(Permissions::from_codes(scopes.iter().filter_map(|code| code.as_str()))),
    })
}

impl ApiKey {
    /// Whether it still works. The rule of [`crate::roles::service::require_covered`], asked again.
    pub fn state(&self, now: Timestamp) -> KeyState {
        let holds = |maker: Option<Grantor>| maker.is_some_and(|maker| maker.stands_behind(&self.holder()));
        if self.revoked_at.is_some() {
            KeyState::Revoked
        } else if self.expires_at.is_some_and(|at| at <= now) {
            KeyState::Expired
        } else if (self.creator_id.is_some() && !holds(self.creator()))
            || (self.parent_id.is_some() && !holds(self.parent(now)))
        {
            KeyState::Orphaned
        } else {
            KeyState::Active
        }
    }

    fn holder(&self) -> Grantor {
        let permissions = permissions(self.reach, &self.permissions);
        Grantor { is_active: true, reach: self.reach, permissions, company: self.company }
    }

    fn creator(&self) -> Option<Grantor> {
        let reach = self.creator_reach?;
        let permissions = permissions(reach, self.creator_permissions.as_ref()?);
        Some(Grantor { is_active: self.creator_active, reach, permissions, company: self.creator_company })
    }

    fn parent(&self, now: Timestamp) -> Option<Grantor> {
        let reach = self.parent_reach?;
        let permissions = permissions(reach, self.parent_permissions.as_ref()?);
        let permissions = narrowed(permissions, self.parent_scopes.as_ref()?)?;
        let is_active = self.parent_revoked_at.is_none() && self.parent_expires_at.is_none_or(|at| at > now);
        Some(Grantor { is_active, reach, permissions, company: self.parent_company })
    }
}
