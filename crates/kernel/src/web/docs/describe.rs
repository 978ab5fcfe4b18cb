//! Every operation has a summary of one sentence, and every response a description (OpenAPI demands it). What a route does
//! not say itself is the first sentence of what the response carries, so that it is written once, at the type.

use utoipa::openapi::response::Response;
use utoipa::openapi::{Components, OpenApi, RefOr, Schema};

use super::operations;

/// Gives each operation a short summary, and each response that has no description one.
pub(super) fn operations_and_responses(api: &mut OpenApi) {
    let components = api.components.clone().unwrap_or_default();
    for (_, operation) in api.paths.paths.values_mut().flat_map(operations) {
        if let Some(said) = operation.summary.take() {
            let rest = operation.description.take().unwrap_or_default();
            // Pages show a summary as it is, a description as Markdown.
            operation.summary = Some(first_sentence(&said).replace('`', ""));
            operation.description = Some(format!("{said}\n\n{rest}").trim().to_owned());
        }
        for (status, response) in &mut operation.responses.responses {
            if let RefOr::T(response) = response
                && response.description.is_empty()
            {
                response.description = sentence(status, response, &components);
            }
        }
    }
}

fn sentence(status: &str, response: &Response, components: &Components) -> String {
    let carried = response.content.values().find_map(|content| match content {
        RefOr::T(content) => content.schema.as_ref(),
        RefOr::Ref(_) => None,
    });
    let about = match carried {
        Some(RefOr::Ref(reference)) => {
            let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
            components.schemas.get(name).and_then(described)
        }
        Some(schema) => described(schema),
        None => None,
    };
    let otherwise = match status {
        "201" => "It was created.",
        "202" => "It was accepted and goes on in the background.",
        "204" => "It was done; there is no body.",
        _ => "It was done.",
    };
    about.map_or(otherwise, first_sentence).to_owned()
}

fn described(schema: &RefOr<Schema>) -> Option<&str> {
    let RefOr::T(schema) = schema else { return None };
    let about = match schema {
        Schema::Object(object) => &object.description,
        Schema::Array(array) => &array.description,
        Schema::OneOf(any) => &any.description,
        Schema::AllOf(all) => &all.description,
        Schema::AnyOf(any) => &any.description,
        _ => &None,
    };
    about.as_deref()
}

fn first_sentence(text: &str) -> &str {
    let text = text.split("\n\n").next().unwrap_or(text);
    text.split_once(". ").map_or(text, |(first, _)| &text[..=first.len()])
}
