//! What a reader of the feed asks for.

use kernel::text::did_you_mean;
use kernel::web::list::{DEFAULT_LIMIT, MAX_LIMIT, decode};
use kernel::{Error, Kind, Result};
use uuid::Uuid;

/// The parameters of the feed.
pub const PARAMETERS: [&str; 5] = ["after", "limit", "action", "customer_id", "subject"];
/// Longest accepted value in characters; actions and public ids are far shorter.
const MAX_CHARS: usize = 200;

/// A record named by its id or by its public id (`CUST_…`, `USER-…`, `COMP-…`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// Its UUID.
    Id(Uuid),
    /// Its public id, in upper case, as events store it.
    Public(String),
}

impl Reference {
    fn read(text: &str) -> Reference {
        match Uuid::try_parse(text) {
            Ok(id) => Reference::Id(id),
            Err(_) => Reference::Public(text.to_ascii_uppercase()),
        }
    }
}

/// What a reader asks for, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedQuery {
    /// The number of the last event that it has seen; 0 from the beginning.
    pub after: i64,
    /// Events at most, 1 to 1000.
    pub limit: u32,
    /// Only this action, such as `customer.updated`.
    pub action: Option<String>,
    /// Only what concerns this customer.
    pub customer: Option<Reference>,
    /// Only what happened to this record.
    pub subject: Option<Reference>,
}

impl FeedQuery {
    /// Reads the query of the request. 400 for what cannot be read, 422 for a number out of range; the sentence
    /// says what is allowed.
    pub fn parse(query: &str) -> Result<FeedQuery> {
        let mut said: [Option<String>; PARAMETERS.len()] = Default::default();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            let i = PARAMETERS.iter().position(|p| *p == name).ok_or_else(|| unknown(&name))?;
            if value.contains('\0') || value.chars().count() > MAX_CHARS {
                return Err(invalid(format!("{name} must have at most {MAX_CHARS} characters and no NUL")));
            }
            if said[i].replace(value.trim().to_owned()).is_some() {
                let detail = format!("{name} was given more than once");
                return Err(Error::bad_request("PARAMETER_REPEATED", detail));
            }
        }
        // A form that is sent with an empty field means no filter.
        let [after, limit, action, customer, subject] = said.map(|value| value.filter(|v| !v.is_empty()));
        Ok(FeedQuery {
            after: after.map_or(Ok(0), |text| number("after", &text, 0, i64::MAX))?,
            limit: limit.map_or(Ok(DEFAULT_LIMIT), |text| limit_of(&text))?,
            action,
            customer: customer.as_deref().map(Reference::read),
            subject: subject.as_deref().map(Reference::read),
        })
    }

    /// Is there an index by which it is answered? If not, it may have to look at the whole log.
    pub fn has_index(&self) -> bool {
        self.action.is_none() && !matches!(self.subject, Some(Reference::Public(_)))
    }
}

fn unknown(name: &str) -> Error {
    let name: String = name.chars().take(64).collect();
    let near = did_you_mean(&name, PARAMETERS.iter().copied());
    let detail = format!("Unknown parameter \"{name}\"{near}; allowed are {}", PARAMETERS.join(", "));
    Error::bad_request("UNKNOWN_PARAMETER", detail)
}

fn invalid(detail: String) -> Error {
    Error::bad_request("PARAMETER_INVALID", detail)
}

fn number(name: &str, text: &str, least: i64, most: i64) -> Result<i64> {
    let shown: String = text.chars().take(64).collect();
    let n: i128 = text.parse().map_err(|_| invalid(format!("{name}: \"{shown}\" is not a whole number")))?;
    i64::try_from(n).ok().filter(|n| *n >= least).ok_or_else(|| {
        let detail = format!("{name} must be at least {least} and at most {most}");
        Error::new(Kind::Invalid, "PARAMETER_OUT_OF_RANGE", detail)
    })
}

fn limit_of(text: &str) -> Result<u32> {
    let n = number("limit", text, 1, i64::from(MAX_LIMIT))?;
    u32::try_from(n).ok().filter(|n| *n <= MAX_LIMIT).ok_or_else(|| {
        Error::new(Kind::Invalid, "LIMIT_TOO_LARGE", format!("limit must be at most {MAX_LIMIT}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_begin_at_the_beginning() {
        let query = FeedQuery::parse("").unwrap();
        assert_eq!((query.after, query.limit, query.has_index()), (0, 20, true));
        assert_eq!(FeedQuery::parse("after=&action=&limit=").unwrap(), query);
    }

    #[test]
    fn filters_name_records_by_either_id() {
        let id = "0198b5a4-0000-7000-8000-000000000001";
        let query = format!("after=7&limit=1000&customer_id=cust_a1b2c3d4&subject={id}");
        let query = FeedQuery::parse(&query).unwrap();
        assert_eq!((query.after, query.limit), (7, 1000));
        assert_eq!(query.customer, Some(Reference::Public("CUST_A1B2C3D4".into())));
        assert_eq!(query.subject, Some(Reference::Id(id.parse().unwrap())));
        assert!(query.has_index());
        assert!(!FeedQuery::parse("action=customer.updated").unwrap().has_index());
        assert!(!FeedQuery::parse("subject=USER-10000000").unwrap().has_index());
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let long = format!("action={}", "a".repeat(201));
        let cases = [
            ("limit=1001", 422, "LIMIT_TOO_LARGE"),
            ("limit=0", 422, "PARAMETER_OUT_OF_RANGE"),
            ("after=-1", 422, "PARAMETER_OUT_OF_RANGE"),
            ("after=99999999999999999999", 422, "PARAMETER_OUT_OF_RANGE"),
            ("after=x", 400, "PARAMETER_INVALID"),
            ("limit=ten", 400, "PARAMETER_INVALID"),
            ("action=a%00b", 400, "PARAMETER_INVALID"),
            (&long, 400, "PARAMETER_INVALID"),
            ("offset=1", 400, "UNKNOWN_PARAMETER"),
            ("after=1&after=2", 400, "PARAMETER_REPEATED"),
            ("action=%ff", 400, "QUERY_INVALID"),
        ];
        for (query, status, code) in cases {
            let error = FeedQuery::parse(query).unwrap_err();
            assert_eq!((error.kind().status(), error.code()), (status, code), "{query}");
        }
    }
}
