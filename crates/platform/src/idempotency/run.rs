//! One run of a request with an `Idempotency-Key`: a state, and the steps from one to the next.
//!
//! ```text
//! Open ── a claimed transaction is committed ──▸ Parked ── the reply is stored in it ──▸ end
//!  │                                               └─ another is begun ──▸ Committed ── the reply is stored after it ──▸ end
//!  └─ the key was used before ──▸ Replayed ── the stored reply is given ──▸ end
//! ```
//! A transaction that claimed the key and is rolled back leaves nothing behind: the run is as open as before.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::response::Response;
use kernel::clock::Timestamp;
use kernel::error::{Error, Kind, Result};
use parking_lot::Mutex;
use uuid::Uuid;

use super::{Claim, Idempotency, StoredReply};
use crate::tx::Tx;

/// See the module's documentation.
pub(crate) struct KeyedRun {
    key: Idempotency,
    state: Mutex<State>,
    /// Of whom the reply may tell.
    customers: Mutex<BTreeSet<Uuid>>,
}

#[derive(Default)]
enum State {
    /// The key has no record that lasts: each transaction claims it first.
    #[default]
    Open,
    /// The use case has committed this transaction, in which its reply is stored before it lasts.
    Parked(Box<Tx>),
    /// The record lasts, and its reply is still to be stored.
    Committed,
    /// The key was used before; this was the reply.
    Replayed(StoredReply),
}

/// What is left to do when the handler has ended.
pub(crate) enum End {
    /// Its own reply is given and nothing is stored.
    Plain,
    /// Its own reply is given, and stored in this transaction.
    Store(Box<Tx>),
    /// Its own reply is given, and stored in a transaction of its own.
    StoreApart,
    /// The stored reply is given.
    Replay(StoredReply),
}

impl KeyedRun {
    pub(crate) fn new(key: Idempotency) -> KeyedRun {
        KeyedRun { key, state: Mutex::default(), customers: Mutex::default() }
    }

    /// The reply may tell of this customer.
    pub(crate) fn concerns(&self, customer: Uuid) {
        self.customers.lock().insert(customer);
    }

    /// Lets a transaction that has just begun claim the key; then its commit parks it. Fails if nothing is to be written in
    /// it, because there is an answer already or because the key is refused.
    pub(crate) async fn claim(self: &Arc<Self>, mut tx: Tx, now: Timestamp) -> Result<Tx> {
        if matches!(*self.state.lock(), State::Committed) {
            return Ok(tx);
        }
        let (reply, refusal) = match self.key.claim(&mut tx, now).await? {
            Claim::Ours => {
                let run = self.clone();
                return Ok(tx.handed_to(move |tx| *run.state.lock() = State::Parked(Box::new(tx))));
            }
            Claim::Replay(reply) => {
                let detail = "The stored answer of the first request is given";
                (Some(reply), Error::new(Kind::Conflict, "IDEMPOTENT_REPLAY", detail))
            }
            Claim::Refused(refusal) => (None, refusal),
        };
        // What we read may belong to a neighbour whose COMMIT is still to come: wait for it.
        tx.commit_now().await?;
        if let Some(reply) = reply {
            *self.state.lock() = State::Replayed(reply);
        }
        Err(refusal)
    }

    /// A handler that goes on after its commit needs what it committed: it lasts from now on, and the reply is stored
    /// afterwards.
    pub(crate) async fn commit_parked(&self) -> Result<()> {
        let parked = {
            let mut state = self.state.lock();
            match std::mem::take(&mut *state) {
                State::Parked(tx) => {
                    *state = State::Committed;
                    tx
                }
                other => {
                    *state = other;
                    return Ok(());
                }
            }
        };
        parked.commit_now().await
    }

    /// The handler has ended. What it left parked is rolled back if it failed.
    pub(crate) fn end(&self, failed: bool) -> End {
        match std::mem::take(&mut *self.state.lock()) {
            State::Replayed(reply) => End::Replay(reply),
            State::Parked(tx) if !failed => End::Store(tx),
            State::Committed if !failed => End::StoreApart,
            State::Open | State::Parked(_) | State::Committed => End::Plain,
        }
    }

