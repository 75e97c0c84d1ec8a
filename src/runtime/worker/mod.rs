//! The loop of a worker thread: poll, apply, seal, commit.
//!
//! 1. A bounded batch is polled and applied as it comes, over the tasks' overlays: nothing of it is state yet.
//! 2. The tasks are sealed; outputs, changelog, dead letters and the next offsets go into one commit.
//! 3. Only after the commit succeeded the changes join the stores, which write them to disk in the background.
//!
//! A rule that panics: the batch is discarded and applied again with that record rejected. A commit that was aborted, or a
//! store that failed: the batch is discarded and read again. A commit whose outcome nobody knows: the session is dropped, and
//! a new one starts from what is committed. The store is never ahead of the log.

mod batch;
mod control;
mod mutation;
mod partition;
mod restore;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

pub use self::control::{Control, ThreadState};
pub use self::mutation::Mutation;
use self::partition::Partition;
use super::clock::Clock;
use super::failpoint::{self, Failpoint};
use super::log::{Batch, Change, CommitError, Log, LogError, Next, Place, Session};
use super::metrics::Metrics;
use super::rules::RulesTopic;
use super::settings::Settings;
use super::store::Stores;
use crate::engine::{AccountTask, ContactTask, Counters, Publish, Task};
use crate::events::Timestamp;
use crate::outputs::{Outbox, Topic};
use crate::rulebook::RuleSet;
use crate::state::Store;

/// A task as the loop drives it.
pub trait StageTask: Task {
    /// Does what time brings, and writes how far the partition has come; `reached`: when it had come to the end. Time has
    /// passed up to then even where no event tells so.
    fn watermark(&mut self, _: &dyn Store, _: &RuleSet, _reached: Option<Timestamp>, _wall: Timestamp, _out: &mut Outbox) {}

    /// Whether work of its own is left, which goes on with the next watermark.
    fn is_at_work(&mut self, _: &dyn Store) -> bool {
        false
    }

    fn counters(&self) -> Option<&Counters> {
        None
    }
}

impl StageTask for AccountTask {
    fn counters(&self) -> Option<&Counters> {
        Some(AccountTask::counters(self))
    }

    fn is_at_work(&mut self, store: &dyn Store) -> bool {
        AccountTask::is_at_work(self, store)
    }
}

impl StageTask for ContactTask {
    fn watermark(&mut self, store: &dyn Store, rules: &RuleSet, reached: Option<Timestamp>, wall: Timestamp, out: &mut Outbox) {
        ContactTask::watermark(self, store, rules, reached.unwrap_or(wall), reached.is_some(), out);
    }

    fn counters(&self) -> Option<&Counters> {
        Some(ContactTask::counters(self))
    }
}

/// Makes the tasks of a partition.
pub trait Stages: Send + Sync {
    fn contact(&self, partition: u32, partitions: u32) -> Box<dyn StageTask>;
    fn account(&self, partition: u32, partitions: u32) -> Box<dyn StageTask>;
}

/// What the worker threads of a process share.
pub struct Context {
    pub settings: Settings,
    pub log: Arc<dyn Log>,
    pub stores: Stores,
    pub stages: Box<dyn Stages>,
    /// The rules in force; a batch works with one set throughout.
    pub rules: RwLock<Arc<RuleSet>>,
    pub rules_topic: Mutex<RulesTopic>,
    pub metrics: Metrics,
    pub control: Control,
    pub clock: Arc<dyn Clock>,
    /// How the loop is broken on purpose; never in a service.
    pub mutation: Option<Mutation>,
}

/// How often watermarks, and full boards, are written.
const SECOND: Duration = Duration::from_secs(1);

/// Why a batch came to nothing.
enum Failure {
    /// It is undone; read it again.
    Again,
    /// The store of these partitions cannot be relied on.
    Store(String),
    Session(LogError),
}

/// A worker thread.
pub struct Worker<'c> {
    context: &'c Context,
    thread: usize,
    threads: usize,
    rules: Arc<RuleSet>,
    partitions: Vec<Option<Partition>>,
    outbox: Outbox,
    /// Records of the batch on which a rule panicked, by position, and by part where the record is a bundle.
    rejected: BTreeMap<(usize, usize), String>,
    change: Option<Change>,
    /// How long a commit takes, as of late.
    commit_takes: Duration,
    /// In the clock's elapsed time.
    last_watermark: Duration,
    last_boards: Duration,
}

