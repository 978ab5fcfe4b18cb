//! What stands between the outer layer and a handler and needs the process: who is calling, `Idempotency-Key`,
//! and another try when the database had a passing fault. Handlers know nothing of it.
//!
//! A handler may run more than once, so it has no effect outside its transaction: events and jobs are rows.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use parking_lot::Mutex;

use super::body;
use super::limit::Left;
use super::problem::error_of;
use super::request::RequestInfo;
use super::server::PeerAddr;
use super::upload::is_upload;
use crate::access::Caller;
use crate::app::App;
use crate::ctx::{Ctx, RequestState};
use crate::error::{Error, Kind, Result};
use crate::idempotency::{Idempotency, StoredReply};

/// Who is calling: a caller, nobody, or why the credentials were refused.
type Known = Result<Option<Arc<Caller>>, Arc<Error>>;

/// How often a handler runs at most: passing faults, and rows that somebody else changed meanwhile.
const MOST_RUNS: u32 = 3;
/// The reply headers that a stored answer keeps.
const KEPT_HEADERS: [header::HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];
/// Marks a route whose answer shows a secret: such an answer is never stored.
#[derive(Clone, Copy)]
pub struct ShowsSecret;

/// The middleware, put around every route of the API.
pub async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    match run(&app, request, next).await {
        Ok(response) => response,
        Err(e) => e.into_response(),
    }
}

async fn run(app: &App, request: Request, next: Next) -> Result<Response> {
    let (parts, body) = request.into_parts();
    if parts.method.is_safe() || is_upload(&parts.headers) {
        let caller = known(app, &parts).await?;
        return once(app, parts, body, next, caller).await;
    }
    // First the body, which may be long in coming: the caller is who it is when the work begins.
    let bytes = body::collect(&parts, body).await?;
    let caller = known(app, &parts).await?;
    until_settled(app, &parts, bytes, next, caller).await
}

