//! Administrators, as the command line manages them: the way in for an operator who has no other.

use kernel::{Error, FieldError, Result};
use platform::Tx;
use platform::ctx::Ctx;
use platform::event::Event;

use crate::credentials::hasher::Hasher;
use crate::credentials::model::{PasswordHash, PasswordRules, PersonalWords};
use crate::credentials::service as credentials;
use crate::users::model::{Email, PersonName};
use crate::users::service::{self as users, NewUser, User};
use crate::{mail_links, sessions};

/// The role code.
const ADMIN: &str = "admin";

/// Creates an administrator with a password. Only for the command line: 403 otherwise. 409 if the address is taken.
pub async fn create(
    ctx: &Ctx,
    email: Email,
    password: &str,
    first_name: PersonName,
    last_name: PersonName,
) -> Result<User> {
    command_line_only(ctx)?;
    let own = PersonalWords::new(first_name.as_str(), last_name.as_str(), email.as_str(), "");
    let hash = hashed(ctx, password, &own).await?;
    let mut tx = ctx.write().await?;
    let new = NewUser { email: Some(email), role: ADMIN.to_owned(), ..NewUser::named(first_name, last_name) };
    let user = users::create_in(ctx, &mut tx, new).await.map_err(users::taken).map_err(with_a_way_out)?;
    credentials::set_in(ctx, &mut tx, user.id, &hash).await?;
    tx.commit().await?;
    Ok(user)
}

/// Creates the administrator that a deployment is started with, unless there is or was one: a start changes nothing that
/// people have done since. `None` then, also if another process is faster.
pub async fn ensure_first(
    ctx: &Ctx,
    email: Email,
    password: &str,
    first_name: PersonName,
    last_name: PersonName,
) -> Result<Option<User>> {
    if !list(ctx).await?.is_empty() {
        return Ok(None);
    }
    match create(ctx, email, password, first_name, last_name).await {
        Err(e) if e.code() == TAKEN && !list(ctx).await?.is_empty() => Ok(None),
        made => made.map(Some),
    }
}

/// Every administrator, by age, those who may not log in as well.
pub async fn list(ctx: &Ctx) -> Result<Vec<User>> {
    command_line_only(ctx)?;
    let mut tx = ctx.snapshot().await?;
    users::list_staff_in(&mut tx, ADMIN).await
}

/// Gives an administrator a new password, and ends whatever the old one opened: sessions, and links in mails, by which
/// somebody could have made another address theirs. 404 if the address is no administrator's.
pub async fn set_password(ctx: &Ctx, email: &Email, password: &str) -> Result<User> {
    command_line_only(ctx)?;
    let mut tx = ctx.read().await?;
    let user = find_in(&mut tx, email).await?;
    drop(tx);
    let own = PersonalWords::new(&user.first_name, &user.last_name, email.as_str(), &user.username);
    let hash = hashed(ctx, password, &own).await?;
    let mut tx = ctx.write().await?;
    // In the order in which links and logins lock.
    mail_links::service::delete_of_user_in(ctx, &mut tx, user.id).await?;
    credentials::lock_in(&mut tx, user.id).await?;
    credentials::set_in(ctx, &mut tx, user.id, &hash).await?;
    sessions::service::revoke_all_in(ctx, &mut tx, user.id, None, "password_reset").await?;
    let user = find_in(&mut tx, email).await?;
    let event = Event::new("user.password_reset", "user", user.id, user.unique_id());
    ctx.record(&mut tx, event.of_company(user.company)).await?;
    tx.commit().await?;
    Ok(user)
}

/// Lets an administrator log in again, or ends all that they have. 404 if the address is no administrator's, 409
/// `LAST_ADMIN` for the last active one.
pub async fn set_active(ctx: &Ctx, email: &Email, active: bool) -> Result<User> {
    command_line_only(ctx)?;
    let mut tx = ctx.write().await?;
    let before = find_in(&mut tx, email).await?;
    let user = users::set_active_in(ctx, &mut tx, &before, active).await?;
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

/// The code of an address that somebody has.
const TAKEN: &str = "USER_EMAIL_EXISTS";

fn command_line_only(ctx: &Ctx) -> Result<()> {
    match ctx.caller()?.credential {
        platform::access::Credential::System => Ok(()),
        _ => Err(Error::forbidden(
            "COMMAND_LINE_ONLY",
            "Administrators are managed with `regulars admin` on the command line",
        )),
    }
}

async fn hashed(ctx: &Ctx, password: &str, own: &PersonalWords) -> Result<PasswordHash> {
    let rules = PasswordRules::with_min_chars(ctx.app().config.password_min_length);
    let error = |error: kernel::ValueError| {
        Error::invalid(vec![FieldError::new("password", error.code, error.message)])
    };
    ctx.app().state::<Hasher>().hash(&rules.check(password, own).map_err(error)?).await
}

async fn find_in(tx: &mut Tx, email: &Email) -> Result<User> {
    let user = users::find_by_email_in(tx, email).await?.filter(|user| user.role == ADMIN);
    user.ok_or_else(|| {
        Error::not_found(
            "ADMIN_NOT_FOUND",
            format!(
                "{} is not the address of an administrator; `regulars admin list` shows them",
                email.as_str()
            ),
        )
    })
}

fn with_a_way_out(e: Error) -> Error {
    match e.code() {
        TAKEN => Error::conflict(
            TAKEN,
            "User with this email already exists. `regulars admin list` shows the administrators, `regulars admin password` \
             gives one of them a new password; a customer's address cannot be an administrator's as well",
        )
        .with_source(e),
        _ => e,
    }
}
