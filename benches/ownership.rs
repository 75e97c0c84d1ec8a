//! The cost of a decision who gets a conversation, in an account of 1,000 and of 100,000 contacts, by each strategy that looks
//! at something; and of a transfer of all contacts of a rep. The time is for a batch of 1,000 conversations with its commit,
//! so divide by 1,000: it should not grow with the number of contacts.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scorekeeper::engine::{AccountTask, Publish, Task};
use scorekeeper::events::{AccountRecord, CommandRecord, StampedEvent, Timestamp};
use scorekeeper::outputs::Outbox;
use scorekeeper::rulebook::RuleSet;
use scorekeeper::state::MemStore;

const BATCH: usize = 1_000;

struct Stage {
    rules: RuleSet,
    task: AccountTask,
    store: MemStore,
    out: Outbox,
    contacts: usize,
    sent: u64,
    /// The largest outbox of one batch, in bytes.
    largest: usize,
}

impl Stage {
    fn new(contacts: usize, strategy: &str) -> Stage {
        let reps: Vec<String> = (0..50).map(|i| format!("{{id: r{i}}}")).collect();
        let yaml = format!(
            "account: acme\nreps: [{}]\nownership:\n  portfolios: [{{key: vip, reps: [r1, r2, r3]}}]\n  new_contacts: {{strategy: default, reps: \
             [r1]}}\n  conversations: {{strategy: {strategy}}}\n",
            reps.join(", ")
        );
        let rules = RuleSet::load([("bench", yaml)]).expect("valid rules");
        let (task, store, out) = (AccountTask::new(0, 1), MemStore::default(), Outbox::default());
        let mut stage = Stage { rules, task, store, out, contacts, sent: 0, largest: 0 };
        for start in (0..contacts).step_by(BATCH) {
            let end = contacts.min(start + BATCH);
            for contact in start..end {
                stage.event("contact.created", contact, "{}");
            }
            let listed: Vec<String> = (start..end).map(|contact| format!("\"c{contact}\"")).collect();
            stage.command("portfolio.assign", &format!("{{\"portfolio\":\"vip\",\"contacts\":[{}]}}", listed.join(",")));
            stage.commit();
        }
        stage
    }

    fn time(&self) -> Timestamp {
        Timestamp(1_793_700_000_000 + self.sent as i64)
    }

    fn event(&mut self, kind: &str, contact: usize, data: &str) {
        let (time, id, contact) = (self.time(), format!("e{}", self.sent), format!("c{contact}"));
        let event = StampedEvent {
            account: "acme",
            contact: Some(&contact),
            source: "/bench",
            id: &id,
            kind,
            time,
            version: 1,
            data,
            ..StampedEvent::default()
        };
        self.sent += 1;
        self.task.apply_record(&self.store, &self.rules, &AccountRecord::Event(event), time, &mut self.out);
    }

    fn command(&mut self, kind: &str, data: &str) {
        let (time, id) = (self.time(), format!("k{}", self.sent));
        let command = CommandRecord { account: "acme", id: &id, kind, time, data, ..CommandRecord::default() };
        self.sent += 1;
        self.task.apply_record(&self.store, &self.rules, &AccountRecord::Command(command), time, &mut self.out);
    }

    fn commit(&mut self) {
        self.task.seal(&self.store, &self.rules, Publish::ButBoards, &mut self.out);
        self.largest = self.largest.max(black_box(self.out.bytes()));
        self.out.clear();
        self.store.apply(self.task.take_changes());
    }

    /// Opens conversations with contacts all over the account, and closes them.
    fn batch(&mut self) {
        for _ in 0..BATCH / 2 {
            let contact = self.sent as usize * 7_919 % self.contacts;
            let data = format!("{{\"conversation\":\"v{}\",\"channel\":\"whatsapp\"}}", self.sent);
            self.event("conversation.opened", contact, &data);
            self.event("conversation.closed", contact, &data);
        }
        self.commit();
    }

    /// Moves every contact from one rep to another, a commit for each slice.
    fn transfer(&mut self, from: &str, to: &str) {
        self.command("contacts.transfer", &format!("{{\"from\":\"{from}\",\"to\":\"{to}\"}}"));
        self.commit();
        while self.task.is_at_work(&self.store) {
            let watermark = AccountRecord::Watermark { partition: 0, time: self.time(), caught_up: true };
            self.task.apply_record(&self.store, &self.rules, &watermark, self.time(), &mut self.out);
            self.commit();
        }
    }
}

fn decisions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("who gets a conversation");
    group.throughput(Throughput::Elements(BATCH as u64)).sample_size(10);
    for strategy in ["round_robin", "workload", "portfolio"] {
        for contacts in [1_000, 100_000] {
            let mut stage = Stage::new(contacts, strategy);
            group.bench_function(format!("{strategy}, {contacts} contacts"), |bencher| bencher.iter(|| stage.batch()));
        }
    }
    group.finish();
}

fn transfers(criterion: &mut Criterion) {
    let contacts = 100_000;
    let mut group = criterion.benchmark_group("transfer");
    group.throughput(Throughput::Elements(contacts as u64)).sample_size(10);
    let mut stage = Stage::new(contacts, "manual");
    stage.largest = 0;
    let mut reps = ["r1", "r2"];
    group.bench_function(format!("{contacts} contacts"), |bencher| {
        bencher.iter(|| {
            stage.transfer(reps[0], reps[1]);
            reps.reverse();
        });
    });
    group.finish();
    println!("largest batch: {} kB", stage.largest / 1000);
}

criterion_group!(benches, decisions, transfers);
criterion_main!(benches);
