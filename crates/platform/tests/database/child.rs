//! Other processes: this program again, running one ignored test that does as its environment says.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;

use database::{Db, Options, Target, Usage};
use parking_lot::Mutex;

use crate::common::{half, pair, until};

const TARGET: &str = "REGULARS_TEST_CHILD";
const FIRST: &str = "REGULARS_TEST_FIRST_ID";

/// A process beside this one. Killed when dropped.
pub struct Other {
    child: Child,
    /// The ids of what it was told is stored.
    acknowledged: Arc<Mutex<BTreeSet<i64>>>,
    reader: Option<JoinHandle<()>>,
}

impl Other {
    /// Starts the ignored test `name`.
    pub fn start(name: &str, target: &Target, first: i64) -> Other {
        let target = match target {
            Target::Sqlite(path) => path.to_str().expect("a path in UTF-8").to_owned(),
            Target::Postgres(url) => url.clone(),
        };
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", name, "--ignored", "--nocapture"])
            .env(TARGET, target)
            .env(FIRST, first.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts again");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
        let seen = acknowledged.clone();
        let reader = std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                // The end mark: a line that a kill cut in two is none.
                if let Some(id) = line.strip_prefix("ack ").and_then(|l| l.strip_suffix(" .")) {
                    seen.lock().insert(id.parse().expect("an id"));
                }
            }
        });
        Other { child, acknowledged, reader: Some(reader) }
    }

    pub fn acknowledged(&self) -> usize {
        self.acknowledged.lock().len()
    }

    /// Waits until it has `n` acknowledgements.
    pub async fn reaches(&mut self, n: usize) {
        until("the other process gets on", async || {
            assert!(self.child.try_wait().expect("its state").is_none(), "the other process ended");
            self.acknowledged() >= n
        })
        .await;
    }

    /// `kill -9`: it cannot say goodbye. What had been acknowledged.
    pub fn kill(mut self) -> BTreeSet<i64> {
        self.child.kill().expect("it is killed");
        self.rest()
    }

    /// Closes its input, which is how it learns to finish.
    pub fn finish(mut self) -> BTreeSet<i64> {
        drop(self.child.stdin.take());
        let acknowledged = self.rest();
        assert!(self.child.wait().expect("its end").success());
        acknowledged
    }

    fn rest(&mut self) -> BTreeSet<i64> {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("its output was read");
        }
        std::mem::take(&mut self.acknowledged.lock())
    }

    /// Sends a signal, such as `STOP` and `CONT`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([format!("-{name}"), pid]).status().expect("kill runs");
        assert!(sent.success());
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In the child: what to open; `None` if somebody runs the ignored tests by hand.
#[expect(clippy::disallowed_methods, reason = "how a test tells its child process what to do")]
fn told() -> Option<(Options, i64)> {
    let target = std::env::var(TARGET).ok()?;
    let target = match target.starts_with("postgres://") {
        true => Target::Postgres(target),
        false => Target::Sqlite(target.into()),
    };
    let first = std::env::var(FIRST).ok()?.parse().ok()?;
    Some((Options::new(target), first))
}

fn acknowledge(id: i64) {
    // One write per line, and a line of its own: the test harness has begun one.
    let line = format!("\nack {id} .\n");
    std::io::stdout().write_all(line.as_bytes()).expect("the parent reads");
}

fn input_closed() -> Arc<AtomicBool> {
    let closed = Arc::new(AtomicBool::new(false));
    let close = closed.clone();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        close.store(true, Ordering::SeqCst);
    });
    closed
}

/// Eight writers, each acknowledged pair on a line, until the input closes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a child process of other tests"]
async fn writes_until_its_input_closes() {
    let Some((options, first)) = told() else { return };
    let db = Db::open(&options).unwrap();
    let (closed, next) = (input_closed(), Arc::new(AtomicI64::new(first)));
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (db, closed, next) = (db.clone(), closed.clone(), next.clone());
            tokio::spawn(async move {
                while !closed.load(Ordering::SeqCst) {
                    let id = next.fetch_add(1, Ordering::SeqCst);
                    pair(&db, id).await.unwrap();
                    acknowledge(id);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

/// Holds a transaction open until the input closes, then commits.
#[tokio::test]
#[ignore = "a child process of other tests"]
async fn holds_a_transaction() {
    let Some((options, first)) = told() else { return };
    let db = Db::open(&options).unwrap();
    let closed = input_closed();
    let mut tx = db.write(&Arc::new(Usage::default())).await.unwrap();
    half(&mut tx, first, 0).await.unwrap();
    half(&mut tx, first, 1).await.unwrap();
    acknowledge(0);
    until("the input closes", async || closed.load(Ordering::SeqCst)).await;
    tx.commit().await.unwrap();
    acknowledge(first);
}
