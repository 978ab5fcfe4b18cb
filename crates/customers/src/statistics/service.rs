//! Writing, reading and checking the counters.

use std::collections::BTreeMap;

use kernel::Result;
use kernel::clock::Timestamp;
use platform::Tx;
use platform::access::{Permission, Scope};
use platform::ctx::Ctx;
use platform::jobs::Progress;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::model::{self, Counter, Location};
pub use super::store::Named;
use super::store::{self, Stored, Sum};
use crate::customer::model::country_label;
use crate::customer::service::projections::Change;
use crate::customer::service::rows;

/// Most countries that an overview names.
const MOST_COUNTRIES: usize = 250;

/// Figures about the customers within the caller's reach.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct CustomerStatistics {
    /// All customers.
    pub total_customers: i64,
    /// Those that are active.
    pub active_customers: i64,
    /// Those that are verified, active or not.
    pub verified_customers: i64,
    /// Created since midnight in the deployment's time zone.
    pub new_customers_today: i64,
    /// Created since the start of the week.
    pub new_customers_this_week: i64,
    /// Created since the first of the month.
    pub new_customers_this_month: i64,
    /// Label to count, largest first, at most 250.
    #[schema(value_type = std::collections::BTreeMap<String, i64>)]
    pub customers_by_country: Map<String, Value>,
    /// City to count, largest first, at most `top`.
    #[schema(value_type = std::collections::BTreeMap<String, i64>)]
    pub customers_by_city: Map<String, Value>,
    /// Customers without a country.
    pub unknown_country: i64,
    /// Customers without a city.
    pub unknown_city: i64,
    /// Mean of completed years, one decimal; null if no birth date is known.
    pub average_customer_age: Option<f64>,
    /// male, female, other, and unspecified for those who did not say; the sum is the total.
    #[schema(value_type = std::collections::BTreeMap<String, i64>)]
    pub gender_distribution: Map<String, Value>,
    /// Completed services of all customers together.
    pub total_services: i64,
    /// Customers with a company name or a tax number.
    pub business_customers: i64,
    /// When the figures were read.
    pub computed_at: Timestamp,
}

