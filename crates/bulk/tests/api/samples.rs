//! Every sample value and every example request of the five source documents that these routes answer.
//!
//! Rows of the endpoints and promises: A8, A9, A16, A17, A19, A20, A47, A48, A50, A51, A52, A53, A54, A55, A56, C17, and
//! the fields (B) of seed 004, some of which have their tests elsewhere:
//!
//! | row B of seed 004 | test |
//! |---|---|
//! | ids, names, e-mail, phone; address; birth, gender, company, tax id; notes and tags | `b_004_fields_have_the_lengths_of_its_columns`, `b_every_sample_…` |
//! | is_active … phone_verified; marketing; created_at, updated_at, last_login_at; full_name, full_address, formatted_address | `b_004_defaults_and_computed_members`, `b_consent_starts_as_the_settings_say_and_the_ledger_says_so` in `create` |
//! | search body | `a49_the_body_of_the_document_finds_its_customer`, `a49_every_member_is_optional_and_narrows` in `search` |
//! | statistics | the walk below, `statistics` |
//! | schemas | `b_004_its_schemas_are_components` in `server/tests/openapi.rs` |
//! | user names, CUST_ ids, one customer per address | `b_004_names_and_ids_are_made_and_an_address_is_taken_once` |
//! | indexes | `b4_…` and `a55_…` in `customer/store/plans.rs` |
//! | planned: pictures | `b_004_…` in `avatars` |

use fixtures::{key, path};
use platform::test::on_both_engines;
use serde_json::{Value, json};

use crate::common::features;

/// Every phone in the documents. What no country gives out is kept all the same.
const PHONES: [(&str, Option<&str>, &str); 5] = [
    ("+1-555-0123", None, "possible"),
    ("+15551234567", None, "possible"),
    ("+1234567890", None, "possible"),
    ("+9876543210", None, "possible"),
    // None of them is valid, so here is one that is.
    ("(520) 878-2491", Some("+15208782491"), "valid"),
];

/// Every address of mail in the documents.
const EMAILS: [&str; 7] = [
    "john.doe@example.com",
    "test@example.com",
    "john@example.com",
    "user@example.com",
    "customer@example.com",
    "admin@company.com",
    "jane.smith@example.com",
];

#[tokio::test]
async fn b_every_sample_phone_is_accepted_kept_and_marked() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        for (phone, e164, status) in PHONES {
            let body = json!({"first_name": "A", "last_name": "B", "phone": phone, "country": "USA"});
            let made = app.post("/api/v1/customers/").bearer(&key).json(body).send().await.expect(201);
            assert_eq!((&made["phone"], &made["phone_e164"]), (&json!(phone), &json!(e164)), "{phone}");
            let shown = made["phone_status"].as_str().unwrap();
            assert!(shown == status || (status == "possible" && shown == "unparsed"), "{phone}: {shown}");
            let read = app.get(path(&made, "")).bearer(&key).send().await.expect(200);
            assert_eq!(read, made);
        }
        let body = json!({"first_name": "A", "last_name": "B", "email": "no.phone@example.com"});
        let made = app.post("/api/v1/customers/").bearer(&key).json(body).send().await.expect(201);
        assert_eq!((&made["phone_e164"], &made["phone_status"]), (&Value::Null, &Value::Null));
    })
    .await;
}

#[tokio::test]
async fn b_every_sample_address_and_birth_date_is_accepted_and_kept() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let dates = ["1990-01-15T00:00:00", "1990-01-15"];
        for (email, date) in EMAILS.into_iter().zip(dates.into_iter().cycle()) {
            let body = json!({"first_name": "A", "last_name": "B", "email": email, "date_of_birth": date});
            let made = app.post("/api/v1/customers/").bearer(&key).json(body).send().await.expect(201);
            assert_eq!((&made["email"], &made["date_of_birth"]), (&json!(email), &json!("1990-01-15")));
            let found =
                app.get(format!("/api/v1/customers/email/{email}")).bearer(&key).send().await.expect(200);
            assert_eq!(found["customer_id"], made["customer_id"]);
        }
    })
    .await;
}

/// Seed 004, "Python Client Example" and "cURL Examples", as far as they are about one customer.
#[tokio::test]
async fn a16_a9_the_samples_of_seed_004_for_python_and_curl() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let python = json!({
            "first_name": "John", "last_name": "Doe", "email": "john.doe@example.com", "phone": "+1-555-0123"
        });
        let made = app.post("/api/v1/customers/").bearer(&key).json(python).send().await.expect(201);
        let customer_id = made["customer_id"].as_str().unwrap();
        let read = app.get(format!("/api/v1/customers/{customer_id}")).bearer(&key).send().await.expect(200);
        assert_eq!(read, made);
        let curl = json!({"first_name": "John", "last_name": "Doe", "email": "john.doe@example.com"});
        let again = app.post("/api/v1/customers/").bearer(&key).json(curl).send().await;
        let problem = again.expect_error(409, "CUSTOMER_EMAIL_EXISTS");
        assert_eq!(problem["detail"], "Customer with this email already exists");
    })
    .await;
}

