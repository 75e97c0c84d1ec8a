//! `scorekeeper demo`: everything in one process, no broker. A live generator, the worker on the local log, and what comes of it
//! in the terminal.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::generate::Generator;
use super::{Exit, Failure};
use crate::outputs::{Outbox, Record, Route, Topic};
use crate::rulebook::RuleSet;
use crate::runtime::log::Place;
use crate::runtime::log::local::LocalLog;
use crate::runtime::settings::{Backend, Settings};
use crate::runtime::worker::Context;
use crate::runtime::{self, service, telemetry};

/// See it work: a live sales floor on the local log, in one process, with nothing to set up. Ctrl-C stops it cleanly.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  scorekeeper demo --rate 500")]
pub struct Args {
    /// Events a second.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rate: u64,
    /// Stops after so many events; absent: goes on until Ctrl-C.
    #[arg(long)]
    events: Option<u64>,
    /// The seed of the generator.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keeps the log and the state here, to go on from at the next start. Absent: a temporary folder.
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// The rules of the demo.
const RULES: &str = include_str!("../../config/demo/rules.yaml");
const PARTITIONS: u32 = 4;

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let temporary = args.dir.is_none();
    let dir = args.dir.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("scorekeeper-demo-{}", std::process::id())));
    let mut settings = Settings::default();
    settings.log.backend = Backend::Local;
    settings.local.dir = dir.join("log");
    settings.local.partitions = PARTITIONS;
    settings.state.dir = dir.join("state");
    settings.worker.threads = 2;
    settings.http.admin = free_address(settings.http.admin);
    settings.telemetry.log_level = "warn".to_owned();
    telemetry::start(&settings.telemetry);
    println!("rules    config/demo/rules.yaml (built in)");
    println!("log      {}", dir.display());
    println!("metrics  http://{}/metrics", settings.http.admin);
    println!("ready    http://{}/readyz?verbose\n", settings.http.admin);

    let rules = RuleSet::load([("config/demo/rules.yaml", RULES)]).map_err(|errors| Failure::new(Exit::Config, errors))?;
    let log = service::open_local(&settings)?;
    let context = service::prepare(settings, Arc::new(log.clone()), Some(rules), false)?;
    service::stop_on_signals(&context)?;
    let summary = std::thread::scope(|scope| {
        let generator = Producer { log: log.clone(), context: context.clone(), rate: args.rate, events: args.events };
        let seed = args.seed;
        let produced = scope.spawn(move || generator.run(seed));
        let floor = Floor::new(log.clone(), context.clone());
        scope.spawn(move || floor.run());
        let summary = service::run(context);
        produced.join().unwrap_or(Ok(())).and(summary.map_err(Failure::from))
    })?;
    if temporary {
        let _ = std::fs::remove_dir_all(&dir);
    }
    println!("\n{} events in, {} records out, in {} commits", summary.events, summary.records_written, summary.commits);
    Ok(Exit::Success)
}

/// The usual address, or any port that is free where that one is taken.
fn free_address(usual: SocketAddr) -> SocketAddr {
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, usual.port()));
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let free = |address| TcpListener::bind(address).and_then(|listener| listener.local_addr());
    free(local).or_else(|_| free(any)).unwrap_or(local)
}

/// Appends generated events to the log, at a steady rate.
struct Producer {
    log: LocalLog,
    context: Arc<Context>,
    rate: u64,
    events: Option<u64>,
}

impl Producer {
    fn run(self, seed: u64) -> Result<(), Failure> {
        const STEP: Duration = Duration::from_millis(20);
        let mut generator = Generator::new(seed, "demo");
        let mut outbox = Outbox::default();
        let started = Instant::now();
        let mut sent = 0;
        while !self.context.control.is_stopping() && self.events.is_none_or(|events| sent < events) {
            let due = (started.elapsed().as_secs_f64() * self.rate as f64) as u64;
            let due = due.min(self.events.unwrap_or(u64::MAX));
            let now = runtime::now();
            while sent < due {
                let event = generator.event(now);
                let part = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
                let key = crate::events::keys::join(&[&part("account"), &part("contact")]);
                let value = event.to_string();
                outbox.push_raw(Record {
                    topic: Topic::ProductEvents,
                    route: Route::Key,
                    timestamp: now,
                    key: key.as_bytes(),
                    value: Some(value.as_bytes()),
                    headers: &[],
                });
                sent += 1;
            }
            if !outbox.is_empty() {
                self.log.append(&outbox)?;
                outbox.clear();
            }
            std::thread::sleep(STEP);
        }
        if self.events.is_some() {
            // until the service has worked off what was sent
            while !self.context.control.is_stopping() && self.context.metrics.records_in(Topic::ProductEvents) < sent {
                std::thread::sleep(STEP);
            }
            std::thread::sleep(Duration::from_millis(500));
            self.context.control.stop();
        }
        Ok(())
    }
}

