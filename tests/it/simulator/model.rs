//! The shadow model of the lead axis: the whole input of each partition, record by record, in plain maps. It shares no code
//! with the engine but the partitioner.
//!
//! Contacts that are merged (`m…`) are judged as a group, since the order in which partitions hand them over is not given by
//! the input: what must come out does not depend on it.

use std::collections::{BTreeMap, VecDeque};

use chrono::DateTime;
use rust_decimal::Decimal;
use serde_json::Value;

use scorekeeper::outputs::partitioner;

use super::archive::Kept;
use super::rules::{ACCOUNTS, Known, SECOND_VERSION};
use super::workload::{DAY, HOUR, right_key};

/// A timeline entry: outcome and points.
pub type Entry = (&'static str, i64);

/// What should have come out of a contact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contact {
    /// By source/id/catalog key.
    pub timeline: BTreeMap<String, Entry>,
    pub score: i64,
    /// How many entries there were: an event whose identity was forgotten has written one again.
    pub events: u64,
    /// Counted times of the cooldown, and what `once` has counted.
    cooldown: Vec<i64>,
    once: Vec<&'static str>,
}

/// An event that was taken, as the account stage should see it.
#[derive(Clone, Debug)]
pub struct Taken {
    pub kind: String,
    pub actor: String,
    pub time: i64,
    /// `data.payment`
    pub payment: String,
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
    pub taken: BTreeMap<(String, String), Vec<Taken>>,
    number: usize,
    /// Key and value of every dead letter, with how often.
    pub dead: BTreeMap<(String, Vec<u8>), u64>,
    /// Key and value of every record that belongs in another partition, by the key it is sent on with.
    pub rerouted: BTreeMap<(String, Vec<u8>), u64>,
    /// What each contact has seen, with the log's time.
    identities: BTreeMap<String, VecDeque<(String, Value, i64)>>,
}

impl LeadModel {
    /// `partitions`: the records of each, in order. `known`: by partition and offset, the rules with which it was judged.
    pub fn of(partitions: &[&[Kept]], known: &BTreeMap<(u32, u64), Known>) -> LeadModel {
        let mut model = LeadModel::default();
        let count = partitions.len() as u32;
        for (number, records) in (0..count).zip(partitions) {
            for record in *records {
                let known = known.get(&(number, record.offset)).copied().unwrap_or_default();
                model.record(number, count, record, known);
            }
        }
        model
    }

    fn record(&mut self, partition: u32, partitions: u32, record: &Kept, known: Known) {
        let (key, bytes) = (&*String::from_utf8_lossy(&record.key), record.value.as_deref().unwrap_or_default());
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
        let id = event["id"].to_string();
        // in seconds, and as long as no newer record has pushed it out
        let (now, oldest) = (record.timestamp / 1000, (record.timestamp - 7 * DAY) / 1000);
        let identities = self.identities.entry(right.clone()).or_default();
        if let Some((_, content, _)) = identities.iter().rev().find(|(known, _, seen)| *known == id && *seen >= oldest) {
            if *content != event {
                *self.dead.entry((key.to_owned(), bytes.to_vec())).or_default() += 1;
            }
            return;
        }
        while identities.front().is_some_and(|(_, _, seen)| *seen < oldest) {
            identities.pop_front();
        }
        identities.push_back((id, event.clone(), now));
        let versions =
            ACCOUNTS.iter().zip(known).find(|(account, _)| event["account"] == **account).map_or(0, |(_, known)| known);
        if self.judge(&right, &event, versions > 1) {
            *self.dead.entry((key.to_owned(), bytes.to_vec())).or_default() += 1;
        }
    }

    /// Judges a new event; true if its money cannot be used.
    fn judge(&mut self, key: &str, event: &Value, knows_second: bool) -> bool {
        let (id, kind) = (event["id"].as_str().unwrap(), event["type"].as_str().unwrap());
        let time = time_of(event).unwrap();
        let is_second = knows_second && time >= SECOND_VERSION;
        let contact = self.contacts.entry(key.to_owned()).or_default();
        let mut credits = Vec::new();
        let mut enter = |contact: &mut Contact, entry: &'static str, outcome: &'static str, points: i64, xp: i64, coins: i64| {
            let counts = outcome == "counted" || outcome == "recorded";
            let points = if counts { points } else { 0 };
            contact.timeline.insert(format!("crm/{id}/{entry}"), (outcome, points));
            (contact.score, contact.events) = (contact.score + points, contact.events + 1);
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
            time,
            payment: event["data"]["payment"].as_str().unwrap_or_default().to_owned(),
            number: self.number,
            contact: key.to_owned(),
            credits,
            amount,
        };
        self.number += 1;
        self.taken.entry((event["account"].as_str().unwrap().to_owned(), id.to_owned())).or_default().push(taken);
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
