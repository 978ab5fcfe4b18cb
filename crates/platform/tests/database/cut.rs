//! Use cases whose future is dropped: at every await, in the middle of a statement, by a panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use database::Kind;
use database::{Engine, Usage};
use database::{args, sql};
use platform::test::{TestDb, on_both_databases};

use crate::common::{again, cut_at, half, nothing_left_open, pair, pairs, stored_pairs, until};

/// Every await of a use case comes before the 14th pending poll.
const POLLS: usize = 14;
const ROUNDS: usize = 12;

async fn cut_everywhere(t: &TestDb, neighbours: usize) {
    let side = pairs(&t.options.target).await;
    let stop = Arc::new(AtomicBool::new(false));
    let next = Arc::new(AtomicI64::new(1_000_000));
    let writers: Vec<_> = (0..neighbours)
        .map(|_| {
            let (db, stop, next) = (t.db.clone(), stop.clone(), next.clone());
            tokio::spawn(async move {
                let mut written = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    let id = next.fetch_add(1, Ordering::SeqCst);
                    pair(&db, id).await.unwrap();
                    written.push(id);
                }
                written
            })
        })
        .collect();

    let (mut completed, mut cut) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        for n in 0..POLLS {
            let id = (round * POLLS + n) as i64;
            match cut_at(n, pair(&t.db, id)).await {
                Some(done) => {
                    done.unwrap();
                    completed.push(id);
                }
                None => cut += 1,
            }
        }
    }
    stop.store(true, Ordering::SeqCst);
    for writer in writers {
        completed.extend(writer.await.unwrap());
    }
    assert!(cut > 0, "nothing was cut");
    assert!(completed.iter().any(|id| *id < 1_000_000), "nothing was completed");
    nothing_left_open(&t.db, &side, &t.options).await;
    let stored = stored_pairs(&side).await;
    let missing: Vec<_> = completed.iter().filter(|id| !stored.contains(id)).collect();
    assert_eq!(missing, Vec::<&i64>::new(), "acknowledged and not there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_use_case_cut_at_any_await_leaves_no_half_and_nothing_open() {
    on_both_databases(async |t| cut_everywhere(t, 0).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_beside_eight_writers() {
    on_both_databases(async |t| cut_everywhere(t, 8).await).await;
}

#[tokio::test]
async fn a_snapshot_and_a_read_cut_at_any_await_give_their_connection_back() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        for n in (0..POLLS).chain(0..POLLS) {
            let usage = Arc::new(Usage::default());
            let count = sql!("SELECT count(*) AS n FROM pair" => i64);
            let _ = cut_at(n, async { t.db.snapshot(&usage).await.unwrap().one(count, []).await }).await;
            let _ = cut_at(n, async { t.db.slow_read(&usage).await.unwrap().one(count, []).await }).await;
            let _ = cut_at(n, async { t.db.read(&usage).await.unwrap().one(count, []).await }).await;
        }
        nothing_left_open(&t.db, &side, &t.options).await;
    })
    .await;
}

const SLEEPING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                        AND pid <> pg_backend_pid() AND query LIKE '%pg_sleep%' AND state = 'active'";

