//! SQLite: commits that use cases share, and what happens to all of them when one cannot be stored.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use database::Tx;
use database::{Db, Engine, Options, Target, Usage};
use database::{Error, Kind, Result};
use database::{args, sql};
use platform::test::TestDb;

use crate::common::{Side, half, lock_path, nothing_left_open, pair, pairs, path_of, stored_pairs, until};

/// Commits in the WAL: frames that carry the size of the database (sqlite.org/fileformat2.html, 4.1).
fn commits_in_wal(options: &Options) -> usize {
    let mut path = path_of(options).as_os_str().to_owned();
    path.push("-wal");
    let wal = std::fs::read(path).unwrap();
    let number = |at: usize| u32::from_be_bytes(wal[at..at + 4].try_into().unwrap());
    let (page, salts) = (number(8) as usize, &wal[16..24]);
    let frames = wal[32..].chunks_exact(24 + page).take_while(|f| &f[8..16] == salts);
    frames.filter(|frame| frame[4..8] != [0; 4]).count()
}

/// Lets `n` use cases queue behind an open transaction, then ends that one; the outcome of each, by number.
/// On one thread a use case is in the queue once it was polled.
async fn queued<F>(
    db: &Db,
    first: Tx,
    keep_first: bool,
    n: i64,
    one: impl Fn(Db, i64) -> F,
) -> Vec<Result<bool>>
where
    F: Future<Output = Result<bool>> + Send + 'static,
{
    let polled = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (1..=n)
        .map(|id| {
            let (polled, work) = (polled.clone(), one(db.clone(), id));
            tokio::spawn(async move {
                polled.fetch_add(1, Ordering::SeqCst);
                work.await
            })
        })
        .collect();
    while polled.load(Ordering::SeqCst) < tasks.len() {
        tokio::task::yield_now().await;
    }
    match keep_first {
        true => first.commit().await.unwrap(),
        false => drop(first),
    }
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

#[tokio::test]
async fn forty_queued_use_cases_share_one_commit() {
    for keep_first in [true, false] {
        let t = TestDb::new(Engine::Sqlite).await;
        let side = pairs(&t.options.target).await;
        let before = commits_in_wal(&t.options);
        let mut first = t.db.write(&t.usage()).await.unwrap();
        half(&mut first, 0, 0).await.unwrap();
        half(&mut first, 0, 1).await.unwrap();
        let outcomes = queued(&t.db, first, keep_first, 40, |db, id| async move {
            let mut tx = db.write(&Arc::new(Usage::default())).await?;
            half(&mut tx, id, 0).await?;
            half(&mut tx, id, 1).await?;
            if id % 20 < 7 {
                return Ok(false);
            }
            tx.commit().await.map(|()| true)
        })
        .await;
        let mut kept: BTreeSet<i64> = if keep_first { [0].into() } else { BTreeSet::new() };
        kept.extend((1..=40).zip(outcomes).filter_map(|(id, kept)| kept.unwrap().then_some(id)));
        assert_eq!(kept.len(), 26 + usize::from(keep_first));
        assert_eq!(stored_pairs(&side).await, kept);
        assert_eq!(commits_in_wal(&t.options), before + 1);
        nothing_left_open(&t.db, &side, &t.options).await;
        t.end().await;
    }
}

#[tokio::test]
async fn a_commit_that_fails_tells_everybody_who_shares_it() {
    let t = TestDb::new(Engine::Sqlite).await;
    let side = pairs(&t.options.target).await;
    // COMMIT itself fails: a reference to nothing that only COMMIT checks.
    side.run(
        "CREATE TABLE other (id bigint PRIMARY KEY);
         CREATE TABLE child (parent bigint REFERENCES other (id) DEFERRABLE INITIALLY DEFERRED)",
    )
    .await;
    let before = commits_in_wal(&t.options);
    let first = t.db.write(&t.usage()).await.unwrap();
    let outcomes = queued(&t.db, first, false, 12, |db, id| async move {
        let mut tx = db.write(&Arc::new(Usage::default())).await?;
        half(&mut tx, id, 0).await?;
        half(&mut tx, id, 1).await?;
        if id == 7 {
            tx.exec(sql!("INSERT INTO child (parent) VALUES ($1)"), args![5i64]).await?;
        }
        tx.commit().await.map(|()| true)
    })
    .await;
    assert!(outcomes.iter().all(Result::is_err), "{outcomes:?}");
    assert!(stored_pairs(&side).await.is_empty());
    assert_eq!(commits_in_wal(&t.options), before);
    nothing_left_open(&t.db, &side, &t.options).await;
    t.end().await;
}

/// The numbers that `exec_before_commit` wrote, in the order in which it did.
async fn written_last(db: &Db) -> Vec<i64> {
    let mut tx = db.read(&Arc::new(Usage::default())).await.unwrap();
    tx.all(sql!(sqlite: "SELECT n FROM done ORDER BY rowid" => i64), []).await.unwrap()
}

/// Leaves 10 times its number and, before it, its number for the end.
fn leave_for_the_end(tx: &mut Tx, id: i64) -> Result<()> {
    let insert = sql!(sqlite: "INSERT INTO done (n) VALUES ($1)");
    tx.exec_before_commit(insert, 100 - id, [Box::new(10 * id)])?;
    tx.exec_before_commit(insert, -id, [Box::new(id)])
}

#[tokio::test]
async fn statements_left_for_the_end_run_in_order_before_the_commit() {
    for keep_first in [true, false] {
        let t = TestDb::new(Engine::Sqlite).await;
        let side = pairs(&t.options.target).await;
        side.run("CREATE TABLE done (n INTEGER NOT NULL)").await;
        let before = commits_in_wal(&t.options);
        let mut first = t.db.write(&t.usage()).await.unwrap();
        leave_for_the_end(&mut first, 4).unwrap();
        assert!(first.all(sql!(sqlite: "SELECT n FROM done" => i64), []).await.unwrap().is_empty());
        let outcomes = queued(&t.db, first, keep_first, 3, |db, id| async move {
            let mut tx = db.write(&Arc::new(Usage::default())).await?;
            leave_for_the_end(&mut tx, id)?;
            if id == 2 {
                return Ok(false);
            }
            tx.commit().await.map(|()| true)
        })
        .await;
        assert_eq!(outcomes.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [true, false, true]);
        let wanted = if keep_first { vec![4, 3, 1, 40, 30, 10] } else { vec![3, 1, 30, 10] };
        assert_eq!(written_last(&t.db).await, wanted);
        assert_eq!(commits_in_wal(&t.options), before + 1);
        t.end().await;
    }
}

#[tokio::test]
async fn a_statement_at_the_end_that_fails_is_its_owners_and_the_others_may_run_again() {
    let t = TestDb::new(Engine::Sqlite).await;
    let side = pairs(&t.options.target).await;
    side.run("CREATE TABLE done (n INTEGER NOT NULL UNIQUE)").await;
    let first = t.db.write(&t.usage()).await.unwrap();
    let outcomes = queued(&t.db, first, false, 5, |db, id| async move {
        let mut tx = db.write(&Arc::new(Usage::default())).await?;
        half(&mut tx, id, 0).await?;
        half(&mut tx, id, 1).await?;
        tx.exec_before_commit(sql!(sqlite: "INSERT INTO done (n) VALUES ($1)"), 0, [Box::new(id % 4)])?;
        tx.commit().await.map(|()| true)
    })
    .await;
    let kinds: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().unwrap_err().kind()).collect();
    // The fifth wrote what the first had written.
    let others = [Kind::Transient; 4];
    assert!(kinds[..4] == others && kinds[4] == Kind::Conflict, "{outcomes:?}");
    assert!(stored_pairs(&side).await.is_empty() && written_last(&t.db).await.is_empty());
    // The next one does not inherit what was left.
    let mut tx = t.db.write(&t.usage()).await.unwrap();
    leave_for_the_end(&mut tx, 7).unwrap();
    tx.commit().await.unwrap();
    assert_eq!(written_last(&t.db).await, [7, 70]);
    t.end().await;
}

