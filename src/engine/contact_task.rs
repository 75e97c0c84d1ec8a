//! The contact stage on one partition.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::rules_cache::RulesCache;
use super::{Counters, Input, Limits, Publish, Task};
use crate::decode::{Decoded, Reason, Rejection, decode};
use crate::events::{AccountRecord, CommandRecord, Event, Timestamp, keys};
use crate::outputs::{Outbox, Record, Route, Topic, dead_letter};
use crate::rulebook::RuleSet;
use crate::rules::contact::{Arrival, ContactRow, Contacts, Next, Place, inbox, lead};
use crate::state::{Changes, Overlay, Row, State, Store, StoreError, Table};

/// Works off one partition of `product-events`, `commands` and `contact-inbox`.
pub struct ContactTask {
    place: Place,
    limits: Limits,
    offline: bool,
    overlay: Overlay,
    clock: Clock,
    next_timer: Next,
    rules: RulesCache,
    counters: Counters,
    /// The counters as of the last commit.
    committed: Counters,
}

/// Progress of the partition.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct ClockRow {
    /// The greatest event time processed.
    time: Option<Timestamp>,
}

impl Row for ClockRow {
    const TABLE: Table = Table::ContactClock;
}

/// The clock as this batch sees it; `None` until it is read from the store.
#[derive(Default)]
struct Clock {
    now: Option<ClockRow>,
    changed: bool,
}

impl ContactTask {
    /// A task of the partition; `partitions` is how many there are of each input. Offline, log time is event time,
    /// identities are never forgotten, and commands stand among the events.
    pub fn new(partition: u32, partitions: u32, mut limits: Limits, offline: bool) -> ContactTask {
        if offline {
            limits.dedup_window = crate::events::Duration(i64::MAX);
        }
        ContactTask {
            place: Place { partition, partitions },
            limits,
            offline,
            overlay: Overlay::default(),
            clock: Clock::default(),
            next_timer: Next::default(),
            rules: RulesCache::default(),
            counters: Counters::default(),
            committed: Counters::default(),
        }
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The greatest event time processed, as far as this task has seen or [`ContactTask::resume`] has read.
    pub fn clock(&self) -> Option<Timestamp> {
        self.clock.now.and_then(|row| row.time)
    }

    /// Reads the clock from the store, for a task that takes a partition over.
    pub fn resume(&mut self, store: &dyn Store) {
        let overlay = &mut self.overlay;
        self.clock.now.get_or_insert_with(|| State::new(store, overlay).get::<ClockRow>("").copied().unwrap_or_default());
    }

    /// Does what is due by the time that this partition has come to, if nothing more is to be read, and writes that time into each partition of
    /// `account-events`: the greatest event time processed, or the wall clock if that is later and all input has been read.
    /// Nothing before the first event. It is part of a batch as a record is.
    pub fn watermark(&mut self, store: &dyn Store, rules: &RuleSet, wall: Timestamp, caught_up: bool, out: &mut Outbox) {
        self.resume(store);
        let time = if caught_up { self.clock().max(Some(wall)) } else { self.clock() };
        let Some(time) = time else { return };
        // while events come, they bring time with them: what they cause must not depend on when watermarks are written
        if caught_up {
            self.tick(store, rules, time, out);
        }
        let record = AccountRecord::Watermark { partition: self.place.partition, time, caught_up };
        for partition in 0..self.place.partitions {
            out.forward(Route::Partition(partition), "", &record, wall);
        }
    }

    /// Does what is due by `time`: retention, inactivity. Events do it by the greatest event time; this is for time that
    /// passes without events: live that of the watermark, offline `--until`.
    pub fn tick(&mut self, store: &dyn Store, rules: &RuleSet, time: Timestamp, out: &mut Outbox) {
        const PAGE: usize = 256;
        loop {
            let due = self.contacts(store, out).1.due(time, PAGE);
            for key in &due {
                let (cache, mut contacts) = self.contacts(store, out);
                let account = lead::split(key).and_then(|(account, _)| cache.of(rules, &account));
                if let Some(account) = account {
                    contacts.look_at(key, account, time);
                }
            }
            if due.is_empty() {
                return;
            }
        }
    }

    /// The rules cache, and the contacts as rules work on them.
    fn contacts<'t>(&'t mut self, store: &'t dyn Store, out: &'t mut Outbox) -> (&'t mut RulesCache, Contacts<'t>) {
        let contacts = Contacts {
            place: self.place,
            window: self.limits.dedup_window,
            state: State::new(store, &mut self.overlay),
            next_timer: &mut self.next_timer,
            counters: &mut self.counters,
            out,
        };
        (&mut self.rules, contacts)
    }

