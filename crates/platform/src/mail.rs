//! Outgoing mail: composes a message with a text and an HTML part, and hands it to a server or writes it
//! to a file. Queueing and repeating is the business of jobs; this is one attempt.
//!
//! Logs and errors name a masked address only, never the contents or the server's own words, which often
//! repeat the address.

use std::path::Path;
use std::time::Duration;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::config::MailConfig;
use kernel::clock::{Clock, Timestamp};
use kernel::error::{Error, Kind, Result};

mod outbox;

pub use outbox::{MailFile, Outbox};

/// A mail to one person.
#[derive(Clone)]
pub struct Message {
    /// Whose it is: erasing the user deletes what was written to files.
    pub user: Uuid,
    /// The address, without a name.
    pub to: String,
    /// One line.
    pub subject: String,
    /// For readers of plain text.
    pub text: String,
    /// The same for readers of HTML.
    pub html: String,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The parts hold links that log somebody in.
        write!(f, "Message(to {})", mask_address(&self.to))
    }
}

/// Delivers mail. Cloning shares the connections.
#[derive(Clone)]
pub struct Mailer {
    from: Mailbox,
    clock: Clock,
    outbox: Outbox,
    /// `None`: to the outbox.
    server: Option<AsyncSmtpTransport<Tokio1Executor>>,
}

/// For one attempt to speak to a mail server.
const SMTP_TIMEOUT: Duration = Duration::from_secs(30);

impl Mailer {
    /// As the configuration says: through the server at `smtp_url`, or as files to `DATA_DIR/outbox`.
    pub fn new(config: &MailConfig, data_dir: &Path, clock: Clock) -> Result<Mailer> {
        let server = config.smtp_url.as_ref().map(|url| smtp(url, &config.from)).transpose()?;
        let outbox = Outbox::new(data_dir.join("outbox"));
        Ok(Mailer { from: config.from.clone(), clock, outbox, server })
    }

    /// Where mails are written that no server takes, or once were.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Delivers the message once. `id` becomes its Message-ID and, for files, its name: the same id again
    /// writes no second file, and mail servers and programs recognise the repetition.
    ///
    /// Errors: 422 for an address that cannot be used, `MAIL_REFUSED` if the server will never take it,
    /// `MAIL_UNAVAILABLE` (503) if it may later.
    pub async fn deliver(&self, message: &Message, id: Uuid) -> Result<()> {
        let composed = compose(&self.from, message, id, self.clock.now())?;
        let to = mask_address(&message.to);
        match &self.server {
            Some(server) => {
                Box::pin(server.send(composed)).await.map_err(|e| smtp_error(&e))?;
                tracing::info!(mail = %id, %to, "mail handed to the server");
            }
            None => {
                let path = self.outbox.write(id, message.user, composed.formatted()).await?;
                tracing::info!(mail = %id, %to, file = %path.display(), "mail written to a file");
            }
        }
        Ok(())
    }

    /// Can mail be delivered? For `doctor`: speaks to the server, or looks at the directory.
    pub async fn check(&self) -> Result<()> {
        match &self.server {
            Some(server) => match Box::pin(server.test_connection()).await {
                Ok(true) => Ok(()),
                Ok(false) => Err(unavailable("the mail server does not answer as one".to_owned())),
                Err(e) => Err(smtp_error(&e)),
            },
            None => {
                let dir = self.outbox.dir().to_owned();
                in_background(move || {
                    crate::storage::private_dir(&dir)?;
                    tempfile::tempfile_in(&dir).map(drop)
                })
                .await
            }
        }
    }
}

