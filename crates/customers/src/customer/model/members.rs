//! What a body says about a customer.

use identity::users::model::{Email, PersonName, Phone};
use kernel::clock::Timestamp;
use kernel::web::Field;
use serde_json::{Map, Value};

use super::{
    AddressSaid, BusinessSaid, CalendarDate, ContactMethod, CustomerNumber, EmergencyContactSaid, ExternalId,
    Gender, Notes, Tags,
};

/// Largest `notification_preferences` as JSON, in bytes.
pub const PREFERENCES_BYTES: usize = 16 * 1024;

/// The members of a body. What is absent stays.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the members of the API, documented there")]
pub struct Members {
    pub email: Field<Email>,
    pub phone: Field<Phone>,
    pub first_name: Option<PersonName>,
    pub last_name: Option<PersonName>,
    pub address: AddressSaid,
    pub date_of_birth: Field<CalendarDate>,
    pub gender: Field<Gender>,
    pub business: BusinessSaid,
    pub emergency_contact: EmergencyContactSaid,
    pub preferred_contact_method: Field<ContactMethod>,
    pub notification_preferences: Field<Map<String, Value>>,
    pub marketing_emails: Option<bool>,
    pub marketing_sms: Option<bool>,
    pub customer_since: Field<Timestamp>,
    pub notes: Field<Notes>,
    pub tags: Field<Tags>,
    pub external_id: Field<ExternalId>,
    pub metadata: Field<Map<String, Value>>,
    pub is_active: Option<bool>,
    pub is_verified: Option<bool>,
    /// What nobody writes here: it must say what is stored.
    pub fixed: ReadOnlyMembers,
}

/// Members that no body changes: ignored when equal to what is stored, else 403.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the members of the API, documented there")]
pub struct ReadOnlyMembers {
    pub username: Field<String>,
    pub user_role: Field<String>,
    pub company_id: Field<String>,
    pub email_verified: Option<bool>,
    pub phone_verified: Option<bool>,
    pub total_services: Option<i64>,
    pub last_service_date: Field<Timestamp>,
}

/// What a new customer is made of.
#[derive(Debug)]
pub struct NewCustomer {
    /// The public id that it gets if that is free; else one is drawn.
    pub number: Option<CustomerNumber>,
    /// Given name.
    pub first_name: PersonName,
    /// Family name.
    pub last_name: PersonName,
    /// Everything else; an e-mail address or a phone is there.
    pub members: Members,
}
