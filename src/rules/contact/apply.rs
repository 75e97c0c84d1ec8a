//! The catalog's judgement of an event: outcomes, points, timeline entries, segments.

use super::compiled::{TypeRules, Version};
use super::dedup;
use super::row::{ContactRow, Entry, TimelineChunk};
use super::segments::{self, At};
use crate::events::{Event, Timestamp};
use crate::outputs::{EventRef, Outbox, Outcome, Output, Route, TimelineEntry};
use crate::rulebook::EventContext;

/// An event and where it stands.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub event: &'a Event<'a>,
    /// The contact it is for: that of the event, or the one that stays of a merge.
    pub contact: &'a str,
    /// The log's timestamp of the record.
    pub logged: Timestamp,
    /// The partition that the timeline goes to.
    pub own: Route,
}

impl<'a> Subject<'a> {
    /// What a condition can name.
    pub fn context(&self) -> EventContext<'a> {
        EventContext {
            kind: &self.event.kind,
            source: &self.event.source,
            id: &self.event.id,
            time: self.event.time,
            account: &self.event.account,
            contact: Some(self.contact),
            actor: self.event.actor.as_deref(),
            data: &self.event.data,
        }
    }

    pub fn at(&self) -> At<'a> {
        At { account: &self.event.account, contact: self.contact, time: self.event.time, logged: self.logged }
    }
}

/// What an event did to its contact.
#[derive(Debug, Default)]
pub struct Applied {
    /// Positions of the catalog entries that counted it or recorded it.
    pub scored: Vec<u16>,
    /// One of them gives something to the actor.
    pub rewards: bool,
    /// One of them is announced.
    pub announce: bool,
    /// Timeline chunks that it filled, with their numbers.
    pub chunks: Vec<(u32, TimelineChunk)>,
}

/// Judges an event, known to be new, by every catalog entry that matches it.
pub fn apply(row: &mut ContactRow, version: &Version, of_type: &TypeRules, subject: Subject<'_>, out: &mut Outbox) -> Applied {
    let (mut applied, mut judged) = (Applied::default(), false);
    let Subject { event, contact, logged, own } = subject;
    for entry in &of_type.entries {
        let catalog = &version.rules.catalog[usize::from(entry.position)];
        let when = catalog.matches.as_ref().and_then(|matches| matches.when.as_ref());
        if when.is_some_and(|when| !when.holds_for_event(&subject.context())) {
            continue;
        }
        let per = dedup::per_value(&catalog.dedup, &event.data);
        let first = if catalog.points == 0 { Outcome::Recorded } else { Outcome::Counted };
        let mark = dedup::mark_id(entry.key, per);
        let outcome = dedup::judge(catalog.dedup.policy, mark, event.time, version.rules.lateness, first, &mut row.marks);
        let points = if outcome == Outcome::Counted { catalog.points } else { 0 };
        if outcome == first {
            row.add_points(entry.group, points);
            applied.scored.push(entry.position);
            applied.rewards |= entry.rewards;
            applied.announce |= catalog.announce;
        }
        let kept = Entry {
            source: &event.source,
            id: &event.id,
            actor: event.actor.as_deref(),
            time: event.time,
            version: version.rules.version,
            key: entry.key as u32,
            outcome,
            per,
        };
        applied.chunks.extend(row.append(&kept));
        row.version = version.rules.version;
        row.touched = Some(logged);
        judged = true;
        let output = TimelineEntry {
            account: &event.account,
            contact,
            event: EventRef { id: &event.id, source: &event.source, kind: &event.kind },
            key: &catalog.key,
            name: catalog.name.as_deref().unwrap_or(&catalog.key),
            group: catalog.group.as_deref(),
            points,
            outcome,
            actor: event.actor.as_deref(),
            time: event.time,
        };
        out.push_to(own, &Output::Timeline(output), logged);
    }
    if judged {
        segments::update(row, version, subject.at(), out);
    }
    applied
}
