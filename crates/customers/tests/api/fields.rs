//! The fields of the source documents 000 and 001 (rows B): names, types, limits, defaults, and where each is stored.

use database::{args, sql};
use fixtures::{key, path, register};
use platform::test::on_both_engines;
use serde_json::{Value, json};

use crate::common::features;

/// The members of a profile that documents 000 and 001 name, each with the most characters it may have.
const TEXTS: [(&str, usize); 11] = [
    ("address_line1", 255),
    ("city", 100),
    ("state", 100),
    ("postal_code", 20),
    ("country", 100),
    ("company_name", 255),
    ("business_type", 100),
    ("tax_id", 50),
    ("emergency_contact_name", 200),
    ("emergency_contact_phone", 20),
    ("emergency_contact_relationship", 100),
];

fn profile() -> Value {
    json!({
        "street_address": "123 Test St", "city": "Portland", "state": "Oregon", "postal_code": "97201", "country": "USA",
        "company_name": "Test Corp", "business_type": "Logistics", "tax_id": "12-3456789",
        "emergency_contact_name": "Ann User", "emergency_contact_phone": "+15551234568",
        "emergency_contact_relationship": "sister", "preferred_contact_method": "phone",
        "notification_preferences": {"service_due": true, "channels": ["email", "sms"]}
    })
}

#[tokio::test]
async fn b_000_001_a_profile_has_every_field_and_keeps_what_was_sent() {
    on_both_engines(&features(), async |app| {
        let (token, user) = register(app, "test@example.com").await;
        let made = app
            .post("/api/v1/customers/profile/create/")
            .bearer(&token)
            .json(profile())
            .send()
            .await
            .expect(201);
        let read = app.get("/api/v1/customers/profile/").bearer(&token).send().await.expect(200);
        assert_eq!(read, made);
        assert!(uuid::Uuid::try_parse(read["id"].as_str().unwrap()).is_ok(), "Customer.id is a UUID");
        assert_eq!(read["user_id"], json!(user), "user_id is the UUID of the account");
        // Sent as street_address, shown under the one name it has.
        assert_eq!(read["address_line1"], "123 Test St");
        for (name, sent) in profile().as_object().unwrap() {
            if name != "street_address" {
                assert_eq!(&read[name], sent, "{name}");
            }
        }
        // Identity stands in the account and is shown in the profile.
        for (name, value) in [
            ("first_name", "Test"),
            ("last_name", "User"),
            ("email", "test@example.com"),
            ("phone", "+15551234567"),
            ("user_role", "customer"),
        ] {
            assert_eq!(read[name], value, "{name}");
        }
        assert_eq!(read["is_business_customer"], true);
        assert_eq!((&read["is_verified"], &read["total_services"]), (&json!(false), &json!(0)));
        assert_eq!(read["last_service_date"], Value::Null);
        assert_eq!(read["customer_since"], read["created_at"]);
    })
    .await;
}

#[tokio::test]
async fn b_000_001_defaults_limits_and_choices() {
    on_both_engines(&features(), async |app| {
        let (token, _) = register(app, "test@example.com").await;
        let empty = app.post("/api/v1/customers/profile/create/").bearer(&token).json(json!({})).send().await.expect(201);
        assert_eq!(empty["preferred_contact_method"], "email");
        assert_eq!(empty["notification_preferences"], json!({}));
        assert_eq!(empty["is_business_customer"], false);
        let patch = |body: Value| app.patch("/api/v1/customers/profile/update/").bearer(&token).json(body).send();
        for (name, most) in TEXTS {
            if name.ends_with("phone") {
                patch(json!({ name: "1".repeat(most + 1) })).await.expect_error(422, "VALIDATION_FAILED");
                continue;
            }
            // Characters are counted, not bytes.
            patch(json!({ name: "é".repeat(most) })).await.expect(200);
            let problem = patch(json!({ name: "é".repeat(most + 1) })).await.expect_error(422, "VALIDATION_FAILED");
            assert_eq!((&problem["errors"][0]["field"], &problem["errors"][0]["code"]), (&json!(name), &json!("too_long")));
        }
        for method in ["email", "phone", "sms"] {
            assert_eq!(patch(json!({"preferred_contact_method": method})).await.expect(200)["preferred_contact_method"], method);
        }
        patch(json!({"preferred_contact_method": "pigeon"})).await.expect_error(422, "VALIDATION_FAILED");
        patch(json!({"notification_preferences": {"text": "x".repeat(17 * 1024)}})).await.expect_error(422, "VALIDATION_FAILED");
        patch(json!({"notification_preferences": "all"})).await.expect_error(422, "VALIDATION_FAILED");
        for only in ["company_name", "tax_id"] {
            let other = if only == "tax_id" { "company_name" } else { "tax_id" };
            let reply = patch(json!({ only: "12-3456789", other: null })).await.expect(200);
            assert_eq!(reply["is_business_customer"], true, "{only} alone makes a business");
        }
    })
    .await;
}

