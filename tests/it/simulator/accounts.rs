//! The shadow model of the actor axis. Of `account-events` it takes the order alone; what each record means it takes from the
//! input and the shadow model of the lead axis.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use scorekeeper::events::AccountRecord;

use super::model::{LeadModel, Taken, time_of};
use super::workload::START;

/// 2026-12-01T00:00 in São Paulo, and two days.
const FINAL: i64 = START + ((20 * 24 + 15) + 48) * 3_600_000;
const WINDOW: i64 = 7 * 86_400_000;

#[derive(Debug, Default)]
pub struct Account {
    pub xp: BTreeMap<String, i64>,
    pub coins: BTreeMap<String, i64>,
    paid: BTreeMap<String, Decimal>,
    calls: BTreeMap<String, u64>,
    /// What the goal shows.
    pub revenue: BTreeMap<String, Decimal>,
    /// Commissions: net basis and adjustments.
    basis: BTreeMap<String, Decimal>,
    adjusted: BTreeMap<String, Decimal>,
    pub grants: BTreeSet<String>,
    /// Status and pieces, prize, rep.
    pub redemptions: BTreeMap<String, (&'static str, i64, String, String)>,
    pub owners: BTreeMap<String, (String, u64)>,
    /// Each command's status, and how often it was answered.
    pub answers: BTreeMap<String, (bool, u64)>,
    contents: BTreeMap<String, Value>,
    /// Identities of events without contact, and when they are forgotten.
    known: BTreeMap<String, (Value, i64)>,
    /// XP entries of events.
    pub entries: BTreeSet<String>,
}

impl Account {
    pub fn statements(&self) -> BTreeMap<String, Decimal> {
        let total = |(rep, basis): (&String, &Decimal)| {
            let commission = (basis / Decimal::TEN).round_dp_with_strategy(2, RoundingStrategy::MidpointNearestEven);
            (rep.clone(), (commission + self.adjusted.get(rep).copied().unwrap_or_default()).normalize())
        };
        self.basis.iter().map(total).collect()
    }
}

pub struct ActorModel<'m> {
    lead: &'m LeadModel,
    pub accounts: BTreeMap<String, Account>,
    pub dead: BTreeMap<(String, Vec<u8>), u64>,
    /// The watermark of each partition.
    watermarks: Vec<Option<i64>>,
    now: i64,
    seen: BTreeSet<(String, String)>,
    /// The number of the last event of each contact.
    last: BTreeMap<String, usize>,
    pub commands: Vec<(String, Vec<u8>)>,
    pub errors: Vec<String>,
}

