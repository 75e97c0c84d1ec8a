//! The cost of a payment and of a refund: 5,000 reps on a plan with six bands and clawback. Each measure is one batch of
//! 1,000 events with its commit, so divide by 1,000; a refund should cost what a payment costs.

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

const BATCH: u64 = 1_000;
const REPS: u64 = 5_000;
const PAYMENTS: u64 = 100_000;

fn rules() -> RuleSet {
    let mut yaml = String::from("account: acme\ncurrency: BRL\ntimezone: America/Sao_Paulo\nreps:\n");
    for i in 0..REPS {
        let _ = writeln!(yaml, "  - {{id: r{i}}}");
    }
    yaml.push_str("commissions:\n  - {key: ae, credit: actor, quota: \"10000.00\", bands: [");
    for i in 0..6 {
        let _ = write!(yaml, "{{from: \"{}%\", rate: \"{}%\"}}, ", i * 25, i + 3);
    }
    yaml.push_str("], clawback: {events: [payment.refunded], by: data.payment, within: 90d}}\n");
    RuleSet::load([("bench", yaml)]).expect("valid rules")
}

#[derive(Clone)]
struct Stage {
    store: MemStore,
    sent: u64,
}

impl Stage {
    /// One batch: the events with the numbers from `sent` on.
    fn batch(&mut self, rules: &RuleSet, kind: &str) {
        let (mut task, mut out) = (AccountTask::new(0, 1), Outbox::default());
        let from = self.sent;
        for number in from..from + BATCH {
            // each rep in its turn, in an order that jumps over the roster
            let (rep, payment) = (format!("r{}", number * 7_919 % REPS), number % PAYMENTS);
            let (id, data) = (format!("e{number}"), format!(r#"{{"amount":"{}.50","payment":"p{payment}"}}"#, 1 + payment % 977));
            let time = Timestamp(1_793_700_000_000 + number as i64);
            let event = StampedEvent {
                account: "acme",
                contact: Some("c1"),
                actor: Some(&rep),
                source: "/bench",
                id: &id,
                kind,
                time,
                version: 1,
                data: &data,
                ..StampedEvent::default()
            };
            task.apply_record(&self.store, rules, &AccountRecord::Event(event), time, &mut out);
        }
        task.seal(&self.store, rules, Publish::All, &mut out);
        black_box(out.bytes());
        self.store.apply(task.take_changes());
        self.sent += BATCH;
    }
}

fn commissions(c: &mut Criterion) {
    let rules = rules();
    let mut paid = Stage { store: MemStore::default(), sent: 0 };
    while paid.sent < PAYMENTS {
        paid.batch(&rules, "payment.confirmed");
    }
    let mut group = c.benchmark_group("commissions");
    group.throughput(Throughput::Elements(BATCH)).sample_size(20);
    for (name, kind) in [("payments", "payment.confirmed"), ("refunds", "payment.refunded")] {
        // every batch starts from the same 100,000 payments
        group.bench_function(name, |b| {
            b.iter_batched(|| paid.clone(), |mut stage| stage.batch(&rules, kind), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, commissions);
criterion_main!(benches);
