//! The caller's own account.

use kernel::access::Scope;
use kernel::ctx::Ctx;
use kernel::web::Field;
use kernel::{Error, Result};
use serde_json::Value;

use super::api::not_writable;
use super::model::{
    DocumentTypeCode, Email, IdentityNumber, Locale, PersonName, Phone, UserAddress, UserRef,
};
use super::service::{self as users, User, UserChange};
use crate::claims;

/// What somebody changes of their own account; what is absent stays.
#[derive(Debug)]
pub struct ProfileChange {
    /// Starts the change of the address; the current one ends a change that waits.
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

/// Changes the account after `check` has looked at it. A new address applies at once while the old one is unproven,
/// and waits for its proof otherwise.
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
    let applies = match change.email {
        // Said again, the current address takes a change back that still waits.
        Some(email) if Some(email.as_str()) == before.email.as_deref() => {
            if change.said_pending.is_none() || change.said_pending != before.pending_email {
                written.pending_email = Field::Null;
            }
            false
        }
        Some(email) if before.email_proven_at.is_none() => {
            written.email = Field::Value(email);
            written.pending_email = Field::Null;
            true
        }
        Some(email) => {
            users::refuse_taken_in(&mut tx, &email, before.id).await?;
            written.pending_email = Field::Value(email);
            false
        }
        None => false,
    };
    let region = ctx.app().config.default_country.as_deref();
    let waits = matches!(written.pending_email, Field::Value(_));
    let user = users::update_in(ctx, &mut tx, &before, written, region).await?;
    if waits {
        claims::service::email_change_in(ctx, &mut tx, &user).await?;
    } else if applies {
        claims::service::request_verification_in(ctx, &mut tx, &user).await?;
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
