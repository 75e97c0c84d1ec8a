//! Accounts of many contacts through the engine: what a decision reads and writes, and transfers in slices that cost the same
//! however many there are, with other events of the account in between, and finished after a crash.

use std::cell::Cell;
use std::collections::BTreeMap;

use scorekeeper::engine::{AccountTask, Publish, Task};
use scorekeeper::events::{AccountRecord, CommandRecord, StampedEvent, Timestamp};
use scorekeeper::outputs::{Outbox, Topic};
use scorekeeper::rulebook::RuleSet;
use scorekeeper::state::{MemStore, Store, StoreError};
use serde_json::Value;

const RULES: &str = "
account: acme
reps: [{id: r1}, {id: r2}, {id: r3}]
ownership:
  new_contacts: {strategy: default, reps: [r1]}
  conversations: {strategy: workload, reps: [r3]}
";

/// Contacts of one slice, as the engine has it.
const SLICE: usize = 1_000;

/// A store that counts what is read of it.
#[derive(Default)]
struct Counting {
    store: MemStore,
    read: Cell<usize>,
}

impl Store for Counting {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.read.set(self.read.get() + 1);
        self.store.get(key)
    }

    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        let rows = self.store.scan(prefix, from, limit)?;
        self.read.set(self.read.get() + rows.len());
        Ok(rows)
    }
}

/// The largest batch so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Largest {
    rows_read: usize,
    rows_changed: usize,
    bytes: usize,
}

struct Stage {
    rules: RuleSet,
    task: AccountTask,
    store: Counting,
    out: Outbox,
    sent: u64,
    largest: Largest,
    /// Per contact: the last version, and its owner.
    owners: BTreeMap<String, (u64, Value)>,
    assigned: BTreeMap<String, Value>,
}

impl Stage {
    fn new(contacts: usize) -> Stage {
        Stage::with(RULES, contacts)
    }

    /// An account of so many contacts, all r1's.
    fn with(rules: &str, contacts: usize) -> Stage {
        let mut stage = Stage {
            rules: RuleSet::load([("rules", rules)]).unwrap(),
            task: AccountTask::new(0, 1),
            store: Counting::default(),
            out: Outbox::default(),
            sent: 0,
            largest: Largest::default(),
            owners: BTreeMap::new(),
            assigned: BTreeMap::new(),
        };
        for start in (0..contacts).step_by(SLICE) {
            for contact in start..contacts.min(start + SLICE) {
                stage.event("contact.created", &name(contact), "{}");
            }
            stage.commit();
        }
        stage.largest = Largest::default();
        stage
    }

    fn time(&self) -> Timestamp {
        Timestamp(1_793_700_000_000 + self.sent as i64)
    }

    fn apply(&mut self, record: &AccountRecord<'_>) {
        let time = self.time();
        self.sent += 1;
        self.task.apply_record(&self.store, &self.rules, record, time, &mut self.out);
    }

    fn event(&mut self, kind: &str, contact: &str, data: &str) {
        let (time, id) = (self.time(), format!("e{}", self.sent));
        let event = StampedEvent {
            account: "acme",
            contact: Some(contact),
            source: "/test",
            id: &id,
            kind,
            time,
            version: 1,
            data,
            ..StampedEvent::default()
        };
        self.apply(&AccountRecord::Event(event));
    }

