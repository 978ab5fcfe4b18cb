//! What schemas say in every document: a member that may be null is always there, so a client needs no third case for
//! a member that is missing. What can be missing is never null, or marked.

use std::collections::HashSet;

use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Components, Object, OpenApi, RefOr, Required, Schema};

use super::operations;

/// Marks a member that customers do not see: absent for them, and perhaps null for staff.
const STAFF_ONLY: &str = "x-staff-only";

pub(super) fn complete(api: &mut OpenApi) {
    if let Some(components) = &mut api.components {
        join(components);
        let known: Vec<String> = components.schemas.keys().cloned().collect();
        for schema in components.schemas.values_mut() {
            complete_schema(schema, &known);
        }
    }
    for (_, operation) in api.paths.paths.values_mut().flat_map(operations) {
        for parameter in operation.parameters.iter_mut().flatten() {
            // A parameter is left out; there is no null in a query.
            if let RefOr::T(parameter) = parameter
                && let Some(schema) = &mut parameter.schema
            {
                without_null(schema);
            }
        }
        let Some(RefOr::T(body)) = &mut operation.request_body else { continue };
        for content in body.content.values_mut() {
            let RefOr::T(content) = content else { continue };
            // `Option<…Body>`: a body may be left out, which is said beside the schema, not by null.
            if let Some(RefOr::T(Schema::OneOf(either))) = &content.schema
                && let Some(reference @ RefOr::Ref(_)) =
                    either.items.iter().find(|item| matches!(item, RefOr::Ref(_)))
            {
                content.schema = Some(reference.clone());
                body.required = Some(Required::False);
            }
        }
    }
}

/// A struct whose members stand in groups (`#[serde(flatten)]`) is one object to whoever reads the document: most programs
/// that make clients of it make no type, or an awkward one, of an `allOf`.
fn join(components: &mut Components) {
    let groups = components.schemas.clone();
    let object_of = |item: &RefOr<Schema>| match item {
        RefOr::T(Schema::Object(object)) if !object.properties.is_empty() => Some((None, object.clone())),
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next()?;
            match groups.get(name)? {
                RefOr::T(Schema::Object(object)) => Some((Some(name.to_owned()), object.clone())),
                _ => None,
            }
        }
        RefOr::T(_) => None,
    };
    let mut joined = HashSet::new();
    for schema in components.schemas.values_mut() {
        let RefOr::T(Schema::AllOf(all)) = schema else { continue };
        let Some(parts) = all.items.iter().map(object_of).collect::<Option<Vec<_>>>() else { continue };
        let mut whole =
            ObjectBuilder::new().schema_type(Type::Object).description(all.description.clone()).build();
        for (name, part) in parts {
            joined.extend(name);
            whole.properties.extend(part.properties);
            whole.required.extend(part.required);
        }
        *schema = whole.into();
    }
    components.schemas.retain(|name, _| !joined.contains(name));
}

/// Lists what is always there, and frees references to what this process does not serve, here and inside.
fn complete_schema(schema: &mut RefOr<Schema>, known: &[String]) {
    let schema = match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
            if !known.iter().any(|k| k == name) {
                let free = Some(AdditionalProperties::FreeForm(true));
                *schema =
                    ObjectBuilder::new().schema_type(Type::Object).additional_properties(free).build().into();
            }
            return;
        }
        RefOr::T(schema) => schema,
    };
    match schema {
        Schema::Object(object) => complete_object(object, known),
        Schema::OneOf(either) => either.items.iter_mut().for_each(|item| complete_schema(item, known)),
        Schema::AllOf(all) => all.items.iter_mut().for_each(|item| complete_schema(item, known)),
        _ => {}
    }
}

fn complete_object(object: &mut Object, known: &[String]) {
    object.properties.values_mut().for_each(|member| complete_schema(member, known));
    // Bodies of requests are closed and say themselves what they need.
    if matches!(object.additional_properties.as_deref(), Some(AdditionalProperties::FreeForm(false))) {
        return;
    }
    let nullable =
        object.properties.iter().filter(|(_, member)| may_be_null(member) && !is_staff_only(member));
    let names: Vec<String> = nullable.map(|(name, _)| name.clone()).collect();
    for name in names {
        if !object.required.contains(&name) {
            object.required.push(name);
        }
    }
}

fn without_null(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            if let SchemaType::Array(kinds) = &mut object.schema_type {
                kinds.retain(|kind| *kind != Type::Null);
                if let [kind] = kinds.as_slice() {
                    object.schema_type = SchemaType::Type(kind.clone());
                }
            }
        }
        RefOr::T(Schema::OneOf(either)) => {
            if let Some(reference @ RefOr::Ref(_)) =
                either.items.iter().find(|item| matches!(item, RefOr::Ref(_)))
            {
                *schema = reference.clone();
            }
        }
        _ => {}
    }
}

fn may_be_null(member: &RefOr<Schema>) -> bool {
    let has_null =
        |kind: &SchemaType| matches!(kind, SchemaType::Array(kinds) if kinds.contains(&Type::Null));
    match member {
        RefOr::T(Schema::Object(object)) => {
            has_null(&object.schema_type) || object.schema_type == SchemaType::Type(Type::Null)
        }
        RefOr::T(Schema::Array(array)) => has_null(&array.schema_type),
        RefOr::T(Schema::OneOf(either)) => either.items.iter().any(may_be_null),
        _ => false,
    }
}

fn is_staff_only(member: &RefOr<Schema>) -> bool {
    let marks = match member {
        RefOr::T(Schema::Object(object)) => &object.extensions,
        RefOr::T(Schema::Array(array)) => &array.extensions,
        _ => &None,
    };
    marks.as_ref().is_some_and(|marks| marks.contains_key(STAFF_ONLY))
}
