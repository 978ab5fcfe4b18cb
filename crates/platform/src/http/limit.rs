//! How much one network address, account or program may ask (GCRA, by `governor`). Replies say what is left
//! (draft-ietf-httpapi-ratelimit-headers-10); past it, 429. Everything is counted in this process, on a clock that only
//! goes forward: several processes allow several times as much, and a corrected clock locks nobody out.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use governor::clock::Clock as _;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use parking_lot::Mutex;

use crate::access::{Actor, Caller};
use crate::config;
use kernel::clock::Clock;
use kernel::error::{Error, Kind, Result};
use kernel::web::network::network;

/// After so many questions, keys that have been quiet are forgotten.
const SWEEP_AFTER: u32 = 10_000;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The injected clock as `governor` reads it.
#[derive(Clone)]
struct Injected(Clock);

impl governor::clock::Clock for Injected {
    type Instant = Nanos;
    fn now(&self) -> Nanos {
        Nanos::from(u64::try_from(self.0.uptime().as_nanos()).unwrap_or(u64::MAX))
    }
}

type Limiter = RateLimiter<u128, DashMapStateStore<u128>, Injected, StateInformationMiddleware>;

/// So much of one thing within a time, for each key.
pub struct Limit {
    name: &'static str,
    refusal: &'static str,
    most: NonZeroU32,
    window: Duration,
    limiter: Limiter,
    clock: Injected,
    asked: AtomicU32,
}

/// What a key has left of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    name: &'static str,
    most: u32,
    seconds: u64,
    remaining: u32,
}

impl Limit {
    /// None for 0.
    fn new(
        name: &'static str,
        most: u32,
        window: Duration,
        clock: &Clock,
        refusal: &'static str,
    ) -> Option<Limit> {
        let most = NonZeroU32::new(most)?;
        let clock = Injected(clock.clone());
        let quota = Quota::with_period(window / most.get())?.allow_burst(most);
        let limiter = Limiter::new(quota, DashMapStateStore::default(), clock.clone());
        Some(Limit { name, refusal, most, window, limiter, clock, asked: AtomicU32::new(0) })
    }

    /// Takes `n` of what `key` has left, and says how long to wait if there is not so much.
    fn take(&self, key: u128, n: NonZeroU32) -> (Left, Option<Duration>) {
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP_AFTER == SWEEP_AFTER - 1 {
            self.limiter.retain_recent();
        }
        let (remaining, wait) = match self.limiter.check_key_n(&key, n) {
            Ok(Ok(state)) => (state.remaining_burst_capacity(), None),
            Ok(Err(not_until)) => (0, Some(not_until.wait_time_from(self.clock.now()))),
            // More than there ever is.
            Err(_) => (0, Some(self.window)),
        };
        let left = Left { name: self.name, most: self.most.get(), seconds: self.window.as_secs(), remaining };
        (left, wait.map(|wait| wait.max(Duration::from_secs(1))))
    }
}

/// The limits of this process; none where a setting says 0.
pub struct RateLimits {
    open: Option<Limit>,
    customer_writes: Option<Limit>,
    customer_kib: Option<Limit>,
    customer_answers: Option<Limit>,
    customer_answer_kib: Option<Limit>,
    staff_writes: Option<Limit>,
    account_emails: Option<Limit>,
    network_emails: Option<Limit>,
}

impl RateLimits {
    /// The limits of a configuration.
    pub fn new(config: &config::Limits, clock: &Clock) -> RateLimits {
        let limit = |name, most, window, refusal| Limit::new(name, most, window, clock, refusal);
        let kib = |bytes: u64| u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let address = "Too many requests from this address; wait, and send fewer";
        let account = "Too many changes by this account; wait, and send fewer";
        let amount = "This account has sent as much as it may in a day; wait, and send less";
        let keys = "This account has used as many Idempotency-Keys as it may in a day; wait, or send none";
        let mails = "Too many e-mail addresses from here within an hour; wait, and send fewer";
        RateLimits {
            open: limit("open", config.open_per_minute, MINUTE, address),
            customer_writes: limit("writes", config.customer_writes_per_minute, MINUTE, account),
            customer_kib: limit("written-kib", kib(config.customer_bytes_per_day), DAY, amount),
            customer_answers: limit("idempotency-keys", config.customer_answers_per_day, DAY, keys),
            customer_answer_kib: limit("answers", kib(config.customer_answer_bytes_per_day), DAY, amount),
            staff_writes: limit("writes", config.staff_writes_per_minute, MINUTE, account),
            account_emails: limit("account-emails", config.emails_per_hour_account, HOUR, mails),
            network_emails: limit("network-emails", config.emails_per_hour_network, HOUR, mails),
        }
    }

    /// Counts a change that a caller asks for, with a body of so many bytes: 429 past the limits of its account.
    pub(crate) fn write(&self, tally: &Tally, caller: &Caller, bytes: usize) -> Result<()> {
        let Some(key) = key_of(caller) else { return Ok(()) };
        if !caller.is_customer() {
            return tally.count(self.staff_writes.as_ref(), key, ONE);
        }
        tally.count(self.customer_writes.as_ref(), key, ONE)?;
        tally.count(self.customer_kib.as_ref(), key, in_kib(bytes))
    }

    /// Counts an answer that will be stored for repeats.
    pub(crate) fn key(&self, tally: &Tally, caller: &Caller) -> Result<()> {
        match key_of(caller) {
            Some(key) if caller.is_customer() => tally.count(self.customer_answers.as_ref(), key, ONE),
            _ => Ok(()),
        }
    }

