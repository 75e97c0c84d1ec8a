//! Everything that was ever committed, record by record: compaction takes it from the log, but not from here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use scorekeeper::outputs::{Topic, bundle};
use scorekeeper::runtime::log::local::LocalLog;
use scorekeeper::runtime::log::{INPUTS, Log, Place};

#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub offset: u64,
    pub timestamp: i64,
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Kept {
    /// The records in a bundle; any other record is itself.
    pub fn parts(&self) -> Vec<Kept> {
        let Some(parts) = self.value.as_deref().and_then(bundle::parts) else { return vec![self.clone()] };
        parts.map(|(timestamp, value)| Kept { timestamp: timestamp.0, value: Some(value.to_vec()), ..self.clone() }).collect()
    }
}

pub type Row = (String, Option<Vec<u8>>);

pub struct Archive {
    pub partitions: u32,
    places: BTreeMap<Place, Vec<Kept>>,
    pub errors: Vec<String>,
}

impl Archive {
    pub fn new(partitions: u32) -> Archive {
        Archive { partitions, places: BTreeMap::new(), errors: Vec::new() }
    }

    /// Takes in what is new. No offset may be left out, and nothing that was there may be gone.
    pub fn follow(&mut self, log: &LocalLog) {
        for place in self.all_places() {
            let known = self.places.entry(place).or_default();
            let end = log.ends(&[place]).expect("a local log")[0].1;
            if end < known.len() as u64 {
                self.errors.push(format!("{place:?} held {} records, and has {end} after a restart", known.len()));
            }
            while (known.len() as u64) < end {
                let next = known.len() as u64;
                for record in read(log, place, next) {
                    if record.offset != known.len() as u64 {
                        return self.errors.push(format!("{place:?}: offset {} follows {}", record.offset, known.len()));
                    }
                    known.push(record);
                }
                if known.len() as u64 == next {
                    return self.errors.push(format!("{place:?} cannot be read from {next} on"));
                }
            }
        }
    }

    fn all_places(&self) -> Vec<Place> {
        Topic::ALL.iter().flat_map(|&topic| (0..self.partitions).map(move |partition| Place::new(topic, partition))).collect()
    }

    pub fn partition(&self, topic: Topic, partition: u32) -> &[Kept] {
        self.places.get(&Place::new(topic, partition)).map_or(&[], Vec::as_slice)
    }

    /// The records of a partition of `account-events` before an offset, out of their bundles.
    pub fn account_events(&self, partition: u32, before: usize) -> Vec<Kept> {
        let all = self.partition(Topic::AccountEvents, partition);
        all[..before.min(all.len())].iter().flat_map(Kept::parts).collect()
    }

    /// All records of a topic, partition by partition.
    pub fn topic(&self, topic: Topic) -> impl Iterator<Item = &Kept> {
        (0..self.partitions).flat_map(move |partition| self.partition(topic, partition))
    }

    /// The records of a topic with their keys as text.
    pub fn all(&self, topic: Topic) -> Vec<Row> {
        self.topic(topic).map(|record| (String::from_utf8_lossy(&record.key).into_owned(), record.value.clone())).collect()
    }

    /// The last values of the keys of a topic.
    pub fn latest(&self, topic: Topic) -> BTreeMap<String, Value> {
        let mut latest = BTreeMap::new();
        for (key, value) in self.all(topic) {
            match value {
                Some(value) => latest.insert(key, serde_json::from_slice(&value).unwrap()),
                None => latest.remove(&key),
            };
        }
        latest
    }

    /// What a compacted log must still hold: what anyone may yet read, under its offset; and little else.
    pub fn check_compacted(&mut self, log: &LocalLog, committed: &BTreeMap<Place, u64>) {
        for place in self.all_places() {
            let archived = &self.places[&place];
            let found = read(log, place, 0);
            let mut problem = None;
            if found.iter().any(|record| archived.get(record.offset as usize) != Some(record)) {
                problem = Some("a record has changed".to_owned());
            }
            if found.windows(2).any(|pair| pair[0].offset >= pair[1].offset) {
                problem = Some("offsets are out of order".to_owned());
            }
            let offsets: BTreeSet<u64> = found.iter().map(|record| record.offset).collect();
            let must: Vec<u64> = if INPUTS.contains(&place.topic) {
                (committed.get(&place).copied().unwrap_or(0)..archived.len() as u64).collect()
            } else if matches!(place.topic, Topic::Xp | Topic::Coins | Topic::CommissionLines | Topic::Rules) {
                (0..archived.len() as u64).collect()
            } else {
                let last: BTreeMap<&[u8], u64> = archived.iter().map(|record| (record.key.as_slice(), record.offset)).collect();
                last.into_values().collect()
            };
            if let Some(missing) = must.iter().find(|offset| !offsets.contains(offset)) {
                problem = Some(format!("offset {missing} is gone, and was needed"));
            }
            if let Some(problem) = problem {
                self.errors.push(format!("after a compaction {place:?}: {problem}"));
            }
        }
    }
}

/// Records of a place from an offset on.
pub fn read(log: &LocalLog, place: Place, from: u64) -> Vec<Kept> {
    let records = log.read(place, from, 1 << 30).expect("a local log");
    let kept = records.iter().map(|record| {
        let mut headers = Vec::new();
        record.headers(&mut headers);
        Kept {
            offset: record.offset,
            timestamp: record.timestamp.0,
            key: record.key().unwrap_or_default().to_vec(),
            value: record.value().map(<[u8]>::to_vec),
            headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect(),
        }
    });
    kept.collect()
}
