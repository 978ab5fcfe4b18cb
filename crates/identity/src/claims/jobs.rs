//! Sending the mail with the link.

use kernel::ctx::Ctx;
use kernel::jobs::{JobKind, Progress};
use kernel::mail::Message;
use kernel::{Error, Result};
use serde_json::Value;
use uuid::Uuid;

use super::{pages, service};

/// `claim.send_mail`: payload `{nonce, user}`; the link's row says the rest, and erasing finds it by its user.
pub const SEND: JobKind = JobKind::new("claim.send_mail", |ctx, payload| Box::pin(send(ctx, payload)));

/// `claim.tell_old_address`: payload `{id, user, to}`; tells an address that another is to replace it.
pub const TELL_OLD: JobKind =
    JobKind::new("claim.tell_old_address", |ctx, payload| Box::pin(tell_old(ctx, payload)));

async fn tell_old(ctx: &Ctx, payload: Value) -> Result<Progress> {
    let id = payload["id"].as_str().and_then(|text| Uuid::try_parse(text).ok());
    let (Some(id), Some(to)) = (id, payload["to"].as_str()) else { return Ok(Progress::Done) };
    let text = "The e-mail address of your account is being changed. If it was not you, change your password now, \
                and tell us.";
    let message = Message {
        to: to.to_owned(),
        subject: "Your e-mail address is being changed".to_owned(),
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
    deliver(ctx, &write(&link.email, &url, &link.purpose), nonce).await
}

/// Greets nobody by name: whoever typed the address in chose the name as well, and could speak to a stranger by it.
fn write(to: &str, link: &str, purpose: &str) -> Message {
    let (subject, why) = match purpose {
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
    Message { to: to.to_owned(), subject: subject.to_owned(), text, html }
}
