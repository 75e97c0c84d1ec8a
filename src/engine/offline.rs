//! Both stages in one place, in memory, over one partition: for `score`, rule tests, simulations and everything else that has
//! no broker. Deterministic: the same records in the same batches give the same bytes.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{AccountTask, ContactTask, Counters, Input, Limits, Publish, Task};
use crate::events::{AccountRecord, Duration, Timestamp};
use crate::outputs::{Outbox, Record, Topic};
use crate::rulebook::RuleSet;
use crate::state::MemStore;

/// The two tasks of the only partition, with their stores.
pub struct Offline {
    rules: RuleSet,
    contact: ContactTask,
    account: AccountTask,
    contact_store: MemStore,
    account_store: MemStore,
    contact_out: Outbox,
    account_out: Outbox,
    /// How far the account stage has been told that time has come.
    told: Timestamp,
    /// Lines read so far: the offset of the next one.
    lines: u64,
}

/// One step of a batch: an input by its position, or a record that it sent on to the account stage.
type Step = (usize, Option<usize>);

impl Offline {
    /// `default_account`: for events that name no account.
    pub fn new(rules: RuleSet, default_account: Option<String>) -> Offline {
        // there is no log offline, so no log time either: an identity is never forgotten
        let limits = Limits { default_account, dedup_window: Duration(i64::MAX), ..Limits::default() };
        Offline {
            rules,
            contact: ContactTask::new(0, 1, limits, true),
            account: AccountTask::new(0, 1),
            contact_store: MemStore::default(),
            account_store: MemStore::default(),
            contact_out: Outbox::default(),
            account_out: Outbox::default(),
            told: Timestamp::MIN,
            lines: 0,
        }
    }

    /// Applies a batch of events and commands, each a JSON text, and commits it. The records go to `sink`, in order within
    /// each topic.
    pub fn batch<'l>(&mut self, lines: impl Iterator<Item = &'l [u8]> + Clone, sink: &mut dyn FnMut(&Record<'_>)) {
        let mut failed: BTreeSet<Step> = BTreeSet::new();
        let told = self.told;
        // a rule that panics loses its own changes only: the batch starts over without that one step
        while let Err((step, message)) = self.try_batch(lines.clone(), &failed) {
            self.discard();
            self.told = told;
            // a step that fails even when it is rejected cannot be helped, and must not loop
            if !failed.insert(step) {
                std::panic::resume_unwind(Box::new(message));
            }
        }
        self.lines += lines.count() as u64;
        self.commit(sink);
    }

    /// Moves account time on past the last event, and commits: periods close.
    pub fn until(&mut self, time: Timestamp, sink: &mut dyn FnMut(&Record<'_>)) {
        self.contact.tick(&self.contact_store, &self.rules, time, &mut self.contact_out);
        let _ = self.hand_on(0, 0, time, &BTreeSet::new());
        self.commit(sink);
    }

    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// What both stages have counted.
    pub fn counters(&self) -> Counters {
        Counters { late: self.account.counters().late, ..self.contact.counters().clone() }
    }

    /// Starts both stages anew over what is committed, as another process would.
    #[cfg(test)]
    pub fn restart(&mut self) {
        let limits = Limits { dedup_window: Duration(i64::MAX), ..Limits::default() };
        (self.contact, self.account) = (ContactTask::new(0, 1, limits, true), AccountTask::new(0, 1));
    }

    fn try_batch<'l>(&mut self, lines: impl Iterator<Item = &'l [u8]>, failed: &BTreeSet<Step>) -> Result<(), (Step, String)> {
        for (i, line) in lines.enumerate() {
            let input = Input {
                topic: Topic::ProductEvents,
                partition: 0,
                offset: self.lines + i as u64,
                timestamp: None,
                key: None,
                value: Some(line),
                headers: &[],
            };
            let sent_before = self.contact_out.len();
            if failed.contains(&(i, None)) {
                self.contact.reject(&input, "a rule failed on this event", &mut self.contact_out);
            } else {
                let (contact, store, rules, out) = (&mut self.contact, &self.contact_store, &self.rules, &mut self.contact_out);
                guard((i, None), || contact.apply(store, rules, &input, out))?;
            }
            let time = self.contact.clock().unwrap_or(Timestamp::MIN);
            self.hand_on(i, sent_before, time, failed)?;
        }
        Ok(())
    }

