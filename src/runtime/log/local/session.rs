//! A worker thread's view of the local log.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::{LocalLog, Run, Stored};
use crate::outputs::{Outbox, Route, STATE, Topic};
use crate::runtime::log::{
    Batch, Body, CHANGELOGS, Change, Changelog, CommitError, End, INPUTS, Limit, LogError, Message, Next, Place, Row, Session,
};

pub struct LocalSession {
    log: LocalLog,
    /// Tells this session from those that had its partitions before or will have them later.
    number: u64,
    change: RefCell<Option<Change>>,
    accepted: RefCell<Vec<u32>>,
    /// The next offset to read of each started place.
    positions: RefCell<BTreeMap<Place, u64>>,
    /// Where the next poll begins, so that every place has its turn.
    turn: Cell<usize>,
    /// Ends of changelog places after this session's last commit to them.
    written: RefCell<BTreeMap<Place, u64>>,
}

impl LocalSession {
    pub fn open(log: LocalLog, partitions: Vec<u32>) -> LocalSession {
        let number = {
            let mut index = log.index();
            index.sessions += 1;
            index.sessions
        };
        let session = LocalSession {
            log,
            number,
            change: RefCell::default(),
            accepted: RefCell::default(),
            positions: RefCell::default(),
            turn: Cell::new(0),
            written: RefCell::default(),
        };
        session.assign(partitions);
        session
    }

    /// Gives the session partitions, those of other sessions too: these can no longer commit for them.
    pub fn assign(&self, partitions: Vec<u32>) {
        let mut index = self.log.index();
        for &partition in &partitions {
            index.owners.insert(partition, self.number);
        }
        drop(index);
        *self.change.borrow_mut() = Some(Change::Assigned(partitions));
    }

    fn committed(&self) -> Vec<Next> {
        let index = self.log.index();
        let accepted = self.accepted.borrow();
        index.committed.iter().filter(|(place, _)| accepted.contains(&place.partition)).map(|(p, next)| (*p, *next)).collect()
    }

    /// The next runs to read, about `records` in all, round-robin over the places.
    fn due(&self, records: usize) -> Vec<(Place, Run)> {
        let index = self.log.index();
        let positions = self.positions.borrow();
        let behind = positions.iter().filter_map(|(place, next)| {
            let known = index.places.get(place).filter(|known| known.next > *next)?;
            Some((*place, *next, known))
        });
        let behind: Vec<_> = behind.collect();
        let share = records.div_ceil(behind.len().max(1)) as u64;
        let mut due = Vec::new();
        self.turn.set(self.turn.get().wrapping_add(1));
        for i in 0..behind.len() {
            let (place, next, known) = behind[(i + self.turn.get()) % behind.len()];
            let start = known.runs.partition_point(|run| run.last < next);
            let mut taken = 0;
            for run in known.runs.range(start..) {
                if taken >= share {
                    break;
                }
                taken += run.last - run.first.max(next) + 1;
                due.push((place, *run));
            }
        }
        due
    }

