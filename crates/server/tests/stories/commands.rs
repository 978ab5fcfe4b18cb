//! The command line beside a running server, on the same database.

use database::Engine;
use serde_json::{Value, json};

use crate::deployment::{Deployment, on_both_engines};

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
        let request = feed["events"][0]["request_id"].as_str().unwrap();
        assert!(request.starts_with("regulars-api-key-create-") && request.len() <= 64, "{request}");
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
        assert!(twice.err.contains("already exists") && !twice.err.contains("because"), "{}", twice.err);
    })
    .await;
}

/// A lost key or password is dealt with while the server runs.
#[tokio::test]
async fn keys_and_administrators_are_managed_beside_a_running_server() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&[]).await;
        let run = async |args: &[&str], input: &str| {
            let done = deployment.run(args, input).await;
            assert_eq!(done.code, Some(0), "{args:?}: {}", done.err);
            done.out
        };
        let json_of = async |args: &[&str]| -> Value { serde_json::from_str(&run(args, "").await).unwrap() };
        let admin = |verb, address| ["admin", verb, "--email", address, "--password-stdin"];
        run(&admin("create", "ada@example.com"), "a long enough sentence\n").await;
        run(&admin("create", "eva@example.com"), "a long enough sentence\n").await;
        let listed = json_of(&["admin", "list", "--json"]).await;
        assert_eq!((&listed[0]["email"], &listed[1]["is_active"]), (&json!("ada@example.com"), &json!(true)));
        run(&admin("password", "ada@example.com"), "another long sentence\n").await;
        server.client().log_in("ada@example.com", "another long sentence").await;
        run(&["admin", "deactivate", "--email", "eva@example.com"], "").await;
        let table = run(&["admin", "list"], "").await;
        assert!(table.lines().any(|l| l.contains("eva@example.com") && l.contains("deactivated")), "{table}");
        let last = deployment.run(&["admin", "deactivate", "--email", "ada@example.com"], "").await;
        assert!(last.code == Some(1) && last.err.contains("last active administrator"), "{}", last.err);
        run(&["admin", "activate", "--email", "eva@example.com"], "").await;

        let key = deployment.api_key("admin", "nightly import").await;
        let staff = server.client().with(&key);
        staff.get("/api/v1/api-keys").await.expect(200);
        let twice = deployment
            .run(&["api-key", "create", "--role", "employee", "--name", "nightly import"], "")
            .await;
        assert!(twice.code == Some(1) && twice.err.contains("--replace"), "{}", twice.err);
        let typing = ["api-key", "create", "--role", "amdin", "--name", "n"];
        let typing = deployment.run(&typing, "").await;
        assert!(typing.err.contains("did you mean admin?"), "{}", typing.err);
        run(&["api-key", "rename", "nightly import", "hourly import"], "").await;
        let keys = json_of(&["api-key", "list", "--json"]).await;
        assert_eq!((&keys[0]["name"], &keys[0]["state"]), (&json!("hourly import"), &json!("active")));
        let id = keys[0]["id"].as_str().unwrap();
        let replacement = ["api-key", "create", "--role", "admin", "--name", "hourly import", "--replace"];
        let newer = run(&replacement, "").await;
        assert_eq!(json_of(&["api-key", "list", "--all", "--json"]).await.as_array().unwrap().len(), 2);
        let revoked = deployment.run(&["api-key", "revoke", id], "").await;
        assert!(revoked.code == Some(1), "it was revoked by its replacement: {}", revoked.out);
        let newer = server.client().with(newer.trim());
        newer.get("/api/v1/api-keys").await.expect(200);
        let gone = json_of(&["api-key", "revoke", "hourly import", "--json"]).await;
        assert_eq!(gone["state"], "revoked");
        // Within two seconds in the running server, which asks again every second.
        while newer.get("/api/v1/api-keys").await.status != 401 {}
        while staff.get("/api/v1/api-keys").await.status != 401 {}
        let none = deployment.run(&["api-key", "revoke", "hourly import"], "").await;
        assert!(none.err.contains("there is no API key called hourly import"), "{}", none.err);
        server.stop().await;
    })
    .await;
}

