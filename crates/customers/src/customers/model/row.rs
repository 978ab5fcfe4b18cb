//! A customer as it is stored, with its user.

use database::Json;
use database::row;
use kernel::Date;
use kernel::clock::Timestamp;
use kernel::text::search_key;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Parts, formatted_address, postal_key};

row! {
    /// A customer with its user.
    #[derive(Debug, Clone, PartialEq)]
    pub struct CustomerRow {
        /// UUIDv7.
        pub id: Uuid,
        /// `CUST_…`.
        pub customer_id: String,
        /// The user whose profile it is.
        pub user_id: Uuid,
        /// The user's name.
        pub username: String,
        /// Given name.
        pub first_name: String,
        /// Family name.
        pub last_name: String,
        /// As it was typed.
        pub email: Option<String>,
        /// What it is unique by.
        pub email_key: Option<String>,
        /// Shown as verified.
        pub email_verified: bool,
        /// The address that waits for its owner's proof.
        pub pending_email: Option<String>,
        /// As it was typed.
        pub phone: Option<String>,
        /// What it is looked for by.
        pub phone_digits: Option<String>,
        /// E.164, where it is valid.
        pub phone_e164: Option<String>,
        /// Shown as verified.
        pub phone_verified: bool,
        /// Role code of the user.
        pub user_role: String,
        /// The user's company.
        pub company: Option<Uuid>,
        /// Its public id.
        pub company_id: Option<String>,
        /// The name of the user's picture.
        pub avatar: Option<String>,
        /// The user's last login.
        pub user_last_login: Option<Timestamp>,
        /// The user's version, part of the customer's tag.
        pub user_version: i64,
        /// Street and number.
        pub address_line1: Option<String>,
        /// Flat, floor, building.
        pub address_line2: Option<String>,
        /// City as typed.
        pub city: Option<String>,
        /// State as typed.
        pub state: Option<String>,
        /// Postal code.
        pub postal_code: Option<String>,
        /// Country as typed.
        pub country: Option<String>,
        /// Two letters, if the text names a country.
        pub country_code: Option<String>,
        /// Birth date.
        pub date_of_birth: Option<Date>,
        /// male, female or other.
        pub gender: Option<String>,
        /// The customer's own business.
        pub company_name: Option<String>,
        /// What it does.
        pub business_type: Option<String>,
        /// Its tax number.
        pub tax_id: Option<String>,
        /// Emergency contact.
        pub emergency_contact_name: Option<String>,
        /// Emergency contact.
        pub emergency_contact_phone: Option<String>,
        /// Emergency contact.
        pub emergency_contact_relationship: Option<String>,
        /// Not deactivated.
        pub is_active: bool,
        /// When it was deactivated.
        pub deactivated_at: Option<Timestamp>,
        /// Why.
        pub deactivation_reason: Option<String>,
        /// Verified by staff.
        pub is_verified: bool,
        /// When.
        pub verified_at: Option<Timestamp>,
        /// By whom.
        pub verified_by: Option<String>,
        /// Since when a customer; may lie before the record.
        pub customer_since: Timestamp,
        /// The latest service.
        pub last_service_date: Option<Timestamp>,
        /// Completed services.
        pub total_services: i64,
        /// As another program reported it; the user's own login counts as well.
        pub last_login_at: Option<Timestamp>,
        /// email, phone or sms.
        pub preferred_contact_method: String,
        /// Free object.
        pub notification_preferences: Json,
        /// Current state of the ledger.
        pub marketing_emails: bool,
        /// Current state of the ledger.
        pub marketing_sms: bool,
        /// Of staff.
        pub notes: Option<String>,
        /// With commas between; rows stand beside it.
        pub tags: String,
        /// Id in another program.
        pub external_id: Option<String>,
        /// Of other programs.
        pub metadata: Json,
        /// Creation.
        pub created_at: Timestamp,
        /// Last change.
        pub updated_at: Timestamp,
        /// Counts changes.
        pub version: i64,
    }
}

impl CustomerRow {
    /// The folded city, for filters and figures.
    pub fn city_key(&self) -> Option<String> {
        self.city.as_deref().map(search_key)
    }

