use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::{Config, Database, FileChoice, Service, Shown, Sources, markdown};

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn sources(pairs: &[(&str, &str)]) -> Sources {
    Sources { file: FileChoice::Nowhere, env: env(pairs), flags: Vec::new() }
}

fn load(pairs: &[(&str, &str)]) -> Config {
    Config::load(&sources(pairs)).unwrap()
}

fn errors(sources: &Sources) -> Vec<String> {
    Config::load(sources).unwrap_err().errors
}

fn line(config: &Config, key: &str) -> (String, String) {
    let entry = config.explain().iter().find(|entry| entry.key == key).unwrap();
    let value = match &entry.value {
        Shown::Text(text) => text.clone(),
        other => other.to_string(),
    };
    (value, entry.source.clone())
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
    assert_eq!(config.database.url.masked(), "sqlite://data/regulars.db");
    assert_eq!(config.public_url(), "http://127.0.0.1:8000");
    assert_eq!(config.tokens.access, Duration::from_secs(600));
    assert_eq!(config.tokens.staff_absolute, Duration::from_secs(86400));
    assert!(config.consent.marketing_emails && !config.consent.marketing_sms);
    assert!(!config.outbound.allow_private && config.notices.is_empty());
    assert_eq!(line(&config, "listen"), ("[\"127.0.0.1:8000\"]".into(), "default".into()));
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
    let listen = ("[\"127.0.0.1:0\", \"[::1]:0\"]".to_owned(), "flag --listen".to_owned());
    assert_eq!(line(&config, "listen"), listen);
    assert_eq!(config.database.url.masked(), "sqlite:///srv/x/regulars.db");
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
    let errors = errors(&sources);
    let lines: Vec<usize> = errors
        .iter()
        .filter_map(|error| error.split_once("regulars.toml:")?.1.split([':', ')']).next()?.parse().ok())
        .collect();
    assert_eq!(lines, [1, 2, 4, 5, 7, 8, 11], "the file comes first, by its lines: {errors:?}");
    let errors = errors.join("\n");
    for part in [
        "regulars.toml:1: there is no setting `lisen`; did you mean `listen`?",
        "time_zone (",
        "regulars.toml:2): `Mars/Base` is not a known time zone",
        "regulars.toml:4): `-1` is not a number from 1024",
        "regulars.toml:5: there is no setting `limits.body`",
        "regulars.toml:7): must not be longer than tokens.refresh_absolute_days",
        "regulars.toml:8: there is no section `[nonsense]`",
        "regulars.toml:11: log.level takes one value",
        "services (environment REGULARS_SERVICES): `crm` is not one of auth",
        "environment REGULARS_LOGLEVEL: there is no such setting; did you mean REGULARS_LOG_LEVEL?",
        "listen (flag --listen): `8000` is not HOST:PORT",
    ] {
        assert!(errors.contains(part), "{part}\nis not in\n{errors}");
    }
    assert_eq!(errors.lines().count(), 10, "{errors}");
}

#[test]
fn a_file_that_is_named_must_be_there_and_be_toml() {
    let missing = Sources { file: FileChoice::At("/nowhere/regulars.toml".into()), ..Sources::default() };
    assert!(errors(&missing)[0].starts_with("/nowhere/regulars.toml: cannot be read"));
    let (_dir, broken) = file("listen = []\nsecret_key = \"hunter2\nx");
    let error = &errors(&broken)[0];
    assert!(error.contains(": not TOML") && !error.contains("hunter2"), "{error}");
    let (_dir, twice) = file("data_dir = \"a\"\ndata_dir = \"b\"\n");
    assert!(errors(&twice)[0].contains("not TOML"));
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
    assert_eq!(
        url.expose_secret(),
        "postgresql://post%40gres:p%2Fw%3A%40%3F@localhost:5432/servease_customers"
    );
    let source = line(&seed_002, "database.url").1;
    assert_eq!(source, "environment DB_ENGINE, CUSTOMER_DB_NAME, DB_USER, DB_PASSWORD");
    assert_eq!(seed_002.log.level, "debug");
    let url = load(&[("DB_HOST", "h"), ("CUSTOMER_DB_NAME", "a"), ("DATABASE_URL", "sqlite://b.db")]);
    assert_eq!(url.database.url.masked(), "sqlite://b.db");
    let lite = load(&[("DB_ENGINE", "sqlite3"), ("CUSTOMER_DB_NAME", "db.sqlite3")]);
    assert_eq!(lite.database.url.masked(), "sqlite://db.sqlite3");
    assert_eq!(load(&[("DB_USER", "stray"), ("DEBUG", "0")]).log.level, "info");
    assert!(errors(&sources(&[("DB_ENGINE", "mysql"), ("CUSTOMER_DB_NAME", "x")]))[0].contains("mysql"));
}

