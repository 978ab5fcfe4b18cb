use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use kernel::{TextValue, ValueError};
use serde::{Serialize, Serializer};

/// The gender that a customer gave; none given is `null`, not a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Gender {
    /// Male.
    Male,
    /// Female.
    Female,
    /// Neither.
    Other,
}

impl Gender {
    /// The code that is stored and shown.
    pub fn code(self) -> &'static str {
        match self {
            Gender::Male => "male",
            Gender::Female => "female",
            Gender::Other => "other",
        }
    }
}

impl TextValue for Gender {
    const MAX_CHARS: usize = 20;
    const WORDS: &'static [&'static str] = &["male", "female", "other"];
    fn parse(text: &str) -> Result<Gender, ValueError> {
        [Gender::Male, Gender::Female, Gender::Other]
            .into_iter()
            .find(|gender| text.trim().eq_ignore_ascii_case(gender.code()))
            .ok_or_else(|| ValueError::new("invalid_choice", "must be male, female, other or null"))
    }
}

impl fmt::Display for Gender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// How a customer prefers to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContactMethod {
    /// By e-mail.
    Email,
    /// By a call.
    Phone,
    /// By a text message.
    Sms,
}

impl ContactMethod {
    /// The code that is stored and shown.
    pub fn code(self) -> &'static str {
        match self {
            ContactMethod::Email => "email",
            ContactMethod::Phone => "phone",
            ContactMethod::Sms => "sms",
        }
    }
}

impl TextValue for ContactMethod {
    const MAX_CHARS: usize = 20;
    const WORDS: &'static [&'static str] = &["email", "phone", "sms"];
    fn parse(text: &str) -> Result<ContactMethod, ValueError> {
        [ContactMethod::Email, ContactMethod::Phone, ContactMethod::Sms]
            .into_iter()
            .find(|method| text.trim().eq_ignore_ascii_case(method.code()))
            .ok_or_else(|| ValueError::new("invalid_choice", "must be email, phone or sms"))
    }
}

impl fmt::Display for ContactMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A day without a time, `1990-01-15`. A date-time at midnight (`1990-01-15T00:00:00`, also with `Z`) is
/// read as its day, because older clients have no other type; any other time would lose something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarDate(Date);

impl CalendarDate {
    /// The day, for arithmetic.
    pub fn date(self) -> Date {
        self.0
    }
}

impl From<Date> for CalendarDate {
    fn from(date: Date) -> CalendarDate {
        CalendarDate(date)
    }
}

impl TextValue for CalendarDate {
    const MAX_CHARS: usize = 35;
    const FORMAT: &'static str = "date";

    fn parse(text: &str) -> Result<CalendarDate, ValueError> {
        let wrong = || ValueError::new("invalid_date", "must be a date such as 2026-03-01");
        let text = text.trim();
        let day = text.get(..10).ok_or_else(wrong)?;
        let digits = day
            .bytes()
            .enumerate()
            .all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
        if !digits {
            return Err(wrong());
        }
        let date: Date = day.parse().map_err(|_| wrong())?;
        if text.len() > 10 {
            let plain = text.strip_suffix(['Z', 'z']).or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
            let time: DateTime = plain.parse().map_err(|_| wrong())?;
            if time.time() != Time::midnight() {
                return Err(ValueError::new("invalid_date", "must be a date without a time of day"));
            }
        }
        Ok(CalendarDate(date))
    }
}

impl fmt::Display for CalendarDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for CalendarDate {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// The oldest age that is believed, in years.
const MAX_AGE: i16 = 130;

/// A birth date that was neither in the future nor more than 130 years ago when it was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct DateOfBirth(CalendarDate);

impl DateOfBirth {
    /// Accepts a birth date on the day `today` of the deployment's time zone. Flaws: `in_the_future`,
    /// `too_long_ago`.
    pub fn new(date: CalendarDate, today: Date) -> Result<DateOfBirth, ValueError> {
        if date.0 > today {
            return Err(ValueError::new("in_the_future", "must not be in the future"));
        }
        let birth = DateOfBirth(date);
        if birth.age_on(today) > MAX_AGE {
            return Err(ValueError::new(
                "too_long_ago",
                format!("must not be more than {MAX_AGE} years ago"),
            ));
        }
        Ok(birth)
    }

