//! The one client for calls to other hosts: webhooks, login providers, the SMS hook. Whoever can enter an
//! address must not reach what only this machine can reach, so the **resolved** address is checked when
//! connecting (a name that points elsewhere a moment later is checked again), no redirect is followed, and
//! time and size are limited. A host that keeps failing is left alone for a while.
//!
//! Errors and logs name the host, never path, query or body.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ipnet::IpNet;
use parking_lot::Mutex;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
pub use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
pub use reqwest::{Method, Url};

use crate::config::OutboundConfig;
use kernel::clock::{Clock, Timestamp};
use kernel::error::{Error, Kind, Result};
use kernel::web::network;

/// A call to another host.
pub struct Call {
    /// GET, POST, …
    pub method: Method,
    /// http or https, without login.
    pub url: String,
    /// Further headers.
    pub headers: HeaderMap,
    /// Empty for none.
    pub body: Bytes,
    /// Largest accepted body of the reply in bytes.
    pub reply_limit: usize,
}

impl Call {
    /// A call without body that accepts 64 KiB in reply.
    pub fn new(method: Method, url: impl Into<String>) -> Call {
        Call { method, url: url.into(), headers: HeaderMap::new(), body: Bytes::new(), reply_limit: 64 << 10 }
    }
}

/// What the other host answered, whatever the status: also a redirect, which is not followed.
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, complete.
    pub body: Bytes,
}

/// The client. Cloning shares connections and what is known of failing hosts.
#[derive(Clone)]
pub struct Outbound {
    config: OutboundConfig,
    // Made at the first call: most processes make none, and it reads the system's certificates.
    client: Arc<OnceLock<reqwest::Client>>,
    breakers: Arc<Breakers>,
}

impl Outbound {
    /// A client with these settings.
    pub fn new(config: OutboundConfig, clock: Clock) -> Outbound {
        Outbound { config, client: Arc::default(), breakers: Arc::new(Breakers::new(clock)) }
    }

    /// Makes the call. Any status is a reply; errors are 422 `OUTBOUND_URL_UNUSABLE`,
    /// `OUTBOUND_ADDRESS_REFUSED`, and 503 `OUTBOUND_PAUSED`, `OUTBOUND_TIMEOUT`,
    /// `OUTBOUND_UNREACHABLE`, `OUTBOUND_REPLY_TOO_LARGE`.
    pub async fn send(&self, call: Call) -> Result<Reply> {
        let url = self.parse(&call.url)?;
        let host = host_of(&url);
        self.breakers.admit(&host)?;
        let result = Box::pin(self.exchange(url, &host, call)).await;
        match &result {
            Ok(reply) if reply.status < 500 => self.breakers.succeeded(&host),
            Err(error) if error.kind() == Kind::Invalid => {}
            _ => self.breakers.failed(&host),
        }
        result
    }

    /// Could this address be called as things are now? For the moment when somebody enters it; the check
    /// when connecting stays.
    pub async fn check(&self, url: &str) -> Result<()> {
        let url = self.parse(url)?;
        let host = host_of(&url);
        let name = url.host_str().unwrap_or_default().to_owned();
        if literal(&name).is_some() {
            return Ok(());
        }
        resolve(name, self.config.allow_private)
            .await
            .map(drop)
            .map_err(|error| if error.is::<AddressRefused>() { refused(&host) } else { unreachable(&host) })
    }

