//! The overlay of uncommitted changes, and the view of state that rules work on.

use std::any::Any;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::ops::Bound;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::table::AnyRow;
use super::{Changes, Row, Store, StoreError, Table};

/// A row as the batch sees it.
struct Slot {
    /// A table byte, then the row's key.
    key: Vec<u8>,
    /// `None`: deleted, or not there.
    row: Option<Box<dyn AnyRow>>,
    changed: bool,
}

impl Slot {
    /// The row's bytes, in a `Vec` of the right size.
    fn encode(&self, scratch: &mut Vec<u8>) -> Option<Vec<u8>> {
        scratch.clear();
        self.row.as_ref().map(|row| {
            row.encode(scratch);
            scratch.clone()
        })
    }
}

/// What a batch has read and changed: decoded rows, over the bytes of the store. Dropping it undoes the batch.
#[derive(Default)]
pub struct Overlay {
    /// In the order in which they were first looked at.
    slots: Vec<Slot>,
    /// Places in `slots` by key.
    places: HashTable<u32>,
    /// The same in the order of the keys, of tables that are also read in order.
    ordered: BTreeMap<Vec<u8>, u32>,
    /// The key looked up last, and its place if it has one: the next look-up is often the same.
    last: Vec<u8>,
    last_place: Option<u32>,
    hasher: FixedState,
    encoded: Option<Changes>,
    fault: Option<StoreError>,
}

impl std::fmt::Debug for Overlay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Overlay({} rows)", self.slots.len())
    }
}

impl Overlay {
    /// The rows that were changed, encoded, in the order in which they were first looked at.
    pub fn changes(&self) -> Changes {
        let mut scratch = Vec::new();
        let changed = self.slots.iter().filter(|slot| slot.changed);
        changed.map(|slot| (slot.key.clone(), slot.encode(&mut scratch))).collect()
    }

    /// Shows each changed row, with its bytes (`None` for a deleted one), and keeps these for [`Overlay::take_changes`].
    pub fn encode_changes(&mut self, mut show: impl FnMut(&[u8], Option<&dyn Any>, Option<&[u8]>)) {
        let (mut changes, mut scratch) = (Changes::with_capacity(self.slots.len()), Vec::new());
        for slot in self.slots.iter_mut().filter(|slot| slot.changed) {
            let value = slot.encode(&mut scratch);
            show(&slot.key, slot.row.as_ref().map(|row| row.as_any()), value.as_deref());
            changes.push((std::mem::take(&mut slot.key), value));
        }
        // what was read wrongly stays so: the caller looks at the fault after it has sealed
        let fault = self.fault.take();
        self.clear();
        (self.encoded, self.fault) = (Some(changes), fault);
    }

    /// The changes, as encoded last, and forgets everything.
    pub fn take_changes(&mut self) -> Changes {
        let changes = self.encoded.take().unwrap_or_else(|| self.changes());
        self.clear();
        changes
    }

    /// Does something to the changed rows of a table, in the order in which they were first looked at.
    pub fn for_each_changed_mut<R: Row>(&mut self, change: impl FnMut(&mut R)) {
        let changed = self.slots.iter_mut().filter(|slot| slot.changed && slot.key.first() == Some(&(R::TABLE as u8)));
        changed.filter_map(|slot| slot.row.as_mut()?.as_any_mut().downcast_mut()).for_each(change);
    }

    /// Forgets everything: after a commit (the store has it now), or to undo the batch.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.places.clear();
        self.ordered.clear();
        self.last_place = None;
        self.encoded = None;
        self.fault = None;
    }

    /// Rows held in memory, changed or only read.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first failure of the store during this batch. While there is one, nothing of the batch may be committed.
    pub fn fault(&self) -> Option<&StoreError> {
        self.fault.as_ref()
    }

    /// The slot of a row, which `make` gives when the batch has not looked at it before.
    fn place(
        &mut self,
        table: Table,
        key: &str,
        make: impl FnOnce(&[u8], &mut Option<StoreError>) -> Option<Box<dyn AnyRow>>,
    ) -> &mut Slot {
        let same = self.last.len() == key.len() + 1 && self.last[0] == table as u8 && self.last[1..] == *key.as_bytes();
        let place = match self.last_place.filter(|_| same) {
            Some(place) => place,
            None => self.look_up(table, key, make),
        };
        self.last_place = Some(place);
        &mut self.slots[place as usize]
    }

    fn look_up(
        &mut self,
        table: Table,
        key: &str,
        make: impl FnOnce(&[u8], &mut Option<StoreError>) -> Option<Box<dyn AnyRow>>,
    ) -> u32 {
        self.last.clear();
        self.last.push(table as u8);
        self.last.extend_from_slice(key.as_bytes());
        let hash = self.hasher.hash_one(self.last.as_slice());
        let slots = &self.slots;
        if let Some(&place) = self.places.find(hash, |&place| slots[place as usize].key == self.last) {
            return place;
        }
        let row = make(&self.last, &mut self.fault);
        let place = self.slots.len() as u32;
        self.slots.push(Slot { key: self.last.clone(), row, changed: false });
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.places.insert_unique(hash, place, |&place| hasher.hash_one(slots[place as usize].key.as_slice()));
        if table.is_ordered() {
            self.ordered.insert(self.last.clone(), place);
        }
        place
    }
}

