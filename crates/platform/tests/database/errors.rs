//! What a failed statement is called, the same on both engines.

use std::collections::BTreeSet;

use database::Engine;
use database::Tx;
use database::{Error, Kind, Result};
use database::{args, sql};
use kernel::clock::Clock;
use kernel::id::Random;
use platform::test::{TestDb, on_both_databases};

use crate::common::{Side, again, half, nothing_left_open, pairs};

/// A user with this user name and this proven phone.
async fn user(tx: &mut Tx, no: i64, username: &str, phone: Option<&str>, verified: bool) -> Result<u64> {
    let now = Clock::System.now();
    tx.exec(
        sql!(
            "INSERT INTO user_account (id, unique_no, username, email_verified, first_name, last_name, name_key, phone_e164,
               phone_verified, role, is_active, created_at, updated_at, version)
             VALUES ($1, $2, $3, false, '', '', '', $4, $5, 'viewer', true, $6, $6, 1)"
        ),
        args![Random::System.uuid(now), no, username, phone, verified, now],
    )
    .await
}

async fn job(tx: &mut Tx, dedupe: &str, state: &str) -> Result<u64> {
    let now = Clock::System.now();
    tx.exec(
        sql!(
            "INSERT INTO job (id, kind, dedupe_key, payload, state, run_at, attempts, created_at)
             VALUES ($1, 'k', $2, '{}', $3, $4, 0, $4)"
        ),
        args![Random::System.uuid(now), dedupe, state, now],
    )
    .await
}

async fn setting(tx: &mut Tx, name: &str, value: Option<&str>) -> Result<u64> {
    tx.exec(sql!("INSERT INTO setting (name, value) VALUES ($1, $2)"), args![name, value]).await
}

/// Runs one statement on what `before` left; its error.
async fn fails(t: &TestDb, one: impl AsyncFnOnce(&mut Tx) -> Result<u64>) -> Error {
    let mut tx = t.db.write(&t.usage()).await.unwrap();
    one(&mut tx).await.expect_err("the statement is refused")
}

