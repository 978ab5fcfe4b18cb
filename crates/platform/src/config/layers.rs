//! Puts the layers on top of each other: defaults, the file, the environment (`environment.rs`), flags. Everything
//! is still text here; what does not belong to a declared setting becomes an error.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::environment;
use super::keys::{self, Kind, Value};

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
pub(super) const FILE_VARIABLE: &str = "REGULARS_CONFIG";

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
pub struct SourcedValue {
    /// The value.
    pub value: Value,
    /// Where it came from.
    pub source: Source,
}

/// What all layers together say, and what they say wrongly.
#[derive(Default)]
pub struct Layers {
    /// By setting name; a setting that nobody gave has its default.
    pub given: BTreeMap<&'static str, SourcedValue>,
    /// Sentences for the log: what was not read.
    pub notices: Vec<String>,
    errors: Vec<((u8, usize), String)>,
}

impl Layers {
    /// Reads all layers.
    pub fn read(sources: &Sources) -> Layers {
        let mut layers = Layers::default();
        for key in keys::declared() {
            layers.set(&key.name, key.default.clone(), Source::Default);
        }
        layers.read_file(&sources.file);
        environment::read(&mut layers, &sources.env);
        layers.read_flags(&sources.flags);
        layers
    }

    /// Notes what is wrong with something that stands in `place`.
    pub fn error(&mut self, place: &Source, sentence: String) {
        let order = match place {
            Source::Default => (0, 0),
            Source::File(_, line) => (1, *line),
            Source::Env(_) => (2, 0),
            Source::Flag(_) => (3, 0),
        };
        self.errors.push((order, sentence));
    }

    /// What is wrong, in the order in which a person would look for it: the file by its lines, the environment, flags.
    pub fn into_faults(mut self) -> Vec<String> {
        self.errors.sort_by_key(|(order, _)| *order);
        self.errors.into_iter().map(|(_, sentence)| sentence).collect()
    }

    pub(super) fn set(&mut self, name: &'static str, value: Value, source: Source) {
        self.given.insert(name, SourcedValue { value, source });
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
            Err(e) => {
                self.error(
                    &Source::File(path.clone(), 0),
                    format!("{}: cannot be read: {e}", path.display()),
                );
            }
        }
    }

    fn read_toml(&mut self, path: &Path, text: &str) {
        let line_of = |offset: usize| text.get(..offset).unwrap_or(text).matches('\n').count() + 1;
        match DeTable::parse(text) {
            Ok(table) => self.read_table(path, &line_of, "", table.get_ref()),
            Err(e) => {
                // Only the message: the full text of the error quotes the line, which may hold a password.
                let line = e.span().map_or(1, |span| line_of(span.start));
                self.fault_at(path, line, &format!("not TOML: {}", e.message()));
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
                (None, DeValue::Table(_)) => {
                    let meant = keys::nearest_section(&name);
                    let meant = meant.map_or(String::new(), |meant| format!("; did you mean `[{meant}]`?"));
                    self.fault_at(path, line, &format!("there is no section `[{name}]`{meant}"));
                }
                (None, _) => {
                    let error = format!("there is no setting `{name}`{}", suggestion(&name));
                    self.fault_at(path, line, &error);
                }
                (Some(key), value) => match keys::plain(value) {
                    Some(Value::Text(text)) => {
                        self.set(&key.name, key.read(&text), Source::File(path.to_owned(), line));
                    }
                    Some(list) if key.kind == Kind::List => {
                        self.set(&key.name, list, Source::File(path.to_owned(), line));
                    }
                    _ => {
                        let takes = if key.kind == Kind::List { "a list of texts" } else { "one value" };
                        self.fault_at(path, line, &format!("{name} takes {takes}"));
                    }
                },
            }
        }
    }

    fn fault_at(&mut self, path: &Path, line: usize, error: &str) {
        let sentence = format!("{}:{line}: {error}", path.display());
        self.error(&Source::File(path.to_owned(), line), sentence);
    }

    fn read_flags(&mut self, flags: &[(&'static str, String)]) {
        for (name, text) in flags {
            let source = Source::Flag(name.replace(['.', '_'], "-"));
            let Some(key) = keys::find(name) else {
                self.error(&source, format!("flag: there is no setting `{name}`{}", suggestion(name)));
                continue;
            };
            let mut value = key.read(text);
            if let (Value::List(new), Some(SourcedValue { value: Value::List(old), source: before })) =
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
