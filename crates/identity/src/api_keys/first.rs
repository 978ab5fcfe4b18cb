//! The key that a deployment is started with (`bootstrap.api_key`), for programs that are set up together with it.

use kernel::{Error, Result};
use platform::ctx::Ctx;
use secrecy::{ExposeSecret, SecretString};

use super::service::{ApiKey, NewApiKey, create_with};
use super::store;
use crate::secrets::ApiKeySecret;

/// Names that are tried when the wanted one belongs to an earlier secret.
const MOST_NAMES: u32 = 100;

/// The form of a key that somebody brings along, for messages.
pub const FORM: &str = "rk_ and 32 random bytes in base64url, as `echo rk_$(openssl rand -base64 32 | tr +/ -_ | tr -d =)` \
                        prints";

/// Makes the key with this secret unless it was made before, by whichever process; `None` then, also if it was revoked
/// since: a start takes nothing back. An earlier secret under the name stays valid, and the new key's name gets a number.
pub async fn ensure(ctx: &Ctx, secret: &SecretString, name: &str, role: &str) -> Result<Option<ApiKey>> {
    let parse = || {
        ApiKeySecret::parse(secret.expose_secret().trim())
            .ok_or_else(|| Error::invalid_field("bootstrap.api_key", "invalid", format!("Must be {FORM}")))
    };
    let hash = parse()?.hash();
    for number in 1..=MOST_NAMES {
        let mut tx = ctx.read().await?;
        if store::find_by_hash(&mut tx, &hash).await?.is_some() {
            return Ok(None);
        }
        drop(tx);
        let name = if number == 1 { name.to_owned() } else { format!("{name} {number}") };
        let new =
            NewApiKey { name, role: role.to_owned(), scopes: Vec::new(), company: None, expires_at: None };
        match create_with(ctx, new, parse()?).await {
            // Of another secret, or another process was faster with this one.
            Err(e) if e.code() == "API_KEY_NAME_EXISTS" => {}
            made => return made.map(Some),
        }
    }
    Err(Error::conflict(
        "API_KEY_NAME_EXISTS",
        format!("There are {MOST_NAMES} keys of the name {name}; revoke those that nobody uses"),
    ))
}