    fn event(&mut self, store: &dyn Store, rules: &RuleSet, input: &Input<'_>, event: &Event<'_>, out: &mut Outbox) {
        let logged = input.timestamp.unwrap_or(event.time);
        if self.reroute(input, event, logged, out) {
            return;
        }
        self.counters.events += 1;
        self.advance(store, event.time);
        // what time brings comes first: a silence ends with this event, but it was one
        if let Some(now) = self.clock().filter(|now| self.next_timer.is_due(*now)) {
            self.tick(store, rules, now, out);
        }
        self.judge(store, rules, Sent { input, event, contact: event.contact.as_deref(), logged, hops: 0 }, out);
    }

    fn judge(&mut self, store: &dyn Store, rules: &RuleSet, sent: Sent<'_>, out: &mut Outbox) {
        let Sent { input, event, contact, logged, hops } = sent;
        let (cache, mut contacts) = self.contacts(store, out);
        let Some(rules) = cache.of(rules, &event.account) else {
            contacts.counters.no_rules += 1;
            return;
        };
        let Some(version) = rules.at(event.time) else {
            contacts.counters.before_rules += 1;
            return;
        };
        let arrival = Arrival { input, event, rules, version, logged, hops };
        match contact {
            Some(contact) => {
                // most keys are that of the contact already
                let key = input
                    .key
                    .filter(|_| key_is(input.key, &event.account, contact))
                    .and_then(|key| std::str::from_utf8(key).ok());
                let key = key.map_or_else(|| Cow::Owned(keys::join(&[&event.account, contact])), Cow::Borrowed);
                contacts.event(arrival, contact, &key);
            }
            None => contacts.event_without_contact(arrival),
        }
    }

    fn advance(&mut self, store: &dyn Store, time: Timestamp) {
        if self.clock.now.is_none() {
            self.resume(store);
        }
        if let Some(clock) = &mut self.clock.now
            && Some(time) > clock.time
        {
            clock.time = Some(time);
            self.clock.changed = true;
        }
    }

    /// Sends a record whose key is not that of its contact to the partition where it belongs, if that is another one.
    fn reroute(&mut self, input: &Input<'_>, event: &Event<'_>, logged: Timestamp, out: &mut Outbox) -> bool {
        let Some(contact) = event.contact.as_deref() else { return false };
        if self.place.partitions <= 1 || key_is(input.key, &event.account, contact) {
            return false;
        }
        let key = keys::join(&[&event.account, contact]);
        if self.place.holds(&key) {
            return false;
        }
        self.counters.rerouted += 1;
        let headers: Vec<_> = input.headers.iter().map(|(name, value)| ((*name).to_owned().into(), value.to_vec())).collect();
        out.push_raw(Record {
            topic: Topic::ProductEvents,
            route: Route::Key,
            timestamp: logged,
            key: key.as_bytes(),
            value: input.value,
            headers: &headers,
        });
        true
    }

    fn command(&mut self, store: &dyn Store, rules: &RuleSet, input: &Input<'_>, command: &Event<'_>, out: &mut Outbox) {
        self.counters.commands += 1;
        if self.offline {
            // events and commands are one input there, with one time
            self.tick(store, rules, command.time, out);
        }
        let logged = input.timestamp.unwrap_or(command.time);
        let record = CommandRecord {
            account: &command.account,
            id: &command.id,
            kind: &command.kind,
            actor: command.actor.as_deref(),
            time: command.time,
            data: command.data.text(),
            digest: command.digest,
            original: input.original(logged),
        };
        out.forward(Route::Key, &command.account, &AccountRecord::Command(record), logged);
    }

    /// Takes what another partition handed over.
    fn inbox(&mut self, store: &dyn Store, rules: &RuleSet, input: &Input<'_>, out: &mut Outbox) {
        match input.value.and_then(inbox::read) {
            Some(inbox::Record::Merge(handoff)) => {
                let (cache, mut contacts) = self.contacts(store, out);
                if let Some(rules) = cache.of(rules, &handoff.account) {
                    contacts.receive(handoff, rules);
                }
            }
            Some(inbox::Record::Event { contact, hops, original }) => {
                let input = Input {
                    topic: Topic::ProductEvents,
                    partition: original.partition,
                    offset: original.offset,
                    timestamp: Some(original.timestamp),
                    key: original.key,
                    value: original.value,
                    headers: &original.headers,
                };
                if let Ok(Decoded::Event(event)) = decode(&input, &self.limits, self.offline) {
                    let sent = Sent { input: &input, event: &event, contact: Some(&contact), logged: original.timestamp, hops };
                    self.judge(store, rules, sent, out);
                }
            }
            None => self.rejected(input, "contact", &Rejection::new(Reason::NotAnEvent, "no hand-off of ours"), out),
        }
    }

