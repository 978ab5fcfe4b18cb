//! The public id of a row: it names its customer only where nothing contradicts, and new customers keep it where it is free.

use fixtures::{company, company_key, customer, key, path};
use platform::test::{TestApp, on_both_engines};
use serde_json::{Value, json};

use crate::common::features;
use crate::import::{by_email, count, end_of, import, send};

const TAKEN: &str = "CUSTOMER_ID_OF_ANOTHER";

fn number(customer: &Value) -> &str {
    customer["customer_id"].as_str().unwrap()
}

/// What a dry run says and what happens then, which is the same.
async fn both(app: &TestApp, key: &str, query: &str, file: &str) -> Vec<String> {
    let before = count(app, key).await;
    let (_, dry) = import(app, key, &format!("{query}&dry_run=true"), file).await;
    assert_eq!(count(app, key).await, before, "a dry run writes nothing");
    let (_, done) = import(app, key, query, file).await;
    assert_eq!(dry, done, "{query}");
    done
}

#[tokio::test]
async fn import_takes_nobody_for_somebody_else_by_an_id() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let ann = json!({"first_name": "Ann", "last_name": "Able", "email": "ann@example.com", "phone": "555-0001", "external_id": "A-1"});
        let ann = app.post("/api/v1/customers/").bearer(&key).json(ann).send().await.expect(201);
        let id = number(&ann);
        let with = |row: &str| format!("customer_id,first_name,last_name,email,phone,external_id\n{id},{row}\n");
        for (query, row, verdict) in [
            ("?mode=update", "Bob,Baker,bob@b.example,,", format!("2 skipped {TAKEN}")),
            ("?mode=update", "Bob,Baker,,555-0002,", format!("2 skipped {TAKEN}")),
            ("?mode=update", "Bob,Baker,,,B-1", format!("2 skipped {TAKEN}")),
            ("?mode=update&match=customer_id", "Bob,Baker,bob@b.example,,", format!("2 failed {TAKEN}")),
            ("?mode=create", "Bob,Baker,bob@b.example,,", format!("2 created {TAKEN}")),
            ("?mode=upsert", "Cid,Cole,cid@c.example,,", format!("2 created {TAKEN}")),
            // By its other key, which somebody else has.
            ("?mode=upsert", "Cid,Colt,cid@c.example,,", format!("2 updated {TAKEN}")),
            ("?mode=create", "Cid,Colt,cid@c.example,,", "2 skipped ALREADY_EXISTS".to_owned()),
            // The same person: something agrees, or nothing contradicts.
            ("?mode=create", "Ann,Able,new@a.example,555-0001,", "2 skipped ALREADY_EXISTS".to_owned()),
            ("?mode=upsert", "Eve,Able,,,", "2 updated -".to_owned()),
            ("?mode=upsert", "Ann,Able,new@a.example,555-0001,A-1", "2 updated -".to_owned()),
            // Whoever demands the id may change the address; another name as well is another person.
            ("?mode=upsert&match=customer_id", "Ann,Able,ann@example.com,,", "2 updated -".to_owned()),
        ] {
            assert_eq!(both(app, &key, query, &with(row)).await, [verdict], "{query} {row}");
            let now = app.get(path(&ann, "")).bearer(&key).send().await.expect(200);
            assert_eq!((&now["last_name"], &now["external_id"]), (&json!("Able"), &json!("A-1")), "{query} {row}");
        }
        assert_eq!(count(app, &key).await, 3);
        let bob = by_email(app, &key, "bob@b.example").await.expect(200);
        assert_ne!(number(&bob), id);
    })
    .await;
}

#[tokio::test]
async fn import_keeps_the_ids_of_a_file_where_they_are_free() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let erased = customer(app, &key, "gone@example.com").await;
        app.delete(path(&erased, "/hard")).bearer(&key).send().await.expect(204);
        let table = format!(
            "customer_id,name,email,phone\n\
             CUST_0000000A,A A,a@example.com,555-0001\n\
             cust_0000000b,B B,b@example.com,\n\
             CUST_0000000A,C C,c@example.com,\n\
             CUST_0000000A,A A,,555-0001\n\
             CUST_0000000B,B B,b@example.com,\n\
             {},D D,d@example.com,\n",
            number(&erased)
        );
        let report = both(app, &key, "?mode=upsert", &table).await;
        assert_eq!(
            report,
            [
                "2 created -".to_owned(),
                "3 created -".to_owned(),
                format!("4 created {TAKEN}"),
                "5 duplicate DUPLICATE_ROW".to_owned(),
                "6 duplicate DUPLICATE_ROW".to_owned(),
                format!("7 created {TAKEN}"),
            ]
        );
        for (email, id) in [("a@example.com", "CUST_0000000A"), ("b@example.com", "CUST_0000000B")] {
            assert_eq!(number(&by_email(app, &key, email).await.expect(200)), id);
        }
        assert_eq!(count(app, &key).await, 4);
        // What the tombstone has stays its own.
        app.get(path(&erased, "")).bearer(&key).send().await.expect_error(404, "CUSTOMER_NOT_FOUND");
    })
    .await;
}

