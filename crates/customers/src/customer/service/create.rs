//! Creating by staff: user and customer in one transaction, with generated user name and public id. One or many at once:
//! what could refuse one of them is looked up for all before anything is written, and each statement runs for all.

use std::collections::{HashMap, HashSet};

use database::Json;
use identity::sessions::unproven;
use identity::users::model::{Email, UserEmail, UserPhone, UserRef};
use identity::users::service::{self as users, NewUser, User};
use kernel::web::Field;
use kernel::{Error, Result};
use platform::Tx;
use platform::access::{Permission, Scope};
use platform::ctx::Ctx;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::members::{Draft, Rights, UpdateMode, draft, not_writable};
use super::person::{Person, email_exists, taken};
use super::projections::{self, Change, ProjectionPhase};
use super::{CustomerRow, event};
use crate::consent::service::{self as consent, MARKETING_EMAILS, MARKETING_SMS, Source};
use crate::customer::model::{
    Address, Business, ContactMethod, CustomerNumber, EmergencyContact, Members, NewCustomer, Tags,
    country_code, default_notification_preferences,
};
use crate::customer::store::{self, write};

/// Draws of a public id before giving up; with four billion of them the second draw is already rare.
const DRAWS: usize = 16;
/// Events that are made at a time: each holds its customer once more.
const EVENTS_AT_ONCE: usize = 128;

/// Creates a customer. 409 `CUSTOMER_EMAIL_EXISTS`, `CUSTOMER_EXTERNAL_ID_EXISTS`.
pub async fn create(ctx: &Ctx, new: NewCustomer) -> Result<CustomerRow> {
    let scope = ctx.require_staff(Permission::CustomersWrite)?;
    let mut tx = ctx.write().await?;
    let row = Box::pin(create_in(ctx, &mut tx, &scope, new)).await?;
    tx.commit().await?;
    Ok(row)
}

/// Creates a customer in the caller's transaction. The address of somebody who registered and has no profile attaches
/// the profile to that user.
pub async fn create_in(ctx: &Ctx, tx: &mut Tx, scope: &Scope, new: NewCustomer) -> Result<CustomerRow> {
    let created = create_many_in(ctx, tx, scope, vec![new]).await?.pop();
    created.unwrap_or_else(|| Err(Error::internal("a new customer is gone")))
}

/// Creates customers in the caller's transaction, each as [`create_in`] would one after the other. The inner result says
/// why one was refused, and the others are there; the outer one fails all of them, and the transaction with them. That
/// is also what a neighbour on PostgreSQL does who writes the same address at the same moment: try again in parts.
pub async fn create_many_in(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    new: Vec<NewCustomer>,
) -> Result<Vec<Result<CustomerRow>>> {
    let place = Creation::of(ctx, tx, scope).await?;
    let mut existing = ExistingRecords::of(tx, &new).await?;
    let mut plans: Vec<Result<PlannedCustomer>> =
        new.into_iter().map(|new| existing.plan(ctx, &place, new)).collect();
    let accepted: Vec<&mut PlannedCustomer> = plans.iter_mut().flatten().collect();
    Box::pin(write_users(ctx, tx, scope, &place, accepted)).await?;
    let (mut rows, mut refused) = (Vec::new(), Vec::new());
    for plan in plans {
        refused.push(plan.map(|plan| rows.push(plan.beginning)));
    }
    let created = insert_many_in(ctx, tx, place.rights, rows).await;
    // Somebody else created the profile of this user a moment ago.
    let created =
        created.map_err(|e| if e.code() == "PROFILE_ALREADY_EXISTS" { email_exists() } else { e })?;
    let mut created = created.into_iter();
    let gone = || Error::internal("a new customer is gone");
    Ok(refused.into_iter().map(|r| r.and_then(|()| created.next().ok_or_else(gone))).collect())
}

/// Where new customers belong, and what their creator may write.
struct Creation {
    everywhere: bool,
    reach: Option<Uuid>,
    company: Option<Uuid>,
    company_id: Option<String>,
    rights: Rights,
}

