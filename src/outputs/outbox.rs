//! The records of a batch, as bytes, in order.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use foldhash::fast::FixedState;

use super::{Output, Topic, bundle, partitioner};
use crate::events::{AccountRecord, Timestamp};

/// Bytes after which a bundle is full: below what brokers take for one record.
const BUNDLE: usize = 256 << 10;

/// The header of a lead score that holds the contact's row: binary, for the worker itself.
pub const STATE: &str = "state";

/// Header names and values.
pub type Headers = Vec<(Cow<'static, str>, Vec<u8>)>;

/// The partition a record goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// By the key, as Java's default partitioner does it.
    Key,
    Partition(u32),
}

/// One record of the outbox; its bytes are in the outbox's arena.
#[derive(Clone, Debug)]
struct Entry {
    topic: Topic,
    route: Route,
    timestamp: Timestamp,
    key: Range<usize>,
    value: Option<Range<usize>>,
    headers: Option<Box<Headers>>,
    superseded: bool,
}

/// A record to be produced.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub topic: Topic,
    pub route: Route,
    pub timestamp: Timestamp,
    pub key: &'a [u8],
    /// `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    pub headers: &'a [(Cow<'static, str>, Vec<u8>)],
}

/// Collects a batch's records in one arena, without an allocation for each. Of a coalesced topic only the last record of a
/// key remains.
#[derive(Debug, Default)]
pub struct Outbox {
    arena: Vec<u8>,
    entries: Vec<Entry>,
    latest: HashMap<(Topic, Vec<u8>), usize, FixedState>,
}

impl Outbox {
    /// Adds an output, with the timestamp of the input that caused it.
    pub fn push(&mut self, output: &Output<'_>, timestamp: Timestamp) {
        self.push_to(Route::Key, output, timestamp);
    }

    /// As [`Outbox::push`], to a given partition.
    pub fn push_to(&mut self, route: Route, output: &Output<'_>, timestamp: Timestamp) {
        let start = self.arena.len();
        output.write_key(&mut self.arena);
        let end_of_key = self.arena.len();
        output.write_json(&mut self.arena);
        let (key, value) = (start..end_of_key, end_of_key..self.arena.len());
        self.add(Entry { topic: output.topic(), route, timestamp, key, value: Some(value), headers: None, superseded: false });
    }

    /// Adds a header to the record that was pushed last.
    pub fn add_header(&mut self, name: &'static str, value: &[u8]) {
        if let Some(entry) = self.entries.last_mut() {
            entry.headers.get_or_insert_default().push((Cow::Borrowed(name), value.to_vec()));
        }
    }

    /// Deletes a key of a compacted topic.
    pub fn tombstone(&mut self, topic: Topic, route: Route, key: &str, timestamp: Timestamp) {
        let key = self.append(key.as_bytes());
        self.add(Entry { topic, route, timestamp, key, value: None, headers: None, superseded: false });
    }

    /// Sends a record on to the account stage. A watermark goes to a given partition, the rest by account.
    pub fn forward(&mut self, route: Route, account: &str, record: &AccountRecord<'_>, timestamp: Timestamp) {
        let key = self.append(account.as_bytes());
        let start = self.arena.len();
        record.encode(&mut self.arena);
        let value = start..self.arena.len();
        self.add(Entry {
            topic: Topic::AccountEvents,
            route,
            timestamp,
            key,
            value: Some(value),
            headers: None,
            superseded: false,
        });
    }

    /// Adds a record as it is: a dead letter, a changelog entry, an event sent on under another key.
    pub fn push_raw(&mut self, record: Record<'_>) {
        let key = self.append(record.key);
        let value = record.value.map(|value| self.append(value));
        let headers = (!record.headers.is_empty()).then(|| Box::new(record.headers.to_vec()));
        self.add(Entry {
            topic: record.topic,
            route: record.route,
            timestamp: record.timestamp,
            key,
            value,
            headers,
            superseded: false,
        });
    }

