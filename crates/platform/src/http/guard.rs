//! What stands between the outer layer and a handler and needs the process: who is calling, `Idempotency-Key`,
//! and another try when the database had a passing error. Handlers know nothing of it.
//!
//! A handler may run more than once, so it has no effect outside its transaction: events and jobs are rows.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, RefOr};

use super::limit::Tally;
use super::upload::Arrival;
use crate::Tx;
use crate::access::{Actor, Caller};
use crate::app::{App, Authenticate, Feature};
use crate::ctx::{Ctx, RequestState};
use crate::idempotency::{End, Idempotency, KeyedRun};
use kernel::error::{Error, Kind, Result};
use kernel::web::RequestInfo;
use kernel::web::body;
use kernel::web::network;
use kernel::web::problem::error_of;
use kernel::web::server::PeerAddr;

/// Who is calling: a caller, nobody, or why the credentials were refused.
type Known = Result<Option<Arc<Caller>>, Arc<Error>>;

/// How often a handler runs at most: passing errors, and rows that somebody else changed meanwhile.
const MOST_RUNS: u32 = 3;

/// In the extensions of a reply: it shows a secret, and is never stored. A repeat with its `Idempotency-Key` changes
/// nothing and is told so.
#[derive(Clone, Copy)]
pub struct ShowsSecret;

/// What the middleware knows: the process, who is behind a token, and which routes take a file.
#[derive(Clone)]
pub struct Guard {
    app: App,
    authenticate: Authenticate,
    uploads: Arc<HashSet<(Method, String)>>,
}

impl Guard {
    /// The guard of routes that are documented so: a body that is not JSON is a file. Fails unless one of the features
    /// authenticates.
    pub fn new(app: App, features: &[Feature], api: &OpenApi) -> Result<Guard> {
        let authenticate = features.iter().find_map(|feature| feature.authenticate);
        let authenticate = authenticate.ok_or_else(|| Error::internal("no feature authenticates"))?;
        let all = api.paths.paths.iter().flat_map(|(path, item)| {
            let methods = [
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ];
            methods.map(|(method, operation)| (method, path, operation))
        });
        let files = all.filter(|(_, _, operation)| operation.as_ref().is_some_and(takes_file));
        let uploads = Arc::new(files.map(|(method, path, _)| (method, path.clone())).collect());
        Ok(Guard { app, authenticate, uploads })
    }

    /// Who presented this token.
    pub(super) async fn authenticate(&self, bearer: &str) -> Result<Arc<Caller>> {
        (self.authenticate)(&self.app, bearer).await
    }

    fn takes_file(&self, parts: &Parts) -> bool {
        let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
        // Two allocations on the few requests that write.
        route.is_some_and(|route| self.uploads.contains(&(parts.method.clone(), route.to_owned())))
    }
}

fn takes_file(operation: &Operation) -> bool {
    let Some(RefOr::T(body)) = &operation.request_body else { return false };
    let mut types = body.content.keys();
    !body.content.is_empty() && types.all(|kind| kind != "application/json" && !kind.ends_with("+json"))
}

/// The middleware, put around every route of the API.
pub async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let tally = Tally::default();
    let mut response = match run(&guard, request, next, &tally).await {
        Ok(response) => response,
        Err(e) => e.into_response(),
    };
    tally.mark(response.headers_mut());
    response
}

async fn run(guard: &Guard, request: Request, next: Next, tally: &Tally) -> Result<Response> {
    let app = &guard.app;
    let (parts, body) = request.into_parts();
    if parts.method.is_safe() {
        let caller = known(guard, &parts).await?;
        return once(app, parts, body, next, Asked { caller, key: None, tally }).await;
    }
    if guard.takes_file(&parts) {
        return upload(guard, parts, body, next, tally).await;
    }
    // First the body, which may be long in coming: the caller is who it is when the work begins.
    let bytes = body::collect(&parts, body).await?;
    let caller = known(guard, &parts).await?;
    let key = admit(app, &parts, &caller, tally, bytes.len())?;
    if let Some(key) = &key {
        key.sent(&bytes);
    }
    let _place = key.as_ref().map(|key| app.running.enter(key)).transpose()?;
    until_settled(app, &parts, bytes, next, Asked { caller, key, tally }).await
}

