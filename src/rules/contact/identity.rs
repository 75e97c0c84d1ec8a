//! Identity: an event is its source and id, for each contact. The same again changes nothing; the same with other content is
//! a conflict, in which the first one stands.
//!
//! The newest identities of a contact stand in its row. When they are many they move into buckets, rows of their own by hash,
//! so that an event's cost does not grow with what its contact has seen.

use serde::{Deserialize, Serialize};

use super::contacts::Contacts;
use super::row::{Bytes, ContactRow};
use crate::decode::digest;
use crate::events::{Duration, Event, Timestamp};
use crate::state::{Row, State, Table};

/// Hash of source and id, half of the content's hash, log time in seconds: 16 bytes each, one after the other.
pub const SIZE: usize = 16;

/// How many stand in the contact's row, and on average in a full bucket.
const FEW: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Not within the window.
    New,
    Same,
    /// With other content.
    Other,
}

/// Identities that left the contact's row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spilled {
    /// How many were put into the buckets since these were made, forgotten ones among them.
    pub count: u32,
    /// There are two to the power of this many buckets.
    pub bits: u8,
}

/// `account/contact/bits/bucket` → identities by the lowest bits of their hash.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bucket(Bytes);

impl Row for Bucket {
    const TABLE: Table = Table::Identities;
}

/// The identity of an event among those of its contact.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    name: u64,
    content: u32,
}

impl Identity {
    pub fn of(event: &Event<'_>) -> Identity {
        let name = digest::mix(digest::bytes(0, event.source.as_bytes()), digest::bytes(0, event.id.as_bytes()));
        Identity { name, content: (event.digest >> 32) as u32 }
    }

    /// Whether it is among some identities.
    pub fn among(self, identities: &Bytes, oldest: u32) -> Seen {
        let name = self.name.to_le_bytes();
        let found = identities.0.chunks_exact(SIZE).rev().find(|known| known[..8] == name && seconds_of(known) >= oldest);
        match found {
            None => Seen::New,
            Some(known) if known[8..12] == self.content.to_le_bytes() => Seen::Same,
            Some(_) => Seen::Other,
        }
    }

    fn append(self, identities: &mut Bytes, time: u32) {
        identities.0.reserve_exact(SIZE);
        identities.0.extend_from_slice(&self.name.to_le_bytes());
        identities.0.extend_from_slice(&self.content.to_le_bytes());
        identities.0.extend_from_slice(&time.to_le_bytes());
    }
}

impl Contacts<'_> {
    /// Whether an identity is in the buckets of a contact.
    pub fn seen_before(&mut self, key: &str, spilled: Spilled, identity: Identity, now: Timestamp) -> Seen {
        let oldest = oldest(self.window, now);
        let bucket = self.state.get::<Bucket>(&bucket_key(key, spilled.bits, identity.name));
        bucket.map_or(Seen::New, |bucket| identity.among(&bucket.0, oldest))
    }

    /// Adds an identity to a contact's, and forgets those at the front that have left the window. What was sent on from another
    /// partition may be ahead of this partition's own log by as much again.
    pub fn remember(&mut self, key: &str, identity: Identity, now: Timestamp, is_sent_on: bool) {
        let windows = if is_sent_on { 2 } else { 1 };
        let oldest = oldest(Duration(self.window.0.saturating_mul(windows)), now);
        let row = self.state.entry::<ContactRow>(key, ContactRow::default);
        (row.revision, row.logged) = (row.revision.wrapping_add(1), Some(now));
        let identities = &mut row.identities;
        let old = identities.0.chunks_exact(SIZE).take_while(|known| seconds_of(known) < oldest).count();
        identities.0.drain(..old * SIZE);
        identity.append(identities, seconds(now));
        if identities.0.len() >= FEW * SIZE {
            let full = std::mem::take(identities);
            spill(&mut self.state, key, &full, oldest);
        }
    }

    /// Takes all identities away from a contact that is merged away.
    pub fn take_identities(&mut self, key: &str) -> Bytes {
        let row = self.state.entry::<ContactRow>(key, ContactRow::default);
        let (mut all, spilled) = (std::mem::take(&mut row.identities), std::mem::take(&mut row.spilled));
        all.0.extend(take_buckets(&mut self.state, key, spilled));
        all
    }

    /// Adds the identities of a contact that was merged away. Of one that both know, the first stands.
    pub fn join_identities(&mut self, key: &str, others: &Bytes) {
        let mut all = self.take_identities(key);
        let known: std::collections::HashSet<[u8; 8]> = all.0.chunks_exact(SIZE).map(name_of).collect();
        for other in others.0.chunks_exact(SIZE).filter(|other| !known.contains(&name_of(other))) {
            all.0.extend_from_slice(other);
        }
        let mut sorted: Vec<&[u8]> = all.0.chunks_exact(SIZE).collect();
        sorted.sort_by_key(|known| (seconds_of(known), name_of(known)));
        let newest = Bytes(sorted.split_off(sorted.len().saturating_sub(FEW / 2)).concat());
        if !sorted.is_empty() {
            spill(&mut self.state, key, &Bytes(sorted.concat()), 0);
        }
        self.state.entry::<ContactRow>(key, ContactRow::default).identities = newest;
    }
}

