//! How much a stranger may ask of the routes that are open to everybody: so many requests a minute for each address
//! (GCRA, by `governor`). Replies say what is left (draft-ietf-httpapi-ratelimit-headers-10); past it, 429.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use governor::clock::Clock as _;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::Clock;
use crate::error::{Error, Kind, Result};

/// After so many requests, addresses that have been quiet are forgotten.
const SWEEP_AFTER: u32 = 10_000;

/// The injected clock as `governor` reads it.
#[derive(Clone)]
struct Injected(Clock);

impl governor::clock::Clock for Injected {
    type Instant = Nanos;
    fn now(&self) -> Nanos {
        Nanos::from(u64::try_from(self.0.now().as_micros()).unwrap_or(0).saturating_mul(1000))
    }
}

type Limiter = RateLimiter<IpAddr, DashMapStateStore<IpAddr>, Injected, StateInformationMiddleware>;

/// The limit of open routes, per address.
pub struct OpenRoutes {
    limiter: Limiter,
    clock: Injected,
    per_minute: NonZeroU32,
    asked: AtomicU32,
}

/// What an address has left.
#[derive(Debug, Clone, Copy)]
pub struct Left {
    per_minute: u32,
    remaining: u32,
}

impl OpenRoutes {
    /// A limit of so many requests a minute; none for 0.
    pub fn new(per_minute: u32, clock: Clock) -> Option<OpenRoutes> {
        let per_minute = NonZeroU32::new(per_minute)?;
        let clock = Injected(clock);
        let limiter =
            Limiter::new(Quota::per_minute(per_minute), DashMapStateStore::default(), clock.clone());
        Some(OpenRoutes { limiter, clock, per_minute, asked: AtomicU32::new(0) })
    }

    /// Counts a request of `ip`. 429 `RATE_LIMITED` with the time to wait.
    pub fn ask(&self, ip: IpAddr) -> Result<Left> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP_AFTER == SWEEP_AFTER - 1 {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key(&network(ip)) {
            Ok(state) => {
                Ok(Left { per_minute: self.per_minute.get(), remaining: state.remaining_burst_capacity() })
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.clock.now()).max(Duration::from_secs(1));
                let detail = "Too many requests from this address; wait, and send fewer";
                Err(Error::new(Kind::TooMany, "RATE_LIMITED", detail).retry_after(wait))
            }
        }
    }
}

/// One household has a whole /64 of IPv6.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let mut parts = ip.segments();
            parts[4..].fill(0);
            IpAddr::from(parts)
        }
        ip => ip,
    }
}

impl Left {
    /// The two headers of the draft.
    pub(super) fn mark(self, headers: &mut HeaderMap) {
        let policy = format!("\"open\";q={};w=60", self.per_minute);
        let left = format!("\"open\";r={};t=60", self.remaining);
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
    use crate::clock::Timestamp;

    #[test]
    fn an_address_waits_and_others_do_not() {
        let clock = Clock::fixed(Timestamp::from_micros(1_780_000_000_000_000).unwrap());
        let limit = OpenRoutes::new(3, clock.clone()).unwrap();
        let one: IpAddr = "203.0.113.1".parse().unwrap();
        for left in [2, 1, 0] {
            assert_eq!(limit.ask(one).unwrap().remaining, left);
        }
        let refused = limit.ask(one).unwrap_err();
        assert_eq!((refused.code(), refused.wait()), ("RATE_LIMITED", Some(Duration::from_secs(20))));
        limit.ask("203.0.113.2".parse().unwrap()).unwrap();
        clock.advance(Duration::from_secs(20));
        limit.ask(one).unwrap();
        // Addresses of one IPv6 network count as one.
        for host in ["2001:db8::1", "2001:db8::2", "2001:db8::3"] {
            limit.ask(host.parse().unwrap()).unwrap();
        }
        limit.ask("2001:db8::4".parse().unwrap()).unwrap_err();
        limit.ask("2001:db8:0:1::4".parse().unwrap()).unwrap();
        assert!(OpenRoutes::new(0, clock).is_none());
    }
}
