//! Customers by place, and the places of customers for whoever picks one.

use kernel::text::search_key;
use kernel::web::list::{ListRequest, Total};
use kernel::{Error, Result};
use platform::access::Permission;
use platform::ctx::Ctx;

use crate::customer::model::{CustomerRow, country_code, country_label};
use crate::search::service as customers;
use crate::statistics::model::Location;
use crate::statistics::service as statistics;

/// States or cities that one answer names, those with the most customers.
const MOST: i64 = 10_000;

/// Filters that say where, of which a search by place names one at least.
const WHERE: [&str; 4] = ["city", "state", "country", "postal_code"];

/// A place with customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Available {
    /// As it is shown: a country's usual name, otherwise as the first of its customers spelled it.
    pub name: String,
    /// The code of a country.
    pub code: Option<String>,
    /// How many customers are there.
    pub count: i64,
}

/// A page of the customers at a place, and how many there are. 400 if the filters name no place.
pub async fn search(ctx: &Ctx, request: &ListRequest) -> Result<(Vec<CustomerRow>, Total)> {
    ctx.require_staff(Permission::CustomersRead)?;
    if !request.filters.iter().any(|(filter, _)| WHERE.contains(&filter.name)) {
        let detail = format!("Say where: give at least one of {}", WHERE.join(", "));
        return Err(Error::bad_request("LOCATION_REQUIRED", detail));
    }
    customers::list(ctx, request.clone()).await
}

/// The countries of the customers that the caller may see, by name. A text that names no country we know is none.
pub async fn countries(ctx: &Ctx) -> Result<Vec<Available>> {
    let scope = ctx.require_staff(Permission::CustomersRead)?;
    let mut tx = ctx.slow_read().await?;
    let countries = statistics::countries_in(&mut tx, &scope).await?;
    Ok(sorted(countries.into_iter().map(|(code, count)| Available {
        name: country_label(&code).unwrap_or(&code).to_owned(),
        code: Some(code),
        count,
    })))
}

/// The states of a country, or of all, by name.
pub async fn states(ctx: &Ctx, country: Option<&str>) -> Result<Vec<Available>> {
    let scope = ctx.require_staff(Permission::CustomersRead)?;
    let Some(country) = code_of(country) else { return Ok(Vec::new()) };
    let mut tx = ctx.slow_read().await?;
    Ok(named(statistics::states_in(&mut tx, &scope, country, MOST).await?))
}

/// The cities of a country, of a state, of both, or all, by name.
pub async fn cities(ctx: &Ctx, country: Option<&str>, state: Option<&str>) -> Result<Vec<Available>> {
    let scope = ctx.require_staff(Permission::CustomersRead)?;
    let Some(country) = code_of(country) else { return Ok(Vec::new()) };
    let state = state.map(search_key);
    let place = Location { country, state: state.as_deref(), city: None };
    let mut tx = ctx.slow_read().await?;
    Ok(named(statistics::cities_in(&mut tx, &scope, &place, MOST).await?))
}

/// The code, if a country is named at all; nothing if the text names none.
fn code_of(country: Option<&str>) -> Option<Option<&'static str>> {
    match country {
        None => Some(None),
        Some(text) => country_code(text).map(Some),
    }
}

fn named(found: Vec<statistics::Named>) -> Vec<Available> {
    sorted(found.into_iter().map(|place| Available {
        name: place.label.unwrap_or(place.key),
        code: None,
        count: place.n,
    }))
}

fn sorted(places: impl Iterator<Item = Available>) -> Vec<Available> {
    let mut places: Vec<Available> = places.collect();
    places.sort_by_cached_key(|place| search_key(&place.name));
    places
}