    /// May an answer of so many bytes be stored for a caller? Counted if so.
    pub(crate) fn may_keep(&self, caller: &Caller, bytes: usize) -> bool {
        let Some((limit, key)) = self.customer_answer_kib.as_ref().zip(key_of(caller)) else { return true };
        !caller.is_customer() || limit.take(key, in_kib(bytes)).1.is_none()
    }

    /// Counts a request to a route that is open to everybody.
    pub(crate) fn open(&self, tally: &Tally, ip: Option<IpAddr>) -> Result<()> {
        ip.map_or(Ok(()), |ip| tally.count(self.open.as_ref(), network(ip).to_bits(), ONE))
    }

    /// Counts a request that sends mail to an address of the caller's choice, or would tell whether it is known.
    pub(crate) fn email(&self, tally: &Tally, user: Option<uuid::Uuid>, ip: Option<IpAddr>) -> Result<()> {
        if let Some(user) = user {
            tally.count(self.account_emails.as_ref(), user.as_u128(), ONE)?;
        }
        ip.map_or(Ok(()), |ip| tally.count(self.network_emails.as_ref(), network(ip).to_bits(), ONE))
    }
}

const ONE: NonZeroU32 = NonZeroU32::MIN;

fn in_kib(bytes: usize) -> NonZeroU32 {
    NonZeroU32::new(u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)).unwrap_or(ONE)
}

fn key_of(caller: &Caller) -> Option<u128> {
    match caller.actor() {
        Actor::User(id) | Actor::ApiKey(id) => Some(id.as_u128()),
        Actor::System => None,
    }
}

/// What one request was counted against: once, however often it runs.
#[derive(Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<Vec<Left>>>);

impl Tally {
    /// 429 `RATE_LIMITED` with the time to wait.
    fn count(&self, limit: Option<&Limit>, key: u128, n: NonZeroU32) -> Result<()> {
        let Some(limit) = limit else { return Ok(()) };
        let mut counted = self.0.lock();
        if counted.iter().any(|left| left.name == limit.name) {
            return Ok(());
        }
        let (left, wait) = limit.take(key, n);
        counted.push(left);
        match wait {
            Some(wait) => Err(Error::new(Kind::TooMany, "RATE_LIMITED", limit.refusal).retry_after(wait)),
            None => Ok(()),
        }
    }

    /// The two headers of the draft, with what is left of each limit.
    pub(super) fn mark(&self, headers: &mut HeaderMap) {
        let counted = self.0.lock();
        if counted.is_empty() {
            return;
        }
        let list = |item: fn(&Left) -> String| counted.iter().map(item).collect::<Vec<_>>().join(", ");
        let policy = list(|l| format!("\"{}\";q={};w={}", l.name, l.most, l.seconds));
        let left = list(|l| format!("\"{}\";r={};t={}", l.name, l.remaining, l.seconds));
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", left)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::clock::Timestamp;

    fn clock() -> Clock {
        Clock::fixed(Timestamp::from_micros(1_780_000_000_000_000).unwrap())
    }

    fn limit(most: u32, clock: &Clock) -> Option<Limit> {
        Limit::new("open", most, MINUTE, clock, "wait")
    }

    fn ask(limit: &Limit, ip: &str) -> (u32, Option<Duration>) {
        let (left, wait) = limit.take(network(ip.parse().unwrap()).to_bits(), ONE);
        (left.remaining, wait)
    }

    #[test]
    fn an_address_waits_and_others_do_not() {
        let clock = clock();
        let limit = limit(3, &clock).unwrap();
        for left in [2, 1, 0] {
            assert_eq!(ask(&limit, "203.0.113.1"), (left, None));
        }
        assert_eq!(ask(&limit, "203.0.113.1"), (0, Some(Duration::from_secs(20))));
        assert_eq!(ask(&limit, "203.0.113.2"), (2, None));
        clock.advance(Duration::from_secs(20));
        assert_eq!(ask(&limit, "::ffff:203.0.113.1"), (0, None));
        // Addresses of one IPv6 network count as one.
        for host in ["2001:db8::1", "2001:db8::2", "2001:db8::3"] {
            assert_eq!(ask(&limit, host).1, None);
        }
        assert!(ask(&limit, "2001:db8::4").1.is_some());
        assert_eq!(ask(&limit, "2001:db8:0:1::4").1, None);
        assert!(self::limit(0, &clock).is_none());
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let clock = clock();
        let limit = limit(1, &clock).unwrap();
        assert_eq!(ask(&limit, "203.0.113.1"), (0, None));
        clock.set(clock.now().minus(HOUR));
        assert_eq!(ask(&limit, "203.0.113.1"), (0, Some(MINUTE)), "as long as before");
        clock.advance(MINUTE);
        assert_eq!(ask(&limit, "203.0.113.1"), (0, None));
    }

    #[test]
    fn a_request_is_counted_once_and_tells_of_every_limit() {
        let clock = clock();
        let (one, other) = (limit(2, &clock).unwrap(), Limit::new("b", 5, DAY, &clock, "wait").unwrap());
        let tally = Tally::default();
        for _ in 0..3 {
            tally.count(Some(&one), 7, ONE).unwrap();
        }
        assert_eq!(tally.count(Some(&other), 7, in_kib(6 * 1024)).unwrap_err().wait(), Some(DAY));
        let mut headers = HeaderMap::new();
        tally.mark(&mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"open\";q=2;w=60, \"b\";q=5;w=86400");
        assert_eq!(headers["ratelimit"], "\"open\";r=1;t=60, \"b\";r=0;t=86400");
    }

    #[test]
    fn bytes_are_counted_in_whole_kib() {
        for (bytes, kib) in [(0, 1), (1, 1), (1024, 1), (1025, 2), (1 << 20, 1024)] {
            assert_eq!(in_kib(bytes).get(), kib);
        }
    }
}
