//! The index of the search follows what it is about: every kind of change, whoever makes it, and what older releases left.
//!
//! Rows of the endpoints and promises: A49, A50, C7, C10.

use customers::search::model::tokens::VERSION;
use customers::search::service::index::Release;
use database::Engine;
use database::{args, sql};
use fixtures::{customer, key, mailed_token, path, register, two_companies};
use platform::test::{TestApp, on_both_engines};
use serde_json::json;

use crate::common::features;
use crate::search::{SEARCH, create, found, john, search};

#[tokio::test]
async fn a49_a_customer_is_found_as_soon_as_the_change_was_answered() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let finds = async |query: &str| found(&search(app, &key, json!({"query": query})).await);
        let john = create(app, &key, john()).await;
        assert_eq!(finds("john").await, ["john.doe"]);
        assert_eq!(search(app, &key, json!({"first_name": "john"})).await["total"], 1);
        for (change, gone, now) in [
            // The user name and the address keep the old words.
            (json!({"first_name": "Gustavo"}), "nobody", "gustavo doe"),
            (json!({"last_name": "Quiroga"}), "nobody", "gustavo quiroga"),
            (json!({"city": "Valparaíso", "tags": ""}), "new york", "valparaiso"),
            (json!({"company_name": "Ferretería"}), "tech corp", "ferreteria"),
            (json!({"phone": "+56 32 212 3456"}), "15550123", "563221234"),
            (json!({"tags": "mayorista"}), "premium", "mayorista"),
            (json!({"external_id": "ERP-9"}), "ERP-10", "ERP-9"),
            (json!({"email": "gq@correo.example"}), "john.doe@example.com", "gq@correo.example"),
        ] {
            app.patch(path(&john, "")).bearer(&key).json(&change).send().await.expect(200);
            assert_eq!(finds(now).await.len(), 1, "{change}");
            assert!(finds(gone).await.is_empty(), "{change}");
        }
        assert_eq!(search(app, &key, json!({"first_name": "john"})).await["total"], 0);
        app.post(path(&john, "/verify")).bearer(&key).send().await.expect(200);
        assert_eq!(search(app, &key, json!({"query": "gustavo", "is_verified": true})).await["total"], 1);
        app.delete(path(&john, "")).bearer(&key).send().await.expect(204);
        assert_eq!(search(app, &key, json!({"query": "gustavo", "is_active": false})).await["total"], 1);
        assert_eq!(search(app, &key, json!({"query": "gustavo", "is_active": true})).await["total"], 0);
        app.delete(path(&john, "/hard")).bearer(&key).send().await.expect(204);
        assert!(finds("gustavo").await.is_empty(), "erased ones are found no more");
        let mut tx = app.system().read().await.unwrap();
        let left: i64 = tx.one(sql!("SELECT count(*) AS n FROM search_entry" => i64), []).await.unwrap();
        assert_eq!(left, 0);
        if tx.engine() == Engine::Sqlite {
            let indexed = sql!(sqlite: "SELECT count(*) AS n FROM customer_search_docsize" => i64);
            assert_eq!(tx.one(indexed, []).await.unwrap(), 0, "the index is a table of its own");
        }
    })
    .await;
}

#[tokio::test]
async fn a49_what_customers_change_themselves_is_found() {
    on_both_engines(&features(), async |app| {
        let staff = key(app, "admin").await;
        let finds = async |query: &str| search(app, &staff, json!({"query": query})).await["total"].clone();
        let (token, _) = register(app, "first@example.com").await;
        assert_eq!(finds("first@example.com").await, 0, "no profile yet");
        let create =
            app.post("/api/v1/customers/profile/create/").bearer(&token).json(json!({"city": "Quito"}));
        create.send().await.expect(201);
        assert_eq!(finds("quito").await, 1);
        let change = json!({"first_name": "Xiomara", "email": "second@example.com"});
        app.patch("/api/auth/profile/update/").bearer(&token).json(change).send().await.expect(200);
        assert_eq!(finds("xiomara").await, 1);
        let addresses = async || (finds("first@example.com").await, finds("second@example.com").await);
        assert_eq!(addresses().await, (json!(1), json!(0)), "the new one waits for its owner's proof");
        app.run_jobs().await;
        let proof = json!({"token": mailed_token(app, "second@example.com")});
        app.post("/api/auth/email/verify").bearer(&token).json(proof).send().await.expect(200);
        assert_eq!(addresses().await, (json!(0), json!(1)));
        let city = json!({"city": "Cuenca"});
        app.patch("/api/v1/customers/profile/update/").bearer(&token).json(city).send().await.expect(200);
        assert_eq!((finds("xiomara cuenca").await, finds("quito").await), (json!(1), json!(0)));
        app.delete("/api/v1/customers/profile/delete/").bearer(&token).send().await.expect(204);
        assert_eq!(finds("xiomara").await, 0);
    })
    .await;
}

