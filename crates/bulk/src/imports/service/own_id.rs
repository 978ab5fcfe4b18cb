//! The public id of a row: whose it is, and what is remembered of rows that bring their own.

use customers::customer::model::CustomerRow;
use customers::customer::model::{CustomerNumber, CustomerRef};
use database::Texts;
use kernel::Result;
use platform::Tx;
use platform::ctx::Ctx;

use super::KIND;
use crate::batches::service as batches;
use crate::imports::model::record::Key;
use crate::imports::model::same::{Comparison, is_another};
use crate::imports::store;

/// The code of a verdict on a row whose `customer_id` is somebody else's here.
pub(super) const ID_OF_ANOTHER: &str = "CUSTOMER_ID_OF_ANOTHER";

/// What the `customer_id` of a row is.
pub(super) enum OwnId {
    /// There is none, or it names the customer that the row means.
    Fits,
    /// Nobody's that the import may see.
    Free(FreeId),
    /// Somebody else's.
    OfAnother,
}

/// An id that a row brings along: the customer keeps it where it is free. What the file says of it is remembered as hashes,
/// so that a later row with the same id is known to mean the same customer, or another.
pub(super) struct FreeId {
    /// As new customers can have it.
    pub number: Option<CustomerNumber>,
    /// The hash of the id itself.
    pub id: String,
    /// For each other key of the row: that there is one of its kind, and which.
    each: Vec<(String, String)>,
}

impl FreeId {
    pub(super) fn of(ctx: &Ctx, reference: CustomerRef, keys: &[Key]) -> FreeId {
        let number = match reference {
            CustomerRef::Number(number) => Some(number),
            CustomerRef::Id(_) => None,
        };
        let id = Key::Customer(reference).text();
        let each = keys.iter().map(|key| {
            let text = key.text();
            let kind = text.split(' ').next().unwrap_or_default();
            (hash(ctx, &format!("{id} has {kind}")), hash(ctx, &format!("{id} is {text}")))
        });
        FreeId { number, each: each.collect(), id: hash(ctx, &id) }
    }

    /// Everything that is remembered of it.
    pub(super) fn facts(&self) -> impl Iterator<Item = &String> {
        [&self.id].into_iter().chain(self.each.iter().flat_map(|(has, is)| [has, is]))
    }

    /// Do the facts that are known mean somebody else?
    pub(super) fn is_of_another(&self, known: impl Fn(&str) -> bool) -> bool {
        is_another(self.each.iter().map(|(has, is)| match (known(is), known(has)) {
            (true, _) => Comparison::Same,
            (false, true) => Comparison::Other,
            (false, false) => Comparison::Nothing,
        }))
    }
}

/// Half a digest under a key of ours, so that nobody can try addresses against it.
pub(super) fn hash(ctx: &Ctx, text: &str) -> String {
    let digest = ctx.app().keys.hmac("import keys", text.as_bytes());
    data_encoding::HEXLOWER.encode(&digest[..16])
}

/// The hash by which a row finds that its customer was erased meanwhile.
pub(super) fn erased_hash(ctx: &Ctx, key: &Key) -> String {
    hash(ctx, &format!("erased {}", key.text()))
}

/// Tells the imports that are at work or wait of a customer that is erased, so that their files do not create it again:
/// part of erasing it. What they remember are hashes, until they end.
pub async fn erase_in(ctx: &Ctx, tx: &mut Tx, customer: &CustomerRow) -> Result<()> {
    let imports = batches::active_in(tx, KIND.name).await?;
    if imports.is_empty() {
        return Ok(());
    }
    let number = CustomerRef::parse(&customer.customer_id).ok().map(Key::Customer);
    let named = [
        number,
        Some(Key::Customer(CustomerRef::Id(customer.id))),
        customer.external_id.clone().map(Key::External),
        customer.email.key().map(|key| Key::Email(key.to_owned())),
        customer.phone.digits().map(|digits| Key::Phone(digits.to_owned())),
    ];
    let hashes: Texts = named.iter().flatten().map(|key| erased_hash(ctx, key)).collect();
    for import in imports {
        store::insert(tx, import, hashes.clone()).await?;
    }
    Ok(())
}
