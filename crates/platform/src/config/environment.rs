//! The environment: the variables of the settings and other systems' names for them, secrets that a variable names a
//! file of, and what other programs put there.
//!
//! A misspelt name of ours stops the start, as in the file. What is no name of ours does not: the environment of a
//! process has many writers. A container platform describes every service of its network in it, so one that is called
//! `regulars` writes variables with our prefix.

use std::collections::BTreeMap;
use std::io::Read;

use super::keys::{self, Key, Value};
use super::layers::{FILE_VARIABLE, Layers, Source};
use super::values;
use kernel::text::distance;

type Env = BTreeMap<String, String>;

/// Variables that belong to the test suite and the benchmark, not to the configuration.
const FOREIGN: &[&str] = &["REGULARS_TEST_", "REGULARS_BENCH_", "REGULARS_UPDATE"];
/// What a variable has at its end that names a file with the value.
const OF_FILE: &str = "_FILE";
/// Letters that may differ from a name of ours to be one that was misspelt.
const MISSPELT: usize = 2;
/// No secret is larger.
const MOST_SECRET_BYTES: u64 = 64 * 1024;

/// Reads the environment into `layers`, above the file.
pub fn read(layers: &mut Layers, env: &Env) {
    let filled =
        |name: &str| env.get(name).filter(|value| !value.trim().is_empty() && !is_of_platform(name, value));
    // Weakest first: what a later name gives replaces it.
    read_parts(layers, &filled);
    if let Some(text) = filled("DEBUG") {
        match values::boolean(text) {
            Ok(true) => layers.set("log.level", Value::Text("debug".into()), Source::Env("DEBUG".into())),
            Ok(false) => {}
            Err(_) => layers.notices.push("DEBUG is neither true nor false, so it is not read".to_owned()),
        }
    }
    for key in keys::declared() {
        for variable in key.variables() {
            let named = Some(format!("{variable}{OF_FILE}")).filter(|_| key.is_secret());
            let named = named.and_then(|name| Some((filled(&name)?, name)));
            match (filled(&variable), named) {
                (Some(_), Some((_, file))) => {
                    let error =
                        format!("environment {file}: {variable} is set as well; leave out one of them");
                    layers.error(&Source::Env(file), error);
                }
                (Some(text), None) => layers.set(&key.name, key.read(text), Source::Env(variable)),
                (None, Some((path, variable))) => read_secret(layers, key, path, variable),
                (None, None) => {}
            }
        }
    }
    look_at_unknown(layers, env);
}

