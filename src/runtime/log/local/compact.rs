//! Keeping the local log small: files that are no longer written to are rewritten without what nobody needs any more.
//!
//! Inputs that are worked off go; of compacted topics the last value of a key stays (deletions too, which stores that are
//! behind must still see); news and dead letters go after a month; ledgers stay for ever. Offsets stay as they are. The new
//! file takes the place of the old ones with its renaming, whole or not at all.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{LocalLog, Run, Segment, Stored, TEMPORARY, frame};
use crate::events::{Duration, Timestamp};
use crate::outputs::Topic;
use crate::runtime::log::{INPUTS, LogError, Next, Place};

/// Size at which a frame of the new file is closed.
const FRAME: usize = 4 << 20;
/// How long news and dead letters are kept.
const NEWS: Duration = Duration::days(30);

/// What becomes of the records of a topic.
enum Keep {
    /// Until the tasks have worked them off.
    Unread,
    /// The last one of each key.
    Last,
    Recent,
    Always,
}

fn keep(topic: Topic) -> Keep {
    match topic {
        _ if INPUTS.contains(&topic) => Keep::Unread,
        Topic::ContactChangelog | Topic::AccountChangelog | Topic::Tokens => Keep::Last,
        // what is erased from a timeline must leave the disk too
        Topic::LeadScores | Topic::Timeline | Topic::Grants | Topic::OwnershipHistory => Keep::Last,
        _ if topic.is_coalesced() => Keep::Last,
        Topic::Segments | Topic::Announcements | Topic::CommandResults | Topic::DeadLetters => Keep::Recent,
        _ => Keep::Always,
    }
}

/// What the new file holds.
struct Rewritten {
    bytes: Vec<u8>,
    runs: Vec<(Place, Run)>,
}

impl LocalLog {
    /// Rewrites the files if the log has grown past `compact_bytes` and to twice what the last rewriting left.
    pub fn compact_if_due(&self, compact_bytes: u64, now: Timestamp) -> Result<bool, LogError> {
        let due = {
            let index = self.index();
            let size: u64 = index.sealed.values().sum();
            size > compact_bytes && size > 2 * index.compacted
        };
        if due { self.compact(now).map(|()| true) } else { Ok(false) }
    }

    /// Rewrites all files but the one that is written to. Reading and committing go on meanwhile.
    pub fn compact(&self, now: Timestamp) -> Result<(), LogError> {
        let failed = |error: std::io::Error| LogError::Session(format!("local log: {error}"));
        let (sealed, committed, ends) = {
            let index = self.index();
            let sealed: Vec<Segment> = index.sealed.keys().copied().collect();
            let ends: Vec<Next> = index.places.iter().map(|(place, known)| (*place, known.next)).collect();
            (sealed, index.committed.clone(), ends)
        };
        let (Some(first), Some(last)) = (sealed.first(), sealed.last()) else { return Ok(()) };
        let rounds = sealed.iter().map(|segment| segment.round).max().unwrap_or(0);
        let target = Segment { first: first.first, last: last.last, round: rounds + 1 };
        let rewritten = self.rewrite(target, &sealed, &committed, &ends, now.minus(NEWS))?;
        let (name, temporary) = (target.name(), format!("{}{TEMPORARY}", target.name()));
        let size = rewritten.bytes.len() as u64;
        let disk = &self.0.disk;
        if disk.size(&temporary).is_ok_and(|size| size > 0) {
            disk.remove(&temporary).map_err(failed)?;
        }
        disk.append(&temporary, &rewritten.bytes).and_then(|()| disk.sync(&temporary)).map_err(failed)?;
        disk.rename(&temporary, &name).map_err(failed)?;
        {
            let mut index = self.index();
            for known in index.places.values_mut() {
                known.runs.retain(|run| run.segment.first > target.last);
            }
            for &(place, run) in rewritten.runs.iter().rev() {
                index.places.entry(place).or_default().runs.push_front(run);
            }
            for old in &sealed {
                index.sealed.remove(old);
            }
            index.sealed.insert(target, size);
            index.compacted = size;
        }
        for old in &sealed {
            disk.remove(&old.name()).map_err(failed)?;
        }
        Ok(())
    }

    fn rewrite(
        &self,
        target: Segment,
        sealed: &[Segment],
        committed: &BTreeMap<Place, u64>,
        ends: &[Next],
        oldest: Timestamp,
    ) -> Result<Rewritten, LogError> {
        // the last offset of each key of a compacted place
        let mut last: HashMap<(Place, Vec<u8>), u64> = HashMap::new();
        self.each_record(sealed, |place, record| {
            if matches!(keep(place.topic), Keep::Last) {
                last.insert((place, record.key().unwrap_or_default().to_vec()), record.offset);
            }
        })?;
        let mut rewritten = Rewritten { bytes: Vec::new(), runs: Vec::new() };
        let mut builder = frame::Builder::default();
        let mut headers = Vec::new();
        self.each_record(sealed, |place, record| {
            let kept = match keep(place.topic) {
                Keep::Unread => record.offset >= committed.get(&place).copied().unwrap_or(0),
                Keep::Last => last.get(&(place, record.key().unwrap_or_default().to_vec())) == Some(&record.offset),
                Keep::Recent => record.timestamp >= oldest,
                Keep::Always => true,
            };
            if !kept {
                return;
            }
            let mut borrowed = Vec::new();
            record.headers(&mut borrowed);
            headers.clear();
            headers.extend(borrowed.iter().map(|(name, value)| ((*name).to_owned().into(), value.to_vec())));
            builder.add(place, record.offset, record.timestamp, record.key(), record.value(), &headers);
            if builder.bytes() >= FRAME {
                rewritten.push(target, std::mem::take(&mut builder), &[], &[]);
            }
        })?;
        let committed: Vec<Next> = committed.iter().map(|(place, next)| (*place, *next)).collect();
        rewritten.push(target, builder, &committed, ends);
        Ok(rewritten)
    }

    fn each_record(&self, sealed: &[Segment], mut each: impl FnMut(Place, &Stored)) -> Result<(), LogError> {
        for segment in sealed {
            let name = segment.name();
            let damaged = |what: String| LogError::Session(format!("local log: {name}: {what}"));
            let size = self.0.disk.size(&name).map_err(|error| damaged(error.to_string()))?;
            let bytes = self.0.disk.read(&name, 0, size as usize).map_err(|error| damaged(error.to_string()))?;
            let mut start = 0;
            while start < bytes.len() {
                let (length, summary) = frame::read(&bytes[start..]).ok_or_else(|| damaged(format!("damaged at {start}")))?;
                for section in summary.sections {
                    let from = start + section.position as usize;
                    let section_bytes: Arc<[u8]> = bytes[from..from + section.length as usize].into();
                    let mut position = 0;
                    while let Some((record, end)) = Stored::read(&section_bytes, position) {
                        each(section.place, &record);
                        position = end;
                    }
                }
                start += length;
            }
        }
        Ok(())
    }
}

impl Rewritten {
    fn push(&mut self, segment: Segment, builder: frame::Builder, committed: &[Next], ends: &[Next]) {
        let start = self.bytes.len() as u64;
        let (bytes, sections) = builder.build(committed, ends);
        self.runs.extend(sections.iter().map(|section| (section.place, Run::new(segment, start, section))));
        self.bytes.extend_from_slice(&bytes);
    }
}