    fn transfer(&mut self, to: &str) {
        let (time, data) = (self.time(), format!(r#"{{"from":"r1","to":"{to}"}}"#));
        let command =
            CommandRecord { account: "acme", id: "k", kind: "contacts.transfer", time, data: &data, ..CommandRecord::default() };
        self.apply(&AccountRecord::Command(command));
    }

    fn watermark(&mut self) {
        let time = self.time();
        self.apply(&AccountRecord::Watermark { partition: 0, time, caught_up: true });
    }

    /// Seals and commits, and takes the outputs to account: versions come without gaps.
    fn commit(&mut self) {
        self.task.seal(&self.store, &self.rules, Publish::All, &mut self.out);
        for record in self.out.records() {
            let value = || serde_json::from_slice::<Value>(record.value.unwrap()).unwrap();
            match record.topic {
                Topic::OwnershipHistory => {
                    let value = value();
                    let (version, owner) = self.owners.entry(value["contact"].as_str().unwrap().to_owned()).or_default();
                    assert_eq!((&value["version"], &value["from"]), (&(*version + 1).into(), &*owner), "{value}");
                    (*version, *owner) = (*version + 1, value["to"].clone());
                }
                Topic::Assignments if value()["kind"] == "conversation" => {
                    self.assigned.insert(value()["item"].as_str().unwrap().to_owned(), value()["rep"].clone());
                }
                _ => {}
            }
        }
        let changes = self.task.take_changes();
        let largest = &mut self.largest;
        largest.bytes = largest.bytes.max(self.out.bytes());
        largest.rows_changed = largest.rows_changed.max(changes.len());
        largest.rows_read = largest.rows_read.max(self.store.read.take());
        self.out.clear();
        self.store.store.apply(changes);
    }

    /// What a crash leaves: the state that was committed.
    fn crash(&mut self) {
        self.task = AccountTask::new(0, 1);
        self.out.clear();
        self.store.read.set(0);
    }
}

fn name(contact: usize) -> String {
    format!("c{contact:06}")
}

/// Moves them all, with a crash in the middle and an event of a contact between two slices. Gives the largest batch.
fn transfer(contacts: usize) -> Largest {
    let mut stage = Stage::new(contacts);
    stage.transfer("r2");
    stage.commit();
    let mut slices = 1;
    while stage.task.is_at_work(&stage.store) {
        if slices == contacts / SLICE / 2 {
            // in the middle of a slice
            stage.watermark();
            stage.crash();
        }
        stage.watermark();
        stage.commit();
        slices += 1;
        let (contact, item) = (name(slices * 7_919 % contacts), format!("v{slices}"));
        stage.event("conversation.opened", &contact, &format!(r#"{{"conversation":"{item}"}}"#));
        stage.commit();
        assert_eq!(stage.assigned[&item], "r3", "it is assigned while the transfer goes on");
        assert_eq!(stage.owners[&contact], (2, "r2".into()), "for a contact that is looked at, the transfer holds already");
    }
    let full = contacts / SLICE;
    assert!((full..=full + 1).contains(&slices), "{slices} slices");
    assert_eq!(stage.owners.len(), contacts);
    assert!(stage.owners.values().all(|(version, owner)| *version == 2 && owner == "r2"));
    stage.largest
}

/// What a batch of one slice may be, whatever the number of contacts.
fn check(largest: Largest) {
    println!("{largest:?}");
    assert!(largest.rows_read <= 10 * SLICE, "{largest:?}");
    assert!(largest.rows_changed <= 5 * SLICE, "{largest:?}");
    assert!(largest.bytes <= 2_000 * SLICE, "{largest:?}");
}

#[test]
fn ten_thousand_contacts_move_in_slices() {
    check(transfer(10_000));
}

/// What a batch of 500 conversations reads and writes at most, once the rows that all share are there.
fn decisions(contacts: usize, strategy: &str) -> Largest {
    let rules = RULES.replace("strategy: workload, reps: [r3]", strategy);
    let mut stage = Stage::with(&rules, contacts);
    for batch in 0..4 {
        for i in 0..500 {
            let contact = name((batch * 500 + i) * 7_919 % contacts);
            stage.event("conversation.opened", &contact, &format!(r#"{{"conversation":"v{batch}-{i:03}"}}"#));
        }
        stage.commit();
        if batch == 0 {
            stage.largest = Largest::default();
        }
    }
    assert_eq!(stage.assigned.len(), 2_000);
    assert!(stage.assigned.values().all(|rep| !rep.is_null()));
    stage.largest
}

#[test]
fn a_decision_costs_the_same_however_many_contacts_there_are() {
    for strategy in ["strategy: round_robin", "strategy: workload", "strategy: last_responder, backup: {rep: r2}"] {
        let (few, many) = (decisions(2_000, strategy), decisions(20_000, strategy));
        assert_eq!((few.rows_read, few.rows_changed), (many.rows_read, many.rows_changed), "{strategy}");
        assert!(few.bytes.abs_diff(many.bytes) < 1_000, "{strategy}: only ids are longer");
    }
}

/// `cargo test --release --test it transfers -- --ignored --nocapture`
#[test]
#[ignore = "takes a while in debug builds"]
fn a_hundred_thousand_contacts_move_in_slices_of_the_same_size() {
    let (few, many) = (transfer(10_000), transfer(100_000));
    check(many);
    let near = |few: usize, many: usize| many <= few + few / 50;
    assert!(near(few.rows_read, many.rows_read) && near(few.bytes, many.bytes), "{few:?}, then {many:?}");
}