impl<'c> Worker<'c> {
    pub fn new(context: &'c Context, thread: usize, threads: usize) -> Worker<'c> {
        Worker {
            context,
            thread,
            threads,
            rules: context.rules(),
            partitions: (0..context.log.partitions()).map(|_| None).collect(),
            outbox: Outbox::default(),
            rejected: BTreeMap::new(),
            change: None,
            commit_takes: Duration::ZERO,
            last_watermark: context.clock.elapsed(),
            last_boards: context.clock.elapsed(),
        }
    }

    /// Works until it is told to stop, over as many sessions as it takes.
    pub fn run(mut self) -> Result<(), LogError> {
        let mut pause = Duration::from_millis(100);
        while !self.context.control.is_stopping() {
            let started = self.context.clock.elapsed();
            let result = self.context.log.session(self.thread, self.threads).and_then(|session| {
                let result = self.drive(&*session);
                self.discard();
                if result.is_err() {
                    self.give_up();
                }
                if result.is_ok() { session.release() } else { Ok(()) }.and(result)
            });
            match result {
                Ok(()) => break,
                Err(LogError::Fatal(reason)) => return Err(LogError::Fatal(reason)),
                Err(LogError::Session(reason)) => {
                    tracing::warn!(thread = self.thread, reason, "the session ended; opening a new one");
                    // another thread may be given the partitions: it must not wait for their stores
                    self.partitions.iter_mut().for_each(|partition| *partition = None);
                    self.context.control.set_owned(self.thread, &[]);
                    self.context.metrics.session_ended();
                    self.context.control.set_state(self.thread, ThreadState::Failed(reason));
                    let longer = (pause * 2).min(Duration::from_secs(5));
                    pause = if self.since(started) > Duration::from_secs(30) { Duration::from_millis(100) } else { longer };
                    self.context.clock.sleep(pause);
                }
            }
        }
        for stage in self.partitions.iter_mut().flatten().flat_map(Partition::stages) {
            if let Err(error) = stage.store.flush(self.context.clock.wall()) {
                tracing::warn!(%error, "state was not written; it will be restored from the changelog");
                self.context.control.set_unclean();
            }
        }
        Ok(())
    }

    /// Works with one session until it is told to stop.
    fn drive(&mut self, session: &dyn Session) -> Result<(), LogError> {
        self.context.control.set_state(self.thread, ThreadState::Waiting);
        let mut batch = Batch::default();
        while !self.context.control.is_stopping() {
            self.context.control.beat(self.thread);
            self.rules = self.context.rules();
            self.collect(session, &mut batch)?;
            if self.change == Some(Change::Lost) {
                self.discard();
            } else {
                self.tick(session);
                match self.commit(session, &batch) {
                    Ok(()) => {}
                    Err(Failure::Again) => self.rewind(session)?,
                    Err(Failure::Store(reason)) => {
                        tracing::error!(reason, "the store failed; its partitions are restored from the changelog");
                        return Err(LogError::Session(reason));
                    }
                    Err(Failure::Session(error)) => return Err(error),
                }
            }
            batch.clear();
            self.rejected.clear();
            while let Some(change) = self.change.take() {
                self.handle(session, change)?;
            }
        }
        self.settle(session);
        Ok(())
    }

    /// Before an orderly end: what is on disk is to say how far it is, so that nothing of it is read again.
    fn settle(&mut self, session: &dyn Session) {
        let context = self.context;
        let mut next = Vec::new();
        for (number, partition) in self.partitions.iter_mut().enumerate() {
            let Some(partition) = partition.as_mut().filter(|_| context.control.owns(self.thread, number as u32)) else {
                continue;
            };
            next.extend(partition.stages().iter().flat_map(|stage| stage.pending(number as u32, true)));
        }
        if next.is_empty() || session.settle(&next).is_err() {
            return;
        }
        for (number, partition) in self.partitions.iter_mut().enumerate() {
            let stages = partition.iter_mut().flat_map(Partition::stages);
            stages.for_each(|stage| stage.look_up(number as u32, session, 0));
        }
    }

    fn handle(&mut self, session: &dyn Session, change: Change) -> Result<(), LogError> {
        match change {
            Change::Revoked | Change::Lost => {
                tracing::info!(thread = self.thread, ?change, "partitions are given up");
                self.give_up();
                self.context.control.set_state(self.thread, ThreadState::Waiting);
                session.release()
            }
            Change::Assigned(partitions) => {
                tracing::info!(thread = self.thread, ?partitions, "partitions are taken over");
                if self.restore(session, &partitions)? {
                    // what others have worked off may rest on rules that were not read here yet
                    self.context.follow_rules()?;
                    session.start()?;
                    self.note_work();
                    self.context.control.set_owned(self.thread, &partitions);
                    self.context.control.set_state(self.thread, ThreadState::Running);
                }
                Ok(())
            }
        }
    }

    /// From here on nothing is written for any partition, until they are taken over again: others may have them by now.
    fn give_up(&mut self) {
        if self.context.is_broken_by(Mutation::WorkAfterRevoke) {
            return;
        }
        self.context.control.set_owned(self.thread, &[]);
        for stage in self.partitions.iter_mut().flatten().flat_map(Partition::stages) {
            stage.rest();
        }
    }

    /// Says whether the tasks have work of their own left, for a service that ends when there is none.
    fn note_work(&mut self) {
        if self.context.control.stop_at_end {
            let mut stages = self.partitions.iter_mut().flatten().flat_map(Partition::stages);
            let is_at_work = stages.any(|stage| stage.task.is_at_work(&stage.store));
            self.context.control.set_at_work(self.thread, is_at_work);
        }
    }

    fn since(&self, moment: Duration) -> Duration {
        self.context.clock.elapsed().saturating_sub(moment)
    }

    fn rewind(&mut self, session: &dyn Session) -> Result<(), LogError> {
        self.discard();
        if self.context.is_broken_by(Mutation::NoRewind) {
            return Ok(());
        }
        // whatever the reason is, it may need a moment to pass
        self.context.clock.sleep(Duration::from_millis(50));
        // a rebalance in between: what is committed is read when partitions are taken over again
        if self.change.is_none() { session.rewind() } else { Ok(()) }
    }

    /// Undoes the batch.
    fn discard(&mut self) {
        self.outbox.clear();
        let task_too = !self.context.is_broken_by(Mutation::KeepOverlay);
        for stage in self.partitions.iter_mut().flatten().flat_map(Partition::stages) {
            stage.discard(task_too);
        }
    }

    /// Once a second: watermarks, and offsets moved past transaction markers.
    fn tick(&mut self, session: &dyn Session) {
        let control = &self.context.control;
        if self.since(self.last_watermark) < control.tick(SECOND) {
            return;
        }
        self.last_watermark = self.context.clock.elapsed();
        let wall = self.context.clock.wall();
        for (number, partition) in self.partitions.iter_mut().enumerate() {
            let Some(partition) = partition.as_mut().filter(|_| control.owns(self.thread, number as u32)) else { continue };
            for stage in partition.stages() {
                for input in 0..stage.inputs().len() {
                    let place = Place::new(stage.inputs()[input], number as u32);
                    let Some(end) = session.end(place) else { continue };
                    if end.reached && end.drained {
                        stage.pass(input, end.next);
                    }
                    let age = stage.newest(input).map(|newest| Duration::from_millis((wall.0 - newest.0).max(0) as u64));
                    self.context.metrics.lag(place, end.end.saturating_sub(stage.next(input)), age);
                }
            }
            let place = Place::new(Topic::ProductEvents, number as u32);
            let stage = &mut partition.contact;
            let end = session.end(place).filter(|end| end.reached && stage.next(0) >= end.end);
            if self.context.is_broken_by(Mutation::WatermarkBeforeOutputs) {
                let mut apart = Outbox::default();
                stage.task.watermark(&stage.store, &self.rules, end.map(|end| end.at), wall, &mut apart);
                let _ = session.commit(&apart, &[]);
                continue;
            }
            stage.task.watermark(&stage.store, &self.rules, end.map(|end| end.at), wall, &mut self.outbox);
            stage.touched = true;
        }
    }

    /// Seals the touched tasks and commits. An empty batch commits nothing.
    fn commit(&mut self, session: &dyn Session, batch: &Batch<'_>) -> Result<(), Failure> {
        if self.has_newer_rules() {
            return Err(Failure::Again);
        }
        let publish = if self.since(self.last_boards) >= SECOND { Publish::All } else { Publish::ButBoards };
        let (mut next, mut moved) = (Vec::new(), false);
        for (number, partition) in self.partitions.iter_mut().enumerate() {
            for stage in partition.iter_mut().flat_map(Partition::stages) {
                stage.touched |= stage.owes_boards && publish == Publish::All;
                if !stage.touched {
                    continue;
                }
                stage.task.seal(&stage.store, &self.rules, publish, &mut self.outbox);
                if let Some(fault) = stage.task.fault() {
                    return Err(Failure::Store(stage.doubt(&fault.to_string())));
                }
                moved |= stage.has_moved();
                // those that have not moved too: a commit that names an offset of its partition is fenced
                let all = !self.context.is_broken_by(Mutation::WorkAfterRevoke);
                next.extend(stage.pending(number as u32, all));
            }
        }
        // before the commit, so that whoever sees the offsets finds this said
        self.note_work();
        if publish == Publish::All {
            self.last_boards = self.context.clock.elapsed();
        }
        if self.outbox.is_empty() && !moved {
            return Ok(());
        }
        self.outbox.bundle(self.context.log.partitions());
        let started = self.context.clock.elapsed();
        if self.context.is_broken_by(Mutation::StateBeforeCommit) || self.context.is_broken_by(Mutation::FlushBeforeCommit) {
            self.take_in(session, publish)?;
        }
        if self.context.is_broken_by(Mutation::FlushBeforeCommit) {
            for stage in self.partitions.iter_mut().flatten().flat_map(Partition::stages) {
                let _ = stage.store.flush(self.context.clock.wall());
            }
        }
        match self.commit_to(session, &next) {
            Ok(()) => {}
            Err(CommitError::Aborted(reason)) => {
                tracing::warn!(thread = self.thread, reason, "a transaction was aborted; its records are read again");
                self.context.metrics.aborted();
                return Err(Failure::Again);
            }
            Err(CommitError::Unknown(_)) if self.context.is_broken_by(Mutation::KeepSession) => return Err(Failure::Again),
            Err(error @ CommitError::Unknown(_)) => return Err(Failure::Session(LogError::Session(error.to_string()))),
        }
        failpoint::pass(Failpoint::AfterCommit);
        let metrics = &self.context.metrics;
        self.commit_takes = (self.commit_takes * 3 + self.since(started)) / 4;
        metrics.committed(self.since(started), batch, &self.outbox, self.context.clock.wall());
        self.take_in(session, publish)?;
        self.outbox.clear();
        self.context.control.worked_off(batch.messages.len() as u64);
        Ok(())
    }

    /// Whether the batch names a version of the rules that it was not applied with, and that there is by now: another process
    /// has followed their topic faster. The records must not become dead letters for that.
    fn has_newer_rules(&mut self) -> bool {
        let mut stages = self.partitions.iter_mut().flatten().flat_map(Partition::stages);
        if !stages.any(|stage| stage.task.lacks_rules()) {
            return false;
        }
        let read = self.context.follow_rules();
        if let Err(error) = &read {
            tracing::warn!(%error, "the rules topic cannot be read");
        }
        read.is_err() || !Arc::ptr_eq(&self.rules, &self.context.rules())
    }

    fn commit_to(&self, session: &dyn Session, next: &[Next]) -> Result<(), CommitError> {
        if self.context.is_broken_by(Mutation::OffsetsBeforeOutputs) {
            return session.commit(&Outbox::default(), next).and_then(|()| session.commit(&self.outbox, &[]));
        }
        if self.context.is_broken_by(Mutation::OutputsBeforeOffsets) {
            return session.commit(&self.outbox, &[]).and_then(|()| session.commit(&Outbox::default(), next));
        }
        session.commit(&self.outbox, next)
    }

    /// The batch is committed: the stores take in what it has changed.
    fn take_in(&mut self, session: &dyn Session, publish: Publish) -> Result<(), Failure> {
        let context = self.context;
        let interval = Duration::from_millis(context.settings.state.flush_interval.0.max(0) as u64);
        for (number, partition) in self.partitions.iter_mut().enumerate() {
            for stage in partition.iter_mut().flat_map(Partition::stages).filter(|stage| stage.touched) {
                stage.committed(number as u32, session, publish, context);
                failpoint::pass(Failpoint::AmidTakeIn);
                if let Err(error) = stage.store.flush_if_due(interval, context.clock.wall()) {
                    return Err(Failure::Store(stage.doubt(&error.to_string())));
                }
            }
        }
        Ok(())
    }
}

impl Context {
    /// Takes in what is new on the rules topic, if rules come from there.
    pub fn follow_rules(&self) -> Result<(), LogError> {
        if !self.settings.rules.topic {
            return Ok(());
        }
        let mut topic = self.rules_topic.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rules) = topic.refresh(&*self.log)? {
            tracing::info!(accounts = rules.accounts().count(), "new rules");
            *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
        }
        Ok(())
    }

    fn rules(&self) -> Arc<RuleSet> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests;
