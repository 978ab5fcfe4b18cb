use std::collections::BTreeMap;
use std::time::Duration;

use super::{Config, Database, FileChoice, Service, Sources, markdown};

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn sources(pairs: &[(&str, &str)]) -> Sources {
    Sources { file: FileChoice::Nowhere, env: env(pairs), flags: Vec::new() }
}

fn load(pairs: &[(&str, &str)]) -> Config {
    Config::load(&sources(pairs)).unwrap()
}

fn faults(sources: &Sources) -> Vec<String> {
    Config::load(sources).unwrap_err().faults
}

fn line(config: &Config, key: &str) -> (String, String) {
    let entry = config.explain().iter().find(|entry| entry.key == key).unwrap();
    (entry.value.clone(), entry.source.clone())
}

/// A configuration file in a directory that lives as long as the answer.
fn file(text: &str) -> (tempfile::TempDir, Sources) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("regulars.toml");
    std::fs::write(&path, text).unwrap();
    (dir, Sources { file: FileChoice::At(path), ..Sources::default() })
}

#[test]
fn the_defaults_are_usable_and_are_what_the_specification_says() {
    let config = load(&[]);
    assert_eq!(config.listen[0].to_string(), "127.0.0.1:8000");
    assert_eq!(config.services.len(), 6);
    assert_eq!(config.database.url, Database::Sqlite("data/regulars.db".into()));
    assert_eq!(config.public_url(), "http://127.0.0.1:8000");
    assert_eq!(config.tokens.access, Duration::from_secs(600));
    assert_eq!(config.tokens.staff_absolute, Duration::from_secs(86400));
    assert!(config.consent.marketing_emails && !config.consent.marketing_sms);
    assert!(!config.outbound.allow_private && config.notices.is_empty());
    assert_eq!(line(&config, "listen"), ("127.0.0.1:8000".into(), "default".into()));
    assert_eq!(line(&config, "secret_key").0, "(in data/secret.key)");
    assert_eq!(line(&config, "database.url").0, "sqlite://data/regulars.db");
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let (_dir, mut sources) =
        file("service_name = \"file\"\n[log]\nlevel = \"warn\"\n[tokens]\naccess_minutes = 5\n");
    let config = Config::load(&sources).unwrap();
    assert_eq!((config.service_name.as_str(), config.log.level.as_str()), ("file", "warn"));
    assert!(line(&config, "tokens.access_minutes").1.ends_with("regulars.toml:5"));
    sources.env =
        env(&[("SERVICE_NAME", "alias"), ("REGULARS_LOG_LEVEL", "DEBUG"), ("REGULARS_DOCS_ENABLED", " ")]);
    let config = Config::load(&sources).unwrap();
    assert_eq!(line(&config, "service_name"), ("alias".into(), "environment SERVICE_NAME".into()));
    assert_eq!(line(&config, "log.level"), ("DEBUG".into(), "environment REGULARS_LOG_LEVEL".into()));
    assert!(config.docs_enabled);
    sources.env.insert("REGULARS_SERVICE_NAME".into(), "own".into());
    assert_eq!(Config::load(&sources).unwrap().service_name, "own");
    sources.flags = vec![
        ("service_name", "flag".into()),
        ("listen", "127.0.0.1:0".into()),
        ("listen", "[::1]:0".into()),
        ("data_dir", "/srv/x".into()),
    ];
    sources.env.insert("REGULARS_LISTEN".into(), "0.0.0.0:80".into());
    let config = Config::load(&sources).unwrap();
    assert_eq!(line(&config, "service_name"), ("flag".into(), "flag --service-name".into()));
    assert_eq!(line(&config, "listen"), ("127.0.0.1:0, [::1]:0".into(), "flag --listen".into()));
    assert_eq!(config.database.url, Database::Sqlite("/srv/x/regulars.db".into()));
    assert_eq!(line(&config, "data_dir").1, "flag --data-dir");
}

#[test]
fn all_faults_are_told_at_once_with_their_place() {
    let (_dir, mut sources) = file(concat!(
        "lisen = []\ntime_zone = \"Mars/Base\"\n[limits]\nbody_bytes = -1\nbody = 3\n",
        "[tokens]\nrefresh_idle_days = 100\n[nonsense]\nx = 1\n[log]\nlevel = [\"info\"]\n",
    ));
    sources.env =
        env(&[("REGULARS_SERVICES", "auth,crm"), ("REGULARS_LOGLEVEL", "info"), ("REGULARS_TEST_X", "1")]);
    sources.flags = vec![("listen", "8000".into())];
    let faults = faults(&sources).join("\n");
    for part in [
        "regulars.toml:1: there is no setting `lisen`; did you mean `listen`?",
        "time_zone (",
        "regulars.toml:2): `Mars/Base` is not a known time zone",
        "regulars.toml:4): `-1` is not a number from 1024",
        "regulars.toml:5: there is no setting `limits.body`",
        "tokens.refresh_idle_days must not be longer than tokens.refresh_absolute_days",
        "regulars.toml:8: there is no setting `nonsense`",
        "regulars.toml:11: log.level takes one value",
        "services (environment REGULARS_SERVICES): `crm` is not one of auth",
        "environment REGULARS_LOGLEVEL: there is no such setting; did you mean REGULARS_LOG_LEVEL?",
        "listen (flag --listen): `8000` is not HOST:PORT",
    ] {
        assert!(faults.contains(part), "{part}\nis not in\n{faults}");
    }
    assert_eq!(faults.lines().count(), 10, "{faults}");
}

