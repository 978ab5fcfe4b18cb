//! `GET /api/v1/customers/`.
//!
//! Rows of the endpoints and promises: A8, C7.

use std::time::Duration;

use fixtures::key;
use platform::test::{TestApp, on_both_engines};
use serde_json::{Value, json};

use crate::common::features;

async fn people(app: &TestApp, key: &str, n: usize) {
    for i in 0..n {
        app.advance(Duration::from_secs(1));
        let body = json!({
            "first_name": format!("F{i:02}"), "last_name": format!("L{:02}", i % 7), "email": format!("p{i:02}@example.com"),
            "city": if i % 2 == 0 { "Bogotá" } else { "Lima" }, "country": if i % 3 == 0 { "USA" } else { "United States" },
            "tags": if i % 5 == 0 { "vip" } else { "" }, "company_name": if i % 4 == 0 { json!("Tech Corp") } else { Value::Null },
            "gender": if i % 2 == 0 { json!("female") } else { Value::Null },
            "date_of_birth": if i % 3 == 0 { json!(format!("1990-01-{:02}", i % 28 + 1)) } else { Value::Null }
        });
        app.post("/api/v1/customers/").bearer(key).json(body).send().await.expect(201);
    }
}

fn emails(list: &Value) -> Vec<String> {
    let rows = list["customers"].as_array().unwrap();
    rows.iter().map(|c| c["email"].as_str().unwrap()[..3].to_owned()).collect()
}

#[tokio::test]
async fn a8_pages_by_skip_page_and_cursor_are_the_same_rows() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        people(app, &key, 23).await;
        let get = async |query: &str| {
            app.get(format!("/api/v1/customers/?{query}")).bearer(&key).send().await.expect(200)
        };
        let seed = get("skip=0&limit=100&is_active=true").await;
        assert_eq!((&seed["total"], &seed["limit"], &seed["offset"]), (&json!(23), &json!(100), &json!(0)));
        assert_eq!((&seed["has_more"], &seed["total_pages"]), (&json!(false), &json!(1)));
        let all = emails(&seed);
        assert_eq!((all[0].as_str(), all.len()), ("p22", 23), "newest first");
        assert_eq!(emails(&get("skip=10&limit=5").await), all[10..15]);
        assert_eq!(emails(&get("page=3&limit=5").await), all[10..15]);
        for sort in [
            "-created_at",
            "updated_at",
            "last_name,-created_at",
            "-last_name,city",
            "first_name",
            "-email",
            "city,-email",
            "-country",
            "date_of_birth",
            "-date_of_birth,last_name",
            "total_services",
            "last_login_at",
            "username",
            "id",
        ] {
            let whole = emails(&get(&format!("sort={sort}&limit=1000")).await);
            let mut seen = Vec::new();
            let mut cursor = String::new();
            loop {
                let page = get(&format!("sort={sort}&limit=4{cursor}")).await;
                seen.extend(emails(&page));
                match page["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(seen, whole, "{sort}");
            assert_eq!(seen.len(), 23, "{sort}");
        }
        let desc = get("sort_by=email&sort_order=desc&limit=2").await;
        assert_eq!(emails(&desc), ["p22", "p21"]);
    })
    .await;
}

#[tokio::test]
async fn a8_filters_narrow_and_are_counted() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        people(app, &key, 20).await;
        for (query, total) in [
            ("is_active=true", 20),
            ("is_active=false", 0),
            ("is_verified=true", 0),
            ("is_verified=false", 20),
            ("city=bogota", 10),
            ("city=BOGOT%C3%81&gender=female", 10),
            ("country=us", 20),
            ("country=U.S.A.", 20),
            ("country=Atlantis", 0),
            ("tag=VIP", 4),
            ("tag=vi", 0),
            ("company_name=Tech%20Corp", 5),
            ("is_business_customer=true", 5),
            ("is_business_customer=false", 15),
            ("email=P03@EXAMPLE.com", 1),
            ("username=F03L03", 1),
            ("created_after=2999-01-01", 0),
            ("created_before=2999-01-01", 20),
            ("tag=vip&city=lima&is_active=true", 2),
        ] {
            let list = app
                .get(format!("/api/v1/customers/?limit=1000&{query}"))
                .bearer(&key)
                .send()
                .await
                .expect(200);
            let rows = list["customers"].as_array().unwrap().len();
            assert_eq!((list["total"].as_u64(), rows), (Some(total), total as usize), "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn a8_what_cannot_be_read_is_refused_with_what_can() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        for (query, status, code) in [
            ("limit=1001", 422, "LIMIT_TOO_LARGE"),
            ("limit=x", 400, "PARAMETER_INVALID"),
            ("sort=colour", 400, "UNKNOWN_SORT_FIELD"),
            ("colour=red", 400, "UNKNOWN_PARAMETER"),
            ("cursor=x", 400, "CURSOR_INVALID"),
            ("is_active=perhaps", 400, "PARAMETER_INVALID"),
            ("gender=robot", 400, "PARAMETER_INVALID"),
        ] {
            app.get(format!("/api/v1/customers/?{query}"))
                .bearer(&key)
                .send()
                .await
                .expect_error(status, code);
        }
        app.get("/api/v1/customers/").send().await.expect_error(401, "NOT_AUTHENTICATED");
    })
    .await;
}

#[tokio::test]
async fn c7_the_number_of_statements_does_not_grow_with_the_rows() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        people(app, &key, 50).await;
        for query in ["", "&city=lima", "&sort=last_name"] {
            let few = app.get(format!("/api/v1/customers/?limit=5{query}")).bearer(&key).send().await;
            let many = app.get(format!("/api/v1/customers/?limit=50{query}")).bearer(&key).send().await;
            assert_eq!(many.statements(), few.statements(), "{query}");
            assert_eq!(few.statements(), 2, "the page and the total");
        }
        let one = app.get("/api/v1/customers/email/p01@example.com").bearer(&key).send().await;
        assert_eq!(one.statements(), 1);
    })
    .await;
}
