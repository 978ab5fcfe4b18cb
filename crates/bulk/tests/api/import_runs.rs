//! Imports as work: dry runs, chunks, going on, and taking an import back.

use std::time::Duration;

use customers::customer::model::Members;
use customers::customer::model::NewCustomer;
use customers::customer::service::create::create_in;
use customers::statistics::service::reconcile;
use database::Engine;
use database::{args, sql};
use fixtures::{actions, customer, key, path, register};
use identity::api_keys::service::{self as api_keys, NewApiKey};
use identity::users::model::{Email, PersonName};
use kernel::TextValue;
use kernel::web::field::Field;
use platform::access::Scope;
use platform::jobs;
use platform::test::{TestApp, on_both_engines};
use serde_json::{Value, json};

use crate::common::features;
use crate::import::{by_email, count, end_of, import, send};

/// Rows with a column that nobody reads, so wide that a chunk has eight of them.
fn wide(head: &str, rows: &[&str]) -> String {
    let filler = "x".repeat(1_000_000);
    let rows: Vec<String> = rows.iter().map(|row| format!("{row},{filler}")).collect();
    format!("{head},filler\n{}\n", rows.join("\n"))
}

async fn revert(app: &TestApp, key: &str, id: &str) -> (Value, Vec<String>) {
    app.post(format!("/api/v1/jobs/{id}/revert")).bearer(key).send().await.expect(202);
    end_of(app, key, id).await
}

#[tokio::test]
async fn import_dry_gives_the_verdicts_of_a_real_one() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        customer(app, &key, "known@example.com").await;
        let table = wide(
            "external_id,email,name",
            &[
                "X1,a@example.com,A A",
                "X2,known@example.com,K K",
                "X3,wrong,K K",
                "X4,d@example.com,D D",
                "X5,e@example.com,E E",
                "X6,f@example.com,F F",
                "X7,g@example.com,G G",
                "X8,h@example.com,H H",
                "X9,i@example.com,I I",
                // In another chunk than what they repeat.
                "X1,j@example.com,J J",
                "X10,a@example.com,A A",
                ",d@example.com,D D",
                "X11,k@example.com,K K",
                "X11,k@example.com,K K",
                "X12,k@example.com,K K",
            ],
        );
        let (dry, would) = import(app, &key, "?dry_run=true&mode=upsert", table.clone()).await;
        assert_eq!((&dry["dry_run"], &dry["state"]), (&json!(true), &json!("done")));
        assert_eq!(count(app, &key).await, 1, "nothing was written");
        by_email(app, &key, "a@example.com").await.expect(404);
        let mut tx = app.system().read().await.unwrap();
        assert_eq!(tx.one(sql!("SELECT count(*) AS n FROM import_key" => i64), []).await.unwrap(), 0);
        drop(tx);
        let (real, did) = import(app, &key, "?mode=upsert", table).await;
        assert_eq!(would, did);
        assert_eq!(dry["progress"], real["progress"]);
        assert_eq!(
            did[9..],
            [
                "11 duplicate DUPLICATE_ROW",
                "12 failed CUSTOMER_EMAIL_EXISTS",
                "13 duplicate DUPLICATE_ROW",
                "14 created -",
                "15 duplicate DUPLICATE_ROW",
                "16 failed CUSTOMER_EMAIL_EXISTS"
            ]
        );
        let id = dry["id"].as_str().unwrap();
        let reply = app.post(format!("/api/v1/jobs/{id}/revert")).bearer(&key).send().await;
        reply.expect_error(409, "JOB_NOT_REVERTIBLE");
    })
    .await;
}

