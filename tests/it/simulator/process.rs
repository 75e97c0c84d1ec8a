//! A worker process: the real loop on a thread of its own, which runs only when it is given a turn.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, RwLock, Weak};
use std::thread::JoinHandle;

use scorekeeper::events::Duration;
use scorekeeper::runtime::log::LogError;
use scorekeeper::runtime::log::local::LocalLog;
use scorekeeper::runtime::metrics::Metrics;
use scorekeeper::runtime::rules::RulesTopic;
use scorekeeper::runtime::settings::{self, Settings};
use scorekeeper::runtime::store::{Stores, mark_closed};
use scorekeeper::runtime::worker::{Context, Control, Mutation, Worker};

use super::log::SimLog;
use super::random::Random;
use super::rules;
use super::stages::SimStages;
use super::world::{Baton, Crash, SimClock, World};

/// How a process ended.
#[derive(Debug)]
pub enum End {
    Clean,
    Crashed,
    Failed(String),
    Panicked(String),
}

pub struct Process {
    baton: Arc<Baton>,
    context: Weak<Context>,
    thread: JoinHandle<End>,
}

/// What processes of a simulation are started with.
pub struct Template {
    pub world: Arc<World>,
    /// Rules come from their topic.
    pub rules_topic: bool,
    pub dir: PathBuf,
    pub mutation: Option<Mutation>,
    pub commit_max_events: usize,
    pub cache_bytes: usize,
    pub flush_interval: Duration,
}

impl Template {
    /// The state directory of a process.
    pub fn state(&self, process: usize) -> settings::State {
        settings::State {
            dir: self.dir.join(process.to_string()),
            cache_bytes: self.cache_bytes,
            flush_interval: self.flush_interval,
            ..Default::default()
        }
    }

    pub fn start(&self, process: usize, log: &LocalLog) -> Process {
        {
            let mut state = self.world.lock();
            let generation = state.generation;
            let member = &mut state.members[process];
            (member.dying, member.crash_in, member.joined, member.released) = (false, None, generation, generation);
            state.forget(process);
        }
        let baton = Arc::new(Baton::default());
        let (world, log) = (self.world.clone(), log.clone());
        let settings = Settings {
            state: self.state(process),
            worker: settings::Worker { commit_max_events: self.commit_max_events, ..Default::default() },
            rules: settings::Rules { topic: self.rules_topic, ..Default::default() },
            ..Default::default()
        };
        let mut topic = RulesTopic::default();
        let rules = if self.rules_topic {
            Arc::new(topic.refresh(&log).expect("a local log").unwrap_or_default())
        } else {
            rules::known(rules::ALL)
        };
        let itself = Arc::new(OnceLock::new());
        let context = Arc::new(Context {
            stores: Stores::open(&settings.state).expect("the state directory"),
            settings,
            log: Arc::new(SimLog {
                log,
                world: world.clone(),
                baton: baton.clone(),
                process,
                context: itself.clone(),
                mutation: self.mutation,
            }),
            stages: Box::new(SimStages { world: world.clone(), process }),
            rules: RwLock::new(rules),
            rules_topic: Mutex::new(topic),
            metrics: Metrics::new().expect("metrics"),
            control: Control::new(1, false),
            clock: Arc::new(SimClock(world)),
            mutation: self.mutation,
        });
        let (weak, turn) = (Arc::downgrade(&context), baton.clone());
        let _ = itself.set(weak.clone());
        let thread = std::thread::spawn(move || {
            turn.begin();
            let end = live(context);
            turn.end();
            end
        });
        Process { baton, context: weak, thread }
    }
}

fn live(context: Arc<Context>) -> End {
    let result = catch_unwind(AssertUnwindSafe(|| Worker::new(&context, 0, 1).run()));
    let context = Arc::into_inner(context).expect("the process has ended");
    let (stores, is_unclean) = (context.stores, context.control.is_unclean());
    match result {
        Ok(_) if is_unclean => stores.abandon(),
        Ok(_) => stores.close().unwrap_or_else(|error| eprintln!("closing: {error}")),
        Err(_) => stores.abandon(),
    }
    match result {
        Ok(Ok(())) => End::Clean,
        Ok(Err(LogError::Fatal(reason) | LogError::Session(reason))) => End::Failed(reason),
        Err(panic) if panic.is::<Crash>() => End::Crashed,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            End::Panicked(text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned())).unwrap_or_default())
        }
    }
}

impl Process {
    /// Gives it a turn; false if it has ended.
    pub fn step(&self) -> bool {
        self.baton.step()
    }

    /// Asks it to end cleanly.
    pub fn stop(&self) {
        if let Some(context) = self.context.upgrade() {
            context.control.stop();
        }
    }

    /// What it says of itself.
    pub fn states(&self) -> String {
        self.context.upgrade().map_or_else(String::new, |context| format!("{:?}", context.control.states()))
    }

    /// Lets it run to its end, which must be near.
    pub fn join(self) -> End {
        for _ in 0..100_000 {
            if !self.step() {
                return self.thread.join().expect("a process does not panic");
            }
        }
        panic!("a process does not end");
    }
}

/// What may happen to a state directory while its process is down.
pub fn meddle(dir: &Path, random: &mut Random) -> &'static str {
    let (sled, kept) = (dir.join("sled"), dir.join("kept"));
    // as if the process had closed it where it crashed: what it had written by then must be whole
    let trust = || {
        if sled.exists() {
            mark_closed(dir).expect("a directory");
        }
    };
    match random.below(6) {
        0 => {
            let _ = std::fs::remove_dir_all(dir);
            "deleted"
        }
        1 => {
            // a store from some time ago
            if kept.exists() {
                let _ = std::fs::remove_dir_all(&sled);
                copy(&kept, &sled);
                trust();
            }
            "stale"
        }
        2 => {
            trust();
            flip(&sled, random);
            "damaged"
        }
        3 | 4 => {
            trust();
            "trusted"
        }
        _ => "kept",
    }
}

/// Keeps a copy of a store that is closed.
pub fn keep(dir: &Path) {
    if !dir.join("closed").exists() {
        return;
    }
    let kept = dir.join("kept");
    let _ = std::fs::remove_dir_all(&kept);
    copy(&dir.join("sled"), &kept);
}

fn copy(from: &Path, to: &Path) {
    let Ok(entries) = std::fs::read_dir(from) else { return };
    std::fs::create_dir_all(to).expect("a directory");
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            copy(&path, &to.join(entry.file_name()));
        } else {
            let _ = std::fs::copy(&path, to.join(entry.file_name()));
        }
    }
}

/// Flips some bytes of the database.
fn flip(sled: &Path, random: &mut Random) {
    let path = sled.join("db");
    let Ok(mut bytes) = std::fs::read(&path) else { return };
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1) as u64;
    for _ in 0..1 + random.below(4) {
        let at = random.below(used.max(1)) as usize;
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << random.below(8);
        }
    }
    let _ = std::fs::write(&path, bytes);
}
