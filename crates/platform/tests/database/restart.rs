//! PostgreSQL restarted under load, on a cluster of its own: the other tests share theirs.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use database::Kind;
use database::{Db, Engine};
use platform::test::TestDb;

use crate::common::{Side, again, pair, pairs, stored_pairs, until};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/postgres");

/// Beside a cluster that keeps its promises: without fsync a crash may lose rows.
#[test]
#[expect(clippy::disallowed_methods, reason = "set by the script that starts the tests' server")]
fn restarts_under_load_lose_nothing_and_are_mostly_not_noticed() {
    if std::env::var("REGULARS_TEST_POSTGRES_BIN").is_err() {
        eprintln!("skipped: the server's programs are not known; run `scripts/test`");
        return;
    }
    let done = Command::new(SCRIPT)
        .args(["--durable", "run"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "restart::writes_while_the_server_restarts", "--ignored", "--nocapture"])
        .output()
        .expect("the script runs");
    let said = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(done.status.success() && said.contains("survived"), "{said}");
    eprintln!("{said}");
}

async fn restart(how: &'static str) {
    let restart = move || Command::new(SCRIPT).args(["restart", how]).status();
    assert!(tokio::task::spawn_blocking(restart).await.unwrap().unwrap().success(), "restart {how}");
}

#[derive(Default)]
struct Told {
    acknowledged: BTreeSet<i64>,
    /// The request may run again, so nothing of it may be there.
    refused: BTreeSet<i64>,
    unknown: usize,
}

async fn write_until(db: &Db, stop: &AtomicBool, next: &AtomicI64, progress: &AtomicUsize) -> Told {
    let mut told = Told::default();
    while !stop.load(Ordering::SeqCst) {
        let id = next.fetch_add(1, Ordering::SeqCst);
        match pair(db, id).await {
            Ok(()) => {
                told.acknowledged.insert(id);
                progress.fetch_add(1, Ordering::SeqCst);
            }
            Err(e) if matches!(e.kind(), Kind::Transient | Kind::Unavailable) => {
                told.refused.insert(id);
            }
            Err(e) => {
                assert_eq!((e.kind(), e.code()), (Kind::Unknown, "OUTCOME_UNKNOWN"), "{e:?}");
                told.unknown += 1;
            }
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "restarts its server: another test runs it beside a cluster of its own"]
async fn writes_while_the_server_restarts() {
    let t = TestDb::new(Engine::Postgres).await;
    drop(pairs(&t.options.target).await);
    let db = again(&t, |o| o.pool_size = 8);
    let (stop, next, progress) =
        (Arc::<AtomicBool>::default(), Arc::<AtomicI64>::default(), Arc::<AtomicUsize>::default());
    let writers: Vec<_> = (0..16)
        .map(|_| {
            let (db, stop, next, progress) = (db.clone(), stop.clone(), next.clone(), progress.clone());
            tokio::spawn(async move { write_until(&db, &stop, &next, &progress).await })
        })
        .collect();
    for how in ["fast", "immediate"] {
        let before = progress.load(Ordering::SeqCst);
        until("the writers write", async || progress.load(Ordering::SeqCst) > before + 100).await;
        restart(how).await;
    }
    let before = progress.load(Ordering::SeqCst);
    until("the writers write again", async || progress.load(Ordering::SeqCst) > before + 100).await;
    stop.store(true, Ordering::SeqCst);
    let side = Side::open(&t.options.target).await;
    let (mut told, mut unknown) = (Told::default(), 0);
    for writer in writers {
        let one = writer.await.unwrap();
        told.acknowledged.extend(one.acknowledged);
        told.refused.extend(one.refused);
        unknown += one.unknown;
    }
    let stored = stored_pairs(&side).await;
    let missing: Vec<_> = told.acknowledged.difference(&stored).collect();
    assert_eq!(missing, Vec::<&i64>::new(), "acknowledged and not there");
    let doubled: Vec<_> = told.refused.intersection(&stored).collect();
    assert_eq!(doubled, Vec::<&i64>::new(), "may run again, and there");

    // Idle connections: every one of the pool is broken now, and none is seen by a use case.
    drop(side);
    restart("fast").await;
    for id in 0..10 {
        pair(&db, 1_000_000_000 + id).await.unwrap();
    }
    let (acknowledged, refused) = (told.acknowledged.len(), told.refused.len());
    eprintln!("survived: {acknowledged} acknowledged, {refused} refused, {unknown} unknown");
    drop(db);
    t.end().await;
}
