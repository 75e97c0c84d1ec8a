//! Generated events, and what must come of them: by `score`, and by a recomputation that shares nothing with the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::harness::Deployment;

/// Generated events, and what `score` makes of them.
pub struct Load {
    events: String,
    dir: tempfile::TempDir,
}

impl Load {
    pub fn new(rules: &str, count: u32, seed: u32) -> Load {
        let program = || Command::new(env!("CARGO_BIN_EXE_scorekeeper"));
        let (count, seed) = (count.to_string(), seed.to_string());
        let args = ["generate", "--events", &count, "--seed", &seed, "--every", "1s", "--start", "2026-02-02T09:00:00Z"];
        let generated = program().args(args).output().unwrap();
        Load::of(rules, String::from_utf8(generated.stdout).unwrap())
    }

    /// Of given events, one a line.
    pub fn of(rules: &str, events: String) -> Load {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("events.jsonl");
        std::fs::write(&file, &events).unwrap();
        let mut score = Command::new(env!("CARGO_BIN_EXE_scorekeeper"));
        let scored = score.args(["score", "--rules", rules, "--events"]).arg(&file).arg("--output").arg(dir.path()).output();
        assert!(scored.unwrap().status.success());
        Load { events, dir }
    }

    pub fn lines(&self) -> Vec<&str> {
        self.events.lines().collect()
    }

    /// By `score`: the last value of each key.
    pub fn latest(&self, topic: &str) -> BTreeMap<String, Value> {
        let text = std::fs::read_to_string(self.dir.path().join(format!("{topic}.jsonl"))).unwrap_or_default();
        let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        records.map(|record| (record["key"].as_str().unwrap().to_owned(), record["value"].clone())).collect()
    }

    /// What is the same as in `score`, under any rules: the order of partitions does not show in it.
    #[track_caller]
    pub fn check(&self, deployment: &Deployment) {
        // of a badge only when it was awarded depends on the order of partitions
        let progress = |mut progress: BTreeMap<String, Value>| {
            for badge in progress.values_mut().filter_map(|rep| rep["badges"].as_array_mut()).flatten() {
                badge["awarded_at"].take();
            }
            progress
        };
        let same = |topic: &str, is: &BTreeMap<String, Value>, expected: &BTreeMap<String, Value>| {
            assert_eq!(difference(is, expected), json!(null), "{topic}");
        };
        same("lead-scores", &deployment.latest("lead-scores"), &self.latest("lead-scores"));
        same("rep-progress", &progress(deployment.latest("rep-progress")), &progress(self.latest("rep-progress")));
        for topic in ["timeline", "xp"] {
            same(topic, &deployment.ledger(topic), &self.latest(topic));
        }
        let keys = |records: BTreeMap<String, Value>| records.into_keys().collect::<BTreeSet<_>>();
        assert_eq!(keys(deployment.ledger("grants")), keys(self.latest("grants")));
        assert_eq!(deployment.read("dead-letters"), []);
    }

    /// Under `tests/data/fire.yaml`: as [`Load::check`], and against the recomputation.
    #[track_caller]
    pub fn check_all(&self, deployment: &Deployment) {
        self.check(deployment);
        let model = Model::of(&self.events);
        let scores: BTreeMap<_, _> =
            deployment.latest("lead-scores").into_iter().map(|(key, lead)| (key, lead["score"].as_i64().unwrap())).collect();
        assert_eq!(scores, model.scores);
        let mut xp: BTreeMap<String, i64> = BTreeMap::new();
        for entry in deployment.ledger("xp").values() {
            *xp.entry(entry["rep"].as_str().unwrap().to_owned()).or_default() += entry["xp"].as_i64().unwrap();
        }
        assert_eq!(xp, model.xp);
        let grants: BTreeSet<String> = deployment.ledger("grants").into_keys().collect();
        assert_eq!(grants, model.grants());
        let statements: BTreeMap<String, Decimal> = deployment
            .latest("statements")
            .into_values()
            .map(|statement| (statement["rep"].as_str().unwrap().to_owned(), decimal(&statement["total"])))
            .collect();
        let mut lines: BTreeMap<String, Decimal> = BTreeMap::new();
        for line in deployment.ledger("commission-lines").values() {
            *lines.entry(line["rep"].as_str().unwrap().to_owned()).or_default() += decimal(&line["amount"]);
        }
        assert_eq!(lines, statements);
        let five = |amount: &Decimal| (amount * Decimal::new(5, 2)).round_dp(2);
        assert_eq!(statements, model.paid.iter().map(|(rep, amount)| (rep.clone(), five(amount))).collect());
    }
}

