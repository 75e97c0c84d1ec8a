//! The local log with faults: what a process sees of it passes here.

use std::cell::Cell;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use scorekeeper::events::Timestamp;
use scorekeeper::outputs::{Outbox, Topic};
use scorekeeper::runtime::log::local::{LocalLog, LocalSession};
use scorekeeper::runtime::log::{Batch, Change, Changelog, CommitError, End, Limit, Log, LogError, Next, Place, Row, Session};
use scorekeeper::runtime::worker::{Context, Mutation};

use super::rules;
use super::world::{Baton, World};

/// The log of one process.
pub struct SimLog {
    pub log: LocalLog,
    pub world: Arc<World>,
    pub baton: Arc<Baton>,
    pub process: usize,
    /// The process itself, which follows the rules topic.
    pub context: Arc<OnceLock<Weak<Context>>>,
    pub mutation: Option<Mutation>,
}

/// How many records a log has taken in all.
pub fn records(log: &LocalLog) -> u64 {
    let places = Topic::ALL.iter().flat_map(|&topic| (0..log.partitions()).map(move |partition| Place::new(topic, partition)));
    log.ends(&places.collect::<Vec<_>>()).expect("a local log").iter().map(|(_, end)| end).sum()
}

impl Log for SimLog {
    fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    fn session(&self, _: usize, _: usize) -> Result<Box<dyn Session>, LogError> {
        self.world.point(self.process);
        // refused where the log itself would refuse it
        drop(self.log.session(usize::MAX, 1)?);
        let assigned = {
            let mut state = self.world.lock();
            let generation = state.generation;
            let member = &mut state.members[self.process];
            (member.has_session, member.joined) = (true, generation);
            let assigned = member.assigned.clone();
            state.count("sessions");
            assigned
        };
        let inner = LocalSession::open(self.log.clone(), assigned);
        let (log, context, mutation) = (self.log.clone(), self.context.clone(), self.mutation);
        let (world, baton, process) = (self.world.clone(), self.baton.clone(), self.process);
        Ok(Box::new(SimSession {
            inner,
            log,
            context,
            mutation,
            world,
            baton,
            process,
            is_leaving: Cell::new(false),
            has_left: Cell::new(false),
        }))
    }

    fn committed(&self, places: &[Place]) -> Result<Vec<Next>, LogError> {
        self.log.committed(places)
    }

    fn partitions_of(&self, topic: Topic) -> u32 {
        self.log.partitions_of(topic)
    }

    fn read_to_end(&self, topic: Topic, from: &[(u32, u64)]) -> Result<Box<dyn Changelog + '_>, LogError> {
        self.log.read_to_end(topic, from)
    }

    fn append(&self, outbox: &Outbox) -> Result<(), LogError> {
        self.log.append(outbox)
    }

    fn ends(&self, places: &[Place]) -> Result<Vec<Next>, LogError> {
        self.log.ends(places)
    }
}

fn text(next: &[Next]) -> String {
    let each = next.iter().map(|(place, next)| format!("{} {}: {next}", place.topic.name(), place.partition));
    each.collect::<Vec<_>>().join(", ")
}

struct SimSession {
    inner: LocalSession,
    log: LocalLog,
    context: Arc<OnceLock<Weak<Context>>>,
    mutation: Option<Mutation>,
    world: Arc<World>,
    baton: Arc<Baton>,
    process: usize,
    /// It was told that its partitions go elsewhere.
    is_leaving: Cell<bool>,
    /// And it has given them up.
    has_left: Cell<bool>,
}

impl SimSession {
    fn point(&self) {
        self.world.point(self.process);
    }

    /// Takes part in a new assignment, once that may be. False while it does not.
    fn join(&self) -> bool {
        let mut state = self.world.lock();
        let generation = state.generation;
        if self.has_left.get() {
            // whatever was decided since
            state.members[self.process].released = generation;
        }
        // it may be a while until the group answers: others are at work then
        let is_slow = state.faults && state.random.below(10) > 0;
        let may = self.has_left.get() && !is_slow && (state.impatient || state.others_have_released(self.process));
        let member = &mut state.members[self.process];
        if may {
            self.is_leaving.set(false);
            self.has_left.set(false);
            member.joined = generation;
            self.inner.assign(member.assigned.clone());
        }
        member.joined == generation
    }
}

