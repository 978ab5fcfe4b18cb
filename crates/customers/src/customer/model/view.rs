//! A customer as the API shows it.

use identity::users::model::{AvatarPaths, Phone, PhoneStatus, full_name};
use kernel::Date;
use kernel::TextValue;
use kernel::clock::Timestamp;
use kernel::web::field::{free_object, map_of, plain};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Object, RefOr, Schema};
use uuid::Uuid;

use super::{Address, Business, ContactMethod, CustomerRow, EmergencyContact, Gender};

/// A customer. Names, e-mail, phone and user name are those of its user.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = Customer)]
pub struct CustomerView {
    /// UUIDv7.
    pub id: Uuid,
    /// `CUST_` and eight hexadecimal digits.
    pub customer_id: String,
    /// The user whose profile it is.
    pub user_id: Uuid,
    /// Generated, unique, in lower case.
    pub username: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Both names.
    pub full_name: String,
    /// As it was typed.
    pub email: Option<String>,
    /// An address that waits for its owner's proof.
    pub pending_email: Option<String>,
    /// Proved by its owner, or marked by staff.
    pub email_verified: bool,
    /// As it was typed.
    pub phone: Option<String>,
    /// E.164, where the number is valid in its country.
    pub phone_e164: Option<String>,
    /// `valid`; `possible` where no country gives out such numbers; `unparsed` where none is known; null without a phone.
    #[schema(value_type = Option<PhoneStatus>)]
    pub phone_status: Option<&'static str>,
    /// Proved by its owner, or marked by staff.
    pub phone_verified: bool,
    /// The user's picture, in three sizes.
    pub avatar: Option<AvatarPaths>,
    /// Role code of the user.
    pub user_role: String,
    /// The company that the user belongs to, `COMP-001`.
    pub company_id: Option<String>,
    /// Where it is reached by post.
    #[serde(flatten)]
    pub address: Address,
    /// ISO 3166, if the text names a country.
    pub country_code: Option<String>,
    /// The parts of the address that are there, with commas between.
    pub full_address: String,
    /// The address in lines, separated by line feeds, in the order that is usual in its country.
    pub formatted_address: String,
    /// A date.
    pub date_of_birth: Option<Date>,
    /// Null if it is not said.
    #[schema(value_type = Option<Gender>)]
    pub gender: Option<String>,
    /// Its own business.
    #[serde(flatten)]
    pub business: Business,
    /// Has a company name or a tax number.
    pub is_business_customer: bool,
    /// Whom to call when something happens.
    #[serde(flatten)]
    pub emergency_contact: EmergencyContact,
    /// Not deactivated.
    pub is_active: bool,
    /// When it was deactivated.
    pub deactivated_at: Option<Timestamp>,
    /// Verified by staff.
    pub is_verified: bool,
    /// When.
    pub verified_at: Option<Timestamp>,
    /// Since when a customer; may lie before the record.
    pub customer_since: Timestamp,
    /// The latest service.
    pub last_service_date: Option<Timestamp>,
    /// Completed services.
    pub total_services: i64,
    /// The last login.
    pub last_login_at: Option<Timestamp>,
    /// How the customer likes to be reached.
    #[schema(value_type = ContactMethod)]
    pub preferred_contact_method: String,
    /// Free object.
    #[schema(schema_with = free_object)]
    pub notification_preferences: Value,
    /// Marketing by e-mail is allowed.
    pub marketing_emails: bool,
    /// Marketing by text message is allowed.
    pub marketing_sms: bool,
    /// For staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = staff_text_or_null)]
    pub notes: Option<Option<String>>,
    /// For staff only; with commas between.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = staff_text)]
    pub tags: Option<String>,
    /// For staff only; the tags one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = staff_texts)]
    pub tag_list: Option<Vec<String>>,
    /// For staff only; the id in another program.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = staff_text_or_null)]
    pub external_id: Option<Option<String>>,
    /// For staff only; texts that other programs attached.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = staff_metadata)]
    pub metadata: Option<Value>,
    /// For staff only; who verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = staff_text_or_null)]
    pub verified_by: Option<Option<String>>,
    /// For staff only; why it was deactivated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = staff_text_or_null)]
    pub deactivation_reason: Option<Option<String>>,
    /// Creation.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// Counts changes.
    pub version: i64,
}

