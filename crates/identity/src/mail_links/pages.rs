//! Where the links in mails lead: paths below the public address, each followed by `#token=` and the secret.

use super::service::{CHANGE, CLAIM};

/// Confirms the address of an account that its owner made.
pub const VERIFY: &str = "/account/verify";
/// Takes over an account that staff typed in.
pub const CLAIM_ACCOUNT: &str = "/account/claim";
/// Confirms the address that is to replace another.
pub const CHANGE_EMAIL: &str = "/account/email";

/// The path for a link with this purpose.
pub(super) fn path(purpose: &str) -> &'static str {
    match purpose {
        CLAIM => CLAIM_ACCOUNT,
        CHANGE => CHANGE_EMAIL,
        _ => VERIFY,
    }
}
