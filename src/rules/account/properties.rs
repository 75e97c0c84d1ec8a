//! Properties that hold for every history: ledgers add up to the states beside them, boards are what the ledgers say, stock
//! and coins add up, and no cut into batches changes anything.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::engine::Offline;
use crate::events::Timestamp;
use crate::outputs::{Record, Topic};
use crate::rulebook::RuleSet;

const RULES: &str = r#"
account: acme
timezone: America/Sao_Paulo
lateness: 24h
teams: [{key: north}, {key: south}]
reps: [{id: r0, team: north}, {id: r1, team: south}, {id: r2, team: north, league: silver}, {id: r3}, {id: left, active: false}]
catalog: [{key: deal.won, xp: 10, coins: 3}, {key: deal.lost, xp: -15}, {key: call.made, xp: 1}]
metrics: [{key: deals, type: deal.won, count: true, minus: deal.lost}]
levels: [{level: 1, xp: 0}, {level: 2, xp: 20, reward: {coins: 5, xp: 7}}, {level: 3, xp: 50, reward: {badge: first/gold}}]
leagues: {order: [bronze, silver, gold], metric: xp, window: week, promote: 1, relegate: 1}
leaderboards:
  - {key: ever, metric: xp, window: all, top: 100}
  - {key: day, metric: deals, window: day}
  - {key: teams, metric: xp, window: month, of: team}
contests:
  - {key: c, metric: xp, starts: "2026-11-05T00:00:00Z", ends: "2026-11-10T00:00:00Z", prizes: [{places: 1-2, reward: {coins: 20, xp: 5}}]}
badges:
  - {key: first, metric: deals, tiers: {bronze: 1, gold: 3}, rewards: {gold: {coins: 2, prize: mug}}}
  - {key: busy, metric: xp, window: week, tiers: {bronze: 15}, rewards: {bronze: {coins: 1}}}
coins: {per_xp: "0.3"}
prizes: [{key: mug, cost: 4, stock: 5}, {key: pen, cost: 1, approval: auto}]
"#;

/// One line of a history: what happens, to whom, at which hour of November, and a small number.
type Step = (u8, u8, u16, u8);

fn line(i: usize, (what, who, hour, number): Step) -> String {
    let rep = ["r0", "r1", "r2", "r3", "left", "stranger"][usize::from(who) % 6];
    let other = ["r1", "r2", "r0", "left"][usize::from(number) % 4];
    let at = Timestamp(1_793_500_000_000 + i64::from(hour) * 3_600_000);
    let (kind, data) = match what {
        0..=5 => ("deal.won", json!({})),
        6 => ("deal.lost", json!({})),
        7..=8 => ("call.made", json!({})),
        9 => ("xp.adjust", json!({"rep": rep, "xp": i64::from(number) - 5})),
        10 => ("coins.adjust", json!({"rep": rep, "coins": i64::from(number) - 5})),
        11..=12 => {
            let prize = if number % 3 == 0 { "pen" } else { "mug" };
            (
                "redemption.request",
                json!({"redemption": format!("x{}", number % 7), "rep": rep, "prize": prize, "quantity": number % 4}),
            )
        }
        13 => ("redemption.approve", json!({"redemption": format!("x{}", number % 7)})),
        14 => ("redemption.reject", json!({"redemption": format!("x{}", number % 7)})),
        15 => ("redemption.cancel", json!({"redemption": format!("x{}", number % 7)})),
        _ => ("recognition.give", json!({"from": rep, "to": other, "message": "Thanks", "coins": number % 3})),
    };
    // an id may come again, with the same content (a duplicate) or with other (a dead letter)
    let id = format!("e{}", i % 97);
    let event = json!({"specversion": "1.0", "id": id, "source": "/p", "type": kind, "account": "acme", "time": at.to_string(),
        "contact": format!("c{}", number % 3), "actor": rep, "data": data});
    event.to_string()
}

#[derive(Debug, Default, PartialEq)]
struct Left {
    /// Append-only records, in order.
    records: Vec<(&'static str, String, String)>,
    /// The last values.
    last: BTreeMap<(&'static str, String), String>,
}

/// Runs a history in batches; with `restarts`, each batch finds a new process over the state that the last one left.
fn run(lines: &[String], batch: usize, restarts: bool) -> Left {
    let mut left = Left::default();
    let mut sink = |record: &Record<'_>| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (topic, key, value) = (record.topic.name(), text(record.key), record.value.map(text).unwrap_or_default());
        // of a lead's score too only the last one of a batch is written
        match record.topic.is_coalesced() || record.topic == Topic::LeadScores {
            true => drop(left.last.insert((topic, key), value)),
            false => left.records.push((topic, key, value)),
        }
    };
    let mut engine = Offline::new(RuleSet::load([("rules", RULES)]).unwrap(), None);
    for batch in lines.chunks(batch) {
        engine.batch(batch.iter().map(String::as_bytes), &mut sink);
        if restarts {
            engine.restart();
        }
    }
    engine.until(Timestamp::parse("2026-12-20T00:00:00Z").unwrap(), &mut sink);
    // each topic has its order; among dead letters those of the two stages may come in another
    left.records.sort_by(|a, b| {
        let letters = || if a.0 == "dead-letters" { a.2.cmp(&b.2) } else { std::cmp::Ordering::Equal };
        a.0.cmp(b.0).then_with(letters)
    });
    left
}

impl Left {
    fn ledger(&self, topic: &str) -> Vec<Value> {
        let records = self.records.iter().filter(|(t, _, _)| *t == topic);
        records.map(|(_, _, value)| serde_json::from_str(value).unwrap()).collect()
    }

