//! The seeded simulator: the real loop, both stages, on the local log over a disk in memory. Everything that happens is drawn
//! from a seed: what producers send, crashes between the steps of the loop, torn and lost writes, lost answers, state
//! directories that are kept, old, damaged or gone, slow partitions, rebalances, jumps of the clock. In the end all is worked
//! off, and an [`auditor`] compares it with shadow models that are written independently of the engine, and with a [`replay`]
//! of the whole history without a fault. The log is compacted all the while; an [`archive`] keeps what it ever held.
//!
//! ```text
//! cargo test --test it simulator                                          # 200 seeds
//! SIMULATOR_SEEDS=10000 cargo test --test it simulator::nothing           # more
//! SIMULATOR_SEED=17 cargo test --test it simulator::nothing -- --nocapture # one again, with its trace
//! SIMULATOR_ALL=1 …                                                       # on after a seed that fails
//! SIMULATOR_SHOW='"e15"' …                                                # the records that hold a text, if it fails
//! ```
//!
//! A process runs on a thread of its own, but only one at a time and only when it is given a turn, so that a seed plays the
//! same again. What is left to chance is when the store's background thread writes; no output depends on it.

mod accounts;
mod archive;
mod auditor;
mod log;
mod model;
mod process;
mod random;
mod replay;
mod rich;
mod rules;
mod scenario;
mod stages;
mod workload;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use scorekeeper::runtime::worker::Mutation;

use self::scenario::Counts;

/// Runs a seed; a panic is a failure like any other.
fn simulate(seed: u64, mutation: Option<Mutation>, trace: Option<&Mutex<Vec<String>>>) -> Result<Counts, String> {
    catch_unwind(AssertUnwindSafe(|| scenario::run(seed, mutation, trace))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("the simulator panicked: {}", text.unwrap_or_default()))
    })
}

/// What happened last when a seed is played once more.
fn trace(seed: u64) -> String {
    let lines = Mutex::new(Vec::new());
    let again = simulate(seed, None, Some(&lines));
    let lines = lines.into_inner().unwrap_or_default();
    let shown = if number("SIMULATOR_SEED").is_some() { lines.len() } else { 60 };
    let last = lines[lines.len().saturating_sub(shown)..].join("\n    ");
    let holds = if again.is_ok() { " (this time all held: the store's background thread took its time otherwise)" } else { "" };
    format!("the last of {} steps{holds}:\n    {last}", lines.len())
}

/// Runs seeds on all cores until one fails or all are done.
fn simulate_all(first: u64, seeds: u64, mutation: Option<Mutation>) -> Result<Counts, (u64, String)> {
    let (next, totals, failure) = (AtomicU64::new(first), Mutex::new(BTreeMap::new()), Mutex::new(None));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds || failure.lock().unwrap().is_some() {
                        return;
                    }
                    match simulate(seed, mutation, None) {
                        Ok(counts) => {
                            let mut totals = totals.lock().unwrap();
                            counts.into_iter().for_each(|(what, times)| *totals.entry(what).or_default() += times);
                        }
                        // on with the others, to see how many fail
                        Err(message) if mutation.is_none() && number("SIMULATOR_ALL").is_some() => {
                            println!("seed {seed} fails: {}", message.lines().next().unwrap_or_default());
                        }
                        Err(message) => {
                            failure.lock().unwrap().get_or_insert((seed, message));
                        }
                    }
                }
            });
        }
    });
    match failure.into_inner().unwrap() {
        Some(failure) => Err(failure),
        None => Ok(totals.into_inner().unwrap()),
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is not a number")))
}

#[test]
fn nothing_is_lost_and_nothing_is_done_twice() {
    let (first, seeds) = match number("SIMULATOR_SEED") {
        Some(seed) => {
            // what the workers say
            let _ = tracing_subscriber::fmt().with_test_writer().without_time().try_init();
            (seed, 1)
        }
        None => (0, number("SIMULATOR_SEEDS").unwrap_or(200)),
    };
    match simulate_all(first, seeds, None) {
        Ok(counts) => {
            println!("{seeds} seeds: {counts:?}");
            if seeds >= 200 {
                let all = [
                    "crashes",
                    "aborts",
                    "lost answers",
                    "rebalances",
                    "restores",
                    "power failures",
                    "stale",
                    "damaged",
                    "compactions",
                    "rules learned",
                ];
                for what in all {
                    assert!(counts.get(what).is_some_and(|times| *times > 0), "no {what} in {seeds} seeds");
                }
            }
        }
        Err((seed, message)) => panic!(
            "seed {seed} fails:\n  {message}\n  {}\n  play it again with\n  SIMULATOR_SEED={seed} cargo test --test it simulator::nothing -- --nocapture",
            trace(seed)
        ),
    }
}

#[test]
fn every_broken_rule_is_noticed() {
    for mutation in Mutation::ALL {
        match simulate_all(0, 300, Some(mutation)) {
            Ok(_) => panic!("{mutation:?} is not noticed in 300 seeds"),
            Err((seed, message)) if message.contains("panicked") => panic!("{mutation:?}: seed {seed}: {message}"),
            Err((seed, message)) => println!("{mutation:?}: seed {seed}: {}", message.lines().next().unwrap_or_default()),
        }
    }
}
