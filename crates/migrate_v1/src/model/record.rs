//! An old customer or user out of the columns of a file. The names of the columns are those of the old services, in the
//! spellings that exports give them.

use std::collections::BTreeSet;

use kernel::clock::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Columns and values as a file has them, in its order.
pub type Fields = Map<String, Value>;

/// Who an old customer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OldUserId {
    /// A number, as the first version had it.
    Number(i64),
    /// A UUID: somebody began to migrate already.
    Id(Uuid),
}

impl std::fmt::Display for OldUserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OldUserId::Number(n) => n.fmt(f),
            OldUserId::Id(id) => id.fmt(f),
        }
    }
}

impl OldUserId {
    /// Reads a whole number (also as `17.0`, which spreadsheets write) or a UUID.
    pub fn parse(text: &str) -> Option<OldUserId> {
        let text = text.trim();
        let number = text.strip_suffix(".0").unwrap_or(text).parse::<i64>().ok().filter(|n| *n >= 0);
        number.map(OldUserId::Number).or_else(|| Uuid::try_parse(text).ok().map(OldUserId::Id))
    }
}

/// What is known of the person, as typed. Nothing here was checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone.
    pub phone: Option<String>,
}

/// A user of the old authentication service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldUser {
    /// Its number.
    pub id: OldUserId,
    /// Names, e-mail, phone.
    pub person: Person,
    /// Role code, if there is one.
    pub role: Option<String>,
}

/// A customer of the old customer service.
#[derive(Debug, Clone, Default)]
pub struct OldCustomer {
    /// Its user.
    pub user: Option<OldUserId>,
    /// Its own id in the old table, for reference.
    pub id: Option<String>,
    /// The copy of the user's data that the old table had.
    pub person: Person,
    /// The address in one text.
    pub address: Option<String>,
    /// Everything else under the names of the API, as the body of a creation.
    pub members: Fields,
    /// Completed services.
    pub total_services: i64,
    /// The latest of them.
    pub last_service_date: Option<Timestamp>,
    /// Columns that cannot be read, with what they hold.
    pub unreadable: Vec<(String, String)>,
}

/// Names of the API, and the other names that columns have: lower case without punctuation.
const MEMBERS: &[(&str, &[&str])] = &[
    ("address_line1", &["addressline1", "streetaddress", "street"]),
    ("address_line2", &["addressline2"]),
    ("city", &["city", "town"]),
    ("state", &["state", "province"]),
    ("postal_code", &["postalcode", "postcode", "zip", "zipcode"]),
    ("country", &["country"]),
    ("date_of_birth", &["dateofbirth", "birthdate", "dob"]),
    ("gender", &["gender", "sex"]),
    ("company_name", &["companyname", "company"]),
    ("business_type", &["businesstype"]),
    ("tax_id", &["taxid", "vat", "vatnumber"]),
    ("emergency_contact_name", &["emergencycontactname", "emergencycontact"]),
    ("emergency_contact_phone", &["emergencycontactphone", "emergencyphone"]),
    ("emergency_contact_relationship", &["emergencycontactrelationship"]),
    ("preferred_contact_method", &["preferredcontactmethod", "contactmethod"]),
    ("notification_preferences", &["notificationpreferences"]),
    ("marketing_emails", &["marketingemails"]),
    ("marketing_sms", &["marketingsms"]),
    ("customer_since", &["customersince", "createdat", "datejoined", "created"]),
    ("notes", &["notes", "note", "comments"]),
    ("tags", &["tags"]),
    ("is_active", &["isactive", "active"]),
    ("is_verified", &["isverified", "verified"]),
];

/// A column's name without case and punctuation.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A value as text; nothing for what is empty, and for the words with which exports say so.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    let is_nothing =
        text.is_empty() || ["null", "none", "nan", "\\N"].iter().any(|w| text.eq_ignore_ascii_case(w));
    (!is_nothing).then_some(text)
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "yes" | "y" => Some(true),
        "0" | "f" | "false" | "no" | "n" => Some(false),
        _ => None,
    }
}