impl Session for SimSession {
    fn poll<'s>(&'s self, _: Duration, limit: Limit, batch: &mut Batch<'s>) -> Result<(), LogError> {
        self.baton.pass();
        self.point();
        // in a service another thread does this once a second; some are slow to learn
        let follows = self.world.lock().random.one_in(if self.process.is_multiple_of(2) { 6 } else { 400 });
        if follows && let Some(context) = self.context.get().and_then(Weak::upgrade) {
            let known = |context: &Context| rules::versions(&context.rules.read().expect("rules"));
            let before = known(&context);
            let _ = context.follow_rules();
            let after = known(&context);
            if after != before {
                let mut state = self.world.lock();
                state.count("rules learned");
                state.note(|| format!("process {} learns of rules: {after:?}", self.process));
            }
        }
        let most = {
            let mut state = self.world.lock();
            let pace = state.pace;
            // now and then it hangs
            let pace = if state.fails(30) { 50 * pace } else { pace };
            let passed = state.random.below(pace);
            state.elapsed += Duration::from_millis(passed);
            if state.fails(200) {
                state.count("sessions lost");
                return Err(LogError::Session("the connection is gone".to_owned()));
            }
            if state.faults { 1 + state.random.below(25) as usize } else { usize::MAX / 2 }
        };
        if !self.join() {
            return Ok(());
        }
        let limit = Limit { records: limit.records.min(batch.messages.len() + most), ..limit };
        self.inner.poll(Duration::ZERO, limit, batch)
    }

    fn take_change(&self) -> Option<Change> {
        let mut state = self.world.lock();
        if state.members[self.process].joined == state.generation {
            return self.inner.take_change();
        }
        if self.is_leaving.replace(true) {
            return None;
        }
        // what it was to take over is out of date
        self.inner.take_change();
        state.count("rebalances");
        let change = if state.random.one_in(4) { Change::Lost } else { Change::Revoked };
        state.note(|| format!("process {} is told: {change:?}", self.process));
        Some(change)
    }

    fn accept(&self, partitions: &[u32]) -> Result<Vec<Next>, LogError> {
        self.point();
        self.inner.accept(partitions)
    }

    fn start(&self) -> Result<(), LogError> {
        self.point();
        self.inner.start()
    }

    fn release(&self) -> Result<(), LogError> {
        self.point();
        self.has_left.set(self.is_leaving.get());
        self.inner.release()
    }

    fn commit(&self, outbox: &Outbox, next: &[Next]) -> Result<(), CommitError> {
        self.point();
        let is_lost = {
            let mut state = self.world.lock();
            state.count("commits");
            if state.fails(25) {
                state.count("aborts");
                state.note(|| format!("a commit of process {} is aborted", self.process));
                return Err(CommitError::Aborted("simulated".to_owned()));
            }
            if state.fails(40) {
                state.count("lost commits");
                state.note(|| format!("a commit of process {} is lost", self.process));
                return Err(CommitError::Unknown("it never happened".to_owned()));
            }
            state.fails(40)
        };
        if let Err(error) = self.inner.commit(outbox, next) {
            if error.to_string().contains("local log") {
                self.world.lock().doubt(self.process, next, records(&self.log));
            }
            return Err(error);
        }
        {
            let mut state = self.world.lock();
            state.note(|| format!("process {} commits {} records, up to {}", self.process, outbox.len(), text(next)));
            state.promised(self.process, next);
        }
        self.point();
        if is_lost {
            let mut state = self.world.lock();
            state.count("lost answers");
            state.note(|| format!("the answer to process {} is lost", self.process));
            return Err(CommitError::Unknown("it did happen".to_owned()));
        }
        Ok(())
    }

    fn rewind(&self) -> Result<(), LogError> {
        self.point();
        self.inner.rewind()
    }

    fn committed_to(&self, place: Place) -> Option<u64> {
        self.inner.committed_to(place)
    }

    fn end(&self, place: Place) -> Option<End> {
        let end = self.inner.end(place)?;
        let mut state = self.world.lock();
        let at = Timestamp(state.wall + state.elapsed.as_millis() as i64);
        Some(End { at, reached: end.reached && !state.fails(4), ..end })
    }

    fn changelog(&self, topic: Topic, from: &[(u32, u64)]) -> Result<Box<dyn Changelog + '_>, LogError> {
        self.point();
        let inner = self.inner.changelog(topic, from)?;
        Ok(Box::new(SimChangelog { inner, session: self, rows: 0 }))
    }
}

impl Drop for SimSession {
    fn drop(&mut self) {
        self.world.lock().members[self.process].has_session = false;
    }
}

struct SimChangelog<'s> {
    inner: Box<dyn Changelog + 's>,
    session: &'s SimSession,
    /// Rows handed out so far.
    rows: u64,
}

impl Changelog for SimChangelog<'_> {
    fn read(&mut self, _: Duration, row: &mut dyn FnMut(Row<'_>)) -> Result<bool, LogError> {
        self.session.point();
        if self.session.world.lock().fails(3) {
            return Ok(false);
        }
        self.session.world.lock().count("restores");
        // the last commit before this is not settled: only what is before it is stable
        let (_, all) = self.inner.progress();
        let breaks = self.session.mutation == Some(Mutation::RestoreToStable);
        let (session, rows) = (self.session, &mut self.rows);
        let stable = if breaks { all - session.world.lock().random.below(20).min(all) } else { u64::MAX };
        let done = self.inner.read(Duration::from_secs(3600), &mut |read| {
            session.point();
            *rows += 1;
            if *rows <= stable {
                row(read);
            }
        })?;
        self.session.point();
        Ok(done)
    }

    fn bounds(&self, partition: u32) -> (u64, u64) {
        self.inner.bounds(partition)
    }

    fn progress(&self) -> (u64, u64) {
        self.inner.progress()
    }
}