/// Rows of several chunks: what an earlier one took is known to the next, in a dry run as well.
#[tokio::test]
async fn import_knows_the_ids_of_earlier_chunks() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let filler: String = (0..2100).map(|_| ",,,\n").collect();
        let table = format!(
            "customer_id,name,email,phone\nCUST_0000000A,A A,a@example.com,555-0001\n{filler}\
             CUST_0000000A,C C,c@example.com,\nCUST_0000000A,A A,a2@example.com,555-0001\n"
        );
        let report = both(app, &key, "?mode=upsert", &table).await;
        let effects: Vec<&String> = report.iter().filter(|line| !line.ends_with("blank_row")).collect();
        assert_eq!(effects.len(), 3);
        assert_eq!(effects[0], "2 created -");
        assert_eq!(effects[1], &format!("2103 created {TAKEN}"));
        assert_eq!(effects[2], "2104 duplicate DUPLICATE_ROW");
    })
    .await;
}

#[tokio::test]
async fn an_export_imported_elsewhere_keeps_its_ids() {
    on_both_engines(&features(), async |app| {
        company(app, "COMP-001").await;
        let (all, ours) = (key(app, "admin").await, company_key(app, "admin", "COMP-001").await);
        let theirs = customer(app, &all, "theirs@example.com").await;
        let export = app.get("/api/v1/customers/export").bearer(&all).send().await;
        let file = export.text().replace("theirs@example.com", "ours@example.com");
        // Of a company that cannot see the one who has the id: a new one is drawn, and the other stays as it is.
        let (_, report) = import(app, &ours, "?mode=upsert", file).await;
        assert_eq!(report, [format!("2 created {TAKEN}")]);
        assert_eq!(by_email(app, &all, "theirs@example.com").await.expect(200), theirs);
        let elsewhere = export.text().replace(number(&theirs), "CUST_FFFFFFFE").replace("theirs@", "new@");
        let (_, report) = import(app, &all, "?mode=create", elsewhere.clone()).await;
        assert_eq!(report, ["2 created -"]);
        assert_eq!(number(&by_email(app, &all, "new@example.com").await.expect(200)), "CUST_FFFFFFFE");
        let (_, report) = import(app, &all, "?mode=upsert", elsewhere).await;
        assert_eq!(report, ["2 unchanged -"]);
    })
    .await;
}

#[tokio::test]
async fn who_is_erased_while_a_file_waits_is_not_created_again() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let one = customer(app, &key, "one@example.com").await;
        let two = customer(app, &key, "two@example.com").await;
        let body = json!({"first_name": "Tel", "last_name": "Only", "phone": "555-0003"});
        let three = app.post("/api/v1/customers/").bearer(&key).json(body).send().await.expect(201);
        let table = format!(
            "customer_id,name,email,phone\n,Ada L,ONE@example.com,\n{},Ada L,other@example.com,\n,Tel Only,,5550003\n,New One,new@example.com,\n",
            number(&two)
        );
        let accepted = send(app, &key, "?mode=upsert", table.clone()).await;
        let id = accepted.expect(202)["id"].as_str().unwrap().to_owned();
        for gone in [&one, &two, &three] {
            app.delete(path(gone, "/hard")).bearer(&key).send().await.expect(204);
        }
        let (_, report) = end_of(app, &key, &id).await;
        assert_eq!(
            report,
            ["2 skipped CUSTOMER_ERASED", "3 skipped CUSTOMER_ERASED", "4 skipped CUSTOMER_ERASED", "5 created -"]
        );
        assert_eq!(count(app, &key).await, 1);
        // A file that is sent afterwards is somebody's decision.
        let (_, report) = import(app, &key, "?mode=create", table).await;
        assert_eq!(report[0], "2 created -");
    })
    .await;
}
