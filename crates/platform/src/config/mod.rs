//! The configuration: typed values, each with the place it came from.
//!
//! | file | holds |
//! |---|---|
//! | `default.toml` | every setting once, with its default and its explanation |
//! | `keys.rs` | reads that file: which settings exist, and other systems' names for them |
//! | `layers.rs` | file, environment and flags on top of the defaults |
//! | `environment.rs` | what is read of the environment, and what of it is left alone |
//! | `values.rs` | the types of the settings |
//! | `read.rs` | typed values out of the layers |
//! | `shown.rs` | the configuration as `regulars config` shows it, and as a file to begin with |
//! | `docs.rs` | `docs/configuration.md`, made from the default file |
//!
//! A new setting: write it into `default.toml` with its explanation, add a field and a line to
//! `read.rs`, run the tests with `REGULARS_UPDATE=1` to write the documentation again.

mod docs;
mod environment;
mod keys;
mod layers;
mod read;
mod shown;
mod values;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use kernel::web::WebSettings;
use kernel::web::server::ServerSettings;
use secrecy::SecretString;

pub use docs::markdown;
pub use keys::DEFAULT_FILE;
pub use layers::{FileChoice, Source, Sources};
pub use shown::{Entry, Shown};
pub use values::{Create, Database, Listen, LogFormat, Service, mask_url};

/// The effective configuration. `default.toml` explains every setting; here only units and types are said.
#[derive(Debug, Clone)]
pub struct Config {
    /// Addresses to listen on, at least one.
    pub listen: Vec<Listen>,
    /// What this process serves, at least one.
    pub services: Vec<Service>,
    /// The data directory, as it was written.
    pub data_dir: PathBuf,
    /// The database.
    pub database: DatabaseConfig,
    /// The master key as it was given; `None` means the file in the data directory.
    pub secret_key: Option<SecretString>,
    /// The public address as it was given, without a slash at its end; see [`Config::public_url_at`].
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Name in logs.
    pub service_name: String,
    /// Log lines.
    pub log: LogConfig,
    /// Origins, or the single entry `*`.
    pub cors_origins: Vec<String>,
    /// Sizes and times of requests.
    pub limits: Limits,
    /// The deployment's time zone.
    pub time_zone: jiff::tz::TimeZone,
    /// First day of the week.
    pub week_start: jiff::civil::Weekday,
    /// Two capital letters.
    pub default_country: Option<String>,
    /// Id or `company_id` of the company of self-registered customers.
    pub default_company: Option<String>,
    /// Bytes that reading an image may take.
    pub avatar_memory: u64,
    /// Refuse telephone numbers that are only possible.
    pub phone_strict: bool,
    /// In characters, 8 to 128.
    pub password_min_length: usize,
    /// The pool that hashes passwords.
    pub hashing: Hashing,
    /// How long tokens and sessions live.
    pub tokens: Tokens,
    /// What access tokens say.
    pub jwt: Jwt,
    /// Consent of a new customer that does not say.
    pub consent: ConsentDefaults,
    /// Outgoing mail.
    pub mail: MailConfig,
    /// Calls to other hosts.
    pub outbound: OutboundConfig,
    /// Registration with Consul.
    pub consul: ConsulConfig,
    /// Largest file of an import over HTTP.
    pub import_bytes: u64,
    /// How long a job of a process that died or stands still waits for another to take it over.
    pub job_lease: Duration,
    /// How long jobs and their reports are kept after their end.
    pub jobs_kept: Duration,
    /// What is made when a server starts on a new database.
    pub bootstrap: Bootstrap,
    /// Serve the API documentation.
    pub docs_enabled: bool,
    /// Sentences for the log at the start: settings that are known but not part of this build.
    pub notices: Vec<String>,
    entries: Vec<Entry>,
}

/// The database.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// Which one.
    pub url: Database,
    /// Connections; 0 is automatic.
    pub pool_size: usize,
    /// Log every statement.
    pub echo: bool,
    /// Root certificates for PostgreSQL: a file, or `system`.
    pub ssl_root_cert: Option<String>,
    /// Deadline for the start of a write.
    pub timeout: Duration,
    /// How long a statement waits for a locked row.
    pub lock_timeout: Duration,
    /// When PostgreSQL ends a transaction in which nothing happens.
    pub idle_timeout: Duration,
    /// How long `serve` waits for a server that cannot be reached yet.
    pub start_timeout: Duration,
    /// Size of SQLite's WAL from which the log warns.
    pub wal_warning_bytes: u64,
    /// Apply missing migrations at the start.
    pub migrate: bool,
    /// Make a database where there is none.
    pub create: Create,
}

/// Log lines.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// A level or a filter, checked.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
    /// May lines on a terminal have colours? Not with `NO_COLOR`, nor where `TERM` is `dumb`.
    pub colours: bool,
}

