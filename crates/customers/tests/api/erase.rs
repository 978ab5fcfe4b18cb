//! `DELETE /api/v1/customers/{ref}/hard`.
//!
//! Rows of the endpoints and promises: A20, A53.

use customers::customer::model::CustomerRef;
use customers::customer::service::erase::erase_in;
use database::Engine;
use database::{args, sql};
use fixtures::{customer, key, path, register};
use platform::access::Scope;
use platform::test::{TestApp, on_both_engines};
use serde_json::json;

use crate::common::features;

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
        drop(tx);
        app.run_jobs().await;
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

#[tokio::test]
async fn a20_an_answer_that_changed_nothing_is_forgotten_too() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let one = customer(app, &key, "one@example.com").await;
        let same = json!({"first_name": "Ada"});
        for (method, rest) in [("PATCH", ""), ("POST", "/activate"), ("PATCH", "/last-login")] {
            let body = if rest.is_empty() { same.clone() } else { json!({}) };
            let send = || {
                let request = app.request(method.parse().unwrap(), path(&one, rest)).bearer(&key);
                request.header("idempotency-key", "n").json(&body).send()
            };
            assert_eq!(send().await.expect(200)["customer_id"], one["customer_id"]);
            assert_eq!(send().await.header("idempotent-replayed"), "true", "{method} {rest}");
        }
        app.delete(path(&one, "/hard")).bearer(&key).send().await.expect(204);
        for (method, rest) in [("PATCH", ""), ("POST", "/activate"), ("PATCH", "/last-login")] {
            let body = if rest.is_empty() { same.clone() } else { json!({}) };
            let request = app.request(method.parse().unwrap(), path(&one, rest)).bearer(&key);
            let reply = request.header("idempotency-key", "n").json(&body).send().await;
            reply.expect_error(404, "CUSTOMER_NOT_FOUND");
        }
    })
    .await;
}

#[tokio::test]
async fn a53_a_service_counted_while_a_customer_is_erased_leaves_no_trace_in_the_figures() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let one = customer(app, &key, "one@example.com").await;
        let ctx = app.system();
        let scope = Scope::system("a test of what happens between loading and erasing");
        let id = CustomerRef::Id(one["id"].as_str().unwrap().parse().unwrap());
        let loaded = customers::customer::service::find_in(&ctx, &mut ctx.read().await.unwrap(), &scope, id)
            .await
            .unwrap();
        app.post(path(&one, "/increment_service")).bearer(&key).send().await.expect(200);
        let mut tx = ctx.write().await.unwrap();
        erase_in(&ctx, &mut tx, &loaded, "customer.erased").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(customers::statistics::service::reconcile(&ctx).await.unwrap(), []);
        let stats = app.get("/api/v1/customers/stats").bearer(&key).send().await.expect(200);
        assert_eq!((&stats["total_services"], &stats["total_customers"]), (&json!(0), &json!(0)));
    })
    .await;
}

#[tokio::test]
async fn a20_erasing_waits_for_the_user_before_it_locks_the_customer() {
    on_both_engines(&features(), erase_beside_a_change).await;
}

/// On PostgreSQL: SQLite has one writer.
async fn erase_beside_a_change(app: &TestApp) {
    if app.system().read().await.unwrap().engine() == Engine::Sqlite {
        return;
    }
    let key = key(app, "admin").await;
    let one = customer(app, &key, "one@example.com").await;
    let uuid = |name: &str| one[name].as_str().unwrap().parse::<uuid::Uuid>().unwrap();
    // A change of both, between its two locks.
    let mut tx = app.system().write().await.unwrap();
    tx.exec(sql!("UPDATE user_account SET locale = 'es' WHERE id = $1"), args![uuid("user_id")])
        .await
        .unwrap();
    let erasing = app.delete(path(&one, "/hard")).bearer(&key).send();
    let changing = async {
        loop {
            // Every look is its own: within a transaction the view shows what it showed first.
            let mut look = app.system().read().await.unwrap();
            let waiting: bool = look
                .one(
                    sql!(
                        sqlite: "SELECT true AS waits",
                        postgres: "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
                                     AND wait_event_type = 'Lock') AS waits" => bool
                    ),
                    [],
                )
                .await
                .unwrap();
            if waiting {
                break;
            }
            tokio::task::yield_now().await;
        }
        // Refused at once if the other has it: then each would wait for the other.
        let free = sql!(
            sqlite: "SELECT id FROM customer WHERE id = $1",
            postgres: "SELECT id FROM customer WHERE id = $1 FOR UPDATE NOWAIT" => uuid::Uuid
        );
        tx.one(free, args![uuid("id")]).await.unwrap();
        tx.commit().await.unwrap();
    };
    let (erased, ()) = tokio::join!(erasing, changing);
    erased.expect(204);
}
