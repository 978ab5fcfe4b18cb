//! One statement with many sets of arguments, many values in one argument, many events of one transaction.

use database::Kind;
use database::{Ids, Texts};
use database::{args, row, sql};
use platform::event::Event;
use platform::test::{TestApp, on_both_databases};
use uuid::Uuid;

use crate::common::{cut_at, nothing_left_open, pairs};

const INSERT: &str = "INSERT INTO pair (id, half) VALUES ($1, $2)";

#[tokio::test]
async fn each_set_says_how_many_rows_it_changed() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        let usage = t.usage();
        let mut tx = t.db.write(&usage).await.unwrap();
        let insert = sql!("INSERT INTO pair (id, half) VALUES ($1, $2) ON CONFLICT (id, half) DO NOTHING");
        let rows = [(1i64, 0i64), (2, 0), (1, 0), (1, 1)];
        let sets: Vec<_> = rows.iter().map(|r| args![r.0, r.1]).collect();
        assert_eq!(tx.exec_many(insert, &sets).await.unwrap(), [1, 1, 0, 1], "within the batch as well");
        let add = sql!("UPDATE pair SET half = half + $2 WHERE id = $1");
        let sets: Vec<_> = [(1i64, 10i64), (2, 20), (3, 0)].map(|(id, n)| (id, n)).into();
        let sets: Vec<_> = sets.iter().map(|r| args![r.0, r.1]).collect();
        assert_eq!(tx.exec_many(add, &sets).await.unwrap(), [2, 1, 0]);
        assert_eq!(usage.statements(), 2, "each counts once");
        tx.commit().await.unwrap();
        assert_eq!(side.numbers("SELECT half FROM pair ORDER BY half").await, [10, 11, 20]);
    })
    .await;
}

#[tokio::test]
async fn each_set_gives_its_first_row() {
    on_both_databases(async |t| {
        let _side = pairs(&t.options.target).await;
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        let insert = sql!(
            "INSERT INTO pair (id, half) SELECT $1, coalesce(max(half), 6) + 1 FROM pair WHERE id >= $2
             ON CONFLICT (id, half) DO NOTHING RETURNING half" => i64
        );
        let sets: Vec<_> = [(1i64, 1i64), (1, 1), (1, 9), (2, 1)].into();
        let sets: Vec<_> = sets.iter().map(|r| args![r.0, r.1]).collect();
        assert_eq!(tx.opt_many(insert, &sets).await.unwrap(), [Some(7), Some(8), None, Some(9)]);
        let all = sql!("UPDATE pair SET id = id + $1 WHERE id = $2 RETURNING half" => i64);
        assert!(tx.opt_many(all, &[args![4i64, 1i64]]).await.unwrap()[0].is_some());
        let moved = tx.one(sql!("SELECT count(*) AS n FROM pair WHERE id = 5" => i64), []).await.unwrap();
        assert_eq!(moved, 2, "run to its end, not to its first row");
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn sets_run_in_their_order_however_many_they_are() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        side.run("INSERT INTO pair (id, half) VALUES (0, 0)").await;
        let steps: Vec<(i64, i64)> = (0..5000).map(|n| (n, n + 1)).collect();
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        let sets: Vec<_> = steps.iter().map(|s| args![s.0, s.1]).collect();
        let next = sql!("UPDATE pair SET half = $2 WHERE id = 0 AND half = $1");
        let changed = tx.exec_many(next, &sets).await.unwrap();
        assert!(changed.len() == 5000 && changed.iter().all(|n| *n == 1));
        tx.commit().await.unwrap();
        assert_eq!(side.number("SELECT half FROM pair").await, 5000);
    })
    .await;
}

#[tokio::test]
async fn no_set_is_no_statement() {
    on_both_databases(async |t| {
        let _side = pairs(&t.options.target).await;
        let usage = t.usage();
        let mut tx = t.db.write(&usage).await.unwrap();
        assert!(tx.exec_many(sql!(INSERT), &[]).await.unwrap().is_empty());
        assert_eq!(usage.statements(), 0);
        tx.commit().await.unwrap();
        let mut read = t.db.read(&t.usage()).await.unwrap();
        assert_eq!(
            read.exec_many(sql!(INSERT), &[args![1i64, 1i64]]).await.unwrap_err().kind(),
            Kind::Internal
        );
    })
    .await;
}

