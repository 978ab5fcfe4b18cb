//! Signing keys in memory, and who is behind a bearer token.
//!
//! A token's signature is verified once; then a map from the token's hash to its session answers. What the caller
//! may do comes from the database, read again after a second at most, and at once after a revocation in this process:
//! every revocation raises the generation of its user's shard. So a revocation holds here at once, and in every
//! other process within that second, without messages between them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use database::Json;
use kernel::clock::Timestamp;
use kernel::{Error, Kind, Result};
use parking_lot::{Mutex, RwLock};
use platform::Tx;
use platform::access::{Caller, Credential};
use platform::app::{App, Parts, ProcessState};
use platform::crypto::{Keys, sha256};
use platform::ctx::Ctx;
use platform::jobs::Progress;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::model::{Claims, PublicJwk, SigningKey, Verifier};
use super::store::{self, StoredKey};
use crate::api_keys;
use crate::profile_hook;
use crate::revocations::Revocations;
use crate::roles::service::permissions;
use crate::secrets::{ApiKeySecret, RefreshKey};
use crate::users::service::User;

/// How old what we know of a caller may be.
const FRESH: Duration = Duration::from_secs(1);
/// How old the keys in memory may be before a token is signed: a process without jobs learns of a rotation so.
const RING_AGE: Duration = Duration::from_secs(300);
/// An unknown key id makes us look into the database at most so often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Tokens that are remembered.
const REMEMBERED: u64 = 50_000;
/// A signing key is replaced after this time; its successor is published this long before.
const KEY_AGE: Duration = Duration::from_secs(90 * 24 * 3600);
/// Retired keys verify this long: longer than any access token lives.
const RETIRED_VERIFY: Duration = Duration::from_secs(24 * 3600);
const PURPOSE: &str = "signing-keys";

/// The keys and the callers of this process.
pub struct Tokens {
    ring: OnceCell<RwLock<Arc<KeyRing>>>,
    looked: Mutex<Instant>,
    remembered: moka::sync::Cache<[u8; 32], Arc<CachedCredential>>,
    refresh_key: RefreshKey,
}

/// The keys as they are in the database, and the names with which they sign.
struct KeyRing {
    loaded: Instant,
    active: SigningKey,
    verifier: Verifier,
    public: Vec<PublicJwk>,
    issuer: String,
    audience: String,
}

struct CachedCredential {
    credential: Credential,
    expires: Option<Timestamp>,
    known: Mutex<Option<CachedCaller>>,
}

#[derive(Clone)]
struct CachedCaller {
    caller: Arc<Caller>,
    shard: usize,
    generation: u64,
    at: Timestamp,
}

impl ProcessState for Tokens {
    fn new(parts: &Parts) -> Tokens {
        Tokens {
            ring: OnceCell::new(),
            looked: Mutex::new(Instant::now()),
            remembered: moka::sync::Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(Duration::from_secs(3600))
                .build(),
            refresh_key: RefreshKey::new(&parts.keys.derive("refresh-token-successor")),
        }
    }
}

impl Tokens {
    /// The keys. The first to ask reads them, or makes the first ones: the start of the process, which has no other
    /// transaction open.
    async fn ring(&self, app: &App) -> Result<&RwLock<Arc<KeyRing>>> {
        self.ring.get_or_try_init(|| async { first_ring(app).await.map(Arc::new).map(RwLock::new) }).await
    }

    /// The key under which refresh tokens have their successors.
    pub(crate) fn refresh_key(&self) -> &RefreshKey {
        &self.refresh_key
    }

    /// The public keys, for `/.well-known/jwks.json`.
    pub async fn public_keys(&self, app: &App) -> Result<Vec<PublicJwk>> {
        Ok(self.ring(app).await?.read().public.clone())
    }

    /// Reads the keys again: another process may have rotated them.
    async fn reload(&self, app: &App) -> Result<Arc<KeyRing>> {
        let mut tx = Tx::read(&app.db).await?;
        self.reload_in(app, &mut tx).await
    }

    async fn reload_in(&self, app: &App, tx: &mut Tx) -> Result<Arc<KeyRing>> {
        let kept = self.ring(app).await?;
        let issuer = kept.read().issuer.clone();
        let ring = Arc::new(load(tx, app, issuer).await?);
        *kept.write() = ring.clone();
        Ok(ring)
    }

    async fn verify(&self, app: &App, token: &str) -> Result<Claims> {
        let mut ring = self.ring(app).await?.read().clone();
        let unknown = Verifier::key_id(token).is_some_and(|kid| !ring.verifier.knows(&kid));
        if unknown && self.may_look() {
            ring = self.reload(app).await?;
        }
        ring.verifier.verify(token, app.clock.now())
    }

    fn may_look(&self) -> bool {
        let mut looked = self.looked.lock();
        let may = looked.elapsed() >= LOOK_AGAIN;
        if may {
            *looked = Instant::now();
        }
        may
    }

