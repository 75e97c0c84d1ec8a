//! The two tasks of a partition, their stores, and how far they are.

use super::{Context, Mutation, StageTask, Stages};
use crate::engine::{Counters, Publish};
use crate::events::Timestamp;
use crate::outputs::Topic;
use crate::runtime::log::{Next, Place, Session};
use crate::runtime::store::{Stores, TaskStore};
use crate::state::StoreError;

/// What the contact stage reads; what the account stage reads.
const CONTACT: &[Topic] = &[Topic::ProductEvents, Topic::Commands, Topic::ContactInbox];
const ACCOUNT: &[Topic] = &[Topic::AccountEvents];
/// Where their rows are kept. Lead scores carry the rows of their contacts; the changelog has all others, and is read after
/// them.
pub const CONTACT_CHANGELOGS: &[Topic] = &[Topic::LeadScores, Topic::ContactChangelog];
pub const ACCOUNT_CHANGELOGS: &[Topic] = &[Topic::AccountChangelog];

pub struct Partition {
    pub contact: Stage,
    pub account: Stage,
}

impl Partition {
    pub fn open(stores: &Stores, stages: &dyn Stages, number: u32, partitions: u32) -> Result<Partition, StoreError> {
        let stage = |inputs, changelogs, name: &str, task| {
            let store = stores.task(&format!("{name}-{number}"))?;
            Ok(Stage::new(inputs, changelogs, store, task))
        };
        Ok(Partition {
            contact: stage(CONTACT, CONTACT_CHANGELOGS, "contact", stages.contact(number, partitions))?,
            account: stage(ACCOUNT, ACCOUNT_CHANGELOGS, "account", stages.account(number, partitions))?,
        })
    }

    /// Tasks that remember nothing of uncommitted batches.
    pub fn renew(&mut self, stages: &dyn Stages, number: u32, partitions: u32) {
        self.contact.renew(stages.contact(number, partitions));
        self.account.renew(stages.account(number, partitions));
    }

    pub fn stages(&mut self) -> [&mut Stage; 2] {
        [&mut self.contact, &mut self.account]
    }

    /// The stage that reads a topic, and which of its inputs that is.
    pub fn stage_of(&mut self, topic: Topic) -> (&mut Stage, usize) {
        match topic {
            Topic::ProductEvents => (&mut self.contact, 0),
            Topic::Commands => (&mut self.contact, 1),
            Topic::ContactInbox => (&mut self.contact, 2),
            _ => (&mut self.account, 0),
        }
    }
}

pub struct Stage {
    pub task: Box<dyn StageTask>,
    pub store: TaskStore,
    inputs: &'static [Topic],
    changelogs: &'static [Topic],
    /// Next offsets of the inputs as committed, and as of this batch.
    committed: [u64; 3],
    pending: [u64; 3],
    /// The log's time of the last record of each input.
    newest: [Option<Timestamp>; 3],
    pub touched: bool,
    /// Boards have changed since they were last published.
    pub owes_boards: bool,
    reported: Counters,
}

impl Stage {
    fn new(inputs: &'static [Topic], changelogs: &'static [Topic], store: TaskStore, task: Box<dyn StageTask>) -> Stage {
        let (committed, pending, touched, owes_boards) = ([0; 3], [0; 3], false, true);
        let (newest, reported) = ([None; 3], Counters::default());
        Stage { task, store, inputs, changelogs, committed, pending, newest, touched, owes_boards, reported }
    }

    fn renew(&mut self, task: Box<dyn StageTask>) {
        self.task = task;
        self.reported = Counters::default();
        (self.touched, self.owes_boards) = (false, true);
    }

    pub fn inputs(&self) -> &'static [Topic] {
        self.inputs
    }

    /// The next offset of an input, with this batch.
    pub fn next(&self, input: usize) -> u64 {
        self.pending[input]
    }

    /// Everything of an input before `next` is done with.
    pub fn pass(&mut self, input: usize, next: u64) {
        if next > self.pending[input] {
            self.pending[input] = next;
            self.touched = true;
        }
    }

    /// A record was applied.
    pub fn applied(&mut self, input: usize, offset: u64, timestamp: Option<Timestamp>) {
        self.pass(input, offset + 1);
        self.newest[input] = timestamp;
    }

    /// The log's time of the last record of an input.
    pub fn newest(&self, input: usize) -> Option<Timestamp> {
        self.newest[input]
    }

    /// Starts over from what is committed.
    pub fn set_committed(&mut self, number: u32, committed: &[Next]) {
        for (i, &topic) in self.inputs.iter().enumerate() {
            let place = Place::new(topic, number);
            let next = committed.iter().find(|(known, _)| *known == place).map_or(0, |(_, next)| *next);
            (self.committed[i], self.pending[i]) = (next, next);
        }
    }

    /// Whether this batch has moved an offset.
    pub fn has_moved(&self) -> bool {
        self.pending != self.committed
    }

    /// The next offsets with this batch: of all inputs of which anything was read, or only of those that have moved.
    pub fn pending(&self, number: u32, all: bool) -> impl Iterator<Item = Next> {
        let moves = self.inputs.iter().zip(self.committed.into_iter().zip(self.pending));
        let named = moves.filter(move |(_, (before, next))| if all { *next > 0 } else { next != before });
        named.map(move |(&topic, (_, next))| (Place::new(topic, number), next))
    }

    pub fn named_offsets(&self) -> Vec<(&'static str, u64)> {
        self.inputs.iter().zip(self.committed).map(|(topic, next)| (topic.name(), next)).collect()
    }

    /// The batch is committed: its changes are state now.
    pub fn committed(&mut self, number: u32, session: &dyn Session, publish: Publish, context: &Context) {
        self.committed = self.pending;
        let changes = self.task.take_changes();
        if !context.is_broken_by(Mutation::SkipTakeChanges) {
            self.store.absorb(changes);
        }
        self.look_up(number, session, u64::from(context.is_broken_by(Mutation::PositionAhead)));
        (self.touched, self.owes_boards) = (false, publish == Publish::ButBoards);
        if let Some(counters) = self.task.counters() {
            context.metrics.counted(&self.reported, counters);
            self.reported = counters.clone();
        }
    }

    /// Tells the store how far it is. `ahead` breaks it on purpose.
    pub fn look_up(&mut self, number: u32, session: &dyn Session, ahead: u64) {
        let written = |&topic: &Topic| Some((topic.name(), session.committed_to(Place::new(topic, number))? + ahead));
        let changelogs: Vec<(&str, u64)> = self.changelogs.iter().filter_map(written).collect();
        self.store.advance(&changelogs, &self.named_offsets());
    }

    pub fn discard(&mut self, task_too: bool) {
        if task_too {
            self.task.discard();
        }
        self.pending = self.committed;
        self.touched = false;
    }

    /// Nothing is to be written for this stage until it is taken over again.
    pub fn rest(&mut self) {
        (self.touched, self.owes_boards) = (false, false);
    }

    /// The store cannot be relied on: it will be rebuilt. Gives the reason back.
    pub fn doubt(&mut self, reason: &str) -> String {
        if let Err(error) = self.store.wipe() {
            tracing::error!(%error, "the store cannot be wiped");
        }
        reason.to_owned()
    }
}
