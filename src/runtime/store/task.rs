//! The store of one task.

use std::cell::{Cell, RefCell};
use std::iter::Peekable;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::flush::{Done, Job, POSITION, unchecked};
use super::rows::{Clean, Dirty, Value};
use super::{SCHEMA, Shared, guarded};
use crate::events::Timestamp;
use crate::state::{Changes, Store, StoreError};

/// How far the rows on disk are: every change in a changelog before its `changelog_next` is in them, and they are the result of the inputs before
/// `input_next`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Topic name, next offset.
    pub changelog_next: Vec<(String, u64)>,
    /// Topic name, next offset.
    pub input_next: Vec<(String, u64)>,
    pub schema: u32,
    pub flushed_at: Timestamp,
}

/// Rows of a task: changed ones, those being written, a cache, the disk. Used by one thread.
pub struct TaskStore {
    shared: Arc<Shared>,
    flusher: Sender<Job>,
    name: String,
    tree: sled::Tree,
    dirty: Dirty,
    writing: Option<(Arc<Dirty>, Arc<Done>)>,
    clean: RefCell<Clean>,
    /// Nothing was ever written to disk: no need to look there.
    disk_is_empty: Cell<bool>,
    /// The position of the rows in memory.
    position: Option<Position>,
    last_flush: Instant,
    /// What it has told the others that it uses, and what it may use.
    uses: usize,
    budget: usize,
    failed: Option<StoreError>,
}

impl Position {
    /// The next offset of a changelog; 0 where nothing is known of it.
    pub fn changelog(&self, topic: &str) -> u64 {
        self.changelog_next.iter().find(|(name, _)| name == topic).map_or(0, |(_, next)| *next)
    }
}

impl TaskStore {
    pub(super) fn open(shared: Arc<Shared>, flusher: Sender<Job>, name: &str) -> Result<TaskStore, StoreError> {
        let tree = guarded(|| shared.db.open_tree(name));
        let mut store = TaskStore {
            tree: match tree {
                Ok(tree) => tree,
                Err(error) => {
                    shared.release(name);
                    return Err(error);
                }
            },
            shared,
            flusher,
            name: name.to_owned(),
            dirty: Dirty::default(),
            writing: None,
            clean: RefCell::default(),
            disk_is_empty: Cell::new(true),
            position: None,
            last_flush: Instant::now(),
            uses: 0,
            budget: 0,
            failed: None,
        };
        store.measure();
        match store.read_position() {
            Ok(Some(position)) if position.schema == SCHEMA => {
                store.position = Some(position);
                store.disk_is_empty.set(false);
            }
            Ok(None) if store.tree.is_empty() => {}
            _ => store.wipe()?,
        }
        Ok(store)
    }

    fn read_position(&self) -> Result<Option<Position>, StoreError> {
        let Some(bytes) = guarded(|| self.tree.get(POSITION))? else { return Ok(None) };
        let position = postcard::from_bytes(unchecked(&bytes)?).map_err(|error| StoreError(error.to_string()))?;
        Ok(Some(position))
    }

    /// How far the rows are; `None` if there are none that may be trusted.
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// Deletes everything.
    pub fn wipe(&mut self) -> Result<(), StoreError> {
        self.settle(true).ok();
        guarded(|| self.shared.db.drop_tree(&self.name))?;
        self.tree = guarded(|| self.shared.db.open_tree(&self.name))?;
        self.dirty = Dirty::default();
        self.clean.borrow_mut().clear();
        self.disk_is_empty.set(true);
        self.position = None;
        self.failed = None;
        Ok(())
    }

    /// Takes in rows of a committed transaction, or of the changelog.
    pub fn absorb(&mut self, changes: Changes) {
        for (key, value) in changes {
            self.dirty.insert(key, value);
        }
    }

    /// Says how far the rows are now. Topics that are not named keep their offset.
    pub fn advance(&mut self, changelog_next: &[(&str, u64)], input_next: &[(&str, u64)]) {
        let position = self.position.get_or_insert_default();
        // a session may remember of a changelog what it wrote there before another had the partition
        let newer = |&&(topic, next): &&(&str, u64)| next > position.changelog(topic);
        let newer: Vec<(&str, u64)> = changelog_next.iter().filter(newer).copied().collect();
        set(&mut position.changelog_next, &newer);
        set(&mut position.input_next, input_next);
    }

    /// Writes to disk in the background if it is time or memory is short. Waits only when memory is short and the last write
    /// is still going on.
    pub fn flush_if_due(&mut self, interval: Duration, now: Timestamp) -> Result<(), StoreError> {
        self.measure();
        self.settle(self.dirty.bytes > self.budget * 3 / 4)?;
        let due = self.dirty.bytes > self.budget / 2 || self.last_flush.elapsed() >= interval;
        if due && self.writing.is_none() && !self.dirty.is_empty() { self.begin_flush(now) } else { Ok(()) }
    }

    /// Writes all to disk.
    pub fn flush(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.settle(true)?;
        if self.position.is_some() {
            self.begin_flush(now)?;
        }
        self.settle(true)
    }

    /// Tells the others what this store uses, and finds what it may use.
    fn measure(&mut self) {
        let writing = self.writing.as_ref().map_or(0, |(rows, _)| rows.bytes);
        let uses = self.dirty.bytes + writing + self.clean.get_mut().bytes();
        self.shared.used.fetch_add(uses, Ordering::Relaxed);
        self.shared.used.fetch_sub(self.uses, Ordering::Relaxed);
        self.uses = uses;
        self.budget = self.shared.budget(uses);
    }

