//! Proving an e-mail address by a link. Whoever first proves it wins: credentials and sessions that were set up while
//! it was unproven, by whoever typed it, are revoked (SPEC 8).
//!
//! The link's secret is an HMAC of its row's facts under the master key, so the job that sends the mail can make it
//! again and no payload holds it.

use std::time::Duration;

use kernel::clock::Timestamp;
use kernel::{Error, FieldError, Result, TextValue};
use platform::Tx;
use platform::access::Scope;
use platform::crypto::sha256;
use platform::ctx::Ctx;
use platform::jobs::{self, JobKind, NewJob, Progress};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::jobs::{DELETE_MAIL_FILE, SEND, TELL_KNOWN, TELL_OLD};
use super::store::{self, Link, Sent};
use crate::credentials::hasher::Hasher;
use crate::credentials::model::{Password, PasswordHash, PasswordRules, PersonalWords};
use crate::credentials::service as credentials;
use crate::sessions::unproven;
use crate::users::model::{Email, UserRef};
use crate::users::service::{self as users, User};

const VALID_FOR: Duration = Duration::from_secs(24 * 3600);
/// Mails to one address, whoever asks.
const MOST_PER_HOUR: i64 = 3;
/// The purpose of a link to a new address of an account whose old one was proven.
pub(crate) const CHANGE: &str = "change";
/// The purpose of a link to an account that staff typed in.
pub(crate) const CLAIM: &str = "claim";
/// The purpose of a notice to the address that is to be replaced; it has no link.
const TOLD: &str = "told";
/// The purpose of a notice to an address that another account asked for; it has no link either.
const KNOWN: &str = "known";

/// Sends the owner of a new, unproven address a link to prove it.
pub(crate) async fn request_verification_in(ctx: &Ctx, tx: &mut Tx, user: &User) -> Result<()> {
    request_in(ctx, tx, user, "verify").await
}

/// Sends the owner of an address that staff typed in a link to claim the account.
pub(crate) async fn request_claim_in(ctx: &Ctx, tx: &mut Tx, user: &User) -> Result<()> {
    request_in(ctx, tx, user, CLAIM).await
}

/// Sends a link to the address that waits in `pending_email`, and tells the old address (SPEC 8), once an hour. If somebody
/// else has the new address, it is its owner who is told, and there is no link: the one who asked sees no difference.
pub async fn email_change_in(ctx: &Ctx, tx: &mut Tx, user: &User) -> Result<()> {
    let Some(new) = user.pending_email.as_deref().and_then(|email| Email::parse(email).ok()) else {
        return Ok(());
    };
    match users::find_by_email_in(tx, &new).await? {
        Some(owner) if owner.id != user.id => tell_owner_in(ctx, tx, &owner).await?,
        _ => request_in(ctx, tx, user, CHANGE).await?,
    }
    tell_old_in(ctx, tx, user).await
}

async fn tell_old_in(ctx: &Ctx, tx: &mut Tx, user: &User) -> Result<()> {
    let Some(old) = user.email.as_str() else { return Ok(()) };
    // An address that nobody has proved may be a stranger's.
    let own = ctx.caller()?.user_id == Some(user.id);
    if own && user.email_proven_at.is_none() {
        return Ok(());
    }
    let key = user.email.key().unwrap_or(old);
    store::lock_address(tx, key).await?;
    // Counted apart from the links: nobody can use up the warning by asking for other mails.
    if store::count_of_user(tx, user.id, TOLD, an_hour_ago(ctx)).await? >= 1 {
        return Ok(());
    }
    notify_in(ctx, tx, user.id, TOLD, (old, key), &TELL_OLD).await
}

/// Tells somebody that their address was asked for by another account; counted with all mails to the address.
async fn tell_owner_in(ctx: &Ctx, tx: &mut Tx, owner: &User) -> Result<()> {
    let Some(email) = owner.email.as_str() else { return Ok(()) };
    let key = owner.email.key().unwrap_or(email);
    store::lock_address(tx, key).await?;
    if store::count_to_address(tx, key, an_hour_ago(ctx)).await? >= MOST_PER_HOUR {
        return Ok(());
    }
    notify_in(ctx, tx, owner.id, KNOWN, (email, key), &TELL_KNOWN).await
}

