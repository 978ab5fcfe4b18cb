//! Who somebody is now that asked for something earlier: jobs work with the rights of today.

use kernel::clock::Timestamp;
use kernel::{Error, Kind, Result};
use platform::Tx;
use platform::access::{Actor, Caller, Credential};
use uuid::Uuid;

use super::store;
use crate::api_keys;
use crate::roles::service::permissions;

/// The caller that `actor` is now; the command line appears as `name`. 403 `REQUESTER_INACTIVE` for a user who is
/// deactivated, erased or of a company that is not active, and for a key that has ended.
pub async fn caller_in(tx: &mut Tx, actor: Actor, name: &str, now: Timestamp) -> Result<Caller> {
    match actor {
        Actor::System => Ok(Caller::system(name)),
        Actor::ApiKey(id) => api_keys::caller::caller_in(tx, id, now).await.map_err(|e| match e.kind() {
            Kind::Unauthorized => inactive().with_source(e),
            _ => e,
        }),
        Actor::User(id) => user_in(tx, id).await,
    }
}

async fn user_in(tx: &mut Tx, id: Uuid) -> Result<Caller> {
    let user = store::user_state(tx, id).await?.ok_or_else(inactive)?;
    if !user.is_active || !user.company_active {
        return Err(inactive());
    }
    Ok(Caller {
        credential: Credential::Behalf,
        user_id: Some(id),
        name: user.name,
        permissions: permissions(user.reach, &user.permissions),
        role: user.role,
        reach: user.reach,
        company_id: user.company_id,
    })
}

fn inactive() -> Error {
    let detail = "Whoever asked for this may no longer act: the user or key, or its company, is not active";
    Error::forbidden("REQUESTER_INACTIVE", detail)
}
