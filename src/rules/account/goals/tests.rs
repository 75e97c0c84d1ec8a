//! Worked figures: rules and events in, grants and goals out.

use serde_json::{Value, json};

use crate::rules::account::testing::Stage;
use crate::state::Table;

const REPS: &str = "
lateness: 48h
teams: [{key: north, name: North}]
reps: [{id: r1, name: Ana, team: north}, {id: r2, name: Bia, team: north}, {id: r3, name: Caio, active: false, team: north}, {id: r4}]
metrics:
  - {key: paid, type: payment.confirmed, sum: data.amount, minus: payment.refunded}
  - {key: calls, type: followup.completed, count: true}
";

fn stage(goals: &str) -> Stage {
    Stage::new(&format!("{REPS}\n{goals}"))
}

/// Payments of r1 in November, an hour apart.
fn paid(stage: &mut Stage, amounts: &[&str]) {
    for (i, amount) in amounts.iter().enumerate() {
        pay(stage, "r1", &format!("2026-11-03T{:02}:00:00Z", i + 1), amount);
    }
}

fn pay(stage: &mut Stage, rep: &str, at: &str, amount: &str) {
    let kind = if amount.starts_with('-') { "payment.refunded" } else { "payment.confirmed" };
    stage.send(json!({"t": kind, "at": at, "c": "c1", "a": rep, "d": {"amount": amount.trim_start_matches('-')}}));
}

fn call(stage: &mut Stage, rep: &str, at: &str) {
    stage.send(json!({"t": "followup.completed", "at": at, "c": "c1", "a": rep}));
}

fn grants(stage: &Stage) -> Vec<String> {
    stage.topic("grants").iter().map(|out| out.key.clone()).collect()
}

const TIERS: &str = r#"tiers: [{key: mega, at: "130%", reward: {coins: 500, xp: 1000}}, {key: base, at: "100%", reward: {coins: 100}}, {key: super, at: "110%", reward: {coins: 200}}]"#;

#[test]
fn tiers_are_reached_exactly_and_in_order() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["9999.99"], &[]),
        (&["10000.00"], &["base"]),
        (&["9999.99", "0.01"], &["base"]),
        (&["13000"], &["base", "super", "mega"]),
        (&["10000", "-5000", "5000", "1000"], &["base", "super"]),
        (&["12999.999999"], &["base", "super"]),
    ];
    for (amounts, expected) in cases {
        let mut stage = stage(&format!("goals: [{{key: rev, metric: paid, period: month, target: \"10000.00\", {TIERS}}}]"));
        paid(&mut stage, amounts);
        let expected: Vec<_> = expected.iter().map(|tier| format!("acme/goal/rev/2026-11/r1/{tier}")).collect();
        assert_eq!(grants(&stage), expected, "{amounts:?}");
        assert_eq!(stage.list("announcements", "/kind").len(), expected.len());
        let coins = [100, 200, 500];
        assert_eq!(stage.list("coins", "/coins"), coins[..expected.len()], "{amounts:?}");
    }
}

#[test]
fn a_refund_lowers_the_value_and_takes_no_grant_back() {
    let mut stage = stage(&format!("goals: [{{key: rev, metric: paid, period: month, target: \"10000.00\", {TIERS}}}]"));
    paid(&mut stage, &["11000.00", "-4000.00"]);
    let goal = stage.last("goals", "acme/rev/2026-11/r1");
    assert_eq!((&goal["value"], &goal["attainment"]), (&json!("7000.00"), &json!("0.7")));
    assert_eq!(goal["tiers"][1], json!({"key": "super", "threshold": "11000.00", "reached_at": "2026-11-03T01:00:00.000Z"}));
    assert_eq!(goal["tiers"][2]["reached_at"], Value::Null);
    let grant = stage.last("grants", "acme/goal/rev/2026-11/r1/base");
    assert_eq!(grant["source"], json!({"kind": "goal", "key": "rev", "tier": "base", "period": "2026-11"}));
    assert_eq!((&grant["reward"], &grant["event"]["id"]), (&json!({"coins": 100}), &json!("e0")));
    assert_eq!(stage.last("announcements", "acme/tier/rev/2026-11/r1/base")["message"], "Ana reached base of rev");
}

