//! `/api/auth/login/`, `token/…`, `logout/`, `sessions/`.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use kernel::clock::Timestamp;
use kernel::web::problem::Problems;
use kernel::web::reply::{self, NoContent};
use kernel::web::{Body, Fields, Input};
use kernel::{Error, Result};
use platform::access::Credential;
use platform::ctx::Ctx;
use platform::http::guard::Public;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::login::{self, LoginName};
use super::service::{self, NewSession, Session};
use crate::profile_of;
use crate::secrets::{DeviceToken, RefreshToken};
use crate::tokens;
use crate::tokens::model::Claims;
use crate::users::api::UserReply;
use crate::users::model::{Email, Phone};

/// A pair of tokens.
#[derive(Serialize, utoipa::ToSchema)]
pub struct TokenPair {
    /// JWT, sent as `Authorization: Bearer …`.
    pub access: String,
    /// Opaque, used once at `token/refresh/`.
    pub refresh: String,
}

impl From<&NewSession> for TokenPair {
    fn from(opened: &NewSession) -> TokenPair {
        TokenPair { access: opened.access.clone(), refresh: opened.refresh.reveal() }
    }
}

/// Who logs in, and with what.
pub struct Login {
    who: LoginName,
    password: SecretString,
    device: Option<DeviceToken>,
}

impl Input for Login {
    const NAME: &'static str = "Login";

    fn read(f: &mut Fields<'_>) -> Option<Login> {
        let email = f.get::<Email>("email").value().map(LoginName::Email);
        let username = f.text("username", 254).value().map(LoginName::named);
        f.note("An e-mail address is understood here as well.");
        let phone = f.get::<Phone>(["phone", "phone_number"]).value().map(LoginName::Phone);
        let password = f.need_secret("password", 512);
        // One that is none is as good as none: it must not keep its owner out.
        let device =
            f.secret("device_token", 512).value().and_then(|text| DeviceToken::parse(text.expose_secret()));
        let mut named: Vec<LoginName> = [email, username, phone].into_iter().flatten().collect();
        f.note("Exactly one of email, username and phone says who it is.");
        if named.len() != 1 {
            f.error("email", "required", "send exactly one of email, username and phone");
        }
        let who = named.pop();
        f.example(|| json!({"email": "ada.lovelace@example.com", "password": "Difference-Engine-1842"}));
        f.build(|| Login {
            who: who.unwrap_or_else(|| LoginName::Username(String::new())),
            password: password.get(),
            device,
        })
    }
}

/// A login.
pub type LoginBody = Body<Login>;

/// What a login gives.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = LoggedIn)]
pub struct LoginReply {
    /// Who it is.
    pub user: UserReply,
    /// Its tokens.
    pub tokens: TokenPair,
    /// Is there a customer profile? Without one, `POST /api/v1/customers/profile/create/` makes it.
    pub has_profile: bool,
    /// Makes this device known for 180 days: send it with the next login of the same user, and nobody who guesses at the
    /// account from elsewhere makes you wait. Each login gives a new one.
    pub device_token: String,
}

/// Logs in with a password.
#[utoipa::path(post, path = "/api/auth/login", operation_id = "loginUser", tag = "sessions",
    security(()), request_body = LoginBody,
    responses((status = 200, body = LoginReply), Problems))]
pub(crate) async fn login(Public(ctx): Public, Body(login): LoginBody) -> Result<Response> {
    let done = login::login(&ctx, &login.who, login.password.expose_secret(), login.device.as_ref()).await?;
    let has_profile = profile_of(&ctx, done.user.id).await?.is_some();
    let reply = LoginReply {
        user: (&done.user).into(),
        tokens: (&done.opened).into(),
        has_profile,
        device_token: done.device.reveal(),
    };
    Ok(reply::json(StatusCode::OK, &reply))
}

/// A refresh token.
pub struct Refresh(Option<RefreshToken>);

impl Input for Refresh {
    const NAME: &'static str = "Refresh";

    fn read(f: &mut Fields<'_>) -> Option<Refresh> {
        let refresh = f.need_secret("refresh", 512);
        f.example(|| json!({"refresh": "<the refresh token of a login>"}));
        f.build(|| Refresh(RefreshToken::parse(refresh.get().expose_secret())))
    }
}

/// A refresh.
pub type RefreshBody = Body<Refresh>;

/// A new pair of tokens for a refresh token, which is used up by it.
#[utoipa::path(post, path = "/api/auth/token/refresh", operation_id = "refreshTokens", tag = "sessions",
    security(()), request_body = RefreshBody,
    responses((status = 200, body = TokenPair), Problems))]
pub(crate) async fn refresh(Public(ctx): Public, Body(Refresh(token)): RefreshBody) -> Result<Response> {
    let token =
        token.ok_or_else(|| Error::unauthorized("REFRESH_TOKEN_INVALID", "This is not a refresh token"))?;
    let (access, refresh) = service::refresh(&ctx, &token).await?;
    Ok(reply::json(StatusCode::OK, &TokenPair { access, refresh: refresh.reveal() }))
}

