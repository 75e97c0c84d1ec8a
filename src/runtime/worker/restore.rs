//! Taking partitions over: their stores are brought to where the changelog is.

use std::time::Duration;

use super::partition::{Partition, Stage};
use super::{Context, Mutation, ThreadState, Worker};
use crate::events::{Duration as Span, Timestamp};
use crate::outputs::Topic;
use crate::runtime::log::{Batch, Limit, LogError, Next, Place, Session};
use crate::runtime::store::Position;
use crate::state::{StoreError, Table};

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
        let topic = if account { Topic::AccountChangelog } else { Topic::ContactChangelog };
        let (wall, retention) = (self.context.clock.wall(), self.context.settings.state.delete_retention);
        let context = self.context;

        let mut from = Vec::new();
        for &number in partitions {
            let Some(stage) = self.stage(number, account) else { continue };
            from.push((number, stage.store.position().map_or(0, |position| position.changelog_next)));
        }
        let mut changelog = session.changelog(topic, &from)?;
        let mut doubted = false;
        for (number, from) in &mut from {
            let bounds = changelog.bounds(*number);
            let Some(stage) = self.stage(*number, account) else { continue };
            let Some(position) = stage.store.position() else { continue };
            if let Err(reason) = check(position, bounds, *number, committed, wall, retention) {
                tracing::warn!(partition = *number, topic = topic.name(), reason, "state on disk is not used");
                stage.store.wipe().map_err(|error| context.unusable(&error))?;
                (*from, doubted) = (0, true);
            }
        }
        if doubted {
            changelog = session.changelog(topic, &from)?;
        }
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
            let done = changelog.read(SLICE, &mut |(number, key, value)| {
                rows += 1;
                if rows > limit {
                    return;
                }
                let is_identity =
                    [Table::Identities as u8, Table::AccountIdentity as u8].contains(&key.first().copied().unwrap_or(0));
                if is_identity && context.is_broken_by(Mutation::IdentitiesNotRestored) {
                    return;
                }
                let Some(stage) = self.stage(number, account) else { return };
                stage.store.absorb(vec![(key.to_vec(), value.map(<[u8]>::to_vec))]);
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
        for &(number, _) in &from {
            let (_, end) = changelog.bounds(number);
            let Some(stage) = self.stage(number, account) else { continue };
            stage.set_committed(number, committed);
            let offsets = stage.named_offsets();
            stage.store.advance(Some(end), &offsets);
        }
        Ok(Some(rows))
    }
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
    (low, end): (u64, u64),
    number: u32,
    committed: &[Next],
    now: Timestamp,
    retention: Span,
) -> Result<(), &'static str> {
    if position.changelog_next > end || (position.changelog_next < low && position.changelog_next > 0) {
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
            changelog_next: 10,
            input_next: vec![("product-events".to_owned(), 5)],
            flushed_at: Timestamp(1_000_000),
            ..Position::default()
        };
        let at = |next| vec![(Place::new(Topic::ProductEvents, 3), next)];
        let day = Span::days(1);
        let trusted = |bounds, committed: &[Next], now| check(&position, bounds, 3, committed, Timestamp(now), day).is_ok();
        assert!(trusted((0, 10), &at(5), 1_000_000));
        assert!(trusted((10, 90), &at(50), 1_000_000));
        assert!(!trusted((0, 9), &at(5), 1_000_000), "the changelog was made anew");
        assert!(!trusted((11, 90), &at(5), 1_000_000), "what follows was removed");
        assert!(!trusted((0, 10), &at(4), 1_000_000), "offsets went back");
        assert!(!trusted((0, 10), &[], 1_000_000));
        assert!(!trusted((0, 10), &at(5), 1_000_000 + day.0 / 2 + 1), "deletions may be gone");
    }
}