    fn lasts(&self, topic: &str) -> Vec<Value> {
        let lasts = self.last.iter().filter(|((t, _), _)| *t == topic);
        lasts.map(|(_, value)| serde_json::from_str(value).unwrap()).collect()
    }
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

fn sums(ledger: &[Value], field: &str, by: &str) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for entry in ledger {
        *sums.entry(text(entry, by).to_owned()).or_default() += entry[field].as_i64().unwrap();
    }
    sums
}

/// What the ledgers say is what the states show.
fn check_totals(left: &Left) {
    let (xp, coins) = (left.ledger("xp"), left.ledger("coins"));
    let (xp_of, coins_of) = (sums(&xp, "xp", "rep"), sums(&coins, "coins", "rep"));
    for progress in left.lasts("rep-progress") {
        let rep = text(&progress, "rep");
        assert_eq!(progress["xp"].as_i64(), Some(xp_of.get(rep).copied().unwrap_or(0)), "{rep}");
        assert_eq!(progress["coins"].as_i64(), Some(coins_of.get(rep).copied().unwrap_or(0)), "{rep}");
    }
    let mut balances: BTreeMap<&str, i64> = BTreeMap::new();
    for entry in &coins {
        let balance = balances.entry(text(entry, "rep")).or_default();
        *balance += entry["coins"].as_i64().unwrap();
        assert_eq!(entry["balance"].as_i64(), Some(*balance), "{entry}");
    }
    let grants: Vec<&String> = left.records.iter().filter(|(t, _, _)| *t == "grants").map(|(_, key, _)| key).collect();
    let distinct: BTreeSet<_> = grants.iter().collect();
    assert_eq!(grants.len(), distinct.len(), "a grant was given twice");
}

/// The board of all time is the ledger, summed and sorted. (Entries of who is not active are in the ledger only.)
fn check_board(left: &Left) {
    let ledger = left.ledger("xp");
    let mut expected: Vec<(i64, String, String)> = Vec::new();
    for (rep, xp) in sums(&ledger, "xp", "rep") {
        let at = ledger
            .iter()
            .filter(|entry| text(entry, "rep") == rep && entry["xp"] != 0)
            .map(|entry| text(entry, "at").to_owned())
            .max()
            .unwrap_or_default();
        if xp != 0 && rep != "left" {
            expected.push((-xp, at, rep));
        }
    }
    expected.sort();
    let board = left.last.get(&("leaderboards", "acme/ever/all".to_owned()));
    let board: Value = board.map_or(Value::Null, |board| serde_json::from_str(board).unwrap());
    let entries = board["entries"].as_array().cloned().unwrap_or_default();
    let shown: Vec<(i64, String, String)> = entries
        .iter()
        .map(|entry| (-entry["value"].as_i64().unwrap(), text(entry, "reached_at").to_owned(), text(entry, "subject").to_owned()))
        .collect();
    assert_eq!(shown, expected);
    for (i, entry) in entries.iter().enumerate() {
        assert_eq!(entry["position"], i + 1);
        let first_of_value = entries.iter().position(|other| other["value"] == entry["value"]).unwrap();
        assert_eq!(entry["rank"], first_of_value + 1);
    }
}

/// What is held or gone is what was paid for, and never more than there was.
fn check_redemptions(left: &Left) {
    let coins = left.ledger("coins");
    let mut taken = 0;
    for redemption in left.lasts("redemptions") {
        let given_back = ["rejected", "canceled"].contains(&text(&redemption, "status"));
        let cost = redemption["cost"].as_i64().unwrap();
        let held: i64 = coins
            .iter()
            .filter(|entry| entry["ref"] == redemption["redemption"] && text(entry, "reason").starts_with("redemption."))
            .map(|entry| entry["coins"].as_i64().unwrap())
            .sum();
        assert_eq!(held, if given_back { 0 } else { -cost }, "{redemption}");
        // a prize that a reward promised is given, whatever is left
        if text(&redemption, "prize") == "mug" && !given_back && cost > 0 {
            taken += redemption["quantity"].as_i64().unwrap();
        }
    }
    assert!(taken <= 5, "{taken} of 5");
}

/// What grants promise is what the ledgers have of them, and every reward in a ledger is a grant's.
fn check_grants(left: &Left) {
    let grants = left.ledger("grants");
    for (topic, field) in [("xp", "xp"), ("coins", "coins")] {
        let given = |value: &Value| (text(value, "rep").to_owned(), value[field].as_i64().unwrap());
        let rewards = ["level", "badge", "contest", "goal", "accelerator", "collective"];
        let ledger = left.ledger(topic);
        let entries = ledger.iter().filter(|entry| rewards.contains(&text(entry, "reason")));
        let entries: BTreeMap<String, _> = entries.map(|entry| (text(entry, "entry").to_owned(), given(entry))).collect();
        let promised = grants.iter().filter(|grant| grant["reward"][field].as_i64().is_some_and(|number| number != 0));
        let promised = promised.map(|grant| {
            let rep = grant["subject"]["id"].as_str().unwrap().to_owned();
            (text(grant, "grant").to_owned(), (rep, grant["reward"][field].as_i64().unwrap()))
        });
        assert_eq!(entries, promised.collect(), "{topic}");
    }
    // badges that reps hold, and those that were granted
    let held = left.lasts("rep-progress").into_iter().flat_map(|progress| {
        let rep = text(&progress, "rep").to_owned();
        let badges = progress["badges"].as_array().cloned().unwrap_or_default();
        badges.into_iter().map(move |badge| (rep.clone(), text(&badge, "key").to_owned(), text(&badge, "tier").to_owned()))
    });
    let granted = grants.iter().filter(|grant| grant["source"]["kind"] == "badge").map(|grant| {
        let (subject, source) = (&grant["subject"], &grant["source"]);
        (text(subject, "id").to_owned(), text(source, "key").to_owned(), text(source, "tier").to_owned())
    });
    let (held, granted): (Vec<_>, BTreeSet<_>) = (held.collect(), granted.collect());
    assert_eq!(held.len(), granted.len(), "one entry for each tier");
    assert_eq!(held.into_iter().collect::<BTreeSet<_>>(), granted);
}

/// The contest's prizes went to those whom its final record shows in the places.
fn check_contest(left: &Left) {
    let contest = left.last.get(&("contests", "acme/c".to_owned()));
    let contest: Value = serde_json::from_str(contest.expect("a contest is published, whoever takes part")).unwrap();
    assert_eq!((&contest["status"], &contest["final"]), (&json!("final"), &json!(true)));
    let entries = contest["entries"].as_array().unwrap().iter();
    let winners = entries.filter(|entry| entry["position"].as_u64() <= Some(2) && entry["value"].as_i64() > Some(0));
    let expected: BTreeSet<String> =
        winners.map(|entry| format!("acme/contest/c/{}/{}", entry["position"], text(entry, "subject"))).collect();
    let grants = left.ledger("grants").into_iter().filter(|grant| grant["source"]["kind"] == "contest");
    assert_eq!(grants.map(|grant| text(&grant, "grant").to_owned()).collect::<BTreeSet<_>>(), expected);
}

/// Everyone is in one of the leagues, and nobody moves further than the windows that have closed allow.
fn check_leagues(left: &Left) {
    let order = ["bronze", "silver", "gold"];
    let promotions = left.ledger("announcements").into_iter().filter(|news| news["kind"] == "promotion");
    let promotions: Vec<String> = promotions.map(|news| news["subject"]["id"].as_str().unwrap().to_owned()).collect();
    for progress in left.lasts("rep-progress") {
        let (rep, league) = (text(&progress, "rep"), text(&progress, "league"));
        let place = order.iter().position(|name| *name == league).expect("a league of the rules");
        let started = usize::from(rep == "r2");
        let moved_up = promotions.iter().filter(|promoted| *promoted == rep).count();
        assert!(place <= started + moved_up, "{rep} is in {league} after {moved_up} promotions");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn totals_equal_ledgers_however_the_history_is_cut(
        steps in prop::collection::vec((0u8..17, 0u8..6, 0u16..700, 0u8..12), 1..160),
    ) {
        let lines: Vec<String> = steps.iter().enumerate().map(|(i, step)| line(i, *step)).collect();
        let one_by_one = run(&lines, 1, false);
        check_totals(&one_by_one);
        check_board(&one_by_one);
        check_redemptions(&one_by_one);
        check_grants(&one_by_one);
        check_contest(&one_by_one);
        check_leagues(&one_by_one);
        for (batch, restarts) in [(7, true), (1000, false)] {
            let left = run(&lines, batch, restarts);
            for (one, other) in one_by_one.records.iter().zip(&left.records) {
                prop_assert_eq!(one, other, "in batches of {}", batch);
            }
            for (key, value) in &one_by_one.last {
                prop_assert_eq!(left.last.get(key), Some(value), "{:?} in batches of {}", key, batch);
            }
            prop_assert_eq!((left.records.len(), left.last.len()), (one_by_one.records.len(), one_by_one.last.len()));
        }
    }
}
