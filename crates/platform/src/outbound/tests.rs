use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Call, FAILURES, HeaderValue, Method, Outbound, PAUSE, Reply, embedded_roots, is_public};
use crate::config::OutboundConfig;
use kernel::clock::{Clock, Timestamp};
use kernel::error::Result;

fn client(allow_private: bool) -> (Outbound, Clock) {
    let clock = Clock::fixed("2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap());
    let config = OutboundConfig { allow_private, timeout: Duration::from_secs(20) };
    (Outbound::new(config, clock.clone()), clock)
}

/// A server that answers every connection with the bytes that are in `answer` at that time.
struct Server {
    port: u16,
    answer: Arc<Mutex<String>>,
    connections: Arc<AtomicUsize>,
    heard: Arc<Mutex<String>>,
}

impl Server {
    async fn start(answer: &str) -> Server {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server {
            port: listener.local_addr().unwrap().port(),
            answer: Arc::new(Mutex::new(answer.to_owned())),
            connections: Arc::default(),
            heard: Arc::default(),
        };
        let (answer, connections, heard) =
            (server.answer.clone(), server.connections.clone(), server.heard.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).await.unwrap_or(0);
                heard.lock().push_str(&String::from_utf8_lossy(&buffer[..read]));
                let answer = answer.lock().clone();
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        server
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/secret-path?token=hunter2", self.port)
    }
}

async fn get(client: &Outbound, url: &str) -> Result<Reply> {
    client.send(Call::new(Method::GET, url)).await
}

const FINE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

#[tokio::test]
async fn a_call_says_who_we_are_and_brings_the_reply() {
    let server = Server::start(FINE).await;
    let (client, _) = client(true);
    let mut call = Call::new(Method::POST, server.url());
    call.body = Bytes::from_static(b"{}");
    call.headers.insert("webhook-id", HeaderValue::from_static("1"));
    let reply = client.send(call).await.unwrap();
    assert_eq!((reply.status, &reply.body[..]), (200, &b"hello"[..]));
    assert_eq!(reply.headers["content-length"], "5");
    let heard = server.heard.lock().to_lowercase();
    assert!(heard.starts_with("post /secret-path?token=hunter2 http/1.1"), "{heard}");
    assert!(heard.contains(concat!("user-agent: regulars/", env!("CARGO_PKG_VERSION"))), "{heard}");
    assert!(heard.contains("webhook-id: 1"));
}

#[tokio::test]
async fn private_addresses_are_refused_however_they_are_written() {
    let server = Server::start(FINE).await;
    let (client, _) = client(false);
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::]",
        "0",
    ] {
        let url = format!("http://{host}:{}/", server.port);
        for error in [get(&client, &url).await.err().unwrap(), client.check(&url).await.unwrap_err()] {
            assert_eq!((error.code(), error.kind().status()), ("OUTBOUND_ADDRESS_REFUSED", 422), "{host}");
        }
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
    let (allowed, _) = self::client(true);
    let localhost = format!("http://localhost:{}/", server.port);
    assert_eq!(get(&allowed, &localhost).await.unwrap().status, 200);
    allowed.check(&localhost).await.unwrap();
}

#[test]
fn special_networks_are_not_public() {
    let public = |text: &str| is_public(text.parse().unwrap());
    for text in [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "::10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "100::1",
        "fc00::1",
        "fd12::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001::1",
        "2001:db8::1",
        "2002:a00:1::1",
        "3fff::1",
        "5f00::1",
    ] {
        assert!(!public(text), "{text}");
    }
    for text in [
        "1.1.1.1",
        "100.128.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "223.255.255.255",
        "2606:4700::1111",
        "::ffff:1.1.1.1",
        "64:ff9b::1.1.1.1",
    ] {
        assert!(public(text), "{text}");
    }
}

#[tokio::test]
async fn what_is_no_plain_web_address_is_refused() {
    let (client, _) = client(true);
    for url in [
        "",
        "example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "http://",
        "https://user:pw@example.com",
        "https://user@example.com",
    ] {
        assert_eq!(get(&client, url).await.err().unwrap().code(), "OUTBOUND_URL_UNUSABLE", "{url}");
    }
}