#[tokio::test]
async fn one_failed_set_ends_the_transaction() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        let rows: Vec<i64> = (0..1000).map(|n| if n == 700 { 3 } else { n }).collect();
        let sets: Vec<_> = rows.iter().map(|n| args![*n, 0i64]).collect();
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        let e = tx.exec_many(sql!(INSERT), &sets).await.unwrap_err();
        assert!(e.violates("pair_pkey"), "the first failure is told, not what follows from it: {e:?}");
        assert_eq!(
            tx.exec_many(sql!(INSERT), &[args![9000i64, 0i64]]).await.unwrap_err().kind(),
            Kind::Internal
        );
        assert_eq!(tx.exec_many(sql!(INSERT), &[]).await.unwrap_err().kind(), Kind::Internal);
        assert!(tx.commit().await.is_err());
        nothing_left_open(&t.db, &side, &t.options).await;
        assert_eq!(side.number("SELECT count(*) FROM pair").await, 0);
    })
    .await;
}

#[tokio::test]
async fn sets_that_nobody_waits_for_any_more_end_the_transaction() {
    on_both_databases(async |t| {
        let side = pairs(&t.options.target).await;
        let rows: Vec<i64> = (0..600).collect();
        let sets: Vec<_> = rows.iter().map(|n| args![*n, 0i64]).collect();
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        // SQLite pauses, PostgreSQL waits: a poll is not enough for either.
        assert!(cut_at(0, tx.exec_many(sql!(INSERT), &sets)).await.is_none());
        assert_eq!(tx.exec(sql!(INSERT), args![7000i64, 0i64]).await.unwrap_err().kind(), Kind::Internal);
        assert!(tx.commit().await.is_err());
        nothing_left_open(&t.db, &side, &t.options).await;
        assert_eq!(side.number("SELECT count(*) FROM pair").await, 0);
    })
    .await;
}

#[tokio::test]
async fn many_values_are_one_argument() {
    on_both_databases(async |t| {
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        let names = ["a", "quote\"'\\", "ñ\u{1f600}", "line\nend", ""];
        let sets: Vec<_> = names.iter().map(|name| args![*name]).collect();
        tx.exec_many(sql!("INSERT INTO setting (name, value) VALUES ($1, '')"), &sets).await.unwrap();
        let found = sql!(
            sqlite: "SELECT name FROM setting WHERE name IN (SELECT value FROM json_each($1)) ORDER BY name",
            postgres: "SELECT name FROM setting WHERE name = ANY($1) ORDER BY name COLLATE \"C\"" => String
        );
        let mut wanted: Vec<&str> = names.to_vec();
        wanted.sort_unstable();
        let asked: Texts = names.iter().copied().chain(["not there"]).collect();
        assert_eq!(tx.all(found, args![asked]).await.unwrap(), wanted);
        assert!(tx.all(found, args![Texts::default()]).await.unwrap().is_empty());
        tx.commit().await.unwrap();
    })
    .await;
}

row! {
    #[derive(Debug, PartialEq)]
    struct Numbered { seq: i64, subject_id: Uuid }
}

#[tokio::test]
async fn events_of_one_transaction_have_consecutive_numbers() {
    on_both_databases(async |t| {
        let app = TestApp::process(t, &[], &[]).await;
        for batch in [0, 1, 300] {
            let ctx = app.system("test");
            let mut tx = ctx.write().await.unwrap();
            let ids: Vec<Uuid> = (0..batch + 2).map(|_| ctx.new_id()).collect();
            let mut events = ids.iter().map(|id| Event::new("thing.made", "thing", *id, "T-1"));
            ctx.record(&mut tx, events.next().unwrap()).await.unwrap();
            let last = events.next_back().unwrap();
            ctx.record_many(&mut tx, events.collect()).await.unwrap();
            ctx.record(&mut tx, last).await.unwrap();
            let wanted: Ids = ids.iter().copied().collect();
            let stored = tx
                .all(
                    sql!(
                        sqlite: "SELECT seq, subject_id FROM event JOIN event_change ON event_seq = seq
                                 WHERE subject_id IN (SELECT unhex(value) FROM json_each($1)) ORDER BY seq",
                        postgres: "SELECT seq, subject_id FROM event JOIN event_change ON event_seq = seq
                                   WHERE subject_id = ANY($1) ORDER BY seq" => Numbered
                    ),
                    args![wanted],
                )
                .await
                .unwrap();
            assert_eq!(stored.iter().map(|e| e.subject_id).collect::<Vec<_>>(), ids);
            assert!(stored.windows(2).all(|w| w[1].seq == w[0].seq + 1), "{batch}: {stored:?}");
            tx.commit().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_transaction_has_numbers_for_65536_events() {
    on_both_databases(async |t| {
        let app = TestApp::process(t, &[], &[]).await;
        let ctx = app.system("test");
        let mut tx = ctx.write().await.unwrap();
        let event = Event::new("thing.made", "thing", ctx.new_id(), "T-1");
        ctx.record(&mut tx, event.clone()).await.unwrap();
        let more = vec![event; 65_536];
        assert_eq!(ctx.record_many(&mut tx, more).await.unwrap_err().kind(), kernel::Kind::Internal);
    })
    .await;
}
