//! The state of tasks: rows in memory over sled on disk.
//!
//! Kafka's changelog is the log of the state; what is here is a cache of it that is behind the changelog or equal to it, never
//! ahead: rows come in after their transaction has committed. So nothing is synced on commit, and on any doubt the rows are
//! wiped and read again from the changelog:
//!
//! - the process did not close the store, its files have changed since (a marker file tells), or sled cannot open it;
//! - a row or position fails its checksum;
//! - the position lies outside the changelog, after the committed offsets, or is older than deletions are kept.
//!
//! All tasks of a process share one database, with a tree for each.

mod closed;
mod flush;
mod rows;
mod task;

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

pub use self::closed::mark as mark_closed;
pub use self::task::{Position, TaskStore};
use crate::runtime::log::LogError;
use crate::runtime::settings;
use crate::state::StoreError;

/// Changes whenever rows are written in another form: older state is then rebuilt.
pub const SCHEMA: u32 = 2;

/// The database of a process.
pub struct Stores {
    shared: Arc<Shared>,
    flusher: flush::Flusher,
    dir: PathBuf,
    /// Held while the process lives.
    _lock: File,
}

struct Shared {
    db: sled::Db,
    cache_bytes: usize,
    /// Bytes that all open stores hold in memory.
    used: AtomicUsize,
    open: AtomicUsize,
    in_use: Mutex<HashSet<String>>,
    released: Condvar,
}

impl Stores {
    /// Opens the directory for this process alone; wipes it if the last process did not close it, or it has changed since.
    pub fn open(settings: &settings::State) -> Result<Stores, LogError> {
        let dir = settings.dir.clone();
        let fatal = |error: &dyn std::fmt::Display| LogError::Fatal(format!("state.dir {}: {error}", dir.display()));
        std::fs::create_dir_all(&dir).map_err(|error| fatal(&error))?;
        let lock = File::create(dir.join("lock")).map_err(|error| fatal(&error))?;
        crate::runtime::lock(&lock).map_err(|error| fatal(&error))?;
        if !closed::take_mark(&dir).map_err(|error| fatal(&error))? && dir.join(SLED).exists() {
            tracing::warn!(dir = %dir.display(), "state was not closed cleanly; it will be restored from the changelog");
            wipe(&dir).map_err(|error| fatal(&error))?;
        }
        let db = match open_db(&dir) {
            Ok(db) => db,
            Err(error) => {
                tracing::warn!(%error, "state cannot be opened; it will be restored from the changelog");
                wipe(&dir).map_err(|error| fatal(&error))?;
                open_db(&dir).map_err(|error| fatal(&error))?
            }
        };
        let shared = Shared {
            db: db.clone(),
            cache_bytes: settings.cache_bytes,
            used: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            in_use: Mutex::default(),
            released: Condvar::new(),
        };
        Ok(Stores { shared: Arc::new(shared), flusher: flush::Flusher::start(db), dir, _lock: lock })
    }

    /// The store of a task. Waits until whoever has it in this process has let it go.
    pub fn task(&self, name: &str) -> Result<TaskStore, StoreError> {
        let mut in_use = self.shared.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        while !in_use.insert(name.to_owned()) {
            in_use = self.shared.released.wait(in_use).unwrap_or_else(PoisonError::into_inner);
        }
        drop(in_use);
        self.shared.open.fetch_add(1, Ordering::Relaxed);
        TaskStore::open(self.shared.clone(), self.flusher.sender(), name)
    }

    /// Ends without a claim to be complete: the next process restores from the changelog. All tasks' stores must be gone.
    pub fn abandon(self) {
        self.flusher.stop();
    }

    /// Ends cleanly: what is on disk is complete and may be trusted by the next process. All tasks' stores must be flushed.
    pub fn close(self) -> Result<(), StoreError> {
        self.flusher.stop();
        guarded(|| self.shared.db.flush())?;
        // with the last handle sled has written all that it ever will
        drop(self.shared);
        closed::mark(&self.dir).map_err(|error| StoreError(error.to_string()))
    }
}

impl Shared {
    /// The memory that a store may use which uses so much now: its share, or more while others leave theirs.
    fn budget(&self, uses: usize) -> usize {
        let share = self.cache_bytes / self.open.load(Ordering::Relaxed).max(1);
        let free = self.cache_bytes.saturating_sub(self.used.load(Ordering::Relaxed));
        share.max(uses + free)
    }

    fn release(&self, name: &str) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.released.notify_all();
    }
}

/// Rows written to disk since the process started.
pub fn rows_written() -> u64 {
    flush::WRITTEN.load(Ordering::Relaxed)
}

/// The folder of the database.
const SLED: &str = "sled";

fn open_db(dir: &Path) -> Result<sled::Db, StoreError> {
    let config =
        sled::Config::new().path(dir.join(SLED)).mode(sled::Mode::HighThroughput).flush_every_ms(None).cache_capacity(64 << 20);
    guarded(|| config.open())
}

fn wipe(dir: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(dir.join(SLED)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// sled panics on some damage: that is an error like any other.
fn guarded<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| StoreError(error.to_string())),
        Err(_) => Err(StoreError("sled panicked".to_owned())),
    }
}

#[cfg(test)]
mod tests;
