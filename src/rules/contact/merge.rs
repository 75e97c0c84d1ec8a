//! Merges: the ledgers of two contacts are joined under the one that stays; the other leaves tombstones and a redirect.
//!
//! Both contacts may live in different partitions. So the one that ends gives its state away as a [`Handoff`], which is
//! joined here or sent to where the other lives. If that one was merged away meanwhile, the hand-off follows its redirect; if
//! it so comes back to where it started, which takes merges that cross each other, the contact gets it back.

use std::collections::BTreeMap;

use super::apply::Applied;
use super::compiled::ContactRules;
use super::contacts::{Arrival, Contacts};
use super::inbox::{self, Handoff};
use super::row::{Bytes, ContactRow, Entry, Mark, name_hash};
use super::segments::{self, At};
use super::{dedup, history, identity};
use crate::decode::Reason;
use crate::events::{Data, Event, Timestamp, keys};
use crate::outputs::Outcome;
use crate::rulebook::values::Policy;

/// Entries of a hand-off that go in one record: some tens of kilobytes.
const PART: usize = 1000;

impl Contacts<'_> {
    /// `contact.merged`, in the partition of the contact that ends. Merging into itself, or in a circle, changes nothing.
    pub fn merge(&mut self, arrival: Arrival<'_>, ends: &str, key: &str) {
        let Arrival { event, rules, logged, .. } = arrival;
        let Some(into) = event.data.text_at("into").filter(|into| !into.is_empty()) else {
            return self.reject(arrival, Reason::MissingAttribute, "data.into is missing");
        };
        let into = self.end_of_redirects(&event.account, &into);
        let absorbed = self.state.get::<ContactRow>(key).and_then(|row| row.rare.as_ref()).map_or(&[][..], |rare| &rare.absorbed);
        if into == ends || absorbed.contains(&name_hash(&into)) {
            return;
        }
        let data = serde_json::json!({ "into": into }).to_string();
        let resolved = Event { data: Data::new(data), ..event.clone() };
        self.forward(Arrival { event: &resolved, ..arrival }, Some(ends), false, Applied::default());

        let entries = history::load(&mut self.state, key);
        let identities = self.take_identities(key);
        let row = self.state.entry::<ContactRow>(key, ContactRow::default);
        let rare = row.rare.as_deref().cloned().unwrap_or_default();
        let handoff = Handoff {
            account: event.account.clone().into_owned(),
            ends: ends.to_owned(),
            into,
            time: event.time,
            logged,
            entries,
            identities,
            marks: row.marks.clone(),
            carried: rare.carried,
            absorbed: rare.absorbed,
            last_seen: row.last_seen,
            hops: 0,
        };
        self.withdraw_all(key, rules, At { account: &event.account, contact: ends, time: event.time, logged });
        let row = self.state.entry::<ContactRow>(key, ContactRow::default);
        row.rare().redirect = Some(handoff.into.clone());
        self.hand_over(handoff, rules);
    }

    /// The contact that stays of those known here.
    fn end_of_redirects(&mut self, account: &str, contact: &str) -> String {
        let mut contact = contact.to_owned();
        for _ in 0..32 {
            match self.state.get::<ContactRow>(&keys::join(&[account, &contact])).and_then(ContactRow::redirect) {
                Some(next) => contact = next.to_owned(),
                None => break,
            }
        }
        contact
    }

    /// Takes a hand-off to the contact that stays, here or elsewhere.
    fn hand_over(&mut self, handoff: Handoff, rules: &ContactRules) {
        let key = keys::join(&[&handoff.account, &handoff.into]);
        if self.place.holds(&key) {
            return self.receive(handoff, rules);
        }
        let logged = handoff.logged;
        for part in parts(handoff) {
            inbox::send(&inbox::Record::Merge(part), &key, logged, self.out);
        }
    }

    /// Takes a hand-off that has come to the partition of the contact it is for.
    pub fn receive(&mut self, mut handoff: Handoff, rules: &ContactRules) {
        let key = keys::join(&[&handoff.account, &handoff.into]);
        let redirect = self.state.get::<ContactRow>(&key).and_then(ContactRow::redirect).map(str::to_owned);
        match redirect {
            Some(_) if handoff.into == handoff.ends => {
                self.state.entry::<ContactRow>(&key, ContactRow::default).rare().redirect = None;
            }
            // two merges that cross each other: both sides see that the first by name is the one that stays. (If each got its
            // own back, an event on its way could come to one while its identities are with the other.)
            Some(next) if next == handoff.ends && handoff.into < handoff.ends => {
                self.state.entry::<ContactRow>(&key, ContactRow::default).rare().redirect = None;
            }
            Some(next) if handoff.hops < 32 => {
                handoff.into = next;
                handoff.hops += 1;
                return self.hand_over(handoff, rules);
            }
            _ => {}
        }
        self.join(handoff, &key, rules);
    }

    fn join(&mut self, handoff: Handoff, key: &str, rules: &ContactRules) {
        let own = self.place.own();
        let Handoff { account, ends, into, time, logged, .. } = &handoff;
        let (time, logged) = (*time, *logged);
        self.join_identities(key, &handoff.identities);
        let row = self.state.entry::<ContactRow>(key, ContactRow::default);
        row.last_seen = row.last_seen.max(handoff.last_seen);
        let had_lead = row.has_lead();
        if ends != into {
            let absorbed = &mut row.rare().absorbed;
            absorbed.extend(handoff.absorbed.iter().copied().chain([name_hash(ends)]));
            absorbed.sort_unstable();
            absorbed.dedup();
        }
        let known: Vec<Mark> = row.marks.iter().chain(&handoff.marks).copied().collect();
        for sum in &handoff.carried {
            row.carry(&sum.group, sum.points, sum.time);
        }
        let published =
            row.rare.as_ref().filter(|_| !handoff.carried.is_empty()).map_or_else(Vec::new, |rare| rare.carried.clone());
        let touches = !handoff.entries.0.is_empty() || !handoff.carried.is_empty();

        let kept_bytes = history::load(&mut self.state, key);
        let kept = Entry::decode_all(&kept_bytes);
        let mut moved = Entry::decode_all(&handoff.entries);
        moved.retain(|entry| !kept.iter().any(|other| other.same_key(entry)));
        let before = kept.len();
        let mut entries = kept;
        entries.extend(moved);
        let old: Vec<Outcome> = entries.iter().map(|entry| entry.outcome).collect();
        let marks = judge_once_again(&mut entries, known, rules);

        for (i, entry) in entries.iter().enumerate() {
            let changed = i >= before || entry.outcome != old[i];
            if let (true, Some((_, catalog))) = (changed, history::judged(entry, rules)) {
                history::publish(account, into, entry, catalog, own, logged, self.out);
            }
        }
        for sum in &published {
            sum.publish(account, into, own, logged, self.out);
        }
        if touches {
            history::replace(&mut self.state, key, &entries, rules);
        }
        let version = rules.at(time);
        let row = self.state.entry::<ContactRow>(key, ContactRow::default);
        row.marks = marks;
        row.revision = row.revision.wrapping_add(1);
        if let Some(version) = version {
            if touches {
                row.version = version.rules.version;
                row.touched = Some(logged);
                segments::update(row, version, At { account, contact: into, time, logged }, self.out);
            }
            if version.keeps_time && (had_lead || touches) {
                let oldest: Option<Timestamp> = entries.iter().map(|entry| entry.time).min();
                self.arm(version, key, oldest);
            }
        }
    }
}

