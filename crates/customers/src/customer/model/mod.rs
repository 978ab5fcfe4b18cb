//! The values that a customer profile consists of, and its rules without a database.
//!
//! - `number`: `CUST_…`, and what stands for a customer in a path;
//! - `person`: gender, birth date, how to reach somebody;
//! - `address`, `country`: where, in lines as on an envelope, and how spellings of a country become one;
//! - `tags`, `metadata`: what staff and programs attach;
//! - `texts`: the members of one text each, in groups, each written once;
//! - `row`, [`view`]: a customer as it is stored, and as it is shown;
//! - `members`, [`input`]: what a body says about one, and how it is read;
//! - here: the business fields with their limits.

mod address;
mod country;
mod country_names;
pub mod input;
mod members;
mod metadata;
mod number;
mod person;
mod row;
mod tags;
mod texts;
pub mod view;

use kernel::text::{Block, Line};

pub use address::{Parts, formatted_address, postal_key};
pub use country::{country_code, country_key, country_label};
pub use members::{Members, NewCustomer, PREFERENCES_BYTES, ReadOnlyMembers};
pub use metadata::Metadata;
pub use number::{CustomerNumber, CustomerRef, UserKey};
pub use person::{CalendarDate, ContactMethod, DateOfBirth, Gender};
pub use row::CustomerRow;
pub use tags::{Tag, Tags};
pub use texts::{
    Address, AddressSaid, Business, BusinessSaid, EmergencyContact, EmergencyContactSaid, TextMember,
};

/// Name of the customer's own business.
pub type CompanyName = Line<255>;
/// What the customer's own business does.
pub type BusinessType = Line<100>;
/// Tax number of the customer's own business.
pub type TaxId = Line<50>;
/// Name of an emergency contact.
pub type ContactName = Line<200>;
/// What an emergency contact is to the customer, such as `spouse`.
pub type Relationship = Line<100>;
/// The customer's id in another program.
pub type ExternalId = Line<100>;
/// What staff wrote down about the customer.
pub type Notes = Block<20_000>;

/// Is the customer a business? Yes when either of the two is not blank.
pub fn is_business_customer(company_name: Option<&str>, tax_id: Option<&str>) -> bool {
    [company_name, tax_id].into_iter().flatten().any(|text| !text.trim().is_empty())
}

/// Notification preferences of a new profile: nothing chosen, so that each kind of message follows its own
/// default.
pub fn default_notification_preferences() -> serde_json::Value {
    serde_json::Value::Object(serde_json::Map::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_business_has_a_company_or_a_tax_number() {
        assert!(is_business_customer(Some("Tech Corp"), None));
        assert!(is_business_customer(None, Some("12-3456789")));
        assert!(!is_business_customer(Some("  "), Some("")));
        assert!(!is_business_customer(None, None));
    }

    #[test]
    fn new_profiles_have_chosen_nothing() {
        assert_eq!(default_notification_preferences(), serde_json::json!({}));
    }
}
