//! `regulars migrate-v1`: the customers of the first version of the services.
//!
//! Rows of the endpoints and promises: A10, C21.

#![expect(clippy::unwrap_used, reason = "the whole program is tests, their helpers included")]

use std::collections::HashMap;

use database::sql;
use fixtures::{key, prove, register};
use migrate_v1::model::report::{Kind, Outcome, Row};
use migrate_v1::read::records;
use migrate_v1::service::undo::{Undone, undo};
use migrate_v1::service::{ACTOR, BATCH, Item, Migration, Options};
use platform::app::Feature;
use platform::test::{TestApp, on_both_engines};
use serde_json::{Value, json};

fn features() -> [Feature; 2] {
    [identity::feature(), customers::feature()]
}

/// Two old customers with the addresses of seeds 000 and 001, one that nobody can read, one without a user.
const CUSTOMERS: &str = "id,user_id,first_name,last_name,email,phone,address,total_services,last_service_date,is_verified,created_at
1,17,Ada,Lovelace,ada@example.com,+1-555-0123,\"123 Main St, Portland, OR, 97201, USA\",3,2024-05-01 10:00:00,true,2020-02-03 04:05:06
2,18,Bob,Builder,bob@old.example.com,+1-555-0199,\"123 Main St, Portland, OR, 97201\",0,,false,2021-01-01
3,19,Cleo,Clark,cleo@example.com,,behind the old mill,0,,f,
4,20,,,,+15551234567,,,,,
";

const USERS: &str = r#"[{"id": 17, "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "phone_number": "+1-555-0123", "user_role": "customer"},
 {"id": 18, "email": "bob@example.com", "first_name": "Robert", "last_name": "Builder", "user_role": "customer"}]"#;

async fn run(app: &TestApp, options: Options, files: &[(Kind, &str, &str)]) -> Vec<Row> {
    let ctx = app.app.system(ACTOR);
    let mut migration = Migration::start(&ctx, options).await.unwrap();
    let mut rows = Vec::new();
    for (kind, name, text) in files {
        let source = std::io::Cursor::new(text.as_bytes().to_vec());
        let items = records(name, source, *kind, None).unwrap();
        let items: Vec<Item> = items.map(|record| Item { file: (*name).to_owned(), record }).collect();
        for batch in items.chunks(BATCH) {
            rows.extend(migration.batch(*kind, batch.to_vec()).await.unwrap());
        }
    }
    rows
}

async fn customers(app: &TestApp, text: &str) -> Vec<Row> {
    run(app, Options::default(), &[(Kind::Customer, "c.csv", text)]).await
}

/// How much is written down anywhere.
async fn written(app: &TestApp) -> i64 {
    let mut tx = app.system().read().await.unwrap();
    tx.one(
        sql!(
            "SELECT (SELECT count(*) FROM user_account) + (SELECT count(*) FROM customer) + (SELECT count(*) FROM event)
               + (SELECT count(*) FROM setting) + (SELECT CAST(coalesce(sum(version), 0) AS bigint) FROM user_account) AS n" => i64
        ),
        [],
    )
    .await
    .unwrap()
}

fn outcomes(rows: &[Row]) -> Vec<Outcome> {
    rows.iter().map(|row| row.outcome).collect()
}

