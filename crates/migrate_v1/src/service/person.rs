//! Names, e-mail and phone of old records: what can be taken, and what another record says better.

use identity::users::model::{Email, PersonName, Phone};
use identity::users::service::User;
use kernel::TextValue;
use kernel::text::search_key;

use crate::model::record::Person;
use crate::model::report::{Difference, Left, Row};

/// For a name that nobody gave.
const UNKNOWN: &str = "Unknown";

/// A person who can be written.
pub(super) struct Checked {
    pub first_name: PersonName,
    pub last_name: PersonName,
    pub email: Option<Email>,
    pub phone: Option<Phone>,
}

/// Takes what is valid; the rest, and what is missing, is noted in the row.
pub(super) fn checked(person: &Person, row: &mut Row) -> kernel::Result<Checked> {
    let first_name = name("first_name", person.first_name.as_deref(), row)?;
    let last_name = name("last_name", person.last_name.as_deref(), row)?;
    Ok(Checked {
        first_name,
        last_name,
        email: value("email", person.email.as_deref(), row),
        phone: value("phone", person.phone.as_deref(), row),
    })
}

fn name(field: &str, text: Option<&str>, row: &mut Row) -> kernel::Result<PersonName> {
    if let Some(name) = value(field, text, row) {
        return Ok(name);
    }
    row.needs_review.push(format!("{field}_missing"));
    PersonName::parse(UNKNOWN).map_err(|error| kernel::Error::internal(error.message))
}

fn value<T: TextValue>(field: &str, text: Option<&str>, row: &mut Row) -> Option<T> {
    let text = text?;
    match T::parse(text) {
        Ok(value) => Some(value),
        Err(error) => {
            let left = Left { field: field.to_owned(), value: text.to_owned(), reason: error.message.into() };
            row.left.push(left);
            None
        }
    }
}

/// Where the old customer says something else than its user does. Spellings of the same are no difference.
pub(super) fn compare(old: &Person, kept: &Person, row: &mut Row) {
    let email = |text: &str| Email::parse(text).map_or_else(|_| text.to_owned(), |e| e.key().to_owned());
    let phone = |text: &str| Phone::parse(text).map_or_else(|_| text.to_owned(), |p| p.digits().to_owned());
    let mut differ =
        |field: &str, old: &Option<String>, kept: &Option<String>, key: &dyn Fn(&str) -> String| {
            if let Some(old) = old
                && kept.as_deref().map(key) != Some(key(old))
            {
                let (field, kept) = (field.to_owned(), kept.clone());
                row.differences.push(Difference { field, kept, old: old.clone() });
            }
        };
    differ("first_name", &old.first_name, &kept.first_name, &search_key);
    differ("last_name", &old.last_name, &kept.last_name, &search_key);
    differ("email", &old.email, &kept.email, &email);
    differ("phone", &old.phone, &kept.phone, &phone);
}

/// What a stored user says.
pub(super) fn of_user(user: &User) -> Person {
    Person {
        first_name: Some(user.first_name.clone()),
        last_name: Some(user.last_name.clone()),
        email: user.email.as_str().map(str::to_owned),
        phone: user.phone.as_str().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::Kind;

    fn person(values: [&str; 4]) -> Person {
        let [first_name, last_name, email, phone] =
            values.map(|text| Some(text.to_owned()).filter(|t| !t.is_empty()));
        Person { first_name, last_name, email, phone }
    }

    #[test]
    fn spellings_are_no_difference_and_what_is_not_said_is_none() {
        let mut row = Row::new(Kind::Customer, String::new());
        let user = person(["José", "Núñez", "Jose@Example.com", "+1 555 0123"]);
        compare(&person(["jose", "NUNEZ", "jose@example.COM", "+1-555-0123"]), &user, &mut row);
        compare(&person(["", "", "", ""]), &user, &mut row);
        assert!(row.differences.is_empty(), "{:?}", row.differences);
        compare(&person(["Joseph", "Núñez", "other@example.com", ""]), &user, &mut row);
        let fields: Vec<&str> = row.differences.iter().map(|d| d.field.as_str()).collect();
        assert_eq!(fields, ["first_name", "email"]);
    }

    #[test]
    fn what_cannot_be_taken_is_noted() {
        let mut row = Row::new(Kind::Customer, String::new());
        let checked = checked(&person(["Ada", "", "no address", "+1-555-0123"]), &mut row).unwrap();
        assert_eq!((checked.last_name.as_str(), checked.email.is_none()), ("Unknown", true));
        assert_eq!(checked.phone.unwrap().as_str(), "+1-555-0123");
        assert_eq!(row.needs_review, ["last_name_missing"]);
        assert_eq!((row.left[0].field.as_str(), row.left[0].value.as_str()), ("email", "no address"));
    }
}