/// Sends a mail without a link, and notes it.
async fn notify_in(
    ctx: &Ctx,
    tx: &mut Tx,
    user: Uuid,
    purpose: &'static str,
    (email, email_key): (&str, &str),
    job: &JobKind,
) -> Result<()> {
    let (id, now) = (ctx.new_id(), ctx.now());
    let sent = Sent {
        hash: sha256(id.as_bytes()).to_vec(),
        user_id: user,
        purpose: purpose.to_owned(),
        email: email.to_owned(),
        email_key: email_key.to_owned(),
        created_at: now,
        expires_at: now,
        used_at: Some(now),
    };
    store::insert(tx, &sent).await?;
    let payload = json!({ "id": id, "user": user, "to": email });
    jobs::enqueue(ctx, tx, NewJob::new(job.name, payload)).await.map(drop)
}

async fn request_in(ctx: &Ctx, tx: &mut Tx, user: &User, purpose: &'static str) -> Result<()> {
    let address = if purpose == CHANGE { user.pending_email.as_deref() } else { user.email.as_str() };
    let Some(email) = address else { return Ok(()) };
    let key = match user.email.key() {
        Some(key) if purpose != CHANGE => key.to_owned(),
        _ => email_key(email)?,
    };
    store::lock_address(tx, &key).await?;
    if store::count_to_address(tx, &key, an_hour_ago(ctx)).await? >= MOST_PER_HOUR {
        return Ok(());
    }
    let (nonce, now) = (ctx.new_id(), ctx.now());
    let sent = Sent {
        hash: sha256(secret(ctx, nonce).as_bytes()).to_vec(),
        user_id: user.id,
        purpose: purpose.to_owned(),
        email: email.to_owned(),
        email_key: key,
        created_at: now,
        expires_at: now.plus(VALID_FOR),
        used_at: None,
    };
    store::insert(tx, &sent).await?;
    let payload = json!({ "nonce": nonce, "user": user.id });
    jobs::enqueue(ctx, tx, NewJob::new(SEND.name, payload)).await.map(drop)
}

fn an_hour_ago(ctx: &Ctx) -> Timestamp {
    ctx.now().minus(Duration::from_secs(3600))
}

fn email_key(email: &str) -> Result<String> {
    let parsed = Email::parse(email);
    parsed.map(|e| e.key().to_owned()).map_err(|_| Error::internal("an address that waits and is none"))
}

/// The secret of a link: 256 bits that nobody can make without the master key.
pub(crate) fn secret(ctx: &Ctx, nonce: Uuid) -> String {
    data_encoding::BASE64URL_NOPAD.encode(&ctx.app().keys.hmac("mail-link", nonce.as_bytes()))
}

/// The link of a secret, as long as it can still prove something.
pub(crate) async fn find_living(ctx: &Ctx, secret: &str) -> Result<Option<Link>> {
    let mut tx = ctx.read().await?;
    let Some(link) = store::find(&mut tx, &sha256(secret.as_bytes()), ctx.now()).await? else {
        return Ok(None);
    };
    let user = find_user_in(&mut tx, &link).await?;
    Ok(user.is_some_and(|user| is_about(&link, &user)).then_some(link))
}

async fn find_user_in(tx: &mut Tx, link: &Link) -> Result<Option<User>> {
    let scope = Scope::system("the link names its user");
    users::find_in(tx, &scope, UserRef::Id(link.user_id)).await
}

/// Is the link's address still the one that its user has, or waits for?
fn is_about(link: &Link, user: &User) -> bool {
    let address = if link.purpose == CHANGE { user.pending_email.as_deref() } else { user.email.as_str() };
    user.is_active && address == Some(link.email.as_str())
}

/// Consumes a link: the address is proven. Who is logged in as its user keeps everything. Anybody else says a
/// password: the account's own keeps everything as well, any other becomes the account's unless `keep_password` refuses
/// that, and what was set up before, by somebody who had not proved the address, is revoked. 400 `LINK_INVALID`, 401
/// for another password than the account's where only that will do, 422 without a usable password.
pub async fn verify(
    ctx: &Ctx,
    presented: &SecretString,
    password: Option<&SecretString>,
    keep_password: bool,
) -> Result<User> {
    let hash = sha256(presented.expose_secret().as_bytes());
    let (link, user, stored) = peek(ctx, &hash).await?;
    let is_owner = ctx.caller().is_ok_and(|c| c.user_id == Some(user.id));
    let replacement = match is_owner {
        true => None,
        false => {
            // Having the new mailbox is no right to the account: a typing error must not give it away.
            let own_only = keep_password || link.purpose == CHANGE;
            replacement(ctx, &user, stored.as_ref(), password, own_only).await?
        }
    };
    let mut tx = ctx.write().await?;
    let (user, now_stored) = consume_in(ctx, &mut tx, &hash, &link).await?;
    // Between `peek` and here hashes were computed; a comparison with a password that is gone says nothing.
    if !is_owner && now_stored != stored {
        return Err(refused());
    }
    if let Some(new) = replacement {
        unproven::revoke_in(ctx, &mut tx, &user, "address_proven_by_another").await?;
        credentials::set_in(ctx, &mut tx, user.id, &new).await?;
    }
    let pending = (link.purpose == CHANGE).then_some(link.email_key);
    let user = users::prove_email_in(ctx, &mut tx, &user, pending, ctx.now()).await?;
    tx.commit().await?;
    Ok(user)
}

