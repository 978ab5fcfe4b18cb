//! The command line beside a running server, on the same database.

use serde_json::{Value, json};

use crate::deployment::on_both_engines;

/// Rows A58, C20.
#[tokio::test]
async fn a58_an_administrator_and_a_key_are_made_while_the_server_runs() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&[]).await;
        assert!(server.said.contains("There is no administrator yet"), "{}", server.said);
        let create =
            ["admin", "create", "--email", "Ada@Example.com", "--password-stdin", "--first-name", "Ada"];
        let done = deployment.run(&create, "a long enough sentence\nnever read\n").await;
        assert_eq!(done.code, Some(0), "{}", done.err);
        let login = server.client().log_in("ada@example.com", "a long enough sentence").await;
        assert_eq!((&login["user"]["role"], &login["user"]["first_name"]), (&json!("admin"), &json!("Ada")));

        let key = deployment.api_key("admin", "importer").await;
        // On PostgreSQL the feed waits for every older transaction of the server, also of tests beside this one.
        let staff = server.client().with(&key);
        let feed = loop {
            let feed = staff.get("/api/v1/events?action=api_key.created").await.expect(200);
            if feed["events"] != json!([]) {
                break feed;
            }
        };
        assert_eq!(feed["events"][0]["subject"]["ref"], "importer", "{feed}");
        assert_eq!(feed["events"][0]["actor"]["kind"], "system");
        server.stop().await;
        let again = deployment.serve(&[]).await;
        assert!(!again.said.contains("administrator"), "{}", again.said);
        again.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_command_that_cannot_be_done_says_why() {
    on_both_engines(async |deployment| {
        deployment.migrate().await;
        let create = ["admin", "create", "--email", "ada@example.com", "--password-stdin"];
        let cases: [(&[&str], &str, &str); 7] = [
            (&create, "short\n", "password"),
            (&create, "", "standard input holds no password"),
            (&create[..4], "", "--password-stdin"),
            (&["admin", "create", "--email", "no address", "--password-stdin"], "x", "--email"),
            (&["api-key", "create", "--role", "customer", "--name", "n"], "", "role of staff"),
            (&["api-key", "create", "--role", "king", "--name", "n"], "", "king"),
            (&["api-key", "create", "--role", "manager", "--name", "n"], "", "company"),
        ];
        for (args, input, word) in cases {
            let done = deployment.run(args, input).await;
            assert_eq!(done.code, Some(1), "{args:?}: {}", done.err);
            assert!(
                done.err.contains(word) && done.out.is_empty(),
                "{args:?} should say {word:?}: {}",
                done.err
            );
        }
        assert_eq!(deployment.run(&create, "a long enough sentence\n").await.code, Some(0));
        let twice = deployment.run(&create, "a long enough sentence\n").await;
        assert!(twice.err.contains("already exists"), "{}", twice.err);
    })
    .await;
}

