//! `GET /api/v1/customers/stats/` and its other spelling.
//!
//! Rows of the endpoints and promises: A14, A53.

use std::time::Duration;

use customers::statistics::service as statistics;
use database::driver::inventory;
use database::{Entry, Target};
use fixtures::{company, company_key, customer, key, path};
use kernel::id::Random;
use platform::test::{TestApp, on_both_engines, on_both_engines_with};
use serde_json::{Value, json};

use crate::common::features;

async fn create(app: &TestApp, key: &str, body: Value) -> Value {
    app.post("/api/v1/customers/").bearer(key).json(body).send().await.expect(201)
}

async fn stats(app: &TestApp, key: &str) -> Value {
    app.get("/api/v1/customers/statistics/overview").bearer(key).send().await.expect(200)
}

#[tokio::test]
async fn a14_a53_the_figures_of_seed_004() {
    // The clock stands at 2026-05-28T20:26:40Z, a Thursday.
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        assert_eq!(stats(app, &key).await["average_customer_age"], Value::Null);
        let person = |n: i64, country: Value, city: Value, gender: Value, born: Value| {
            json!({
                "first_name": "P", "last_name": n.to_string(), "email": format!("p{n}@example.com"), "country": country,
                "city": city, "gender": gender, "date_of_birth": born
            })
        };
        create(app, &key, person(1, json!("USA"), json!("New York"), json!("male"), json!("1996-05-28"))).await;
        // The first who typed a city gives its spelling.
        app.advance(Duration::from_secs(1));
        create(app, &key, person(2, json!("united states"), json!("NEW YORK"), json!("female"), json!("1996-05-29"))).await;
        create(app, &key, person(3, json!("England"), json!("London"), json!("other"), Value::Null)).await;
        let four = create(app, &key, person(4, Value::Null, Value::Null, Value::Null, Value::Null)).await;
        create(app, &key, person(5, json!("Atlantis"), Value::Null, Value::Null, Value::Null)).await;
        app.post(path(&four, "/verify")).bearer(&key).send().await.expect(200);
        app.delete(path(&four, "")).bearer(&key).send().await.expect(204);
        app.post(path(&four, "/increment_service")).bearer(&key).send().await.expect(200);
        app.patch(path(&four, "")).bearer(&key).json(json!({"tax_id": "T-1"})).send().await.expect(200);
        let body = stats(app, &key).await;
        let expected = json!({
            "total_customers": 5, "active_customers": 4, "verified_customers": 1,
            "new_customers_today": 5, "new_customers_this_week": 5, "new_customers_this_month": 5,
            "customers_by_country": {"USA": 2, "Other": 1, "UK": 1},
            "customers_by_city": {"New York": 2, "London": 1},
            "unknown_country": 1, "unknown_city": 2,
            "average_customer_age": 29.5,
            "gender_distribution": {"male": 1, "female": 1, "other": 1, "unspecified": 2},
            "total_services": 1, "business_customers": 1, "computed_at": "2026-05-28T20:26:41.000000Z"
        });
        assert_eq!(body, expected);
        let first = body["customers_by_country"].as_object().unwrap().keys().next().unwrap().clone();
        assert_eq!(first, "USA", "largest first");
        assert_eq!(app.get("/api/v1/customers/stats/").bearer(&key).send().await.expect(200), body);
        let top = app.get("/api/v1/customers/stats/?top=1").bearer(&key).send().await.expect(200);
        assert_eq!((&top["customers_by_city"], &top["unknown_city"]), (&json!({"New York": 2}), &json!(2)));
        app.get("/api/v1/customers/stats/?top=0").bearer(&key).send().await.expect_error(400, "PARAMETER_INVALID");
        app.get("/api/v1/customers/stats/?bottom=1").bearer(&key).send().await.expect_error(400, "UNKNOWN_PARAMETER");
        let limited = key_without_statistics(app).await;
        app.get("/api/v1/customers/stats/").bearer(&limited).send().await.expect_error(403, "PERMISSION_DENIED");
    })
    .await;
}

async fn key_without_statistics(app: &TestApp) -> String {
    use identity::api_keys::service::{NewApiKey, create};
    let new = NewApiKey {
        name: "reader".into(),
        role: "employee".into(),
        scopes: vec!["customers.read".into()],
        company: None,
        expires_at: None,
    };
    create(&app.system(), new).await.unwrap().1.reveal()
}

