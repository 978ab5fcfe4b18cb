//! PostgreSQL: what is locked by somebody else, and connections that all want the same.

use std::time::Duration;

use database::{Db, Engine};
use database::{Error, Kind, Result};
use database::{args, sql};
use platform::test::TestDb;

use crate::common::{Side, again, nothing_left_open, pair, pairs, until};

async fn touch(db: &Db, id: i64) -> Result<()> {
    let mut tx = db.write(&std::sync::Arc::default()).await?;
    tx.exec(sql!("UPDATE pair SET half = half WHERE id = $1"), args![id]).await?;
    tx.commit().await
}

/// A session of a person who looks at a row and goes to lunch.
async fn keeps_locked(t: &TestDb, id: i64) -> Side {
    let side = Side::open(&t.options.target).await;
    side.run(&format!("BEGIN; SELECT id FROM pair WHERE id = {id} FOR UPDATE")).await;
    side
}

fn is_locked(outcome: &Result<()>) {
    let e = outcome.as_ref().expect_err("the row is locked");
    assert_eq!((e.kind(), e.code()), (Kind::Unavailable, "RECORD_LOCKED"), "{e:?}");
    assert!(e.wait().is_some(), "503 says when to come back");
}

#[tokio::test]
async fn a_row_that_somebody_keeps_locked_holds_up_those_who_want_it_and_nobody_else() {
    let t = TestDb::new(Engine::Postgres).await;
    let side = pairs(&t.options.target).await;
    pair(&t.db, 1).await.unwrap();
    let locker = keeps_locked(&t, 1).await;
    let db = again(&t, |o| (o.pool_size, o.lock_timeout) = (8, Duration::from_millis(400)));
    let wanting: Vec<_> = (0..24)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move { touch(&db, 1).await })
        })
        .collect();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("writers wait for the row", async || side.number(waiting).await > 3).await;
    // Some may wait; reading goes on at once, and writing elsewhere once it is its turn.
    let mut read = db.read(&t.usage()).await.unwrap();
    assert_eq!(read.one(sql!("SELECT count(*) AS n FROM pair" => i64), []).await.unwrap(), 2);
    drop(read);
    pair(&db, 2).await.unwrap();
    for one in wanting {
        is_locked(&one.await.unwrap());
    }
    drop(locker);
    until("the row is free", async || touch(&db, 1).await.is_ok()).await;
    nothing_left_open(&t.db, &side, &t.options).await;
    drop(db);
    t.end().await;
}

#[tokio::test]
async fn writers_never_take_the_last_connection() {
    let t = TestDb::new(Engine::Postgres).await;
    let _side = pairs(&t.options.target).await;
    let db = again(&t, |o| (o.pool_size, o.deadline) = (6, Duration::from_millis(200)));
    let mut open = Vec::new();
    let e: Error = loop {
        match db.write(&t.usage()).await {
            Ok(tx) => open.push(tx),
            Err(e) => break e,
        }
    };
    assert_eq!((open.len(), e.code()), (4, "DATABASE_BUSY"), "{e:?}");
    // As many long reads as there may be, and short ones still.
    let slow = db.slow_read(&t.usage()).await.unwrap();
    let mut read = db.read(&t.usage()).await.unwrap();
    read.one(sql!("SELECT count(*) AS n FROM pair" => i64), []).await.unwrap();
    drop((open, slow, read, db));
    t.end().await;
}

#[tokio::test]
async fn a_transaction_in_which_nothing_happens_gives_its_locks_back() {
    let t = TestDb::new(Engine::Postgres).await;
    let _side = pairs(&t.options.target).await;
    pair(&t.db, 1).await.unwrap();
    let suspended = again(&t, |o| o.idle_timeout = Duration::from_millis(50));
    let mut tx = suspended.write(&t.usage()).await.unwrap();
    tx.exec(sql!("UPDATE pair SET half = 7 WHERE id = 1 AND half = 0"), []).await.unwrap();
    touch(&t.db, 1).await.unwrap();
    let e = tx.commit().await.unwrap_err();
    assert!(matches!(e.kind(), Kind::Transient | Kind::Unknown), "{e:?}");
    let mut read = t.db.read(&t.usage()).await.unwrap();
    let seven = sql!("SELECT count(*) AS n FROM pair WHERE half = 7" => i64);
    assert_eq!(read.one(seven, []).await.unwrap(), 0);
    drop((read, suspended));
    t.end().await;
}
