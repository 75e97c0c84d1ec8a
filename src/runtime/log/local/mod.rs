//! The local log: a directory of checksummed commit frames, each synced before its commit is answered.
//!
//! One frame holds the records of a commit, over all topics, and the offsets that they are the result of. What is torn at the
//! end of the last file is a commit that was never answered: it is cut off when the log is opened. In memory is an index from
//! place and offset to the frames; the records themselves stay on disk.
//!
//! It goes through a [`Disk`], so that on a [`MemDisk`] the same code can be put through power failures.

mod compact;
mod disk;
mod frame;
mod session;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

pub use self::disk::{Call, Directory, Disk, Fault, MemDisk};
pub use self::frame::Stored;
pub use self::session::LocalSession;
use super::{Changelog, Log, LogError, Next, Place, Session};
use crate::events::Timestamp;
use crate::outputs::{Outbox, Route, Topic, partitioner};

/// A log in one directory, shared by the threads of a process. Clones are the same log.
#[derive(Clone)]
pub struct LocalLog(Arc<Shared>);

struct Shared {
    disk: Box<dyn Disk>,
    partitions: u32,
    segment_bytes: u64,
    compact_bytes: u64,
    index: Mutex<Index>,
    appended: Condvar,
}

/// Where everything is.
#[derive(Default)]
struct Index {
    places: BTreeMap<Place, PlaceIndex>,
    /// What is committed of the inputs.
    committed: BTreeMap<Place, u64>,
    /// The number of the file that is written to, and its size.
    segment: u64,
    size: u64,
    /// The files before it, with their sizes, and what the last compaction left.
    sealed: BTreeMap<Segment, u64>,
    compacted: u64,
    /// After a write whose outcome is unknown, nothing may follow it.
    broken: Option<String>,
    /// The session that owns each partition: an earlier one can no longer commit for it.
    owners: BTreeMap<u32, u64>,
    sessions: u64,
}

#[derive(Default)]
struct PlaceIndex {
    next: u64,
    runs: VecDeque<Run>,
}

/// Records of a place that lie together.
#[derive(Clone, Copy, Debug)]
struct Run {
    first: u64,
    last: u64,
    segment: Segment,
    position: u64,
    length: u32,
}

impl Run {
    fn new(segment: Segment, start: u64, section: &frame::Section) -> Run {
        let frame::Section { first, last, position, length, .. } = *section;
        Run { first, last, segment, position: start + position, length }
    }
}

/// A file: the numbers of the files that it is, or was made of, and how often they were rewritten. So a name never stands for
/// other contents: whoever still reads a file that was replaced finds it gone, and not something else in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Segment {
    first: u64,
    last: u64,
    round: u64,
}

impl Segment {
    fn one(number: u64) -> Segment {
        Segment { first: number, last: number, round: 0 }
    }

    fn name(&self) -> String {
        match *self {
            Segment { first, round: 0, .. } => format!("{first:012}.log"),
            Segment { first, last, round } => format!("{first:012}-{last:012}-{round}.log"),
        }
    }

    fn parse(name: &str) -> Option<Segment> {
        let numbers = name.strip_suffix(".log")?;
        let mut parts = numbers.split('-').map(|part| part.parse::<u64>().ok());
        match (parts.next()?, parts.next(), parts.next()) {
            (Some(number), None, _) => Some(Segment::one(number)),
            (Some(first), Some(Some(last)), Some(Some(round))) => Some(Segment { first, last, round }),
            _ => None,
        }
    }

    /// It was made of the other one.
    fn replaces(self, other: Segment) -> bool {
        let is_newer = (self.first, self.last) != (other.first, other.last) || self.round > other.round;
        is_newer && self.first <= other.first && other.last <= self.last
    }
}