/// A living link, the user whom it is about, and the password that it has.
async fn peek(ctx: &Ctx, hash: &[u8]) -> Result<(Link, User, Option<PasswordHash>)> {
    let mut tx = ctx.read().await?;
    let link = store::find(&mut tx, hash, ctx.now()).await?.ok_or_else(refused)?;
    let user = find_user_in(&mut tx, &link).await?.ok_or_else(refused)?;
    if !is_about(&link, &user) {
        return Err(refused());
    }
    let stored = credentials::find_in(&mut tx, user.id).await?;
    Ok((link, user, stored))
}

/// Uses the link up, and every other of its user; the user and its password as they are now, under lock. The locks are
/// taken in one order everywhere: links, password, sessions, user.
async fn consume_in(
    ctx: &Ctx,
    tx: &mut Tx,
    hash: &[u8],
    peeked: &Link,
) -> Result<(User, Option<PasswordHash>)> {
    store::lock(tx, peeked.user_id).await?;
    let link = store::consume(tx, hash, ctx.now()).await?.ok_or_else(refused)?;
    store::consume_others(tx, link.user_id, ctx.now()).await?;
    let stored = credentials::lock_in(tx, link.user_id).await?;
    let user = find_user_in(tx, &link).await?.ok_or_else(refused)?;
    if !is_about(&link, &user) {
        return Err(refused());
    }
    Ok((user, stored))
}

/// The hash of a new password, or `None` if the one that was sent is the account's already. 401 if it has to be.
async fn replacement(
    ctx: &Ctx,
    user: &User,
    stored: Option<&PasswordHash>,
    sent: Option<&SecretString>,
    own_only: bool,
) -> Result<Option<PasswordHash>> {
    let hasher = ctx.app().state::<Hasher>();
    let sent = sent.map(ExposeSecret::expose_secret).ok_or_else(|| {
        Error::invalid_field("password", "required", "send the account's password, or a new one for it")
    })?;
    if let (Some(stored), Some(password)) = (stored, Password::presented(sent))
        && hasher.verify(&password, stored).await?
    {
        return Ok(None);
    }
    if own_only {
        return Err(Error::unauthorized(
            "INVALID_CREDENTIALS",
            "Send the account's password, or log in first",
        ));
    }
    let own = PersonalWords::new(
        &user.first_name,
        &user.last_name,
        user.email.as_str().unwrap_or_default(),
        &user.username,
    );
    let rules = PasswordRules::with_min_chars(ctx.app().config.password_min_length);
    let error = |error: kernel::ValueError| {
        Error::invalid(vec![FieldError::new("password", error.code, error.message)])
    };
    let password = rules.check(sent, &own).map_err(error)?;
    hasher.hash(&password).await.map(Some)
}

fn refused() -> Error {
    Error::bad_request("LINK_INVALID", "This link was used before or has expired; ask for another")
}

/// Deletes the links of a user, the mails that wait, and those that were written to files: part of erasing it.
pub(crate) async fn delete_of_user_in(ctx: &Ctx, tx: &mut Tx, user: Uuid) -> Result<()> {
    store::delete_of_user(tx, user).await?;
    jobs::erase_user(tx, user).await?;
    // One that is being written in this moment is found by `sweep`.
    if !ctx.app().mail.outbox().exists() {
        return Ok(());
    }
    jobs::enqueue(ctx, tx, NewJob::new(DELETE_MAIL_FILE.name, json!({ "outbox_of": user }))).await.map(drop)
}

/// Housekeeping: deletes links a week after their end, in steps that hold up nobody.
pub(crate) async fn purge(ctx: &Ctx) -> Result<Progress> {
    let before = ctx.now().minus(Duration::from_secs(7 * 24 * 3600));
    loop {
        let mut tx = ctx.write().await?;
        let deleted = store::purge(&mut tx, before).await?;
        tx.commit().await?;
        if deleted < store::STEP {
            return Ok(Progress::Done);
        }
        if ctx.should_yield() {
            return Ok(Progress::More);
        }
    }
}
