//! Login with a password. Unknown user and wrong password cost and answer the same.

use kernel::{Error, Result, TextValue};
use platform::Tx;
use platform::access::Scope;
use platform::ctx::Ctx;

use super::failed_logins::FailedLogins;
use super::service::{self, NewSession};
use crate::credentials::hasher::Hasher;
use crate::credentials::model::{Password, PasswordHash};
use crate::credentials::service as credentials;
use crate::devices::service as devices;
use crate::secrets::DeviceToken;
use crate::users::model::{Email, Phone, UserRef, Username};
use crate::users::service::{self as users, User};

/// By what somebody says who they are.
pub(crate) enum LoginName {
    Email(Email),
    Username(String),
    Phone(Phone),
}

impl LoginName {
    /// What somebody typed into a field for a user name: many type their address, which no user name can be.
    pub(crate) fn named(text: String) -> LoginName {
        match Email::parse(&text) {
            Ok(email) => LoginName::Email(email),
            Err(_) => LoginName::Username(text),
        }
    }
}

/// What a login gives.
pub(crate) struct LoggedIn {
    pub user: User,
    pub opened: NewSession,
    /// Known devices present it at the next login.
    pub device: DeviceToken,
}

/// Logs in: the user and a new session. 401 `INVALID_CREDENTIALS`, 403 `ACCOUNT_DISABLED`, 429 `LOGIN_THROTTLED`.
pub(crate) async fn login(
    ctx: &Ctx,
    who: &LoginName,
    password: &str,
    device: Option<&DeviceToken>,
) -> Result<LoggedIn> {
    let hasher = ctx.app().state::<Hasher>();
    let Found { user, hash, known_device } = look_up(ctx, who, device).await?;
    let known = device.filter(|_| known_device);
    // Before the hash, which is dear; the same for an account that is not there.
    let attempt = ctx.app().state::<FailedLogins>().admit(&counted_as(ctx, who, known))?;
    let presented = Password::presented(password);
    let matches = match (&hash, &presented) {
        (Some(hash), Some(password)) => hasher.verify(password, hash).await,
        (None, Some(password)) => hasher.verify_nobody(password).await.map(|()| false),
        (_, None) => Ok(false),
    };
    let (user, hash, password) = match (user, hash, presented, matches) {
        (Some(user), Some(hash), Some(password), Ok(true)) => (user, hash, password),
        (.., Err(e)) => {
            attempt.was_none();
            return Err(e);
        }
        _ => {
            if let Some(known) = known.filter(|_| attempt.closes()) {
                devices::forget(ctx, known).await?;
            }
            return Err(wrong());
        }
    };
    attempt.succeeded();
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
    let device = devices::renew_in(ctx, &mut tx, user.id, opened.session, known).await?;
    tx.commit().await?;
    metrics::counter!("auth_logins_total", "outcome" => "accepted").increment(1);
    Ok(LoggedIn { user, opened, device })
}

/// By what attempts are counted: a known device by itself, everybody else by the name that they typed. Not by the user
/// behind it: two names that wait for each other would tell that they are one person's.
fn counted_as(ctx: &Ctx, who: &LoginName, known: Option<&DeviceToken>) -> String {
    match (known, who) {
        (Some(token), _) => format!("device {}", token.reveal()),
        (None, LoginName::Email(email)) => format!("email {}", email.key()),
        (None, LoginName::Username(name)) => {
            format!("username {}", Username::lookup(name).unwrap_or_default())
        }
        (None, LoginName::Phone(phone)) => {
            let facts = phone.facts(ctx.app().config.default_country.as_deref());
            format!("phone {}", facts.e164.as_deref().unwrap_or(phone.digits()))
        }
    }
}

fn system() -> Scope {
    Scope::system("who logs in is not known before")
}

fn wrong() -> Error {
    metrics::counter!("auth_logins_total", "outcome" => "refused").increment(1);
    Error::unauthorized("INVALID_CREDENTIALS", "E-mail, user name or password is wrong")
}

fn disabled() -> Error {
    Error::forbidden("ACCOUNT_DISABLED", "This account is deactivated; contact the staff")
}

struct Found {
    user: Option<User>,
    hash: Option<PasswordHash>,
    known_device: bool,
}

async fn look_up(ctx: &Ctx, who: &LoginName, device: Option<&DeviceToken>) -> Result<Found> {
    let mut tx = ctx.read().await?;
    let user = find(ctx, &mut tx, who).await?;
    let hash = match &user {
        Some(user) => credentials::find_in(&mut tx, user.id).await?,
        None => None,
    };
    let known_device = match device {
        Some(token) => devices::is_known_in(ctx, &mut tx, token, user.as_ref().map(|user| user.id)).await?,
        None => false,
    };
    Ok(Found { user, hash, known_device })
}

async fn find(ctx: &Ctx, tx: &mut Tx, who: &LoginName) -> Result<Option<User>> {
    match who {
        LoginName::Email(email) => users::find_by_email_in(tx, email).await,
        LoginName::Username(name) => match Username::lookup(name) {
            Some(name) => users::find_by_username_in(tx, &name).await,
            None => Ok(None),
        },
        LoginName::Phone(phone) => match phone.facts(ctx.app().config.default_country.as_deref()).e164 {
            Some(e164) => users::find_by_phone_in(tx, &e164).await,
            None => Ok(None),
        },
    }
}
