//! What a deployment is started with where nobody has a shell: the first administrator and an API key, from the settings
//! `bootstrap.*`. Every process does it at its start; what is there already stays as it is.

use anyhow::{Context, anyhow};
use identity::api_keys::first;
use identity::users::model::{Email, PersonName};
use kernel::TextValue;
use platform::app::App;
use secrecy::ExposeSecret;

/// Makes what the settings name and is not there.
pub async fn run(app: &App) -> anyhow::Result<()> {
    let ctx = app.system("bootstrap");
    let settings = &app.config.bootstrap;
    if let Some((email, password)) = &settings.admin {
        let email =
            Email::parse(email).map_err(|error| anyhow!("bootstrap.admin_email: {}", error.message))?;
        let name = |text| PersonName::parse(text).map_err(|error| anyhow!(error.message));
        let made = Box::pin(identity::admin::ensure_first(
            &ctx,
            email,
            password.expose_secret(),
            name("Admin")?,
            name("User")?,
        ));
        if let Some(user) =
            made.await.context("the first administrator (bootstrap.admin_email) cannot be made")?
        {
            tracing::info!(user = user.unique_id(), "the first administrator was made, as the settings say");
        }
    }
    if let Some(secret) = &settings.api_key {
        let made = Box::pin(first::ensure(&ctx, secret, &settings.api_key_name, &settings.api_key_role));
        if let Some(key) = made.await.context("the API key (bootstrap.api_key) cannot be made")? {
            if key.name != settings.api_key_name {
                tracing::warn!(
                    name = key.name,
                    "an earlier bootstrap key is still valid; end it with `regulars api-key revoke`"
                );
            }
            tracing::info!(api_key = %key.id, name = key.name, "the API key was made, as the settings say");
        }
    }
    Ok(())
}
