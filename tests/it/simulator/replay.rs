//! The whole history once more, without a fault: what the committed inputs give when one task for each partition applies them
//! in the order in which they were committed, cut into batches at other places. Whatever crashed, was aborted, moved to
//! another process or was restored: the outputs and the state must be the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use scorekeeper::engine::{AccountTask, ContactTask, Input, Limits, Publish};
use scorekeeper::events::{AccountRecord, Timestamp};
use scorekeeper::outputs::{Outbox, Topic};
use scorekeeper::rulebook::RuleSet;
use scorekeeper::runtime::log::Place;
use scorekeeper::runtime::worker::StageTask;
use scorekeeper::state::MemStore;

use super::archive::{Archive, Kept};
use super::random::Random;
use super::rules;
use super::world::{Applied, What};

/// What a key of a topic was given, in order: timestamp and value.
type Values = Vec<(i64, Option<Vec<u8>>)>;
type Outputs = BTreeMap<(Topic, Vec<u8>), Values>;

/// What should have come out.
pub struct Replay {
    outputs: Outputs,
    /// The rows of each partition's contact and account stage.
    pub contact: Vec<MemStore>,
    pub account: Vec<MemStore>,
}

/// A task with its store, batch by batch.
struct Run<'r> {
    task: Box<dyn StageTask>,
    store: MemStore,
    out: Outbox,
    random: Random,
    left: u64,
    outputs: &'r mut Outputs,
}

impl Run<'_> {
    fn new(task: impl StageTask + 'static, random: Random, outputs: &mut Outputs) -> Run<'_> {
        Run { task: Box::new(task), store: MemStore::default(), out: Outbox::default(), random, left: 0, outputs }
    }

    fn apply(&mut self, topic: Topic, partition: u32, record: &Kept, rules: &RuleSet) {
        let headers: Vec<(&str, &[u8])> = record.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let input = Input {
            topic,
            partition,
            offset: record.offset,
            timestamp: Some(Timestamp(record.timestamp)),
            key: Some(&record.key),
            value: record.value.as_deref(),
            headers: &headers,
        };
        self.task.apply(&self.store, rules, &input, &mut self.out);
        self.end_of_record(rules);
    }

    fn end_of_record(&mut self, rules: &RuleSet) {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => {
                let publish = if self.random.one_in(2) { Publish::All } else { Publish::ButBoards };
                self.seal(rules, publish);
                self.left = self.random.below(40);
            }
        }
    }

    fn seal(&mut self, rules: &RuleSet, publish: Publish) {
        self.task.seal(&self.store, rules, publish, &mut self.out);
        collect(self.out.records().map(|record| (record.topic, record.timestamp.0, record.key, record.value)), self.outputs);
        self.out.clear();
        self.store.apply(self.task.take_changes());
    }
}

/// Which outputs are compared: those of which every value counts, and those of which the last one does.
fn is_compared(topic: Topic) -> bool {
    topic.is_public_output() || matches!(topic, Topic::AccountEvents | Topic::ContactInbox)
}

fn is_last_only(topic: Topic) -> bool {
    topic.is_coalesced() || topic == Topic::LeadScores
}

fn collect<'r>(records: impl Iterator<Item = (Topic, i64, &'r [u8], Option<&'r [u8]>)>, outputs: &mut Outputs) {
    for (topic, timestamp, key, value) in records {
        let is_watermark = topic == Topic::AccountEvents
            && matches!(value.and_then(AccountRecord::decode), Some(AccountRecord::Watermark { .. }));
        if is_watermark || !is_compared(topic) {
            continue;
        }
        let values = outputs.entry((topic, key.to_vec())).or_default();
        if is_last_only(topic) {
            values.clear();
        }
        values.push((timestamp, value.map(<[u8]>::to_vec)));
    }
}

