//! What can be said about an import, and how it is kept with the job.

use kernel::FieldError;
use serde::{Deserialize, Serialize};

use super::columns::{Column, Rule, Unknown, parse_mapping};
use super::encoding::Encoding;
use super::values::DateOrder;

/// What is done with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportMode)]
pub enum Mode {
    /// New customers are created, known ones skipped.
    #[default]
    Create,
    /// Known customers are changed, others skipped.
    Update,
    /// Known customers are changed, others created.
    Upsert,
}

/// By what a row finds its customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportMatch)]
pub enum MatchKey {
    /// `CUST_…`, or the UUID.
    CustomerId,
    /// The id in another program.
    ExternalId,
    /// The normalised e-mail address.
    Email,
    /// The digits of the telephone number.
    Phone,
}

/// What happens after a row that could not be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportOnError)]
pub enum OnError {
    /// The next one.
    #[default]
    Skip,
    /// Nothing more.
    Stop,
}

/// What an empty cell means for a known customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportEmpty)]
pub enum Empty {
    /// The value stays.
    #[default]
    Keep,
    /// The value is cleared.
    Clear,
}

/// How the records stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportFormat)]
pub enum Format {
    /// A table whose first row names the columns.
    Csv,
    /// One JSON object in a line, with the members of the API.
    Ndjson,
}

impl Format {
    /// What the name of a file says.
    pub fn of_name(name: &str) -> Option<Format> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "tab" | "txt" => Some(Format::Csv),
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            _ => None,
        }
    }
}

/// What somebody says about an import. Everything has a default.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// By the file's name or media type if it is not said.
    pub format: Option<Format>,
    /// See [`Mode`].
    pub mode: Mode,
    /// The first that a row has, if it is not said.
    pub match_by: Option<MatchKey>,
    /// Only the verdicts.
    pub dry_run: bool,
    /// Columns that are not what their names say.
    pub mapping: Vec<Rule>,
    /// See [`Unknown`].
    pub unknown: Unknown,
    /// Guessed if it is not said.
    pub delimiter: Option<u8>,
    /// Guessed if it is not said.
    pub encoding: Option<Encoding>,
    /// See [`DateOrder`].
    pub date_order: Option<DateOrder>,
    /// See [`Empty`].
    pub empty: Empty,
    /// See [`OnError`].
    pub on_error: OnError,
}

/// The parameters of the route and the flags of the command, as they are typed.
pub const PARAMETERS: &[&str] = &[
    "format",
    "mode",
    "match",
    "dry_run",
    "mapping",
    "unknown",
    "delimiter",
    "encoding",
    "date_order",
    "empty",
    "on_error",
];

impl Options {
    /// Takes one parameter. The error says what is allowed.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), FieldError> {
        let text = if name == "delimiter" { text } else { text.trim() };
        let wrong = |allowed: &str| {
            let name = PARAMETERS.iter().find(|n| **n == name).copied().unwrap_or("parameter");
            FieldError::new(name, "invalid_choice", format!("must be {allowed}"))
        };
        fn choice<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
            serde_json::from_value(text.to_lowercase().into()).ok()
        }
        match name {
            "format" => self.format = Some(choice(text).ok_or_else(|| wrong("csv or ndjson"))?),
            "mode" => self.mode = choice(text).ok_or_else(|| wrong("create, update or upsert"))?,
            "match" => {
                let allowed = "customer_id, external_id, email or phone";
                self.match_by = Some(choice(text).ok_or_else(|| wrong(allowed))?);
            }
            "dry_run" => self.dry_run = choice_bool(text).ok_or_else(|| wrong("true or false"))?,
            "mapping" => self.mapping.extend(parse_mapping(text)?),
            "unknown" => self.unknown = choice(text).ok_or_else(|| wrong("ignore, refuse or metadata"))?,
            "delimiter" => {
                self.delimiter = Some(delimiter(text).ok_or_else(|| wrong("one of , ; | and tab"))?);
            }
            "encoding" => {
                let allowed = "utf-8, utf-16le, utf-16be, or an encoding with one byte for a character such as \
                               windows-1252";
                self.encoding = Some(Encoding::from_label(text).ok_or_else(|| wrong(allowed))?);
            }
            "date_order" => self.date_order = Some(choice(text).ok_or_else(|| wrong("dmy or mdy"))?),
            "empty" => self.empty = choice(text).ok_or_else(|| wrong("keep or clear"))?,
            "on_error" => self.on_error = choice(text).ok_or_else(|| wrong("skip or stop"))?,
            _ => {
                let message =
                    format!("is not a parameter of an import; allowed are {}", PARAMETERS.join(", "));
                let name: String = name.chars().take(64).collect();
                return Err(FieldError::new(name, "unknown_parameter", message));
            }
        }
        Ok(())
    }
}

fn choice_bool(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn delimiter(text: &str) -> Option<u8> {
    match text {
        "," | "comma" => Some(b','),
        ";" | "semicolon" => Some(b';'),
        "|" | "pipe" => Some(b'|'),
        "\t" | "tab" | "\\t" => Some(b'\t'),
        _ => None,
    }
}

/// What the job needs to know about its file: the decisions, no guesses left.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Spec {
    /// See [`Format`].
    pub format: Format,
    /// See [`Mode`].
    pub mode: Mode,
    /// See [`MatchKey`].
    #[serde(rename = "match")]
    pub match_by: Option<MatchKey>,
    /// The columns in order; none for NDJSON.
    pub columns: Vec<Column>,
    /// Of a table.
    pub delimiter: char,
    /// Its name.
    pub encoding: String,
    /// See [`DateOrder`].
    pub date_order: Option<DateOrder>,
    /// See [`Empty`].
    pub empty: Empty,
    /// See [`OnError`].
    pub on_error: OnError,
    /// Of the file, in bytes.
    pub size: u64,
    /// Where its records begin.
    pub start: Position,
}

impl Spec {
    /// See [`Encoding`].
    pub fn encoding(&self) -> Encoding {
        Encoding::from_label(&self.encoding).unwrap_or(Encoding::Utf8)
    }
}

/// Where reading goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Position {
    /// Byte of the file.
    pub offset: u64,
    /// Number of the last row that is done; the first row of the file is 1.
    pub row: i64,
    /// That row opens a quote that is never closed: nothing after it can be read.
    #[serde(default)]
    pub unclosed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_is_read_and_refused_with_what_is_allowed() {
        let mut options = Options::default();
        for (name, text) in [
            ("format", "CSV"),
            ("mode", "upsert"),
            ("match", "external_id"),
            ("dry_run", "true"),
            ("mapping", "a=email,b="),
            ("unknown", "refuse"),
            ("delimiter", "\t"),
            ("encoding", "latin1"),
            ("date_order", "dmy"),
            ("empty", "clear"),
            ("on_error", "stop"),
        ] {
            options.set(name, text).unwrap();
            if name != "mapping" {
                let error = options.set(name, "nonsense").unwrap_err();
                assert_eq!((error.field.as_str(), error.code), (name, "invalid_choice"));
            }
        }
        assert_eq!((options.mode, options.match_by), (Mode::Upsert, Some(MatchKey::ExternalId)));
        assert_eq!((options.delimiter, options.mapping.len()), (Some(b'\t'), 2));
        assert_eq!(options.set("modus", "x").unwrap_err().code, "unknown_parameter");
    }
}
