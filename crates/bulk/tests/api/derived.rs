//! What is stored twice stays in step: whoever changes a field and however, the customer is found by the new value, in
//! every list, and not by the old one.
//!
//! Rows of the endpoints and promises: A8, A49, A50, C7.

use database::Engine;
use database::Target;
use database::driver::{rusqlite, tokio_postgres};
use database::{args, row, sql};
use fixtures::{customer, key, path};
use platform::test::{TestApp, on_both_engines};
use serde_json::{Value, json};

use crate::bulk::{bulk, people};
use crate::common::features;
use crate::import::import;

/// A filter, the member that it is about, what that was and becomes, and how the filter asks for each.
type Case = (&'static str, &'static str, Value, Value, &'static str, &'static str);

fn cases() -> Vec<Case> {
    vec![
        ("postal_code", "postal_code", json!("97201"), json!("10-001"), "97201", "10001"),
        ("city", "city", json!("Quito"), json!("Cuenca"), "quito", "cuenca"),
        ("state", "state", json!("Azuay"), json!("Loja"), "azuay", "loja"),
        ("country", "country", json!("Peru"), json!("Chile"), "PE", "CL"),
        ("country", "country", json!("Atlantis"), json!("Mordor"), "Atlantis", "Mordor"),
        ("company_name", "company_name", json!("Acme"), json!("Bolt"), "Acme", "Bolt"),
        ("is_business_customer", "tax_id", json!("T-1"), Value::Null, "true", "false"),
        ("gender", "gender", json!("female"), json!("other"), "female", "other"),
        ("tag", "tags", json!("vip"), json!("gold,new"), "vip", "gold"),
        ("is_active", "is_active", json!(true), json!(false), "true", "false"),
        ("is_verified", "is_verified", json!(false), json!(true), "false", "true"),
        ("external_id", "external_id", json!("E-1"), json!("E-2"), "E-1", "E-2"),
        (
            "email",
            "email",
            json!("Old@example.com"),
            json!("new@example.com"),
            "old@example.com",
            "NEW@example.com",
        ),
        // A new address or number has not the mark of the old one.
        ("email_verified", "email", json!("old@example.com"), json!("new@example.com"), "true", "false"),
        ("phone_verified", "phone", json!("+15208782491"), json!("+15208782492"), "true", "false"),
    ]
}

/// Filters by what no change changes.
const FIXED: [&str; 6] = ["username", "customer_id", "user_id", "created_after", "created_before", "match"];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Patch,
    ByIds,
    ByFilter,
    Import,
}

impl Way {
    /// `false` if this way changes no such member: those that are different for everybody.
    async fn change(self, app: &TestApp, key: &str, one: &Value, member: &str, value: &Value) -> bool {
        let updates = json!({member: value});
        let unique = ["email", "external_id"].contains(&member);
        match self {
            Way::Patch => drop(app.patch(path(one, "")).bearer(key).json(updates).send().await.expect(200)),
            Way::ByIds | Way::ByFilter if unique => return false,
            Way::ByIds => {
                let body = json!({"customer_ids": [one["customer_id"]], "updates": updates});
                assert_eq!(bulk(app, key, body).await.expect(200)["updated_count"], 1, "{member}");
            }
            Way::ByFilter => {
                let body = json!({"filter": {"customer_id": one["customer_id"]}, "updates": updates});
                bulk(app, key, body).await.expect(202);
                app.run_jobs().await;
            }
            Way::Import => {
                let row = json!({"customer_id": one["customer_id"], member: value});
                let query = "?format=ndjson&mode=update&match=customer_id";
                let (job, report) = import(app, key, query, row.to_string()).await;
                assert_eq!(job["progress"]["updated"], 1, "{member}: {report:?}");
            }
        }
        true
    }
}

/// Where it is found by this filter, of all that take it; of two of them unless `everywhere`.
async fn found_in(
    app: &TestApp,
    key: &str,
    one: &Value,
    (filter, asked): (&str, &str),
    everywhere: bool,
) -> Vec<&'static str> {
    let id = one["customer_id"].as_str().unwrap();
    let query = format!("{filter}={}", asked.replace('+', "%2B"));
    let mut lists = vec![("list", format!("/api/v1/customers/?{query}"))];
    lists.push(("export", format!("/api/v1/customers/export?columns=customer_id&{query}")));
    if ["city", "state", "country", "postal_code"].contains(&filter) {
        lists.push(("location", format!("/api/v1/customers/location/search?{query}")));
    }
    if filter == "tag" {
        lists.push(("tags", format!("/api/v1/customers/tags/{asked}")));
    }
    lists.truncate(if everywhere { lists.len() } else { 1 });
    let mut found = Vec::new();
    for (name, list) in lists {
        let reply = app.get(list).bearer(key).send().await;
        reply.expect(200);
        found.extend(reply.text().contains(id).then_some(name));
    }
    let value = asked.parse::<bool>().map_or_else(|_| json!(asked), Value::Bool);
    if everywhere {
        let member = if filter == "tag" { "tags" } else { filter };
        let search = json!({member: value});
        let reply = app.post("/api/v1/customers/search").bearer(key).json(search).send().await;
        reply.expect(200);
        found.extend(reply.text().contains(id).then_some("search"));
    }
    let body = json!({"filter": {filter: value, "user_id": one["user_id"]}, "updates": {"notes": "x"}, "dry_run": true});
    let would = bulk(app, key, body).await.expect(200);
    found.extend((would["would_update"] == 1).then_some("bulk update"));
    found
}