/// May lines on a terminal have colours (no-color.org)?
pub fn takes_colours(env: &Env) -> bool {
    let refused = env.get("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && env.get("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// A secret in a file of its own, as container platforms mount them.
fn read_secret(layers: &mut Layers, key: &'static Key, path: &str, variable: String) {
    let source = Source::Env(variable);
    let mut text = String::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(MOST_SECRET_BYTES + 1).read_to_string(&mut text));
    let error = match read {
        Err(e) => format!("{path} cannot be read: {e}"),
        Ok(_) if text.len() as u64 > MOST_SECRET_BYTES => format!("{path} is too large for a secret"),
        Ok(_) if text.trim().is_empty() => format!("{path} is empty"),
        Ok(_) => return layers.set(&key.name, key.read(&text), source),
    };
    layers.error(&source, format!("{source}: {error}"));
}

/// Does a container platform write this for a service of its network? Kubernetes writes `…_SERVICE_HOST`,
/// `…_SERVICE_PORT`, `…_SERVICE_PORT_HTTP`, and, as Docker's links do, `…_PORT=tcp://10.0.0.1:8000`,
/// `…_PORT_8000_TCP`, `…_PORT_8000_TCP_ADDR`.
fn is_of_platform(name: &str, value: &str) -> bool {
    let parts: Vec<&str> = name.split('_').collect();
    let numbered = |w: &[&str]| {
        w[0] == "PORT" && w[1].bytes().all(|b| b.is_ascii_digit()) && ["TCP", "UDP", "SCTP"].contains(&w[2])
    };
    let address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    (name.ends_with("_PORT") && address)
        || name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || parts.windows(3).any(numbered)
}

/// Names with our prefix that are none of ours: one that is nearly ours is an error, all others are told in one line.
fn look_at_unknown(layers: &mut Layers, env: &Env) {
    let known: Vec<String> = keys::declared()
        .iter()
        .flat_map(|key| [Some(key.env()), key.is_secret().then(|| key.env() + OF_FILE)])
        .flatten()
        .chain([FILE_VARIABLE.to_owned()])
        .collect();
    let mut others = Vec::new();
    for (variable, value) in env.iter().filter(|(name, _)| name.starts_with("REGULARS_")) {
        let ours = known.contains(variable) || FOREIGN.iter().any(|prefix| variable.starts_with(prefix));
        if ours || is_of_platform(variable, value) {
            continue;
        }
        let misspelt = known.iter().map(|name| (distance(name, variable), name)).min();
        match misspelt.filter(|(distance, _)| *distance <= MISSPELT) {
            Some((_, meant)) => {
                let error =
                    format!("environment {variable}: there is no such setting; did you mean {meant}?");
                layers.error(&Source::Env(variable.clone()), error);
            }
            None => others.push(variable.clone() + &meant(variable)),
        }
    }
    if !others.is_empty() {
        layers
            .notices
            .push(format!("the environment has variables that are not settings: {}", others.join(", ")));
    }
}

fn meant(variable: &str) -> String {
    let name = variable.trim_start_matches("REGULARS_").to_lowercase();
    let meant = keys::nearest(&name).and_then(keys::find);
    meant.map_or(String::new(), |key| format!(" (did you mean {}?)", key.env()))
}

/// The variables that Django deployments use are composed into a database URL. Without the name of the database they
/// are somebody else's: `DB_HOST` alone means many things.
fn read_parts<'e>(layers: &mut Layers, filled: &dyn Fn(&str) -> Option<&'e String>) {
    const NAMES: [&str; 6] =
        ["DB_ENGINE", "CUSTOMER_DB_NAME", "DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD"];
    let names: Vec<&str> = NAMES.into_iter().filter(|name| filled(name).is_some()).collect();
    let chosen = ["DATABASE_URL", "REGULARS_DATABASE_URL"].iter().any(|name| filled(name).is_some());
    let Some(database) = filled("CUSTOMER_DB_NAME") else {
        let choosing = names.iter().any(|name| ["DB_ENGINE", "DB_HOST"].contains(name));
        if choosing && !chosen {
            let names = names.join(", ");
            layers.notices.push(format!("{names} without CUSTOMER_DB_NAME: no database is chosen by that"));
        }
        return;
    };
    let source = Source::Env(names.join(", "));
    match url_of_parts(database, filled) {
        Ok(url) => layers.set("database.url", Value::Text(url), source),
        Err(_) if chosen => {}
        Err(error) => layers.error(&source, error),
    }
}

fn url_of_parts<'e>(database: &str, filled: &dyn Fn(&str) -> Option<&'e String>) -> Result<String, String> {
    let engine = filled("DB_ENGINE").map_or("postgresql", |engine| engine.as_str());
    match engine.rsplit('.').next().unwrap_or(engine) {
        "sqlite3" | "sqlite" => Ok(format!("sqlite://{database}")),
        "postgresql" | "postgres" | "postgresql_psycopg2" => {
            let part = |name: &str, default: &str| {
                values::percent_encode(filled(name).map_or(default, |value| value.as_str()))
            };
            let login = match (filled("DB_USER"), filled("DB_PASSWORD")) {
                (None, _) => String::new(),
                (Some(_), None) => format!("{}@", part("DB_USER", "")),
                (Some(_), Some(_)) => format!("{}:{}@", part("DB_USER", ""), part("DB_PASSWORD", "")),
            };
            let (host, port) = (part("DB_HOST", "localhost"), part("DB_PORT", "5432"));
            Ok(format!("postgresql://{login}{host}:{port}/{}", values::percent_encode(database)))
        }
        other => Err(format!("environment DB_ENGINE: `{other}` is neither postgresql nor sqlite3")),
    }
}
