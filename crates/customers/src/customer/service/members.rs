//! How what a body says changes a customer.

use database::Json;
use kernel::Date;
use kernel::clock::Timestamp;
use kernel::web::Field;
use kernel::{Error, FieldError, Result};
use platform::ctx::Ctx;
use serde_json::{Map, Value};

use super::person::Person;
use super::status::{set_active, set_verified};
use crate::consent::service::{MARKETING_EMAILS, MARKETING_SMS};
use crate::customer::model::{
    AddressSaid, CalendarDate, ContactMethod, CustomerRow, DateOfBirth, Members, Metadata, PREFERENCES_BYTES,
    ReadOnlyMembers, Tags, country_code, default_notification_preferences,
};

/// How the objects inside a body are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateMode {
    /// A merge patch (RFC 7396): objects are merged as well.
    Patch,
    /// The members that are named are set, objects whole.
    Put,
}

/// What the caller may write.
#[derive(Debug, Clone, Copy)]
pub struct Rights {
    /// Not the customer itself.
    pub staff: bool,
    /// Permission `customers.delete`.
    pub may_deactivate: bool,
    /// Permission `users.manage`.
    pub manages_users: bool,
}

impl Rights {
    /// Those of the caller.
    pub fn of(ctx: &Ctx) -> Result<Rights> {
        use platform::access::Permission;
        let caller = ctx.caller()?;
        Ok(Rights {
            staff: !caller.is_customer(),
            may_deactivate: caller.permissions.has(Permission::CustomersDelete),
            manages_users: caller.permissions.has(Permission::UsersManage),
        })
    }

    /// Those of a customer over its own profile.
    pub const OWN: Rights = Rights { staff: false, may_deactivate: false, manages_users: false };
}

/// A change, checked and not written yet.
pub(super) struct Draft {
    /// The customer as it shall be, but for what belongs to the user.
    pub row: CustomerRow,
    /// What belongs to the user.
    pub person: Person,
    /// Purposes that the body names, with the state.
    pub consents: Vec<(&'static str, bool)>,
}

/// The change that a body means to a customer. 422 with all errors, 403 `FIELD_NOT_WRITABLE`.
pub(super) fn draft(
    ctx: &Ctx,
    rights: Rights,
    stored: &CustomerRow,
    m: Members,
    how: UpdateMode,
) -> Result<Draft> {
    let mut row = stored.clone();
    let mut errors = Vec::new();
    let fixed = fixed_that_differ(stored, &m.fixed);
    let consents = [(MARKETING_EMAILS, m.marketing_emails), (MARKETING_SMS, m.marketing_sms)];
    let consents = consents.into_iter().filter_map(|(purpose, state)| Some((purpose, state?))).collect();
    row.marketing_emails = m.marketing_emails.unwrap_or(row.marketing_emails);
    row.marketing_sms = m.marketing_sms.unwrap_or(row.marketing_sms);
    let status = (m.is_active, m.is_verified);
    let person = Person { email: m.email, phone: m.phone, first_name: m.first_name, last_name: m.last_name };
    set_address(&mut row, m.address);
    set_birth(ctx, &mut row, &m.date_of_birth, &mut errors);
    put(m.gender, &mut row.gender);
    row.business.set(m.business);
    row.emergency_contact.set(m.emergency_contact);
    put_or(m.preferred_contact_method, &ContactMethod::Email, &mut row.preferred_contact_method);
    set_preferences(&mut row, m.notification_preferences, how, &mut errors);
    set_since(ctx, &mut row, m.customer_since, &mut errors);
    put(m.notes, &mut row.notes);
    m.tags.apply_or(Tags::default(), &mut row.tags);
    put(m.external_id, &mut row.external_id);
    set_metadata(&mut row, m.metadata, how, &mut errors);
    person.check(&row, &mut errors);
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    refuse(rights, stored, &row, status, fixed)?;
    let row = with_status(ctx, row, status)?;
    Ok(Draft { row, person, consents })
}

fn put<T: ToString>(field: Field<T>, to: &mut Option<String>) {
    field.map(|v| v.to_string()).apply(to);
}

fn put_or<T: ToString>(field: Field<T>, default: &T, to: &mut String) {
    field.map(|v| v.to_string()).apply_or(default.to_string(), to);
}

fn set_address(row: &mut CustomerRow, said: AddressSaid) {
    let before = row.address.country.clone();
    row.address.set(said);
    // The same text keeps the code that it was given, also where a later list of countries has no such name.
    if row.address.country != before || row.country_code.is_none() {
        row.country_code = row.address.country.as_deref().and_then(country_code).map(str::to_owned);
    }
}

fn set_birth(ctx: &Ctx, row: &mut CustomerRow, field: &Field<CalendarDate>, errors: &mut Vec<FieldError>) {
    let today = ctx.now().to_jiff().to_zoned(ctx.app().config.time_zone.clone()).date();
    match field {
        // What is stored was checked when it was entered, perhaps 130 years after the birth.
        Field::Value(date) if row.date_of_birth.is_some_and(|d| d.0 == date.date()) => {}
        Field::Value(date) => match DateOfBirth::new(*date, today) {
            Ok(birth) => row.date_of_birth = Some(Date(birth.date())),
            Err(error) => errors.push(FieldError::new("date_of_birth", error.code, error.message)),
        },
        Field::Null => row.date_of_birth = None,
        Field::Absent => {}
    }
}

/// What is wrong with a change whoever it is about: for many customers at once, before any of them is touched.
pub fn faults_of_any(ctx: &Ctx, m: &Members) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let today = ctx.now().to_jiff().to_zoned(ctx.app().config.time_zone.clone()).date();
    if let Field::Value(date) = &m.date_of_birth
        && let Err(error) = DateOfBirth::new(*date, today)
    {
        errors.push(FieldError::new("date_of_birth", error.code, error.message));
    }
    if matches!(&m.customer_since, Field::Value(at) if *at > ctx.now()) {
        errors.push(FieldError::new("customer_since", "in_the_future", "must not be in the future"));
    }
    if let Field::Value(object) = &m.metadata {
        let read = Metadata::from_json(&Value::Object(object.clone()), "metadata");
        errors.extend(read.err().into_iter().flatten());
    }
    errors
}

