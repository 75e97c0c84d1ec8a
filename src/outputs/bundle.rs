//! Bundles: the records of a commit for one partition of `account-events`, as one record.
//!
//! They are small and many, and a record of Kafka's costs more than what is in them. Each keeps its own timestamp, so that the
//! age of what it causes can be told. A bundle is a format byte that no single record begins with, then for each record its
//! timestamp (8 bytes), its length (4 bytes, both little-endian), and its bytes.

use std::ops::Range;

use crate::events::Timestamp;

const FORMAT: u8 = 0xb1;
const HEAD: usize = 12;

/// Begins a bundle.
pub fn begin(into: &mut Vec<u8>) {
    into.push(FORMAT);
}

/// Adds a record, whose bytes stand in the same buffer already.
pub fn add(into: &mut Vec<u8>, timestamp: Timestamp, value: Range<usize>) {
    into.extend_from_slice(&timestamp.0.to_le_bytes());
    into.extend_from_slice(&(value.len() as u32).to_le_bytes());
    into.extend_from_within(value);
}

/// The records in a bundle; `None` if it is none. What cannot be read of it comes as a last record, to be rejected.
pub fn parts(value: &[u8]) -> Option<impl Iterator<Item = (Timestamp, &[u8])>> {
    let mut rest = value.strip_prefix(&[FORMAT])?;
    let mut last = Timestamp::default();
    Some(std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((timestamp, part, after)) = split(rest) else { return Some((last, std::mem::take(&mut rest))) };
        (rest, last) = (after, timestamp);
        Some((timestamp, part))
    }))
}

fn split(bytes: &[u8]) -> Option<(Timestamp, &[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
    let (timestamp, length) = head.split_first_chunk::<8>()?;
    let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
    let (part, rest) = rest.split_at_checked(length)?;
    Some((Timestamp(i64::from_le_bytes(*timestamp)), part, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_give_back_what_was_put_in() {
        let records: [(i64, &[u8]); 3] = [(5, b"one"), (-7, b""), (i64::MAX, &[0xb1, 0])];
        let mut buffer = records.map(|(_, value)| value).concat();
        let start = buffer.len();
        begin(&mut buffer);
        for (time, range) in [(5, 0..3), (-7, 3..3), (i64::MAX, 3..5)] {
            add(&mut buffer, Timestamp(time), range);
        }
        let bundle = &buffer[start..];
        let read: Vec<_> = parts(bundle).unwrap().map(|(time, value)| (time.0, value)).collect();
        assert_eq!(read, records);
        let torn: Vec<_> = parts(&bundle[..bundle.len() - 1]).unwrap().collect();
        assert_eq!(torn.len(), 3);
        assert!(torn[2].0 == Timestamp(-7) && torn[2].1.len() == HEAD + 1, "what is left over is not lost");
        assert!(parts(b"").is_none() && parts(&[1, 2]).is_none());
    }
}