/// Follows changes of customers, many together: each counter is written once.
pub async fn follow_in(ctx: &Ctx, tx: &mut Tx, changes: &[Change<'_>]) -> Result<()> {
    store::add(tx, &model::diff(changes, &ctx.app().config.time_zone)).await
}

/// Counts one more service of a customer of `company`.
pub async fn service_counted_in(tx: &mut Tx, company: Option<Uuid>) -> Result<()> {
    store::add(tx, &[(company.unwrap_or_default(), (model::SERVICES, String::new()), 1)]).await
}

/// A counter over a scope; the key is empty for one such as [`model::TOTAL`].
pub async fn count_in(tx: &mut Tx, scope: &Scope, metric: &'static str, key: &str) -> Result<u64> {
    Ok(u64::try_from(store::count(tx, scope, metric, key).await?).unwrap_or_default())
}

/// How many customers are at a place: every combination of its parts is a few counters.
pub async fn count_place_in(tx: &mut Tx, scope: &Scope, place: &Location<'_>) -> Result<u64> {
    let Location { country, state, city } = *place;
    let key = |parts: &[&str]| model::key_of(parts);
    let n = match (country, city, state) {
        (None, None, None) => store::count(tx, scope, model::TOTAL, "").await,
        (None, Some(city), None) => store::count(tx, scope, model::CITY, city).await,
        (Some(country), None, None) => store::count(tx, scope, model::COUNTRY, country).await,
        (Some(country), None, Some(state)) => {
            store::count(tx, scope, model::STATE, &key(&[country, state])).await
        }
        (Some(country), Some(city), Some(state)) => {
            store::count(tx, scope, model::PLACE, &key(&[country, city, state])).await
        }
        (Some(country), Some(city), None) => {
            store::count_beginning(tx, scope, model::PLACE, &key(&[country, city, ""])).await
        }
        (None, None, Some(state)) => {
            store::count_in_countries(tx, scope, model::STATE, &key(&["", state])).await
        }
        (None, Some(city), Some(state)) => {
            store::count_in_countries(tx, scope, model::PLACE, &key(&["", city, state])).await
        }
    };
    n.map(|n| u64::try_from(n).unwrap_or_default())
}

/// The countries of customers by code, with their numbers. Texts that name no country are left out.
pub async fn countries_in(tx: &mut Tx, scope: &Scope) -> Result<Vec<(String, i64)>> {
    let sums = store::countries(tx, scope).await?;
    Ok(sums.into_iter().map(|s| (s.key, s.n)).collect())
}

/// The states of customers, of one country or of all, the largest first, at most `most`.
pub async fn states_in(tx: &mut Tx, scope: &Scope, country: Option<&str>, most: i64) -> Result<Vec<Named>> {
    store::states(tx, scope, country.map(|c| model::key_of(&[c, ""])).as_deref(), most).await
}

/// The cities of customers at a place, the largest first, at most `most`.
pub async fn cities_in(tx: &mut Tx, scope: &Scope, place: &Location<'_>, most: i64) -> Result<Vec<Named>> {
    match (place.country, place.state) {
        (None, None) => store::cities(tx, scope, most).await,
        (country, state) => {
            let beginning = country.map(|c| model::key_of(&[c, ""]));
            store::cities_of(tx, scope, beginning.as_deref(), state, most).await
        }
    }
}

/// The tags in use, the most used first, at most `most`.
pub async fn tags_in(tx: &mut Tx, scope: &Scope, most: i64) -> Result<Vec<Named>> {
    store::tags(tx, scope, most).await
}

/// The figures over the caller's scope; `top` cities.
pub async fn overview(ctx: &Ctx, top: i64) -> Result<CustomerStatistics> {
    let scope = ctx.require_staff(Permission::StatisticsRead)?;
    let config = &ctx.app().config;
    let now = ctx.now();
    let today = now.to_jiff().to_zoned(config.time_zone.clone()).date();
    let starts = model::starts(today, config.week_start).map(|day| day.to_string());
    let [day, week, month] = starts.each_ref();
    let since = starts.iter().min().map_or("", String::as_str);
    let mut tx = ctx.slow_read().await?;
    let sums = store::sums(&mut tx, &scope, since).await?;
    let cities = store::cities(&mut tx, &scope, top).await?;
    let created =
        |from: &str| of(&sums, model::CREATED).filter(|s| s.key.as_str() >= from).map(|s| s.n).sum();
    let countries = of(&sums, model::COUNTRY).filter(|s| !s.key.is_empty());
    Ok(CustomerStatistics {
        total_customers: one(&sums, model::TOTAL, ""),
        active_customers: one(&sums, model::ACTIVE, ""),
        verified_customers: one(&sums, model::VERIFIED, ""),
        new_customers_today: created(day),
        new_customers_this_week: created(week),
        new_customers_this_month: created(month),
        customers_by_country: largest_first(
            countries.map(|s| (label(&s.key).to_owned(), s.n)),
            MOST_COUNTRIES,
        ),
        customers_by_city: largest_first(
            cities.into_iter().map(|c| (c.label.unwrap_or(c.key), c.n)),
            usize::MAX,
        ),
        unknown_country: one(&sums, model::COUNTRY, ""),
        unknown_city: one(&sums, model::CITY, ""),
        average_customer_age: age(&sums, today),
        gender_distribution: [
            ("male", "male"),
            ("female", "female"),
            ("other", "other"),
            ("unspecified", ""),
        ]
        .map(|(label, key)| (label.to_owned(), one(&sums, model::GENDER, key).into()))
        .into_iter()
        .collect(),
        total_services: one(&sums, model::SERVICES, ""),
        business_customers: one(&sums, model::BUSINESS, ""),
        computed_at: now,
    })
}

fn of<'a>(sums: &'a [Sum], metric: &'static str) -> impl Iterator<Item = &'a Sum> {
    sums.iter().filter(move |s| s.metric == metric)
}

fn one(sums: &[Sum], metric: &'static str, key: &str) -> i64 {
    of(sums, metric).find(|s| s.key == key).map_or(0, |s| s.n)
}

fn label(key: &str) -> &str {
    match key {
        model::OTHER_COUNTRY => "Other",
        key => country_label(key).unwrap_or(key),
    }
}

fn age(sums: &[Sum], today: jiff::civil::Date) -> Option<f64> {
    let years: Vec<(i16, i64)> =
        of(sums, model::BIRTH_YEAR).filter_map(|s| Some((s.key.parse().ok()?, s.n))).collect();
    let days: Vec<(String, i64)> = of(sums, model::BIRTH_DAY).map(|s| (s.key.clone(), s.n)).collect();
    model::average_age(&years, &days, today)
}

/// Two keys with one label are one entry.
fn largest_first(counts: impl Iterator<Item = (String, i64)>, most: usize) -> Map<String, Value> {
    let mut by_label: BTreeMap<String, i64> = BTreeMap::new();
    for (label, n) in counts {
        *by_label.entry(label).or_default() += n;
    }
    let mut counts: Vec<(String, i64)> = by_label.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(most);
    counts.into_iter().map(|(label, n)| (label, n.into())).collect()
}

/// Housekeeping: adds the differences that PostgreSQL appends to their counters, and deletes counters at zero.
pub async fn fold(ctx: &Ctx) -> Result<Progress> {
    loop {
        let mut tx = ctx.write().await?;
        let done = store::fold(&mut tx).await? + store::sweep(&mut tx).await?;
        tx.commit().await?;
        if done == 0 {
            return Ok(Progress::Done);
        }
        if ctx.should_yield() {
            return Ok(Progress::More);
        }
    }
}

/// Is there anything to fold? Looking costs less than a write lock, which an idle process should leave alone.
pub async fn has_work(ctx: &Ctx) -> Result<bool> {
    let mut tx = ctx.read().await?;
    store::has_work(&mut tx).await
}

/// A counter that is not what a full count says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// Its name.
    pub metric: String,
    /// What it counts by.
    pub key: String,
    /// Whose; nil for customers without a company.
    pub company: Uuid,
    /// What the customers add up to.
    pub counted: i64,
    /// What the counter says.
    pub stored: i64,
}