impl LocalLog {
    /// Opens the log. `partitions` is that of every topic, and must be what the log was made with; files are begun anew at
    /// `segment_bytes`, and compacted from `compact_bytes` on.
    pub fn open(disk: Box<dyn Disk>, partitions: u32, segment_bytes: u64, compact_bytes: u64) -> Result<LocalLog, LogError> {
        let index = recover(disk.as_ref()).map_err(|error| LogError::Fatal(format!("local log: {error}")))?;
        let made_with = disk.read(PARTITIONS, 0, 4).ok().and_then(|bytes| Some(u32::from_le_bytes(bytes.try_into().ok()?)));
        match made_with {
            Some(made_with) if made_with != partitions => {
                let message = format!("the local log was made with {made_with} partitions, not {partitions}");
                return Err(LogError::Fatal(message));
            }
            Some(_) => {}
            None => disk
                .truncate(PARTITIONS, 0)
                .or_else(|_| disk.append(PARTITIONS, &[]))
                .and_then(|()| disk.append(PARTITIONS, &partitions.to_le_bytes()))
                .and_then(|()| disk.sync(PARTITIONS))
                .map_err(|error| LogError::Fatal(format!("local log: {error}")))?,
        }
        let (index, appended) = (Mutex::new(index), Condvar::new());
        Ok(LocalLog(Arc::new(Shared { disk, partitions, segment_bytes, compact_bytes, index, appended })))
    }

    /// Appends records that no input caused: a producer's.
    pub fn append(&self, outbox: &Outbox) -> Result<(), LogError> {
        self.write(&mut self.index(), outbox, &[]).map_err(LogError::Session)
    }

    /// Records of a place from an offset on, about `limit` of them; for readers of the outputs.
    pub fn read(&self, place: Place, from: u64, limit: usize) -> Result<Vec<Stored>, LogError> {
        let runs: Vec<Run> = {
            let index = self.index();
            let Some(known) = index.places.get(&place) else { return Ok(Vec::new()) };
            let start = known.runs.partition_point(|run| run.last < from);
            known.runs.range(start..).take(limit.max(1)).copied().collect()
        };
        let mut records = Vec::new();
        for run in runs {
            if records.len() >= limit {
                break;
            }
            // its file has just been replaced: what was read so far will do
            let Some(section) = self.read_run(&run)? else { break };
            let mut position = 0;
            while let Some((stored, end)) = Stored::read(&section, position) {
                position = end;
                if stored.offset >= from {
                    records.push(stored);
                }
            }
        }
        Ok(records)
    }

    /// The bytes of a run; `None` if its file has just been replaced: the index has others then.
    fn read_run(&self, run: &Run) -> Result<Option<Arc<[u8]>>, LogError> {
        let name = run.segment.name();
        match self.0.disk.read(&name, run.position, run.length as usize) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LogError::Session(format!("local log: {name}: {error}"))),
        }
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.0.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        crate::runtime::now()
    }

    /// Writes a frame and syncs it. Only then the index knows of it.
    fn write(&self, index: &mut Index, outbox: &Outbox, offsets: &[Next]) -> Result<(), String> {
        if let Some(reason) = &index.broken {
            return Err(reason.clone());
        }
        let mut next: BTreeMap<Place, u64> = BTreeMap::new();
        let mut builder = frame::Builder::default();
        for record in outbox.records() {
            let partition = match record.route {
                Route::Key => partitioner::partition(record.key, self.0.partitions),
                Route::Partition(partition) => partition,
            };
            let place = Place::new(record.topic, partition);
            let offset = next.entry(place).or_insert_with(|| index.places.get(&place).map_or(0, |known| known.next));
            builder.add(place, *offset, record.timestamp, Some(record.key), record.value, record.headers);
            *offset += 1;
        }
        let (bytes, sections) = builder.build(offsets, &[]);
        if index.size > 0 && index.size + bytes.len() as u64 > self.0.segment_bytes {
            let full = Segment::one(index.segment);
            index.sealed.insert(full, index.size);
            (index.segment, index.size) = (index.segment + 1, 0);
        }
        let name = Segment::one(index.segment).name();
        let written = self.0.disk.append(&name, &bytes).and_then(|()| self.0.disk.sync(&name));
        if let Err(error) = written {
            // after a failed sync nobody knows what is on the disk: only opening the log again can tell
            let reason = format!("local log: {error}");
            index.broken = Some(reason.clone());
            return Err(reason);
        }
        let start = index.size;
        index.add(Segment::one(index.segment), start, &sections, offsets, &[]);
        index.size += bytes.len() as u64;
        self.0.appended.notify_all();
        Ok(())
    }
}

impl Index {
    fn add(&mut self, segment: Segment, start: u64, sections: &[frame::Section], offsets: &[Next], ends: &[Next]) {
        for section in sections {
            let place = self.places.entry(section.place).or_default();
            place.next = place.next.max(section.last + 1);
            place.runs.push_back(Run::new(segment, start, section));
        }
        for &(place, end) in ends {
            let known = self.places.entry(place).or_default();
            known.next = known.next.max(end);
        }
        for &(place, next) in offsets {
            self.committed.insert(place, next);
        }
    }

