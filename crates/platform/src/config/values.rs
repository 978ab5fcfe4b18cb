//! The types of the settings: each reads its text or says in a sentence why it cannot.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// A name or an address, without brackets.
    pub host: String,
    /// 0 takes a free port.
    pub port: u16,
}

impl FromStr for Listen {
    type Err = String;
    fn from_str(text: &str) -> Result<Listen, String> {
        let wrong = || {
            let port = text.strip_prefix(':').unwrap_or(text);
            match port.parse::<u16>() {
                Ok(port) => format!(
                    "`{text}` is not HOST:PORT; did you mean 127.0.0.1:{port}, which only this machine reaches, or 0.0.0.0:{port}?"
                ),
                Err(_) => format!("`{text}` is not HOST:PORT, such as 127.0.0.1:8000 or [::1]:8000"),
            }
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let valid = match bracketed {
            Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c)),
        };
        if !valid {
            return Err(wrong());
        }
        Ok(Listen { host: bracketed.unwrap_or(host).to_owned(), port })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Reads a host name or address; empty is none.
pub fn host(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match format!("{text}:1").parse::<Listen>() {
        Ok(_) => Ok(Some(text.to_owned())),
        Err(_) => Err(format!("`{text}` is not a host name or address")),
    }
}

/// A part of the product that a process can serve without the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Accounts, sessions, tokens: `/api/auth/`.
    Auth,
    /// Customers and what belongs to them.
    Customers,
    /// Companies, users, document types.
    Companies,
    /// Vehicles and their service.
    Garage,
    /// The web console.
    Console,
    /// Background work.
    Jobs,
}

impl FromStr for Service {
    type Err = String;
    fn from_str(text: &str) -> Result<Service, String> {
        Ok(match text {
            "auth" => Service::Auth,
            "customers" => Service::Customers,
            "companies" => Service::Companies,
            "garage" => Service::Garage,
            "console" => Service::Console,
            "jobs" => Service::Jobs,
            other => {
                return Err(format!(
                    "`{other}` is not one of auth, customers, companies, garage, console, jobs"
                ));
            }
        })
    }
}

/// Which database.
#[derive(Debug, Clone)]
pub enum Database {
    /// The embedded one, in this file.
    Sqlite(PathBuf),
    /// A PostgreSQL server; the URL holds a password and is meant for `tokio_postgres`.
    Postgres(SecretString),
}

impl Database {
    /// Reads a database URL; empty text means `regulars.db` in the data directory.
    pub fn parse(text: &str, data_dir: &Path) -> Result<Database, String> {
        if text.is_empty() {
            return Ok(Database::Sqlite(data_dir.join("regulars.db")));
        }
        let (scheme, rest) =
            text.split_once("://").ok_or("is not sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME")?;
        let (engine, driver) = scheme.split_once('+').map_or((scheme, None), |(e, d)| (e, Some(d)));
        match engine {
            "sqlite" | "sqlite3" => {
                // SQLAlchemy, whose URLs name a driver, writes one more slash before the path.
                let path = driver.map_or(rest, |_| rest.strip_prefix('/').unwrap_or(rest));
                if path.is_empty() || path.contains(['?', '\0']) || path.starts_with(":memory:") {
                    return Err("must name a file without options: sqlite://data/regulars.db".into());
                }
                Ok(Database::Sqlite(PathBuf::from(path)))
            }
            "postgres" | "postgresql" => {
                let url =
                    format!("postgresql://{}", if driver.is_some() { ssl_mode(rest) } else { rest.into() });
                database::check_url(&url)?;
                Ok(Database::Postgres(SecretString::from(url)))
            }
            other => Err(format!("`{}` is neither sqlite nor postgres", other.escape_debug())),
        }
    }

    /// The URL without its password.
    pub fn masked(&self) -> String {
        match self {
            Database::Sqlite(path) => format!("sqlite://{}", path.display()),
            Database::Postgres(url) => mask_url(url.expose_secret()),
        }
    }
}

/// May a process make a database where there is none? No setting: the command says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Create {
    /// No: a command works on what is there.
    #[default]
    Never,
    /// Yes, unless something says that there was one.
    IfNew,
    /// Yes, whatever is there.
    Always,
}

