//! The log: where records are read from and written to, with one atomic commit over outputs and input offsets.
//!
//! Two implementations, [`kafka`] and [`local`], behind [`Log`] and [`Session`]. A worker thread opens a session and owns it;
//! what it reads borrows from the session, so that no record is copied on its way to a task.

pub mod kafka;
pub mod local;

use std::time::Duration;

use rdkafka::Message as _;
use rdkafka::message::{BorrowedMessage, Headers as _};

use crate::events::Timestamp;
use crate::outputs::{Outbox, Topic};

/// The topics that tasks read. All have the same number of partitions, and a worker thread owns all topics of a partition.
pub const INPUTS: [Topic; 4] = [Topic::ProductEvents, Topic::ContactInbox, Topic::Commands, Topic::AccountEvents];

/// The topics that rows of state are kept in. A contact's row rides along with its lead score.
pub const CHANGELOGS: [Topic; 3] = [Topic::LeadScores, Topic::ContactChangelog, Topic::AccountChangelog];

/// A partition of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub topic: Topic,
    pub partition: u32,
}

impl Place {
    pub fn new(topic: Topic, partition: u32) -> Place {
        Place { topic, partition }
    }
}

/// The offset after the last record of a place.
pub type Next = (Place, u64);

/// What can go wrong with a log, by what is to be done about it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// It may pass: open a new session.
    #[error("{0}")]
    Session(String),
    /// It will not pass by itself: the settings, the topics or the disk are wrong.
    #[error("{0}")]
    Fatal(String),
}

/// A commit that did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// Nothing of it happened: undo the batch, [`Session::rewind`], read again.
    #[error("aborted: {0}")]
    Aborted(String),
    /// Nobody knows whether it happened: drop the session, open a new one, and start from what is committed.
    #[error("unknown outcome: {0}")]
    Unknown(String),
}

/// A change of the partitions that a session works on. Everything owned before is given up first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These are the session's now: [`Session::accept`], restore, [`Session::start`].
    Assigned(Vec<u32>),
    /// They will go elsewhere: commit, then [`Session::release`].
    Revoked,
    /// They are elsewhere already: drop the batch, then [`Session::release`].
    Lost,
}

/// How much to read at once.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub records: usize,
    pub bytes: usize,
}

/// How far a place reaches, as seen a moment ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The offset after the last record.
    pub end: u64,
    /// The offset to be read next: past transaction markers, which take up offsets and are never seen as records.
    pub next: u64,
    /// `next` has reached `end`, and the log is answering.
    pub reached: bool,
    /// Every record before `next` has been handed out.
    pub drained: bool,
    /// When this was so.
    pub at: Timestamp,
}

/// A log with the topics of a deployment.
pub trait Log: Send + Sync {
    /// The number of partitions of the inputs.
    fn partitions(&self) -> u32;

    /// Opens the session of a worker thread, one of `threads` in this process.
    fn session(&self, thread: usize, threads: usize) -> Result<Box<dyn Session>, LogError>;

    /// The next offsets that the workers have committed; 0 where there is none.
    fn committed(&self, places: &[Place]) -> Result<Vec<Next>, LogError>;

    /// The number of partitions of any topic.
    fn partitions_of(&self, topic: Topic) -> u32;

    /// Reads a topic from the given offsets to its end, outside of any session.
    fn read_to_end(&self, topic: Topic, from: &[(u32, u64)]) -> Result<Box<dyn Changelog + '_>, LogError>;

    /// Appends records that no input caused, all or none as far as the log can: a producer's.
    fn append(&self, outbox: &Outbox) -> Result<(), LogError>;

    /// What is to be done now and then, beside the worker threads.
    fn housekeep(&self) -> Result<(), LogError> {
        Ok(())
    }

    /// The offset after the last record of each place, uncommitted ones included.
    fn ends(&self, places: &[Place]) -> Result<Vec<Next>, LogError>;
}

/// A worker thread's view of the log.
pub trait Session {
    /// Appends records to the batch, up to the limit for the whole batch. Waits at most `wait` for the first; returns early
    /// on a [`Change`].
    fn poll<'s>(&'s self, wait: Duration, limit: Limit, batch: &mut Batch<'s>) -> Result<(), LogError>;

