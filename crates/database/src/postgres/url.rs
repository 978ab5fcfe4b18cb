//! A PostgreSQL URL, read as libpq reads it where the driver knows less: all values of `sslmode`, and `sslrootcert`.
//! No message repeats what was written: it may be a password in the wrong place.

use std::borrow::Cow;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// When a connection is encrypted, and whether the server has to prove who it is. The values are libpq's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SslMode {
    /// Never.
    Disable,
    /// Where the server refuses plain connections.
    Allow,
    /// Where the server offers it.
    Prefer,
    /// Always. The certificate is checked only if a root certificate is named.
    Require,
    /// Always, with a certificate that a root certificate stands for.
    VerifyCa,
    /// The same, and the certificate is that of the host.
    VerifyFull,
}

impl FromStr for SslMode {
    type Err = String;
    fn from_str(text: &str) -> Result<SslMode, String> {
        Ok(match text {
            "disable" => SslMode::Disable,
            "allow" => SslMode::Allow,
            "prefer" => SslMode::Prefer,
            "require" | "true" | "True" | "1" => SslMode::Require,
            "verify-ca" => SslMode::VerifyCa,
            "verify-full" => SslMode::VerifyFull,
            _ => {
                return Err(
                    "`sslmode` must be disable, allow, prefer, require, verify-ca or verify-full".into()
                );
            }
        })
    }
}

/// What a URL says.
#[derive(Debug, Clone)]
pub(crate) struct PostgresUrl {
    /// Everything but TLS.
    pub config: Config,
    /// Encryption.
    pub ssl_mode: SslMode,
    /// A file with root certificates, or `system`.
    pub root: Option<String>,
}

/// Options of libpq that change nothing here.
const WITHOUT_EFFECT: [&str; 6] =
    ["fallback_application_name", "gssencmode", "krbsrvname", "sslcompression", "sslsni", "client_encoding"];
/// Options of libpq that would change something, and that the driver does not have.
const UNSUPPORTED: [&str; 10] = [
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcrl",
    "sslcrldir",
    "passfile",
    "service",
    "requirepeer",
    "ssl_min_protocol_version",
    "require_auth",
];

impl PostgresUrl {
    /// Reads `postgres://…`; the error is the end of a sentence.
    pub fn parse(text: &str) -> Result<PostgresUrl, String> {
        let (place, query) = text.split_once('?').map_or((text, ""), |(place, query)| (place, query));
        if !is_encoded(place, query) {
            return Err(unreadable());
        }
        let (mut ssl_mode, mut root, mut kept) = (SslMode::Prefer, None, Vec::new());
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            match name {
                "sslmode" | "ssl" => ssl_mode = value.parse()?,
                "sslrootcert" => root = Some(decoded(value)?).filter(|path| !path.is_empty()),
                "target_session_attrs" if value == "primary" => {
                    kept.push("target_session_attrs=read-write");
                }
                name if WITHOUT_EFFECT.contains(&name) => {}
                name if UNSUPPORTED.contains(&name) => {
                    return Err(format!("libpq's option `{name}` is not supported"));
                }
                name if format!("postgresql:///?{option}").parse::<Config>().is_err() => {
                    return Err(not_understood(name));
                }
                _ => kept.push(option),
            }
        }
        if root.as_deref() == Some("system") && ssl_mode != SslMode::VerifyFull {
            // As libpq: anybody can have a certificate that these roots stand for.
            ssl_mode = match query.contains("sslmode=") {
                true => return Err("`sslrootcert=system` needs sslmode=verify-full".into()),
                false => SslMode::VerifyFull,
            };
        }
        let mut config: Config = format!("{place}?{}", kept.join("&")).parse().map_err(|_| unreadable())?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("localhost");
        }
        Ok(PostgresUrl { config, ssl_mode, root })
    }

    /// Where the server is, for messages.
    pub fn address(&self) -> String {
        let (hosts, ports) = (self.config.get_hosts(), self.config.get_ports());
        let named = hosts.iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let names: Vec<String> = match hosts.is_empty() {
            false => named.collect(),
            true => self.config.get_hostaddrs().iter().map(ToString::to_string).collect(),
        };
        let at = |(i, name): (usize, &String)| {
            let port = ports.get(i).or(ports.first()).copied().unwrap_or(5432);
            if name.contains(':') { format!("[{name}]:{port}") } else { format!("{name}:{port}") }
        };
        names.iter().enumerate().map(at).collect::<Vec<_>>().join(", ")
    }

    /// Does every connection stay on this machine?
    pub fn is_local(&self) -> bool {
        let loopback = |host: &Host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => {
                name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
        };
        match self.config.get_hostaddrs() {
            [] => self.config.get_hosts().iter().all(loopback),
            addresses => addresses.iter().all(std::net::IpAddr::is_loopback),
        }
    }
}

