//! What all processes of a simulation share: time, faults, the assignment of partitions, and what was promised so far.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scorekeeper::events::Timestamp;
use scorekeeper::runtime::clock::Clock;
use scorekeeper::runtime::log::{Next, Place};

use super::random::Random;

/// What a crashing process unwinds with.
pub struct Crash;

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
    pub violations: Vec<String>,
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
            violations: Vec::new(),
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

    /// True once in `n` times, while things may go wrong.
    pub fn fails(&mut self, n: u64) -> bool {
        self.faults && self.random.one_in(n)
    }

    pub fn promised(&mut self, next: &[Next]) {
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
