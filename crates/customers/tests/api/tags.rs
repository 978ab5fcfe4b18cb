//! `GET /api/v1/customers/tags` and `/tags/{tags}`.
//!
//! Rows of the endpoints and promises: A54, C19.

use std::time::Duration;

use customers::statistics::service as statistics;
use fixtures::{company, company_key, key, path, register};
use platform::test::{TestApp, on_both_engines};
use serde_json::{Value, json};

use crate::common::features;

async fn tagged(app: &TestApp, key: &str, name: &str, tags: &str) -> Value {
    app.advance(Duration::from_secs(1));
    let body =
        json!({"first_name": name, "last_name": "T", "email": format!("{name}@example.com"), "tags": tags});
    app.post("/api/v1/customers/").bearer(key).json(body).send().await.expect(201)
}

fn names(list: &Value) -> Vec<&str> {
    list["customers"].as_array().unwrap().iter().map(|c| c["first_name"].as_str().unwrap()).collect()
}

async fn get(app: &TestApp, key: &str, rest: &str) -> Value {
    app.get(format!("/api/v1/customers/tags{rest}")).bearer(key).send().await.expect(200)
}

async fn five(app: &TestApp, key: &str) -> Vec<Value> {
    vec![
        tagged(app, key, "a", "premium,tech,new-york").await,
        tagged(app, key, "b", "Premium").await,
        tagged(app, key, "c", "tech").await,
        tagged(app, key, "d", "premium plus,Café").await,
        tagged(app, key, "e", "").await,
    ]
}

#[tokio::test]
async fn a54_c19_customers_with_any_tag_or_with_all() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        five(app, &key).await;
        for (asked, found) in [
            ("premium,tech", &["c", "b", "a"][..]),
            ("premium,tech?match=any", &["c", "b", "a"]),
            ("premium,tech?match=all", &["a"]),
            ("premium,tech,new-york?match=all", &["a"]),
            ("premium", &["b", "a"]),
            ("PREMIUM?match=all", &["b", "a"]),
            ("prem", &[]),
            ("cafe", &["d"]),
            ("CAF%C3%89", &["d"]),
            ("premium%20plus", &["d"]),
            ("premium,unknown", &["b", "a"]),
            ("premium,unknown?match=all", &[]),
            ("unknown", &[]),
            ("premium,%20,Premium,", &["b", "a"]),
            ("premium%2Ctech?match=all", &["a"]),
            ("premium,tech?sort=id", &["a", "b", "c"]),
            ("premium,tech?sort=-first_name", &["c", "b", "a"]),
            ("premium,tech?sort=created_at", &["a", "b", "c"]),
            ("premium,tech?match=all&sort=first_name", &["a"]),
            ("premium,tech?email=b@example.com", &["b"]),
            ("premium,tech?is_active=false", &[]),
            ("premium,tech?tag=new-york", &["a"]),
        ] {
            let list = get(app, &key, &format!("/{asked}")).await;
            assert_eq!((names(&list), &list["total"]), (found.to_vec(), &json!(found.len())), "{asked}");
            assert_eq!(list["total_is_exact"], Value::Null);
        }
    })
    .await;
}

#[tokio::test]
async fn a54_pages_are_the_same_rows_however_they_are_asked_for() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        for i in 0..23 {
            let tags = ["x", "y", "x,y", "z", "x,z"][i % 5];
            tagged(app, &key, &format!("n{i:02}"), tags).await;
        }
        for asked in ["/x", "/x,y", "/y,z,x", "/x,y?match=all", "/x,y?sort=id", "/x,z?sort=first_name"] {
            let and = if asked.contains('?') { '&' } else { '?' };
            let whole = get(app, &key, &format!("{asked}{and}limit=1000")).await;
            let all = names(&whole);
            let (mut seen, mut more) = (Vec::new(), String::new());
            loop {
                let page = get(app, &key, &format!("{asked}{and}limit=3{more}")).await;
                seen.extend(names(&page).into_iter().map(str::to_owned));
                assert_eq!(page["total"], all.len(), "{asked}");
                match page["next_cursor"].as_str() {
                    Some(cursor) => more = format!("&cursor={cursor}"),
                    None => break,
                }
            }
            assert_eq!(seen, all, "{asked}");
            let third = get(app, &key, &format!("{asked}{and}limit=2&skip=2")).await;
            assert_eq!(names(&third), all[2.min(all.len())..4.min(all.len())], "{asked}");
        }
    })
    .await;
}

