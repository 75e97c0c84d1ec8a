//! 6,919 real purchases through `score`, against a recomputation that shares no code with the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use chrono::{DateTime, Datelike};
use rust_decimal::Decimal;
use serde_json::{Value, json};

struct Purchase {
    number: u32,
    time: DateTime<chrono::Utc>,
    customer: String,
    quantity: u32,
    amount: Decimal,
}

impl Purchase {
    fn rep(&self) -> String {
        format!("r{}", self.customer.parse::<u32>().unwrap() % 10)
    }

    /// The month in New York.
    fn month(&self) -> String {
        let local = self.time.with_timezone(&chrono_tz::America::New_York);
        format!("{:04}-{:02}", local.year(), local.month())
    }

    fn event(&self) -> Value {
        json!({
            "specversion": "1.0", "id": format!("cdnow-{}", self.number), "source": "/cdnow", "type": "payment.confirmed",
            "time": self.time.to_rfc3339(), "account": "cdnow", "contact": self.customer, "actor": self.rep(),
            "data": {"amount": self.amount.to_string(), "currency": "USD", "payment": format!("p{}", self.number), "quantity": self.quantity},
        })
    }
}

fn purchases() -> Vec<Purchase> {
    let text = std::fs::read_to_string("tests/data/cdnow.csv").unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    rows.map(|row| {
        let cells: Vec<&str> = row.split(',').collect();
        Purchase {
            number: cells[0].parse().unwrap(),
            time: cells[1].parse().unwrap(),
            customer: cells[2].to_owned(),
            quantity: cells[3].parse().unwrap(),
            amount: cells[4].parse().unwrap(),
        }
    })
    .collect()
}

/// What the outputs should say.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    scores: BTreeMap<String, i64>,
    timeline: usize,
    xp: BTreeMap<String, i64>,
    /// By month and rep.
    paid: BTreeMap<(String, String), Decimal>,
    grants: BTreeSet<String>,
    /// Statement totals by month and rep.
    commissions: BTreeMap<(String, String), Decimal>,
}

fn recompute(purchases: &[Purchase]) -> Expected {
    let mut expected = Expected::default();
    let mut counted_returns: BTreeMap<&str, DateTime<chrono::Utc>> = BTreeMap::new();
    let mut by_team: BTreeMap<(String, &str), Decimal> = BTreeMap::new();
    for purchase in purchases {
        let first = !expected.scores.contains_key(&purchase.customer);
        let large = purchase.amount >= Decimal::from(100);
        // the purchases come in the order of their times, so only the last counted return can be too near
        let last = counted_returns.get(purchase.customer.as_str());
        let back = last.is_none_or(|last| purchase.time - *last >= chrono::Duration::days(30));
        if back {
            counted_returns.insert(&purchase.customer, purchase.time);
        }
        let points = 10 + if large { 25 } else { 0 } + if first { 5 } else { 0 } + if back { 3 } else { 0 };
        *expected.scores.entry(purchase.customer.clone()).or_default() += points;
        expected.timeline += 3 + usize::from(large);
        *expected.xp.entry(purchase.rep()).or_default() += 10 + if large { 5 } else { 0 };
        *expected.paid.entry((purchase.month(), purchase.rep())).or_default() += purchase.amount;
        let team = if purchase.rep().as_str() < "r5" { "east" } else { "west" };
        *by_team.entry((purchase.month(), team)).or_default() += purchase.amount;
    }
    for ((month, rep), paid) in &expected.paid {
        for (tier, at) in [("base", Decimal::from(1500)), ("super", Decimal::from(1650))] {
            if *paid >= at {
                expected.grants.insert(format!("cdnow/goal/month/{month}/{rep}/{tier}"));
            }
        }
        let part = |from: i64, to: i64| (*paid).min(Decimal::from(to)).max(Decimal::from(from)) - Decimal::from(from);
        let rate = |thousandths: i64| Decimal::new(thousandths, 3);
        let commission = part(0, 1000) * rate(50) + part(1000, 2000) * rate(75) + part(2000, i64::MAX) * rate(100);
        expected.commissions.insert((month.clone(), rep.clone()), commission.round_dp(2));
    }
    for ((month, team), paid) in by_team {
        if paid >= Decimal::from(9000) {
            expected.grants.insert(format!("cdnow/goal/team/{month}/{team}/base"));
            let members = if team == "east" { 0..5 } else { 5..10 };
            expected.grants.extend(members.map(|rep| format!("cdnow/collective/team/{month}/{team}/base/r{rep}")));
        }
    }
    expected
}

