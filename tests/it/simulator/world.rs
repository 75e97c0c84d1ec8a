//! What all processes of a simulation share: time, faults, the assignment of partitions, and what was promised so far.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scorekeeper::events::Timestamp;
use scorekeeper::outputs::Topic;
use scorekeeper::runtime::clock::Clock;
use scorekeeper::runtime::log::{Next, Place};

use super::random::Random;
use super::rules::Known;

/// What a crashing process unwinds with.
pub struct Crash;

/// What the contact stage of a partition has applied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    Record(Topic, u64),
    /// Time that passed up to here without an event.
    Time(Timestamp),
}

/// With the rules that the process had by then.
#[derive(Clone, Copy, Debug)]
pub struct Applied {
    pub what: What,
    pub rules: Known,
}

/// A commit whose outcome is not known, and how many records the log held before.
struct Doubt {
    process: usize,
    next: Vec<Next>,
    records: u64,
    /// What it was the result of.
    pending: BTreeMap<(usize, u32), Vec<Applied>>,
}

pub struct World(Mutex<State>);

pub struct State {
    pub random: Random,
    pub elapsed: Duration,
    /// Wall clock at the start, milliseconds; it jumps.
    pub wall: i64,
    /// Time that a poll takes, at most.
    pub pace: u64,
    /// Whether anything may go wrong.
    pub faults: bool,
    pub members: Vec<Member>,
    /// Counts the assignments of partitions.
    pub generation: u64,
    /// Partitions are taken over before everyone has given up theirs.
    pub impatient: bool,
    /// What was answered as committed.
    pub committed: BTreeMap<Place, u64>,
    /// By process and partition, what its contact stage has applied since its last commit.
    pending: BTreeMap<(usize, u32), Vec<Applied>>,
    /// By partition, what was committed.
    pub applied: BTreeMap<u32, Vec<Applied>>,
    /// A commit of which only the disk knows whether it happened.
    uncertain: Option<Doubt>,
    pub violations: Vec<String>,
    /// The last things that happened, newest last.
    pub trace: Option<Vec<String>>,
    pub counts: BTreeMap<&'static str, u64>,
}

/// A process as the group sees it.
#[derive(Clone, Debug, Default)]
pub struct Member {
    pub assigned: Vec<u32>,
    pub has_session: bool,
    /// The generations that it has joined and given up.
    pub joined: u64,
    pub released: u64,
    /// Points until it crashes.
    pub crash_in: Option<u64>,
    pub dying: bool,
}

