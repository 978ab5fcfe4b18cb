use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use secrecy::SecretString;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use uuid::Uuid;

use super::{Mailer, Message, mask_address};
use crate::config::MailConfig;
use kernel::clock::{Clock, Timestamp};
use kernel::id::Random;

fn message() -> Message {
    Message {
        user: user(),
        to: "john.doe@example.com".into(),
        subject: "Contraseña\r\nBcc: eve@example.com".into(),
        text: "Hallo Jörg\n.\nhttps://crm.example.com/reset?token=abc".into(),
        html: "<p>Hallo Jörg</p>".into(),
    }
}

fn mailer(smtp_url: Option<&str>, dir: &Path) -> Mailer {
    let config = MailConfig {
        outbox_kept: Duration::from_secs(86_400),
        from: "Regulars <no-reply@crm.example>".parse().unwrap(),
        smtp_url: smtp_url.map(SecretString::from),
    };
    Mailer::new(&config, dir, Clock::fixed(now())).unwrap()
}

fn now() -> Timestamp {
    "2026-03-04T05:06:07Z".parse().unwrap()
}

fn user() -> Uuid {
    Uuid::from_u128(7)
}

fn id() -> Uuid {
    Random::seeded(1).uuid(now())
}

#[tokio::test]
async fn a_file_is_written_once_and_only_for_its_owner() {
    let dir = tempfile::tempdir().unwrap();
    let mailer = mailer(None, dir.path());
    mailer.check().await.unwrap();
    mailer.deliver(&message(), id()).await.unwrap();
    let path = dir.path().join("outbox").join(format!("20260304T050607Z-{}-{}.eml", id(), user()));
    let first = std::fs::read_to_string(&path).unwrap();
    mailer.clock.advance(Duration::from_secs(60));
    mailer.deliver(&message(), id()).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), first);
    mailer.deliver(&message(), Random::seeded(2).uuid(now())).await.unwrap();
    assert_eq!(std::fs::read_dir(dir.path().join("outbox")).unwrap().count(), 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_mail_has_two_parts_and_only_our_headers() {
    let dir = tempfile::tempdir().unwrap();
    mailer(None, dir.path()).deliver(&message(), id()).await.unwrap();
    let file = std::fs::read_dir(dir.path().join("outbox")).unwrap().next().unwrap().unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    let (headers, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(headers.contains("From: Regulars <no-reply@crm.example>\r\n"), "{headers}");
    assert!(headers.contains("To: john.doe@example.com\r\n"));
    assert!(headers.contains("Date: Wed, 04 Mar 2026 05:06:07 +0000"));
    assert!(headers.contains(&format!("Message-ID: <{}@crm.example>", id())));
    assert!(headers.contains("Auto-Submitted: auto-generated"));
    assert!(!headers.lines().any(|line| line.starts_with("Bcc")), "{headers}");
    assert!(body.contains("text/plain") && body.contains("text/html"));
}

#[tokio::test]
async fn an_address_that_carries_more_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mailer = mailer(None, dir.path());
    for to in ["", "nobody", "a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", "A <a@b.example>"]
    {
        let error = mailer.deliver(&Message { to: to.into(), ..message() }, id()).await.unwrap_err();
        assert_eq!(error.code(), "MAIL_ADDRESS_UNUSABLE", "{to}");
    }
    assert!(!dir.path().join("outbox").exists());
}

#[tokio::test]
async fn a_directory_in_the_way_is_told_as_a_failure_that_passes() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("outbox"), "").unwrap();
    let mailer = mailer(None, dir.path());
    assert_eq!(mailer.deliver(&message(), id()).await.unwrap_err().code(), "MAIL_UNAVAILABLE");
    assert_eq!(mailer.check().await.unwrap_err().code(), "MAIL_UNAVAILABLE");
}

/// A mail server for one connection. It answers RCPT with `verdict`; what it was told is the result.
async fn server(verdict: &'static str) -> (String, Arc<Mutex<String>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(String::new()));
    let told = heard.clone();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut in_data = false;
        stream.write_all(b"220 test\r\n").await.unwrap();
        let mut line = String::new();
        while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
            let reply = match line.trim_end() {
                "." if in_data => Some("250 taken"),
                _ if in_data => None,
                "DATA" => Some("354 go on"),
                "QUIT" => Some("221 bye"),
                rcpt if rcpt.starts_with("RCPT") => Some(verdict),
                _ => Some("250 fine"),
            };
            in_data = matches!(reply, Some("354 go on") | None);
            told.lock().push_str(&line);
            line.clear();
            if let Some(reply) = reply {
                stream.write_all(format!("{reply}\r\n").as_bytes()).await.unwrap();
            }
        }
    });
    (url, heard)
}

#[tokio::test]
async fn a_server_gets_the_mail() {
    let dir = tempfile::tempdir().unwrap();
    let (url, heard) = server("250 fine").await;
    mailer(Some(&url), dir.path()).deliver(&message(), id()).await.unwrap();
    let heard = heard.lock().clone();
    assert!(heard.contains("EHLO crm.example\r\n"), "{heard}");
    assert!(
        heard.contains("RCPT TO:<john.doe@example.com>")
            && heard.contains("MAIL FROM:<no-reply@crm.example>")
    );
    assert!(!heard.contains("RCPT TO:<eve@example.com>"));
}

#[tokio::test]
async fn what_a_server_refuses_is_told_without_its_words() {
    let dir = tempfile::tempdir().unwrap();
    for (verdict, code) in [
        ("550 no john.doe@example.com here", "MAIL_REFUSED"),
        ("451 john.doe@example.com: later", "MAIL_UNAVAILABLE"),
    ] {
        let (url, _) = server(verdict).await;
        let error = mailer(Some(&url), dir.path()).deliver(&message(), id()).await.unwrap_err();
        assert_eq!(error.code(), code);
        let shown = format!("{error:?}");
        assert!(!shown.contains("john") && shown.contains(&verdict[..3]), "{shown}");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("smtp://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = mailer(Some(&closed), dir.path()).deliver(&message(), id()).await.unwrap_err();
    assert_eq!(error.code(), "MAIL_UNAVAILABLE");
}

#[tokio::test]
async fn a_password_waits_for_encryption() {
    let dir = tempfile::tempdir().unwrap();
    let (url, heard) = server("250 fine").await;
    let with_password = url.replace("smtp://", "smtp://user:hunter2@");
    let error = mailer(Some(&with_password), dir.path()).deliver(&message(), id()).await.unwrap_err();
    assert_eq!(error.code(), "MAIL_UNAVAILABLE");
    assert!(!heard.lock().contains("AUTH"), "{}", heard.lock());
    let config = MailConfig {
        outbox_kept: Duration::from_secs(86_400),
        from: "a@b.example".parse().unwrap(),
        smtp_url: Some(SecretString::from("smtp://u:hunter2@h?tls=perhaps")),
    };
    let error = Mailer::new(&config, dir.path(), Clock::System).err().unwrap();
    assert!(!format!("{error:?}").contains("hunter2"));
    assert_eq!(error.code(), "MAIL_CONFIGURATION");
}

#[test]
fn masked_addresses_name_nobody() {
    assert_eq!(mask_address("john.doe@example.com"), "j***@e***.com");
    assert_eq!(mask_address("x@mail.example.co"), "x***@m***.co");
    assert_eq!(mask_address("x@y.smithfamily"), "x***@y***");
    assert_eq!(mask_address("not an address"), "***");
    assert_eq!(mask_address("\n@\n"), "***@***");
    assert!(!format!("{:?}", message()).contains("token"));
}
