//! Headers of requests and responses, documented once and referred to where they act:
//!
//! - `If-Match` where the route takes it (`params(IfMatch)`), with its 412;
//! - `If-None-Match` and 304 where a `GET` answers with an `ETag` (`headers(("ETag"))` in the route);
//! - `Idempotency-Key` on every change of a caller who is known (`platform::http::guard` says which);
//! - of replies: `X-Request-Id` always, `Location` with 201 and 202, `Link` with a page of a list, `Content-Disposition` with a
//!   file, `Idempotent-Replayed` where a key was taken.

use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{Object, OpenApi, Ref, RefOr, Required, ResponseBuilder, Schema};

use super::operations;
use crate::web::field::plain;

/// Headers of responses: name, what it is, and its type.
const RESPONSE: [(&str, &str, Type); 9] = [
    (
        "ETag",
        "Changes whenever the resource does; send it back as `If-Match` or `If-None-Match`.",
        Type::String,
    ),
    ("Location", "Path of what was created, or of the job.", Type::String),
    ("Link", "RFC 8288: the pages `next`, `prev` and `first` as paths.", Type::String),
    ("Retry-After", "Seconds to wait before the next try.", Type::Integer),
    ("RateLimit", "What is left of the limit, and when it is full again.", Type::String),
    (
        "X-Request-Id",
        "Names the request in logs here and there; the caller's own if it sent one.",
        Type::String,
    ),
    (
        "Idempotent-Replayed",
        "`true` if this is the kept answer of an earlier request with the same key.",
        Type::String,
    ),
    ("Content-Disposition", "A name for the file.", Type::String),
    ("WWW-Authenticate", "`Bearer`.", Type::String),
];

/// Headers of requests: component, name, what it does.
const REQUEST: [(&str, &str, &str); 3] = [
    (
        "IfMatch",
        "If-Match",
        "The `ETag` that was read: 412 instead of a change if the record is another by now.",
    ),
    (
        "IfNoneMatch",
        "If-None-Match",
        "The `ETag` that was read: 304 without a body if the resource is still the same.",
    ),
    (
        "IdempotencyKey",
        "Idempotency-Key",
        "A new UUID for each intent: a repeat within 24 hours gets the first answer and does nothing again.",
    ),
];

/// Refers to one of [`RESPONSE`].
pub(crate) fn response_header(name: &str) -> (String, RefOr<Header>) {
    (name.to_owned(), RefOr::Ref(Ref::new(format!("#/components/headers/{name}"))))
}

fn request_header(component: &str) -> RefOr<Parameter> {
    RefOr::Ref(Ref::new(format!("#/components/parameters/{component}")))
}

pub(super) fn complete(api: &mut OpenApi) {
    let components = api.components.get_or_insert_default();
    for (name, about, kind) in RESPONSE {
        let header = HeaderBuilder::new().description(Some(about)).schema(Some(plain(kind, None))).build();
        components.headers.insert(name.to_owned(), header.into());
    }
    for (component, name, about) in REQUEST {
        let mut text: Object = plain(Type::String, None);
        text.max_length = (component == "IdempotencyKey").then_some(255);
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(text));
        components.parameters.insert(component.to_owned(), parameter.build().into());
    }
    let unchanged =
        ResponseBuilder::new().description("It is still what `If-None-Match` names; there is no body.");
    let headers = ["ETag", "X-Request-Id"].map(response_header);
    let mut unchanged = unchanged.build();
    unchanged.headers.extend(headers);
    components.responses.insert("NotModified".to_owned(), unchanged.into());
    let has_pages = |schema: &RefOr<Schema>| matches!(schema, RefOr::T(Schema::Object(o)) if o.properties.contains_key("next_cursor"));
    let pages = components.schemas.iter().filter(|(_, schema)| has_pages(schema));
    let pages: Vec<String> = pages.map(|(name, _)| format!("#/components/schemas/{name}")).collect();
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            requests(path, method, operation);
            responses(operation, &pages);
        }
    }
}

/// Headers of the request, and the failures that only they or a body can bring about.
fn requests(path: &str, method: &str, operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    let mut tells_versions = false;
    for parameter in parameters.iter_mut() {
        if matches!(parameter, RefOr::T(p) if p.name == "If-Match") {
            *parameter = request_header("IfMatch");
            tells_versions = true;
        }
    }
    let tagged = operation.responses.responses.iter().any(|(status, response)| {
        status == "200" && matches!(response, RefOr::T(response) if response.headers.contains_key("ETag"))
    });
    if method == "get" && tagged {
        parameters.push(request_header("IfNoneMatch"));
        let unchanged = Ref::from_response_name("NotModified");
        operation.responses.responses.insert("304".to_owned(), unchanged.into());
    }
    if takes_key(path, method, operation) {
        operation.parameters.get_or_insert_default().push(request_header("IdempotencyKey"));
    }
    if operation.parameters.as_ref().is_some_and(Vec::is_empty) {
        operation.parameters = None;
    }
    let takes_body = operation.request_body.is_some();
    operation.responses.responses.retain(|status, _| match status.as_str() {
        "412" => tells_versions,
        "408" | "413" | "415" => takes_body,
        "409" => method != "get",
        _ => true,
    });
}

/// Does an `Idempotency-Key` act here? Not where answers hold tokens, and not where nobody is known.
fn takes_key(path: &str, method: &str, operation: &Operation) -> bool {
    let is_open =
        operation.security.as_ref().is_some_and(|needed| needed.iter().all(|one| *one == Default::default()));
    method != "get" && !path.starts_with("/api/auth/") && !is_open
}

fn responses(operation: &mut Operation, pages: &[String]) {
    let keyed = operation.parameters.iter().flatten().any(
        |parameter| matches!(parameter, RefOr::Ref(reference) if reference.ref_location.ends_with("/IdempotencyKey")),
    );
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        let mut names = vec!["X-Request-Id"];
        if matches!(status.as_str(), "201" | "202") {
            names.push("Location");
        }
        if response.headers.contains_key("ETag") {
            names.push("ETag");
        }
        if keyed {
            names.push("Idempotent-Replayed");
        }
        if is_page(response, pages) {
            names.push("Link");
        }
        if response.content.contains_key("text/csv") {
            names.push("Content-Disposition");
        }
        response.headers.extend(names.into_iter().map(response_header));
    }
}

/// Is it a page of a list ([`crate::web::list::ListReply`])?
fn is_page(response: &Response, pages: &[String]) -> bool {
    response.content.values().any(|content| match content {
        RefOr::T(content) => {
            matches!(&content.schema, Some(RefOr::Ref(reference)) if pages.contains(&reference.ref_location))
        }
        RefOr::Ref(_) => false,
    })
}
