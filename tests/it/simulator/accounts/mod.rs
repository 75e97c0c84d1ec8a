//! The shadow model of the actor axis. Of `account-events` it takes the order alone; what each record means it takes from the
//! input and the shadow model of the lead axis.

mod account;
mod commands;
mod commissions;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use scorekeeper::events::AccountRecord;

pub use self::account::Account;
use super::model::{LeadModel, Taken, time_of};
use super::rules::{CONTEST, MODELLED};
use super::workload::{DAY, START};

/// 2026-12-01T00:00 in São Paulo.
const MONTH_ENDS: i64 = START + 20 * DAY + 15 * 3_600_000;
const LATENESS: i64 = 2 * DAY;
/// When the month and the contest are final.
const FINAL: i64 = MONTH_ENDS + LATENESS;
const CONTEST_FINAL: i64 = CONTEST.1 + LATENESS;
const WINDOW: i64 = 7 * DAY;

pub struct ActorModel<'m> {
    lead: &'m LeadModel,
    /// Those of [`MODELLED`] that this partition has heard of.
    pub accounts: BTreeMap<String, Account>,
    pub dead: BTreeMap<(String, Vec<u8>), u64>,
    /// The watermark of each partition.
    watermarks: Vec<Option<i64>>,
    now: i64,
    /// How often each event came.
    seen: BTreeMap<(String, String), usize>,
    /// The number of the last event of each contact.
    last: BTreeMap<String, usize>,
    /// Identities of events without contact, and when they are forgotten.
    known: BTreeMap<(String, String), (Value, i64)>,
    /// What each command said, by account and id, and how often it was answered.
    contents: BTreeMap<(String, String), Value>,
    pub answered: BTreeMap<(String, String), u64>,
    pub commands: Vec<(String, Vec<u8>)>,
    pub errors: Vec<String>,
}

impl<'m> ActorModel<'m> {
    /// Applies the records of one partition of `account-events` in their order.
    pub fn of<'r>(lead: &'m LeadModel, partitions: usize, records: impl Iterator<Item = &'r [u8]>) -> ActorModel<'m> {
        let mut model = ActorModel {
            lead,
            accounts: BTreeMap::new(),
            dead: BTreeMap::new(),
            watermarks: vec![None; partitions],
            now: i64::MIN,
            seen: BTreeMap::new(),
            last: BTreeMap::new(),
            known: BTreeMap::new(),
            contents: BTreeMap::new(),
            answered: BTreeMap::new(),
            commands: Vec::new(),
            errors: Vec::new(),
        };
        for record in records {
            match AccountRecord::decode(record) {
                Some(record) => model.record(&record),
                None => model.errors.push("account-events holds something unreadable".to_owned()),
            }
        }
        model
    }

    /// Events that give something and were never sent on.
    pub fn missing(&self) -> impl Iterator<Item = &(String, String)> {
        let matters = |taken: &Taken| !taken.actor.is_empty() && !taken.credits.is_empty() || taken.kind.starts_with("payment.");
        let is_missing = move |id: &(String, String), taken: &[Taken]| {
            let wanted = taken.iter().filter(|taken| matters(taken)).count();
            self.accounts.contains_key(&id.0) && self.seen.get(id).copied().unwrap_or(0) < wanted
        };
        self.lead.taken.iter().filter(move |(id, taken)| is_missing(id, taken)).map(|(id, _)| id)
    }