impl World {
    pub fn new(random: Random, processes: usize, wall: i64) -> World {
        World(Mutex::new(State {
            random,
            elapsed: Duration::from_secs(1),
            wall,
            pace: 40,
            faults: true,
            members: vec![Member::default(); processes],
            generation: 1,
            impatient: false,
            committed: BTreeMap::new(),
            pending: BTreeMap::new(),
            applied: BTreeMap::new(),
            uncertain: None,
            violations: Vec::new(),
            trace: None,
            counts: BTreeMap::new(),
        }))
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place where a process may crash: it unwinds from here.
    pub fn point(&self, process: usize) {
        if self.reaches_end(process) {
            resume_unwind(Box::new(Crash));
        }
    }

    /// As [`World::point`], where the loop would catch the unwinding: the process crashes at the next point.
    pub fn reaches_end(&self, process: usize) -> bool {
        let mut state = self.lock();
        let member = &mut state.members[process];
        match &mut member.crash_in {
            Some(0) => (member.dying, member.crash_in) = (true, None),
            Some(left) => *left -= 1,
            None => {}
        }
        member.dying
    }
}

impl State {
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Notes what happened, for the trace of a seed that is played again.
    pub fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(what());
        }
    }

    pub fn apply(&mut self, process: usize, partition: u32, applied: Applied) {
        self.pending.entry((process, partition)).or_default().push(applied);
    }

    pub fn discard(&mut self, process: usize, partition: u32) {
        self.pending.remove(&(process, partition));
    }

    pub fn forget(&mut self, process: usize) {
        self.pending.retain(|(of, _), _| *of != process);
    }

    /// The disk failed while this was committed.
    pub fn doubt(&mut self, process: usize, next: &[Next], records: u64) {
        let pending = self.pending.clone();
        self.uncertain.get_or_insert(Doubt { process, next: next.to_vec(), records, pending });
    }

    /// The log was opened again: whether the commit in doubt happened is known now.
    pub fn resolve(&mut self, committed: BTreeMap<Place, u64>, records: u64) {
        if let Some(doubt) = self.uncertain.take()
            && (records > doubt.records || committed != self.committed)
        {
            self.pending = doubt.pending;
            self.promised(doubt.process, &doubt.next);
        }
        self.pending.clear();
        for (place, promised) in &self.committed {
            let found = committed.get(place).copied().unwrap_or(0);
            if found < *promised {
                self.violations.push(format!("{place:?} was committed up to {promised}, and is at {found} after a restart"));
            }
        }
        self.committed = committed;
    }

    /// True once in `n` times, while things may go wrong.
    pub fn fails(&mut self, n: u64) -> bool {
        self.faults && self.random.one_in(n)
    }

    /// A commit has happened: what was applied up to these offsets counts.
    pub fn promised(&mut self, process: usize, next: &[Next]) {
        for (&(of, partition), pending) in &mut self.pending {
            let reached = |topic| next.iter().find(|(place, _)| *place == Place::new(topic, partition)).map(|(_, next)| *next);
            if of == process && next.iter().any(|(place, _)| place.partition == partition && place.topic != Topic::AccountEvents)
            {
                let done: Vec<Applied> = pending
                    .extract_if(.., |applied| match applied.what {
                        What::Record(topic, offset) => reached(topic).is_some_and(|next| offset < next),
                        What::Time(_) => true,
                    })
                    .collect();
                self.applied.entry(partition).or_default().extend(done);
            }
        }
        for &(place, next) in next {
            let before = self.committed.insert(place, next).unwrap_or(0);
            if next < before {
                self.violations.push(format!("the committed offset of {place:?} went back from {before} to {next}"));
            }
        }
    }

    /// Whether everyone but `process` has given up what it had before this generation.
    pub fn others_have_released(&self, process: usize) -> bool {
        let mut others = self.members.iter().enumerate().filter(|(other, member)| *other != process && member.has_session);
        others.all(|(_, member)| member.joined == self.generation || member.released == self.generation)
    }
}

/// The clocks of the simulation.
pub struct SimClock(pub std::sync::Arc<World>);

impl Clock for SimClock {
    fn wall(&self) -> Timestamp {
        let state = self.0.lock();
        Timestamp(state.wall + state.elapsed.as_millis() as i64)
    }

    fn elapsed(&self) -> Duration {
        self.0.lock().elapsed
    }

    fn sleep(&self, duration: Duration) {
        self.0.lock().elapsed += duration;
    }
}

/// Lets one process run at a time: the scheduler gives it a turn, and it gives the turn back.
#[derive(Default)]
pub struct Baton {
    turn: Mutex<Turn>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Turn {
    #[default]
    Scheduler,
    Process,
    Ended,
}

impl Baton {
    fn hold(&self, until: impl Fn(Turn) -> bool, give: Option<Turn>) -> Turn {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(give) = give {
            *turn = give;
            self.changed.notify_all();
        }
        while !until(*turn) {
            turn = self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
        *turn
    }

    /// The process waits for its first turn.
    pub fn begin(&self) {
        self.hold(|turn| turn == Turn::Process, None);
    }

    /// The process gives its turn back, and waits for the next.
    pub fn pass(&self) {
        self.hold(|turn| turn == Turn::Process, Some(Turn::Scheduler));
    }

    /// The process has ended.
    pub fn end(&self) {
        self.hold(|_| true, Some(Turn::Ended));
    }

    /// Gives the process a turn; false if it has ended.
    pub fn step(&self) -> bool {
        let ended = self.hold(|_| true, None) == Turn::Ended;
        !ended && self.hold(|turn| turn != Turn::Process, Some(Turn::Process)) != Turn::Ended
    }
}