/// What other programs put into the environment stops nothing; what is nearly a name of ours does.
#[test]
fn the_environment_has_other_writers() {
    let kubernetes = [
        ("REGULARS_PORT", "tcp://10.0.0.1:8000"),
        ("REGULARS_PORT_8000_TCP", "tcp://10.0.0.1:8000"),
        ("REGULARS_PORT_8000_TCP_ADDR", "10.0.0.1"),
        ("REGULARS_PORT_8000_TCP_PORT", "8000"),
        ("REGULARS_PORT_8000_TCP_PROTO", "tcp"),
        ("REGULARS_SERVICE_HOST", "10.0.0.1"),
        ("REGULARS_SERVICE_PORT", "8000"),
        ("REGULARS_SERVICE_PORT_HTTP", "8000"),
        // Services called regulars-consul, consul and db: their names meet those of settings.
        ("REGULARS_CONSUL_PORT", "tcp://10.0.0.2:8500"),
        ("CONSUL_PORT", "tcp://10.0.0.2:8500"),
        ("DB_PORT", "tcp://10.0.0.3:5432"),
    ];
    let config = load(&kubernetes);
    assert!(config.notices.is_empty(), "{:?}", config.notices);
    assert_eq!(config.consul.port, 8500);
    let config = load(&[&kubernetes[..], &[("CUSTOMER_DB_NAME", "d"), ("DB_HOST", "h")]].concat());
    assert_eq!(line(&config, "database.url").0, "postgresql://h:5432/d");

    let foreign = [
        ("REGULARS_COLOUR", "red"),
        ("REGULARS_HOME", "/opt"),
        ("REGULARS_POOL_SIZE", "5"),
        ("REGULARS_PORT", "9000"),
    ];
    let notices = load(&foreign).notices;
    assert_eq!(
        notices,
        [
            "the environment has variables that are not settings: REGULARS_COLOUR, REGULARS_HOME, REGULARS_POOL_SIZE (did you mean \
          REGULARS_DATABASE_POOL_SIZE?), REGULARS_PORT (did you mean REGULARS_LISTEN?)"
        ]
    );
    for (name, value, word) in [
        ("DEBUG", "express:*", "DEBUG"),
        ("DB_HOST", "db.internal", "DB_HOST"),
        ("DB_ENGINE", "mysql", "DB_ENGINE"),
    ] {
        let config = load(&[(name, value)]);
        assert_eq!(config.notices.len(), 1, "{name}: {:?}", config.notices);
        assert!(
            config.notices[0].contains(word) && !config.notices[0].contains(value),
            "{:?}",
            config.notices
        );
        assert_eq!(
            (config.log.level.as_str(), line(&config, "database.url").1.as_str()),
            ("info", "default")
        );
    }
    assert!(load(&[("DB_HOST", "h"), ("DATABASE_URL", "sqlite://a.db")]).notices.is_empty());
    for misspelt in [
        "REGULARS_LISTN",
        "REGULARS_DATADIR",
        "REGULARS_LOG_LEVLE",
        "REGULARS_CONFIGS",
        "REGULARS_SECRETKEY_FILE",
    ] {
        let errors = errors(&sources(&[(misspelt, "x")]));
        assert!(errors.len() == 1 && errors[0].contains("did you mean REGULARS_"), "{errors:?}");
    }
}

#[test]
fn names_of_other_servers_and_misspelt_sections_are_understood() {
    let (_dir, sources) = file("port = 8000\n[databse]\nurl = \"sqlite://a.db\"\n");
    let errors = errors(&sources);
    assert!(errors[0].ends_with(":1: there is no setting `port`; did you mean `listen`?"), "{errors:?}");
    assert!(
        errors[1].ends_with(":2: there is no section `[databse]`; did you mean `[database]`?"),
        "{errors:?}"
    );
}