    /// The change of assignment to be handled next. While there is one, nothing is read.
    fn take_change(&self) -> Option<Change>;

    /// Takes over partitions: what is committed for them. Places never committed are absent. Reading begins with
    /// [`Session::start`]; until then [`Session::poll`] only keeps the session alive.
    fn accept(&self, partitions: &[u32]) -> Result<Vec<Next>, LogError>;

    /// Reads the accepted partitions from what is committed on.
    fn start(&self) -> Result<(), LogError>;

    /// Gives up all partitions.
    fn release(&self) -> Result<(), LogError>;

    /// Writes the outbox and the offsets, both or none.
    fn commit(&self, outbox: &Outbox, next: &[Next]) -> Result<(), CommitError>;

    /// After [`CommitError::Aborted`]: reads again from what is committed.
    fn rewind(&self) -> Result<(), LogError>;

    /// Commits the offsets once more, so that [`Session::committed_to`] tells of everything. For an orderly end.
    fn settle(&self, _next: &[Next]) -> Result<(), CommitError> {
        Ok(())
    }

    /// An offset of a changelog place below which every record is in what this session has committed or was given; it may
    /// be lower than the last one, and is none while nothing is known.
    fn committed_to(&self, place: Place) -> Option<u64>;

    /// What was last seen of the end of a place that this session reads.
    fn end(&self, place: Place) -> Option<End>;

    /// Reads a changelog topic from the given offsets to its end. To be called after [`Session::accept`], so that whatever
    /// is committed with the accepted offsets is included.
    fn changelog(&self, topic: Topic, from: &[(u32, u64)]) -> Result<Box<dyn Changelog + '_>, LogError>;
}

/// A changelog row: partition, key, value (`None` deletes it), and the record's timestamp.
pub type Row<'a> = (u32, &'a [u8], Option<&'a [u8]>, Timestamp);

/// Reads changelog partitions to their end, a slice at a time.
pub trait Changelog {
    /// Hands out rows for about `budget`; true at the end.
    fn read(&mut self, budget: Duration, row: &mut dyn FnMut(Row<'_>)) -> Result<bool, LogError>;

    /// The lowest offset to be read from a partition, to tell whether a position still lies in the log, and its end.
    fn bounds(&self, partition: u32) -> (u64, u64);

    /// Offsets read so far, and in all.
    fn progress(&self) -> (u64, u64);
}

/// Records read from a session, in the order of each place.
#[derive(Default)]
pub struct Batch<'s> {
    pub messages: Vec<Message<'s>>,
    pub bytes: usize,
}

impl Batch<'_> {
    pub fn clear(&mut self) {
        self.messages.clear();
        self.bytes = 0;
    }

    pub fn is_full(&self, limit: Limit) -> bool {
        self.messages.len() >= limit.records || self.bytes >= limit.bytes
    }
}

/// A record as it was read. Its bytes belong to the log.
pub struct Message<'s> {
    pub place: Place,
    pub offset: u64,
    pub timestamp: Option<Timestamp>,
    body: Body<'s>,
}

enum Body<'s> {
    Kafka(BorrowedMessage<'s>),
    Local(local::Stored),
}

impl Message<'_> {
    pub fn key(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Kafka(message) => message.key(),
            Body::Local(stored) => stored.key(),
        }
    }

    pub fn value(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Kafka(message) => message.payload(),
            Body::Local(stored) => stored.value(),
        }
    }

    /// Appends the headers; one whose name or value is missing is left out.
    pub fn headers<'m>(&'m self, into: &mut Vec<(&'m str, &'m [u8])>) {
        match &self.body {
            Body::Kafka(message) => {
                let Some(headers) = message.headers() else { return };
                into.extend(headers.iter().filter_map(|header| Some((header.key, header.value?))));
            }
            Body::Local(stored) => stored.headers(into),
        }
    }

    /// Size of key and value in bytes.
    pub fn size(&self) -> usize {
        self.key().map_or(0, <[u8]>::len) + self.value().map_or(0, <[u8]>::len)
    }
}
