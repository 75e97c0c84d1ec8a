//! Rule tests: given these events, expect these outputs. `scorekeeper test` runs those written beside rules, and our own
//! golden cases are written the same way.
//!
//! ```yaml
//! rules: {account: acme, catalog: [{key: deal.won, points: 50}]}   # a document or a list of them; absent: the file beside it
//! given:
//!   - {t: deal.won, c: c1, at: "2026-11-03T12:00:00Z"}   # or a whole CloudEvent, or {raw: text}
//! until: "2026-12-01T00:00:00Z"                           # optional
//! expect:
//!   - {final: lead-scores, key: acme/c1, has: {score: 50}}        # the last value of a key
//!   - {absent: lead-scores, key: acme/c2}                          # no record, or a tombstone
//!   - {count: timeline, where: {outcome: counted}, is: 1}          # records (not tombstones) that match
//!   - {sum: coins, of: coins, where: {rep: r1}, is: "41.25"}       # a decimal sum
//!   - {list: timeline, of: outcome, is: [counted]}                 # in order of emission
//! ```
//!
//! Paths are dotted, `entries[0].subject`; `headers:NAME` is a header of a dead letter. Numbers compare as decimals.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Offline;
use crate::events::{Amount, Timestamp};
use crate::outputs::{Record, Topic};
use crate::rulebook::RuleSet;

/// One test.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    #[serde(default)]
    pub name: Option<String>,
    /// Documents; absent: those of the file beside the test.
    #[serde(default)]
    pub rules: Option<Value>,
    #[serde(alias = "events")]
    pub given: Vec<Value>,
    #[serde(default)]
    pub until: Option<String>,
    pub expect: Vec<Map<String, Value>>,
}

/// An output record as a case sees it.
#[derive(Clone, Debug)]
struct Seen {
    key: String,
    /// Null: a tombstone.
    value: Value,
    headers: Map<String, Value>,
}

impl Case {
    /// The case's own rule documents as JSON texts, if it has any.
    pub fn own_rules(&self) -> Option<Vec<String>> {
        match self.rules.as_ref()? {
            Value::Array(documents) => Some(documents.iter().map(text_of_rules).collect()),
            document => Some(vec![text_of_rules(document)]),
        }
    }

    /// The events as JSON texts, one a line.
    pub fn lines(&self) -> Vec<String> {
        self.given.iter().enumerate().map(|(i, event)| line_of(i, event)).collect()
    }

    /// Runs the case; gives what was not as expected, empty if all was.
    pub fn run(&self, rules: RuleSet) -> Vec<String> {
        let mut engine = Offline::new(rules, None);
        let mut seen: Vec<(Topic, Seen)> = Vec::new();
        for (i, event) in self.given.iter().enumerate() {
            let line = line_of(i, event);
            engine.batch([line.as_bytes()].into_iter(), &mut |record| seen.push((record.topic, see(record))));
        }
        if let Some(until) = &self.until {
            match Timestamp::parse(until) {
                Ok(until) => engine.until(until, &mut |record| seen.push((record.topic, see(record)))),
                Err(error) => return vec![format!("until: {error}")],
            }
        }
        self.expect.iter().filter_map(|expected| check(expected, &seen).err()).collect()
    }
}

fn text_of_rules(document: &Value) -> String {
    document.as_str().map_or_else(|| document.to_string(), str::to_owned)
}

/// The JSON text of an event: a shorthand `{t, at, c, a, id, source, account, d}` becomes a CloudEvent.
fn line_of(i: usize, event: &Value) -> String {
    if let Some(raw) = event.get("raw").and_then(Value::as_str) {
        return raw.to_owned();
    }
    let Some(kind) = event.get("t") else { return event.to_string() };
    let or = |field: &str, default: Value| event.get(field).cloned().unwrap_or(default);
    let mut full = json!({
        "specversion": "1.0",
        "id": or("id", json!(format!("e{i}"))),
        "source": or("source", json!("/test")),
        "type": kind,
        "time": or("at", Value::Null),
        "account": or("account", json!("acme")),
        "data": or("d", json!({})),
    });
    for (short, long) in [("c", "contact"), ("a", "actor")] {
        if let Some(value) = event.get(short) {
            full[long] = value.clone();
        }
    }
    full.to_string()
}

fn see(record: &Record<'_>) -> Seen {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let value = record.value.map_or(Value::Null, |bytes| serde_json::from_slice(bytes).unwrap_or_else(|_| json!(text(bytes))));
    let headers = record.headers.iter().map(|(name, value)| (name.to_string(), json!(text(value)))).collect();
    Seen { key: text(record.key), value, headers }
}

