//! Imports by the real program: `kill -9` in the middle of one, and the command beside a running server.

use std::path::Path;
use std::time::Duration;

use database::sql;
use database::{Db, Options, Target};
use platform::config::{Config, Sources};
use serde_json::{Value, json};

use crate::client::Client;
use crate::deployment::{Deployment, on_both_engines};

/// Rows, which make three chunks.
const ROWS: usize = 6_000;

#[tokio::test]
async fn a_killed_import_finishes_and_imports_nobody_twice() {
    on_both_engines(async |deployment| {
        let mut server = deployment.serve(&["--log-level", "warn"]).await;
        let key = deployment.api_key("admin", "import").await;
        let staff = server.client().with(&key);
        let job = staff.upload("/api/v1/customers/import?mode=upsert", "text/csv", table()).await.expect(202);
        let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
        until(&staff, &path, |job| job["progress"]["processed"] != 0).await;
        server.signal("KILL").await;
        assert_eq!(server.ended().await, None);
        let done = number(deployment, "processed").await;
        assert!(done > 0 && done < ROWS as i64, "killed in the middle: {done}");
        assert_eq!(number(deployment, "customers").await, number(deployment, "created").await);
        lease_runs_out(deployment).await;

        let again = deployment.serve(&["--log-level", "warn"]).await;
        let staff = again.client().with(&key);
        let job = until(&staff, &path, |job| job["state"] == "done").await;
        let progress = &job["progress"];
        for (count, n) in [("total", ROWS), ("created", ROWS - 30), ("failed", 10), ("duplicate", 20)] {
            assert_eq!(progress[count], n, "{count}: {progress}");
        }
        let created = (ROWS - 30) as i64;
        assert_eq!(number(deployment, "customers").await, created);
        assert_eq!(number(deployment, "events").await, created);
        assert_eq!(number(deployment, "lines").await, ROWS as i64);
        let stats = staff.get("/api/v1/customers/stats").await.expect(200);
        assert_eq!(
            (&stats["total_customers"], &stats["customers_by_city"]["Ica"]),
            (&json!(created), &json!(created))
        );
        again.stop().await;
        assert_eq!(drift(deployment).await, []);
        let left = std::fs::read_dir(deployment.data().join("files/imports"));
        assert_eq!(left.map_or(0, Iterator::count), 0);
    })
    .await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story of one file")]
async fn the_command_imports_beside_a_server() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&["--log-level", "warn"]).await;
        let key = deployment.api_key("admin", "reader").await;
        let staff = server.client().with(&key);
        let file = deployment.folder().join("people.csv");
        std::fs::write(
            &file,
            "Correo;Nombre;Apellido;Favourite colour\na@example.com;Ana;Mora;red\nwrong;Bo;Li;\na@example.com;A;M;\n",
        )
        .unwrap();
        let name = file.to_str().unwrap();

        let dry = deployment.run(&["import", name, "--dry-run", "--json"], "").await;
        assert_eq!(dry.code, Some(1), "{}{}", dry.out, dry.err);
        let view: Value = serde_json::from_str(&dry.out).unwrap();
        assert_eq!((&view["state"], &view["dry_run"]), (&json!("done"), &json!(true)));
        assert_eq!((&view["progress"]["created"], &view["progress"]["failed"]), (&json!(1), &json!(1)));
        staff.get("/api/v1/customers/email/a@example.com").await.expect(404);

        assert_ne!(view["started_at"], Value::Null);
        let dry = deployment.run(&["import", name, "--dry-run"], "").await.out;
        for told in [
            " is done, and nothing was written. 3 rows: 1 created, ",
            "\n  row 3: email: Must be an e-mail address",
            "\nColumns that were ignored: Favourite colour\n",
            "\nWhat became of each row: regulars import --resume ",
        ] {
            assert!(dry.contains(told), "{told}: {dry}");
        }
        let left: Vec<_> = std::fs::read_dir(deployment.folder()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("import-")), "{left:?}");

        let done = deployment.run(&["import", name, "--report", "verdicts.csv"], "").await;
        assert_eq!(done.code, Some(1), "{}{}", done.out, done.err);
        assert!(
            done.out.contains("3 rows: 1 created, 0 updated, 0 unchanged, 0 skipped, 1 duplicate, 1 failed"),
            "{}",
            done.out
        );
        let verdicts = std::fs::read_to_string(deployment.folder().join("verdicts.csv")).unwrap();
        assert!(verdicts.contains("3,failed,,invalid_email,"), "{verdicts}");
        private(&deployment.folder().join("verdicts.csv"));
        let ana = staff.get("/api/v1/customers/email/a@example.com").await.expect(200);
        assert_eq!(ana["first_name"], "Ana");

        let input = "{\"email\":\"a@example.com\",\"city\":\"Ica\"}\n";
        let piped = deployment.run(&["import", "-", "--format", "ndjson", "--mode", "update"], input).await;
        assert_eq!(piped.code, Some(0), "{}{}", piped.out, piped.err);
        let ana = staff.get("/api/v1/customers/email/a@example.com").await.expect(200);
        assert_eq!(ana["city"], "Ica");

        let folder = deployment.folder();
        std::fs::create_dir(folder.join("people")).unwrap();
        for (name, bytes) in [
            ("people.dat", &b"email\n"[..]),
            ("people.csv.gz", b"\x1f\x8b\x08\0\0\0\0\0"),
            ("people.xlsx", b"PK\x03\x04\0\0\0\0"),
            ("people.json", b"[{\"email\": \"a@example.com\"}]"),
            ("nothing.txt", b""),
        ] {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
        for (args, told) in [
            (&["import", "nothing.csv"][..], "nothing.csv: there is no such file"),
            (&["import", "nothing.csv.gz"], "nothing.csv.gz: there is no such file"),
            (&["import", "people"], "people is a directory"),
            (&["import", "-"], "standard input has no name"),
            (&["import", "people.dat"], "say --format"),
            (&["import", "people.csv.gz"], "Is compressed; unpack it first"),
            (&["import", "people.csv.gz", "--format", "csv"], "Is compressed; unpack it first"),
            (&["import", "people.xlsx"], "Is a workbook"),
            (&["import", "people.json"], "Is a JSON array"),
            (&["import", "nothing.txt"], "Is empty"),
            (&["import", name, "--mode", "replace"], "Must be create, update or upsert"),
            (&["import", name, "--mapping", "Shoe=email"], "which the file does not have"),
            (&["import", "--resume", "nothing"], "--resume takes the id of an import"),
        ] {
            let refused = deployment.run(args, "").await;
            assert_eq!(refused.code, Some(1), "{args:?}");
            assert!(refused.err.contains(told), "{args:?}: {}", refused.err);
        }
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn an_interrupted_command_goes_on_where_it_was() {
    on_both_engines(async |deployment| {
        std::fs::write(deployment.folder().join("people.csv"), table()).unwrap();
        assert_eq!(deployment.run(&["migrate"], "").await.code, Some(0));
        let mut child = deployment.command(&["import", "people.csv"]).spawn().unwrap();
        while number(deployment, "processed").await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let id = child.id().unwrap().to_string();
        assert!(tokio::process::Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
        assert_eq!(child.wait().await.unwrap().code(), Some(130));
        let done = number(deployment, "processed").await;
        assert!(done > 0 && done < ROWS as i64, "interrupted in the middle: {done}");
        let id = batch(deployment).await;
        let resumed = deployment.run(&["import", "--resume", &id, "--json"], "").await;
        assert_eq!(resumed.code, Some(1), "{}{}", resumed.out, resumed.err);
        let view: Value = serde_json::from_str(&resumed.out).unwrap();
        assert_eq!((&view["state"], &view["progress"]["created"]), (&json!("done"), &json!(ROWS - 30)));
        assert_eq!(number(deployment, "customers").await, (ROWS - 30) as i64);
        assert_eq!(drift(deployment).await, []);
        let again = deployment.run(&["import", "--resume", &id], "").await;
        assert!(again.out.contains(&format!("Import {id} is done")), "{}", again.out);
    })
    .await;
}

/// Rows of whom ten cannot be imported and twenty repeat others.
fn table() -> Vec<u8> {
    let mut file = String::from("email,first_name,last_name,phone,city,country,date_of_birth,tags\n");
    for n in 0..ROWS - 20 {
        let email =
            if n % 500 == 0 && n < 5000 { "nobody".to_owned() } else { format!("person{n}@example.com") };
        file +=
            &format!("{email},Ana,Number {n},+1 555 {n:07},Ica,Perú,1990-01-15,\"imported, {}\"\n", n % 7);
    }
    for n in 0..20 {
        file += &format!("PERSON{}@example.com,Again,Same,,Lima,,,\n", n * 250 + 1);
    }
    file.into_bytes()
}

async fn until(staff: &Client, path: &str, so: impl Fn(&Value) -> bool) -> Value {
    loop {
        let job = staff.get(path).await.expect(200);
        if so(&job) {
            return job;
        }
        assert!(matches!(job["state"].as_str(), Some("waiting" | "running")), "{job}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn open(deployment: &Deployment) -> Db {
    Db::open(&Options::new(deployment.target())).unwrap()
}

/// What is in the database while no server runs, and beside one.
async fn number(deployment: &Deployment, what: &str) -> i64 {
    let db = open(deployment);
    let mut tx = db.read(&std::sync::Arc::default()).await.unwrap();
    let statement = match what {
        "processed" => sql!("SELECT coalesce((SELECT processed FROM batch), 0) AS n" => i64),
        "created" => sql!("SELECT created AS n FROM batch" => i64),
        "lines" => sql!("SELECT count(*) AS n FROM batch_row" => i64),
        "customers" => {
            sql!("SELECT count(DISTINCT c.user_id) AS n FROM customer c JOIN user_account u ON u.id = c.user_id" => i64)
        }
        _ => {
            sql!("SELECT count(DISTINCT subject_id) AS n FROM event WHERE action = 'customer.created'" => i64)
        }
    };
    tx.one(statement, []).await.unwrap()
}

async fn batch(deployment: &Deployment) -> String {
    let db = open(deployment);
    let mut tx = db.read(&std::sync::Arc::default()).await.unwrap();
    tx.one(sql!("SELECT id FROM batch" => uuid::Uuid), []).await.unwrap().to_string()
}

/// Half a minute later, without waiting for it.
async fn lease_runs_out(deployment: &Deployment) {
    let db = open(deployment);
    let mut tx = db.write(&std::sync::Arc::default()).await.unwrap();
    let running = sql!("UPDATE job SET lease_ms = 0 WHERE state = 'running' AND kind = 'batch.run'");
    // None if it was killed between two slices of the job: then the row waits without a lease.
    assert!(tx.exec(running, []).await.unwrap() <= 1);
    tx.commit().await.unwrap();
}

/// What differs between the counters and a full count.
async fn drift(deployment: &Deployment) -> Vec<customers::statistics::service::Drift> {
    let url = match deployment.target() {
        Target::Sqlite(path) => format!("sqlite://{}", path.display()),
        Target::Postgres(url) => url,
    };
    let given = vec![("data_dir", deployment.data().display().to_string()), ("database.url", url)];
    let config = Config::load(&Sources::of_process(None, given)).unwrap();
    let app = Box::pin(server::app::start(config)).await.unwrap();
    customers::statistics::service::reconcile(&app.system("test")).await.unwrap()
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