/// Asyncpg's `ssl=require` as libpq's `sslmode=require`.
fn ssl_mode(rest: &str) -> String {
    let Some((path, query)) = rest.split_once('?') else { return rest.to_owned() };
    let options = query.split('&').map(|option| match option {
        "ssl=true" | "ssl=True" => "sslmode=require".to_owned(),
        other => other.strip_prefix("ssl=").map_or(other.to_owned(), |mode| format!("sslmode={mode}")),
    });
    format!("{path}?{}", options.collect::<Vec<_>>().join("&"))
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people on a terminal, JSON elsewhere.
    Auto,
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

impl FromStr for LogFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<LogFormat, String> {
        match text.to_ascii_lowercase().as_str() {
            "auto" => Ok(LogFormat::Auto),
            "json" => Ok(LogFormat::Json),
            "text" => Ok(LogFormat::Text),
            _ => Err(format!("`{text}` is not auto, json or text")),
        }
    }
}

/// `true`, `1`, `yes`, `on` and their opposites, in any case.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(format!("`{text}` is not true or false")),
    }
}

/// A whole number within `range`.
pub fn number(text: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64, String> {
    let value = text.parse().ok().filter(|n| range.contains(n));
    value.ok_or_else(|| format!("`{text}` is not a number from {} to {}", range.start(), range.end()))
}

/// The first day of the week.
pub fn week_start(text: &str) -> Result<jiff::civil::Weekday, String> {
    match text.to_ascii_lowercase().as_str() {
        "monday" => Ok(jiff::civil::Weekday::Monday),
        "sunday" => Ok(jiff::civil::Weekday::Sunday),
        "saturday" => Ok(jiff::civil::Weekday::Saturday),
        _ => Err(format!("`{text}` is not monday, sunday or saturday")),
    }
}

/// An IANA time zone.
pub fn time_zone(text: &str) -> Result<jiff::tz::TimeZone, String> {
    jiff::tz::TimeZone::get(text)
        .map_err(|_| format!("`{text}` is not a known time zone such as UTC or America/Bogota"))
}

/// Two letters, or nothing.
pub fn country(text: &str) -> Result<Option<String>, String> {
    match text {
        "" => Ok(None),
        code if code.len() == 2 && code.bytes().all(|b| b.is_ascii_alphabetic()) => {
            Ok(Some(code.to_ascii_uppercase()))
        }
        _ => Err(format!("`{text}` is not a country code of two letters, such as CO")),
    }
}

/// The public address: http or https, no query; the slash at its end is dropped.
pub fn public_url(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || format!("`{}` is not an address such as https://crm.example.com", mask_url(text));
    let url = Url::parse(text).map_err(|_| wrong())?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !plain {
        return Err(wrong());
    }
    Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
}

/// An origin (RFC 6454) or `*`.
pub fn origin(text: &str) -> Result<String, String> {
    if text == "*" {
        return Ok(text.to_owned());
    }
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.map(|url| url.origin().ascii_serialization())
        .filter(|origin| origin.eq_ignore_ascii_case(text.trim_end_matches('/')))
        .ok_or_else(|| {
            format!("`{}` is not an origin such as https://app.example.com, without a path", mask_url(text))
        })
}

/// The sender of mail.
pub fn sender(text: &str) -> Result<lettre::message::Mailbox, String> {
    text.parse().map_err(|_| format!("`{text}` is not an address or `Name <address>`"))
}

/// Where mail is handed over; nothing means files.
pub fn smtp_url(text: &str) -> Result<Option<SecretString>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let usable = Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "smtp" | "smtps") && url.host_str().is_some_and(|h| !h.is_empty())
    });
    // The text is not repeated: it may hold a password in a place where no mask looks for it.
    if usable {
        Ok(Some(SecretString::from(text)))
    } else {
        Err("is not smtp://HOST:PORT or smtps://HOST:PORT".into())
    }
}