/// Applies `once` to the joined history by event time: of those that it counts once, the earliest counts. Returns the marks;
/// those of cooldowns, whose outcomes are left as they are, are simply joined.
fn judge_once_again(entries: &mut [Entry<'_>], mut marks: Vec<Mark>, rules: &ContactRules) -> Vec<Mark> {
    let mut once: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (i, entry) in entries.iter().enumerate() {
        if let Some((known, catalog)) = rules.entry(entry.version, entry.key)
            && catalog.dedup.policy == Policy::Once
        {
            once.entry(dedup::mark_id(known.key, entry.per)).or_default().push(i);
        }
    }
    for (id, places) in &once {
        // a mark without its entry: the one that counted was removed by retention, so it is the earliest
        let removed = marks.iter().any(|mark| mark.id == *id && !places.iter().any(|&i| entries[i].time == mark.time));
        let earliest = places.iter().copied().min_by_key(|&i| (entries[i].time, entries[i].source, entries[i].id));
        let winner = earliest.filter(|_| !removed);
        for &i in places {
            let entry = &mut entries[i];
            let weighs = rules.entry(entry.version, entry.key).is_some_and(|(_, catalog)| catalog.points != 0);
            entry.outcome = match (winner == Some(i), weighs) {
                (true, true) => Outcome::Counted,
                (true, false) => Outcome::Recorded,
                (false, _) => Outcome::Repeated,
            };
        }
        if let Some(winner) = winner {
            marks.retain(|mark| mark.id != *id);
            marks.push(Mark { id: *id, time: entries[winner].time });
        }
    }
    marks.sort_unstable();
    marks.dedup();
    marks
}

/// A hand-off in records of bounded size: the first has everything but further entries and identities.
fn parts(mut handoff: Handoff) -> Vec<Handoff> {
    let (bytes, identities) = (std::mem::take(&mut handoff.entries), std::mem::take(&mut handoff.identities));
    let entries = Entry::decode_all(&bytes);
    let mut entries = entries.chunks(PART).map(Entry::encode_all);
    let mut identities = identities.0.chunks(PART * identity::SIZE).map(|part| Bytes(part.to_vec()));
    let rest = Handoff { marks: Vec::new(), carried: Vec::new(), absorbed: Vec::new(), ..handoff.clone() };
    let mut parts = Vec::new();
    loop {
        let (entries, identities) = (entries.next(), identities.next());
        if parts.is_empty() {
            parts.push(handoff.clone());
        } else if entries.is_some() || identities.is_some() {
            parts.push(rest.clone());
        } else {
            return parts;
        }
        if let Some(part) = parts.last_mut() {
            part.entries = entries.unwrap_or_default();
            part.identities = identities.unwrap_or_default();
        }
    }
}
