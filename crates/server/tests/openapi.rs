//! `docs/openapi.json` is what the routes say. A change of the API shows in the review as a change of this file.

use std::path::Path;

use kernel::web::docs;

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
    let document: serde_json::Value =
        serde_json::from_str(&docs::to_json(&server::app::document()).unwrap()).unwrap();
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
    for (path, member) in [("search", "example"), ("bulk-update", "examples")] {
        let body = &document["paths"][format!("/api/v1/customers/{path}")]["post"]["requestBody"];
        assert!(body["content"]["application/json"][member].is_object(), "{path}: {body}");
    }
}

/// Whatever is documented can be referred to: generators of clients stop at a reference that leads nowhere.
#[test]
fn every_reference_of_the_document_leads_somewhere() {
    let document: serde_json::Value =
        serde_json::from_str(&docs::to_json(&server::app::document()).unwrap()).unwrap();
    let mut pending = vec![&document];
    let mut references = 0;
    while let Some(value) = pending.pop() {
        match value {
            serde_json::Value::Object(members) => {
                if let Some(target) = members.get("$ref").and_then(|target| target.as_str()) {
                    let pointer = target.strip_prefix('#').expect("references stay inside");
                    assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
                    references += 1;
                }
                pending.extend(members.values());
            }
            serde_json::Value::Array(items) => pending.extend(items),
            _ => {}
        }
    }
    assert!(references > 20, "{references}");
}
