//! Registration: a user with a password, a session, and, in the same call, optionally the customer profile.

use kernel::{Error, FieldError, Result};
use platform::access::Scope;
use platform::ctx::Ctx;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::credentials::hasher::Hasher;
use crate::credentials::model::{PasswordRules, PersonalWords};
use crate::credentials::service as credentials;
use crate::mail_links;
use crate::profile_hook;
use crate::sessions::service::{self as sessions, NewSession};
use crate::users::model::{Email, PersonName, Phone, UserRef};
use crate::users::service::{self as users, NewUser, User};

/// What somebody sends who registers.
pub struct Registration {
    /// Unique in its normalised form.
    pub email: Email,
    /// Given name.
    pub first_name: PersonName,
    /// Family name.
    pub last_name: PersonName,
    /// Any phone.
    pub phone: Option<Phone>,
    /// As typed.
    pub password: SecretString,
    /// The body of a customer profile to create with it.
    pub customer: Option<Value>,
}

/// What somebody gets who registered.
pub struct Registered {
    /// The new user.
    pub user: User,
    /// Its first session.
    pub session: NewSession,
    /// The profile, if one was asked for.
    pub customer: Option<Value>,
}

/// Registers. 409 `USER_EMAIL_EXISTS`, or `ACCOUNT_CLAIMABLE` when the address belongs to somebody whom staff typed
/// in: a mail then goes out by which its owner can claim the account.
pub async fn register(ctx: &Ctx, new: Registration) -> Result<Registered> {
    ctx.count_email()?;
    let own = PersonalWords::new(new.first_name.as_str(), new.last_name.as_str(), new.email.as_str(), "");
    let rules = PasswordRules::with_min_chars(ctx.app().config.password_min_length);
    let password = rules
        .check(new.password.expose_secret(), &own)
        .map_err(|error| Error::invalid(vec![FieldError::new("password", error.code, error.message)]))?;
    // Checked before hashing, which is dear, and decided by the unique index below.
    refuse_known(ctx, &new.email).await?;
    let hash = ctx.app().state::<Hasher>().hash(&password).await?;
    let email = new.email.clone();
    match insert(ctx, new, &hash).await {
        Err(e) if e.code() == "USER_EMAIL_EXISTS" => {
            refuse_known(ctx, &email).await?;
            Err(e)
        }
        done => done,
    }
}

async fn insert(
    ctx: &Ctx,
    new: Registration,
    hash: &crate::credentials::model::PasswordHash,
) -> Result<Registered> {
    let mut tx = ctx.write().await?;
    let company = users::default_company_in(ctx, &mut tx).await?;
    let user = NewUser {
        email: Some(new.email),
        phone: new.phone,
        company,
        region: ctx.app().config.default_country.clone(),
        ..NewUser::named(new.first_name, new.last_name)
    };
    let user = users::create_in(ctx, &mut tx, user).await.map_err(users::taken)?;
    credentials::set_in(ctx, &mut tx, user.id, hash).await?;
    let customer = match new.customer {
        Some(profile) => Some(create_profile(ctx, &mut tx, &user, &profile).await?),
        None => None,
    };
    // The profile may have changed something: what is stored is what is proven and shown.
    let scope = Scope::system("the user was made a moment ago");
    let user = users::find_in(&mut tx, &scope, UserRef::Id(user.id)).await?;
    let user = user.ok_or_else(|| Error::internal("a new user is gone"))?;
    let user = users::touch_login_in(ctx, &mut tx, user).await?;
    mail_links::service::request_verification_in(ctx, &mut tx, &user).await?;
    let session = sessions::open_in(ctx, &mut tx, &user, "registration").await?;
    tx.commit().await?;
    metrics::counter!("auth_registrations_total").increment(1);
    Ok(Registered { user, session, customer })
}

async fn create_profile(ctx: &Ctx, tx: &mut platform::Tx, user: &User, profile: &Value) -> Result<Value> {
    let hook = profile_hook().ok_or_else(|| {
        Error::invalid_field(
            "customer",
            "not_served",
            "this process does not serve customers; create the profile there",
        )
    })?;
    (hook.create)(ctx, tx, user, profile).await
}

/// 409 if the address is known; a claim mail if it is nobody's login yet.
async fn refuse_known(ctx: &Ctx, email: &Email) -> Result<()> {
    let mut tx = ctx.read().await?;
    let Some(user) = users::find_by_email_in(&mut tx, email).await? else { return Ok(()) };
    drop(tx);
    if user.has_password || !user.is_active {
        return Err(Error::conflict("USER_EMAIL_EXISTS", "User with this email already exists"));
    }
    let mut tx = ctx.write().await?;
    mail_links::service::request_claim_in(ctx, &mut tx, &user).await?;
    tx.commit().await?;
    Err(Error::conflict(
        "ACCOUNT_CLAIMABLE",
        "We know this address already. A mail is on its way to it with a link that opens the account",
    ))
}
