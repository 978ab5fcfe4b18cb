//! Writing old users and customers. A batch is a transaction; whatever was written is found again by the old number, so a
//! run that was cut short is simply started again.
//!
//! - here: the run, its batches, whose user a record is;
//! - `person`: names, e-mail and phone, and where two records contradict each other;
//! - `members`: the rest of a customer;
//! - [`undo`]: taking back what nobody has touched since.

mod members;
mod person;
pub mod undo;
mod write;

use std::collections::{BTreeSet, HashMap, HashSet};

use customers::statistics::{model as counters, service as statistics};
use identity::users::legacy;
use identity::users::model::{Email, UserRef};
use identity::users::service::{self as users, User};
use kernel::{Kind as Failure, Result, TextValue};
use platform::Tx;
use platform::access::{Permission, Scope};
use platform::ctx::Ctx;
use uuid::Uuid;

use crate::model::record::{OldCustomer, OldUser, OldUserId, Person};
use crate::model::report::{Counts, Kind, Outcome, Row};
use crate::read::Record;
use crate::store;

/// The name under which a migration acts; it is how its work is told from that of others.
pub const ACTOR: &str = "regulars migrate-v1";
/// Records in one transaction.
pub const BATCH: usize = 200;
/// How often a batch is tried when the database has a passing error.
const TRIES: usize = 4;

/// How to migrate.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Write nothing.
    pub dry_run: bool,
    /// Where an address lies that names no country.
    pub default_country: Option<String>,
    /// The UUIDs that users with these numbers have already.
    pub map: HashMap<i64, Uuid>,
}

/// A record and the file that it stands in.
#[derive(Debug, Clone)]
pub struct Item {
    /// Name of the file.
    pub file: String,
    /// What was read.
    pub record: Record,
}

/// One run.
pub struct Migration<'a> {
    ctx: &'a Ctx,
    scope: Scope,
    options: Options,
    namespace: Uuid,
    seen: HashSet<(bool, OldUserId)>,
    /// In a dry run: what would have been written.
    imagined: HashMap<OldUserId, Person>,
    addresses: HashSet<String>,
    /// Columns of customers that nobody knows.
    pub ignored: BTreeSet<String>,
}

/// A record, read and not a duplicate.
enum SourceRecord {
    User(OldUser),
    Customer(Box<OldCustomer>),
}

/// Whose user a record is.
enum Owner {
    /// There is one.
    User(Box<User>, FoundBy),
    /// There is none.
    Nobody,
    /// There was one.
    Erased,
    /// Somebody else has the address.
    Taken,
}

/// How a user was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FoundBy {
    Id,
    Email,
}

