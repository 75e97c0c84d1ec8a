//! The cost of one credit on the account stage: 20 boards of one account, with 100 and with 10,000 reps. The time is for a
//! batch of 1,000 credits with its commit, so divide by 1,000: it should hardly grow with the number of reps.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use scorekeeper::engine::{AccountTask, Publish, Task};
use scorekeeper::events::{AccountRecord, StampedEvent, Timestamp};
use scorekeeper::outputs::Outbox;
use scorekeeper::rulebook::RuleSet;
use scorekeeper::state::MemStore;

const CREDITS: usize = 1_000;

fn rules(reps: usize) -> RuleSet {
    let mut yaml = String::from("account: acme\ntimezone: America/Sao_Paulo\nteams: [{key: t0}, {key: t1}]\nreps:\n");
    for i in 0..reps {
        let _ = writeln!(yaml, "  - {{id: r{i}, team: t{}}}", i % 2);
    }
    yaml.push_str("metrics: [{key: paid, type: payment.confirmed, sum: data.amount, credit: actor}]\nleaderboards:\n");
    for i in 0..20 {
        let window = ["day", "week", "month", "quarter", "all"][i % 5];
        let _ = writeln!(yaml, "  - {{key: b{i}, metric: paid, window: {window}, top: 50}}");
    }
    RuleSet::load([("bench", yaml)]).expect("valid rules")
}

struct Stage {
    rules: RuleSet,
    task: AccountTask,
    store: MemStore,
    out: Outbox,
    reps: usize,
    sent: u64,
}

impl Stage {
    /// Every rep is on every board already.
    fn new(reps: usize) -> Stage {
        let mut stage = Stage {
            rules: rules(reps),
            task: AccountTask::new(0, 1),
            store: MemStore::default(),
            out: Outbox::default(),
            reps,
            sent: 0,
        };
        for _ in 0..reps.div_ceil(CREDITS) {
            stage.batch();
        }
        stage
    }

    fn batch(&mut self) {
        for _ in 0..CREDITS {
            // each rep in its turn, in an order that jumps over the roster
            let rep = format!("r{}", (self.sent * 7_919) % self.reps as u64);
            let id = format!("e{}", self.sent);
            let time = Timestamp(1_793_700_000_000 + self.sent as i64);
            let data = format!("{{\"amount\":\"{}.50\",\"currency\":\"USD\"}}", 1 + self.sent % 977);
            let event = StampedEvent {
                account: "acme",
                contact: Some("c1"),
                actor: Some(&rep),
                source: "/bench",
                id: &id,
                kind: "payment.confirmed",
                time,
                version: 1,
                data: &data,
                ..StampedEvent::default()
            };
            self.task.apply_record(&self.store, &self.rules, &AccountRecord::Event(event), time, &mut self.out);
            self.sent += 1;
        }
        // live, full boards go out once a second, not with every commit
        self.task.seal(&self.store, &self.rules, Publish::ButBoards, &mut self.out);
        black_box(self.out.bytes());
        self.out.clear();
        self.store.apply(self.task.take_changes());
    }
}

fn credits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("credit on 20 boards");
    group.throughput(Throughput::Elements(CREDITS as u64)).sample_size(20);
    for reps in [100, 10_000] {
        let mut stage = Stage::new(reps);
        group.bench_function(format!("{reps} reps"), |bencher| {
            bencher.iter_batched(|| (), |()| stage.batch(), BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn publication(criterion: &mut Criterion) {
    let mut stage = Stage::new(10_000);
    criterion.bench_function("publishing 20 boards of 10,000 reps", |bencher| {
        bencher.iter(|| {
            stage.batch();
            stage.task.seal(&stage.store, &stage.rules, Publish::All, &mut stage.out);
            stage.out.clear();
            stage.store.apply(stage.task.take_changes());
        });
    });
}

criterion_group!(benches, credits, publication);
criterion_main!(benches);
