//! Writing to disk, in the background: one thread for all tasks of a process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::guarded;
use super::rows::Dirty;
use crate::runtime::failpoint::{self, Failpoint};
use crate::state::StoreError;

/// Rows written since the process started, for the metrics.
pub static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// Rows on their way to disk, with the position that they lead to.
pub struct Job {
    pub tree: sled::Tree,
    pub rows: Arc<Dirty>,
    pub position: Vec<u8>,
    pub done: Arc<Done>,
}

/// How a job ended.
#[derive(Default)]
pub struct Done {
    result: Mutex<Option<Result<(), StoreError>>>,
    changed: Condvar,
}

impl Done {
    pub fn peek(&self) -> Option<Result<(), StoreError>> {
        self.result.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn wait(&self) -> Result<(), StoreError> {
        let mut result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &*result {
                Some(done) => return done.clone(),
                None => result = self.changed.wait(result).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn set(&self, done: Result<(), StoreError>) {
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
        self.changed.notify_all();
    }
}

pub struct Flusher {
    sender: Sender<Job>,
    thread: JoinHandle<()>,
}

impl Flusher {
    pub fn start(db: sled::Db) -> Flusher {
        let (sender, jobs) = channel();
        let thread = std::thread::spawn(move || run(&db, &jobs));
        Flusher { sender, thread }
    }

    pub fn sender(&self) -> Sender<Job> {
        self.sender.clone()
    }

    /// Works off what is left. Every task's store must have been dropped.
    pub fn stop(self) {
        drop(self.sender);
        if self.thread.join().is_err() {
            tracing::error!("the thread that writes state to disk has panicked");
        }
    }
}

fn run(db: &sled::Db, jobs: &Receiver<Job>) {
    for job in jobs {
        failpoint::pass(Failpoint::BeforeFlush);
        let written = write(&job);
        failpoint::pass(Failpoint::AmidFlush);
        let result = written.and_then(|()| guarded(|| db.flush()).map(drop));
        failpoint::pass(Failpoint::AfterFlush);
        if let Err(error) = &result {
            tracing::error!(%error, "state could not be written");
        }
        WRITTEN.fetch_add(job.rows.len() as u64, Ordering::Relaxed);
        drop(job.rows);
        job.done.set(result);
    }
}

/// Row by row in the order of the keys, and the position last. A batch of sled's would be one atomic step, at five times the
/// cost and with a copy of every page it touches in memory until it ends; a process that dies in between needs no atomic
/// step, since the next one wipes what was not closed.
fn write(job: &Job) -> Result<(), StoreError> {
    let mut rows: Vec<_> = job.rows.iter().collect();
    rows.sort_unstable_by_key(|(key, _)| *key);
    guarded(|| {
        for (key, value) in rows {
            match value {
                Some(value) => drop(job.tree.insert(key.as_slice(), checked(value))?),
                None => drop(job.tree.remove(key.as_slice())?),
            }
        }
        job.tree.insert(POSITION, checked(&job.position)).map(drop)
    })
}

/// The key of a tree's position: table 0 has no rows.
pub const POSITION: &[u8] = &[0];

/// A value with its checksum behind it.
fn checked(value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.len() + 4);
    bytes.extend_from_slice(value);
    bytes.extend_from_slice(&crc32fast::hash(value).to_le_bytes());
    bytes
}

/// The value, if its checksum is right.
pub fn unchecked(bytes: &[u8]) -> Result<&[u8], StoreError> {
    let (value, digest) = bytes.split_last_chunk::<4>().ok_or_else(|| StoreError("a row is too short".to_owned()))?;
    if crc32fast::hash(value) != u32::from_le_bytes(*digest) {
        return Err(StoreError("a row fails its checksum".to_owned()));
    }
    Ok(value)
}
