//! `docs/openapi.json` is what the routes say. A change of the API shows in the review as a change of this file.

mod examples;
mod filters;

use std::collections::BTreeSet;
use std::path::Path;

use kernel::web::docs;
use serde_json::Value;

/// The document as every reader gets it.
fn document() -> Value {
    let text = docs::to_json(&server::app::document()).expect("a document");
    serde_json::from_str(&text).expect("JSON")
}

/// Method, path and operation of everything in the document.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths").iter();
    paths
        .flat_map(|(path, item)| {
            item.as_object()
                .expect("operations")
                .iter()
                .map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
        .collect()
}

#[test]
fn the_snapshot_of_the_openapi_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let now = docs::to_json(&server::app::document()).unwrap();
    if std::env::var_os("REGULARS_UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = now.lines().zip(kept.lines()).position(|(now, kept)| now != kept);
    assert!(
        now == kept,
        "docs/openapi.json is not current from line {}; read the difference after \
         `REGULARS_UPDATE=1 cargo nextest run -p regulars openapi`",
        differs.map_or(kept.lines().count(), |line| line + 1)
    );
}

/// Seed 004, "Schema Classes": each has a component, and bodies that people write have an example.
#[test]
fn b_004_its_schemas_are_components() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    for name in [
        "NewCustomer",
        "CustomerChange",
        "Customer",
        "CustomerSearch",
        "CustomerBulkUpdate",
        "CustomerStatistics",
    ] {
        assert!(schemas[name].is_object(), "{name}");
    }
    for name in ["NewCustomer", "CustomerSearch", "CustomerBulkUpdate"] {
        assert!(schemas[name]["examples"][0].is_object(), "{name}");
    }
}

/// Whatever is documented can be referred to: generators of clients stop at a reference that leads nowhere.
#[test]
fn every_reference_of_the_document_leads_somewhere() {
    let document = document();
    let mut pending = vec![&document];
    let mut references = 0;
    while let Some(value) = pending.pop() {
        match value {
            Value::Object(members) => {
                if let Some(target) = members.get("$ref").and_then(|target| target.as_str()) {
                    let pointer = target.strip_prefix('#').expect("references stay inside");
                    assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
                    references += 1;
                }
                pending.extend(members.values());
            }
            Value::Array(items) => pending.extend(items),
            _ => {}
        }
    }
    assert!(references > 20, "{references}");
}

/// The verbs that an operation's id may begin with, by method; a new one is chosen here (docs/api-design.md, "Names").
fn verbs(method: &str) -> &'static [&'static str] {
    match method {
        "get" => &["get", "list", "export"],
        "put" => &["set"],
        "patch" => &["update", "verify", "record"],
        "delete" => &["delete", "erase", "revoke"],
        "post" => &[
            "create",
            "register",
            "verify",
            "login",
            "logout",
            "refresh",
            "search",
            "check",
            "import",
            "update",
            "activate",
            "deactivate",
            "increment",
            "cancel",
            "revert",
        ],
        _ => &[],
    }
}

/// Programs find an operation by its id: with two alike, `/docs` sent the wrong request and clients mixed up types.
#[test]
fn every_operation_has_its_own_telling_id() {
    let document = document();
    let mut seen = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        let at = format!("{method} {path} has the operation_id {id:?}");
        let verb = id.split(|c: char| c.is_ascii_uppercase()).next().unwrap_or_default();
        assert!(verbs(method).contains(&verb), "{at}: begin with one of {:?}", verbs(method));
        assert!(verb.len() < id.len(), "{at}: write a noun behind the verb");
        assert!(id.chars().all(|c| c.is_ascii_alphanumeric()), "{at}: write it in camelCase");
        assert!(seen.insert(id), "{at}: another operation has it");
    }
    assert!(seen.len() > 60, "{}", seen.len());
}

