//! `GET /api/v1/customers/stats` and `GET /api/v1/customers/statistics/overview`, one handler.

use axum::Json;
use axum::http::Uri;
use kernel::Result;
use kernel::web::problem::Problems;
use platform::app::App;
use platform::ctx::Ctx;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::service::{self, CustomerStatistics};
use kernel::web::query::Query;

const DEFAULT_TOP: i64 = 100;
const MOST_CITIES: i64 = 1000;

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(stats)).routes(routes!(overview))
}

/// Figures about the customers that the caller may see, exact, as of now.
#[utoipa::path(get, path = "/api/v1/customers/stats", operation_id = "getCustomerStatistics", tag = "statistics",
    security(("bearer" = [])),
    params(("top" = Option<i64>, Query, minimum = 1, maximum = 1000, description = "Cities to name; 100 without it.")),
    responses((status = 200, body = CustomerStatistics), Problems))]
async fn stats(ctx: Ctx, uri: Uri) -> Result<Json<CustomerStatistics>> {
    let query = Query::parse(&uri, &["top"])?;
    let top = query.number("top", 1..=MOST_CITIES)?.unwrap_or(DEFAULT_TOP);
    service::overview(&ctx, top).await.map(Json)
}

/// Another spelling of `/api/v1/customers/stats`.
#[utoipa::path(get, path = "/api/v1/customers/statistics/overview", operation_id = "getCustomerStatisticsOverview", tag = "statistics",
    security(("bearer" = [])),
    params(("top" = Option<i64>, Query, minimum = 1, maximum = 1000, description = "Cities to name; 100 without it.")),
    responses((status = 200, body = CustomerStatistics), Problems))]
async fn overview(ctx: Ctx, uri: Uri) -> Result<Json<CustomerStatistics>> {
    stats(ctx, uri).await
}