#[tokio::test]
async fn redirects_are_answers() {
    let target = Server::start(FINE).await;
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        target.url()
    );
    let server = Server::start(&redirect).await;
    let (client, _) = client(true);
    let reply = get(&client, &server.url()).await.unwrap();
    assert_eq!((reply.status, reply.headers["location"].to_str().unwrap()), (302, target.url().as_str()));
    assert_eq!(target.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_reply_is_cut_off_at_its_limit_also_without_a_length() {
    let body = "x".repeat(1000);
    let server = Server::start(&format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}")).await;
    let (client, _) = client(true);
    let mut call = Call::new(Method::GET, server.url());
    call.reply_limit = 1000;
    assert_eq!(client.send(call).await.unwrap().body.len(), 1000);
    let mut call = Call::new(Method::GET, server.url());
    call.reply_limit = 999;
    assert_eq!(client.send(call).await.err().unwrap().code(), "OUTBOUND_REPLY_TOO_LARGE");
}

#[tokio::test]
async fn errors_name_the_host_and_nothing_else() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}/secret-path?token=hunter2");
    // Nobody accepts, so no answer ever comes: the time limit is what ends the call.
    let config = OutboundConfig { allow_private: true, timeout: Duration::from_millis(50) };
    let impatient = Outbound::new(config, Clock::System);
    let timeout = get(&impatient, &url).await.err().unwrap();
    assert_eq!(timeout.code(), "OUTBOUND_TIMEOUT");
    drop(listener);
    let (client, _) = client(true);
    let closed = get(&client, &url).await.err().unwrap();
    assert_eq!(closed.code(), "OUTBOUND_UNREACHABLE");
    for error in [timeout, closed] {
        let shown = format!("{error:?}");
        assert!(shown.contains(&address.to_string()) && !shown.contains("secret-path"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[tokio::test]
async fn a_host_that_keeps_failing_is_left_alone_and_tried_again() {
    const BROKEN: &str = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let server = Server::start(BROKEN).await;
    let connections = || server.connections.load(Ordering::SeqCst);
    let (client, clock) = client(true);
    for n in 0..FAILURES {
        assert_eq!(get(&client, &server.url()).await.unwrap().status, 500, "{n}");
    }
    let paused = get(&client, &server.url()).await.err().unwrap();
    assert_eq!((paused.code(), paused.wait()), ("OUTBOUND_PAUSED", Some(PAUSE)));
    assert_eq!(connections(), 5);
    // After the pause one call tries; it fails, so the pause begins again.
    clock.advance(PAUSE);
    assert_eq!(get(&client, &server.url()).await.unwrap().status, 500);
    assert_eq!(get(&client, &server.url()).await.err().unwrap().code(), "OUTBOUND_PAUSED");
    clock.advance(PAUSE);
    *server.answer.lock() = FINE.to_owned();
    for _ in 0..2 {
        assert_eq!(get(&client, &server.url()).await.unwrap().status, 200);
    }
    assert_eq!(connections(), 8);
    // Failures must follow one another, and 4xx is no failure of the host.
    for _ in 0..3 {
        for answer in [BROKEN, BROKEN, BROKEN, BROKEN, &BROKEN.replace("500", "404")] {
            *server.answer.lock() = answer.to_owned();
            assert!(get(&client, &server.url()).await.is_ok());
        }
    }
    // Other hosts are not concerned.
    let other = Server::start(FINE).await;
    assert_eq!(get(&client, &other.url()).await.unwrap().status, 200);
}

#[test]
fn while_one_call_tries_again_the_others_wait() {
    let (client, clock) = client(true);
    for _ in 0..FAILURES {
        client.breakers.failed("a.example");
    }
    clock.advance(PAUSE);
    assert!(client.breakers.admit("a.example").is_ok());
    assert!(client.breakers.admit("a.example").is_err());
    client.breakers.succeeded("a.example");
    assert!(client.breakers.admit("a.example").is_ok());
}

#[test]
fn without_certificates_of_the_system_the_embedded_ones_serve() {
    let (client, _) = client(true);
    assert!(client.builder().tls_backend_preconfigured(embedded_roots()).build().is_ok());
}