impl<'a> Migration<'a> {
    /// Begins a run: for whoever may import.
    pub async fn start(ctx: &'a Ctx, options: Options) -> Result<Migration<'a>> {
        let scope = ctx.require_staff(Permission::CustomersImport)?;
        let namespace = namespace(ctx, options.dry_run).await?;
        Ok(Migration {
            ctx,
            scope,
            options,
            namespace,
            seen: HashSet::new(),
            imagined: HashMap::new(),
            addresses: HashSet::new(),
            ignored: BTreeSet::new(),
        })
    }

    /// How much there is in the database now.
    pub async fn counts(&self) -> Result<Counts> {
        let mut tx = self.ctx.slow_read().await?;
        let users = legacy::count_in(&mut tx).await?;
        let customers = statistics::count_in(&mut tx, &self.scope, counters::TOTAL, "").await?;
        let customers = i64::try_from(customers).unwrap_or(i64::MAX);
        Ok(Counts { users: users.users, customers, legacy_users: users.legacy })
    }

    /// Migrates some records, at best [`BATCH`]. The answer has a row for each, in their order.
    pub async fn batch(&mut self, kind: Kind, items: Vec<Item>) -> Result<Vec<Row>> {
        let mut rows = Vec::with_capacity(items.len());
        let mut open = Vec::new();
        for Item { file, record } in items {
            let row = Row::new(kind, format!("{file}:{}", record.line));
            match self.read(kind, record) {
                Ok((known, user)) => {
                    let row = Row { user_id: user.map(|id| id.to_string()), ..row };
                    if user.is_some_and(|user| !self.seen.insert((kind == Kind::User, user))) {
                        rows.push(Row { outcome: Outcome::Duplicate, ..row });
                    } else {
                        open.push((rows.len(), known, row.clone()));
                        rows.push(row);
                    }
                }
                Err(message) => rows.push(row.failed(message)),
            }
        }
        for (at, row) in self.write_all(&open).await? {
            rows[at] = row;
        }
        Ok(rows)
    }

    fn read(
        &mut self,
        kind: Kind,
        record: Record,
    ) -> std::result::Result<(SourceRecord, Option<OldUserId>), String> {
        let fields = record.fields?;
        Ok(match kind {
            Kind::User => {
                let user = OldUser::read(fields)?;
                let id = user.id;
                (SourceRecord::User(user), Some(id))
            }
            Kind::Customer => {
                let old = OldCustomer::read(fields, &mut self.ignored);
                let user = old.user;
                (SourceRecord::Customer(Box::new(old)), user)
            }
        })
    }

    /// All of them in one transaction; if one of them cannot be written, each in its own.
    async fn write_all(&mut self, open: &[(usize, SourceRecord, Row)]) -> Result<Vec<(usize, Row)>> {
        if open.is_empty() {
            return Ok(Vec::new());
        }
        match self.attempt(open).await {
            Ok(rows) => Ok(rows),
            Err(e) if is_outage(e.kind()) => Err(e),
            Err(_) => {
                let mut rows = Vec::with_capacity(open.len());
                for one in open {
                    match self.attempt(std::slice::from_ref(one)).await {
                        Ok(done) => rows.extend(done),
                        Err(e) if is_outage(e.kind()) => return Err(e),
                        Err(e) => rows.push((one.0, one.2.clone().failed(told(&e)))),
                    }
                }
                Ok(rows)
            }
        }
    }

    async fn attempt(&mut self, open: &[(usize, SourceRecord, Row)]) -> Result<Vec<(usize, Row)>> {
        for tries in 1.. {
            match Box::pin(self.transaction(open)).await {
                // What may have been committed is found again and written once.
                Err(e) if tries < TRIES && is_passing(e.kind()) => {}
                done => return done,
            }
        }
        Ok(Vec::new())
    }

    async fn transaction(&mut self, open: &[(usize, SourceRecord, Row)]) -> Result<Vec<(usize, Row)>> {
        let mut rows = Vec::with_capacity(open.len());
        let mut tx = match self.options.dry_run {
            true => self.ctx.read().await?,
            false => self.ctx.write().await?,
        };
        for (at, known, row) in open {
            let row = match known {
                SourceRecord::User(old) => Box::pin(self.user_in(&mut tx, old, row.clone())).await?,
                SourceRecord::Customer(old) => Box::pin(self.customer_in(&mut tx, old, row.clone())).await?,
            };
            rows.push((*at, row));
        }
        if self.options.dry_run {
            return Ok(rows);
        }
        tx.commit().await?;
        Ok(rows)
    }

    /// The id that a user with this number has or gets.
    fn id_of(&self, user: OldUserId) -> Uuid {
        match user {
            OldUserId::Id(id) => id,
            OldUserId::Number(n) => match self.options.map.get(&n) {
                Some(id) => *id,
                None => Uuid::new_v5(&self.namespace, format!("user:{n}").as_bytes()),
            },
        }
    }

    /// Looks for the user of a record: by its number, its id, its address.
    async fn owner_in(&self, tx: &mut Tx, user: Option<OldUserId>, email: Option<&Email>) -> Result<Owner> {
        if let Some(OldUserId::Number(n)) = user
            && let Some(found) = legacy::find_in(tx, n).await?
        {
            return Ok(Owner::User(Box::new(found), FoundBy::Id));
        }
        let id = user.map(|user| self.id_of(user));
        if let Some(id) = id {
            if let Some(found) = users::find_in(tx, &self.scope, UserRef::Id(id)).await? {
                return Ok(Owner::User(Box::new(found), FoundBy::Id));
            }
            if legacy::is_erased_in(tx, id).await? {
                return Ok(Owner::Erased);
            }
        }
        let Some(email) = email else { return Ok(Owner::Nobody) };
        let holder = users::find_by_email_in(tx, email).await?;
        let imagined = self.options.dry_run && self.addresses.contains(email.key());
        Ok(match (holder, user) {
            (Some(holder), Some(OldUserId::Number(_))) if holder.legacy_user_id.is_some() => Owner::Taken,
            (Some(holder), _) if holder.role != "customer" => Owner::Taken,
            (Some(holder), _) => Owner::User(Box::new(holder), FoundBy::Email),
            (None, _) if imagined => Owner::Taken,
            (None, _) => Owner::Nobody,
        })
    }
}

/// What a failure is to the report: its sentence, and those of its errors.
fn told(e: &kernel::Error) -> String {
    let errors: Vec<String> =
        e.field_errors().iter().map(|f| format!("{}: {}", f.field, f.message)).collect();
    match errors.is_empty() {
        true => e.detail().to_owned(),
        false => errors.join("; "),
    }
}

/// The database cannot be reached: no record is to blame, and the run ends.
fn is_outage(kind: Failure) -> bool {
    is_passing(kind) || kind == Failure::Unavailable
}

fn is_passing(kind: Failure) -> bool {
    matches!(kind, Failure::Transient | Failure::Unknown | Failure::Stale)
}

fn email_of(person: &Person) -> Option<Email> {
    person.email.as_deref().and_then(|email| Email::parse(email).ok())
}

/// The deployment's own namespace: the same number is the same UUID in every run, and another one elsewhere.
async fn namespace(ctx: &Ctx, dry_run: bool) -> Result<Uuid> {
    let parsed = |stored: Option<String>| stored.and_then(|text| Uuid::try_parse(&text).ok());
    if dry_run {
        let mut tx = ctx.read().await?;
        return Ok(parsed(store::namespace(&mut tx).await?).unwrap_or_else(|| ctx.new_id()));
    }
    let mut tx = ctx.write().await?;
    store::keep_namespace(&mut tx, ctx.new_id()).await?;
    let kept = parsed(store::namespace(&mut tx).await?);
    tx.commit().await?;
    kept.ok_or_else(|| kernel::Error::internal("the namespace of migrated users is no UUID"))
}