impl CustomerView {
    /// The customer as staff or as the customer sees it.
    pub fn of(r: CustomerRow, for_customer: bool) -> CustomerView {
        let staff = !for_customer;
        CustomerView {
            full_name: full_name(&r.first_name, &r.last_name),
            is_business_customer: r.business.is_there(),
            last_login_at: r.last_login(),
            full_address: r.full_address(),
            formatted_address: r.formatted_address(),
            phone_status: phone_status(&r),
            tag_list: staff.then(|| r.tags.texts().map(str::to_owned).collect()),
            tags: staff.then(|| r.tags.to_string()),
            notes: staff.then_some(r.notes),
            external_id: staff.then_some(r.external_id),
            metadata: staff.then_some(r.metadata.0),
            verified_by: staff.then_some(r.verified_by),
            deactivation_reason: staff.then_some(r.deactivation_reason),
            avatar: AvatarPaths::of(r.avatar.as_deref()),
            id: r.id,
            customer_id: r.customer_id,
            user_id: r.user_id,
            username: r.username,
            first_name: r.first_name,
            last_name: r.last_name,
            email: r.email.into_string(),
            pending_email: r.pending_email,
            email_verified: r.email_verified,
            phone_e164: r.phone.e164().map(str::to_owned),
            phone: r.phone.into_string(),
            phone_verified: r.phone_verified,
            user_role: r.user_role,
            company_id: r.company_id,
            address: r.address,
            country_code: r.country_code,
            date_of_birth: r.date_of_birth,
            gender: r.gender,
            business: r.business,
            emergency_contact: r.emergency_contact,
            is_active: r.is_active,
            deactivated_at: r.deactivated_at,
            is_verified: r.is_verified,
            verified_at: r.verified_at,
            customer_since: r.customer_since,
            last_service_date: r.last_service_date,
            total_services: r.total_services,
            preferred_contact_method: r.preferred_contact_method,
            notification_preferences: r.notification_preferences.0,
            marketing_emails: r.marketing_emails,
            marketing_sms: r.marketing_sms,
            created_at: r.created_at,
            updated_at: r.updated_at,
            version: r.version,
        }
    }
}

/// Marks a member that customers do not see.
fn staff_only(mut object: Object) -> RefOr<Schema> {
    object.extensions = Some(ExtensionsBuilder::new().add("x-staff-only", json!(true)).build());
    object.into()
}

fn staff_text() -> RefOr<Schema> {
    staff_only(plain(Type::String, None))
}

fn staff_text_or_null() -> RefOr<Schema> {
    let kinds = SchemaType::from_iter([Type::String, Type::Null]);
    staff_only(ObjectBuilder::new().schema_type(kinds).build())
}

fn staff_texts() -> RefOr<Schema> {
    let mut texts = ArrayBuilder::new().items(plain(Type::String, None)).build();
    texts.extensions = Some(ExtensionsBuilder::new().add("x-staff-only", json!(true)).build());
    texts.into()
}

fn staff_metadata() -> RefOr<Schema> {
    staff_only(map_of(plain(Type::String, None)))
}

/// How far the phone is understood. What has a form in E.164 is valid; only the others are looked up.
fn phone_status(r: &CustomerRow) -> Option<&'static str> {
    let phone = r.phone.as_str()?;
    let status = match (r.phone.e164(), Phone::parse(phone)) {
        (Some(_), _) => PhoneStatus::Valid,
        // Valid somewhere by now is not what was found out when it was entered.
        (None, Ok(phone)) => match phone.facts(r.country_code.as_deref()).status {
            PhoneStatus::Valid => PhoneStatus::Possible,
            status => status,
        },
        (None, Err(_)) => PhoneStatus::Unparsed,
    };
    Some(status.code())
}
