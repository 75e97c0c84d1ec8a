//! The loop with small tasks, on the local log in memory.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::decode::Reason;
use crate::engine::Input;
use crate::outputs::{Record, Route, dead_letter};
use crate::runtime::log::local::{Call, Fault, LocalLog, MemDisk};
use crate::runtime::settings;
use crate::state::{Changes, Store, StoreError};

const PARTITIONS: u32 = 3;

/// Counts the records of each key, writes the count to the timeline, and hands the record on to the account stage.
#[derive(Default)]
struct Counting {
    changelog: Option<Topic>,
    partition: u32,
    counts: std::collections::BTreeMap<Vec<u8>, u64>,
    sealed: Changes,
    fault: Option<StoreError>,
}

/// In the table of the XP of reps.
fn row_key(key: &[u8]) -> Vec<u8> {
    [&[crate::state::Table::Rep as u8], key].concat()
}

fn number(bytes: Option<Vec<u8>>) -> u64 {
    bytes.map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()))
}

impl Task for Counting {
    fn apply(&mut self, store: &dyn Store, _: &RuleSet, input: &Input<'_>, out: &mut Outbox) {
        // what goes to account-events travels in bundles, which have no key
        let is_account = input.topic == Topic::AccountEvents;
        let key = if is_account { input.value } else { input.key }.unwrap().to_vec();
        if let Some(partial) = key.strip_prefix(b"panic") {
            // something is changed before the panic, and must be undone
            self.counts.insert(row_key(b"half"), 1);
            panic!("no rule for {}", String::from_utf8_lossy(partial));
        }
        let row = row_key(&key);
        let count = match self.counts.get(&row) {
            Some(count) => *count,
            None => match store.get(&row) {
                Ok(stored) => number(stored),
                Err(error) => {
                    self.fault.get_or_insert(error);
                    0
                }
            },
        } + 1;
        self.counts.insert(row, count);
        let mut push = |topic, value: Option<&[u8]>| {
            out.push_raw(Record { topic, route: Route::Key, timestamp: Timestamp(1), key: &key, value, headers: &[] });
        };
        if is_account {
            push(Topic::Xp, Some(count.to_string().as_bytes()));
        } else {
            push(Topic::Timeline, Some(count.to_string().as_bytes()));
            push(Topic::AccountEvents, Some(&key));
        }
    }

    fn reject(&mut self, input: &Input<'_>, message: &str, out: &mut Outbox) {
        dead_letter(out, &input.original(Timestamp(1)), "contact", Reason::RuleFailure, message);
    }

    fn seal(&mut self, _: &dyn Store, _: &RuleSet, _: Publish, out: &mut Outbox) {
        self.sealed = self.counts.iter().map(|(key, count)| (key.clone(), Some(count.to_le_bytes().to_vec()))).collect();
        for (key, value) in &self.sealed {
            let (topic, route) = (self.changelog.unwrap(), Route::Partition(self.partition));
            out.push_raw(Record { topic, route, timestamp: Timestamp(0), key, value: value.as_deref(), headers: &[] });
        }
    }

    fn fault(&self) -> Option<&StoreError> {
        self.fault.as_ref()
    }

    fn take_changes(&mut self) -> Changes {
        self.counts.clear();
        std::mem::take(&mut self.sealed)
    }

    fn discard(&mut self) {
        self.counts.clear();
        self.sealed.clear();
        self.fault = None;
    }
}

impl StageTask for Counting {}

struct Fakes;

impl Stages for Fakes {
    fn contact(&self, partition: u32, _: u32) -> Box<dyn StageTask> {
        Box::new(Counting { changelog: Some(Topic::ContactChangelog), partition, ..Default::default() })
    }
    fn account(&self, partition: u32, _: u32) -> Box<dyn StageTask> {
        Box::new(Counting { changelog: Some(Topic::AccountChangelog), partition, ..Default::default() })
    }
}

fn context(log: &LocalLog, dir: &Path, threads: usize) -> Arc<Context> {
    let mut settings = Settings::default();
    settings.state = settings::State { dir: dir.to_owned(), cache_bytes: 100_000, ..settings.state };
    settings.worker.commit_max_events = 7;
    Arc::new(Context {
        stores: Stores::open(&settings.state).unwrap(),
        settings,
        log: Arc::new(log.clone()),
        stages: Box::new(Fakes),
        rules: RwLock::default(),
        rules_topic: Mutex::default(),
        metrics: Metrics::new().unwrap(),
        control: Control::new(threads, true),
        clock: Arc::new(crate::runtime::clock::SystemClock::default()),
        mutation: None,
    })
}

fn open(disk: &MemDisk) -> LocalLog {
    LocalLog::open(Box::new(disk.clone()), PARTITIONS, 20_000, 1 << 30).unwrap()
}

