//! Query parameters → [`ListRequest`]. What cannot be read is 400, and the sentence lists what can.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::{
    Accepts, Cursor, DEFAULT_LIMIT, Filter, FilterValue, ListRequest, ListSpec, MAX_LIMIT, Order, Page,
    Style, cursor,
};
use crate::text::did_you_mean;
use crate::web::field::{parse_date, parse_time};
use crate::{Error, Kind, Result};

/// The parameters that every list has.
pub(super) const COMMON: [&str; 8] =
    ["limit", "offset", "skip", "page", "cursor", "sort", "sort_by", "sort_order"];
/// No list is so long, and no cursor counts further; beyond it the arithmetic of pages would overflow.
pub(super) const MAX_OFFSET: u64 = 1_000_000_000_000;
/// Rows that a page may skip: the database reads each of them, and a cursor costs the same at any depth.
const MAX_SKIPPED: u64 = 1_000_000;
const MAX_VALUE: usize = 1000;
const MAX_SORTS: usize = 4;

/// Reads the query of a list route.
pub fn parse(spec: &'static ListSpec, query: &str) -> Result<ListRequest> {
    let mut pairs = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        pairs.push((decode(name)?, decode(value)?));
    }
    parse_pairs(spec, pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))
}

/// Reads parameters that came another way, such as the members of a search body.
pub fn parse_pairs<'q>(
    spec: &'static ListSpec,
    pairs: impl Iterator<Item = (&'q str, &'q str)>,
) -> Result<ListRequest> {
    let mut parameters = Parameters { spec, common: [None; COMMON.len()], filters: Vec::new() };
    for (name, value) in pairs {
        parameters.take(name, value)?;
    }
    parameters.finish()
}

/// Percent-decoding of one name or value; `+` is a space.
pub fn decode(text: &str) -> Result<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    let broken = || Error::bad_request("QUERY_INVALID", "The query is not percent-encoded UTF-8");
    // The library takes a `%` that begins nothing as it stands.
    let is_digits = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !text.split('%').skip(1).all(is_digits) {
        return Err(broken());
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| broken())?;
    Ok(Cow::Owned(decoded.into_owned()))
}