/// Containers, in which nobody has a shell: the first administrator and a key come from the environment.
#[tokio::test]
async fn a_deployment_is_started_with_an_administrator_and_a_key() {
    on_both_engines(async |deployment| {
        let key = format!("rk_{}A", "B".repeat(42));
        let (password, secret) = (deployment.folder().join("password"), deployment.folder().join("key"));
        std::fs::write(&password, "a long enough sentence\n").unwrap();
        std::fs::write(&secret, format!("{key}\n")).unwrap();
        let start = || {
            let mut starting = deployment.prepare(&[]);
            starting
                .env("REGULARS_BOOTSTRAP_ADMIN_EMAIL", "ada@example.com")
                .env("REGULARS_BOOTSTRAP_ADMIN_PASSWORD_FILE", &password)
                .env("REGULARS_BOOTSTRAP_API_KEY_FILE", &secret);
            deployment.start(starting)
        };
        let (one, two) = tokio::join!(start().ready(), start().ready());
        for server in [&one, &two] {
            server.client().log_in("ada@example.com", "a long enough sentence").await;
            let keys = server.client().with(&key).get("/api/v1/api-keys").await.expect(200);
            assert_eq!((&keys["total"], &keys["api_keys"][0]["name"]), (&json!(1), &json!("bootstrap")));
            assert!(!server.said.contains("There is no administrator"), "{}", server.said);
            assert!(
                !server.log().contains(&key) && !server.log().contains("long enough"),
                "{}",
                server.log()
            );
        }
        one.stop().await;
        two.stop().await;
        // What people have done since stays.
        let changed = ["admin", "password", "--email", "ada@example.com", "--password-stdin"];
        assert_eq!(deployment.run(&changed, "another long sentence\n").await.code, Some(0));
        assert_eq!(deployment.run(&["api-key", "revoke", "bootstrap"], "").await.code, Some(0));
        let again = start().ready().await;
        again.client().log_in("ada@example.com", "another long sentence").await;
        assert_eq!(again.client().with(&key).get("/api/v1/api-keys").await.status, 401);
        again.stop().await;
    })
    .await;
}

/// What the binary says of itself needs neither configuration nor database.
#[tokio::test]
async fn completions_and_manual_pages_come_from_the_binary() {
    let deployment = Deployment::new(Engine::Sqlite).await;
    std::fs::write(deployment.folder().join("regulars.toml"), "nonsense = 1\n").unwrap();
    for (shell, word) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef regulars"),
        ("fish", "complete -c regulars"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let done = deployment.run(&["completions", shell], "").await;
        assert!(
            done.code == Some(0) && done.out.contains(word) && done.out.contains("api-key"),
            "{shell}: {}",
            done.err
        );
    }
    let page = deployment.run(&["man"], "").await;
    assert!(page.out.contains(".TH") && page.out.contains("self\\-hosted"), "{}", page.out);
    let pages = deployment.run(&["man", "pages/man1"], "").await;
    assert_eq!(pages.code, Some(0), "{}", pages.err);
    let written =
        |name: &str| std::fs::read_to_string(deployment.folder().join("pages/man1").join(name)).unwrap();
    assert!(
        written("regulars-api-key-create.1").contains("role")
            && written("regulars.1").contains("regulars\\-serve")
    );
    let version = deployment.run(&["--version"], "").await.out;
    assert!(version.starts_with(concat!("regulars ", env!("CARGO_PKG_VERSION"))), "{version}");
    assert!(!deployment.data().exists());
    deployment.end().await;
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
        let says = |key: &str, value: Value, source: &str| {
            assert_eq!(*of(key), json!({ "key": key, "value": value, "source": source }));
        };
        says("time_zone", json!("America/Bogota"), "regulars.toml:1");
        says("service_name", json!("customer-service"), "environment SERVICE_NAME");
        says("log.level", json!("debug"), "flag --log-level");
        says("secret_key", json!("********"), "environment SECRET_KEY");
        says("week_start", json!("monday"), "default");
        says("consul.port", json!(8500), "default");
        says("docs.enabled", json!(true), "default");
        says("listen", json!(["127.0.0.1:8000"]), "default");
        let lines = deployment.run(&["config"], "").await.out;
        let shown =
            |start: &str| lines.lines().any(|line| line.starts_with(start) && line.ends_with("# default"));
        assert!(shown("week_start = \"monday\"") && lines.contains("\n# secret_key = \"(in "), "{lines}");
        // What is shown can be put into a file, and so can the file to begin with.
        let whole = deployment.run(&["config", "--toml"], "").await.out;
        for text in [lines, whole] {
            std::fs::write(&file, &text).unwrap();
            let again = deployment.run(&["config", "--json"], "").await;
            assert_eq!(again.code, Some(0), "{}\n{text}", again.err);
            let again: Vec<Value> = serde_json::from_str(&again.out).unwrap();
            let zone = again.iter().find(|entry| entry["key"] == "time_zone").unwrap();
            assert_eq!(zone["value"], "America/Bogota", "{text}");
        }
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
        let again = deployment.run(&to_file, "").await;
        assert!(again.code == Some(1) && again.err.contains("--force replaces it"), "{}", again.err);
        let forced = deployment.run(&[&to_file[..], &["--force"]].concat(), "").await;
        assert_eq!(forced.code, Some(0), "{}", forced.err);
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
