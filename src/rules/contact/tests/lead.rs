//! The lead axis, by the sentences and figures of its specification.

use serde_json::{Value, json};

use super::{Stage, event};
use crate::engine::Task;
use crate::events::Timestamp;
use crate::outputs::{Outbox, Topic};

/// Runs events of the type `t` of one contact, given by time of day (and data), and compares outcomes and the score.
fn check(entry: &str, events: &[(&str, Value)], outcomes: &[&str], score: i64) {
    let rules = format!("lateness: 24h\ngroups: [{{key: g, name: G}}]\ncatalog: [{{key: t, name: T, group: g, {entry}}}]");
    let mut stage = Stage::new(&rules);
    for (i, (time, data)) in events.iter().enumerate() {
        let time = if time.contains('T') { (*time).to_owned() } else { format!("2026-11-03T{time}Z") };
        stage.feed(&[event(&format!("e{i}"), "t", "c", &time, json!({ "data": data }))]);
    }
    assert_eq!(stage.list(Topic::Timeline, "outcome"), outcomes, "{entry} {events:?}");
    let lead = stage.last(Topic::LeadScores, "acme/c");
    assert_eq!(lead["score"], score, "{entry} {events:?}");
    assert_eq!(lead["groups"], json!({ "g": score }));
    assert_eq!(lead["events"], outcomes.len());
    let points: i64 = stage.list(Topic::Timeline, "points").iter().filter_map(Value::as_i64).sum();
    assert_eq!(points, score, "the timeline adds up to the score");
}