/// The transport for an SMTP URL. A password never travels unencrypted unless `tls=none` says so.
fn smtp(url: &SecretString, from: &Mailbox) -> Result<AsyncSmtpTransport<Tokio1Executor>> {
    // The library's message could quote the URL with its password.
    let wrong = || {
        let detail = "mail.smtp_url cannot be used: smtps://USER:PASSWORD@HOST, or smtp://… with tls=required, opportunistic or none";
        Error::new(Kind::Internal, "MAIL_CONFIGURATION", detail)
    };
    let mut parsed = reqwest::Url::parse(url.expose_secret()).map_err(|_| wrong())?;
    let tls = parsed.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
    match tls.as_deref() {
        None if parsed.scheme() == "smtp" && parsed.password().is_some() => {
            parsed.query_pairs_mut().append_pair("tls", "required");
        }
        Some("none") if parsed.scheme() == "smtp" => parsed.set_query(None),
        _ => {}
    }
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(parsed.as_str()).map_err(|_| wrong())?;
    // Some servers refuse who greets with an address; a path in the URL names another name.
    let builder = match parsed.path().len() {
        0 | 1 => builder.hello_name(ClientId::Domain(from.email.domain().to_owned())),
        _ => builder,
    };
    Ok(builder.timeout(Some(SMTP_TIMEOUT)).build())
}

fn compose(from: &Mailbox, message: &Message, id: Uuid, now: Timestamp) -> Result<lettre::Message> {
    let unusable = || {
        let detail = format!("mail cannot be sent to the address {}", mask_address(&message.to));
        Error::new(Kind::Invalid, "MAIL_ADDRESS_UNUSABLE", detail)
    };
    // A line break here would begin a header of somebody else's choice.
    if message.to.chars().any(char::is_control) {
        return Err(unusable());
    }
    let to = message.to.parse().map_err(|_| unusable())?;
    let subject: String = message.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // RFC 3834: automatic replies are not sent to automatic mail.
    let automatic =
        HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    lettre::Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(subject)
        .date(std::time::SystemTime::from(now.to_jiff()))
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .raw_header(automatic)
        .multipart(MultiPart::alternative_plain_html(message.text.clone(), message.html.clone()))
        .map_err(|e| Error::internal("a mail could not be composed").with_source(e))
}

/// The time in a UUIDv7, to the second.
fn time_of(id: Uuid) -> Option<Timestamp> {
    let (seconds, _) = id.get_timestamp()?.to_unix();
    Timestamp::from_micros(i64::try_from(seconds).ok()?.checked_mul(1_000_000)?)
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other).flatten();
    done.map_err(|e| {
        unavailable("the directory for outgoing mail cannot be written".to_owned()).with_source(e)
    })
}

/// Says whether to try again, and nothing that the server said but its code.
fn smtp_error(error: &lettre::transport::smtp::Error) -> Error {
    let code = error.status().map_or(String::new(), |code| format!(" with {code}"));
    if error.is_permanent() {
        let detail = format!("the mail server refused the mail for good{code}");
        return Error::new(Kind::Internal, "MAIL_REFUSED", detail);
    }
    let what = match () {
        () if error.is_tls() => "no encrypted connection to the mail server could be made",
        () if error.is_timeout() => "the mail server took too long",
        () if error.is_transient() => "the mail server cannot take the mail now and answered",
        () => "the mail server cannot be reached or does not answer as one",
    };
    unavailable(format!("{what}{code}"))
}

fn unavailable(detail: String) -> Error {
    Error::unavailable("MAIL_UNAVAILABLE", detail, Duration::from_secs(60))
}

/// An address as logs may show it: `j***@e***.com`.
pub fn mask_address(address: &str) -> String {
    let Some((local, domain)) = address.rsplit_once('@') else { return "***".to_owned() };
    let first = |text: &str| text.chars().find(|c| c.is_alphanumeric()).map_or(String::new(), String::from);
    // The top level only if it is short: a long one can be a company's name.
    let top = domain.rsplit_once('.').map(|(_, top)| top);
    let top = top.filter(|top| top.len() <= 4 && top.chars().all(char::is_alphanumeric));
    format!("{}***@{}***{}", first(local), first(domain), top.map_or(String::new(), |top| format!(".{top}")))
}

#[cfg(test)]
mod tests;
