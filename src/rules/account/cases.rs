//! The golden cases of the actor axis, on the pure core: each comes out as written, and however its events are cut into
//! batches.

use std::collections::BTreeMap;

use crate::engine::Offline;
use crate::engine::case::Case;
use crate::events::Timestamp;
use crate::outputs::{Record, Topic};
use crate::rulebook::RuleSet;

/// Every case with its name. One without rules has those of the case before it.
fn cases() -> Vec<(String, Case)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let files = |area: &str| std::fs::read_dir(folder.join(area)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = ["actor", "coins", "gamification", "goals", "time"].into_iter().flat_map(files).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let found: Vec<Case> = serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let file = file.file_stem().unwrap().to_string_lossy().into_owned();
        let mut rules = None;
        for mut case in found {
            case.rules = case.rules.or(rules);
            rules = case.rules.clone();
            let name = case.name.clone().unwrap_or_else(|| (cases.len() + 1).to_string());
            cases.push((format!("{file}: {name}"), case));
        }
    }
    cases
}

fn rules(name: &str, case: &Case) -> RuleSet {
    let sources = case.own_rules().unwrap().into_iter().map(|text| (name.to_owned(), text));
    RuleSet::load(sources).unwrap_or_else(|errors| panic!("{errors}"))
}

/// What a run leaves: the records of each append-only topic in order, and the last value of each key of the others.
type Left = (BTreeMap<String, Vec<String>>, BTreeMap<(String, String), String>);

fn run(name: &str, case: &Case, batch: usize) -> Left {
    let mut left = Left::default();
    let mut sink = |record: &Record<'_>| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (topic, key, value) = (record.topic.name().to_owned(), text(record.key), record.value.map(text).unwrap_or_default());
        // of a lead's score too only the last one of a batch is written
        if record.topic.is_coalesced() || record.topic == Topic::LeadScores {
            left.1.insert((topic, key), value);
        } else {
            left.0.entry(topic).or_default().push(format!("{key} {value}"));
        }
    };
    let mut engine = Offline::new(rules(name, case), None);
    for batch in case.lines().chunks(batch) {
        engine.batch(batch.iter().map(String::as_bytes), &mut sink);
    }
    if let Some(until) = &case.until {
        engine.until(Timestamp::parse(until).unwrap(), &mut sink);
    }
    left
}

#[test]
fn every_case_comes_out_as_written() {
    let wrong: Vec<String> = cases()
        .iter()
        .flat_map(|(name, case)| case.run(rules(name, case)).into_iter().map(move |line| format!("{name}\n    {line}")))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn batches_do_not_change_what_comes_out() {
    for (name, case) in cases() {
        let one_by_one = run(&name, &case, 1);
        for batch in [2, 3, 1000] {
            let left = run(&name, &case, batch);
            for (topic, records) in &one_by_one.0 {
                assert_eq!(left.0.get(topic), Some(records), "{name}, in batches of {batch}: {topic}");
            }
            for (key, value) in &one_by_one.1 {
                assert_eq!(left.1.get(key), Some(value), "{name}, in batches of {batch}: {key:?}");
            }
            assert_eq!((left.0.len(), left.1.len()), (one_by_one.0.len(), one_by_one.1.len()), "{name}");
        }
    }
}
