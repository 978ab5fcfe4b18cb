//! Identifiers and randomness, injected so that a test can repeat a run. Making them anywhere else is
//! banned in `clippy.toml`.

use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use parking_lot::Mutex;
use rand::Rng as _;
use uuid::Uuid;

use crate::clock::Timestamp;

/// Where use cases take ids and secrets from. Cloning shares it.
#[derive(Clone, Default)]
pub enum Random {
    /// The operating system's generator.
    #[default]
    System,
    /// A repeatable sequence (SplitMix64), for tests only: it is no secret.
    Seeded(Arc<Mutex<u64>>),
}

impl Random {
    /// A repeatable sequence for a test.
    pub fn seeded(seed: u64) -> Random {
        Random::Seeded(Arc::new(Mutex::new(seed)))
    }

    /// `N` random bytes. Panics if the operating system has no randomness to give: nothing that follows
    /// would be safe.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0u8; N];
        match self {
            Random::System => {
                SystemRandom::new().fill(&mut out).expect("the operating system gives random bytes");
            }
            Random::Seeded(state) => {
                let mut state = state.lock();
                for chunk in out.chunks_mut(8) {
                    chunk.copy_from_slice(&split_mix_64(&mut state).to_le_bytes()[..chunk.len()]);
                }
            }
        }
        out
    }

    /// A number below `bound`, without measurable bias (64 random bits scaled down).
    pub fn below(&self, bound: u64) -> u64 {
        let wide = u128::from(u64::from_le_bytes(self.bytes())) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A UUIDv7 (RFC 9562) for a record created at `now`: ids sort by creation. Its random part comes from a
    /// generator of the thread's own: an id is no secret, and a system call for each would show.
    pub fn uuid(&self, now: Timestamp) -> Uuid {
        let mut random = [0u8; 10];
        match self {
            Random::System => rand::rng().fill_bytes(&mut random),
            Random::Seeded(_) => random = self.bytes(),
        }
        let micros = u64::try_from(now.as_micros()).unwrap_or(0);
        // Twelve bits for the part of the millisecond (RFC 9562 section 6.2, method 3): ids of one process sort finer.
        let part = (micros % 1000) * 4096 / 1000;
        random[0] = (part >> 8) as u8;
        random[1] = (part & 0xff) as u8;
        let millis = micros / 1000;
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

fn split_mix_64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