    /// Checks all that can be checked without asking anybody. Numbers in disguise (`http://2130706433`,
    /// `0x7f.1`) are addresses after parsing.
    fn parse(&self, text: &str) -> Result<Url> {
        let unusable = |why: &'static str| Error::new(Kind::Invalid, "OUTBOUND_URL_UNUSABLE", why);
        let url = Url::parse(text).map_err(|_| unusable("this is not a URL that can be called"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(unusable("only http and https URLs can be called"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(unusable("the URL must not carry a login: URLs are shown in lists and logs"));
        }
        let ip = literal(url.host_str().unwrap_or_default());
        if ip.is_some_and(|ip| !self.config.allow_private && !is_public(ip)) {
            return Err(refused(&host_of(&url)));
        }
        Ok(url)
    }

    async fn exchange(&self, url: Url, host: &str, call: Call) -> Result<Reply> {
        let request = self.client()?.request(call.method, url).headers(call.headers).body(call.body);
        let mut reply = request.send().await.map_err(|e| transport_error(host, e))?;
        let mut body = BytesMut::new();
        while let Some(piece) = reply.chunk().await.map_err(|e| transport_error(host, e))? {
            if body.len() + piece.len() > call.reply_limit {
                let detail = format!("{host} answered with more than {} bytes", call.reply_limit);
                return Err(Error::new(Kind::Unavailable, "OUTBOUND_REPLY_TOO_LARGE", detail));
            }
            body.extend_from_slice(&piece);
        }
        let headers = std::mem::take(reply.headers_mut());
        Ok(Reply { status: reply.status().as_u16(), headers, body: body.freeze() })
    }

    fn client(&self) -> Result<&reqwest::Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        // The system's certificates, because companies add their own there; the embedded ones where the
        // system has none, as in a small container.
        let client = self
            .builder()
            .build()
            .or_else(|_| self.builder().tls_backend_preconfigured(embedded_roots()).build());
        let client = client
            .map_err(|e| Error::internal("the client for other hosts cannot be made").with_source(e))?;
        Ok(self.client.get_or_init(|| client))
    }

    fn builder(&self) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .user_agent(concat!("regulars/", env!("CARGO_PKG_VERSION")))
            .timeout(self.config.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            // A proxy would resolve names itself, behind the check.
            .no_proxy()
            .referer(false)
            .dns_resolver(AddressFilter { allow_private: self.config.allow_private })
    }
}

fn embedded_roots() -> rustls::ClientConfig {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Host and port, as errors name them and breakers count them.
fn host_of(url: &Url) -> String {
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    format!("{}{port}", url.host_str().unwrap_or_default())
}

fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn refused(host: &str) -> Error {
    let detail = format!(
        "{host} is an address of a private or special network; `outbound.allow_private` allows such calls"
    );
    Error::new(Kind::Invalid, "OUTBOUND_ADDRESS_REFUSED", detail)
}

fn unreachable(host: &str) -> Error {
    Error::new(Kind::Unavailable, "OUTBOUND_UNREACHABLE", format!("{host} cannot be reached"))
}

fn transport_error(host: &str, error: reqwest::Error) -> Error {
    // The library's message begins with the URL, whose path and query may hold a secret.
    let error = error.without_url();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(here) = cause {
        if here.is::<AddressRefused>() {
            return refused(host);
        }
        cause = here.source();
    }
    if error.is_timeout() {
        return Error::new(Kind::Unavailable, "OUTBOUND_TIMEOUT", format!("{host} did not answer in time"));
    }
    unreachable(host).with_source(error)
}

/// Resolves names and lets only allowed addresses pass. Literal addresses never come here; they are checked
/// before.
struct AddressFilter {
    allow_private: bool,
}

impl Resolve for AddressFilter {
    fn resolve(&self, name: Name) -> Resolving {
        let (name, allow_private) = (name.as_str().to_owned(), self.allow_private);
        Box::pin(async move {
            let allowed = resolve(name, allow_private).await?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

async fn resolve(name: String, allow_private: bool) -> Result<Vec<SocketAddr>, BoxError> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0)).await?.collect();
    let some = !found.is_empty();
    let allowed: Vec<SocketAddr> =
        found.into_iter().filter(|address| allow_private || is_public(address.ip())).collect();
    if some && allowed.is_empty() { Err(Box::new(AddressRefused)) } else { Ok(allowed) }
}

#[derive(Debug)]
struct AddressRefused;

impl fmt::Display for AddressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name has only addresses of private or special networks")
    }
}
impl std::error::Error for AddressRefused {}

/// The special-purpose registries of IANA (RFC 6890 and its successors), as far as they are not global.
static SPECIAL: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    let networks = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        // Teredo and others, documentation, 6to4: the last one reaches IPv4 addresses by another way.
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "2002::/16",
    ];
    networks.iter().map(|text| network::parse(text).expect("the table holds networks")).collect()
});

/// May anybody be sent to this address? IPv6 passes only inside the global range `2000::/3`, or as the
/// mapped or NAT64 form of an IPv4 address that passes.
pub fn is_public(ip: IpAddr) -> bool {
    let ip = match ip {
        IpAddr::V6(v6) => match v6.segments() {
            [0x64, 0xff9b, 0, 0, 0, 0, _, _] => IpAddr::V4(Ipv4Addr::from_bits(v6.to_bits() as u32)),
            _ => ip.to_canonical(),
        },
        IpAddr::V4(_) => ip,
    };
    let global = |v6: Ipv6Addr| v6.segments()[0] & 0xe000 == 0x2000;
    let in_range = match ip {
        IpAddr::V4(_) => true,
        IpAddr::V6(v6) => global(v6),
    };
    in_range && !network::is_in(&SPECIAL, ip)
}

/// Which hosts fail. After [`FAILURES`] failures in a row a host is left alone for [`PAUSE`]; then one call
/// tries again. Only hosts that failed last are remembered.
struct Breakers {
    clock: Clock,
    hosts: Mutex<HashMap<String, Breaker>>,
}

#[derive(Default)]
struct Breaker {
    failures: u32,
    paused_until: Option<Timestamp>,
}

const FAILURES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(30);
/// Past this many failing hosts those that are not paused are forgotten.
const REMEMBERED: usize = 10_000;

impl Breakers {
    fn new(clock: Clock) -> Breakers {
        Breakers { clock, hosts: Mutex::default() }
    }

    fn admit(&self, host: &str) -> Result<()> {
        let now = self.clock.now();
        let mut hosts = self.hosts.lock();
        let Some(breaker) = hosts.get_mut(host) else { return Ok(()) };
        match breaker.paused_until {
            Some(until) if until > now => {
                let detail = format!(
                    "{host} has failed {} times in a row and is left alone for a while",
                    breaker.failures
                );
                Err(Error::unavailable("OUTBOUND_PAUSED", detail, until.since(now)))
            }
            Some(_) => {
                // This call tries; the others keep waiting until it is known how it went.
                breaker.paused_until = Some(now.plus(PAUSE));
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn succeeded(&self, host: &str) {
        self.hosts.lock().remove(host);
    }

    fn failed(&self, host: &str) {
        let now = self.clock.now();
        let mut hosts = self.hosts.lock();
        if hosts.len() >= REMEMBERED {
            hosts.retain(|_, breaker| breaker.paused_until.is_some_and(|until| until > now));
        }
        let breaker = hosts.entry(host.to_owned()).or_default();
        breaker.failures = breaker.failures.saturating_add(1);
        if breaker.failures >= FAILURES {
            breaker.paused_until = Some(now.plus(PAUSE));
        }
        if breaker.failures == FAILURES {
            tracing::warn!(%host, "a host that fails repeatedly is left alone for a while");
        }
    }
}

#[cfg(test)]
mod tests;