    /// Hands on what the contact stage has sent since `from`: to the account stage, and (of a merge) back to itself. Account
    /// time comes first: an event finds everything closed that its time closes.
    fn hand_on(&mut self, i: usize, from: usize, time: Timestamp, failed: &BTreeSet<Step>) -> Result<(), (Step, String)> {
        self.tell(time);
        let mut handed = 0;
        let mut from = from;
        while from < self.contact_out.len() {
            let to = self.contact_out.len();
            let mut inbox: Vec<(Timestamp, Vec<u8>, Vec<u8>)> = Vec::new();
            for record in self.contact_out.records_between(from, to) {
                let input = Input {
                    topic: record.topic,
                    partition: 0,
                    offset: 0,
                    timestamp: Some(record.timestamp),
                    key: Some(record.key),
                    value: record.value,
                    headers: &[],
                };
                match record.topic {
                    Topic::AccountEvents => {
                        let step = (i, Some(handed));
                        handed += 1;
                        // offline a command moves time as an event does
                        if record.timestamp > self.told {
                            self.told = record.timestamp;
                            let watermark = AccountRecord::Watermark { partition: 0, time: self.told, caught_up: false };
                            let (store, rules, out) = (&self.account_store, &self.rules, &mut self.account_out);
                            self.account.apply_record(store, rules, &watermark, self.told, out);
                        }
                        let (account, store, rules, out) =
                            (&mut self.account, &self.account_store, &self.rules, &mut self.account_out);
                        if failed.contains(&step) {
                            account.reject(&input, "a rule failed on this record", out);
                        } else {
                            guard(step, || account.apply(store, rules, &input, out))?;
                        }
                    }
                    Topic::ContactInbox => {
                        inbox.push((record.timestamp, record.key.to_vec(), record.value.unwrap_or_default().to_vec()));
                    }
                    _ => {}
                }
            }
            for (timestamp, key, value) in &inbox {
                let input = Input {
                    topic: Topic::ContactInbox,
                    partition: 0,
                    offset: 0,
                    timestamp: Some(*timestamp),
                    key: Some(key),
                    value: Some(value),
                    headers: &[],
                };
                self.contact.apply(&self.contact_store, &self.rules, &input, &mut self.contact_out);
            }
            from = to;
        }
        // large transfers go on with the watermarks; offline no more may come
        while self.account.is_at_work(&self.account_store) {
            let watermark = AccountRecord::Watermark { partition: 0, time: self.told, caught_up: false };
            self.account.apply_record(&self.account_store, &self.rules, &watermark, self.told, &mut self.account_out);
        }
        Ok(())
    }

    fn tell(&mut self, time: Timestamp) {
        if time > self.told {
            self.told = time;
            let watermark = AccountRecord::Watermark { partition: 0, time, caught_up: false };
            self.account.apply_record(&self.account_store, &self.rules, &watermark, time, &mut self.account_out);
        }
    }

    fn commit(&mut self, sink: &mut dyn FnMut(&Record<'_>)) {
        self.contact.seal(&self.contact_store, &self.rules, Publish::All, &mut self.contact_out);
        self.account.seal(&self.account_store, &self.rules, Publish::All, &mut self.account_out);
        for record in self.contact_out.records().chain(self.account_out.records()) {
            if record.topic.is_public_output() {
                sink(&record);
            }
        }
        self.contact_out.clear();
        self.account_out.clear();
        self.contact_store.apply(self.contact.take_changes());
        self.account_store.apply(self.account.take_changes());
    }

    fn discard(&mut self) {
        self.contact.discard();
        self.account.discard();
        self.contact_out.clear();
        self.account_out.clear();
    }
}

/// Runs a step; a panic becomes an error with its message.
fn guard(step: Step, apply: impl FnOnce()) -> Result<(), (Step, String)> {
    catch_unwind(AssertUnwindSafe(apply)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let message = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        (step, message.unwrap_or_else(|| "panic".to_owned()))
    })
}
