//! What a transaction promises to its use case.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use database::Engine;
use database::Kind;
use database::{args, sql};
use platform::test::on_both_databases;

use crate::common::{half, nothing_left_open, pair, pairs, stored_pairs};

#[tokio::test]
async fn a_failed_statement_is_the_last_of_its_transaction() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        half(&mut tx, 1, 0).await.unwrap();
        assert_eq!(half(&mut tx, 1, 0).await.unwrap_err().kind(), Kind::Conflict);
        assert_eq!(half(&mut tx, 1, 1).await.unwrap_err().kind(), Kind::Internal);
        let count = tx.one(sql!("SELECT count(*) AS n FROM pair" => i64), []).await;
        assert_eq!(count.unwrap_err().kind(), Kind::Internal);
        let e = tx.commit().await.unwrap_err();
        assert_eq!(e.kind(), Kind::Internal, "PostgreSQL answers such a COMMIT with OK: {e:?}");
        nothing_left_open(&t.db, &side, &t.options).await;
        assert!(stored_pairs(&side).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_a_failed_statement() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        half(&mut tx, 1, 0).await.unwrap();
        let null = sql!("SELECT max(id) AS n FROM pair WHERE id < 0" => i64);
        assert_eq!(tx.one(null, []).await.unwrap_err().kind(), Kind::Internal);
        assert!(tx.commit().await.is_err());
        assert!(side.numbers("SELECT id FROM pair").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_fails_alike_on_both_engines() {
    on_both_databases(async |t| {
        let _side = pairs(&t.options.target).await;
        let mut tx = t.db.snapshot(&t.usage()).await.unwrap();
        let null = sql!("SELECT max(id) AS n FROM pair WHERE id < 0" => i64);
        assert!(tx.one(null, []).await.is_err());
        let count = tx.one(sql!("SELECT count(*) AS n FROM pair" => i64), []).await;
        assert_eq!(count.unwrap_err().kind(), Kind::Internal);
        // Single reads stand alone: one that failed says nothing about the next.
        let mut read =
            t.db.read(&{
                drop(tx);
                t.usage()
            })
            .await
            .unwrap();
        assert!(read.one(null, []).await.is_err());
        assert_eq!(read.one(sql!("SELECT count(*) AS n FROM pair" => i64), []).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn readers_cannot_write() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        let returning = sql!("INSERT INTO pair (id, half) VALUES ($1, 0) RETURNING id" => i64);
        // Begins like any other reading; SQLite knows no such statement.
        let hidden = sql!(
            sqlite: "REPLACE INTO pair (id, half) VALUES ($1, 0) RETURNING id",
            postgres: "WITH x AS (INSERT INTO pair (id, half) VALUES ($1, 0) RETURNING id) SELECT id FROM x" => i64
        );
        for kind in 0..3 {
            for statement in 0..3 {
                let usage = t.usage();
                let mut tx = match kind {
                    0 => t.db.read(&usage).await.unwrap(),
                    1 => t.db.snapshot(&usage).await.unwrap(),
                    _ => t.db.slow_read(&usage).await.unwrap(),
                };
                let e = match statement {
                    0 => half(&mut tx, 1, 0).await.unwrap_err(),
                    1 => tx.one(hidden, args![1i64]).await.unwrap_err(),
                    _ => tx.one(returning, args![1i64]).await.unwrap_err(),
                };
                assert_eq!(e.kind(), Kind::Internal, "{e:?}");
            }
        }
        assert!(side.numbers("SELECT id FROM pair").await.is_empty());
        nothing_left_open(&t.db, &side, &t.options).await;
    })
    .await;
}

#[tokio::test]
async fn one_request_has_one_transaction_open_at_a_time() {
    on_both_databases(async |t| {
        let _side = pairs(&t.options.target).await;
        let usage = t.usage();
        let mut tx = t.db.write(&usage).await.unwrap();
        for refused in [
            t.db.write(&usage).await.err(),
            t.db.read(&usage).await.err(),
            t.db.snapshot(&usage).await.err(),
            t.db.slow_read(&usage).await.err(),
        ] {
            assert_eq!(refused.expect("a second transaction is refused").kind(), Kind::Internal);
        }
        // A refusal does not take the right of the first away.
        assert!(t.db.read(&usage).await.is_err());
        half(&mut tx, 1, 0).await.unwrap();
        tx.commit().await.unwrap();
        drop(t.db.read(&usage).await.expect("after the commit"));
        drop(t.db.write(&usage).await.expect("after a dropped reader"));
        t.db.snapshot(&usage).await.expect("after a dropped transaction");
    })
    .await;
}

#[tokio::test]
async fn a_request_knows_its_number_of_statements() {
    on_both_databases(async |t| {
        let _side = pairs(&t.options.target).await;
        let usage = t.usage();
        let mut tx = t.db.write(&usage).await.unwrap();
        half(&mut tx, 1, 0).await.unwrap();
        half(&mut tx, 1, 1).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = t.db.read(&usage).await.unwrap();
        tx.all(sql!("SELECT id FROM pair WHERE id = $1" => i64), args![1i64]).await.unwrap();
        assert_eq!(usage.statements(), 3);
        assert_eq!(t.usage().statements(), 0);
    })
    .await;
}

#[tokio::test]
async fn what_follows_a_commit_does_not_follow_a_rollback() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        side.run("INSERT INTO pair (id, half) VALUES (7, 0)").await;
        let ran = Arc::new(AtomicU32::new(0));
        for (id, keep, expected) in [(1, true, 1), (2, false, 1), (7, true, 1), (3, true, 2)] {
            let mut tx = t.db.write(&t.usage()).await.unwrap();
            let count = ran.clone();
            tx.after_commit(move || {
                count.fetch_add(1, Ordering::SeqCst);
            });
            let done = half(&mut tx, id, 0).await;
            assert_eq!(ran.load(Ordering::SeqCst), expected - u32::from(id == 1 || id == 3), "before COMMIT");
            if keep {
                assert_eq!(tx.commit().await.is_ok(), done.is_ok());
            } else {
                drop(tx);
            }
            assert_eq!(ran.load(Ordering::SeqCst), expected, "id {id}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_follows_a_commit_does_not_follow_a_commit_that_failed() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        side.run(
            "CREATE TABLE child (parent bigint REFERENCES other (id) DEFERRABLE INITIALLY DEFERRED)"
                .replace("CREATE", "CREATE TABLE other (id bigint PRIMARY KEY); CREATE")
                .as_str(),
        )
        .await;
        let ran = Arc::new(AtomicU32::new(0));
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        let count = ran.clone();
        tx.after_commit(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        tx.exec(sql!("INSERT INTO child (parent) VALUES ($1)"), args![5i64]).await.unwrap();
        assert!(tx.commit().await.is_err(), "a reference to nothing, checked by COMMIT");
        assert_eq!(ran.load(Ordering::SeqCst), 0);
        assert_eq!(side.number("SELECT count(*) FROM child").await, 0);
        nothing_left_open(&t.db, &side, &t.options).await;
    })
    .await;
}

#[tokio::test]
async fn a_row_changed_by_somebody_else_is_stale() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        side.run("INSERT INTO pair (id, half) VALUES (1, 5)").await;
        let update = sql!("UPDATE pair SET half = half + 1 WHERE id = $1 AND half = $2");
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        tx.exec_versioned(update, args![1i64, 5i64]).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        let e = tx.exec_versioned(update, args![1i64, 5i64]).await.unwrap_err();
        assert_eq!(e.kind(), Kind::Stale);
        assert!(tx.commit().await.is_err(), "a use case cannot go on with it");
    })
    .await;
}

#[tokio::test]
async fn two_writers_of_the_same_row_lose_no_update() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        side.run("INSERT INTO pair (id, half) VALUES (1, 0)").await;
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (db, usage) = (t.db.clone(), t.usage());
                tokio::spawn(async move {
                    for _ in 0..5 {
                        let mut tx = db.write(&usage).await.unwrap();
                        tx.exec(sql!("UPDATE pair SET half = half + 1 WHERE id = $1"), args![1i64])
                            .await
                            .unwrap();
                        tx.commit().await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(side.number("SELECT half FROM pair WHERE id = 1").await, 40);
        if t.db.engine() == Engine::Sqlite {
            pair(&t.db, 2).await.unwrap();
        }
    })
    .await;
}
