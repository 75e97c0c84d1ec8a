//! What the threads of a process tell each other: stop, who owns what, how far, how they are.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::runtime::log::{Next, Place};
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
    changed: Instant,
    next: BTreeMap<Place, u64>,
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
        let thread = || Thread { state: ThreadState::Waiting, owned: Vec::new(), changed: Instant::now(), next: BTreeMap::new() };
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

    /// The partitions that a thread works on from now on, and what is committed for them.
    pub fn set_owned(&self, thread: usize, partitions: &[u32], committed: &[Next]) {
        if let Some(thread) = self.threads().get_mut(thread) {
            (thread.owned, thread.changed) = (partitions.to_vec(), Instant::now());
            thread.next = committed.iter().copied().collect();
        }
    }

    pub fn owns(&self, thread: usize, partition: u32) -> bool {
        self.threads().get(thread).is_some_and(|thread| thread.owned.contains(&partition))
    }

    /// All partitions of this process, and for how long nothing has changed about them.
    pub fn owned(&self) -> (Vec<u32>, Duration) {
        let threads = self.threads();
        let mut owned: Vec<u32> = threads.iter().flat_map(|thread| thread.owned.iter().copied()).collect();
        owned.sort_unstable();
        let since = threads.iter().map(|thread| thread.changed.elapsed()).min().unwrap_or_default();
        (owned, since)
    }

    /// Offsets that were committed, with the number of records worked off.
    pub fn advance(&self, next: &[Next], records: u64) {
        if !self.stop_at_end {
            return;
        }
        let mut threads = self.threads();
        for &(place, next) in next {
            if let Some(thread) = threads.iter_mut().find(|thread| thread.owned.contains(&place.partition)) {
                thread.next.insert(place, next);
            }
        }
        drop(threads);
        if records > 0 {
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

    /// The committed next offset of a place that this process owns.
    pub fn next(&self, place: Place) -> Option<u64> {
        self.threads().iter().find_map(|thread| thread.next.get(&place).copied())
    }
}
