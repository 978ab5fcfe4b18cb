//! The API described for machines (`/openapi.json`, OpenAPI 3.1) and shown to people (`/docs`).
//!
//! | file | holds |
//! |---|---|
//! | here | what every document has, and the document as text |
//! | [`describe`] | the descriptions of successful responses, from what they carry |
//! | `page` | `/openapi.json`, `/docs` and its files |

mod describe;
mod page;

use std::borrow::Cow;

use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{PartialSchema, ToSchema};

pub use page::routes;

use super::problem::Problem;
use crate::{Error, Fault, Result};

/// Adds what every document has: the problem that failures are, how callers authenticate, and a sentence for each
/// response that has none of its own.
pub fn complete(api: &mut OpenApi) {
    let components = api.components.get_or_insert_default();
    let mut add = |name: Cow<'static, str>, schema| components.schemas.insert(name.into_owned(), schema);
    add(Problem::name(), Problem::schema());
    add(Fault::name(), Fault::schema());
    let about = "An access token from login, or an API key: `Authorization: Bearer …`";
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    describe::responses(api);
}

/// The document as text, with a line break at the end; also what the command line prints.
pub fn to_json(api: &OpenApi) -> Result<String> {
    let text = api.to_pretty_json();
    text.map(|text| text + "\n")
        .map_err(|e| Error::internal("the OpenAPI document cannot be written").with_source(e))
}