    fn next(&self, place: Place) -> u64 {
        self.places.get(&place).map_or(0, |known| known.next)
    }
}

/// The ending of a file that is not complete yet.
const TEMPORARY: &str = ".tmp";

/// The file that holds the number of partitions.
const PARTITIONS: &str = "partitions";

/// Reads all frames, and cuts off what is torn at the end of the last file.
fn recover(disk: &dyn Disk) -> Result<Index, String> {
    let names = disk.list().map_err(|error| error.to_string())?;
    // a compaction that did not come to its end
    for name in names.iter().filter(|name| name.ends_with(TEMPORARY)) {
        disk.remove(name).map_err(|error| format!("{name}: {error}"))?;
    }
    let found: Vec<Segment> = names.iter().filter_map(|name| Segment::parse(name)).collect();
    let (replaced, mut segments): (Vec<Segment>, Vec<Segment>) =
        found.iter().partition(|segment| found.iter().any(|other| other.replaces(**segment)));
    for segment in replaced {
        disk.remove(&segment.name()).map_err(|error| format!("{}: {error}", segment.name()))?;
    }
    segments.sort_unstable();
    let mut index = Index::default();
    for (i, &segment) in segments.iter().enumerate() {
        let name = segment.name();
        let size = disk.size(&name).map_err(|error| format!("{name}: {error}"))?;
        let bytes = disk.read(&name, 0, size as usize).map_err(|error| format!("{name}: {error}"))?;
        let mut position = 0;
        while let Some((length, summary)) = frame::read(&bytes[position..]) {
            index.add(segment, position as u64, &summary.sections, &summary.offsets, &summary.ends);
            position += length;
        }
        if position < bytes.len() {
            if i + 1 < segments.len() {
                return Err(format!("{name} is damaged at byte {position}"));
            }
            tracing::warn!(file = name, bytes = bytes.len() - position, "an unfinished commit was cut off");
            disk.truncate(&name, position as u64).map_err(|error| format!("{name}: {error}"))?;
        } else if i + 1 == segments.len() {
            // the last commit may have been written but not synced; it counts from here on
            disk.sync(&name).map_err(|error| format!("{name}: {error}"))?;
        }
        // a file that was rewritten is not written to again
        let is_open = i + 1 == segments.len() && segment.round == 0;
        if is_open {
            (index.segment, index.size) = (segment.last, position as u64);
        } else {
            index.sealed.insert(segment, position as u64);
            (index.segment, index.size) = (segment.last + 1, 0);
        }
    }
    Ok(index)
}

impl Log for LocalLog {
    fn partitions(&self) -> u32 {
        self.0.partitions
    }

    fn session(&self, thread: usize, threads: usize) -> Result<Box<dyn Session>, LogError> {
        if let Some(reason) = &self.index().broken {
            // only opening the log again can tell what is on the disk
            return Err(LogError::Fatal(reason.clone()));
        }
        let mine = (0..self.0.partitions).filter(|partition| *partition as usize % threads.max(1) == thread).collect();
        Ok(Box::new(session::LocalSession::open(self.clone(), mine)))
    }

    fn committed(&self, places: &[Place]) -> Result<Vec<Next>, LogError> {
        let index = self.index();
        Ok(places.iter().map(|place| (*place, index.committed.get(place).copied().unwrap_or(0))).collect())
    }

    fn partitions_of(&self, _topic: Topic) -> u32 {
        self.0.partitions
    }

    fn read_to_end(&self, topic: Topic, from: &[(u32, u64)]) -> Result<Box<dyn Changelog + '_>, LogError> {
        Ok(Box::new(session::LocalChangelog::open(self, topic, from)))
    }

    fn append(&self, outbox: &Outbox) -> Result<(), LogError> {
        LocalLog::append(self, outbox)
    }

    fn housekeep(&self) -> Result<(), LogError> {
        self.compact_if_due(self.0.compact_bytes, self.now()).map(drop)
    }

    fn ends(&self, places: &[Place]) -> Result<Vec<Next>, LogError> {
        let index = self.index();
        Ok(places.iter().map(|&place| (place, index.next(place))).collect())
    }
}

#[cfg(test)]
mod tests;
