//! `POST /api/v1/customers/bulk-update` and the jobs that it makes.
//!
//! Rows of the endpoints and promises: A50, C19.

use std::time::Duration;

use kernel::jobs;
use kernel::test::{TestApp, TestReply, on_both_engines};
use kernel::{args, sql};
use serde_json::{Value, json};

use crate::common::{actions, company, company_key, customer, features, key, ledger, path, register};

const BULK: &str = "/api/v1/customers/bulk-update";

async fn bulk(app: &TestApp, key: &str, body: Value) -> TestReply {
    app.post(BULK).bearer(key).json(body).send().await
}

/// Customers with these cities, in the order of their creation.
async fn people(app: &TestApp, key: &str, cities: &[&str]) -> Vec<Value> {
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

async fn shown(app: &TestApp, key: &str, customer: &Value) -> Value {
    app.get(path(customer, "")).bearer(key).send().await.expect(200)
}

/// The id of a job that was accepted.
fn accepted(reply: &TestReply) -> String {
    let job = reply.expect(202);
    let id = job["id"].as_str().unwrap().to_owned();
    assert_eq!(reply.header("location"), format!("/api/v1/jobs/{id}"));
    assert_eq!(job["state"], "waiting");
    id
}

async fn job(app: &TestApp, key: &str, id: &str) -> Value {
    app.get(format!("/api/v1/jobs/{id}")).bearer(key).send().await.expect(200)
}

async fn report(app: &TestApp, key: &str, id: &str, query: &str) -> String {
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
                "unknown_choice",
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
async fn a50_a_filter_makes_a_job_and_a_dry_run_counts_whom_it_changes() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let people = people(app, &key, &["Lima", "Cusco", "LIMA", "Lima", "Puno"]).await;
        app.patch(path(&people[3], "")).bearer(&key).json(json!({"state": "Callao"})).send().await.expect(200);
        let ask = |dry: bool| json!({"filter": {"city": "lima", "is_active": true}, "dry_run": dry,
                                     "updates": {"city": "Arequipa", "state": "Callao", "tags": ["moved"]}});
        let counted = bulk(app, &key, ask(true)).await.expect(200);
        assert_eq!(counted, json!({"would_update": 3}));
        assert_eq!(shown(app, &key, &people[0]).await["version"], 1);

        let id = accepted(&bulk(app, &key, ask(false)).await);
        let waiting = job(app, &key, &id).await;
        assert_eq!((&waiting["progress"]["total"], &waiting["progress"]["percent"]), (&json!(3), &json!(0)));
        assert_eq!(app.run_jobs().await, 1);
        let done = job(app, &key, &id).await;
        assert_eq!((&done["state"], &done["kind"], &done["error"]), (&json!("done"), &json!("bulk_update"), &Value::Null));
        assert_eq!(
            done["progress"],
            json!({"total": 3, "processed": 3, "created": 0, "updated": 3, "unchanged": 0, "skipped": 0, "duplicate": 0,
                   "failed": 0, "percent": 100})
        );
        for (one, city) in people.iter().zip(["Arequipa", "Cusco", "Arequipa", "Arequipa", "Puno"]) {
            assert_eq!(shown(app, &key, one).await["city"], city);
        }
        let numbers = |i: usize| people[i]["customer_id"].as_str().unwrap();
        let csv = report(app, &key, &id, "").await;
        assert_eq!(
            csv,
            format!(
                "row,verdict,customer_id,error_code,detail\r\n1,updated,{},,\r\n2,updated,{},,\r\n3,updated,{},,\r\n",
                numbers(0), numbers(2), numbers(3)
            )
        );
        assert_eq!(report(app, &key, &id, "?verdict=failed&format=ndjson").await, "");
        // The job appears in the log under its own name, as its requester.
        let mut tx = app.system().read().await.unwrap();
        let by = tx
            .all(
                sql!("SELECT actor_kind FROM event WHERE request_id = $1 AND action = 'customer.updated'" => String),
                args![format!("batch-{id}")],
            )
            .await
            .unwrap();
        assert_eq!(by, ["api_key", "api_key", "api_key"]);
        drop(tx);
        let drift = customers::statistics::service::reconcile(&app.system()).await.unwrap();
        assert!(drift.is_empty(), "{drift:?}");
        // Everybody, said explicitly.
        let all = json!({"all": true, "dry_run": true, "updates": {"notes": "x"}});
        assert_eq!(bulk(app, &key, all).await.expect(200), json!({"would_update": 5}));
    })
    .await;
}

