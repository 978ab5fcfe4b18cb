//! Opening, refreshing and ending sessions.
//!
//! A refresh token is used once. Its successor is an HMAC of it under a server key, so whoever sends the same token
//! again within 30 s, because the answer was lost, gets the same successor without anything being stored; later, or
//! once the successor was used, the token is in two hands and the session ends (SPEC 8).

use std::time::Duration;

use kernel::clock::Timestamp;
use kernel::{Error, Kind, Result};
use platform::Tx;
use platform::ctx::Ctx;
use platform::event::Event;
use platform::jobs::Progress;
use uuid::Uuid;

use super::store;
pub use super::store::Session;
use crate::devices::service as devices;
use crate::revocations;
use crate::secrets::RefreshToken;
use crate::tokens;
use crate::users::model::UserRef;
use crate::users::service::{self as users, User};

/// How long a lost answer can be asked for again.
const GRACE: Duration = Duration::from_secs(30);

/// What a login gives.
#[derive(Debug)]
pub struct NewSession {
    /// The session.
    pub session: Uuid,
    /// A JWT.
    pub access: String,
    /// Opaque.
    pub refresh: RefreshToken,
}

/// Opens a session for `user` and records it; `how` says by what.
pub async fn open_in(ctx: &Ctx, tx: &mut Tx, user: &User, how: &'static str) -> Result<NewSession> {
    let now = ctx.now();
    let (idle, absolute) = lifetimes(ctx, &user.role);
    let session = Session {
        id: ctx.new_id(),
        user_id: user.id,
        ip: ctx.request().ip.map(|ip| ip.to_string()),
        user_agent: ctx.request().user_agent.clone(),
        created_at: now,
        last_seen_at: now,
        idle_until: now.plus(idle),
        ends_at: now.plus(absolute),
        revoked_at: None,
    };
    store::insert(tx, &session).await?;
    let refresh = RefreshToken::generate(ctx.random());
    store::insert_token(tx, &refresh.hash(), session.id, now).await?;
    ctx.record(tx, session_event("session.created", session.id, user).note("by", how)).await?;
    let access = tokens::service::access_token_in(ctx, tx, user, session.id).await?;
    Ok(NewSession { session: session.id, access, refresh })
}

/// Staff are asked to log in again sooner than customers.
fn lifetimes(ctx: &Ctx, role: &str) -> (Duration, Duration) {
    let tokens = &ctx.app().config.tokens;
    match role {
        "customer" => (tokens.refresh_idle, tokens.refresh_absolute),
        _ => (tokens.staff_idle, tokens.staff_absolute),
    }
}

/// The user is the subject: erasing it finds the event when the session's row is long gone.
fn session_event(action: &'static str, session: Uuid, user: &User) -> Event {
    Event::new(action, "user", user.id, user.unique_id())
        .of_company(user.company)
        .note("session", session.to_string())
}

fn refused() -> Error {
    Error::unauthorized("REFRESH_TOKEN_INVALID", "This refresh token is no longer valid; log in again")
}

/// A new pair of tokens for a refresh token. 401 if it is none, or its session has ended.
pub async fn refresh(ctx: &Ctx, presented: &RefreshToken) -> Result<(String, RefreshToken)> {
    let now = ctx.now();
    let mut tx = ctx.write().await?;
    let first_use = store::use_token(&mut tx, &presented.hash(), now).await?;
    let token = store::find_token(&mut tx, &presented.hash()).await?.ok_or_else(refused)?;
    let session = store::find(&mut tx, token.session_id).await?.ok_or_else(refused)?;
    let scope = platform::access::Scope::system("the token names its session, and the session its user");
    let user = users::find_in(&mut tx, &scope, UserRef::Id(session.user_id)).await?.ok_or_else(refused)?;
    if session.revoked_at.is_some() || session.idle_until <= now || session.ends_at <= now || !user.is_active
    {
        return Err(refused());
    }
    let successor = presented.successor(ctx.app().state::<tokens::service::Tokens>().refresh_key());
    if first_use {
        store::insert_token(&mut tx, &successor.hash(), session.id, now).await?;
        let (idle, _) = lifetimes(ctx, &user.role);
        store::touch(&mut tx, session.id, now, now.plus(idle)).await?;
    } else if !is_repeat(&mut tx, token.used_at, &successor, now).await? {
        return reused(ctx, tx, &session, &user).await;
    }
    let access = tokens::service::access_token_in(ctx, &mut tx, &user, session.id).await?;
    tx.commit().await?;
    Ok((access, successor))
}

/// Was the token used a moment ago, and its successor not yet?
async fn is_repeat(
    tx: &mut Tx,
    used_at: Option<Timestamp>,
    successor: &RefreshToken,
    now: Timestamp,
) -> Result<bool> {
    let fresh = used_at.is_some_and(|at| now.since(at) <= GRACE);
    let next = store::find_token(tx, &successor.hash()).await?;
    Ok(fresh && next.is_some_and(|n| n.used_at.is_none()))
}