/// The state of a task, as rules see it: committed rows with the batch's changes over them.
pub struct State<'s> {
    store: &'s dyn Store,
    overlay: &'s mut Overlay,
}

impl<'s> State<'s> {
    pub fn new(store: &'s dyn Store, overlay: &'s mut Overlay) -> State<'s> {
        State { store, overlay }
    }

    /// The row, to read.
    pub fn get<R: Row>(&mut self, key: &str) -> Option<&R> {
        self.load::<R>(key).row.as_ref().and_then(|row| row.as_any().downcast_ref())
    }

    /// The row, to change; `None` if there is none.
    pub fn get_mut<R: Row>(&mut self, key: &str) -> Option<&mut R> {
        let slot = self.load::<R>(key);
        slot.changed |= slot.row.is_some();
        slot.row.as_mut().and_then(|row| row.as_any_mut().downcast_mut())
    }

    /// The row, to change; made first if there is none.
    pub fn entry<R: Row>(&mut self, key: &str, make: impl FnOnce() -> R) -> &mut R {
        let slot = self.load::<R>(key);
        slot.changed = true;
        let row = slot.row.get_or_insert_with(|| Box::new(make()));
        match row.as_any_mut().downcast_mut() {
            Some(row) => row,
            None => unreachable!("a table holds rows of one type"),
        }
    }

    pub fn put<R: Row>(&mut self, key: &str, row: R) {
        self.set::<R>(key, Some(Box::new(row)));
    }

    pub fn delete<R: Row>(&mut self, key: &str) {
        self.set::<R>(key, None);
    }

    pub fn contains<R: Row>(&mut self, key: &str) -> bool {
        self.load::<R>(key).row.is_some()
    }

    /// Up to `limit` rows whose keys start with `prefix`, in order of their keys (bytewise).
    pub fn scan<R: Row>(&mut self, prefix: &str, limit: usize) -> Vec<(String, R)> {
        self.scan_from(prefix, prefix, limit)
    }

    /// As [`State::scan`], from the key `from` on (inclusive).
    pub fn scan_from<R: Row>(&mut self, prefix: &str, from: &str, limit: usize) -> Vec<(String, R)> {
        debug_assert!(R::TABLE.is_ordered(), "only ordered tables can be scanned");
        let prefix = store_key(R::TABLE, prefix);
        let mut next = store_key(R::TABLE, from).max(prefix.clone());
        let mut found = Vec::new();
        while found.len() < limit {
            let wanted = limit - found.len();
            let stored = match self.store.scan(&prefix, &next, wanted) {
                Ok(stored) => stored,
                Err(error) => {
                    self.overlay.fault.get_or_insert(error);
                    return found;
                }
            };
            // beyond the last stored row of a full page the store may hold rows that the page does not show
            let page_end = (stored.len() == wanted).then(|| stored[wanted - 1].0.clone());
            let mut stored = stored.into_iter().filter(|(key, _)| !self.overlay.ordered.contains_key(key)).peekable();
            let from = Bound::Included(next.as_slice());
            let mut changed = self
                .overlay
                .ordered
                .range::<[u8], _>((from, Bound::Unbounded))
                .take_while(|(key, _)| key.starts_with(&prefix) && page_end.as_ref().is_none_or(|end| *key <= end))
                .peekable();
            while found.len() < limit {
                let take_stored = match (stored.peek(), changed.peek()) {
                    (Some((stored, _)), Some((changed, _))) => stored < *changed,
                    (stored, _) => stored.is_some(),
                };
                if take_stored {
                    let Some((key, bytes)) = stored.next() else { break };
                    if let Ok(row) = postcard::from_bytes(&bytes) {
                        found.push((text_of(&key), row));
                    }
                } else {
                    let Some((key, place)) = changed.next() else { break };
                    let slot = &self.overlay.slots[*place as usize];
                    if let Some(row) = slot.row.as_ref().and_then(|row| row.as_any().downcast_ref::<R>()) {
                        found.push((text_of(key), row.clone()));
                    }
                }
            }
            match page_end {
                Some(mut end) => {
                    end.push(0);
                    next = end;
                }
                None => break,
            }
        }
        found
    }

    fn set<R: Row>(&mut self, key: &str, row: Option<Box<dyn AnyRow>>) {
        // what the store has of it does not matter any more
        let slot = self.overlay.place(R::TABLE, key, |_, _| None);
        slot.row = row;
        slot.changed = true;
    }

    fn load<R: Row>(&mut self, key: &str) -> &mut Slot {
        let store = self.store;
        self.overlay.place(R::TABLE, key, |store_key, fault| read::<R>(store, store_key, fault))
    }
}