#[test]
fn a_file_that_is_named_must_be_there_and_be_toml() {
    let missing = Sources { file: FileChoice::At("/nowhere/regulars.toml".into()), ..Sources::default() };
    assert!(faults(&missing)[0].starts_with("/nowhere/regulars.toml: cannot be read"));
    let (_dir, broken) = file("listen = []\nsecret_key = \"hunter2\nx");
    let fault = &faults(&broken)[0];
    assert!(fault.contains(": not TOML") && !fault.contains("hunter2"), "{fault}");
    let (_dir, twice) = file("data_dir = \"a\"\ndata_dir = \"b\"\n");
    assert!(faults(&twice)[0].contains("not TOML"));
}

#[test]
fn the_variables_of_the_source_documents_are_understood() {
    let seed_003 = load(&[
        ("SERVICE_NAME", "customer-service"),
        ("DATABASE_URL", "postgresql+asyncpg://customer:customer_pass@customer-db:5432/customer_db"),
        ("REDIS_URL", "redis://redis:6379/1"),
        ("CONSUL_HOST", "consul"),
        ("CONSUL_PORT", "8500"),
        ("LOG_LEVEL", "INFO"),
    ]);
    assert_eq!(
        line(&seed_003, "database.url").0,
        "postgresql://customer:********@customer-db:5432/customer_db"
    );
    assert_eq!(seed_003.notices.len(), 1);
    assert!(seed_003.notices[0].starts_with("REDIS_URL is configured but not part of this build"));
    assert_eq!((seed_003.consul.host.as_deref(), seed_003.consul.port), (Some("consul"), 8500));
    let seed_002 = load(&[
        ("SECRET_KEY", "django-insecure-#k2!x_q7%w)fw+9y$@2o0w^0c8f"),
        ("DEBUG", "True"),
        ("DB_ENGINE", "django.db.backends.postgresql"),
        ("CUSTOMER_DB_NAME", "servease_customers"),
        ("DB_USER", "post@gres"),
        ("DB_PASSWORD", "p/w:@?"),
    ]);
    let Database::Postgres(url) = &seed_002.database.url else { panic!() };
    assert_eq!(url.expose(), "postgresql://post%40gres:p%2Fw%3A%40%3F@localhost:5432/servease_customers");
    let source = line(&seed_002, "database.url").1;
    assert_eq!(source, "environment DB_ENGINE, CUSTOMER_DB_NAME, DB_USER, DB_PASSWORD");
    assert_eq!(seed_002.log.level, "debug");
    let url = load(&[("DB_HOST", "h"), ("CUSTOMER_DB_NAME", "a"), ("DATABASE_URL", "sqlite://b.db")]);
    assert_eq!(url.database.url, Database::Sqlite("b.db".into()));
    let lite = load(&[("DB_ENGINE", "sqlite3"), ("CUSTOMER_DB_NAME", "db.sqlite3")]);
    assert_eq!(lite.database.url, Database::Sqlite("db.sqlite3".into()));
    assert_eq!(load(&[("DB_USER", "stray"), ("DEBUG", "0")]).log.level, "info");
    assert!(faults(&sources(&[("DB_HOST", "h")]))[0].contains("CUSTOMER_DB_NAME"));
    assert!(faults(&sources(&[("DB_ENGINE", "mysql"), ("CUSTOMER_DB_NAME", "x")]))[0].contains("mysql"));
}

#[test]
fn no_secret_is_shown() {
    let secrets = ["hunter2-in-the-database", "hunter2-in-the-mail", "hunter2-is-the-key-of-all-secrets"];
    let config = load(&[
        ("REGULARS_DATABASE_URL", &format!("postgres://u:{}@h/d", secrets[0])),
        ("REGULARS_MAIL_SMTP_URL", &format!("smtps://u:{}@mail.example:465", secrets[1])),
        ("REGULARS_SECRET_KEY", secrets[2]),
    ]);
    let shown = format!("{config:?}{}", serde_json::to_string(config.explain()).unwrap());
    assert!(secrets.iter().all(|secret| !shown.contains(secret)), "{shown}");
    assert_eq!(line(&config, "secret_key").0, "********");
    let wrong = faults(&sources(&[
        ("DATABASE_URL", "postgres://u:hunter2@h:port/d"),
        ("REGULARS_MAIL_SMTP_URL", "mailto:hunter2"),
        ("SECRET_KEY", "hunter2"),
    ]));
    assert_eq!(wrong.len(), 3);
    assert!(!wrong.join("").contains("hunter2"), "{wrong:?}");
}

#[test]
fn the_public_address_follows_the_first_listener() {
    let at = |config: &Config, text: &str| config.public_url_at(text.parse().unwrap());
    let config =
        load(&[("REGULARS_LISTEN", "0.0.0.0:8001,127.0.0.1:8002"), ("REGULARS_SERVICES", "auth, jobs")]);
    assert_eq!(config.public_url(), "http://localhost:8001");
    assert_eq!(at(&config, "0.0.0.0:8001"), "http://localhost:8001");
    assert_eq!(at(&config, "[::1]:9"), "http://[::1]:9");
    assert!(config.serves(Service::Auth) && !config.serves(Service::Customers));
    let config = load(&[("REGULARS_PUBLIC_URL", "https://crm.example.com/")]);
    assert_eq!(at(&config, "127.0.0.1:1"), "https://crm.example.com");
}

#[test]
fn the_documentation_is_that_of_the_default_file() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    if std::env::var_os("REGULARS_UPDATE").is_some() {
        std::fs::write(path, markdown()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(written, markdown(), "run this test with REGULARS_UPDATE=1");
}