/// A token in two hands: nobody keeps the session. The refusal is committed, so it is no rolled back error.
async fn reused<T>(ctx: &Ctx, mut tx: Tx, session: &Session, user: &User) -> Result<T> {
    store::revoke(&mut tx, session.id, user.id, ctx.now(), "refresh_reused").await?;
    ctx.record(&mut tx, session_event("session.refresh_reused", session.id, user)).await?;
    revocations::invalidate_after_commit(ctx, &mut tx, user.id);
    tx.commit().await?;
    tracing::warn!(session = %session.id, user = %user.id, "a refresh token was used twice; its session was ended");
    Err(refused())
}

/// Ends the session of a refresh token. Idempotent: a token that is none any more is as good as logged out.
pub async fn logout(ctx: &Ctx, refresh: Option<&RefreshToken>) -> Result<()> {
    let user = ctx.require_user()?;
    let current = match &ctx.caller()?.credential {
        platform::access::Credential::Session(id) => Some(*id),
        _ => None,
    };
    let mut tx = ctx.write().await?;
    let named = match refresh {
        Some(token) => store::find_token(&mut tx, &token.hash()).await?.map(|t| t.session_id),
        None => current,
    };
    // Only a session of the caller's: somebody else's token ends nothing.
    if let Some(session) = named {
        revoke_in(ctx, &mut tx, user, session, "logout").await?;
    }
    tx.commit().await
}

/// The caller's living sessions.
pub async fn list(ctx: &Ctx) -> Result<Vec<Session>> {
    let user = ctx.require_user()?;
    let mut tx = ctx.read().await?;
    store::list(&mut tx, user, ctx.now()).await
}

/// Ends one session of the caller's, whose device is not known any more; 404 if it is none of theirs.
pub async fn revoke(ctx: &Ctx, session: Uuid) -> Result<()> {
    let user = ctx.require_user()?;
    let mut tx = ctx.write().await?;
    devices::delete_of_session_in(&mut tx, user, session).await?;
    if !revoke_in(ctx, &mut tx, user, session, "revoked").await? {
        return Err(Error::new(Kind::NotFound, "SESSION_NOT_FOUND", "Session not found"));
    }
    tx.commit().await
}

/// Ends every session of the caller's but the current one; says how many.
pub async fn revoke_others(ctx: &Ctx) -> Result<u64> {
    let user = ctx.require_user()?;
    let current = match &ctx.caller()?.credential {
        platform::access::Credential::Session(id) => Some(*id),
        _ => None,
    };
    let mut tx = ctx.write().await?;
    let ended = revoke_all_in(ctx, &mut tx, user, current, "revoked").await?;
    tx.commit().await?;
    Ok(ended)
}

async fn revoke_in(ctx: &Ctx, tx: &mut Tx, user: Uuid, session: Uuid, because: &'static str) -> Result<bool> {
    if !store::revoke(tx, session, user, ctx.now(), because).await? {
        return Ok(false);
    }
    let scope = platform::access::Scope::system("the caller's own session");
    let owner = users::find_in(tx, &scope, UserRef::Id(user)).await?;
    let owner = owner.ok_or_else(|| Error::internal("a session whose user is gone"))?;
    ctx.record(tx, session_event("session.revoked", session, &owner).note("reason", because)).await?;
    revocations::invalidate_after_commit(ctx, tx, user);
    Ok(true)
}

/// Ends all sessions of a user but `keep`, in the transaction of what makes it necessary, and forgets their devices.
pub async fn revoke_all_in(
    ctx: &Ctx,
    tx: &mut Tx,
    user: Uuid,
    keep: Option<Uuid>,
    because: &'static str,
) -> Result<u64> {
    let ended = store::revoke_all(tx, user, keep, ctx.now(), because).await?;
    devices::delete_others_in(tx, user, keep).await?;
    if ended > 0 {
        let event = Event::new("session.revoked_all", "user", user, user.to_string());
        ctx.record(tx, event.note("reason", because).note("sessions", ended)).await?;
    }
    revocations::invalidate_after_commit(ctx, tx, user);
    Ok(ended)
}

/// Ends all sessions of a user, and takes addresses and devices out of them: part of erasing it.
pub(crate) async fn erase_in(ctx: &Ctx, tx: &mut Tx, user: Uuid) -> Result<()> {
    revoke_all_in(ctx, tx, user, None, "erased").await?;
    store::delete_of_user(tx, user).await
}

/// Housekeeping: deletes sessions a week after their end, their tokens before them: a session that lived for months
/// has thousands, and whoever writes on SQLite waits for each of these transactions.
pub(crate) async fn purge(ctx: &Ctx) -> Result<Progress> {
    let before = ctx.now().minus(Duration::from_secs(7 * 24 * 3600));
    loop {
        let mut tx = ctx.write().await?;
        let tokens = store::purge_tokens(&mut tx, before).await?;
        tx.commit().await?;
        if tokens < store::STEP {
            let mut tx = ctx.write().await?;
            let sessions = store::purge(&mut tx, before).await?;
            tx.commit().await?;
            if sessions < store::STEP {
                return Ok(Progress::Done);
            }
        }
        if ctx.should_yield() {
            return Ok(Progress::More);
        }
    }
}