/// Sets the limit on the writer's own connection, which is the one that it binds.
async fn most_pages(db: &Db, pages: i64) -> i64 {
    let mut tx = db.write(&Arc::new(Usage::default())).await.unwrap();
    // A PRAGMA takes no argument.
    let set = match pages {
        0 => sql!(sqlite: "PRAGMA max_page_count = 1", postgres: "SELECT 0::bigint" => i64),
        _ => sql!(sqlite: "PRAGMA max_page_count = 1000000", postgres: "SELECT 0::bigint" => i64),
    };
    let now = tx.one(set, []).await.unwrap();
    tx.commit().await.unwrap();
    now
}

/// Two rows that together need more than one page.
async fn large_pair(db: &Db, id: i64) -> Result<()> {
    let mut tx = db.write(&Arc::new(Usage::default())).await?;
    for n in 0..2i64 {
        let body = vec![7u8; 20_000];
        tx.exec(sql!("INSERT INTO large (id, half, body) VALUES ($1, $2, $3)"), args![id, n, body]).await?;
    }
    tx.commit().await
}

async fn large_pairs(side: &Side) -> BTreeSet<i64> {
    let halves = side.numbers("SELECT id FROM large GROUP BY id HAVING count(*) <> 2").await;
    assert_eq!(halves, Vec::<i64>::new());
    side.numbers("SELECT DISTINCT id FROM large").await.into_iter().collect()
}