impl Replay {
    /// `applied`: for each partition, what its contact stage has applied and committed, in order. `committed`: how far the
    /// account stages have come.
    pub fn of(
        archive: &Archive,
        applied: &BTreeMap<u32, Vec<Applied>>,
        committed: &BTreeMap<Place, u64>,
        mut random: Random,
    ) -> Replay {
        let (mut outputs, mut contact, mut account) = (Outputs::new(), Vec::new(), Vec::new());
        let partitions = archive.partitions;
        for partition in 0..partitions {
            let task = ContactTask::new(partition, partitions, Limits::default(), false);
            let mut run = Run::new(task, random.fork(), &mut outputs);
            let mut known: Arc<RuleSet> = rules::known(rules::ALL);
            for applied in applied.get(&partition).into_iter().flatten() {
                let now = rules::known(applied.rules);
                if !Arc::ptr_eq(&known, &now) {
                    // rules change between batches
                    run.seal(&known, Publish::All);
                    known = now;
                }
                match applied.what {
                    What::Record(topic, offset) => {
                        run.apply(topic, partition, &archive.partition(topic, partition)[offset as usize], &known);
                    }
                    What::Time(reached) => {
                        run.task.watermark(&run.store, &known, Some(reached), reached, &mut run.out);
                        run.end_of_record(&known);
                    }
                }
            }
            run.seal(&known, Publish::All);
            contact.push(run.store);
        }
        let all = rules::known(rules::ALL);
        for partition in 0..partitions {
            let mut run = Run::new(AccountTask::new(partition, partitions), random.fork(), &mut outputs);
            let next = committed.get(&Place::new(Topic::AccountEvents, partition)).copied().unwrap_or(0);
            for record in &archive.partition(Topic::AccountEvents, partition)[..next as usize] {
                run.apply(Topic::AccountEvents, partition, record, &all);
            }
            run.seal(&all, Publish::All);
            account.push(run.store);
        }
        Replay { outputs, contact, account }
    }

    /// What differs from what was committed.
    pub fn compare(&self, archive: &Archive) -> Vec<String> {
        let mut found = Outputs::new();
        for &topic in Topic::ALL.iter().filter(|topic| is_compared(**topic)) {
            let records =
                archive.topic(topic).map(|record| (topic, record.timestamp, record.key.as_slice(), record.value.as_deref()));
            collect(records, &mut found);
        }
        let mut errors = Vec::new();
        let keys: std::collections::BTreeSet<_> = found.keys().chain(self.outputs.keys()).collect();
        for key in keys {
            let side = |outputs: &Outputs| {
                let mut values = outputs.get(key).cloned().unwrap_or_default();
                // several partitions write these, in no order that is given
                if matches!(key.0, Topic::AccountEvents | Topic::ContactInbox | Topic::DeadLetters) {
                    values.sort();
                }
                if is_last_only(key.0) {
                    // that it was deleted, or never there; and a record's time is that of the batch
                    values.iter_mut().for_each(|value| value.0 = 0);
                    values.retain(|(_, value)| value.is_some());
                }
                values
            };
            let (found, expected) = (side(&found), side(&self.outputs));
            if found != expected {
                let at = found.iter().zip(&expected).position(|(a, b)| a != b).unwrap_or(found.len().min(expected.len()));
                let text = |values: &Values| values.get(at).map_or("nothing".to_owned(), show);
                errors.push(format!(
                    "replay: {} {}: {} records, expected {}; number {at}: found {}, expected {}",
                    key.0.name(),
                    String::from_utf8_lossy(&key.1),
                    found.len(),
                    expected.len(),
                    text(&found),
                    text(&expected)
                ));
            }
            if errors.len() == 8 {
                break;
            }
        }
        errors
    }
}

fn show((timestamp, value): &(i64, Option<Vec<u8>>)) -> String {
    let text = value.as_ref().map_or("a deletion".into(), |value| String::from_utf8_lossy(value).into_owned());
    format!("at {timestamp} {text}")
}
