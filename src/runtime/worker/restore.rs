//! Taking partitions over: their stores are brought to where the changelog is.

use std::time::Duration;

use super::partition::{ACCOUNT_CHANGELOGS, CONTACT_CHANGELOGS, Partition, Stage};
use super::{Context, Mutation, ThreadState, Worker};
use crate::events::{Duration as Span, Timestamp};
use crate::outputs::Topic;
use crate::rules::contact::ContactRow;
use crate::runtime::failpoint::{self, Failpoint};
use crate::runtime::log::{Batch, Changelog, Limit, LogError, Next, Place, Session};
use crate::runtime::store::{Position, TaskStore};
use crate::state::{Store as _, StoreError, Table};

/// How long to read a changelog before looking after the session again.
const SLICE: Duration = Duration::from_millis(200);

impl Worker<'_> {
    /// Takes the partitions over and restores their stores, a slice at a time. False if they were taken away meanwhile.
    pub(super) fn restore(&mut self, session: &dyn Session, partitions: &[u32]) -> Result<bool, LogError> {
        let committed = session.accept(partitions)?;
        let count = self.context.log.partitions();
        let stages = &*self.context.stages;
        for (number, slot) in self.partitions.iter_mut().enumerate() {
            let number = number as u32;
            match slot {
                _ if !partitions.contains(&number) => *slot = None,
                Some(partition) => partition.renew(stages, number, count),
                None => {}
            }
        }
        for &number in partitions {
            let Some(slot) = self.partitions.get_mut(number as usize) else { continue };
            if slot.is_none() {
                let opened = Partition::open(&self.context.stores, stages, number, count);
                *slot = Some(opened.map_err(|error| self.context.unusable(&error))?);
            }
        }
        let started = self.context.clock.elapsed();
        let mut rows = 0;
        for account in [false, true] {
            match self.restore_stage(session, account, partitions, &committed)? {
                Some(read) => rows += read,
                None => return Ok(false),
            }
        }
        if rows > 0 {
            tracing::info!(thread = self.thread, rows, seconds = self.since(started).as_secs_f64(), "state is restored");
        }
        Ok(true)
    }

    fn stage(&mut self, number: u32, account: bool) -> Option<&mut Stage> {
        let partition = self.partitions.get_mut(number as usize)?.as_mut()?;
        Some(if account { &mut partition.account } else { &mut partition.contact })
    }

    /// Restores one stage of all partitions. `None` if they were taken away.
    fn restore_stage(
        &mut self,
        session: &dyn Session,
        account: bool,
        partitions: &[u32],
        committed: &[Next],
    ) -> Result<Option<u64>, LogError> {
        let (wall, retention) = (self.context.clock.wall(), self.context.settings.state.delete_retention);
        let context = self.context;

        let topics = if account { ACCOUNT_CHANGELOGS } else { CONTACT_CHANGELOGS };
        let mut changelogs = self.open_changelogs(session, account, topics, partitions)?;
        let mut doubted = false;
        for &number in partitions {
            let Some(stage) = self.stage(number, account) else { continue };
            let Some(position) = stage.store.position() else { continue };
            let bounds: Vec<_> = topics.iter().zip(&changelogs).map(|(topic, log)| (*topic, log.bounds(number))).collect();
            if let Err(reason) = check(position, &bounds, number, committed, wall, retention) {
                tracing::warn!(partition = number, account, reason, "state on disk is not used");
                stage.store.wipe().map_err(|error| context.unusable(&error))?;
                doubted = true;
            }
        }
        if doubted {
            changelogs = self.open_changelogs(session, account, topics, partitions)?;
        }
        let mut rows = 0;
        for (&topic, changelog) in topics.iter().zip(&mut changelogs) {
            match self.read_changelog(session, account, topic, &mut **changelog)? {
                Some(read) => rows += read,
                None => return Ok(None),
            }
        }
        for &number in partitions {
            let ends: Vec<_> = topics.iter().zip(&changelogs).map(|(topic, log)| (topic.name(), log.bounds(number).1)).collect();
            let Some(stage) = self.stage(number, account) else { continue };
            stage.set_committed(number, committed);
            let offsets = stage.named_offsets();
            stage.store.advance(&ends, &offsets);
        }
        Ok(Some(rows))
    }

    /// Opens a stage's changelogs where its stores are.
    fn open_changelogs<'s>(
        &mut self,
        session: &'s dyn Session,
        account: bool,
        topics: &[Topic],
        partitions: &[u32],
    ) -> Result<Vec<Box<dyn Changelog + 's>>, LogError> {
        let mut open = |&topic: &Topic| {
            let next = |number: u32, stage: &mut Stage| {
                (number, stage.store.position().map_or(0, |position| position.changelog(topic.name())))
            };
            let from: Vec<(u32, u64)> =
                partitions.iter().filter_map(|&number| Some(next(number, self.stage(number, account)?))).collect();
            session.changelog(topic, &from)
        };
        topics.iter().map(&mut open).collect()
    }

    /// Reads a changelog to its end into the stores. `None` if the partitions were taken away.
    fn read_changelog(
        &mut self,
        session: &dyn Session,
        account: bool,
        topic: Topic,
        changelog: &mut dyn Changelog,
    ) -> Result<Option<u64>, LogError> {
        let wall = self.context.clock.wall();
        let all = changelog.progress().1;
        let limit = if self.context.is_broken_by(Mutation::SkipRestore) {
            0
        } else if self.context.is_broken_by(Mutation::RestoreStopsEarly) {
            all - all / 8
        } else {
            u64::MAX
        };
        let mut rows = 0;
        let mut failed = None;
        let mut idle = Batch::default();
        loop {
            let done = changelog.read(SLICE, &mut |(number, key, value, _)| {
                rows += 1;
                failpoint::pass(Failpoint::AmidRestore);
                if rows > limit {
                    return;
                }
                let is_identity =
                    [Table::Identities as u8, Table::AccountIdentity as u8].contains(&key.first().copied().unwrap_or(0));
                if is_identity && self.context.is_broken_by(Mutation::IdentitiesNotRestored) {
                    return;
                }
                let Some(stage) = self.stage(number, account) else { return };
                if let Err(error) = absorb(&mut stage.store, topic, key, value) {
                    failed = Some((number, error));
                }
                if rows % 1000 == 0
                    && let Err(error) = stage.store.flush_if_due(Duration::MAX, wall)
                {
                    failed = Some((number, error));
                }
            })?;
            if let Some((number, error)) = failed.take() {
                let reason = error.to_string();
                let stage = self.stage(number, account);
                return Err(LogError::Session(stage.map_or(reason.clone(), |stage| stage.doubt(&reason))));
            }
            let (read, all) = changelog.progress();
            self.context.metrics.restored(topic, read, all);
            self.context.control.set_state(self.thread, ThreadState::Restoring { topic: topic.name(), read, all });
            self.context.control.beat(self.thread);
            if done {
                break;
            }
            // keeps the session in its group
            session.poll(Duration::ZERO, Limit { records: 1, bytes: 1 }, &mut idle)?;
            self.change = session.take_change();
            if self.change.is_some() || self.context.control.is_stopping() {
                return Ok(None);
            }
        }
        Ok(Some(rows))
    }
}

