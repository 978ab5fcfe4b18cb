//! `POST /api/v1/customers/bulk-update` by ids, and what it refuses.
//!
//! Rows of the endpoints and promises: A50.

use std::time::Duration;

use fixtures::{actions, customer, key, ledger, path};
use platform::test::{TestApp, TestReply, on_both_engines};
use serde_json::{Value, json};

use crate::common::features;

const BULK: &str = "/api/v1/customers/bulk-update";

pub async fn bulk(app: &TestApp, key: &str, body: Value) -> TestReply {
    app.post(BULK).bearer(key).json(body).send().await
}

/// Customers with these cities, in the order of their creation.
pub async fn people(app: &TestApp, key: &str, cities: &[&str]) -> Vec<Value> {
    let mut made = Vec::new();
    for (i, city) in cities.iter().enumerate() {
        // Ids of one millisecond have no order.
        app.advance(Duration::from_secs(1));
        let body = json!({
            "first_name": "Ana", "last_name": format!("N{i}"), "email": format!("n{i}@example.com"), "city": city,
        });
        made.push(app.post("/api/v1/customers/").bearer(key).json(body).send().await.expect(201));
    }
    made
}

pub async fn shown(app: &TestApp, key: &str, customer: &Value) -> Value {
    app.get(path(customer, "")).bearer(key).send().await.expect(200)
}

/// The id of a job that was accepted.
pub fn accepted(reply: &TestReply) -> String {
    let job = reply.expect(202);
    let id = job["id"].as_str().unwrap().to_owned();
    assert_eq!(reply.header("location"), format!("/api/v1/jobs/{id}"));
    assert_eq!(job["state"], "waiting");
    id
}

pub async fn job(app: &TestApp, key: &str, id: &str) -> Value {
    app.get(format!("/api/v1/jobs/{id}")).bearer(key).send().await.expect(200)
}

pub async fn report(app: &TestApp, key: &str, id: &str, query: &str) -> String {
    let reply = app.get(format!("/api/v1/jobs/{id}/report{query}")).bearer(key).send().await;
    reply.expect(200);
    reply.text()
}

#[tokio::test]
async fn a50_the_request_of_the_document_changes_the_named_customers() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let people = people(app, &key, &["Lima", "Lima", "Lima"]).await;
        let ids: Vec<&Value> = people.iter().map(|c| &c["customer_id"]).collect();
        // The body of the document, with ids that exist here.
        let body = json!({
            "customer_ids": [ids[0], ids[1]],
            "updates": {"marketing_emails": false, "notes": "Bulk updated customer", "tags": "bulk-updated"},
        });
        let reply = bulk(app, &key, body.clone()).await.expect(200);
        assert_eq!(
            reply,
            json!({"updated_count": 2, "updated": [ids[0], ids[1]], "unchanged": [], "not_found": [], "failed": []})
        );
        for one in &people[..2] {
            let now = shown(app, &key, one).await;
            assert_eq!((&now["notes"], &now["tags"]), (&json!("Bulk updated customer"), &json!("bulk-updated")));
            assert_eq!((&now["marketing_emails"], &now["version"]), (&json!(false), &json!(2)));
            assert_eq!(actions(app, one).await.last().unwrap(), "customer.updated");
            let said = ledger(app, one).await;
            assert!(said.contains(&("marketing_emails".into(), false, "staff".into())), "{said:?}");
        }
        assert_eq!(shown(app, &key, &people[2]).await["version"], 1);
        let tagged = app.get("/api/v1/customers/?tag=bulk-updated").bearer(&key).send().await.expect(200);
        assert_eq!(tagged["total"], 2);

        // Once more: nothing differs, so nothing is written.
        let again = bulk(app, &key, body).await.expect(200);
        assert_eq!((&again["updated_count"], &again["unchanged"]), (&json!(0), &json!([ids[0], ids[1]])));
        assert_eq!(shown(app, &key, &people[0]).await["version"], 2);
    })
    .await;
}

