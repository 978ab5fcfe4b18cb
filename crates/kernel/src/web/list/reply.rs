//! The envelope of a list (SPEC 4) and its `Link` header (RFC 8288).

use std::fmt::Write;

use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Keyed, ListOf, ListRequest, Page, Style, cursor};
use crate::web::reply::json;

/// How many rows the filters match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// The number; where counting stopped if it is not exact.
    pub count: u64,
    /// Is it the exact number?
    pub exact: bool,
}

impl Total {
    /// An exact number.
    pub fn exact(count: u64) -> Total {
        Total { count, exact: true }
    }
    /// What counting until `bound + 1` found: more than `bound` means "at least `bound`".
    pub fn bounded(found: u64, bound: u64) -> Total {
        Total { count: found.min(bound), exact: found <= bound }
    }
}

/// One page of a list.
pub struct ListReply<L: ListOf> {
    /// The elements.
    pub items: Vec<L::Item>,
    total: Total,
    limit: u32,
    offset: u64,
    next_cursor: Option<String>,
    links: String,
}

impl<L: ListOf> ListReply<L> {
    /// The page from the rows that [`ListRequest::fetch`] asked for; the one too many is cut off.
    pub fn new<R: Keyed>(
        request: &ListRequest,
        mut rows: Vec<R>,
        total: Total,
        view: impl FnMut(R) -> L::Item,
    ) -> ListReply<L> {
        let limit = request.limit as usize;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let offset = request.offset();
        let position = offset + rows.len() as u64;
        let last = rows.last().filter(|_| has_more);
        let next_cursor = last.map(|row| cursor::after(request, row, position));
        let links = links(request, next_cursor.as_deref());
        let items = rows.into_iter().map(view).collect();
        ListReply { items, total, limit: request.limit, offset, next_cursor, links }
    }

    /// The cursor of the next page, if there is one.
    pub fn next_cursor(&self) -> Option<&str> {
        self.next_cursor.as_deref()
    }
}

impl<L: ListOf> Serialize for ListReply<L> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let limit = u64::from(self.limit);
        let mut map = s.serialize_map(None)?;
        map.serialize_entry(L::SPEC.resource, &self.items)?;
        map.serialize_entry("total", &self.total.count)?;
        if !self.total.exact {
            map.serialize_entry("total_is_exact", &false)?;
        }
        map.serialize_entry("limit", &self.limit)?;
        map.serialize_entry("offset", &self.offset)?;
        map.serialize_entry("page", &(self.offset / limit + 1))?;
        map.serialize_entry("total_pages", &self.total.count.div_ceil(limit))?;
        map.serialize_entry("has_more", &self.next_cursor.is_some())?;
        map.serialize_entry("next_cursor", &self.next_cursor)?;
        map.end()
    }
}

impl<L: ListOf> IntoResponse for ListReply<L> {
    fn into_response(self) -> Response {
        let mut response = json(StatusCode::OK, &self);
        if let Ok(links) = HeaderValue::from_str(&self.links)
            && !links.is_empty()
        {
            response.headers_mut().insert(header::LINK, links);
        }
        response
    }
}

/// Links to the first, previous and next page, in the caller's own way of paging; a cursor leads only forward.
fn links(request: &ListRequest, next_cursor: Option<&str>) -> String {
    let Some(uri) = &request.uri else { return String::new() };
    let mut out = String::new();
    let limit = u64::from(request.limit);
    let offset = request.offset();
    match request.style {
        Style::Cursor => {
            if let Some(cursor) = next_cursor {
                link(&mut out, uri, "next", Some(("cursor", cursor)));
            }
            if matches!(request.page, Page::Cursor(_)) {
                link(&mut out, uri, "first", None);
            }
        }
        Style::Offset => {
            let at = |n: u64| n.to_string();
            if next_cursor.is_some() {
                link(&mut out, uri, "next", Some(("offset", &at(offset + limit))));
            }
            if offset > 0 {
                link(&mut out, uri, "prev", Some(("offset", &at(offset.saturating_sub(limit)))));
                link(&mut out, uri, "first", Some(("offset", "0")));
            }
        }
        Style::Number => {
            let page = offset / limit + 1;
            if next_cursor.is_some() {
                link(&mut out, uri, "next", Some(("page", &(page + 1).to_string())));
            }
            if page > 1 {
                link(&mut out, uri, "prev", Some(("page", &(page - 1).to_string())));
                link(&mut out, uri, "first", Some(("page", "1")));
            }
        }
    }
    out
}

/// Adds one link: the request's path and parameters as they were written, with another page.
fn link(out: &mut String, uri: &Uri, rel: &str, page: Option<(&str, &str)>) {
    let comma = if out.is_empty() { "" } else { ", " };
    let _ = write!(out, "{comma}<{}", uri.path());
    let mut mark = '?';
    let paging =
        |part: &str| matches!(part.split('=').next(), Some("cursor" | "offset" | "skip" | "page" | ""));
    for part in uri.query().unwrap_or_default().split('&').filter(|part| !paging(part)) {
        let _ = write!(out, "{mark}{part}");
        mark = '&';
    }
    if let Some((name, value)) = page {
        let _ = write!(out, "{mark}{name}={value}");
    }
    let _ = write!(out, ">; rel=\"{rel}\"");
}