/// A password with `@` or `?` in it ends up in the host or among the options.
fn is_encoded(place: &str, query: &str) -> bool {
    let authority = place.split_once("://").map_or(place, |(_, rest)| rest);
    match authority.matches('@').count() {
        0 => !query.contains('@'),
        1 => true,
        _ => false,
    }
}

fn unreadable() -> String {
    "is not a PostgreSQL URL that can be used: postgres://USER:PASSWORD@HOST:PORT/NAME, with @ : / ? # and % in user \
     and password percent-encoded (@ is %40)"
        .to_owned()
}

fn not_understood(name: &str) -> String {
    let plain =
        !name.is_empty() && name.len() <= 40 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    match plain {
        true => format!(
            "the option `{name}` after `?` is not understood, or its value is not: libpq's options are, and the size \
             of the pool and the like are settings"
        ),
        false => format!("an option after `?` is not understood; {}", unreadable()),
    }
}

fn decoded(value: &str) -> Result<String, String> {
    let text = percent_decode_str(value).decode_utf8();
    text.map(Cow::into_owned).map_err(|_| "`sslrootcert` is not percent-encoded text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_of_libpq_are_read() {
        let url = PostgresUrl::parse(
            "postgresql://u:p%40@db.example/n?sslmode=verify-full&sslrootcert=%2Fca%20x.pem",
        );
        let url = url.unwrap();
        assert_eq!((url.ssl_mode, url.root.as_deref()), (SslMode::VerifyFull, Some("/ca x.pem")));
        assert_eq!(url.config.get_password(), Some(&b"p@"[..]));
        assert_eq!((url.address().as_str(), url.is_local()), ("db.example:5432", false));
        let url =
            PostgresUrl::parse("postgres://h1:1,[::1]:2/n?target_session_attrs=primary&gssencmode=prefer")
                .unwrap();
        assert_eq!((url.ssl_mode, url.address().as_str()), (SslMode::Prefer, "h1:1, [::1]:2"));
        let url = PostgresUrl::parse("postgres:///n?host=%2Frun%2Fpostgresql&sslrootcert=system").unwrap();
        assert_eq!((url.ssl_mode, url.is_local()), (SslMode::VerifyFull, true));
        assert_eq!(PostgresUrl::parse("postgres:///n").unwrap().address(), "localhost:5432");
        assert!(PostgresUrl::parse("postgres://127.0.0.2/n?connect_timeout=3").unwrap().is_local());
    }

    #[test]
    fn what_is_not_understood_is_named_and_no_password_is() {
        let error = |text: &str| PostgresUrl::parse(text).unwrap_err();
        assert!(error("postgres://h/d?pool_size=3").contains("`pool_size`"));
        assert!(error("postgres://h/d?connect_timeout=soon").contains("`connect_timeout`"));
        assert!(error("postgres://h/d?sslcert=a.pem").contains("`sslcert` is not supported"));
        assert!(error("postgres://h/d?sslmode=full").contains("verify-full"));
        assert!(error("postgres://h/d?sslmode=require&sslrootcert=system").contains("verify-full"));
        for text in [
            "postgres://u:hun@ter2@h/d",
            "postgres://u:hun?ter2=2@h/d",
            "postgres://u:hun@ter2:x@h/d",
            "postgres://u:hunter2@h:port/d",
        ] {
            let error = error(text);
            assert!(error.contains("percent-encoded") && !error.contains("ter2"), "{text}: {error}");
        }
    }
}