/// Sizes and times of requests.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest JSON body in bytes.
    pub body_bytes: usize,
    /// Largest image for an avatar in bytes.
    pub avatar_bytes: usize,
    /// After this a request is given up.
    pub request_timeout: Duration,
    /// The same when a file is uploaded.
    pub upload_timeout: Duration,
    /// What a client has for reading an export.
    pub export_timeout: Duration,
    /// What running requests get when the server stops.
    pub shutdown: Duration,
    /// Connections at once.
    pub connections: usize,
    /// Connections of one address at once.
    pub connections_per_address: usize,
    /// Requests of one address to open routes; 0 is no limit.
    pub open_per_minute: u32,
    /// Requests of one network address that concern e-mail addresses; 0 is no limit.
    pub emails_per_hour_network: u32,
    /// The same of one account; 0 is no limit.
    pub emails_per_hour_account: u32,
    /// Changes of one customer; 0 is no limit.
    pub customer_writes_per_minute: u32,
    /// Bytes of their bodies; 0 is no limit.
    pub customer_bytes_per_day: u64,
    /// Stored answers of one customer; 0 is no limit.
    pub customer_answers_per_day: u32,
    /// Bytes of these; 0 is no limit.
    pub customer_answer_bytes_per_day: u64,
    /// Changes of one of the staff or one API key; 0 is no limit.
    pub staff_writes_per_minute: u32,
}

/// The pool that hashes passwords.
#[derive(Debug, Clone, Copy)]
pub struct Hashing {
    /// 0 is automatic.
    pub threads: usize,
    /// Waiting logins.
    pub queue: usize,
}

/// How long tokens and sessions live.
#[derive(Debug, Clone, Copy)]
pub struct Tokens {
    /// Access tokens.
    pub access: Duration,
    /// A customer's session without use.
    pub refresh_idle: Duration,
    /// A customer's session in any case.
    pub refresh_absolute: Duration,
    /// A session of staff without use.
    pub staff_idle: Duration,
    /// A session of staff in any case.
    pub staff_absolute: Duration,
}

/// What access tokens say.
#[derive(Debug, Clone)]
pub struct Jwt {
    /// Include names, e-mail and role.
    pub profile_claims: bool,
    /// `aud`.
    pub audience: String,
}

/// Consent of a new customer that does not say.
#[derive(Debug, Clone, Copy)]
pub struct ConsentDefaults {
    /// Marketing by e-mail.
    pub marketing_emails: bool,
    /// Marketing by text message.
    pub marketing_sms: bool,
}

/// Outgoing mail.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// The sender.
    pub from: lettre::message::Mailbox,
    /// Where mail is handed over; `None` writes files.
    pub smtp_url: Option<SecretString>,
    /// How long mails stay that were written to files.
    pub outbox_kept: Duration,
}

/// Calls to other hosts.
#[derive(Debug, Clone, Copy)]
pub struct OutboundConfig {
    /// Private and loopback addresses may be called.
    pub allow_private: bool,
    /// For a whole call.
    pub timeout: Duration,
}

/// Registration with a Consul agent.
#[derive(Debug, Clone)]
pub struct ConsulConfig {
    /// The agent; `None` for none.
    pub host: Option<String>,
    /// Its HTTP port.
    pub port: u16,
}

/// What is made when a server starts on a new database.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// Address and password of the first administrator.
    pub admin: Option<(String, SecretString)>,
    /// The secret of an API key.
    pub api_key: Option<SecretString>,
    /// Its name.
    pub api_key_name: String,
    /// Its role.
    pub api_key_role: String,
}

/// Everything that is wrong with the configuration, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The sentences; none holds a secret.
    pub errors: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration cannot be used:")?;
        self.errors.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// What the web conventions need of it; what it does not name has its default.
    pub fn web_settings(&self) -> WebSettings {
        WebSettings {
            request_timeout: self.limits.request_timeout,
            upload_timeout: self.limits.upload_timeout,
            body_limit: self.limits.body_bytes,
            cors_origins: self.cors_origins.clone(),
            ..WebSettings::default()
        }
    }

    /// What the sockets need of it; what it does not name has its default.
    pub fn server_settings(&self) -> ServerSettings {
        ServerSettings {
            max_connections: self.limits.connections,
            max_per_network: self.limits.connections_per_address,
            trusted_proxies: self.trusted_proxies.clone(),
            drain_timeout: self.limits.shutdown,
            ..ServerSettings::default()
        }
    }

    /// Reads all sources. The error lists every error at once, so one start shows them all.
    pub fn load(sources: &Sources) -> Result<Config, ConfigError> {
        match read::config(sources) {
            (config, errors) if errors.is_empty() => Ok(config),
            (_, errors) => Err(ConfigError { errors }),
        }
    }

    /// The effective configuration, line by line, secrets masked.
    pub fn explain(&self) -> &[Entry] {
        &self.entries
    }

    /// Does this process serve that part?
    pub fn serves(&self, service: Service) -> bool {
        self.services.contains(&service)
    }

    /// The public address: the configured one, or that of the first listener, which the caller knows after
    /// binding (the configured port may be 0). A listener on all addresses becomes `localhost`.
    pub fn public_url_at(&self, first: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.clone(),
            None if first.ip().is_unspecified() => format!("http://localhost:{}", first.port()),
            None => format!("http://{first}"),
        }
    }

    /// The public address for programs that bind nothing, such as the command line.
    pub fn public_url(&self) -> String {
        match (&self.public_url, self.listen.first()) {
            (Some(url), _) => url.clone(),
            (None, Some(Listen { host, port })) if host == "0.0.0.0" || host == "::" => {
                format!("http://localhost:{port}")
            }
            (None, Some(first)) => format!("http://{first}"),
            (None, None) => "http://localhost".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
