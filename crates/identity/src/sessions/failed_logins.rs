//! How often somebody may guess at the password of one account: what failed makes the next attempts wait, in this process.
//! A known device is counted apart from all others, so nobody makes an owner wait who logs in from there. An account that
//! is not there is counted as one that is.

use std::sync::Arc;
use std::time::Duration;

use kernel::clock::Clock;
use kernel::{Error, Kind, Result};
use moka::sync::Cache;
use parking_lot::Mutex;
use platform::app::{Parts, ProcessState};
use platform::crypto::sha256;

/// Failures that cost nothing: people mistype, and programs log in several times at once.
const FREE: u32 = 10;
/// Failures after which the account is closed for those who fail.
const MOST: u32 = 100;
/// For how long; failures are forgotten as long after the last of them.
const CLOSED_FOR: Duration = Duration::from_secs(24 * 3600);
/// Whom we count at once; who fails seldom is forgotten first. A flood of names has to pass the hashing of each.
const MOST_COUNTED: u64 = 100_000;

/// How long the next attempt waits after so many failures.
fn wait_after(failures: u32) -> Duration {
    Duration::from_secs(match failures {
        0..FREE => 0,
        FREE..20 => 3,
        20..35 => 5,
        35..MOST => 10,
        _ => return CLOSED_FOR,
    })
}

/// The attempts that failed, or are not decided yet.
pub(crate) struct FailedLogins {
    counted: Cache<[u8; 32], Arc<Mutex<Failed>>>,
    clock: Clock,
}

#[derive(Default)]
struct Failed {
    times: u32,
    /// On the clock that only goes forward.
    until: Duration,
}

/// An attempt that may be made. It counts as a failure until it is known to be none, so that many at once are no more
/// guesses than one after the other.
pub(crate) struct Attempt(Arc<Mutex<Failed>>);

impl ProcessState for FailedLogins {
    fn new(parts: &Parts) -> FailedLogins {
        FailedLogins::at(parts.clock.clone())
    }
}

impl FailedLogins {
    fn at(clock: Clock) -> FailedLogins {
        let counted = Cache::builder().max_capacity(MOST_COUNTED).time_to_idle(CLOSED_FOR).build();
        FailedLogins { counted, clock }
    }

    /// Counts an attempt at what `account` names. 429 `LOGIN_THROTTLED`.
    pub(crate) fn admit(&self, account: &str) -> Result<Attempt> {
        let failed = self.counted.get_with(sha256(account.as_bytes()), Arc::default);
        let mut counted = failed.lock();
        let now = self.clock.uptime();
        if let Some(wait) = counted.until.checked_sub(now).filter(|wait| !wait.is_zero()) {
            let detail =
                "Too many failed logins to this account; wait, or log in from a device that is known";
            metrics::counter!("auth_logins_total", "outcome" => "throttled").increment(1);
            return Err(Error::new(Kind::TooMany, "LOGIN_THROTTLED", detail).retry_after(wait));
        }
        if counted.times >= MOST {
            *counted = Failed::default();
        }
        counted.times += 1;
        counted.until = now + wait_after(counted.times);
        drop(counted);
        Ok(Attempt(failed))
    }
}

impl Attempt {
    /// The password was right: what failed before is forgotten.
    pub(crate) fn succeeded(self) {
        *self.0.lock() = Failed::default();
    }

    /// Nothing was found out, as when the server was too busy.
    pub(crate) fn was_none(self) {
        let mut failed = self.0.lock();
        failed.times = failed.times.saturating_sub(1);
        failed.until = Duration::ZERO;
    }

    /// Was it one too many?
    pub(crate) fn closes(&self) -> bool {
        self.0.lock().times >= MOST
    }
}

#[cfg(test)]
mod tests {
    use kernel::clock::Timestamp;

    use super::*;

    fn failed_logins() -> (FailedLogins, Clock) {
        let clock = Clock::fixed(Timestamp::from_micros(1_780_000_000_000_000).unwrap());
        (FailedLogins::at(clock.clone()), clock)
    }

    #[test]
    fn failures_make_the_next_attempts_wait_and_at_last_close_the_account() {
        let (failed_logins, clock) = failed_logins();
        for n in 1..=MOST {
            let attempt = failed_logins.admit("a").unwrap();
            assert_eq!(attempt.closes(), n == MOST);
            let wait = wait_after(n);
            if !wait.is_zero() {
                let refused = failed_logins.admit("a").err().and_then(|e| e.wait());
                assert_eq!(refused, Some(wait), "after {n}");
            }
            clock.advance(wait);
        }
        failed_logins.admit("b").unwrap();
        assert!(!failed_logins.admit("a").unwrap().closes(), "it begins anew");
    }

    #[test]
    fn attempts_at_once_are_no_more_guesses() {
        let (failed_logins, _) = failed_logins();
        let all: Vec<_> = (0..50).map(|_| failed_logins.admit("a")).collect();
        assert_eq!(all.iter().filter(|attempt| attempt.is_ok()).count(), FREE as usize);
        for attempt in all.into_iter().flatten().take(1) {
            attempt.succeeded();
        }
        failed_logins.admit("a").unwrap();
    }

    #[test]
    fn what_found_nothing_out_counts_for_nothing() {
        let (failed_logins, _) = failed_logins();
        for _ in 0..50 {
            failed_logins.admit("a").unwrap().was_none();
        }
    }
}