impl Creation {
    async fn of(ctx: &Ctx, tx: &mut Tx, scope: &Scope) -> Result<Creation> {
        if !scope.all() && scope.company().is_none() {
            return Err(Error::forbidden(
                "NO_COMPANY",
                "Your role reaches one company, and you belong to none",
            ));
        }
        let company = match ctx.caller()?.company_id {
            Some(company) => Some(company),
            None => users::default_company_in(ctx, tx).await?,
        };
        let company_id = match company {
            Some(company) => users::company_number_in(tx, company).await?,
            None => None,
        };
        let rights = Rights::of(ctx)?;
        Ok(Creation { everywhere: scope.all(), reach: scope.company(), company, company_id, rights })
    }
}

/// A customer that will be created.
struct PlannedCustomer {
    beginning: NewRow,
    person: Person,
    /// The user to create, until it is.
    new: Option<Box<users::Draft>>,
    /// The user who set up a login on an address that nobody proved.
    revoke: Option<Box<User>>,
    /// The body named the user, which must come out.
    named: bool,
}

/// A new customer, and for which purposes its consent was asked.
struct NewRow {
    row: CustomerRow,
    asked: Vec<&'static str>,
}

/// What could refuse a new customer: read for all, and completed by each that is accepted.
struct ExistingRecords {
    users: HashMap<String, User>,
    profiles: HashSet<Uuid>,
    emails: HashSet<String>,
    external_ids: HashSet<String>,
}

impl ExistingRecords {
    async fn of(tx: &mut Tx, new: &[NewCustomer]) -> Result<ExistingRecords> {
        let emails: Vec<&Email> = new.iter().filter_map(|n| n.members.email.as_ref().value()).collect();
        let ids = new.iter().filter_map(|n| n.members.external_id.as_ref().value());
        let ids = ids.map(ToString::to_string).collect();
        let users = users::find_by_emails_in(tx, &emails).await?;
        let profiles = store::with_profile(tx, &users.iter().map(|user| user.id).collect()).await?;
        let keyed = users.into_iter().filter_map(|user| Some((user.email.key()?.to_owned(), user)));
        Ok(ExistingRecords {
            users: keyed.collect(),
            profiles: profiles.into_iter().collect(),
            emails: HashSet::new(),
            external_ids: store::known_external_ids(tx, &ids).await?.into_iter().collect(),
        })
    }

    /// What creating this one means. 409, 422, 403.
    fn plan(&mut self, ctx: &Ctx, place: &Creation, new: NewCustomer) -> Result<PlannedCustomer> {
        let key = new.members.email.as_ref().value().map(|email| email.key().to_owned());
        if key.as_ref().is_some_and(|key| self.emails.contains(key)) {
            return Err(email_exists());
        }
        let number = new.number;
        let mut plan = match key.as_ref().and_then(|key| self.users.remove(key)) {
            Some(user) => {
                let plan = self.attach(ctx, place, &user, new);
                self.users.extend(key.clone().map(|key| (key, user)));
                plan?
            }
            None => create_user(ctx, place, new)?,
        };
        let external_id = &plan.beginning.row.external_id;
        if external_id.as_ref().is_some_and(|id| self.external_ids.contains(id)) {
            return Err(write::external_id_exists());
        }
        self.external_ids.extend(external_id.clone());
        self.emails.extend(key);
        if let Some(number) = number {
            plan.beginning.row.customer_id = number.to_string();
        }
        Ok(plan)
    }

