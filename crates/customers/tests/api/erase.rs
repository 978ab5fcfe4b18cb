//! `DELETE /api/v1/customers/{ref}/hard`.

use kernel::test::on_both_engines;
use kernel::{args, sql};
use serde_json::json;

use crate::common::{customer, features, key, path, register};

#[tokio::test]
async fn a20_an_erased_customer_is_nowhere_and_its_address_is_free() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let body = json!({
            "first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com", "phone": "+1-555-0123",
            "city": "New York", "notes": "secretive", "tags": "navy", "date_of_birth": "1906-12-09", "external_id": "G1"
        });
        let new = app.post("/api/v1/customers/").bearer(&key).header("idempotency-key", "g").json(&body).send();
        let one = new.await.expect(201);
        app.post(path(&one, "/increment_service")).bearer(&key).send().await.expect(200);
        app.delete(path(&one, "/hard/")).bearer(&key).send().await.expect(204);
        let uuid = format!("/api/v1/customers/{}", one["id"].as_str().unwrap());
        for gone in [
            path(&one, ""),
            uuid,
            "/api/v1/customers/username/gracehopper".into(),
            "/api/v1/customers/email/grace@example.com".into(),
            format!("/api/v1/customers/by_user_id?user_id={}", one["user_id"].as_str().unwrap()),
        ] {
            app.get(&gone).bearer(&key).send().await.expect(404);
        }
        for (method, rest) in [
            ("POST", "/deactivate"), ("POST", "/activate"), ("POST", "/verify"), ("POST", "/increment_service"),
            ("PATCH", "/verify-email"), ("PATCH", "/verify-phone"), ("PATCH", "/last-login"), ("DELETE", "/hard"),
            ("DELETE", ""), ("PATCH", ""), ("PUT", ""),
        ] {
            let request = app.request(method.parse().unwrap(), path(&one, rest)).bearer(&key).json(json!({}));
            request.send().await.expect_error(404, "CUSTOMER_NOT_FOUND");
        }
        let list = app.get("/api/v1/customers/").bearer(&key).send().await.expect(200);
        assert_eq!((&list["total"], &list["customers"]), (&json!(0), &json!([])));
        // The stored answer of its creation is gone, so the same key creates again; the address is free, the name is not.
        let again = app.post("/api/v1/customers/").bearer(&key).header("idempotency-key", "g").json(&body).send().await;
        let again_body = again.expect(201);
        assert_eq!(again.header("idempotent-replayed"), "");
        assert_ne!(again_body["username"], one["username"]);
        assert_ne!(again_body["customer_id"], one["customer_id"]);
    })
    .await;
}

#[tokio::test]
async fn a20_nothing_personal_is_left_anywhere() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let (token, _) = register(app, "quixote@example.com").await;
        let body = json!({"city": "Argamasilla", "company_name": "Quixotic", "street_address": "1 Mancha"});
        let one = app.post("/api/v1/customers/profile/create").bearer(&token).json(body).send().await.expect(201);
        let staff = json!({"notes": "Rocinante", "tags": "Dulcinea", "first_name": "Alonso"});
        app.patch(path(&one, "")).bearer(&key).json(staff).send().await.expect(200);
        app.patch("/api/v1/customers/profile/update").bearer(&token).json(json!({"city": "Toboso"})).send().await.expect(200);
        app.delete(path(&one, "/hard")).bearer(&key).send().await.expect(204);
        app.get("/api/auth/profile/").bearer(&token).send().await.expect(401);
        let mut tx = app.system().read().await.unwrap();
        let user: uuid::Uuid = one["user_id"].as_str().unwrap().parse().unwrap();
        let id: uuid::Uuid = one["id"].as_str().unwrap().parse().unwrap();
        let left = tx
            .one(
                sql!(
                    "SELECT (SELECT count(*) FROM event_change WHERE customer_id = $1 AND (before IS NOT NULL OR after IS NOT NULL))
                       + (SELECT count(*) FROM event e JOIN event_change c ON c.event_seq = e.seq WHERE e.subject_id = $2
                            AND (c.before IS NOT NULL OR c.after IS NOT NULL))
                       + (SELECT count(*) FROM event WHERE (customer_id = $1 OR subject_id = $2) AND actor_name LIKE '%@%')
                       + (SELECT count(*) FROM consent_event WHERE customer_id = $1)
                       + (SELECT count(*) FROM customer_tag WHERE customer_id = $1)
                       + (SELECT count(*) FROM job WHERE customer_id = $1)
                       + (SELECT count(*) FROM credential WHERE user_id = $2)
                       + (SELECT count(*) FROM mail_token WHERE user_id = $2)
                       + (SELECT count(*) FROM session WHERE user_id = $2 AND (ip IS NOT NULL OR user_agent IS NOT NULL))
                       + (SELECT count(*) FROM customer WHERE id = $1 AND (user_id IS NOT NULL OR city IS NOT NULL
                            OR city_key IS NOT NULL OR company_name IS NOT NULL OR notes IS NOT NULL OR tags <> ''
                            OR address_line1 IS NOT NULL))
                       + (SELECT count(*) FROM user_account WHERE id = $2 AND (email IS NOT NULL OR first_name <> ''
                            OR name_key <> '' OR username LIKE 'test%')) AS n" => i64
                ),
                args![id, user],
            )
            .await
            .unwrap();
        assert_eq!(left, 0);
        let kept: i64 = tx
            .one(sql!("SELECT count(*) AS n FROM customer WHERE id = $1 AND erased_at IS NOT NULL" => i64), args![id])
            .await
            .unwrap();
        assert_eq!(kept, 1, "the tombstone");
    })
    .await;
}

#[tokio::test]
async fn a20_only_administrators_erase() {
    on_both_engines(&features(), async |app| {
        let employee = key(app, "employee").await;
        let one = customer(app, &employee, "one@example.com").await;
        let hard = app.delete(path(&one, "/hard")).bearer(&employee).send().await;
        hard.expect_error(403, "PERMISSION_DENIED");
        app.get(path(&one, "")).bearer(&employee).send().await.expect(200);
    })
    .await;
}
