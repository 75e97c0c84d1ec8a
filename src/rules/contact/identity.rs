//! Identity: an event is its source and id, for each contact. The same again changes nothing; the same with other content is
//! a conflict, in which the first one stands.

use super::row::Bytes;
use crate::decode::digest;
use crate::events::{Duration, Event, Timestamp};

/// Hash of source and id, half of the content's hash, log time in seconds: 16 bytes each, one after the other.
const SIZE: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Not within the window.
    New,
    Same,
    /// With other content.
    Other,
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

    /// Whether a contact has seen it.
    pub fn seen(self, identities: &Bytes, window: Duration, now: Timestamp) -> Seen {
        let name = self.name.to_le_bytes();
        let oldest = oldest(window, now);
        let found = identities.0.chunks_exact(SIZE).rev().find(|known| known[..8] == name && seconds_of(known) >= oldest);
        match found {
            None => Seen::New,
            Some(known) if known[8..12] == self.content.to_le_bytes() => Seen::Same,
            Some(_) => Seen::Other,
        }
    }

    /// Adds it, and forgets those that have left the window.
    pub fn remember(self, identities: &mut Bytes, window: Duration, now: Timestamp) {
        let oldest = oldest(window, now);
        let old = identities.0.chunks_exact(SIZE).take_while(|known| seconds_of(known) < oldest).count();
        identities.0.drain(..old * SIZE);
        identities.0.reserve_exact(SIZE);
        identities.0.extend_from_slice(&self.name.to_le_bytes());
        identities.0.extend_from_slice(&self.content.to_le_bytes());
        identities.0.extend_from_slice(&seconds(now).to_le_bytes());
    }
}

/// Adds the identities of a contact that was merged away, all in the order of their times. Of one that both know, the first
/// stands.
pub fn join(identities: &mut Bytes, others: &Bytes) {
    let known = |name: &[u8]| identities.0.chunks_exact(SIZE).any(|known| known[..8] == *name);
    let new: Vec<&[u8]> = others.0.chunks_exact(SIZE).filter(|other| !known(&other[..8])).collect();
    let mut all: Vec<&[u8]> = identities.0.chunks_exact(SIZE).chain(new).collect();
    all.sort_by_key(|known| seconds_of(known));
    identities.0 = all.concat();
}

fn oldest(window: Duration, now: Timestamp) -> u32 {
    // a window that never ends forgets nothing, whatever the times
    if window == Duration(i64::MAX) { 0 } else { seconds(now.minus(window)) }
}

fn seconds(time: Timestamp) -> u32 {
    u32::try_from(time.0.max(0) / 1000).unwrap_or(u32::MAX)
}

fn seconds_of(known: &[u8]) -> u32 {
    u32::from_le_bytes([known[12], known[13], known[14], known[15]])
}
