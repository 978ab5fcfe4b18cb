//! Puts the layers on top of each other: defaults, the file, the environment, flags. Everything is still
//! text here; what does not belong to a declared setting becomes a fault.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::keys::{self, Value};

/// Which file is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FileChoice {
    /// `regulars.toml` in the working directory, if it is there.
    #[default]
    IfPresent,
    /// This file, which must exist.
    At(PathBuf),
    /// None.
    Nowhere,
}

/// Where the configuration is read from.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file.
    pub file: FileChoice,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// Flags of the command line: the setting's name and its text. A repeated flag adds to a list.
    pub flags: Vec<(&'static str, String)>,
}

impl Sources {
    /// The sources of this process. `REGULARS_CONFIG` names the file if no flag does.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<(&'static str, String)>) -> Sources {
        let env: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| {
                // A value that is not Unicode stays recognisable as unusable instead of vanishing.
                Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
            })
            .collect();
        let named = env.get(FILE_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        let file = file.or(named).map_or(FileChoice::IfPresent, FileChoice::At);
        Sources { file, env, flags }
    }
}

/// Names the configuration file, as `--config` does.
const FILE_VARIABLE: &str = "REGULARS_CONFIG";
/// Variables that belong to the test suite and the benchmark, not to the configuration.
const FOREIGN: &[&str] = &["REGULARS_TEST_", "REGULARS_BENCH_", "REGULARS_UPDATE"];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The default file.
    Default,
    /// A line of the configuration file.
    File(PathBuf, usize),
    /// Environment variables, by name.
    Env(String),
    /// A flag of the command line.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File(path, line) => write!(f, "{}:{line}", path.display()),
            Source::Env(name) => write!(f, "environment {name}"),
            Source::Flag(name) => write!(f, "flag --{name}"),
        }
    }
}

/// A value and where it came from.
#[derive(Clone)]
pub struct Given {
    /// The value.
    pub value: Value,
    /// Where it came from.
    pub source: Source,
}

/// What all layers together say; `faults` collects what they say wrongly.
#[derive(Default)]
pub struct Layers {
    /// By setting name; a setting that nobody gave has its default.
    pub given: BTreeMap<&'static str, Given>,
    /// Sentences.
    pub faults: Vec<String>,
}

impl Layers {
    /// Reads all layers.
    pub fn read(sources: &Sources) -> Layers {
        let mut layers = Layers::default();
        for key in keys::declared() {
            layers.set(&key.name, key.default.clone(), Source::Default);
        }
        layers.read_file(&sources.file);
        layers.read_env(&sources.env);
        layers.read_flags(&sources.flags);
        layers
    }

    fn set(&mut self, name: &'static str, value: Value, source: Source) {
        self.given.insert(name, Given { value, source });
    }

