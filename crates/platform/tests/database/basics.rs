//! The database layer's promises, on both engines.

use database::Engine;
use database::{args, sql};
use platform::schema;
use platform::test::{TestDb, on_both_databases};

#[tokio::test]
async fn a_committed_row_is_read_back_and_a_dropped_one_is_not() {
    on_both_databases(async |t| {
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        tx.exec(sql!("INSERT INTO setting (name, value) VALUES ($1, $2)"), args!["kept", "1"]).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        tx.exec(sql!("INSERT INTO setting (name, value) VALUES ($1, $2)"), args!["dropped", "1"])
            .await
            .unwrap();
        drop(tx);
        let mut read = t.db.read(&t.usage()).await.unwrap();
        let names = read.all(sql!("SELECT name FROM setting ORDER BY name" => String), []).await.unwrap();
        assert_eq!(names, ["kept"]);
    })
    .await;
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    on_both_databases(async |t| {
        assert_eq!(schema::migrate(&t.db, &platform::test::migrations()).await.unwrap(), Vec::<&str>::new());
    })
    .await;
}

#[tokio::test]
async fn arguments_are_bound_by_their_number() {
    on_both_databases(async |t| {
        let mut tx = t.db.write(&t.usage()).await.unwrap();
        tx.exec(sql!("INSERT INTO setting (value, name) VALUES ($2, $1)"), args!["name", "value"])
            .await
            .unwrap();
        let value =
            tx.one(sql!("SELECT value FROM setting WHERE name = $1" => String), args!["name"]).await.unwrap();
        assert_eq!(value, "value");
        assert_eq!(tx.engine() == Engine::Postgres, t.db.engine() == Engine::Postgres);
        tx.commit().await.unwrap();
    })
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let t = TestDb::new(Engine::Sqlite).await;
    let mut tx = t.db.write(&t.usage()).await.unwrap();
    tx.exec(sql!("INSERT INTO setting (name, value) VALUES ($1, $2)"), args!["x", "1"]).await.unwrap();
    tx.commit().await.unwrap();
    let mut modes = Vec::new();
    for entry in std::fs::read_dir(t.folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        modes.push((entry.file_name().into_string().unwrap(), mode));
    }
    modes.sort();
    let names = ["regulars.db", "regulars.db-shm", "regulars.db-wal", "regulars.lock"];
    assert_eq!(modes, names.map(|name| (name.to_owned(), 0o600)));
    t.end().await;
}
