//! What readers see, and what ends those that take long.

use std::sync::Arc;
use std::time::Duration;

use database::Kind;
use database::{Db, Engine, Sql, Usage, Where};
use database::{args, sql};
use platform::test::{TestDb, on_both_databases};

use crate::common::{Side, again, half, nothing_left_open, pair, pairs, until};

fn count() -> &'static Sql<0, i64> {
    sql!("SELECT count(*) AS n FROM pair" => i64)
}

/// Never ends by itself.
fn endless() -> &'static Sql<0, i64> {
    sql!(
        sqlite: "WITH RECURSIVE r (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r) SELECT max(n) AS n FROM r",
        postgres: "SELECT 1::bigint AS n FROM pg_sleep(3600)" => i64
    )
}

#[tokio::test]
async fn a_snapshot_sees_no_later_commit() {
    on_both_databases(async |t| {
        let _side = pairs(&t.options.target).await;
        pair(&t.db, 1).await.unwrap();
        for slow in [false, true] {
            let usage = t.usage();
            let mut tx = match slow {
                false => t.db.snapshot(&usage).await.unwrap(),
                true => t.db.slow_read(&usage).await.unwrap(),
            };
            let before = tx.one(count(), []).await.unwrap();
            pair(&t.db, 2 + i64::from(slow)).await.unwrap();
            assert_eq!(tx.one(count(), []).await.unwrap(), before);
            let mut read = t.db.read(&t.usage()).await.unwrap();
            assert_eq!(read.one(count(), []).await.unwrap(), before + 2);
            // A connection that is given back forgets what it saw.
            tx.commit().await.unwrap();
            let mut tx = t.db.snapshot(&usage).await.unwrap();
            assert_eq!(tx.one(count(), []).await.unwrap(), before + 2);
        }
    })
    .await;
}