#[tokio::test]
async fn a50_the_report_says_why_a_customer_was_left_out() {
    on_both_engines(&features(), async |app| {
        let (admin, staff) = (key(app, "admin").await, key(app, "employee").await);
        let people = people(app, &admin, &["Lima", "Lima", "Lima"]).await;
        app.post(path(&people[0], "/deactivate")).bearer(&admin).json(json!({})).send().await.expect(200);
        let body = json!({"filter": {"city": "Lima"}, "updates": {"is_active": false}});
        let id = accepted(&bulk(app, &staff, body).await);
        app.run_jobs().await;
        let progress = job(app, &staff, &id).await["progress"].clone();
        assert_eq!((&progress["unchanged"], &progress["failed"]), (&json!(1), &json!(2)));
        let failed = report(app, &staff, &id, "?format=ndjson&verdict=failed").await;
        let lines: Vec<Value> = failed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            lines[0],
            json!({"row": 2, "verdict": "failed", "customer_id": people[1]["customer_id"],
                   "error_code": "FIELD_NOT_WRITABLE", "detail": "You may not change is_active"})
        );
        assert_eq!(lines.len(), 2);

        // Erased, a customer is in no report any more; the numbers still add up.
        app.delete(path(&people[1], "/hard")).bearer(&admin).send().await.expect(204);
        let csv = report(app, &staff, &id, "?verdict=failed").await;
        assert!(csv.contains("\r\n2,failed,,FIELD_NOT_WRITABLE,\r\n"), "{csv}");
        for (query, code) in [
            ("?format=xml", "PARAMETER_INVALID"),
            ("?verdict=x", "PARAMETER_INVALID"),
            ("?x=1", "UNKNOWN_PARAMETER"),
        ] {
            let asked = app.get(format!("/api/v1/jobs/{id}/report{query}")).bearer(&staff).send().await;
            asked.expect_error(400, code);
        }
    })
    .await;
}

#[tokio::test]
async fn a50_nobody_changes_or_counts_what_is_out_of_reach() {
    on_both_engines(&features(), async |app| {
        company(app, "COMP-001").await;
        company(app, "COMP-002").await;
        let ours = company_key(app, "manager", "COMP-001").await;
        let theirs = company_key(app, "manager", "COMP-002").await;
        let all = key(app, "employee").await;
        let one = customer(app, &ours, "one@example.com").await;
        let other = customer(app, &theirs, "two@example.com").await;
        let ids = json!([one["customer_id"], other["id"]]);
        let reply =
            bulk(app, &ours, json!({"customer_ids": ids, "updates": {"city": "Ica"}})).await.expect(200);
        assert_eq!(
            (&reply["updated"], &reply["not_found"]),
            (&json!([one["customer_id"]]), &json!([other["id"]]))
        );
        let everybody = json!({"all": true, "dry_run": true, "updates": {"city": "Ica"}});
        assert_eq!(bulk(app, &ours, everybody.clone()).await.expect(200)["would_update"], 1);
        assert_eq!(bulk(app, &all, everybody).await.expect(200)["would_update"], 2);
        let id = accepted(&bulk(app, &ours, json!({"all": true, "updates": {"city": "Tacna"}})).await);
        app.run_jobs().await;
        assert_eq!(shown(app, &all, &one).await["city"], "Tacna");
        assert_eq!(shown(app, &all, &other).await["city"], Value::Null);

        // Jobs are seen by who asked for them, and by those who see everything.
        for (rest, method) in [("", "GET"), ("/report", "GET"), ("/cancel", "POST"), ("/revert", "POST")] {
            let request = app.request(method.parse().unwrap(), format!("/api/v1/jobs/{id}{rest}"));
            request.bearer(&theirs).send().await.expect_error(404, "JOB_NOT_FOUND");
        }
        for (bearer, n) in [(&ours, 1), (&theirs, 0), (&all, 1)] {
            let list = app.get("/api/v1/jobs/").bearer(bearer).send().await.expect(200);
            assert_eq!((&list["total"], list["jobs"].as_array().unwrap().len()), (&json!(n), n));
        }
        job(app, &all, &id).await;
        app.get("/api/v1/jobs/nonsense").bearer(&all).send().await.expect_error(404, "JOB_NOT_FOUND");

        let (token, _) = register(app, "me@example.com").await;
        for request in [app.get("/api/v1/jobs"), app.get(format!("/api/v1/jobs/{id}"))] {
            request.bearer(&token).send().await.expect_error(403, "STAFF_ONLY");
        }
        bulk(app, &token, json!({"all": true, "updates": {"city": "X"}}))
            .await
            .expect_error(403, "STAFF_ONLY");
        let viewer = company_key(app, "viewer", "COMP-001").await;
        bulk(app, &viewer, json!({"all": true, "updates": {"city": "X"}}))
            .await
            .expect_error(403, "PERMISSION_DENIED");
    })
    .await;
}

