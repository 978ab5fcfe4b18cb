//! The API described for machines (`/openapi.json`, OpenAPI 3.1) and shown to people (`/docs`).
//!
//! What holds for every route is added here, from rules, so that no route has to say it and none can forget it:
//!
//! | file | holds |
//! |---|---|
//! | here | the steps, and the document as text |
//! | [`describe`] | summaries, and the descriptions of responses from what they carry |
//! | [`headers`] | headers of requests and responses, where they act |
//! | [`schemas`] | what is always there, and references that lead nowhere |
//! | `page` | `/openapi.json`, `/docs` and its files |

mod describe;
mod headers;
mod page;
mod schemas;

use std::borrow::Cow;

use utoipa::openapi::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::server::Server;
use utoipa::{PartialSchema, ToSchema};

pub(super) use headers::response_header;
pub use page::routes;

use super::problem::{Problem, shared_responses};
use crate::{Error, FieldError, Result};

/// Adds what every document has: the problem that failures are, how callers authenticate, headers, and descriptions.
pub fn complete(api: &mut OpenApi) {
    // The paths of the document stand behind the address it was read from.
    api.servers = Some(vec![Server::new("/")]);
    let components = api.components.get_or_insert_default();
    let mut add = |name: Cow<'static, str>, schema| components.schemas.insert(name.into_owned(), schema);
    add(Problem::name(), Problem::schema());
    add(FieldError::name(), FieldError::schema());
    components.responses.extend(shared_responses());
    let about = "An access token from login, or an API key: `Authorization: Bearer …`";
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    schemas::complete(api);
    describe::operations_and_responses(api);
    headers::complete(api);
}

/// The document as text, with a line break at the end; also what the command line prints.
pub fn to_json(api: &OpenApi) -> Result<String> {
    let text = api.to_pretty_json();
    text.map(|text| text + "\n")
        .map_err(|e| Error::internal("the OpenAPI document cannot be written").with_source(e))
}

/// The operations of a path, by method.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let methods = [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("delete", &mut item.delete),
        ("patch", &mut item.patch),
    ];
    methods.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}
