//! What must hold of a deployment's topics and stores, whatever happened to its workers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use scorekeeper::outputs::Topic;
use scorekeeper::runtime::log::INPUTS;
use scorekeeper::runtime::settings;
use scorekeeper::runtime::store::Stores;
use scorekeeper::state::Store;

use super::harness::{Deployment, PARTITIONS, eventually};

/// Watches the group's committed offsets while workers come and go.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeMap<(String, i32), i64>>,
}

impl Watch {
    pub fn start(deployment: &Deployment) -> Watch {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, prefix) = (stop.clone(), deployment.prefix.clone());
        // what is committed, though a transaction of it may still be open
        let consumer = deployment.group("read_uncommitted");
        let thread = std::thread::spawn(move || {
            let mut highest: BTreeMap<(String, i32), i64> = BTreeMap::new();
            while !stopped.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(30));
                let mut list = TopicPartitionList::new();
                for topic in INPUTS {
                    list.add_partition_range(&format!("{prefix}{}", topic.name()), 0, PARTITIONS - 1);
                }
                // a broker that is down says nothing
                let Ok(committed) = consumer.committed_offsets(list, Duration::from_secs(2)) else { continue };
                for element in committed.elements() {
                    let Offset::Offset(next) = element.offset() else { continue };
                    let highest = highest.entry((element.topic().to_owned(), element.partition())).or_default();
                    assert!(next >= *highest, "{} {} went back from {highest} to {next}", element.topic(), element.partition());
                    *highest = next;
                }
            }
            highest
        });
        Watch { stop, thread }
    }

    /// They never went back, and some were seen.
    #[track_caller]
    pub fn end(self) {
        self.stop.store(true, Ordering::Release);
        let highest = self.thread.join().expect("committed offsets never go back");
        assert!(highest.values().any(|next| *next > 0), "nothing was seen");
    }
}

/// Checks all that can be seen from outside, once the workers have ended.
#[track_caller]
pub fn check(deployment: &Deployment) {
    let reads = [deployment.group("read_committed"), deployment.group("read_uncommitted")];
    for topic in Topic::ALL {
        let name = format!("{}{}", deployment.prefix, topic.name());
        for partition in 0..PARTITIONS {
            eventually(&format!("no transaction is open on {name} {partition}"), || {
                let ends = reads.each_ref().map(|consumer| {
                    consumer.fetch_watermarks(&name, partition, Duration::from_secs(30)).expect("the broker answers").1
                });
                ends[0] == ends[1]
            });
        }
    }
    order(deployment);
}

/// A contact's timeline is in the order of its events.
fn order(deployment: &Deployment) {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for read in deployment.read("timeline") {
        let (entry, contact) = (read.json(), read.key.split('/').nth(1).unwrap_or_default().to_owned());
        let number: u64 = entry["event"]["id"].as_str().unwrap().trim_start_matches('g').parse().unwrap();
        let last = last.entry(contact.clone()).or_default();
        assert!(number >= *last, "{contact}: g{number} after g{last}");
        *last = number;
    }
    assert!(!last.is_empty());
}

/// The stores that a worker has closed are the changelog, folded. Gives the number of rows.
#[track_caller]
pub fn check_stores(deployment: &Deployment, worker: &str) -> usize {
    let dir = deployment.dir.path().join(worker);
    assert!(!is_open(&dir), "the worker did not end cleanly");
    let stores = Stores::open(&settings::State { dir, ..Default::default() }).unwrap();
    let mut folded: BTreeMap<i32, BTreeMap<Vec<u8>, Vec<u8>>> = BTreeMap::new();
    for (partition, key, value) in deployment.read_raw("account-changelog") {
        let rows = folded.entry(partition).or_default();
        match value {
            Some(value) => rows.insert(key, value),
            None => rows.remove(&key),
        };
    }
    let mut count = 0;
    for partition in 0..PARTITIONS {
        let store = stores.task(&format!("account-{partition}")).unwrap();
        let rows = store.scan(&[], &[], usize::MAX).unwrap();
        // table 0 is the store's own position
        let rows: BTreeMap<_, _> = rows.into_iter().filter(|(key, _)| key.first() != Some(&0)).collect();
        count += rows.len();
        assert!(rows == folded.remove(&partition).unwrap_or_default(), "partition {partition}");
    }
    count
}

/// Whether a state directory was left as if its worker still ran.
pub fn is_open(dir: &Path) -> bool {
    dir.join("open").exists()
}
