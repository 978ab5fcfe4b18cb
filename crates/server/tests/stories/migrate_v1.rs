//! `regulars migrate-v1` as somebody runs it: files in, a report out, and the way back. Row C21.

use std::fmt::Write;
use std::process::Stdio;

use database::Engine;
use serde_json::{Value, json};

use crate::deployment::{Deployment, Done, on_both_engines};

fn write(deployment: &Deployment, name: &str, text: &str) {
    std::fs::write(deployment.folder().join(name), text).unwrap();
}

/// Old customers in a dump of PostgreSQL, all of them at the address of seed 000.
fn dump(customers: usize) -> String {
    let mut text = String::from(
        "COPY public.customers (id, user_id, first_name, last_name, email, address) FROM stdin;\n",
    );
    for n in 1..=customers {
        writeln!(text, "{n}\t{n}\tAda\tNumber{n}\tada{n}@example.com\t123 Main St, Portland, OR, 97201, USA")
            .unwrap();
    }
    text + "\\.\n"
}

async fn migrate(deployment: &Deployment, args: &[&str]) -> (Done, Value) {
    let mut all = vec!["migrate-v1", "--json", "--no-backup"];
    all.extend(args);
    let done = deployment.run(&all, "").await;
    let summary = serde_json::from_str(&done.out).unwrap_or(Value::Null);
    (done, summary)
}

#[tokio::test]
async fn c21_from_files_to_customers_and_back() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&[]).await;
        let staff = server.client().with(&deployment.api_key("admin", "story").await);
        write(deployment, "old.sql", &dump(3));
        write(deployment, "more.csv", "user_id,name,email,address\n9,Zoe Zimt,zoe@example.com,\"12 Long Road, Bath\"\n9,Zoe,z@example.com,\n");
        write(deployment, "users.ndjson", "{\"id\": 1, \"email\": \"ada1@example.com\", \"first_name\": \"Augusta\", \"last_name\": \"Number1\"}\n");
        let files = ["old.sql", "more.csv", "--users", "users.ndjson", "--default-country", "GB"];

        let (done, dry) = migrate(deployment, &[&files[..], &["--dry-run"]].concat()).await;
        assert_eq!(done.code, Some(0), "{}", done.err);
        assert_eq!((&dry["customers"]["created"], &dry["after"]["customers"]), (&json!(4), &json!(0)));

        let (done, summary) = migrate(deployment, &[&files[..], &["--report", "report.ndjson"]].concat()).await;
        assert_eq!(done.code, Some(0), "{}", done.err);
        assert_eq!(summary["customers"], dry["customers"]);
        for (path, value) in [
            ("/users/created", 1), ("/customers/read", 5), ("/customers/created", 4), ("/customers/duplicates", 1),
            ("/customers/orphans", 3), ("/customers/needs_review", 1), ("/customers/with_differences", 1),
            ("/before/customers", 0), ("/after/customers", 4), ("/after/legacy_users", 4),
        ] {
            assert_eq!(summary.pointer(path), Some(&json!(value)), "{path}: {summary}");
        }
        // The links of old programs lead to the new customers.
        let one = staff.get("/api/v1/customers/by_user_id/?user_id=2").await.expect(200);
        assert_eq!((&one["city"], &one["state"], &one["last_name"]), (&json!("Portland"), &json!("OR"), &json!("Number2")));
        assert_eq!(staff.get("/api/v1/customers/by_user_id/?user_id=1").await.expect(200)["first_name"], "Augusta");

        let (_, again) = migrate(deployment, &files).await;
        assert_eq!((&again["customers"]["created"], &again["customers"]["unchanged"]), (&json!(0), &json!(4)));
        assert_eq!(again["before"], again["after"]);

        let report = std::fs::read_to_string(deployment.folder().join("report.ndjson")).unwrap();
        let lines: Vec<Value> = report.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 7, "{report}");
        let review = lines.iter().find(|line| line["needs_review"] == json!(["address"])).unwrap();
        assert_eq!(review["place"], "more.csv:2");

        let change = json!({ "city": "Salem" });
        staff.patch(&format!("/api/v1/customers/{}/", one["customer_id"].as_str().unwrap()), change).await.expect(200);
        let (done, back) = migrate(deployment, &["--rollback", "report.ndjson"]).await;
        assert_eq!(done.code, Some(0), "{}", done.err);
        assert_eq!((&back["removed"], &back["kept_records"]), (&json!(3), &json!([one["customer_id"]])), "{back}");
        assert_eq!(staff.get("/api/v1/customers/").await.expect(200)["total"], 1);
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn c21_there_is_a_copy_from_before() {
    on_both_engines(async |deployment| {
        deployment.migrate().await;
        write(deployment, "old.sql", &dump(2));
        let done = deployment.run(&["migrate-v1", "old.sql"], "").await;
        if deployment.engine == Engine::Postgres {
            assert_eq!(done.code, Some(1));
            assert!(done.err.contains("pg_dump") && done.err.contains("--no-backup"), "{}", done.err);
            return;
        }
        assert_eq!(done.code, Some(0), "{}", done.err);
        assert!(done.out.contains("customers: 2 read, 2 created"), "{}", done.out);
        let copies: Vec<_> = std::fs::read_dir(deployment.data().join("backups"))
            .unwrap()
            .map(|f| f.unwrap().path())
            .collect();
        let [copy] = &copies[..] else { panic!("{copies:?}") };
        let url = format!("sqlite://{}", copy.display());
        let doctor = deployment.run(&["doctor", "--database-url", &url], "").await;
        assert_eq!(doctor.code, Some(0), "{}", doctor.out);
        let reports = std::fs::read_dir(deployment.data().join("migrate-v1")).unwrap().count();
        assert_eq!(reports, 1);
    })
    .await;
}