fn times(times: &[&'static str]) -> Vec<(&'static str, Value)> {
    times.iter().map(|time| (*time, json!({}))).collect()
}

#[test]
fn weights_may_be_zero_or_negative() {
    check("points: 10", &times(&["12:00:00", "12:00:00"]), &["counted", "counted"], 20);
    check("points: 0", &times(&["12:00:00", "12:00:01"]), &["recorded", "recorded"], 0);
    check("points: -7", &times(&["12:00:00"]), &["counted"], -7);
}

#[test]
fn cooldown_looks_both_ways() {
    let entry = "points: 10, dedup: {policy: cooldown, every: 60m}";
    let t = "12:00:00";
    check(entry, &times(&[t]), &["counted"], 10);
    check(entry, &times(&[t, t, "11:00:01", "12:59:59"]), &["counted", "cooling", "cooling", "cooling"], 10);
    check(
        entry,
        &times(&[t, t, "11:00:01", "12:59:59", "13:00:00", "10:59:59"]),
        &["counted", "cooling", "cooling", "cooling", "counted", "counted"],
        30,
    );
    check(entry, &times(&[t, "11:00:00"]), &["counted", "counted"], 20);
    // only counted ones hold others off
    check(entry, &times(&[t, "12:50:00", "13:00:00", "13:59:59.999"]), &["counted", "cooling", "counted", "cooling"], 20);
    // a recorded one counts as the first
    check("points: 0, dedup: {policy: cooldown, every: 60m}", &times(&[t, "12:30:00"]), &["recorded", "cooling"], 0);
    // per value, and a missing value is one of its own
    let per = "points: 10, dedup: {policy: cooldown, every: 60m, per: data.x}";
    let events =
        [(t, json!({"x": "a"})), (t, json!({"x": "b"})), (t, json!({})), ("12:01:00", json!({})), (t, json!({"x": null}))];
    check(per, &events, &["counted", "counted", "counted", "cooling", "cooling"], 30);
}

#[test]
fn cooldown_remembers_for_lateness_and_every() {
    let entry = "points: 10, dedup: {policy: cooldown, every: 1h}";
    check(entry, &times(&["2026-11-04T10:00:00Z", "2026-11-03T09:00:00Z"]), &["counted", "counted"], 20);
    check(entry, &times(&["2026-11-04T10:00:00Z", "2026-11-03T08:59:59.999Z"]), &["counted", "late"], 10);
}

#[test]
fn once_counts_the_first_processed() {
    let entry = "points: 10, dedup: once";
    check(entry, &times(&["12:00:00", "11:00:00", "13:00:00"]), &["counted", "repeated", "repeated"], 10);
    check("points: 0, dedup: once", &times(&["12:00:00", "12:00:00"]), &["recorded", "repeated"], 0);
    let per = "points: 10, dedup: {policy: once, per: data.email}";
    let mail = |mail: Value| ("12:00:00", json!({ "email": mail }));
    let missing = ("12:00:00", json!({}));
    check(per, &[mail(json!("a")), mail(json!("a")), mail(json!("b"))], &["counted", "repeated", "counted"], 20);
    check(per, &[missing.clone(), missing, mail(json!(1)), mail(json!("1"))], &["counted", "repeated", "counted", "counted"], 30);
}

#[test]
fn entries_match_each_on_its_own() {
    let rules = "
catalog:
  - {key: page.viewed, points: 1}
  - {key: pricing, match: {type: page.viewed, when: 'data.path.startsWith(\"/pricing\")'}, points: 5, dedup: once}
  - {key: off, match: {type: page.viewed}, points: 100, active: false}
  - {key: bot, match: {type: page.viewed, when: 'data.bot'}, points: -50}";
    let mut stage = Stage::new(rules);
    let page = |id: &str, data: Value| event(id, "page.viewed", "c", "2026-11-03T12:00:00Z", json!({ "data": data }));
    stage.feed(&[page("1", json!({"path": "/pricing/pro"})), page("2", json!({"path": "/pricing"})), page("3", json!({}))]);
    assert_eq!(stage.list(Topic::Timeline, "key"), ["page.viewed", "pricing", "page.viewed", "pricing", "page.viewed"]);
    assert_eq!(stage.list(Topic::Timeline, "outcome"), ["counted", "counted", "counted", "repeated", "counted"]);
    assert_eq!(stage.score("c"), 8);
    assert_eq!(stage.last(Topic::Timeline, "acme/c/%2Fcrm/1/pricing")["points"], 5);
}

#[test]
fn the_same_again_changes_nothing_and_other_content_is_a_conflict() {
    let mut stage = Stage::new("catalog: [{key: t, points: 10}]");
    let first = event("e1", "t", "c", "2026-11-03T12:00:00Z", json!({"data": {"a": 1, "b": {"x": [1, "é"], "y": null}}}));
    let reordered = r#"{"data":{"b":{"y":null,"x":[1.0,"\u00e9"]},"a":1e0},"account":"acme","contact":"c","time":"2026-11-03T12:00:00Z",
        "type":"t","source":"/crm","id":"e1","specversion":"1.0"}"#;
    let other = event("e1", "t", "c", "2026-11-03T12:00:00Z", json!({"data": {"a": 2}}));
    let elsewhere = event("e1", "t", "d", "2026-11-03T12:00:00Z", json!({"data": {"a": 2}}));
    stage.feed(&[first.clone(), reordered.to_owned(), first]);
    assert_eq!((stage.out.len(), stage.task.counters().deduplicated), (2, 2));
    stage.feed(&[other.clone(), elsewhere]);
    assert_eq!(stage.reasons(), ["conflicting_duplicate"]);
    assert_eq!((stage.score("c"), stage.score("d")), (json!(10), json!(10)));
    let letter = stage.out.iter().find(|out| out.topic == Topic::DeadLetters).unwrap();
    assert_eq!(letter.value, serde_json::from_str(&other).unwrap());
}

#[test]
fn segments_are_published_once_per_crossing() {
    let rules = "
groups: [{key: g, name: G}, {key: purchase, name: P}]
catalog: [{key: t, group: g, points: 60}, {key: buy, group: purchase, points: 1}, {key: minus, group: g, points: -100}]
segments:
  - {key: hot, name: Hot, when: 'score >= 100 && groups.purchase > 0'}
  - {key: cold, when: 'score < 100'}";
    let mut stage = Stage::new(rules);
    for (i, kind) in ["t", "t", "buy", "t", "minus", "minus", "t"].iter().enumerate() {
        stage.feed(&[event(&i.to_string(), kind, "c", "2026-11-03T12:00:00Z", json!({}))]);
    }
    let changes: Vec<String> = stage
        .out
        .iter()
        .filter(|out| out.topic == Topic::Segments)
        .map(|out| out.value.clone().unwrap())
        .map(|value| format!("{} {} {}", value["segment"].as_str().unwrap(), value["change"].as_str().unwrap(), value["score"]))
        .collect();
    assert_eq!(changes, ["cold entered 60", "cold left 120", "hot entered 121", "hot left 81", "cold entered 81"]);
    let lead = stage.last(Topic::LeadScores, "acme/c");
    assert_eq!((&lead["segments"], &lead["groups"]), (&json!(["cold"]), &json!({"g": 40, "purchase": 1})));
}

