//! Every statement on `consent_event`.

use database::{args, row, sql};
use kernel::Result;
use kernel::clock::Timestamp;
use platform::Tx;
use uuid::Uuid;

row! {
    /// One entry of the ledger.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ConsentEvent of "consent_event" {
        /// UUIDv7.
        pub id: Uuid,
        /// The customer.
        pub customer_id: Uuid,
        /// For what.
        pub purpose: String,
        /// Allowed?
        pub state: bool,
        /// `default`, `staff`, `customer`, `system`.
        pub source: String,
        /// The version of the text that was agreed to.
        pub text_version: Option<String>,
        /// Who said so.
        pub actor: String,
        /// When.
        pub at: Timestamp,
    }
}

pub async fn insert(tx: &mut Tx, events: &[ConsentEvent]) -> Result<()> {
    tx.insert_records(&events.iter().collect::<Vec<_>>(), "").await.map(drop)
}

/// The latest entries, newest first.
pub async fn latest(tx: &mut Tx, customer: Uuid) -> Result<Vec<ConsentEvent>> {
    tx.all(
        sql!(
            database::text!(
                "SELECT ",
                <ConsentEvent as database::FromRow>::SELECT,
                " FROM consent_event WHERE customer_id = $1 ORDER BY at DESC, id DESC LIMIT 1000"
            ) => ConsentEvent
        ),
        args![customer],
    )
    .await
}

/// Where the current state of a purpose came from.
pub async fn source(tx: &mut Tx, customer: Uuid, purpose: &str) -> Result<Option<String>> {
    tx.opt(
        sql!(
            "SELECT source FROM consent_event WHERE customer_id = $1 AND purpose = $2 ORDER BY at DESC, id DESC LIMIT 1" => String
        ),
        args![customer, purpose],
    )
    .await
}

pub async fn delete(tx: &mut Tx, customer: Uuid) -> Result<()> {
    tx.exec(sql!("DELETE FROM consent_event WHERE customer_id = $1"), args![customer]).await.map(drop)
}