/// A file is never held whole: its handler runs once, and what it was is known when it has arrived.
async fn upload(guard: &Guard, mut parts: Parts, body: Body, next: Next, tally: &Tally) -> Result<Response> {
    let app = &guard.app;
    if let Some(info) = RequestInfo::of(&parts.extensions) {
        info.set_takes_file();
    }
    let caller = known(guard, &parts).await?;
    let key = admit(app, &parts, &caller, tally, 0)?;
    let _place = key.as_ref().map(|key| app.running.enter(key)).transpose()?;
    if let Ok(Some(caller)) = &caller {
        let token = bearer(&parts.headers)?.unwrap_or_default().to_owned();
        parts.extensions.insert(Arrival::new(guard, caller.clone(), token, key.clone()));
    }
    once(app, parts, body, next, Asked { caller, key, tally }).await
}

/// Counts a change against the limits of its caller; its `Idempotency-Key`.
fn admit(
    app: &App,
    parts: &Parts,
    caller: &Known,
    tally: &Tally,
    bytes: usize,
) -> Result<Option<Idempotency>> {
    let Ok(Some(caller)) = caller else { return Ok(None) };
    app.rate_limits.write(tally, caller, bytes)?;
    let key = idempotency(parts, caller)?;
    if key.is_some() {
        app.rate_limits.key(tally, caller)?;
    }
    Ok(key)
}

/// What a request is, apart from its head and its body.
struct Asked<'a> {
    caller: Known,
    key: Option<Idempotency>,
    tally: &'a Tally,
}

async fn known(guard: &Guard, parts: &Parts) -> Result<Known> {
    let caller = match bearer(&parts.headers) {
        Ok(None) => Ok(None),
        Ok(Some(token)) => guard.authenticate(token).await.map(Some).map_err(Arc::new),
        Err(e) => Err(Arc::new(e)),
    };
    if let Err(e) = &caller
        && e.kind() != Kind::Unauthorized
    {
        // Not a wrong token: the database could not be asked.
        return Err(e.again());
    }
    Ok(caller)
}

/// A request whose body cannot be given twice: one run.
async fn once(app: &App, mut parts: Parts, body: Body, next: Next, asked: Asked<'_>) -> Result<Response> {
    let state = Arc::new(state(app, &parts, &asked));
    parts.extensions.insert(state.clone());
    let response = next.run(Request::from_parts(parts, body)).await;
    finish(app, &state, response).await
}

async fn until_settled(
    app: &App,
    parts: &Parts,
    bytes: Bytes,
    next: Next,
    asked: Asked<'_>,
) -> Result<Response> {
    for run in 1.. {
        let state = Arc::new(state(app, parts, &asked));
        let mut parts = parts.clone();
        parts.extensions.insert(state.clone());
        let response = next.clone().run(Request::from_parts(parts, Body::from(bytes.clone()))).await;
        let again = error_of(&response).is_some_and(|e| matches!(e.kind(), Kind::Transient | Kind::Stale));
        if again && run < MOST_RUNS {
            continue;
        }
        let response = finish(app, &state, response).await;
        match response {
            Err(e) if e.kind() == Kind::Transient && run < MOST_RUNS => {}
            response => return response,
        }
    }
    Err(Error::internal("the loop above returns"))
}

fn state(app: &App, parts: &Parts, asked: &Asked<'_>) -> RequestState {
    let info = RequestInfo::of(&parts.extensions);
    let mut state = RequestState::new(info.map(|i| i.id().to_owned()).unwrap_or_default());
    let agent = parts.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok());
    state.caller = asked.caller.clone();
    state.ip = client_ip(app, parts);
    state.user_agent = agent.map(|a| a.chars().take(255).collect());
    state.keyed = asked.key.clone().map(KeyedRun::new).map(Arc::new);
    state.tally = asked.tally.clone();
    state.info = info.cloned();
    state
}

/// The token after `Bearer`. 401 for another scheme or something that is no token.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let refused =
        || Error::unauthorized("TOKEN_INVALID", "Send the token as `Authorization: Bearer <token>`");
    let (scheme, token) = value.to_str().ok().and_then(|v| v.split_once(' ')).ok_or_else(refused)?;
    match scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() {
        true => Ok(Some(token.trim())),
        false => Err(refused()),
    }
}

