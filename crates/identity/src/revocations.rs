//! What a process remembers of callers holds until something is taken from one of them. Then a generation goes up, and
//! what was remembered before is asked for again.

use std::sync::atomic::{AtomicU64, Ordering};

use platform::Tx;
use platform::app::{Parts, ProcessState};
use platform::ctx::Ctx;
use uuid::Uuid;

const SHARDS: usize = 256;

/// The generations of a process; each is that of the users and keys of one shard.
pub struct Revocations([AtomicU64; SHARDS]);

impl ProcessState for Revocations {
    fn new(_: &Parts) -> Revocations {
        Revocations(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Revocations {
    /// The shard of a user or a key.
    pub(crate) fn shard(id: Uuid) -> usize {
        usize::from(id.as_bytes()[15])
    }

    /// The generation of a shard.
    pub(crate) fn generation(&self, shard: usize) -> u64 {
        self.0[shard].load(Ordering::SeqCst)
    }

    /// Those of all shards.
    pub(crate) fn generations(&self) -> Vec<u64> {
        self.0.iter().map(|generation| generation.load(Ordering::SeqCst)).collect()
    }

    fn invalidate(&self, id: Uuid) {
        self.0[Revocations::shard(id)].fetch_add(1, Ordering::SeqCst);
    }

    fn invalidate_all(&self) {
        for generation in &self.0 {
            generation.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// After the commit of `tx`, what is remembered of this user or key is asked again.
pub(crate) fn invalidate_after_commit(ctx: &Ctx, tx: &mut Tx, id: Uuid) {
    let revocations = ctx.app().state::<Revocations>();
    tx.after_commit(move || revocations.invalidate(id));
}

/// After the commit of `tx`, everybody who is remembered is asked again: for what ends the keys that somebody made, which
/// is rare and concerns few.
pub(crate) fn invalidate_all_after_commit(ctx: &Ctx, tx: &mut Tx) {
    let revocations = ctx.app().state::<Revocations>();
    tx.after_commit(move || revocations.invalidate_all());
}
