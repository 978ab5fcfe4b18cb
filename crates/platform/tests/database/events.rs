//! The log of events: a reader with a cursor sees every event once, in order, whoever writes beside it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use database::{Db, Engine};
use database::{args, row, sql};
use kernel::Result;
use platform::Tx;
use platform::app::App;
use platform::ctx::Ctx;
use platform::event::{self, Event};
use platform::schema;
use platform::test::{TestApp, TestDb, on_both_databases};
use uuid::Uuid;

use crate::common::{Side, until};

row! {
    #[derive(Debug, PartialEq)]
    struct Seen { seq: i64, subject_id: Uuid }
}

/// What follows `after`, as the feed reads it.
async fn page(db: &Db, after: i64, limit: i64) -> Vec<Seen> {
    let mut tx = Tx::from(db.read(&Arc::default()).await.unwrap());
    let horizon = event::horizon(&mut tx).await.unwrap();
    let page = sql!(
        "SELECT seq, subject_id FROM event WHERE seq > $1 AND seq < $2 ORDER BY seq LIMIT $3" => Seen
    );
    tx.all(page, args![after, horizon, limit]).await.unwrap()
}

async fn record(ctx: &Ctx, tx: &mut Tx) -> Result<Uuid> {
    let id = ctx.new_id();
    ctx.record(tx, Event::new("thing.made", "thing", id, "T-1")).await?;
    Ok(id)
}

fn ids(page: &[Seen]) -> Vec<Uuid> {
    page.iter().map(|seen| seen.subject_id).collect()
}

/// Waits until a reader sees exactly these: transactions of other tests, on the same server, hold it back as well.
async fn sees(db: &Db, after: i64, expected: &[Uuid]) -> i64 {
    until("the reader sees what it should", async || ids(&page(db, after, 10).await) == expected).await;
    page(db, after, 10).await.last().map_or(after, |seen| seen.seq)
}

async fn app(t: &TestDb) -> App {
    TestApp::process(t, &[], &[]).await
}

#[tokio::test]
async fn two_interleaved_transactions_hide_nothing_from_a_reader() {
    let t = TestDb::new(Engine::Postgres).await;
    let app = app(&t).await;
    let mut start = 0;
    for first_commits_first in [true, false] {
        let (one, two) = (app.system("one"), app.system("two"));
        let mut tx1 = one.write().await.unwrap();
        let a = record(&one, &mut tx1).await.unwrap();
        let mut tx2 = two.write().await.unwrap();
        let b = record(&two, &mut tx2).await.unwrap();
        let c = record(&one, &mut tx1).await.unwrap();
        let last = if first_commits_first {
            tx1.commit().await.unwrap();
            tx2
        } else {
            tx2.commit().await.unwrap();
            tx1
        };
        // A reader comes between the two commits and moves its cursor over what it sees.
        let between: &[Uuid] = if first_commits_first { &[a, c] } else { &[] };
        let cursor = sees(&t.db, start, between).await;
        last.commit().await.unwrap();
        // In the order of the transactions' numbers, whoever was first to commit.
        start = sees(&t.db, cursor, &[a, c, b][between.len()..]).await;
    }
    drop(app);
    t.end().await;
}

#[tokio::test]
async fn a_transaction_that_stays_open_holds_readers_back_and_loses_nothing() {
    let t = TestDb::new(Engine::Postgres).await;
    let app = app(&t).await;
    let long = app.system("long");
    // Open, but without a change so far: it has no number yet and holds nobody back.
    let mut open = long.write().await.unwrap();
    open.one(sql!("SELECT count(*) AS n FROM event" => i64), []).await.unwrap();
    let mut early = Vec::new();
    for _ in 0..3 {
        let ctx = app.system("short");
        let mut tx = ctx.write().await.unwrap();
        early.push(record(&ctx, &mut tx).await.unwrap());
        tx.commit().await.unwrap();
    }
    let cursor = sees(&t.db, 0, &early).await;

    let mut rest = vec![record(&long, &mut open).await.unwrap()];
    for _ in 0..3 {
        let ctx = app.system("short");
        let mut tx = ctx.write().await.unwrap();
        rest.push(record(&ctx, &mut tx).await.unwrap());
        tx.commit().await.unwrap();
    }
    assert_eq!(page(&t.db, cursor, 10).await, [], "later ones wait for the open one");
    open.commit().await.unwrap();
    sees(&t.db, cursor, &rest).await;
    // One that was given up holds nobody back either.
    let mut dropped = long.write().await.unwrap();
    record(&long, &mut dropped).await.unwrap();
    drop(dropped);
    let ctx = app.system("short");
    let mut tx = ctx.write().await.unwrap();
    rest.push(record(&ctx, &mut tx).await.unwrap());
    tx.commit().await.unwrap();
    until("the rolled back one is out of the way", async || ids(&page(&t.db, cursor, 10).await) == rest)
        .await;
    drop(app);
    t.end().await;
}