/// Counts every customer and compares. Empty is as it should be.
pub async fn reconcile(ctx: &Ctx) -> Result<Vec<Drift>> {
    let mut tx = ctx.slow_read().await?;
    let mut counted: BTreeMap<(String, String, Uuid), (i64, i64)> = BTreeMap::new();
    let mut after = Uuid::nil();
    loop {
        let customers = rows::page_for_counting(&mut tx, after).await?;
        let Some(last) = customers.last() else { break };
        after = last.id;
        for row in &customers {
            for ((metric, key), n) in model::contributions(row, &ctx.app().config.time_zone) {
                counted.entry((metric.to_owned(), key, row.company.unwrap_or_default())).or_default().0 += n;
            }
        }
    }
    let mut last = Stored { metric: String::new(), key: String::new(), company: Uuid::nil(), n: 0 };
    loop {
        let rows = store::page(&mut tx, &last).await?;
        for row in &rows {
            counted.entry((row.metric.clone(), row.key.clone(), row.company)).or_default().1 += row.n;
        }
        match rows.into_iter().next_back() {
            Some(row) => last = row,
            None => break,
        }
    }
    let differ = counted.into_iter().filter(|(_, (counted, stored))| counted != stored);
    Ok(differ
        .map(|((metric, key, company), (counted, stored))| Drift { metric, key, company, counted, stored })
        .collect())
}

/// Adds what [`reconcile`] found missing. Right also while customers change, because it adds differences; two at
/// once would add them twice, so one person does it, or the job, whose claim its transaction holds.
pub async fn repair(ctx: &Ctx, drift: &[Drift]) -> Result<()> {
    let missing = drift.iter().filter_map(|d| {
        let metric = model::ALL.into_iter().find(|m| *m == d.metric)?;
        Some((d.company, (metric, d.key.clone()) as Counter, d.counted - d.stored))
    });
    let missing: Vec<_> = missing.collect();
    let mut tx = ctx.write().await?;
    store::add(&mut tx, &missing).await?;
    tx.commit().await
}

/// The daily comparison: what drifted is in the log and put right.
pub async fn reconcile_job(ctx: &Ctx) -> Result<Progress> {
    let drift = reconcile(ctx).await?;
    for d in &drift {
        tracing::error!(metric = d.metric, key = d.key, company = %d.company, counted = d.counted, stored = d.stored, "a counter drifted; it is put right");
    }
    repair(ctx, &drift).await?;
    Ok(Progress::Done)
}
