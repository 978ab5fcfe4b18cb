//! Takes typed values out of the layers, and describes where each came from.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kernel::web::network;
use secrecy::SecretString;

use super::environment;
use super::keys::{self, Key, Value};
use super::layers::{Layers, Sources};
use super::shown::{Entry, Shown};
use super::values::{self, Create, Database, mask_url};
use super::{
    Bootstrap, Config, ConsentDefaults, ConsulConfig, DatabaseConfig, Hashing, Jwt, Limits, LogConfig,
    MailConfig, OutboundConfig, Tokens,
};

/// The configuration and what is wrong with it. With errors it is not to be used.
pub fn config(sources: &Sources) -> (Config, Vec<String>) {
    let mut reader = Reader { layers: Layers::read(sources), read: BTreeSet::new() };
    let mut config = read(&mut reader);
    config.notices = std::mem::take(&mut reader.layers.notices);
    config.notices.extend(not_built(sources));
    config.log.colours = environment::takes_colours(&sources.env);
    config.entries = keys::declared().iter().map(|key| entry(&reader, &config, key)).collect();
    debug_assert_eq!(reader.read.len(), keys::declared().len(), "every declared setting is read");
    (config, reader.layers.into_faults())
}

/// What is accepted and does nothing must say so.
fn not_built(sources: &Sources) -> Vec<String> {
    let set = |name: &&str| sources.env.get(*name).is_some_and(|value| !value.trim().is_empty());
    let parts: [(&[&str], &str); 1] =
        [(&["REDIS_URL"], "Redis; limits and revocation work within the process and through the database")];
    parts
        .into_iter()
        .filter_map(|(names, part)| {
            let names: Vec<&str> = names.iter().filter(|name| set(name)).copied().collect();
            let verb = if names.len() == 1 { "is" } else { "are" };
            let (names, set) = (names.join(", "), !names.is_empty());
            set.then(|| format!("{names} {verb} configured but not part of this build: {part}"))
        })
        .collect()
}

/// Takes typed values out of the layers. A value that cannot be used becomes an error and is replaced by the
/// default, so that reading goes on and finds the other errors.
struct Reader {
    layers: Layers,
    read: BTreeSet<&'static str>,
}

impl Reader {
    fn list<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let key = keys::find(name).expect("only declared settings are read");
        self.read.insert(&key.name);
        let given = &self.layers.given[key.name.as_str()];
        let all = |value: &Value| match value {
            Value::Text(text) => parse(text).map(|one| vec![one]),
            Value::List(texts) => texts.iter().map(|text| parse(text)).collect(),
        };
        match all(&given.value) {
            Ok(values) => values,
            Err(why) => {
                self.error(name, &why);
                all(&key.default).expect("the defaults are usable: tested")
            }
        }
    }

    fn one<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> T {
        self.list(name, parse).pop().expect("a setting that is no list has one value")
    }

    fn some<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let values = self.list(name, parse);
        if values.is_empty() {
            self.error(name, "must name at least one");
        }
        values
    }

    fn error(&mut self, name: &str, why: &str) {
        let source = self.layers.given[name].source.clone();
        let sentence = format!("{name} ({source}): {why}");
        self.layers.error(&source, sentence);
    }

    fn text(&mut self, name: &str) -> String {
        let filled =
            |text: &str| if text.is_empty() { Err("must not be empty".into()) } else { Ok(text.to_owned()) };
        self.one(name, filled)
    }

    fn flag(&mut self, name: &str) -> bool {
        self.one(name, values::boolean)
    }

    fn number(&mut self, name: &str, range: RangeInclusive<u64>) -> u64 {
        self.one(name, |text| values::number(text, range.clone()))
    }

    fn size(&mut self, name: &str, range: RangeInclusive<u64>) -> usize {
        usize::try_from(self.number(name, range)).unwrap_or(usize::MAX)
    }

    fn time(&mut self, name: &str, unit: Duration, most: u64) -> Duration {
        unit * u32::try_from(self.number(name, 1..=most)).unwrap_or(u32::MAX)
    }

    /// The shorter of two times that belong together, and the longer; an error if they are swapped.
    fn times(&mut self, idle: &str, absolute: &str, unit: Duration, most: u64) -> (Duration, Duration) {
        let both = (self.time(idle, unit, most), self.time(absolute, unit, most));
        if both.0 > both.1 {
            self.error(idle, &format!("must not be longer than {absolute}"));
        }
        both
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86400);

