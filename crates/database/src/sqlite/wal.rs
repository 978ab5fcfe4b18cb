//! The size of the WAL, and who keeps it from being emptied: a reader pins all that was written since it began.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Bytes of a page in the WAL, with its head.
const FRAME: u64 = 4096 + 24;
/// Time between two warnings.
const QUIET: Duration = Duration::from_secs(60);

/// The readers of this process that keep a snapshot, and when the log was last told.
pub(super) struct Watch {
    warn_from: u64,
    next: AtomicU64,
    readers: Mutex<BTreeMap<u64, Instant>>,
    warned: Mutex<Option<Instant>>,
}

impl Watch {
    pub fn new(warn_from: u64) -> Watch {
        Watch { warn_from, next: AtomicU64::new(0), readers: Mutex::default(), warned: Mutex::default() }
    }

    /// A snapshot begins; its number.
    pub fn begins(&self) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.readers.lock().insert(number, Instant::now());
        number
    }

    /// A snapshot ends.
    pub fn ends(&self, number: u64) {
        self.readers.lock().remove(&number);
    }

    /// The age of the oldest snapshot of this process.
    pub fn oldest(&self) -> Option<Duration> {
        self.readers.lock().values().next().map(Instant::elapsed)
    }

    /// Told after a commit how many pages the WAL has; says whether the log was warned.
    pub fn look(&self, pages: u64) -> bool {
        let bytes = pages * FRAME;
        if bytes < self.warn_from {
            return false;
        }
        let mut warned = self.warned.lock();
        if warned.is_some_and(|at| at.elapsed() < QUIET) {
            return false;
        }
        *warned = Some(Instant::now());
        let advice = "a reader keeps it from being emptied: an old snapshot of this process, or another process with the file open";
        // Absent where no snapshot of this process is open.
        let oldest_reader_s = self.oldest().map(|age| age.as_secs());
        tracing::warn!(bytes, oldest_reader_s, "the WAL of SQLite grows: {advice}");
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_wal_is_told_once_a_minute_with_its_oldest_reader() {
        let watch = Watch::new(10 * FRAME);
        let (first, second) = (watch.begins(), watch.begins());
        assert!(!watch.look(9) && watch.look(10) && !watch.look(1000));
        watch.ends(first);
        assert!(watch.oldest().is_some());
        watch.ends(second);
        assert!(watch.oldest().is_none());
    }
}
