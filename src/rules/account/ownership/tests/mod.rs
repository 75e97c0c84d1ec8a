//! Cases of ownership, as data: rules, events and commands, and what the outputs must hold.

mod contacts;
mod items;
mod model;
mod portfolios;
mod records;
mod strategies;
mod transfers;

use serde_json::{Value, json};

use super::super::testing::{Out, Stage};

/// The reps of every case: r1, r2 and r3 of the north, r4 of the south.
const ROSTER: &str = "
timezone: UTC
teams: [{key: north}, {key: south}]
reps: [{id: r1, team: north}, {id: r2, team: north}, {id: r3, team: north}, {id: r4, team: south}]
";

/// Checks a case. `ownership` is that section of the rules (of each version, the rest of which stands before `===`); events are as in the conformance cases, one a line, with `at` as
/// `09:30` of 3 March 2026 or `4 09:30` of the 4th, counted up by the minute where it is absent; expectations as there too:
/// `final` (a record's last value), `absent`, `count` and `list`, or `last`, the last record of a topic.
#[track_caller]
fn check(ownership: &str, events: &str, expect: &str) -> Stage {
    // however the records are cut into batches, the last values and the append-only records are the same
    let (each, all) = (run(ownership, events, 1), run(ownership, events, usize::MAX));
    for stage in [&each, &all] {
        for expected in lines(expect) {
            holds(stage, &expected, stage.commit_every == 1);
        }
    }
    each
}

fn run(ownership: &str, events: &str, commit_every: usize) -> Stage {
    let rules: Vec<String> = ownership
        .split("\n---\n")
        .map(|part| {
            let (head, part) = part.trim().split_once("\n===\n").unwrap_or(("", part));
            let indented: String = part.trim().lines().map(|line| format!("  {line}\n")).collect();
            let roster = if head.contains("reps:") { "" } else { ROSTER };
            format!("{head}\n{roster}ownership:\n{indented}")
        })
        .collect();
    let mut stage = Stage::new(&rules.join("\n---\n"));
    stage.commit_every = commit_every;
    for (minute, mut event) in lines(events).into_iter().enumerate() {
        let at = match event.get("at").and_then(Value::as_str) {
            None => format!("2026-03-03T08:{minute:02}:00Z"),
            Some(at) if at.contains('T') => at.to_owned(),
            Some(at) => match at.split_once(' ') {
                Some((day, time)) => format!("2026-03-{day:0>2}T{time}:00Z"),
                None => format!("2026-03-03T{at}:00Z"),
            },
        };
        if event.get("until").is_some() {
            stage.until_text(&at);
            continue;
        }
        event["at"] = json!(at);
        stage.send(event);
    }
    stage.commit();
    stage.settle();
    stage
}

/// The lines of a text, each a YAML flow mapping.
fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| serde_saphyr::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

#[track_caller]
fn holds(stage: &Stage, expected: &Value, every_record: bool) {
    let field = |name: &str| expected.get(name).and_then(Value::as_str);
    let matching = |topic: &str| {
        let matches = |out: &&Out| {
            let wanted = expected.get("where").and_then(Value::as_object);
            !out.value.is_null() && wanted.is_none_or(|wanted| wanted.iter().all(|(path, value)| at(&out.value, path) == *value))
        };
        stage.topic(topic).into_iter().filter(matches).cloned().collect::<Vec<_>>()
    };
    let has = |value: &Value| {
        for (path, wanted) in expected["has"].as_object().unwrap() {
            assert_eq!(&at(value, path), wanted, "{expected}: {path} of {value}");
        }
    };
    if let Some(topic) = field("final") {
        let value = stage.last(topic, expected["key"].as_str().unwrap());
        assert!(!value.is_null(), "{expected}: no such record");
        has(&value);
    } else if let Some(topic) = field("absent") {
        assert_eq!(stage.last(topic, expected["key"].as_str().unwrap()), Value::Null, "{expected}");
    } else if let Some(topic) = field("count") {
        if every_record {
            assert_eq!(json!(matching(topic).len()), expected["is"], "{expected}: {:?}", matching(topic));
        }
    } else if let Some(topic) = field("list") {
        if every_record {
            let list: Vec<Value> = matching(topic).iter().map(|out| at(&out.value, field("of").unwrap())).collect();
            assert_eq!(json!(list), expected["is"], "{expected}");
        }
    } else {
        panic!("{expected}: no expectation");
    }
}

/// The value at a dotted path.
fn at(value: &Value, path: &str) -> Value {
    path.split('.').try_fold(value, |value, part| value.get(part)).cloned().unwrap_or(Value::Null)
}