/// A time as databases and programs write it: with or without a zone, a date alone. Without a zone it is UTC.
fn time(text: &str) -> Option<Timestamp> {
    let plain = text.trim().replacen(' ', "T", 1);
    // PostgreSQL writes whole hours of a zone alone: `+00`.
    let short_zone = plain
        .len()
        .checked_sub(3)
        .and_then(|at| plain.get(at..))
        .is_some_and(|end| end.starts_with(['+', '-']));
    let zoned = if short_zone { format!("{plain}:00") } else { plain.clone() };
    zoned.parse::<Timestamp>().ok().or_else(|| {
        let civil = plain.parse::<jiff::civil::DateTime>().ok()?;
        Some(Timestamp::from(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()))
    })
}

/// `Ada Lovelace`, `Lovelace, Ada`: first and last name.
fn names(whole: &str) -> (Option<String>, Option<String>) {
    let (first, last) = match whole.split_once(',') {
        Some((last, first)) => (first, last),
        None => whole.trim().rsplit_once(' ').unwrap_or((whole, "")),
    };
    let part = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
    (part(first), part(last))
}

impl Person {
    fn take(&mut self, name: &str, value: &Value) -> bool {
        let place = match name {
            "firstname" | "givenname" => &mut self.first_name,
            "lastname" | "surname" | "familyname" => &mut self.last_name,
            "email" | "emailaddress" | "mail" => &mut self.email,
            "phone" | "phonenumber" | "mobile" | "telephone" => &mut self.phone,
            "name" | "fullname" | "customername" => {
                let (first, last) = text(value).map(|whole| names(&whole)).unwrap_or_default();
                self.first_name = self.first_name.take().or(first);
                self.last_name = self.last_name.take().or(last);
                return true;
            }
            _ => return false,
        };
        if let Some(text) = text(value) {
            *place = Some(text);
        }
        true
    }
}

/// What Django's `dumpdata` writes: the columns are in `fields`, the key beside them.
fn unwrapped(fields: Fields) -> Fields {
    match (fields.get("model"), fields.get("pk"), fields.get("fields")) {
        (Some(_), Some(pk), Some(Value::Object(inner))) => {
            let mut inner = inner.clone();
            inner.entry("id").or_insert(pk.clone());
            inner
        }
        _ => fields,
    }
}

impl OldUser {
    /// Reads a user; the error says what is missing.
    pub fn read(fields: Fields) -> Result<OldUser, &'static str> {
        let (mut id, mut person, mut role) = (None, Person::default(), None);
        for (name, value) in unwrapped(fields) {
            let name = plain(&name);
            match name.as_str() {
                _ if person.take(&name, &value) => {}
                "id" | "userid" | "pk" => {
                    id = id.or_else(|| text(&value).as_deref().and_then(OldUserId::parse));
                }
                "role" | "userrole" => role = text(&value).map(|role| role.to_lowercase()),
                _ => {}
            }
        }
        let id = id.ok_or("there is no id: a column id or user_id must hold a whole number or a UUID")?;
        Ok(OldUser { id, person, role })
    }
}

impl OldCustomer {
    /// Reads a customer. Columns that nobody knows are added to `ignored`.
    pub fn read(fields: Fields, ignored: &mut BTreeSet<String>) -> OldCustomer {
        let mut old = OldCustomer::default();
        for (name, value) in unwrapped(fields) {
            let key = plain(&name);
            if old.person.take(&key, &value) || old.take_own(&key, &value) || old.take_member(&key, &value) {
                continue;
            }
            if !matches!(key.as_str(), "updatedat" | "updated" | "isbusinesscustomer" | "fulladdress") {
                ignored.insert(name);
            }
        }
        old
    }

    /// Is there any column that says something about a customer?
    pub fn is_known(fields: Fields) -> bool {
        let (columns, mut ignored) = (unwrapped(fields), BTreeSet::new());
        let all = columns.len();
        OldCustomer::read(columns, &mut ignored);
        ignored.len() < all
    }

    fn take_own(&mut self, key: &str, value: &Value) -> bool {
        let found = text(value);
        match key {
            "userid" | "user" | "authuserid" => {
                if let Some(text) = found {
                    self.user = OldUserId::parse(&text);
                    if self.user.is_none() {
                        self.unreadable.push(("user_id".to_owned(), text));
                    }
                }
            }
            "id" | "pk" | "customerid" => self.id = self.id.take().or(found),
            "address" => self.address = found,
            "totalservices" | "servicecount" => match found.as_deref().map(str::parse::<i64>) {
                Some(Ok(n)) if n >= 0 => self.total_services = n,
                Some(_) => self.unreadable.push(("total_services".to_owned(), found.unwrap_or_default())),
                None => {}
            },
            "lastservicedate" | "lastservice" => match found.as_deref().map(time) {
                Some(Some(at)) => self.last_service_date = Some(at),
                Some(None) => {
                    self.unreadable.push(("last_service_date".to_owned(), found.unwrap_or_default()));
                }
                None => {}
            },
            _ => return false,
        }
        true
    }