fn set_since(ctx: &Ctx, row: &mut CustomerRow, field: Field<Timestamp>, errors: &mut Vec<FieldError>) {
    match field {
        Field::Value(at) if at > ctx.now() && at != row.customer_since => {
            errors.push(FieldError::new("customer_since", "in_the_future", "must not be in the future"));
        }
        field => field.apply_or(row.created_at, &mut row.customer_since),
    }
}

fn set_preferences(
    row: &mut CustomerRow,
    field: Field<Map<String, Value>>,
    how: UpdateMode,
    errors: &mut Vec<FieldError>,
) {
    match field {
        Field::Absent => return,
        Field::Null => row.notification_preferences = Json(default_notification_preferences()),
        Field::Value(object) if how == UpdateMode::Put => {
            row.notification_preferences = Json(Value::Object(object));
        }
        Field::Value(patch) => merge(&mut row.notification_preferences.0, Value::Object(patch)),
    }
    if row.notification_preferences.0.to_string().len() > PREFERENCES_BYTES {
        let message = format!("must have at most {PREFERENCES_BYTES} bytes as JSON");
        errors.push(FieldError::new("notification_preferences", "too_long", message));
    }
}

/// RFC 7396, section 2.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else { return };
    for (name, value) in patch {
        match value {
            Value::Null => drop(members.shift_remove(&name)),
            value => merge(members.entry(name).or_insert(Value::Null), value),
        }
    }
}

fn set_metadata(
    row: &mut CustomerRow,
    field: Field<Map<String, Value>>,
    how: UpdateMode,
    errors: &mut Vec<FieldError>,
) {
    let written = match field {
        Field::Absent => return,
        Field::Null => Ok(Metadata::default()),
        Field::Value(object) if how == UpdateMode::Put => {
            Metadata::from_json(&Value::Object(object), "metadata")
        }
        Field::Value(patch) => Metadata::from_json(&row.metadata.0, "metadata")
            .and_then(|before| before.merged(&Value::Object(patch), "metadata")),
    };
    match written.map(|metadata| serde_json::to_value(metadata).unwrap_or_default()) {
        Ok(value) => row.metadata = Json(value),
        Err(found) => errors.extend(found),
    }
}

fn fixed_that_differ(stored: &CustomerRow, fixed: &ReadOnlyMembers) -> Vec<&'static str> {
    fn says<T: PartialEq>(field: &Field<T>, stored: Option<&T>) -> bool {
        match field {
            Field::Absent => false,
            Field::Null => stored.is_some(),
            Field::Value(v) => Some(v) != stored,
        }
    }
    let differs = [
        ("username", says(&fixed.username, Some(&stored.username))),
        ("user_role", says(&fixed.user_role, Some(&stored.user_role))),
        ("company_id", says(&fixed.company_id, stored.company_id.as_ref())),
        ("email_verified", fixed.email_verified.is_some_and(|v| v != stored.email_verified)),
        ("phone_verified", fixed.phone_verified.is_some_and(|v| v != stored.phone_verified)),
        ("total_services", fixed.total_services.is_some_and(|v| v != stored.total_services)),
        ("last_service_date", says(&fixed.last_service_date, stored.last_service_date.as_ref())),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

/// 403 for what the caller may not write and what says something else than is stored.
fn refuse(
    rights: Rights,
    stored: &CustomerRow,
    row: &CustomerRow,
    (active, verified): (Option<bool>, Option<bool>),
    mut names: Vec<&'static str>,
) -> Result<()> {
    let staff_only = [
        ("notes", stored.notes != row.notes),
        ("tags", stored.tags != row.tags),
        ("external_id", stored.external_id != row.external_id),
        ("metadata", stored.metadata != row.metadata),
        ("customer_since", stored.customer_since != row.customer_since),
        ("is_verified", verified.is_some_and(|v| v != stored.is_verified)),
    ];
    if !rights.staff {
        names.extend(staff_only.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name));
    }
    if !rights.may_deactivate && active.is_some_and(|v| v != stored.is_active) {
        names.push("is_active");
    }
    match names.is_empty() {
        true => Ok(()),
        false => Err(not_writable(&names)),
    }
}

/// 403 `FIELD_NOT_WRITABLE`; `fields` lists them.
pub(super) fn not_writable(names: &[&'static str]) -> Error {
    Error::forbidden("FIELD_NOT_WRITABLE", format!("You may not change {}", names.join(", ")))
        .with_member("fields", names)
}

fn with_status(
    ctx: &Ctx,
    row: CustomerRow,
    (active, verified): (Option<bool>, Option<bool>),
) -> Result<CustomerRow> {
    let row = match active {
        Some(active) if active != row.is_active => set_active(ctx, row, active, None),
        _ => row,
    };
    match verified {
        Some(verified) if verified != row.is_verified => set_verified(ctx, row, verified),
        _ => Ok(row),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_merged_as_rfc_7396_says() {
        let cases = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [1]}), json!({"a": {"b": {"c": null}}}), json!({"a": {"b": {}}})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ];
        for (mut target, patch, merged) in cases {
            merge(&mut target, patch);
            assert_eq!(target, merged);
        }
    }
}
