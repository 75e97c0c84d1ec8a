//! Random histories against an oracle that keeps values in plain sums.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use crate::events::Timestamp;
use crate::rules::account::testing::Stage;

const RULES: &str = r#"
lateness: 24h
teams: [{key: t}]
reps: [{id: r0, team: t}, {id: r1, team: t}]
metrics: [{key: paid, type: payment.confirmed, sum: data.amount, minus: payment.refunded}]
goals:
  - {key: day, metric: paid, period: day, target: "100", tiers: [{key: base, at: "100%", reward: {coins: 10}}, {key: mega, at: "150%"}],
     accelerator: {from: "100%", every: "25%", up_to: "200%", reward: {xp: 3}}}
  - {key: week, of: team, metric: paid, period: week, target: "300", tiers: [{key: base, at: "100%"}], collective: [{tier: base, reward: {xp: 5}}]}
  - {key: coins, metric: coins_earned, period: month, target: "20", tiers: [{key: base, at: "100%", reward: {xp: 1}}], after: {goal: day, tier: base}}
"#;

/// Hour from 2026-11-02, rep, amount (a refund where it is negative).
type Posting = (i64, usize, i64);

fn at(hour: i64) -> Timestamp {
    Timestamp(Timestamp::parse("2026-11-02T00:00:00Z").unwrap().0 + hour * 3_600_000)
}

fn play(postings: &[Posting], commit_every: usize) -> Stage {
    let mut stage = Stage::new(RULES);
    stage.commit_every = commit_every;
    for (hour, rep, amount) in postings {
        let kind = if *amount < 0 { "payment.refunded" } else { "payment.confirmed" };
        let d = json!({"amount": amount.abs()});
        stage.send(json!({"t": kind, "at": at(*hour).to_string(), "c": "c1", "a": format!("r{rep}"), "d": d}));
    }
    stage.commit();
    stage
}

/// The values of a goal by period and subject, and the highest each has had.
fn values(postings: &[Posting], place: impl Fn(i64, usize) -> (i64, String, String)) -> BTreeMap<(String, String), (i64, i64)> {
    let mut values: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    let mut clock = i64::MIN;
    for (hour, rep, amount) in postings {
        clock = clock.max(*hour);
        let (ends, period, subject) = place(*hour, *rep);
        if clock < ends + 24 {
            let (value, highest) = values.entry((period, subject)).or_insert((0, i64::MIN));
            *value += amount;
            *highest = (*value).max(*highest);
        }
    }
    values
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn grants_are_what_was_ever_reached_and_never_doubled(
        postings in prop::collection::vec((0i64..24 * 12, 0..2usize, -80i64..160), 0..40),
        commit_every in 1..9usize,
    ) {
        let stage = play(&postings, commit_every);
        let granted: Vec<String> = stage.topic("grants").iter().map(|grant| grant.key.clone()).collect();
        let unique: BTreeSet<&String> = granted.iter().collect();
        prop_assert_eq!(unique.len(), granted.len(), "never doubled");

        let mut expected = BTreeSet::new();
        let days = values(&postings, |hour, rep| ((hour / 24 + 1) * 24, at(hour).to_string()[..10].to_owned(), format!("r{rep}")));
        for ((day, rep), (value, highest)) in &days {
            let record = stage.last("goals", &format!("acme/day/{day}/{rep}"));
            prop_assert_eq!(&record["value"], &json!(value.to_string()));
            let tiers = [("base", 100), ("mega", 150)].into_iter().filter(|(_, at)| highest >= at);
            expected.extend(tiers.map(|(tier, _)| format!("acme/goal/day/{day}/{rep}/{tier}")));
            let steps = [125, 150, 175, 200].into_iter().filter(|at| highest >= at);
            expected.extend(steps.map(|percent| format!("acme/accelerator/day/{day}/{rep}/{percent}")));
        }
        let week = |hour: i64, _| ((hour / 168 + 1) * 168, format!("2026-W{}", 45 + hour / 168), "t".to_owned());
        for ((week, _), (_, highest)) in values(&postings, week) {
            if highest >= 300 {
                expected.insert(format!("acme/goal/week/{week}/t/base"));
                expected.extend(["r0", "r1"].map(|rep| format!("acme/collective/week/{week}/t/base/{rep}")));
            }
        }
        let unchained: BTreeSet<String> = granted.iter().filter(|id| !id.starts_with("acme/goal/coins/")).cloned().collect();
        prop_assert_eq!(unchained, expected);
        // each base of a day pays 10 coins
        let coins: i64 = stage.list("coins", "/coins").iter().map(|coins| coins.as_i64().unwrap()).sum();
        let bases = granted.iter().filter(|id| id.starts_with("acme/goal/day/") && id.ends_with("/base")).count();
        prop_assert_eq!(coins, 10 * bases as i64);
        prop_assert!(play(&postings, 1).store().rows().eq(stage.store().rows()), "the batches make no difference");
    }
}
