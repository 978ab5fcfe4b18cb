//! `/`, other addresses that people try, and what a browser sees where nothing is.

use std::net::IpAddr;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use kernel::web::server::PeerAddr;
use kernel::{Error, Result};
use platform::app::App;
use platform::config::{Config, Service};
use serde_json::json;

use super::documents::{DOCUMENTS, Document};
use super::texts::{self, Missing};
use super::{Page, html, negotiate, text_of};
use crate::first_steps::{self, FirstSteps};

/// Where people look for the documentation of an API.
const DOCS_ELSEWHERE: [&str; 6] =
    ["/swagger", "/swagger-ui", "/api/docs", "/api-docs", "/redoc", "/documentation"];
/// Where programs look for it.
const DOCUMENT_ELSEWHERE: [&str; 3] = ["/swagger.json", "/api/openapi.json", "/openapi"];
/// Where people look for a console.
const CONSOLE: [&str; 4] = ["/admin", "/console", "/dashboard", "/login"];

/// `/` and the addresses that lead elsewhere.
pub(super) fn routes(app: &App) -> Router<App> {
    let base = super::base(&app.config.public_url());
    let (docs, document) = match app.config.docs_enabled {
        true => (format!("{base}/docs"), format!("{base}/openapi.json")),
        false => (format!("{base}/"), format!("{base}/")),
    };
    let console = format!("{base}/#console");
    let mut router = Router::new().route("/", get(start));
    for (paths, to) in [(&DOCS_ELSEWHERE[..], docs), (&DOCUMENT_ELSEWHERE, document), (&CONSOLE, console)] {
        for path in paths {
            let to = to.clone();
            router = router.route(path, get(async move || Redirect::temporary(&to)));
        }
    }
    router
}

#[derive(Template)]
#[template(path = "index.html")]
struct Start {
    page: Page,
    version: &'static str,
    docs: bool,
    auth: bool,
    documents: &'static [Document],
    steps: Option<FirstSteps>,
}

async fn start(
    State(app): State<App>,
    Extension(PeerAddr(peer)): Extension<PeerAddr>,
    headers: HeaderMap,
) -> Result<Response> {
    if !negotiate::prefers_html(text_of(&headers, &header::ACCEPT)) {
        return Ok(([(header::VARY, "accept")], Json(index(&app.config))).into_response());
    }
    let steps = match is_at_the_machine(&app.config, peer.ip(), &headers) {
        true => first_steps::missing(&app).await,
        false => None,
    };
    let page = Page::english(&app.config);
    let start = Start {
        page,
        version: env!("CARGO_PKG_VERSION"),
        docs: app.config.docs_enabled,
        auth: app.config.serves(Service::Auth),
        documents: DOCUMENTS,
        steps,
    };
    html(StatusCode::OK, &start)
}

/// The same for programs; paths are below the address of the API.
fn index(config: &Config) -> serde_json::Value {
    let mut index = json!({
        "service": config.service_name,
        "version": env!("CARGO_PKG_VERSION"),
        "api": "/api/v1",
        "health": "/health",
        "livez": "/livez",
        "readyz": "/readyz",
        "metrics": "/metrics",
    });
    if config.serves(Service::Auth) {
        index["auth"] = json!("/api/auth");
        index["jwks"] = json!("/.well-known/jwks.json");
    }
    if config.docs_enabled {
        index["documentation"] = json!("/docs");
        index["openapi"] = json!("/openapi.json");
    }
    index
}

/// Did somebody open the page on this machine, of an installation that only this machine reaches? A proxy on the same
/// machine looks alike, so its headers, and a public address, count against it.
fn is_at_the_machine(config: &Config, peer: IpAddr, headers: &HeaderMap) -> bool {
    const OF_PROXIES: [&str; 5] = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];
    let local = |host: &str| {
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback())
    };
    // With the port, if there is one: `[::1]:8000`.
    let host_of =
        |authority: &str| authority.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
    let named = text_of(headers, &header::HOST).and_then(host_of);
    peer.to_canonical().is_loopback()
        && config.trusted_proxies.is_empty()
        && named.is_some_and(|host| local(&host))
        && config.listen.iter().all(|listen| local(&listen.host))
        && config
            .public_url
            .as_deref()
            .is_none_or(|url| url.parse::<Uri>().is_ok_and(|u| u.host().is_some_and(local)))
        && !OF_PROXIES.iter().any(|name| headers.contains_key(*name))
}

#[derive(Template)]
#[template(path = "missing.html")]
struct MissingPage {
    page: Page,
    text: &'static Missing,
}

/// What is not there: a page that leads on for browsers, a problem for programs. Below `/api` always a problem, because
/// some HTTP libraries ask for HTML unless told otherwise.
pub(super) async fn missing(
    State(app): State<App>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response> {
    let browses = method == Method::GET && negotiate::prefers_html(text_of(&headers, &header::ACCEPT));
    if !browses || uri.path().starts_with("/api/") {
        return Err(Error::not_found(
            "ROUTE_NOT_FOUND",
            "There is nothing at this path; GET / names what there is",
        ));
    }
    let page = Page::translated(&app.config, &headers);
    let text = texts::of(page.lang).missing();
    html(StatusCode::NOT_FOUND, &MissingPage { page, text })
}

#[cfg(test)]
mod tests {
    use platform::config::{FileChoice, Sources};

    use super::*;

    fn at_the_machine(settings: &[(&str, &str)], peer: &str, sent: &[(&'static str, &str)]) -> bool {
        let env = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let config = Config::load(&Sources { file: FileChoice::Nowhere, env, flags: Vec::new() }).unwrap();
        let headers =
            sent.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        is_at_the_machine(&config, peer.parse().unwrap(), &headers)
    }

    #[test]
    fn only_who_sits_at_the_machine_is_told_what_is_missing() {
        let here = [("host", "127.0.0.1:8000")];
        assert!(at_the_machine(&[], "127.0.0.1", &here));
        assert!(at_the_machine(&[], "::1", &[("host", "[::1]:8000")]));
        assert!(at_the_machine(&[], "::ffff:127.0.0.1", &[("host", "localhost")]));
        assert!(at_the_machine(&[("REGULARS_PUBLIC_URL", "http://localhost:8000")], "127.0.0.1", &here));
        // Others on the network, and those behind a proxy of this machine.
        assert!(!at_the_machine(&[], "192.0.2.7", &here));
        assert!(!at_the_machine(&[], "127.0.0.1", &[("host", "crm.example.com")]));
        assert!(!at_the_machine(&[], "127.0.0.1", &[]));
        for name in ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"] {
            assert!(!at_the_machine(&[], "127.0.0.1", &[here[0], (name, "192.0.2.7")]), "{name}");
        }
        assert!(!at_the_machine(&[("REGULARS_PUBLIC_URL", "https://crm.example.com")], "127.0.0.1", &here));
        assert!(!at_the_machine(&[("REGULARS_TRUSTED_PROXIES", "127.0.0.1/32")], "127.0.0.1", &here));
        assert!(!at_the_machine(&[("REGULARS_LISTEN", "0.0.0.0:8000")], "127.0.0.1", &here));
    }
}