    /// The folded state, for filters.
    pub fn state_key(&self) -> Option<String> {
        self.state.as_deref().map(search_key)
    }

    /// The postal code without what people write differently, for filters.
    pub fn postal_key(&self) -> Option<String> {
        self.postal_code.as_deref().map(postal_key)
    }

    /// The later of the user's own login and what another program reported.
    pub fn last_login(&self) -> Option<Timestamp> {
        self.user_last_login.max(self.last_login_at)
    }

    /// The parts of the address that are there, with commas between.
    pub fn full_address(&self) -> String {
        let parts = [
            &self.address_line1,
            &self.address_line2,
            &self.city,
            &self.state,
            &self.postal_code,
            &self.country,
        ];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// The address in lines, as the post of its country wants them.
    pub fn formatted_address(&self) -> String {
        fn text(part: &Option<String>) -> &str {
            part.as_deref().unwrap_or_default()
        }
        let parts = Parts {
            lines: [text(&self.address_line1), text(&self.address_line2)],
            city: text(&self.city),
            state: text(&self.state),
            postal_code: text(&self.postal_code),
            country: text(&self.country),
        };
        formatted_address(parts, self.country_code.as_deref())
    }

    /// What the event log keeps of it, apart from the event itself, until the customer is erased. Without what it has not.
    pub fn snapshot(&self) -> Map<String, Value> {
        let there = self.members().into_iter().filter(|(_, value)| !value.is_null());
        there.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// What of the same differs from `after`: as it is here, as it is there.
    pub fn difference(&self, after: &CustomerRow) -> (Map<String, Value>, Map<String, Value>) {
        let both = self.members().into_iter().zip(after.members());
        both.filter(|((_, was), (_, is))| was != is)
            .map(|((name, was), (_, is))| ((name.to_owned(), was), (name.to_owned(), is)))
            .unzip()
    }

    fn members(&self) -> [(&'static str, Value); 36] {
        let text = |v: &Option<String>| v.clone().map_or(Value::Null, Value::String);
        let time = |v: Option<Timestamp>| v.map_or(Value::Null, |t| t.to_string().into());
        [
            ("username", self.username.clone().into()),
            ("first_name", self.first_name.clone().into()),
            ("last_name", self.last_name.clone().into()),
            ("email", text(&self.email)),
            ("email_verified", self.email_verified.into()),
            ("pending_email", text(&self.pending_email)),
            ("phone", text(&self.phone)),
            ("phone_verified", self.phone_verified.into()),
            ("address_line1", text(&self.address_line1)),
            ("address_line2", text(&self.address_line2)),
            ("city", text(&self.city)),
            ("state", text(&self.state)),
            ("postal_code", text(&self.postal_code)),
            ("country", text(&self.country)),
            ("date_of_birth", self.date_of_birth.map_or(Value::Null, |d| d.to_string().into())),
            ("gender", text(&self.gender)),
            ("company_name", text(&self.company_name)),
            ("business_type", text(&self.business_type)),
            ("tax_id", text(&self.tax_id)),
            ("emergency_contact_name", text(&self.emergency_contact_name)),
            ("emergency_contact_phone", text(&self.emergency_contact_phone)),
            ("emergency_contact_relationship", text(&self.emergency_contact_relationship)),
            ("is_active", self.is_active.into()),
            ("deactivation_reason", text(&self.deactivation_reason)),
            ("is_verified", self.is_verified.into()),
            ("customer_since", time(Some(self.customer_since))),
            ("last_service_date", time(self.last_service_date)),
            ("total_services", self.total_services.into()),
            ("preferred_contact_method", self.preferred_contact_method.clone().into()),
            ("notification_preferences", self.notification_preferences.0.clone()),
            ("marketing_emails", self.marketing_emails.into()),
            ("marketing_sms", self.marketing_sms.into()),
            ("notes", text(&self.notes)),
            ("tags", self.tags.clone().into()),
            ("external_id", text(&self.external_id)),
            ("metadata", self.metadata.0.clone()),
        ]
    }
}