#[tokio::test]
async fn c21_a10_both_samples_are_split_and_the_old_numbers_still_lead_to_them() {
    on_both_engines(&features(), async |app| {
        let rows = run(app, Options::default(), &[(Kind::User, "u.json", USERS), (Kind::Customer, "c.csv", CUSTOMERS)]).await;
        assert_eq!(outcomes(&rows), [Outcome::Created; 6], "{rows:?}");
        let staff = key(app, "employee").await;
        let by_number = async |n: i64| {
            app.get(format!("/api/v1/customers/by_user_id/?user_id={n}")).bearer(&staff).send().await.expect(200)
        };
        for number in [17, 18] {
            let one = by_number(number).await;
            for (name, value) in [
                ("address_line1", json!("123 Main St")),
                ("city", json!("Portland")),
                ("state", json!("OR")),
                ("postal_code", json!("97201")),
                ("country", json!("USA")),
                ("country_code", json!("US")),
                ("address_line2", Value::Null),
            ] {
                assert_eq!(one[name], value, "{number} {name}");
            }
        }
        let ada = by_number(17).await;
        for (name, value) in [
            ("total_services", json!(3)),
            ("last_service_date", json!("2024-05-01T10:00:00.000000Z")),
            ("is_verified", json!(true)),
            ("customer_since", json!("2020-02-03T04:05:06.000000Z")),
            ("email", json!("ada@example.com")),
            ("metadata", json!({"v1_user_id": "17", "v1_customer_id": "1", "v1_address": "123 Main St, Portland, OR, 97201, USA"})),
            ("tags", json!("")),
        ] {
            assert_eq!(ada[name], value, "{name}");
        }
        // The user's record wins, and the report says where.
        let bob = by_number(18).await;
        assert_eq!((&bob["first_name"], &bob["email"]), (&json!("Robert"), &json!("bob@example.com")));
        let differences: Vec<(&str, &str)> =
            rows[3].differences.iter().map(|d| (d.field.as_str(), d.old.as_str())).collect();
        assert_eq!(differences, [("first_name", "Bob"), ("email", "bob@old.example.com"), ("phone", "+1-555-0199")]);
        // What cannot be read is kept as it is, and can be found.
        let cleo = by_number(19).await;
        assert_eq!((&cleo["address_line1"], &cleo["tags"]), (&json!("behind the old mill"), &json!("needs_review")));
        assert_eq!((rows[4].needs_review.as_slice(), rows[4].orphan), (&["address".to_owned()][..], true));
        assert_eq!(rows[5].needs_review, ["first_name_missing", "last_name_missing"]);
        // Who was migrated is found and counted like everybody else.
        for (query, n) in [("lovelace", 1), ("bob@example.com", 1), ("robret", 1), ("5550199", 0), ("15551234567", 1), ("portland", 2)] {
            let body = json!({ "query": query });
            let found = app.post("/api/v1/customers/search").bearer(&staff).json(body).send().await.expect(200);
            assert_eq!(found["total"], n, "{query}: {found}");
        }
        let stats = app.get("/api/v1/customers/stats").bearer(&staff).send().await.expect(200);
        assert_eq!((&stats["total_customers"], &stats["total_services"]), (&json!(4), &json!(3)));
        assert_eq!(stats["customers_by_country"], json!({"USA": 2}));
        assert_eq!(customers::statistics::service::reconcile(&app.system()).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn c21_running_twice_changes_nothing() {
    on_both_engines(&features(), async |app| {
        let files = [(Kind::User, "u.json", USERS), (Kind::Customer, "c.csv", CUSTOMERS)];
        let first = run(app, Options::default(), &files).await;
        let before = written(app).await;
        app.advance(std::time::Duration::from_secs(60));
        let second = run(app, Options::default(), &files).await;
        assert_eq!(outcomes(&second), [Outcome::Unchanged; 6], "{second:?}");
        assert_eq!(written(app).await, before);
        let ids = |rows: &[Row]| rows.iter().map(|row| (row.id, row.customer_id.clone())).collect::<Vec<_>>();
        assert_eq!(ids(&first), ids(&second));
        // The second half of a file whose first half was written by a run that was killed.
        let more = format!("{CUSTOMERS}5,21,Dan,Dare,dan@example.com,,,,,,\n");
        let third = customers(app, &more).await;
        assert_eq!(third.last().unwrap().outcome, Outcome::Created);
        assert_eq!(outcomes(&third[..4]), [Outcome::Unchanged; 4]);
    })
    .await;
}

#[tokio::test]
async fn c21_a_dry_run_says_the_same_and_writes_nothing() {
    on_both_engines(&features(), async |app| {
        let twice =
            format!("{CUSTOMERS}5,17,Ada,Again,a@example.com,,,,,,\n6,22,Eve,Ada,ADA@example.com,,,,,,\n");
        let files = [(Kind::User, "u.json", USERS), (Kind::Customer, "c.csv", twice.as_str())];
        let before = written(app).await;
        let dry = run(app, Options { dry_run: true, ..Options::default() }, &files).await;
        assert_eq!(written(app).await, before);
        let real = run(app, Options::default(), &files).await;
        let plain = |rows: &[Row]| {
            rows.iter().map(|row| Row { id: None, customer_id: None, ..row.clone() }).collect::<Vec<_>>()
        };
        assert_eq!(plain(&dry), plain(&real));
        assert_eq!(outcomes(&real)[6..], [Outcome::Duplicate, Outcome::Failed]);
    })
    .await;
}

#[tokio::test]
async fn c21_a_record_that_cannot_be_written_costs_no_other() {
    on_both_engines(&features(), async |app| {
        let text = "user_id,name,email,phone,address,created_at,gender\n\
                    1,Ada One,ada@example.com,,,,\n\
                    2,Ada Two,ADA@example.com,+1-555-0123,,,\n\
                    3,Ada Three,ada@EXAMPLE.com,,,,\n\
                    x,No Number,,,,,\n\
                    4,Bad Values,bad@example.com,call me,,someday,robot\n\
                    5,Fine,fine@example.com,,,,female\n";
        let rows = customers(app, text).await;
        let [one, two, three, four, five, six] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((one.outcome, two.outcome), (Outcome::Created, Outcome::Created));
        assert_eq!(two.needs_review, ["email_taken"]);
        assert_eq!((three.outcome, four.outcome), (Outcome::Failed, Outcome::Failed));
        assert!(three.error.as_ref().unwrap().contains("e-mail"), "{three:?}");
        let left: Vec<&str> = five.left.iter().map(|l| l.field.as_str()).collect();
        assert_eq!((five.outcome, left), (Outcome::Created, vec!["phone", "customer_since", "gender"]));
        assert_eq!(
            (six.outcome, six.needs_review.as_slice()),
            (Outcome::Created, &["last_name_missing".to_owned()][..])
        );
    })
    .await;
}

#[tokio::test]
async fn c21_who_registered_already_keeps_a_proven_account_and_loses_an_unproven_one() {
    on_both_engines(&features(), async |app| {
        let (squatter, _) = register(app, "squat@example.com").await;
        let (owner, user) = register(app, "owner@example.com").await;
        prove(app, "owner@example.com").await;
        let rows = customers(
            app,
            "user_id,name,email,address\n1,Sam Squat,squat@example.com,\n2,Olga Owner,owner@example.com,\n",
        )
        .await;
        assert_eq!(outcomes(&rows), [Outcome::Created; 2]);
        app.get("/api/v1/customers/profile/").bearer(&squatter).send().await.expect(401);
        let own = app.get("/api/v1/customers/profile/").bearer(&owner).send().await.expect(200);
        assert_eq!((&own["user_id"], &own["first_name"]), (&json!(user), &json!("Test")));
        let names: Vec<&str> = rows[1].differences.iter().map(|d| d.field.as_str()).collect();
        assert_eq!(names, ["first_name", "last_name"]);
        app.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn c21_who_was_erased_is_not_made_again() {
    on_both_engines(&features(), async |app| {
        let rows = customers(app, CUSTOMERS).await;
        let admin = key(app, "admin").await;
        let number = rows[0].customer_id.as_ref().unwrap();
        app.delete(format!("/api/v1/customers/{number}/hard")).bearer(&admin).send().await.expect(204);
        let again = customers(app, CUSTOMERS).await;
        assert_eq!(
            outcomes(&again),
            [Outcome::Erased, Outcome::Unchanged, Outcome::Unchanged, Outcome::Unchanged]
        );
    })
    .await;
}

#[tokio::test]
async fn c21_a_map_says_which_uuid_a_number_has() {
    on_both_engines(&features(), async |app| {
        let (token, user) = register(app, "ada.new@example.com").await;
        let other = uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
        let map = HashMap::from([(17, user.parse().unwrap()), (18, other)]);
        let options = Options { map, ..Options::default() };
        let rows = run(app, options, &[(Kind::Customer, "c.csv", CUSTOMERS)]).await;
        assert_eq!(rows[0].id.unwrap().to_string(), user);
        assert_eq!(rows[1].id, Some(other));
        let own = app.get("/api/v1/customers/profile/").bearer(&token).send().await.expect(200);
        assert_eq!((&own["email"], &own["city"]), (&json!("ada.new@example.com"), &json!("Portland")));
    })
    .await;
}

#[tokio::test]
async fn c21_a_migration_is_taken_back_but_for_what_was_touched_since() {
    on_both_engines(&features(), async |app| {
        let files = [(Kind::User, "u.json", USERS), (Kind::Customer, "c.csv", CUSTOMERS)];
        let rows = run(app, Options::default(), &files).await;
        let staff = key(app, "employee").await;
        let number = rows[3].customer_id.clone().unwrap();
        let change = json!({"city": "Salem"});
        app.patch(format!("/api/v1/customers/{number}")).bearer(&staff).json(change).send().await.expect(200);
        let counted = rows[4].customer_id.clone().unwrap();
        app.post(format!("/api/v1/customers/{counted}/increment_service"))
            .bearer(&staff)
            .send()
            .await
            .expect(200);
        let ctx = app.app.system(ACTOR);
        let mut undone = undo(&ctx, &rows[2..]).await.unwrap();
        undone.extend(undo(&ctx, &rows[..2]).await.unwrap());
        assert_eq!(
            undone,
            [Undone::Removed, Undone::Kept, Undone::Kept, Undone::Removed, Undone::Gone, Undone::Kept]
        );
        let mut unreadable = rows[2].clone();
        unreadable.customer_id = Some("CUST".to_owned());
        assert_eq!(undo(&ctx, &[unreadable]).await.unwrap_err().code(), "REPORT_UNREADABLE");
        let list = app.get("/api/v1/customers/").bearer(&staff).send().await.expect(200);
        assert_eq!(list["total"], 2);
        assert_eq!(customers::statistics::service::reconcile(&ctx).await.unwrap(), []);
        // And it can be done again: the same numbers, the same users.
        let again = run(app, Options::default(), &files).await;
        assert_eq!(again[0].outcome, Outcome::Created);
        assert_eq!(again[0].id, rows[0].id);
        assert_eq!(
            outcomes(&again[2..]),
            [Outcome::Created, Outcome::Unchanged, Outcome::Unchanged, Outcome::Created]
        );
        assert_ne!(again[2].customer_id, rows[2].customer_id, "public ids are never used twice");
    })
    .await;
}
