//! The contact stage on one partition.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use super::{Counters, Input, Limits, Publish, Task};
use crate::decode::{Decoded, Reason, Rejection, decode};
use crate::events::{AccountRecord, CommandRecord, Event, StampedEvent, Timestamp, keys};
use crate::outputs::{Outbox, Record, Route, Topic, dead_letter, partitioner};
use crate::rulebook::{AccountRules, RuleSet};
use crate::rules::contact::apply::{Applied, Subject, apply};
use crate::rules::contact::compiled::Version;
use crate::rules::contact::identity::{Identity, Seen};
use crate::rules::contact::{ContactRow, ContactRules, lead, money};
use crate::state::{Changes, Overlay, Row, State, Store, StoreError, Table};

/// Works off one partition of `product-events`, `commands` and `contact-inbox`.
pub struct ContactTask {
    partition: u32,
    partitions: u32,
    limits: Limits,
    offline: bool,
    overlay: Overlay,
    clock: Clock,
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
    /// A task of the partition; `partitions` is how many there are of each input. Offline, log time is event time, and
    /// identities are never forgotten.
    pub fn new(partition: u32, partitions: u32, limits: Limits, offline: bool) -> ContactTask {
        ContactTask {
            partition,
            partitions,
            limits,
            offline,
            overlay: Overlay::default(),
            clock: Clock::default(),
            rules: RulesCache::default(),
            counters: Counters::default(),
            committed: Counters::default(),
        }
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The greatest event time processed, as far as this task has seen.
    pub fn clock(&self) -> Option<Timestamp> {
        self.clock.now.and_then(|row| row.time)
    }

    /// Writes how far this partition has come into each partition of `account-events`: the greatest event time processed,
    /// or the wall clock if that is later and all input has been read.
    pub fn watermark(&mut self, partitions: u32, wall: Timestamp, caught_up: bool, out: &mut Outbox) {
        let time = if caught_up { self.clock().max(Some(wall)) } else { self.clock() };
        let Some(time) = time else { return };
        let record = AccountRecord::Watermark { partition: self.partition, time, caught_up };
        for partition in 0..partitions {
            out.forward(Route::Partition(partition), "", &record, wall);
        }
    }

    fn event(&mut self, store: &dyn Store, rules: &RuleSet, input: &Input<'_>, event: &Event<'_>, out: &mut Outbox) {
        let logged = input.timestamp.unwrap_or(event.time);
        if self.reroute(input, event, logged, out) {
            return;
        }
        self.counters.events += 1;
        self.advance(store, event.time);
        let Some(account) = self.rules.of(rules, &event.account) else {
            self.counters.no_rules += 1;
            return;
        };
        let Some(version) = account.at(event.time) else {
            self.counters.before_rules += 1;
            return;
        };
        let Some(contact) = event.contact.as_deref() else {
            let forget_at = (self.limits.dedup_window.0 < i64::MAX).then(|| logged.plus(self.limits.dedup_window));
            let record = Stamp { input, event, version, contact: None, logged, first: false, forget_at };
            record.forward(&Applied::default(), &mut self.counters, out);
            return;
        };
        let key = keys::join(&[&event.account, contact]);
        let mut state = State::new(store, &mut self.overlay);
        let now = if self.offline { event.time } else { logged };
        let window = self.limits.dedup_window;
        let identity = Identity::of(event);
        let row = state.entry::<ContactRow>(&key, ContactRow::default);
        match identity.seen(&row.identities, window, now) {
            Seen::New => {}
            Seen::Same => {
                self.counters.deduplicated += 1;
                return;
            }
            Seen::Other => {
                self.counters.reject(Reason::ConflictingDuplicate);
                let message = format!("event {:?} of {:?} was seen with other content", event.id, event.source);
                dead_letter(out, &input.original(logged), "contact", Reason::ConflictingDuplicate, &message);
                return;
            }
        }
        identity.remember(&mut row.identities, window, now);
        let first = row.last_seen.is_none();
        row.last_seen = row.last_seen.max(Some(event.time));
        let subject = Subject { event, contact, logged, own: Route::Partition(self.partition) };
        let of_type = version.of_type(&event.kind).filter(|_| version.rules.modules.engagement);
        let mut applied = of_type.map_or_else(Applied::default, |of_type| apply(row, version, of_type, subject, out));
        for (number, chunk) in applied.chunks.drain(..) {
            state.put(&format!("{key}/{number}"), chunk);
        }
        let stamp = Stamp { input, event, version, contact: Some(contact), logged, first, forget_at: None };
        stamp.forward(&applied, &mut self.counters, out);
    }

    fn advance(&mut self, store: &dyn Store, time: Timestamp) {
        let clock = self
            .clock
            .now
            .get_or_insert_with(|| State::new(store, &mut self.overlay).get::<ClockRow>("").copied().unwrap_or_default());
        if Some(time) > clock.time {
            clock.time = Some(time);
            self.clock.changed = true;
        }
    }

    /// Sends a record whose key is not that of its contact to the partition where it belongs, if that is another one.
    fn reroute(&mut self, input: &Input<'_>, event: &Event<'_>, logged: Timestamp, out: &mut Outbox) -> bool {
        let Some(contact) = event.contact.as_deref() else { return false };
        if self.offline || self.partitions <= 1 || key_is(input.key, &event.account, contact) {
            return false;
        }
        let key = keys::join(&[&event.account, contact]);
        if partitioner::partition(key.as_bytes(), self.partitions) == self.partition {
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

    fn command(&mut self, input: &Input<'_>, command: &Event<'_>, out: &mut Outbox) {
        self.counters.commands += 1;
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

    fn rejected(&mut self, input: &Input<'_>, stage: &str, rejection: &Rejection, out: &mut Outbox) {
        self.counters.reject(rejection.reason);
        let timestamp = input.timestamp.or_else(|| self.clock()).unwrap_or_default();
        dead_letter(out, &input.original(timestamp), stage, rejection.reason, &rejection.message);
    }
}

/// Whether a record's key is that of the contact, without building it.
fn key_is(key: Option<&[u8]>, account: &str, contact: &str) -> bool {
    let plain = |text: &str| !text.bytes().any(|byte| matches!(byte, b'/' | b'%'));
    let rest = key.and_then(|key| key.strip_prefix(account.as_bytes())).and_then(|rest| rest.strip_prefix(b"/"));
    rest == Some(contact.as_bytes()) && plain(account) && plain(contact)
}

impl Task for ContactTask {
    fn apply(&mut self, store: &dyn Store, rules: &RuleSet, input: &Input<'_>, out: &mut Outbox) {
        match decode(input, &self.limits, self.offline) {
            Ok(Decoded::Event(event)) => self.event(store, rules, input, &event, out),
            Ok(Decoded::Command(command)) => self.command(input, &command, out),
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
        let mut touched: Vec<(String, Timestamp)> = Vec::new();
        self.overlay.for_each_changed::<ContactRow>(|key, row| {
            if let Some(logged) = row.touched {
                touched.push((key.to_owned(), logged));
            }
        });
        touched.sort_unstable();
        let mut state = State::new(store, &mut self.overlay);
        for (key, logged) in touched {
            let account = lead::split(&key).and_then(|(account, _)| self.rules.of(rules, &account));
            if let Some(row) = state.get::<ContactRow>(&key) {
                lead::publish(&key, row, account, logged, out);
            }
        }
        for (key, value) in self.overlay.changes() {
            out.push_raw(Record {
                topic: Topic::ContactChangelog,
                route: Route::Partition(self.partition),
                timestamp: Timestamp(0),
                key: &key,
                value: value.as_deref(),
                headers: &[],
            });
        }
    }

    fn fault(&self) -> Option<&StoreError> {
        self.overlay.fault()
    }

    fn take_changes(&mut self) -> Changes {
        let changes = self.overlay.changes();
        self.overlay.clear();
        self.rules.batch_over();
        self.committed = self.counters.clone();
        changes
    }

    fn discard(&mut self) {
        self.overlay.clear();
        self.rules.batch_over();
        self.clock = Clock::default();
        self.counters = self.committed.clone();
    }
}

/// What is forwarded of an event.
struct Stamp<'s, 'a> {
    input: &'s Input<'a>,
    event: &'s Event<'a>,
    version: &'s Version,
    contact: Option<&'s str>,
    logged: Timestamp,
    first: bool,
    /// When its identity can be forgotten; `None`: never.
    forget_at: Option<Timestamp>,
}

impl Stamp<'_, '_> {
    fn forward(&self, applied: &Applied, counters: &mut Counters, out: &mut Outbox) {
        let Stamp { input, event, version, contact, logged, first, forget_at } = *self;
        let interest = version.interest(&event.kind);
        let no_money = version.of_type(&event.kind).is_some_and(|of_type| {
            let context = crate::rulebook::EventContext {
                kind: &event.kind,
                source: &event.source,
                id: &event.id,
                time: event.time,
                account: &event.account,
                contact,
                actor: event.actor.as_deref(),
                data: &event.data,
            };
            let checked = money::check(&of_type.takers, &version.rules, &context);
            if let Err(rejection) = &checked {
                counters.reject(rejection.reason);
                dead_letter(out, &input.original(logged), "contact", rejection.reason, &rejection.message);
            }
            checked.is_err()
        });
        let actor = event.actor.as_deref();
        let new = first && interest.first;
        let wanted = interest.always
            || new
            || contact.is_none()
            || applied.announce
            || actor.is_some() && (applied.rewards || interest.actors);
        if !wanted {
            return;
        }
        let record = StampedEvent {
            account: &event.account,
            contact,
            actor,
            source: &event.source,
            id: &event.id,
            kind: &event.kind,
            time: event.time,
            version: version.rules.version,
            scored: applied.scored.clone(),
            first,
            no_money,
            data: if interest.data || new || contact.is_none() { event.data.text() } else { "" },
            original: (interest.original || contact.is_none()).then(|| input.original(logged)),
            digest: event.digest,
            forget_at,
        };
        out.forward(Route::Key, &event.account, &AccountRecord::Event(record), logged);
    }
}

/// The rules of each account in the form of this stage, kept between batches while they stay the same.
#[derive(Default)]
struct RulesCache {
    /// As of this batch.
    accounts: HashMap<String, Option<Arc<ContactRules>>, FixedState>,
    /// Every form made, with what it was made from. Several accounts can share one, those of `*`.
    made: Vec<(Arc<AccountRules>, Arc<ContactRules>)>,
}

impl RulesCache {
    fn of(&mut self, rules: &RuleSet, account: &str) -> Option<&ContactRules> {
        if !self.accounts.contains_key(account) {
            let found = rules.account(account).map(|found| self.make(found));
            self.accounts.insert(account.to_owned(), found);
        }
        self.accounts.get(account).and_then(Option::as_deref)
    }

    fn make(&mut self, from: &Arc<AccountRules>) -> Arc<ContactRules> {
        match self.made.iter().find(|(source, _)| Arc::ptr_eq(source, from)) {
            Some((_, made)) => made.clone(),
            None => {
                let made = Arc::new(ContactRules::new(from));
                self.made.push((from.clone(), made.clone()));
                made
            }
        }
    }

    /// Rules change between batches.
    fn batch_over(&mut self) {
        self.accounts.clear();
    }
}