/// An access token to look at.
pub struct Verify(SecretString);

impl Input for Verify {
    const NAME: &'static str = "TokenVerification";

    fn read(f: &mut Fields<'_>) -> Option<Verify> {
        let token = f.need_secret("token", tokens::model::MAX_TOKEN_BYTES);
        f.example(|| json!({"token": "<an access token>"}));
        f.build(|| Verify(token.get()))
    }
}

/// A verification.
pub type VerifyBody = Body<Verify>;

/// What a good token says.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = VerifiedToken)]
pub struct VerifiedReply {
    /// Always true: a token that does not hold is answered with 401.
    pub valid: bool,
    /// Its claims.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub claims: Claims,
}

/// Says whether an access token holds, session included. For services that do not verify with the public keys.
#[utoipa::path(post, path = "/api/auth/token/verify", operation_id = "verifyToken", tag = "sessions",
    security(()), request_body = VerifyBody,
    responses((status = 200, body = VerifiedReply), Problems))]
pub(crate) async fn verify(Public(ctx): Public, Body(Verify(token)): VerifyBody) -> Result<Response> {
    let claims = tokens::service::verify(&ctx, token.expose_secret()).await?;
    Ok(reply::json(StatusCode::OK, &VerifiedReply { valid: true, claims }))
}

/// The session to end; the caller's own without a body.
pub struct Logout(Option<RefreshToken>);

impl Input for Logout {
    const NAME: &'static str = "Logout";
    const EMPTY_OK: bool = true;

    fn read(f: &mut Fields<'_>) -> Option<Logout> {
        let refresh = f.secret("refresh", 512);
        f.example(|| json!({}));
        f.build(|| Logout(refresh.value().and_then(|text| RefreshToken::parse(text.expose_secret()))))
    }
}

/// A logout.
pub type LogoutBody = Body<Logout>;

/// Ends the session of the access token, or the one of a refresh token of the same user.
#[utoipa::path(post, path = "/api/auth/logout", operation_id = "logoutUser", tag = "sessions",
    request_body = Option<LogoutBody>,
    responses((status = 204), Problems))]
pub(crate) async fn logout(ctx: Ctx, Body(Logout(refresh)): LogoutBody) -> Result<NoContent> {
    service::logout(&ctx, refresh.as_ref()).await?;
    Ok(NoContent)
}

/// One of the caller's sessions.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Session)]
pub struct SessionReply {
    /// The `sid` of its tokens.
    pub id: Uuid,
    /// Where it was opened from.
    pub ip: Option<String>,
    /// What it was opened with.
    pub user_agent: Option<String>,
    /// Login.
    pub created_at: Timestamp,
    /// Last refresh.
    pub last_seen_at: Timestamp,
    /// Ends then in any case.
    pub ends_at: Timestamp,
    /// Is it the one that asks?
    pub is_current: bool,
}

/// The caller's sessions.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = SessionList)]
pub struct SessionsReply {
    /// The living ones, newest first.
    pub sessions: Vec<SessionReply>,
    /// How many.
    pub total: usize,
}

/// Lists the caller's living sessions.
#[utoipa::path(get, path = "/api/auth/sessions", operation_id = "listSessions", tag = "sessions",
    responses((status = 200, body = SessionsReply), Problems))]
pub(crate) async fn list(ctx: Ctx) -> Result<Response> {
    let current = ctx.caller()?.credential.clone();
    let view = |s: Session| SessionReply {
        is_current: current == Credential::Session(s.id),
        id: s.id,
        ip: s.ip,
        user_agent: s.user_agent,
        created_at: s.created_at,
        last_seen_at: s.last_seen_at,
        ends_at: s.ends_at.min(s.idle_until),
    };
    let sessions: Vec<SessionReply> = service::list(&ctx).await?.into_iter().map(view).collect();
    Ok(reply::json(StatusCode::OK, &SessionsReply { total: sessions.len(), sessions }))
}

/// Ends one of the caller's sessions.
#[utoipa::path(delete, path = "/api/auth/sessions/{session}", operation_id = "revokeSession", tag = "sessions",
    params(("session" = Uuid, Path, description = "The session")),
    responses((status = 204), Problems))]
pub(crate) async fn revoke(ctx: Ctx, Path(id): Path<String>) -> Result<NoContent> {
    let not_found = || Error::not_found("SESSION_NOT_FOUND", "Session not found");
    service::revoke(&ctx, Uuid::try_parse(&id).map_err(|_| not_found())?).await?;
    Ok(NoContent)
}

/// How many sessions ended.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = RevokedSessions)]
pub struct RevokedReply {
    /// How many.
    pub revoked: u64,
}

/// Ends every session of the caller's but the current one.
#[utoipa::path(delete, path = "/api/auth/sessions", operation_id = "revokeOtherSessions", tag = "sessions",
    responses((status = 200, body = RevokedReply), Problems))]
pub(crate) async fn revoke_others(ctx: Ctx) -> Result<Response> {
    Ok(reply::json(StatusCode::OK, &RevokedReply { revoked: service::revoke_others(&ctx).await? }))
}
