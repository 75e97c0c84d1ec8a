//! Polling and applying a batch.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::{SECOND, Worker};
use crate::engine::Input;
use crate::outputs::{Topic, bundle};
use crate::runtime::log::{Batch, Limit, LogError, Message, Session};

/// Records polled between two looks at the clock.
const CHUNK: usize = 1000;
/// Silence after which a batch is not kept waiting for more.
const SILENCE: Duration = Duration::from_millis(3);
/// A batch gathers for this long at least, while records come without a pause.
const SHORTEST: Duration = Duration::from_millis(5);
/// Under backlog a batch may take this many commit intervals.
const BACKLOG: u32 = 4;

impl Worker<'_> {
    /// Polls and applies records until it is time to commit: the interval is over, nothing more comes, the batch is full, the
    /// partitions change, or a second has passed.
    pub(super) fn collect<'s>(&mut self, session: &'s dyn Session, batch: &mut Batch<'s>) -> Result<(), LogError> {
        let settings = &self.context.settings.worker;
        let longest = Duration::from_millis(settings.commit_interval.0.max(1) as u64);
        // nothing waits much longer than the commits themselves take
        let interval = (self.commit_takes * 2).clamp(SHORTEST.min(longest), longest);
        let full = Limit { records: settings.commit_max_events, bytes: settings.commit_max_bytes };
        let mut first: Option<Duration> = None;
        loop {
            let wait = match first {
                None => self.context.control.tick(SECOND).saturating_sub(self.since(self.last_watermark)).min(longest * 2),
                Some(first) => interval.saturating_sub(self.since(first)).min(SILENCE),
            };
            let before = batch.messages.len();
            let limit = Limit { records: (before + CHUNK).min(full.records), bytes: full.bytes };
            session.poll(wait, limit, batch)?;
            let polled = batch.messages.len() - before;
            self.apply(batch, before);
            self.change = self.change.take().or_else(|| session.take_change());
            if self.change.is_some() || batch.is_full(full) || self.outbox.bytes() >= full.bytes {
                return Ok(());
            }
            let due = match first {
                None if polled == 0 => true,
                None => false,
                Some(first) if polled == CHUNK => self.since(first) >= longest * BACKLOG,
                Some(first) => polled == 0 || self.since(first) >= interval,
            };
            if due {
                return Ok(());
            }
            if first.is_none() {
                self.context.control.begin();
                first = Some(self.context.clock.elapsed());
            }
        }
    }

    /// Applies the batch's records from a position on. On a panic of a rule all of it again, with that record rejected.
    fn apply(&mut self, batch: &Batch<'_>, from: usize) {
        // the record, and which part of it where it is a bundle
        let mut at = (from, 0);
        while at.0 < batch.messages.len() {
            let applied = catch_unwind(AssertUnwindSafe(|| {
                while let Some(message) = batch.messages.get(at.0) {
                    self.apply_one(&mut at, message);
                    at = (at.0 + 1, 0);
                }
            }));
            if let Err(panic) = applied {
                let message = message_of(&*panic);
                let place = batch.messages[at.0].place;
                tracing::error!(?place, offset = batch.messages[at.0].offset, message, "a rule panicked; the record is rejected");
                self.rejected.insert(at, message);
                self.discard();
                at = (0, 0);
            }
        }
    }

    fn apply_one(&mut self, at: &mut (usize, usize), message: &Message<'_>) {
        let Some(Some(partition)) = self.partitions.get_mut(message.place.partition as usize) else { return };
        let (stage, input) = partition.stage_of(message.place.topic);
        let mut headers = Vec::new();
        message.headers(&mut headers);
        let record = Input {
            topic: message.place.topic,
            partition: message.place.partition,
            offset: message.offset,
            timestamp: message.timestamp,
            key: message.key(),
            value: message.value(),
            headers: &headers,
        };
        let (rules, rejected, out) = (&self.rules, &self.rejected, &mut self.outbox);
        let mut apply = |at: (usize, usize), record: &Input<'_>| match rejected.get(&at) {
            None => stage.task.apply(&stage.store, rules, record, out),
            Some(reason) => stage.task.reject(record, reason, out),
        };
        match record.value.filter(|_| record.topic == Topic::AccountEvents).and_then(bundle::parts) {
            None => apply(*at, &record),
            Some(parts) => {
                for (timestamp, value) in parts {
                    apply(*at, &Input { timestamp: Some(timestamp), value: Some(value), ..record });
                    at.1 += 1;
                }
            }
        }
        stage.applied(input, message.offset, message.timestamp);
    }
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a rule panicked".to_owned())
}
