//! Who sees whom.
//!
//! Rows of the endpoints and promises: C10.

use database::sql;
use fixtures::{customer, key, path, register, two_companies};
use platform::test::on_both_engines;
use serde_json::json;

use crate::common::features;

#[tokio::test]
async fn c10_whose_company_is_gone_creates_nobody() {
    on_both_engines(&features(), async |app| {
        let (manager, _) = two_companies(app).await;
        let mut tx = app.system().write().await.unwrap();
        let ours = sql!("UPDATE api_key SET company_id = NULL WHERE company_id IN (SELECT id FROM company WHERE company_id = 'COMP-001')");
        tx.exec(ours, []).await.unwrap();
        tx.commit().await.unwrap();
        let body = json!({"first_name": "Ada", "last_name": "Rey", "email": "a@example.com"});
        let reply = app.post("/api/v1/customers/").bearer(&manager).json(body).send().await;
        reply.expect_error(403, "NO_COMPANY");
    })
    .await;
}

#[tokio::test]
async fn c10_a_foreign_company_sees_and_counts_nothing() {
    on_both_engines(&features(), async |app| {
        let (ours, theirs) = two_companies(app).await;
        let all = key(app, "admin").await;
        let one = customer(app, &ours, "one@example.com").await;
        customer(app, &all, "free@example.com").await;
        for (method, rest) in [
            ("GET", ""),
            ("PUT", ""),
            ("PATCH", ""),
            ("POST", "/verify"),
            ("POST", "/increment_service"),
            ("PATCH", "/verify-email"),
            ("PATCH", "/verify-phone"),
            ("PATCH", "/last-login"),
        ] {
            let request =
                app.request(method.parse().unwrap(), path(&one, rest)).bearer(&theirs).json(json!({}));
            request.send().await.expect_error(404, "CUSTOMER_NOT_FOUND");
        }
        for rest in ["username/adalovelace", "email/one@example.com"] {
            app.get(format!("/api/v1/customers/{rest}")).bearer(&theirs).send().await.expect(404);
        }
        let user = one["user_id"].as_str().unwrap();
        app.get(format!("/api/v1/customers/by_user_id?user_id={user}"))
            .bearer(&theirs)
            .send()
            .await
            .expect(404);
        let exists =
            app.post("/api/v1/customers/check_profile_exists").bearer(&theirs).json(json!({"user_id": user}));
        assert_eq!(exists.send().await.expect(200)["exists"], false);
        for (bearer, n) in [(&theirs, 0), (&ours, 1), (&all, 2)] {
            for query in ["", "?first=1", "?email=one@example.com"] {
                let reply = app.get(format!("/api/v1/customers/{query}")).bearer(bearer).send().await;
                match query {
                    "" => assert_eq!(reply.expect(200)["total"], n),
                    "?first=1" => drop(reply.expect_error(400, "UNKNOWN_PARAMETER")),
                    _ => assert_eq!(reply.expect(200)["total"], n.min(1)),
                }
            }
            let stats = app.get("/api/v1/customers/stats").bearer(bearer).send().await.expect(200);
            assert_eq!(stats["total_customers"], n);
        }
    })
    .await;
}

#[tokio::test]
async fn c10_customers_are_refused_where_staff_work() {
    on_both_engines(&features(), async |app| {
        let staff = key(app, "employee").await;
        let foreign = customer(app, &staff, "foreign@example.com").await;
        let (token, _) = register(app, "me@example.com").await;
        let own = app
            .post("/api/v1/customers/profile/create")
            .bearer(&token)
            .json(json!({}))
            .send()
            .await
            .expect(201);
        for request in [
            app.get("/api/v1/customers/"),
            app.get("/api/v1/customers/stats/"),
            app.get("/api/v1/customers/statistics/overview/"),
            app.post("/api/v1/customers/")
                .json(json!({"first_name": "A", "last_name": "B", "email": "x@example.com"})),
            app.post(path(&own, "/verify")),
            app.post(path(&own, "/increment_service")),
            app.patch(path(&own, "/verify-email")),
            app.patch(path(&own, "/verify-phone")),
            app.patch(path(&own, "/last-login")),
        ] {
            request.bearer(&token).send().await.expect_error(403, "STAFF_ONLY");
        }
        for request in [
            app.delete(path(&own, "")),
            app.delete(path(&own, "/hard")),
            app.post(path(&own, "/deactivate")),
            app.post(path(&own, "/activate")),
        ] {
            request.bearer(&token).send().await.expect_error(403, "PERMISSION_DENIED");
        }
        for request in [app.get(path(&foreign, "")), app.patch(path(&foreign, "")).json(json!({"city": "X"}))]
        {
            request.bearer(&token).send().await.expect_error(404, "CUSTOMER_NOT_FOUND");
        }
        for rest in ["username/adalovelace", "email/foreign@example.com"] {
            app.get(format!("/api/v1/customers/{rest}")).bearer(&token).send().await.expect(404);
        }
    })
    .await;
}
