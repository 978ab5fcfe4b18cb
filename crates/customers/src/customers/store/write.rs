//! Statements that change a customer.

use database::{Engine, Ids, Sql, args, row, sql};
use kernel::clock::Timestamp;
use kernel::{Error, Kind, Result};
use platform::Tx;
use uuid::Uuid;

use crate::customers::model::CustomerRow;

row! {
    /// What counting a service leaves.
    pub struct Counted {
        /// Completed services, this one included.
        pub total_services: i64,
        /// The latest service.
        pub last_service_date: Timestamp,
    }
}

/// Inserts each, unless its public id is taken: `false`. A second profile of the same user violates the schema, see
/// [`taken`].
pub async fn insert(tx: &mut Tx, rows: &[&CustomerRow]) -> Result<Vec<bool>> {
    let indexed: Vec<_> = rows.iter().map(|r| (*r, r.indexed())).collect();
    let sets: Vec<_> = indexed
        .iter()
        .map(|(r, i)| {
            args![
                r.id,
                r.customer_id,
                r.user_id,
                r.address_line1,
                r.address_line2,
                *i.city,
                i.city_key,
                *i.state,
                i.state_key,
                *i.postal_code,
                *i.country,
                *i.country_code,
                r.date_of_birth,
                r.gender,
                r.company_name,
                r.business_type,
                r.tax_id,
                r.emergency_contact_name,
                r.emergency_contact_phone,
                r.emergency_contact_relationship,
                i.is_active,
                r.is_verified,
                r.customer_since,
                r.last_service_date,
                r.total_services,
                r.last_login_at,
                r.preferred_contact_method,
                r.notification_preferences,
                r.marketing_emails,
                r.marketing_sms,
                r.notes,
                r.tags,
                *i.external_id,
                r.metadata,
                r.created_at,
                r.updated_at,
                r.version,
                r.deactivated_at,
                r.deactivation_reason,
                r.verified_at,
                r.verified_by,
                i.postal_key
            ]
        })
        .collect();
    let inserted = tx.exec_many(insertion(), &sets).await.map_err(taken)?;
    Ok(inserted.into_iter().map(|n| n == 1).collect())
}

fn insertion() -> &'static Sql<42, ()> {
    sql!(
                "INSERT INTO customer (id, customer_id, user_id, address_line1, address_line2, city, city_key, state, state_key,
                   postal_code, country, country_code, date_of_birth, gender, company_name, business_type, tax_id,
                   emergency_contact_name, emergency_contact_phone, emergency_contact_relationship, is_active, is_verified,
                   customer_since, last_service_date, total_services, last_login_at, preferred_contact_method,
                   notification_preferences, marketing_emails, marketing_sms, notes, tags, external_id, metadata, created_at,
                   updated_at, version, deactivated_at, deactivation_reason, verified_at, verified_by, postal_key)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                   $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42)
                 ON CONFLICT (customer_id) DO NOTHING"
            )
}

/// Writes loaded customers back, before and after, all but their counters; `Stale` if somebody else was faster with one
/// of them. The versions go up by one.
pub async fn update(tx: &mut Tx, changes: &[(&CustomerRow, &CustomerRow)]) -> Result<()> {
    // PostgreSQL compares the values itself, and two statements would lock the rows in two orders.
    let whole = tx.engine() == Engine::Postgres;
    let (mut elsewhere, mut alike) = (Vec::new(), Vec::new());
    for (before, after) in changes {
        let indexed = after.indexed();
        match whole || before.indexed() != indexed {
            true => elsewhere.push((*after, indexed)),
            false => alike.push(*after),
        }
    }
    update_found_elsewhere(tx, &elsewhere).await?;
    update_found_alike(tx, &alike).await
}

/// Every column that a change can change and an index holds, and with each key the text that it is made of: a text and its
/// key are compared together and written together, so neither stays behind. SQLite writes the entries of an index anew for
/// each column that a statement names, whether it differs or not, and that is most of what an update costs.
#[derive(PartialEq)]
struct Indexed<'a> {
    city: &'a Option<String>,
    city_key: Option<String>,
    state: &'a Option<String>,
    state_key: Option<String>,
    postal_code: &'a Option<String>,
    postal_key: Option<String>,
    country: &'a Option<String>,
    country_code: &'a Option<String>,
    is_active: bool,
    external_id: &'a Option<String>,
}

impl CustomerRow {
    fn indexed(&self) -> Indexed<'_> {
        Indexed {
            city: &self.city,
            city_key: self.city_key(),
            state: &self.state,
            state_key: self.state_key(),
            postal_code: &self.postal_code,
            postal_key: self.postal_key(),
            country: &self.country,
            country_code: &self.country_code,
            is_active: self.is_active,
            external_id: &self.external_id,
        }
    }
}