    fn rejected(&mut self, input: &Input<'_>, stage: &str, rejection: &Rejection, out: &mut Outbox) {
        self.counters.reject(rejection.reason);
        let timestamp = input.timestamp.or_else(|| self.clock()).unwrap_or_default();
        dead_letter(out, &input.original(timestamp), stage, rejection.reason, &rejection.message);
    }
}

/// An event and the contact it is for.
struct Sent<'a> {
    input: &'a Input<'a>,
    event: &'a Event<'a>,
    contact: Option<&'a str>,
    logged: Timestamp,
    hops: u8,
}

/// Whether a record's key is that of the contact, without building it.
fn key_is(key: Option<&[u8]>, account: &str, contact: &str) -> bool {
    let plain = |text: &str| !text.bytes().any(|byte| matches!(byte, b'/' | b'%'));
    let rest = key.and_then(|key| key.strip_prefix(account.as_bytes())).and_then(|rest| rest.strip_prefix(b"/"));
    rest == Some(contact.as_bytes()) && plain(account) && plain(contact)
}

impl Task for ContactTask {
    fn apply(&mut self, store: &dyn Store, rules: &RuleSet, input: &Input<'_>, out: &mut Outbox) {
        if input.topic == Topic::ContactInbox {
            return self.inbox(store, rules, input, out);
        }
        match decode(input, &self.limits, self.offline) {
            Ok(Decoded::Event(event)) => self.event(store, rules, input, &event, out),
            Ok(Decoded::Command(command)) => self.command(store, rules, input, &command, out),
            Ok(Decoded::Nothing) => {}
            Err(rejection) => self.rejected(input, "decode", &rejection, out),
        }
    }

    fn reject(&mut self, input: &Input<'_>, message: &str, out: &mut Outbox) {
        self.rejected(input, "contact", &Rejection::new(Reason::RuleFailure, message), out);
    }

    fn seal(&mut self, store: &dyn Store, rules: &RuleSet, _publish: Publish, out: &mut Outbox) {
        if std::mem::take(&mut self.clock.changed)
            && let Some(clock) = self.clock.now
        {
            State::new(store, &mut self.overlay).put("", clock);
        }
        self.overlay.for_each_changed_mut(ContactRow::settle);
        let (cache, own, offline) = (&mut self.rules, self.place.own(), self.offline);
        let now = self.clock.now.and_then(|row| row.time).unwrap_or_default();
        self.overlay.encode_changes(|key, row, value| {
            let keep = |value: Option<&[u8]>, out: &mut Outbox| {
                let (topic, route, timestamp) = (Topic::ContactChangelog, own, Timestamp(0));
                out.push_raw(Record { topic, route, timestamp, key, value, headers: &[] });
            };
            let contact = std::str::from_utf8(key.get(1..).unwrap_or_default()).ok();
            let (Some(row), Some(contact)) = (row.and_then(|row| row.downcast_ref::<ContactRow>()), contact) else {
                if !offline {
                    keep(value, out);
                }
                return;
            };
            // live a row without a change of its score goes out too, for the sake of its state
            let due = row.touched.or(row.logged.filter(|_| !offline)).or((!offline).then_some(now));
            let Some(logged) = due else { return };
            let account = lead::split(contact).and_then(|(account, _)| cache.of(rules, &account));
            let published = lead::publish(contact, row, account, logged, own, value.filter(|_| !offline), out);
            if !published && row.touched.is_some() {
                out.tombstone(Topic::LeadScores, own, contact, logged);
            }
            match published {
                _ if offline => {}
                true if row.was_bare => keep(None, out),
                true => {}
                false => keep(value, out),
            }
        });
    }

    fn fault(&self) -> Option<&StoreError> {
        self.overlay.fault()
    }

    fn take_changes(&mut self) -> Changes {
        let changes = self.overlay.take_changes();
        self.rules.batch_over();
        self.committed = self.counters.clone();
        changes
    }

    fn discard(&mut self) {
        self.overlay.clear();
        self.rules.batch_over();
        self.clock = Clock::default();
        self.next_timer = Next::default();
        self.counters = self.committed.clone();
    }
}
