//! A worker thread's consumer and producer.

use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::Message as _;
use rdkafka::Timestamp as KafkaTime;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaError};
use rdkafka::message::{BorrowedMessage, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, NoCustomPartitioner, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;

use super::changelog::KafkaChangelog;
use super::context::{ConsumerNotes, ProducerNotes, Quiet, Rebalance, note};
use super::{Names, TIMEOUT, config, session_error};
use crate::events::Timestamp;
use crate::outputs::{Outbox, Record, Topic};
use crate::runtime::failpoint::{self, Failpoint};
use crate::runtime::log::{
    Batch, Body, CHANGELOGS, Change, Changelog, CommitError, End, INPUTS, Limit, LogError, Message, Next, Place, Session,
};
use crate::runtime::settings::Kafka;

/// How often the ends of the changelogs are looked at.
const LOOK: Duration = Duration::from_secs(10);

pub struct KafkaSession {
    settings: Kafka,
    names: Names,
    consumer: BaseConsumer<ConsumerNotes>,
    /// Its thread takes note of records that cannot be delivered; those that are need no note.
    producer: ThreadedProducer<ProducerNotes, NoCustomPartitioner>,
    uncommitted: BaseConsumer<Quiet>,
    /// How long a step of a commit may take. A transaction that is not over by then has an unknown outcome.
    commit_timeout: Duration,
    /// The accepted partitions, and what is committed for their places.
    accepted: RefCell<Vec<u32>>,
    committed: RefCell<Vec<Next>>,
    started: Cell<bool>,
    /// How far the changelogs reach whose every record up to there is of this session or was there before, and when that was
    /// last looked at.
    ends: RefCell<Vec<Next>>,
    looked: Cell<Option<Instant>>,
}

impl KafkaSession {
    /// Connects and joins the group. Fences whoever had the same transactional id, and ends its open transaction.
    pub fn open(settings: &Kafka, names: Names, thread: usize, statistics: Duration) -> Result<KafkaSession, LogError> {
        let fatal = |error: KafkaError| LogError::Fatal(format!("[kafka] settings: {error}"));
        let producer: ThreadedProducer<ProducerNotes, NoCustomPartitioner> =
            config::producer(settings, thread).create_with_context(ProducerNotes).map_err(fatal)?;
        producer.init_transactions(TIMEOUT).map_err(session_error)?;
        let consumer: BaseConsumer<ConsumerNotes> = config::consumer(settings, thread, statistics)
            .create_with_context(ConsumerNotes::new(names.clone()))
            .map_err(fatal)?;
        let uncommitted =
            config::reader(settings).set("isolation.level", "read_uncommitted").create_with_context(Quiet).map_err(fatal)?;
        let topics: Vec<&str> = INPUTS.iter().map(|topic| names.of(*topic)).collect();
        consumer.subscribe(&topics).map_err(session_error)?;
        Ok(KafkaSession {
            settings: settings.clone(),
            names,
            consumer,
            producer,
            uncommitted,
            commit_timeout: config::commit_timeout(settings),
            accepted: RefCell::default(),
            committed: RefCell::default(),
            started: Cell::new(false),
            ends: RefCell::default(),
            looked: Cell::new(None),
        })
    }

    /// Assigns the accepted partitions from what is committed on, the beginning where nothing is.
    fn assign(&self) -> Result<(), LogError> {
        let (accepted, committed) = (self.accepted.borrow(), self.committed.borrow());
        let mut list = TopicPartitionList::with_capacity(accepted.len() * INPUTS.len());
        for topic in INPUTS {
            for &partition in accepted.iter() {
                let place = Place::new(topic, partition);
                let next = committed.iter().find(|(committed, _)| *committed == place);
                let offset = next.map_or(Offset::Beginning, |(_, next)| Offset::Offset(*next as i64));
                list.add_partition_offset(self.names.of(topic), partition as i32, offset).map_err(session_error)?;
            }
        }
        self.consumer.context().forget_ends();
        self.consumer.assign(&list).map_err(session_error)
    }

    fn read_committed(&self) -> Result<(), LogError> {
        let mut list = TopicPartitionList::new();
        for topic in INPUTS {
            for &partition in self.accepted.borrow().iter() {
                list.add_partition(self.names.of(topic), partition as i32);
            }
        }
        let answer = self.consumer.committed_offsets(list, TIMEOUT).map_err(session_error)?;
        let mut committed = Vec::new();
        for element in answer.elements() {
            element.error().map_err(session_error)?;
            if let (Some(topic), Offset::Offset(next)) = (self.names.input(element.topic()), element.offset()) {
                committed.push((Place::new(topic, element.partition() as u32), next as u64));
            }
        }
        self.check(&mut committed)?;
        *self.committed.borrow_mut() = committed;
        Ok(())
    }

    /// What is committed must lie in the log. After its end: these are not the records that were worked off, and going on
    /// would pass over others. Before its beginning: records were deleted unread, and reading goes on after them.
    fn check(&self, committed: &mut [Next]) -> Result<(), LogError> {
        let bound = |offset: Offset| {
            let mut list = TopicPartitionList::with_capacity(committed.len());
            for (place, _) in committed.iter() {
                list.add_partition_offset(self.names.of(place.topic), place.partition as i32, offset).map_err(session_error)?;
            }
            self.uncommitted.offsets_for_times(list, TIMEOUT).map_err(session_error)
        };
        if committed.is_empty() {
            return Ok(());
        }
        // the times that stand for the ends of a log
        let (lowest, ends) = (bound(Offset::Beginning)?, bound(Offset::End)?);
        for (place, next) in committed {
            let topic = self.names.of(place.topic);
            let of = |bounds: &TopicPartitionList| {
                let found = bounds.find_partition(topic, place.partition as i32)?;
                found.error().is_ok().then(|| found.offset().to_raw()).flatten().and_then(|offset| u64::try_from(offset).ok())
            };
            let (Some(low), Some(end)) = (of(&lowest), of(&ends)) else {
                return Err(LogError::Session(format!("the bounds of {topic} are not known")));
            };
            if *next > end {
                return Err(LogError::Fatal(format!(
                    "{topic}, partition {}, ends at {end}, but it was worked off up to {next}: it was made anew, or has lost \
                     records. When that is understood, stop all workers and delete the group's offsets of this topic: then \
                     all that it holds now is worked off",
                    place.partition
                )));
            }
            if *next < low {
                let (partition, lost) = (place.partition, low - *next);
                tracing::error!(topic, partition, lost, "records were deleted before they were read");
                *next = low;
            }
        }
        Ok(())
    }

    /// The last stable offsets of the changelogs, asked for between two transactions. What is before them is this session's, or
    /// of a time before it, if the commit that follows succeeds: it would not, had others taken the partitions over.
    fn changelog_ends(&self) -> Option<Vec<Next>> {
        let mut list = TopicPartitionList::new();
        for topic in CHANGELOGS {
            for &partition in self.accepted.borrow().iter() {
                list.add_partition_offset(self.names.of(topic), partition as i32, Offset::End).ok()?;
            }
        }
        let answer = self.consumer.offsets_for_times(list, TIMEOUT);
        if let Err(error) = &answer {
            tracing::debug!(%error, "the ends of the changelogs are not known");
        }
        let places = CHANGELOGS
            .into_iter()
            .flat_map(|topic| self.accepted.borrow().iter().map(|&partition| Place::new(topic, partition)).collect::<Vec<_>>());
        let answer = answer.ok()?;
        let end = |place: Place| {
            let found = answer.find_partition(self.names.of(place.topic), place.partition as i32)?;
            found.error().ok()?;
            Some((place, u64::try_from(found.offset().to_raw()?).ok()?))
        };
        Some(places.filter_map(end).collect())
    }

    fn produce(&self, outbox: &Outbox) -> Result<(), CommitError> {
        failpoint::pass(Failpoint::BeforeProduce);
        // a place's records together: so each place gets few and large batches. Scattered, its first few records would be on
        // their way while the others come, and librdkafka spins as long as a place has both
        for (i, (partition, record)) in outbox.records_by_place(|topic| self.names.partitions(topic)).enumerate() {
            self.send(partition, &record)?;
            if i == outbox.len() / 2 {
                failpoint::pass(Failpoint::AmidProduce);
            }
        }
        Ok(())
    }

    fn send(&self, partition: u32, record: &Record<'_>) -> Result<(), CommitError> {
        let mut to_send = BaseRecord::<[u8], [u8]>::to(self.names.of(record.topic))
            .partition(partition as i32)
            .key(record.key)
            .timestamp(record.timestamp.0.max(0));
        if let Some(value) = record.value {
            to_send = to_send.payload(value);
        }
        if !record.headers.is_empty() {
            let headers =
                record.headers.iter().fold(OwnedHeaders::new_with_capacity(record.headers.len()), |headers, (key, value)| {
                    headers.insert(Header { key, value: Some(value) })
                });
            to_send = to_send.headers(headers);
        }
        let deadline = Instant::now() + self.commit_timeout;
        loop {
            match self.producer.send(to_send) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), record)) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(1));
                    to_send = record;
                }
                Err((error, _)) => return Err(self.abort(format!("produce: {error}"))),
            }
        }
    }

    /// Runs a step of the commit, again while librdkafka says that this is safe.
    fn step(&self, name: &str, step: impl Fn() -> Result<(), KafkaError>) -> Result<(), CommitError> {
        let deadline = Instant::now() + self.commit_timeout;
        loop {
            let error = match step() {
                Ok(()) => return Ok(()),
                Err(KafkaError::Transaction(error)) => error,
                Err(other) => return Err(CommitError::Unknown(format!("{name}: {other}"))),
            };
            let timed_out = |error: &RDKafkaError| {
                matches!(error.code(), RDKafkaErrorCode::OperationTimedOut | RDKafkaErrorCode::RequestTimedOut)
            };
            if error.is_fatal() || timed_out(&error) {
                return Err(CommitError::Unknown(format!("{name}: {error}")));
            } else if error.txn_requires_abort() {
                return Err(self.abort(format!("{name}: {error}")));
            } else if error.is_retriable() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            } else {
                return Err(CommitError::Unknown(format!("{name}: {error}")));
            }
        }
    }

    fn abort(&self, reason: String) -> CommitError {
        match self.producer.abort_transaction(self.commit_timeout) {
            Ok(()) => CommitError::Aborted(reason),
            Err(error) => CommitError::Unknown(format!("{reason}; abort: {error}")),
        }
    }
}

