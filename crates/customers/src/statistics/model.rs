//! Counters without a database.
//!
//! The mean age needs no birth date per customer: completed years on a day are the difference of the years, less one
//! for whoever has the birthday still ahead. So two small histograms, of years and of days of the year, are enough, and
//! 29 February falls behind 28 February and before 1 March by itself.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::customer::model::CustomerRow;

/// A counter's name and what it counts by; the key is empty where there is nothing to tell apart.
pub type Counter = (&'static str, String);

/// All customers.
pub const TOTAL: &str = "total";
/// Active ones.
pub const ACTIVE: &str = "active";
/// Verified ones, active or not.
pub const VERIFIED: &str = "verified";
/// Those with a company name or a tax number.
pub const BUSINESS: &str = "business";
/// Completed services of all customers together.
pub const SERVICES: &str = "services";
/// By country: its two-letter code, [`OTHER_COUNTRY`] for a text that names none we know; empty for none.
pub const COUNTRY: &str = "country";
/// The key of every country without a code: what people type freely must not make counters without end.
pub const OTHER_COUNTRY: &str = "other";
/// By folded city; empty for none.
pub const CITY: &str = "city";
/// By gender; empty for none.
pub const GENDER: &str = "gender";
/// By year of birth.
pub const BIRTH_YEAR: &str = "birth_year";
/// By day of birth, `MM-DD`.
pub const BIRTH_DAY: &str = "birth_day";
/// By day of creation in the deployment's time zone, `YYYY-MM-DD`.
pub const CREATED: &str = "created";

/// By country and state, see [`key_of`]; only customers with a state.
pub const STATE: &str = "state";
/// By country, city and state, see [`key_of`]; only customers with a city.
pub const PLACE: &str = "place";
/// By folded tag.
pub const TAG: &str = "tag";

/// Stands between the parts of a key; folded text contains no control character.
pub const SEPARATOR: char = '\u{1f}';

/// A key of several parts.
pub fn key_of(parts: &[&str]) -> String {
    let mut key = String::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            key.push(SEPARATOR);
        }
        key.push_str(part);
    }
    key
}

/// Every counter there is.
pub const ALL: [&str; 14] = [
    TOTAL, ACTIVE, VERIFIED, BUSINESS, SERVICES, COUNTRY, CITY, GENDER, BIRTH_YEAR, BIRTH_DAY, CREATED,
    STATE, PLACE, TAG,
];

/// Where customers are, by the parts that somebody names: a code of two letters, and folded texts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Location<'a> {
    /// The country's code.
    pub country: Option<&'a str>,
    /// The folded state.
    pub state: Option<&'a str>,
    /// The folded city.
    pub city: Option<&'a str>,
}

/// What one customer adds to the counters.
pub fn contributions(row: &CustomerRow, zone: &TimeZone) -> Vec<(Counter, i64)> {
    let mut out = Vec::with_capacity(16);
    let mut add = |metric: &'static str, key: String, n: i64| out.push(((metric, key), n));
    let blank = String::new;
    add(TOTAL, blank(), 1);
    add(ACTIVE, blank(), i64::from(row.is_active));
    add(VERIFIED, blank(), i64::from(row.is_verified));
    let business = row.business.is_there();
    add(BUSINESS, blank(), i64::from(business));
    add(SERVICES, blank(), row.total_services);
    let other = || row.address.country.as_ref().map(|_| OTHER_COUNTRY);
    let country = row.country_code.as_deref().or_else(other).unwrap_or_default();
    let (city, state) =
        (row.address.city_key().unwrap_or_default(), row.address.state_key().unwrap_or_default());
    if !state.is_empty() {
        add(STATE, key_of(&[country, &state]), 1);
    }
    if !city.is_empty() {
        add(PLACE, key_of(&[country, &city, &state]), 1);
    }
    add(COUNTRY, country.to_owned(), 1);
    add(CITY, city, 1);
    for tag in row.tags.iter() {
        add(TAG, tag.key(), 1);
    }
    add(GENDER, row.gender.clone().unwrap_or_default(), 1);
    if let Some(born) = row.date_of_birth {
        let born = born.0;
        add(BIRTH_YEAR, format!("{:04}", born.year()), 1);
        add(BIRTH_DAY, format!("{:02}-{:02}", born.month(), born.day()), 1);
    }
    add(CREATED, row.created_at.to_jiff().to_zoned(zone.clone()).date().to_string(), 1);
    out.retain(|(_, n)| *n != 0);
    out
}

