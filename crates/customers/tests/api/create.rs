//! `POST /api/v1/customers/`.
//!
//! Rows of the endpoints and promises: A16, C16, C18.

use std::collections::HashSet;

use fixtures::{actions, company, company_key, customer, key, ledger, path, prove, register};
use futures_util::future::join_all;
use platform::test::{on_both_engines, on_both_engines_with};
use serde_json::{Value, json};

use crate::common::features;

/// Seed 004's example, word for word.
fn seed_example() -> Value {
    json!({
        "first_name": "John",
        "last_name": "Doe",
        "email": "john.doe@example.com",
        "phone": "+1-555-0123",
        "address_line1": "123 Main Street",
        "city": "New York",
        "state": "NY",
        "postal_code": "10001",
        "country": "USA",
        "date_of_birth": "1990-01-15T00:00:00",
        "gender": "male",
        "company_name": "Tech Corp",
        "marketing_emails": true,
        "marketing_sms": false,
        "notes": "Premium customer",
        "tags": "premium,tech,new-york"
    })
}

#[tokio::test]
async fn a16_the_example_of_seed_004_works_word_for_word() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let reply = app.post("/api/v1/customers/").bearer(&key).json(seed_example()).send().await;
        let body = reply.expect(201);
        let mut expected = seed_example();
        expected["date_of_birth"] = json!("1990-01-15");
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&body[name], value, "{name}");
        }
        for (name, value) in [
            ("username", json!("johndoe")),
            ("is_active", json!(true)),
            ("is_verified", json!(false)),
            ("email_verified", json!(false)),
            ("phone_verified", json!(false)),
            ("last_login_at", Value::Null),
            ("full_name", json!("John Doe")),
            ("full_address", json!("123 Main Street, New York, NY, 10001, USA")),
            ("formatted_address", json!("123 Main Street\nNew York, NY 10001\nUSA")),
            ("country_code", json!("US")),
            ("is_business_customer", json!(true)),
            ("tag_list", json!(["premium", "tech", "new-york"])),
            ("total_services", json!(0)),
            ("preferred_contact_method", json!("email")),
            ("notification_preferences", json!({})),
            ("metadata", json!({})),
            ("version", json!(1)),
        ] {
            assert_eq!(body[name], value, "{name}");
        }
        let id = body["customer_id"].as_str().unwrap();
        assert!(id.len() == 13 && id.starts_with("CUST_"), "{id}");
        assert_eq!(reply.header("location"), format!("/api/v1/customers/{id}"));
        let read = app.get(path(&body, "/")).bearer(&key).send().await;
        assert_eq!(read.expect(200), body);
        assert_eq!(read.header("etag"), reply.header("etag"));
        assert_eq!(actions(app, &body).await, ["customer.created"]);
        let states = ledger(app, &body).await;
        assert!(states.contains(&("marketing_emails".into(), true, "staff".into())), "{states:?}");
        assert!(states.contains(&("marketing_sms".into(), false, "staff".into())), "{states:?}");
    })
    .await;
}

#[tokio::test]
async fn a16_names_and_a_way_to_reach_are_needed_and_all_faults_come_at_once() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let post = |body: Value| app.post("/api/v1/customers").bearer(&key).json(body).send();
        let problem = post(json!({"last_name": " ", "gender": "robot", "colour": "red", "date_of_birth": "soon"})).await;
        let problem = problem.expect_error(422, "VALIDATION_FAILED");
        let fields: HashSet<&str> =
            problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
        assert_eq!(fields, HashSet::from(["first_name", "last_name", "email", "gender", "colour", "date_of_birth"]));
        let ahead = json!({"first_name": "A", "last_name": "B", "phone": "+1-555-0123", "date_of_birth": "2999-01-01"});
        let problem = post(ahead).await.expect_error(422, "VALIDATION_FAILED");
        assert_eq!(problem["errors"][0]["code"], "in_the_future");
        let phone_only = post(json!({"first_name": "A", "last_name": "B", "phone_number": "+1-555-0123"})).await.expect(201);
        assert_eq!((&phone_only["phone"], &phone_only["email"]), (&json!("+1-555-0123"), &Value::Null));
        let conflicting = json!({
            "first_name": "A", "last_name": "B", "email": "x@example.com", "street_address": "One", "address_line1": "Two"
        });
        let problem = post(conflicting).await.expect_error(422, "VALIDATION_FAILED");
        assert_eq!(problem["errors"][0]["code"], "conflicting_values");
        let fixed = json!({"first_name": "A", "last_name": "B", "email": "x@example.com", "total_services": 5, "role": "admin"});
        let problem = post(fixed).await.expect_error(403, "FIELD_NOT_WRITABLE");
        assert_eq!(problem["fields"], json!(["user_role", "total_services"]));
        let nobody = app.post("/api/v1/customers").json(seed_example()).send().await;
        nobody.expect_error(401, "NOT_AUTHENTICATED");
    })
    .await;
}

