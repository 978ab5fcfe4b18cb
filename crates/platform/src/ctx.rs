//! `Ctx`: what a use case receives. Caller, clock, ids, randomness, database, and the request it answers.
//!
//! Idempotency lives here and handlers know nothing of it: with a key, `write()` first inserts the key's
//! record and `commit()` parks the transaction; `platform::http::guard` stores the reply in it and commits
//! (`platform::idempotency::run`).

use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;

use crate::access::{Caller, Permission, Reach, Scope};
use crate::app::App;
use crate::event::{self, Event};
use crate::http::limit::Tally;
use crate::idempotency::KeyedRun;
use crate::jobs;
use crate::tx::Tx;
use database::Usage;
use kernel::clock::Timestamp;
use kernel::error::{Error, Result};
use kernel::id::Random;
use kernel::web::RequestInfo;

/// What is known of one request. A retried request gets a new one.
pub struct RequestState {
    /// `X-Request-Id`.
    pub id: String,
    /// Who is calling; an error if the credentials were wrong, `None` if there were none.
    pub caller: Result<Option<Arc<Caller>>, Arc<Error>>,
    /// The client's address, seen through trusted proxies only.
    pub ip: Option<IpAddr>,
    /// `User-Agent`, cut to 255 characters.
    pub user_agent: Option<String>,
    /// What becomes of the `Idempotency-Key` of an unsafe request.
    pub(crate) keyed: Option<Arc<KeyedRun>>,
    /// Is everything that it writes undone again?
    pub(crate) rehearsal: bool,
    /// The claim of the job that is at work here.
    pub(crate) job: Option<Arc<jobs::Claim>>,
    /// What the request was counted against: the same for every run of it.
    pub(crate) tally: Tally,
    /// What the outer layer knows of it.
    pub(crate) info: Option<RequestInfo>,
    pub(crate) usage: Arc<Usage>,
}

impl RequestState {
    /// A request of nobody, with an id.
    pub fn new(id: String) -> RequestState {
        RequestState {
            id,
            caller: Ok(None),
            ip: None,
            user_agent: None,
            keyed: None,
            rehearsal: false,
            job: None,
            tally: Tally::default(),
            info: None,
            usage: Arc::default(),
        }
    }
}

impl RequestState {
    /// A transaction.
    pub(crate) async fn begin(&self, app: &App) -> Result<Tx> {
        Ok(app.db.write(&self.usage).await?.into())
    }
}

/// See the module's documentation. Cloning shares it.
#[derive(Clone)]
pub struct Ctx {
    app: App,
    request: Arc<RequestState>,
}

impl Ctx {
    /// The context of a request.
    pub fn new(app: App, request: Arc<RequestState>) -> Ctx {
        Ctx { app, request }
    }