async fn update_found_elsewhere(tx: &mut Tx, rows: &[(&CustomerRow, Indexed<'_>)]) -> Result<()> {
    let sets = rows.iter().map(|(r, i)| {
        args![
            r.id,
            r.version,
            r.address_line1,
            r.address_line2,
            *i.city,
            i.city_key,
            *i.state,
            i.state_key,
            *i.postal_code,
            *i.country,
            *i.country_code,
            r.date_of_birth,
            r.gender,
            r.company_name,
            r.business_type,
            r.tax_id,
            r.emergency_contact_name,
            r.emergency_contact_phone,
            r.emergency_contact_relationship,
            i.is_active,
            r.deactivated_at,
            r.deactivation_reason,
            r.is_verified,
            r.verified_at,
            r.verified_by,
            r.customer_since,
            r.preferred_contact_method,
            r.notification_preferences,
            r.marketing_emails,
            r.marketing_sms,
            r.notes,
            r.tags,
            *i.external_id,
            r.metadata,
            r.updated_at,
            i.postal_key
        ]
    });
    tx.exec_many_versioned(
        sql!(
            "UPDATE customer SET address_line1 = $3, address_line2 = $4, city = $5, city_key = $6, state = $7, state_key = $8,
               postal_code = $9, country = $10, country_code = $11, date_of_birth = $12, gender = $13, company_name = $14,
               business_type = $15, tax_id = $16, emergency_contact_name = $17, emergency_contact_phone = $18,
               emergency_contact_relationship = $19, is_active = $20, deactivated_at = $21, deactivation_reason = $22,
               is_verified = $23, verified_at = $24, verified_by = $25, customer_since = $26, preferred_contact_method = $27,
               notification_preferences = $28, marketing_emails = $29, marketing_sms = $30, notes = $31, tags = $32,
               external_id = $33, metadata = $34, updated_at = $35, postal_key = $36, version = version + 1
             WHERE id = $1 AND version = $2 AND erased_at IS NULL"
        ),
        &sets.collect::<Vec<_>>(),
    )
    .await
    .map_err(taken)
}

/// The same without the columns of [`Indexed`].
async fn update_found_alike(tx: &mut Tx, rows: &[&CustomerRow]) -> Result<()> {
    let sets = rows.iter().map(|r| {
        args![
            r.id,
            r.version,
            r.address_line1,
            r.address_line2,
            r.date_of_birth,
            r.gender,
            r.company_name,
            r.business_type,
            r.tax_id,
            r.emergency_contact_name,
            r.emergency_contact_phone,
            r.emergency_contact_relationship,
            r.deactivated_at,
            r.deactivation_reason,
            r.is_verified,
            r.verified_at,
            r.verified_by,
            r.customer_since,
            r.preferred_contact_method,
            r.notification_preferences,
            r.marketing_emails,
            r.marketing_sms,
            r.notes,
            r.tags,
            r.metadata,
            r.updated_at
        ]
    });
    tx.exec_many_versioned(
        sql!(
            "UPDATE customer SET address_line1 = $3, address_line2 = $4, date_of_birth = $5, gender = $6, company_name = $7,
               business_type = $8, tax_id = $9, emergency_contact_name = $10, emergency_contact_phone = $11,
               emergency_contact_relationship = $12, deactivated_at = $13, deactivation_reason = $14, is_verified = $15,
               verified_at = $16, verified_by = $17, customer_since = $18, preferred_contact_method = $19,
               notification_preferences = $20, marketing_emails = $21, marketing_sms = $22, notes = $23, tags = $24,
               metadata = $25, updated_at = $26, version = version + 1
             WHERE id = $1 AND version = $2 AND erased_at IS NULL"
        ),
        &sets.collect::<Vec<_>>(),
    )
    .await
    .map_err(taken)
}

/// The latest service, of a row that is locked until the transaction ends: what counting one more begins with.
pub async fn lock_last_service(tx: &mut Tx, id: Uuid) -> Result<Option<Timestamp>> {
    let last = tx.opt(
        // SQLite has one writer.
        sql!(
            sqlite: "SELECT last_service_date FROM customer WHERE id = $1",
            postgres: "SELECT last_service_date FROM customer WHERE id = $1 FOR UPDATE" => Option<Timestamp>
        ),
        args![id],
    );
    Ok(last.await?.flatten())
}

/// Counts one more service. Not a change of the record: any number of them may come at once, and the version stays.
/// `None` if the customer was erased meanwhile.
pub async fn count_service(tx: &mut Tx, id: Uuid, at: Timestamp) -> Result<Option<Counted>> {
    tx.opt(
        sql!(
            "UPDATE customer SET total_services = total_services + 1,
               last_service_date = CASE WHEN last_service_date > $2 THEN last_service_date ELSE $2 END
             WHERE id = $1 AND erased_at IS NULL
             RETURNING total_services, last_service_date" => Counted
        ),
        args![id, at],
    )
    .await
}

/// Sets what was counted elsewhere, of a customer that was just created.
pub async fn set_services(tx: &mut Tx, id: Uuid, total: i64, last: Option<Timestamp>) -> Result<()> {
    tx.exec(
        sql!("UPDATE customer SET total_services = $2, last_service_date = $3 WHERE id = $1"),
        args![id, total, last],
    )
    .await
    .map(drop)
}

/// Notes a login unless one was noted after `since`. The version stays.
pub async fn touch_login(tx: &mut Tx, id: Uuid, at: Timestamp, since: Timestamp) -> Result<()> {
    tx.exec(
        sql!("UPDATE customer SET last_login_at = $2 WHERE id = $1 AND (last_login_at IS NULL OR last_login_at <= $3)"),
        args![id, at, since],
    )
    .await
    .map(drop)
}

/// Leaves a tombstone: the ids, the number of services and the times, nothing personal. `Stale` if somebody else was faster.
/// Says how many services it had: counting one is no change of the version, so more than were loaded may be there.
pub async fn erase(tx: &mut Tx, id: Uuid, version: i64, at: Timestamp) -> Result<i64> {
    let services = tx.opt(
        sql!(
            "UPDATE customer SET user_id = NULL, address_line1 = NULL, address_line2 = NULL, city = NULL, city_key = NULL,
               state = NULL, state_key = NULL, postal_code = NULL, postal_key = NULL, country = NULL, country_code = NULL, date_of_birth = NULL,
               gender = NULL, company_name = NULL, business_type = NULL, tax_id = NULL, emergency_contact_name = NULL,
               emergency_contact_phone = NULL, emergency_contact_relationship = NULL, is_active = false,
               deactivated_at = NULL, deactivation_reason = NULL, is_verified = false, verified_at = NULL, verified_by = NULL,
               last_login_at = NULL, preferred_contact_method = 'email', notification_preferences = '{}',
               marketing_emails = false, marketing_sms = false, notes = NULL, tags = '', external_id = NULL, metadata = '{}',
               erased_at = $3, updated_at = $3, version = version + 1
             WHERE id = $1 AND version = $2 AND erased_at IS NULL
             RETURNING total_services" => i64
        ),
        args![id, version, at],
    );
    services.await?.ok_or_else(|| {
        let detail = "The record was changed by somebody else in the meantime; read it again";
        Error::new(Kind::Stale, "CONFLICT", detail)
    })
}

/// Locks the user of a customer. Whatever writes both does it in this order, user then customer, so that no two wait
/// for each other.
pub async fn lock_user(tx: &mut Tx, user: Uuid) -> Result<()> {
    tx.opt(
        // SQLite has one writer.
        sql!(
            sqlite: "SELECT id FROM user_account WHERE id = $1",
            postgres: "SELECT id FROM user_account WHERE id = $1 FOR UPDATE" => Uuid
        ),
        args![user],
    )
    .await
    .map(drop)
}

/// Locks the users of many customers, in one order.
pub async fn lock_users(tx: &mut Tx, users: &Ids) -> Result<()> {
    tx.all(
        // SQLite has one writer, and nothing to lock.
        sql!(
            sqlite: "SELECT id FROM user_account WHERE id IS NULL AND $1 IS NULL",
            postgres: "SELECT id FROM user_account WHERE id = ANY($1) ORDER BY id FOR UPDATE" => Uuid
        ),
        args![*users],
    )
    .await
    .map(drop)
}

/// What a violated constraint means to whoever sent the value.
pub fn taken(e: Error) -> Error {
    if e.violates("customer_user_id_key") {
        already_exists().with_source(e)
    } else if e.violates("customer_external_id_key") {
        external_id_exists().with_source(e)
    } else {
        e
    }
}

/// 409 for an id of another program that somebody has.
pub fn external_id_exists() -> Error {
    Error::conflict("CUSTOMER_EXTERNAL_ID_EXISTS", "Customer with this external_id already exists")
}

/// 409 for a second profile.
pub fn already_exists() -> Error {
    Error::conflict("PROFILE_ALREADY_EXISTS", "Customer profile already exists")
}