#[tokio::test]
async fn c10_a_search_reaches_only_the_own_company() {
    on_both_engines(&features(), async |app| {
        let (ours, theirs) = two_companies(app).await;
        let all = key(app, "admin").await;
        let one = customer(app, &ours, "one@example.com").await;
        customer(app, &all, "free@example.com").await;
        let number = one["customer_id"].as_str().unwrap();
        for query in ["ada", "adalovelace", "one@example.com", number, "lovelase", "velac", "love"] {
            for body in [json!({"query": query}), json!({"query": query, "sort": "email"})] {
                let of = async |key: &str| search(app, key, body.clone()).await["total"].as_u64().unwrap();
                assert_eq!((of(&theirs).await, of(&ours).await), (0, 1), "{body}");
            }
        }
        let filter = json!({"first_name": "ad"});
        assert_eq!(found(&search(app, &ours, filter.clone()).await), ["one"]);
        assert_eq!(search(app, &theirs, filter.clone()).await["total"], 0);
        assert_eq!(search(app, &all, filter).await["total"], 2);
    })
    .await;
}

/// `n` customers written past the service, as a release without the index left them.
async fn old_customers(app: &TestApp, n: i64) {
    let ctx = app.system();
    let mut tx = ctx.write().await.unwrap();
    for i in 0..n {
        let (user, now) = (ctx.new_id(), ctx.now());
        let (name, email) = (format!("old{i}"), format!("old{i}@example.com"));
        tx.exec(
            sql!(
                "INSERT INTO user_account (id, unique_no, username, email, email_key, email_verified, first_name, last_name,
                   name_key, phone_verified, role, is_active, created_at, updated_at, version)
                 VALUES ($1, $2, $3, $4, $4, false, 'Perpetua', $5, $3, false, 'customer', true, $6, $6, 1)"
            ),
            args![user, 20_000_000 + i, name, email, if i % 2 == 0 { "Even" } else { "Odd" }, now],
        )
        .await
        .unwrap();
        tx.exec(
            sql!(
                "INSERT INTO customer (id, customer_id, user_id, is_active, is_verified, customer_since, total_services,
                   preferred_contact_method, notification_preferences, marketing_emails, marketing_sms, tags, metadata,
                   created_at, updated_at, version)
                 VALUES ($1, $2, $3, true, false, $4, 0, 'email', '{}', false, false, '', '{}', $4, $4, 1)"
            ),
            args![ctx.new_id(), format!("CUST_{i:08X}"), user, now],
        )
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a49_customers_of_an_older_release_are_indexed_and_paged_without_doubles() {
    on_both_engines(&features(), async |app| {
        const N: i64 = 1_203;
        let key = key(app, "employee").await;
        old_customers(app, N).await;
        customer(app, &key, "ada@example.com").await;
        assert_eq!(search(app, &key, json!({"query": "perpetua"})).await["total"], 0);
        let ctx = app.system();
        customers::search::service::index::fill(&ctx).await.unwrap();
        customers::search::service::index::fill(&ctx).await.unwrap();
        customers::search::service::index::merge(&ctx).await.unwrap();
        assert_eq!(search(app, &key, json!({"query": "lovelace"})).await["total"], 1);
        for (query, total) in [("perpetua", N), ("perp", N), ("perpetua even", N / 2 + 1), ("example", N + 1)]
        {
            let mut seen = Vec::new();
            let mut page = json!({"query": query, "limit": 250});
            loop {
                let reply = search(app, &key, page.clone()).await;
                assert_eq!(reply["total"], total, "{query}");
                seen.extend(found(&reply));
                match reply["next_cursor"].as_str() {
                    Some(next) => page["cursor"] = json!(next),
                    None => break,
                }
            }
            let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
            assert_eq!((seen.len(), distinct.len()), (total as usize, total as usize), "{query}");
            let at = search(app, &key, json!({"query": query, "limit": 7, "offset": 500})).await;
            assert_eq!(found(&at), seen[500..507], "{query}");
        }
        let sorted = search(app, &key, json!({"query": "perpetua", "sort": "email", "limit": 3})).await;
        assert_eq!(
            (found(&sorted), &sorted["total"]),
            (vec!["old0".into(), "old1000".into(), "old1001".into()], &json!(N))
        );
        let body = json!({"query": "perpetua", "gender": "male"});
        assert_eq!(search(app, &key, body).await["total"], 0, "what tokens do not answer narrows as well");
        let body = json!({"query": "perpetua", "last_name": "eve", "limit": 1});
        assert_eq!(search(app, &key, body).await["total"], N / 2 + 1);
    })
    .await;
}

