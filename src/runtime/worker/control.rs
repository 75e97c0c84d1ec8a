//! What the threads of a process tell each other: stop, who owns what, how far, how they are.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::runtime::now;

/// What a worker thread is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThreadState {
    /// It has no partitions yet.
    Waiting,
    /// It reads a changelog; offsets read and in all.
    Restoring {
        topic: &'static str,
        read: u64,
        all: u64,
    },
    Running,
    /// Its session ended; it will open a new one.
    Failed(String),
}

pub struct Control {
    stopping: AtomicBool,
    unclean: AtomicBool,
    /// Work ends with the inputs: positions are looked at more often.
    pub stop_at_end: bool,
    threads: Mutex<Vec<Thread>>,
    beats: Vec<AtomicI64>,
    pub work: Work,
}

struct Thread {
    state: ThreadState,
    owned: Vec<u32>,
    /// Its tasks have work of their own left.
    at_work: bool,
}

/// What was worked off in all.
#[derive(Default)]
pub struct Work {
    pub records: AtomicU64,
    /// Wall clock, milliseconds, of the first record read and the last commit of records; 0 before.
    pub first: AtomicI64,
    pub last: AtomicI64,
}

impl Control {
    pub fn new(threads: usize, stop_at_end: bool) -> Control {
        let thread = || Thread { state: ThreadState::Waiting, owned: Vec::new(), at_work: false };
        Control {
            stopping: AtomicBool::new(false),
            unclean: AtomicBool::new(false),
            stop_at_end,
            threads: Mutex::new((0..threads).map(|_| thread()).collect()),
            beats: (0..threads).map(|_| AtomicI64::new(now().0)).collect(),
            work: Work::default(),
        }
    }

    fn threads(&self) -> MutexGuard<'_, Vec<Thread>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// State on disk is not complete: it must not be marked as closed.
    pub fn set_unclean(&self) {
        self.unclean.store(true, Ordering::Release);
    }

    pub fn is_unclean(&self) -> bool {
        self.unclean.load(Ordering::Acquire)
    }

    /// How often positions are looked at.
    pub fn tick(&self, usual: Duration) -> Duration {
        if self.stop_at_end { usual / 5 } else { usual }
    }

    /// The thread is alive.
    pub fn beat(&self, thread: usize) {
        if let Some(beat) = self.beats.get(thread) {
            beat.store(now().0, Ordering::Relaxed);
        }
    }

    /// Milliseconds since the thread that was silent longest showed itself.
    pub fn silence(&self) -> i64 {
        self.beats.iter().map(|beat| now().0 - beat.load(Ordering::Relaxed)).max().unwrap_or(0)
    }

    pub fn set_state(&self, thread: usize, state: ThreadState) {
        if let Some(thread) = self.threads().get_mut(thread) {
            thread.state = state;
        }
    }

    pub fn states(&self) -> Vec<(ThreadState, Vec<u32>)> {
        self.threads().iter().map(|thread| (thread.state.clone(), thread.owned.clone())).collect()
    }

    /// The partitions that a thread works on from now on.
    pub fn set_owned(&self, thread: usize, partitions: &[u32]) {
        if let Some(thread) = self.threads().get_mut(thread) {
            thread.owned = partitions.to_vec();
        }
    }

    pub fn set_at_work(&self, thread: usize, at_work: bool) {
        if let Some(thread) = self.threads().get_mut(thread) {
            thread.at_work = at_work;
        }
    }

    /// Every thread has been given its partitions, and none has work left beside its inputs.
    pub fn is_idle(&self) -> bool {
        self.threads().iter().all(|thread| thread.state == ThreadState::Running && !thread.at_work)
    }

    pub fn owns(&self, thread: usize, partition: u32) -> bool {
        self.threads().get(thread).is_some_and(|thread| thread.owned.contains(&partition))
    }

    /// Records were worked off and committed.
    pub fn worked_off(&self, records: u64) {
        if records > 0 && self.stop_at_end {
            self.work.records.fetch_add(records, Ordering::Relaxed);
            self.work.last.fetch_max(now().0, Ordering::Relaxed);
        }
    }

    /// The first record has been read.
    pub fn begin(&self) {
        if self.stop_at_end {
            let _ = self.work.first.compare_exchange(0, now().0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}