#[tokio::test]
async fn a53_days_weeks_and_months_begin_where_the_deployment_lives() {
    // 20:26 UTC on Thursday 28 May 2026 is 08:26 on Friday the 29th in Auckland.
    let settings = [("time_zone", "Pacific/Auckland"), ("week_start", "sunday")];
    on_both_engines_with(&features(), &settings, async |app| {
        let key = key(app, "employee").await;
        let hours = |n: u64| Duration::from_secs(n * 3600);
        let new = async |n: u32| drop(customer(app, &key, &format!("p{n}@example.com")).await);
        let counts = async || {
            let s = stats(app, &key).await;
            ["new_customers_today", "new_customers_this_week", "new_customers_this_month"]
                .map(|f| s[f].as_i64().unwrap())
        };
        new(1).await;
        assert_eq!(counts().await, [1, 1, 1]);
        app.advance(hours(15));
        assert_eq!(counts().await, [1, 1, 1], "23:26 on Friday");
        app.advance(hours(1));
        new(2).await;
        assert_eq!(counts().await, [1, 2, 2], "Saturday");
        app.advance(hours(24));
        new(3).await;
        assert_eq!(counts().await, [1, 1, 3], "Sunday begins a week");
        app.advance(hours(24));
        new(4).await;
        assert_eq!(counts().await, [1, 2, 1], "Monday, 1 June");
    })
    .await;
}

#[tokio::test]
async fn a53_figures_equal_a_full_count_after_anything() {
    on_both_engines(&features(), async |app| {
        company(app, "COMP-001").await;
        let keys = [key(app, "admin").await, company_key(app, "manager", "COMP-001").await];
        let random = Random::seeded(7);
        let pick = |n: u64| random.below(n) as usize;
        let cities = ["Lima", "LIMA", "Bogotá", ""];
        let countries = ["Peru", "PE", "Nowhere", "colombia", ""];
        let genders = [json!("male"), json!("female"), json!("other"), Value::Null];
        let mut living: Vec<Value> = Vec::new();
        for step in 0..120 {
            app.advance(Duration::from_secs(random.below(40_000)));
            let facts = json!({
                "city": cities[pick(4)], "country": countries[pick(5)], "gender": genders[pick(4)],
                "date_of_birth": if pick(2) == 0 { json!(format!("19{:02}-02-{:02}", 50 + pick(50), 1 + pick(28))) } else { Value::Null },
                "tax_id": if pick(3) == 0 { json!("T") } else { Value::Null }
            });
            if living.len() < 5 || pick(3) == 0 {
                let mut body = facts;
                body["first_name"] = json!("A");
                body["last_name"] = json!("B");
                body["email"] = json!(format!("p{step}@example.com"));
                living.push(create(app, &keys[pick(2)], body).await);
                continue;
            }
            let n = pick(living.len() as u64);
            let one = living[n].clone();
            let request = match pick(7) {
                0 => app.patch(path(&one, "")).json(facts),
                1 => app.put(path(&one, "")).json(facts),
                2 => app.delete(path(&one, "")),
                3 => app.post(path(&one, "/activate")),
                4 => app.post(path(&one, "/verify")).json(json!({"is_verified": pick(2) == 0})),
                5 => app.post(path(&one, "/increment_service")),
                _ => {
                    living.remove(n);
                    app.delete(path(&one, "/hard"))
                }
            };
            let reply = request.bearer(&keys[0]).send().await;
            assert!(reply.status.is_success(), "{}", reply.text());
            if step % 10 == 0 {
                statistics::fold(&app.system()).await.unwrap();
            }
        }
        assert_eq!(statistics::reconcile(&app.system()).await.unwrap(), []);
        let total = stats(app, &keys[0]).await;
        assert_eq!(total["total_customers"], living.len());
        let before = total.clone();
        statistics::fold(&app.system()).await.unwrap();
        assert_eq!(stats(app, &keys[0]).await, before, "folding changes no figure");
    })
    .await;
}

