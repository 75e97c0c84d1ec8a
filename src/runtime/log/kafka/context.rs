//! The callbacks of librdkafka: rebalances, statistics, delivery reports. They only take notes.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{NoCustomPartitioner, ProducerContext};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use serde::Deserialize;

use super::{Names, locked};
use crate::events::Timestamp;
use crate::runtime::log::{End, Place};

/// What a rebalance asks for. The partitions are those of all topics, as given.
pub enum Rebalance {
    Assign(Vec<Place>),
    Revoke { lost: bool },
}

/// Notes of the consumer.
pub struct ConsumerNotes {
    names: Names,
    rebalances: Mutex<VecDeque<Rebalance>>,
    /// A hint, so that the poll loop need not lock for each record.
    pub pending: AtomicBool,
    /// The session is being dropped: nobody will answer a rebalance any more.
    pub closing: AtomicBool,
    ends: Mutex<HashMap<Place, End>>,
}

impl ConsumerNotes {
    pub fn new(names: Names) -> ConsumerNotes {
        let (rebalances, ends) = Default::default();
        ConsumerNotes { names, rebalances, pending: AtomicBool::new(false), closing: AtomicBool::new(false), ends }
    }

    pub fn next_rebalance(&self) -> Option<Rebalance> {
        let mut rebalances = locked(&self.rebalances);
        let next = rebalances.pop_front();
        self.pending.store(!rebalances.is_empty(), Ordering::Release);
        next
    }

    pub fn end(&self, place: Place) -> Option<End> {
        locked(&self.ends).get(&place).copied()
    }

    pub fn forget_ends(&self) {
        locked(&self.ends).clear();
    }

    fn note_ends(&self, statistics: &Statistics) {
        let at = Timestamp(statistics.time * 1000);
        let mut ends = locked(&self.ends);
        for (name, topic) in &statistics.topics {
            let Some(name) = self.names.input(name) else { continue };
            for (&partition, seen) in &topic.partitions {
                let (Ok(partition), Ok(end), Ok(next)) =
                    (u32::try_from(partition), u64::try_from(seen.hi_offset), u64::try_from(seen.next_offset))
                else {
                    continue;
                };
                // a leader that does not answer cannot say that there is nothing new
                let answers = |broker: &Broker| broker.nodeid == seen.leader && broker.state == "UP" && broker.rxidle < 2_000_000;
                let reached = next >= end && seen.fetch_state == "active" && statistics.brokers.values().any(answers);
                let drained = seen.fetchq_cnt == 0;
                ends.insert(Place::new(name, partition), End { end, next, reached, drained, at });
            }
        }
    }
}

/// What is read of librdkafka's statistics.
#[derive(Deserialize)]
struct Statistics {
    /// Wall clock, seconds.
    time: i64,
    brokers: HashMap<String, Broker>,
    topics: HashMap<String, TopicStatistics>,
}

#[derive(Deserialize)]
struct Broker {
    nodeid: i32,
    state: String,
    /// Microseconds since anything was received.
    rxidle: i64,
}

#[derive(Deserialize)]
struct TopicStatistics {
    partitions: HashMap<i32, PartitionStatistics>,
}

#[derive(Deserialize)]
struct PartitionStatistics {
    leader: i32,
    fetchq_cnt: i64,
    fetch_state: String,
    next_offset: i64,
    hi_offset: i64,
}

impl ClientContext for ConsumerNotes {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }
    fn stats_raw(&self, statistics: &[u8]) {
        match serde_json::from_slice(statistics) {
            Ok(statistics) => self.note_ends(&statistics),
            Err(error) => tracing::warn!(%error, "statistics of librdkafka cannot be read"),
        }
    }
    fn error(&self, error: KafkaError, reason: &str) {
        note(&error, reason);
    }
}

impl ConsumerContext for ConsumerNotes {
    /// The worker thread answers with assign or unassign when it has committed; work in here could only be cut short.
    fn rebalance(&self, consumer: &BaseConsumer<Self>, kind: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        if self.closing.load(Ordering::Acquire) {
            if let Err(error) = consumer.unassign() {
                tracing::warn!(%error, "kafka consumer");
            }
            return;
        }
        let rebalance = match kind {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Rebalance::Assign(
                partitions
                    .elements()
                    .iter()
                    .filter_map(|element| Some(Place::new(self.names.input(element.topic())?, element.partition() as u32)))
                    .collect(),
            ),
            _ => Rebalance::Revoke { lost: consumer.assignment_lost() },
        };
        locked(&self.rebalances).push_back(rebalance);
        self.pending.store(true, Ordering::Release);
    }
}

/// For readers outside the group: the end of a partition is no error.
pub struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }
    fn error(&self, error: KafkaError, reason: &str) {
        if !matches!(error, KafkaError::Global(RDKafkaErrorCode::PartitionEOF)) {
            note(&error, reason);
        }
    }
}

impl ConsumerContext for Quiet {}

/// Notes of the producer, which hears only of records that were not delivered.
pub struct ProducerNotes;

impl ClientContext for ProducerNotes {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }
    fn error(&self, error: KafkaError, reason: &str) {
        note(&error, reason);
    }
}

impl ProducerContext<NoCustomPartitioner> for ProducerNotes {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        // the transaction will say so too
        if let Err((error, message)) = result {
            tracing::warn!(%error, topic = message.topic(), "a record was not delivered");
        }
    }
}

/// An error that is no request's. Those of connections come over and over while a broker is down, and are in the log already.
pub fn note(error: &KafkaError, reason: &str) {
    use RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure};
    match error {
        KafkaError::Global(AllBrokersDown | BrokerTransportFailure)
        | KafkaError::MessageConsumption(AllBrokersDown | BrokerTransportFailure) => tracing::debug!(%error, reason, "kafka"),
        _ => tracing::warn!(%error, reason, "kafka"),
    }
}

fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        // the settings are for consumers and producers together
        _ if facility == "CONFWARN" && message.contains("will be ignored by this") => {
            tracing::debug!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::error!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, "{message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(target: "librdkafka", facility, "{message}"),
        RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
    }
}
