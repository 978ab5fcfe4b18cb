//! The few pages that people meet: the start page, the page behind a link in a mail, the documents inside the binary,
//! and where a wrong address leads. Nothing is loaded from other hosts, no script or style stands in a page, and
//! nothing needs a cookie.
//!
//! | file | holds |
//! |---|---|
//! | `start` | `/`: a page for browsers, an index in JSON for programs; other addresses that people try |
//! | `mail_link` | `/account/…`: what the links in mails open |
//! | `documents` | `/docs/conventions` and its like, made from `docs/*.md` |
//! | `texts` | what pages for customers say, in English and Spanish |
//! | `negotiate` | `Accept` and `Accept-Language` |
//!
//! Templates are in `crates/server/templates`, styles, scripts and icons in `crates/server/assets`.

pub mod documents;
mod mail_link;
mod negotiate;
mod start;
mod texts;

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use kernel::{Error, Result};
use platform::app::App;
use platform::config::{Config, Service};
use platform::crypto::sha256;

/// What every page knows.
struct Page {
    lang: &'static str,
    /// The path of the public address, for an installation below one: `/crm`; usually empty.
    base: String,
}

impl Page {
    /// In English: for people who run or call the server.
    fn english(config: &Config) -> Page {
        Page { lang: "en", base: base(&config.public_url()) }
    }

    /// In the language of whoever asks.
    fn translated(config: &Config, headers: &HeaderMap) -> Page {
        let lang = negotiate::language(text_of(headers, &header::ACCEPT_LANGUAGE));
        Page { lang, ..Page::english(config) }
    }
}

fn base(public_url: &str) -> String {
    let rest = public_url.split_once("://").map_or("", |(_, rest)| rest);
    rest.find('/').map_or(String::new(), |at| rest[at..].trim_end_matches('/').to_owned())
}

/// The pages, their files, and the page for whatever is not there.
pub fn routes(app: &App) -> Router {
    let mut router = start::routes(app);
    if app.config.serves(Service::Auth) {
        router = router.merge(mail_link::routes());
    }
    if app.config.docs_enabled {
        router = router.merge(documents::routes());
    }
    for (path, kind, bytes) in FILES {
        router = router.route(path, get(async move || file(kind, bytes)));
    }
    router.fallback(start::missing).with_state(app.clone())
}

/// Paths, media types and contents.
const FILES: [(&str, &str, &[u8]); 4] = [
    ("/favicon.ico", "image/x-icon", include_bytes!("../../assets/favicon.ico")),
    ("/assets/icon.svg", "image/svg+xml", include_bytes!("../../assets/icon.svg")),
    ("/assets/pages.css", "text/css; charset=utf-8", include_bytes!("../../assets/pages.css")),
    ("/assets/mail-link.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/mail-link.js")),
];

/// Asked for again at each use and answered with 304: another release is seen at once.
fn file(kind: &'static str, bytes: &'static [u8]) -> Response {
    let tag = format!("\"{}\"", data_encoding::HEXLOWER.encode(&sha256(bytes)[..8]));
    let mut response = Response::new(Body::from(Bytes::from_static(bytes)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = tag.parse() {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// A page as a reply. Pages are not kept: what they show depends on who asks, and from where.
fn html(status: StatusCode, template: &impl Template) -> Result<Response> {
    let text = template.render().map_err(|e| Error::internal("a page cannot be written").with_source(e))?;
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::VARY, "accept, accept-language")];
    Ok((status, headers, Html(text)).into_response())
}

fn text_of<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_installation_below_a_path_keeps_it() {
        assert_eq!(super::base("https://example.com/crm"), "/crm");
        assert_eq!(super::base("https://example.com/a/b/"), "/a/b");
        assert_eq!(super::base("https://example.com/"), "");
        assert_eq!(super::base("http://127.0.0.1:8000"), "");
    }
}