    /// The context of work that no request asked for; `name` appears as the actor.
    pub fn system(app: App, name: &str) -> Ctx {
        // The alphabet of request ids from outside.
        let fine = |c: char| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '-' };
        let id: String = name.chars().map(fine).collect();
        let mut request = RequestState::new(format!("{id}-{}", app.random.uuid(app.clock.now())));
        request.caller = Ok(Some(Arc::new(Caller::system(name))));
        Ctx { app, request: Arc::new(request) }
    }

    /// The context of a run of a job: what it writes is written under its claim, or not at all.
    pub(crate) fn job(app: App, name: &str, claim: Arc<jobs::Claim>) -> Ctx {
        let mut request = RequestState::new(format!("{name}-{}", app.random.uuid(app.clock.now())));
        request.caller = Ok(Some(Arc::new(Caller::system(name))));
        request.job = Some(claim);
        Ctx { app, request: Arc::new(request) }
    }

    /// The context of work that `caller` asked for earlier, done with the rights of `caller`, in the same run of a job;
    /// `request` stands in its events. A rehearsal undoes what it writes.
    pub fn behalf(&self, caller: Caller, request: String, rehearsal: bool) -> Ctx {
        let mut state = RequestState::new(request);
        state.caller = Ok(Some(Arc::new(caller)));
        state.rehearsal = rehearsal;
        state.job.clone_from(&self.request.job);
        Ctx { app: self.app.clone(), request: Arc::new(state) }
    }

    /// Is everything undone that is written here? Then it should use up nothing that others could have.
    pub fn is_rehearsal(&self) -> bool {
        self.request.rehearsal
    }

    /// Should long work come back with what is left undone? Asked after each bounded step. A job makes way for others of
    /// its queue and for a server that stops; anything else has no reason to.
    pub fn should_yield(&self) -> bool {
        self.request.job.as_ref().is_some_and(|claim| claim.should_yield())
    }

    /// The process.
    pub fn app(&self) -> &App {
        &self.app
    }
    /// The request.
    pub fn request(&self) -> &RequestState {
        &self.request
    }
    /// Now, by the injected clock.
    pub fn now(&self) -> Timestamp {
        self.app.clock.now()
    }
    /// A new UUIDv7.
    pub fn new_id(&self) -> Uuid {
        self.app.random.uuid(self.now())
    }
    /// Randomness.
    pub fn random(&self) -> &Random {
        &self.app.random
    }

    /// Who is calling. 401 without credentials or with wrong ones.
    pub fn caller(&self) -> Result<&Caller> {
        match &self.request.caller {
            Ok(Some(caller)) => Ok(caller),
            Ok(None) => Err(Error::unauthorized(
                "NOT_AUTHENTICATED",
                "Send an access token or an API key as `Authorization: Bearer …`",
            )),
            Err(e) => Err(e.again()),
        }
    }

    /// May the caller do this? The rows on which it may: 401 without a caller, 403 without the permission.
    pub fn require(&self, permission: Permission) -> Result<Scope> {
        let caller = self.caller()?;
        if !caller.permissions.has(permission) {
            let code = permission.code();
            return Err(Error::forbidden(
                "PERMISSION_DENIED",
                format!("The role {} may not do this; it needs {code}", caller.role),
            ));
        }
        Ok(Scope::of(caller.reach, caller.company_id, caller.user_id))
    }

    /// Like [`Ctx::require`], on routes that the customer role may not use at all, not even for its own rows.
    pub fn require_staff(&self, permission: Permission) -> Result<Scope> {
        let scope = self.require(permission)?;
        match self.caller()?.is_customer() {
            true => Err(Error::forbidden("STAFF_ONLY", "Only staff can access")),
            false => Ok(scope),
        }
    }

    /// The caller as a customer: its user. 403 for everybody else.
    pub fn require_customer(&self) -> Result<Uuid> {
        let caller = self.caller()?;
        match (caller.reach, caller.user_id) {
            (Reach::Own, Some(user)) => Ok(user),
            _ => Err(Error::forbidden("CUSTOMERS_ONLY", "Only customers can access")),
        }
    }

    /// The caller's own user, whatever its role. 403 for API keys.
    pub fn require_user(&self) -> Result<Uuid> {
        let user = self.caller()?.user_id;
        user.ok_or_else(|| {
            Error::forbidden("USERS_ONLY", "An API key has no account of its own; log in as a user")
        })
    }

    /// Counts a request that sends mail to an address of the caller's choice, or that would tell whether the address is
    /// known: for its account and for where it comes from. 429 past the limits.
    pub fn count_email(&self) -> Result<()> {
        let user = self.caller().ok().and_then(|caller| caller.user_id);
        self.app.rate_limits.email(&self.request.tally, user, self.request.ip)
    }

    /// Single statements, each its own snapshot, without BEGIN. Refused while a transaction is open.
    pub async fn read(&self) -> Result<Tx> {
        self.commit_parked().await?;
        Ok(self.app.db.read(&self.request.usage).await?.into())
    }

    /// Several statements that must agree.
    pub async fn snapshot(&self) -> Result<Tx> {
        self.commit_parked().await?;
        Ok(self.app.db.snapshot(&self.request.usage).await?.into())
    }

    /// Long reads, apart from the rest and with a deadline.
    pub async fn slow_read(&self) -> Result<Tx> {
        self.commit_parked().await?;
        Ok(self.app.db.slow_read(&self.request.usage).await?.into())
    }

    /// A transaction: drop it to roll back, `commit()` to keep. Refused while another is open.
    pub async fn write(&self) -> Result<Tx> {
        self.commit_parked().await?;
        let mut tx = self.request.begin(&self.app).await?;
        if let Some(claim) = &self.request.job {
            claim.hold_in(&mut tx).await?;
        }
        match &self.request.keyed {
            // A repeat of what asks for nothing does the same, and needs no record.
            Some(keyed) if !self.request.info.as_ref().is_some_and(RequestInfo::asks_nothing) => {
                keyed.claim(tx, self.now()).await
            }
            _ => Ok(tx),
        }
    }

    /// Makes last what the handler committed before.
    async fn commit_parked(&self) -> Result<()> {
        match &self.request.keyed {
            Some(keyed) => keyed.commit_parked().await,
            None => Ok(()),
        }
    }

    /// The answer of this request may tell of a customer. Whoever loads one says so, also where nothing is changed:
    /// an answer that is kept for repeats goes when one of its customers is erased.
    pub fn concerns(&self, customer: Uuid) {
        if let Some(keyed) = &self.request.keyed {
            keyed.concerns(customer);
        }
    }

    /// Writes the event of a change into the transaction of the change.
    pub async fn record(&self, tx: &mut Tx, event: Event) -> Result<()> {
        if let Some(customer) = event.customer_id {
            self.concerns(customer);
        }
        event::insert(self, tx, vec![event]).await
    }

    /// The same for many changes of one transaction, in this order.
    pub async fn record_many(&self, tx: &mut Tx, events: Vec<Event>) -> Result<()> {
        events.iter().filter_map(|event| event.customer_id).for_each(|customer| self.concerns(customer));
        event::insert(self, tx, events).await
    }
}