struct Parameters<'q> {
    spec: &'static ListSpec,
    common: [Option<&'q str>; COMMON.len()],
    filters: Vec<(&'static Filter, FilterValue)>,
}

impl<'q> Parameters<'q> {
    fn take(&mut self, name: &str, value: &'q str) -> Result<()> {
        if let Some(i) = COMMON.iter().position(|common| *common == name) {
            return match self.common[i].replace(value) {
                Some(_) => Err(repeated(name)),
                None => Ok(()),
            };
        }
        let Some(filter) = self.spec.filters.iter().find(|filter| filter.name == name) else {
            return Err(self.unknown(name));
        };
        if self.filters.iter().any(|(f, _)| f.name == name) {
            return Err(repeated(name));
        }
        // A form that is sent with an empty field means no filter.
        if !value.trim().is_empty() {
            self.filters.push((filter, read_filter(filter, value)?));
        }
        Ok(())
    }

    fn unknown(&self, name: &str) -> Error {
        let allowed: Vec<&str> = self.spec.filters.iter().map(|f| f.name).chain(COMMON).collect();
        let name: String = name.chars().take(64).collect();
        let near = did_you_mean(&name, allowed.iter().copied());
        let detail = format!("Unknown parameter \"{name}\"{near}; allowed are {}", allowed.join(", "));
        Error::bad_request("UNKNOWN_PARAMETER", detail)
    }

    /// The value of a common parameter; an empty one counts as absent.
    fn common(&self, name: &str) -> Option<&'q str> {
        let i = COMMON.iter().position(|common| *common == name)?;
        self.common[i].map(str::trim).filter(|value| !value.is_empty())
    }

    fn number(&self, name: &str, least: u64) -> Result<Option<u64>> {
        let Some(text) = self.common(name) else { return Ok(None) };
        let n: i128 = text.parse().map_err(|_| {
            let shown: String = text.chars().take(64).collect();
            Error::bad_request("PARAMETER_INVALID", format!("{name}: \"{shown}\" is not a whole number"))
        })?;
        match u64::try_from(n) {
            Ok(n) if (least..=MAX_OFFSET).contains(&n) => Ok(Some(n)),
            _ => {
                let most = if name == "limit" { MAX_LIMIT.into() } else { MAX_OFFSET };
                let detail = format!("{name} must be at least {least} and at most {most}");
                Err(Error::new(Kind::Invalid, "PARAMETER_OUT_OF_RANGE", detail))
            }
        }
    }

    fn limit(&self) -> Result<u32> {
        match self.number("limit", 1)? {
            None => Ok(DEFAULT_LIMIT),
            Some(n) => u32::try_from(n).ok().filter(|n| *n <= MAX_LIMIT).ok_or_else(|| {
                Error::new(Kind::Invalid, "LIMIT_TOO_LARGE", format!("limit must be at most {MAX_LIMIT}"))
            }),
        }
    }

    fn finish(self) -> Result<ListRequest> {
        let limit = self.limit()?;
        let (order, id_descending) = self.order()?;
        let mut request = ListRequest {
            spec: self.spec,
            filters: Vec::new(),
            order,
            page: Page::Offset(0),
            limit,
            is_sorted: ["sort", "sort_by", "sort_order"].iter().any(|name| self.common(name).is_some()),
            id_descending,
            style: Style::Cursor,
            uri: None,
        };
        (request.page, request.style) = self.page(&request)?;
        request.filters = self.filters;
        Ok(request)
    }

    fn page(&self, request: &ListRequest) -> Result<(Page, Style)> {
        let offset = match (self.number("offset", 0)?, self.number("skip", 0)?) {
            (Some(a), Some(b)) if a != b => return Err(exclusive("offset and skip are the same parameter")),
            (a, b) => a.or(b),
        };
        let number = self.number("page", 1)?;
        match (self.common("cursor"), offset, number) {
            (None, None, None) => Ok((Page::Offset(0), Style::Cursor)),
            (Some(text), None, None) => {
                let cursor: Cursor = cursor::read(text, &request.sort_text(), &request.order)?;
                Ok((Page::Cursor(cursor), Style::Cursor))
            }
            (None, Some(n), None) => Ok((skip(n)?, Style::Offset)),
            (None, None, Some(n)) => {
                Ok((skip((n - 1).saturating_mul(u64::from(request.limit)))?, Style::Number))
            }
            _ => Err(exclusive("cursor, offset and page exclude each other")),
        }
    }

    fn order(&self) -> Result<(Vec<Order>, bool)> {
        let (by, direction) = (self.common("sort_by"), self.common("sort_order"));
        let descending = match direction.map(str::to_ascii_lowercase).as_deref() {
            None => None,
            Some("asc") => Some(false),
            Some("desc") => Some(true),
            Some(_) => {
                return Err(Error::bad_request("PARAMETER_INVALID", "sort_order must be asc or desc"));
            }
        };
        match (self.common("sort"), by, descending) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
                Err(exclusive("sort and sort_by with sort_order are two ways to say the same"))
            }
            (Some(text), None, None) => self.read_sort(text),
            (None, Some(field), way) => {
                let name = field.trim_start_matches('-');
                let down = way.unwrap_or(field.starts_with('-'));
                self.read_sort(&format!("{}{name}", if down { "-" } else { "" }))
            }
            (None, None, Some(down)) => {
                let name = self.spec.default_sort.trim_start_matches('-');
                self.read_sort(&format!("{}{name}", if down { "-" } else { "" }))
            }
            (None, None, None) => self.read_sort(self.spec.default_sort),
        }
    }

    /// Reads `-created_at,last_name`; `id` may stand last, where it always is.
    fn read_sort(&self, text: &str) -> Result<(Vec<Order>, bool)> {
        let mut orders: Vec<Order> = Vec::new();
        let mut fields = text.split(',').map(str::trim).filter(|f| !f.is_empty());
        let mut down = false;
        for field in fields.by_ref() {
            let name = field.strip_prefix('-').unwrap_or_else(|| field.strip_prefix('+').unwrap_or(field));
            down = field.starts_with('-');
            if name == "id" {
                break;
            }
            let Some(sort) = self.spec.sorts.iter().find(|sort| sort.name == name) else {
                return Err(self.unknown_sort(name));
            };
            if orders.iter().any(|o| o.sort.name == name) || orders.len() == MAX_SORTS {
                let detail = format!("sort takes at most {MAX_SORTS} fields, each once");
                return Err(Error::bad_request("PARAMETER_INVALID", detail));
            }
            orders.push(Order { sort, descending: down });
        }
        match fields.next() {
            Some(_) => {
                Err(Error::bad_request("PARAMETER_INVALID", "sort: no field can follow id, which is unique"))
            }
            None => Ok((orders, down)),
        }
    }

    fn unknown_sort(&self, name: &str) -> Error {
        let allowed: Vec<&str> = self.spec.sorts.iter().map(|s| s.name).chain(["id"]).collect();
        let name: String = name.chars().take(64).collect();
        let detail = format!("Unknown sort field \"{name}\"; allowed are {}", allowed.join(", "));
        Error::bad_request("UNKNOWN_SORT_FIELD", detail)
    }
}