fn read(r: &mut Reader) -> Config {
    let data_dir = PathBuf::from(r.text("data_dir"));
    Config {
        listen: r.some("listen", str::parse),
        services: r.some("services", str::parse),
        database: database(r, &data_dir),
        data_dir,
        secret_key: r.one("secret_key", secret_key),
        public_url: r.one("public_url", values::public_url),
        trusted_proxies: r.list("trusted_proxies", network::parse),
        service_name: r.text("service_name"),
        log: LogConfig {
            level: r.one("log.level", log_level),
            format: r.one("log.format", str::parse),
            colours: true,
        },
        cors_origins: r.list("cors.origins", values::origin),
        limits: limits(r),
        time_zone: r.one("time_zone", values::time_zone),
        week_start: r.one("week_start", values::week_start),
        default_country: r.one("default_country", values::country),
        default_company: r.one("default_company", |text| Ok((!text.is_empty()).then(|| text.to_owned()))),
        avatar_memory: r.number("avatars.memory_mb", 48..=4096) << 20,
        phone_strict: r.flag("phone.strict"),
        password_min_length: r.size("password.min_length", 8..=128),
        hashing: Hashing {
            threads: r.size("hashing.threads", 0..=256),
            queue: r.size("hashing.queue", 1..=100_000),
        },
        tokens: tokens(r),
        jwt: Jwt { profile_claims: r.flag("jwt.profile_claims"), audience: r.text("jwt.audience") },
        consent: ConsentDefaults {
            marketing_emails: r.flag("consent.marketing_emails_default"),
            marketing_sms: r.flag("consent.marketing_sms_default"),
        },
        mail: MailConfig {
            from: r.one("mail.from", values::sender),
            smtp_url: r.one("mail.smtp_url", values::smtp_url),
            outbox_kept: r.time("mail.outbox_days", DAY, 3650),
        },
        outbound: OutboundConfig {
            allow_private: r.flag("outbound.allow_private"),
            timeout: r.time("outbound.timeout_s", SECOND, 600),
        },
        consul: ConsulConfig {
            host: r.one("consul.host", values::host),
            port: u16::try_from(r.number("consul.port", 1..=65_535)).unwrap_or(8500),
        },
        import_bytes: r.number("imports.most_bytes", 1024..=1 << 40),
        job_lease: r.time("jobs.lease_s", SECOND, 3600),
        jobs_kept: r.time("jobs.keep_days", DAY, 3650),
        bootstrap: bootstrap(r),
        docs_enabled: r.flag("docs.enabled"),
        notices: Vec::new(),
        entries: Vec::new(),
    }
}

fn bootstrap(r: &mut Reader) -> Bootstrap {
    let optional = |text: &str| Ok((!text.is_empty()).then(|| text.to_owned()));
    let email = r.one("bootstrap.admin_email", optional);
    let password = r.one("bootstrap.admin_password", optional).map(SecretString::from);
    if email.is_none() && password.is_some() {
        r.error("bootstrap.admin_password", "goes with bootstrap.admin_email");
    }
    Bootstrap {
        // Without a password: it was taken away after the first start.
        admin: email.zip(password),
        api_key: r.one("bootstrap.api_key", optional).map(SecretString::from),
        api_key_name: r.text("bootstrap.api_key_name"),
        api_key_role: r.text("bootstrap.api_key_role"),
    }
}

fn limits(r: &mut Reader) -> Limits {
    Limits {
        body_bytes: r.size("limits.body_bytes", 1024..=1 << 30),
        avatar_bytes: r.size("limits.avatar_bytes", 1024..=100 << 20),
        request_timeout: r.time("limits.request_timeout_s", SECOND, 3600),
        upload_timeout: r.time("limits.upload_timeout_s", SECOND, 86_400),
        export_timeout: r.time("limits.export_timeout_s", SECOND, 86_400),
        shutdown: r.time("limits.shutdown_s", SECOND, 3600),
        connections: r.size("limits.connections", 1..=1_000_000),
        connections_per_address: r.size("limits.connections_per_address", 1..=1_000_000),
        open_per_minute: rate(r, "limits.open_per_minute"),
        emails_per_hour_network: rate(r, "limits.emails_per_hour_network"),
        emails_per_hour_account: rate(r, "limits.emails_per_hour_account"),
        customer_writes_per_minute: rate(r, "limits.customer_writes_per_minute"),
        customer_bytes_per_day: r.number("limits.customer_bytes_per_day", 0..=1 << 40),
        customer_answers_per_day: rate(r, "limits.customer_answers_per_day"),
        customer_answer_bytes_per_day: r.number("limits.customer_answer_bytes_per_day", 0..=1 << 40),
        staff_writes_per_minute: rate(r, "limits.staff_writes_per_minute"),
    }
}