fn send(log: &LocalLog, keys: impl Iterator<Item = String>) {
    let mut outbox = Outbox::default();
    for key in keys {
        let (topic, route, key) = (Topic::ProductEvents, Route::Key, key.as_bytes());
        outbox.push_raw(Record { topic, route, timestamp: Timestamp(1), key, value: Some(b"v"), headers: &[] });
    }
    log.append(&outbox).unwrap();
}

/// Works until what is in the inputs has come out, or a thread gives up.
fn work(context: &Arc<Context>, threads: usize) {
    std::thread::scope(|scope| {
        let context = &**context;
        let workers: Vec<_> =
            (0..threads).map(|thread| scope.spawn(move || Worker::new(context, thread, threads).run())).collect();
        let places = |topic| (0..PARTITIONS).map(|p| Place::new(topic, p)).collect::<Vec<_>>();
        let done = |topic| context.log.committed(&places(topic)).unwrap() == context.log.ends(&places(topic)).unwrap();
        while !context.control.is_stopping() {
            if done(Topic::ProductEvents) && done(Topic::AccountEvents) {
                context.control.stop();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        for worker in workers {
            let _ = worker.join().unwrap();
        }
    });
}

/// All records of a topic: key → values in order.
fn read(log: &LocalLog, topic: Topic) -> BTreeMap<String, Vec<String>> {
    let session = log.session(0, 1).unwrap();
    let from: Vec<_> = (0..PARTITIONS).map(|partition| (partition, 0)).collect();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut changelog = session.changelog(topic, &from).unwrap();
    while !changelog
        .read(Duration::from_secs(1), &mut |(_, key, value, _)| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            found.entry(text(key)).or_default().push(text(value.unwrap_or_default()));
        })
        .unwrap()
    {}
    found
}

/// Every record was counted once: the counts of a key go 1, 2, 3, …
#[track_caller]
fn check_counts(log: &LocalLog, keys: usize, each: usize) {
    for topic in [Topic::Timeline, Topic::Xp] {
        let found = read(log, topic);
        assert_eq!(found.len(), keys, "{topic:?}");
        let expected: Vec<String> = (1..=each).map(|n| n.to_string()).collect();
        for (key, counts) in found {
            assert_eq!(counts, expected, "{topic:?} {key}");
        }
    }
}

fn keys(n: usize, keys: usize) -> impl Iterator<Item = String> {
    (0..n).map(move |n| format!("k{}", n % keys))
}

#[test]
fn counts_each_record_once_over_restarts_and_lost_state() {
    let (disk, dir) = (MemDisk::default(), tempfile::tempdir().unwrap());
    for (round, threads) in [(1, 1), (2, 3), (3, 2)] {
        let log = open(&disk);
        send(&log, keys(200, 20));
        if round == 3 {
            std::fs::remove_dir_all(dir.path()).unwrap();
        }
        let context = context(&log, dir.path(), threads);
        work(&context, threads);
        Arc::into_inner(context).unwrap().stores.close().unwrap();
        check_counts(&log, 20, 10 * round);
    }
}

#[test]
fn a_panicking_rule_loses_its_own_record_only() {
    let (disk, dir) = (MemDisk::default(), tempfile::tempdir().unwrap());
    let log = open(&disk);
    send(&log, keys(50, 5).chain(["panic1".to_owned(), "panic2".to_owned()]).chain(keys(50, 5)));
    work(&context(&log, dir.path(), 2), 2);
    check_counts(&log, 5, 20);
    let dead = read(&log, Topic::DeadLetters);
    assert_eq!(dead.keys().collect::<Vec<_>>(), ["panic1", "panic2"]);
    assert!(dead.values().all(|values| values == &["v"]));
}

/// The disk fails at every possible call; after a power failure a new process goes on, and nothing is lost or doubled.
#[test]
fn counts_each_record_once_wherever_the_disk_fails() {
    for fails_at in 0..60u64 {
        let (disk, dir) = (MemDisk::default(), tempfile::tempdir().unwrap());
        let log = open(&disk);
        send(&log, keys(60, 6));
        let mut calls = 0;
        let failed = Arc::new(AtomicBool::new(false));
        let fired = failed.clone();
        let first = context(&log, &dir.path().join("1"), 1);
        let stop = Arc::downgrade(&first);
        disk.set_hook(move |call, _| {
            calls += 1;
            if calls <= fails_at {
                return Fault::None;
            }
            fired.store(true, Ordering::Release);
            if let Some(context) = stop.upgrade() {
                context.control.stop();
            }
            match call {
                Call::Append => Fault::Torn((fails_at * 13 % 300) as usize),
                _ => Fault::Fail,
            }
        });
        work(&first, 1);
        disk.clear_hook();
        disk.crash((fails_at * 37 % 500) as usize);

        let log = open(&disk);
        work(&context(&log, &dir.path().join(if fails_at % 2 == 0 { "1x" } else { "2" }), 1), 1);
        check_counts(&log, 6, 10);
        if !failed.load(Ordering::Acquire) {
            return;
        }
    }
}
