//! What a role may do.

use database::Json;
use kernel::text::nearest_of;
use kernel::{Error, Result};
use platform::Tx;
use platform::access::{Caller, Permission, Permissions, Reach};

use super::store;
pub use super::store::Role;

/// Permission codes as a set. A role that reaches only its own rows may also change what is its own.
pub fn permissions(reach: Reach, codes: &Json) -> Permissions {
    let set = Permissions::from_codes(codes.0.as_array().into_iter().flatten().filter_map(|c| c.as_str()));
    match reach {
        Reach::Own => [Permission::CustomersWrite, Permission::VehiclesWrite, Permission::DocumentsWrite]
            .into_iter()
            .fold(set, Permissions::with),
        _ => set,
    }
}

/// The role with this code; 422 that names those that there are if there is none.
pub async fn find_in(tx: &mut Tx, code: &str) -> Result<Role> {
    if let Some(role) = store::find(tx, code).await? {
        return Ok(role);
    }
    let codes = store::codes(tx).await?;
    let shown: String = code.chars().take(64).collect();
    let mut message = format!("There is no role {shown}; there are {}", codes.join(", "));
    if let Some(meant) = nearest_of(code, codes.iter().map(String::as_str)) {
        message.push_str(&format!("; did you mean {meant}?"));
    }
    Err(Error::invalid_field("role", "unknown_role", message))
}

/// Nobody can grant more than they have: 403.
pub fn require_covered(caller: &Caller, role: &Role) -> Result<()> {
    let reach = role.reach;
    let wider = match caller.reach {
        Reach::All => false,
        Reach::Company => reach == Reach::All,
        Reach::Own => reach != Reach::Own,
    };
    // What `own` adds is no grant: everybody may change what is theirs.
    let granted = match reach {
        Reach::Own => Permissions::default(),
        _ => permissions(reach, &role.permissions),
    };
    match wider || !caller.permissions.covers(granted) {
        true => Err(Error::forbidden(
            "ROLE_EXCEEDS_OWN",
            format!("You cannot give the role {}: it may do more than you", role.code),
        )),
        false => Ok(()),
    }
}