/// Moves identities into the buckets of a contact. When these are full there will be more of them.
fn spill(state: &mut State<'_>, key: &str, full: &Bytes, oldest: u32) {
    let row = state.entry::<ContactRow>(key, ContactRow::default);
    let added = full.0.len() / SIZE;
    let count = row.spilled.count as usize + added;
    if count <= (2 * FEW) << row.spilled.bits && row.spilled.count > 0 {
        row.spilled.count = count as u32;
        let bits = row.spilled.bits;
        put(state, key, bits, full, oldest);
        return;
    }
    let spilled = std::mem::take(&mut row.spilled);
    let mut all = take_buckets(state, key, spilled);
    all.extend_from_slice(&full.0);
    let kept: Vec<&[u8]> = all.chunks_exact(SIZE).filter(|known| seconds_of(known) >= oldest).collect();
    let bits = (kept.len() / FEW).max(1).next_power_of_two().trailing_zeros() as u8;
    let count = kept.len() as u32;
    put(state, key, bits, &Bytes(kept.concat()), oldest);
    state.entry::<ContactRow>(key, ContactRow::default).spilled = Spilled { count, bits };
}

/// Adds identities to their buckets, in which those that have left the window are forgotten.
fn put(state: &mut State<'_>, key: &str, bits: u8, identities: &Bytes, oldest: u32) {
    let mask = (1u64 << bits) - 1;
    let mut sorted: Vec<&[u8]> = identities.0.chunks_exact(SIZE).collect();
    sorted.sort_by_key(|known| u64::from_le_bytes(name_of(known)) & mask);
    for same in sorted.chunk_by(|a, b| (u64::from_le_bytes(name_of(a)) ^ u64::from_le_bytes(name_of(b))) & mask == 0) {
        let bucket = state.entry::<Bucket>(&bucket_key(key, bits, u64::from_le_bytes(name_of(same[0]))), Bucket::default);
        if bucket.0.0.chunks_exact(SIZE).any(|known| seconds_of(known) < oldest) {
            bucket.0.0 = bucket.0.0.chunks_exact(SIZE).filter(|known| seconds_of(known) >= oldest).flatten().copied().collect();
        }
        for known in same {
            bucket.0.0.extend_from_slice(known);
        }
    }
}

fn take_buckets(state: &mut State<'_>, key: &str, spilled: Spilled) -> Vec<u8> {
    let mut all = Vec::new();
    if spilled.count == 0 {
        return all;
    }
    for bucket in 0..1u64 << spilled.bits {
        let key = bucket_key(key, spilled.bits, bucket);
        if let Some(bucket) = state.get::<Bucket>(&key) {
            all.extend_from_slice(&bucket.0.0);
            state.delete::<Bucket>(&key);
        }
    }
    all
}

fn bucket_key(key: &str, bits: u8, name: u64) -> String {
    format!("{key}/{bits}/{}", name & ((1 << bits) - 1))
}

/// The log time from which on identities are remembered.
pub fn oldest(window: Duration, now: Timestamp) -> u32 {
    // a window that never ends forgets nothing, whatever the times
    if window == Duration(i64::MAX) { 0 } else { seconds(now.minus(window)) }
}

fn seconds(time: Timestamp) -> u32 {
    u32::try_from(time.0.max(0) / 1000).unwrap_or(u32::MAX)
}

fn seconds_of(known: &[u8]) -> u32 {
    u32::from_le_bytes([known[12], known[13], known[14], known[15]])
}

fn name_of(known: &[u8]) -> [u8; 8] {
    [known[0], known[1], known[2], known[3], known[4], known[5], known[6], known[7]]
}
