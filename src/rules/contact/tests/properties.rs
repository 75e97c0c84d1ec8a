//! What holds for every input: generated events over a few contacts, with repeats, late ones, merges and erasures.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::merging::check_sums;
use super::{Stage, event};
use crate::outputs::Topic;

const RULES: &str = "
lateness: 6h
groups: [{key: g, name: G}, {key: h, name: H}]
catalog:
  - {key: always, group: g, points: 3}
  - {key: minus, group: h, points: -2}
  - {key: cool, group: h, points: 10, dedup: {policy: cooldown, every: 1h}}
  - {key: cool_per, group: h, points: 5, dedup: {policy: cooldown, every: 30m, per: data.x}}
  - {key: once, group: g, points: 7, dedup: once}
  - {key: once_per, points: 1, dedup: {policy: once, per: data.x}}
  - {key: both, match: {type: always, when: 'data.x == 1'}, group: g, points: 1, dedup: once}
segments: [{key: hot, when: 'score >= 30'}, {key: busy, when: 'groups.h > 10 && events > 3'}]";

const KINDS: [&str; 7] = ["always", "minus", "cool", "cool_per", "once", "once_per", "unknown"];
const CONTACTS: [&str; 4] = ["a", "b", "c/d", "e"];

/// A line: an ordinary event, mostly.
fn any_event() -> impl Strategy<Value = String> {
    let ordinary = (0..KINDS.len(), 0..CONTACTS.len(), 0..1200i64, 0..3).prop_map(|(kind, contact, minute, x)| {
        let time = format!("2026-11-{:02}T{:02}:{:02}:00Z", 3 + minute / 1440, minute / 60 % 24, minute % 60);
        let id = format!("{kind}-{minute}-{x}");
        event(&id, KINDS[kind], CONTACTS[contact], &time, json!({"data": {"x": x}}))
    });
    let merge = (0..CONTACTS.len(), 0..CONTACTS.len()).prop_map(|(ends, stays)| {
        let id = format!("merge-{ends}-{stays}");
        event(&id, "contact.merged", CONTACTS[ends], "2026-11-04T00:00:00Z", json!({"data": {"into": CONTACTS[stays]}}))
    });
    let erase = (0..CONTACTS.len(), 0..2).prop_map(|(contact, n)| {
        event(&format!("erase-{n}"), "contact.erased", CONTACTS[contact], "2026-11-04T00:00:00Z", json!({}))
    });
    prop_oneof![40 => ordinary, 1 => merge, 1 => erase]
}

/// What a reader of the compacted topics sees in the end.
fn tables(stage: &Stage) -> Vec<(String, Value)> {
    let mut tables = stage.table(Topic::LeadScores);
    tables.extend(stage.table(Topic::Timeline));
    tables
}

fn run(lines: &[String], size: usize, retention: bool) -> Stage {
    let head = if retention { "timeline: {retention: 8h}\n" } else { "" };
    let mut stage = Stage::new(&format!("{head}{RULES}"));
    stage.feed_in_batches(lines, size);
    stage
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn scores_are_sums_of_timelines(lines in prop::collection::vec(any_event(), 1..120), retention in any::<bool>()) {
        check_sums(&run(&lines, 10, retention));
    }

    #[test]
    fn any_split_into_batches_gives_the_same(
        lines in prop::collection::vec(any_event(), 1..120), size in 1usize..120, retention in any::<bool>()
    ) {
        let (one, other) = (run(&lines, 1, retention), run(&lines, size, retention));
        prop_assert_eq!(tables(&one), tables(&other));
        let ledger = |stage: &Stage| stage.out.iter().filter(|out| out.topic == Topic::Segments).cloned().collect::<Vec<_>>();
        prop_assert_eq!(ledger(&one), ledger(&other));
        prop_assert_eq!(&one.forwarded, &other.forwarded);
        let rows = |stage: &Stage| stage.store.rows().map(|(key, row)| (key.to_vec(), row.to_vec())).collect::<Vec<_>>();
        prop_assert_eq!(rows(&one), rows(&other));
    }

    #[test]
    fn the_same_again_changes_nothing(lines in prop::collection::vec(any_event(), 1..80), size in 1usize..50) {
        let mut stage = run(&lines, size, false);
        let before = tables(&stage);
        // a merge redirects and an erasure forgets, but neither makes anything new of what has been seen
        let seen = stage.out.iter().filter(|out| out.topic != Topic::DeadLetters).count();
        stage.feed_in_batches(&lines, size);
        prop_assert_eq!(tables(&stage), before);
        prop_assert_eq!(stage.out.iter().filter(|out| out.topic != Topic::DeadLetters).count(), seen);
    }

    #[test]
    fn no_two_counted_are_nearer_than_every(lines in prop::collection::vec(any_event(), 1..200)) {
        // merges leave cooldown outcomes as they are
        let lines: Vec<String> = lines.into_iter().filter(|line| !line.contains("contact.merged")).collect();
        let mut counted: std::collections::BTreeMap<String, Vec<i64>> = Default::default();
        for (key, entry) in run(&lines, 7, false).table(Topic::Timeline) {
            if entry["outcome"] == "counted" && entry["key"] == "cool" {
                let time = crate::events::Timestamp::parse(entry["time"].as_str().unwrap()).unwrap();
                counted.entry(key.split('/').nth(1).unwrap().to_owned()).or_default().push(time.0);
            }
        }
        for mut times in counted.into_values() {
            times.sort_unstable();
            prop_assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 3_600_000));
        }
    }

    #[test]
    fn merges_in_any_order_give_the_same_score(order in Just([0, 1, 2]).prop_shuffle(), size in 1usize..10) {
        let amounts = ["fifty", "hundred", "two_hundred"];
        let rules = "catalog: [{key: fifty, points: 50}, {key: hundred, points: 100}, {key: two_hundred, points: 200}]";
        let time = "2026-11-03T00:00:00Z";
        let mut lines: Vec<String> =
            amounts.iter().zip(CONTACTS).map(|(kind, contact)| event(kind, kind, contact, time, json!({}))).collect();
        let merges = [("a", "b"), ("b", "c/d"), ("a", "c/d")];
        for i in order {
            lines.push(event(&format!("m{i}"), "contact.merged", merges[i].0, time, json!({"data": {"into": merges[i].1}})));
        }
        let mut stage = Stage::new(rules);
        stage.feed_in_batches(&lines, size);
        prop_assert_eq!(stage.score("c/d"), 350);
        prop_assert_eq!(stage.table(Topic::LeadScores).len(), 1);
    }
}
