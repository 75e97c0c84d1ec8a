//! Commit frames: records and offsets that are there together or not at all.
//!
//! A file is a row of frames: length and CRC-32 of the payload (4 bytes each, little-endian), then the payload: length and
//! content of the head (postcard), then the records, those of a place together.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::events::Timestamp;
use crate::outputs::Topic;
use crate::runtime::log::{Next, Place};

/// Length and checksum.
pub const PREFIX: usize = 8;

#[derive(Serialize, Deserialize)]
struct Head {
    /// Topic name, partition, next offset.
    offsets: Vec<(String, u32, u64)>,
    sections: Vec<RawSection>,
    /// Likewise: where places end whose last records are no longer there.
    ends: Vec<(String, u32, u64)>,
}

#[derive(Serialize, Deserialize)]
struct RawSection {
    topic: String,
    partition: u32,
    first: u64,
    last: u64,
    length: u32,
}

/// Records of one place within a frame.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    pub place: Place,
    /// Offsets of its first and last record.
    pub first: u64,
    pub last: u64,
    /// From the start of the frame, its prefix included.
    pub position: u64,
    pub length: u32,
}

/// What a frame says, without its records.
pub struct Summary {
    pub offsets: Vec<Next>,
    pub sections: Vec<Section>,
    pub ends: Vec<Next>,
}

/// Collects the records of a frame.
#[derive(Default)]
pub struct Builder {
    sections: BTreeMap<Place, Records>,
}

#[derive(Default)]
struct Records {
    first: u64,
    last: u64,
    count: u32,
    bytes: Vec<u8>,
}

impl Builder {
    /// Adds a record; those of a place in order of their offsets.
    pub fn add(
        &mut self,
        place: Place,
        offset: u64,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(Cow<'static, str>, Vec<u8>)],
    ) {
        let section = self.sections.entry(place).or_default();
        if section.count == 0 {
            section.first = offset;
        }
        (section.last, section.count) = (offset, section.count + 1);
        let bytes = &mut section.bytes;
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.extend_from_slice(&timestamp.0.to_le_bytes());
        let length = |part: Option<&[u8]>| part.map_or(u32::MAX, |part| part.len() as u32).to_le_bytes();
        bytes.extend_from_slice(&length(key));
        bytes.extend_from_slice(&length(value));
        bytes.extend_from_slice(&(headers.len() as u32).to_le_bytes());
        bytes.extend_from_slice(key.unwrap_or_default());
        bytes.extend_from_slice(value.unwrap_or_default());
        for (name, value) in headers {
            bytes.extend_from_slice(&(name.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(value);
        }
    }

    pub fn bytes(&self) -> usize {
        self.sections.values().map(|section| section.bytes.len()).sum()
    }

    /// The frame, and where its sections are.
    pub fn build(self, offsets: &[Next], ends: &[Next]) -> (Vec<u8>, Vec<Section>) {
        let named =
            |next: &[Next]| next.iter().map(|(place, next)| (place.topic.name().to_owned(), place.partition, *next)).collect();
        let head = Head {
            offsets: named(offsets),
            ends: named(ends),
            sections: self
                .sections
                .iter()
                .map(|(place, records)| RawSection {
                    topic: place.topic.name().to_owned(),
                    partition: place.partition,
                    first: records.first,
                    last: records.last,
                    length: records.bytes.len() as u32,
                })
                .collect(),
        };
        // postcard only fails where a type cannot be serialized at all
        let head = postcard::to_stdvec(&head).unwrap_or_default();
        let mut frame = vec![0; PREFIX];
        frame.extend_from_slice(&(head.len() as u32).to_le_bytes());
        frame.extend_from_slice(&head);
        let mut sections = Vec::new();
        for (&place, records) in &self.sections {
            let (position, length) = (frame.len() as u64, records.bytes.len() as u32);
            sections.push(Section { place, first: records.first, last: records.last, position, length });
            frame.extend_from_slice(&records.bytes);
        }
        let length = (frame.len() - PREFIX) as u32;
        let digest = crc32fast::hash(&frame[PREFIX..]);
        frame[..4].copy_from_slice(&length.to_le_bytes());
        frame[4..PREFIX].copy_from_slice(&digest.to_le_bytes());
        (frame, sections)
    }
}

/// The frame at the start of the bytes: its size and summary. `None`: it is torn, or damaged.
pub fn read(bytes: &[u8]) -> Option<(usize, Summary)> {
    let length = u32_at(bytes, 0)? as usize;
    let digest = u32_at(bytes, 4)?;
    let payload = bytes.get(PREFIX..PREFIX + length)?;
    if length < 4 || crc32fast::hash(payload) != digest {
        return None;
    }
    let head_length = u32_at(payload, 0)? as usize;
    let head: Head = postcard::from_bytes(payload.get(4..4 + head_length)?).ok()?;
    let topic = |name: &str| Topic::ALL.into_iter().find(|topic| topic.name() == name);
    let mut position = (PREFIX + 4 + head_length) as u64;
    let mut sections = Vec::new();
    for section in &head.sections {
        // a topic of a newer version is passed over
        if let Some(topic) = topic(&section.topic) {
            sections.push(Section {
                place: Place::new(topic, section.partition),
                first: section.first,
                last: section.last,
                position,
                length: section.length,
            });
        }
        position += u64::from(section.length);
    }
    let known = |next: &[(String, u32, u64)]| {
        next.iter().filter_map(|(name, partition, next)| Some((Place::new(topic(name)?, *partition), *next))).collect()
    };
    Some((PREFIX + length, Summary { offsets: known(&head.offsets), sections, ends: known(&head.ends) }))
}

fn u32_at(bytes: &[u8], position: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(position..position + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], position: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(position..position + 8)?.try_into().ok()?))
}

/// A record as it lies in a section.
pub struct Stored {
    section: Arc<[u8]>,
    pub offset: u64,
    pub timestamp: Timestamp,
    key: Option<(u32, u32)>,
    value: Option<(u32, u32)>,
    headers: (u32, u32),
}

const RECORD: usize = 28;

impl Stored {
    /// The record at a position of a section, and where the next one begins.
    pub fn read(section: &Arc<[u8]>, position: usize) -> Option<(Stored, usize)> {
        let mut end = position + RECORD;
        let mut part = |length: u32| {
            let range = (length != u32::MAX).then_some((end as u32, length));
            end += range.map_or(0, |(_, length)| length as usize);
            range
        };
        let key = part(u32_at(section, position + 16)?);
        let value = part(u32_at(section, position + 20)?);
        let count = u32_at(section, position + 24)?;
        let headers = (end as u32, count);
        for _ in 0..count {
            end += 8 + u32_at(section, end)? as usize + u32_at(section, end + 4)? as usize;
        }
        section.get(position..end)?;
        let offset = u64_at(section, position)?;
        let timestamp = Timestamp(u64_at(section, position + 8)? as i64);
        Some((Stored { section: section.clone(), offset, timestamp, key, value, headers }, end))
    }

