//! Rule files as a whole: what is read, and what is said about what is wrong.

use proptest::prelude::*;

use super::values::{Dedup, Places, Policy, Subjects, Threshold};
use super::*;
use crate::events::{Amount, Duration, Timestamp, Window};

const CONTRACT: &str = include_str!("contract.yaml");

fn load(text: &str) -> Result<RuleSet, RuleErrors> {
    RuleSet::load([("rules.yaml", text)])
}

fn document(text: &str) -> Document {
    let rules = load(text).unwrap_or_else(|errors| panic!("{errors}"));
    let (_, account) = rules.accounts().next().unwrap();
    (**account.latest().unwrap()).clone()
}

/// `line:column message` of each error.
fn errors(text: &str) -> Vec<String> {
    let errors = load(text).expect_err(text);
    errors.iter().map(|error| format!("{}:{} {}", error.line, error.column, error.message)).collect()
}

#[test]
fn the_whole_of_the_contract_is_read() {
    let rules = document(CONTRACT);
    assert_eq!(rules.effective_from, Some(Timestamp::parse("2026-01-01T00:00:00Z").unwrap()));
    assert_eq!((rules.lateness, rules.timeline.retention), (Duration::days(2), Some(Duration::days(730))));
    assert_eq!(rules.catalog[1].dedup.policy, Policy::Cooldown { every: Duration::hours(24) });
    assert_eq!(rules.contests[0].prizes[1].places, Places { first: 2, last: 3 });
    assert_eq!(rules.contests[0].starts, Timestamp::parse("2026-11-07T03:00:00Z").unwrap());
    assert_eq!(rules.badges[0].tiers[&BadgeTier::Diamond], Threshold::Amount(Amount::from(500)));
    assert_eq!(rules.goals[1].targets["r12"].to_string(), "20000.00");
    assert_eq!(rules.goals[2].target.to_string(), "100000.00");
    assert!(matches!(rules.goals[2].period, GoalPeriod::Custom(period) if period.starts < period.ends));
    assert_eq!(rules.commissions[0].bands[1].rate.number().to_string(), "8");
    assert_eq!(rules.ownership.comments.as_ref().unwrap().reps, Subjects::Ids(vec!["r12".into(), "r13".into()]));
    assert!(matches!(&rules.wallboards[0].scenes[3], Scene::Thermometer { goal } if goal == "team-month"));
}

#[test]
fn everything_with_a_default_may_be_absent() {
    let rules = document("account: acme");
    assert_eq!((rules.lateness, rules.currency.0.as_str(), rules.modules.sales), (Duration::days(2), "USD", true));
    let rules = document(
        "account: '*'\ncatalog: [{key: deal.won}]\ngroups:\nreps: [{id: 7}, {id: r2, name: }]\nmetrics:\n- {key: won, type: deal.won, count: true}\n\
         leaderboards: [{key: b, metric: won, window: week}]\nbadges: [{key: given}]\n\
         levels: [{level: 2, xp: 10, reward: {badge: given/gold}}]",
    );
    assert_eq!((rules.reps[0].id.as_str(), &rules.reps[1].name, rules.catalog[0].dedup.clone()), ("7", &None, Dedup::default()));
    assert_eq!((rules.leaderboards[0].top, rules.leaderboards[0].of), (50, Of::Rep));
}