#[test]
fn accelerator_steps_grow_and_are_paid_once() {
    let rules = r#"goals: [{key: rev, metric: paid, period: month, target: "1000", tiers: [],
        accelerator: {from: "100%", every: "10%", up_to: "130%", reward: {coins: 20}, grows: {coins: 10}}}]"#;
    let mut stage = stage(rules);
    paid(&mut stage, &["1000", "99.99", "0.01", "-500", "500", "5000"]);
    let ids = ["110", "120", "130"].map(|percent| format!("acme/accelerator/rev/2026-11/r1/{percent}"));
    assert_eq!(grants(&stage), ids);
    assert_eq!(stage.list("coins", "/coins"), [20, 30, 40]);
    assert_eq!(stage.list("coins", "/at")[0], "2026-11-03T03:00:00.000Z");
    assert_eq!(stage.list("grants", "/source/tier"), ["110", "120", "130"]);
}

#[test]
fn tiers_settle_before_steps_and_steps_before_shares() {
    let rules = r#"goals:
  - {key: b, metric: paid, period: month, target: "100", of: team, tiers: [{key: base, at: "100%"}], collective: [{tier: base, reward: {coins: 1}}]}
  - {key: a, metric: paid, period: month, target: "100", tiers: [{key: base, at: "100%"}], accelerator: {from: "100%", every: "50%", up_to: "150%", reward: {coins: 2}}}
  - {key: c, metric: coins_earned, period: day, target: "3", tiers: [{key: base, at: "100%", reward: {coins: 7}}]}"#;
    let mut stage = stage(rules);
    paid(&mut stage, &["150"]);
    let expected = [
        "acme/goal/a/2026-11/r1/base",
        "acme/goal/b/2026-11/north/base",
        "acme/accelerator/a/2026-11/r1/150",
        "acme/collective/b/2026-11/north/base/r1",
        "acme/collective/b/2026-11/north/base/r2",
        // what follows from coins of the first round comes in the next
        "acme/goal/c/2026-11-03/r1/base",
    ];
    assert_eq!(grants(&stage), expected);
    assert_eq!(stage.last("goals", "acme/c/2026-11-03/r1")["value"], 10);
}

#[test]
fn every_active_member_gets_a_share_once() {
    let rules = r#"goals: [{key: t, of: team, metric: paid, period: month, target: "1000", tiers: [{key: base, at: "100%"}, {key: super, at: "110%"}],
        collective: [{tier: base, reward: {coins: 50}}]},
       {key: all, of: account, metric: paid, period: quarter, target: "1000", tiers: [{key: base, at: "100%"}], collective: [{tier: base, reward: {coins: 5}}]}]"#;
    let mut stage = stage(rules);
    pay(&mut stage, "r1", "2026-11-03T10:00:00Z", "600");
    pay(&mut stage, "r2", "2026-11-03T11:00:00Z", "500");
    pay(&mut stage, "r1", "2026-11-03T12:00:00Z", "-600");
    pay(&mut stage, "r1", "2026-11-03T13:00:00Z", "900");
    let shares: Vec<_> = grants(&stage).into_iter().filter(|id| id.contains("/collective/")).collect();
    let expected = ["all/2026-Q4/acme/base/r1", "all/2026-Q4/acme/base/r2", "all/2026-Q4/acme/base/r4"];
    let expected = expected.into_iter().chain(["t/2026-11/north/base/r1", "t/2026-11/north/base/r2"]);
    assert_eq!(shares, expected.map(|id| format!("acme/collective/{id}")).collect::<Vec<_>>(), "r3 is inactive, r4 in no team");
    let grant = stage.last("grants", "acme/goal/t/2026-11/north/base");
    assert_eq!((&grant["subject"], &grant["reward"]), (&json!({"kind": "team", "id": "north"}), &json!({})));
    assert_eq!(stage.list("announcements", "/subject/kind"), ["account", "team", "team"]);
}

