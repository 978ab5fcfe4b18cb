//! What a run did, record by record, as the report has it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Written; in a dry run it would be.
    Created,
    /// It was there already, from an earlier run or otherwise.
    Unchanged,
    /// The file has another record of the same user before it.
    Duplicate,
    /// It was migrated and then erased; it is not made again.
    Erased,
    /// Not written; `error` says why.
    Failed,
}

/// A user or a customer?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Of the file of users.
    User,
    /// Of the files of customers.
    Customer,
}

/// A value of the old customer that the user's record contradicts: the user's is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Its name in the API.
    pub field: String,
    /// What the user's record says.
    pub kept: Option<String>,
    /// What the old customer said.
    pub old: String,
}

/// A value that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Its name in the API.
    pub field: String,
    /// As the file has it.
    pub value: String,
    /// Why.
    pub reason: String,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// User or customer.
    pub kind: Kind,
    /// File and the place in it.
    pub place: String,
    /// The old number of the user.
    pub user_id: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// The UUID of the user.
    pub id: Option<Uuid>,
    /// The public id of the customer.
    pub customer_id: Option<String>,
    /// Was the user made for it in this run?
    pub user_created: bool,
    /// A customer without a user: one without credentials was made.
    pub orphan: bool,
    /// How sure the address was read; nothing if it had parts already.
    pub confidence: Option<f64>,
    /// Why somebody should look at it.
    pub needs_review: Vec<String>,
    /// Where the user's record won.
    pub differences: Vec<Difference>,
    /// What was left out.
    pub left: Vec<Left>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Row {
    /// A record of which nothing is known but where it stands.
    pub fn new(kind: Kind, place: String) -> Row {
        Row {
            kind,
            place,
            user_id: None,
            outcome: Outcome::Failed,
            id: None,
            customer_id: None,
            user_created: false,
            orphan: false,
            confidence: None,
            needs_review: Vec::new(),
            differences: Vec::new(),
            left: Vec::new(),
            error: None,
        }
    }

    /// It could not be done.
    pub fn failed(mut self, error: impl Into<String>) -> Row {
        self.outcome = Outcome::Failed;
        self.error = Some(error.into());
        self
    }
}

/// Records counted by what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// All of them.
    pub read: u64,
    /// See [`Outcome::Created`].
    pub created: u64,
    /// See [`Outcome::Unchanged`].
    pub unchanged: u64,
    /// See [`Outcome::Duplicate`].
    pub duplicates: u64,
    /// See [`Outcome::Erased`].
    pub erased: u64,
    /// See [`Outcome::Failed`].
    pub failed: u64,
    /// Customers without a user.
    pub orphans: u64,
    /// Records that somebody should look at.
    pub needs_review: u64,
    /// Records in which the user's record won.
    pub with_differences: u64,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, row: &Row) {
        self.read += 1;
        match row.outcome {
            Outcome::Created => self.created += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Duplicate => self.duplicates += 1,
            Outcome::Erased => self.erased += 1,
            Outcome::Failed => self.failed += 1,
        }
        self.orphans += u64::from(row.orphan);
        self.needs_review += u64::from(!row.needs_review.is_empty());
        self.with_differences += u64::from(!row.differences.is_empty());
    }
}

/// How much there is in the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Users that are not erased.
    pub users: i64,
    /// Customers that are not erased.
    pub customers: i64,
    /// Users with a number of the first version.
    pub legacy_users: i64,
}