#[tokio::test]
async fn b_001_the_account_holds_the_identity_once_and_the_password_hashed() {
    on_both_engines(&features(), async |app| {
        let (token, user) = register(app, "test@example.com").await;
        let claims = token.split('.').nth(1).unwrap();
        let claims: Value = serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap()).unwrap();
        let expected = json!({"user_id": user, "email": "test@example.com", "first_name": "Test", "last_name": "User", "user_role": "customer"});
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&claims[name], value, "the token's {name}");
        }
        let ctx = app.system();
        let mut tx = ctx.read().await.unwrap();
        let id: uuid::Uuid = user.parse().unwrap();
        let hash = tx.one(sql!("SELECT password_hash FROM credential WHERE user_id = $1" => String), args![id]).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "hashed, and never kept");
        drop(tx);
        // One account has one profile (user_id is unique), and counting a service is one method for all.
        let made = app.post("/api/v1/customers/profile/create/").bearer(&token).json(json!({})).send().await.expect(201);
        app.post("/api/v1/customers/profile/create/").bearer(&token).json(json!({})).send().await.expect_error(409, "PROFILE_ALREADY_EXISTS");
        let staff = key(app, "admin").await;
        let counted = app.post(path(&made, "/increment_service/")).bearer(&staff).send().await.expect(200);
        assert_eq!(counted["total_services"], 1);
        let read = app.get("/api/v1/customers/profile/").bearer(&token).send().await.expect(200);
        assert_eq!((&read["total_services"], &read["last_service_date"]), (&json!(1), &counted["last_service_date"]));
    })
    .await;
}

#[tokio::test]
async fn c7_refusals_say_what_to_do() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let create = async |body: Value| {
            let reply = app.post("/api/v1/customers/").bearer(&key).json(body).send().await;
            reply.expect_error(422, "VALIDATION_FAILED")
        };
        let error =
            create(json!({"first_name": "A", "last_name": "B", "email": "a@example.com", "ctiy": "x"})).await;
        let message = error["errors"][0]["message"].as_str().unwrap();
        assert!(
            message.starts_with("Is not a member of this request (did you mean city?); allowed are "),
            "{message}"
        );
        let error =
            create(json!({"first_name": "A", "last_name": "B", "email": "a@example.com", "tags": {}})).await;
        assert_eq!(error["detail"], "tags: Must be a text or a list of texts");
        let error =
            create(json!({"first_name": 1, "last_name": " ", "email": "a@", "date_of_birth": "x"})).await;
        for error in error["errors"].as_array().unwrap() {
            let message = error["message"].as_str().unwrap();
            assert!(message.starts_with(char::is_uppercase) && !message.ends_with('.'), "{error}");
        }
        for (path, told) in [
            (
                "/api/v1/customers/?ciy=x",
                "Unknown parameter \"ciy\" (did you mean city?); allowed are is_active",
            ),
            (
                "/api/v1/customers/stats?topp=3",
                "Unknown parameter \"topp\" (did you mean top?); allowed are top",
            ),
        ] {
            let refused = app.get(path).bearer(&key).send().await.expect_error(400, "UNKNOWN_PARAMETER");
            let detail = refused["detail"].as_str().unwrap();
            assert!(detail.starts_with(told), "{path}: {detail}");
        }
        let question = async |user: Value| {
            let asked = app.post("/api/v1/customers/check_profile_exists").bearer(&key);
            asked.json(json!({"user_id": user})).send().await
        };
        question(json!(0)).await.expect(200);
        question(json!("0")).await.expect(200);
        for wrong in [json!(true), json!(-1), json!(1.5), json!([]), json!("nobody")] {
            question(wrong.clone()).await.expect_error(422, "VALIDATION_FAILED");
        }
    })
    .await;
}
