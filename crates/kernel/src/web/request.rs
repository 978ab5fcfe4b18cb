//! What is known about a request before it is routed: its id, its address as the client wrote it, the
//! settings. The outer layer puts it into the request's extensions.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderValue, Uri};

use super::settings::WebSettings;
use crate::Error;

/// A request's id, address and settings. Cloning shares it.
#[derive(Debug, Clone)]
pub struct RequestInfo(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: HeaderValue,
    uri: Uri,
    settings: Arc<WebSettings>,
    route: OnceLock<MatchedPath>,
    takes_file: AtomicBool,
    asks_nothing: AtomicBool,
}

impl RequestInfo {
    pub(super) fn new(id: HeaderValue, uri: Uri, settings: Arc<WebSettings>) -> RequestInfo {
        RequestInfo(Arc::new(Inner {
            id,
            uri,
            settings,
            route: OnceLock::new(),
            takes_file: AtomicBool::new(false),
            asks_nothing: AtomicBool::new(false),
        }))
    }

    /// The information in a request's extensions; absent only where the outer layer is, too.
    pub fn of(extensions: &Extensions) -> Option<&RequestInfo> {
        extensions.get()
    }
    /// The id that `X-Request-Id` shows.
    pub fn id(&self) -> &str {
        self.0.id.to_str().unwrap_or_default()
    }
    pub(super) fn id_header(&self) -> HeaderValue {
        self.0.id.clone()
    }
    /// Path and query without the trailing slash, before any nested router cut its prefix off.
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }
    /// The settings of the web layer.
    pub fn settings(&self) -> &WebSettings {
        &self.0.settings
    }
    /// The route's template, such as `/api/v1/customers/{ref}`, once it is routed: what logs and metrics show.
    pub fn route(&self) -> Option<&str> {
        self.0.route.get().map(MatchedPath::as_str)
    }
    /// Does its route take a file? Then it has the time of uploads.
    pub fn takes_file(&self) -> bool {
        self.0.takes_file.load(Ordering::Relaxed)
    }
    /// Its route takes a file.
    pub fn set_takes_file(&self) {
        self.0.takes_file.store(true, Ordering::Relaxed);
    }
    /// Does it ask for nothing, whatever is stored? Then a repeat of it does the same.
    pub fn asks_nothing(&self) -> bool {
        self.0.asks_nothing.load(Ordering::Relaxed)
    }
    pub(super) fn set_asks_nothing(&self) {
        self.0.asks_nothing.store(true, Ordering::Relaxed);
    }
    pub(super) fn set_route(&self, route: MatchedPath) {
        let _ = self.0.route.set(route);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestInfo {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<RequestInfo, Error> {
        let info = RequestInfo::of(&parts.extensions).cloned();
        info.ok_or_else(|| Error::internal("the router is not inside web::http_service::HttpService"))
    }
}
