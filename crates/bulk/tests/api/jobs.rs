//! Bulk updates by filter, and the jobs that they are: `/api/v1/jobs`.
//!
//! Rows of the endpoints and promises: A50, C19.

use std::time::Duration;

use database::{args, sql};
use fixtures::{actions, company, company_key, customer, key, path, register, two_companies};
use platform::jobs;
use platform::test::{TestApp, on_both_engines};
use serde_json::{Value, json};

use crate::bulk::{accepted, bulk, job, people, report, shown};
use crate::common::features;

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
        let (ours, theirs) = two_companies(app).await;
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
async fn a50_a_report_names_nobody_who_is_out_of_reach_by_now() {
    on_both_engines(&features(), async |app| {
        company(app, "COMP-001").await;
        company(app, "COMP-002").await;
        let (ours, all) = (company_key(app, "manager", "COMP-001").await, key(app, "admin").await);
        let one = customer(app, &ours, "one@example.com").await;
        let id = accepted(&bulk(app, &ours, json!({"all": true, "updates": {"city": "Tacna"}})).await);
        app.run_jobs().await;
        let number = one["customer_id"].as_str().unwrap();
        assert!(report(app, &ours, &id, "").await.contains(number));
        let mut tx = app.system().write().await.unwrap();
        let moved = sql!(
            "UPDATE user_account SET company_id = (SELECT id FROM company WHERE company_id = 'COMP-002')
             WHERE email = 'one@example.com'"
        );
        assert_eq!(tx.exec(moved, args![]).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert_eq!(
            report(app, &ours, &id, "").await,
            "row,verdict,customer_id,error_code,detail\r\n1,updated,,,\r\n"
        );
        assert!(report(app, &all, &id, "").await.contains(number));
    })
    .await;
}

#[tokio::test]
async fn a50_the_numbers_of_a_job_add_up_however_many_there_were_at_first() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let people = people(app, &key, &["Lima", "Lima", "Lima"]).await;
        let body = json!({"filter": {"city": "Lima"}, "updates": {"notes": "x"}});
        let id = accepted(&bulk(app, &key, body).await);
        app.patch(path(&people[0], "")).bearer(&key).json(json!({"city": "Ica"})).send().await.expect(200);
        app.delete(path(&people[1], "/hard")).bearer(&key).send().await.expect(204);
        app.run_jobs().await;
        let done = job(app, &key, &id).await;
        let progress = &done["progress"];
        assert_eq!(
            (&progress["total"], &progress["processed"], &progress["updated"]),
            (&json!(1), &json!(1), &json!(1))
        );
        assert_eq!((&done["state"], &progress["percent"]), (&json!("done"), &json!(100)));
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
        let ctx = app.system();
        let mut tx = ctx.write().await.unwrap();
        tx.exec(sql!("UPDATE batch SET kind = 'of_tomorrow' WHERE state = 'done'"), []).await.unwrap();
        tx.commit().await.unwrap();
        let newer = app.post(format!("/api/v1/jobs/{id}/revert")).bearer(&key).send().await;
        newer.expect_error(409, "JOB_UNKNOWN_KIND");
        let mut tx = ctx.write().await.unwrap();
        tx.exec(sql!("UPDATE batch SET kind = 'bulk_update' WHERE state = 'done'"), []).await.unwrap();
        tx.commit().await.unwrap();
        for (query, n) in
            [("?state=done", 1), ("?state=cancelled", 1), ("?kind=bulk_update", 2), ("?kind=import", 0)]
        {
            let list = app.get(format!("/api/v1/jobs/{query}")).bearer(&key).send().await.expect(200);
            assert_eq!(list["total"], n, "{query}");
        }
    })
    .await;
}

/// The table of the filters: a job that changes is found by its new state, and by its old one no more.
#[tokio::test]
async fn a50_a_changed_job_is_found_by_the_new_value_only() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        people(app, &key, &["Lima"]).await;
        let found = async |query: &str| {
            let list = app.get(format!("/api/v1/jobs?{query}")).bearer(&key).send().await.expect(200);
            list["total"] == 1
        };
        let body = json!({"all": true, "updates": {"city": "Ica"}});
        accepted(&bulk(app, &key, body.clone()).await);
        // The kind of a job never changes.
        assert!(found("kind=bulk_update").await && !found("kind=import").await);
        assert!(found("state=waiting").await && !found("state=done").await);
        app.run_jobs().await;
        assert!(found("state=done").await && !found("state=waiting").await);
        let id = accepted(&bulk(app, &key, body).await);
        assert!(found("state=waiting").await && !found("state=cancelled").await);
        app.post(format!("/api/v1/jobs/{id}/cancel")).bearer(&key).send().await.expect(200);
        assert!(found("state=cancelled").await && !found("state=waiting").await);
        app.run_jobs().await;
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

/// The same for somebody with a session: the role counts that the user has when the work is done.
#[tokio::test]
async fn a50_a_job_of_a_user_follows_the_role_and_ends_with_the_user() {
    on_both_engines(&features(), async |app| {
        let admin = key(app, "admin").await;
        let one = &people(app, &admin, &["Lima"]).await[0];
        let (token, user) = register(app, "staff@example.com").await;
        let id: uuid::Uuid = user.parse().unwrap();
        let set = async |role: &str, active: bool| {
            let ctx = app.system();
            let mut tx = ctx.write().await.unwrap();
            let change = sql!("UPDATE user_account SET role = $2, is_active = $3 WHERE id = $1");
            tx.exec(change, args![id, role, active]).await.unwrap();
            tx.commit().await.unwrap();
            // What this process knows of a caller is that old at most.
            app.advance(Duration::from_secs(2));
        };
        for (role, active, state, code) in [
            ("employee", true, "done", json!(null)),
            ("viewer", true, "failed", json!("PERMISSION_DENIED")),
            ("customer", true, "failed", json!("STAFF_ONLY")),
            ("employee", false, "failed", json!("REQUESTER_INACTIVE")),
        ] {
            set("employee", true).await;
            let body = json!({"all": true, "updates": {"notes": format!("{role} {active}")}});
            let job_id = accepted(&bulk(app, &token, body).await);
            set(role, active).await;
            app.run_jobs().await;
            let ended = job(app, &admin, &job_id).await;
            assert_eq!((&ended["state"], &ended["error"]["error_code"]), (&json!(state), &code), "{ended}");
        }
        assert_eq!(shown(app, &admin, one).await["notes"], "employee true");
        let mut tx = app.system().read().await.unwrap();
        let who = sql!("SELECT actor_id FROM event WHERE action = 'customer.updated'" => Option<uuid::Uuid>);
        assert_eq!(tx.all(who, []).await.unwrap(), [Some(id)]);
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
        let again = jobs::NewJob::new(bulk::batches::jobs::RUN, json!({ "batch": id }));
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
        bulk::batches::jobs::revive(&app.system()).await.unwrap();
        assert_eq!(app.run_jobs().await, 0, "it may still come");
        app.advance(Duration::from_secs(1000));
        bulk::batches::jobs::revive(&app.system()).await.unwrap();
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
        bulk::batches::jobs::purge(&app.system()).await.unwrap();
        job(app, &key, &id).await;
        app.advance(day * 2);
        bulk::batches::jobs::purge(&app.system()).await.unwrap();
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
