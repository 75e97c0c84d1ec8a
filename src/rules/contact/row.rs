//! The state of a contact: one row that an event reads and writes, kept small, and full chunks of its timeline beside it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::identity::Spilled;
use crate::decode::digest;
use crate::events::Timestamp;
use crate::outputs::{EventRef, Outbox, Outcome, Output, Route, TimelineEntry};
use crate::state::{Row, Table};

/// `account/contact` → all that an event of the contact reads. Its history is bytes that an event only appends to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContactRow {
    /// Grows with every event and merge, so that of two copies in the log it is known which is the newer one. The first
    /// field, to be read by itself.
    pub revision: u32,
    pub score: i64,
    /// Points by group.
    pub groups: Vec<Sum>,
    /// Entries on the timeline, the sums of what retention removed among them.
    pub events: u64,
    /// The greatest time of a timeline entry.
    pub last_event_at: Option<Timestamp>,
    /// The version by which the last entry was judged.
    pub version: u32,
    /// Keys of the segments it is in.
    pub segments: Vec<String>,
    /// The greatest time of any event; `None` until the contact is known.
    pub last_seen: Option<Timestamp>,
    /// Counted times of catalog entries, for `once` and cooldowns.
    pub marks: Vec<Mark>,
    /// The newest identities; the others are in buckets.
    pub identities: Bytes,
    pub spilled: Spilled,
    /// The newest timeline entries, and how many they are.
    pub tail: Bytes,
    pub tail_len: u8,
    /// Full chunks, numbered from 0.
    pub chunks: u32,
    /// The newest copy of the row stands in the contact changelog, not beside the contact's lead score.
    pub bare: bool,
    #[serde(skip)]
    pub was_bare: bool,
    /// What most contacts never have.
    pub rare: Option<Box<Rare>>,
    /// Something of the lead score changed in this batch; the log's timestamp of the record that did it.
    #[serde(skip)]
    pub touched: Option<Timestamp>,
    /// The log's timestamp of the batch's last event of the contact.
    #[serde(skip)]
    pub logged: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rare {
    /// It was merged away: the contact that stays.
    pub redirect: Option<String>,
    /// Hashes of the contacts merged into this one, and of those merged into them.
    pub absorbed: Vec<u64>,
    /// Points of removed timeline entries by group.
    pub carried: Vec<Carried>,
    /// When the contact is to be looked at again.
    pub timer: Option<Timestamp>,
    /// How long an inactivity the account stage was told of since the last event, in milliseconds.
    pub told: i64,
}

impl Row for ContactRow {
    const TABLE: Table = Table::Contact;
}

/// What retention removed of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// Empty for entries without a group.
    pub group: String,
    pub points: i64,
    /// The greatest time of an entry that was removed.
    pub time: Timestamp,
}

impl Carried {
    /// Publishes the sum as a timeline entry of the contact.
    pub fn publish(&self, account: &str, contact: &str, own: Route, logged: Timestamp, out: &mut Outbox) {
        let output = TimelineEntry {
            account,
            contact,
            event: EventRef { id: &self.group, source: "carried", kind: "carried" },
            key: "carried",
            name: "Carried",
            group: Some(self.group.as_str()).filter(|group| !group.is_empty()),
            points: self.points,
            outcome: Outcome::Carried,
            actor: None,
            time: self.time,
        };
        out.push_to(own, &Output::Timeline(output), logged);
    }
}

/// Points of a group, by the hash of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    #[serde(with = "postcard::fixint::le")]
    pub group: u64,
    pub points: i64,
}

/// A counted time, by the hash of the catalog entry and its `per` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    #[serde(with = "postcard::fixint::le")]
    pub id: u64,
    pub time: Timestamp,
}

impl ContactRow {
    /// The revision in a row's bytes.
    pub fn revision_of(bytes: &[u8]) -> u32 {
        postcard::take_from_bytes(bytes).map_or(0, |(revision, _)| revision)
    }

    /// Whether there is a lead score to publish.
    pub fn has_lead(&self) -> bool {
        self.events > 0
    }

    /// The row is about to be written: with its lead score, where there is one.
    pub fn settle(&mut self) {
        (self.was_bare, self.bare) = (self.bare, !self.has_lead());
    }

    pub fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub fn redirect(&self) -> Option<&str> {
        self.rare.as_ref().and_then(|rare| rare.redirect.as_deref())
    }

