//! The service: worker threads, the admin listener, signals, and `--stop-at-end`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::clock::SystemClock;
use super::log::kafka::KafkaLog;
use super::log::local::{Directory, LocalLog};
use super::log::{Log, LogError, Next, Place};
use super::metrics::Metrics;
use super::rules::RulesTopic;
use super::settings::{Backend, Settings};
use super::store::Stores;
use super::worker::{Context, Control, Mutation, StageTask, Stages, Worker};
use crate::engine::{AccountTask, ContactTask, Limits};
use crate::outputs::Topic;
use crate::rulebook::RuleSet;

/// What `--stop-at-end` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Product events and commands.
    pub events: u64,
    /// Records of all inputs, those between the stages included.
    pub records: u64,
    pub records_written: u64,
    pub commits: u64,
    /// From the first record read to the last commit.
    pub seconds: f64,
    pub events_per_s: f64,
}

/// The tasks of the service.
struct Live(Limits);

impl Stages for Live {
    fn contact(&self, partition: u32, partitions: u32) -> Box<dyn StageTask> {
        Box::new(ContactTask::new(partition, partitions, self.0.clone(), false))
    }
    fn account(&self, partition: u32, partitions: u32) -> Box<dyn StageTask> {
        Box::new(AccountTask::new(partition, partitions))
    }
}

/// Opens the log that the settings name.
pub fn open_log(settings: &Settings, stop_at_end: bool) -> Result<Arc<dyn Log>, LogError> {
    Ok(match settings.log.backend {
        Backend::Kafka => {
            let statistics = Duration::from_millis(if stop_at_end { 200 } else { 1000 });
            Arc::new(KafkaLog::open(&settings.cluster(), statistics)?)
        }
        Backend::Local => Arc::new(open_local(settings)?),
    })
}

/// Opens the local log's directory.
pub fn open_local(settings: &Settings) -> Result<LocalLog, LogError> {
    let local = &settings.local;
    let disk = Directory::open(local.dir.clone()).map_err(|error| {
        let message = format!("local.dir {}: {error}", local.dir.display());
        // the other process may end
        if error.kind() == std::io::ErrorKind::ResourceBusy { LogError::Session(message) } else { LogError::Fatal(message) }
    })?;
    LocalLog::open(Box::new(disk), local.partitions, local.segment_bytes, local.compact_bytes)
}

/// Makes ready all that the worker threads share. Without rules from files they are read from their topic.
pub fn prepare(
    settings: Settings,
    log: Arc<dyn Log>,
    rules: Option<RuleSet>,
    stop_at_end: bool,
) -> Result<Arc<Context>, LogError> {
    let mut topic = RulesTopic::default();
    let rules = match rules {
        Some(rules) => rules,
        None => topic.refresh(&*log)?.unwrap_or_default(),
    };
    let stores = Stores::open(&settings.state)?;
    let metrics = Metrics::new().map_err(|error| LogError::Fatal(error.to_string()))?;
    let control = Control::new(threads(&settings, log.partitions()), stop_at_end);
    let stages = Box::new(Live(settings.limits()));
    let (rules, rules_topic) = (RwLock::new(Arc::new(rules)), Mutex::new(topic));
    let clock = Arc::new(SystemClock::default());
    let mutation = Mutation::of_environment();
    Ok(Arc::new(Context { settings, log, stores, stages, rules, rules_topic, metrics, control, clock, mutation }))
}

fn threads(settings: &Settings, partitions: u32) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let wanted = if settings.worker.threads == 0 { cores } else { settings.worker.threads };
    wanted.clamp(1, partitions.max(1) as usize)
}

/// Works until it is told to stop (or, with `stop_at_end`, until the inputs are worked off), then ends cleanly.
pub fn run(context: Arc<Context>) -> Result<Summary, LogError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("admin")
        .enable_all()
        .build()
        .map_err(|error| LogError::Fatal(error.to_string()))?;
    runtime.block_on(super::admin::serve(context.settings.http.admin, context.clone()))?;
    let failure: Mutex<Option<LogError>> = Mutex::new(None);
    let fail = |error| {
        context.control.stop();
        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    };
    let count = threads(&context.settings, context.log.partitions());
    std::thread::scope(|scope| {
        let (context, fail) = (&*context, &fail);
        let workers: Vec<_> = (0..count)
            .filter_map(|thread| {
                let body = move || Worker::new(context, thread, count).run().unwrap_or_else(fail);
                match std::thread::Builder::new().name(format!("worker-{thread}")).spawn_scoped(scope, body) {
                    Ok(handle) => Some(handle),
                    Err(error) => {
                        fail(LogError::Fatal(format!("a worker thread cannot be started: {error}")));
                        None
                    }
                }
            })
            .collect();
        scope.spawn(move || housekeep(context));
        if context.control.stop_at_end {
            scope.spawn(move || {
                if let Err(error) = await_end(context) {
                    fail(error);
                }
                context.control.stop();
            });
        }
        for worker in workers {
            if worker.join().is_err() {
                context.control.set_unclean();
                fail(LogError::Fatal("a worker thread has panicked".to_owned()));
            }
        }
        context.control.stop();
    });
    runtime.shutdown_timeout(Duration::from_millis(200));
    let summary = summary(&context);
    close(context);
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(summary),
    }
}

