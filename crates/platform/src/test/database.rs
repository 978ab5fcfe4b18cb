//! A fresh, migrated database on either engine.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::NoTls;

use crate::crypto::sha256;
use crate::schema;
use database::{Db, Engine, Migration, Options, Target, Usage};
use kernel::clock::Clock;
use kernel::id::Random;

/// A database that ends with the test.
pub struct TestDb {
    /// The database.
    pub db: Db,
    /// How it was opened: open it again to be another process.
    pub options: Options,
    /// A folder of the test's own.
    pub folder: tempfile::TempDir,
    name: Option<String>,
}

impl TestDb {
    /// A fresh one. PostgreSQL's server is named by `REGULARS_TEST_POSTGRES`, which `scripts/test` and
    /// `scripts/postgres run …` set.
    pub async fn new(engine: Engine) -> TestDb {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let (target, name) = match engine {
            Engine::Sqlite => (Target::Sqlite(folder.path().join("regulars.db")), None),
            Engine::Postgres => {
                let (url, name) = fresh_postgres().await;
                (Target::Postgres(url), Some(name))
            }
        };
        // Waits that only something that hangs needs: no test depends on how busy the machine is.
        let patience = Duration::from_secs(20);
        let options =
            Options { pool_size: 6, deadline: patience, lock_timeout: 4 * patience, ..Options::new(target) };
        let db = Db::open(&options).expect("the test's database opens");
        if engine == Engine::Sqlite {
            schema::migrate(&db, &migrations()).await.expect("the migrations apply");
        }
        TestDb { db, options, folder, name }
    }

    /// Drops the database. A test that panics leaves it to the end of the throw-away server.
    pub async fn end(self) {
        drop(self.db);
        if let Some(name) = self.name {
            let admin = connect(&server()).await;
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            admin.batch_execute(&drop).await.expect("the test's database is dropped");
        }
    }

    /// A request's worth of database use.
    pub fn usage(&self) -> Arc<Usage> {
        Arc::new(Usage::default())
    }
}

/// The schema as it stands in the source tree. Read when a test runs, so that a new migration rebuilds nothing.
pub fn migrations() -> Vec<Migration> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    Migration::of_directory(directory.as_ref()).expect("the migrations of the source tree")
}

/// Runs a test on SQLite, then on PostgreSQL; the output of a failure names the engine.
pub async fn on_both_databases(test: impl AsyncFn(&TestDb)) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        announce(engine);
        let db = TestDb::new(engine).await;
        test(&db).await;
        db.end().await;
    }
}

#[expect(clippy::print_stderr, reason = "shown only when the test fails")]
pub(super) fn announce(engine: Engine) {
    eprintln!("── on {engine}");
}

#[expect(clippy::disallowed_methods, reason = "the one setting of the tests")]
fn server() -> String {
    std::env::var("REGULARS_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!("tests need a PostgreSQL server: run `scripts/test`, or `scripts/postgres run cargo nextest run …`")
    })
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the test server answers");
    tokio::spawn(connection);
    client
}

/// Replaces the database's name in a `postgres://…/name?…` URL.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, String::new()), |(b, q)| (b, format!("?{q}")));
    let after_scheme = base.find("://").map_or(0, |i| i + 3);
    let end = base[after_scheme..].find('/').map_or(base.len(), |i| after_scheme + i);
    format!("{}/{name}{query}", &base[..end])
}

/// A copy of a template that is migrated once for each set of migrations.
async fn fresh_postgres() -> (String, String) {
    let server = server();
    let admin = connect(&server).await;
    let texts: String = migrations().into_iter().map(|m| m.postgres).collect();
    let template =
        format!("regulars_template_{}", data_encoding::HEXLOWER.encode(&sha256(texts.as_bytes())[..8]));
    // Tests are processes of their own: the first makes the template, the others wait here.
    admin.batch_execute("SELECT pg_advisory_lock(7234519004)").await.expect("the lock of the template");
    let exists =
        admin.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&template]).await.expect("a query");
    if exists.is_none() {
        let making = format!("{template}_making");
        admin
            .batch_execute(&format!("DROP DATABASE IF EXISTS {making} WITH (FORCE)"))
            .await
            .expect("a clean start");
        admin.batch_execute(&format!("CREATE DATABASE {making}")).await.expect("a new database");
        let db =
            Db::open(&Options::new(Target::Postgres(with_database(&server, &making)))).expect("it opens");
        schema::migrate(&db, &migrations()).await.expect("the migrations apply");
        drop(db);
        let client_gone = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{making}'; ALTER DATABASE {making} RENAME TO {template}"
        );
        for statement in client_gone.split("; ") {
            admin.batch_execute(statement).await.expect("the template gets its name");
        }
    }
    let id = Random::System.uuid(Clock::System.now()).simple().to_string();
    let name = format!("regulars_test_{id}");
    // STRATEGY wal_log: no checkpoint per copy, which every other test would wait for.
    let create = format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log");
    admin.batch_execute(&create).await.expect("a database for the test");
    admin.batch_execute("SELECT pg_advisory_unlock(7234519004)").await.expect("the lock is given back");
    (with_database(&server, &name), name)
}
