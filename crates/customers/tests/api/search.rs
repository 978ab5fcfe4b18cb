//! `POST /api/v1/customers/search` and `q=` of the list.
//!
//! Rows of the endpoints and promises: A49, A53, C7, C10.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use fixtures::{customer, key, register};
use platform::test::{TestApp, on_both_engines};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::common::features;

pub const SEARCH: &str = "/api/v1/customers/search";

pub async fn search(app: &TestApp, key: &str, body: Value) -> Value {
    app.post(SEARCH).bearer(key).json(body).send().await.expect(200)
}

/// The part of each address before the @, in the order of the reply.
pub fn found(reply: &Value) -> Vec<String> {
    let rows = reply["customers"].as_array().unwrap();
    rows.iter().map(|c| c["email"].as_str().unwrap_or("-").split('@').next().unwrap().to_owned()).collect()
}

pub async fn create(app: &TestApp, key: &str, body: Value) -> Value {
    app.advance(Duration::from_secs(1));
    app.post("/api/v1/customers/").bearer(key).json(body).send().await.expect(201)
}

pub fn john() -> Value {
    json!({
        "first_name": "John", "last_name": "Doe", "email": "john.doe@example.com", "phone": "+1-555-0123",
        "address_line1": "123 Main Street", "city": "New York", "state": "NY", "postal_code": "10001", "country": "USA",
        "date_of_birth": "1990-01-15T00:00:00", "gender": "male", "company_name": "Tech Corp", "marketing_emails": true,
        "marketing_sms": false, "notes": "Premium customer", "tags": "premium,tech,new-york"
    })
}

#[tokio::test]
async fn a49_the_body_of_the_document_finds_its_customer() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let created = create(app, &key, john()).await;
        customer(app, &key, "ada@example.com").await;
        let mut body = json!({
            "query": "john", "first_name": "John", "last_name": "Doe", "email": "john.doe@example.com", "city": "New York",
            "country": "USA", "is_active": true, "is_verified": false, "company_name": "Tech Corp", "tags": "premium,tech",
            "created_after": "2024-01-01T00:00:00Z", "created_before": "2024-12-31T23:59:59Z", "sort_by": "created_at",
            "sort_order": "desc", "page": 1, "limit": 10
        });
        let none = search(app, &key, body.clone()).await;
        assert_eq!((&none["customers"], &none["total"], &none["total_pages"]), (&json!([]), &json!(0), &json!(0)));
        body["created_before"] = json!("2124-12-31T23:59:59Z");
        for route in ["/api/v1/customers/search", "/api/v1/customers/search/"] {
            let reply = app.post(route).bearer(&key).json(&body).send().await.expect(200);
            assert_eq!(found(&reply), ["john.doe"]);
            assert_eq!(reply["customers"][0]["customer_id"], created["customer_id"]);
            for (member, value) in [("total", 1), ("page", 1), ("limit", 10), ("total_pages", 1)] {
                assert_eq!(reply[member], value, "{member}");
            }
        }
        for (member, other) in [
            ("query", json!("jane")),
            ("first_name", json!("Jane")),
            ("last_name", json!("Roe")),
            ("email", json!("roe@")),
            ("city", json!("Boston")),
            ("country", json!("Canada")),
            ("is_active", json!(false)),
            ("is_verified", json!(true)),
            ("company_name", json!("Bakery")),
            ("tags", json!("none")),
            ("created_after", json!("2124-01-01T00:00:00Z")),
            ("created_before", json!("2024-12-31T23:59:59Z")),
        ] {
            let mut other_body = body.clone();
            other_body[member] = other;
            assert_eq!(search(app, &key, other_body).await["total"], 0, "{member} must hold as well");
        }
    })
    .await;
}

