use super::*;
use crate::events::Duration as Span;
use crate::outputs::{Outbox, Record, Route};
use crate::runtime::log::local::{LocalLog, MemDisk};
use crate::runtime::now;

fn log() -> LocalLog {
    LocalLog::open(Box::new(MemDisk::default()), 2, 1 << 20, 1 << 30).unwrap()
}

/// Writes a record, as any producer could.
fn write(log: &LocalLog, account: &str, text: Option<&str>, at: &str) {
    let mut outbox = Outbox::default();
    let (topic, route, key) = (Topic::Rules, Route::Key, account.as_bytes());
    let timestamp = Timestamp::parse(at).unwrap();
    outbox.push_raw(Record { topic, route, timestamp, key, value: text.map(str::as_bytes), headers: &[] });
    log.append(&outbox).unwrap();
}

fn starts(rules: &RuleSet, account: &str) -> Vec<Timestamp> {
    rules.account(account).map_or(Vec::new(), |rules| rules.versions().iter().map(|book| book.effective_from).collect())
}

#[test]
fn versions_are_followed_and_wrong_ones_left_out() {
    let log = log();
    let mut topic = RulesTopic::default();
    assert!(topic.refresh(&log).unwrap().is_none());
    let at = "2026-01-01T00:00:00Z";
    write(&log, "a", Some(r#"{"account": "a", "catalog": [{"key": "x", "points": 1}]}"#), at);
    write(&log, "b", Some(r#"{"account": "b", "catalog": [{"key": "x", "points": "many"}]}"#), at);
    write(&log, "c", Some(r#"{"account": "d"}"#), at);
    write(&log, "a", Some(r#"{"account": "a", "effective_from": "2026-01-01T00:00:00Z"}"#), at);
    write(&log, "a", Some(r#"{"account": "a", "effective_from": "2026-02-01T00:00:00Z", "currency": "EUR"}"#), at);
    let rules = topic.refresh(&log).unwrap().unwrap();
    assert_eq!(starts(&rules, "a"), [Timestamp::MIN, Timestamp::parse(at).unwrap()]);
    assert!(rules.account("b").is_none() && rules.account("c").is_none() && rules.account("d").is_none());
    assert!(topic.refresh(&log).unwrap().is_none());
    let reasons: Vec<String> = topic
        .accounts()
        .flat_map(|(_, published)| published)
        .filter_map(|published| match &published.standing {
            Standing::LeftOut(reason) => Some(reason.lines().next().unwrap().to_owned()),
            Standing::Version { .. } => None,
        })
        .collect();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert!(reasons[0].contains("`currency` never changes"), "{reasons:?}");
    write(&log, "a", None, at);
    assert!(topic.refresh(&log).unwrap().unwrap().account("a").is_none());
    // what comes after a deletion is a first version again
    write(&log, "a", Some(r#"{"account": "a", "currency": "EUR"}"#), at);
    assert_eq!(starts(&topic.refresh(&log).unwrap().unwrap(), "a"), [Timestamp::MIN]);
}

#[test]
fn a_later_version_starts_at_its_publication_or_after_and_after_the_one_before() {
    let log = log();
    write(&log, "a", Some("account: a\neffective_from: 2020-01-01T00:00:00Z"), "2026-03-01T00:00:00Z");
    write(&log, "a", Some(r#"{"account": "a", "effective_from": "2021-01-01T00:00:00Z"}"#), "2026-03-02T00:00:00Z");
    write(&log, "a", Some(r#"{"account": "a", "reps": [{"id": "r1"}]}"#), "2026-03-03T00:00:00Z");
    write(&log, "a", Some(r#"{"account": "a", "effective_from": "2026-04-01T00:00:00Z"}"#), "2026-03-04T00:00:00Z");
    write(&log, "a", Some(r#"{"account": "a", "effective_from": "2026-03-20T00:00:00Z"}"#), "2026-03-05T00:00:00Z");
    let rules = RulesTopic::default().refresh(&log).unwrap().unwrap();
    let expected = ["2020-01-01T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z", "2026-04-01T00:00:00Z"];
    assert_eq!(starts(&rules, "a"), expected.map(|time| Timestamp::parse(time).unwrap()));
}

#[test]
fn a_version_that_is_written_again_is_no_other_version() {
    let log = log();
    for (text, at) in [
        (r#"{"account": "a"}"#, "2026-03-01T00:00:00Z"),
        (r#"{"account": "a"}"#, "2026-03-01T00:00:01Z"),
        (r#"{"account": "a", "effective_from": "2026-04-01T00:00:00Z", "reps": [{"id": "r1"}]}"#, "2026-03-02T00:00:00Z"),
        (r#"{"account": "a", "effective_from": "2026-04-01T00:00:00Z", "reps": [{"id": "r1"}]}"#, "2026-03-02T00:00:01Z"),
        (r#"{"account": "a", "effective_from": "2026-05-01T00:00:00Z"}"#, "2026-03-03T00:00:00Z"),
    ] {
        write(&log, "a", Some(text), at);
    }
    let rules = RulesTopic::default().refresh(&log).unwrap().unwrap();
    assert_eq!(starts(&rules, "a").len(), 3);
}

#[test]
fn rules_of_other_accounts_stay_the_same_object() {
    let log = log();
    let mut topic = RulesTopic::default();
    write(&log, "a", Some("account: a"), "2026-03-01T00:00:00Z");
    let before = topic.refresh(&log).unwrap().unwrap();
    write(&log, "b", Some("account: b"), "2026-03-01T00:00:00Z");
    let after = topic.refresh(&log).unwrap().unwrap();
    assert!(std::sync::Arc::ptr_eq(before.account("a").unwrap(), after.account("a").unwrap()));
}

#[test]
fn publishing_writes_what_can_stand() {
    let log = log();
    let draft = |text: &str| Draft::read("x", text).unwrap();
    let past = Timestamp::parse("2020-01-01T00:00:00Z").unwrap();
    let future = now().plus(Span::days(30));
    assert_eq!(publish(&log, draft("account: a"), Some(past)).unwrap(), (1, Some(past)));
    let refused = |text: &str, from: Option<Timestamp>| match publish(&log, draft(text), from) {
        Err(Refused::Version(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert!(refused("account: a", Some(past.plus(Span::days(1)))).contains("only the first version of a"));
    assert!(refused("account: a\neffective_from: 2021-01-01T00:00:00Z", None).contains("only the first version of a"));
    assert!(refused("account: a\ntimezone: America/Sao_Paulo", None).contains("`timezone` never changes"));
    let before = now();
    let (number, from) = publish(&log, draft("account: a\nreps: [{id: r1}]"), None).unwrap();
    assert_eq!(number, 2);
    assert!((before.plus(LEAD)..=now().plus(LEAD)).contains(&from.unwrap()));
    assert_eq!(publish(&log, draft("account: a"), Some(future)).unwrap(), (3, Some(future)));
    assert!(refused("account: a", None).contains("a version starts after the one before it"));
    assert_eq!(publish(&log, draft("account: '*'"), None).unwrap(), (1, None));
    let rules = RulesTopic::default().refresh(&log).unwrap().unwrap();
    assert_eq!(starts(&rules, "a"), [past, from.unwrap(), future]);
    assert_eq!(starts(&rules, "*"), [Timestamp::MIN]);
}