#[tokio::test]
async fn doctor_finds_what_is_wrong() {
    on_both_engines(async |deployment| {
        let checks = async || {
            let done = deployment.run(&["doctor", "--json"], "").await;
            let report: Value = serde_json::from_str(&done.out).unwrap();
            assert_eq!(report["ok"], done.code == Some(0));
            let failed = report["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == false);
            failed.map(|check| check["part"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(checks().await, ["database"], "nothing was made yet");
        let lines = deployment.run(&["doctor"], "").await.out;
        for part in ["keys", "clock", "administrator", "storage"] {
            assert!(lines.lines().any(|line| line.starts_with("SKIP") && line.contains(part)), "{lines}");
        }
        let server = deployment.serve(&[]).await;
        assert!(checks().await.is_empty());
        let lines = deployment.run(&["doctor"], "").await.out;
        for part in ["database", "keys", "clock", "storage", "mail"] {
            assert!(lines.lines().any(|line| line.starts_with("OK") && line.contains(part)), "{lines}");
        }
        assert!(lines.contains("WARN  administrator") && lines.contains("admin create"), "{lines}");
        std::fs::write(deployment.data().join("secret.key"), "ab".repeat(32)).unwrap();
        std::fs::remove_dir_all(deployment.data().join("files")).unwrap();
        std::fs::write(deployment.data().join("files"), "in the way").unwrap();
        assert_eq!(checks().await, ["keys", "storage"]);
        let lines = deployment.run(&["doctor"], "").await.out;
        assert!(lines.contains("FAIL  keys") && lines.contains("→ put the right key back"), "{lines}");
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn config_shows_values_places_and_no_secret() {
    on_both_engines(async |deployment| {
        let file = deployment.folder().join("regulars.toml");
        std::fs::write(&file, "time_zone = \"America/Bogota\"\n").unwrap();
        let mut command = deployment.command(&["config", "--json", "--log-level", "debug"]);
        let secret = "5ecre7".repeat(8);
        let done = command
            .env("SECRET_KEY", &secret)
            .env("SERVICE_NAME", "customer-service")
            .output()
            .await
            .unwrap();
        let text = String::from_utf8(done.stdout).unwrap();
        assert!(!text.contains(&secret) && !text.contains("postgres:postgres"), "{text}");
        let entries: Vec<Value> = serde_json::from_str(&text).unwrap();
        let of = |key: &str| entries.iter().find(|entry| entry["key"] == key).unwrap();
        let says = |key: &str, value: &str, source: &str| {
            assert_eq!(*of(key), json!({ "key": key, "value": value, "source": source }));
        };
        says("time_zone", "America/Bogota", "regulars.toml:1");
        says("service_name", "customer-service", "environment SERVICE_NAME");
        says("log.level", "debug", "flag --log-level");
        says("secret_key", "********", "environment SECRET_KEY");
        says("week_start", "monday", "default");
        let lines = deployment.run(&["config"], "").await.out;
        assert!(
            lines.lines().any(|line| line.starts_with("week_start = monday") && line.ends_with("# default"))
        );
    })
    .await;
}

/// `regulars export`, beside a running server.
#[tokio::test]
async fn export_writes_a_whole_file_or_none() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&[]).await;
        let staff = server.client().with(&deployment.api_key("admin", "exporter").await);
        for name in ["ada", "eva"] {
            let body = json!({
                "first_name": name, "last_name": "Rey", "email": format!("{name}@example.com"),
                "country": if name == "eva" { "USA" } else { "Peru" }
            });
            staff.post("/api/v1/customers/", body).await.expect(201);
        }
        let done = deployment.run(&["export", "--columns", "email,country"], "").await;
        assert_eq!(done.code, Some(0), "{}", done.err);
        assert_eq!(done.out, "email,country\r\nada@example.com,Peru\r\neva@example.com,USA\r\n");
        assert!(done.err.contains("2 customers exported"), "{}", done.err);
        let file = deployment.folder().join("out.ndjson");
        let path = file.display().to_string();
        let to_file =
            ["export", "--format", "ndjson", "--filter", "country=United States", "--output", path.as_str()];
        let done = deployment.run(&to_file, "").await;
        assert_eq!((done.code, done.out.as_str()), (Some(0), ""), "{}", done.err);
        let line: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(line["email"], "eva@example.com");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        for wrong in [
            ["--filter", "colour=red"],
            ["--filter", "limit=5"],
            ["--columns", "password"],
            ["--output", "/"],
        ] {
            let done = deployment.run(&["export", wrong[0], wrong[1]], "").await;
            assert_eq!((done.code, done.out.as_str()), (Some(1), ""), "{wrong:?}: {}", done.err);
        }
        let over_http = staff.get("/api/v1/customers/export?columns=email").await;
        assert_eq!(over_http.text, "email\r\nada@example.com\r\neva@example.com\r\n");
        assert!(over_http.header("content-disposition").starts_with("attachment"));
        server.stop().await;
    })
    .await;
}
