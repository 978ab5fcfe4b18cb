//! A customer as it is stored, with its user.

use database::{Json, Versioned, row};
use identity::users::model::{UserEmail, UserPhone};
use kernel::Date;
use kernel::clock::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Address, Business, ContactMethod, EmergencyContact, Parts, Tags, formatted_address};

row! {
    /// A customer with its user: `customer c`, `user_account u`, `company o`.
    #[derive(Debug, Clone, PartialEq)]
    pub struct CustomerRow in "c" of "customer" {
        /// UUIDv7.
        pub id: Uuid,
        /// `CUST_…`.
        pub customer_id: String,
        /// The user whose profile it is.
        pub user_id: Uuid,
        /// The user's name.
        pub username: String = "u.username",
        /// Given name.
        pub first_name: String = "u.first_name",
        /// Family name.
        pub last_name: String = "u.last_name",
        /// The user's address.
        pub email: UserEmail [read],
        /// Shown as verified.
        pub email_verified: bool = "u.email_verified",
        /// The address that waits for its owner's proof.
        pub pending_email: Option<String> = "u.pending_email",
        /// The user's phone.
        pub phone: UserPhone [read],
        /// Shown as verified.
        pub phone_verified: bool = "u.phone_verified",
        /// Role code of the user.
        pub user_role: String = "u.role",
        /// The user's company.
        pub company: Option<Uuid> = "u.company_id",
        /// Its public id.
        pub company_id: Option<String> = "o.company_id",
        /// The name of the user's picture.
        pub avatar: Option<String> = "u.avatar",
        /// The user's last login.
        pub user_last_login: Option<Timestamp> = "u.last_login",
        /// The user's version, part of the customer's tag.
        pub user_version: i64 = "u.version",
        /// Where it is reached by post.
        pub address: Address,
        /// Two letters, if the text names a country.
        pub country_code: Option<String>,
        /// Birth date.
        pub date_of_birth: Option<Date>,
        /// male, female or other.
        pub gender: Option<String>,
        /// Its own business.
        pub business: Business,
        /// Whom to call when something happens.
        pub emergency_contact: EmergencyContact,
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
        pub tags: Tags,
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

impl Versioned for CustomerRow {
    const CHANGEABLE: &'static str = "erased_at IS NULL";
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        self.version
    }
}

impl CustomerRow {
    /// The later of the user's own login and what another program reported.
    pub fn last_login(&self) -> Option<Timestamp> {
        self.user_last_login.max(self.last_login_at)
    }

    /// The parts of the address that are there, with commas between.
    pub fn full_address(&self) -> String {
        let parts = Address::MEMBERS.iter().map(|member| (member.of)(self));
        parts.flatten().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// The address in lines, as the post of its country wants them.
    pub fn formatted_address(&self) -> String {
        fn text(part: &Option<String>) -> &str {
            part.as_deref().unwrap_or_default()
        }
        let address = &self.address;
        let parts = Parts {
            lines: [text(&address.address_line1), text(&address.address_line2)],
            city: text(&address.city),
            state: text(&address.state),
            postal_code: text(&address.postal_code),
            country: text(&address.country),
        };
        formatted_address(parts, self.country_code.as_deref())
    }

    /// What is left of it when it is erased. A test looks at every column of the table.
    pub fn emptied(&self, at: Timestamp) -> CustomerRow {
        CustomerRow {
            address: Address::default(),
            country_code: None,
            date_of_birth: None,
            gender: None,
            business: Business::default(),
            emergency_contact: EmergencyContact::default(),
            is_active: false,
            deactivated_at: None,
            deactivation_reason: None,
            is_verified: false,
            verified_at: None,
            verified_by: None,
            preferred_contact_method: ContactMethod::Email.to_string(),
            notification_preferences: Json(Value::Object(Map::new())),
            marketing_emails: false,
            marketing_sms: false,
            notes: None,
            tags: Tags::default(),
            external_id: None,
            metadata: Json(Value::Object(Map::new())),
            updated_at: at,
            ..self.clone()
        }
    }

    /// What the event log keeps of it, apart from the event itself, until the customer is erased. Without what it has not.
    pub fn snapshot(&self) -> Map<String, Value> {
        let there = self.members().filter(|(_, value)| !value.is_null());
        there.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// What of the same differs from `after`: as it is here, as it is there.
    pub fn difference(&self, after: &CustomerRow) -> (Map<String, Value>, Map<String, Value>) {
        let both = self.members().zip(after.members());
        both.filter(|((_, was), (_, is))| was != is)
            .map(|((name, was), (_, is))| ((name.to_owned(), was), (name.to_owned(), is)))
            .unzip()
    }

    fn members(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let text = |v: &Option<String>| v.clone().map_or(Value::Null, Value::String);
        let time = |v: Option<Timestamp>| v.map_or(Value::Null, |t| t.to_string().into());
        let texts = CustomerRow::text_members().map(move |member| (member.name, text((member.of)(self))));
        let others = [
            ("username", self.username.clone().into()),
            ("first_name", self.first_name.clone().into()),
            ("last_name", self.last_name.clone().into()),
            ("email", self.email.as_str().into()),
            ("email_verified", self.email_verified.into()),
            ("pending_email", text(&self.pending_email)),
            ("phone", self.phone.as_str().into()),
            ("phone_verified", self.phone_verified.into()),
            ("date_of_birth", self.date_of_birth.map_or(Value::Null, |d| d.to_string().into())),
            ("gender", text(&self.gender)),
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
            ("tags", self.tags.as_str().into()),
            ("external_id", text(&self.external_id)),
            ("metadata", self.metadata.0.clone()),
        ];
        others.into_iter().chain(texts)
    }
}

#[cfg(test)]
mod tests {
    use database::Written;
    use identity::users::model::Phone;
    use kernel::TextValue;

    use super::*;

    /// Every member has a value.
    fn full() -> CustomerRow {
        let text = || Some("x".to_owned());
        let at = Timestamp::from_micros(0).unwrap();
        let object = || Json(serde_json::json!({"a": "b"}));
        let mut row = CustomerRow {
            id: Uuid::nil(),
            customer_id: "CUST_00000000".to_owned(),
            user_id: Uuid::nil(),
            username: "x".to_owned(),
            first_name: "x".to_owned(),
            last_name: "x".to_owned(),
            email: UserEmail::stored("x".to_owned(), "x".to_owned()),
            email_verified: true,
            pending_email: text(),
            phone: UserPhone::new(&Phone::parse("12345").unwrap(), text()),
            phone_verified: true,
            user_role: "customer".to_owned(),
            company: Some(Uuid::nil()),
            company_id: text(),
            avatar: text(),
            user_last_login: Some(at),
            user_version: 1,
            address: Address::default(),
            country_code: text(),
            date_of_birth: Some(Date(jiff::civil::date(2000, 1, 1))),
            gender: text(),
            business: Business::default(),
            emergency_contact: EmergencyContact::default(),
            is_active: true,
            deactivated_at: Some(at),
            deactivation_reason: text(),
            is_verified: true,
            verified_at: Some(at),
            verified_by: text(),
            customer_since: at,
            last_service_date: Some(at),
            total_services: 1,
            last_login_at: Some(at),
            preferred_contact_method: "phone".to_owned(),
            notification_preferences: object(),
            marketing_emails: true,
            marketing_sms: true,
            notes: text(),
            tags: Tags::stored("x"),
            external_id: text(),
            metadata: object(),
            created_at: at,
            updated_at: at,
            version: 1,
        };
        Address::MEMBERS.iter().for_each(|member| row.address.put(member.name, "x"));
        Business::MEMBERS.iter().for_each(|member| row.business.put(member.name, "x"));
        EmergencyContact::MEMBERS.iter().for_each(|member| row.emergency_contact.put(member.name, "x"));
        row
    }

    #[test]
    fn erasing_leaves_nothing_but_the_tombstone() {
        let (row, mut differ) = (full(), Vec::new());
        row.emptied(Timestamp::from_micros(1).unwrap()).differ(&row, &mut differ);
        let left =
            CustomerRow::COLUMNS.iter().zip(differ).filter(|(_, differs)| !differs).map(|(name, _)| *name);
        let tombstone =
            ["id", "customer_id", "customer_since", "last_service_date", "total_services", "created_at"];
        // What the statement itself clears, or counts.
        let others = ["user_id", "last_login_at", "version"];
        let kept: Vec<&str> = left.filter(|name| !others.contains(name)).collect();
        assert_eq!(kept, tombstone);
    }

    #[test]
    fn every_text_is_in_the_snapshot() {
        let (row, empty) = (full(), full().emptied(Timestamp::from_micros(1).unwrap()));
        for member in CustomerRow::text_members() {
            assert_eq!(row.snapshot()[member.name], "x");
            assert!(!empty.snapshot().contains_key(member.name));
            assert_eq!(row.difference(&empty).0[member.name], "x");
        }
    }
}
