//! An event on its way to the account stage, with what this stage found out about it.

use super::apply::Applied;
use super::compiled::Version;
use super::money;
use crate::decode::Rejection;
use crate::engine::Input;
use crate::events::{AccountRecord, Event, StampedEvent, Timestamp};
use crate::outputs::{Outbox, Route};
use crate::rulebook::EventContext;

pub struct Stamp<'s, 'a> {
    pub input: &'s Input<'a>,
    pub event: &'s Event<'a>,
    pub version: &'s Version,
    /// The contact it was applied to.
    pub contact: Option<&'s str>,
    pub logged: Timestamp,
    /// It is the contact's first.
    pub first: bool,
    /// Of an event without contact: when its identity can be forgotten; `None`: never.
    pub forget_at: Option<Timestamp>,
}

impl Stamp<'_, '_> {
    /// Sends the event on if it decides something there. Money that cannot be used is the error: the event goes on without.
    pub fn forward(&self, applied: Applied, out: &mut Outbox) -> Result<(), Rejection> {
        let Stamp { event, version, contact, logged, first, forget_at, .. } = *self;
        let (takers, interest) = version.wants(&event.kind);
        let money = if takers.is_empty() { Ok(()) } else { money::check(takers, &version.rules, &self.context()) };
        let new = first && interest.first;
        let actor = event.actor.as_deref();
        let by_actor = actor.is_some() && (applied.rewards || interest.actors);
        if !(interest.always || new || by_actor || applied.announce || contact.is_none()) {
            return money;
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
            scored: applied.scored,
            first,
            no_money: money.is_err(),
            data: if interest.data || new || contact.is_none() { event.data.text() } else { "" },
            original: (interest.original || contact.is_none()).then(|| self.input.original(logged)),
            digest: event.digest,
            forget_at,
        };
        out.forward(Route::Key, &event.account, &AccountRecord::Event(record), logged);
        money
    }

    fn context(&self) -> EventContext<'_> {
        EventContext {
            kind: &self.event.kind,
            source: &self.event.source,
            id: &self.event.id,
            time: self.event.time,
            account: &self.event.account,
            contact: self.contact,
            actor: self.event.actor.as_deref(),
            data: &self.event.data,
        }
    }
}
