//! Everything of an old customer but the person.

use customers::customer::model::Members;
use customers::customer::model::input::CustomerChange;
use customers::customer::model::{DateOfBirth, Tags};
use identity::users::model::Phone;
use kernel::web::Field;
use kernel::web::body::from_value;
use kernel::{Error, Result, TextValue};
use platform::ctx::Ctx;
use serde_json::{Map, Value};

use crate::model::address::split;
use crate::model::record::OldCustomer;
use crate::model::report::{Left, Row};

/// The tag of customers that somebody should look at.
const REVIEW: &str = "needs_review";
/// Where the old data stands in the metadata; a customer that has it was migrated.
pub(super) const V1_USER_ID: &str = "v1_user_id";
/// Longest value of metadata.
const MOST_CHARS: usize = 500;

/// The members of the new customer. What cannot be taken is noted in the row.
pub(super) fn members(ctx: &Ctx, old: &OldCustomer, country: Option<&str>, row: &mut Row) -> Result<Members> {
    for (field, value) in &old.unreadable {
        leave(row, field, value, "cannot be read");
    }
    let mut body = old.members.clone();
    address(old, country, &mut body, row);
    let mut members = valid(body, row)?;
    let now = ctx.now();
    if let Field::Value(at) = members.customer_since
        && at > now
    {
        leave(row, "customer_since", &at.to_string(), "is in the future");
        members.customer_since = Field::Absent;
    }
    if let Field::Value(date) = members.date_of_birth {
        let today = now.to_jiff().to_zoned(ctx.app().config.time_zone.clone()).date();
        if let Err(error) = DateOfBirth::new(date, today) {
            leave(row, "date_of_birth", &date.to_string(), &error.message);
            members.date_of_birth = Field::Absent;
        }
    }
    members.metadata = Field::Value(metadata(old));
    if !row.left.is_empty() {
        row.needs_review.push("values_left_out".to_owned());
    }
    if !row.needs_review.is_empty() {
        mark(&mut members);
    }
    Ok(members)
}

fn leave(row: &mut Row, field: &str, value: &str, reason: &str) {
    let (field, value, reason) = (field.to_owned(), value.to_owned(), reason.to_owned());
    row.left.push(Left { field, value, reason });
}

/// The address of one text, unless the record has its parts already.
fn address(old: &OldCustomer, country: Option<&str>, body: &mut Map<String, Value>, row: &mut Row) {
    let Some(text) = &old.address else { return };
    if ["address_line1", "city", "postal_code"].iter().any(|part| body.contains_key(*part)) {
        return;
    }
    let said = body.get("country").and_then(Value::as_str).map(str::to_owned);
    let split = split(text, said.as_deref().or(country));
    row.confidence = Some(split.confidence);
    if !split.is_sure() {
        row.needs_review.push("address".to_owned());
        let [line1, line2] = lines(text);
        body.insert("address_line1".to_owned(), line1.into());
        if !line2.is_empty() {
            body.insert("address_line2".to_owned(), line2.into());
        }
        return;
    }
    let parts = [
        ("address_line1", split.line1),
        ("city", split.city),
        ("state", split.state),
        ("postal_code", split.postal_code),
        ("country", split.country),
    ];
    for (name, part) in parts {
        if let Some(part) = part {
            body.entry(name).or_insert(part.into());
        }
    }
}

/// The text as it is, in one line, or in two where it is too long for one.
fn lines(text: &str) -> [String; 2] {
    const MOST: usize = 255;
    let mut lines = [String::new(), String::new()];
    for word in text.split_whitespace() {
        let fits = |line: &str| line.chars().count() + 1 + word.chars().count() <= MOST;
        let at = usize::from(!lines[1].is_empty() || !fits(&lines[0]));
        if !fits(&lines[at]) {
            break;
        }
        if !lines[at].is_empty() {
            lines[at].push(' ');
        }
        lines[at].push_str(word);
    }
    lines
}

/// Reads the members as a request's body is read, without those that are refused.
fn valid(mut body: Map<String, Value>, row: &mut Row) -> Result<Members> {
    loop {
        let refused = match from_value::<CustomerChange>(&Value::Object(body.clone())) {
            Ok(CustomerChange(members)) => return Ok(members),
            Err(e) => e,
        };
        let before = body.len();
        for error in refused.field_errors() {
            let member = error.field.split('.').next().unwrap_or_default();
            if let Some(value) = body.shift_remove(member) {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                leave(row, member, &text, &error.message);
            }
        }
        if body.len() == before {
            return Err(Error::internal("a migrated customer cannot be read").with_source(refused));
        }
    }
}

/// What the old record was, for whoever wonders later.
fn metadata(old: &OldCustomer) -> Map<String, Value> {
    let user = old.user.map_or_else(|| "none".to_owned(), |user| user.to_string());
    let mut metadata = Map::from_iter([(V1_USER_ID.to_owned(), user.into())]);
    let more = [("v1_customer_id", &old.id), ("v1_address", &old.address)];
    for (name, text) in more {
        if let Some(text) = text {
            let clean: String =
                text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
            // Kept where it can be; the report has it in any case.
            if let Ok(text) = kernel::text::block(&clean, MOST_CHARS) {
                metadata.insert(name.to_owned(), text.into());
            }
        }
    }
    metadata
}

/// Adds the tag; a customer with too many tags is found by the report alone.
fn mark(members: &mut Members) {
    let tags = std::mem::take(&mut members.tags).value().map(|tags| tags.to_string()).unwrap_or_default();
    let marked = Tags::parse(&format!("{tags},{REVIEW}")).or_else(|_| Tags::parse(&tags));
    members.tags = marked.map_or(Field::Absent, Field::Value);
}

/// Can somebody be reached?
pub(super) fn reachable(email: Option<&str>, phone: Option<&str>) -> bool {
    email.is_some() || phone.is_some_and(|phone| Phone::parse(phone).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_fills_two_lines() {
        let text = "word ".repeat(80);
        let [one, two] = lines(&text);
        assert!(one.chars().count() <= 255 && two.chars().count() <= 255);
        assert_eq!(format!("{one} {two}").split(' ').count(), 80);
        assert_eq!(lines(" 1 A St,\n Portland "), ["1 A St, Portland".to_owned(), String::new()]);
        assert_eq!(lines(&"x".repeat(600)), [String::new(), String::new()]);
    }
}