#[tokio::test]
async fn b_both_spellings_are_read_and_lists_of_tags() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let body = json!({
            "first_name": "A", "last_name": "B", "email": "x@example.com", "street_address": "One", "active": true,
            "phone": "+1-555-0123", "phone_number": "+1-555-0123", "tags": ["VIP", "vip", "Café"],
            "metadata": {"crm": "7"}, "external_id": "E-1", "customer_since": "2019-05-01T00:00:00Z",
            "notification_preferences": {"sms": {"quiet": true}}, "preferred_contact_method": "sms",
            "emergency_contact_name": "Eve", "emergency_contact_phone": "+1-555-0199", "business_type": "retail"
        });
        let reply = app.post("/api/v1/customers").bearer(&key).json(&body).send().await.expect(201);
        for (name, value) in [
            ("address_line1", json!("One")),
            ("tags", json!("VIP,Café")),
            ("metadata", json!({"crm": "7"})),
            ("external_id", json!("E-1")),
            ("customer_since", json!("2019-05-01T00:00:00.000000Z")),
            ("notification_preferences", json!({"sms": {"quiet": true}})),
            ("preferred_contact_method", json!("sms")),
            ("emergency_contact_name", json!("Eve")),
            ("emergency_contact_phone", json!("+1-555-0199")),
            ("business_type", json!("retail")),
            ("is_business_customer", json!(false)),
        ] {
            assert_eq!(reply[name], value, "{name}");
        }
        let again = json!({"first_name": "C", "last_name": "D", "email": "y@example.com", "external_id": "E-1"});
        let again = app.post("/api/v1/customers").bearer(&key).json(again).send().await;
        again.expect_error(409, "CUSTOMER_EXTERNAL_ID_EXISTS");
    })
    .await;
}

#[tokio::test]
async fn c16_a_thousand_john_does_have_a_thousand_names() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let mut names = HashSet::new();
        let mut numbers = HashSet::new();
        for hundred in 0..10 {
            let requests = (0..100).map(|n| {
                let email = format!("john{}@example.com", hundred * 100 + n);
                let body = json!({"first_name": "John", "last_name": "Doe", "email": email});
                app.post("/api/v1/customers/").bearer(&key).json(body).send()
            });
            for reply in join_all(requests).await {
                let body = reply.expect(201);
                let name = body["username"].as_str().unwrap().to_owned();
                assert!(name.starts_with("johndoe"), "{name}");
                names.insert(name);
                numbers.insert(body["customer_id"].as_str().unwrap().to_owned());
            }
        }
        assert_eq!((names.len(), numbers.len()), (1000, 1000));
    })
    .await;
}

#[tokio::test]
async fn c18_one_of_many_creations_with_one_address_wins() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let requests = (0..64).map(|n| {
            let email = if n % 2 == 0 { "race@example.com" } else { " RACE@Example.com" };
            let body = json!({"first_name": "A", "last_name": "B", "email": email});
            app.post("/api/v1/customers/").bearer(&key).json(body).send()
        });
        let replies = join_all(requests).await;
        assert_eq!(replies.iter().filter(|r| r.status == 201).count(), 1);
        for reply in replies.iter().filter(|r| r.status != 201) {
            let problem = reply.expect_error(409, "CUSTOMER_EMAIL_EXISTS");
            assert_eq!(problem["detail"], "Customer with this email already exists");
        }
        let list = app.get("/api/v1/customers/").bearer(&key).send().await.expect(200);
        assert_eq!(list["total"], 1);
    })
    .await;
}

#[tokio::test]
async fn c18_an_address_is_unique_when_it_is_changed_as_well() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        customer(app, &key, "two@example.com").await;
        let taken =
            app.patch(path(&one, "")).bearer(&key).json(json!({"email": "TWO@example.com"})).send().await;
        taken.expect_error(409, "CUSTOMER_EMAIL_EXISTS");
        let own =
            app.patch(path(&one, "")).bearer(&key).json(json!({"email": "ONE@example.com"})).send().await;
        assert_eq!(own.expect(200)["email"], "ONE@example.com");
    })
    .await;
}