#[tokio::test]
async fn a50_ids_of_both_kinds_are_folded_and_unknown_ones_are_told() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let people = people(app, &key, &["Lima", "Lima"]).await;
        let unknown = "019cb0a4-7d10-7c3a-8f4e-5b1c2d3e4f50";
        let body = json!({
            "customer_ids": [
                people[1]["id"], people[0]["customer_id"], people[1]["customer_id"], "CUST_00000000", unknown, "nobody",
                people[0]["id"], "nobody", people[0]["customer_id"].as_str().unwrap().to_lowercase(),
            ],
            "updates": {"city": "Cusco", "phone": "+51 1 2345678"},
        });
        let reply = bulk(app, &key, body).await.expect(200);
        assert_eq!(reply["updated"], json!([people[1]["customer_id"], people[0]["customer_id"]]));
        assert_eq!(reply["not_found"], json!(["CUST_00000000", unknown, "nobody"]));
        let now = shown(app, &key, &people[0]).await;
        assert_eq!((&now["city"], &now["phone"]), (&json!("Cusco"), &json!("+51 1 2345678")));
        let stats = app.get("/api/v1/customers/stats").bearer(&key).send().await.expect(200);
        assert_eq!(stats["customers_by_city"]["Cusco"], 2);
    })
    .await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn a50_what_is_wrong_is_told_before_anything_is_done() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let one = &people(app, &key, &["Lima"]).await[0];
        let id = &one["customer_id"];
        let many: Vec<&Value> = vec![id; 1001];
        for (body, field, code) in [
            (json!({"customer_ids": many, "updates": {"city": "X"}}), "customer_ids", "too_many"),
            (json!({"customer_ids": [], "updates": {"city": "X"}}), "customer_ids", "required"),
            (json!({"updates": {"city": "X"}}), "customer_ids", "required"),
            (json!({"customer_ids": [id]}), "updates", "required"),
            (json!({"customer_ids": [id], "updates": {}}), "updates", "required"),
            (json!({"customer_ids": [id], "updates": {"colour": "red"}}), "updates.colour", "unknown_member"),
            (
                json!({"customer_ids": [id], "updates": {"email": "x@example.com"}}),
                "updates.email",
                "unique_field",
            ),
            (json!({"customer_ids": [id], "updates": {"email": null}}), "updates.email", "unique_field"),
            (json!({"customer_ids": [id], "updates": {"username": "x"}}), "updates.username", "unique_field"),
            (
                json!({"customer_ids": [id], "updates": {"external_id": "x"}}),
                "updates.external_id",
                "unique_field",
            ),
            (
                json!({"customer_ids": [id], "updates": {"customer_id": id}}),
                "updates.customer_id",
                "unique_field",
            ),
            (json!({"customer_ids": [id], "updates": {"user_id": "x"}}), "updates.user_id", "unique_field"),
            (
                json!({"customer_ids": [id], "updates": {"gender": "robot"}}),
                "updates.gender",
                "invalid_choice",
            ),
            (
                json!({"customer_ids": [id], "updates": {"customer_since": "2999-01-01"}}),
                "updates.customer_since",
                "in_the_future",
            ),
            (
                json!({"customer_ids": [id], "updates": {"metadata": {"a": 1}}}),
                "updates.metadata.a",
                "invalid_type",
            ),
            (
                json!({"customer_ids": [id], "filter": {}, "updates": {"city": "X"}}),
                "filter",
                "conflicting_values",
            ),
            (
                json!({"customer_ids": [id], "dry_run": true, "updates": {"city": "X"}}),
                "dry_run",
                "conflicting_values",
            ),
            (json!({"filter": {}, "updates": {"city": "X"}}), "filter", "required"),
            (
                json!({"filter": {"city": "Lima"}, "all": true, "updates": {"city": "X"}}),
                "all",
                "conflicting_values",
            ),
            (
                json!({"filter": {"colour": "red"}, "updates": {"city": "X"}}),
                "filter.colour",
                "unknown_member",
            ),
            (json!({"filter": {"limit": 5}, "updates": {"city": "X"}}), "filter.limit", "unknown_member"),
            (json!({"filter": {"city": ""}, "updates": {"city": "X"}}), "filter.city", "required"),
            (json!({"filter": {"city": ["Lima"]}, "updates": {"city": "X"}}), "filter.city", "required"),
            (
                json!({"filter": {"is_active": "perhaps"}, "updates": {"city": "X"}}),
                "filter.is_active",
                "invalid",
            ),
        ] {
            let problem = bulk(app, &key, body.clone()).await.expect_error(422, "VALIDATION_FAILED");
            let errors = problem["errors"].as_array().unwrap();
            assert!(errors.iter().any(|e| e["field"] == field && e["code"] == code), "{body}: {problem}");
        }
        let perhaps = json!({"filter": {"is_active": "perhaps"}, "updates": {"city": "X"}});
        let problem = bulk(app, &key, perhaps).await.expect_error(422, "VALIDATION_FAILED");
        assert_eq!(
            problem["detail"], "filter.is_active: Must be true or false",
            "the name stands there once"
        );
        let born = json!({"customer_ids": [id], "updates": {"date_of_birth": "2999-01-01"}});
        let problem = bulk(app, &key, born).await.expect_error(422, "VALIDATION_FAILED");
        assert_eq!(problem["errors"][0]["field"], "updates.date_of_birth");
        assert_eq!(shown(app, &key, one).await["version"], 1);
        app.post(BULK).json(json!({})).send().await.expect_error(401, "NOT_AUTHENTICATED");
    })
    .await;
}