    /// Whoever registered and has no profile gets this one. If nobody ever proved the address, somebody else may have
    /// registered it: what they set up is revoked, and the staff's words count. A proven account keeps its own.
    fn attach(&self, ctx: &Ctx, place: &Creation, user: &User, new: NewCustomer) -> Result<PlannedCustomer> {
        let mine = place.everywhere || (user.company.is_some() && user.company == place.reach);
        if user.role != "customer" || !mine || self.profiles.contains(&user.id) {
            return Err(email_exists());
        }
        let NewCustomer { first_name, last_name, members, .. } = new;
        let proven = user.email_proven_at.is_some();
        let members = match proven {
            true => Members { email: Field::Absent, phone: Field::Absent, ..members },
            false => Members { first_name: Some(first_name), last_name: Some(last_name), ..members },
        };
        if let Field::Value(phone) = &members.phone
            && user.phone.as_str() != Some(phone.as_str())
        {
            users::check_phone(ctx, phone, region(&members).as_deref())?;
        }
        let revoke = (!proven).then(|| Box::new(user.clone()));
        let Draft { row, person, consents } =
            draft(ctx, place.rights, &blank(ctx, user), members, UpdateMode::Put)?;
        let asked = consents.into_iter().map(|(purpose, _)| purpose).collect();
        Ok(PlannedCustomer { beginning: NewRow { row, asked }, person, new: None, revoke, named: false })
    }
}

fn create_user(ctx: &Ctx, place: &Creation, new: NewCustomer) -> Result<PlannedCustomer> {
    let NewCustomer { first_name, last_name, mut members, .. } = new;
    let user = NewUser {
        email: std::mem::take(&mut members.email).value(),
        phone: members.phone.clone().value(),
        company: place.company,
        region: region(&members),
        ..NewUser::named(first_name, last_name)
    };
    let mut user = users::draft(ctx, user)?;
    user.user.company_id.clone_from(&place.company_id);
    let mut stored = blank(ctx, &user.user);
    let named = matches!(members.fixed.username, Field::Value(_));
    if named {
        stored.username = user.first_candidate(ctx);
    }
    let Draft { row, person, consents } = draft(ctx, place.rights, &stored, members, UpdateMode::Put)?;
    let asked = consents.into_iter().map(|(purpose, _)| purpose).collect();
    let new = Some(Box::new(user));
    Ok(PlannedCustomer { beginning: NewRow { row, asked }, person, new, revoke: None, named })
}

/// Where national phone numbers are read.
fn region(members: &Members) -> Option<String> {
    let country = members.address.country.as_ref().value()?;
    country_code(country.as_str()).map(str::to_owned)
}

/// Creates the users that are new, and changes those who get a profile.
async fn write_users(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    place: &Creation,
    mut plans: Vec<&mut PlannedCustomer>,
) -> Result<()> {
    for plan in plans.iter_mut().filter(|plan| plan.new.is_none()) {
        if let Some(user) = &plan.revoke {
            unproven::revoke_in(ctx, tx, user, "profile_created_by_staff").await?;
        }
        // Until we commit nobody else changes the names under which the new profile is found.
        let user = plan.beginning.row.user_id;
        write::lock_user(tx, user).await?;
        if let Some(user) = users::find_in(tx, scope, UserRef::Id(user)).await? {
            plan.beginning.row.set_user(user);
        }
        let (person, row) = (std::mem::take(&mut plan.person), plan.beginning.row.clone());
        plan.beginning.row = person.save_in(ctx, tx, scope, place.rights, row).await?;
    }
    let mut plans: Vec<_> = plans.into_iter().filter(|plan| plan.new.is_some()).collect();
    let drafts = plans.iter_mut().filter_map(|plan| plan.new.take()).map(|draft| *draft).collect();
    let created = users::create_many_in(ctx, tx, drafts).await.map_err(taken)?;
    for (plan, user) in plans.into_iter().zip(created) {
        if plan.named && plan.beginning.row.username != user.username {
            // Somebody else has the name, and so it cannot be said.
            return Err(not_writable(&["username"]));
        }
        plan.beginning.row.set_user(user);
    }
    Ok(())
}

/// Inserts the profile of a user in the caller's transaction, with consent, projections and event.
pub async fn insert_in(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    rights: Rights,
    user: &User,
    members: Members,
) -> Result<CustomerRow> {
    let mut stored = blank(ctx, user);
    if let (Some(company), None) = (user.company, &user.company_id) {
        // A user that was just created knows its company's row, not yet its public id.
        stored.company_id = users::company_number_in(tx, company).await?;
    }
    let Draft { row, person, consents } = draft(ctx, rights, &stored, members, UpdateMode::Put)?;
    let row = person.save_in(ctx, tx, scope, rights, row).await?;
    let asked = consents.into_iter().map(|(purpose, _)| purpose).collect();
    let created = insert_many_in(ctx, tx, rights, vec![NewRow { row, asked }]).await?.pop();
    created.ok_or_else(|| Error::internal("a new customer is gone"))
}