fn rate(r: &mut Reader, name: &str) -> u32 {
    u32::try_from(r.number(name, 0..=1_000_000)).unwrap_or(u32::MAX)
}

fn tokens(r: &mut Reader) -> Tokens {
    let (refresh_idle, refresh_absolute) =
        r.times("tokens.refresh_idle_days", "tokens.refresh_absolute_days", DAY, 3650);
    let (staff_idle, staff_absolute) =
        r.times("tokens.staff_idle_hours", "tokens.staff_absolute_hours", HOUR, 24 * 365);
    let access = r.time("tokens.access_minutes", MINUTE, 60);
    Tokens { access, refresh_idle, refresh_absolute, staff_idle, staff_absolute }
}

fn database(r: &mut Reader, data_dir: &Path) -> DatabaseConfig {
    DatabaseConfig {
        url: r.one("database.url", |text| Database::parse(text, data_dir)),
        pool_size: r.size("database.pool_size", 0..=1000),
        echo: r.flag("database.echo"),
        ssl_root_cert: r
            .one("database.ssl_root_cert", |text| Ok(Some(text.to_owned()).filter(|t| !t.is_empty()))),
        timeout: r.time("database.timeout_ms", MILLISECOND, 600_000),
        lock_timeout: r.time("database.lock_timeout_ms", MILLISECOND, 600_000),
        idle_timeout: r.time("database.idle_transaction_timeout_ms", MILLISECOND, 3_600_000),
        start_timeout: r.time("database.start_timeout_s", SECOND, 3600),
        wal_warning_bytes: r.number("database.wal_warning_bytes", 1 << 20..=1 << 40),
        migrate: r.flag("database.migrate"),
        create: Create::Never,
    }
}

/// The text itself is judged where the key is made; here its message must not repeat it.
fn secret_key(text: &str) -> Result<Option<SecretString>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let secret = SecretString::from(text);
    crate::crypto::Keys::from_secret(&secret).map_err(|e| e.detail().to_owned())?;
    Ok(Some(secret))
}

fn log_level(text: &str) -> Result<String, String> {
    crate::log::filter(text).map(|_| text.to_owned())
}

fn entry(r: &Reader, config: &Config, key: &'static Key) -> Entry {
    let given = &r.layers.given[key.name.as_str()];
    let stands_in = |text: String| (Shown::Text(text), true);
    let (value, is_stand_in) = match (key.name.as_str(), &given.value) {
        ("secret_key", _) if config.secret_key.is_some() => stands_in("********".to_owned()),
        ("bootstrap.admin_password" | "bootstrap.api_key", Value::Text(text)) if !text.is_empty() => {
            stands_in("********".to_owned())
        }
        ("secret_key", _) => stands_in(format!("(in {})", config.data_dir.join("secret.key").display())),
        ("database.url", Value::Text(text)) => {
            let masked = config.database.url.masked();
            let is_stand_in = *text != mask_url(text);
            (Shown::Text(masked), is_stand_in)
        }
        ("public_url", Value::Text(text)) if text.is_empty() => {
            let chosen_later = config.listen.first().is_some_and(|first| first.port == 0);
            stands_in(match chosen_later {
                true => "(the first listener, whose port is chosen when it starts)".to_owned(),
                false => config.public_url(),
            })
        }
        ("public_url", _) => (Shown::Text(config.public_url()), false),
        (_, Value::Text(text)) => {
            let masked = mask_url(text);
            let is_stand_in = masked != *text;
            (key.kind.shown(masked), is_stand_in)
        }
        (_, Value::List(texts)) => (Shown::List(texts.clone()), false),
    };
    Entry { key: &key.name, value, is_stand_in, source: given.source.to_string() }
}