    /// The records to produce, in order.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.records_between(0, self.entries.len())
    }

    /// Those among the records added as `from` up to, not including, `to`, in the count of [`Outbox::len`].
    pub fn records_between(&self, from: usize, to: usize) -> impl Iterator<Item = Record<'_>> {
        self.entries[from..to].iter().filter(|entry| !entry.superseded).map(|entry| self.record(entry))
    }

    /// The records to produce, those of a place together, in their order. `partitions` tells how many a topic has.
    pub fn records_by_place(&self, partitions: impl Fn(Topic) -> u32) -> impl Iterator<Item = (u32, Record<'_>)> {
        let place = |entry: &Entry| match entry.route {
            Route::Key => partitioner::partition(&self.arena[entry.key.clone()], partitions(entry.topic)),
            Route::Partition(partition) => partition,
        };
        let live = self.entries.iter().enumerate().filter(|(_, entry)| !entry.superseded);
        let mut order: Vec<(u8, u32, u32)> = live.map(|(i, entry)| (entry.topic as u8, place(entry), i as u32)).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, partition, i)| (partition, self.record(&self.entries[i as usize])))
    }

    /// Puts what goes to each partition of `account-events` into bundles, in its order; `partitions` of the topic.
    pub fn bundle(&mut self, partitions: u32) {
        let mut places: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (i, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.topic == Topic::AccountEvents) {
            let partition = match entry.route {
                Route::Key => partitioner::partition(&self.arena[entry.key.clone()], partitions),
                Route::Partition(partition) => partition,
            };
            places.entry(partition).or_default().push(i);
        }
        for (partition, all) in places {
            let mut rest = all.as_slice();
            while rest.len() > 1 {
                let (mut bytes, mut fits) = (0, 0);
                while fits < rest.len() && bytes < BUNDLE {
                    bytes += self.entries[rest[fits]].value.as_ref().map_or(0, |value| value.len());
                    fits += 1;
                }
                let (some, others) = rest.split_at(fits);
                self.bundle_some(partition, some);
                rest = others;
            }
        }
    }

    fn bundle_some(&mut self, partition: u32, entries: &[usize]) {
        let start = self.arena.len();
        bundle::begin(&mut self.arena);
        let mut oldest = Timestamp(i64::MAX);
        for &i in entries {
            let entry = &mut self.entries[i];
            let value = entry.value.clone().unwrap_or_default();
            entry.superseded = true;
            oldest = oldest.min(entry.timestamp);
            bundle::add(&mut self.arena, entry.timestamp, value);
        }
        let (topic, route, key, value) =
            (Topic::AccountEvents, Route::Partition(partition), start..start, Some(start..self.arena.len()));
        self.add(Entry { topic, route, timestamp: oldest, key, value, headers: None, superseded: false });
    }

    fn record<'a>(&'a self, entry: &'a Entry) -> Record<'a> {
        Record {
            topic: entry.topic,
            route: entry.route,
            timestamp: entry.timestamp,
            key: &self.arena[entry.key.clone()],
            value: entry.value.clone().map(|range| &self.arena[range]),
            headers: entry.headers.as_deref().map_or(&[], Vec::as_slice),
        }
    }

    /// Records added, superseded ones included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Size of the arena in bytes.
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }

    pub fn clear(&mut self) {
        self.arena.clear();
        self.entries.clear();
        self.latest.clear();
    }

    fn append(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.arena.len();
        self.arena.extend_from_slice(bytes);
        start..self.arena.len()
    }

    fn add(&mut self, entry: Entry) {
        if entry.topic.is_coalesced() {
            let key = (entry.topic, self.arena[entry.key.clone()].to_vec());
            if let Some(before) = self.latest.insert(key, self.entries.len()) {
                self.entries[before].superseded = true;
            }
        }
        self.entries.push(entry);
    }
}
