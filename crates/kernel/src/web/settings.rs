//! What the web layer needs to know from the configuration.

use std::time::Duration;

/// Limits and switches of the web layer; the defaults suit a server on the open internet.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// Longest time from the head of a request to the head of its reply; then 503 and
    /// what was not committed is undone.
    /// A body that is streamed afterwards is not counted.
    pub request_timeout: Duration,
    /// The same for requests whose body is a file.
    pub upload_timeout: Duration,
    /// Longest time that a JSON body may take to arrive, or the next piece of a file; then 408.
    pub body_timeout: Duration,
    /// Largest JSON body in bytes; uploads have their own limit.
    pub body_limit: usize,
    /// Replies smaller than this many bytes are not compressed.
    pub compress_from: u64,
    /// Origins (`https://shop.example`) whose pages may call the API; `*` for all. None by default.
    pub cors_origins: Vec<String>,
}

impl Default for WebSettings {
    fn default() -> WebSettings {
        WebSettings {
            request_timeout: Duration::from_secs(30),
            upload_timeout: Duration::from_secs(3600),
            body_timeout: Duration::from_secs(15),
            body_limit: 1024 * 1024,
            compress_from: 1024,
            cors_origins: Vec::new(),
        }
    }
}
