//! For tests: rules as YAML and a few lines of events and commands in, the output records out.
//!
//! The events skip the contact stage: every catalog entry of their type counts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::orders::Orders;
use super::rewards::Pending;
use super::{Account, Periods, Touched};
use crate::engine::{AccountTask, Publish, Task};
use crate::events::{AccountRecord, CommandRecord, Original, StampedEvent, Timestamp};
use crate::outputs::{Outbox, Topic};
use crate::rulebook::{Document, RuleSet};
use crate::state::{MemStore, Overlay, State};

/// One record of an output topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Out {
    pub topic: &'static str,
    pub key: String,
    /// Null: a tombstone.
    pub value: Value,
    /// Header texts, of dead letters.
    pub headers: Vec<(String, String)>,
}

/// An account stage in memory.
pub struct Stage {
    rules: RuleSet,
    task: AccountTask,
    store: MemStore,
    /// Records applied between two commits.
    pub commit_every: usize,
    uncommitted: usize,
    outbox: Outbox,
    clock: Timestamp,
    sent: usize,
    /// The contacts that had an event.
    contacts: BTreeSet<String>,
    pub outs: Vec<Out>,
}

impl Stage {
    /// From rule documents in YAML, separated by `---`. Account `acme` unless they say otherwise.
    pub fn new(rules: &str) -> Stage {
        Stage {
            rules: read(rules),
            task: AccountTask::new(0, 1),
            store: MemStore::default(),
            commit_every: 1,
            uncommitted: 0,
            outbox: Outbox::default(),
            clock: Timestamp::MIN,
            sent: 0,
            contacts: BTreeSet::new(),
            outs: Vec::new(),
        }
    }

    /// Sends an event or a command of account `acme`, written as in the conformance cases:
    /// `{t: type, at: time, c: contact, a: actor, id: …, d: {…}}` (JSON). The first event of a contact is stamped so.
    pub fn send(&mut self, line: Value) -> &mut Self {
        let text = |field: &str| line.get(field).and_then(Value::as_str);
        let time = Timestamp::parse(text("at").unwrap()).unwrap();
        self.until(time);
        let first = text("c").is_some_and(|contact| self.contacts.insert(contact.to_owned()));
        let generated = format!("e{}", self.sent);
        self.sent += 1;
        let id = text("id").unwrap_or(&generated).to_owned();
        let kind = text("t").unwrap().to_owned();
        let data = line.get("d").cloned().unwrap_or(json!({})).to_string();
        let account = text("account").unwrap_or("acme").to_owned();
        let value = line.to_string();
        let digest = value.bytes().fold(7u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let original = Original { topic: "product-events", timestamp: time, value: Some(value.as_bytes()), ..Default::default() };
        let version = self.rules.account(&account).and_then(|rules| rules.at(time)).map_or(0, |book| book.version);
        let record = if is_command(&kind) {
            AccountRecord::Command(CommandRecord {
                account: &account,
                id: &id,
                kind: &kind,
                actor: text("a"),
                time,
                data: &data,
                digest,
                original,
            })
        } else {
            let book = self.rules.account(&account).and_then(|rules| rules.version(version));
            let scored = book.map_or(Vec::new(), |book| book.catalog_for(&kind).to_vec());
            AccountRecord::Event(StampedEvent {
                account: &account,
                contact: text("c"),
                actor: text("a"),
                source: text("source").unwrap_or("test"),
                id: &id,
                kind: &kind,
                time,
                version,
                scored,
                first: line.get("first").map_or(first, |first| first == &Value::Bool(true)),
                no_money: line.get("no_money").is_some(),
                data: &data,
                original: Some(original),
                digest,
                forget_at: None,
            })
        };
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        let record = AccountRecord::decode(&bytes).unwrap();
        self.task.apply_record(&self.store, &self.rules, &record, time, &mut self.outbox);
        self.committed(1);
        self
    }

    /// Moves account time on.
    pub fn until(&mut self, time: Timestamp) -> &mut Self {
        if time > self.clock {
            self.clock = time;
            let record = AccountRecord::Watermark { partition: 0, time, caught_up: false };
            self.task.apply_record(&self.store, &self.rules, &record, time, &mut self.outbox);
        }
        self
    }

    /// Tells the same account time again, until no work is left that goes on with watermarks; gives how often it took.
    pub fn settle(&mut self) -> usize {
        let mut times = 0;
        while self.task.is_at_work(&self.store) {
            let (time, partition) = (self.clock, 0);
            let record = AccountRecord::Watermark { partition, time, caught_up: false };
            self.task.apply_record(&self.store, &self.rules, &record, time, &mut self.outbox);
            self.commit();
            times += 1;
        }
        times
    }

    /// Other rules from here on, those so far among them.
    pub fn change_rules(&mut self, rules: &str) -> &mut Self {
        self.commit();
        self.rules = read(rules);
        self
    }

    /// Tells that a contact showed no event since a time.
    pub fn inactive(&mut self, contact: &str, since: &str, time: &str) -> &mut Self {
        let (since, time) = (Timestamp::parse(since).unwrap(), Timestamp::parse(time).unwrap());
        self.until(time);
        let record = AccountRecord::Inactive { account: "acme", contact, since, time };
        self.task.apply_record(&self.store, &self.rules, &record, time, &mut self.outbox);
        self.commit()
    }

    /// Moves account time on, to a time in text, and commits.
    pub fn until_text(&mut self, time: &str) -> &mut Self {
        self.until(Timestamp::parse(time).unwrap());
        self.commit()
    }

    fn committed(&mut self, records: usize) {
        self.uncommitted += records;
        if self.uncommitted >= self.commit_every {
            self.commit();
        }
    }

    /// What came too late for a final figure.
    pub fn late(&self) -> u64 {
        self.task.counters().late
    }

    /// Ends the batch and commits it.
    pub fn commit(&mut self) -> &mut Self {
        self.uncommitted = 0;
        self.task.seal(&self.store, &self.rules, Publish::All, &mut self.outbox);
        assert!(self.task.fault().is_none(), "{:?}", self.task.fault());
        for record in self.outbox.records().filter(|record| record.topic != Topic::AccountChangelog) {
            let headers =
                record.headers.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value).into_owned()));
            self.outs.push(Out {
                topic: record.topic.name(),
                key: String::from_utf8_lossy(record.key).into_owned(),
                value: record.value.map_or(Value::Null, |value| serde_json::from_slice(value).unwrap_or(Value::Null)),
                headers: headers.collect(),
            });
        }
        self.outbox.clear();
        self.store.apply(self.task.take_changes());
        self
    }

    /// The records of a topic, tombstones included, in order of emission.
    pub fn topic(&self, topic: &str) -> Vec<&Out> {
        self.outs.iter().filter(|out| out.topic == topic).collect()
    }

    /// The last value of a key; null if there is none or it was deleted.
    pub fn last(&self, topic: &str, key: &str) -> Value {
        self.outs.iter().rev().find(|out| out.topic == topic && out.key == key).map_or(Value::Null, |out| out.value.clone())
    }

    /// A field of every record of a topic, in order; `/entries/0/subject` style pointers.
    pub fn list(&self, topic: &str, pointer: &str) -> Vec<Value> {
        self.topic(topic).iter().map(|out| out.value.pointer(pointer).cloned().unwrap_or(Value::Null)).collect()
    }

    /// Asks the rules something about account `acme`, with the newest rules.
    pub fn with_account<T>(&mut self, ask: impl FnOnce(&mut Account<'_>) -> T) -> T {
        let rules = self.rules.account("acme").unwrap();
        let mut overlay = Overlay::default();
        let mut account = Account {
            id: "acme",
            rules,
            book: rules.latest().unwrap(),
            time: self.clock,
            logged_at: self.clock,
            state: State::new(&self.store, &mut overlay),
            out: &mut Outbox::default(),
            touched: &mut Touched::default(),
            pending: Pending::default(),
            periods: &mut Periods::default(),
            orders: &mut Orders::default(),
        };
        ask(&mut account)
    }

    /// The state as it was committed, for comparisons.
    pub fn store(&self) -> &MemStore {
        &self.store
    }
}