#[tokio::test]
async fn import_taken_back_leaves_what_was_there() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let known = customer(app, &key, "known@example.com").await;
        let other = customer(app, &key, "other@example.com").await;
        register(app, "registered@example.com").await;
        app.advance(Duration::from_secs(60));
        let table = "email,first_name,last_name,city,tags,marketing_emails,phone\n\
                     a@example.com,A,A,Lima,,,\n\
                     used@example.com,U,U,Lima,,,\n\
                     touched@example.com,T,T,Lima,,,\n\
                     known@example.com,Grace,Hopper,Lima,\"x,y\",no,555-0123\n\
                     other@example.com,Other,One,Lima,,,\n\
                     registered@example.com,R,R,Lima,,,\n";
        let (job, report) = import(app, &key, "?mode=upsert", table).await;
        assert_eq!(job["progress"]["created"], 4, "{report:?}");
        let used = by_email(app, &key, "used@example.com").await.expect(200);
        app.post(path(&used, "/increment_service/")).bearer(&key).send().await.expect(200);
        for (email, change) in
            [("touched@example.com", json!({"city": "Ica"})), ("other@example.com", json!({"notes": "x"}))]
        {
            let one = by_email(app, &key, email).await.expect(200);
            app.patch(path(&one, "/")).bearer(&key).json(change).send().await.expect(200);
        }
        let id = job["id"].as_str().unwrap();
        let (job, report) = revert(app, &key, id).await;
        assert_eq!(job["state"], "reverted");
        assert_eq!(
            report,
            [
                "2 created REVERTED",
                "3 created KEPT",
                "4 created KEPT",
                "5 updated REVERTED",
                "6 updated KEPT",
                "7 created REVERTED"
            ]
        );
        by_email(app, &key, "a@example.com").await.expect(404);
        by_email(app, &key, "registered@example.com").await.expect(404);
        let now = app.get(path(&known, "/")).bearer(&key).send().await.expect(200);
        for member in ["first_name", "last_name", "city", "tag_list", "marketing_emails", "phone", "email"] {
            assert_eq!(now[member], known[member], "{member}");
        }
        assert_eq!(actions(app, &known).await.last().unwrap(), "customer.updated");
        let other = app.get(path(&other, "/")).bearer(&key).send().await.expect(200);
        assert_eq!((&other["city"], &other["notes"]), (&json!("Lima"), &json!("x")));
        // The user of before can still log in; the one that the import made is gone, and the address is free.
        let login = json!({"email": "registered@example.com", "password": "Pass123!"});
        let reply = app.post("/api/auth/login/").json(login).send().await;
        assert!(matches!(reply.status.as_u16(), 200 | 401), "{}", reply.text());
        customer(app, &key, "a@example.com").await;
        assert_eq!(count(app, &key).await, 5);
        assert_eq!(reconcile(&app.system()).await.unwrap(), []);
        // Once more changes nothing.
        let (again, _) = revert(app, &key, id).await;
        assert_eq!(again["state"], "reverted");
    })
    .await;
}

#[tokio::test]
async fn import_takes_what_an_export_writes() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        for body in [
            json!({
                "first_name": "Ana María", "last_name": "D'Été, jr.", "email": "ana@example.com", "phone": "+57 300 123 4567",
                "address_line1": "Cra 7 # 1-2", "city": "Bogotá", "country": "Colombia", "date_of_birth": "1990-01-15",
                "gender": "female", "tags": "a,b", "notes": "=1+1\n\"quoted\", second line", "external_id": "'=X",
                "metadata": {"k": "v"}, "notification_preferences": {"sms": false}, "marketing_sms": true,
                "customer_since": "2020-01-02T03:04:05Z", "company_name": "-Minus & Co", "is_verified": true,
            }),
            json!({"first_name": "@at", "last_name": "+plus", "email": "b@example.com"}),
        ] {
            app.post("/api/v1/customers/").bearer(&key).json(body).send().await.expect(201);
        }
        for format in ["csv", "ndjson"] {
            let export = app.get(format!("/api/v1/customers/export?format={format}")).bearer(&key).send().await;
            export.expect(200);
            let before = by_email(app, &key, "ana@example.com").await.expect(200);
            let query = format!("?mode=upsert&unknown=refuse&format={format}");
            let (_, report) = import(app, &key, &query, export.bytes.clone()).await;
            assert!(report.len() == 2 && report.iter().all(|line| line.ends_with("unchanged -")), "{report:?}");
            for email in ["ana@example.com", "b@example.com"] {
                let one = by_email(app, &key, email).await.expect(200);
                app.delete(path(&one, "/hard")).bearer(&key).send().await.expect(204);
            }
            let (job, report) = import(app, &key, &query, export.bytes).await;
            assert_eq!(job["progress"]["created"], 2, "{report:?}");
            let after = by_email(app, &key, "ana@example.com").await.expect(200);
            for (member, value) in before.as_object().unwrap() {
                let own = ["id", "customer_id", "user_id", "username", "created_at", "updated_at", "version", "verified_at"];
                if !own.contains(&member.as_str()) {
                    assert_eq!(&after[member], value, "{format}: {member}");
                }
            }
            assert_eq!(by_email(app, &key, "b@example.com").await.expect(200)["last_name"], "+plus");
        }
        assert_eq!(reconcile(&app.system()).await.unwrap(), []);
    })
    .await;
}

