//! The query of a route that is no list: a few named parameters.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use crate::text::did_you_mean;
use crate::web::list::decode;
use crate::{Error, Result};
use axum::http::Uri;

/// Parameters by name; an unknown one is 400 and the sentence lists what is allowed.
pub struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// Reads the query. 400 for a parameter that is not allowed, or given twice.
    pub fn parse(uri: &'a Uri, allowed: &[&str]) -> Result<Query<'a>> {
        let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        for part in uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !allowed.contains(&name.as_ref()) {
                let name: String = name.chars().take(64).collect();
                let near = did_you_mean(&name, allowed.iter().copied());
                let detail =
                    format!("Unknown parameter \"{name}\"{near}; allowed are {}", allowed.join(", "));
                return Err(Error::bad_request("UNKNOWN_PARAMETER", detail));
            }
            if pairs.iter().any(|(n, _)| *n == name) {
                return Err(Error::bad_request(
                    "PARAMETER_REPEATED",
                    format!("{name} was given more than once"),
                ));
            }
            pairs.push((name, value));
        }
        Ok(Query(pairs))
    }

    /// A whole number within bounds; 400 for anything else.
    pub fn number(&self, name: &str, within: RangeInclusive<i64>) -> Result<Option<i64>> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let (least, most) = (within.start(), within.end());
        let detail = || format!("{name} must be a whole number from {least} to {most}");
        let number = text.parse().ok().filter(|n| within.contains(n));
        number.map(Some).ok_or_else(|| Error::bad_request("PARAMETER_INVALID", detail()))
    }

    /// True or false; 400 for anything else.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(Error::bad_request("PARAMETER_INVALID", format!("{name} must be true or false"))),
        }
    }

    /// The value; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }
}
