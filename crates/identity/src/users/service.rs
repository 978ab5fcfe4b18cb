//! Use cases on users. The `_in` forms join a caller's transaction; `customers` writes people through them.

use database::Ids;
use kernel::clock::Timestamp;
use kernel::web::Field;
use kernel::{Error, Result};
use platform::Tx;
use platform::access::Scope;
use platform::crypto::sha256;
use platform::ctx::Ctx;
use platform::event::{self, Event};
use serde_json::{Map, Value};
use uuid::Uuid;

pub use super::create::{Draft, NewUser, create_in, create_many_in, draft};
use super::followers;
use super::model::{
    AvatarName, DocumentTypeCode, Email, IdentityNumber, Locale, PersonName, Phone, UniqueId, UserAddress,
    UserEmail, UserPhone, UserRef, full_name,
};
use super::store;
pub use super::store::{User, taken};
use crate::profile_hook;
use crate::revocations;

/// A change of a user: what is absent stays.
#[derive(Debug, Default)]
pub struct UserChange {
    /// New address. It becomes the user's at once; who may do that is the caller's to decide.
    pub email: Field<Email>,
    /// New phone; its verification is gone.
    pub phone: Field<Phone>,
    /// Given name.
    pub first_name: Option<PersonName>,
    /// Family name.
    pub last_name: Option<PersonName>,
    /// Postal address in one text.
    pub address: Field<UserAddress>,
    /// Identity document.
    pub document_type: Field<DocumentTypeCode>,
    /// Its number.
    pub number_document_identity: Field<IdentityNumber>,
    /// Language.
    pub locale: Field<Locale>,
    /// An address that its owner has still to prove.
    pub pending_email: Field<Email>,
    /// The shown mark.
    pub email_verified: Option<bool>,
    /// The shown mark.
    pub phone_verified: Option<bool>,
}

impl User {
    /// `USER-10000000`.
    pub fn unique_id(&self) -> String {
        UniqueId::from_number(self.unique_no).map(|id| id.to_string()).unwrap_or_default()
    }

    /// First and last name.
    pub fn full_name(&self) -> String {
        full_name(&self.first_name, &self.last_name)
    }

    /// What the event log may show of it.
    pub fn snapshot(&self) -> Map<String, Value> {
        let text = |v: &Option<String>| v.clone().map_or(Value::Null, Value::String);
        let members = [
            ("username", Value::from(self.username.clone())),
            ("email", self.email.as_str().into()),
            ("pending_email", text(&self.pending_email)),
            ("email_verified", self.email_verified.into()),
            ("first_name", self.first_name.clone().into()),
            ("last_name", self.last_name.clone().into()),
            ("phone", self.phone.as_str().into()),
            ("phone_verified", self.phone_verified.into()),
            ("role", self.role.clone().into()),
            ("company_id", text(&self.company_id)),
            ("address", text(&self.address)),
            ("document_type", text(&self.document_type)),
            ("number_document_identity", text(&self.number_document_identity)),
            ("locale", text(&self.locale)),
            ("is_active", self.is_active.into()),
        ];
        members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
    }
}

/// The user behind a reference, within the scope.
pub async fn find_in(tx: &mut Tx, scope: &Scope, reference: UserRef) -> Result<Option<User>> {
    store::find(tx, scope, reference).await
}

/// The user with this e-mail address, whoever asks: addresses are unique among all.
pub async fn find_by_email_in(tx: &mut Tx, email: &Email) -> Result<Option<User>> {
    store::find_by_email(tx, email).await
}

/// The users with these e-mail addresses, in any order.
pub async fn find_by_emails_in(tx: &mut Tx, emails: &[&Email]) -> Result<Vec<User>> {
    match emails {
        [] => Ok(Vec::new()),
        [email] => Ok(store::find_by_email(tx, email).await?.into_iter().collect()),
        emails => store::find_by_emails(tx, &emails.iter().map(|email| email.key()).collect()).await,
    }
}

/// The public id of a company.
pub async fn company_number_in(tx: &mut Tx, company: Uuid) -> Result<Option<String>> {
    store::company_number(tx, company).await
}

/// 422 for a number that a strict deployment refuses (`phone.strict`), as writing it would.
pub fn check_phone(ctx: &Ctx, phone: &Phone, region: Option<&str>) -> Result<()> {
    match ctx.app().config.phone_strict {
        true => e164(ctx, phone, region).map(drop),
        false => Ok(()),
    }
}