    fn read_file(&mut self, choice: &FileChoice) {
        let path = match choice {
            FileChoice::Nowhere => return,
            FileChoice::At(path) => path.clone(),
            FileChoice::IfPresent => PathBuf::from("regulars.toml"),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => self.read_toml(&path, &text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && *choice == FileChoice::IfPresent => {}
            Err(e) => self.faults.push(format!("{}: cannot be read: {e}", path.display())),
        }
    }

    fn read_toml(&mut self, path: &Path, text: &str) {
        let line_of = |offset: usize| text.get(..offset).unwrap_or(text).matches('\n').count() + 1;
        match DeTable::parse(text) {
            Ok(table) => self.read_table(path, &line_of, "", table.get_ref()),
            Err(e) => {
                // Only the message: the full text of the error quotes the line, which may hold a password.
                let line = e.span().map_or(1, |span| line_of(span.start));
                self.faults.push(format!("{}:{line}: not TOML: {}", path.display(), e.message()));
            }
        }
    }

    fn read_table(
        &mut self,
        path: &Path,
        line_of: &dyn Fn(usize) -> usize,
        prefix: &str,
        table: &DeTable<'_>,
    ) {
        for (name, value) in table {
            let line = line_of(name.span().start);
            let name = format!("{prefix}{}", name.get_ref());
            let is_section = keys::declared().iter().any(|key| key.name.starts_with(&format!("{name}.")));
            match (keys::find(&name), value.get_ref()) {
                (None, DeValue::Table(inner)) if is_section => {
                    self.read_table(path, line_of, &format!("{name}."), inner);
                }
                (None, _) => self.faults.push(format!(
                    "{}:{line}: there is no setting `{name}`{}",
                    path.display(),
                    suggestion(&name)
                )),
                (Some(key), value) => match keys::plain(value) {
                    Some(Value::Text(text)) => {
                        self.set(&key.name, key.read(&text), Source::File(path.to_owned(), line));
                    }
                    Some(list) if matches!(key.default, Value::List(_)) => {
                        self.set(&key.name, list, Source::File(path.to_owned(), line));
                    }
                    _ => self.faults.push(format!(
                        "{}:{line}: {name} takes {}",
                        path.display(),
                        if matches!(key.default, Value::List(_)) { "a list of texts" } else { "one value" }
                    )),
                },
            }
        }
    }

    fn read_env(&mut self, env: &BTreeMap<String, String>) {
        let filled = |name: &str| env.get(name).filter(|value| !value.trim().is_empty());
        // Weakest first: what a later name gives replaces it.
        match database_url_from_parts(&filled) {
            None => {}
            Some(Ok((url, names))) => self.set("database.url", Value::Text(url), Source::Env(names)),
            Some(Err(fault)) if filled("DATABASE_URL").is_none() => self.faults.push(fault),
            Some(Err(_)) => {}
        }
        if let Some(text) = filled("DEBUG") {
            match super::values::boolean(text) {
                Ok(true) => self.set("log.level", Value::Text("debug".into()), Source::Env("DEBUG".into())),
                Ok(false) => {}
                Err(why) => self.faults.push(format!("environment DEBUG: {why}")),
            }
        }
        let own = keys::declared().iter().map(|key| (key.env(), key.name.as_str()));
        let aliases = keys::ALIASES.iter().map(|(alias, name)| ((*alias).to_owned(), *name));
        for (variable, name) in aliases.chain(own) {
            if let (Some(text), Some(key)) = (filled(&variable), keys::find(name)) {
                self.set(&key.name, key.read(text), Source::Env(variable));
            }
        }
        for variable in env.keys().filter(|name| name.starts_with("REGULARS_")) {
            let known = variable == FILE_VARIABLE
                || FOREIGN.iter().any(|prefix| variable.starts_with(prefix))
                || keys::declared().iter().any(|key| key.env() == *variable);
            if !known {
                let name = variable.trim_start_matches("REGULARS_").to_lowercase();
                let meant = keys::nearest(&name).and_then(keys::find);
                let meant = meant.map_or(String::new(), |key| format!("; did you mean {}?", key.env()));
                self.faults.push(format!("environment {variable}: there is no such setting{meant}"));
            }
        }
    }

    fn read_flags(&mut self, flags: &[(&'static str, String)]) {
        for (name, text) in flags {
            let Some(key) = keys::find(name) else {
                self.faults.push(format!("flag: there is no setting `{name}`{}", suggestion(name)));
                continue;
            };
            let source = Source::Flag(name.replace(['.', '_'], "-"));
            let mut value = key.read(text);
            if let (Value::List(new), Some(Given { value: Value::List(old), source: before })) =
                (&mut value, self.given.get(key.name.as_str()))
                && *before == source
            {
                new.splice(0..0, old.iter().cloned());
            }
            self.set(&key.name, value, source);
        }
    }
}

fn suggestion(name: &str) -> String {
    keys::nearest(name).map_or(String::new(), |meant| format!("; did you mean `{meant}`?"))
}

/// Composes the database URL from the variables that Django deployments use. `None` if none of those
/// that choose a database is set; a stray `DB_USER` alone does not.
fn database_url_from_parts<'e>(
    filled: &dyn Fn(&str) -> Option<&'e String>,
) -> Option<Result<(String, String), String>> {
    const NAMES: [&str; 6] =
        ["DB_ENGINE", "CUSTOMER_DB_NAME", "DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD"];
    let names: Vec<&str> = NAMES.into_iter().filter(|name| filled(name).is_some()).collect();
    if !names.iter().any(|name| NAMES[..3].contains(name)) {
        return None;
    }
    let names = names.join(", ");
    let Some(database) = filled("CUSTOMER_DB_NAME") else {
        return Some(Err(format!("environment {names}: CUSTOMER_DB_NAME must name the database as well")));
    };
    let engine = filled("DB_ENGINE").map_or("postgresql", |engine| engine.as_str());
    match engine.rsplit('.').next().unwrap_or(engine) {
        "sqlite3" | "sqlite" => Some(Ok((format!("sqlite://{database}"), names))),
        "postgresql" | "postgres" | "postgresql_psycopg2" => {
            let part = |name: &str, default: &str| {
                super::values::percent_encode(filled(name).map_or(default, |value| value.as_str()))
            };
            let login = match (filled("DB_USER"), filled("DB_PASSWORD")) {
                (None, _) => String::new(),
                (Some(_), None) => format!("{}@", part("DB_USER", "")),
                (Some(_), Some(_)) => format!("{}:{}@", part("DB_USER", ""), part("DB_PASSWORD", "")),
            };
            let (host, port) = (part("DB_HOST", "localhost"), part("DB_PORT", "5432"));
            let name = part("CUSTOMER_DB_NAME", "");
            Some(Ok((format!("postgresql://{login}{host}:{port}/{name}"), names)))
        }
        other => Some(Err(format!("environment DB_ENGINE: `{other}` is neither postgresql nor sqlite3"))),
    }
}