#[test]
fn a_secret_can_stand_in_a_file_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let written = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let secret = "hunter2-is-the-key-of-all-secrets";
    let (key, url) = (written("key", &format!("{secret}\n")), written("url", "postgres://u:hunter2@h/d\n"));
    let config = load(&[("REGULARS_SECRET_KEY_FILE", &key), ("DATABASE_URL_FILE", &url)]);
    assert_eq!(config.secret_key.as_ref().unwrap().expose_secret(), secret);
    assert_eq!(
        line(&config, "secret_key"),
        ("********".into(), "environment REGULARS_SECRET_KEY_FILE".into())
    );
    assert_eq!(line(&config, "database.url").0, "postgresql://u:********@h/d");
    let missing = dir.path().join("missing").display().to_string();
    for (path, word) in [(written("empty", "\n"), "is empty"), (missing, "cannot be read")] {
        let errors = errors(&sources(&[("SECRET_KEY_FILE", &path)]));
        assert!(errors.len() == 1 && errors[0].contains(&path) && errors[0].contains(word), "{errors:?}");
    }
    let both = errors(&sources(&[("REGULARS_SECRET_KEY", secret), ("REGULARS_SECRET_KEY_FILE", &key)]));
    assert!(both.len() == 1 && both[0].contains("set as well") && !both[0].contains("hunter2"), "{both:?}");
    // Only secrets: a path is not what anybody means by this.
    let config = load(&[("REGULARS_LISTEN_FILE", &key)]);
    assert!(config.notices[0].contains("REGULARS_LISTEN_FILE"), "{:?}", config.notices);
}

#[test]
fn a_file_to_begin_with_says_what_holds_and_no_secret() {
    let (_dir, mut sources) = file("service_name = \"a \\\"quoted\\\" name\"\n[log]\nlevel = \"warn\"\n");
    sources.env = env(&[
        ("REGULARS_LISTEN", "127.0.0.1:0,[::1]:0"),
        ("REGULARS_DOCS_ENABLED", "no"),
        ("REGULARS_LIMITS_SHUTDOWN_S", "7"),
        ("REGULARS_SECRET_KEY", "hunter2-is-the-key-of-all-secrets"),
        ("DATABASE_URL", "postgres://u:hunter2@h/d"),
    ]);
    let config = Config::load(&sources).unwrap();
    let text = config.to_file();
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("\n#secret_key = \"\"  # not copied: environment REGULARS_SECRET_KEY\n"), "{text}");
    assert!(
        text.contains("\n#week_start = \"monday\"\n") && text.contains("first day of the week"),
        "{text}"
    );
    let (_dir, again) = file(&text);
    let again = Config::load(&again).unwrap();
    let secret = |key: &str| ["secret_key", "database.url"].contains(&key);
    let values = |config: &Config| -> Vec<_> {
        let entries = config.explain().iter().filter(|entry| !secret(entry.key));
        entries.map(|entry| (entry.key, entry.value.clone())).collect()
    };
    assert_eq!(values(&again), values(&config));
    // Everything at its default is a file that sets nothing.
    let (_dir, nothing) = file(&load(&[]).to_file());
    assert!(Config::load(&nothing).unwrap().explain().iter().all(|entry| entry.source == "default"));
}

#[test]
fn no_secret_is_shown() {
    let secrets = [
        "hunter2-in-the-database",
        "hunter2-in-the-mail",
        "hunter2-is-the-key-of-all-secrets",
        "hunter2-of-the-administrator",
        "hunter2-of-the-api-key",
    ];
    let config = load(&[
        ("REGULARS_DATABASE_URL", &format!("postgres://u:{}@h/d", secrets[0])),
        ("REGULARS_MAIL_SMTP_URL", &format!("smtps://u:{}@mail.example:465", secrets[1])),
        ("REGULARS_SECRET_KEY", secrets[2]),
        ("REGULARS_BOOTSTRAP_ADMIN_EMAIL", "ada@example.com"),
        ("REGULARS_BOOTSTRAP_ADMIN_PASSWORD", secrets[3]),
        ("REGULARS_BOOTSTRAP_API_KEY", secrets[4]),
    ]);
    assert_eq!(config.bootstrap.admin.as_ref().unwrap().1.expose_secret(), secrets[3]);
    assert!(secrets.iter().all(|secret| !config.to_file().contains(secret)), "{}", config.to_file());
    let shown = format!("{config:?}{}", serde_json::to_string(config.explain()).unwrap());
    assert!(secrets.iter().all(|secret| !shown.contains(secret)), "{shown}");
    assert_eq!(line(&config, "secret_key").0, "********");
    let wrong = errors(&sources(&[
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