#[tokio::test]
async fn a8_a_changed_field_finds_by_the_new_value_only_in_every_list() {
    let all: Vec<&str> = customers::tags::service::list::SPEC.filters.iter().map(|f| f.name).collect();
    let known: Vec<&str> = cases().iter().map(|case| case.0).chain(FIXED).collect();
    assert!(all.iter().all(|name| known.contains(name)), "a case for each of {all:?}");
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        customer(app, &key, "bystander@example.com").await;
        let one = customer(app, &key, "first@example.com").await;
        for way in [Way::Patch, Way::ByIds, Way::ByFilter, Way::Import] {
            let everywhere = way == Way::Patch;
            for (filter, member, old, new, asked_old, asked_new) in cases() {
                let what = format!("{way:?} of {member} from {old} to {new}, by {filter}");
                let mut begin = json!({"company_name": null, "tax_id": null});
                begin[member] = old.clone();
                app.patch(path(&one, "")).bearer(&key).json(begin).send().await.expect(200);
                if filter.ends_with("_verified") && filter != "is_verified" {
                    let mark = format!("/verify-{}", if member == "email" { "email" } else { "phone" });
                    app.patch(path(&one, &mark)).bearer(&key).send().await.expect(200);
                }
                let before = found_in(app, &key, &one, (filter, asked_old), everywhere).await;
                assert!(before.len() >= if everywhere { 4 } else { 2 }, "{what}: found before in {before:?}");
                if !way.change(app, &key, &one, member, &new).await {
                    continue;
                }
                assert_eq!(
                    found_in(app, &key, &one, (filter, asked_new), everywhere).await,
                    before,
                    "{what}: the new value"
                );
                let left = found_in(app, &key, &one, (filter, asked_old), everywhere).await;
                assert_eq!(left, Vec::<&str>::new(), "{what}: the old value");
            }
        }
    })
    .await;
}

async fn stored_keys(app: &TestApp) -> Vec<Option<String>> {
    let mut tx = app.system().read().await.unwrap();
    let keys = sql!("SELECT postal_key FROM customer ORDER BY created_at, id" => Option<String>);
    tx.all(keys, []).await.unwrap()
}

/// Runs a migration once more on a database that has it, but for its index.
async fn migrate_again(app: &TestApp, name: &str, index: &str) {
    let migration = platform::test::migrations().into_iter().find(|m| m.name == name).unwrap();
    let drop_index = format!("DROP INDEX {index};");
    match &app.db.options.target {
        Target::Sqlite(file) => {
            let conn = rusqlite::Connection::open(file).unwrap();
            conn.execute_batch(&(drop_index + &migration.sqlite)).unwrap();
        }
        Target::Postgres(url) => {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            let connection = tokio::spawn(connection);
            client.batch_execute(&(drop_index + &migration.postgres)).await.unwrap();
            drop(client);
            connection.await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn a8_keys_of_postal_codes_that_stayed_behind_are_repaired() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let made = people(app, &key, &["Lima"; 4]).await;
        let codes = [json!("SW1A 1AA"), json!("１００‐8111"), Value::Null, json!("97201")];
        for (one, code) in made.iter().zip(&codes) {
            app.patch(path(one, "")).bearer(&key).json(json!({"postal_code": code})).send().await.expect(200);
        }
        let right = stored_keys(app).await;
        assert_eq!(
            right,
            ["sw1a1aa", "1008111", "", "97201"].map(|k| Some(k.to_owned()).filter(|k| !k.is_empty()))
        );
        let ctx = app.system();
        let mut tx = ctx.write().await.unwrap();
        // What older releases left: on SQLite a key of the code before, on both what SQL makes of other scripts.
        let ascii = tx.engine() == Engine::Sqlite;
        let stale = sql!("UPDATE customer SET postal_key = 'stale' WHERE $1 OR postal_code LIKE '%‐%'");
        tx.exec(stale, args![ascii]).await.unwrap();
        tx.commit().await.unwrap();
        migrate_again(app, "0009_postal_key", "customer_without_postal_key").await;
        let repaired = stored_keys(app).await;
        assert_eq!((&repaired[0], &repaired[1], &repaired[2]), (&right[0], &None, &None));
        customers::customer::service::keys::fill(&app.system()).await.unwrap();
        assert_eq!(stored_keys(app).await, right);
    })
    .await;
}

