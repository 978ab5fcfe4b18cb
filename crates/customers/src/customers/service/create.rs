//! Creating by staff: user and customer in one transaction, with generated user name and public id.

use identity::credentials::service as credentials;
use identity::users::model::PersonName;
use identity::users::service::{self as users, NewUser, User};
use kernel::access::{Permission, Scope};
use kernel::ctx::Ctx;
use kernel::db::{Json, Tx};
use kernel::web::Field;
use kernel::{Error, Result};
use serde_json::{Map, Value};

use super::change::tags_of;
use super::members::{Draft, How, Members, Rights, draft};
use super::person::{email_exists, taken};
use super::{CustomerRow, event, find_in};
use crate::consent::service::{self as consent, MARKETING_EMAILS, MARKETING_SMS, Source};
use crate::customers::model::{
    ContactMethod, CustomerNumber, CustomerRef, Tags, country_code, default_notification_preferences,
};
use crate::customers::store::{self, write};
use crate::statistics::service as statistics;
use crate::tags::service as tags;

/// Draws of a public id before giving up; with four billion of them the second draw is already rare.
const DRAWS: usize = 16;

/// What a new customer is made of.
#[derive(Debug)]
pub struct NewCustomer {
    /// Given name.
    pub first_name: PersonName,
    /// Family name.
    pub last_name: PersonName,
    /// Everything else; an e-mail address or a phone is there.
    pub members: Members,
}

/// Creates a customer. 409 `CUSTOMER_EMAIL_EXISTS`.
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
    let caller = ctx.caller()?;
    if !scope.all() && scope.company().is_none() {
        return Err(Error::forbidden("NO_COMPANY", "Your role reaches one company, and you belong to none"));
    }
    let company = match caller.company_id {
        Some(company) => Some(company),
        None => users::default_company_in(ctx, tx).await?,
    };
    let NewCustomer { first_name, last_name, mut members } = new;
    if let Field::Value(email) = &members.email
        && let Some(user) = users::find_by_email_in(tx, scope, email).await?
    {
        let (user, members) = attach(
            ctx,
            tx,
            scope,
            user,
            Members { first_name: Some(first_name), last_name: Some(last_name), ..members },
        )
        .await?;
        let inserted = insert_in(ctx, tx, scope, Rights::of(ctx)?, &user, members).await;
        // Somebody else created the profile of this user a moment ago.
        return inserted.map_err(|e| if e.code() == "PROFILE_ALREADY_EXISTS" { email_exists() } else { e });
    }
    let country = match &members.country {
        Field::Value(country) => country_code(country.as_str()).map(str::to_owned),
        _ => None,
    };
    let new = NewUser {
        email: std::mem::take(&mut members.email).value(),
        phone: members.phone.clone().value(),
        company,
        region: country,
        ..NewUser::named(first_name, last_name)
    };
    let user = users::create_in(ctx, tx, new).await.map_err(taken)?;
    insert_in(ctx, tx, scope, Rights::of(ctx)?, &user, members).await
}

/// Whoever registered and has no profile gets this one. If nobody ever proved the address, somebody else may have
/// registered it: what they set up is revoked, and the staff's words count. A proven account keeps its own.
async fn attach(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    user: User,
    members: Members,
) -> Result<(User, Members)> {
    let mine = scope.all() || (user.company.is_some() && user.company == scope.company());
    if user.role != "customer" || !mine || store::number_of_user(tx, user.id).await?.is_some() {
        return Err(email_exists());
    }
    if user.email_proven_at.is_some() {
        let kept = Members {
            email: Field::Absent,
            phone: Field::Absent,
            first_name: None,
            last_name: None,
            ..members
        };
        return Ok((user, kept));
    }
    credentials::revoke_in(ctx, tx, &user, "profile_created_by_staff").await?;
    Ok((User { has_password: false, ..user }, members))
}

/// Inserts the profile of a user in the caller's transaction, with consent, tags, figures and event.
pub(crate) async fn insert_in(
    ctx: &Ctx,
    tx: &mut Tx,
    scope: &Scope,
    rights: Rights,
    user: &User,
    members: Members,
) -> Result<CustomerRow> {
    let Draft { row, person, consents } = draft(ctx, rights, &blank(ctx, user), members, How::Put)?;
    let mut row = person.save_in(ctx, tx, scope, rights, row).await?;
    let mut draws = 0;
    while !write::insert(tx, &row).await? {
        draws += 1;
        if draws == DRAWS {
            return Err(Error::internal("no free customer id in many draws"));
        }
        row.customer_id = CustomerNumber::random(ctx.random()).to_string();
    }
    let states = [(MARKETING_EMAILS, row.marketing_emails), (MARKETING_SMS, row.marketing_sms)];
    let states = states.map(|(purpose, state)| {
        let source = match (consents.iter().any(|(p, _)| *p == purpose), rights.staff) {
            (false, _) => Source::Default,
            (true, true) => Source::Staff,
            (true, false) => Source::Customer,
        };
        (purpose, state, source)
    });
    consent::begin_in(ctx, tx, row.id, states).await?;
    tags::set_in(ctx, tx, row.id, &Tags::default(), &tags_of(&row)).await?;
    statistics::changed_in(ctx, tx, None, Some(&row)).await?;
    ctx.record(tx, event("customer.created", &row).created(row.snapshot())).await?;
    if row.company.is_some() && row.company_id.is_none() {
        // A user that was just created knows its company's row, not yet its public id.
        return find_in(ctx, tx, &Scope::system("just written"), CustomerRef::Id(row.id)).await;
    }
    Ok(row)
}

/// A profile about which nothing is known but whose it is.
fn blank(ctx: &Ctx, user: &User) -> CustomerRow {
    let now = ctx.now();
    let defaults = ctx.app().config.consent;
    CustomerRow {
        id: ctx.new_id(),
        customer_id: CustomerNumber::random(ctx.random()).to_string(),
        user_id: user.id,
        username: String::new(),
        first_name: String::new(),
        last_name: String::new(),
        email: None,
        email_verified: false,
        pending_email: None,
        phone: None,
        phone_e164: None,
        phone_verified: false,
        user_role: String::new(),
        company: None,
        company_id: None,
        avatar: None,
        user_last_login: None,
        user_version: 0,
        address_line1: None,
        address_line2: None,
        city: None,
        state: None,
        postal_code: None,
        country: None,
        country_code: None,
        date_of_birth: None,
        gender: None,
        company_name: None,
        business_type: None,
        tax_id: None,
        emergency_contact_name: None,
        emergency_contact_phone: None,
        emergency_contact_relationship: None,
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
        marketing_emails: defaults.marketing_emails,
        marketing_sms: defaults.marketing_sms,
        notes: None,
        tags: String::new(),
        external_id: None,
        metadata: Json(Value::Object(Map::new())),
        created_at: now,
        updated_at: now,
        version: 1,
    }
    .with_user(user)
}