/// The row in the store, or `None` and perhaps a fault.
fn read<R: Row>(store: &dyn Store, store_key: &[u8], fault: &mut Option<StoreError>) -> Option<Box<dyn AnyRow>> {
    let error = match store.get(store_key) {
        Ok(None) => return None,
        Ok(Some(bytes)) => match postcard::from_bytes::<R>(&bytes) {
            Ok(row) => return Some(Box::new(row)),
            Err(error) => StoreError(format!("row {:?} of {:?} cannot be read: {error}", text_of(store_key), R::TABLE)),
        },
        Err(error) => error,
    };
    fault.get_or_insert(error);
    None
}

fn store_key(table: Table, key: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + key.len());
    bytes.push(table as u8);
    bytes.extend_from_slice(key.as_bytes());
    bytes
}

fn text_of(store_key: &[u8]) -> String {
    String::from_utf8_lossy(&store_key[1..]).into_owned()
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::super::MemStore;
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Count(u32);
    impl Row for Count {
        const TABLE: Table = Table::Load;
    }

    fn keys(rows: Vec<(String, Count)>) -> Vec<(String, u32)> {
        rows.into_iter().map(|(key, count)| (key, count.0)).collect()
    }

    /// A store that never answers.
    struct Broken;
    impl Store for Broken {
        fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            Err(StoreError("broken".to_owned()))
        }
        fn scan(&self, _: &[u8], _: &[u8], _: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
            Err(StoreError("broken".to_owned()))
        }
    }

    #[test]
    fn a_fault_lasts_until_the_batch_is_over() {
        let mut overlay = Overlay::default();
        State::new(&Broken, &mut overlay).entry("a", || Count(1));
        assert!(overlay.fault().is_some());
        overlay.encode_changes(|_, _, _| {});
        assert!(overlay.fault().is_some(), "sealing does not hide it");
        overlay.clear();
        assert!(overlay.fault().is_none());
    }

    #[test]
    fn scans_see_the_store_with_the_changes_over_it() {
        let mut store = MemStore::default();
        let mut overlay = Overlay::default();
        let mut state = State::new(&store, &mut overlay);
        for i in 0..10u32 {
            state.put(&format!("a/{i}"), Count(i));
        }
        state.put("b/0", Count(100));
        let changes = overlay.changes();
        store.apply(changes);
        overlay.clear();

        let mut state = State::new(&store, &mut overlay);
        state.delete::<Count>("a/0");
        state.delete::<Count>("a/3");
        state.put("a/35", Count(35));
        state.entry("a/4", || Count(0)).0 = 44;
        let expected = [("a/1", 1), ("a/2", 2), ("a/35", 35), ("a/4", 44), ("a/5", 5)].map(|(k, v)| (k.to_owned(), v));
        assert_eq!(keys(state.scan("a/", 5)), expected);
        assert_eq!(keys(state.scan("a/", 2)), expected[..2]);
        assert_eq!(state.scan::<Count>("a/", usize::MAX).len(), 9);
        assert_eq!(keys(state.scan_from("a/", "a/35", 1)), expected[2..3]);
        assert_eq!(keys(state.scan("b/", 9)), [("b/0".to_owned(), 100)]);
        assert_eq!(overlay.changes().len(), 4);
    }
}
