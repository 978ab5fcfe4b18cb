//! Sending the mail with the link.

use kernel::ctx::Ctx;
use kernel::jobs::JobKind;
use kernel::mail::Message;
use kernel::{Error, Result};
use serde_json::Value;
use uuid::Uuid;

use super::service;

/// `claim.send_mail`: payload `{nonce, user, purpose}`.
pub const SEND: JobKind =
    JobKind { name: "claim.send_mail", most_attempts: 10, run: |ctx, payload| Box::pin(send(ctx, payload)) };

/// `claim.tell_old_address`: payload `{id, user, to}`; tells an address that another is to replace it.
pub const TELL_OLD: JobKind = JobKind {
    name: "claim.tell_old_address",
    most_attempts: 10,
    run: |ctx, payload| Box::pin(tell_old(ctx, payload)),
};

async fn tell_old(ctx: &Ctx, payload: Value) -> Result<()> {
    let id = payload["id"].as_str().and_then(|text| Uuid::try_parse(text).ok());
    let (Some(id), Some(to)) = (id, payload["to"].as_str()) else { return Ok(()) };
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

async fn deliver(ctx: &Ctx, message: &Message, id: Uuid) -> Result<()> {
    match ctx.app().mail.deliver(message, id).await {
        // An address that no server takes will not be taken tomorrow either.
        Err(e) if matches!(e.code(), "MAIL_REFUSED" | "MAIL_ADDRESS_UNUSABLE") => {
            tracing::warn!(mail = %id, error = ?e, "a mail cannot be sent to its address");
            Ok(())
        }
        done => done,
    }
}

async fn send(ctx: &Ctx, payload: Value) -> Result<()> {
    let id = |name: &str| payload[name].as_str().and_then(|text| Uuid::try_parse(text).ok());
    let (Some(nonce), Some(user)) = (id("nonce"), id("user")) else {
        return Err(Error::internal("a claim.send_mail job without its ids"));
    };
    // Erased meanwhile, or without an address: there is nobody to write to.
    let Some(user) = service::recipient(ctx, user).await? else { return Ok(()) };
    let purpose = payload["purpose"].as_str().unwrap_or_default();
    let to = if purpose == service::CHANGE { user.pending_email.clone() } else { user.email.clone() };
    let Some(to) = to else { return Ok(()) };
    let link =
        format!("{}/account/verify#token={}", ctx.app().config.public_url(), service::secret(ctx, nonce));
    deliver(ctx, &write(&user.full_name(), &to, &link, purpose == "claim"), nonce).await
}

fn write(name: &str, to: &str, link: &str, claim: bool) -> Message {
    let (subject, why) = match claim {
        true => {
            ("Your account", "We have an account for you. Open this link and choose a password to use it:")
        }
        false => {
            ("Confirm your e-mail address", "Please confirm that this address is yours by opening this link:")
        }
    };
    let after = "The link works once, for 24 hours. If you did not ask for it, ignore this mail.";
    let text = format!("Hello {name},\n\n{why}\n\n{link}\n\n{after}\n");
    let html = format!(
        "<p>Hello {},</p><p>{why}</p><p><a href=\"{link}\">{link}</a></p><p>{after}</p>",
        escape(name)
    );
    Message { to: to.to_owned(), subject: subject.to_owned(), text, html }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_write_html() {
        let m = write("<b>Eve</b>", "eve@example.com", "https://x.example/account/verify#token=t", true);
        assert!(m.html.contains("&lt;b&gt;Eve") && !m.html.contains("<b>"));
    }
}