    fn take_member(&mut self, key: &str, value: &Value) -> bool {
        let Some((member, _)) = MEMBERS.iter().find(|(_, names)| names.contains(&key)) else { return false };
        let Some(found) = text(value) else { return true };
        let read = match *member {
            "marketing_emails" | "marketing_sms" | "is_active" | "is_verified" => {
                flag(&found).map(Value::Bool)
            }
            "customer_since" => time(&found).map(|at| Value::String(at.to_string())),
            "notification_preferences" => match value {
                Value::Object(_) => Some(value.clone()),
                _ => serde_json::from_str(&found).ok().filter(Value::is_object),
            },
            _ => Some(Value::String(found.clone())),
        };
        match read {
            Some(value) => drop(self.members.entry(*member).or_insert(value)),
            None => self.unreadable.push(((*member).to_owned(), found)),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        let Value::Object(fields) = value else { panic!("{value} is no object") };
        fields
    }

    #[test]
    fn columns_are_known_in_many_spellings() {
        let mut ignored = BTreeSet::new();
        let old = OldCustomer::read(
            fields(json!({
                "id": 5, "User ID": "17", "First Name": "Ada", "lastName": "Lovelace", "E-Mail": "ada@example.com",
                "Phone": "", "address": "12 St, X", "Total Services": "3", "last_service_date": "2024-05-01 10:00:00+00",
                "created_at": "2020-02-03", "is_verified": "t", "notification_preferences": "{\"sms\": true}",
                "shoe size": 42, "updated_at": "2024-01-01"
            })),
            &mut ignored,
        );
        assert_eq!((old.user, old.id.as_deref()), (Some(OldUserId::Number(17)), Some("5")));
        assert_eq!(old.person.first_name.as_deref(), Some("Ada"));
        assert_eq!((old.person.email.as_deref(), old.person.phone), (Some("ada@example.com"), None));
        assert_eq!(old.total_services, 3);
        assert_eq!(old.last_service_date.unwrap().to_string(), "2024-05-01T10:00:00.000000Z");
        assert_eq!(old.members["customer_since"], "2020-02-03T00:00:00.000000Z");
        assert_eq!(old.members["is_verified"], true);
        assert_eq!(old.members["notification_preferences"], json!({"sms": true}));
        assert_eq!(ignored, BTreeSet::from(["shoe size".to_owned()]));
        assert!(old.unreadable.is_empty(), "{:?}", old.unreadable);
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let old = OldCustomer::read(
            fields(
                json!({"user_id": "seventeen", "total_services": "-1", "is_active": "perhaps", "created_at": "once"}),
            ),
            &mut BTreeSet::new(),
        );
        let told: Vec<&str> = old.unreadable.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(told, ["user_id", "total_services", "is_active", "customer_since"]);
    }

    #[test]
    fn dumps_of_django_and_whole_names_are_read() {
        let dumped = json!({"model": "users.customuser", "pk": 9, "fields": {"email": "a@b.co", "name": "Ada King Lovelace", "user_role": "Customer"}});
        let user = OldUser::read(fields(dumped)).unwrap();
        assert_eq!((user.id, user.role.as_deref()), (OldUserId::Number(9), Some("customer")));
        assert_eq!(user.person.first_name.as_deref(), Some("Ada King"));
        assert_eq!(names("Lovelace, Ada"), (Some("Ada".into()), Some("Lovelace".into())));
        assert_eq!(names("Plato"), (Some("Plato".into()), None));
        assert!(OldUser::read(fields(json!({"email": "a@b.co"}))).is_err());
    }

    proptest! {
        #[test]
        fn no_value_is_too_strange(name in "\\PC{0,12}|created_at|user_id|total_services|name", text in "\\PC{0,30}|[0-9T :+-]{0,28}") {
            let record = fields(json!({name: text}));
            let _ = OldUser::read(record.clone());
            OldCustomer::read(record, &mut BTreeSet::new());
        }
    }
}