#[tokio::test]
async fn a_transaction_reads_what_it_wrote_and_nobody_else_does() {
    on_both_databases(async |t| {
        let _side = pairs(&t.options.target).await;
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        half(&mut tx, 1, 0).await.unwrap();
        assert_eq!(tx.one(count(), []).await.unwrap(), 1);
        let mut read = t.db.read(&t.usage()).await.unwrap();
        assert_eq!(read.one(count(), []).await.unwrap(), 0);
        tx.commit().await.unwrap();
        assert_eq!(read.one(count(), []).await.unwrap(), 1, "single reads each look anew");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_is_never_behind_a_commit_of_another_process() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        let elsewhere = again(t, |_| {});
        for n in 1..=150 {
            match n % 3 {
                0 => side.run(&format!("INSERT INTO pair (id, half) VALUES ({n}, 0), ({n}, 1)")).await,
                1 => pair(&elsewhere, n).await.unwrap(),
                _ => pair(&t.db, n).await.unwrap(),
            }
            // On whichever worker thread, each with a connection of its own.
            let db = t.db.clone();
            let read = tokio::spawn(async move {
                let mut tx = db.read(&Arc::new(Usage::default())).await.unwrap();
                tx.one(count(), []).await.unwrap()
            });
            assert_eq!(read.await.unwrap(), 2 * n);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_read_ends_at_its_deadline() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        let db = again(t, |o| o.slow_deadline = Duration::from_millis(100));
        // More than there is room for at once, so that a place that is not given back would show.
        for _ in 0..4 {
            let mut tx = db.slow_read(&t.usage()).await.unwrap();
            let told = tokio::time::timeout(Duration::from_secs(10), tx.one(endless(), [])).await;
            let e = told.expect("it ends").unwrap_err();
            assert_eq!((e.kind(), e.code()), (Kind::Unavailable, "DATABASE_BUSY"), "{e:?}");
        }
        let mut tx = db.slow_read(&t.usage()).await.unwrap();
        assert_eq!(tx.one(count(), []).await.unwrap(), 0);
        drop(tx);
        let mut tx = db.snapshot(&t.usage()).await.unwrap();
        assert_eq!(tx.one(count(), []).await.unwrap(), 0);
        drop(tx);
        nothing_left_open(&db, &side, &t.options).await;
        nothing_runs(&side).await;
    })
    .await;
}

/// Waits until no endless statement is left on the server.
async fn nothing_runs(side: &Side) {
    if let Side::Postgres(_) = side {
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                        AND pid <> pg_backend_pid() AND state = 'active'";
        until("nothing runs any more", async || side.number(sleeping).await == 0).await;
    }
}

/// Slow reads at once: PostgreSQL's tests have 4 connections.
fn places(t: &TestDb) -> usize {
    match t.db.engine() {
        Engine::Sqlite => 2,
        Engine::Postgres => 1,
    }
}

/// A statement that went on for ever would keep its place.
async fn every_place_is_free(t: &TestDb, db: &Db) {
    let mut taken = Vec::new();
    for _ in 0..places(t) {
        taken.push(db.slow_read(&t.usage()).await.expect("a place"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_read_ends_with_its_request() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        for _ in 0..4 {
            let db = t.db.clone();
            let request = tokio::spawn(async move {
                let mut tx = db.slow_read(&Arc::new(Usage::default())).await.unwrap();
                tx.one(endless(), []).await
            });
            if let Side::Postgres(_) = side {
                let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)%'
                                AND datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()";
                until("it runs", async || side.number(sleeping).await > 0).await;
            } else {
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
            }
            request.abort();
            assert!(request.await.unwrap_err().is_cancelled());
        }
        every_place_is_free(t, &t.db).await;
        nothing_left_open(&t.db, &side, &t.options).await;
        nothing_runs(&side).await;
        // The runtime ends with the test and waits for its blocking threads: an endless one would hang here.
    })
    .await;
}

#[tokio::test]
async fn slow_reads_wait_for_a_place_and_leave_the_rest_alone() {
    on_both_databases(async |t| {
        let _side = pairs(&t.options.target).await;
        let db = again(t, |o| o.slow_deadline = Duration::from_millis(100));
        let mut taken = Vec::new();
        for _ in 0..places(t) {
            taken.push(db.slow_read(&t.usage()).await.unwrap());
        }
        let e = db.slow_read(&t.usage()).await.err().expect("no place left");
        assert_eq!(e.kind(), Kind::Unavailable);
        pair(&db, 1).await.unwrap();
        assert_eq!(db.read(&t.usage()).await.unwrap().one(count(), []).await.unwrap(), 2);
        // A commit gives the place back as well.
        taken.pop().unwrap().commit().await.unwrap();
        let mut next = db.slow_read(&t.usage()).await.unwrap();
        let arguments = sql!("SELECT count(*) AS n FROM pair WHERE id = $1 AND half >= $2" => i64);
        assert_eq!(next.one(arguments, args![1i64, 0i64]).await.unwrap(), 2);
    })
    .await;
}

/// Filters, orders and pages make ever new texts, and whoever asks chooses them.
#[tokio::test]
async fn texts_made_at_run_time_do_not_pile_up_on_the_server() {
    let t = TestDb::new(Engine::Postgres).await;
    let _side = pairs(&t.options.target).await;
    let db = again(&t, |o| o.pool_size = 1);
    let mut tx = db.read(&t.usage()).await.unwrap();
    let prepared = sql!(
        sqlite: "SELECT 0 AS n",
        postgres: "SELECT count(*) AS n FROM pg_prepared_statements" => i64
    );
    let since = sql!(
        sqlite: "SELECT 0 AS n",
        postgres: "SELECT (extract(epoch FROM min(prepare_time)) * 1000000)::bigint AS n
                   FROM pg_prepared_statements WHERE statement = 'SELECT count(*) AS n FROM pair'" => i64
    );
    assert_eq!(tx.one(count(), []).await.unwrap(), 0);
    let first = tx.one(since, []).await.unwrap();
    for n in 0..1500 {
        let base = sql!("SELECT id FROM pair WHERE true" => i64);
        let found = tx.select(base, &Where::new(), &format!(" LIMIT {n}")).await.unwrap();
        assert_eq!(found, Vec::<i64>::new());
    }
    let kept = tx.one(prepared, []).await.unwrap();
    assert!((100..=400).contains(&kept), "{kept} prepared statements");
    assert_eq!(tx.one(count(), []).await.unwrap(), 0);
    assert_eq!(tx.one(since, []).await.unwrap(), first, "registered texts stay");
    drop(tx);
    t.end().await;
}

#[tokio::test]
async fn a_custom_plan_is_never_given_up_for_a_generic_one() {
    let t = TestDb::new(Engine::Postgres).await;
    let mut tx = t.db.write(&t.usage()).await.unwrap();
    for custom in [true, false] {
        for n in 0..10 {
            let mut w = Where::new();
            w.and_one("name = ?", format!("{n}"));
            if custom {
                w.custom_plan();
            }
            let base = match custom {
                true => sql!("SELECT name FROM setting WHERE true" => String),
                false => sql!("SELECT name FROM setting WHERE name <> ''" => String),
            };
            assert!(tx.select(base, &w, " ORDER BY name").await.unwrap().is_empty());
        }
        let generic = sql!(
            postgres: "SELECT CAST(coalesce(sum(generic_plans), 0) AS bigint) AS n FROM pg_prepared_statements
                       WHERE statement LIKE 'SELECT name FROM setting%'" => i64
        );
        assert_eq!(tx.one(generic, []).await.unwrap() > 0, !custom);
    }
    drop(tx);
    t.end().await;
}
