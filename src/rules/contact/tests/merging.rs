//! Erasure, merges, retention, inactivity.

use serde_json::{Value, json};

use super::{Stage, event};
use crate::events::Timestamp;
use crate::outputs::Topic;

const RULES: &str = "
groups: [{key: g, name: G}, {key: h, name: H}]
catalog:
  - {key: fifty, group: g, points: 50, xp: 5}
  - {key: hundred, group: h, points: 100}
  - {key: once, group: g, points: 7, dedup: once}
  - {key: seen, group: g, points: 0, dedup: {policy: once, per: data.page}}
segments: [{key: hot, when: 'score >= 100'}]";

fn at(id: &str, kind: &str, contact: &str, hour: u32) -> String {
    event(id, kind, contact, &format!("2026-11-03T{hour:02}:00:00Z"), json!({}))
}

fn merge(id: &str, ends: &str, stays: &str) -> String {
    event(id, "contact.merged", ends, "2026-11-04T00:00:00Z", json!({"data": {"into": stays}}))
}

/// Every score is the sum of the points on the timeline, by group too, and counts its entries.
pub fn check_sums(stage: &Stage) {
    let timeline = stage.table(Topic::Timeline);
    for (key, lead) in stage.table(Topic::LeadScores) {
        let prefix = format!("{key}/");
        let entries: Vec<&Value> =
            timeline.iter().filter(|(entry, _)| entry.starts_with(&prefix)).map(|(_, value)| value).collect();
        let sum = |group: Option<&str>| -> i64 {
            let of_group = entries.iter().filter(|entry| group.is_none_or(|group| entry["group"] == group));
            of_group.map(|entry| entry["points"].as_i64().unwrap()).sum()
        };
        assert_eq!(lead["score"], sum(None), "{key}");
        assert_eq!(lead["events"], entries.len(), "{key}");
        for (group, points) in lead["groups"].as_object().unwrap() {
            assert_eq!(*points, sum(Some(group)), "{key} {group}");
        }
    }
    let leads = stage.table(Topic::LeadScores);
    for (key, _) in timeline {
        assert!(leads.iter().any(|(lead, _)| key.starts_with(&format!("{lead}/"))), "{key} has no lead score");
    }
}

#[test]
fn fifty_and_a_hundred_make_a_hundred_and_fifty() {
    let events = [at("1", "fifty", "a", 1), at("2", "hundred", "b", 2), merge("m", "a", "b")];
    for size in [1, 3] {
        let mut stage = Stage::new(RULES);
        stage.feed_in_batches(&events, size);
        assert_eq!(stage.table(Topic::LeadScores).len(), 1);
        let lead = stage.last(Topic::LeadScores, "acme/b");
        assert_eq!((&lead["score"], &lead["groups"]), (&json!(150), &json!({"g": 50, "h": 100})));
        assert_eq!(stage.last(Topic::LeadScores, "acme/a"), Value::Null);
        check_sums(&stage);
        let keys: Vec<String> = stage.table(Topic::Timeline).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["acme/b/%2Fcrm/1/fifty", "acme/b/%2Fcrm/2/hundred"]);
        // twice, in a circle, into itself
        for again in [merge("m", "a", "b"), merge("m2", "a", "b"), merge("m3", "b", "a"), merge("m4", "b", "b")] {
            let (out, forwarded) = (stage.out.len(), stage.forwarded.len());
            stage.feed(&[again]);
            assert_eq!((stage.out.len(), stage.forwarded.len()), (out, forwarded));
        }
        // what still comes for the one that ended goes to the one that stays; and what it has seen stays seen
        stage.feed(&[at("3", "fifty", "a", 3), at("1", "fifty", "a", 1)]);
        assert_eq!(stage.score("b"), 200);
        assert_eq!(stage.task.counters().deduplicated, 1);
        check_sums(&stage);
    }
}

#[test]
fn merges_follow_one_another() {
    let mut stage = Stage::new(RULES);
    stage.feed(&[
        at("1", "fifty", "a", 1),
        at("2", "hundred", "b", 2),
        at("3", "hundred", "c", 3),
        merge("m1", "a", "b"),
        merge("m2", "b", "c"),
        // a circle over three, and into one that is gone
        merge("m3", "c", "a"),
        at("4", "fifty", "d", 4),
        merge("m4", "d", "a"),
        at("5", "fifty", "a", 5),
    ]);
    assert_eq!(stage.table(Topic::LeadScores).into_iter().map(|(key, _)| key).collect::<Vec<_>>(), ["acme/c"]);
    assert_eq!(stage.score("c"), 350);
    check_sums(&stage);
}

#[test]
fn once_is_judged_again_by_event_time() {
    let mut stage = Stage::new(RULES);
    stage.feed(&[at("1", "once", "a", 1), at("2", "once", "a", 0), at("3", "once", "b", 2), merge("m", "a", "b")]);
    let outcome = |id: &str| stage.last(Topic::Timeline, &format!("acme/b/%2Fcrm/{id}/once"))["outcome"].clone();
    assert_eq!([outcome("1"), outcome("2"), outcome("3")], ["repeated", "counted", "repeated"]);
    assert_eq!(stage.score("b"), 7);
    check_sums(&stage);
    stage.feed(&[at("4", "once", "b", 0), at("5", "once", "a", 0)]);
    assert_eq!(stage.score("b"), 7);
}