/// One group for each operation, declared with a sentence in `server::app::Document`; no group without operations.
#[test]
fn every_operation_stands_in_one_declared_group() {
    let document = document();
    let declared = document["tags"].as_array().unwrap();
    let mut unused: BTreeSet<&str> = declared.iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    assert!(declared.iter().all(|tag| tag["description"].as_str().is_some_and(|text| text.ends_with('.'))));
    let names = unused.clone();
    for (method, path, operation) in operations(&document) {
        let tags: Vec<&str> =
            operation["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        assert!(
            tags.len() == 1 && names.contains(tags[0]),
            "{method} {path}: {tags:?} is not one of {names:?}"
        );
        unused.remove(tags[0]);
    }
    assert!(unused.is_empty(), "{unused:?}");
}

/// OpenAPI demands it, and validators and generators stop where it is missing.
#[test]
fn every_response_is_described() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let response = match response["$ref"].as_str() {
                Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
                None => response,
            };
            let about = response["description"].as_str().unwrap_or_default();
            assert!(about.ends_with('.'), "{method} {path} {status}: {about:?} is no sentence");
        }
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(
            summary.ends_with('.'),
            "{method} {path}: the first line of the handler's comment is its summary"
        );
    }
}

/// What generators of clients stumble over: lists of nothing in particular, members that may be there or not, words that
/// are not named, headers that act and are not told.
#[test]
fn clients_can_be_generated() {
    let document = document();
    let mut pending = vec![(String::new(), &document["components"]["schemas"])];
    while let Some((path, value)) = pending.pop() {
        let kinds = value["type"].as_array().cloned().unwrap_or_else(|| vec![value["type"].clone()]);
        assert!(!kinds.contains(&"array".into()) || value["items"].is_object(), "{path} has no items");
        match value {
            Value::Object(members) => {
                pending.extend(members.iter().map(|(name, v)| (format!("{path}/{name}"), v)));
            }
            Value::Array(items) => pending.extend(items.iter().map(|v| (format!("{path}/…"), v))),
            _ => {}
        }
    }
    let customer = &document["components"]["schemas"]["Customer"];
    assert_eq!(
        customer["properties"]["gender"]["oneOf"][0]["$ref"], "#/components/schemas/Gender",
        "{customer}"
    );
    let required: Vec<&str> =
        customer["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for (name, member) in customer["properties"].as_object().unwrap() {
        let staff_only = member["x-staff-only"] == true;
        assert_eq!(required.contains(&name.as_str()), !staff_only, "{name}: {member}");
    }
    assert_eq!(customer["properties"]["metadata"]["additionalProperties"]["type"], "string");
    let words = |name: &str| document["components"]["schemas"]["Job"]["properties"][name]["enum"].clone();
    assert!(words("state").as_array().is_some_and(|words| words.len() == 7) && words("kind").is_array());
    assert!(!document.to_string().contains("DOMAIN"));
}

/// Each header stands where it acts and nowhere else.
#[test]
fn headers_are_told_where_they_act() {
    let document = document();
    let takes = |operation: &Value, name: &str| {
        let reference = format!("#/components/parameters/{name}");
        operation["parameters"].as_array().into_iter().flatten().any(|p| p["$ref"] == *reference)
    };
    let mut changes_with_tag = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        let success = |status: &str| &operation["responses"][status]["headers"];
        let tagged = success("200")["ETag"].is_object() || success("201")["ETag"].is_object();
        assert_eq!(takes(operation, "IfNoneMatch"), method == "get" && tagged, "{id}");
        assert_eq!(operation["responses"]["304"].is_object(), method == "get" && tagged, "{id}");
        assert_eq!(takes(operation, "IfMatch"), operation["responses"]["412"].is_object(), "{id}");
        if takes(operation, "IfMatch") {
            changes_with_tag.insert(id);
        }
        let keyed = takes(operation, "IdempotencyKey");
        assert!(!keyed || (method != "get" && !path.starts_with("/api/auth/")), "{id}");
        for status in ["201", "202"] {
            assert!(
                operation["responses"][status].is_null() || success(status)["Location"].is_object(),
                "{id}"
            );
        }
    }
    assert!(changes_with_tag.contains("updateCustomer") && !changes_with_tag.contains("recordCustomerLogin"));
    let create = &document["paths"]["/api/v1/customers"]["post"];
    assert!(
        takes(create, "IdempotencyKey")
            && create["responses"]["201"]["headers"]["Idempotent-Replayed"].is_object()
    );
}
