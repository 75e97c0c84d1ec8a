//! What a store offers, and one in memory.

use std::collections::BTreeMap;
use std::ops::Bound;

/// What a batch changed: the store's key (a table byte, then the row's key) and the row's bytes, or `None` for a deletion.
pub type Changes = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// An entry of a store: key and value.
pub type StoredRow = (Vec<u8>, Vec<u8>);

/// A store that could not answer. The batch it answered for must be dropped and tried again.
#[derive(Clone, Debug, thiserror::Error)]
#[error("state store: {0}")]
pub struct StoreError(pub String);

/// An ordered map of bytes. It holds committed state only.
pub trait Store {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Up to `limit` entries whose keys start with `prefix` and are not before `from`, in order of their keys.
    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<StoredRow>, StoreError>;
}

/// A store in memory, for everything offline.
#[derive(Clone, Debug, Default)]
pub struct MemStore {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl MemStore {
    pub fn apply(&mut self, changes: Changes) {
        for (key, value) in changes {
            match value {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
    }

    pub fn rows(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.rows.iter().map(|(key, value)| (key.as_slice(), value.as_slice()))
    }
}

impl Store for MemStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.rows.get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        let first = if from > prefix { from } else { prefix };
        let range = self.rows.range::<[u8], _>((Bound::Included(first), Bound::Unbounded));
        Ok(range.take_while(|(key, _)| key.starts_with(prefix)).take(limit).map(|(k, v)| (k.clone(), v.clone())).collect())
    }
}