#[tokio::test]
async fn a16_who_registered_and_proved_the_address_keeps_the_login() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let (token, user) = register(app, "reg@example.com").await;
        prove(app, "reg@example.com").await;
        let reply = customer(app, &key, "reg@example.com").await;
        assert_eq!((&reply["user_id"], &reply["first_name"]), (&json!(user), &json!("Test")));
        let own = app.get("/api/v1/customers/profile/").bearer(&token).send().await.expect(200);
        assert_eq!(own["customer_id"], reply["customer_id"]);
        let body = json!({"first_name": "A", "last_name": "B", "email": "reg@example.com"});
        let again = app.post("/api/v1/customers/").bearer(&key).json(body).send().await;
        again.expect_error(409, "CUSTOMER_EMAIL_EXISTS");
    })
    .await;
}

#[tokio::test]
async fn a16_what_was_set_up_on_an_unproven_address_is_revoked() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let (token, user) = register(app, "squat@example.com").await;
        let reply = customer(app, &key, "squat@example.com").await;
        assert_eq!((&reply["user_id"], &reply["first_name"]), (&json!(user), &json!("Ada")));
        app.get("/api/v1/customers/profile/").bearer(&token).send().await.expect(401);
        let login = json!({"email": "squat@example.com", "password": "Pass123!"});
        app.post("/api/auth/login/").json(login).send().await.expect(401);
    })
    .await;
}

#[tokio::test]
async fn a16_staff_of_a_company_create_in_it_and_cannot_take_foreign_users() {
    on_both_engines(&features(), async |app| {
        company(app, "COMP-001").await;
        let manager = company_key(app, "manager", "COMP-001").await;
        let reply = customer(app, &manager, "inside@example.com").await;
        assert_eq!(reply["company_id"], "COMP-001");
        assert_eq!(app.get(path(&reply, "")).bearer(&manager).send().await.expect(200), reply);
        register(app, "outside@example.com").await;
        prove(app, "outside@example.com").await;
        let body = json!({"first_name": "A", "last_name": "B", "email": "outside@example.com"});
        let taken = app.post("/api/v1/customers/").bearer(&manager).json(body).send().await;
        taken.expect_error(409, "CUSTOMER_EMAIL_EXISTS");
        let viewer = company_key(app, "viewer", "COMP-001").await;
        let body = json!({"first_name": "A", "last_name": "B", "email": "v@example.com"});
        let refused = app.post("/api/v1/customers/").bearer(&viewer).json(body).send().await;
        refused.expect_error(403, "PERMISSION_DENIED");
    })
    .await;
}

#[tokio::test]
async fn b_consent_starts_as_the_settings_say_and_the_ledger_says_so() {
    let settings = [("consent.marketing_emails_default", "false"), ("consent.marketing_sms_default", "true")];
    on_both_engines_with(&features(), &settings, async |app| {
        let key = key(app, "employee").await;
        let reply = customer(app, &key, "a@example.com").await;
        assert_eq!((&reply["marketing_emails"], &reply["marketing_sms"]), (&json!(false), &json!(true)));
        let states = ledger(app, &reply).await;
        let default = "default".to_owned();
        assert_eq!(
            states,
            [("marketing_emails".into(), false, default.clone()), ("marketing_sms".into(), true, default)]
        );
    })
    .await;
}

#[tokio::test]
async fn a16_the_same_idempotency_key_creates_once() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let post = |body: Value| {
            app.post("/api/v1/customers/").bearer(&key).header("idempotency-key", "k-1").json(body).send()
        };
        let first = post(seed_example()).await;
        let again = post(seed_example()).await;
        assert_eq!(first.expect(201), again.expect(201));
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(again.header("location"), first.header("location"));
        let mut other = seed_example();
        other["city"] = json!("Boston");
        post(other).await.expect_error(422, "IDEMPOTENCY_KEY_REUSED");
    })
    .await;
}

#[tokio::test]
async fn b_a_strict_deployment_refuses_numbers_that_no_country_gives_out() {
    on_both_engines_with(&features(), &[("phone.strict", "true")], async |app| {
        let key = key(app, "employee").await;
        let post = |phone: &str| {
            let body = json!({"first_name": "A", "last_name": "B", "phone": phone, "country": "USA"});
            app.post("/api/v1/customers/").bearer(&key).json(body).send()
        };
        post("+1-555-0123").await.expect_error(422, "VALIDATION_FAILED");
        post("(520) 878-2491").await.expect(201);
    })
    .await;
}