const CHAIN: &str = r#"goals:
  - {key: first, metric: calls, period: week, target: "2", tiers: [{key: base, at: "100%", reward: {xp: 5}}]}
  - {key: second, metric: calls, period: month, target: "2", tiers: [{key: base, at: "100%", reward: {coins: 5}}], after: {goal: first, tier: base}}
  - {key: third, metric: xp, period: month, target: "10", tiers: [{key: base, at: "100%"}], after: {goal: first, tier: base}}"#;

#[test]
fn a_chained_goal_counts_from_the_next_event_on() {
    let mut stage = stage(CHAIN);
    call(&mut stage, "r1", "2026-11-03T12:00:00Z");
    let second = "acme/second/2026-11/r1";
    assert_eq!(
        (stage.last("goals", second)["locked"].clone(), stage.last("goals", second)["value"].clone()),
        (json!(true), json!(0))
    );
    call(&mut stage, "r1", "2026-11-03T12:01:00Z");
    assert_eq!(stage.last("goals", second)["locked"], false);
    assert_eq!(stage.last("goals", second)["value"], 0, "the event that unlocks does not count");
    assert_eq!(stage.last("goals", "acme/third/2026-11/r1")["value"], 0, "nor does the XP that follows from it");
    // a late one from before the unlocking never counts
    call(&mut stage, "r1", "2026-11-03T12:00:30Z");
    assert_eq!(stage.last("goals", second)["value"], 0);
    call(&mut stage, "r1", "2026-11-03T12:02:00Z");
    // in another week the first goal is still to be reached
    call(&mut stage, "r1", "2026-11-10T12:02:00Z");
    assert_eq!(
        (stage.last("goals", second)["locked"].clone(), stage.last("goals", second)["value"].clone()),
        (json!(true), json!(1))
    );
    call(&mut stage, "r1", "2026-11-10T12:03:00Z");
    call(&mut stage, "r1", "2026-11-10T12:04:00Z");
    let goal = stage.last("goals", second);
    assert_eq!((&goal["locked"], &goal["value"]), (&json!(false), &json!(2)));
    assert_eq!(stage.list("coins", "/coins"), [5]);
}