    /// Notes an event of the contact.
    pub fn saw(&mut self, time: Timestamp) {
        self.last_seen = self.last_seen.max(Some(time));
        if let Some(rare) = &mut self.rare {
            rare.told = 0;
        }
    }

    /// Adds what retention removed to the sum of its group. Nothing is carried for a group that never had points.
    pub fn carry(&mut self, group: &str, points: i64, time: Timestamp) {
        let carried = &mut self.rare().carried;
        match carried.iter_mut().find(|sum| sum.group == group) {
            Some(sum) => {
                sum.points = sum.points.saturating_add(points);
                sum.time = sum.time.max(time);
            }
            None if points == 0 => {}
            None => carried.push(Carried { group: group.to_owned(), points, time }),
        }
    }

    /// Adds points to the score and a group (0: none).
    pub fn add_points(&mut self, group: u64, points: i64) {
        self.score = self.score.saturating_add(points);
        if group == 0 || points == 0 {
            return;
        }
        match self.groups.iter_mut().find(|sum| sum.group == group) {
            Some(sum) => sum.points = sum.points.saturating_add(points),
            None => self.groups.push(Sum { group, points }),
        }
    }

    pub fn points_of(&self, group: u64) -> i64 {
        self.groups.iter().find(|sum| sum.group == group).map_or(0, |sum| sum.points)
    }

    /// Appends an entry. A full chunk comes back with its number, to be put into a row of its own.
    pub fn append(&mut self, entry: &Entry<'_>) -> Option<(u32, TimelineChunk)> {
        entry.encode(&mut self.tail.0);
        self.tail_len += 1;
        self.events += 1;
        self.last_event_at = self.last_event_at.max(Some(entry.time));
        if usize::from(self.tail_len) < CHUNK {
            return None;
        }
        self.tail_len = 0;
        self.chunks += 1;
        Some((self.chunks - 1, TimelineChunk(std::mem::take(&mut self.tail))))
    }
}

/// Entries of a chunk. Few, because the tail is written again with every event.
pub const CHUNK: usize = 8;

/// `account/contact/number` → entries of the timeline in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TimelineChunk(pub Bytes);

impl Row for TimelineChunk {
    const TABLE: Table = Table::TimelineChunk;
}

/// A timeline entry as it is kept. What the catalog says of it (name, group, type, points) is found again by version and key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry<'a> {
    pub source: &'a str,
    pub id: &'a str,
    pub actor: Option<&'a str>,
    pub time: Timestamp,
    pub version: u32,
    /// Half of the hash of the catalog entry's key.
    #[serde(with = "postcard::fixint::le")]
    pub key: u32,
    pub outcome: Outcome,
    /// Hash of the `per` value, where the entry has one; it tells apart what `once` counts once.
    pub per: Option<u64>,
}

impl<'a> Entry<'a> {
    /// Whether both stand under one key of a timeline.
    pub fn same_key(&self, other: &Entry<'_>) -> bool {
        (self.id, self.source, self.key) == (other.id, other.source, other.key)
    }

    pub fn encode_all(entries: &[Entry<'_>]) -> Bytes {
        let mut bytes = Bytes::default();
        for entry in entries {
            entry.encode(&mut bytes.0);
        }
        bytes
    }

    fn encode(&self, into: &mut Vec<u8>) {
        let buffer = std::mem::take(into);
        *into = postcard::to_extend(self, buffer).unwrap_or_default();
    }

    /// The entries of a chunk or tail.
    pub fn decode_all(bytes: &'a Bytes) -> Vec<Entry<'a>> {
        let (mut rest, mut entries) = (bytes.0.as_slice(), Vec::new());
        while let Ok((entry, after)) = postcard::take_from_bytes(rest) {
            entries.push(entry);
            rest = after;
        }
        entries
    }
}

/// The hash of a name: a group, a catalog key, a contact.
pub fn name_hash(name: &str) -> u64 {
    digest::bytes(0, name.as_bytes())
}

/// The hash of a group; 0 for none.
pub fn group_hash(group: &str) -> u64 {
    if group.is_empty() { 0 } else { name_hash(group) }
}

/// Bytes that the codec copies as they are.
#[derive(Clone, Default, PartialEq)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Bytes, D::Error> {
        struct Visit;
        impl de::Visitor<'_> for Visit {
            type Value = Bytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        d.deserialize_bytes(Visit)
    }
}