/// The address of the client: the peer's, or, behind trusted proxies only, the first of `X-Forwarded-For` from the
/// right that is none of them.
fn client_ip(app: &App, parts: &Parts) -> Option<IpAddr> {
    let peer = parts.extensions.get::<PeerAddr>().map(|p| p.0.ip())?;
    let trusted = |ip: IpAddr| network::is_in(&app.config.trusted_proxies, ip);
    if !trusted(peer) {
        return Some(peer);
    }
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().rev().filter_map(|v| v.to_str().ok());
    let mut seen = peer;
    for hop in forwarded.flat_map(|line| line.rsplit(',')) {
        match address(hop.trim()) {
            Some(ip) if trusted(ip) => seen = ip,
            Some(ip) => return Some(ip),
            None => break,
        }
    }
    Some(seen)
}

/// An address as proxies write it: `1.2.3.4`, `1.2.3.4:567`, `::1`, `[::1]`, `[::1]:567`.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// The key of an unsafe request. None under `/api/auth/`, where answers hold tokens.
fn idempotency(parts: &Parts, caller: &Caller) -> Result<Option<Idempotency>> {
    let Some(key) = parts.headers.get("idempotency-key") else { return Ok(None) };
    let uri = RequestInfo::of(&parts.extensions).map_or(&parts.uri, RequestInfo::uri);
    if uri.path().starts_with("/api/auth/") {
        return Ok(None);
    }
    let owner = match caller.actor() {
        Actor::ApiKey(id) => format!("key {id}"),
        Actor::User(id) => format!("user {id}"),
        Actor::System => return Ok(None),
    };
    let key = key.to_str().unwrap_or_default();
    let company = caller.company_id.map(|id| id.to_string()).unwrap_or_default();
    // The role's name is free text: JSON keeps it apart from what follows.
    let rights = serde_json::json!([caller.role, caller.reach.as_str(), company]).to_string();
    Idempotency::new(&owner, &rights, parts.method.as_str(), uri.path(), uri.query(), key).map(Some)
}

/// Settles what the handler left: a parked transaction is committed with its reply, or dropped if it failed.
async fn finish(app: &App, state: &RequestState, response: Response) -> Result<Response> {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    let mut response = match &state.keyed {
        Some(run) => match run.end(failed) {
            End::Plain => response,
            End::Replay(reply) => reply.into_response(),
            End::Store(tx) => store(app, state, run, *tx, response).await?,
            End::StoreApart => store(app, state, run, state.begin(app).await?, response).await?,
        },
        None => response,
    };
    if app.show_statements {
        response.headers_mut().insert("x-statements", HeaderValue::from(state.usage.statements()));
    }
    Ok(response)
}

/// Stores the reply to a request with a key, unless it shows a secret or its caller has no room left.
async fn store(
    app: &App,
    state: &RequestState,
    run: &KeyedRun,
    tx: Tx,
    response: Response,
) -> Result<Response> {
    let shows_secret = response.extensions().get::<ShowsSecret>().is_some();
    let caller = state.caller.as_ref().ok().and_then(Option::as_deref);
    run.store(tx, response, |reply| {
        !shows_secret && caller.is_none_or(|caller| app.rate_limits.may_keep(caller, reply.body.len()))
    })
    .await
}

/// The context of a request with a caller; 401 without. What is open to everybody says so with [`Public`].
impl FromRequestParts<App> for Ctx {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Ctx> {
        let ctx = context(parts, app)?;
        ctx.caller()?;
        Ok(ctx)
    }
}

/// The context of a request that anybody may make: register, login, health. Where it makes us work (an unsafe method)
/// it counts against the limit of its address, whoever is calling: anybody can get a token and go on guessing with it.
/// 429 past the limit.
pub struct Public(pub Ctx);

impl FromRequestParts<App> for Public {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Public> {
        let ctx = context(parts, app)?;
        if !parts.method.is_safe() {
            app.rate_limits.open(&ctx.request().tally, ctx.request().ip)?;
        }
        Ok(Public(ctx))
    }
}

fn context(parts: &Parts, app: &App) -> Result<Ctx> {
    let state = parts.extensions.get::<Arc<RequestState>>().cloned();
    let state = state.ok_or_else(|| Error::internal("the route is not behind platform::http::guard"))?;
    Ok(Ctx::new(app.clone(), state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for text in ["1.2.3.4", "1.2.3.4:567"] {
            assert_eq!(address(text), Some([1, 2, 3, 4].into()), "{text}");
        }
        for text in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:567"] {
            assert_eq!(address(text).map(|ip| ip.to_string()).as_deref(), Some("2001:db8::1"), "{text}");
        }
        for text in ["", "unknown", "1.2.3.4:", "[]", "1.2.3.4:x", "[::1", "_hidden", "1.2.3.4:99999"] {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
