//! The log on Kafka: one consumer and one transactional producer for each worker thread.

mod append;
mod changelog;
mod config;
mod context;
mod session;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;

pub use self::config::client;
use super::{CHANGELOGS, Changelog, INPUTS, Log, LogError, Next, Place, Session};
use crate::outputs::{Outbox, Topic};
use crate::runtime::settings::Kafka;

/// How long one request to the cluster may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The topics' names in a cluster, and their partitions.
#[derive(Clone)]
pub struct Names(Arc<Inner>);

struct Inner {
    prefix: String,
    names: HashMap<Topic, String>,
    partitions: HashMap<Topic, u32>,
}

impl Names {
    pub fn new(prefix: &str, partitions: HashMap<Topic, u32>) -> Names {
        let names = Topic::ALL.into_iter().map(|topic| (topic, format!("{prefix}{}", topic.name()))).collect();
        Names(Arc::new(Inner { prefix: prefix.to_owned(), names, partitions }))
    }

    pub fn of(&self, topic: Topic) -> &str {
        self.0.names.get(&topic).map_or("", String::as_str)
    }

    /// The input of that name.
    pub fn input(&self, name: &str) -> Option<Topic> {
        let name = name.strip_prefix(self.0.prefix.as_str())?;
        INPUTS.into_iter().find(|topic| topic.name() == name)
    }

    pub fn partitions(&self, topic: Topic) -> u32 {
        self.0.partitions.get(&topic).copied().unwrap_or(1)
    }
}

/// A Kafka cluster, with the topics of a deployment checked.
pub struct KafkaLog {
    settings: Kafka,
    names: Names,
    /// Reads watermarks with uncommitted records included.
    watermarks: BaseConsumer<context::Quiet>,
    /// How often positions and ends are looked at.
    statistics_interval: Duration,
}

impl KafkaLog {
    /// Connects, and checks that all topics are there and that those that share state have the same number of partitions.
    pub fn open(settings: &Kafka, statistics_interval: Duration) -> Result<KafkaLog, LogError> {
        let watermarks: BaseConsumer<context::Quiet> = client(settings)
            .set("group.id", &settings.group_id)
            .set("isolation.level", "read_uncommitted")
            .create_with_context(context::Quiet)
            .map_err(|error| LogError::Fatal(format!("[kafka] settings: {error}")))?;
        let metadata = watermarks
            .fetch_metadata(None, TIMEOUT)
            .map_err(|error| LogError::Session(format!("no answer from {}: {error}", settings.bootstrap_servers)))?;
        let found: HashMap<&str, u32> =
            metadata.topics().iter().map(|topic| (topic.name(), topic.partitions().len() as u32)).collect();
        let mut partitions = HashMap::new();
        let mut missing = Vec::new();
        for topic in Topic::ALL {
            let name = format!("{}{}", settings.topic_prefix, topic.name());
            match found.get(name.as_str()) {
                Some(&count) if count > 0 => drop(partitions.insert(topic, count)),
                _ => missing.push(name),
            }
        }
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return Err(LogError::Fatal(format!("missing topics: {missing}; `scorekeeper topics apply` creates them")));
        }
        let expected = partitions.get(&Topic::ProductEvents).copied().unwrap_or(0);
        for topic in INPUTS.into_iter().chain(CHANGELOGS) {
            if partitions.get(&topic) != Some(&expected) {
                return Err(LogError::Fatal(format!(
                    "{} must have as many partitions as product-events ({expected}), since they share state",
                    topic.name()
                )));
            }
        }
        let names = Names::new(&settings.topic_prefix, partitions);
        Ok(KafkaLog { settings: settings.clone(), names, watermarks, statistics_interval })
    }
}

impl Log for KafkaLog {
    fn partitions(&self) -> u32 {
        self.names.partitions(Topic::ProductEvents)
    }

    fn committed(&self, places: &[Place]) -> Result<Vec<Next>, LogError> {
        let mut list = TopicPartitionList::with_capacity(places.len());
        for place in places {
            list.add_partition(self.names.of(place.topic), place.partition as i32);
        }
        let answer = self.watermarks.committed_offsets(list, TIMEOUT).map_err(session_error)?;
        let next = |place: &Place| {
            let found = answer.find_partition(self.names.of(place.topic), place.partition as i32);
            found.and_then(|element| element.offset().to_raw()).map_or(0, |next| next.max(0) as u64)
        };
        Ok(places.iter().map(|place| (*place, next(place))).collect())
    }

    fn partitions_of(&self, topic: Topic) -> u32 {
        self.names.partitions(topic)
    }

    fn read_to_end(&self, topic: Topic, from: &[(u32, u64)]) -> Result<Box<dyn Changelog + '_>, LogError> {
        let name = self.names.of(topic);
        Ok(Box::new(changelog::KafkaChangelog::open(&self.settings, &self.watermarks, name, false, from)?))
    }

    fn append(&self, outbox: &Outbox) -> Result<(), LogError> {
        append::append(&self.settings, &self.names, outbox)
    }

    fn session(&self, thread: usize, _threads: usize) -> Result<Box<dyn Session>, LogError> {
        let session = session::KafkaSession::open(&self.settings, self.names.clone(), thread, self.statistics_interval)?;
        Ok(Box::new(session))
    }

    fn ends(&self, places: &[Place]) -> Result<Vec<Next>, LogError> {
        places
            .iter()
            .map(|&place| {
                let (_, end) = watermarks(&self.watermarks, self.names.of(place.topic), place.partition)?;
                Ok((place, end))
            })
            .collect()
    }
}

/// The lowest offset of a partition and the one after the last, by the consumer's isolation level.
fn watermarks(
    consumer: &BaseConsumer<impl rdkafka::consumer::ConsumerContext>,
    topic: &str,
    partition: u32,
) -> Result<(u64, u64), LogError> {
    let started = Instant::now();
    let (low, high) = loop {
        match consumer.fetch_watermarks(topic, partition as i32, TIMEOUT) {
            Ok(found) => break found,
            Err(error) if is_moving(&error) && started.elapsed() < TIMEOUT => std::thread::sleep(Duration::from_millis(100)),
            Err(error) => return Err(session_error(error)),
        }
    };
    Ok((low.max(0) as u64, high.max(0) as u64))
}

/// Whether a partition has no leader for a moment: it is new, or its leader changes.
fn is_moving(error: &KafkaError) -> bool {
    use rdkafka::types::RDKafkaErrorCode::{LeaderNotAvailable, NotLeaderForPartition, UnknownTopicOrPartition};
    matches!(error.rdkafka_error_code(), Some(LeaderNotAvailable | NotLeaderForPartition | UnknownTopicOrPartition))
}

fn session_error(error: KafkaError) -> LogError {
    LogError::Session(error.to_string())
}

/// A lock that a panicking thread has left is as good as any: what it guards is replaced whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
