//! Which keys exist: read from the embedded default file, where each stands once with its default and
//! its explanation.

use std::sync::LazyLock;

use toml::de::{DeTable, DeValue};

use kernel::text::{distance, nearest_of};

/// The default file as it is embedded in the binary.
pub const DEFAULT_FILE: &str = include_str!("default.toml");

/// Names of environment variables that other systems use for the same settings. The `REGULARS_` name wins.
pub const ALIASES: &[(&str, &str)] = &[
    ("DATABASE_URL", "database.url"),
    ("SERVICE_NAME", "service_name"),
    ("LOG_LEVEL", "log.level"),
    ("SECRET_KEY", "secret_key"),
    ("CONSUL_HOST", "consul.host"),
    ("CONSUL_PORT", "consul.port"),
];

/// Settings that are, or may hold, a secret: a variable with `_FILE` at its end names a file that holds it.
const SECRETS: &[&str] =
    &["secret_key", "database.url", "mail.smtp_url", "bootstrap.admin_password", "bootstrap.api_key"];

/// What people who know other servers call a setting.
const OTHER_NAMES: &[(&str, &str)] = &[("port", "listen"), ("host", "listen"), ("bind", "listen")];

/// How a value is written in TOML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// In quotes.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Texts in brackets.
    List,
}

/// What a setting is before its type is known: text, or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// One value, as it would be written in the environment.
    Text(String),
    /// Several values.
    List(Vec<String>),
}

/// One declared setting.
#[derive(Debug, Clone)]
pub struct Key {
    /// Dotted name, such as `log.level`.
    pub name: String,
    /// The default, from the default file.
    pub default: Value,
    /// How the default file writes it.
    pub kind: Kind,
    /// The comment above it, lines joined by spaces.
    pub help: String,
}

impl Key {
    /// The environment variable that sets it: `REGULARS_LOG_LEVEL`.
    pub fn env(&self) -> String {
        format!("REGULARS_{}", self.name.replace('.', "_").to_uppercase())
    }

    /// Every environment variable that sets it, the weakest first.
    pub fn variables(&self) -> impl Iterator<Item = String> {
        let aliases = ALIASES.iter().filter(|(_, name)| *name == self.name);
        aliases.map(|(alias, _)| (*alias).to_owned()).chain([self.env()])
    }

    /// Is it, or may it hold, a secret?
    pub fn is_secret(&self) -> bool {
        SECRETS.contains(&self.name.as_str())
    }

    /// Reads text from the environment or a flag: lists are separated by commas.
    pub fn read(&self, text: &str) -> Value {
        match self.default {
            Value::Text(_) => Value::Text(text.trim().to_owned()),
            Value::List(_) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Value::List(parts.map(str::to_owned).collect())
            }
        }
    }
}

static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| parse(DEFAULT_FILE));

/// Every declared setting, in the order of the default file.
pub fn declared() -> &'static [Key] {
    &KEYS
}

/// The declared setting of this name.
pub fn find(name: &str) -> Option<&'static Key> {
    declared().iter().find(|key| key.name == name)
}

/// Reads comments and values. The file is part of the program, so a mistake in it is a bug that the
/// first test finds.
fn parse(text: &str) -> Vec<Key> {
    let values = DeTable::parse(text).expect("the embedded default file is TOML");
    let mut keys = Vec::new();
    let mut section = String::new();
    let mut help: Vec<&str> = Vec::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            help.push(comment.trim());
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = format!("{name}.");
            help.clear();
        } else if let Some((name, _)) = line.split_once(" = ") {
            let name = format!("{section}{name}");
            let (default, kind) = lookup(values.get_ref(), &name)
                .and_then(|value| Some((plain(value)?, kind(value))))
                .expect("a default is a value or a list of values");
            keys.push(Key { name, default, kind, help: help.join(" ") });
            help.clear();
        } else {
            help.clear();
        }
    }
    keys
}

fn lookup<'t, 'i>(table: &'t DeTable<'i>, name: &str) -> Option<&'t DeValue<'i>> {
    let (head, rest) = name.split_once('.').map_or((name, None), |(head, rest)| (head, Some(rest)));
    let value = table.iter().find(|(key, _)| key.get_ref() == head)?.1.get_ref();
    match rest {
        Some(rest) => lookup(value.as_table()?, rest),
        None => Some(value),
    }
}

fn kind(value: &DeValue<'_>) -> Kind {
    match value {
        DeValue::Array(_) => Kind::List,
        DeValue::Boolean(_) => Kind::Boolean,
        DeValue::Integer(_) => Kind::Number,
        _ => Kind::Text,
    }
}

/// A TOML value as text or a list of texts; `None` for a table and for lists of lists.
pub fn plain(value: &DeValue<'_>) -> Option<Value> {
    let scalar = |value: &DeValue<'_>| match value {
        DeValue::String(text) => Some(text.trim().to_owned()),
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok().map(|n| n.to_string()),
        DeValue::Float(n) => Some(n.as_str().to_owned()),
        DeValue::Boolean(b) => Some(b.to_string()),
        DeValue::Datetime(at) => Some(at.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    };
    match value {
        DeValue::Array(items) => {
            items.iter().map(|item| scalar(item.get_ref())).collect::<Option<_>>().map(Value::List)
        }
        other => scalar(other).map(Value::Text),
    }
}

/// The declared name that somebody who wrote `wrong` most likely meant.
pub fn nearest(wrong: &str) -> Option<&'static str> {
    let wrong = wrong.to_lowercase();
    if let Some((_, meant)) = OTHER_NAMES.iter().find(|(other, _)| *other == wrong) {
        return Some(meant);
    }
    let tail = |name: &'static str| name.split_once('.').map_or(name, |(_, leaf)| leaf);
    declared()
        .iter()
        .map(|key| key.name.as_str())
        // `pool_size` alone is meant as `database.pool_size`.
        .map(|name| (distance(name, &wrong).min(distance(tail(name), &wrong)), name))
        .min()
        .filter(|(letters, _)| *letters <= (wrong.len() / 3).max(1))
        .map(|(_, name)| name)
}

/// The section of the file that somebody who wrote `[wrong]` most likely meant.
pub fn nearest_section(wrong: &str) -> Option<&'static str> {
    nearest_of(wrong, declared().iter().filter_map(|key| Some(key.name.split_once('.')?.0)))
}

#[cfg(test)]
mod tests {
    use super::{ALIASES, OTHER_NAMES, SECRETS, declared, find, nearest, nearest_section};

    #[test]
    fn every_setting_is_explained_and_has_its_own_variable() {
        let mut names = std::collections::BTreeSet::new();
        for key in declared() {
            assert!(key.help.len() > 20 || key.help.starts_with("See "), "{} is not explained", key.name);
            assert!(names.insert(key.env()), "{} is the variable of two settings", key.env());
        }
        assert!(names.len() > 35, "{names:?}");
        let named = ALIASES.iter().chain(OTHER_NAMES).map(|(_, key)| key).chain(SECRETS);
        assert!(named.into_iter().all(|key| find(key).is_some()));
    }

    #[test]
    fn the_nearest_name_is_the_one_meant() {
        assert_eq!(nearest("log.levle"), Some("log.level"));
        assert_eq!(nearest("pool_size"), Some("database.pool_size"));
        assert_eq!(nearest("Listen"), Some("listen"));
        assert_eq!(nearest("port"), Some("listen"));
        assert_eq!(nearest("something_else_entirely"), None);
        assert_eq!(nearest_section("databse"), Some("database"));
        assert_eq!(nearest_section("nonsense"), None);
    }
}