    fn begin_flush(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let position = Position { schema: SCHEMA, flushed_at: now, ..self.position.clone().unwrap_or_default() };
        let position = postcard::to_stdvec(&position).map_err(|error| StoreError(error.to_string()))?;
        let (rows, done) = (Arc::new(std::mem::take(&mut self.dirty)), Arc::new(Done::default()));
        let job = Job { tree: self.tree.clone(), rows: rows.clone(), position, done: done.clone() };
        self.flusher.send(job).map_err(|_| StoreError("the thread that writes state has ended".to_owned()))?;
        self.writing = Some((rows, done));
        self.disk_is_empty.set(false);
        self.last_flush = Instant::now();
        Ok(())
    }

    /// If a write is over (or `wait`), its rows join the cache.
    fn settle(&mut self, wait: bool) -> Result<(), StoreError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let Some((_, done)) = &self.writing else { return Ok(()) };
        let result = if wait { Some(done.wait()) } else { done.peek() };
        let (Some(result), Some((rows, _))) = (result, self.writing.as_ref()) else { return Ok(()) };
        if let Err(error) = result {
            self.failed = Some(error.clone());
            return Err(error);
        }
        let rows = rows.clone();
        self.writing = None;
        let limit = self.budget / 4;
        // the flusher has let them go, so they are moved, not copied
        if let Ok(rows) = Arc::try_unwrap(rows) {
            let clean = self.clean.get_mut();
            for (key, value) in rows.into_rows() {
                clean.insert(key, value, limit);
            }
        } else {
            self.clean.get_mut().clear();
        }
        Ok(())
    }

    fn read_disk(&self, key: &[u8]) -> Result<Value, StoreError> {
        if self.disk_is_empty.get() {
            return Ok(None);
        }
        match guarded(|| self.tree.get(key))? {
            Some(bytes) => Ok(Some(unchecked(&bytes)?.to_vec())),
            None => Ok(None),
        }
    }
}

impl Store for TaskStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let changed = self.dirty.get(key).or_else(|| self.writing.as_ref().and_then(|(rows, _)| rows.get(key)));
        if let Some(value) = changed {
            return Ok(value.clone());
        }
        if self.disk_is_empty.get() {
            return Ok(None);
        }
        let limit = self.budget / 4;
        let mut clean = self.clean.borrow_mut();
        if let Some(value) = clean.get(key, limit) {
            return Ok(value);
        }
        let value = self.read_disk(key)?;
        clean.insert(key.to_vec(), value.clone(), limit);
        Ok(value)
    }

    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let first = if from > prefix { from } else { prefix };
        let range = (Bound::Included(first), Bound::Unbounded);
        let in_prefix = |(key, _): &(&Vec<u8>, &Value)| key.starts_with(prefix);
        let mut changed = self.dirty.ordered.range::<[u8], _>(range).take_while(in_prefix).peekable();
        let writing = self.writing.iter().flat_map(|(rows, _)| rows.ordered.range::<[u8], _>(range));
        let mut writing = writing.take_while(in_prefix).peekable();
        let mut disk = (!self.disk_is_empty.get()).then(|| self.tree.range(first..)).into_iter().flatten();
        let mut next_on_disk = || -> Result<Option<(Vec<u8>, Value)>, StoreError> {
            match guarded(|| disk.next().transpose())? {
                Some((key, bytes)) if key.starts_with(prefix) => Ok(Some((key.to_vec(), Some(unchecked(&bytes)?.to_vec())))),
                _ => Ok(None),
            }
        };
        let mut on_disk = next_on_disk()?;
        let mut found = Vec::new();
        while found.len() < limit {
            // the newest of the rows with the lowest key
            let lowest = [changed.peek().map(|row| row.0), writing.peek().map(|row| row.0), on_disk.as_ref().map(|row| &row.0)];
            let Some(key) = lowest.into_iter().flatten().min().cloned() else { break };
            let mut value = None;
            if on_disk.as_ref().is_some_and(|row| row.0 == key) {
                value = std::mem::replace(&mut on_disk, next_on_disk()?).map(|row| row.1);
            }
            value = take(&mut writing, &key).or(value);
            value = take(&mut changed, &key).or(value);
            if let Some(Some(value)) = value {
                found.push((key, value));
            }
        }
        Ok(found)
    }
}

fn set(offsets: &mut Vec<(String, u64)>, to: &[(&str, u64)]) {
    for &(topic, next) in to {
        match offsets.iter_mut().find(|(name, _)| name == topic) {
            Some((_, known)) => *known = next,
            None => offsets.push((topic.to_owned(), next)),
        }
    }
}

fn take<'r>(rows: &mut Peekable<impl Iterator<Item = (&'r Vec<u8>, &'r Value)>>, key: &[u8]) -> Option<Value> {
    rows.next_if(|row| row.0 == key).map(|row| row.1.clone())
}

impl Drop for TaskStore {
    fn drop(&mut self) {
        if let Some((_, done)) = &self.writing
            && let Err(error) = done.wait()
        {
            tracing::error!(%error, store = self.name, "state could not be written");
        }
        self.shared.used.fetch_sub(self.uses, Ordering::Relaxed);
        self.shared.release(&self.name);
    }
}
