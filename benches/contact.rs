//! The contact stage: decode, digest, apply and seal on events such as a busy platform sends. `cargo bench --no-default-features`.
//!
//! The state is that of a run in progress: 200,000 contacts, every event judged by a catalog of five entries.

use std::collections::HashMap;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use foldhash::fast::FixedState;
use scorekeeper::decode::decode;
use scorekeeper::engine::{ContactTask, Input, Limits, Publish, Task};
use scorekeeper::events::Timestamp;
use scorekeeper::outputs::{Outbox, Topic};
use scorekeeper::rulebook::RuleSet;
use scorekeeper::state::{Changes, Store, StoreError};

const RULES: &str = "
account: '*'
currency: BRL
groups: [{key: support, name: Support}, {key: marketing, name: Marketing}, {key: purchase, name: Purchase}]
catalog:
  - {key: message.received, name: Message received, group: support, points: 1, xp: 1, dedup: {policy: cooldown, every: 1h}}
  - {key: page.viewed, name: Page viewed, group: marketing, points: 0}
  - {key: email.opened, name: E-mail opened, group: marketing, points: 2, xp: 2, dedup: once}
  - {key: payment.confirmed, name: Payment confirmed, group: purchase, points: 30, xp: 30}
  - {key: deal.won, name: Deal won, group: purchase, points: 50, xp: 50}
";

const CONTACTS: u64 = 200_000;
const BATCH: u64 = 20_000;

/// A number below `bound`, fixed by its index and what it is for: the finalizer of splitmix64.
fn draw(index: u64, salt: u64, bound: u64) -> u64 {
    let mut x = index.wrapping_mul(16).wrapping_add(salt).wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (x ^ (x >> 31)) % bound
}

/// Key and value of event `i`: a fixed function, evenly spread over 28 days, three of five with an actor.
fn event(i: u64) -> (String, String) {
    const ACCOUNTS: [&str; 8] = ["acme", "borealis", "cobalt", "delta", "ember", "fjord", "garnet", "harbor"];
    const CHANNELS: [&str; 4] = ["whatsapp", "email", "web", "phone"];
    const CAMPAIGNS: [&str; 5] = ["black-friday", "spring-sale", "onboarding", "win-back", "newsletter"];
    let contact = draw(i, 2, CONTACTS);
    let account = ACCOUNTS[draw(contact, 10, 8) as usize];
    let kind = match draw(i, 3, 100) {
        0..40 => "message.received",
        40..70 => "page.viewed",
        70..85 => "email.opened",
        85..93 => "payment.confirmed",
        _ => "deal.won",
    };
    let actor = if draw(i, 4, 100) < 60 { format!("\",\"actor\":\"r{}", draw(i, 5, 50)) } else { String::new() };
    let time = Timestamp(1_788_220_800_000 + 1209 * i as i64 % (28 * 86_400_000));
    let cents = 100 + draw(i, 6, 500_000);
    let value = format!(
        "{{\"specversion\":\"1.0\",\"id\":\"e{i:012}\",\"source\":\"/crm\",\"type\":\"{kind}\",\"time\":\"{time}\",\
         \"account\":\"{account}\",\"contact\":\"c{contact}{actor}\",\"data\":{{\"amount\":\"{}.{:02}\",\"currency\":\"BRL\",\
         \"channel\":\"{}\",\"campaign\":\"{}\",\"conversation\":\"v{}\"}}}}",
        cents / 100,
        cents % 100,
        CHANNELS[draw(i, 7, 4) as usize],
        CAMPAIGNS[draw(i, 8, 5) as usize],
        draw(i, 9, 100_000),
    );
    (format!("{account}/c{contact}"), value)
}

fn input<'a>(offset: u64, (key, value): &'a (String, String)) -> Input<'a> {
    Input {
        topic: Topic::ProductEvents,
        partition: 0,
        offset,
        timestamp: Some(Timestamp(1_793_707_265_123)),
        key: Some(key.as_bytes()),
        value: Some(value.as_bytes()),
        headers: &[],
    }
}

/// Committed rows in a hash map, as a worker's cache holds them. No table of this benchmark is read in order.
#[derive(Default)]
struct Cache(HashMap<Vec<u8>, Vec<u8>, FixedState>);

impl Cache {
    fn apply(&mut self, changes: Changes) {
        for (key, value) in changes {
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }
}

impl Store for Cache {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(key).cloned())
    }

    fn scan(&self, _: &[u8], _: &[u8], _: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        Ok(Vec::new())
    }
}

struct Stage {
    task: ContactTask,
    store: Cache,
    rules: RuleSet,
    out: Outbox,
    next: u64,
}

impl Stage {
    /// Four events for each contact on average have gone before.
    fn warm() -> Stage {
        let rules = RuleSet::new(vec![serde_saphyr::from_str(RULES).expect("the rules are right")]);
        let task = ContactTask::new(0, 1, Limits::default(), false);
        let mut stage = Stage { task, store: Cache::default(), rules, out: Outbox::default(), next: 0 };
        while stage.next < 4 * CONTACTS {
            let events = stage.events();
            stage.batch(&events);
        }
        stage
    }

    fn events(&mut self) -> Vec<(String, String)> {
        let from = self.next;
        self.next += BATCH;
        (from..self.next).map(event).collect()
    }

    fn batch(&mut self, events: &[(String, String)]) {
        self.out.clear();
        for (i, event) in events.iter().enumerate() {
            self.task.apply(&self.store, &self.rules, &input(i as u64, event), &mut self.out);
        }
        self.task.seal(&self.store, &self.rules, Publish::All, &mut self.out);
        black_box(self.out.records().map(|record| record.value.map_or(0, <[u8]>::len)).sum::<usize>());
        self.store.apply(self.task.take_changes());
    }
}

fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("contact");
    group.throughput(Throughput::Elements(BATCH)).sample_size(20);
    let limits = Limits::default();
    let events: Vec<(String, String)> = (0..BATCH).map(event).collect();
    group.bench_function("decode", |b| {
        b.iter(|| {
            for (i, event) in events.iter().enumerate() {
                black_box(decode(&input(i as u64, event), &limits, false).is_ok());
            }
        });
    });
    let mut stage = Stage::warm();
    let records = stage.out.records().count() as f64 / BATCH as f64;
    let bytes = stage.out.bytes() as f64 / BATCH as f64;
    println!("per event: {records:.2} records, {bytes:.0} bytes in the outbox");
    let shared = std::cell::RefCell::new(&mut stage);
    group.bench_function("batch", |b| {
        b.iter_batched(|| shared.borrow_mut().events(), |events| shared.borrow_mut().batch(&events), BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(contact, benches);
criterion_main!(contact);
