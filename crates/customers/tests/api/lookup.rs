//! One customer by its ids, user, user name and address; does a profile exist.
//!
//! Rows of the endpoints and promises: A9, A10, A15, A47, A48.

use database::{args, sql};
use fixtures::{customer, key, path, register};
use platform::test::on_both_engines;
use serde_json::{Value, json};

use crate::common::features;

#[tokio::test]
async fn a9_by_either_id_and_not_modified() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        let by_uuid = format!("/api/v1/customers/{}/", one["id"].as_str().unwrap());
        assert_eq!(app.get(by_uuid).bearer(&key).send().await.expect(200), one);
        let lower = path(&one, "").replace("CUST_", "cust_").to_lowercase();
        let reply = app.get(lower).bearer(&key).send().await;
        assert_eq!(reply.expect(200), one);
        let same =
            app.get(path(&one, "")).bearer(&key).header("if-none-match", reply.header("etag")).send().await;
        same.expect(304);
        for nobody in ["CUST_00000000", "0198a000-0000-7000-8000-000000000000", "nonsense"] {
            let reply = app.get(format!("/api/v1/customers/{nobody}")).bearer(&key).send().await;
            assert_eq!(reply.expect_error(404, "CUSTOMER_NOT_FOUND")["detail"], "Customer not found");
        }
    })
    .await;
}

#[tokio::test]
async fn a10_by_user_id_also_the_old_number() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        let user = one["user_id"].as_str().unwrap();
        let ask = |query: &str| app.get(format!("/api/v1/customers/by_user_id/?{query}")).bearer(&key).send();
        assert_eq!(ask(&format!("user_id={user}")).await.expect(200), one);
        let mut tx = app.system().write().await.unwrap();
        let id: uuid::Uuid = user.parse().unwrap();
        tx.exec(sql!("UPDATE user_account SET legacy_user_id = 42 WHERE id = $1"), args![id]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(ask("user_id=42").await.expect(200), one);
        let missing = ask("user_id=0198a000-0000-7000-8000-000000000000").await;
        assert_eq!(missing.expect_error(404, "PROFILE_NOT_FOUND")["detail"], "Customer profile not found");
        ask("user_id=43").await.expect_error(404, "PROFILE_NOT_FOUND");
        ask("user_id=x").await.expect_error(400, "PARAMETER_INVALID");
        let exists = app.post("/api/v1/customers/check_profile_exists").bearer(&key);
        let wrong = exists.json(json!({"user_id": "x"})).send().await;
        let error = &wrong.expect_error(422, "VALIDATION_FAILED")["errors"][0];
        assert_eq!((&error["field"], &error["code"]), (&json!("user_id"), &json!("invalid_uuid")));
        ask("").await.expect_error(400, "PARAMETER_INVALID");
        ask("user=1").await.expect_error(400, "UNKNOWN_PARAMETER");
    })
    .await;
}

#[tokio::test]
async fn a47_by_user_name_in_any_case() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        assert_eq!(one["username"], "adalovelace");
        let get = |name: &str| app.get(format!("/api/v1/customers/username/{name}/")).bearer(&key).send();
        assert_eq!(get("AdaLovelace").await.expect(200), one);
        get("ada").await.expect_error(404, "CUSTOMER_NOT_FOUND");
    })
    .await;
}

#[tokio::test]
async fn a48_by_address_in_its_normalised_form() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "Ada+news@example.com").await;
        let get = |email: &str| app.get(format!("/api/v1/customers/email/{email}")).bearer(&key).send();
        assert_eq!(get("ada+news@EXAMPLE.com").await.expect(200), one);
        assert_eq!(get("ada%2Bnews%40example.com").await.expect(200), one);
        get("ada@example.com").await.expect_error(404, "CUSTOMER_NOT_FOUND");
        get("nobody").await.expect_error(404, "CUSTOMER_NOT_FOUND");
    })
    .await;
}

#[tokio::test]
async fn a15_whether_a_profile_exists_tells_nobody_about_others() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        let (token, user) = register(app, "me@example.com").await;
        let ask = |bearer: &str, user: &Value| {
            let body = json!({"user_id": user});
            app.post("/api/v1/customers/check_profile_exists/").bearer(bearer).json(body).send()
        };
        let no = json!({"exists": false, "profile_exists": false, "customer_id": null});
        let yes =
            |c: &Value| json!({"exists": true, "profile_exists": true, "customer_id": c["customer_id"]});
        assert_eq!(ask(&key, &one["user_id"]).await.expect(200), yes(&one));
        assert_eq!(ask(&token, &one["user_id"]).await.expect(200), no, "no enumeration");
        assert_eq!(ask(&token, &json!(user)).await.expect(200), no);
        let own = app
            .post("/api/v1/customers/profile/create/")
            .bearer(&token)
            .json(json!({}))
            .send()
            .await
            .expect(201);
        assert_eq!(ask(&token, &json!(user)).await.expect(200), yes(&own));
        assert_eq!(ask(&key, &json!(7)).await.expect(200), no);
        ask(&key, &json!("seven")).await.expect_error(422, "VALIDATION_FAILED");
    })
    .await;
}

#[tokio::test]
async fn b8_a_character_that_no_database_keeps_names_nobody() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        customer(app, &key, "one@example.com").await;
        for (rest, code) in [
            ("username/a%00b", "CUSTOMER_NOT_FOUND"),
            ("email/a%00b@example.com", "CUSTOMER_NOT_FOUND"),
            ("CUST_%00", "CUSTOMER_NOT_FOUND"),
        ] {
            app.get(format!("/api/v1/customers/{rest}")).bearer(&key).send().await.expect_error(404, code);
        }
        app.get("/api/v1/customers/by_user_id?user_id=1%00")
            .bearer(&key)
            .send()
            .await
            .expect_error(400, "PARAMETER_INVALID");
        for filter in [
            "username",
            "email",
            "customer_id",
            "external_id",
            "city",
            "state",
            "postal_code",
            "country",
            "company_name",
            "tag",
        ] {
            let reply = app.get(format!("/api/v1/customers/?{filter}=a%00b")).bearer(&key).send().await;
            assert!(reply.status.as_u16() < 500, "{filter}: {}", reply.text());
        }
    })
    .await;
}