/// The user with this name.
pub(crate) async fn find_by_username_in(tx: &mut Tx, username: &str) -> Result<Option<User>> {
    store::find_by_username(tx, username).await
}

/// The user who verified this phone (E.164).
pub(crate) async fn find_by_phone_in(tx: &mut Tx, e164: &str) -> Result<Option<User>> {
    store::find_by_phone(tx, e164).await
}

/// Members of a company that is not active cannot log in.
pub(crate) async fn company_is_active_in(tx: &mut Tx, user: &User) -> Result<bool> {
    match user.company {
        Some(company) => store::company_is_active(tx, company).await,
        None => Ok(true),
    }
}

/// Is there an active administrator?
pub(crate) async fn has_active_admin_in(tx: &mut Tx) -> Result<bool> {
    Ok(store::count_active(tx, "admin").await? > 0)
}

/// Everybody of a role of staff, by age; they are few.
pub(crate) async fn list_staff_in(tx: &mut Tx, role: &str) -> Result<Vec<User>> {
    const STEP: usize = 500;
    let mut all: Vec<User> = Vec::new();
    loop {
        let after = all.last().map_or(Uuid::nil(), |user| user.id);
        let page = store::list_staff(tx, role, after, i64::try_from(STEP).unwrap_or(i64::MAX)).await?;
        let is_last = page.len() < STEP;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// Lets a user log in again, or ends all that they have: sessions at once, keys that they made with them. 409
/// `LAST_ADMIN` for the last active administrator. The user as it is now.
pub(crate) async fn set_active_in(ctx: &Ctx, tx: &mut Tx, before: &User, active: bool) -> Result<User> {
    if before.is_active == active {
        return Ok(before.clone());
    }
    if !active {
        let left = store::lock_active(tx, "admin").await?;
        if left == [before.id] {
            return Err(Error::conflict(
                "LAST_ADMIN",
                "This is the last active administrator; create or activate another one first",
            ));
        }
        followers::deactivated_in(ctx, tx, before).await?;
    }
    // Of the user, and of the keys that it made.
    revocations::invalidate_all_after_commit(ctx, tx);
    let action = if active { "user.activated" } else { "user.deactivated" };
    save_in(ctx, tx, before, User { is_active: active, ..before.clone() }, action).await
}

/// Notes a login; the record's version stays.
pub(crate) async fn touch_login_in(ctx: &Ctx, tx: &mut Tx, user: User) -> Result<User> {
    let now = ctx.now();
    store::touch_login(tx, user.id, now).await?;
    Ok(User { last_login: Some(now), ..user })
}

/// The company of self-registered customers (`default_company`), if one is set. 500 if it does not exist.
pub async fn default_company_in(ctx: &Ctx, tx: &mut Tx) -> Result<Option<Uuid>> {
    let Some(reference) = &ctx.app().config.default_company else { return Ok(None) };
    match store::find_company(tx, reference).await? {
        Some(company) => Ok(Some(company)),
        None => {
            Err(Error::internal(format!("default_company names {reference}, and there is no such company")))
        }
    }
}

/// The company behind a UUID, `COMP-…` or key; 422 if there is none.
pub(crate) async fn company_in(tx: &mut Tx, reference: &str) -> Result<Uuid> {
    let company = store::find_company(tx, reference).await?;
    company.ok_or_else(|| {
        Error::invalid_field("company_id", "unknown_company", format!("there is no company {reference}"))
    })
}

/// The number in E.164 where it is valid; 422 for any other with `phone.strict`. National numbers are read in the
/// country of the address, then in the deployment's.
pub(super) fn e164(ctx: &Ctx, phone: &Phone, region: Option<&str>) -> Result<Option<String>> {
    let config = &ctx.app().config;
    let facts = phone.facts(region.or(config.default_country.as_deref()));
    match config.phone_strict && facts.e164.is_none() {
        true => Err(Error::invalid_field(
            "phone",
            "invalid_phone",
            "this number is not valid in any country we know",
        )),
        false => Ok(facts.e164),
    }
}

pub(super) fn user_event(action: &'static str, user: &User) -> Event {
    Event::new(action, "user", user.id, user.unique_id()).of_company(user.company)
}

/// Applies a change to a loaded user and records it; the user as it is now. `region` is where national phone
/// numbers are read.
pub async fn update_in(
    ctx: &Ctx,
    tx: &mut Tx,
    before: &User,
    change: UserChange,
    region: Option<&str>,
) -> Result<User> {
    let mut user = before.clone();
    let text = |v: Field<String>, to: &mut Option<String>| v.apply(to);
    if let Field::Value(email) = &change.email
        && Some(email.key()) != before.email.key()
    {
        user.email_verified = false;
        user.email_proven_at = None;
    }
    if !change.email.is_absent() {
        user.email = change.email.value().as_ref().into();
    }
    text(change.pending_email.map(|e| e.as_str().to_owned()), &mut user.pending_email);
    if !change.phone.is_absent() {
        user.phone = match change.phone.value() {
            Some(phone) => UserPhone::new(&phone, e164(ctx, &phone, region)?),
            None => UserPhone::default(),
        };
        user.phone_verified &= user.phone.as_str() == before.phone.as_str();
    }
    if let Some(name) = change.first_name {
        name.as_str().clone_into(&mut user.first_name);
    }
    if let Some(name) = change.last_name {
        name.as_str().clone_into(&mut user.last_name);
    }
    text(change.address.map(|v| v.as_str().to_owned()), &mut user.address);
    text(change.document_type.map(|v| v.as_str().to_owned()), &mut user.document_type);
    text(change.number_document_identity.map(|v| v.as_str().to_owned()), &mut user.number_document_identity);
    text(change.locale.map(|v| v.as_str().to_owned()), &mut user.locale);
    user.email_verified = change.email_verified.unwrap_or(user.email_verified) && user.email.is_some();
    user.phone_verified = change.phone_verified.unwrap_or(user.phone_verified) && user.phone.is_some();
    save_in(ctx, tx, before, user, "user.updated").await
}

/// Writes a changed user and its event; nothing if nothing differs.
pub(crate) async fn save_in(
    ctx: &Ctx,
    tx: &mut Tx,
    before: &User,
    mut user: User,
    action: &'static str,
) -> Result<User> {
    let event = user_event(action, &user).changed(before.snapshot(), user.snapshot());
    if event.is_empty() && before.email_proven_at == user.email_proven_at {
        return Ok(user);
    }
    user.updated_at = ctx.now();
    store::update(tx, before, &user).await.map_err(taken)?;
    user.version += 1;
    if let Some(hook) = profile_hook() {
        (hook.changed)(tx, before, &user).await?;
    }
    ctx.record(tx, event).await?;
    Ok(user)
}

/// Gives a user another picture, or none. Whoever calls it removes the one before, and records what happened.
pub async fn set_avatar_in(ctx: &Ctx, tx: &mut Tx, user: User, avatar: Option<&AvatarName>) -> Result<User> {
    let avatar = avatar.map(ToString::to_string);
    let after = User { avatar, updated_at: ctx.now(), ..user.clone() };
    store::update(tx, &user, &after).await?;
    Ok(User { version: user.version + 1, ..after })
}

/// Has anybody this picture?
pub async fn has_avatar_in(tx: &mut Tx, avatar: &AvatarName) -> Result<bool> {
    store::has_avatar(tx, &avatar.to_string()).await
}

/// The address was proved by its owner; with `pending`, the one that waited becomes the user's, with this key.
pub(crate) async fn prove_email_in(
    ctx: &Ctx,
    tx: &mut Tx,
    before: &User,
    pending: Option<String>,
    now: Timestamp,
) -> Result<User> {
    let mut user = before.clone();
    if let Some(key) = pending {
        let proven = user.pending_email.take();
        user.email = proven.map_or_else(UserEmail::default, |typed| UserEmail::stored(typed, key));
    }
    user.email_verified = true;
    user.email_proven_at = Some(now);
    save_in(ctx, tx, before, user, "user.email_verified").await
}

/// Those of these users to whose address a mail could have gone: who was erased has none.
pub(crate) async fn with_address_in(tx: &mut Tx, ids: Ids) -> Result<Vec<Uuid>> {
    store::with_address(tx, ids).await
}

/// Overwrites everything personal and ends every session: part of erasing a customer.
pub async fn erase_in(ctx: &Ctx, tx: &mut Tx, user: &User) -> Result<()> {
    store::retire_username(tx, &sha256(user.username.as_bytes())).await?;
    followers::erased_in(ctx, tx, user).await?;
    event::erase_subject(tx, user.id).await?;
    store::erase(tx, user, ctx.now()).await?;
    revocations::invalidate_after_commit(ctx, tx, user.id);
    ctx.record(tx, Event::new("user.erased", "user", user.id, user.unique_id())).await
}