/// Checks one expectation; the error shows it with what was there instead.
fn check(expected: &Map<String, Value>, seen: &[(Topic, Seen)]) -> Result<(), String> {
    let shown = || Value::Object(expected.clone()).to_string();
    let kind = ["final", "absent", "count", "sum", "list"].into_iter().find(|kind| expected.contains_key(*kind));
    let kind = kind.ok_or_else(|| format!("{}: not one of final, absent, count, sum, list", shown()))?;
    let topic = expected[kind].as_str().unwrap_or_default();
    if !Topic::ALL.iter().any(|t| t.name() == topic) {
        return Err(format!("{}: no topic {topic:?}", shown()));
    }
    let records: Vec<&Seen> = seen.iter().filter(|(t, _)| t.name() == topic).map(|(_, seen)| seen).collect();
    let filter = expected.get("where").and_then(Value::as_object);
    let matches = |record: &&Seen| {
        (!record.value.is_null() || topic == "dead-letters")
            && filter.is_none_or(|filter| filter.iter().all(|(path, value)| same(&at(record, path), value)))
    };
    let of = expected.get("of").and_then(Value::as_str).unwrap_or_default();
    let wanted = expected.get("is").cloned().unwrap_or_default();
    let got = match kind {
        "final" | "absent" => {
            let key = expected.get("key").and_then(Value::as_str).unwrap_or_default();
            let last = records.iter().rev().find(|record| record.key == key);
            let there = last.is_some_and(|last| !last.value.is_null());
            if kind == "absent" {
                return if there {
                    Err(format!("{} got {}", shown(), last.map_or(Value::Null, |l| l.value.clone())))
                } else {
                    Ok(())
                };
            }
            let Some(last) = last.filter(|_| there) else { return Err(format!("{} got no such record", shown())) };
            let has = expected.get("has").and_then(Value::as_object).cloned().unwrap_or_default();
            let wrong: Map<String, Value> = has
                .iter()
                .map(|(path, value)| (path, at(last, path), value))
                .filter(|(_, got, value)| !same(got, value))
                .map(|(path, got, _)| (path.clone(), got))
                .collect();
            return if wrong.is_empty() { Ok(()) } else { Err(format!("{} got {}", shown(), Value::Object(wrong))) };
        }
        "count" => json!(records.iter().filter(|record| matches(record)).count()),
        "sum" => {
            let amounts = records.iter().filter(|record| matches(record)).filter_map(|record| Amount::from_json(&at(record, of)));
            json!(amounts.sum::<Amount>().to_string())
        }
        _ => Value::Array(records.iter().filter(|record| matches(record)).map(|record| at(record, of)).collect()),
    };
    if same(&got, &wanted) { Ok(()) } else { Err(format!("{} got {got}", shown())) }
}

fn at(record: &Seen, path: &str) -> Value {
    match path.strip_prefix("headers:") {
        Some(name) => record.headers.get(name).cloned().unwrap_or_default(),
        None => dig(&record.value, path),
    }
}

/// The value at a dotted path with indexes, negative ones from the end; null where there is none.
fn dig(value: &Value, path: &str) -> Value {
    if let Some(found) = value.get(path) {
        return found.clone();
    }
    let mut value = value;
    for part in path.split(['.', '[']).filter(|part| !part.is_empty()) {
        let next = match part.strip_suffix(']').and_then(|index| index.parse::<i64>().ok()) {
            Some(index) => value.as_array().and_then(|items| {
                let index = if index < 0 { items.len().checked_sub(index.unsigned_abs() as usize)? } else { index as usize };
                items.get(index)
            }),
            None => value.get(part),
        };
        match next {
            Some(next) => value = next,
            None => return Value::Null,
        }
    }
    value.clone()
}

/// Whether a value is as wanted: of an object only the members named, numbers as decimals.
fn same(got: &Value, wanted: &Value) -> bool {
    match (got, wanted) {
        (_, Value::Null | Value::Bool(_)) | (Value::Bool(_), _) => got == wanted,
        (_, Value::Array(wanted)) => {
            got.as_array().is_some_and(|got| got.len() == wanted.len() && got.iter().zip(wanted).all(|(g, w)| same(g, w)))
        }
        (_, Value::Object(wanted)) => got.is_object() && wanted.iter().all(|(path, wanted)| same(&dig(got, path), wanted)),
        _ => match (Amount::from_json(got), Amount::from_json(wanted)) {
            (Some(got), Some(wanted)) => got == wanted,
            _ => got == wanted,
        },
    }
}
