//! Sending the mail with the link, and deleting mails that were written to files.

use std::collections::HashSet;

use database::Ids;
use kernel::{Error, Result};
use platform::ctx::Ctx;
use platform::jobs::{JobKind, Progress, Queue};
use platform::mail::Message;
use serde_json::Value;
use uuid::Uuid;

use super::store::Link;
use super::{pages, service};
use crate::users::service as users;

/// `claim.send_mail`: payload `{nonce, user}`; the link's row says the rest, and erasing finds it by its user.
pub const SEND: JobKind = JobKind::new("claim.send_mail", |ctx, payload| Box::pin(send(ctx, payload)));

/// `claim.tell_old_address`: payload `{id, user, to}`; tells an address that another is to replace it.
pub const TELL_OLD: JobKind =
    JobKind::new("claim.tell_old_address", |ctx, payload| Box::pin(tell_old(ctx, payload)));

/// `mail.forget`: payload `{outbox_of}`; deletes the mails of a user who was erased.
pub const DELETE_MAIL_FILE: JobKind = JobKind {
    queue: Queue::Maintenance,
    ..JobKind::new("mail.delete_mail_file", |ctx, payload| Box::pin(delete_mail_file(ctx, payload)))
};

/// `claim.tell_known_address`: payload `{id, user, to}`; tells the owner of an address that another account asked for it.
pub const TELL_KNOWN: JobKind =
    JobKind::new("claim.tell_known_address", |ctx, payload| Box::pin(tell_known(ctx, payload)));

/// Users that are looked up at once.
const USERS_AT_ONCE: usize = 500;

async fn delete_mail_file(ctx: &Ctx, payload: Value) -> Result<Progress> {
    let user = payload["outbox_of"].as_str().and_then(|text| Uuid::try_parse(text).ok());
    let user = user.ok_or_else(|| Error::internal("a mail.delete_mail_file job without its user"))?;
    let outbox = ctx.app().mail.outbox();
    let mut files = outbox.list().await?;
    files.retain(|file| file.user == Some(user));
    outbox.delete(files).await?;
    Ok(Progress::Done)
}

/// Housekeeping: deletes mails that are old, that are of somebody who has no address any more (a mail can be written while
/// its user is being erased, and a process can die before it deletes it), and what was never written to its end.
pub(crate) async fn sweep(ctx: &Ctx) -> Result<Progress> {
    let (outbox, now) = (ctx.app().mail.outbox(), ctx.now());
    let kept = ctx.app().config.mail.outbox_kept;
    let (mut over, young): (Vec<_>, Vec<_>) =
        outbox.list().await?.into_iter().partition(|file| file.at.is_some_and(|at| now.since(at) >= kept));
    for files in young.chunks(USERS_AT_ONCE) {
        let ids: Ids = files.iter().filter_map(|file| file.user).collect();
        let mut tx = ctx.read().await?;
        let known: HashSet<Uuid> = users::with_address_in(&mut tx, ids).await?.into_iter().collect();
        over.extend(
            files.iter().filter(|file| file.user.is_some_and(|user| !known.contains(&user))).cloned(),
        );
    }
    outbox.delete(over).await?;
    outbox.delete_unfinished(now).await?;
    Ok(Progress::Done)
}

async fn tell_old(ctx: &Ctx, payload: Value) -> Result<Progress> {
    let text = "The e-mail address of your account is being changed. If it was not you, change your password now, \
                and tell us.";
    notify(ctx, &payload, "Your e-mail address is being changed", text).await
}

async fn tell_known(ctx: &Ctx, payload: Value) -> Result<Progress> {
    let text = "Somebody asked to use this address for another account. It belongs to your account already, so nothing was \
                changed. If it was you, log in with this address instead; if not, there is nothing to do.";
    notify(ctx, &payload, "Your e-mail address was asked for", text).await
}

async fn notify(ctx: &Ctx, payload: &Value, subject: &str, text: &str) -> Result<Progress> {
    let id = payload["id"].as_str().and_then(|text| Uuid::try_parse(text).ok());
    let (Some(id), Some(to)) = (id, payload["to"].as_str()) else { return Ok(Progress::Done) };
    let user = payload["user"].as_str().and_then(|text| Uuid::try_parse(text).ok()).unwrap_or_default();
    let message = Message {
        user,
        to: to.to_owned(),
        subject: subject.to_owned(),
        text: format!("Hello,\n\n{text}\n"),
        html: format!("<p>Hello,</p><p>{text}</p>"),
    };
    deliver(ctx, &message, id).await
}

async fn deliver(ctx: &Ctx, message: &Message, id: Uuid) -> Result<Progress> {
    match ctx.app().mail.deliver(message, id).await {
        // An address that no server takes will not be taken tomorrow either.
        Err(e) if matches!(e.code(), "MAIL_REFUSED" | "MAIL_ADDRESS_UNUSABLE") => {
            tracing::warn!(mail = %id, error = ?e, "a mail cannot be sent to its address");
            Ok(Progress::Done)
        }
        done => done.map(|()| Progress::Done),
    }
}

async fn send(ctx: &Ctx, payload: Value) -> Result<Progress> {
    let nonce = payload["nonce"].as_str().and_then(|text| Uuid::try_parse(text).ok());
    let nonce = nonce.ok_or_else(|| Error::internal("a claim.send_mail job without its nonce"))?;
    let secret = service::secret(ctx, nonce);
    // Used, expired, erased, or about an address that its user has left: there is nobody to write to.
    let Some(link) = service::find_living(ctx, &secret).await? else { return Ok(Progress::Done) };
    let page = pages::path(link.purpose.as_str());
    let url = format!("{}{page}#token={secret}", ctx.app().config.public_url());
    // To the address that the link proves, never to one that the user has by now.
    deliver(ctx, &write(&link, &url), nonce).await
}

/// Greets nobody by name: whoever typed the address in chose the name as well, and could speak to a stranger by it.
fn write(about: &Link, link: &str) -> Message {
    let (subject, why) = match about.purpose.as_str() {
        service::CLAIM => {
            ("Your account", "We have an account for you. Open this page and choose a password to use it:")
        }
        service::CHANGE => (
            "Confirm your new e-mail address",
            "This address is to replace the one that you log in with. Open this page to confirm it:",
        ),
        _ => (
            "Confirm your e-mail address",
            "Please confirm that this address is yours. Open this page and press the button:",
        ),
    };
    let after =
        "The link works once, for 24 hours. If you did not ask for it, ignore this mail: nothing happens.";
    let text = format!("Hello,\n\n{why}\n\n{link}\n\n{after}\n");
    let html = format!("<p>Hello,</p><p>{why}</p><p><a href=\"{link}\">{link}</a></p><p>{after}</p>");
    Message { user: about.user_id, to: about.email.clone(), subject: subject.to_owned(), text, html }
}
