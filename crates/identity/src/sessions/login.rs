//! Login with a password. Unknown user and wrong password cost and answer the same.

use kernel::access::Scope;
use kernel::ctx::Ctx;
use kernel::db::Tx;
use kernel::{Error, Result, TextValue};

use super::service::{self, Opened};
use crate::credentials::hasher::Hasher;
use crate::credentials::model::{Password, PasswordHash};
use crate::credentials::service as credentials;
use crate::users::model::{Email, Phone, UserRef, Username};
use crate::users::service::{self as users, User};

/// By what somebody says who they are.
pub(crate) enum Who {
    Email(Email),
    Username(String),
    Phone(Phone),
}

impl Who {
    /// What somebody typed into a field for a user name: many type their address, which no user name can be.
    pub(crate) fn named(text: String) -> Who {
        match Email::parse(&text) {
            Ok(email) => Who::Email(email),
            Err(_) => Who::Username(text),
        }
    }
}

/// Logs in: the user and a new session. 401 `INVALID_CREDENTIALS`, 403 `ACCOUNT_DISABLED`.
pub(crate) async fn login(ctx: &Ctx, who: &Who, password: &str) -> Result<(User, Opened)> {
    let hasher = ctx.app().part::<Hasher>();
    let (user, hash) = look_up(ctx, who).await?;
    let presented = Password::presented(password);
    let matches = match (&hash, &presented) {
        (Some(hash), Some(password)) => hasher.verify(password, hash).await?,
        (None, Some(password)) => hasher.verify_nobody(password).await.map(|()| false)?,
        (_, None) => false,
    };
    let (Some(user), Some(hash), Some(password), true) = (user, hash, presented, matches) else {
        return Err(wrong());
    };
    let upgraded = if hash.needs_rehash() { Some(hasher.hash(&password).await?) } else { None };
    let mut tx = ctx.write().await?;
    // Between look-up and here hashes were computed: the password may have been taken away, the user deactivated.
    if credentials::lock_in(&mut tx, user.id).await?.as_ref() != Some(&hash) {
        return Err(wrong());
    }
    let user = users::find_in(&mut tx, &system(), UserRef::Id(user.id)).await?.ok_or_else(disabled)?;
    if !user.is_active || !users::company_is_active_in(&mut tx, &user).await? {
        return Err(disabled());
    }
    if let Some(new) = upgraded {
        credentials::upgrade_in(&mut tx, user.id, &hash, &new).await?;
    }
    let user = users::touch_login_in(ctx, &mut tx, user).await?;
    let opened = service::open_in(ctx, &mut tx, &user, "password").await?;
    tx.commit().await?;
    metrics::counter!("auth_logins_total", "outcome" => "accepted").increment(1);
    Ok((user, opened))
}

fn system() -> Scope {
    Scope::system("who logs in is not known before")
}

fn wrong() -> Error {
    metrics::counter!("auth_logins_total", "outcome" => "refused").increment(1);
    Error::unauthorized("INVALID_CREDENTIALS", "E-mail, user name or password is wrong")
}

fn disabled() -> Error {
    Error::forbidden("ACCOUNT_DISABLED", "This account is not active; ask the staff")
}

async fn look_up(ctx: &Ctx, who: &Who) -> Result<(Option<User>, Option<PasswordHash>)> {
    let mut tx = ctx.read().await?;
    let user = find(ctx, &mut tx, who).await?;
    let hash = match &user {
        Some(user) => credentials::find_in(&mut tx, user.id).await?,
        None => None,
    };
    Ok((user, hash))
}

async fn find(ctx: &Ctx, tx: &mut Tx, who: &Who) -> Result<Option<User>> {
    match who {
        Who::Email(email) => users::find_by_email_in(tx, &system(), email).await,
        Who::Username(name) => match Username::lookup(name) {
            Some(name) => users::find_by_username_in(tx, &system(), &name).await,
            None => Ok(None),
        },
        Who::Phone(phone) => match phone.facts(ctx.app().config.default_country.as_deref()).e164 {
            Some(e164) => users::find_by_phone_in(tx, &system(), &e164).await,
            None => Ok(None),
        },
    }
}