/// `text` with the password of a URL replaced, wherever URLs carry one.
pub fn mask_url(text: &str) -> String {
    const MASK: &str = "********";
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    // The last @, and before the query is cut off: a password that was not percent-encoded may hold both
    // signs. It rather hides too much than too little.
    let (login, rest) = match rest.rsplit_once('@') {
        Some((login, host)) => match login.split_once(':') {
            Some((user, _)) => (format!("{user}:{MASK}@"), host),
            None => (format!("{login}@"), host),
        },
        None => (String::new(), rest),
    };
    let (place, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    let query = query.map(|query| {
        let parts = query.split('&').map(|part| match part.split_once('=') {
            Some((name, _)) if name.contains("pass") => format!("{name}={MASK}"),
            _ => part.to_owned(),
        });
        format!("?{}", parts.collect::<Vec<_>>().join("&"))
    });
    format!("{scheme}://{login}{place}{}", query.unwrap_or_default())
}

/// All but RFC 3986's unreserved characters.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes all but RFC 3986's unreserved characters.
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, &RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners() {
        for text in ["127.0.0.1:8000", "[::1]:0", "localhost:80", "0.0.0.0:65535"] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), text);
        }
        for text in ["", "8000", ":8000", "::1:8000", "[x]:1", "h:65536", "a b:1", "h:"] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
        assert!(":8000".parse::<Listen>().unwrap_err().contains("did you mean 127.0.0.1:8000,"));
    }

    #[test]
    fn database_urls_of_all_spellings() {
        let read = |text: &str| Database::parse(text, Path::new("data"));
        assert_eq!(read("").unwrap().masked(), "sqlite://data/regulars.db");
        assert_eq!(read("sqlite:///var/a.db").unwrap().masked(), "sqlite:///var/a.db");
        assert_eq!(read("sqlite://a.db").unwrap().masked(), "sqlite://a.db");
        assert_eq!(read("sqlite+aiosqlite:///./a.db").unwrap().masked(), "sqlite://./a.db");
        for text in [
            "postgres://u:p@h/d",
            "postgresql://u:p@h/d",
            "postgresql+asyncpg://u:p@h/d",
            "postgres+psycopg2://u:p@h/d",
        ] {
            let Database::Postgres(url) = read(text).unwrap() else { panic!("{text}") };
            assert_eq!(url.expose_secret(), "postgresql://u:p@h/d");
        }
        let Database::Postgres(url) = read("postgresql+asyncpg://h/d?ssl=true").unwrap() else { panic!() };
        assert_eq!(url.expose_secret(), "postgresql://h/d?sslmode=require");
        for text in ["x", "mysql://h/d", "sqlite://", "sqlite://a?mode=ro", "sqlite://:memory:"] {
            assert!(read(text).is_err(), "{text}");
        }
        let error = read("postgres://u:hunter2@h/d?colour=red").unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn addresses_of_pages_and_of_this_server() {
        assert_eq!(public_url("https://a.example/").unwrap().unwrap(), "https://a.example");
        assert_eq!(public_url("https://a.example/crm").unwrap().unwrap(), "https://a.example/crm");
        for text in ["a.example", "ftp://a", "https://a?x=1", "https://u:p@a", "https://"] {
            assert!(public_url(text).is_err(), "{text}");
        }
        assert_eq!(origin("https://a.example:8443/").unwrap(), "https://a.example:8443");
        assert!(origin("https://a.example/x").is_err() && origin("null").is_err());
    }

    #[test]
    fn passwords_are_masked_wherever_urls_carry_them() {
        assert_eq!(mask_url("postgres://u:p@ss@h/d"), "postgres://u:********@h/d");
        assert_eq!(mask_url("postgres://h/d?user=u&password=x"), "postgres://h/d?user=u&password=********");
        assert_eq!(mask_url("sqlite://a.db"), "sqlite://a.db");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(text in "\\PC{0,40}") {
            let _ = (text.parse::<Listen>(), public_url(&text), origin(&text));
            let _ = (Database::parse(&text, Path::new("d")), smtp_url(&text), sender(&text), country(&text));
        }

        #[test]
        fn a_masked_url_never_shows_the_password(password in "[a-zA-Z0-9@:%!?/&]{8,20}") {
            let masked = mask_url(&format!("smtps://user:{password}@mail.example:465"));
            proptest::prop_assert!(!masked.contains(&password));
        }
    }
}
