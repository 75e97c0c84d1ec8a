//! Erasure: a contact's score, timeline and segments go, with tombstones; identities of events stay known, and the contact
//! starts anew with its next event.

use super::contacts::{Arrival, Contacts};
use super::history;
use super::row::{ContactRow, Entry, Rare};
use super::segments::{self, At};
use crate::events::{Timestamp, keys};
use crate::outputs::Topic;
use crate::rules::contact::ContactRules;

impl Contacts<'_> {
    /// `contact.erased`. Ownership is the account stage's.
    pub fn erase(&mut self, arrival: Arrival<'_>, contact: &str, key: &str) {
        let Arrival { event, rules, logged, .. } = arrival;
        let at = At { account: &event.account, contact, time: event.time, logged };
        self.withdraw_all(key, rules, at);
        self.forward(arrival, Some(contact), false, super::apply::Applied::default());
    }

    /// Deletes all that is published of a contact, and what its state knows but for identities and merges.
    pub fn withdraw_all(&mut self, key: &str, rules: &ContactRules, at: At<'_>) {
        let own = self.place.own();
        let bytes = history::load(&mut self.state, key);
        for entry in Entry::decode_all(&bytes) {
            history::withdraw(at.account, at.contact, &entry, rules, own, at.logged, self.out);
        }
        history::clear(&mut self.state, key);
        let row = self.state.entry::<ContactRow>(key, ContactRow::default);
        segments::leave_all(row, at, self.out);
        let rare = row.rare.as_deref().cloned().unwrap_or_default();
        for sum in &rare.carried {
            let key = keys::join(&[at.account, at.contact, "carried", &sum.group]);
            self.out.tombstone(Topic::Timeline, own, &key, at.logged);
        }
        let touched: Option<Timestamp> = if row.has_lead() { Some(at.logged) } else { row.touched };
        let kept = Rare { redirect: rare.redirect, absorbed: rare.absorbed, timer: rare.timer, ..Rare::default() };
        *row = ContactRow {
            revision: row.revision,
            bare: row.bare,
            logged: row.logged,
            identities: std::mem::take(&mut row.identities),
            spilled: row.spilled,
            rare: (kept != Rare::default()).then(|| Box::new(kept)),
            version: row.version,
            touched,
            ..ContactRow::default()
        };
    }
}