#[tokio::test]
async fn a53_a_drift_is_found_and_put_right() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        customer(app, &key, "one@example.com").await;
        let mut tx = app.system().write().await.unwrap();
        tx.exec(database::sql!("DELETE FROM stat_delta WHERE metric = 'total'"), []).await.unwrap();
        tx.exec(database::sql!("DELETE FROM stat_counter WHERE metric = 'total'"), []).await.unwrap();
        tx.commit().await.unwrap();
        let drift = statistics::reconcile(&app.system()).await.unwrap();
        assert_eq!(drift.len(), 1);
        assert_eq!((drift[0].metric.as_str(), drift[0].counted, drift[0].stored), ("total", 1, 0));
        statistics::reconcile_job(&app.system()).await.unwrap();
        assert_eq!(statistics::reconcile(&app.system()).await.unwrap(), []);
        assert_eq!(stats(app, &key).await["total_customers"], 1);
    })
    .await;
}

#[tokio::test]
async fn a53_what_people_type_leaves_no_counters_behind() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let one = customer(app, &key, "one@example.com").await;
        for n in 0..5 {
            let body = json!({"city": format!("City {n}"), "country": format!("Country {n}")});
            app.patch(path(&one, "")).bearer(&key).json(body).send().await.expect(200);
        }
        statistics::fold(&app.system()).await.unwrap();
        let mut tx = app.system().read().await.unwrap();
        let keys: Vec<String> = tx
            .all(
                database::sql!("SELECT key FROM stat_counter WHERE metric IN ('city', 'country') ORDER BY metric" => String),
                [],
            )
            .await
            .unwrap();
        assert_eq!(keys, ["city 4", "other"]);
        drop(tx);
        assert_eq!(statistics::reconcile(&app.system()).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a53_many_differences_are_folded() {
    on_both_engines(&features(), async |app| {
        let mut tx = app.system().write().await.unwrap();
        tx.exec(
            database::sql!(
                sqlite: "DELETE FROM stat_delta",
                postgres: "INSERT INTO stat_delta (metric, key, company, n)
                           SELECT 'city', 'lima', '00000000-0000-0000-0000-000000000000', 1 FROM generate_series(1, 100001)"
            ),
            [],
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        statistics::fold(&app.system()).await.unwrap();
        assert!(!statistics::has_work(&app.system()).await.unwrap());
        let mut tx = app.system().read().await.unwrap();
        let n: i64 = tx.one(database::sql!("SELECT count(*) AS n FROM stat_delta" => i64), []).await.unwrap();
        assert_eq!(n, 0);
    })
    .await;
}

database::row! {
    struct City { city: String, n: i64 }
}

/// The largest cities by a count of the customers themselves, of all companies or of one.
async fn counted(app: &TestApp, company: Option<&str>, top: i64) -> Vec<(String, i64)> {
    let mut tx = app.system().read().await.unwrap();
    let cities = database::sql!(
        "SELECT c.city_key AS city, CAST(count(*) AS bigint) AS n FROM customer c JOIN user_account u ON u.id = c.user_id
         LEFT JOIN company o ON o.id = u.company_id
         WHERE c.erased_at IS NULL AND c.city_key IS NOT NULL AND ($1 OR o.company_id = $2)
         GROUP BY c.city_key ORDER BY count(*) DESC, c.city_key LIMIT $3" => City
    );
    let cities = tx.all(cities, database::args![company.is_none(), company, top]).await.unwrap();
    cities.into_iter().map(|city| (city.city, city.n)).collect()
}

#[tokio::test]
async fn a53_the_largest_cities_are_exact_while_customers_move() {
    on_both_engines(&features(), async |app| {
        company(app, "COMP-001").await;
        let (all, own) = (key(app, "admin").await, company_key(app, "manager", "COMP-001").await);
        let random = Random::seeded(11);
        let city = || json!(["", "a", "b", "c", "d", "e", "f", "g", "h"][random.below(9) as usize]);
        let mut living: Vec<Value> = Vec::new();
        for step in 0..50 {
            let key = if random.below(2) == 0 { &all } else { &own };
            if living.len() < 20 || step % 3 == 0 {
                let body = json!({"first_name": "A", "last_name": "B", "email": format!("p{step}@example.com"), "city": city()});
                living.push(create(app, key, body).await);
            } else {
                let one = &living[random.below(living.len() as u64) as usize];
                let body = json!({"city": city()});
                app.patch(path(one, "")).bearer(&all).json(body).send().await.expect(200);
            }
            if step % 4 == 0 {
                let gone = living.swap_remove(random.below(living.len() as u64) as usize);
                app.delete(path(&gone, "/hard")).bearer(&all).send().await.expect(204);
            }
            // Some differences are folded, some wait.
            if step % 7 == 0 {
                statistics::fold(&app.system()).await.unwrap();
            }
            if step % 5 == 0 {
                for (key, company) in [(&all, None), (&own, Some("COMP-001"))] {
                    for top in [1, 3, 1000] {
                        let path = format!("/api/v1/customers/stats/?top={top}");
                        let shown = app.get(path).bearer(key).send().await.expect(200);
                        let shown = shown["customers_by_city"].as_object().unwrap();
                        let shown: Vec<_> = shown.iter().map(|(city, n)| (city.clone(), n.as_i64().unwrap())).collect();
                        assert_eq!(shown, counted(app, company, top).await, "step {step}, {company:?}, top {top}");
                    }
                }
            }
        }
    })
    .await;
}

/// As many names as people type: the statements read what they show.
#[tokio::test]
async fn a53_the_largest_are_read_by_their_rank() {
    on_both_engines(&features(), async |app| {
        let mut tx = app.system().write().await.unwrap();
        tx.exec(
            database::sql!(
                sqlite: "WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 5000)
                         INSERT INTO stat_counter (metric, key, company, n)
                         SELECT m.column1, 'c' || i.n, zeroblob(16), i.n FROM i CROSS JOIN (VALUES ('city'), ('tag')) m",
                postgres: "INSERT INTO stat_counter (metric, key, company, n)
                           SELECT m, 'c' || i, '00000000-0000-0000-0000-000000000000', i
                           FROM generate_series(1, 5000) i CROSS JOIN unnest(ARRAY['city', 'tag']) m"
            ),
            [],
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        let statements = inventory::iter::<Entry>().filter(|entry| entry.at.contains("statistics/store/ranks.rs"));
        let mut seen = 0;
        for entry in statements {
            let plan = plan(app, entry, "10").await;
            assert!(plan.contains("stat_total_rank") || plan.contains("stat_counter_rank"), "{}: {plan}", entry.at);
            assert!(!plan.contains("Seq Scan on stat_total") && !plan.contains("Seq Scan on stat_counter"), "{plan}");
            seen += 1;
        }
        assert_eq!(seen, 4);
        let figures: Vec<_> = inventory::iter::<Entry>()
            .filter(|entry| entry.at.contains("statistics/store/mod.rs") && entry.postgres.contains("'birth_year'"))
            .collect();
        assert_eq!(figures.len(), 1);
        let plan = plan(app, figures[0], "true").await;
        assert!(!plan.contains("SCAN stat_counter") && !plan.contains("Seq Scan on stat_counter"), "{plan}");
    })
    .await;
}

/// How the database answers a statement, with `first` and some other arguments.
async fn plan(app: &TestApp, entry: &Entry, first: &str) -> String {
    match &app.db.options.target {
        Target::Sqlite(path) => {
            let db = rusqlite::Connection::open(path).unwrap();
            db.execute_batch("ANALYZE").unwrap();
            let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {}", entry.sqlite)).unwrap();
            let mut rows = explain.raw_query();
            let mut plan = String::new();
            while let Some(row) = rows.next().unwrap() {
                plan += &(row.get::<_, String>("detail").unwrap() + "; ");
            }
            plan
        }
        Target::Postgres(url) => {
            let (client, driver) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(driver);
            client
                .batch_execute("ANALYZE stat_counter; ANALYZE stat_total; ANALYZE stat_delta")
                .await
                .unwrap();
            let company = "'00000000-0000-0000-0000-000000000000'";
            let text =
                entry.postgres.replace("$1", first).replace("$2", company).replace("$3", "'2026-01-01'");
            let rows = client.query(&format!("EXPLAIN {text}"), &[]).await.unwrap();
            rows.iter().map(|row| row.get::<_, String>(0) + "; ").collect()
        }
    }
}
