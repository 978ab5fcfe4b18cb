//! What a process looks at before it uses a database, and what it says.

use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use database::{Content, Db, Engine, Options, Target, migrate};
use database::{Error, Kind};
use platform::advice::advice;
use platform::test::{TestDb, on_both_databases};

use crate::common::{Side, again, lock_path, pair, pairs, path_of, until};

/// A port at which nobody listens.
fn nobody() -> String {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    taken.local_addr().unwrap().to_string()
}

async fn reading(url: &str) -> Error {
    let options =
        Options { deadline: Duration::from_millis(200), ..Options::new(Target::Postgres(url.into())) };
    let db = Db::open(&options).unwrap();
    db.read(&std::sync::Arc::default()).await.err().expect("nobody is there")
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_the_cause() {
    let address = nobody();
    let e = reading(&format!("postgres://u:p@{address}/d")).await;
    assert_eq!((e.kind(), e.code()), (Kind::Unavailable, "DATABASE_UNAVAILABLE"));
    let told = format!("{e:?}");
    assert!(told.contains(&format!("cannot reach {address}: Connection refused")), "{told}");
    assert!(!e.detail().contains(&address), "clients learn no addresses: {}", e.detail());
    assert!(advice(&e).unwrap().contains("start the database server"));
}

#[tokio::test]
async fn what_a_server_refuses_is_no_fault_of_ours() {
    let t = TestDb::new(Engine::Postgres).await;
    let Target::Postgres(url) = &t.options.target else { panic!() };
    let (_, place) = url.split_once('@').unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    for (url, hint) in [
        (format!("postgres://postgres:wrong@{place}"), "correct user and password"),
        (format!("{server}/nowhere_at_all"), "CREATE DATABASE"),
    ] {
        let e = reading(&url).await;
        assert_eq!((e.kind(), e.code()), (Kind::Unavailable, "DATABASE_UNAVAILABLE"), "{e:?}");
        assert!(advice(&e).unwrap().contains(hint), "{e:?}");
        let told = format!("{e:?}");
        assert!(told.contains("refuses the connection: FATAL") && !told.contains("db error"), "{told}");
    }
    t.end().await;
}

#[tokio::test]
async fn a_server_is_waited_for_and_what_waiting_does_not_mend_is_told_at_once() {
    let mut lines = Vec::new();
    let address = nobody();
    let options = Options::new(Target::Postgres(format!("postgres://u:p@{address}/d")));
    let db = Db::open(&options).unwrap();
    let e = db.reach(Duration::from_millis(50), |e, _| lines.push(format!("{e:?}"))).await.unwrap_err();
    assert_eq!((e.kind(), lines.len()), (Kind::Unavailable, 1), "{lines:?}");
    assert!(lines[0].contains(&address));

    let t = TestDb::new(Engine::Postgres).await;
    let Target::Postgres(url) = &t.options.target else { panic!() };
    let (server, _) = url.rsplit_once('/').unwrap();
    let wrong = Options::new(Target::Postgres(format!("{server}/nowhere_at_all")));
    let mut told = 0;
    let e = Db::open(&wrong).unwrap().reach(Duration::from_secs(3600), |_, _| told += 1).await.unwrap_err();
    assert_eq!((e.kind(), told), (Kind::Unavailable, 0));
    t.db.reach(Duration::ZERO, |_, _| panic!("it is there")).await.unwrap();
    let server = t.db.server().await.unwrap().unwrap();
    server.check().unwrap();
    assert_eq!((server.encoding.as_str(), server.encrypted), ("UTF8", false));
    t.end().await;
}

#[tokio::test]
async fn a_database_of_another_encoding_is_refused_by_name() {
    let t = TestDb::new(Engine::Postgres).await;
    let side = Side::open(&t.options.target).await;
    let name = format!("regulars_test_latin_{}", std::process::id());
    side.run(&format!("CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")).await;
    let Target::Postgres(url) = &t.options.target else { panic!() };
    let (server, _) = url.rsplit_once('/').unwrap();
    let db = Db::open(&Options::new(Target::Postgres(format!("{server}/{name}")))).unwrap();
    let e = db.server().await.unwrap().unwrap().check().unwrap_err();
    assert_eq!(e.code(), "DATABASE_ENCODING");
    assert!(e.detail().contains("LATIN1") && e.detail().contains("UTF8"));
    drop(db);
    side.run(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
    t.end().await;
}

#[tokio::test]
async fn it_is_known_whose_a_database_is() {
    on_both_databases(async |t| {
        assert_eq!(Content::of(&t.db).await.unwrap(), Content::Ours);
        let side = Side::open(&t.options.target).await;
        // Another program has a table of that name as well.
        side.run("ALTER TABLE migration RENAME COLUMN checksum TO batch").await;
        assert!(matches!(Content::of(&t.db).await.unwrap(), Content::Foreign(_)));
        if let Target::Sqlite(path) = &t.options.target {
            assert!(matches!(Content::of_file(path).unwrap(), Content::Foreign(_)));
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    assert_eq!(Content::of_file(&path).unwrap(), Content::Nothing);
    assert!(!path.exists(), "looking makes nothing");
    std::fs::write(&path, "").unwrap();
    assert_eq!(Content::of_file(&path).unwrap(), Content::Nothing);
    std::fs::write(
        &path,
        "this is a letter to my aunt, and it is longer than a hundred bytes, as letters to aunts are, \
                           because there is always so much to tell",
    )
    .unwrap();
    let e = Content::of_file(&path).unwrap_err();
    assert!(advice(&e).unwrap().contains("no SQLite database"), "{e:?}");
}

/// A page in the middle that says nothing any more, as in a copy made beside a running server.
#[tokio::test]
async fn a_damaged_file_is_found() {
    let t = TestDb::new(Engine::Sqlite).await;
    let _side = pairs(&t.options.target).await;
    for id in 0..200 {
        pair(&t.db, id).await.unwrap();
    }
    assert!(t.db.check_file(Duration::from_secs(60)).await.unwrap());
    t.db.checkpoint().await;
    let copy = t.folder.path().join("copy.db");
    std::fs::copy(path_of(&t.options), &copy).unwrap();
    let mut file = std::fs::File::options().write(true).open(&copy).unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    for page in pages - 4..pages {
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&[0x5a; 4096]).unwrap();
    }
    drop(file);
    let damaged = Db::open(&Options::new(Target::Sqlite(copy))).unwrap();
    let e = damaged.check_file(Duration::from_secs(60)).await.unwrap_err();
    assert_eq!(e.code(), "DATABASE_DAMAGED", "{e:?}");
    assert!(advice(&kernel::Error::from(e)).unwrap().contains("put a backup in its place"));
    // A large file is looked at for a while and not to its end.
    assert!(!t.db.check_file(Duration::ZERO).await.unwrap());
    t.end().await;
}

/// Waiters on a lock of a file, by `/proc/locks`.
fn waits_for(path: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = format!(":{} ", std::fs::metadata(path).unwrap().ino());
    let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    locks.lines().any(|line| line.contains("->") && line.contains(&inode))
}

/// Behind the writers that came before it, instead of going first or last by chance.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_of_sqlite_queues_among_the_writers() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(Target::Sqlite(folder.path().join("regulars.db")));
    let db = Db::open(&options).unwrap();
    let lock = std::fs::File::open(lock_path(&options)).unwrap();
    lock.lock().unwrap();
    let migrating = {
        let db = db.clone();
        tokio::spawn(async move { migrate::migrate(&db, &platform::test::migrations()).await })
    };
    let lock_file = lock_path(&options);
    until("it waits for its turn", async || migrating.is_finished() || waits_for(&lock_file)).await;
    assert!(!migrating.is_finished(), "it went first");
    lock.unlock().unwrap();
    assert_eq!(migrating.await.unwrap().unwrap().len(), platform::test::migrations().len());
    // Where there is nothing to do, there is nothing to wait for.
    lock.lock().unwrap();
    assert!(migrate::migrate(&db, &platform::test::migrations()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_wal_is_measured() {
    let t = TestDb::new(Engine::Sqlite).await;
    let _side = pairs(&t.options.target).await;
    let held = t.db.snapshot(&t.usage()).await.unwrap();
    let before = t.db.wal_bytes().unwrap();
    pair(&t.db, 1).await.unwrap();
    assert!(t.db.wal_bytes().unwrap() > before);
    drop(held);
    t.end().await;
    let t = TestDb::new(Engine::Postgres).await;
    assert_eq!(again(&t, |_| {}).wal_bytes(), None);
    t.end().await;
}
