//! Time as the loop sees it.

use std::time::{Duration, Instant};

use crate::events::Timestamp;

/// The clocks of a process. The loop asks only these, so that a test can be its own time.
pub trait Clock: Send + Sync {
    /// The wall clock. It may jump, forth and back.
    fn wall(&self) -> Timestamp;
    /// Time since some moment in the past; it never goes back.
    fn elapsed(&self) -> Duration;
    fn sleep(&self, duration: Duration);
}

/// The clocks of the machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock(Instant::now())
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        super::now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}