/// Many writers at once; who was acknowledged, and what the others were told.
async fn write_many(db: &Db, ids: std::ops::Range<i64>) -> (BTreeSet<i64>, Vec<Error>) {
    let tasks: Vec<_> = ids
        .map(|id| {
            let db = db.clone();
            tokio::spawn(async move { large_pair(&db, id).await.map(|()| id) })
        })
        .collect();
    let (mut acknowledged, mut refused) = (BTreeSet::new(), Vec::new());
    for task in tasks {
        match task.await.unwrap() {
            Ok(id) => drop(acknowledged.insert(id)),
            Err(e) => refused.push(e),
        }
    }
    (acknowledged, refused)
}

fn told_that_storage_is_full(refused: &[Error]) {
    for e in refused {
        assert_eq!((e.kind(), e.code()), (Kind::Unavailable, "STORAGE_FULL"), "{e:?}");
        assert!(e.wait().is_some(), "503 says when to come back");
    }
}

const LARGE: &str = "CREATE TABLE large (id bigint NOT NULL, half bigint NOT NULL, body blob NOT NULL)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_database_refuses_whole_batches_and_recovers() {
    let t = TestDb::new(Engine::Sqlite).await;
    let side = pairs(&t.options.target).await;
    side.run(LARGE).await;
    let (mut acknowledged, refused) = write_many(&t.db, 0..20).await;
    assert_eq!((acknowledged.len(), refused.len()), (20, 0));
    // Room for some more pages, which rows give free: the limit never goes below what the file has.
    side.run("DELETE FROM large WHERE id < 5").await;
    acknowledged.retain(|id| *id >= 5);
    let limit = most_pages(&t.db, 0).await;
    assert!(limit > 20, "{limit}");
    let (more, refused) = write_many(&t.db, 100..140).await;
    told_that_storage_is_full(&refused);
    assert!(!refused.is_empty(), "nothing was refused");
    acknowledged.extend(more);
    assert_eq!(large_pairs(&side).await, acknowledged, "while it is full");
    most_pages(&t.db, 1).await;
    let (more, refused) = write_many(&t.db, 200..220).await;
    assert_eq!((more.len(), refused.len()), (20, 0), "{refused:?}");
    acknowledged.extend(more);
    assert_eq!(large_pairs(&side).await, acknowledged);
    nothing_left_open(&t.db, &side, &t.options).await;
    assert_eq!(integrity(&t.options), "ok");
    t.end().await;
}