const WRITERS: usize = 8;

/// One writer: up to three events in each transaction, every fifth of which is rolled back.
async fn write_events(app: App, running: Arc<AtomicUsize>) -> Vec<Uuid> {
    let mut committed = Vec::new();
    for round in 0..25 {
        let ctx = app.system("writer");
        let mut tx = ctx.write().await.unwrap();
        let mut ids = Vec::new();
        for _ in 0..=round % 3 {
            ids.push(record(&ctx, &mut tx).await.unwrap());
            tokio::task::yield_now().await;
        }
        if round % 5 != 4 {
            tx.commit().await.unwrap();
            committed.extend(ids);
        }
    }
    running.fetch_sub(1, Ordering::SeqCst);
    committed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_beside_eight_writers_sees_each_event_once_and_in_order() {
    on_both_databases(async |t| {
        let app = app(t).await;
        let running = Arc::new(AtomicUsize::new(WRITERS));
        let writers: Vec<_> =
            (0..WRITERS).map(|_| tokio::spawn(write_events(app.clone(), running.clone()))).collect();
        let mut seen: Vec<Seen> = Vec::new();
        let mut pages = 0;
        loop {
            let last_look = running.load(Ordering::SeqCst) == 0;
            let next = page(&t.db, seen.last().map_or(0, |s| s.seq), 7).await;
            let none = next.is_empty();
            pages += usize::from(!none);
            seen.extend(next);
            // A rollback is the server's to finish: the last look repeats until nothing is held back.
            if last_look && none && left_behind(t, seen.last().map_or(0, |s| s.seq)).await == 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert!(pages > 10, "the reader was there while they wrote");
        assert!(seen.windows(2).all(|w| w[0].seq < w[1].seq), "in order");
        let mut committed = BTreeSet::new();
        for writer in writers {
            committed.extend(writer.await.unwrap());
        }
        assert_eq!(seen.len(), committed.len(), "each once");
        assert_eq!(ids(&seen).into_iter().collect::<BTreeSet<_>>(), committed, "and none skipped");
    })
    .await;
}

async fn left_behind(t: &TestDb, after: i64) -> i64 {
    let mut tx = t.db.read(&t.usage()).await.unwrap();
    tx.one(sql!("SELECT count(*) AS n FROM event WHERE seq > $1" => i64), args![after]).await.unwrap()
}

#[tokio::test]
async fn a_restored_database_goes_on_after_its_last_event() {
    let t = TestDb::new(Engine::Postgres).await;
    let app = app(&t).await;
    // As a dump of a server that had counted much further.
    let far = 1i64 << 50;
    Side::open(&t.options.target)
        .await
        .run(&format!(
            "INSERT INTO event (seq, id, at, actor_kind, actor_name, request_id, action, subject_type, subject_id,
               subject_ref, fields)
             VALUES ({far}, gen_random_uuid(), now(), 'system', 'x', 'x', 'x', 'x', gen_random_uuid(), 'x', '[]')"
        ))
        .await;
    schema::migrate(&t.db, &platform::test::migrations()).await.unwrap();
    let ctx = app.system("test");
    let mut tx = ctx.write().await.unwrap();
    let id = record(&ctx, &mut tx).await.unwrap();
    tx.commit().await.unwrap();
    sees(&t.db, far, &[id]).await;
    let base = "SELECT base FROM event_epoch";
    let side = Side::open(&t.options.target).await;
    let lifted = side.number(base).await;
    schema::migrate(&t.db, &platform::test::migrations()).await.unwrap();
    assert_eq!(side.number(base).await, lifted, "once is enough");
    drop((app, side));
    t.end().await;
}