/// A revert that broke off is asked for again: what it said of the rows behind it stays.
#[tokio::test]
async fn import_taken_back_in_two_goes_says_once_what_became_of_each_row() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        customer(app, &key, "known@example.com").await;
        let table = "email,name,city\na@example.com,A A,Lima\nknown@example.com,Ada Lovelace,Lima\n";
        let (job, _) = import(app, &key, "?mode=upsert", table).await;
        let id = job["id"].as_str().unwrap();
        let (_, report) = revert(app, &key, id).await;
        assert_eq!(report, ["2 created REVERTED", "3 updated REVERTED"]);
        let mut tx = app.system().write().await.unwrap();
        let broken = sql!("UPDATE batch SET state = 'failed', error_code = 'X' WHERE id = $1");
        tx.exec(broken, args![id.parse::<uuid::Uuid>().unwrap()]).await.unwrap();
        tx.commit().await.unwrap();
        let (again, said) = revert(app, &key, id).await;
        assert_eq!((&again["state"], &again["error"]), (&json!("reverted"), &Value::Null));
        assert_eq!(said, report);
    })
    .await;
}

#[tokio::test]
async fn import_is_taken_back_by_who_may_erase() {
    on_both_engines(&features(), async |app| {
        let admin = key(app, "admin").await;
        let new = NewApiKey {
            name: "may import".to_owned(),
            role: "admin".to_owned(),
            scopes: ["customers.read", "customers.write", "customers.import"].map(str::to_owned).to_vec(),
            company: None,
            expires_at: None,
        };
        let key = api_keys::create(&app.system(), new).await.unwrap().1.reveal();
        let (job, _) = import(app, &key, "", "email,name\na@example.com,A A\n").await;
        let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
        let refused = app.post(format!("{path}/revert")).bearer(&key).send().await;
        refused.expect_error(403, "PERMISSION_DENIED");
        assert_eq!(app.get(&path).bearer(&key).send().await.expect(200)["state"], "done");
        by_email(app, &admin, "a@example.com").await.expect(200);
    })
    .await;
}

/// Chunk by chunk a dry run has nothing of what the chunks before it changed.
#[tokio::test]
async fn import_dry_sees_what_earlier_rows_would_have_taken_from_known_customers() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let (one, two) =
            (customer(app, &key, "one@example.com").await, customer(app, &key, "two@example.com").await);
        let (one, two) = (one["customer_id"].as_str().unwrap(), two["customer_id"].as_str().unwrap());
        let mut rows = vec![format!("{one},X1,new@example.com")];
        rows.extend(vec![",,".to_owned(); 9]);
        rows.push(format!("{two},X1,two@example.com"));
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let table = wide("customer_id,external_id,email", &rows);
        let (_, would) =
            import(app, &key, "?mode=update&dry_run=true&match=customer_id", table.clone()).await;
        let (_, did) = import(app, &key, "?mode=update&match=customer_id", table).await;
        assert_eq!(would, did);
        assert_eq!(did.last().unwrap(), "12 failed CUSTOMER_EXTERNAL_ID_EXISTS");
    })
    .await;
}

#[tokio::test]
async fn import_forgets_whom_it_imported_when_they_are_erased() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let known = customer(app, &key, "known@example.com").await;
        let (job, _) = import(app, &key, "?mode=upsert", "email,city\nknown@example.com,Lima\n").await;
        app.delete(path(&known, "/hard")).bearer(&key).send().await.expect(204);
        let id: uuid::Uuid = job["id"].as_str().unwrap().parse().unwrap();
        let mut tx = app.system().read().await.unwrap();
        let sql = sql!(
            "SELECT count(*) AS n FROM batch_row
             WHERE batch_id = $1 AND (customer_id IS NOT NULL OR key_hash IS NOT NULL OR before IS NOT NULL)" => i64
        );
        assert_eq!(tx.one(sql, args![id]).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn import_whose_file_is_gone_or_old_ends_with_a_reason() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let id = send(app, &key, "", "email,name\na@example.com,A A\n").await.expect(202)["id"].clone();
        let folder = app.app.config.data_dir.join("files/imports");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        bulk::imports::service::sweep(&app.system()).await.unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "it is new");
        app.advance(Duration::from_secs(25 * 3600));
        bulk::imports::service::sweep(&app.system()).await.unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        app.run_jobs().await;
        let job =
            app.get(format!("/api/v1/jobs/{}", id.as_str().unwrap())).bearer(&key).send().await.expect(200);
        assert_eq!(
            (&job["state"], &job["error"]["error_code"]),
            (&json!("failed"), &json!("IMPORT_FILE_GONE"))
        );
        assert_eq!(count(app, &key).await, 0);
    })
    .await;
}