#[tokio::test]
async fn a50_a_refusal_for_one_leaves_that_one_and_the_others_go_on() {
    on_both_engines(&features(), async |app| {
        let (admin, staff) = (key(app, "admin").await, key(app, "employee").await);
        let people = people(app, &admin, &["Lima", "Lima", "Lima"]).await;
        let ids: Vec<&Value> = people.iter().map(|c| &c["customer_id"]).collect();
        app.post(path(&people[1], "/deactivate")).bearer(&admin).json(json!({})).send().await.expect(200);
        // Deactivating needs more than an employee may; who is so already is not changed.
        let body = json!({"customer_ids": ids, "updates": {"is_active": false, "city": "Puno"}});
        let reply = bulk(app, &staff, body).await.expect(200);
        assert_eq!((&reply["updated_count"], &reply["updated"]), (&json!(1), &json!([ids[1]])));
        let failed = reply["failed"].as_array().unwrap();
        assert_eq!(failed.len(), 2);
        assert_eq!(
            (&failed[0]["customer_id"], &failed[0]["error_code"]),
            (ids[0], &json!("FIELD_NOT_WRITABLE"))
        );
        assert_eq!(failed[0]["detail"], "You may not change is_active");
        for (one, city) in people.iter().zip(["Lima", "Puno", "Lima"]) {
            assert_eq!(shown(app, &admin, one).await["city"], city);
        }
        // Somebody without an address cannot lose the phone.
        let body = json!({"first_name": "Eva", "last_name": "Rey", "phone": "+5112345678"});
        let reachable = app.post("/api/v1/customers/").bearer(&admin).json(body).send().await.expect(201);
        let body =
            json!({"customer_ids": [reachable["id"], ids[0]], "updates": {"phone": null, "city": "Ica"}});
        let reply = bulk(app, &admin, body).await.expect(200);
        assert_eq!(
            (&reply["updated"], &reply["failed"][0]["error_code"]),
            (&json!([ids[0]]), &json!("VALIDATION_FAILED"))
        );
    })
    .await;
}

#[tokio::test]
async fn a50_an_idempotency_key_gives_the_first_answer_again() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = &people(app, &key, &["Lima"]).await[0];
        for body in [
            json!({"customer_ids": [one["id"]], "updates": {"notes": "once"}}),
            json!({"filter": {"city": "lima"}, "updates": {"notes": "twice"}}),
        ] {
            let send = || {
                app.post(BULK)
                    .bearer(&key)
                    .header("idempotency-key", body["updates"]["notes"].as_str().unwrap())
            };
            let first = send().json(&body).send().await;
            let again = send().json(&body).send().await;
            assert_eq!((first.status, first.json()), (again.status, again.json()));
            assert_eq!(again.header("idempotent-replayed"), "true");
            assert_eq!(first.header("location"), again.header("location"));
        }
        assert_eq!(app.run_jobs().await, 1, "one job");
        assert_eq!(shown(app, &key, one).await["notes"], "twice");
    })
    .await;
}

#[tokio::test]
async fn a50_many_changed_at_once_are_found_as_they_are() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let mut ids = Vec::new();
        for n in 0..5 {
            ids.push(customer(app, &key, &format!("p{n}@example.com")).await["customer_id"].clone());
        }
        for city in ["Oldtown", "Newtown"] {
            let body = json!({"customer_ids": ids, "updates": {"city": city}});
            bulk(app, &key, body).await.expect(200);
        }
        for (query, found) in [("newtown", 5), ("oldtown", 0)] {
            let search = app.post("/api/v1/customers/search").bearer(&key).json(json!({"query": query}));
            assert_eq!(search.send().await.expect(200)["total"], found, "{query}");
        }
    })
    .await;
}