#[tokio::test]
async fn a50_a_job_can_be_cancelled_until_it_has_ended() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = &people(app, &key, &["Lima"]).await[0];
        let body = json!({"all": true, "updates": {"city": "Ica"}});
        let id = accepted(&bulk(app, &key, body.clone()).await);
        for _ in 0..2 {
            let reply = app.post(format!("/api/v1/jobs/{id}/cancel")).bearer(&key).send().await.expect(200);
            assert_eq!(reply["state"], "cancelled");
        }
        app.run_jobs().await;
        assert_eq!(shown(app, &key, one).await["version"], 1);
        assert_eq!(job(app, &key, &id).await["progress"]["processed"], 0);

        let id = accepted(&bulk(app, &key, body).await);
        app.run_jobs().await;
        let cancel = app.post(format!("/api/v1/jobs/{id}/cancel")).bearer(&key).send().await;
        cancel.expect_error(409, "JOB_FINISHED");
        let revert = app.post(format!("/api/v1/jobs/{id}/revert")).bearer(&key).send().await;
        revert.expect_error(409, "JOB_NOT_REVERTIBLE");
        for (query, n) in
            [("?state=done", 1), ("?state=cancelled", 1), ("?kind=bulk_update", 2), ("?kind=import", 0)]
        {
            let list = app.get(format!("/api/v1/jobs/{query}")).bearer(&key).send().await.expect(200);
            assert_eq!(list["total"], n, "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn a50_a_job_works_with_the_rights_that_its_requester_has_then() {
    on_both_engines(&features(), async |app| {
        let (admin, staff) = (key(app, "admin").await, key(app, "employee").await);
        let one = &people(app, &admin, &["Lima"]).await[0];
        let id = accepted(&bulk(app, &staff, json!({"all": true, "updates": {"city": "Ica"}})).await);
        let ctx = app.system();
        let mut tx = ctx.write().await.unwrap();
        let revoke = sql!("UPDATE api_key SET revoked_at = $1 WHERE role = 'employee'");
        assert_eq!(tx.exec(revoke, args![ctx.now()]).await.unwrap(), 1);
        tx.commit().await.unwrap();
        app.run_jobs().await;
        let failed = job(app, &admin, &id).await;
        assert_eq!(
            (&failed["state"], &failed["error"]["error_code"]),
            (&json!("failed"), &json!("REQUESTER_INACTIVE"))
        );
        assert_eq!(shown(app, &admin, one).await["version"], 1);
    })
    .await;
}

#[tokio::test]
async fn c19_two_processes_at_once_do_a_job_once() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let cities = vec!["Lima"; 40];
        let people = people(app, &key, &cities).await;
        let mut ids = Vec::new();
        for n in 0..3 {
            let body = json!({"all": true, "updates": {"metadata": {format!("k{n}"): "v"}}});
            ids.push(accepted(&bulk(app, &key, body).await));
        }
        let other = TestApp::process(&app.db, &features(), &[]).await;
        let kinds: Vec<_> = features().iter().flat_map(|f| f.jobs).copied().collect();
        let (_, there) = tokio::join!(app.run_jobs(), jobs::run_due(&other, &kinds));
        there.unwrap();
        app.advance(Duration::from_secs(60));
        app.run_jobs().await;
        for id in &ids {
            let done = job(app, &key, id).await;
            assert_eq!(
                (&done["state"], &done["progress"]["updated"]),
                (&json!("done"), &json!(40)),
                "{done}"
            );
        }
        for one in &people {
            assert_eq!(shown(app, &key, one).await["version"], 4);
            let updates = actions(app, one).await.iter().filter(|a| *a == "customer.updated").count();
            assert_eq!(updates, 3);
        }
    })
    .await;
}

/// A duplicate in the queue, as a lease that ran out too early makes one.
#[tokio::test]
async fn c19_a_job_that_is_queued_twice_is_done_once() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let people = people(app, &key, &["Lima", "Lima"]).await;
        let id = accepted(&bulk(app, &key, json!({"all": true, "updates": {"city": "Ica"}})).await);
        let ctx = app.system();
        let mut tx = ctx.write().await.unwrap();
        let again = jobs::NewJob::new(customers::batches::jobs::RUN, json!({ "batch": id }));
        jobs::enqueue(&ctx, &mut tx, again).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(app.run_jobs().await, 2);
        assert_eq!(job(app, &key, &id).await["progress"]["updated"], 2);
        for one in &people {
            assert_eq!(shown(app, &key, one).await["version"], 2);
        }
    })
    .await;
}