    fn wait(&self, wait: Duration) {
        let index = self.log.index();
        let positions = self.positions.borrow();
        let nothing = positions.iter().all(|(place, next)| index.next(*place) <= *next);
        if nothing {
            drop(self.log.0.appended.wait_timeout(index, wait).unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Session for LocalSession {
    fn poll<'s>(&'s self, wait: Duration, limit: Limit, batch: &mut Batch<'s>) -> Result<(), LogError> {
        if self.change.borrow().is_some() {
            return Ok(());
        }
        let deadline = Instant::now() + wait;
        let mut due = self.due(limit.records.saturating_sub(batch.messages.len()));
        while due.is_empty() && Instant::now() < deadline {
            self.wait(deadline.saturating_duration_since(Instant::now()));
            due = self.due(limit.records.saturating_sub(batch.messages.len()));
        }
        for (place, run) in due {
            let Some(section) = self.log.read_run(&run)? else { return Ok(()) };
            let mut positions = self.positions.borrow_mut();
            let Some(next) = positions.get_mut(&place) else { continue };
            let mut position = 0;
            while let Some((stored, end)) = Stored::read(&section, position) {
                position = end;
                if stored.offset < *next || batch.is_full(limit) {
                    continue;
                }
                *next = stored.offset + 1;
                let (offset, timestamp) = (stored.offset, Some(stored.timestamp));
                let message = Message { place, offset, timestamp, body: Body::Local(stored) };
                batch.bytes += message.size();
                batch.messages.push(message);
            }
        }
        Ok(())
    }

    fn take_change(&self) -> Option<Change> {
        self.change.borrow_mut().take()
    }

    fn accept(&self, partitions: &[u32]) -> Result<Vec<Next>, LogError> {
        *self.accepted.borrow_mut() = partitions.to_vec();
        Ok(self.committed())
    }

    fn start(&self) -> Result<(), LogError> {
        let committed: BTreeMap<Place, u64> = self.committed().into_iter().collect();
        let places = INPUTS
            .into_iter()
            .flat_map(|topic| self.accepted.borrow().iter().map(|&partition| Place::new(topic, partition)).collect::<Vec<_>>());
        *self.positions.borrow_mut() = places.map(|place| (place, committed.get(&place).copied().unwrap_or(0))).collect();
        Ok(())
    }

    fn release(&self) -> Result<(), LogError> {
        self.accepted.borrow_mut().clear();
        self.positions.borrow_mut().clear();
        Ok(())
    }

    fn commit(&self, outbox: &Outbox, next: &[Next]) -> Result<(), CommitError> {
        let mut index = self.log.index();
        let fenced = |(place, _): &&Next| index.owners.get(&place.partition) != Some(&self.number);
        if let Some((place, _)) = next.iter().find(fenced) {
            return Err(CommitError::Unknown(format!("partition {} belongs to a later session", place.partition)));
        }
        self.log.write(&mut index, outbox, next).map_err(CommitError::Unknown)?;
        let mut written = self.written.borrow_mut();
        for record in outbox.records() {
            if let (true, Route::Partition(partition)) = (CHANGELOGS.contains(&record.topic), record.route) {
                let place = Place::new(record.topic, partition);
                written.insert(place, index.next(place));
            }
        }
        Ok(())
    }

    fn rewind(&self) -> Result<(), LogError> {
        self.start()
    }

    fn committed_to(&self, place: Place) -> Option<u64> {
        self.written.borrow().get(&place).copied()
    }

    fn end(&self, place: Place) -> Option<End> {
        let next = self.positions.borrow().get(&place).copied()?;
        let end = self.log.index().next(place);
        Some(End { end, next, reached: next >= end, drained: true, at: self.log.now() })
    }

    fn changelog(&self, topic: Topic, from: &[(u32, u64)]) -> Result<Box<dyn Changelog + '_>, LogError> {
        Ok(Box::new(LocalChangelog::open(&self.log, topic, from)))
    }
}

pub struct LocalChangelog {
    log: LocalLog,
    /// The rows are in a header of public records.
    in_header: bool,
    partitions: Vec<(u32, Partition)>,
    /// The next run to read, counted over all partitions.
    run: usize,
    read: u64,
}

impl LocalChangelog {
    pub fn open(log: &LocalLog, topic: Topic, from: &[(u32, u64)]) -> LocalChangelog {
        let index = log.index();
        let partitions = from.iter().map(|&(partition, from)| {
            let known = index.places.get(&Place::new(topic, partition));
            let low = known.and_then(|known| known.runs.front()).map_or(0, |run| run.first);
            let runs: Vec<Run> =
                known.map(|known| known.runs.iter().filter(|run| run.last >= from).copied().collect()).unwrap_or_default();
            (partition, Partition { low, end: known.map_or(0, |known| known.next), from, runs })
        });
        let in_header = topic == Topic::LeadScores;
        LocalChangelog { log: log.clone(), in_header, partitions: partitions.collect(), run: 0, read: 0 }
    }
}

struct Partition {
    low: u64,
    end: u64,
    from: u64,
    runs: Vec<Run>,
}

impl Changelog for LocalChangelog {
    fn read(&mut self, budget: Duration, row: &mut dyn FnMut(Row<'_>)) -> Result<bool, LogError> {
        let started = Instant::now();
        let runs = self
            .partitions
            .iter()
            .flat_map(|(number, partition)| partition.runs.iter().map(move |run| (*number, partition.from, run)));
        for (number, from, run) in runs.skip(self.run) {
            if started.elapsed() >= budget {
                return Ok(false);
            }
            let replaced = || LogError::Session("local log: a changelog was compacted while it was read".to_owned());
            let section = self.log.read_run(run)?.ok_or_else(replaced)?;
            let mut position = 0;
            while let Some((stored, end)) = Stored::read(&section, position) {
                position = end;
                if stored.offset >= from {
                    let value = if self.in_header { stored.header(STATE) } else { stored.value() };
                    row((number, stored.key().unwrap_or_default(), value, stored.timestamp));
                    self.read += 1;
                }
            }
            self.run += 1;
        }
        Ok(true)
    }

    fn bounds(&self, partition: u32) -> (u64, u64) {
        self.partitions.iter().find(|(number, _)| *number == partition).map_or((0, 0), |(_, known)| (known.low, known.end))
    }

    fn progress(&self) -> (u64, u64) {
        (self.read, self.partitions.iter().map(|(_, known)| known.end.saturating_sub(known.from)).sum())
    }
}
