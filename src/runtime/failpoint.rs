//! Places at which a test can have the process killed or stopped, as `kill -9` and `kill -STOP` from outside would do it, but
//! exactly there.
//!
//! One is armed by the environment variable [`VARIABLE`], and only in builds with debug assertions: a release build has none
//! of this. `before-commit/3/KILL` kills the process when a thread comes to that place for the third time.

use std::process::{Command, id};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

pub const VARIABLE: &str = "SCOREKEEPER_FAILPOINT";

/// A place in the way of a batch, of a write to disk, or of a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failpoint {
    /// The transaction has begun, nothing is written.
    BeforeProduce,
    /// Half of the records are handed to the producer.
    AmidProduce,
    /// All records are handed to the producer, the offsets are not sent.
    AfterProduce,
    /// The offsets are in the transaction, which is open; some of the outputs may linger yet.
    BeforeCommit,
    /// The transaction is committed, the stores do not know.
    AfterCommit,
    /// Some stores have taken in what was committed.
    AmidTakeIn,
    /// Rows are about to be written to disk.
    BeforeFlush,
    /// They are handed to sled, and not synced.
    AmidFlush,
    /// They are on disk, and the store does not know.
    AfterFlush,
    /// Some rows of a changelog are read.
    AmidRestore,
}

impl Failpoint {
    pub const ALL: [Failpoint; 10] = [
        Failpoint::BeforeProduce,
        Failpoint::AmidProduce,
        Failpoint::AfterProduce,
        Failpoint::BeforeCommit,
        Failpoint::AfterCommit,
        Failpoint::AmidTakeIn,
        Failpoint::BeforeFlush,
        Failpoint::AmidFlush,
        Failpoint::AfterFlush,
        Failpoint::AmidRestore,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Failpoint::BeforeProduce => "before-produce",
            Failpoint::AmidProduce => "amid-produce",
            Failpoint::AfterProduce => "after-produce",
            Failpoint::BeforeCommit => "before-commit",
            Failpoint::AfterCommit => "after-commit",
            Failpoint::AmidTakeIn => "amid-take-in",
            Failpoint::BeforeFlush => "before-flush",
            Failpoint::AmidFlush => "amid-flush",
            Failpoint::AfterFlush => "after-flush",
            Failpoint::AmidRestore => "amid-restore",
        }
    }
}

/// A thread is at this place.
#[inline]
pub fn pass(point: Failpoint) {
    if cfg!(debug_assertions) {
        static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
        if let Some(armed) = ARMED.get_or_init(|| Armed::parse(&std::env::var(VARIABLE).ok()?)) {
            armed.pass(point);
        }
    }
}

#[derive(Debug)]
struct Armed {
    point: Failpoint,
    /// Passes left.
    left: AtomicU64,
    signal: String,
}

impl Armed {
    fn parse(text: &str) -> Option<Armed> {
        let mut parts = text.split('/');
        let name = parts.next()?;
        let point = Failpoint::ALL.into_iter().find(|point| point.name() == name)?;
        let left = AtomicU64::new(parts.next()?.parse().ok()?);
        Some(Armed { point, left, signal: parts.next()?.to_owned() })
    }

    fn pass(&self, point: Failpoint) {
        if point == self.point && self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            // this thread waits for the signal right here: it cannot go past the place before
            let sent = Command::new("kill").args([format!("-{}", self.signal), id().to_string()]).status();
            tracing::warn!(?point, ?sent, "failpoint");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_a_count_and_a_signal() {
        for point in Failpoint::ALL {
            let armed = Armed::parse(&format!("{}/7/STOP", point.name())).unwrap();
            assert_eq!((armed.point, armed.left.into_inner(), armed.signal.as_str()), (point, 7, "STOP"));
        }
        for wrong in ["", "before-commit", "before-commit/x/KILL", "nowhere/1/KILL"] {
            assert!(Armed::parse(wrong).is_none(), "{wrong}");
        }
    }
}