#[tokio::test]
async fn a54_what_is_no_tag_is_refused() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let many = (0..51).map(|n| format!("t{n}")).collect::<Vec<_>>().join(",");
        let long = "x".repeat(501);
        for tags in ["%20", ",", many.as_str(), long.as_str(), "a%07b"] {
            let reply = app.get(format!("/api/v1/customers/tags/{tags}")).bearer(&key).send().await;
            reply.expect_error(400, "TAGS_INVALID");
        }
        let wrong = app.get("/api/v1/customers/tags/a?match=some").bearer(&key).send().await;
        wrong.expect_error(400, "PARAMETER_INVALID");
        let wrong = app.get("/api/v1/customers/tags?top=0").bearer(&key).send().await;
        wrong.expect_error(400, "PARAMETER_INVALID");
        let (customer, _) = register(app, "c@example.com").await;
        for route in ["/api/v1/customers/tags/a", "/api/v1/customers/tags"] {
            app.get(route).bearer(&customer).send().await.expect_error(403, "STAFF_ONLY");
            app.get(route).send().await.expect_error(401, "NOT_AUTHENTICATED");
        }
    })
    .await;
}

#[tokio::test]
async fn a54_nobody_sees_the_tags_of_another_company() {
    on_both_engines(&features(), async |app| {
        let all = key(app, "employee").await;
        company(app, "COMP-001").await;
        let own = company_key(app, "manager", "COMP-001").await;
        five(app, &all).await;
        tagged(app, &own, "f", "tech,own").await;
        tagged(app, &own, "g", "tech").await;
        for (asked, found) in [
            ("/tech", &["g", "f"][..]),
            ("/premium", &[]),
            ("/premium,tech", &["g", "f"]),
            ("/own,tech?match=all", &["f"]),
            ("/tech?sort=first_name", &["f", "g"]),
        ] {
            let list = get(app, &own, asked).await;
            assert_eq!((names(&list), &list["total"]), (found.to_vec(), &json!(found.len())), "{asked}");
        }
        assert_eq!(names(&get(app, &all, "/tech").await), ["g", "f", "c", "a"]);
        let expected = json!({"tags": [{"name": "tech", "count": 2}, {"name": "own", "count": 1}]});
        assert_eq!(get(app, &own, "").await, expected);
    })
    .await;
}

#[tokio::test]
async fn a54_the_tags_in_use_follow_every_change() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let people = five(app, &key).await;
        let counts = async || get(app, &key, "").await["tags"].clone();
        let expected = json!([
            {"name": "premium", "count": 2}, {"name": "tech", "count": 2}, {"name": "Café", "count": 1},
            {"name": "new-york", "count": 1}, {"name": "premium plus", "count": 1}
        ]);
        assert_eq!(counts().await, expected);
        assert_eq!(get(app, &key, "?top=1").await["tags"].as_array().unwrap().len(), 1);
        let change = json!({"tags": ["cafe", "gold"]});
        app.patch(path(&people[1], "")).bearer(&key).json(change).send().await.expect(200);
        app.delete(path(&people[0], "/hard")).bearer(&key).send().await.expect(204);
        statistics::fold(&app.system()).await.unwrap();
        let expected = json!([
            {"name": "Café", "count": 2}, {"name": "gold", "count": 1}, {"name": "premium plus", "count": 1},
            {"name": "tech", "count": 1}
        ]);
        assert_eq!(counts().await, expected);
        assert_eq!(names(&get(app, &key, "/premium,tech").await), ["c"]);
        assert_eq!(statistics::reconcile(&app.system()).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a54_the_number_of_statements_does_not_grow_with_the_rows() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        for i in 0..30 {
            tagged(app, &key, &format!("n{i}"), "x").await;
        }
        for limit in [5, 30] {
            let reply = app.get(format!("/api/v1/customers/tags/x?limit={limit}")).bearer(&key).send().await;
            assert_eq!(reply.statements(), 4, "the tag, its number, its rows, their customers");
        }
    })
    .await;
}
