//! What must hold when everything is worked off: outputs equal the shadow models and the undisturbed replay, ledgers add up,
//! nothing is there twice, and stores are what the replay has.

mod actors;
mod leads;
mod stores;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use scorekeeper::events::AccountRecord;
use scorekeeper::outputs::{Topic, partitioner};

use super::accounts::ActorModel;
use super::archive::Archive;
use super::model::LeadModel;
use super::rules::{Known, MODELLED};
use super::workload::Sent;
use super::world::{Applied, What};

type Count = BTreeMap<(String, Vec<u8>), u64>;

/// Whether a record's key is of an account that the shadow models know.
fn is_modelled(key: &str) -> bool {
    MODELLED.iter().any(|account| key.starts_with(&format!("{account}/")))
}

pub struct Auditor<'l> {
    pub archive: &'l Archive,
    /// What the contact stages have applied, by partition.
    pub applied: &'l BTreeMap<u32, Vec<Applied>>,
    errors: Vec<String>,
}

impl<'l> Auditor<'l> {
    pub fn new(archive: &'l Archive, applied: &'l BTreeMap<u32, Vec<Applied>>) -> Auditor<'l> {
        Auditor { archive, applied, errors: Vec::new() }
    }

    fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.errors.len() < 12 {
            self.errors.push(what());
        }
    }

    fn equal<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: &T, expected: &T) {
        self.expect(found == expected, || format!("{what}: found {found:?}, expected {expected:?}"));
    }

    /// As [`Auditor::equal`], naming the keys that differ.
    fn equal_maps<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        found: &BTreeMap<K, V>,
        expected: &BTreeMap<K, V>,
    ) {
        for key in found.keys().chain(expected.keys()).collect::<BTreeSet<_>>() {
            let (found, expected) = (found.get(key), expected.get(key));
            self.expect(found == expected, || format!("{what} {key:?}: found {found:?}, expected {expected:?}"));
        }
    }

    /// Checks everything; gives what does not hold.
    pub fn audit(mut self, produced: &[Sent], attempted: &[Sent]) -> Vec<String> {
        let partitions = self.archive.partitions;
        let inputs: Vec<_> = (0..partitions).map(|partition| self.archive.partition(Topic::ProductEvents, partition)).collect();
        let lead = LeadModel::of(&inputs, &self.known());
        self.inputs(&lead, produced, attempted);
        self.each_once();
        self.watermarks();
        self.contacts(&lead);
        self.groups(&lead);
        let mut dead = lead.dead.clone();
        let mut models = Vec::new();
        for partition in 0..partitions {
            let records = self.archive.account_events(partition, usize::MAX);
            let values = records.iter().filter_map(|record| record.value.as_deref());
            models.push(ActorModel::of(&lead, partitions as usize, values));
        }
        for model in &models {
            for error in &model.errors {
                self.expect(false, || error.clone());
            }
            for (value, times) in &model.dead {
                *dead.entry(value.clone()).or_default() += times;
            }
            let missing: Vec<_> = model.missing().collect();
            self.expect(missing.is_empty(), || format!("never sent on: {missing:?}"));
            self.actors(model);
        }
        if !self.errors.is_empty()
            && let Ok(wanted) = std::env::var("SIMULATOR_SHOW")
        {
            self.show(&wanted);
        }
        self.ledgers_add_up();
        self.commands(&models);
        let mut found = Count::new();
        for (key, value) in self.archive.all(Topic::DeadLetters) {
            *found.entry((key, value.unwrap_or_default())).or_default() += 1;
        }
        let readable = |count: Count| -> BTreeMap<(String, String), u64> {
            count.into_iter().map(|((key, value), times)| ((key, String::from_utf8_lossy(&value).into_owned()), times)).collect()
        };
        self.equal_maps("dead letter", &readable(found), &readable(dead));
        self.errors
    }

    /// Shows the records of all topics that hold a text, for whoever looks into a seed that fails.
    fn show(&self, wanted: &str) {
        for topic in Topic::ALL {
            for partition in 0..self.archive.partitions {
                for record in self.archive.partition(topic, partition) {
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    let (key, value) = (text(&record.key), record.value.as_deref().map_or("(deleted)".to_owned(), text));
                    if key.contains(wanted) || value.contains(wanted) {
                        println!("{} {partition} {} at {}: {key} {value}", topic.name(), record.offset, record.timestamp);
                    }
                }
            }
        }
    }

    /// By partition and offset, the rules with which each event was judged.
    fn known(&self) -> BTreeMap<(u32, u64), Known> {
        let events = self.applied.iter().flat_map(|(&partition, applied)| {
            applied.iter().filter_map(move |applied| match applied.what {
                What::Record(Topic::ProductEvents, offset) => Some(((partition, offset), applied.rules)),
                _ => None,
            })
        });
        events.collect()
    }

    /// Every record that a producer was told is in the log is there, and each one with a wrong key was sent on once. The
    /// contact stage has taken each once, in order.
    fn inputs(&mut self, lead: &LeadModel, produced: &[Sent], attempted: &[Sent]) {
        let count = |sent: &[Sent]| {
            let mut count = Count::new();
            for sent in sent.iter().filter(|sent| sent.topic == Topic::ProductEvents) {
                *count.entry((sent.key.clone(), sent.value.clone())).or_default() += 1;
            }
            count
        };
        let (produced, attempted) = (count(produced), count(attempted));
        let mut found = Count::new();
        for (key, value) in self.archive.all(Topic::ProductEvents) {
            *found.entry((key, value.unwrap_or_default())).or_default() += 1;
        }
        for record in found.keys().chain(produced.keys()).collect::<BTreeSet<_>>() {
            let of = |count: &Count| count.get(record).copied().unwrap_or(0);
            let least = of(&produced) + of(&lead.rerouted);
            let range = least..=least + of(&attempted);
            self.expect(range.contains(&of(&found)), || {
                let text = String::from_utf8_lossy(&record.1);
                format!("{} {text} is {} times in product-events, expected {range:?}", record.0, of(&found))
            });
        }
        for partition in 0..self.archive.partitions {
            for topic in [Topic::ProductEvents, Topic::Commands, Topic::ContactInbox] {
                let applied = self.applied.get(&partition).into_iter().flatten();
                let offsets: Vec<u64> = applied
                    .filter_map(|applied| match applied.what {
                        What::Record(of, offset) if of == topic => Some(offset),
                        _ => None,
                    })
                    .collect();
                let all: Vec<u64> = (0..self.archive.partition(topic, partition).len() as u64).collect();
                self.expect(offsets == all, || {
                    format!("{} {partition}: of {} records these were applied: {offsets:?}", topic.name(), all.len())
                });
            }
        }
    }

    /// Grants, and entries of ledgers that commands and grants make, are written once in all time.
    fn each_once(&mut self) {
        for topic in [Topic::Grants, Topic::CommissionLines, Topic::OwnershipHistory, Topic::Xp, Topic::Coins] {
            let mut seen = BTreeSet::new();
            for (key, value) in self.archive.all(topic) {
                // an event whose identity was forgotten may come again; an owner's history begins anew after an erasure
                let may_repeat = key.contains("/crm/") || topic == Topic::OwnershipHistory;
                let is_new = value.is_none() || seen.insert(key.clone());
                self.expect(is_new || may_repeat, || format!("{} {key} is there twice", topic.name()));
            }
        }
    }

    /// A watermark is never ahead of what it tells about: no event that was the newest of its partition comes behind one
    /// that had this time already, unless that one was the clock's.
    fn watermarks(&mut self) {
        for partition in 0..self.archive.partitions {
            let mut told: BTreeMap<u32, i64> = BTreeMap::new();
            let mut newest: BTreeMap<u32, i64> = BTreeMap::new();
            for record in self.archive.account_events(partition, usize::MAX) {
                match record.value.as_deref().and_then(AccountRecord::decode) {
                    Some(AccountRecord::Watermark { partition, time, caught_up: false }) => {
                        told.insert(partition, time.0);
                    }
                    Some(AccountRecord::Event(event)) => {
                        let Some(contact) = event.contact.filter(|contact| !contact.starts_with('m')) else { continue };
                        let key = format!("{}/{contact}", event.account);
                        let of = partitioner::partition(key.as_bytes(), self.archive.partitions);
                        let newest = newest.entry(of).or_insert(i64::MIN);
                        let ahead = told.get(&of).is_some_and(|told| event.time.0 > *newest && event.time.0 == *told);
                        *newest = (*newest).max(event.time.0);
                        self.expect(!ahead, || format!("event {} of {key} comes after the watermark that counts it", event.id));
                    }
                    _ => {}
                }
            }
        }
    }

    /// XP and coins that reps show are the sums of their ledgers, in every account; so are the statements of their lines.
    fn ledgers_add_up(&mut self) {
        let progress = self.archive.latest(Topic::RepProgress);
        for (topic, field) in [(Topic::Xp, "xp"), (Topic::Coins, "coins")] {
            let mut sums = self.sums(topic, field);
            let mut shown: BTreeMap<String, i64> =
                progress.iter().map(|(key, rep)| (key.clone(), rep[field].as_i64().unwrap())).collect();
            sums.retain(|_, sum| *sum != 0);
            shown.retain(|_, sum| *sum != 0);
            self.equal_maps(&format!("{field} of rep-progress"), &shown, &sums);
        }
        let mut scores: BTreeMap<String, i64> = BTreeMap::new();
        let mut repeated = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for (key, value) in self.archive.all(Topic::Timeline) {
            if value.is_some() && !seen.insert(key.clone()) {
                // counted again after its identity was forgotten, or by a merge
                repeated.insert(contact_of(&key));
            }
        }
        for (key, entry) in self.archive.latest(Topic::Timeline) {
            *scores.entry(contact_of(&key)).or_default() += entry["points"].as_i64().unwrap();
        }
        let mut shown: BTreeMap<String, i64> = self
            .archive
            .latest(Topic::LeadScores)
            .iter()
            .map(|(key, lead)| (key.clone(), lead["score"].as_i64().unwrap()))
            .collect();
        shown.retain(|key, _| !repeated.contains(key));
        scores.retain(|key, _| !repeated.contains(key));
        self.equal_maps("score by its timeline", &shown, &scores);
    }

    /// Each command was routed once, in order, and answered once for each time it came.
    fn commands(&mut self, models: &[ActorModel<'_>]) {
        let mut answers: BTreeMap<(String, String), Vec<bool>> = BTreeMap::new();
        for (key, value) in self.archive.all(Topic::CommandResults) {
            let answer: Value = serde_json::from_slice(&value.unwrap_or_default()).unwrap_or_default();
            let (account, id) = key.split_once('/').unwrap_or_default();
            answers.entry((account.to_owned(), id.to_owned())).or_default().push(answer["status"] == "accepted");
        }
        let routed: BTreeMap<&str, Vec<&[u8]>> = models.iter().flat_map(|model| &model.commands).fold(
            BTreeMap::new(),
            |mut routed: BTreeMap<&str, Vec<&[u8]>>, (key, value)| {
                routed.entry(key).or_default().push(value);
                routed
            },
        );
        let mut sent: BTreeMap<&str, Vec<&[u8]>> = BTreeMap::new();
        for record in self.archive.topic(Topic::Commands) {
            let key = std::str::from_utf8(&record.key).unwrap_or_default();
            sent.entry(key).or_default().push(record.value.as_deref().unwrap_or_default());
        }
        self.expect(sent == routed, || "commands were not routed once each, in order".to_owned());
        let expected = models.iter().flat_map(|model| &model.answered).map(|(name, times)| (name.clone(), *times));
        let times = answers.iter().map(|(name, answers)| (name.clone(), answers.len() as u64));
        self.equal_maps("answers", &times.collect(), &expected.collect());
        for model in models {
            for (account, entry) in &model.accounts {
                for (id, accepted) in &entry.answers {
                    let found = answers.get(&(account.clone(), id.clone()));
                    let is_right = found.is_some_and(|found| found.iter().all(|found| found == accepted));
                    self.expect(is_right, || format!("command {account}/{id}: {found:?}, expected {accepted}"));
                }
            }
        }
    }
}

/// The `account/contact` of a timeline key.
fn contact_of(key: &str) -> String {
    key.splitn(3, '/').take(2).collect::<Vec<_>>().join("/")
}