async fn known(app: &App, parts: &Parts) -> Result<Known> {
    let caller = match bearer(&parts.headers) {
        Ok(None) => Ok(None),
        Ok(Some(token)) => app.authenticator()?.authenticate(app, token).await.map(Some).map_err(Arc::new),
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
async fn once(app: &App, mut parts: Parts, body: Body, next: Next, caller: Known) -> Result<Response> {
    let state = Arc::new(state(app, &parts, caller, None));
    parts.extensions.insert(state.clone());
    let response = next.run(Request::from_parts(parts, body)).await;
    finish(app, &state, response).await
}

async fn until_settled(
    app: &App,
    parts: &Parts,
    bytes: Bytes,
    next: Next,
    caller: Known,
) -> Result<Response> {
    let key = idempotency(parts, &caller, &bytes)?;
    let left: Arc<Mutex<Option<Left>>> = Arc::default();
    for run in 1.. {
        let mut state = state(app, parts, caller.clone(), key.clone());
        state.left = left.clone();
        let state = Arc::new(state);
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

fn state(app: &App, parts: &Parts, caller: Known, key: Option<Idempotency>) -> RequestState {
    let info = RequestInfo::of(&parts.extensions);
    let mut state = RequestState::new(info.map(|i| i.id().to_owned()).unwrap_or_default());
    let agent = parts.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok());
    state.caller = caller;
    state.ip = client_ip(app, parts);
    state.user_agent = agent.map(|a| a.chars().take(255).collect());
    state.idempotency = key;
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
    let trusted = |ip: IpAddr| app.config.trusted_proxies.iter().any(|range| range.contains(ip));
    if !trusted(peer) {
        return Some(peer);
    }
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().rev().filter_map(|v| v.to_str().ok());
    let mut seen = peer;
    for ip in forwarded.flat_map(|line| line.rsplit(',')) {
        match ip.trim().parse() {
            Ok(ip) if trusted(ip) => seen = ip,
            Ok(ip) => return Some(ip),
            Err(_) => break,
        }
    }
    Some(seen)
}

/// The key of an unsafe request. None under `/api/auth/`, where answers hold tokens, and none without a caller,
/// whom it would have to belong to.
fn idempotency(parts: &Parts, caller: &Known, body: &[u8]) -> Result<Option<Idempotency>> {
    let Some(key) = parts.headers.get("idempotency-key") else { return Ok(None) };
    let path = RequestInfo::of(&parts.extensions).map_or(parts.uri.path(), |i| i.uri().path());
    if path.starts_with("/api/auth/") || parts.extensions.get::<ShowsSecret>().is_some() {
        return Ok(None);
    }
    let Ok(Some(caller)) = caller else { return Ok(None) };
    let owner = match (&caller.credential, caller.user_id) {
        (crate::access::Credential::ApiKey(id), _) => format!("key {id}"),
        (_, Some(user)) => format!("user {user}"),
        _ => return Ok(None),
    };
    let key = key.to_str().unwrap_or_default();
    let company = caller.company_id.map(|id| id.to_string()).unwrap_or_default();
    // The role's name is free text: JSON keeps it apart from what follows.
    let rights = serde_json::json!([caller.role, caller.reach.as_str(), company]).to_string();
    Idempotency::new(&owner, &rights, method_name(&parts.method), path, key, body).map(Some)
}

fn method_name(method: &Method) -> &str {
    method.as_str()
}

/// Settles what the handler left: a parked transaction is committed with its reply, or dropped if it failed.
async fn finish(app: &App, state: &Arc<RequestState>, response: Response) -> Result<Response> {
    let usage = &state.usage;
    let parked = usage.parked.lock().take();
    let replay = state.replay.lock().take();
    let left = *state.left.lock();
    let mut response = match (&state.idempotency, replay) {
        (Some(_), Some(reply)) => restore(reply),
        (Some(key), None) if !response.status().is_client_error() && !response.status().is_server_error() => {
            let claimed = state.claimed.load(Ordering::SeqCst);
            let mut tx = match parked {
                Some(tx) => tx,
                // The use case went on reading after its commit: its answer is stored in a second write.
                None if claimed => app.db.write(usage).await?,
                None => return Ok(response),
            };
            let (reply, response) = take(response).await?;
            let customers = std::mem::take(&mut *state.customers.lock());
            key.keep(&mut tx, &reply, &customers).await?;
            tx.settle().await?;
            response
        }
        _ => response,
    };
    if let Some(left) = left {
        left.mark(response.headers_mut());
    }
    if app.show_statements {
        response.headers_mut().insert("x-statements", HeaderValue::from(usage.statements()));
    }
    Ok(response)
}

async fn take(response: Response) -> Result<(StoredReply, Response)> {
    let (parts, body) = response.into_parts();
    let bytes =
        body.collect().await.map_err(|e| Error::internal("a reply's body").with_source(e))?.to_bytes();
    let kept = KEPT_HEADERS.iter().filter_map(|name| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let reply = StoredReply { status: parts.status.as_u16(), headers: kept.collect(), body: bytes.to_vec() };
    Ok((reply, Response::from_parts(parts, Body::from(bytes))))
}

fn restore(reply: StoredReply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<header::HeaderName>(), HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
    headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
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
            count_open(app, ctx.request())?;
        }
        Ok(Public(ctx))
    }
}

fn context(parts: &Parts, app: &App) -> Result<Ctx> {
    let state = parts.extensions.get::<Arc<RequestState>>().cloned();
    let state = state.ok_or_else(|| Error::internal("the route is not behind web::guard"))?;
    Ok(Ctx::new(app.clone(), state))
}

fn count_open(app: &App, request: &RequestState) -> Result<()> {
    let mut left = request.left.lock();
    if left.is_none()
        && let Some((limit, ip)) = app.open_routes.as_ref().zip(request.ip)
    {
        *left = Some(limit.ask(ip)?);
    }
    Ok(())
}
