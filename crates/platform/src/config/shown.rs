//! The effective configuration for people and programs: typed values with the place each came from, as lines of TOML or
//! JSON, and as a whole file to begin with.

use std::fmt;

use toml::Value as Toml;

use super::keys::{DEFAULT_FILE, Kind};
use super::{Config, values};

/// One line of `regulars config`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// Name of the setting.
    pub key: &'static str,
    /// Its effective value with secrets masked.
    pub value: Shown,
    /// `default`, `FILE:LINE`, `environment NAME` or `flag --NAME`.
    pub source: String,
    /// Does the value only stand for the true one, as a mask does, so that it cannot be set again?
    #[serde(skip)]
    pub is_stand_in: bool,
}

/// A value as TOML and JSON have it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum Shown {
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// Texts.
    List(Vec<String>),
}

impl Kind {
    /// A value of this kind. Numbers and flags that are none were told as errors; they are shown as they were written.
    pub(super) fn shown(self, text: String) -> Shown {
        match self {
            Kind::Number => text.parse().map_or(Shown::Text(text), Shown::Number),
            Kind::Boolean => values::boolean(&text).map_or(Shown::Text(text), Shown::Flag),
            Kind::Text | Kind::List => Shown::Text(text),
        }
    }
}

/// As TOML.
impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = match self {
            Shown::Text(text) => Toml::from(text.as_str()),
            Shown::Number(number) => Toml::from(*number),
            Shown::Flag(flag) => Toml::from(*flag),
            Shown::List(texts) => Toml::from(texts.clone()),
        };
        write!(f, "{value}")
    }
}

impl Config {
    /// A file to begin with: every setting with its explanation, those that are at their default commented out, and
    /// secrets left out, for a file is read by more people than an environment.
    pub fn to_file(&self) -> String {
        let mut out = String::from(HEAD);
        let mut section = String::new();
        // After the head of the default file, which speaks of itself.
        for line in DEFAULT_FILE.lines().skip_while(|line| !line.is_empty()) {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = format!("{name}.");
            }
            let name = line.split_once(" = ").filter(|_| !line.starts_with('#')).map(|(name, _)| name);
            let entry = name.and_then(|name| {
                let full = format!("{section}{name}");
                self.explain().iter().find(|entry| entry.key == full)
            });
            match (entry, name) {
                (Some(entry), _) if entry.source == "default" => out.push_str(&format!("#{line}\n")),
                (Some(entry), Some(name)) if entry.is_stand_in => {
                    out.push_str(&format!("#{name} = \"\"  # not copied: {}\n", entry.source));
                }
                (Some(entry), Some(name)) => out.push_str(&format!("{name} = {}\n", entry.value)),
                _ => out.push_str(&format!("{line}\n")),
            }
        }
        out
    }
}

const HEAD: &str = "\
# Configuration of Regulars. Everything has a default: what is commented out is at it. The environment wins over this
# file (REGULARS_ and the name in capitals, with _ for every dot), a flag over both.
";
