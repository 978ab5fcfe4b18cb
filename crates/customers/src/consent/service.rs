//! Writing and reading the ledger.

use kernel::Result;
use platform::Tx;
use platform::ctx::Ctx;
use uuid::Uuid;

use super::store;
pub use super::store::ConsentEvent;

/// Marketing by e-mail: `customer.marketing_emails`.
pub const MARKETING_EMAILS: &str = "marketing_emails";
/// Marketing by text message: `customer.marketing_sms`.
pub const MARKETING_SMS: &str = "marketing_sms";

/// Where a state comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The deployment's default, because nobody said anything. No proof of consent.
    Default,
    /// Staff or a program.
    Staff,
    /// The customer.
    Customer,
}

impl Source {
    fn code(self) -> &'static str {
        match self {
            Source::Default => "default",
            Source::Staff => "staff",
            Source::Customer => "customer",
        }
    }
}

/// Appends states that changed: customer, purpose, state, source.
pub async fn record_many_in(
    ctx: &Ctx,
    tx: &mut Tx,
    changes: &[(Uuid, &'static str, bool, Source)],
) -> Result<()> {
    let events = changes.iter();
    let events = events.map(|(id, purpose, state, source)| event_of(ctx, *id, purpose, *state, *source));
    store::insert(tx, &events.collect::<Vec<_>>()).await
}

/// What a new customer begins with: a purpose, its state, where that comes from.
pub type Beginning = [(&'static str, bool, Source); 2];

/// Appends the states that new customers begin with.
pub async fn begin_many_in(ctx: &Ctx, tx: &mut Tx, customers: &[(Uuid, Beginning)]) -> Result<()> {
    let states = customers.iter().flat_map(|(id, states)| states.iter().map(move |state| (*id, state)));
    let states = states.map(|(id, (purpose, state, source))| (id, *purpose, *state, *source));
    record_many_in(ctx, tx, &states.collect::<Vec<_>>()).await
}

fn event_of(
    ctx: &Ctx,
    customer_id: Uuid,
    purpose: &'static str,
    state: bool,
    source: Source,
) -> ConsentEvent {
    ConsentEvent {
        id: ctx.new_id(),
        customer_id,
        purpose: purpose.to_owned(),
        state,
        source: source.code().to_owned(),
        text_version: None,
        actor: ctx.caller().map_or_else(|_| source.code().to_owned(), |caller| caller.name.clone()),
        at: ctx.now(),
    }
}

/// Appends what the customer says although it is the state already, if nobody had said it so far: agreeing to a
/// default is more than the default.
pub async fn confirm_in(
    ctx: &Ctx,
    tx: &mut Tx,
    customer: Uuid,
    purpose: &'static str,
    state: bool,
) -> Result<()> {
    match store::source(tx, customer, purpose).await? {
        Some(source) if source != Source::Default.code() => Ok(()),
        _ => record_many_in(ctx, tx, &[(customer, purpose, state, Source::Customer)]).await,
    }
}

/// A customer's ledger, newest first, at most 1000 entries.
pub async fn list_in(tx: &mut Tx, customer: Uuid) -> Result<Vec<ConsentEvent>> {
    store::latest(tx, customer).await
}

/// Deletes a customer's ledger: part of erasing it.
pub async fn erase_in(tx: &mut Tx, customer: Uuid) -> Result<()> {
    store::delete(tx, customer).await
}