#[tokio::test]
async fn c21_a_run_that_was_killed_or_interrupted_goes_on_where_it_was() {
    on_both_engines(async |deployment| {
        deployment.migrate().await;
        write(deployment, "old.sql", &dump(1600));
        for signal in ["-KILL", "-INT"] {
            let args = ["migrate-v1", "old.sql", "--no-backup", "--json", "--report", "report.ndjson"];
            let mut child =
                deployment.command(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let report = deployment.folder().join("report.ndjson");
            let before = std::fs::metadata(&report).map_or(0, |about| about.len());
            // Some batches are written, and some are to come.
            while std::fs::metadata(&report).map_or(0, |about| about.len()) < before + 100_000 {
                tokio::task::yield_now().await;
            }
            let pid = child.id().unwrap().to_string();
            let killed = tokio::process::Command::new("kill").args([signal, &pid]).status().await.unwrap();
            assert!(killed.success());
            let ended = child.wait().await.unwrap();
            assert_eq!(ended.code(), if signal == "-INT" { Some(130) } else { None });
        }
        let (done, summary) = migrate(deployment, &["old.sql", "--report", "report.ndjson"]).await;
        assert_eq!(done.code, Some(0), "{}", done.err);
        let of = |path: &str| summary.pointer(path).and_then(Value::as_i64).unwrap();
        assert_eq!((of("/after/customers"), of("/after/users"), of("/customers/failed")), (1600, 1600, 0));
        assert!(of("/customers/unchanged") >= 200 && of("/customers/created") > 0, "{summary}");
        // The report of all runs together leads back to nothing.
        let (_, back) = migrate(deployment, &["--rollback", "report.ndjson"]).await;
        assert_eq!((&back["removed"], &back["kept"]), (&json!(1600), &json!(0)), "{back}");
    })
    .await;
}

#[tokio::test]
async fn c21_what_cannot_be_done_says_why() {
    on_both_engines(async |deployment| {
        deployment.migrate().await;
        write(deployment, "empty.sql", "INSERT INTO orders (a) VALUES (1);");
        write(deployment, "map.csv", "17,x\n18,y\n");
        write(deployment, "old.csv", "user_id,name\n17,No Mail\n");
        write(deployment, "head.csv", "user_id,name\n");
        write(deployment, "letter.txt", "Dear Sir,\nthis is no table.\n");
        for (args, code, words) in [
            (&["none.csv"][..], 1, "none.csv cannot be opened"),
            (&[], 2, "<FILE>"),
            (&["old.csv", "--map", "map.csv"], 1, "line 2"),
            (&["old.csv", "--default-country", "Atlantis"], 1, "default_country"),
            (&["--rollback", "old.csv"], 1, "old.csv, line 1"),
            (&["old.csv", "head.csv"], 1, "head.csv holds no customers"),
            (&["letter.txt"], 1, "letter.txt has no column that is known"),
            (&["old.csv", "--report", "no/such/folder"], 1, "cannot be written"),
        ] {
            let (done, _) = migrate(deployment, args).await;
            assert_eq!((done.code, done.err.contains(words)), (Some(code), true), "{args:?}: {}", done.err);
        }
        // A record that cannot be written is in the report, and in the exit code.
        let (done, summary) = migrate(deployment, &["old.csv", "empty.sql", "--report", "r.csv"]).await;
        assert_eq!((done.code, &summary["customers"]["failed"]), (Some(1), &json!(2)));
        let report = std::fs::read_to_string(deployment.folder().join("r.csv")).unwrap();
        assert!(
            report.contains("neither an e-mail address nor a phone") && report.contains("orders"),
            "{report}"
        );
    })
    .await;
}