#[tokio::test]
async fn a_violated_unique_constraint_has_one_name_on_both_engines() {
    on_both_databases(async |t| {
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        user(&mut tx, 1, "ana", Some("+4930111111"), true).await.unwrap();
        // Outside the partial index the same number may stand twice.
        user(&mut tx, 2, "bob", Some("+4930111111"), false).await.unwrap();
        job(&mut tx, "d", "ready").await.unwrap();
        job(&mut tx, "d", "done").await.unwrap();
        setting(&mut tx, "s", Some("1")).await.unwrap();
        tx.commit().await.unwrap();
        for (expected, e) in [
            ("user_account_username_key", fails(t, async |tx| user(tx, 3, "ana", None, false).await).await),
            ("user_account_unique_no_key", fails(t, async |tx| user(tx, 1, "eve", None, false).await).await),
            (
                "user_account_phone_e164_key",
                fails(t, async |tx| user(tx, 3, "eve", Some("+4930111111"), true).await).await,
            ),
            ("job_kind_dedupe_key_key", fails(t, async |tx| job(tx, "d", "running").await).await),
            ("setting_pkey", fails(t, async |tx| setting(tx, "s", Some("2")).await).await),
        ] {
            assert_eq!(e.kind(), Kind::Conflict, "{e:?}");
            assert!(e.violates(expected), "{expected}: {e:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn every_unique_constraint_of_the_schema_has_one_name_on_both_engines() {
    let postgres = TestDb::new(Engine::Postgres).await;
    let Side::Postgres(client) = Side::open(&postgres.options.target).await else { unreachable!() };
    let rows = client
        .query(
            "SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indisunique AND n.nspname = 'public'",
            &[],
        )
        .await
        .unwrap();
    let names: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();

    // SQLite names the columns; the layer makes `table_columns_key` of them, and `table_pkey` of a primary key.
    let sqlite = TestDb::new(Engine::Sqlite).await;
    let Side::Sqlite(conn) = Side::open(&sqlite.options.target).await else { unreachable!() };
    let mut statement = conn
        .prepare(
            "SELECT t.name, i.origin, (SELECT group_concat(name, '_') FROM pragma_index_info(i.name))
             FROM pragma_table_list t, pragma_index_list(t.name) i WHERE t.type = 'table' AND i.\"unique\"",
        )
        .unwrap();
    let ours: Vec<String> = statement
        .query_map([], |row| {
            let (table, origin, columns): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(if origin == "pk" { format!("{table}_pkey") } else { format!("{table}_{columns}_key") })
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(ours.len() > 20, "the query finds them: {ours:?}");
    let strange: Vec<_> = ours.iter().filter(|name| !names.contains(*name)).collect();
    assert_eq!(strange, Vec::<&String>::new(), "PostgreSQL calls them otherwise; it has {names:?}");
    drop(statement);
    postgres.end().await;
}

#[tokio::test]
async fn what_the_schema_refuses_otherwise_is_our_fault() {
    on_both_databases(async |t| {
        let wrong_type = sql!(
            sqlite: "INSERT INTO setting (name, value) VALUES ('s', x'00')",
            postgres: "INSERT INTO setting (name, value) VALUES ('s', '{'::jsonb::text)"
        );
        let now = Clock::System.now();
        let orphan = sql!("INSERT INTO credential (user_id, password_hash, changed_at) VALUES ($1, '', $2)");
        for (what, e) in [
            ("NOT NULL", fails(t, async |tx| setting(tx, "s", None).await).await),
            ("a type", fails(t, async |tx| tx.exec(wrong_type, []).await).await),
            ("CHECK", fails(t, async |tx| job(tx, "d", "nonsense").await).await),
            (
                "REFERENCES",
                fails(t, async |tx| tx.exec(orphan, args![Random::System.uuid(now), now]).await).await,
            ),
            ("no such table", fails(t, async |tx| tx.exec(sql!("DELETE FROM nowhere"), []).await).await),
        ] {
            assert_eq!((e.kind(), e.code()), (Kind::Internal, "INTERNAL_ERROR"), "{what}: {e:?}");
        }
    })
    .await;
}

/// Sets something for every later connection to the test's own database.
async fn set_for_all(side: &Side, setting: &str) {
    side.run(&format!(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET {setting}', current_database()); END $$"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_is_worth_another_try() {
    let t = TestDb::new(Engine::Postgres).await;
    let side = pairs(&t.options.target).await;
    set_for_all(&side, "deadlock_timeout = 10").await;
    side.run("INSERT INTO pair (id, half) VALUES (1, 0), (2, 0)").await;
    let db = again(&t, |_| {});
    let touch = sql!("UPDATE pair SET half = half + 1 WHERE id = $1");
    let mut one = db.write(&t.usage()).await.unwrap();
    let mut two = db.write(&t.usage()).await.unwrap();
    one.exec(touch, args![1i64]).await.unwrap();
    two.exec(touch, args![2i64]).await.unwrap();
    let first = tokio::spawn(async move {
        one.exec(touch, args![2i64]).await?;
        one.commit().await
    });
    let second = async move {
        two.exec(touch, args![1i64]).await?;
        two.commit().await
    };
    let outcomes = [second.await, first.await.unwrap()];
    let refused: Vec<&Error> = outcomes.iter().filter_map(|o| o.as_ref().err()).collect();
    assert_eq!(refused.len(), 1, "{outcomes:?}");
    assert_eq!((refused[0].kind(), refused[0].code()), (Kind::Transient, "DATABASE_BUSY"));
    assert_eq!(side.numbers("SELECT half FROM pair ORDER BY id").await, [1, 1]);
    nothing_left_open(&db, &side, &t.options).await;
    drop(db);
    t.end().await;
}

#[tokio::test]
async fn a_serialization_failure_is_worth_another_try() {
    let t = TestDb::new(Engine::Postgres).await;
    let side = pairs(&t.options.target).await;
    set_for_all(&side, "default_transaction_isolation = serializable").await;
    let db = again(&t, |_| {});
    let count = sql!("SELECT count(*) AS n FROM pair" => i64);
    let mut one = db.write(&t.usage()).await.unwrap();
    let mut two = db.write(&t.usage()).await.unwrap();
    one.one(count, []).await.unwrap();
    two.one(count, []).await.unwrap();
    half(&mut one, 1, 0).await.unwrap();
    half(&mut two, 2, 0).await.unwrap();
    one.commit().await.unwrap();
    // Only COMMIT finds it, and it has surely not happened: that is not `Unknown`.
    let e = two.commit().await.unwrap_err();
    assert_eq!(e.kind(), Kind::Transient, "{e:?}");
    assert_eq!(side.numbers("SELECT id FROM pair").await, [1]);
    drop(db);
    t.end().await;
}

#[tokio::test]
async fn a_connection_that_broke_before_commit_is_worth_another_try() {
    let t = TestDb::new(Engine::Postgres).await;
    let side = pairs(&t.options.target).await;
    let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let mut tx = t.db.write(&t.usage()).await.unwrap();
    half(&mut tx, 1, 0).await.unwrap();
    assert_eq!(side.number(others).await, 1);
    let e = half(&mut tx, 1, 1).await.unwrap_err();
    assert_eq!(e.kind(), Kind::Transient, "{e:?}");
    drop(tx);

    let mut tx = t.db.write(&t.usage()).await.unwrap();
    half(&mut tx, 1, 0).await.unwrap();
    assert_eq!(side.number(others).await, 1);
    // Whether COMMIT was sent depends on when the client noticed; success it is not.
    let e = tx.commit().await.unwrap_err();
    assert!(matches!(e.kind(), Kind::Transient | Kind::Unknown), "{e:?}");
    nothing_left_open(&t.db, &side, &t.options).await;
    assert!(side.numbers("SELECT id FROM pair").await.is_empty());
    t.end().await;
}

#[tokio::test]
async fn a_schema_that_changed_under_a_prepared_statement_costs_one_try() {
    let t = TestDb::new(Engine::Postgres).await;
    let side = Side::open(&t.options.target).await;
    side.run("CREATE TABLE word (w text); INSERT INTO word VALUES ('x')").await;
    let db = again(&t, |o| o.pool_size = 1);
    let words = sql!("SELECT w FROM word" => String);
    assert_eq!(db.read(&t.usage()).await.unwrap().all(words, []).await.unwrap(), ["x"]);
    side.run("ALTER TABLE word ALTER w TYPE varchar(9)").await;
    let e = db.read(&t.usage()).await.unwrap().all(words, []).await.unwrap_err();
    assert_eq!(e.kind(), Kind::Transient, "{e:?}");
    assert_eq!(db.read(&t.usage()).await.unwrap().all(words, []).await.unwrap(), ["x"]);
    drop(db);
    t.end().await;
}

#[tokio::test]
async fn a_pool_without_a_free_connection_says_so_at_the_deadline() {
    let t = TestDb::new(Engine::Postgres).await;
    // It is the deadline of a new connection as well, which a busy machine may need a while for.
    let db = again(&t, |o| (o.pool_size, o.deadline) = (1, std::time::Duration::from_secs(1)));
    let held = db.write(&t.usage()).await.unwrap();
    for e in [db.write(&t.usage()).await.err(), db.read(&t.usage()).await.err()] {
        let e = e.expect("no connection is free");
        assert_eq!((e.kind(), e.code()), (Kind::Unavailable, "DATABASE_BUSY"), "{e:?}");
    }
    drop(held);
    db.write(&t.usage()).await.unwrap().commit().await.unwrap();
    drop(db);
    t.end().await;
}