#[test]
fn versions_judge_by_event_time() {
    let versions = [
        "effective_from: 2026-02-01T00:00:00Z\ncatalog: [{key: t, points: 2}]",
        "effective_from: 2026-01-01T00:00:00Z\ncatalog: [{key: t, points: 1}]",
    ];
    let limits = crate::engine::Limits::default();
    let mut stage = Stage::with(&versions, limits, true);
    let at = |id: &str, time: &str| event(id, "t", "c", time, json!({}));
    stage.feed(&[
        at("1", "2026-02-01T00:00:00Z"),
        at("2", "2026-01-31T23:59:59.999Z"),
        at("3", "2025-12-31T23:59:59.999Z"),
        event("4", "t", "c", "2026-02-01T00:00:00Z", json!({"account": "other"})),
    ]);
    assert_eq!(stage.list(Topic::Timeline, "points"), [2, 1]);
    assert_eq!(stage.list(Topic::LeadScores, "rules_version"), [2, 1]);
    assert_eq!((stage.task.counters().before_rules, stage.task.counters().no_rules), (1, 1));
    assert_eq!(stage.last(Topic::LeadScores, "acme/c")["last_event_at"], "2026-02-01T00:00:00.000Z");
}

#[test]
fn without_the_engagement_module_there_are_no_lead_outputs() {
    let mut stage = Stage::new("modules: {engagement: false}\ncatalog: [{key: t, points: 1, xp: 5}]");
    stage.feed(&[event("1", "t", "c", "2026-02-01T00:00:00Z", json!({"actor": "r1"}))]);
    assert_eq!((stage.out.len(), stage.forwarded.len()), (0, 0));
}

#[test]
fn a_batch_publishes_each_lead_once() {
    let mut stage = Stage::new("catalog: [{key: t, points: 1}]");
    let lines: Vec<String> =
        (0..30).map(|i| event(&i.to_string(), "t", ["a", "b/x"][i % 2], "2026-02-01T00:00:00Z", json!({}))).collect();
    stage.feed_in_batches(&lines, 30);
    assert_eq!(stage.list(Topic::LeadScores, "score"), [15, 15]);
    assert_eq!(stage.list(Topic::LeadScores, "contact"), ["a", "b/x"]);
    assert_eq!(stage.table(Topic::Timeline).len(), 30);
}

#[test]
fn a_contact_of_many_events_knows_them_all() {
    let mut stage = Stage::new("catalog: [{key: t, points: 1}]");
    let line = |i: usize, note: &str| event(&i.to_string(), "t", "c", "2026-02-01T00:00:00Z", json!({"data": {"note": note}}));
    let lines: Vec<String> = (0..1500).map(|i| line(i, "")).collect();
    stage.feed_in_batches(&lines, 70).feed_in_batches(&lines, 333);
    assert_eq!((stage.score("c"), stage.task.counters().deduplicated), (json!(1500), 1500));
    // the first stand, in buckets as in the row; and they move along with a merge
    stage.feed(&[line(3, "other"), line(1499, "other")]);
    assert_eq!(stage.reasons(), ["conflicting_duplicate"; 2]);
    let merged = event("m", "contact.merged", "c", "2026-02-01T00:00:00Z", json!({"data": {"into": "d"}}));
    stage.feed(&[merged]).feed_in_batches(&lines, 100);
    assert_eq!((stage.score("d"), stage.task.counters().deduplicated), (json!(1500), 3000));
    super::merging::check_sums(&stage);
    let longest = stage.store.rows().map(|(_, row)| row.len()).max().unwrap();
    assert!(longest < 4096, "no row grows with its contact: {longest} bytes");
}

#[test]
fn identities_are_forgotten_after_the_window() {
    let limits = crate::engine::Limits { dedup_window: crate::events::Duration::days(7), ..Default::default() };
    let mut stage = Stage::with(&["catalog: [{key: t, points: 1}]"], limits, false);
    let line = event("e", "t", "c", "2026-02-01T00:00:00Z", json!({}));
    for (day, score) in [(1, 1), (8, 1), (15, 2)] {
        let logged = Timestamp::parse(&format!("2026-03-{day:02}T00:00:00Z")).unwrap();
        let mut out = Outbox::default();
        let input = stage.input(line.as_bytes(), Some(logged));
        stage.task.apply(&stage.store, &stage.rules, &input, &mut out);
        stage.finish(out);
        assert_eq!(stage.score("c"), score, "day {day}");
    }
}
