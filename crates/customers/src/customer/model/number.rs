use std::fmt;

use kernel::id::Random;
use kernel::{Error, TextValue, ValueError};
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// The public number of a customer: `CUST_` and eight hexadecimal digits in upper case. Read in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomerNumber(u32);

impl CustomerNumber {
    /// A random number. It may be taken: the unique index decides, and the caller draws again.
    pub fn random(random: &Random) -> CustomerNumber {
        CustomerNumber(u32::from_le_bytes(random.bytes()))
    }
}

impl TextValue for CustomerNumber {
    const MAX_CHARS: usize = 13;

    fn parse(text: &str) -> Result<CustomerNumber, ValueError> {
        let wrong = || {
            ValueError::new(
                "invalid_customer_id",
                "must be CUST_ and eight hexadecimal digits, such as CUST_A1B2C3D4",
            )
        };
        let (prefix, digits) = text.trim().split_at_checked(5).ok_or_else(wrong)?;
        // The digits are checked one by one because numbers in Rust may have a sign.
        if !prefix.eq_ignore_ascii_case("CUST_")
            || digits.len() != 8
            || !digits.bytes().all(|b| b.is_ascii_hexdigit())
        {
            return Err(wrong());
        }
        u32::from_str_radix(digits, 16).map(CustomerNumber).map_err(|_| wrong())
    }
}

impl fmt::Display for CustomerNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CUST_{:08X}", self.0)
    }
}

impl Serialize for CustomerNumber {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// What stands for a customer in a path or a list of ids: the UUID or the public number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CustomerRef {
    /// The record's id.
    Id(Uuid),
    /// The public number.
    Number(CustomerNumber),
}

impl CustomerRef {
    /// Reads a path segment. Anything that is no reference names nobody: 404 `CUSTOMER_NOT_FOUND`.
    pub fn parse(text: &str) -> Result<CustomerRef, Error> {
        // Of the spellings that the library reads, URNs and braces are left out.
        if matches!(text.len(), 32 | 36)
            && let Ok(id) = Uuid::try_parse(text)
        {
            return Ok(CustomerRef::Id(id));
        }
        CustomerNumber::parse(text)
            .map(CustomerRef::Number)
            .map_err(|_| Error::not_found("CUSTOMER_NOT_FOUND", "Customer not found"))
    }
}

impl fmt::Display for CustomerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CustomerRef::Id(id) => id.fmt(f),
            CustomerRef::Number(number) => number.fmt(f),
        }
    }
}

/// Which user's profile somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserKey {
    /// By the user's id.
    Id(Uuid),
    /// By the number of the first version of the services.
    Legacy(i64),
}

impl UserKey {
    /// Reads a UUID or a whole number.
    pub fn parse(text: &str) -> Option<UserKey> {
        let number = || text.parse().ok().filter(|n| *n >= 0).map(UserKey::Legacy);
        Uuid::try_parse(text).ok().map(UserKey::Id).or_else(number)
    }
}

#[cfg(test)]
mod tests {
    use kernel::Kind;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_shown_in_upper_case_and_read_in_any() {
        let number = CustomerNumber::parse("cust_a1b2c3d4").unwrap();
        assert_eq!(number.to_string(), "CUST_A1B2C3D4");
        assert_eq!(serde_json::to_string(&number).unwrap(), "\"CUST_A1B2C3D4\"");
        assert_eq!(CustomerNumber::parse("CUST_0000000A").unwrap().to_string(), "CUST_0000000A");
        for bad in
            ["CUST_A1B2C3D", "CUST_A1B2C3D45", "CUST_G1B2C3D4", "CUST-A1B2C3D4", "CUST_+1B2C3D4", "", "CUSŤ_"]
        {
            assert_eq!(CustomerNumber::parse(bad).unwrap_err().code, "invalid_customer_id", "{bad}");
        }
    }

    #[test]
    fn random_numbers_differ() {
        let random = Random::seeded(1);
        assert_ne!(CustomerNumber::random(&random), CustomerNumber::random(&random));
    }

    #[test]
    fn references_are_ids_of_either_kind() {
        let id = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001);
        assert_eq!(CustomerRef::parse(&id.to_string()).unwrap(), CustomerRef::Id(id));
        assert_eq!(CustomerRef::parse("cust_a1b2c3d4").unwrap().to_string(), "CUST_A1B2C3D4");
        for bad in ["me", "1", &id.urn().to_string(), &id.braced().to_string(), ""] {
            let error = CustomerRef::parse(bad).unwrap_err();
            assert_eq!((error.kind(), error.code()), (Kind::NotFound, "CUSTOMER_NOT_FOUND"), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn reading_what_is_shown_changes_nothing(n in any::<u32>(), text in "\\PC*|(?i)cust_[0-9a-f]{7,9}") {
            let number = CustomerNumber(n);
            prop_assert_eq!(CustomerNumber::parse(&number.to_string()).unwrap(), number);
            if let Ok(reference) = CustomerRef::parse(&text) {
                prop_assert_eq!(CustomerRef::parse(&reference.to_string()).unwrap(), reference);
            }
        }
    }
}
