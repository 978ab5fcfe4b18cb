//! The first administrator, made on the command line.

use kernel::ctx::Ctx;
use kernel::db::Tx;
use kernel::{Error, Fault, Result};

use crate::credentials::hasher::Hasher;
use crate::credentials::model::{OwnWords, PasswordRules};
use crate::credentials::service as credentials;
use crate::users::model::{Email, PersonName};
use crate::users::service::{self as users, NewUser, User};

/// Creates an administrator with a password. Only for the command line: 403 otherwise. 409 if the address is taken.
pub async fn create(
    ctx: &Ctx,
    email: Email,
    password: &str,
    first_name: PersonName,
    last_name: PersonName,
) -> Result<User> {
    if ctx.caller()?.credential != kernel::access::Credential::System {
        return Err(Error::forbidden(
            "COMMAND_LINE_ONLY",
            "Administrators are made with `regulars admin create`",
        ));
    }
    let own = OwnWords::new(first_name.as_str(), last_name.as_str(), email.as_str(), "");
    let rules = PasswordRules::with_min_chars(ctx.app().config.password_min_length);
    let fault = |flaw: kernel::Flaw| Error::invalid(vec![Fault::new("password", flaw.code, flaw.message)]);
    let password = rules.check(password, &own).map_err(fault)?;
    let hash = ctx.app().part::<Hasher>().hash(&password).await?;
    let mut tx = ctx.write().await?;
    let new =
        NewUser { email: Some(email), role: "admin".to_owned(), ..NewUser::named(first_name, last_name) };
    let user = users::create_in(ctx, &mut tx, new).await.map_err(users::taken)?;
    credentials::set_in(ctx, &mut tx, user.id, &hash).await?;
    tx.commit().await?;
    Ok(user)
}

/// Is there anybody who can administer?
pub async fn exists(ctx: &Ctx) -> Result<bool> {
    exists_in(&mut ctx.read().await?).await
}

/// The same where there is no process yet.
pub async fn exists_in(tx: &mut Tx) -> Result<bool> {
    users::has_active_admin_in(tx).await
}
