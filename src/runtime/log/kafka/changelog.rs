//! Reading changelog partitions to their end, for a restore.
//!
//! The end is the high watermark with uncommitted records included: a transaction of the partition's last owner may still be
//! open, and its outcome decides what the state is. Reading begins once the last stable offset has reached that end; then an
//! end-of-partition notice says that nothing below it is left.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::context::Quiet;
use super::{config, session_error, watermarks};
use crate::events::Timestamp;
use crate::outputs::STATE;
use crate::runtime::log::{Changelog, LogError, Row};
use crate::runtime::settings::Kafka;

pub struct KafkaChangelog {
    consumer: BaseConsumer<Quiet>,
    topic: String,
    /// The rows are in a header of public records.
    in_header: bool,
    partitions: BTreeMap<u32, Partition>,
    /// Partitions whose last stable offset is below their end.
    unstable: BTreeSet<u32>,
    reading: bool,
}

struct Partition {
    low: u64,
    end: u64,
    from: u64,
    next: u64,
    done: bool,
}

impl KafkaChangelog {
    pub fn open(
        settings: &Kafka,
        uncommitted: &BaseConsumer<Quiet>,
        topic: &str,
        in_header: bool,
        from: &[(u32, u64)],
    ) -> Result<KafkaChangelog, LogError> {
        let consumer: BaseConsumer<Quiet> = config::reader(settings).create_with_context(Quiet).map_err(session_error)?;
        let mut partitions = BTreeMap::new();
        for &(partition, from) in from {
            let (low, end) = watermarks(uncommitted, topic, partition)?;
            let from = from.max(low);
            partitions.insert(partition, Partition { low, end, from, next: from, done: from >= end });
        }
        let unstable = partitions.iter().filter(|(_, p)| !p.done).map(|(&partition, _)| partition).collect();
        Ok(KafkaChangelog { consumer, topic: topic.to_owned(), in_header, partitions, unstable, reading: false })
    }

    /// Whether every partition's last stable offset has reached its end.
    fn is_stable(&mut self) -> Result<bool, LogError> {
        while let Some(&partition) = self.unstable.first() {
            let (_, stable) = watermarks(&self.consumer, &self.topic, partition)?;
            if self.partitions.get(&partition).is_some_and(|p| stable < p.end) {
                return Ok(false);
            }
            self.unstable.remove(&partition);
        }
        Ok(true)
    }

    fn start(&mut self) -> Result<(), LogError> {
        let mut list = TopicPartitionList::new();
        for (&partition, state) in self.partitions.iter().filter(|(_, state)| !state.done) {
            list.add_partition_offset(&self.topic, partition as i32, Offset::Offset(state.from as i64)).map_err(session_error)?;
        }
        self.consumer.assign(&list).map_err(session_error)?;
        self.reading = true;
        Ok(())
    }
}

/// The row that rides along with a public record.
fn state_of<'m>(message: &'m BorrowedMessage<'_>) -> Option<&'m [u8]> {
    message.headers()?.iter().find(|header| header.key == STATE)?.value
}

impl Changelog for KafkaChangelog {
    fn read(&mut self, budget: Duration, row: &mut dyn FnMut(Row<'_>)) -> Result<bool, LogError> {
        let started = Instant::now();
        if !self.is_stable()? {
            std::thread::sleep(budget.min(Duration::from_millis(20)));
            return Ok(false);
        }
        if !self.reading {
            self.start()?;
        }
        let mut left = self.partitions.values().filter(|state| !state.done).count();
        while left > 0 && started.elapsed() < budget {
            match self.consumer.poll(Duration::from_millis(10)) {
                None => {}
                Some(Ok(message)) => {
                    let (partition, next) = (message.partition() as u32, message.offset() as u64 + 1);
                    let timestamp = Timestamp(message.timestamp().to_millis().unwrap_or(0));
                    let value = if self.in_header { state_of(&message) } else { message.payload() };
                    row((partition, message.key().unwrap_or_default(), value, timestamp));
                    let Some(state) = self.partitions.get_mut(&partition) else { continue };
                    state.next = next;
                    if next >= state.end && !state.done {
                        state.done = true;
                        left -= 1;
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    let Some(state) = self.partitions.get_mut(&(partition as u32)) else { continue };
                    state.next = state.next.max(state.end);
                    if !state.done {
                        state.done = true;
                        left -= 1;
                    }
                }
                Some(Err(KafkaError::MessageConsumptionFatal(code))) => return Err(LogError::Session(code.to_string())),
                Some(Err(error)) => tracing::warn!(%error, topic = self.topic, "reading a changelog"),
            }
        }
        Ok(left == 0)
    }

    fn bounds(&self, partition: u32) -> (u64, u64) {
        self.partitions.get(&partition).map_or((0, 0), |state| (state.low, state.end))
    }

    fn progress(&self) -> (u64, u64) {
        let read = self.partitions.values().map(|state| state.next.min(state.end).saturating_sub(state.from));
        let all = self.partitions.values().map(|state| state.end.saturating_sub(state.from));
        (read.sum(), all.sum())
    }
}