/// Makes of a customer what a release with other rules could have stored.
async fn store_by_older_rules(app: &TestApp, one: &Value) {
    let id: uuid::Uuid = one["id"].as_str().unwrap().parse().unwrap();
    let ctx = app.system();
    let mut tx = ctx.write().await.unwrap();
    let user = sql!(
        "UPDATE user_account SET username = 'root', email = 'A..B@example', email_key = 'a..b@example', phone = '12-3',
           phone_digits = '123' WHERE id = (SELECT user_id FROM customer WHERE id = $1)"
    );
    tx.exec(user, args![id]).await.unwrap();
    let customer = sql!(
        "UPDATE customer SET tags = tags || ',over', country = 'Old Name', country_code = 'DE' WHERE id = $1"
    );
    tx.exec(customer, args![id]).await.unwrap();
    let tag = sql!("INSERT INTO tag (id, name, name_key, created_at) VALUES ($1, 'over', 'over', $2)");
    let of = ctx.new_id();
    tx.exec(tag, args![of, ctx.now()]).await.unwrap();
    let attached = sql!("INSERT INTO customer_tag (tag_id, customer_id) VALUES ($1, $2)");
    tx.exec(attached, args![of, id]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn c7_what_was_stored_by_older_rules_survives_every_change() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let tags: Vec<String> = (0..50).map(|i| format!("t{i}")).collect();
        let body = json!({"first_name": "Ada", "last_name": "Old", "email": "ada@example.com", "tags": tags});
        let one = app.post("/api/v1/customers/").bearer(&key).json(body).send().await.expect(201);
        store_by_older_rules(app, &one).await;
        let get = async |path: &str| app.get(path).bearer(&key).send().await.expect(200);
        for change in [json!({"first_name": "Eve"}), json!({"city": "Lima"}), json!({"notes": "n"})] {
            app.patch(path(&one, "")).bearer(&key).json(&change).send().await.expect(200);
            for found in ["email/A..b@example", "username/root"] {
                let found = get(&format!("/api/v1/customers/{found}")).await;
                assert_eq!((&found["id"], &found["country_code"]), (&one["id"], &json!("DE")), "{change}");
                assert_eq!(found["tag_list"].as_array().unwrap().len(), 51, "{change}");
            }
            assert_eq!(get("/api/v1/customers/?email=a..b@example").await["total"], 1, "{change}");
            assert_eq!(get("/api/v1/customers/?tag=over").await["customers"][0]["id"], one["id"], "{change}");
        }
        let search = json!({"phone": "123"});
        let found = app.post("/api/v1/customers/search").bearer(&key).json(search).send().await.expect(200);
        assert_eq!(found["total"], 1, "by the digits that were stored");
        // The address is still nobody else's, and whoever sorts by it passes over nobody.
        let mut tx = app.system().read().await.unwrap();
        let keys = sql!("SELECT email_key, phone_digits FROM user_account" => Keys);
        let stored = tx.one(keys, []).await.unwrap();
        assert_eq!(
            (stored.email_key, stored.phone_digits),
            (Some("a..b@example".into()), Some("123".into()))
        );
        drop(tx);
        customer(app, &key, "b@example.com").await;
        let first = get("/api/v1/customers/?sort=email&limit=1").await;
        let next = format!(
            "/api/v1/customers/?sort=email&limit=1&cursor={}",
            first["next_cursor"].as_str().unwrap()
        );
        assert_eq!(
            (&first["customers"][0]["id"], &get(&next).await["customers"][0]["email"]),
            (&one["id"], &json!("b@example.com"))
        );
        let tags = json!({"tags": "one"});
        app.patch(path(&one, "")).bearer(&key).json(tags).send().await.expect(200);
        for gone in ["t0", "t49", "over"] {
            let list = get(&format!("/api/v1/customers/tags/{gone}?created_after=2000-01-01")).await;
            assert_eq!(list["customers"], json!([]), "{gone}");
        }
        assert_eq!(get("/api/v1/customers/?tag=t0").await["total"], 0);
    })
    .await;
}

row! { struct Keys { email_key: Option<String>, phone_digits: Option<String> } }
