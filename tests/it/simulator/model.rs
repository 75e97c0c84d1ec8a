//! The shadow model of the lead axis: the whole input of each partition, record by record, in plain maps. It shares no code
//! with the engine but the partitioner.
//!
//! Contacts that are merged (`m…`) are judged as a group, since the order in which partitions hand them over is not given by
//! the input: what must come out does not depend on it.

use std::collections::BTreeMap;

use chrono::DateTime;
use rust_decimal::Decimal;
use serde_json::Value;

use scorekeeper::outputs::partitioner;

use super::workload::{HOUR, SECOND_VERSION, right_key};

/// A timeline entry: outcome and points.
pub type Entry = (&'static str, i64);

/// What should have come out of a contact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contact {
    /// By source/id/catalog key.
    pub timeline: BTreeMap<String, Entry>,
    /// Counted times of the cooldown, and what `once` has counted.
    cooldown: Vec<i64>,
    once: Vec<&'static str>,
}

impl Contact {
    pub fn score(&self) -> i64 {
        self.timeline.values().map(|(_, points)| points).sum()
    }
}

/// An event that was taken, as the account stage should see it.
#[derive(Clone, Debug)]
pub struct Taken {
    pub kind: String,
    pub actor: String,
    /// Its place among those of its partition.
    pub number: usize,
    pub contact: String,
    /// Catalog key, XP, coins.
    pub credits: Vec<(&'static str, i64, i64)>,
    /// Of payments and refunds.
    pub amount: Option<Decimal>,
}

#[derive(Debug, Default)]
pub struct LeadModel {
    /// By account/contact.
    pub contacts: BTreeMap<String, Contact>,
    /// By account and event id.
    pub taken: BTreeMap<(String, String), Taken>,
    /// Key and value of every dead letter, with how often.
    pub dead: BTreeMap<(String, Vec<u8>), u64>,
    /// Key and value of every record that belongs in another partition, by the key it is sent on with.
    pub rerouted: BTreeMap<(String, Vec<u8>), u64>,
    /// What each contact has seen.
    identities: BTreeMap<(String, String), Value>,
}

impl LeadModel {
    /// `partitions`: the records of each, key and value, in order.
    pub fn of(partitions: &[Vec<(String, Vec<u8>)>]) -> LeadModel {
        let mut model = LeadModel::default();
        let count = partitions.len() as u32;
        for (number, records) in partitions.iter().enumerate() {
            for (key, value) in records {
                model.record(number as u32, count, key, value);
            }
        }
        model
    }

    fn record(&mut self, partition: u32, partitions: u32, key: &str, bytes: &[u8]) {
        let parsed = serde_json::from_slice::<Value>(bytes).ok();
        let event = parsed.filter(|event| event["type"].is_string() && time_of(event).is_some());
        let Some(event) = event.filter(|event| event["data"]["future"] != true) else {
            *self.dead.entry((key.to_owned(), bytes.to_vec())).or_default() += 1;
            return;
        };
        if event["contact"].is_null() {
            return; // the account stage judges it
        }
        let right = right_key(&event);
        if partitioner::partition(right.as_bytes(), partitions) != partition {
            *self.rerouted.entry((right, bytes.to_vec())).or_default() += 1;
            return;
        }
        let identity = (right.clone(), event["id"].to_string());
        if let Some(known) = self.identities.get(&identity) {
            if *known != event {
                *self.dead.entry((key.to_owned(), bytes.to_vec())).or_default() += 1;
            }
            return;
        }
        self.identities.insert(identity, event.clone());
        if self.judge(&right, &event) {
            *self.dead.entry((key.to_owned(), bytes.to_vec())).or_default() += 1;
        }
    }

    /// Judges a new event; true if its money cannot be used.
    fn judge(&mut self, key: &str, event: &Value) -> bool {
        let (id, kind) = (event["id"].as_str().unwrap(), event["type"].as_str().unwrap());
        let (time, is_second) = (time_of(event).unwrap(), time_of(event).unwrap() >= SECOND_VERSION);
        let contact = self.contacts.entry(key.to_owned()).or_default();
        let mut credits = Vec::new();
        let mut enter = |contact: &mut Contact, entry: &'static str, outcome: &'static str, points: i64, xp: i64, coins: i64| {
            let counts = outcome == "counted" || outcome == "recorded";
            contact.timeline.insert(format!("crm/{id}/{entry}"), (outcome, if counts { points } else { 0 }));
            if counts && (xp != 0 || coins != 0) {
                credits.push((entry, xp, coins));
            }
        };
        match kind {
            "deal.won" => {
                let (points, xp) = if is_second { (60, 120) } else { (50, 100) };
                enter(contact, "deal.won", "counted", points, xp, 3);
                if event["data"]["product"] == "pro" {
                    enter(contact, "pro", "counted", 5, 0, 0);
                }
            }
            "form.submitted" | "proposal.sent" => {
                let (entry, points, xp) =
                    if kind == "form.submitted" { ("form.submitted", 7, 0) } else { ("proposal.sent", 20, 20) };
                let outcome = if contact.once.contains(&entry) { "repeated" } else { "counted" };
                contact.once.push(entry);
                enter(contact, entry, outcome, points, xp, 0);
            }
            "page.viewed" => {
                let outcome = cooldown(&mut contact.cooldown, time);
                enter(contact, "page.viewed", outcome, 10, 2, 0);
            }
            "email.opened" => enter(contact, "email.opened", "recorded", 0, 1, 0),
            "contact.erased" => *contact = Contact::default(),
            _ => {}
        }
        let is_money = kind.starts_with("payment.");
        let amount = event["data"]["amount"].as_str().and_then(|amount| amount.parse::<Decimal>().ok());
        let amount = amount.filter(|_| is_money && event["data"]["currency"].is_null());
        let taken = Taken {
            kind: kind.to_owned(),
            actor: event["actor"].as_str().unwrap_or_default().to_owned(),
            number: self.taken.len(),
            contact: key.to_owned(),
            credits,
            amount,
        };
        self.taken.insert((event["account"].as_str().unwrap().to_owned(), id.to_owned()), taken);
        is_money && amount.is_none()
    }
}

/// 1 hour, kept for that and 48 hours of lateness.
fn cooldown(counted: &mut Vec<i64>, time: i64) -> &'static str {
    let newest = counted.iter().max().copied();
    if newest.is_some_and(|newest| time < newest - 49 * HOUR) {
        return "late";
    }
    if counted.iter().any(|counted| (counted - time).abs() < HOUR) {
        return "cooling";
    }
    counted.push(time);
    let newest = newest.map_or(time, |newest| newest.max(time));
    counted.retain(|time| *time >= newest - 49 * HOUR);
    "counted"
}

pub fn time_of(event: &Value) -> Option<i64> {
    Some(DateTime::parse_from_rfc3339(event["time"].as_str()?).ok()?.timestamp_millis())
}
