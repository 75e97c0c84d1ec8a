//! One simulation: what happens, and in what order, is drawn from the seed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scorekeeper::events;
use scorekeeper::outputs::{Outbox, Record, Route, Topic};
use scorekeeper::runtime::log::local::{Call, Fault, LocalLog, LocalSession, MemDisk};
use scorekeeper::runtime::log::{INPUTS, Log, Place, Session};
use scorekeeper::runtime::worker::Mutation;

use super::archive::Archive;
use super::auditor::Auditor;
use super::log::records;
use super::process::{End, Process, Template, keep, meddle};
use super::random::Random;
use super::replay::Replay;
use super::rules::{self, ACCOUNTS, SECOND_VERSION};
use super::workload::{DAY, HOUR, START, Sent, Workload};
use super::world::World;

pub struct Scenario {
    random: Random,
    world: Arc<World>,
    template: Template,
    disk: MemDisk,
    log: LocalLog,
    partitions: u32,
    segment_bytes: u64,
    processes: Vec<Option<Process>>,
    workload: Workload,
    /// Records that the log has taken, and those of which nobody knows.
    produced: Vec<Sent>,
    attempted: Vec<Sent>,
    /// Days that the wall clock has jumped ahead in all.
    jumped: u64,
    /// Processes whose store may be found damaged yet.
    damaged: Vec<bool>,
    archive: Archive,
    /// Of the rules topic, versions published so far.
    published: u8,
    errors: Vec<String>,
    _dir: tempfile::TempDir,
}

/// What happened in a simulation, by name.
pub type Counts = BTreeMap<&'static str, u64>;

/// Runs the simulation of a seed. The error says what did not hold. `trace` takes down what happened.
pub fn run(seed: u64, mutation: Option<Mutation>, trace: Option<&Mutex<Vec<String>>>) -> Result<Counts, String> {
    let mut scenario = Scenario::new(seed, mutation);
    scenario.world.lock().trace = trace.map(|_| Vec::new());
    scenario.play();
    scenario.drain();
    if let (Some(into), Some(taken)) = (trace, scenario.world.lock().trace.take()) {
        *into.lock().unwrap() = taken;
    }
    scenario.audit()
}

impl Scenario {
    fn new(seed: u64, mutation: Option<Mutation>) -> Scenario {
        let mut random = Random::new(seed);
        let partitions = 1 + random.below(4) as u32;
        let processes = 1 + random.below(3) as usize;
        let segment_bytes = *random.pick(&[3_000, 40_000, 1 << 30]);
        let world = Arc::new(World::new(random.fork(), processes, START));
        // in memory where there is such a folder
        let dir = if std::path::Path::new("/dev/shm").is_dir() { tempfile::tempdir_in("/dev/shm") } else { tempfile::tempdir() };
        let dir = dir.expect("a folder");
        let template = Template {
            world: world.clone(),
            rules_topic: random.one_in(if std::env::var("SIM_TOPIC").is_ok() { 1 } else { 6 }),
            dir: dir.path().to_owned(),
            mutation,
            commit_max_events: *random.pick(&[1, 7, 30, 1000]),
            cache_bytes: *random.pick(&[0, 4_000, 64 << 20]),
            flush_interval: events::Duration(*random.pick(&[0, i64::MAX])),
        };
        let disk = MemDisk::default();
        let log = LocalLog::open(Box::new(disk.clone()), partitions, segment_bytes, u64::MAX).expect("an empty log");
        // long enough for the second version of the rules to come into force
        let least = if template.rules_topic { 200 } else { 60 };
        let workload = Workload::new(random.fork(), least + random.clone().below(240));
        let mut scenario = Scenario {
            random,
            world,
            template,
            disk,
            log,
            partitions,
            segment_bytes,
            processes: (0..processes).map(|_| None).collect(),
            workload,
            produced: Vec::new(),
            attempted: Vec::new(),
            jumped: 0,
            damaged: vec![false; processes],
            archive: Archive::new(partitions),
            published: 0,
            errors: Vec::new(),
            _dir: dir,
        };
        if scenario.template.rules_topic {
            scenario.publish();
        }
        scenario.assign();
        scenario
    }