    /// A birth date from the database, which was checked when it was entered.
    pub fn stored(date: Date) -> DateOfBirth {
        DateOfBirth(CalendarDate(date))
    }

    /// The day.
    pub fn date(self) -> Date {
        self.0.0
    }

    /// Completed years on a day. Who was born on 29 February ages on 1 March.
    pub fn age_on(self, day: Date) -> i16 {
        let birth = self.0.0;
        let had_birthday = (day.month(), day.day()) >= (birth.month(), birth.day());
        day.year() - birth.year() - i16::from(!had_birthday)
    }
}

impl fmt::Display for DateOfBirth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn born(text: &str, today: Date) -> Result<DateOfBirth, &'static str> {
        CalendarDate::parse(text).and_then(|d| DateOfBirth::new(d, today)).map_err(|error| error.code)
    }

    #[test]
    fn choices_are_read_in_any_case() {
        assert_eq!(Gender::parse(" Female ").unwrap(), Gender::Female);
        assert_eq!(serde_json::to_string(&Gender::Other).unwrap(), "\"other\"");
        assert_eq!(Gender::parse("m").unwrap_err().code, "invalid_choice");
        assert_eq!(ContactMethod::parse("SMS").unwrap(), ContactMethod::Sms);
        assert_eq!(ContactMethod::parse("fax").unwrap_err().code, "invalid_choice");
    }

    #[test]
    fn a_midnight_is_a_date() {
        for text in [
            "1990-01-15",
            "1990-01-15T00:00:00",
            "1990-01-15T00:00:00Z",
            "1990-01-15 00:00:00.000",
            "1990-01-15T00:00:00+00:00",
        ] {
            assert_eq!(CalendarDate::parse(text).unwrap().to_string(), "1990-01-15", "{text}");
        }
        for text in [
            "1990-01-15T10:30:00",
            "1990-1-15",
            "15/01/1990",
            "1990-02-30",
            "19900115",
            "+001990-01-15",
            "",
            "1990-01-15x",
            "１９９０-01-15",
        ] {
            assert_eq!(CalendarDate::parse(text).unwrap_err().code, "invalid_date", "{text}");
        }
    }

    #[test]
    fn birth_dates_are_neither_ahead_nor_too_long_ago() {
        let today = date(2025, 6, 15);
        assert_eq!(born("2025-06-15", today), Ok(DateOfBirth::stored(today)));
        assert_eq!(born("2025-06-16", today), Err("in_the_future"));
        assert!(born("1894-06-16", today).is_ok(), "130 today, 131 tomorrow");
        assert_eq!(born("1894-06-15", today), Err("too_long_ago"));
    }

    #[test]
    fn leap_day_children_age_on_the_first_of_march() {
        let birth = DateOfBirth::stored(date(2004, 2, 29));
        assert_eq!(birth.age_on(date(2025, 2, 28)), 20);
        assert_eq!(birth.age_on(date(2025, 3, 1)), 21);
        assert_eq!(birth.age_on(date(2024, 2, 29)), 20);
        assert_eq!(birth.age_on(date(2024, 2, 28)), 19);
    }

    proptest! {
        #[test]
        fn reading_what_is_shown_changes_nothing(
            text in "\\PC*|[0-9]{4}-[01][0-9]-[0-3][0-9](T00:00(:00)?Z?)?", today in 0i16..9999
        ) {
            let _ = (Gender::parse(&text), ContactMethod::parse(&text));
            if let Ok(day) = CalendarDate::parse(&text) {
                prop_assert_eq!(CalendarDate::parse(&day.to_string()).unwrap(), day);
                if let Ok(birth) = DateOfBirth::new(day, date(today, 7, 1)) {
                    prop_assert!((0..=MAX_AGE).contains(&birth.age_on(date(today, 7, 1))));
                }
            }
        }
    }
}
