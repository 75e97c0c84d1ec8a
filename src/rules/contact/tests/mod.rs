//! The contact stage through its task: records in, what comes out as JSON. Cases are data; [`Stage`] runs them.

mod decoding;
mod forwarding;
mod lead;
mod merging;
mod properties;
mod waiting;

use serde_json::{Value, json};

use crate::engine::{ContactTask, Input, Limits, Publish, Task};
use crate::events::{AccountRecord, Timestamp};
use crate::outputs::{Outbox, Topic};
use crate::rulebook::{Document, RuleSet};
use crate::state::MemStore;

/// A record that came out.
#[derive(Clone, Debug, PartialEq)]
pub struct Out {
    pub topic: Topic,
    pub key: String,
    /// JSON; the text of anything else.
    pub value: Option<Value>,
    pub headers: Vec<(String, String)>,
}

/// A contact task with its store and rules, and all that came out of it.
pub struct Stage {
    pub task: ContactTask,
    pub store: MemStore,
    pub rules: RuleSet,
    pub out: Vec<Out>,
    /// What went to the account stage, as debug text of its records.
    pub forwarded: Vec<String>,
    offset: u64,
}

impl Stage {
    /// Offline, by rules in YAML to which account, zone and lateness of the test are added.
    pub fn new(rules: &str) -> Stage {
        Stage::with(&[rules], Limits { dedup_window: crate::events::Duration(i64::MAX), ..Limits::default() }, true)
    }

    pub fn with(rules: &[&str], limits: Limits, offline: bool) -> Stage {
        let documents = rules.iter().map(|rules| {
            let head = if rules.contains("account:") { "" } else { "account: acme\n" };
            serde_saphyr::from_str::<Document>(&format!("{head}{rules}")).unwrap()
        });
        Stage {
            task: ContactTask::new(0, 1, limits, offline),
            store: MemStore::default(),
            rules: RuleSet::new(documents.collect()),
            out: Vec::new(),
            forwarded: Vec::new(),
            offset: 0,
        }
    }

    /// Takes lines in batches of `size`, offline.
    pub fn feed_in_batches(&mut self, lines: &[String], size: usize) -> &mut Stage {
        for lines in lines.chunks(size.max(1)) {
            let mut out = Outbox::default();
            for line in lines {
                let input = self.input(line.as_bytes(), None);
                self.task.apply(&self.store, &self.rules, &input, &mut out);
            }
            self.finish(out);
        }
        self
    }

    /// Takes each line as a batch.
    pub fn feed(&mut self, lines: &[String]) -> &mut Stage {
        self.feed_in_batches(lines, 1)
    }

    /// Lets time pass, as a batch of its own.
    pub fn tick(&mut self, time: &str) -> &mut Stage {
        let mut out = Outbox::default();
        self.task.tick(&self.store, &self.rules, Timestamp::parse(time).unwrap(), &mut out);
        self.finish(out);
        self
    }

    pub fn input<'a>(&mut self, value: &'a [u8], timestamp: Option<Timestamp>) -> Input<'a> {
        self.offset += 1;
        let (topic, offset) = (Topic::ProductEvents, self.offset - 1);
        Input { topic, partition: 0, offset, timestamp, key: None, value: Some(value), headers: &[] }
    }

    /// Seals the batch and commits it.
    pub fn finish(&mut self, mut out: Outbox) {
        self.task.seal(&self.store, &self.rules, Publish::All, &mut out);
        assert!(self.task.fault().is_none(), "{:?}", self.task.fault());
        self.store.apply(self.task.take_changes());
        for record in out.records() {
            match record.topic {
                Topic::AccountEvents => {
                    let record = AccountRecord::decode(record.value.unwrap()).unwrap();
                    self.forwarded.push(format!("{record:?}"));
                }
                Topic::ContactChangelog => {}
                topic => self.out.push(Out {
                    topic,
                    key: String::from_utf8(record.key.to_vec()).unwrap(),
                    value: record
                        .value
                        .map(|value| serde_json::from_slice(value).unwrap_or_else(|_| json!(String::from_utf8_lossy(value)))),
                    headers: record
                        .headers
                        .iter()
                        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value).into_owned()))
                        .collect(),
                }),
            }
        }
    }

    /// The last value of a key; `null` for none.
    pub fn last(&self, topic: Topic, key: &str) -> Value {
        let found = self.out.iter().rev().find(|out| out.topic == topic && out.key == key);
        found.and_then(|out| out.value.clone()).unwrap_or_default()
    }

    /// The score of a contact of acme; `null` for none.
    pub fn score(&self, contact: &str) -> Value {
        self.last(Topic::LeadScores, &crate::events::keys::join(&["acme", contact]))["score"].clone()
    }

    /// A field of all records of a topic, in order.
    pub fn list(&self, topic: Topic, field: &str) -> Vec<Value> {
        let of_topic = self.out.iter().filter(|out| out.topic == topic && out.value.is_some());
        of_topic.map(|out| out.value.as_ref().unwrap()[field].clone()).collect()
    }

    /// The reasons of the dead letters.
    pub fn reasons(&self) -> Vec<&str> {
        let reason = |out: &'_ Out| out.headers.iter().position(|(name, _)| name == "__connect.errors.exception.class.name");
        let letters = self.out.iter().filter(|out| out.topic == Topic::DeadLetters);
        letters.filter_map(|out| reason(out).map(|at| out.headers[at].1.as_str())).collect()
    }

    /// The last values of all keys of a topic, in order of the keys; what was deleted is left out.
    pub fn table(&self, topic: Topic) -> Vec<(String, Value)> {
        let mut table = std::collections::BTreeMap::new();
        for out in self.out.iter().filter(|out| out.topic == topic) {
            match &out.value {
                Some(value) => table.insert(out.key.clone(), value.clone()),
                None => table.remove(&out.key),
            };
        }
        table.into_iter().collect()
    }
}

/// The line of an event: id, type, contact, time, and further members as a JSON object.
pub fn event(id: &str, kind: &str, contact: &str, time: &str, more: Value) -> String {
    let mut event = json!({"specversion": "1.0", "id": id, "source": "/crm", "type": kind, "time": time, "account": "acme"});
    if !contact.is_empty() {
        event["contact"] = json!(contact);
    }
    if let Value::Object(more) = more {
        event.as_object_mut().unwrap().extend(more);
    }
    event.to_string()
}
