//! The caller's own account.

use kernel::web::Field;
use kernel::{Error, Result};
use platform::access::Scope;
use platform::ctx::Ctx;
use serde_json::Value;

use crate::mail_links;
use crate::users::model::{
    DocumentTypeCode, Email, IdentityNumber, Locale, PersonName, Phone, UserAddress, UserRef,
};
use crate::users::service::{self as users, User, UserChange};

/// What somebody changes of their own account; what is absent stays.
#[derive(Debug)]
pub struct ProfileChange {
    /// Starts a change of the address, which waits for its proof; the current one ends a change that waits.
    pub email: Option<Email>,
    /// The address that waits, in a reply that is sent back: then the current address ends nothing.
    pub said_pending: Option<String>,
    /// Given name.
    pub first_name: Option<PersonName>,
    /// Family name.
    pub last_name: Option<PersonName>,
    /// Any phone.
    pub phone: Field<Phone>,
    /// Postal address in one text.
    pub address: Field<UserAddress>,
    /// Identity document.
    pub document_type: Field<DocumentTypeCode>,
    /// Its number.
    pub number_document_identity: Field<IdentityNumber>,
    /// Language.
    pub locale: Field<Locale>,
    /// Members that only others may write: ignored when equal to what is stored, else 403.
    pub guarded: Vec<(&'static str, Field<Value>)>,
}

fn own() -> Scope {
    Scope::system("the caller's own account")
}

/// The account. 403 for an API key, which has none.
pub async fn profile(ctx: &Ctx) -> Result<User> {
    let user = ctx.require_user()?;
    let mut tx = ctx.read().await?;
    users::find_in(&mut tx, &own(), UserRef::Id(user)).await?.ok_or_else(gone)
}

fn gone() -> Error {
    Error::not_found("USER_NOT_FOUND", "User not found")
}

/// Changes the account after `check` has looked at it. A new address waits until its owner proves it, whether anybody has
/// it or not, and whether the old one was proven or not: so nobody learns here which addresses are known.
pub async fn update(
    ctx: &Ctx,
    change: ProfileChange,
    check: impl FnOnce(&User) -> Result<()>,
) -> Result<User> {
    let id = ctx.require_user()?;
    let mut tx = ctx.write().await?;
    let before = users::find_in(&mut tx, &own(), UserRef::Id(id)).await?.ok_or_else(gone)?;
    check(&before)?;
    refuse_guarded(&before, &change.guarded)?;
    let mut written = UserChange {
        first_name: change.first_name,
        last_name: change.last_name,
        phone: change.phone,
        address: change.address,
        document_type: change.document_type,
        number_document_identity: change.number_document_identity,
        locale: change.locale,
        ..UserChange::default()
    };
    let current = |email: &Email| Some(email.as_str()) == before.email.as_str();
    let sent_back = change.said_pending.is_some() && change.said_pending == before.pending_email;
    match change.email {
        // What was read and is sent back wishes nothing.
        Some(email) if current(&email) && sent_back => {}
        // Said again, the current address takes a change back that still waits.
        Some(email) if current(&email) => written.pending_email = Field::Null,
        // Another spelling of the same address needs no proof.
        Some(email) if Some(email.key()) == before.email.key() => {
            written.email = Field::Value(email);
            written.pending_email = Field::Null;
        }
        Some(email) => {
            ctx.count_email()?;
            written.pending_email = Field::Value(email);
        }
        None => {}
    }
    let region = ctx.app().config.default_country.as_deref();
    let waits = matches!(written.pending_email, Field::Value(_));
    let user = users::update_in(ctx, &mut tx, &before, written, region).await?;
    if waits {
        mail_links::service::email_change_in(ctx, &mut tx, &user).await?;
    }
    tx.commit().await?;
    Ok(user)
}

fn refuse_guarded(user: &User, guarded: &[(&'static str, Field<Value>)]) -> Result<()> {
    let stored = user.snapshot();
    for (name, sent) in guarded {
        let sent = match sent {
            Field::Absent => continue,
            Field::Null => Value::Null,
            Field::Value(v) => v.clone(),
        };
        if stored.get(*name) != Some(&sent) {
            return Err(not_writable(name));
        }
    }
    Ok(())
}

/// 403 for a member that the caller may not write, unless it says what is stored.
fn not_writable(name: &str) -> Error {
    Error::forbidden("FIELD_NOT_WRITABLE", format!("You may not change {name}")).with_member("field", name)
}