#[tokio::test]
async fn a49_what_cannot_be_asked_is_refused() {
    on_both_engines(&features(), async |app| {
        let staff = key(app, "employee").await;
        for (body, status, code) in [
            (json!({"colour": "red"}), 422, "VALIDATION_FAILED"),
            (json!({"query": 5}), 422, "VALIDATION_FAILED"),
            (json!({"phone": "none"}), 422, "VALIDATION_FAILED"),
            (json!({"query": "x".repeat(201)}), 422, "VALIDATION_FAILED"),
            (json!({"tags_match": "some"}), 422, "VALIDATION_FAILED"),
            (json!({"limit": 1001}), 422, "LIMIT_TOO_LARGE"),
            (json!({"page": 0}), 422, "PARAMETER_OUT_OF_RANGE"),
            (json!({"sort_by": "colour"}), 400, "UNKNOWN_SORT_FIELD"),
            (json!({"offset": 1, "page": 2}), 400, "PARAMETERS_CONFLICT"),
            (json!({"query": "x", "offset": 10_001}), 400, "OFFSET_TOO_LARGE"),
        ] {
            app.post(SEARCH).bearer(&staff).json(&body).send().await.expect_error(status, code);
        }
        let list = app.post(SEARCH).bearer(&staff).json(json!([])).send().await;
        let problem = list.expect_error(422, "VALIDATION_FAILED");
        assert_eq!(problem["detail"], "The body must be a JSON object");
        app.post(SEARCH).json(json!({})).send().await.expect_error(401, "NOT_AUTHENTICATED");
        let (token, _) = register(app, "me@example.com").await;
        app.post(SEARCH).bearer(&token).json(json!({})).send().await.expect_error(403, "STAFF_ONLY");
    })
    .await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn a49_every_member_is_optional_and_narrows() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        create(app, &key, john()).await;
        let jane = json!({
            "first_name": "Jané", "last_name": "Doermann", "email": "jane@example.com", "phone": "+49 30 123456", "city": "Köln",
            "country": "Germany", "gender": "female", "company_name": "Große Backstube 50%", "tags": ["VIP", "New York"],
            "external_id": "CRM-7", "state": "NRW", "postal_code": "50667"
        });
        create(app, &key, jane).await;
        let both = ["jane", "john.doe"].as_slice();
        let (one, other) = (["jane"].as_slice(), ["john.doe"].as_slice());
        for (body, who) in [
            (json!({}), both),
            (json!({"query": " "}), both),
            (json!({"first_name": "JANE"}), one),
            (json!({"first_name": "an"}), one),
            (json!({"last_name": "doe"}), both),
            (json!({"last_name": "oerm"}), one),
            (json!({"email": "EXAMPLE.com"}), both),
            (json!({"email": "john.doe@"}), other),
            (json!({"email": "_"}), &[]),
            (json!({"company_name": "grosse back"}), one),
            (json!({"company_name": "50%"}), one),
            (json!({"company_name": "5%"}), &[]),
            (json!({"city": "koln"}), one),
            (json!({"city": "ew yor"}), other),
            (json!({"country": "us"}), other),
            (json!({"country": "U.S.A.", "is_active": true}), other),
            (json!({"tags": "tech"}), other),
            (json!({"tags": "new york"}), one),
            (json!({"tags": "tech,vip"}), both),
            (json!({"tags": ["tech", "vip"], "tags_match": "all"}), &[]),
            (json!({"tags": "premium,tech", "tags_match": "all"}), other),
            (json!({"phone": "30 123"}), one),
            (json!({"phone_number": "55"}), other),
            (json!({"username": "JohnDoe"}), other),
            (json!({"external_id": "CRM-7"}), one),
            (json!({"gender": "female"}), one),
            (json!({"state": "nrw"}), one),
            (json!({"postal_code": "10001"}), other),
            (json!({"is_verified": true}), &[]),
            (json!({"is_verified": false, "query": "example"}), both),
            (json!({"is_active": false, "query": "doe"}), &[]),
            (json!({"is_business_customer": true, "query": "doe", "gender": "male"}), other),
            (json!({"query": "doe", "city": "köln"}), one),
            (json!({"query": "doe", "sort_by": "first_name"}), both),
            (json!({"query": "doe", "sort": "-last_name", "limit": 1}), one),
            (json!({"query": "doe", "created_before": "2020-01-01"}), &[]),
        ] {
            let reply = search(app, &key, body.clone()).await;
            assert_eq!(found(&reply), who, "{body}");
            if body["limit"].is_null() {
                assert_eq!(reply["total"], who.len(), "{body}");
            }
        }
        let exact = search(app, &key, json!({"query": "doe"})).await;
        assert_eq!(found(&exact), ["john.doe", "jane"], "the whole word before the beginning");
        let list = app.get("/api/v1/customers/?q=doe&is_active=true").bearer(&key).send().await.expect(200);
        assert_eq!(found(&list), ["john.doe", "jane"]);
        let list = app.get("/api/v1/customers/?q=doe&sort=-created_at").bearer(&key).send().await.expect(200);
        assert_eq!(found(&list), both);
    })
    .await;
}

/// The people of the fixed set: label and body, in the order of the file.
fn people() -> Vec<(String, Value)> {
    let lines = include_str!("search/people.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [label, first, last, email, phone, company, city, country, tags] = cells[..] else { panic!("{line}") };
            let body = json!({
                "first_name": first, "last_name": last, "email": email, "phone": phone, "company_name": company, "city": city,
                "country": country, "tags": tags
            });
            (label.to_owned(), body)
        })
        .collect()
}

/// The queries of the fixed set, and who must be among those that are found.
fn queries() -> Vec<(&'static str, Vec<&'static str>)> {
    let lines = include_str!("search/queries.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (query, who) = line.split_once("=>").unwrap();
            (query.trim(), who.split_whitespace().collect())
        })
        .collect()
}

