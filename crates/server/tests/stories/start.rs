//! Who makes a database, what is not taken for one, a server that comes later, and what is locked or full.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use database::driver::{rusqlite, tokio_postgres};
use database::{Engine, Target};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::deployment::{Deployment, Server, on_both_engines};

/// What a refused start says.
async fn refused(deployment: &Deployment, words: &[&str]) {
    let done = deployment.launch(&[]).refused().await;
    assert_eq!(done.code, Some(1), "{}", done.err);
    for word in words {
        assert!(done.err.contains(word), "it should say {word:?}: {}", done.err);
    }
}

/// Runs statements as another program would.
async fn beside(deployment: &Deployment, text: &str) {
    match deployment.target() {
        Target::Sqlite(path) => rusqlite::Connection::open(path).unwrap().execute_batch(text).unwrap(),
        Target::Postgres(url) => session(&url).await.batch_execute(text).await.unwrap(),
    }
}

async fn session(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn a_command_makes_no_database_and_leaves_nothing_behind() {
    on_both_engines(async |deployment| {
        std::fs::write(deployment.folder().join("people.csv"), "email\na@example.com\n").unwrap();
        let commands: [&[&str]; 5] = [
            &["api-key", "create", "--role", "admin", "--name", "x"],
            &["admin", "create", "--email", "a@example.com", "--password-stdin"],
            &["export"],
            &["import", "people.csv"],
            &["migrate-v1", "people.csv", "--no-backup"],
        ];
        let before = std::fs::read_dir(deployment.folder()).unwrap().count();
        for args in commands {
            let done = deployment.run(args, "a long enough sentence\n").await;
            assert_eq!(done.code, Some(1), "{args:?}: {}", done.out);
            assert!(done.err.contains("there is no") && done.err.contains("regulars serve"), "{}", done.err);
        }
        let doctor = deployment.run(&["doctor"], "").await;
        assert!(doctor.code == Some(1) && doctor.out.contains("there is no"), "{}", doctor.out);
        let after = std::fs::read_dir(deployment.folder()).unwrap().count();
        assert!(!deployment.data().exists() && after == before, "something was left behind");
        let key = ["api-key", "create", "--role", "admin", "--name", "x", "--create"];
        assert_eq!(deployment.run(&key, "").await.code, Some(0));
        let mode = std::fs::metadata(deployment.data()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_gone_is_not_begun_anew_beside_its_key() {
    on_both_engines(async |deployment| {
        deployment.serve(&[]).await.stop().await;
        match deployment.target() {
            Target::Sqlite(path) => {
                std::fs::write(&path, "").unwrap();
                refused(deployment, &["missing or empty", "secret.key", "--create"]).await;
                std::fs::remove_file(&path).unwrap();
            }
            Target::Postgres(_) => {
                beside(deployment, "DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
            }
        }
        refused(deployment, &["missing or empty", "secret.key", "--create"]).await;
        deployment.serve(&["--create"]).await.stop().await;
        deployment.serve(&[]).await.stop().await;
    })
    .await;
}

#[tokio::test]
async fn tables_of_something_else_are_left_alone() {
    on_both_engines(async |deployment| {
        std::fs::create_dir(deployment.data()).unwrap();
        beside(deployment, "CREATE TABLE recipe (name TEXT)").await;
        let before = match deployment.target() {
            Target::Sqlite(path) => std::fs::read(path).unwrap(),
            Target::Postgres(_) => Vec::new(),
        };
        refused(deployment, &["tables of something else", "`recipe`", "--create"]).await;
        if let Target::Sqlite(path) = deployment.target() {
            assert!(std::fs::read(path).unwrap() == before, "the file was changed");
        }
        assert!(!deployment.data().join("secret.key").exists());
        deployment.serve(&["--create"]).await.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_damaged_file_and_one_of_a_newer_release_are_told_apart() {
    let deployment = Deployment::new(Engine::Sqlite).await;
    deployment.serve(&[]).await.stop().await;
    let Target::Sqlite(path) = deployment.target() else { panic!() };
    beside(&deployment, "INSERT INTO migration VALUES ('9999_later', 'x', 0)").await;
    refused(&deployment, &["9999_later", "newer release", "backup"]).await;
    beside(&deployment, "DELETE FROM migration WHERE name = '9999_later'").await;
    // Its last pages are those of another moment.
    let mut bytes = std::fs::read(&path).unwrap();
    let from = bytes.len() - 8 * 4096;
    bytes[from..].fill(0x5a);
    std::fs::write(&path, &bytes).unwrap();
    refused(&deployment, &["damaged", "put a backup in its place", ".backup"]).await;
    let doctor = deployment.run(&["doctor"], "").await.out;
    assert!(doctor.contains("FAIL  integrity") && doctor.contains("put a backup in its place"), "{doctor}");
    std::fs::write(
        &path,
        "a letter to my aunt, long enough to be taken for a database by its length alone; she is well",
    )
    .unwrap();
    refused(&deployment, &["no SQLite database"]).await;
    deployment.end().await;
}

#[tokio::test]
async fn a_data_directory_that_is_open_to_everybody_is_closed() {
    let deployment = Deployment::new(Engine::Sqlite).await;
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let open = |path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::create_dir(deployment.data()).unwrap();
    open(deployment.data());
    deployment.serve(&[]).await.stop().await;
    assert_eq!(mode(deployment.data()), 0o700);
    // One that holds something else as well may be somebody's home.
    open(deployment.data());
    std::fs::write(deployment.data().join("letter.txt"), "Dear aunt").unwrap();
    let server = deployment.serve(&[]).await;
    assert!(server.log().contains("open to everybody"), "{}", server.log());
    server.stop().await;
    assert_eq!(mode(deployment.data()), 0o755);
    deployment.end().await;
}

/// Polls what a process does in its own time.
async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !done().await {
        assert!(Instant::now() < end, "it did not happen: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_server_waits_for_a_database_that_comes_later() {
    let deployment = Deployment::new(Engine::Postgres).await;
    let Target::Postgres(url) = deployment.target() else { panic!() };
    let (login, place) = url.split_once('@').unwrap();
    let (real, name) = place.split_once('/').unwrap();
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let later = format!("{login}@{port}/{name}");
    let starting = deployment.launch(&["--database-url", &later]);
    let cause = format!("cannot reach {port}: Connection refused");
    until("it says that it waits", async || {
        let log = starting.log();
        log.contains("waiting for the database") && log.contains(&cause)
    })
    .await;
    let (gate, real) = (TcpListener::bind(port).await.unwrap(), real.to_owned());
    let open = tokio::spawn(async move {
        loop {
            let (mut here, _) = gate.accept().await.unwrap();
            let real = real.clone();
            tokio::spawn(async move {
                let mut there = TcpStream::connect(real).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut here, &mut there).await;
            });
        }
    });
    let server: Server = starting.ready().await;
    server.client().get("/readyz").await.expect(200);
    server.stop().await;
    open.abort();
    deployment.end().await;
}

/// One that is asked to stop while it waits does.
#[tokio::test]
async fn a_server_that_waits_can_be_stopped() {
    let deployment = Deployment::new(Engine::Sqlite).await;
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let starting = deployment.launch(&["--database-url", &format!("postgres://u@{port}/d")]);
    until("it waits", async || starting.log().contains("waiting for the database")).await;
    starting.signal("TERM").await;
    assert_eq!(starting.refused().await.code, Some(0));
    deployment.end().await;
}

#[tokio::test]
async fn a_password_that_changed_is_503_with_its_cause_in_the_log_and_the_way_back_too() {
    let deployment = Deployment::new(Engine::Postgres).await;
    let Target::Postgres(url) = deployment.target() else { panic!() };
    let admin = session(&url).await;
    let role = url.rsplit_once('/').unwrap().1.replace("regulars_story", "role");
    let name = url.rsplit_once('/').unwrap().1;
    admin.batch_execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'first'")).await.unwrap();
    let (_, place) = url.split_once('@').unwrap();
    let theirs = format!("postgres://{role}:first@{place}");
    let done = deployment.run(&["migrate", "--database-url", &theirs], "").await;
    assert!(done.err.contains("GRANT USAGE, CREATE ON SCHEMA public"), "{}", done.err);
    admin.batch_execute(&format!("ALTER DATABASE {name} OWNER TO {role}")).await.unwrap();
    let server = deployment.serve(&["--database-url", &theirs]).await;
    let args = ["api-key", "create", "--role", "admin", "--name", "n", "--database-url", &theirs];
    let key = deployment.run(&args, "").await.out.lines().last().unwrap().to_owned();
    let staff = server.client().with(&key);
    staff.get("/api/v1/customers/").await.expect(200);

    let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'");
    admin.batch_execute(&format!("ALTER ROLE {role} PASSWORD 'second'; {cut}")).await.unwrap();
    // The first may find a connection that was just cut; none is an error of ours, and none tells who we are.
    until("it is told that there is no way in", async || {
        let problem = staff.get("/api/v1/customers/").await.expect(503);
        assert!(!problem.to_string().contains(&role), "{problem}");
        problem["error_code"] == "DATABASE_UNAVAILABLE"
    })
    .await;
    server.client().get("/livez").await.expect(200);
    let log = server.log();
    assert!(log.contains("password authentication failed") && !log.contains("db error\""), "{log}");
    admin.batch_execute(&format!("ALTER ROLE {role} PASSWORD 'first'")).await.unwrap();
    staff.get("/api/v1/customers/").await.expect(200);
    assert!(server.log().contains("PostgreSQL is reached again"), "{}", server.log());
    server.stop().await;
    admin
        .batch_execute(&format!("REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}"))
        .await
        .unwrap();
    admin.batch_execute(&format!("DROP ROLE {role}")).await.unwrap();
    deployment.end().await;
}

#[tokio::test]
async fn one_locked_row_holds_up_nobody_else() {
    let deployment = Deployment::new(Engine::Postgres).await;
    let settings = "[database]\npool_size = 8\nlock_timeout_ms = 400\n";
    std::fs::write(deployment.folder().join("regulars.toml"), settings).unwrap();
    let server = deployment.serve(&[]).await;
    let staff = server.client().with(&deployment.api_key("admin", "story").await);
    let create = async |name: &str| {
        let body = json!({ "first_name": name, "last_name": "Mora", "email": format!("{name}@example.com") });
        staff.post("/api/v1/customers/", body).await.expect(201)["customer_id"].as_str().unwrap().to_owned()
    };
    let ana = create("ana").await;
    let Target::Postgres(url) = deployment.target() else { panic!() };
    let lunch = session(&url).await;
    lunch.batch_execute("BEGIN; SELECT id FROM customer FOR UPDATE").await.unwrap();
    let patches: Vec<_> = (0..24)
        .map(|n| {
            let (staff, path) = (staff.clone(), format!("/api/v1/customers/{ana}/"));
            tokio::spawn(async move { staff.patch(&path, json!({ "city": format!("City {n}") })).await })
        })
        .collect();
    let watcher = session(&url).await;
    until("they wait for the row", async || {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        watcher.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) > 3
    })
    .await;
    staff.get(&format!("/api/v1/customers/{ana}/")).await.expect(200);
    create("eva").await;
    for patch in patches {
        let reply = patch.await.unwrap();
        reply.expect_error(503, "RECORD_LOCKED");
        assert!(!reply.header("retry-after").is_empty());
    }
    lunch.batch_execute("ROLLBACK").await.unwrap();
    staff.patch(&format!("/api/v1/customers/{ana}/"), json!({ "city": "Lima" })).await.expect(200);
    server.stop().await;
    drop((lunch, watcher));
    deployment.end().await;
}

/// A disk of a few megabytes; `None` where this user may not mount one.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: std::path::PathBuf) -> Option<SmallDisk> {
        std::fs::create_dir(&at).unwrap();
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs"])
            .arg(&at)
            .output();
        mount.is_ok_and(|done| done.status.success()).then_some(SmallDisk(at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[tokio::test]
async fn with_a_full_disk_what_is_stored_is_still_served() {
    let deployment = Deployment::new(Engine::Sqlite).await;
    let Some(disk) = SmallDisk::mount(deployment.data()) else {
        eprintln!("skipped: this user may not mount a file system");
        return;
    };
    let server = deployment.serve(&[]).await;
    let staff = server.client().with(&deployment.api_key("admin", "story").await);
    let body = json!({ "first_name": "Ana", "last_name": "Mora", "email": "ana@example.com" });
    let ana = staff.post("/api/v1/customers/", body).await.expect(201);
    // To the last byte: what does not fit as a whole is written in part.
    let mut filler = std::fs::File::create(deployment.data().join("filler")).unwrap();
    while std::io::Write::write_all(&mut filler, &[0; 4096]).is_ok() {}
    until("it says so", async || server.client().get("/readyz").await.text.contains("reading only")).await;
    let health = server.client().get("/health").await.expect(200);
    assert_eq!((&health["status"], &health["read_only"]), (&json!("degraded"), &json!(true)), "{health}");
    assert_eq!(health["components"]["storage"]["status"], "unhealthy");
    let path = format!("/api/v1/customers/{}/", ana["customer_id"].as_str().unwrap());
    staff.get(&path).await.expect(200);
    // What the log of SQLite has taken of the disk already can be filled first.
    let mut full = staff.patch(&path, json!({ "notes": "x".repeat(2000) })).await;
    for n in 0..4000 {
        if full.status != 200 {
            break;
        }
        full = staff.patch(&path, json!({ "notes": format!("{n}{}", "x".repeat(1900)) })).await;
    }
    full.expect_error(503, "STORAGE_FULL");
    assert_eq!(full.header("retry-after"), "60");
    drop(filler);
    std::fs::remove_file(deployment.data().join("filler")).unwrap();
    until("there is room again", async || server.client().get("/readyz").await.text == "ready").await;
    server.stop().await;
    drop(disk);
    deployment.end().await;
}