/// On PostgreSQL two chunks can write one address in the same moment: that costs the row, not the chunk.
#[tokio::test]
async fn import_beside_another_of_the_same_people_creates_nobody_twice() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let rows: String = (0..40).map(|n| format!("p{n}@example.com,P,N{n}\n")).collect();
        let table = format!("email,first_name,last_name\n{rows}");
        let mut ids = Vec::new();
        for _ in 0..2 {
            let job = send(app, &key, "", table.clone()).await.expect(202);
            ids.push(job["id"].as_str().unwrap().to_owned());
        }
        tokio::join!(app.run_jobs(), app.run_jobs());
        let mut created = 0;
        for id in &ids {
            // A chunk that met a deadlock is tried again a little later.
            app.advance(Duration::from_secs(3600));
            let (job, _) = end_of(app, &key, id).await;
            assert_eq!((&job["state"], &job["progress"]["total"]), (&json!("done"), &json!(40)));
            created += job["progress"]["created"].as_i64().unwrap();
        }
        assert_eq!((created, count(app, &key).await), (40, 40));
        assert_eq!(reconcile(&app.system()).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn import_dry_uses_up_no_numbers_of_users() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        // Different names: a user name that is taken costs PostgreSQL a number as well.
        let number = async |email: &str| {
            let body = json!({"first_name": email, "last_name": "Person", "email": email});
            app.post("/api/v1/customers/").bearer(&key).json(body).send().await.expect(201);
            let mut tx = app.system().read().await.unwrap();
            tx.one(sql!("SELECT max(unique_no) AS n FROM user_account" => i64), []).await.unwrap()
        };
        let before = number("before@example.com").await;
        let table = "email,name\na@example.com,A A\nb@example.com,B B\nc@example.com,C C\n";
        let (dry, would) = import(app, &key, "?dry_run=true", table).await;
        assert_eq!((&dry["state"], would.len()), (&json!("done"), 3));
        assert_eq!(number("after@example.com").await, before + 1);
    })
    .await;
}

/// Somebody else writes the address of a row between the look for it and the row: that is no error of the row.
#[tokio::test]
async fn import_of_a_row_that_clashes_with_a_neighbour_sees_the_neighbour() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let table = "email,first_name,last_name,city\nana@example.com,Ana,Lee,Lima\n";
        let id = send(app, &key, "?mode=upsert", table).await.expect(202)["id"].clone();
        let ctx = app.system();
        let mut tx = ctx.write().await.unwrap();
        let name = |text| PersonName::parse(text).unwrap();
        let email = Field::Value(Email::parse("ana@example.com").unwrap());
        let members = Members { email, ..Members::default() };
        let new = NewCustomer { first_name: name("Ana"), last_name: name("Old"), members, number: None };
        create_in(&ctx, &mut tx, &Scope::system("test"), new).await.unwrap();
        let (process, kinds) = (app.app.clone(), features().map(|feature| feature.jobs).concat());
        let at_work = tokio::spawn(async move { jobs::run_due(&process, &kinds).await });
        // On SQLite it waits for its turn to write, and sees the neighbour from the start.
        while app.app.db.engine() == Engine::Postgres && !at_work.is_finished() {
            let waits = sql!(
                postgres: "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    => i64
            );
            if app.system().read().await.unwrap().one(waits, []).await.unwrap() > 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        tx.commit().await.unwrap();
        at_work.await.unwrap().unwrap();
        let (job, verdicts) = end_of(app, &key, id.as_str().unwrap()).await;
        assert_eq!(job["progress"]["updated"], 1, "{job} {verdicts:?}");
        assert_eq!(by_email(app, &key, "ana@example.com").await.expect(200)["city"], "Lima");
    })
    .await;
}