impl<'m> ActorModel<'m> {
    /// Applies the records of one partition of `account-events` in their order.
    pub fn of(lead: &'m LeadModel, partitions: usize, records: &[Vec<u8>]) -> ActorModel<'m> {
        let mut model = ActorModel {
            lead,
            accounts: BTreeMap::new(),
            dead: BTreeMap::new(),
            watermarks: vec![None; partitions],
            now: 0,
            seen: BTreeSet::new(),
            last: BTreeMap::new(),
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
        self.lead.taken.iter().filter(move |(id, taken)| matters(taken) && !self.seen.contains(*id)).map(|(id, _)| id)
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
                    for account in self.accounts.values_mut() {
                        account.known.retain(|_, (_, forgotten)| *forgotten > slowest);
                    }
                }
            }
            AccountRecord::Event(event) => match &event.original {
                Some(original) if event.contact.is_none() => {
                    self.call(original.key.unwrap(), original.value.unwrap(), original.timestamp.0);
                }
                _ => self.event(event.account, event.id),
            },
            AccountRecord::Command(command) => {
                let value = command.original.value.unwrap().to_vec();
                let key = String::from_utf8_lossy(command.original.key.unwrap()).into_owned();
                self.commands.push((key, value));
                self.command(command.account, &serde_json::from_slice(command.original.value.unwrap()).unwrap());
            }
            AccountRecord::RuleStamp { .. } | AccountRecord::Inactive { .. } => {}
        }
    }

    fn event(&mut self, account: &str, id: &str) {
        let name = (account.to_owned(), id.to_owned());
        let lead = self.lead;
        let Some(taken) = lead.taken.get(&name) else {
            return self.errors.push(format!("{account} {id} was sent on, but never taken"));
        };
        if !self.seen.insert(name) {
            return self.errors.push(format!("{account} {id} was sent on twice"));
        }
        // a merge puts the events of one contact behind those of another
        if !taken.contact.contains("/m") {
            let last = self.last.entry(taken.contact.clone()).or_default();
            if *last > taken.number {
                self.errors.push(format!("{id} of {} came out of order", taken.contact));
            }
            *last = taken.number;
        }
        if !is_active(&taken.actor) {
            return;
        }
        let (rep, is_final) = (taken.actor.clone(), self.now >= FINAL);
        let entry = self.accounts.entry(account.to_owned()).or_default();
        for (key, xp, coins) in &taken.credits {
            *entry.xp.entry(rep.clone()).or_default() += xp;
            *entry.coins.entry(rep.clone()).or_default() += coins;
            if *xp != 0 {
                entry.entries.insert(format!("{account}/{rep}/crm/{id}/{key}"));
            }
        }
        if let Some(amount) = taken.amount {
            let sign = if taken.kind == "payment.confirmed" { Decimal::ONE } else { -Decimal::ONE };
            if !is_final {
                *entry.paid.entry(rep.clone()).or_default() += sign * amount;
                entry.revenue.insert(rep.clone(), entry.paid[&rep].normalize());
            }
            if taken.kind == "payment.confirmed" {
                *entry.basis.entry(rep.clone()).or_default() += amount;
            }
        }
        entry.settle(account, &rep);
    }

    /// An event without contact: its identity is the account's.
    fn call(&mut self, key: &[u8], value: &[u8], logged: i64) {
        let event: Value = serde_json::from_slice(value).unwrap();
        let (account, id) = (event["account"].as_str().unwrap(), event["id"].to_string());
        let is_final = self.now >= FINAL;
        let entry = self.accounts.entry(account.to_owned()).or_default();
        if let Some((known, _)) = entry.known.get(&id) {
            if *known != event {
                let key = String::from_utf8_lossy(key).into_owned();
                *self.dead.entry((key, value.to_vec())).or_default() += 1;
            }
            return;
        }
        entry.known.insert(id, (event.clone(), logged + WINDOW));
        let rep = event["actor"].as_str().unwrap_or_default();
        if is_active(rep) && !is_final {
            *entry.calls.entry(rep.to_owned()).or_default() += 1;
            entry.settle(account, rep);
        }
    }

    fn command(&mut self, account: &str, command: &Value) {
        let id = command["id"].as_str().unwrap();
        assert!(time_of(command).unwrap() > self.now - 30 * 86_400_000, "no command of the workload expires");
        let entry = self.accounts.entry(account.to_owned()).or_default();
        if let Some(known) = entry.contents.get(id) {
            if known != command {
                let value = self.commands.last().unwrap().clone();
                *self.dead.entry(value).or_default() += 1;
            }
            entry.answers.get_mut(id).unwrap().1 += 1;
            return;
        }
        entry.contents.insert(id.to_owned(), command.clone());
        let accepted = entry.carry_out(account, command["type"].as_str().unwrap(), &command["data"]);
        entry.answers.insert(id.to_owned(), (accepted, 1));
        for rep in ["r1", "r2", "r3"] {
            entry.settle(account, rep);
        }
    }
}

fn is_active(rep: &str) -> bool {
    ["r1", "r2", "r3"].contains(&rep)
}