#[test]
fn a_goal_closes_although_no_event_comes() {
    let mut stage = stage(r#"goals: [{key: rev, metric: paid, period: month, target: "10", tiers: [{key: base, at: "100%"}]}]"#);
    pay(&mut stage, "r1", "2026-11-30T23:00:00Z", "4");
    stage.until_text("2026-12-02T23:59:59.999Z");
    // late, but within the lateness
    pay(&mut stage, "r1", "2026-11-30T23:30:00Z", "5");
    let key = "acme/rev/2026-11/r1";
    assert_eq!((&stage.last("goals", key)["value"], &stage.last("goals", key)["final"]), (&json!("9"), &json!(false)));
    stage.until_text("2026-12-03T00:00:00Z");
    assert_eq!(stage.last("goals", key)["final"], true);
    pay(&mut stage, "r1", "2026-11-30T23:40:00Z", "5");
    assert_eq!(stage.last("goals", key)["value"], "9");
    assert_eq!(grants(&stage), Vec::<String>::new());
    assert_eq!((kept(&stage), stage.late()), (0, 1), "it has left the state, and what is late is counted");
}

fn kept(stage: &Stage) -> usize {
    stage.store().rows().filter(|(key, _)| key[0] == Table::Goal as u8).count()
}

#[test]
fn a_goal_that_others_follow_stays_until_they_are_final() {
    let mut stage = stage(
        r#"goals:
  - {key: first, metric: paid, period: day, target: "10", tiers: [{key: base, at: "100%"}]}
  - {key: next, metric: paid, period: month, target: "10", tiers: [{key: base, at: "100%"}], after: {goal: first, tier: base}}"#,
    );
    pay(&mut stage, "r1", "2026-11-03T12:00:00Z", "10");
    stage.until_text("2026-11-10T00:00:00Z");
    assert_eq!((stage.last("goals", "acme/first/2026-11-03/r1")["final"].clone(), kept(&stage)), (json!(true), 2));
    // late for the day, but not for the month that follows it
    pay(&mut stage, "r1", "2026-11-03T13:00:00Z", "4");
    assert_eq!(stage.last("goals", "acme/next/2026-11/r1")["value"], "4");
    stage.until_text("2026-12-03T00:00:00Z");
    assert_eq!((stage.last("goals", "acme/next/2026-11/r1")["final"].clone(), kept(&stage)), (json!(true), 0));
}

#[test]
fn custom_periods_are_half_open_and_named_after_the_goal() {
    let rules = r#"goals: [{key: sprint, metric: paid, target: "30", period: {starts: "2026-11-02T10:00:00Z", ends: "2026-11-04T10:00:00Z"}, tiers: [{key: base, at: "100%"}]}]"#;
    let mut stage = stage(rules);
    for (at, amount) in [
        ("2026-11-02T09:59:59.999Z", "40"),
        ("2026-11-02T10:00:00Z", "10"),
        ("2026-11-04T09:59:59.999Z", "20"),
        ("2026-11-04T10:00:00Z", "80"),
    ] {
        pay(&mut stage, "r1", at, amount);
    }
    assert_eq!(stage.last("goals", "acme/sprint/sprint/r1")["value"], "30");
    assert_eq!(grants(&stage), ["acme/goal/sprint/sprint/r1/base"]);
}

#[test]
fn targets_and_subjects_are_per_subject() {
    let rules = r#"goals: [{key: rev, metric: paid, period: month, target: "10", targets: {r1: "20"}, subjects: [r1, r2], tiers: [{key: base, at: "100%"}]}]"#;
    let mut stage = stage(rules);
    for rep in ["r1", "r2", "r4"] {
        pay(&mut stage, rep, "2026-11-03T10:00:00Z", "10");
    }
    assert_eq!(grants(&stage), ["acme/goal/rev/2026-11/r2/base"]);
    assert_eq!(stage.last("goals", "acme/rev/2026-11/r1")["attainment"], "0.5");
    assert_eq!(stage.last("goals", "acme/rev/2026-11/r4"), Value::Null);
}

#[test]
fn a_period_keeps_the_first_version_in_which_the_goal_appears() {
    let version = |from: &str, goals: &str| format!("effective_from: {from}\n{REPS}\ngoals: [{goals}]");
    let goal = |key: &str, target: &str| {
        format!("{{key: {key}, metric: paid, period: month, target: \"{target}\", tiers: [{{key: base, at: \"100%\"}}]}}")
    };
    let rules = [
        version("2026-01-01T00:00:00Z", &goal("rev", "100")),
        version("2026-11-10T00:00:00Z", &format!("{}, {}", goal("rev", "50"), goal("new", "30"))),
        version("2026-11-20T00:00:00Z", &goal("new", "10")),
    ];
    let mut stage = Stage::new(&rules.join("\n---\n"));
    for day in ["05", "15", "25"] {
        pay(&mut stage, "r1", &format!("2026-11-{day}T00:00:00Z"), "20");
    }
    let target_and_value = |stage: &Stage, key: &str| {
        let goal = stage.last("goals", key);
        (goal["target"].clone(), goal["value"].clone())
    };
    assert_eq!(
        target_and_value(&stage, "acme/rev/2026-11/r1"),
        (json!("100"), json!("60")),
        "gone from the third, and still kept"
    );
    assert_eq!(target_and_value(&stage, "acme/new/2026-11/r1"), (json!("30"), json!("40")), "from the second on");
    pay(&mut stage, "r1", "2026-12-01T00:00:00Z", "20");
    assert_eq!(target_and_value(&stage, "acme/rev/2026-12/r1"), (Value::Null, Value::Null));
    assert_eq!(target_and_value(&stage, "acme/new/2026-12/r1"), (json!("10"), json!("20")));
}
