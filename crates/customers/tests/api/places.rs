//! `GET /api/v1/customers/location/search` and `/available/…`.
//!
//! Rows of the endpoints and promises: A55, A56, C19.

use std::time::Duration;

use customers::statistics::service as statistics;
use fixtures::{company, company_key, key, path, register};
use platform::test::{TestApp, on_both_engines};
use serde_json::{Value, json};

use crate::common::features;

/// name, city, state, postal code, country
const PEOPLE: [[&str; 5]; 8] = [
    ["a", "New York", "NY", "10001", "USA"],
    ["b", "new york", "ny", "10001-22", "United States"],
    ["c", "Buffalo", "NY", "14201", "us"],
    ["d", "London", "", "SW1A 1AA", "England"],
    ["e", "London", "Ontario", "N6A", "Canada"],
    ["f", "Bogotá", "D.C.", "110111", "Colombia"],
    ["g", "BOGOTA", "", "", "Atlantis"],
    ["h", "", "NY", "", ""],
];

async fn create(app: &TestApp, key: &str, [name, city, state, postal, country]: [&str; 5]) -> Value {
    app.advance(Duration::from_secs(1));
    let text = |t: &str| if t.is_empty() { Value::Null } else { json!(t) };
    let body = json!({
        "first_name": name, "last_name": "P", "email": format!("{name}@example.com"), "city": text(city),
        "state": text(state), "postal_code": text(postal), "country": text(country)
    });
    app.post("/api/v1/customers/").bearer(key).json(body).send().await.expect(201)
}

fn names(list: &Value) -> Vec<&str> {
    list["customers"].as_array().unwrap().iter().map(|c| c["first_name"].as_str().unwrap()).collect()
}

async fn get(app: &TestApp, key: &str, rest: &str) -> Value {
    app.get(format!("/api/v1/customers/{rest}")).bearer(key).send().await.expect(200)
}

#[tokio::test]
async fn a55_c19_customers_at_a_place_in_any_spelling() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        for person in PEOPLE {
            create(app, &key, person).await;
        }
        // Once from differences that are not folded yet, once from counters.
        for _ in 0..2 {
            for (query, found) in [
                ("city=New%20York&country=USA", &["b", "a"][..]),
                ("city=NEW+YORK&country=u.s.a.", &["b", "a"]),
                ("city=New%20York&country=Canada", &[]),
                ("country=us", &["c", "b", "a"]),
                ("country=UK", &["d"]),
                ("country=Atlantis", &["g"]),
                ("city=london", &["e", "d"]),
                ("city=bogot%C3%A1", &["g", "f"]),
                ("city=bogota&country=CO", &["f"]),
                ("state=NY", &["h", "c", "b", "a"]),
                ("state=ny&country=US", &["c", "b", "a"]),
                ("state=ny&city=new%20york", &["b", "a"]),
                ("state=ny&city=new%20york&country=US", &["b", "a"]),
                ("state=ny&city=buffalo&country=GB", &[]),
                ("postal_code=sw1a1aa", &["d"]),
                ("postal_code=10001", &["a"]),
                ("postal_code=1000122&country=US&city=New%20York&state=NY", &["b"]),
                ("country=us&sort=first_name", &["a", "b", "c"]),
                ("country=us&is_active=false", &[]),
                ("country=us&is_active=true&city=buffalo", &["c"]),
                ("country=Atlantis&city=bogota", &["g"]),
            ] {
                let list = get(app, &key, &format!("location/search?{query}")).await;
                assert_eq!((names(&list), &list["total"]), (found.to_vec(), &json!(found.len())), "{query}");
            }
            statistics::fold(&app.system()).await.unwrap();
        }
        let page = get(app, &key, "location/search?country=us&page=2&limit=2").await;
        assert_eq!((names(&page), &page["total_pages"]), (vec!["a"], &json!(2)));
    })
    .await;
}

