//! What the tests share: scratch tables, a connection beside the layer, futures cut short.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use database::Result;
use database::Tx;
use database::{Db, Options, Target, Usage};
use database::{args, sql};
use platform::test::TestDb;

/// Longer than anything here takes, so that a test that hangs fails instead.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that knows nothing of the layer: another program's.
pub enum Side {
    /// A third party with the same file.
    Sqlite(rusqlite::Connection),
    /// A third party with the same database.
    Postgres(tokio_postgres::Client),
}

impl Side {
    pub async fn open(target: &Target) -> Side {
        match target {
            Target::Sqlite(path) => {
                let conn = rusqlite::Connection::open(path).expect("the file opens");
                conn.busy_timeout(PATIENCE).expect("a timeout");
                Side::Sqlite(conn)
            }
            Target::Postgres(url) => {
                let (client, connection) =
                    tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("the server answers");
                tokio::spawn(connection);
                Side::Postgres(client)
            }
        }
    }

    /// Runs statements that are the same on both engines.
    pub async fn run(&self, text: &str) {
        match self {
            Side::Sqlite(conn) => conn.execute_batch(text).expect("a statement beside the layer"),
            Side::Postgres(client) => {
                client.batch_execute(text).await.expect("a statement beside the layer");
            }
        }
    }

    /// All numbers in the first column; an integer on SQLite, a bigint on PostgreSQL.
    pub async fn numbers(&self, text: &str) -> Vec<i64> {
        match self {
            Side::Sqlite(conn) => {
                let mut statement = conn.prepare(text).expect("a query beside the layer");
                let rows = statement.query_map([], |row| row.get(0)).expect("rows");
                rows.map(|n| n.expect("a number")).collect()
            }
            Side::Postgres(client) => {
                let rows = client.query(text, &[]).await.expect("a query beside the layer");
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// The one number of a query.
    pub async fn number(&self, text: &str) -> i64 {
        self.numbers(text).await[0]
    }
}

/// The path of a SQLite database.
pub fn path_of(options: &Options) -> &Path {
    match &options.target {
        Target::Sqlite(path) => path,
        Target::Postgres(_) => panic!("a test of SQLite"),
    }
}

/// Opens the same database again, as another process would.
pub fn again(t: &TestDb, change: impl FnOnce(&mut Options)) -> Db {
    let mut options = t.options.clone();
    change(&mut options);
    Db::open(&options).expect("it opens again")
}

/// A table of pairs: a use case writes two rows, so a single one is a half.
pub async fn pairs(target: &Target) -> Side {
    let side = Side::open(target).await;
    side.run("CREATE TABLE pair (id bigint NOT NULL, half bigint NOT NULL, PRIMARY KEY (id, half))").await;
    side
}

/// Writes the first row of a pair.
pub async fn half(tx: &mut Tx, id: i64, half: i64) -> Result<u64> {
    tx.exec(sql!("INSERT INTO pair (id, half) VALUES ($1, $2)"), args![id, half]).await
}

/// A use case: two statements, one transaction.
pub async fn pair(db: &Db, id: i64) -> Result<()> {
    let mut tx = db.write(&Arc::new(Usage::default())).await?;
    half(&mut tx, id, 0).await?;
    half(&mut tx, id, 1).await?;
    tx.commit().await
}

/// The pairs that are stored; fails if there is a half.
pub async fn stored_pairs(side: &Side) -> BTreeSet<i64> {
    let halves = side.numbers("SELECT id FROM pair GROUP BY id HAVING count(*) <> 2").await;
    assert_eq!(halves, Vec::<i64>::new(), "pairs of which only one row is stored");
    side.numbers("SELECT DISTINCT id FROM pair").await.into_iter().collect()
}

/// Polls until `done`: for what other threads, processes and servers do in their own time.
pub async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done().await {
        assert!(Instant::now() < end, "it did not happen: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Drops a future at its `n`-th pending poll, as a client that goes away does; `None` if it was cut.
pub async fn cut_at<F: Future>(n: usize, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = n;
    std::future::poll_fn(move |cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Nothing is left open, and the next writer has its turn.
pub async fn nothing_left_open(db: &Db, side: &Side, options: &Options) {
    match side {
        Side::Sqlite(conn) => {
            let lock = std::fs::File::open(lock_path(options)).expect("the lock file");
            until("the lock file is free", async || lock.try_lock().is_ok()).await;
            conn.execute_batch("BEGIN IMMEDIATE; ROLLBACK").expect("the database is free");
        }
        Side::Postgres(_) => {
            let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                        AND pid <> pg_backend_pid() AND state <> 'idle'";
            until("no session is in a transaction", async || side.number(open).await == 0).await;
        }
    }
    pair(db, i64::MAX).await.expect("the next writer");
    side.run("DELETE FROM pair WHERE id = 9223372036854775807").await;
}

/// The file that orders our processes in front of SQLite.
pub fn lock_path(options: &Options) -> PathBuf {
    path_of(options).with_extension("lock")
}
