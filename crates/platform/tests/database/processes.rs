//! Several processes on one database: killed, stopped, and strangers that know nothing of the layer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use database::Kind;
use database::{Engine, Usage};
use platform::test::{TestDb, on_both_databases};

use crate::child::Other;
use crate::common::{Side, again, lock_path, nothing_left_open, pair, pairs, stored_pairs, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_processes_lose_nothing_that_they_acknowledged() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        let mut acknowledged = BTreeSet::new();
        for round in 0..6 {
            let mut other =
                Other::start("child::writes_until_its_input_closes", &t.options.target, round * 1_000_000);
            other.reaches(20 + 35 * round as usize).await;
            let told = other.kill();
            assert!(told.len() >= 20);
            acknowledged.extend(told);
            // The survivor goes on at once, and reads what the dead one left.
            pair(&t.db, -1 - round).await.unwrap();
            acknowledged.insert(-1 - round);
            let stored = stored_pairs(&side).await;
            let missing: Vec<_> = acknowledged.difference(&stored).collect();
            assert_eq!(missing, Vec::<&i64>::new(), "round {round}: acknowledged and not there");
        }
        if let Side::Sqlite(conn) = &side {
            let found: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(found, "ok");
        }
        nothing_left_open(&t.db, &side, &t.options).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_write_at_once_and_both_get_on() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        let mut other = Other::start("child::writes_until_its_input_closes", &t.options.target, 1_000_000);
        other.reaches(1).await;
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (db, stop) = (t.db.clone(), stop.clone());
                tokio::spawn(async move {
                    let mut written = BTreeSet::new();
                    while written.len() < 60 || !stop.load(Ordering::SeqCst) {
                        let id = writer * 100_000 + written.len() as i64;
                        pair(&db, id).await.unwrap();
                        written.insert(id);
                    }
                    written
                })
            })
            .collect();
        // Ours go on until the other has had its share beside them.
        let before = other.acknowledged();
        other.reaches(before + 200).await;
        stop.store(true, Ordering::SeqCst);
        let mut acknowledged = BTreeSet::new();
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
        assert!(acknowledged.len() >= 480);
        acknowledged.extend(other.finish());
        assert_eq!(stored_pairs(&side).await, acknowledged);
        nothing_left_open(&t.db, &side, &t.options).await;
    })
    .await;
}

/// 16 writers with a short deadline, while somebody else keeps the database: each is told in time.
async fn all_are_told_to_come_back(t: &TestDb) -> database::Db {
    let db = again(t, |o| o.deadline = Duration::from_millis(300));
    let waiters: Vec<_> = (0..16)
        .map(|id| {
            let db = db.clone();
            tokio::spawn(async move { pair(&db, 100 + id).await })
        })
        .collect();
    for waiter in waiters {
        // Only against hanging: the deadline is far shorter.
        let told = tokio::time::timeout(Duration::from_secs(10), waiter).await;
        let e = told.expect("every waiter is told").unwrap().unwrap_err();
        assert_eq!((e.kind(), e.code()), (Kind::Unavailable, "DATABASE_BUSY"), "{e:?}");
    }
    db
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_process_keeps_nobody_waiting_past_the_deadline() {
    let t = TestDb::new(Engine::Sqlite).await;
    let side = pairs(&t.options.target).await;
    let mut other = Other::start("child::holds_a_transaction", &t.options.target, 1);
    other.reaches(1).await;
    other.signal("STOP");
    let db = all_are_told_to_come_back(&t).await;
    other.signal("CONT");
    assert_eq!(other.finish(), [0, 1].into());
    pair(&db, 2).await.unwrap();
    nothing_left_open(&db, &side, &t.options).await;
    assert_eq!(stored_pairs(&side).await, [1, 2].into());
    drop(db);
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_that_holds_the_file_is_waited_for() {
    let t = TestDb::new(Engine::Sqlite).await;
    let side = pairs(&t.options.target).await;
    side.run("BEGIN IMMEDIATE; INSERT INTO pair (id, half) VALUES (1, 0), (1, 1)").await;
    let db = t.db.clone();
    let writer = tokio::spawn(async move { pair(&db, 2).await });
    // Our lock file is taken before the database is: from then on the writer waits for the stranger.
    let lock = std::fs::File::open(lock_path(&t.options)).unwrap();
    until("our writer waits", async || match lock.try_lock() {
        Ok(()) => {
            lock.unlock().unwrap();
            false
        }
        Err(_) => true,
    })
    .await;
    assert!(!writer.is_finished());
    // Readers are not kept.
    let count = database::sql!("SELECT count(*) AS n FROM pair" => i64);
    let read = t.db.read(&Arc::new(Usage::default())).await.unwrap().one(count, []).await;
    assert_eq!(read.unwrap(), 0);
    side.run("COMMIT").await;
    writer.await.unwrap().unwrap();
    assert_eq!(stored_pairs(&side).await, [1, 2].into());
    nothing_left_open(&t.db, &side, &t.options).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_that_does_not_let_go_costs_each_writer_its_deadline() {
    let t = TestDb::new(Engine::Sqlite).await;
    let side = pairs(&t.options.target).await;
    side.run("BEGIN IMMEDIATE").await;
    let db = all_are_told_to_come_back(&t).await;
    side.run("COMMIT").await;
    pair(&db, 2).await.unwrap();
    nothing_left_open(&db, &side, &t.options).await;
    assert_eq!(stored_pairs(&side).await, [2].into());
    drop(db);
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_open_a_new_file_at_once_all_succeed() {
    let t = TestDb::new(Engine::Sqlite).await;
    for round in 0..24 {
        let mut options = t.options.clone();
        options.target = database::Target::Sqlite(t.folder.path().join(format!("{round}.db")));
        let openers: Vec<_> = (0..4)
            .map(|_| {
                let options = options.clone();
                std::thread::spawn(move || database::Db::open(&options))
            })
            .collect();
        let opened: Vec<_> = openers.into_iter().map(|o| o.join().unwrap()).collect();
        for db in opened {
            platform::schema::migrate(&db.unwrap(), &platform::test::migrations()).await.unwrap();
        }
    }
    t.end().await;
}