    async fn caller(&self, app: &App, bearer: &str) -> Result<Arc<Caller>> {
        let now = app.clock.now();
        let hash = sha256(bearer.as_bytes());
        let entry = match self.remembered.get(&hash) {
            Some(entry) if entry.expires.is_none_or(|at| at > now) => entry,
            _ => {
                let entry = Arc::new(self.recognise(app, bearer).await?);
                self.remembered.insert(hash, entry.clone());
                entry
            }
        };
        let known = entry.known.lock().clone();
        if let Some(known) = known
            && known.generation == app.state::<Revocations>().generation(known.shard)
            // A clock that was set back would keep what is from its future fresh until it comes.
            && known.at <= now
            && now.since(known.at) < FRESH
        {
            return Ok(known.caller);
        }
        self.ask(app, &entry, now).await
    }

    /// What the token says of itself: its session or key, and when it ends.
    async fn recognise(&self, app: &App, bearer: &str) -> Result<CachedCredential> {
        let known = Mutex::new(None);
        if let Some(secret) = ApiKeySecret::parse(bearer) {
            let id = api_keys::caller::recognise(app, &secret).await?;
            return Ok(CachedCredential { credential: Credential::ApiKey(id), expires: None, known });
        }
        // Somebody who mistypes a key is not told of tokens and logins.
        if ApiKeySecret::is_meant(bearer) {
            return Err(api_keys::caller::refused());
        }
        let claims = self.verify(app, bearer).await?;
        let expires = Timestamp::from_micros(claims.exp.saturating_mul(1_000_000));
        Ok(CachedCredential { credential: Credential::Session(claims.sid), expires, known })
    }

    /// Who it is, from the database. The generation is taken before reading, so that a revocation in between
    /// makes what was read stale at once.
    async fn ask(&self, app: &App, entry: &CachedCredential, now: Timestamp) -> Result<Arc<Caller>> {
        let before = app.state::<Revocations>().generations();
        let mut tx = Tx::read(&app.db).await?;
        let (caller, shard) = match entry.credential {
            Credential::ApiKey(id) => {
                (api_keys::caller::caller_in(&mut tx, id, now).await?, Revocations::shard(id))
            }
            Credential::Session(id) => {
                let caller = session_caller(&mut tx, id, now).await?;
                let shard = caller.user_id.map_or(0, Revocations::shard);
                (caller, shard)
            }
            Credential::Behalf | Credential::System => {
                return Err(Error::internal("nobody outside is the system"));
            }
        };
        let caller = Arc::new(caller);
        *entry.known.lock() =
            Some(CachedCaller { caller: caller.clone(), shard, generation: before[shard], at: now });
        Ok(caller)
    }
}

/// Who presented this bearer token. 401 if nobody that we know.
pub(crate) async fn authenticate(app: &App, bearer: &str) -> Result<Arc<Caller>> {
    app.state::<Tokens>().caller(app, bearer).await
}

/// Reads the keys before anything is served.
pub(crate) async fn start(app: &App) -> Result<()> {
    app.state::<Tokens>().ring(app).await.map(drop)
}

/// The keys; the first ones are made, under a lock.
async fn first_ring(app: &App) -> Result<KeyRing> {
    let now = app.clock.now();
    let mut tx = Tx::write(&app.db).await?;
    store::lock(&mut tx).await?;
    let known = store::list(&mut tx, now.minus(RETIRED_VERIFY)).await?;
    for state in ["active", "next"] {
        if known.iter().all(|k| k.state != state) {
            insert_key(&mut tx, &app.keys, state, now).await?;
        }
    }
    let issuer = issuer(&mut tx, app).await?;
    let ring = load(&mut tx, app, issuer).await?;
    tx.commit().await?;
    Ok(ring)
}

fn ended() -> Error {
    Error::unauthorized("SESSION_ENDED", "The session has ended; log in again")
}

async fn session_caller(tx: &mut Tx, session: Uuid, now: Timestamp) -> Result<Caller> {
    let s = store::session_state(tx, session).await?.ok_or_else(ended)?;
    if s.revoked_at.is_some() || s.ends_at <= now || !s.is_active || !s.company_active {
        return Err(ended());
    }
    Ok(Caller {
        credential: Credential::Session(session),
        user_id: Some(s.user_id),
        name: s.name,
        permissions: permissions(s.reach, &s.permissions),
        role: s.role,
        reach: s.reach,
        company_id: s.company_id,
    })
}

