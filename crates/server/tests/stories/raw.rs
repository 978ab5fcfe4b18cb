//! Bytes on a socket, for what no client library sends.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A reply as it came.
#[derive(Debug)]
pub struct Raw {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Raw {
    /// The `error_code` of a problem; empty if it is none.
    pub fn code(&self) -> String {
        let problem: Value = serde_json::from_str(&self.body).unwrap_or(Value::Null);
        problem["error_code"].as_str().unwrap_or_default().to_owned()
    }

    /// Reads one reply after which the server closes.
    pub async fn read(mut stream: TcpStream) -> Raw {
        let mut bytes = Vec::new();
        // The server may close before it has read everything that was sent; what it answered comes first.
        let _ = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Raw { status, head: head.to_owned(), body: body.to_owned() }
    }
}

/// The head of a request after which the connection closes; `headers` end with CRLF each.
pub fn head(method: &str, path: &str, headers: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: story\r\nConnection: close\r\n{headers}\r\n")
}

/// A request with a body of a given type.
pub fn with_body(method: &str, path: &str, token: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let authorization = match token {
        "" => String::new(),
        token => format!("Authorization: Bearer {token}\r\n"),
    };
    let kind = match kind {
        "" => String::new(),
        kind => format!("Content-Type: {kind}\r\n"),
    };
    let headers = format!("{authorization}{kind}Content-Length: {}\r\n", body.len());
    [head(method, path, &headers).as_bytes(), body].concat()
}

/// Sends bytes and reads the reply.
pub async fn send(address: SocketAddr, bytes: &[u8]) -> Raw {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that has answered already may refuse the rest.
    let _ = stream.write_all(bytes).await;
    Raw::read(stream).await
}
