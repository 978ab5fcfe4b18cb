//! One keep-alive connection to the server, on hyper itself: what a client library adds would be measured too.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;

/// A request to send.
pub struct Call {
    pub method: Method,
    pub path: String,
    /// The bearer token, if the route wants one.
    pub token: Option<String>,
    pub body: Option<serde_json::Value>,
}

impl Call {
    /// A GET, with a token where the route wants one.
    pub fn get(path: impl Into<String>, token: Option<&str>) -> Call {
        Call { method: Method::GET, path: path.into(), token: token.map(str::to_owned), body: None }
    }

    /// A request with a JSON body.
    pub fn send(
        method: Method,
        path: impl Into<String>,
        token: Option<&str>,
        body: serde_json::Value,
    ) -> Call {
        Call { method, path: path.into(), token: token.map(str::to_owned), body: Some(body) }
    }
}

/// What came back.
pub struct Reply {
    pub status: u16,
    pub body: Bytes,
}

impl Reply {
    /// The body as JSON, or what the server said instead.
    pub fn json(&self) -> Result<serde_json::Value> {
        anyhow::ensure!((200..300).contains(&self.status), "{}", self.describe());
        serde_json::from_slice(&self.body).with_context(|| self.describe())
    }

    /// Status and the start of the body, for a message.
    pub fn describe(&self) -> String {
        let body: String = String::from_utf8_lossy(&self.body).chars().take(600).collect();
        format!("status {}: {body}", self.status)
    }
}

/// An open connection.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    /// Connects; the connection ends when this is dropped.
    pub async fn open(address: SocketAddr) -> Result<Connection> {
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        // Its error also reaches the request that waits for a reply.
        tokio::spawn(async move { drop(driver.await) });
        Ok(Connection { sender, host: address.to_string() })
    }

    /// Sends a file.
    pub async fn upload(
        &mut self,
        method: Method,
        path: &str,
        token: &str,
        media_type: &str,
        file: Bytes,
    ) -> Result<Reply> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, media_type);
        self.sender.ready().await?;
        let reply = self.sender.send_request(request.body(Full::new(file))?).await?;
        let status = reply.status().as_u16();
        Ok(Reply { status, body: reply.into_body().collect().await?.to_bytes() })
    }

    /// Reads a reply of any length, piece by piece.
    pub async fn download(&mut self, path: &str, token: &str, mut take: impl FnMut(&[u8])) -> Result<()> {
        let request = Request::get(path)
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.sender.ready().await?;
        let mut reply = self.sender.send_request(request.body(Full::new(Bytes::new()))?).await?;
        anyhow::ensure!(reply.status().is_success(), "status {}", reply.status());
        while let Some(frame) = reply.frame().await {
            if let Some(piece) = frame?.data_ref() {
                take(piece);
            }
        }
        Ok(())
    }

    /// Sends one request and reads the whole reply.
    pub async fn call(&mut self, call: Call) -> Result<Reply> {
        let mut request =
            Request::builder().method(call.method).uri(call.path).header(header::HOST, &self.host);
        if let Some(token) = call.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match &call.body {
            Some(json) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Bytes::from(serde_json::to_vec(json)?)
            }
            None => Bytes::new(),
        };
        self.sender.ready().await?;
        let reply = self.sender.send_request(request.body(Full::new(body))?).await?;
        let status = reply.status().as_u16();
        let body = reply.into_body().collect().await?.to_bytes();
        Ok(Reply { status, body })
    }
}