#[test]
fn values_are_read_as_written() {
    let goal = |target: &str| {
        format!(
            "account: a\nmetrics: [{{key: m, type: t, count: true}}]\ngoals: [{{key: g, metric: m, period: day, target: {target}}}]"
        )
    };
    for (written, read) in
        [("10000", "10000"), ("10000.00", "10000.00"), ("'0.10'", "0.10"), ("9007199254740993.01", "9007199254740993.01")]
    {
        assert_eq!(document(&goal(written)).goals[0].target.to_string(), read);
    }
    let time = |time: &str| document(&format!("account: a\neffective_from: {time}")).effective_from.unwrap().to_string();
    for written in ["2026-01-01T03:00:00Z", "'2026-01-01T00:00:00-03:00'", "2026-01-01 03:00:00+00:00"] {
        assert_eq!(time(written), "2026-01-01T03:00:00.000Z");
    }
    let plan = |band: &str| {
        document(&format!("account: a\ncommissions: [{{key: p, quota: 10, bands: [{band}]}}]")).commissions[0].bands[0].from
    };
    for (written, percent) in
        [("{from: 100%, rate: 5%}", true), ("{from: '100 %', rate: '5%'}", true), ("{from: 1.50, rate: 0.5%}", false)]
    {
        assert_eq!(matches!(plan(written), Threshold::Percent(_)), percent, "{written}");
    }
    let shared = "account: a\nreps:\n- &r {id: r1, active: false}\n- {<<: *r, id: r2}\n- {<<: [*r], id: r3, active: true}";
    assert_eq!(document(shared).reps.iter().map(|rep| rep.active).collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn json_is_the_same_document() {
    // on one line, as on the `rules` topic; surrogate pairs are JSON's alone
    let json = r#"{"account":"acme","effective_from":"2026-01-01T00:00:00.000Z","reps":[{"id":"r1","name":"\ud83d\ude00 \u00e9 \/"}],"metrics":[{"key":"m","type":"t","count":true}],"goals":[{"key":"g","metric":"m","period":"month","target":10000.50,"tiers":[{"key":"base","at":"100%"}]}],"timeline":null}"#;
    let rules = document(json);
    assert_eq!((rules.reps[0].name.as_deref(), rules.goals[0].target.to_string().as_str()), (Some("😀 é /"), "10000.50"));
    assert_eq!(document(&json.replace("\\ud83d\\ude00 ", "")).reps[0].name.as_deref(), Some("é /"));
    assert_eq!(errors(&json.replace("\"id\"", "\"ident\"")).len(), 2);
    let large = format!(
        "{{\"account\":\"a\",\"reps\":[{}]}}",
        (0..500).map(|i| format!("{{\"id\":\"r{i}\",\"name\":\"Rep\"}}")).collect::<Vec<_>>().join(",")
    );
    assert_eq!(document(&large).reps.len(), 500);
}

#[test]
fn documents_are_written_as_json_and_read_again() {
    let rules = document(CONTRACT);
    let json = serde_json::to_string(&rules).unwrap();
    assert_eq!(serde_json::to_string(&document(&json)).unwrap(), json);
    assert!(json.contains(r#""at":"110%""#) && json.contains(r#""places":"2-3""#) && json.contains(r#""to":"round_robin""#));
}

#[test]
fn several_documents_are_versions() {
    let text = "# two versions\naccount: a\ncatalog: [{key: x, points: 1}]\n---\naccount: a\neffective_from: 2026-02-01T00:00:00Z\n---\naccount: b\n";
    let rules = load(text).unwrap();
    let versions = rules.account("a").unwrap();
    let at = |time: &str| versions.at(Timestamp::parse(time).unwrap()).map(|rulebook| rulebook.version);
    assert_eq!((at("2026-01-31T23:59:59Z"), at("2026-02-01T00:00:00Z")), (Some(1), Some(2)));
    assert!(rules.account("c").is_none() && rules.account("b").is_some());
    assert!(load("# nothing\n").unwrap().accounts().next().is_none());
}

#[test]
fn all_errors_are_told_at_once() {
    let text = "\
account: acme
timezone: America/SaoPaulo
currencyy: BRL
groups: [{key: g, name: G, colour: red}]
catalog:
  - {key: a, points: many, dedup: {policy: cooldown}, group: h}
  - {key: b, match: {when: 'data.x >'}, group: g}
  - {points: 5}
  - {key: a}
goals:
  - key: month
    metric: paid
    period: fortnight
    target: lots
    tiers: [{key: base, at: 100}, {key: super, at: 110%}]
  - {key: week, metric: xp, period: week, target: 5, after: {goal: month, tier: base}}
reps: [{id: r1, active: maybe, active: true}]
coins: {per_xp: '0'}
coins: {per_xp: '1'}
";
    assert_eq!(
        errors(text),
        [
            "2:11 \"America/SaoPaulo\" is no time zone: write one like America/Sao_Paulo",
            "3:1 unknown key `currencyy`",
            "4:28 unknown key `colour`",
            "6:22 expected a whole number, found many",
            "6:35 a cooldown needs `every`, such as 1h",
            "6:62 unknown group `h`",
            "7:28 condition \"data.x >\", column 9: Syntax error: mismatched input '<EOF>'",
            "8:5 `key` is missing",
            "9:11 key `a` is used twice",
            "13:13 unknown value `fortnight`",
            "14:13 \"lots\" is no decimal number",
            "15:29 \"100\" is no percent: write one like \"110%\"",
            "17:25 expected true or false, found maybe",
            "17:32 key `active` is written twice",
            "19:1 key `coins` is written twice",
        ]
    );
}

#[test]
fn errors_show_their_place() {
    let shown = load("account: acme\nreps: [{id: r1, teem: ação}]\n").unwrap_err().to_string();
    assert_eq!(
        shown,
        "rules.yaml:2:17: unknown key `teem`\n  |\n2 | reps: [{id: r1, teem: ação}]\n  |                 ^^^^\n  = did you mean `team`?\n1 error in the rules"
    );
    let both = RuleSet::load([("a.yaml", "account: [a]"), ("b.yaml", "reps: {}\n---\naccount: b\ngroups: 1")]).unwrap_err();
    let files: Vec<_> = both.iter().map(|error| format!("{}:{} {}", error.file(), error.line, error.message)).collect();
    assert_eq!(
        files,
        [
            "a.yaml:1 expected a text, found a list",
            "b.yaml:1 `account` is missing",
            "b.yaml:1 expected a list, found a map",
            "b.yaml:4 expected a list, found 1"
        ]
    );
}

#[test]
fn what_is_no_document_is_refused() {
    for (text, fragment) in [
        ("- a\n- b", "found a list"),
        ("just text", "expected a map of keys"),
        ("account: a\n  b: c", "mapping"),
        ("account: 'a", "quote"),
        ("account: *nowhere", "anchor"),
        ("account: a\nreps: &r [*r]", "alias"),
        ("account: a\n? [x]\n: y", "a key is a text"),
        ("account: a\ngroups: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", ""),
        ("\u{0}", ""),
        ("{\"account\": \"a\"", ""),
    ] {
        let errors = errors(text);
        assert!(errors.iter().any(|error| error.contains(fragment)), "{text}: {errors:?}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = load(&text).map_err(|errors| errors.to_string());
    }

    /// Any piece of a good file cut out, doubled, or replaced by noise is either read or refused with places in the file.
    #[test]
    fn no_mutation_panics(at in 0..CONTRACT.len(), length in 0..60usize, noise in "[\\[\\]{}:,\"'#&*!|>%@`\\-\\n\\ta0 é]{0,6}", double: bool) {
        let boundary = |mut i: usize| { i = i.min(CONTRACT.len()); while !CONTRACT.is_char_boundary(i) { i -= 1 } i };
        let (from, to) = (boundary(at), boundary(at + length));
        let kept = if double { &CONTRACT[from..to] } else { "" };
        let text = format!("{}{kept}{noise}{kept}{}", &CONTRACT[..from], &CONTRACT[to..]);
        if let Err(errors) = load(&text) {
            let lines = text.lines().count();
            prop_assert!(!errors.to_string().is_empty());
            prop_assert!(errors.iter().all(|error| error.line <= lines + 1 && error.column >= 1));
        }
    }

    #[test]
    fn no_condition_panics(source in "[a-z0-9.()\\[\\]{}<>=!&|?:,+*/%'\" -]{0,40}") {
        let _ = source.parse::<values::Condition>();
    }
}

#[test]
fn windows_are_named() {
    for (name, window) in [("day", Window::Day), ("week", Window::Week), ("all", Window::All)] {
        let rules = document(&format!("account: a\nleaderboards: [{{key: b, metric: xp, window: {name}}}]"));
        assert_eq!(rules.leaderboards[0].window, window);
    }
}