    /// Until all is produced, and for a while after.
    fn play(&mut self) {
        let mut rest = 40;
        while rest > 0 {
            if self.workload.is_done() {
                rest -= 1;
            }
            match self.random.below(100) {
                0..12 => self.produce(),
                12..20 => self.start_one(),
                20..22 => self.assign(),
                22 => self.jump(),
                23..25 => self.crash_one(),
                25 => self.fail_disk(),
                26 if self.random.one_in(3) => self.lose_power(),
                27 => self.stop_one(),
                28 => self.compact(),
                _ => self.step_one(),
            }
        }
    }

    fn produce(&mut self) {
        // before the second version comes into force, it is there
        if self.template.rules_topic && self.published == 1 && self.workload.now() > SECOND_VERSION - 5 * HOUR / 2 {
            self.publish();
        }
        let records = 1 + self.random.below(12);
        let sent = self.workload.take(records);
        let mut outbox = Outbox::default();
        for sent in &sent {
            outbox.push_raw(Record {
                topic: sent.topic,
                route: Route::Key,
                timestamp: events::Timestamp(sent.timestamp),
                key: sent.key.as_bytes(),
                value: Some(&sent.value),
                headers: &[],
            });
        }
        let (sum, now) = (sent.len(), self.workload.now());
        self.world.lock().note(|| format!("{sum} records are produced, at {now}"));
        if sent.is_empty() {
        } else if self.log.append(&outbox).is_ok() {
            self.produced.extend(sent);
        } else {
            self.attempted.extend(sent);
            self.reopen(false);
        }
    }

    /// Publishes the next version of all accounts' rules.
    fn publish(&mut self) {
        self.published += 1;
        let published = self.published;
        self.world.lock().note(|| format!("version {published} of the rules is published"));
        let mut outbox = Outbox::default();
        for account in ACCOUNTS {
            outbox.push_raw(Record {
                topic: Topic::Rules,
                route: Route::Key,
                timestamp: events::Timestamp(self.workload.now()),
                key: account.as_bytes(),
                value: Some(rules::text(account, self.published).as_bytes()),
                headers: &[],
            });
        }
        while self.log.append(&outbox).is_err() {
            self.reopen(false);
            self.archive.follow(&self.log);
            // it may have been written all the same
            if self.archive.topic(Topic::Rules).count() >= ACCOUNTS.len() * usize::from(self.published) {
                return;
            }
        }
    }

    /// The log is compacted, in the middle of everything; the disk may fail at that too.
    fn compact(&mut self) {
        self.archive.follow(&self.log);
        let now = events::Timestamp(self.workload.now());
        if self.log.compact(now).is_err() {
            return self.count("compactions failed");
        }
        self.count("compactions");
        self.world.lock().note(|| "the log is compacted".to_owned());
        if self.random.one_in(4) {
            self.check_compacted();
        }
    }

    fn check_compacted(&mut self) {
        let committed = self.committed();
        self.archive.follow(&self.log);
        self.archive.check_compacted(&self.log, &committed);
    }

    fn count(&self, what: &'static str) {
        self.world.lock().count(what);
    }

    fn start_one(&mut self) {
        let process = self.random.below(self.processes.len() as u64) as usize;
        if self.processes[process].is_none() {
            self.start(process);
        }
    }

    fn start(&mut self, process: usize) {
        let what = meddle(&self.template.state(process).dir, &mut self.random);
        self.count(what);
        self.world.lock().note(|| format!("process {process} starts; its state is {what}"));
        self.damaged[process] |= what == "damaged";
        self.processes[process] = Some(self.template.start(process, &self.log));
        if self.random.one_in(3) {
            // it may not get far
            let points = self.random.below(400);
            self.world.lock().members[process].crash_in = Some(points);
        }
        self.assign();
    }