/// Rule documents in YAML, separated by `---`.
fn read(rules: &str) -> RuleSet {
    let documents = rules.split("\n---\n").map(|text| {
        let text = if text.contains("account:") { text.to_owned() } else { format!("account: acme\n{text}") };
        serde_saphyr::from_str::<Document>(&text).unwrap_or_else(|error| panic!("{error}"))
    });
    RuleSet::new(documents.collect())
}

/// Whether a type is a command's, as far as tests need it.
fn is_command(kind: &str) -> bool {
    let families = [
        "redemption.",
        "coins.",
        "xp.",
        "certification.",
        "recognition.",
        "statement.",
        "portfolio.",
        "item.",
        "record.",
        "contacts.",
    ];
    let single = ["contact.assign", "contact.unassign", "conversation.reassign", "rep.activate", "rep.deactivate"];
    families.iter().any(|family| kind.starts_with(family)) || single.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dual_credit_posts_xp_and_answers_commands() {
        let rules = "reps: [{id: r1}]\ncatalog: [{key: deal.won, xp: 10, coins: 2}]\ncoins: {per_xp: \"0.25\"}";
        let mut stage = Stage::new(rules);
        stage.send(json!({"t": "deal.won", "at": "2026-11-03T12:00:00Z", "c": "c1", "a": "r1"}));
        stage.send(json!({"t": "deal.won", "at": "2026-11-03T12:00:01Z", "c": "c1", "a": "stranger"}));
        stage
            .send(json!({"t": "xp.adjust", "id": "k1", "at": "2026-11-03T12:00:02Z", "a": "admin", "d": {"rep": "r1", "xp": 5}}));
        stage
            .send(json!({"t": "xp.adjust", "id": "k1", "at": "2026-11-03T12:00:02Z", "a": "admin", "d": {"rep": "r1", "xp": 5}}));
        stage.send(json!({"t": "deal.won", "at": "2026-11-03T12:00:03Z", "c": "c1", "a": "r1"}));
        assert_eq!(stage.list("xp", "/xp"), [10, 5, 10]);
        assert_eq!(stage.list("coins", "/coins"), [2, 2, 3, 2], "per_xp is rounded down over the running total: 2.5, then 5");
        assert_eq!(stage.last("rep-progress", "acme/r1")["xp"], 25);
        assert_eq!(stage.list("command-results", "/status"), ["accepted", "accepted"]);
    }
}
