//! What a task is: the part of a stage that works off one partition.

use std::collections::BTreeMap;

use crate::events::{Duration, Original, Timestamp};
use crate::outputs::{Outbox, Topic};
use crate::rulebook::RuleSet;
use crate::state::{Changes, Store, StoreError};

/// A record read from a log.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub topic: Topic,
    pub partition: u32,
    pub offset: u64,
    /// The log's timestamp; offline, the event's own time is taken instead.
    pub timestamp: Option<Timestamp>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [(&'a str, &'a [u8])],
}

impl<'a> Input<'a> {
    /// The record as it came, for its dead letter.
    pub fn original(&self, timestamp: Timestamp) -> Original<'a> {
        Original {
            topic: self.topic.name(),
            partition: self.partition,
            offset: self.offset,
            timestamp,
            key: self.key,
            value: self.value,
            headers: self.headers.to_vec(),
        }
    }
}

/// Limits and defaults of the intake, from the settings.
#[derive(Clone, Debug)]
pub struct Limits {
    /// For events that name no account.
    pub default_account: Option<String>,
    /// How long the identity of an event is remembered, in log time. Offline there is no log time: [`Duration`]'s maximum.
    pub dedup_window: Duration,
    /// How far an event's time may lie after its log timestamp; offline this is not checked.
    pub max_future: Duration,
    /// Size of an event's value in bytes.
    pub max_event_bytes: usize,
    /// Events of `track` calls → event types. An event that is not here is the type as it is.
    pub segment_types: BTreeMap<String, String>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            default_account: None,
            dedup_window: Duration::days(7),
            max_future: Duration(600_000),
            max_event_bytes: 1 << 20,
            segment_types: BTreeMap::new(),
        }
    }
}

/// Which coalesced outputs a seal writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publish {
    /// All that changed, boards included.
    All,
    /// All but full boards: those were written less than a second ago.
    ButBoards,
}

/// The part of a stage that works off one partition. A batch is: [`Task::apply`] for each record, [`Task::seal`], the commit
/// of the outbox by the caller, then [`Task::take_changes`] into the store. At any point before the commit, [`Task::discard`]
/// undoes the batch (the caller drops the outbox with it).
///
/// A rule that panics unwinds out of `apply`: the caller discards the batch and applies it again with [`Task::reject`] for
/// that one record.
pub trait Task {
    /// Applies a record. Whatever is wrong with it becomes a dead letter in the outbox; nothing stops.
    fn apply(&mut self, store: &dyn Store, rules: &RuleSet, input: &Input<'_>, out: &mut Outbox);

    /// Takes a record on which a rule panicked: a dead letter with reason `rule_failure`, and nothing else.
    fn reject(&mut self, input: &Input<'_>, message: &str, out: &mut Outbox);

    /// Ends the batch: coalesced outputs, then one changelog record for each changed row, go to the outbox.
    fn seal(&mut self, store: &dyn Store, rules: &RuleSet, publish: Publish, out: &mut Outbox);

    /// The first failure of the store during the batch: if there is one, the batch must be discarded and tried again.
    fn fault(&self) -> Option<&StoreError>;

    /// Whether a record of the batch names a version of the rules that is not known here. It may have been published a moment
    /// ago: look for it, and apply the batch again; if there is none, the record's dead letter stands.
    fn lacks_rules(&self) -> bool {
        false
    }

    /// After the commit: the rows that the batch changed, for the store. Leaves the task clean.
    fn take_changes(&mut self) -> Changes;

    /// Undoes the batch.
    fn discard(&mut self);
}
