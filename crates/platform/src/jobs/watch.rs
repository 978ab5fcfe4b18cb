//! Which claims stand still. A runner that lives moves `beats` of its jobs; whoever has seen them unmoved for the whole
//! lease, by a clock of its own that nobody sets, knows that it does not. Two clocks are never compared, so it does not
//! matter what they say.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use super::store::Running;

/// The lease of a release that does not write it down.
const OLD_LEASE: Duration = Duration::from_secs(30);

/// What this process has seen of jobs at work.
#[derive(Default)]
pub(crate) struct Watch(Mutex<HashMap<Uuid, Seen>>);

struct Seen {
    row: Running,
    /// Uptime at the first look at this heartbeat.
    since: Duration,
}

impl Watch {
    /// Takes note of all jobs that are at work now, and gives those whose claims have stood still for their lease.
    pub(super) fn look(&self, rows: Vec<Running>, uptime: Duration) -> Vec<Running> {
        let mut seen = self.0.lock();
        let mut before = std::mem::take(&mut *seen);
        let mut still = Vec::new();
        for row in rows {
            let since = match before.remove(&row.id) {
                Some(old) if old.row == row => old.since,
                _ => uptime,
            };
            if uptime.saturating_sub(since) >= lease_of(&row) {
                still.push(row.clone());
            }
            seen.insert(row.id, Seen { row, since });
        }
        still
    }
}

fn lease_of(row: &Running) -> Duration {
    row.lease_ms.and_then(|ms| u64::try_from(ms).ok()).map_or(OLD_LEASE, Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u128, beats: i64) -> Running {
        let token = Some(Uuid::from_u128(7));
        let (id, kind) = (Uuid::from_u128(id), "probe".to_owned());
        Running { id, kind, token, attempts: 1, beats, lease_ms: Some(10_000), locked_until: None }
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn only_who_stood_still_for_the_whole_lease_is_given() {
        let watch = Watch::default();
        assert!(watch.look(vec![row(1, 0), row(2, 0)], seconds(100)).is_empty());
        assert!(watch.look(vec![row(1, 0), row(2, 1)], seconds(109)).is_empty());
        assert_eq!(watch.look(vec![row(1, 0), row(2, 1)], seconds(110)), [row(1, 0)]);
        assert_eq!(watch.look(vec![row(1, 0), row(2, 1)], seconds(119)), [row(1, 0), row(2, 1)]);
    }

    #[test]
    fn another_claim_or_another_run_begins_anew() {
        let watch = Watch::default();
        watch.look(vec![row(1, 0)], seconds(0));
        let other = Running { token: None, ..row(1, 0) };
        assert!(watch.look(vec![other], seconds(50)).is_empty());
        watch.look(vec![], seconds(51));
        assert!(watch.look(vec![row(1, 0)], seconds(100)).is_empty());
        let old = Running { lease_ms: None, ..row(3, 0) };
        watch.look(vec![old.clone()], seconds(100));
        assert!(watch.look(vec![old.clone()], seconds(129)).is_empty());
        assert_eq!(watch.look(vec![old.clone()], seconds(130)), [old]);
    }
}
