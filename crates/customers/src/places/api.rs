//! `/api/v1/customers/location/search` and `/api/v1/customers/available/…`.

use axum::Json;
use axum::http::Uri;
use kernel::Result;
use kernel::web::list::{ListReply, Listing};
use kernel::web::problem::Problems;
use platform::app::App;
use platform::ctx::Ctx;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::service::{self, Available};
use crate::customer::model::view::CustomerView;
use crate::search::api::{CustomerList, Customers};
use kernel::web::query::Query;

/// A place: its name, or with `counts=true` an object.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
enum Place {
    /// The name alone.
    Name(String),
    /// With its number.
    Counted {
        /// As it is shown.
        name: String,
        /// The code of a country, ISO 3166.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        code: Option<String>,
        /// How many customers are there.
        count: i64,
    },
}

/// The countries with customers, by name.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CountryList)]
struct Countries {
    /// Their usual names, such as `USA`.
    countries: Vec<Place>,
}

/// The states with customers, by name.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = StateList)]
struct States {
    /// As the first customer spelled it.
    states: Vec<Place>,
}

/// The cities with customers, by name.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CityList)]
struct Cities {
    /// As the first customer spelled it.
    cities: Vec<Place>,
}

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(search))
        .routes(routes!(countries))
        .routes(routes!(states))
        .routes(routes!(cities))
}

/// The customers at a place: `city`, `state`, `country` (in any spelling) and `postal_code`, of which one at least is given.
#[utoipa::path(get, path = "/api/v1/customers/location/search", operation_id = "listCustomersByLocation", tag = "search",
    security(("bearer" = [])),
    params(Listing<Customers>), responses((status = 200, body = CustomerList), Problems))]
async fn search(ctx: Ctx, Listing(request, ..): Listing<Customers>) -> Result<CustomerList> {
    let (rows, total) = service::search(&ctx, &request).await?;
    Ok(ListReply::new(&request, rows, total, |row| CustomerView::of(row, false)))
}

/// The countries of the customers.
#[utoipa::path(get, path = "/api/v1/customers/available/countries", operation_id = "listCountries", tag = "search",
    security(("bearer" = [])),
    params(("counts" = Option<bool>, Query, description = "With codes and numbers of customers.")),
    responses((status = 200, body = Countries), Problems))]
async fn countries(ctx: Ctx, uri: Uri) -> Result<Json<Countries>> {
    let counts = Query::parse(&uri, &["counts"])?.flag("counts")?;
    Ok(Json(Countries { countries: shown(service::countries(&ctx).await?, counts) }))
}

/// The states of the customers; at most 10,000, those with the most customers.
#[utoipa::path(get, path = "/api/v1/customers/available/states", operation_id = "listStates", tag = "search",
    security(("bearer" = [])),
    params(("country" = Option<String>, Query, description = "Of this country, in any spelling."),
        ("counts" = Option<bool>, Query, description = "With numbers of customers.")),
    responses((status = 200, body = States), Problems))]
async fn states(ctx: Ctx, uri: Uri) -> Result<Json<States>> {
    let query = Query::parse(&uri, &["country", "counts"])?;
    let found = service::states(&ctx, query.get("country")).await?;
    Ok(Json(States { states: shown(found, query.flag("counts")?) }))
}

/// The cities of the customers; at most 10,000, those with the most customers.
#[utoipa::path(get, path = "/api/v1/customers/available/cities", operation_id = "listCities", tag = "search",
    security(("bearer" = [])),
    params(("country" = Option<String>, Query, description = "Of this country, in any spelling."),
        ("state" = Option<String>, Query, description = "Of this state."),
        ("counts" = Option<bool>, Query, description = "With numbers of customers.")),
    responses((status = 200, body = Cities), Problems))]
async fn cities(ctx: Ctx, uri: Uri) -> Result<Json<Cities>> {
    let query = Query::parse(&uri, &["country", "state", "counts"])?;
    let found = service::cities(&ctx, query.get("country"), query.get("state")).await?;
    Ok(Json(Cities { cities: shown(found, query.flag("counts")?) }))
}

fn shown(places: Vec<Available>, counts: bool) -> Vec<Place> {
    let one = |Available { name, code, count }| match counts {
        true => Place::Counted { name, code, count },
        false => Place::Name(name),
    };
    places.into_iter().map(one).collect()
}
