//! Rows in memory.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;

use crate::state::Table;

/// A row's bytes; `None`: there is none.
pub type Value = Option<Vec<u8>>;

/// What a row takes up beside its bytes, roughly.
const OVERHEAD: usize = 96;

fn size(key: &[u8], value: &Value) -> usize {
    key.len() + value.as_ref().map_or(0, Vec::len) + OVERHEAD
}

/// Whether rows of the key's table are read in order.
fn is_ordered(key: &[u8]) -> bool {
    const POINTS: [u8; 2] = [Table::Contact as u8, Table::TimelineChunk as u8];
    key.first().is_none_or(|table| !POINTS.contains(table))
}

/// Changed rows that are not on disk yet. Later ones replace earlier ones.
#[derive(Default)]
pub struct Dirty {
    points: HashMap<Vec<u8>, Value, FixedState>,
    pub ordered: BTreeMap<Vec<u8>, Value>,
    pub bytes: usize,
}

impl Dirty {
    pub fn insert(&mut self, key: Vec<u8>, value: Value) {
        self.bytes += size(&key, &value);
        let freed = |value: &Value, key_len: usize| key_len + value.as_ref().map_or(0, Vec::len) + OVERHEAD;
        let key_len = key.len();
        let before = if is_ordered(&key) { self.ordered.insert(key, value) } else { self.points.insert(key, value) };
        if let Some(before) = before {
            self.bytes -= freed(&before, key_len);
        }
    }

    pub fn get(&self, key: &[u8]) -> Option<&Value> {
        if is_ordered(key) { self.ordered.get(key) } else { self.points.get(key) }
    }

    pub fn len(&self) -> usize {
        self.points.len() + self.ordered.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Vec<u8>, &Value)> {
        self.points.iter().chain(&self.ordered)
    }

    pub fn into_rows(self) -> impl Iterator<Item = (Vec<u8>, Value)> {
        self.points.into_iter().chain(self.ordered)
    }
}

/// Rows that are on disk too, bounded in bytes: two generations, of which the older is dropped when the younger is full. A row
/// that is read moves to the younger one.
#[derive(Default)]
pub struct Clean {
    young: HashMap<Vec<u8>, Value, FixedState>,
    old: HashMap<Vec<u8>, Value, FixedState>,
    /// Of the younger, and of the older when it was full.
    bytes: usize,
    old_bytes: usize,
}

impl Clean {
    /// `limit` is that of one generation.
    pub fn insert(&mut self, key: Vec<u8>, value: Value, limit: usize) {
        let added = size(&key, &value);
        if self.bytes + added > limit {
            self.old = std::mem::take(&mut self.young);
            self.old_bytes = std::mem::take(&mut self.bytes);
        }
        self.bytes += added;
        if let Some(before) = self.young.insert(key, value) {
            self.bytes = self.bytes.saturating_sub(before.map_or(0, |value| value.len()) + OVERHEAD);
        }
    }

    pub fn get(&mut self, key: &[u8], limit: usize) -> Option<Value> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.old.remove_entry(key)?;
        self.insert(key, value.clone(), limit);
        Some(value)
    }

    /// At most.
    pub fn bytes(&self) -> usize {
        self.bytes + self.old_bytes
    }

    pub fn clear(&mut self) {
        *self = Clean::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_stays_within_its_bytes_and_keeps_what_is_read() {
        let mut clean = Clean::default();
        let key = |n: u32| [&[Table::Contact as u8][..], &n.to_be_bytes()].concat();
        let limit = 100 * (OVERHEAD + 5 + 10);
        for n in 0..10_000 {
            clean.insert(key(n), Some(vec![1; 10]), limit);
            assert!(clean.get(&key(0), limit).is_some(), "row 0 is read all the time");
            assert!(clean.young.len() + clean.old.len() <= 201);
        }
        assert!(clean.get(&key(5000), limit).is_none());
        assert_eq!(clean.get(&key(9999), limit), Some(Some(vec![1; 10])));
    }

    #[test]
    fn later_changes_replace_earlier_ones() {
        let mut dirty = Dirty::default();
        for table in [Table::Contact, Table::Rep] {
            let key = vec![table as u8, 1];
            dirty.insert(key.clone(), Some(vec![0; 100]));
            dirty.insert(key.clone(), None);
            assert_eq!(dirty.get(&key), Some(&None));
        }
        assert_eq!((dirty.len(), dirty.bytes), (2, 2 * (2 + OVERHEAD)));
    }
}