/// The versions of the entries, by address, and how far the index is.
async fn entries(app: &TestApp) -> (Vec<String>, String) {
    let mut tx = app.system().read().await.unwrap();
    let entries = sql!("SELECT email || ' ' || city || ' ' || CAST(version AS text) AS n FROM search_entry ORDER BY email" => String);
    let entries = tx.all(entries, []).await.unwrap();
    let filled = sql!("SELECT value FROM setting WHERE name = 'search.filled'" => String);
    (entries, tx.one(filled, []).await.unwrap())
}

/// Gives the entries of an address another version and city, as a process with other rules would have written it.
async fn written_by(app: &TestApp, version: i64, email: &str, city: &str) {
    let mut tx = app.system().write().await.unwrap();
    let write = sql!("UPDATE search_entry SET version = $1, city = $3 WHERE email = $2");
    tx.exec(write, args![version, email, city]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a49_two_releases_do_not_index_each_others_entries_anew() {
    on_both_engines(&features(), async |app| {
        let (key, ctx) = (key(app, "employee").await, app.system());
        for email in ["a@x.test", "b@x.test"] {
            let made = customer(app, &key, email).await;
            app.patch(path(&made, "")).bearer(&key).json(json!({"city": "Lima"})).send().await.expect(200);
        }
        let (ours, newer) = (VERSION, VERSION + 1);
        let at = |a: i64, b: i64| vec![format!("a@x.test lima {a}"), format!("b@x.test lima {b}")];
        Release(ours).fill(&ctx).await.unwrap();
        assert_eq!(entries(app).await, (at(ours, ours), format!("{ours} filled")));
        Release(newer).fill(&ctx).await.unwrap();
        assert_eq!(entries(app).await, (at(newer, newer), format!("{newer} filled")));
        // The older one neither starts over nor touches them.
        Release(ours).fill(&ctx).await.unwrap();
        assert_eq!(entries(app).await, (at(newer, newer), format!("{newer} filled")));
        // What it writes with a change is renewed by the newer, and by that alone.
        written_by(app, ours, "b@x.test", "older").await;
        Release(ours).fill(&ctx).await.unwrap();
        assert_eq!(entries(app).await.0[1], format!("b@x.test older {ours}"));
        Release(newer).fill(&ctx).await.unwrap();
        assert_eq!(entries(app).await, (at(newer, newer), format!("{newer} filled")));
        // In the middle of filling, too: one that a still newer release wrote stays as it is.
        written_by(app, newer + 1, "a@x.test", "newest").await;
        let mut tx = app.system().write().await.unwrap();
        tx.exec(sql!("UPDATE setting SET value = '1 filled' WHERE name = 'search.filled'"), [])
            .await
            .unwrap();
        tx.commit().await.unwrap();
        Release(newer).fill(&ctx).await.unwrap();
        let left = vec![format!("a@x.test newest {}", newer + 1), format!("b@x.test lima {newer}")];
        assert_eq!(entries(app).await, (left, format!("{newer} filled")));
        assert_eq!(search(app, &key, json!({"query": "lima"})).await["total"], 2);
    })
    .await;
}

#[tokio::test]
async fn c7_a_search_runs_a_bounded_number_of_statements() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        for n in 0..40 {
            create(
                app,
                &key,
                json!({"first_name": "John", "last_name": "Doe", "email": format!("j{n}@example.com")}),
            )
            .await;
        }
        for query in
            ["john", "jo", "john doe", "jhon", "nobody at all", "j1@example.com", "+1 555 0123", "ohn"]
        {
            let few = app.post(SEARCH).bearer(&key).json(json!({"query": query, "limit": 1})).send().await;
            let many = app.post(SEARCH).bearer(&key).json(json!({"query": query, "limit": 40})).send().await;
            assert_eq!(few.statements(), many.statements(), "{query}");
            assert!(many.statements() <= 11, "{query}: {}", many.statements());
        }
    })
    .await;
}