#[tokio::test]
async fn c19_a_job_that_lost_its_place_in_the_queue_is_put_back() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        people(app, &key, &["Lima"]).await;
        let id = accepted(&bulk(app, &key, json!({"all": true, "updates": {"city": "Ica"}})).await);
        let ctx = app.system();
        let mut tx = ctx.write().await.unwrap();
        tx.exec(sql!("DELETE FROM job WHERE kind = 'batch.run'"), []).await.unwrap();
        tx.commit().await.unwrap();
        customers::batches::jobs::revive(&app.system()).await.unwrap();
        assert_eq!(app.run_jobs().await, 0, "it may still come");
        app.advance(Duration::from_secs(1000));
        customers::batches::jobs::revive(&app.system()).await.unwrap();
        assert_eq!(app.run_jobs().await, 1);
        assert_eq!(job(app, &key, &id).await["state"], "done");
    })
    .await;
}

#[tokio::test]
async fn a50_jobs_are_deleted_some_time_after_their_end() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        people(app, &key, &["Lima", "Lima"]).await;
        let id = accepted(&bulk(app, &key, json!({"all": true, "updates": {"city": "Ica"}})).await);
        app.run_jobs().await;
        let day = Duration::from_secs(24 * 3600);
        app.advance(day * 29);
        customers::batches::jobs::purge(&app.system()).await.unwrap();
        job(app, &key, &id).await;
        app.advance(day * 2);
        customers::batches::jobs::purge(&app.system()).await.unwrap();
        app.get(format!("/api/v1/jobs/{id}")).bearer(&key).send().await.expect_error(404, "JOB_NOT_FOUND");
        let mut tx = app.system().read().await.unwrap();
        assert_eq!(tx.one(sql!("SELECT count(*) AS n FROM batch_row" => i64), []).await.unwrap(), 0);
    })
    .await;
}

/// More than one chunk: 1100 customers, twice over a boundary.
#[tokio::test]
async fn c19_a_job_of_several_chunks_changes_each_customer_once() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let ctx = app.system();
        copies(app, &customer(app, &key, "first@example.com").await, 1099).await;
        let id = accepted(
            &bulk(app, &key, json!({"filter": {"is_active": true}, "updates": {"city": "Ica"}})).await,
        );
        app.run_jobs().await;
        let done = job(app, &key, &id).await;
        assert_eq!((&done["state"], &done["progress"]["updated"]), (&json!("done"), &json!(1100)));
        assert_eq!(report(app, &key, &id, "?format=ndjson").await.lines().count(), 1100);
        let mut tx = ctx.read().await.unwrap();
        let twice = sql!(
            "SELECT count(*) AS n FROM (SELECT subject_id FROM event WHERE action = 'customer.updated'
               GROUP BY subject_id HAVING count(*) = 1) AS once" => i64
        );
        assert_eq!(tx.one(twice, []).await.unwrap(), 1100);
    })
    .await;
}

/// Customers made by the database, like the one given but for what must be different.
async fn copies(app: &TestApp, like: &Value, n: i64) {
    let ctx = app.system();
    let id: uuid::Uuid = like["id"].as_str().unwrap().parse().unwrap();
    let mut tx = ctx.write().await.unwrap();
    for i in 0..n {
        let (user, new) = (ctx.new_id(), ctx.new_id());
        tx.exec(
            sql!(
                "INSERT INTO user_account (id, unique_no, username, email, email_key, email_verified, first_name, last_name,
                   name_key, phone_verified, role, is_active, created_at, updated_at, version)
                 SELECT $2, u.unique_no + 1 + $3, $4, $4, $4, false, u.first_name, u.last_name, u.name_key, false, u.role, true,
                   u.created_at, u.updated_at, 1
                 FROM user_account u JOIN customer c ON c.user_id = u.id WHERE c.id = $1"
            ),
            args![id, user, i, format!("copy{i}@example.com")],
        )
        .await
        .unwrap();
        tx.exec(
            sql!(
                "INSERT INTO customer (id, customer_id, user_id, is_active, is_verified, customer_since, total_services,
                   preferred_contact_method, notification_preferences, marketing_emails, marketing_sms, tags, metadata,
                   created_at, updated_at, version)
                 SELECT $2, $3, $4, true, false, customer_since, 0, 'email', '{}', true, false, '', '{}', created_at, updated_at, 1
                 FROM customer WHERE id = $1"
            ),
            args![id, new, format!("CUST_{i:08X}"), user],
        )
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
}