    /// Gives the partitions to the processes that run, each partition to one.
    fn assign(&mut self) {
        let running: Vec<usize> = (0..self.processes.len()).filter(|process| self.processes[*process].is_some()).collect();
        let mut state = self.world.lock();
        state.generation += 1;
        state.impatient = self.random.one_in(3);
        state.members.iter_mut().for_each(|member| member.assigned.clear());
        if !running.is_empty() {
            for partition in 0..self.partitions {
                let to = *self.random.pick(&running);
                state.members[to].assigned.push(partition);
            }
        }
        let assigned: Vec<_> = state.members.iter().map(|member| member.assigned.clone()).collect();
        state.note(|| format!("partitions are assigned: {assigned:?}"));
    }

    fn jump(&mut self) {
        let mut state = self.world.lock();
        state.count("clock jumps");
        // 25 days at most, so that no command is too old
        let days = if self.random.one_in(3) { (25 - self.jumped).min(self.random.below(26)) } else { 0 };
        state.note(|| format!("the clock jumps by {days} days"));
        self.jumped += days;
        let hours = self.random.below(5) as i64 - 2;
        state.wall = (state.wall + days as i64 * DAY + hours * HOUR).min(START + 26 * DAY);
    }

    fn crash_one(&mut self) {
        let process = self.random.below(self.processes.len() as u64) as usize;
        let points = self.random.below(120);
        let mut state = self.world.lock();
        if state.faults {
            state.members[process].crash_in = Some(points);
        }
    }

    /// One of the next calls of the disk fails.
    fn fail_disk(&mut self) {
        let (mut calls, torn) = (self.random.below(6), self.random.below(2000) as usize);
        let whole = self.random.one_in(3);
        self.disk.set_hook(move |call, _| {
            if calls > 0 {
                calls -= 1;
                return Fault::None;
            }
            calls = u64::MAX;
            match call {
                Call::Append if whole => Fault::Fail,
                Call::Append => Fault::Torn(torn),
                _ => Fault::Fail,
            }
        });
    }

    fn lose_power(&mut self) {
        self.reopen(true);
    }

    fn stop_one(&mut self) {
        let process = self.random.below(self.processes.len() as u64) as usize;
        if let Some(running) = self.processes[process].take() {
            running.stop();
            let end = running.join();
            self.ended(process, end);
        }
    }

    fn step_one(&mut self) {
        let process = self.random.below(self.processes.len() as u64) as usize;
        // the higher its number, the slower
        if process > 0 && self.random.below(process as u64 + 1) > 0 {
            return;
        }
        for _ in 0..1 + self.random.below(5) {
            self.step(process);
        }
    }

    fn step(&mut self, process: usize) {
        if let Some(running) = &self.processes[process]
            && !running.step()
            && let Some(running) = self.processes[process].take()
        {
            let end = running.join();
            self.ended(process, end);
        }
    }

    fn ended(&mut self, process: usize, end: End) {
        self.world.lock().note(|| format!("process {process} ends: {end:?}"));
        match end {
            End::Clean => {
                self.count("clean ends");
                keep(&self.template.state(process).dir);
            }
            End::Crashed => self.count("crashes"),
            End::Failed(reason) if reason.starts_with("state.dir is damaged") => self.count("stores given up"),
            End::Failed(reason) => {
                if !reason.starts_with("local log") {
                    self.errors.push(format!("process {process} gave up: {reason}"));
                }
                self.reopen(false);
            }
            End::Panicked(message) => self.errors.push(format!("process {process} panicked: {message}")),
        }
    }

    /// Everything goes down at once, and the log is opened anew.
    fn reopen(&mut self, power: bool) {
        self.count(if power { "power failures" } else { "disk failures" });
        self.world.lock().note(|| format!("everything goes down; power fails: {power}"));
        self.world.lock().members.iter_mut().for_each(|member| member.dying = true);
        for process in 0..self.processes.len() {
            if let Some(running) = self.processes[process].take() {
                match running.join() {
                    End::Panicked(message) => self.errors.push(format!("process {process} panicked: {message}")),
                    _ => self.count("crashes"),
                }
            }
        }
        self.disk.clear_hook();
        if power || self.random.one_in(2) {
            self.disk.crash(self.random.below(3000) as usize);
        }
        match LocalLog::open(Box::new(self.disk.clone()), self.partitions, self.segment_bytes, u64::MAX) {
            Ok(log) => self.log = log,
            Err(error) => panic!("the log cannot be opened: {error}"),
        }
        let (committed, records) = (self.committed(), records(&self.log));
        self.world.lock().resolve(committed, records);
        self.archive.follow(&self.log);
    }

