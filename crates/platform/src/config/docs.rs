//! `docs/configuration.md`, made from the default file, so that a setting is explained once.

use std::fmt::Write;

use super::keys::{self, Value};

/// The documentation of all settings as Markdown.
pub fn markdown() -> String {
    let mut out = String::from(INTRODUCTION);
    let mut section = "";
    for key in keys::declared() {
        let here = key.name.split_once('.').map_or("", |(section, _)| section);
        if here != section {
            section = here;
            let _ = write!(out, "\n## [{section}]\n");
        }
        let default = match &key.default {
            Value::Text(text) if text.is_empty() => "empty".to_owned(),
            Value::Text(text) => format!("`{text}`"),
            Value::List(texts) if texts.is_empty() => "none".to_owned(),
            Value::List(texts) => format!("`{}`", texts.join(", ")),
        };
        let aliases: String = keys::ALIASES
            .iter()
            .filter(|(_, name)| *name == key.name)
            .map(|(alias, _)| format!(", also `{alias}`"))
            .collect();
        let _ = write!(out, "\n### {}\n{}\n\nDefault: {default}. ", key.name, escape(&key.help));
        let file = if key.is_secret() {
            format!(", or `{}_FILE`, which names a file that holds it", key.env())
        } else {
            String::new()
        };
        let _ = writeln!(out, "Environment: `{}`{aliases}{file}.", key.env());
    }
    out
}

/// `<address>` would be read as a tag.
fn escape(text: &str) -> String {
    text.replace('<', "\\<").replace('_', "\\_").replace('*', "\\*")
}

const INTRODUCTION: &str = "\
# Configuration

This page is made from `crates/platform/src/config/default.toml`; change that file, then run the tests of `platform`
with `REGULARS_UPDATE=1`.

Everything has a default: `regulars serve` needs no configuration. A setting can stand in a file
(`regulars.toml` in the working directory, or `--config FILE`, or `REGULARS_CONFIG`), in the environment, or in a flag. A flag
wins over the environment, the environment over the file. An empty environment variable counts as not set; lists
are written with commas in the environment. An unknown setting in the file, a `REGULARS_…` variable that is nearly the name of one, or
a value that cannot be used stops the start with a message that names all of them. Other variables with this beginning are told in one line
of the log, and what Kubernetes and Docker write for a service called `regulars` (`REGULARS_PORT=tcp://…`, `REGULARS_SERVICE_HOST`) is left
alone. `regulars config` prints the effective configuration as TOML with secrets masked, and where each value came from;
`regulars config --toml > regulars.toml` writes a file to begin with.

A secret can stand in a file of its own, as container platforms mount them: the variable with `_FILE` at its end names it.

Variables that other deployments use are understood as well; the `REGULARS_…` name wins over them:

- `DATABASE_URL`, `SERVICE_NAME`, `LOG_LEVEL`, `SECRET_KEY`, `CONSUL_HOST`, `CONSUL_PORT`: see the settings below.
- `DEBUG=true` means `log.level = \"debug\"` unless a level is set; a `DEBUG` that is neither true nor false is another program's.
- `DB_ENGINE` (postgresql or sqlite3), `CUSTOMER_DB_NAME`, `DB_HOST`, `DB_PORT`, `DB_USER`, `DB_PASSWORD` are composed into `database.url` unless
  that is set. Without `CUSTOMER_DB_NAME` they choose nothing.
- `REDIS_URL` is accepted; the log says at the start that it is not part of this build.

## General
";