fn skip(rows: u64) -> Result<Page> {
    match rows > MAX_SKIPPED {
        true => Err(Error::bad_request(
            "OFFSET_TOO_LARGE",
            format!(
                "At most {MAX_SKIPPED} rows can be skipped; use the cursor: `next_cursor` of the page before"
            ),
        )),
        false => Ok(Page::Offset(rows)),
    }
}

fn repeated(name: &str) -> Error {
    Error::bad_request("PARAMETER_REPEATED", format!("{name} was given more than once"))
}

fn exclusive(detail: &'static str) -> Error {
    Error::bad_request("PARAMETERS_CONFLICT", detail)
}

fn read_filter(filter: &Filter, value: &str) -> Result<FilterValue> {
    let value = value.trim();
    let wrong = |expected: &str| {
        let detail = format!("{}: must be {expected}", filter.name);
        Error::bad_request("PARAMETER_INVALID", detail)
    };
    if value.chars().count() > MAX_VALUE || value.chars().any(char::is_control) {
        return Err(wrong("a text of at most 1000 characters without control characters"));
    }
    match filter.kind {
        Accepts::Text(normal) => Ok(FilterValue::Text(normal(value))),
        Accepts::Bool => match value.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(FilterValue::Bool(true)),
            "false" | "0" => Ok(FilterValue::Bool(false)),
            _ => Err(wrong("true or false")),
        },
        Accepts::Uuid => Uuid::try_parse(value).map(FilterValue::Uuid).map_err(|_| wrong("a UUID")),
        Accepts::Time => {
            // The `+` of an offset is often left unescaped and arrives as a space.
            let text = match value.rsplit_once(' ') {
                Some((time, offset)) if time.contains(['T', 't']) => Cow::Owned(format!("{time}+{offset}")),
                _ => Cow::Borrowed(value),
            };
            let wrong = |_| wrong("a time such as 2026-03-01T12:30:00Z, or a date");
            parse_time(&text).map(FilterValue::Time).map_err(wrong)
        }
        Accepts::Date => {
            parse_date(value).map(FilterValue::Date).map_err(|_| wrong("a date such as 2026-03-01"))
        }
        Accepts::Int => value.parse().map(FilterValue::Int).map_err(|_| wrong("a whole number")),
        Accepts::OneOf(words) => match words.iter().find(|word| **word == value) {
            Some(word) => Ok(FilterValue::Text((*word).to_owned())),
            None => Err(wrong(&format!("one of {}", words.join(", ")))),
        },
    }
}