    /// Makes what the run did last, with its reply if that may be stored.
    pub(crate) async fn store(
        &self,
        mut tx: Tx,
        response: Response,
        may_store: impl FnOnce(&StoredReply) -> bool,
    ) -> Result<Response> {
        let (reply, response) = StoredReply::of(response).await?;
        if may_store(&reply) {
            let customers = std::mem::take(&mut *self.customers.lock());
            self.key.keep(&mut tx, &reply, &customers).await?;
        }
        tx.commit_now().await?;
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use axum::body::Body;
    use axum::response::Response;
    use database::{args, sql};
    use kernel::Result;
    use kernel::clock::Timestamp;

    use super::{End, Idempotency, KeyedRun};
    use crate::Tx;
    use crate::test::{TestDb, on_both_databases};

    fn run() -> Arc<KeyedRun> {
        let key = Idempotency::new("user 1", "[]", "POST", "/api/v1/notes", None, "key").unwrap();
        key.sent(b"{}");
        Arc::new(KeyedRun::new(key))
    }

    async fn claimed(t: &TestDb, run: &Arc<KeyedRun>) -> Result<Tx> {
        let tx = t.db.write(&t.usage()).await.unwrap().into();
        run.claim(tx, Timestamp::from_micros(1_780_000_000_000_000).unwrap()).await
    }

    async fn set(tx: &mut Tx, name: &str) {
        tx.exec(sql!("INSERT INTO setting (name, value) VALUES ($1, '')"), args![name]).await.unwrap();
    }

    /// What lasts, and how many records of keys.
    async fn lasting(t: &TestDb) -> (Vec<String>, i64) {
        let mut tx = t.db.read(&t.usage()).await.unwrap();
        let names = tx.all(sql!("SELECT name FROM setting ORDER BY name" => String), []).await.unwrap();
        let keys = tx.one(sql!("SELECT count(*) AS n FROM idempotency_key" => i64), []).await.unwrap();
        (names, keys)
    }

    /// Claims, writes and commits; what follows the commit rings the bell.
    async fn park(t: &TestDb, name: &str, bell: &Arc<AtomicBool>) -> Arc<KeyedRun> {
        let run = run();
        let mut tx = claimed(t, &run).await.unwrap();
        set(&mut tx, name).await;
        let bell = bell.clone();
        tx.after_commit(move || bell.store(true, Ordering::SeqCst));
        tx.commit().await.unwrap();
        run
    }

    async fn store(run: &KeyedRun, tx: Tx) {
        run.store(tx, Response::new(Body::from("told")), |_| true).await.unwrap();
    }

    async fn replayed(t: &TestDb) -> Vec<u8> {
        let run = run();
        // However often it tries.
        for _ in 0..2 {
            assert_eq!(claimed(t, &run).await.err().unwrap().code(), "IDEMPOTENT_REPLAY");
        }
        match run.end(true) {
            End::Replay(reply) => reply.body,
            _ => panic!("no replay"),
        }
    }

    #[tokio::test]
    async fn a_parked_transaction_waits_for_its_reply() {
        on_both_databases(async |t| {
            let bell = Arc::new(AtomicBool::new(false));
            let run = park(t, "kept", &bell).await;
            assert_eq!(lasting(t).await, (vec![], 0));
            assert!(!bell.load(Ordering::SeqCst));
            let End::Store(tx) = run.end(false) else { panic!("nothing is parked") };
            store(&run, *tx).await;
            assert_eq!(lasting(t).await, (vec!["kept".to_owned()], 1));
            assert!(bell.load(Ordering::SeqCst));
            assert_eq!(replayed(t).await, b"told");
        })
        .await;
    }

    #[tokio::test]
    async fn a_parked_transaction_rolls_back_with_its_request() {
        on_both_databases(async |t| {
            let bell = Arc::new(AtomicBool::new(false));
            // The request failed, or it was given up.
            assert!(matches!(park(t, "failed", &bell).await.end(true), End::Plain));
            drop(park(t, "dropped", &bell).await);
            // The next writer would wait for ever for a transaction that is still open.
            let mut tx = Tx::from(t.db.write(&t.usage()).await.unwrap());
            set(&mut tx, "next").await;
            tx.commit().await.unwrap();
            assert_eq!(lasting(t).await, (vec!["next".to_owned()], 0));
            assert!(!bell.load(Ordering::SeqCst));
        })
        .await;
    }

    #[tokio::test]
    async fn what_is_committed_before_another_transaction_lasts_and_its_reply_follows() {
        on_both_databases(async |t| {
            let bell = Arc::new(AtomicBool::new(false));
            let run = park(t, "first", &bell).await;
            run.commit_parked().await.unwrap();
            assert!(bell.load(Ordering::SeqCst));
            // The key is claimed once: the second transaction neither claims it nor waits.
            let mut tx = claimed(t, &run).await.unwrap();
            set(&mut tx, "second").await;
            tx.commit().await.unwrap();
            assert_eq!(lasting(t).await, (vec!["first".to_owned(), "second".to_owned()], 1));
            assert!(matches!(run.end(false), End::StoreApart));
            store(&run, t.db.write(&t.usage()).await.unwrap().into()).await;
            assert_eq!(replayed(t).await, b"told");
        })
        .await;
    }

    /// The claim was undone with what it was made for.
    #[tokio::test]
    async fn a_transaction_after_one_that_was_rolled_back_claims_the_key_again() {
        on_both_databases(async |t| {
            let run = run();
            let mut tx = claimed(t, &run).await.unwrap();
            set(&mut tx, "undone").await;
            drop(tx);
            run.commit_parked().await.unwrap();
            let mut tx = claimed(t, &run).await.unwrap();
            set(&mut tx, "done").await;
            tx.commit().await.unwrap();
            let End::Store(tx) = run.end(false) else { panic!("nothing is parked") };
            store(&run, *tx).await;
            assert_eq!(lasting(t).await, (vec!["done".to_owned()], 1));
            assert_eq!(replayed(t).await, b"told");
        })
        .await;
    }
}