/// Follows the output topics and shows them in the terminal.
struct Floor {
    log: LocalLog,
    context: Arc<Context>,
    positions: BTreeMap<Place, u64>,
    leads: BTreeMap<String, Value>,
    reps: BTreeMap<String, Value>,
    news: Vec<String>,
}

impl Floor {
    fn new(log: LocalLog, context: Arc<Context>) -> Floor {
        let topics = [Topic::LeadScores, Topic::RepProgress, Topic::Announcements];
        let places = topics.into_iter().flat_map(|topic| (0..PARTITIONS).map(move |partition| (Place::new(topic, partition), 0)));
        let (leads, reps) = (BTreeMap::new(), BTreeMap::new());
        Floor { log, context, positions: places.collect(), leads, reps, news: Vec::new() }
    }

    fn run(mut self) {
        let terminal = std::io::stdout().is_terminal();
        let mut lines = 0;
        let mut before = 0;
        let pause = Duration::from_millis(if terminal { 1000 } else { 5000 });
        let mut shown = Instant::now();
        while !self.context.control.is_stopping() {
            std::thread::sleep(Duration::from_millis(50));
            if shown.elapsed() < pause {
                continue;
            }
            self.follow();
            let events = self.context.metrics.records_in(Topic::ProductEvents);
            let rate = (events - before) as f64 / shown.elapsed().as_secs_f64();
            (before, shown) = (events, Instant::now());
            let text = self.text(events, rate, terminal);
            if terminal && lines > 0 {
                print!("\x1b[{lines}A\x1b[J"); // back up over what was shown a second ago
            }
            print!("{text}");
            let _ = std::io::stdout().flush();
            lines = text.lines().count();
        }
    }

    /// Reads what is new.
    fn follow(&mut self) {
        for (place, next) in &mut self.positions {
            while let Ok(records) = self.log.read(*place, *next, 10_000) {
                let Some(last) = records.last() else { break };
                *next = last.offset + 1;
                for record in &records {
                    let key = String::from_utf8_lossy(record.key().unwrap_or_default()).into_owned();
                    let value = record.value().and_then(|value| serde_json::from_slice::<Value>(value).ok());
                    let table = match place.topic {
                        Topic::LeadScores => &mut self.leads,
                        Topic::RepProgress => &mut self.reps,
                        _ => {
                            let value = value.unwrap_or_default();
                            self.news.push(format!("{}: {}", text(&value["title"]), text(&value["message"])));
                            continue;
                        }
                    };
                    match value {
                        Some(value) => table.insert(key, value),
                        None => table.remove(&key),
                    };
                }
            }
        }
    }

    fn text(&self, events: u64, rate: f64, full: bool) -> String {
        let mut shown = format!("{events} events, {rate:.0} a second, {} contacts\n", self.leads.len());
        if !full {
            return shown;
        }
        let leads = best(&self.leads, "score");
        let reps = best(&self.reps, "xp");
        shown.push_str("\n  top leads               top reps\n");
        for i in 0..8 {
            let lead = leads.get(i).map(|lead| format!("{:<10} {:>6}", text(&lead["contact"]), text(&lead["score"])));
            let rep = reps
                .get(i)
                .map(|rep| format!("{:<16} {:>7} XP  {}", text(&rep["name"]), text(&rep["xp"]), text(&rep["level"]["name"])));
            shown.push_str(&format!("  {:<22}  {}\n", lead.unwrap_or_default(), rep.unwrap_or_default()));
        }
        shown.push_str("\n  news\n");
        for news in self.news.iter().rev().take(5) {
            shown.push_str(&format!("  {news}\n"));
        }
        shown
    }
}

fn best<'v>(table: &'v BTreeMap<String, Value>, by: &str) -> Vec<&'v Value> {
    let mut rows: Vec<&Value> = table.values().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row[by].as_i64()));
    rows
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