/// The name under which the deployment signs: `public_url` if it is set; otherwise the address under which it was
/// first started, kept in the database, so that processes with other listeners accept each other's tokens.
async fn issuer(tx: &mut Tx, parts: &Parts) -> Result<String> {
    let kept = store::issuer(tx).await?;
    match (&parts.config.public_url, kept) {
        (Some(url), Some(kept)) if *url == kept => Ok(kept),
        (None, Some(kept)) => Ok(kept),
        _ => {
            let url = parts.config.public_url();
            store::set_issuer(tx, &url).await?;
            Ok(url)
        }
    }
}

async fn insert_key(tx: &mut Tx, keys: &Keys, state: &str, now: Timestamp) -> Result<()> {
    let key = SigningKey::generate()?;
    let jwk =
        serde_json::to_value(key.public_jwk()).map_err(|e| Error::internal("a public key").with_source(e))?;
    let sealed = keys.seal(PURPOSE, key.kid().as_bytes(), key.to_pkcs8());
    let stored = StoredKey {
        kid: key.kid().to_owned(),
        algorithm: "ES256".to_owned(),
        public_jwk: Json(jwk),
        private_sealed: sealed,
        state: state.to_owned(),
        created_at: now,
        state_since: now,
    };
    store::insert(tx, &stored).await
}

async fn load(tx: &mut Tx, app: &App, issuer: String) -> Result<KeyRing> {
    let mut active = None;
    let mut public = Vec::new();
    for row in store::list(tx, app.clock.now().minus(RETIRED_VERIFY)).await? {
        let key =
            SigningKey::from_pkcs8(&app.keys.open(PURPOSE, row.kid.as_bytes(), &row.private_sealed)?)?;
        public.push(key.public_key().clone());
        if row.state == "active" {
            active = Some(key);
        }
    }
    Ok(KeyRing {
        loaded: Instant::now(),
        active: active.ok_or_else(|| Error::internal("there is no active signing key"))?,
        public: public.iter().map(|k| k.to_jwk()).collect(),
        verifier: Verifier::new(public, &issuer, &app.config.jwt.audience),
        issuer,
        audience: app.config.jwt.audience.clone(),
    })
}

/// Housekeeping of every process: replaces an old key by the published next one, and reads the keys again.
pub(crate) async fn rotate(ctx: &Ctx) -> Result<Progress> {
    let now = ctx.now();
    let mut tx = ctx.write().await?;
    store::lock(&mut tx).await?;
    let known = store::list(&mut tx, now.minus(RETIRED_VERIFY)).await?;
    let active = known.iter().find(|k| k.state == "active");
    let next = known.iter().find(|k| k.state == "next");
    if let (Some(active), Some(next)) = (active, next)
        && now.since(active.state_since) >= KEY_AGE
    {
        store::set_state(&mut tx, &active.kid, "retired", now).await?;
        store::set_state(&mut tx, &next.kid, "active", now).await?;
        insert_key(&mut tx, &ctx.app().keys, "next", now).await?;
        tracing::info!(kid = next.kid, "a new signing key is in use");
    }
    tx.commit().await?;
    ctx.app().state::<Tokens>().reload(ctx.app()).await?;
    Ok(Progress::Done)
}

/// An access token for a session, with the claims of SPEC 8.
pub(crate) async fn access_token_in(ctx: &Ctx, tx: &mut Tx, user: &User, session: Uuid) -> Result<String> {
    let app = ctx.app();
    let tokens = app.state::<Tokens>();
    let mut ring = tokens.ring(app).await?.read().clone();
    if ring.loaded.elapsed() > RING_AGE {
        ring = tokens.reload_in(app, tx).await?;
    }
    let customer_id = match profile_hook() {
        Some(hook) => (hook.find)(tx, user.id).await?,
        None => None,
    };
    let iat = ctx.now().as_seconds();
    let life = i64::try_from(app.config.tokens.access.as_secs()).unwrap_or(600);
    let claims = Claims {
        iss: ring.issuer.clone(),
        sub: user.id,
        aud: ring.audience.clone(),
        iat,
        exp: iat + life,
        jti: ctx.new_id(),
        sid: session,
        user_id: user.id,
        email: user.email.as_str().map(str::to_owned),
        first_name: Some(user.first_name.clone()),
        last_name: Some(user.last_name.clone()),
        user_role: user.role.clone(),
        email_verified: user.email_verified,
        customer_id,
        company_id: user.company_id.clone(),
    };
    let claims = if app.config.jwt.profile_claims { claims } else { claims.without_profile() };
    ring.active.sign(&claims)
}

/// What a token says, for other services that do not verify by themselves. 401 if it does not hold any more.
pub async fn verify(ctx: &Ctx, token: &str) -> Result<Claims> {
    let tokens = ctx.app().state::<Tokens>();
    let claims = tokens.verify(ctx.app(), token).await?;
    match tokens.caller(ctx.app(), token).await {
        Ok(_) => Ok(claims),
        Err(e) if e.kind() == Kind::Unauthorized => Err(ended()),
        Err(e) => Err(e),
    }
}