#[tokio::test]
async fn a_statement_that_undoes_the_batch_tells_everybody_in_it() {
    let t = TestDb::new(Engine::Sqlite).await;
    let side = pairs(&t.options.target).await;
    side.run(LARGE).await;
    most_pages(&t.db, 0).await;
    let first = t.db.write(&t.usage()).await.unwrap();
    // Small ones fit into the pages that are there; the large one is refused, and takes the whole batch with it.
    let outcomes = queued(&t.db, first, false, 6, |db, id| async move {
        match id {
            6 => large_pair(&db, id).await.map(|()| true),
            _ => pair(&db, id).await.map(|()| true),
        }
    })
    .await;
    let refused: Vec<Error> = outcomes.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 6);
    told_that_storage_is_full(&refused);
    assert!(stored_pairs(&side).await.is_empty());
    assert!(large_pairs(&side).await.is_empty());
    nothing_left_open(&t.db, &side, &t.options).await;
    t.end().await;
}

fn integrity(options: &Options) -> String {
    let conn = rusqlite::Connection::open(path_of(options)).unwrap();
    conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}

/// A file system of a few megabytes; `None` where this user may not mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<SmallDisk> {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=3m", "regulars-test"])
            .arg(folder.path())
            .output();
        match mounted {
            Ok(done) if done.status.success() => Some(SmallDisk(folder)),
            _ => None,
        }
    }
    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: threads that still end may have files open.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_whole_batches_and_recovers() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: this user may not mount a small file system");
        return;
    };
    let options = Options::new(Target::Sqlite(disk.path().join("regulars.db")));
    let db = Db::open(&options).unwrap();
    let side = pairs(&options.target).await;
    side.run(LARGE).await;
    let filler = disk.path().join("filler");
    std::fs::write(&filler, vec![1u8; 1 << 20]).unwrap();
    let mut acknowledged = BTreeSet::new();
    let mut refused = Vec::new();
    for round in 0..10 {
        let (more, told) = write_many(&db, round * 100..round * 100 + 12).await;
        acknowledged.extend(more);
        refused.extend(told);
    }
    told_that_storage_is_full(&refused);
    assert!(!refused.is_empty() && !acknowledged.is_empty());
    assert_eq!(large_pairs(&side).await, acknowledged, "while it is full");
    std::fs::remove_file(&filler).unwrap();
    large_pair(&db, 5000).await.unwrap();
    acknowledged.insert(5000);
    drop((db, side));
    let side = Side::open(&options.target).await;
    assert_eq!(large_pairs(&side).await, acknowledged, "after opening it again");
    assert_eq!(integrity(&options), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wal_is_moved_into_the_file_and_starts_over() {
    let t = TestDb::new(Engine::Sqlite).await;
    let side = pairs(&t.options.target).await;
    side.run(LARGE).await;
    let mut wal = path_of(&t.options).as_os_str().to_owned();
    wal.push("-wal");
    // The salts in the header change each time the WAL starts over.
    let salts = || std::fs::read(&wal).unwrap()[16..24].to_vec();
    let limit = 1000 * 4096;
    let before = salts();
    let (acknowledged, refused) = write_many(&t.db, 0..200).await;
    assert_eq!((acknowledged.len(), refused.len()), (200, 0));
    assert!(std::fs::metadata(&wal).unwrap().len() > limit, "the test writes more than the limit");
    let next = AtomicUsize::new(1000);
    until("the WAL starts over", async || {
        let id = next.fetch_add(10, Ordering::SeqCst) as i64;
        assert!(write_many(&t.db, id..id + 10).await.1.is_empty());
        salts() != before
    })
    .await;
    assert!(std::fs::metadata(path_of(&t.options)).unwrap().len() > limit, "the pages are in the file");
    t.end().await;
}

#[tokio::test]
async fn the_last_handle_ends_the_threads_of_a_database() {
    let t = TestDb::new(Engine::Sqlite).await;
    let _side = pairs(&t.options.target).await;
    pair(&t.db, 1).await.unwrap();
    let lock = lock_path(&t.options);
    let open = || {
        let files = std::fs::read_dir("/proc/self/fd").unwrap();
        files.filter_map(|f| std::fs::read_link(f.unwrap().path()).ok()).any(|file| file == lock)
    };
    assert!(open());
    let TestDb { db, folder: _folder, .. } = t;
    drop(db);
    until("the writer's files are closed", async || !open()).await;
}
