//! Which keys exist: read from the embedded default file, where each stands once with its default and
//! its explanation.

use std::sync::LazyLock;

use strsim::osa_distance;
use toml::de::{DeTable, DeValue};

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
    /// The comment above it, lines joined by spaces.
    pub help: String,
}

impl Key {
    /// The environment variable that sets it: `REGULARS_LOG_LEVEL`.
    pub fn env(&self) -> String {
        format!("REGULARS_{}", self.name.replace('.', "_").to_uppercase())
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
            let default = lookup(values.get_ref(), &name)
                .and_then(plain)
                .expect("a default is a value or a list of values");
            keys.push(Key { name, default, help: help.join(" ") });
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
    let tail = |name: &'static str| name.split_once('.').map_or(name, |(_, leaf)| leaf);
    declared()
        .iter()
        .map(|key| key.name.as_str())
        // `pool_size` alone is meant as `database.pool_size`.
        .map(|name| (osa_distance(name, &wrong).min(osa_distance(tail(name), &wrong)), name))
        .min()
        .filter(|(distance, _)| *distance <= (wrong.len() / 3).max(1))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::{ALIASES, declared, find, nearest};

    #[test]
    fn every_setting_is_explained_and_has_its_own_variable() {
        let mut names = std::collections::BTreeSet::new();
        for key in declared() {
            assert!(key.help.len() > 20 || key.help.starts_with("See "), "{} is not explained", key.name);
            assert!(names.insert(key.env()), "{} is the variable of two settings", key.env());
        }
        assert!(names.len() > 35, "{names:?}");
        assert!(ALIASES.iter().all(|(_, key)| find(key).is_some()));
    }

    #[test]
    fn the_nearest_name_is_the_one_meant() {
        assert_eq!(nearest("log.levle"), Some("log.level"));
        assert_eq!(nearest("pool_size"), Some("database.pool_size"));
        assert_eq!(nearest("Listen"), Some("listen"));
        assert_eq!(nearest("something_else_entirely"), None);
    }
}