#[test]
fn long_timelines_move_whole() {
    let mut stage = Stage::new(RULES);
    let many: Vec<String> = (0..50)
        .map(|i| event(&format!("e{i}"), "fifty", ["a", "b"][i % 2], "2026-11-03T00:00:00Z", json!({"actor": "r"})))
        .collect();
    stage.feed_in_batches(&many, 7).feed(&[merge("m", "a", "b")]);
    assert_eq!(stage.score("b"), 2500);
    check_sums(&stage);
    stage.feed(&[at("x", "fifty", "b", 1), event("y", "contact.erased", "b", "2026-11-05T00:00:00Z", json!({}))]);
    assert_eq!((stage.table(Topic::Timeline).len(), stage.table(Topic::LeadScores).len()), (0, 0));
}

#[test]
fn an_erased_contact_starts_anew() {
    let mut stage = Stage::new(RULES);
    stage.feed(&[
        at("1", "hundred", "a", 1),
        at("2", "once", "a", 1),
        event("x", "contact.erased", "a", "2026-11-04T00:00:00Z", json!({})),
    ]);
    assert_eq!((stage.table(Topic::Timeline).len(), stage.table(Topic::LeadScores).len()), (0, 0));
    assert_eq!(stage.list(Topic::Segments, "change"), ["entered", "left"]);
    // identities stay known, `once` begins again
    stage.feed(&[at("1", "hundred", "a", 1), at("3", "once", "a", 2)]);
    assert_eq!(stage.score("a"), 7);
    check_sums(&stage);
    assert!(stage.forwarded.iter().any(|record| record.contains("contact.erased")));
}

#[test]
fn retention_removes_entries_and_never_points() {
    let mut stage = Stage::new(&format!("timeline: {{retention: 24h}}\n{RULES}"));
    stage.feed(&[at("1", "fifty", "a", 1), at("2", "fifty", "a", 2), at("3", "hundred", "a", 2), at("4", "once", "a", 3)]);
    let keys = |stage: &Stage| stage.table(Topic::Timeline).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    stage.tick("2026-11-04T01:00:00Z");
    assert_eq!(keys(&stage).len(), 4, "an entry is kept for as long as the retention says");
    stage.tick("2026-11-04T01:00:00.001Z");
    assert_eq!(keys(&stage).last().unwrap(), "acme/a/carried/g");
    stage.tick("2026-11-04T02:30:00Z");
    assert_eq!(keys(&stage), ["acme/a/%2Fcrm/4/once", "acme/a/carried/g", "acme/a/carried/h"]);
    assert_eq!(stage.last(Topic::Timeline, "acme/a/carried/g")["points"], 100);
    assert_eq!(stage.last(Topic::Timeline, "acme/a/carried/g")["outcome"], "carried");
    assert_eq!(stage.score("a"), 207);
    check_sums(&stage);
    // what was removed counts once all the same; a merge takes the sums along
    stage.tick("2026-11-05T00:00:00Z");
    stage.feed(&[at("5", "once", "b", 4), merge("m", "a", "b")]);
    assert_eq!(stage.score("b"), 207);
    check_sums(&stage);
    stage.feed(&[event("x", "contact.erased", "b", "2026-11-06T00:00:00Z", json!({}))]);
    assert_eq!(stage.table(Topic::Timeline).len(), 0);
}

#[test]
fn the_account_stage_is_told_of_silence() {
    let mut stage = Stage::new(&format!(
        "{RULES}\nreps: [{{id: r}}]\nownership: {{transfers: [{{when: inactive, for: 2h, to: {{rep: r}}}}]}}"
    ));
    let told =
        |stage: &mut Stage| std::mem::take(&mut stage.forwarded).iter().filter(|record| record.starts_with("Inactive")).count();
    stage.feed(&[at("1", "fifty", "a", 1), at("2", "unknown", "a", 2)]);
    stage.tick("2026-11-03T03:59:59.999Z");
    assert_eq!(told(&mut stage), 0);
    stage.tick("2026-11-03T04:00:00Z");
    let record = stage.forwarded.last().unwrap().clone();
    assert!(record.contains(&format!("since: {:?}", Timestamp::parse("2026-11-03T02:00:00Z").unwrap())), "{record}");
    assert_eq!(told(&mut stage), 1);
    stage.tick("2026-11-04T04:00:00Z");
    assert_eq!(told(&mut stage), 0, "once for each silence");
    stage.feed(&[at("3", "unknown", "a", 5)]);
    stage.tick("2026-11-04T05:00:00Z");
    assert_eq!(told(&mut stage), 1);
    // by other contacts' events too, and before the event that ends the silence
    stage.feed(&[at("4", "unknown", "b", 8), at("5", "unknown", "a", 9)]);
    stage.feed(&[event("6", "unknown", "b", "2026-11-05T00:00:00Z", json!({}))]);
    assert_eq!(told(&mut stage), 2);
}