/// What changes add to which counter of which company (nil for customers without one). Either side may be missing:
/// a creation has no before, an erasure no after.
pub fn diff(
    changes: &[(Option<&CustomerRow>, Option<&CustomerRow>)],
    zone: &TimeZone,
) -> Vec<(Uuid, Counter, i64)> {
    let mut sums: BTreeMap<(Uuid, Counter), i64> = BTreeMap::new();
    let sides = changes.iter().flat_map(|(before, after)| [(before, -1), (after, 1)]);
    for (row, sign) in sides {
        let Some(row) = row else { continue };
        let company = row.company.unwrap_or_default();
        for (counter, n) in contributions(row, zone) {
            *sums.entry((company, counter)).or_default() += sign * n;
        }
    }
    sums.into_iter().filter(|(_, n)| *n != 0).map(|((company, counter), n)| (company, counter, n)).collect()
}

/// The mean of completed years on `today`, one decimal; `None` without birth dates.
pub fn average_age(years: &[(i16, i64)], days: &[(String, i64)], today: Date) -> Option<f64> {
    let people: i64 = years.iter().map(|(_, n)| n).sum();
    if people <= 0 {
        return None;
    }
    let whole: i64 = years.iter().map(|(year, n)| i64::from(today.year() - year) * n).sum();
    let this_day = format!("{:02}-{:02}", today.month(), today.day());
    let ahead: i64 = days.iter().filter(|(day, _)| *day > this_day).map(|(_, n)| n).sum();
    Some(((whole - ahead) as f64 / people as f64 * 10.0).round() / 10.0)
}

/// The first days of today, of the week and of the month.
pub fn starts(today: Date, week_start: Weekday) -> [Date; 3] {
    let into_week = today.weekday().since(week_start);
    let week = today.checked_sub(jiff::Span::new().days(i64::from(into_week))).unwrap_or(today);
    [today, week, today.first_of_month()]
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::customer::model::DateOfBirth;

    #[test]
    fn weeks_begin_where_the_setting_says() {
        let thursday = date(2026, 1, 1);
        assert_eq!(starts(thursday, Weekday::Monday), [thursday, date(2025, 12, 29), thursday]);
        assert_eq!(starts(thursday, Weekday::Sunday)[1], date(2025, 12, 28));
        assert_eq!(starts(thursday, Weekday::Thursday)[1], thursday);
    }

    #[test]
    fn leap_day_children_age_on_the_first_of_march() {
        let born = |today| average_age(&[(2004, 1)], &[("02-29".to_owned(), 1)], today);
        assert_eq!(born(date(2025, 2, 28)), Some(20.0));
        assert_eq!(born(date(2025, 3, 1)), Some(21.0));
        assert_eq!(born(date(2024, 2, 29)), Some(20.0));
        assert_eq!(average_age(&[], &[], date(2025, 1, 1)), None);
    }

    proptest! {
        #[test]
        fn two_histograms_give_the_mean_of_the_ages(
            births in prop::collection::vec((1900i16..2024, 1i8..13, 1i8..29), 1..40), day in (1i8..13, 1i8..29)
        ) {
            let today = date(2025, day.0, day.1);
            let births: Vec<Date> = births.into_iter().map(|(y, m, d)| date(y, m, d)).collect();
            let ages: i64 = births.iter().map(|b| i64::from(DateOfBirth::stored(*b).age_on(today))).sum();
            let mean = (ages as f64 / births.len() as f64 * 10.0).round() / 10.0;
            let years: Vec<(i16, i64)> = births.iter().map(|b| (b.year(), 1)).collect();
            let days: Vec<(String, i64)> = births.iter().map(|b| (format!("{:02}-{:02}", b.month(), b.day()), 1)).collect();
            prop_assert_eq!(average_age(&years, &days, today), Some(mean));
        }
    }
}