async fn insert_many_in(
    ctx: &Ctx,
    tx: &mut Tx,
    rights: Rights,
    mut new: Vec<NewRow>,
) -> Result<Vec<CustomerRow>> {
    insert_rows(ctx, tx, &mut new).await?;
    let states = |b: &NewRow| {
        let states = [(MARKETING_EMAILS, b.row.marketing_emails), (MARKETING_SMS, b.row.marketing_sms)];
        states.map(|(purpose, state)| {
            let source = match (b.asked.contains(&purpose), rights.staff) {
                (false, _) => Source::Default,
                (true, true) => Source::Staff,
                (true, false) => Source::Customer,
            };
            (purpose, state, source)
        })
    };
    consent::begin_many_in(ctx, tx, &new.iter().map(|b| (b.row.id, states(b))).collect::<Vec<_>>()).await?;
    let rows: Vec<CustomerRow> = new.into_iter().map(|b| b.row).collect();
    let changes: Vec<Change<'_>> = rows.iter().map(|row| (None, Some(row))).collect();
    projections::follow_in(ctx, tx, ProjectionPhase::Afterwards, &changes).await?;
    for part in rows.chunks(EVENTS_AT_ONCE) {
        let events = part.iter().map(|row| event("customer.created", row).created(row.snapshot()));
        ctx.record_many(tx, events.collect()).await?;
    }
    Ok(rows)
}

/// Inserts under public ids that are free: who finds theirs taken draws again.
async fn insert_rows(ctx: &Ctx, tx: &mut Tx, new: &mut [NewRow]) -> Result<()> {
    let mut waiting: Vec<usize> = (0..new.len()).collect();
    for _ in 0..DRAWS {
        let rows: Vec<&CustomerRow> = waiting.iter().map(|i| &new[*i].row).collect();
        let inserted = write::insert(tx, &rows).await?;
        waiting = waiting.into_iter().zip(inserted).filter(|(_, done)| !done).map(|(i, _)| i).collect();
        if waiting.is_empty() {
            return Ok(());
        }
        for i in &waiting {
            new[*i].row.customer_id = CustomerNumber::random(ctx.random()).to_string();
        }
    }
    Err(Error::internal("no free customer id in many draws"))
}

/// A profile about which nothing is known but whose it is.
fn blank(ctx: &Ctx, user: &User) -> CustomerRow {
    let now = ctx.now();
    CustomerRow {
        id: ctx.new_id(),
        customer_id: CustomerNumber::random(ctx.random()).to_string(),
        user_id: user.id,
        username: String::new(),
        first_name: String::new(),
        last_name: String::new(),
        email: UserEmail::default(),
        email_verified: false,
        pending_email: None,
        phone: UserPhone::default(),
        phone_verified: false,
        user_role: String::new(),
        company: None,
        company_id: None,
        avatar: None,
        user_last_login: None,
        user_version: 0,
        address: Address::default(),
        country_code: None,
        date_of_birth: None,
        gender: None,
        business: Business::default(),
        emergency_contact: EmergencyContact::default(),
        is_active: true,
        deactivated_at: None,
        deactivation_reason: None,
        is_verified: false,
        verified_at: None,
        verified_by: None,
        customer_since: now,
        last_service_date: None,
        total_services: 0,
        last_login_at: None,
        preferred_contact_method: ContactMethod::Email.to_string(),
        notification_preferences: Json(default_notification_preferences()),
        marketing_emails: ctx.app().config.consent.marketing_emails,
        marketing_sms: ctx.app().config.consent.marketing_sms,
        notes: None,
        tags: Tags::default(),
        external_id: None,
        metadata: Json(Value::Object(Map::new())),
        created_at: now,
        updated_at: now,
        version: 1,
    }
    .with_user(user)
}