    fn committed(&self) -> BTreeMap<Place, u64> {
        let session = LocalSession::open(self.log.clone(), Vec::new());
        session.accept(&(0..self.partitions).collect::<Vec<_>>()).expect("a local log").into_iter().collect()
    }

    fn is_worked_off(&self) -> bool {
        let places: Vec<Place> =
            INPUTS.iter().flat_map(|&topic| (0..self.partitions).map(move |partition| Place::new(topic, partition))).collect();
        let committed = self.committed();
        let ends = self.log.ends(&places).expect("a local log");
        ends.iter().all(|(place, end)| committed.get(place).copied().unwrap_or(0) >= *end)
    }

    /// Nothing goes wrong any more: all is worked off, and what waits for time is written.
    fn drain(&mut self) {
        self.world.lock().note(|| "no more faults: all is worked off".to_owned());
        {
            let mut state = self.world.lock();
            (state.faults, state.pace) = (false, 2);
            state.members.iter_mut().for_each(|member| member.crash_in = None);
        }
        self.disk.clear_hook();
        if self.log.session(usize::MAX, 1).is_err() {
            self.reopen(false);
        }
        for round in 0..4 {
            for turn in 0.. {
                for process in 0..self.processes.len() {
                    if self.processes[process].is_none() {
                        self.start(process);
                        self.world.lock().members[process].crash_in = None;
                    }
                    self.step(process);
                }
                // first for a few turns, so that everyone has taken over what it has been given
                if turn > 20 && self.is_worked_off() {
                    break;
                }
                if turn > 3000 {
                    let states: Vec<String> = self.processes.iter().flatten().map(Process::states).collect();
                    return self.errors.push(format!("not worked off after {turn} turns of round {round}: {states:?}"));
                }
            }
            self.world.lock().elapsed += Duration::from_secs(2);
        }
        for process in 0..self.processes.len() {
            if let Some(running) = self.processes[process].take() {
                running.stop();
                let end = running.join();
                if !matches!(end, End::Clean) {
                    self.errors.push(format!("process {process} did not end cleanly: {end:?}"));
                }
            }
        }
    }

    fn audit(mut self) -> Result<Counts, String> {
        self.errors.append(&mut self.world.lock().violations);
        self.archive.follow(&self.log);
        self.check_compacted();
        self.errors.append(&mut self.archive.errors);
        if self.errors.is_empty() {
            self.errors = self.compare();
        }
        let mut counts = self.world.lock().counts.clone();
        counts.insert("records", self.produced.len() as u64);
        if self.errors.is_empty() { Ok(counts) } else { Err(self.errors.join("\n  ")) }
    }
}

impl Scenario {
    /// Outputs and stores against the models and the replay.
    fn compare(&mut self) -> Vec<String> {
        let (applied, archive) = (self.world.lock().applied.clone(), &self.archive);
        let mut errors = Auditor::new(archive, &applied).audit(&self.produced, &self.attempted);
        let replay = Replay::of(archive, &applied, &self.committed(), self.random.fork());
        errors.extend(replay.compare(archive));
        for process in 0..self.processes.len() {
            let owned = self.world.lock().members[process].assigned.clone();
            let (state, is_damaged) = (self.template.state(process), self.damaged[process]);
            let auditor = Auditor::new(archive, &applied);
            errors.extend(auditor.stores(&state, &owned, is_damaged, &replay, self.template.rules_topic));
        }
        errors
    }
}

impl Drop for Scenario {
    /// No process stays behind.
    fn drop(&mut self) {
        self.world.lock().members.iter_mut().for_each(|member| member.dying = true);
        for process in self.processes.iter_mut().filter_map(Option::take) {
            process.join();
        }
    }
}