fn housekeep(context: &Context) {
    let mut last = Instant::now();
    let mut rules_read = Instant::now();
    while !context.control.is_stopping() {
        std::thread::sleep(Duration::from_millis(50));
        if rules_read.elapsed() > FOLLOWING {
            if let Err(error) = context.follow_rules() {
                tracing::warn!(%error, "the rules topic cannot be read");
            }
            rules_read = Instant::now();
        }
        if last.elapsed() > HOUSEKEEPING {
            if let Err(error) = context.log.housekeep() {
                tracing::warn!(%error, "housekeeping");
            }
            last = Instant::now();
        }
    }
}

/// How often the rules topic is looked at.
const FOLLOWING: Duration = Duration::from_secs(1);

/// How often the log is looked after.
const HOUSEKEEPING: Duration = Duration::from_secs(5);

fn close(context: Arc<Context>) {
    let Some(context) = Arc::into_inner(context).filter(|context| !context.control.is_unclean()) else { return };
    if let Err(error) = context.stores.close() {
        tracing::warn!(%error, "state could not be closed; it will be restored from the changelog");
    }
}

fn summary(context: &Context) -> Summary {
    let (metrics, work) = (&context.metrics, &context.control.work);
    let (first, last) = (work.first.load(Ordering::Relaxed), work.last.load(Ordering::Relaxed));
    let seconds = (last - first).max(0) as f64 / 1000.0;
    let events = metrics.records_in(Topic::ProductEvents) + metrics.records_in(Topic::Commands);
    Summary {
        events,
        records: work.records.load(Ordering::Relaxed),
        records_written: metrics.records_out(),
        commits: metrics.commits(),
        seconds,
        events_per_s: if seconds > 0.0 { (events as f64 / seconds).round() } else { 0.0 },
    }
}

/// The first SIGTERM or SIGINT ends cleanly, within the limit of the settings; the second one at once.
pub fn stop_on_signals(context: &Arc<Context>) -> Result<(), LogError> {
    let (weak, seen) = (Arc::downgrade(context), AtomicBool::new(false));
    let limit = Duration::from_millis(context.settings.worker.shutdown_timeout.0.max(0) as u64);
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::AcqRel) {
            std::process::exit(130);
        }
        tracing::info!("stopping");
        if let Some(context) = weak.upgrade() {
            context.control.stop();
        }
        std::thread::spawn(move || {
            std::thread::sleep(limit);
            tracing::error!("not stopped within the limit");
            std::process::exit(1);
        });
    })
    .map_err(|error| LogError::Fatal(error.to_string()))
}

/// Waits until what the inputs held at the start is worked off, through both stages, by all workers of the group.
fn await_end(context: &Context) -> Result<(), LogError> {
    let partitions = context.log.partitions();
    let ends = |topics: &[Topic]| {
        let places = topics.iter().flat_map(|&topic| (0..partitions).map(move |partition| Place::new(topic, partition)));
        let places: Vec<Place> = places.collect();
        patiently(context, || context.log.ends(&places))
    };
    reach(context, &ends(&[Topic::ProductEvents, Topic::Commands])?)?;
    // the contact stage may hand over to other partitions of itself, and these again
    loop {
        let inbox = ends(&[Topic::ContactInbox])?;
        reach(context, &inbox)?;
        if context.control.is_stopping() || ends(&[Topic::ContactInbox])? == inbox {
            break;
        }
    }
    reach(context, &ends(&[Topic::AccountEvents])?)?;
    // what is too large for one record goes on with the watermarks
    while !context.control.is_stopping() && !context.control.is_idle() {
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Waits until the places are committed up to the given offsets.
fn reach(context: &Context, ends: &[Next]) -> Result<(), LogError> {
    let places: Vec<Place> = ends.iter().map(|(place, _)| *place).collect();
    while !context.control.is_stopping() {
        let committed = patiently(context, || context.log.committed(&places))?;
        if committed.iter().zip(ends).all(|((_, next), (_, end))| next >= end) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Asks the log again while it does not answer, as the worker threads do; for so long.
const PATIENCE: Duration = Duration::from_secs(300);

fn patiently<T>(context: &Context, ask: impl Fn() -> Result<T, LogError>) -> Result<T, LogError> {
    let started = Instant::now();
    loop {
        match ask() {
            Err(LogError::Session(reason)) if started.elapsed() < PATIENCE && !context.control.is_stopping() => {
                tracing::warn!(reason, "the log does not answer");
                std::thread::sleep(Duration::from_millis(500));
            }
            answer => return answer,
        }
    }
}