/// The first key whose values differ, with both; null if there is none.
fn difference(is: &BTreeMap<String, Value>, expected: &BTreeMap<String, Value>) -> Value {
    assert!(!expected.is_empty());
    let keys = is.keys().chain(expected.keys());
    let differs = keys.into_iter().find(|key| is.get(*key) != expected.get(*key));
    differs.map_or(
        json!(null),
        |key| json!({"key": key, "is": is.get(key), "expected": expected.get(key), "keys": [is.len(), expected.len()]}),
    )
}

fn decimal(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

/// `tests/data/fire.yaml` by hand, for events in the order of their times.
#[derive(Default)]
struct Model {
    scores: BTreeMap<String, i64>,
    xp: BTreeMap<String, i64>,
    won: BTreeMap<String, u64>,
    paid: BTreeMap<String, Decimal>,
}

impl Model {
    fn of(events: &str) -> Model {
        let mut model = Model::default();
        let mut counted: BTreeMap<String, i64> = BTreeMap::new();
        let mut once: BTreeSet<String> = BTreeSet::new();
        for event in events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (kind, contact, rep) = (text(&event["type"]), text(&event["contact"]), text(&event["actor"]));
            let time = chrono::DateTime::parse_from_rfc3339(event["time"].as_str().unwrap()).unwrap().timestamp();
            let mut cools = |name: &str, seconds: i64| {
                let key = format!("{contact}/{name}");
                let is_free = counted.get(&key).is_none_or(|last| time - last >= seconds);
                if is_free {
                    counted.insert(key, time);
                }
                is_free
            };
            let mut points = Vec::new();
            match kind.as_str() {
                "message.received" => points.push(i64::from(cools("message", 3600))),
                "message.sent" => points.push(0),
                "page.viewed" => {
                    points.push(1);
                    if text(&event["data"]["path"]).starts_with("/pricing") {
                        points.push(5 * i64::from(cools("pricing", 86_400)));
                    }
                }
                "email.opened" => {
                    points.push(2 * i64::from(once.insert(format!("{contact}/email/{}", event["data"]["email"]))));
                }
                "form.submitted" => points.push(15 * i64::from(once.insert(format!("{contact}/form")))),
                "deal.won" => points.push(50),
                "payment.confirmed" => points.push(30),
                _ => {}
            }
            if !points.is_empty() {
                *model.scores.entry(format!("demo/{contact}")).or_default() += points.iter().sum::<i64>();
            }
            let xp = match kind.as_str() {
                "message.sent" => 1,
                "deal.won" => 100,
                "payment.confirmed" => 30,
                _ => 0,
            };
            if xp > 0 {
                *model.xp.entry(rep.clone()).or_default() += xp;
            }
            if kind == "deal.won" {
                *model.won.entry(rep.clone()).or_default() += 1;
            }
            if kind == "payment.confirmed" {
                *model.paid.entry(rep).or_default() += decimal(&event["data"]["amount"]);
            }
        }
        model
    }

    fn grants(&self) -> BTreeSet<String> {
        let mut grants = BTreeSet::new();
        for (rep, xp) in &self.xp {
            let levels = [(2, 500), (3, 5000), (4, 20_000)].into_iter().filter(|(_, needed)| xp >= needed);
            grants.extend(levels.map(|(level, _)| format!("demo/level/{level}/{rep}")));
        }
        for (rep, won) in &self.won {
            let tiers = [("bronze", 1), ("silver", 10), ("gold", 50), ("platinum", 100)];
            let reached = tiers.into_iter().filter(|(_, needed)| won >= needed);
            grants.extend(reached.map(|(tier, _)| format!("demo/badge/closer/{rep}/{tier}")));
        }
        for (rep, paid) in &self.paid {
            let percent = paid / Decimal::from(100);
            let tiers = [("base", 100), ("mega", 300)].into_iter().filter(|(_, at)| percent >= Decimal::from(*at));
            grants.extend(tiers.map(|(tier, _)| format!("demo/goal/revenue/revenue/{rep}/{tier}")));
            let steps = (110..=300).step_by(10).filter(|at| percent >= Decimal::from(*at));
            grants.extend(steps.map(|at| format!("demo/accelerator/revenue/revenue/{rep}/{at}")));
        }
        grants
    }
}