    fn part(&self, (start, length): (u32, u32)) -> Option<&[u8]> {
        self.section.get(start as usize..(start + length) as usize)
    }

    pub fn key(&self) -> Option<&[u8]> {
        self.part(self.key?)
    }

    pub fn value(&self) -> Option<&[u8]> {
        self.part(self.value?)
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut headers = Vec::new();
        self.headers(&mut headers);
        headers.into_iter().find(|header| header.0 == name).map(|header| header.1)
    }

    pub fn headers<'m>(&'m self, into: &mut Vec<(&'m str, &'m [u8])>) {
        let (mut position, count) = self.headers;
        for _ in 0..count {
            let (Some(name), Some(value)) =
                (u32_at(&self.section, position as usize), u32_at(&self.section, position as usize + 4))
            else {
                return;
            };
            let parts = (self.part((position + 8, name)), self.part((position + 8 + name, value)));
            if let (Some(name), Some(value)) = parts
                && let Ok(name) = std::str::from_utf8(name)
            {
                into.push((name, value));
            }
            position += 8 + name + value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::Headers;

    #[test]
    fn frames_survive_and_damage_is_seen() {
        let mut builder = Builder::default();
        let place = Place::new(Topic::Timeline, 3);
        let headers: Headers = vec![(Cow::Borrowed("h"), vec![0, 255]), (Cow::Borrowed(""), Vec::new())];
        builder.add(place, 7, Timestamp(-5), Some(b"k"), None, &Vec::new());
        builder.add(place, 9, Timestamp(6), None, Some(b""), &headers);
        builder.add(Place::new(Topic::Xp, 0), 0, Timestamp(6), Some(b"x"), Some(b"y"), &Vec::new());
        let (frame, _) = builder.build(&[(Place::new(Topic::Commands, 1), 42)], &[]);

        let (size, summary) = read(&frame).unwrap();
        assert_eq!((size, summary.sections.len()), (frame.len(), 2));
        assert_eq!(summary.offsets, [(Place::new(Topic::Commands, 1), 42)]);
        let section = summary.sections[0];
        assert_eq!((section.place, section.first, section.last), (place, 7, 9));
        let bytes: Arc<[u8]> = frame[section.position as usize..][..section.length as usize].into();
        let (first, next) = Stored::read(&bytes, 0).unwrap();
        let (second, end) = Stored::read(&bytes, next).unwrap();
        assert_eq!((first.offset, first.timestamp, first.key(), first.value()), (7, Timestamp(-5), Some(&b"k"[..]), None));
        assert_eq!((second.offset, second.key(), second.value(), end), (9, None, Some(&b""[..]), bytes.len()));
        let mut read_headers = Vec::new();
        second.headers(&mut read_headers);
        assert_eq!(read_headers, [("h", &[0u8, 255][..]), ("", &[][..])]);
        assert!(Stored::read(&bytes, end).is_none());

        for cut in 0..frame.len() {
            assert!(read(&frame[..cut]).is_none(), "cut at {cut}");
        }
        for bit in 0..frame.len() * 8 {
            let mut damaged = frame.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&damaged).is_none(), "bit {bit}");
        }
    }
}