/// Seed 004, sections 1, 3, 4, 5 and 7, in its order; each answer has the members that it documents.
#[tokio::test]
async fn a8_to_a20_a47_to_a53_the_walk_through_seed_004() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let one = app
            .post("/api/v1/customers/")
            .bearer(&key)
            .json(json!({
                "first_name": "John", "last_name": "Doe", "email": "john.doe@example.com", "phone": "+1-555-0123",
                "address_line1": "123 Main Street", "city": "New York", "state": "NY", "postal_code": "10001",
                "country": "USA", "date_of_birth": "1990-01-15T00:00:00", "gender": "male", "company_name": "Tech Corp",
                "marketing_emails": true, "marketing_sms": false, "notes": "Premium customer",
                "tags": "premium,tech,new-york"
            }))
            .send()
            .await
            .expect(201);
        let get = async |path: String| app.get(path).bearer(&key).send().await.expect(200);
        for found in [
            path(&one, ""),
            format!("/api/v1/customers/username/{}", one["username"].as_str().unwrap()),
            "/api/v1/customers/email/john.doe@example.com".to_owned(),
        ] {
            assert_eq!(get(found).await, one);
        }
        let list = get("/api/v1/customers/?skip=0&limit=100&is_active=true".to_owned()).await;
        assert_eq!((&list["total"], &list["customers"][0]), (&json!(1), &one));
        let body = json!({"city": "Boston"});
        let put = app.put(path(&one, "")).bearer(&key).json(body).send().await.expect(200);
        assert_eq!((&put["city"], &put["address_line1"]), (&json!("Boston"), &json!("123 Main Street")));
        for (rest, member) in [("/verify-email", "email_verified"), ("/verify-phone", "phone_verified")] {
            let marked = app.patch(path(&one, rest)).bearer(&key).send().await.expect(200);
            assert_eq!(marked[member], true);
        }
        let login = app.patch(path(&one, "/last-login")).bearer(&key).send().await.expect(200);
        assert!(login["last_login_at"].is_string(), "{login}");
        let figures = get("/api/v1/customers/statistics/overview".to_owned()).await;
        for (member, value) in [
            ("total_customers", json!(1)),
            ("active_customers", json!(1)),
            ("verified_customers", json!(0)),
            ("new_customers_today", json!(1)),
            ("new_customers_this_week", json!(1)),
            ("new_customers_this_month", json!(1)),
            ("customers_by_country", json!({"USA": 1})),
            ("customers_by_city", json!({"Boston": 1})),
            ("average_customer_age", json!(36.0)),
            ("gender_distribution", json!({"male": 1, "female": 0, "other": 0, "unspecified": 0})),
        ] {
            assert_eq!(figures[member], value, "{member}");
        }
        app.delete(path(&one, "")).bearer(&key).send().await.expect(204);
        assert_eq!(get(path(&one, "")).await["is_active"], false);
        app.delete(path(&one, "/hard")).bearer(&key).send().await.expect(204);
        app.get(path(&one, "")).bearer(&key).send().await.expect_error(404, "CUSTOMER_NOT_FOUND");
    })
    .await;
}

/// What seed 004 says of a customer of whom only name and address are known.
#[tokio::test]
async fn b_004_defaults_and_computed_members() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let body = json!({"first_name": " Ann ", "last_name": "Lee ", "email": "ann.lee@example.com"});
        let made = app.post("/api/v1/customers/").bearer(&key).json(body).send().await.expect(201);
        for (member, value) in [
            ("is_active", json!(true)),
            ("is_verified", json!(false)),
            ("email_verified", json!(false)),
            ("phone_verified", json!(false)),
            ("marketing_emails", json!(true)),
            ("marketing_sms", json!(false)),
            ("notes", Value::Null),
            ("tags", json!("")),
            ("last_login_at", Value::Null),
            ("updated_at", made["created_at"].clone()),
            ("full_name", json!("Ann Lee")),
            ("full_address", json!("")),
            ("formatted_address", json!("")),
        ] {
            assert_eq!(made[member], value, "{member}");
        }
        let body = json!({"address_line2": "Floor 2", "city": "Boston", "country": "USA"});
        let moved = app.patch(path(&made, "")).bearer(&key).json(body).send().await.expect(200);
        assert_eq!(moved["full_address"], "Floor 2, Boston, USA");
        assert_eq!(moved["formatted_address"], "Floor 2\nBoston\nUSA");
    })
    .await;
}

