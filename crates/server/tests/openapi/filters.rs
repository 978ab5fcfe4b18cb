//! Every filter of every list has a case that changes what it looks at, and finds the record by the new value and not by
//! the old one. A new filter fails here until its case is written and it is named.

use std::path::Path;

use super::{document, operations};

/// Of a customer: the case is the same for every list of customers.
const CUSTOMER: &[&str] = &[
    "is_active",
    "is_verified",
    "email_verified",
    "phone_verified",
    "is_business_customer",
    "email",
    "username",
    "customer_id",
    "user_id",
    "external_id",
    "city",
    "state",
    "postal_code",
    "country",
    "company_name",
    "gender",
    "tag",
    "created_after",
    "created_before",
];

/// The lists, the filters of each, and where their case is.
const CASES: &[(&str, &[&str], &str)] = &[
    (
        "listApiKeys",
        &["is_revoked", "name", "role"],
        "identity/tests/manage_api_keys.rs a_changed_key_is_found_by_the_new_value_only",
    ),
    (
        "listJobs",
        &["state", "kind"],
        "bulk/tests/api/jobs.rs a50_a_changed_job_is_found_by_the_new_value_only",
    ),
    ("listCustomers", CUSTOMER, CUSTOMERS_CASE),
    ("listCustomersByLocation", CUSTOMER, CUSTOMERS_CASE),
    ("listCustomersByTags", CUSTOMER, CUSTOMERS_CASE),
    ("exportCustomers", CUSTOMER, CUSTOMERS_CASE),
    // An event never changes.
    (
        "listEvents",
        &["action", "customer_id", "subject"],
        "events/tests/events.rs a_filter_without_hits_does_not_look_at_the_same_events_again",
    ),
    // What is counted by place and tag is compared with the customers themselves.
    (
        "listCities",
        &["country", "state"],
        "bulk/tests/api/differential.rs c7_random_operations_leave_both_engines_alike",
    ),
    (
        "listStates",
        &["country"],
        "bulk/tests/api/differential.rs c7_random_operations_leave_both_engines_alike",
    ),
    ("getJobReport", &["verdict"], "bulk/tests/api/jobs.rs a50_the_report_says_why_a_customer_was_left_out"),
];

const CUSTOMERS_CASE: &str =
    "bulk/tests/api/derived.rs a8_a_changed_field_finds_by_the_new_value_only_in_every_list";

/// Parameters that narrow nothing: where a page begins, how large it is, how it is sorted or written; words that are looked
/// for have tests of their own (`customers/tests/api/search.rs`).
const OTHER: &[&str] = &[
    "limit",
    "offset",
    "skip",
    "page",
    "cursor",
    "sort",
    "sort_by",
    "sort_order",
    "after",
    "q",
    "match",
    "counts",
    "top",
    "format",
    "columns",
    "bom",
];

#[test]
fn every_filter_of_every_list_has_a_case() {
    let document = document();
    let mut named = 0;
    for (method, _, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let narrows = |name: &&str| !OTHER.contains(name);
        let filters: Vec<&str> = parameters
            .filter(|parameter| parameter["in"] == "query")
            .filter_map(|parameter| parameter["name"].as_str())
            .filter(narrows)
            .collect();
        // What takes one value and finds one record is no list.
        if method != "get" || filters.is_empty() || id == "getCustomerByUserId" {
            continue;
        }
        let case = CASES.iter().find(|(list, ..)| *list == id);
        assert_eq!(
            case.map(|(_, filters, _)| *filters),
            Some(filters.as_slice()),
            "write a case for each filter of {id}"
        );
        named += 1;
    }
    assert_eq!(named, CASES.len(), "a list that is named and not there");
}

#[test]
fn every_case_is_there() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (list, _, case) in CASES {
        let (file, test) = case.split_once(' ').unwrap();
        let text = std::fs::read_to_string(crates.join(file)).unwrap();
        assert!(text.contains(&format!("async fn {test}(")), "{list}: {file} has no {test}");
    }
}