#[tokio::test]
async fn a_statement_cut_on_the_server_is_cancelled_and_its_connection_replaced() {
    let t = TestDb::new(Engine::Postgres).await;
    let side = pairs(&t.options.target).await;
    let db = again(&t, |o| o.pool_size = 1);
    let task = tokio::spawn({
        let db = db.clone();
        async move {
            let mut tx = db.write(&Arc::new(Usage::default())).await.unwrap();
            half(&mut tx, 1, 0).await.unwrap();
            // Far beyond the deadline of what follows: passing means that nobody waited for it.
            let sleep = sql!(sqlite: "SELECT 1", postgres: "SELECT 1::bigint AS n FROM pg_sleep(600)" => i64);
            tx.one(sleep, []).await
        }
    });
    until("the statement runs", async || side.number(SLEEPING).await == 1).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    pair(&db, 2).await.unwrap();
    until("the statement is cancelled", async || side.number(SLEEPING).await == 0).await;
    nothing_left_open(&db, &side, &t.options).await;
    assert_eq!(stored_pairs(&side).await.into_iter().collect::<Vec<_>>(), [2]);
    drop(db);
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_cut_before_the_server_began_it_is_cancelled_too() {
    let t = TestDb::new(Engine::Postgres).await;
    let side = pairs(&t.options.target).await;
    let sleep = sql!(sqlite: "SELECT 1", postgres: "SELECT 1::bigint AS n FROM pg_sleep(601)" => i64);
    for n in 0..42 {
        // From its first poll on, the statement may be anywhere between here and there.
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        // The timeout is for an answer that came before it was asked for: then there is one pending poll less.
        let cut = tokio::time::timeout(Duration::from_millis(100), cut_at(n % 2, tx.one(sleep, []))).await;
        assert!(!matches!(cut, Ok(Some(_))), "it sleeps for minutes");
    }
    until("all are cancelled", async || side.number(SLEEPING).await == 0).await;
    nothing_left_open(&t.db, &side, &t.options).await;
    t.end().await;
}

#[tokio::test]
async fn a_transaction_does_not_outlive_a_statement_that_its_use_case_gave_up() {
    let t = TestDb::new(Engine::Postgres).await;
    let side = pairs(&t.options.target).await;
    // The first fails while nobody listens any more: COMMIT would then be a rollback that is answered with OK.
    let fails = sql!(sqlite: "SELECT 1", postgres: "SELECT 1 / (0 * length(pg_sleep(0.1)::text))::bigint AS n" => i64);
    let works = sql!(sqlite: "SELECT 1", postgres: "SELECT 1::bigint AS n FROM pg_sleep(0.1)" => i64);
    for statement in [fails, works] {
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        half(&mut tx, 1, 0).await.unwrap();
        half(&mut tx, 1, 1).await.unwrap();
        assert!(cut_at(0, tx.one(statement, [])).await.is_none());
        let e = tx.commit().await.unwrap_err();
        assert_eq!(e.kind(), Kind::Internal, "{e:?}");
    }
    nothing_left_open(&t.db, &side, &t.options).await;
    assert!(stored_pairs(&side).await.is_empty());
    t.end().await;
}

#[tokio::test]
async fn a_panic_rolls_back() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        let db = t.db.clone();
        let task = tokio::spawn(async move {
            let mut tx = db.write(&Arc::new(Usage::default())).await.unwrap();
            half(&mut tx, 1, 0).await.unwrap();
            panic!("on purpose");
        });
        assert!(task.await.unwrap_err().is_panic());
        nothing_left_open(&t.db, &side, &t.options).await;
        assert!(stored_pairs(&side).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_transaction_dropped_outside_the_runtime_rolls_back() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        half(&mut tx, 1, 0).await.unwrap();
        std::thread::spawn(move || drop(tx)).join().unwrap();
        nothing_left_open(&t.db, &side, &t.options).await;
        assert!(stored_pairs(&side).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn settings_that_the_server_refuses_do_not_spoil_a_connection() {
    let t = TestDb::new(Engine::Postgres).await;
    let side = pairs(&t.options.target).await;
    // More milliseconds than PostgreSQL's setting can hold.
    let db = again(&t, |o| (o.pool_size, o.slow_deadline) = (1, Duration::from_secs(40 * 24 * 3600)));
    for _ in 0..2 {
        if let Ok(mut tx) = db.slow_read(&t.usage()).await {
            tx.one(sql!("SELECT count(*) AS n FROM pair WHERE id = $1" => i64), args![1i64]).await.unwrap();
        }
    }
    nothing_left_open(&db, &side, &t.options).await;
    drop(db);
    t.end().await;
}