#[tokio::test]
async fn a55_a_search_by_place_says_where() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        for query in ["", "?city=", "?is_active=true"] {
            let reply =
                app.get(format!("/api/v1/customers/location/search{query}")).bearer(&key).send().await;
            let problem = reply.expect_error(400, "LOCATION_REQUIRED");
            assert!(problem["detail"].as_str().unwrap().contains("city, state, country, postal_code"));
        }
        let (customer, _) = register(app, "c@example.com").await;
        for route in [
            "location/search?city=x",
            "available/countries",
            "available/states",
            "available/cities?country=us",
        ] {
            let route = format!("/api/v1/customers/{route}");
            app.get(&route).bearer(&customer).send().await.expect_error(403, "STAFF_ONLY");
            app.get(&route).send().await.expect_error(401, "NOT_AUTHENTICATED");
        }
        for query in ["countries?counts=perhaps", "states?counts=2", "cities?counts=x"] {
            let reply = app.get(format!("/api/v1/customers/available/{query}")).bearer(&key).send().await;
            reply.expect_error(400, "PARAMETER_INVALID");
        }
        let reply = app.get("/api/v1/customers/available/countries?country=us").bearer(&key).send().await;
        reply.expect_error(400, "UNKNOWN_PARAMETER");
    })
    .await;
}

#[tokio::test]
async fn a56_the_places_there_are() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        for person in PEOPLE {
            create(app, &key, person).await;
        }
        for _ in 0..2 {
            for (asked, member, found) in [
                ("countries", "countries", json!(["Canada", "Colombia", "UK", "USA"])),
                (
                    "countries?counts=true",
                    "countries",
                    json!([
                        {"name": "Canada", "code": "CA", "count": 1}, {"name": "Colombia", "code": "CO", "count": 1},
                        {"name": "UK", "code": "GB", "count": 1}, {"name": "USA", "code": "US", "count": 3}
                    ]),
                ),
                ("states?country=USA", "states", json!(["NY"])),
                ("states?country=united%20states&counts=1", "states", json!([{"name": "NY", "count": 3}])),
                ("states", "states", json!(["D.C.", "NY", "Ontario"])),
                ("states?country=UK", "states", json!([])),
                ("states?country=Atlantis", "states", json!([])),
                ("cities?country=USA", "cities", json!(["Buffalo", "New York"])),
                (
                    "cities?country=us&state=ny&counts=true",
                    "cities",
                    json!([{"name": "Buffalo", "count": 1}, {"name": "New York", "count": 2}]),
                ),
                ("cities?country=us&state=oh", "cities", json!([])),
                ("cities?state=Ny", "cities", json!(["Buffalo", "New York"])),
                ("cities?country=Canada", "cities", json!(["London"])),
                ("cities", "cities", json!(["Bogotá", "Buffalo", "London", "New York"])),
                ("cities?country=Atlantis", "cities", json!([])),
            ] {
                let reply = get(app, &key, &format!("available/{asked}")).await;
                assert_eq!(reply, json!({member: found}), "{asked}");
            }
            statistics::fold(&app.system()).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a56_places_follow_every_change_and_every_scope() {
    on_both_engines(&features(), async |app| {
        company(app, "COMP-001").await;
        let (all, own) = (key(app, "admin").await, company_key(app, "manager", "COMP-001").await);
        let one = create(app, &all, PEOPLE[0]).await;
        let two = create(app, &all, PEOPLE[4]).await;
        create(app, &own, PEOPLE[2]).await;
        let countries = async |key: &str| get(app, key, "available/countries").await["countries"].clone();
        assert_eq!(countries(&own).await, json!(["USA"]));
        assert_eq!(get(app, &own, "available/cities?country=us").await, json!({"cities": ["Buffalo"]}));
        assert_eq!(get(app, &own, "available/cities").await, json!({"cities": ["Buffalo"]}));
        let states = get(app, &own, "available/states?country=us&counts=true").await;
        assert_eq!(states, json!({"states": [{"name": "NY", "count": 1}]}));
        for query in [
            "country=us",
            "state=ny",
            "country=us&state=ny",
            "country=us&city=buffalo",
            "city=buffalo&state=ny",
        ] {
            let list = get(app, &own, &format!("location/search?{query}")).await;
            assert_eq!((names(&list), &list["total"]), (vec!["c"], &json!(1)), "{query}");
        }
        assert_eq!(countries(&all).await, json!(["Canada", "USA"]));
        let moved = json!({"country": "France", "city": "Lyon", "state": null, "postal_code": "69 001"});
        app.patch(path(&two, "")).bearer(&all).json(moved).send().await.expect(200);
        app.delete(path(&one, "/hard")).bearer(&all).send().await.expect(204);
        assert_eq!(countries(&all).await, json!(["France", "USA"]));
        assert_eq!(names(&get(app, &all, "location/search?postal_code=69001").await), ["e"]);
        assert_eq!(get(app, &all, "location/search?city=london").await["total"], 0);
        assert_eq!(statistics::reconcile(&app.system()).await.unwrap(), []);
    })
    .await;
}