/// Takes in a row of a changelog.
///
/// The newest copy of a contact's row is beside its lead score, or in the contact changelog while it has none, and may have
/// moved from one to the other and back. Lead scores are read first, and tell nothing by their end; after that the revisions
/// decide.
fn absorb(store: &mut TaskStore, topic: Topic, key: &[u8], value: Option<&[u8]>) -> Result<(), StoreError> {
    let is_contact = key.first() == Some(&(Table::Contact as u8));
    let row = match (topic, value) {
        (Topic::LeadScores, Some(value)) => ([&[Table::Contact as u8], key].concat(), Some(value.to_vec())),
        (Topic::LeadScores, None) => return Ok(()),
        (Topic::ContactChangelog, None) if is_contact => return Ok(()),
        (Topic::ContactChangelog, Some(value)) if is_contact => {
            let known = store.get(key)?.map_or(0, |known| ContactRow::revision_of(&known));
            if known > ContactRow::revision_of(value) {
                return Ok(());
            }
            (key.to_vec(), Some(value.to_vec()))
        }
        _ => (key.to_vec(), value.map(<[u8]>::to_vec)),
    };
    store.absorb(vec![row]);
    Ok(())
}

impl Context {
    /// A store that cannot even be emptied: the process ends, and the next one finds its state not closed and rebuilds all.
    fn unusable(&self, error: &StoreError) -> LogError {
        self.control.set_unclean();
        LogError::Fatal(format!("state.dir is damaged, and will be rebuilt at the next start: {error}"))
    }
}

/// Whether rows at a position can be continued from the changelog.
fn check(
    position: &Position,
    bounds: &[(Topic, (u64, u64))],
    number: u32,
    committed: &[Next],
    now: Timestamp,
    retention: Span,
) -> Result<(), &'static str> {
    let outside = |&(topic, (low, end)): &(Topic, (u64, u64))| {
        let next = position.changelog(topic.name());
        next > end || (next < low && next > 0)
    };
    if bounds.iter().any(outside) {
        return Err("its position is not in the changelog");
    }
    let ahead = |(name, next): &(String, u64)| {
        let place = Topic::ALL.into_iter().find(|topic| topic.name() == name).map(|topic| Place::new(topic, number));
        let known = committed.iter().find(|(known, _)| Some(*known) == place).map_or(0, |(_, next)| *next);
        *next > known
    };
    if position.input_next.iter().any(ahead) {
        return Err("it is ahead of the committed offsets");
    }
    // deletions may have left the changelog since
    if now.0.saturating_sub(position.flushed_at.0) > retention.0 / 2 && position.flushed_at.0 > 0 {
        return Err("it is too old");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_outside_the_log_are_not_trusted() {
        let position = Position {
            changelog_next: vec![("contact-changelog".to_owned(), 10)],
            input_next: vec![("product-events".to_owned(), 5)],
            flushed_at: Timestamp(1_000_000),
            ..Position::default()
        };
        let at = |next| vec![(Place::new(Topic::ProductEvents, 3), next)];
        let day = Span::days(1);
        let trusted = |bounds, committed: &[Next], now| {
            check(&position, &[(Topic::ContactChangelog, bounds)], 3, committed, Timestamp(now), day).is_ok()
        };
        assert!(trusted((0, 10), &at(5), 1_000_000));
        assert!(trusted((10, 90), &at(50), 1_000_000));
        assert!(!trusted((0, 9), &at(5), 1_000_000), "the changelog was made anew");
        assert!(!trusted((11, 90), &at(5), 1_000_000), "what follows was removed");
        assert!(!trusted((0, 10), &at(4), 1_000_000), "offsets went back");
        assert!(!trusted((0, 10), &[], 1_000_000));
        assert!(!trusted((0, 10), &at(5), 1_000_000 + day.0 / 2 + 1), "deletions may be gone");
    }
}
