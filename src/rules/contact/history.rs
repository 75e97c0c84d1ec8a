//! A contact's whole timeline in memory, for the few rules that need it: merges, erasure, retention.

use super::compiled::{ContactRules, EntryRules};
use super::row::{Bytes, CHUNK, ContactRow, Entry, TimelineChunk};
use crate::events::{Timestamp, keys};
use crate::outputs::{EventRef, Outbox, Outcome, Output, Route, TimelineEntry, Topic};
use crate::rulebook::CatalogEntry;
use crate::state::State;

/// The bytes of all entries of a contact, in the order in which they came.
pub fn load(state: &mut State<'_>, key: &str) -> Bytes {
    let Some(row) = state.get::<ContactRow>(key) else { return Bytes::default() };
    let (chunks, tail) = (row.chunks, row.tail.clone());
    let mut all = Bytes::default();
    for number in 0..chunks {
        if let Some(chunk) = state.get::<TimelineChunk>(&format!("{key}/{number}")) {
            all.0.extend_from_slice(&chunk.0.0);
        }
    }
    all.0.extend_from_slice(&tail.0);
    all
}

/// Takes all entries away from a contact.
pub fn clear(state: &mut State<'_>, key: &str) {
    let row = state.entry::<ContactRow>(key, ContactRow::default);
    let chunks = std::mem::take(&mut row.chunks);
    row.tail = Bytes::default();
    row.tail_len = 0;
    for number in 0..chunks {
        state.delete::<TimelineChunk>(&format!("{key}/{number}"));
    }
}

/// Makes these the entries of a contact, and its score their sum with what retention carried.
pub fn replace(state: &mut State<'_>, key: &str, entries: &[Entry<'_>], rules: &ContactRules) {
    clear(state, key);
    for (number, full) in entries.chunks_exact(CHUNK).enumerate() {
        state.put(&format!("{key}/{number}"), TimelineChunk(Entry::encode_all(full)));
    }
    let rest = entries.chunks_exact(CHUNK).remainder();
    let row = state.entry::<ContactRow>(key, ContactRow::default);
    row.chunks = (entries.len() / CHUNK) as u32;
    row.tail = Entry::encode_all(rest);
    row.tail_len = rest.len() as u8;
    row.score = 0;
    row.groups.clear();
    for entry in entries {
        if let Some((known, catalog)) = rules.entry(entry.version, entry.key) {
            row.add_points(known.group, points(entry, catalog));
        }
    }
    let carried = row.rare.as_ref().map_or_else(Vec::new, |rare| rare.carried.clone());
    for sum in &carried {
        row.add_points(super::row::group_hash(&sum.group), sum.points);
    }
    row.events = (entries.len() + carried.len()) as u64;
    row.last_event_at = entries.iter().map(|entry| entry.time).chain(carried.iter().map(|sum| sum.time)).max();
}

/// What an entry adds to the score.
pub fn points(entry: &Entry<'_>, catalog: &CatalogEntry) -> i64 {
    if entry.outcome == Outcome::Counted { catalog.points } else { 0 }
}

/// Publishes an entry under the key of a contact.
pub fn publish(
    account: &str,
    contact: &str,
    entry: &Entry<'_>,
    catalog: &CatalogEntry,
    own: Route,
    logged: Timestamp,
    out: &mut Outbox,
) {
    let output = TimelineEntry {
        account,
        contact,
        event: EventRef { id: entry.id, source: entry.source, kind: catalog.event_type() },
        key: &catalog.key,
        name: catalog.name.as_deref().unwrap_or(&catalog.key),
        group: catalog.group.as_deref(),
        points: points(entry, catalog),
        outcome: entry.outcome,
        actor: entry.actor,
        time: entry.time,
    };
    out.push_to(own, &Output::Timeline(output), logged);
}

/// Deletes an entry under the key of a contact.
pub fn withdraw(
    account: &str,
    contact: &str,
    entry: &Entry<'_>,
    rules: &ContactRules,
    own: Route,
    logged: Timestamp,
    out: &mut Outbox,
) {
    if let Some((_, catalog)) = rules.entry(entry.version, entry.key) {
        let key = keys::join(&[account, contact, entry.source, entry.id, &catalog.key]);
        out.tombstone(Topic::Timeline, own, &key, logged);
    }
}

/// The catalog's view of an entry.
pub fn judged<'r>(entry: &Entry<'_>, rules: &'r ContactRules) -> Option<(&'r EntryRules, &'r CatalogEntry)> {
    rules.entry(entry.version, entry.key)
}
