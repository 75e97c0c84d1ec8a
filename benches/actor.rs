//! The cost of a credit on the account stage, in batches with their commits:
//!
//! - `credit on 20 boards`: a payment on 20 boards of one account, with 100 and with 10,000 reps. The time is for 20 batches
//!   of 1,000 credits, the last of which publishes the boards, as it is once a second at 20,000 credits/s. It should not grow
//!   with the number of reps.
//! - `bench-yaml`: one XP credit of one of 50 reps in one of 42 accounts, what a partition of 24 has of 1,000 accounts, with a
//!   board of the day, in batches of 2,000.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use scorekeeper::engine::{AccountTask, Publish, Task};
use scorekeeper::events::{AccountRecord, StampedEvent, Timestamp};
use scorekeeper::outputs::Outbox;
use scorekeeper::rulebook::RuleSet;
use scorekeeper::state::MemStore;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn boards_of(reps: usize) -> RuleSet {
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

fn dual_credit() -> RuleSet {
    let mut yaml = String::from(
        "account: \"*\"\neffective_from: 2020-01-01T00:00:00Z\ntimezone: UTC\ngroups: [{key: purchase}]\n\
         catalog: [{key: payment.confirmed, name: Payment confirmed, group: purchase, points: 30, xp: 30}]\n\
         leaderboards: [{key: xp-day, name: XP of the day, metric: xp, window: day, of: rep, top: 50}]\nreps:\n",
    );
    for i in 0..50 {
        let _ = writeln!(yaml, "  - {{id: r{i}, name: Rep {i}}}");
    }
    RuleSet::load([("bench", yaml)]).expect("valid rules")
}

struct Stage {
    rules: RuleSet,
    task: AccountTask,
    store: MemStore,
    out: Outbox,
    sent: u64,
}

impl Stage {
    fn new(rules: RuleSet) -> Stage {
        Stage { rules, task: AccountTask::new(0, 1), store: MemStore::default(), out: Outbox::default(), sent: 0 }
    }

    /// A batch of `size` events, which `send` makes from their numbers.
    fn batch(&mut self, size: u64, publish: Publish, send: impl Fn(u64, &mut dyn FnMut(StampedEvent<'_>))) {
        for number in self.sent..self.sent + size {
            send(number, &mut |event| {
                let time = event.time;
                self.task.apply_record(&self.store, &self.rules, &AccountRecord::Event(event), time, &mut self.out);
            });
        }
        self.sent += size;
        self.task.seal(&self.store, &self.rules, publish, &mut self.out);
        black_box(self.out.bytes());
        self.out.clear();
        self.store.apply(self.task.take_changes());
    }

    /// 20,000 payments, each rep in its turn, in an order that jumps over the roster.
    fn second(&mut self, reps: u64) {
        for batch in 1..=20 {
            let publish = if batch == 20 { Publish::All } else { Publish::ButBoards };
            self.batch(1000, publish, |number, apply| {
                let (rep, id) = (format!("r{}", (number * 7919) % reps), format!("e{number}"));
                let data = format!("{{\"amount\":\"{}.50\",\"currency\":\"USD\"}}", 1 + number % 977);
                apply(StampedEvent { account: "acme", actor: Some(&rep), id: &id, data: &data, ..event(number) });
            });
        }
    }

    /// 2,000 XP credits, anyone's.
    fn credits(&mut self) {
        self.batch(2000, Publish::ButBoards, |number, apply| {
            let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
            let (account, rep) = (format!("a{}", random % 42), format!("r{}", random / 5003 % 50));
            let (id, contact) = (format!("e{number}"), format!("c{random}"));
            let (actor, scored) = (Some(rep.as_str()), vec![0]);
            apply(StampedEvent { account: &account, contact: Some(&contact), actor, id: &id, scored, ..event(number) });
        });
    }
}

fn event(number: u64) -> StampedEvent<'static> {
    StampedEvent {
        contact: Some("c1"),
        source: "/bench",
        kind: "payment.confirmed",
        time: Timestamp(1_793_700_000_000 + number as i64),
        version: 1,
        ..StampedEvent::default()
    }
}

fn boards(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("credit on 20 boards");
    group.throughput(Throughput::Elements(20_000)).sample_size(10);
    for reps in [100, 10_000] {
        // every rep is on every board already
        let mut stage = Stage::new(boards_of(reps as usize));
        stage.second(reps);
        group.bench_function(format!("{reps} reps"), |bencher| {
            bencher.iter_batched(|| (), |()| stage.second(reps), BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn xp(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("actor");
    let mut stage = Stage::new(dual_credit());
    group.throughput(Throughput::Elements(2000));
    group.bench_function("bench-yaml", |bencher| bencher.iter_batched(|| (), |()| stage.credits(), BatchSize::PerIteration));
    group.finish();
}

criterion_group!(benches, boards, xp);
criterion_main!(benches);