#[tokio::test]
async fn a49_both_databases_find_the_same_customers_in_the_same_order() {
    let answers: Mutex<Vec<Vec<(String, String)>>> = Mutex::default();
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let mut labels = BTreeMap::new();
        for (label, body) in people() {
            let created = create(app, &key, body).await;
            labels.insert(created["customer_id"].as_str().unwrap().to_owned(), label);
        }
        let mut all = Vec::new();
        let mut missing = Vec::new();
        for (query, expected) in queries() {
            let reply = search(app, &key, json!({"query": query, "limit": 100})).await;
            let rows = reply["customers"].as_array().unwrap();
            let who: Vec<&str> =
                rows.iter().map(|c| labels[c["customer_id"].as_str().unwrap()].as_str()).collect();
            assert_eq!(reply["total"], rows.len(), "{query}");
            for label in expected.iter().filter(|label| !who.contains(label)) {
                missing.push(format!("{query}: {label} is not in {who:?}"));
            }
            all.push((query.to_owned(), who.join(" ")));
        }
        assert!(missing.is_empty(), "{}", missing.join("\n"));
        answers.lock().unwrap().push(all);
    })
    .await;
    let answers = answers.into_inner().unwrap();
    let [sqlite, postgres] = &answers[..] else { panic!("two engines") };
    assert!(sqlite.len() >= 200, "{} queries", sqlite.len());
    for (one, other) in sqlite.iter().zip(postgres) {
        assert_eq!(one, other);
    }
    insta::assert_snapshot!(
        sqlite.iter().map(|(query, who)| format!("{query} => {who}\n")).collect::<String>()
    );
}

#[tokio::test]
async fn a49_ids_find_their_customer_first() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let mut new = john();
        new["external_id"] = json!("CRM 42/x");
        let john = create(app, &key, new).await;
        // Names that are words of John's ids.
        let other =
            json!({"first_name": "Johndoe", "last_name": "Crm", "email": "john.doe@example.com.example"});
        create(app, &key, other).await;
        let user = john["user_id"].as_str().unwrap();
        let number = john["customer_id"].as_str().unwrap();
        let queries = [
            number.to_owned(),
            number.to_lowercase(),
            john["id"].as_str().unwrap().to_owned(),
            user.to_owned(),
            john["username"].as_str().unwrap().to_uppercase(),
            "CRM 42/x".to_owned(),
            "JOHN.DOE@example.com".to_owned(),
            "USER-10000000".to_owned(),
            number[..9].to_owned(),
            number[..11].to_lowercase(),
        ];
        for query in queries {
            let reply = search(app, &key, json!({"query": query})).await;
            assert_eq!(found(&reply).first().map(String::as_str), Some("john.doe"), "{query}");
            assert_eq!(reply["customers"][0]["customer_id"], number, "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn a49_any_text_is_a_query() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        create(app, &key, john()).await;
        let mut runner = TestRunner::deterministic();
        let texts = "\\PC{0,40}|[a-z'\"\\\\*:&|!()<>-]{0,30}|(AND|OR|NOT|NEAR|\\(|\\)|\"|'| |a|\\*|:){0,20}";
        let texts = proptest::string::string_regex(texts).unwrap();
        for _ in 0..300 {
            let text = texts.new_tree(&mut runner).unwrap().current();
            let body = json!({"query": text, "first_name": text, "tags": [text.replace(',', "")]});
            for body in [json!({"query": text}), body] {
                let reply = app.post(SEARCH).bearer(&key).json(&body).send().await;
                assert!(matches!(reply.status.as_u16(), 200 | 422), "{text:?}: {}", reply.text());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a49_domains_are_found_by_their_words_and_beginnings() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        for n in 0..20 {
            // More words of one beginning than are asked for one by one.
            customer(app, &key, &format!("{}@shared{}.example", name(n), name(n))).await;
        }
        customer(app, &key, "user7f3a@shared.example").await;
        for (body, total) in [
            (json!({"query": "shared"}), 21),
            (json!({"query": "sharedb"}), 1),
            (json!({"query": "sha"}), 21),
            (json!({"query": "exam"}), 21),
            (json!({"query": "haredb"}), 0),
            (json!({"query": "user"}), 1),
            (json!({"query": "user7"}), 1),
            (json!({"query": "exam nobodyhere"}), 0),
            (json!({"email": "@shared.ex"}), 1),
            (json!({"email": "7f3a@sh"}), 1),
            (json!({"email": "shared"}), 21),
            (json!({"email": "nobody"}), 0),
            (json!({"email": "example", "query": "sharedc"}), 1),
            (json!({"query": "exam", "sort": "created_at", "limit": 5}), 21),
        ] {
            assert_eq!(search(app, &key, body.clone()).await["total"], total, "{body}");
        }
    })
    .await;
}

/// Letters only.
fn name(n: u8) -> String {
    format!("{0}{0}", char::from(b'a' + n))
}