/// Seed 004, "Business Logic".
#[tokio::test]
async fn b_004_names_and_ids_are_made_and_an_address_is_taken_once() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let create = |first: &str, email: &str| {
            let body = json!({"first_name": first, "last_name": "Doe", "email": email});
            app.post("/api/v1/customers/").bearer(&key).json(body).send()
        };
        let john = create("John", "john@example.com").await.expect(201);
        let other = create("John", "other@example.com").await.expect(201);
        let long = create(&"Maximilian".repeat(5), "long@example.com").await.expect(201);
        assert_eq!(john["username"], "johndoe");
        let digits = other["username"].as_str().unwrap().strip_prefix("johndoe").unwrap();
        assert!(!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()), "{digits}");
        assert_eq!(long["username"], "maximilianmaximilian");
        for made in [&john, &other, &long] {
            let id = made["customer_id"].as_str().unwrap().strip_prefix("CUST_").unwrap();
            assert!(id.len() == 8 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F')), "{id}");
        }
        create("Jo", "JOHN@example.com").await.expect_error(409, "CUSTOMER_EMAIL_EXISTS");
        let body = json!({"email": "John@Example.com"});
        let taken = app.patch(path(&other, "")).bearer(&key).json(body).send().await;
        taken.expect_error(409, "CUSTOMER_EMAIL_EXISTS");
    })
    .await;
}

/// Seed 004, sections 2, 3 and 6, word for word.
#[tokio::test]
async fn a49_a50_a54_to_a56_the_samples_of_seed_004_for_many() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let body = json!({
            "first_name": "John", "last_name": "Doe", "email": "john.doe@example.com", "city": "New York",
            "state": "NY", "country": "USA", "tags": "premium,tech,new-york"
        });
        let one = app.post("/api/v1/customers/").bearer(&key).json(body).send().await.expect(201);
        for query in
            [json!({"query": "john", "page": 1, "limit": 10}), json!({"query": "john", "city": "New York"})]
        {
            let found =
                app.post("/api/v1/customers/search").bearer(&key).json(query).send().await.expect(200);
            assert_eq!((&found["customers"], &found["total"]), (&json!([one]), &json!(1)));
        }
        let get = async |path: &str| app.get(format!("/api/v1/customers/{path}")).bearer(&key).send().await;
        for list in ["tags/premium,tech", "location/search?city=New%20York&country=USA"] {
            assert_eq!(get(list).await.expect(200)["customers"], json!([one]), "{list}");
        }
        for (place, names) in
            [("countries", "USA"), ("cities?country=USA", "New York"), ("states?country=USA", "NY")]
        {
            let member = place.split('?').next().unwrap();
            assert_eq!(get(&format!("available/{place}")).await.expect(200)[member], json!([names]));
        }
        let body = json!({
            "customer_ids": [one["customer_id"], "CUST_B2C3D4E5"],
            "updates": {"marketing_emails": false, "notes": "Bulk updated customer", "tags": "bulk-updated"}
        });
        let done = app.post("/api/v1/customers/bulk-update").bearer(&key).json(body).send().await.expect(200);
        assert_eq!((&done["updated_count"], &done["not_found"]), (&json!(1), &json!(["CUST_B2C3D4E5"])));
        assert_eq!(get("tags/bulk-updated").await.expect(200)["total"], 1);
    })
    .await;
}

/// The lengths that seed 004 gives its columns, counted in characters.
#[tokio::test]
async fn b_004_fields_have_the_lengths_of_its_columns() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let body = json!({"first_name": "A", "last_name": "B", "email": "a@example.com"});
        let one = app.post("/api/v1/customers/").bearer(&key).json(body).send().await.expect(201);
        let patch = |body: Value| app.patch(path(&one, "")).bearer(&key).json(body).send();
        for (name, most) in [
            ("first_name", 100),
            ("last_name", 100),
            ("address_line1", 255),
            ("address_line2", 255),
            ("city", 100),
            ("state", 100),
            ("postal_code", 20),
            ("country", 100),
            ("company_name", 255),
            ("tax_id", 50),
            ("tags", 500),
        ] {
            let fits = patch(json!({ name: "é".repeat(most) })).await.expect(200);
            assert_eq!(fits[name], "é".repeat(most), "{name}");
            let problem =
                patch(json!({ name: "é".repeat(most + 1) })).await.expect_error(422, "VALIDATION_FAILED");
            assert_eq!(problem["errors"][0]["code"], "too_long", "{name}");
        }
        let long = patch(json!({"notes": "n\n".repeat(5000)})).await.expect(200);
        assert!(
            long["notes"].as_str().unwrap().len() > 9000,
            "notes are text without the length of a column"
        );
        for gender in ["male", "female", "other"] {
            assert_eq!(patch(json!({ "gender": gender })).await.expect(200)["gender"], gender);
        }
    })
    .await;
}
