//! The tasks of the service, with places to crash between their calls.

use std::sync::Arc;

use scorekeeper::engine::{AccountTask, ContactTask, Counters, Input, Limits, Publish, Task};
use scorekeeper::events::Timestamp;
use scorekeeper::outputs::Outbox;
use scorekeeper::rulebook::RuleSet;
use scorekeeper::runtime::worker::{StageTask, Stages};
use scorekeeper::state::{Changes, Store, StoreError};

use super::rules;
use super::world::{Applied, What, World};

pub struct SimStages {
    pub world: Arc<World>,
    pub process: usize,
}

impl SimStages {
    fn wrap<T: StageTask + 'static>(&self, task: T, partition: u32, is_contact: bool) -> Box<dyn StageTask> {
        Box::new(SimTask { task, world: self.world.clone(), process: self.process, partition, is_contact })
    }
}

impl Stages for SimStages {
    fn contact(&self, partition: u32, partitions: u32) -> Box<dyn StageTask> {
        self.wrap(ContactTask::new(partition, partitions, Limits::default(), false), partition, true)
    }

    fn account(&self, partition: u32, partitions: u32) -> Box<dyn StageTask> {
        self.wrap(AccountTask::new(partition, partitions), partition, false)
    }
}

struct SimTask<T> {
    task: T,
    world: Arc<World>,
    process: usize,
    partition: u32,
    is_contact: bool,
}

impl<T> SimTask<T> {
    fn applied(&self, what: What, rules: &RuleSet) {
        if self.is_contact {
            let applied = Applied { what, rules: rules::versions(rules) };
            self.world.lock().apply(self.process, self.partition, applied);
        }
    }
}

impl<T: Task> Task for SimTask<T> {
    fn apply(&mut self, store: &dyn Store, rules: &RuleSet, input: &Input<'_>, out: &mut Outbox) {
        // the loop would take an unwinding for a rule that panics
        self.world.reaches_end(self.process);
        self.applied(What::Record(input.topic, input.offset), rules);
        self.task.apply(store, rules, input, out);
    }

    fn reject(&mut self, input: &Input<'_>, message: &str, out: &mut Outbox) {
        self.task.reject(input, message, out);
    }

    fn seal(&mut self, store: &dyn Store, rules: &RuleSet, publish: Publish, out: &mut Outbox) {
        self.world.point(self.process);
        self.task.seal(store, rules, publish, out);
        self.world.point(self.process);
    }

    fn fault(&self) -> Option<&StoreError> {
        self.task.fault()
    }

    fn lacks_rules(&self) -> bool {
        let lacks = self.task.lacks_rules();
        if lacks {
            self.world.lock().count("rules looked for");
        }
        lacks
    }

    fn take_changes(&mut self) -> Changes {
        self.world.point(self.process);
        let changes = self.task.take_changes();
        self.world.point(self.process);
        changes
    }

    fn discard(&mut self) {
        if self.is_contact {
            self.world.lock().discard(self.process, self.partition);
        }
        self.task.discard();
    }
}

impl<T: StageTask> StageTask for SimTask<T> {
    fn watermark(&mut self, store: &dyn Store, rules: &RuleSet, reached: Option<Timestamp>, wall: Timestamp, out: &mut Outbox) {
        self.world.point(self.process);
        if let Some(reached) = reached {
            self.applied(What::Time(reached), rules);
        }
        self.task.watermark(store, rules, reached, wall, out);
    }

    fn is_at_work(&mut self, store: &dyn Store) -> bool {
        self.task.is_at_work(store)
    }

    fn counters(&self) -> Option<&Counters> {
        self.task.counters()
    }
}