    fn record(&mut self, record: &AccountRecord<'_>) {
        match record {
            AccountRecord::Watermark { partition, time, .. } => {
                let known = &mut self.watermarks[*partition as usize];
                *known = Some(known.map_or(time.0, |before| before.max(time.0)));
                if let Some(slowest) = self.watermarks.iter().copied().min().flatten()
                    && slowest > self.now
                {
                    self.now = slowest;
                    self.known.retain(|_, (_, forgotten)| *forgotten > slowest);
                    if slowest >= CONTEST_FINAL {
                        self.accounts.iter_mut().for_each(|(name, account)| account.close_contest(name));
                    }
                }
            }
            AccountRecord::Event(event) => {
                self.open(event.account);
                match &event.original {
                    Some(original) if event.contact.is_none() => {
                        self.without_contact(original.key.unwrap(), original.value.unwrap(), original.timestamp.0);
                    }
                    _ => self.event(event.account, event.id),
                }
            }
            AccountRecord::Command(command) => {
                self.open(command.account);
                let value = command.original.value.unwrap().to_vec();
                let key = String::from_utf8_lossy(command.original.key.unwrap()).into_owned();
                self.commands.push((key, value));
                self.command(command.account, &serde_json::from_slice(command.original.value.unwrap()).unwrap());
            }
            AccountRecord::RuleStamp { .. } | AccountRecord::Inactive { .. } => {}
        }
    }

    /// From its first record on an account has its contest.
    fn open(&mut self, account: &str) {
        if MODELLED.contains(&account) {
            self.accounts.entry(account.to_owned()).or_default();
        }
    }

    fn event(&mut self, account: &str, id: &str) {
        let name = (account.to_owned(), id.to_owned());
        let lead = self.lead;
        let time = self.seen.entry(name.clone()).or_default();
        let Some(taken) = lead.taken.get(&name).and_then(|taken| taken.get(*time)) else {
            let times = *time + 1;
            return self.errors.push(format!("{account} {id} was sent on for the {times}. time, and was not taken that often"));
        };
        *time += 1;
        // a merge puts the events of one contact behind those of another
        if !taken.contact.contains("/m") {
            let last = self.last.entry(taken.contact.clone()).or_default();
            if *last > taken.number {
                self.errors.push(format!("{id} of {} came out of order", taken.contact));
            }
            *last = taken.number;
        }
        if let Some(entry) = self.accounts.get_mut(account) {
            entry.event(account, id, taken, self.now);
        }
    }

    /// An event without contact: its identity is the account's.
    fn without_contact(&mut self, key: &[u8], value: &[u8], logged: i64) {
        let event: Value = serde_json::from_slice(value).unwrap();
        let name = (event["account"].as_str().unwrap().to_owned(), event["id"].to_string());
        if let Some((known, _)) = self.known.get(&name) {
            if *known != event {
                let key = String::from_utf8_lossy(key).into_owned();
                *self.dead.entry((key, value.to_vec())).or_default() += 1;
            }
            return;
        }
        self.known.insert(name.clone(), (event.clone(), logged + WINDOW));
        if let Some(entry) = self.accounts.get_mut(&name.0) {
            entry.call(&name.0, event["actor"].as_str().unwrap_or_default(), self.now);
        }
    }

    fn command(&mut self, account: &str, command: &Value) {
        let name = (account.to_owned(), command["id"].as_str().unwrap().to_owned());
        assert!(time_of(command).unwrap() > self.now.saturating_sub(30 * DAY), "no command of the workload expires");
        *self.answered.entry(name.clone()).or_default() += 1;
        if let Some(known) = self.contents.get(&name) {
            if known != command {
                let value = self.commands.last().unwrap().clone();
                *self.dead.entry(value).or_default() += 1;
            }
            return;
        }
        self.contents.insert(name.clone(), command.clone());
        if let Some(entry) = self.accounts.get_mut(account) {
            let accepted = entry.carry_out(account, command["type"].as_str().unwrap(), &command["data"], self.now);
            entry.answers.insert(name.1, accepted);
            for rep in REPS {
                entry.settle(account, rep);
            }
        }
    }
}

/// The active reps.
pub const REPS: [&str; 3] = ["r1", "r2", "r3"];

fn is_active(rep: &str) -> bool {
    REPS.contains(&rep)
}

/// The names of the sets below, for the auditor.
pub type Names = BTreeSet<String>;
