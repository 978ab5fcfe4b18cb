//! `GET /api/v1/customers/tags` and `GET /api/v1/customers/tags/{tags}`.

use axum::Json;
use axum::extract::Path;
use axum::http::Uri;
use kernel::Result;
use kernel::web::list::{ListOf, ListReply, ListSpec, Listing};
use kernel::web::problem::Problems;
use platform::app::App;
use platform::ctx::Ctx;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::service::{self, list};
use crate::customer::model::view::CustomerView;
use kernel::web::query::Query;

const DEFAULT_TOP: i64 = 100;
const MOST: i64 = 1000;

/// Lists of customers by tags.
pub struct TaggedCustomers;

impl ListOf for TaggedCustomers {
    type Item = CustomerView;
    const SPEC: &'static ListSpec = &list::SPEC;
}

/// A page of customers by tags.
pub type CustomerList = ListReply<TaggedCustomers>;

/// A tag that customers have.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Tag)]
struct TagInUse {
    /// As it was first typed.
    name: String,
    /// How many customers have it.
    count: i64,
}

/// The tags in use.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TagList)]
struct TagsInUse {
    /// The most used first.
    tags: Vec<TagInUse>,
}

/// The routes of this feature.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(in_use)).routes(routes!(by_tags))
}

/// The tags that customers have, the most used first.
#[utoipa::path(get, path = "/api/v1/customers/tags", operation_id = "listTags", tag = "search",
    security(("bearer" = [])),
    params(("top" = Option<i64>, Query, minimum = 1, maximum = 1000, description = "Tags to name; 100 without it.")),
    responses((status = 200, body = TagsInUse), Problems))]
async fn in_use(ctx: Ctx, uri: Uri) -> Result<Json<TagsInUse>> {
    let top = Query::parse(&uri, &["top"])?.number("top", 1..=MOST)?.unwrap_or(DEFAULT_TOP);
    let tags = service::in_use(&ctx, top).await?;
    let tags = tags.into_iter().map(|t| TagInUse { name: t.label.unwrap_or(t.key), count: t.n }).collect();
    Ok(Json(TagsInUse { tags }))
}

/// The customers with any of some whole tags, or with all of them (`match=all`). The newest first without `sort`.
#[utoipa::path(get, path = "/api/v1/customers/tags/{tags}", operation_id = "listCustomersByTags", tag = "search",
    security(("bearer" = [])),
    params(("tags" = String, Path, description = "One tag, or up to 50 separated by commas; case and accents do not matter."),
        Listing<TaggedCustomers>),
    responses((status = 200, body = CustomerList), Problems))]
async fn by_tags(
    ctx: Ctx,
    Path(tags): Path<String>,
    Listing(request, ..): Listing<TaggedCustomers>,
) -> Result<CustomerList> {
    let (rows, total) = list::list(&ctx, &tags, &request).await?;
    Ok(ListReply::new(&request, rows, total, |row| CustomerView::of(row, false)))
}