impl Session for KafkaSession {
    fn poll<'s>(&'s self, wait: Duration, limit: Limit, batch: &mut Batch<'s>) -> Result<(), LogError> {
        let notes = self.consumer.context();
        // whole milliseconds: the binding spins through what is less
        let mut wait = Duration::from_millis(wait.as_micros().div_ceil(1000) as u64);
        while !batch.is_full(limit) && !notes.pending.load(Ordering::Acquire) {
            match self.consumer.poll(wait) {
                Some(Ok(message)) => {
                    // what was fetched before a release is of no interest any more
                    if let Some(message) = self.started.get().then(|| self.message(message)).flatten() {
                        batch.bytes += message.size();
                        batch.messages.push(message);
                    }
                    wait = Duration::ZERO;
                }
                Some(Err(KafkaError::MessageConsumptionFatal(code))) => return Err(LogError::Session(code.to_string())),
                // the log does not have what is to be read next: a new session finds out why
                Some(Err(KafkaError::MessageConsumption(code @ RDKafkaErrorCode::AutoOffsetReset))) => {
                    return Err(LogError::Session(code.to_string()));
                }
                Some(Err(error)) => note(&error, "consumer"),
                None => break,
            }
        }
        Ok(())
    }

    fn take_change(&self) -> Option<Change> {
        Some(match self.consumer.context().next_rebalance()? {
            Rebalance::Revoke { lost } if lost || self.consumer.assignment_lost() => Change::Lost,
            Rebalance::Revoke { .. } => Change::Revoked,
            Rebalance::Assign(places) => {
                let mut partitions: Vec<u32> = places.iter().map(|place| place.partition).collect();
                partitions.sort_unstable();
                partitions.dedup();
                Change::Assigned(partitions)
            }
        })
    }

    fn accept(&self, partitions: &[u32]) -> Result<Vec<Next>, LogError> {
        self.started.set(false);
        self.ends.borrow_mut().clear();
        self.looked.set(None);
        *self.accepted.borrow_mut() = partitions.to_vec();
        // the rebalance is over for the group; nothing is fetched until the state is restored
        self.consumer.assign(&TopicPartitionList::new()).map_err(session_error)?;
        self.read_committed()?;
        Ok(self.committed.borrow().clone())
    }

    fn start(&self) -> Result<(), LogError> {
        self.assign()?;
        self.started.set(true);
        Ok(())
    }

    fn release(&self) -> Result<(), LogError> {
        self.started.set(false);
        self.accepted.borrow_mut().clear();
        self.committed.borrow_mut().clear();
        self.consumer.unassign().map_err(session_error)
    }

    fn commit(&self, outbox: &Outbox, next: &[Next]) -> Result<(), CommitError> {
        let ends = self.looked.get().is_none_or(|looked| looked.elapsed() >= LOOK).then(|| self.changelog_ends()).flatten();
        self.step("begin", || self.producer.begin_transaction())?;
        self.produce(outbox)?;
        failpoint::pass(Failpoint::AfterProduce);
        let mut offsets = TopicPartitionList::with_capacity(next.len());
        for (place, next) in next {
            let added =
                offsets.add_partition_offset(self.names.of(place.topic), place.partition as i32, Offset::Offset(*next as i64));
            if let Err(error) = added {
                return Err(self.abort(format!("offsets: {error}")));
            }
        }
        let Some(group) = self.consumer.group_metadata() else {
            return Err(self.abort("no group metadata".to_owned()));
        };
        self.step("send offsets", || self.producer.send_offsets_to_transaction(&offsets, &group, self.commit_timeout))?;
        // the binding waits for what is not written yet in slices of 100 ms
        let deadline = Instant::now() + self.commit_timeout;
        while self.producer.in_flight_count() > 0 {
            std::thread::sleep(Duration::from_micros(300));
            if Instant::now() > deadline {
                return Err(CommitError::Unknown("produce: no answer".to_owned()));
            }
        }
        failpoint::pass(Failpoint::BeforeCommit);
        self.step("commit", || self.producer.commit_transaction(self.commit_timeout))?;
        if let Some(ends) = ends {
            *self.ends.borrow_mut() = ends;
            self.looked.set(Some(Instant::now()));
        }
        Ok(())
    }

    fn settle(&self, next: &[Next]) -> Result<(), CommitError> {
        self.looked.set(None);
        self.commit(&Outbox::default(), next)
    }

    fn rewind(&self) -> Result<(), LogError> {
        self.read_committed()?;
        self.assign()
    }

    fn committed_to(&self, place: Place) -> Option<u64> {
        self.ends.borrow().iter().find(|(known, _)| *known == place).map(|(_, next)| *next)
    }

    fn end(&self, place: Place) -> Option<End> {
        self.consumer.context().end(place)
    }

    fn changelog(&self, topic: Topic, from: &[(u32, u64)]) -> Result<Box<dyn Changelog + '_>, LogError> {
        let (name, in_header) = (self.names.of(topic), topic == Topic::LeadScores);
        Ok(Box::new(KafkaChangelog::open(&self.settings, &self.uncommitted, name, in_header, from)?))
    }
}

impl KafkaSession {
    fn message<'s>(&self, message: BorrowedMessage<'s>) -> Option<Message<'s>> {
        let place = Place::new(self.names.input(message.topic())?, message.partition() as u32);
        let timestamp = match message.timestamp() {
            KafkaTime::CreateTime(millis) | KafkaTime::LogAppendTime(millis) => Some(Timestamp(millis)),
            KafkaTime::NotAvailable => None,
        };
        Some(Message { place, offset: message.offset() as u64, timestamp, body: Body::Kafka(message) })
    }
}

impl Drop for KafkaSession {
    /// The consumer leaves the group when it is dropped, and gives its partitions up without asking.
    fn drop(&mut self) {
        self.consumer.context().closing.store(true, Ordering::Release);
        // an answer may be owed already
        if let Err(error) = self.consumer.unassign() {
            tracing::debug!(%error, "kafka consumer");
        }
    }
}
