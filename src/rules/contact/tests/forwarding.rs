//! What goes on to the account stage, and the money in it.

use serde_json::{Value, json};

use super::{Stage, event};
use crate::engine::{Input, Limits, Task};
use crate::outputs::{Outbox, Route, Topic, partitioner};

const TIME: &str = "2026-11-03T12:00:00Z";

/// Takes one event and tells which record of it went on: `none`, or the parts of its debug text that are looked for.
fn check(rules: &str, kind: &str, contact: &str, more: Value, expected: &[&str]) {
    let mut stage = Stage::new(rules);
    stage.feed(&[event("e", kind, contact, TIME, more.clone())]);
    match expected {
        [] => assert_eq!(stage.forwarded, Vec::<String>::new(), "{kind} {more}"),
        parts => {
            assert_eq!(stage.forwarded.len(), 1, "{kind} {more}");
            for part in parts {
                assert!(stage.forwarded[0].contains(part), "{part} of {kind} {more}: {}", stage.forwarded[0]);
            }
        }
    }
}

#[test]
fn only_what_decides_something_goes_on() {
    let catalog = "
catalog:
  - {key: message.received, points: 1, xp: 1}
  - {key: page.viewed, points: 1}
  - {key: form.submitted, points: 1, announce: true}
  - {key: visit, points: 0, coins: 3}
";
    let actor = || json!({"actor": "r1", "data": {"x": 1}});
    check(catalog, "message.received", "c", actor(), &["scored: [0]", "actor: Some(\"r1\")", "data: \"\"", "original: None"]);
    check(catalog, "message.received", "c", json!({}), &[]);
    check(catalog, "page.viewed", "c", actor(), &[]);
    check(catalog, "unknown", "c", actor(), &[]);
    check(catalog, "form.submitted", "c", json!({"data": {"x": 1}}), &["scored: [2]", r#"data: "{\"x\":1}""#]);
    check(catalog, "visit", "c", actor(), &["scored: [3]"]);
    check("", "deal.won", "c", json!({"data": {"deal": "d"}}), &[r#"data: "{\"deal\":\"d\"}""#, "first: true"]);
    check("", "conversation.opened", "c", json!({}), &["scored: []"]);
    check("", "rep.online", "", actor(), &["contact: None", "original: Some"]);
    check("", "unknown", "", json!({}), &["contact: None", "original: Some"]);
    let metrics = "metrics: [{key: calls, type: call, count: true, credit: actor}]";
    check(metrics, "call", "c", actor(), &["data: \"\""]);
    check("metrics: [{key: calls, type: call, count: true}]", "call", "c", actor(), &[r#"data: "{\"x\":1}""#]);
    let new_contacts = "ownership: {new_contacts: {strategy: round_robin}}";
    check(new_contacts, "unknown", "c", json!({"data": {"x": 1}}), &["first: true", r#"data: "{\"x\":1}""#]);
}

#[test]
fn commands_go_on_with_their_bytes() {
    check("", "coins.adjust", "", json!({"data": {"rep": "r"}}), &["Command(", "kind: \"coins.adjust\"", "original: Original"]);
    let mut stage = Stage::with(&["account: other"], Limits::default(), true);
    stage.feed(&[event("e", "coins.adjust", "", TIME, json!({}))]);
    assert_eq!(stage.forwarded.len(), 1, "the account stage answers, whatever the account");
}

const SALES: &str = "
currency: BRL
catalog: [{key: payment.confirmed, points: 5}]
metrics:
  - {key: paid, type: payment.confirmed, sum: data.amount, minus: payment.refunded}
  - {key: boxes, type: shipped, sum: data.boxes}
commissions:
  - key: ae
    trigger: deal.won
    when: 'data.product != \"internal\"'
    bands: [{from: \"0\", rate: \"5%\"}]
    clawback: {events: [deal.lost], by: data.deal, within: 90d}
";

#[test]
fn money_that_cannot_be_used_is_a_dead_letter_while_points_go_on() {
    let good = "";
    for (kind, data, reason) in [
        ("payment.confirmed", json!({"amount": "1204.50", "currency": "BRL"}), good),
        ("payment.confirmed", json!({"amount": 0.1}), good),
        ("payment.confirmed", json!({"amount": "0"}), good),
        ("payment.confirmed", json!({}), "invalid_amount"),
        ("payment.confirmed", json!({"amount": null}), "invalid_amount"),
        ("payment.confirmed", json!({"amount": "-0.01"}), "invalid_amount"),
        ("payment.confirmed", json!({"amount": "1,5"}), "invalid_amount"),
        ("payment.confirmed", json!({"amount": "5", "currency": "USD"}), "currency_mismatch"),
        ("payment.refunded", json!({"payment": "p"}), "invalid_amount"),
        ("shipped", json!({}), good),
        ("deal.won", json!({"product": "pro", "amount": "1"}), good),
        ("deal.won", json!({"product": "pro"}), "invalid_amount"),
        ("deal.won", json!({"product": "internal"}), good),
        ("deal.lost", json!({"deal": "d"}), good),
        ("deal.lost", json!({"deal": "d", "amount": "x"}), "invalid_amount"),
        ("deal.lost", json!({"deal": "d", "amount": "1", "currency": "EUR"}), "currency_mismatch"),
    ] {
        let mut stage = Stage::new(SALES);
        let line = event("e", kind, "c", TIME, json!({ "data": data }));
        stage.feed(std::slice::from_ref(&line));
        let bad = !reason.is_empty();
        assert_eq!(stage.reasons(), if bad { vec![reason] } else { vec![] }, "{kind} {data}");
        assert!(stage.forwarded[0].contains(&format!("no_money: {bad}")), "{}", stage.forwarded[0]);
        let original = if kind == "deal.lost" { "original: Some" } else { "original: None" };
        assert!(stage.forwarded[0].contains(original));
        assert_eq!(stage.score("c"), if kind == "payment.confirmed" { json!(5) } else { Value::Null });
        // the same again changes nothing, its dead letter neither
        let out = stage.out.len();
        stage.feed(&[line]);
        assert_eq!(stage.out.len(), out);
    }
}

/// A task of one partition of several, and an event under some key.
fn route(key: Option<&str>, contact: &str) -> (Vec<(Topic, Route, String)>, u32) {
    let partitions = 8;
    let right = format!("acme/{contact}");
    let home = partitioner::partition(right.as_bytes(), partitions);
    let mut stage = Stage::new("catalog: [{key: t, points: 1}]");
    let partition = (home + u32::from(key.is_some_and(|key| key != right))) % partitions;
    stage.task = crate::engine::ContactTask::new(partition, partitions, Limits::default(), false);
    let line = event("e", "t", contact, TIME, json!({}));
    let mut out = Outbox::default();
    let timestamp = crate::events::Timestamp::parse(TIME).ok();
    let input = Input { key: key.map(str::as_bytes), ..stage.input(line.as_bytes(), timestamp) };
    stage.task.apply(&stage.store, &stage.rules, &input, &mut out);
    let records = out.records().map(|record| (record.topic, record.route, String::from_utf8_lossy(record.key).into_owned()));
    (records.collect(), home)
}

#[test]
fn a_record_under_a_wrong_key_is_sent_on_to_where_it_belongs() {
    let (records, _) = route(Some("whatever"), "c1");
    assert_eq!(records, [(Topic::ProductEvents, Route::Key, "acme/c1".to_owned())]);
    // no key, or a wrong one, in the right partition: it is home
    for key in [None, Some("acme/c1")] {
        let (records, home) = route(key, "c1");
        assert_eq!(records, [(Topic::Timeline, Route::Partition(home), "acme/c1/%2Fcrm/e/t".to_owned())]);
    }
}

/// Topics of partitions, each a queue of keys and values.
type Queues = std::collections::BTreeMap<(u32, Topic), std::collections::VecDeque<(String, Vec<u8>)>>;

/// Two contacts of different partitions are merged into each other at once, while their events come; the queues are worked off
/// in an order that the seed gives.
fn cross(seed: u64) {
    let partitions = 4;
    let home = |contact: &str| partitioner::partition(format!("acme/{contact}").as_bytes(), partitions);
    let names: Vec<String> = (0..20).map(|i| format!("c{i}")).collect();
    let (one, other) = (&names[0], names.iter().find(|name| home(name) != home(&names[0])).unwrap());
    let new = |partition| {
        let mut stage = Stage::new("catalog: [{key: fifty, points: 50}, {key: hundred, points: 100}]");
        stage.task = crate::engine::ContactTask::new(partition, partitions, Limits::default(), false);
        stage
    };
    let mut stages: Vec<Stage> = (0..partitions).map(new).collect();
    let merge = |id: &str, ends: &str, into: &str| event(id, "contact.merged", ends, TIME, json!({"data": {"into": into}}));
    let mut queues = Queues::new();
    for (contact, line) in [
        (one, event("1", "fifty", one, TIME, json!({}))),
        (other, event("2", "hundred", other, TIME, json!({}))),
        // both ways at once, which each partition can only see on its own
        (one, merge("m1", one, other)),
        (one, event("3", "fifty", one, TIME, json!({}))),
        (other, merge("m2", other, one)),
        (one, event("1", "fifty", one, TIME, json!({}))),
        (other, event("4", "hundred", other, TIME, json!({}))),
        (other, event("2", "hundred", other, TIME, json!({}))),
    ] {
        let queue = queues.entry((home(contact), Topic::ProductEvents)).or_default();
        queue.push_back((format!("acme/{contact}"), line.into_bytes()));
    }
    let mut random = seed;
    for step in 0.. {
        assert!(step < 200, "records go round for ever");
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let waiting: Vec<_> = queues.iter().filter(|(_, queue)| !queue.is_empty()).map(|(place, _)| *place).collect();
        let Some(&(partition, topic)) = waiting.get((random >> 33) as usize % waiting.len().max(1)) else { break };
        let (key, value) = queues.get_mut(&(partition, topic)).and_then(|queue| queue.pop_front()).unwrap();
        let stage = &mut stages[partition as usize];
        let mut out = Outbox::default();
        let timestamp = crate::events::Timestamp::parse(TIME).ok();
        let input = Input { topic, partition, key: Some(key.as_bytes()), ..stage.input(&value, timestamp) };
        stage.task.apply(&stage.store, &stage.rules, &input, &mut out);
        for record in out.records().filter(|record| record.topic == Topic::ContactInbox) {
            let to = partitioner::partition(record.key, partitions);
            let key = String::from_utf8(record.key.to_vec()).unwrap();
            queues.entry((to, record.topic)).or_default().push_back((key, record.value.unwrap().to_vec()));
        }
        stage.finish(out);
    }
    // whichever way the merges went: nothing is lost, nothing counts twice, and one of the two stays
    let leads: Vec<(String, Value)> = stages.iter().flat_map(|stage| stage.table(Topic::LeadScores)).collect();
    let scores: Vec<i64> = leads.iter().map(|(_, lead)| lead["score"].as_i64().unwrap()).collect();
    assert_eq!(scores, [300], "seed {seed}: {leads:?}");
}

#[test]
fn contacts_of_several_partitions_are_merged_through_the_inbox() {
    (0..500).for_each(cross);
}