/// Runs `score` and reads the records of a topic: key and value, tombstones as null.
struct Scored(tempfile::TempDir);

impl Scored {
    fn run(events: &[Value]) -> Scored {
        let folder = tempfile::tempdir().unwrap();
        let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
        std::fs::write(folder.path().join("events.jsonl"), lines).unwrap();
        let status = Command::new(env!("CARGO_BIN_EXE_scorekeeper"))
            .args(["score", "--rules", "tests/data/cdnow.yaml", "--events"])
            .arg(folder.path().join("events.jsonl"))
            .arg("--output")
            .arg(folder.path().join("out"))
            .status()
            .unwrap();
        assert!(status.success());
        Scored(folder)
    }

    fn folder(&self) -> std::path::PathBuf {
        self.0.path().join("out")
    }

    fn records(&self, topic: &str) -> Vec<(String, Value)> {
        let text = std::fs::read_to_string(self.folder().join(format!("{topic}.jsonl"))).unwrap();
        let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        records.map(|record| (record["key"].as_str().unwrap().to_owned(), record["value"].clone())).collect()
    }

    fn latest(&self, topic: &str) -> BTreeMap<String, Value> {
        self.records(topic).into_iter().collect()
    }

    /// The outputs in the form of the recomputation.
    fn found(&self) -> Expected {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let decimal = |value: &Value| value.as_str().unwrap().parse::<Decimal>().unwrap();
        let statements = self.latest("statements");
        let goals = self.latest("goals").into_values().filter(|goal| goal["goal"] == "month");
        let nonzero =
            |map: BTreeMap<(String, String), Decimal>| map.into_iter().map(|(key, value)| (key, value.normalize())).collect();
        Expected {
            scores: self
                .latest("lead-scores")
                .into_values()
                .map(|lead| (text(&lead["contact"]), lead["score"].as_i64().unwrap()))
                .collect(),
            timeline: self.latest("timeline").len(),
            xp: self.latest("rep-progress").into_values().map(|rep| (text(&rep["rep"]), rep["xp"].as_i64().unwrap())).collect(),
            paid: nonzero(goals.map(|goal| ((text(&goal["period"]), text(&goal["subject"])), decimal(&goal["value"]))).collect()),
            grants: self.latest("grants").into_keys().collect(),
            commissions: nonzero(
                statements.into_values().map(|s| ((text(&s["period"]), text(&s["rep"])), decimal(&s["total"]))).collect(),
            ),
        }
    }
}

fn normalized(mut expected: Expected) -> Expected {
    expected.paid.values_mut().chain(expected.commissions.values_mut()).for_each(|amount| *amount = amount.normalize());
    expected
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap())).collect()
}

#[test]
fn real_purchases_agree_with_an_independent_recomputation() {
    let purchases = purchases();
    assert_eq!(purchases.len(), 6919);
    let expected = normalized(recompute(&purchases));
    assert_eq!(expected.scores.len(), 2357);
    let events: Vec<Value> = purchases.iter().map(Purchase::event).collect();

    let once = Scored::run(&events);
    assert_eq!(once.found(), expected);

    let again = Scored::run(&events);
    assert!(files(&once.folder()) == files(&again.folder()), "a second run gives identical bytes");

    let doubled: Vec<Value> = events.iter().flat_map(|event| [event.clone(), event.clone()]).collect();
    assert_eq!(Scored::run(&doubled).found(), expected, "every line doubled gives the same final values");
}
