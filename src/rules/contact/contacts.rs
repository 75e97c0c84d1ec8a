//! The contacts of a partition, while one record is worked off: from an event's identity to what it changes.

use super::apply::{Applied, Subject, apply};
use super::compiled::{ContactRules, Version};
use super::identity::{Identity, Seen};
use super::row::ContactRow;
use super::stamp::Stamp;
use super::{identity, inbox, timers};
use crate::decode::Reason;
use crate::engine::{Counters, Input};
use crate::events::{Duration, Event, Timestamp, keys};
use crate::outputs::{Outbox, Route, dead_letter};
use crate::state::State;

/// What the rules of this stage work on.
pub struct Contacts<'t> {
    pub place: Place,
    /// How long identities are remembered.
    pub window: Duration,
    pub state: State<'t>,
    /// When the next contact is to be looked at, as far as that is known.
    pub next_timer: &'t mut timers::Next,
    pub counters: &'t mut Counters,
    pub out: &'t mut Outbox,
}

/// Which partition this is, of how many.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub partition: u32,
    pub partitions: u32,
}

impl Place {
    pub fn own(&self) -> Route {
        Route::Partition(self.partition)
    }

    /// Whether the contact of a row key lives here.
    pub fn holds(&self, key: &str) -> bool {
        self.partitions <= 1 || crate::outputs::partitioner::partition(key.as_bytes(), self.partitions) == self.partition
    }
}

/// A record with an event in it, and the rules that judge it.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    pub input: &'a Input<'a>,
    pub event: &'a Event<'a>,
    pub rules: &'a ContactRules,
    pub version: &'a Version,
    /// The log's timestamp of the record; offline, the event's time.
    pub logged: Timestamp,
    /// How often it was sent on to the contact that stays of a merge.
    pub hops: u8,
}

/// How often an event is sent on at most: more than any chain of merges that people make.
const MAX_HOPS: u8 = 32;

impl Contacts<'_> {
    /// Takes an event of a contact, whose row has this key.
    pub fn event(&mut self, arrival: Arrival<'_>, contact: &str, key: &str) {
        let Arrival { event, logged, .. } = arrival;
        let identity = Identity::of(event);
        if let Some(row) = self.state.get::<ContactRow>(key) {
            if let Some(into) = row.redirect() {
                let into = into.to_owned();
                return self.redirect(arrival, &into);
            }
            let spilled = row.spilled;
            let mut seen = identity.among(&row.identities, identity::oldest(self.window, logged));
            if seen == Seen::New && spilled.count > 0 {
                seen = self.seen_before(key, spilled, identity, logged);
            }
            match seen {
                Seen::New => {}
                Seen::Same => {
                    self.counters.deduplicated += 1;
                    return;
                }
                Seen::Other => {
                    let message = format!("event {:?} of {:?} was seen with other content", event.id, event.source);
                    return self.reject(arrival, Reason::ConflictingDuplicate, &message);
                }
            }
        }
        self.remember(key, identity, logged, arrival.hops > 0);
        match &*event.kind {
            "contact.erased" => self.erase(arrival, contact, key),
            "contact.merged" => self.merge(arrival, contact, key),
            _ => self.judge(arrival, contact, key),
        }
    }

    fn judge(&mut self, arrival: Arrival<'_>, contact: &str, key: &str) {
        let Arrival { event, version, logged, .. } = arrival;
        let row = self.state.entry::<ContactRow>(key, ContactRow::default);
        let first = row.last_seen.is_none();
        row.saw(event.time);
        let mut applied = Applied::default();
        let matching = version.of_type(&event.kind).filter(|of_type| !of_type.entries.is_empty());
        if let Some(of_type) = matching.filter(|_| version.rules.modules.engagement) {
            let subject = Subject { event, contact, logged, own: self.place.own() };
            applied = apply(row, version, of_type, subject, self.out);
            for (number, chunk) in applied.chunks.drain(..) {
                self.state.put(&format!("{key}/{number}"), chunk);
            }
        }
        if version.keeps_time {
            self.arm(version, key, Some(event.time));
        }
        self.forward(arrival, Some(contact), first, applied);
    }

    /// An event without contact is judged by the account stage alone.
    pub fn event_without_contact(&mut self, arrival: Arrival<'_>) {
        self.forward(arrival, None, false, Applied::default());
    }

    /// Sends what the account stage needs of an event, and checks the money in it.
    pub fn forward(&mut self, arrival: Arrival<'_>, contact: Option<&str>, first: bool, applied: Applied) {
        let Arrival { input, event, version, logged, .. } = arrival;
        let forgets = contact.is_none() && self.window.0 < i64::MAX;
        let forget_at = forgets.then(|| logged.plus(self.window));
        let stamp = Stamp { input, event, version, contact, logged, first, forget_at };
        // without a contact the account stage rejects it: only there it is known to be new
        if let Err(rejection) = stamp.forward(applied, self.out)
            && contact.is_some()
        {
            self.reject(arrival, rejection.reason, &rejection.message);
        }
    }

    /// Takes an event for a merged contact to the one that stays.
    fn redirect(&mut self, arrival: Arrival<'_>, into: &str) {
        self.counters.redirected += 1;
        let Arrival { input, event, logged, hops, .. } = arrival;
        if event.kind == "contact.merged" {
            return; // it was merged before
        }
        if hops >= MAX_HOPS {
            return self.reject(arrival, Reason::RuleFailure, "the merges of this contact have no end");
        }
        let key = keys::join(&[&event.account, into]);
        if self.place.holds(&key) {
            return self.event(Arrival { hops: hops + 1, ..arrival }, into, &key);
        }
        let original = input.original(logged);
        let record = inbox::Record::Event { contact: into.to_owned(), hops: hops + 1, original };
        inbox::send(&record, &key, logged, self.out);
    }

    pub fn reject(&mut self, arrival: Arrival<'_>, reason: Reason, message: &str) {
        self.counters.reject(reason);
        dead_letter(self.out, &arrival.input.original(arrival.logged), "contact", reason, message);
    }
}
