//! Replies about one resource, and the two conditional headers (RFC 9110 §13). `If-None-Match` is answered
//! by the outer layer for every reply that carries an `ETag`.

use std::fmt::{Display, Write};

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};

use crate::{Error, Kind, Result};

/// A strong entity tag: changes whenever what the caller would read changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// A tag made of everything the representation depends on: versions, and what the caller's role may see.
    pub fn of(parts: &[&dyn Display]) -> ETag {
        let mut text = String::with_capacity(24);
        text.push('"');
        for (i, part) in parts.iter().enumerate() {
            let dot = if i > 0 { "." } else { "" };
            let _ = write!(text, "{dot}{part}");
        }
        // Quotes, spaces and letters beyond ASCII cannot stand in a tag.
        let inner = text.split_off(1).replace(|c: char| !c.is_ascii_graphic() || c == '"' || c == ',', "-");
        text.push_str(&inner);
        text.push('"');
        ETag(text)
    }

    /// The tag as the header shows it, with its quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

/// 200 with one resource and its `ETag`. The resource itself has a `version` member.
#[derive(Debug)]
pub struct WithETag<T>(pub ETag, pub T);

/// 201 with the new resource, where it is, and its `ETag`.
#[derive(Debug)]
pub struct Created<T> {
    /// Path of the resource.
    pub location: String,
    /// Its tag, if it has one.
    pub tag: Option<ETag>,
    /// The resource.
    pub body: T,
}

/// 204: done, and there is nothing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoContent;

/// A JSON reply with this status.
pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    let mut body = Vec::with_capacity(1024);
    if let Err(e) = serde_json::to_writer(&mut body, value) {
        return Error::internal("a reply could not be written as JSON").with_source(e).into_response();
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn tagged<T: Serialize>(status: StatusCode, tag: Option<&ETag>, value: &T) -> Response {
    let mut response = json(status, value);
    if let Some(tag) = tag.and_then(ETag::header)
        && response.status() == status
    {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

impl<T: Serialize> IntoResponse for WithETag<T> {
    fn into_response(self) -> Response {
        tagged(StatusCode::OK, Some(&self.0), &self.1)
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = tagged(StatusCode::CREATED, self.tag.as_ref(), &self.body);
        if let Ok(location) = HeaderValue::from_str(&self.location) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// The tags of one conditional header.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ETags {
    Any,
    /// The tags as written, with their quotes and perhaps `W/`.
    Some(Vec<String>),
}

/// Reads `"a", W/"b"` or `*`; several header lines are one list. `None` if there is no such header.
fn tags_in(headers: &HeaderMap, name: &header::HeaderName) -> Option<ETags> {
    let mut lines = headers.get_all(name).iter().peekable();
    lines.peek()?;
    let mut tags = Vec::new();
    for line in lines {
        let mut rest = line.to_str().unwrap_or_default();
        if rest.trim() == "*" {
            return Some(ETags::Any);
        }
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                break;
            }
            let end = tag_length(rest);
            let (tag, after) = rest.split_at(end);
            // Clients that forget the quotes mean the same tag.
            tags.push(if tag.contains('"') { tag.to_owned() } else { format!("\"{}\"", tag.trim()) });
            rest = after;
        }
    }
    Some(ETags::Some(tags))
}

/// Length of the tag at the start of `text`: a comma inside the quotes does not end it.
fn tag_length(text: &str) -> usize {
    let open = text.strip_prefix("W/").map_or(0, |_| 2);
    match text[open..].strip_prefix('"') {
        Some(inner) => inner.find('"').map_or(text.len(), |close| open + close + 2),
        None => text.find(',').unwrap_or(text.len()),
    }
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// Does `If-None-Match` name the tag of this reply? Weak comparison (RFC 9110 §13.1.2).
pub(super) fn none_match(wanted: &HeaderMap, reply: &HeaderMap) -> bool {
    let Some(current) = reply.get(header::ETAG).and_then(|v| v.to_str().ok()) else { return false };
    match tags_in(wanted, &header::IF_NONE_MATCH) {
        None => false,
        Some(ETags::Any) => true,
        Some(ETags::Some(tags)) => tags.iter().any(|tag| opaque(tag) == opaque(current)),
    }
}

/// The request's `If-Match`: the change is wanted only if the resource is still what the caller read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IfMatch(Option<ETags>);

impl IfMatch {
    /// Did the caller name a version? Then a use case that lost a race is not run again.
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// 412 with `current_version` unless the header is absent, `*`, or names the current tag. Strong
    /// comparison: a weak tag never matches (RFC 9110 §13.1.1).
    pub fn check(&self, current: &ETag, version: i64) -> Result<()> {
        match &self.0 {
            Some(ETags::Some(tags)) if !tags.iter().any(|tag| tag == current.as_str()) => Err(stale(version)),
            _ => Ok(()),
        }
    }
}

/// The 412 of a change that names an older version.
pub fn stale(current_version: i64) -> Error {
    let detail = "The record was changed since it was read; read it again and repeat the change";
    Error::new(Kind::PreconditionFailed, "PRECONDITION_FAILED", detail)
        .with_member("current_version", current_version)
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<IfMatch> {
        Ok(IfMatch(tags_in(&parts.headers, &header::IF_MATCH)))
    }
}

/// `params(IfMatch)` documents it.
impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![ParameterBuilder::new().name("If-Match").parameter_in(ParameterIn::Header).build()]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(name: &header::HeaderName, lines: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for line in lines {
            map.append(name, HeaderValue::from_str(line).unwrap());
        }
        map
    }

    fn not_modified(lines: &[&str]) -> bool {
        let reply = headers(&header::ETAG, &["\"3.7\""]);
        none_match(&headers(&header::IF_NONE_MATCH, lines), &reply)
    }

    #[test]
    fn a_tag_holds_only_what_a_header_may() {
        assert_eq!(ETag::of(&[&3, &"admin"]).as_str(), "\"3.admin\"");
        assert_eq!(ETag::of(&[&"a\"b, é\n"]).as_str(), "\"a-b----\"");
    }

    #[test]
    fn if_none_match_compares_weakly() {
        assert!(not_modified(&["\"3.7\""]) && not_modified(&["W/\"3.7\""]) && not_modified(&["*"]));
        assert!(not_modified(&["\"1\", \"a,b\" ,W/\"3.7\""]) && not_modified(&["\"1\"", "\"3.7\""]));
        assert!(not_modified(&["3.7"]));
        assert!(!not_modified(&["\"3\""]) && !not_modified(&[]) && !not_modified(&["", "\"3.7"]));
    }

    #[test]
    fn if_match_compares_strongly() {
        let tag = ETag::of(&[&3]);
        let check = |lines: &[&str]| {
            IfMatch(tags_in(&headers(&header::IF_MATCH, lines), &header::IF_MATCH)).check(&tag, 9)
        };
        for fine in [&["\"3\""][..], &["*"], &["\"1\", \"3\""], &[]] {
            assert!(check(fine).is_ok(), "{fine:?}");
        }
        for stale in [&["\"2\""][..], &["W/\"3\""], &[""]] {
            let error = check(stale).unwrap_err();
            assert_eq!(
                (error.code(), &error.members()["current_version"]),
                ("PRECONDITION_FAILED", &9.into())
            );
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read(line in "[ -~]{0,40}") {
            let _ = tags_in(&headers(&header::IF_MATCH, &[&line]), &header::IF_MATCH);
        }
    }
}
