//! The one place where passwords are hashed while serving. Every hash takes 19 MiB and a core, so their
//! number is bounded, and so is the queue: past it the answer is 503 at once, and memory stays what it was.

use std::sync::Arc;
use std::time::Duration;

use kernel::id::Random;
use kernel::{Error, Result};
use platform::app::{Parts, ProcessState};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use super::model::{Password, PasswordHash};

/// Hashes and compares passwords, so many at a time, and lets so many wait. Cloning shares the places.
///
/// A caller that goes away while waiting frees its place; one that goes away while its password is being
/// hashed frees it when the hash is done, because a running hash cannot be stopped.
#[derive(Clone)]
pub struct Hasher {
    /// One permit per running hash and per waiting caller; its end is the 503.
    places: Arc<Semaphore>,
    /// One permit per running hash, given out in the order of asking.
    running: Arc<Semaphore>,
    random: Random,
}

impl ProcessState for Hasher {
    fn new(parts: &Parts) -> Hasher {
        let hashing = parts.config.hashing;
        let all_but_one = || std::thread::available_parallelism().map_or(1, |n| n.get().saturating_sub(1));
        let threads = if hashing.threads == 0 { all_but_one() } else { hashing.threads };
        Hasher::bounded(threads, hashing.queue, parts.random.clone())
    }
}

impl Hasher {
    /// A pool that runs up to `threads` hashes (at least one) while up to `queue` callers wait.
    pub fn bounded(threads: usize, queue: usize, random: Random) -> Hasher {
        let threads = threads.clamp(1, 1024);
        let queue = queue.min(1 << 20);
        Hasher {
            places: Arc::new(Semaphore::new(threads + queue)),
            running: Arc::new(Semaphore::new(threads)),
            random,
        }
    }

    /// Hashes a new password. 503 `HASHING_BUSY` when the queue is full.
    pub async fn hash(&self, password: &Password) -> Result<PasswordHash> {
        let (password, random) = (password.clone(), self.random.clone());
        self.run(move || PasswordHash::create(&password, &random)).await
    }

    /// Is it the password of this hash? 503 `HASHING_BUSY` when the queue is full.
    pub async fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool> {
        let (password, hash) = (password.clone(), hash.clone());
        self.run(move || hash.matches(&password)).await
    }

    /// Takes the time of [`Hasher::verify`] for a user who does not exist or has no password, so that
    /// nobody can tell by the clock who has an account. The same 503 applies.
    pub async fn verify_nobody(&self, password: &Password) -> Result<()> {
        self.verify(password, &PasswordHash::of_nobody()).await.map(drop)
    }

    /// How many more callers would be let in now.
    pub fn free_places(&self) -> usize {
        self.places.available_permits()
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let place = self.enter()?;
        let slot = Arc::clone(&self.running).acquire_owned().await.map_err(closed)?;
        // Both permits go with the work: it keeps them when its caller is gone, so that the bound holds.
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop((slot, place));
            result
        })
        .await
        .map_err(|cause| Error::internal("hashing a password ended early").with_source(cause))?
    }

    fn enter(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|cause| match cause {
            TryAcquireError::NoPermits => Error::unavailable(
                "HASHING_BUSY",
                "Too many people are logging in at this moment; try again in a second",
                Duration::from_secs(1),
            ),
            TryAcquireError::Closed => closed(cause),
        })
    }
}

fn closed(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal("the hashing pool is closed").with_source(cause)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt;
    use kernel::Kind;

    use super::*;

    fn password() -> Password {
        Password::presented("Pass123!").unwrap()
    }

    /// A pool, and as many pieces of work as it has threads, which run until the sender is dropped.
    async fn busy(
        threads: usize,
        queue: usize,
    ) -> (Hasher, Vec<mpsc::Sender<()>>, Vec<tokio::task::JoinHandle<Result<()>>>) {
        let hasher = Hasher::bounded(threads, queue, Random::seeded(1));
        let (mut stops, mut tasks) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let (stop, stopped) = mpsc::channel::<()>();
            let (started, wait) = tokio::sync::oneshot::channel();
            let pool = hasher.clone();
            tasks.push(tokio::spawn(async move {
                pool.run(move || {
                    let _ = started.send(());
                    let _ = stopped.recv();
                    Ok(())
                })
                .await
            }));
            wait.await.unwrap();
            stops.push(stop);
        }
        (hasher, stops, tasks)
    }

    #[tokio::test]
    async fn hashes_and_compares() {
        let hasher = Hasher::bounded(2, 2, Random::seeded(1));
        let hash = hasher.hash(&password()).await.unwrap();
        assert!(hasher.verify(&password(), &hash).await.unwrap());
        assert!(!hasher.verify(&Password::presented("pass123!").unwrap(), &hash).await.unwrap());
        hasher.verify_nobody(&password()).await.unwrap();
        assert_eq!(hasher.free_places(), 4);
    }

    #[tokio::test]
    async fn past_the_queue_the_answer_comes_at_once() {
        let (hasher, stops, _tasks) = busy(2, 1).await;
        let waiter = password();
        let mut waiting = Box::pin(hasher.hash(&waiter));
        assert!(waiting.as_mut().now_or_never().is_none(), "both threads are busy, so it waits");
        for refused in [
            hasher.hash(&password()).now_or_never().unwrap().unwrap_err(),
            hasher.verify_nobody(&password()).now_or_never().unwrap().unwrap_err(),
        ] {
            assert_eq!((refused.kind(), refused.code()), (Kind::Unavailable, "HASHING_BUSY"));
            assert_eq!(refused.wait(), Some(Duration::from_secs(1)));
        }
        drop(stops);
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn who_stops_waiting_frees_the_place() {
        let (hasher, _stops, _tasks) = busy(1, 1).await;
        let waiter = password();
        let mut waiting = Box::pin(hasher.hash(&waiter));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(hasher.free_places(), 0);
        drop(waiting);
        assert_eq!(hasher.free_places(), 1);
    }

    #[tokio::test]
    async fn work_whose_caller_is_gone_keeps_its_place_until_done() {
        let (hasher, stops, tasks) = busy(1, 0).await;
        for task in tasks {
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
        assert_eq!(hasher.free_places(), 0, "the thread is still hashing");
        drop(stops);
        let _all = Arc::clone(&hasher.places).acquire_owned().await.unwrap();
        assert!(hasher.running.try_acquire().is_ok());
    }

    #[tokio::test]
    async fn work_that_panics_frees_its_place() {
        let hasher = Hasher::bounded(1, 0, Random::seeded(1));
        let failed = hasher.run(|| -> Result<()> { panic!("on purpose") }).await.unwrap_err();
        assert_eq!(failed.kind(), Kind::Internal);
        assert_eq!(hasher.free_places(), 1);
    }
}