impl Account {
    /// Grants what a rep has reached.
    fn settle(&mut self, account: &str, rep: &str) {
        let paid = self.paid.get(rep).copied().unwrap_or_default();
        let calls = self.calls.get(rep).copied().unwrap_or_default();
        let mut grant = |id: String, xp: i64, coins: i64| {
            if self.grants.insert(id) {
                *self.xp.entry(rep.to_owned()).or_default() += xp;
                *self.coins.entry(rep.to_owned()).or_default() += coins;
            }
        };
        if paid >= Decimal::from(300) {
            grant(format!("{account}/goal/revenue/2026-11/{rep}/base"), 0, 10);
        }
        if paid >= Decimal::from(450) {
            grant(format!("{account}/goal/revenue/2026-11/{rep}/super"), 50, 0);
        }
        if calls >= 3 {
            grant(format!("{account}/goal/calls/2026-11/{rep}/base"), 5, 0);
        }
        for (level, xp, coins) in [(2, 300, 5), (3, 900, 7)] {
            if self.xp.get(rep).copied().unwrap_or_default() >= xp && self.grants.insert(format!("{account}/level/{level}/{rep}"))
            {
                *self.coins.entry(rep.to_owned()).or_default() += coins;
            }
        }
    }

    /// Whether a command is accepted, and what it does.
    fn carry_out(&mut self, account: &str, kind: &str, data: &Value) -> bool {
        let rep = data["rep"].as_str().unwrap_or_default().to_owned();
        let is_known = is_active(&rep) || rep == "r4";
        let balance = self.coins.get(&rep).copied().unwrap_or_default();
        match kind {
            "coins.adjust" => {
                let coins = data["coins"].as_i64().unwrap();
                let accepted = is_known && (coins >= 0 || balance + coins >= 0);
                if accepted {
                    *self.coins.entry(rep).or_default() += coins;
                }
                accepted
            }
            "xp.adjust" => {
                if is_known {
                    *self.xp.entry(rep).or_default() += data["xp"].as_i64().unwrap();
                }
                is_known
            }
            "redemption.request" => {
                let (prize, quantity) = (data["prize"].as_str().unwrap().to_owned(), data["quantity"].as_i64().unwrap());
                let id = data["redemption"].as_str().unwrap();
                let (cost, stock) = match prize.as_str() {
                    "headset" => (12 * quantity, 2),
                    "mug" => (3 * quantity, i64::MAX),
                    _ => return false,
                };
                let holds = |status: &str| !["rejected", "canceled"].contains(&status);
                let of_prize = self.redemptions.values().filter(|(status, _, of, _)| *of == prize && holds(status));
                let taken: i64 = of_prize.map(|(_, quantity, ..)| quantity).sum();
                let accepted =
                    is_active(&rep) && !self.redemptions.contains_key(id) && stock - taken >= quantity && cost <= balance;
                if accepted {
                    *self.coins.entry(rep.clone()).or_default() -= cost;
                    let status = if prize == "mug" { "approved" } else { "pending" };
                    self.redemptions.insert(id.to_owned(), (status, quantity, prize, rep));
                }
                accepted
            }
            "contact.assign" => {
                if is_active(&rep) {
                    let contact = format!("{account}/{}", data["contact"].as_str().unwrap());
                    let owner = self.owners.entry(contact).or_default();
                    if owner.0 != rep {
                        *owner = (rep.clone(), owner.1 + 1);
                    }
                }
                is_active(&rep)
            }
            "statement.adjust" => {
                let statement = data["statement"].as_str().unwrap();
                let rep = statement.rsplit('/').next().unwrap().to_owned();
                let accepted = self.basis.contains_key(&rep);
                if accepted {
                    *self.adjusted.entry(rep).or_default() += data["amount"].as_str().unwrap().parse::<Decimal>().unwrap();
                }
                accepted
            }
            step => {
                let Some((status, quantity, prize, rep)) = self.redemptions.get_mut(data["redemption"].as_str().unwrap()) else {
                    return false;
                };
                let next = match (step, &**status) {
                    ("redemption.approve", "pending") => "approved",
                    ("redemption.deliver", "approved") => "delivered",
                    ("redemption.reject", "pending") => "rejected",
                    ("redemption.cancel", "pending" | "approved") => "canceled",
                    _ => return false,
                };
                *status = next;
                if next == "rejected" || next == "canceled" {
                    let cost = *quantity * if prize == "mug" { 3 } else { 12 };
                    *self.coins.entry(rep.clone()).or_default() += cost;
                }
                true
            }
        }
    }
}
