//! One wrong document for each check: what is said, and on which line. And documents that look odd, but are allowed.

use crate::rulebook::RuleSet;

mod table;

/// What most cases need: line 1 to 8 of every document.
const BASE: &str = "\
account: acme
groups: [{key: g, name: G}]
teams: [{key: north}, {key: south}]
reps: [{id: r1, team: north}, {id: r2}]
metrics: [{key: m, type: t, count: true}]
badges: [{key: b, metric: m, tiers: {bronze: 1, silver: 5}}, {key: given}]
prizes: [{key: p, cost: 10}]
leaderboards: [{key: reps, metric: m, window: week}, {key: teams, metric: m, window: week, of: team}]
";

fn check(text: &str) -> Vec<(usize, String)> {
    let errors = match RuleSet::load([("rules.yaml", text)]) {
        Ok(_) => return Vec::new(),
        Err(errors) => errors,
    };
    errors.iter().map(|error| (error.line, error.message.clone())).collect()
}

#[test]
fn what_cannot_work_is_refused() {
    for (rest, line, fragment) in table::REFUSED {
        let errors = check(&format!("{BASE}{rest}"));
        let [(found, message)] = errors.as_slice() else { panic!("one error wanted\n{rest}\n{errors:#?}") };
        assert!(found == line && message.contains(fragment), "{rest}\nwanted {line} {fragment}\nfound {found} {message}");
    }
}

#[test]
fn what_the_contract_allows_is_accepted() {
    for rest in table::ACCEPTED {
        assert_eq!(check(&format!("{BASE}{rest}")), [], "{rest}");
    }
}

#[test]
fn versions_agree_with_each_other() {
    for (text, line, fragment) in table::VERSIONS {
        let errors = check(text);
        assert!(errors.iter().any(|(found, message)| found == line && message.contains(fragment)), "{text}\n{errors:#?}");
    }
    assert_eq!(check("account: a\n---\naccount: a\neffective_from: 2026-01-01T00:00:00Z\n---\naccount: b\ncurrency: BRL"), []);
}

#[test]
fn a_catalog_has_an_end() {
    let catalog = |entries: usize| {
        let entries: String = (0..entries).map(|i| format!("- {{key: k{i}}}\n")).collect();
        check(&format!("account: a\ncatalog:\n{entries}"))
    };
    assert_eq!(catalog(65_535), []);
    assert_eq!(catalog(65_536), [(2, "a catalog has at most 65535 entries".to_owned())]);
}

#[test]
fn what_was_wrong_is_not_reported_again_where_it_is_named() {
    let text = "account: a\nmetrics: [{key: m, type: 1, sum: amount}]\ngoals:\n- {key: g, metric: m, period: day, target: x, tiers: [{key: base, at: 1}]}\n\
                - {key: h, metric: m, period: day, target: 1, after: {goal: g, tier: base}}";
    let lines: Vec<usize> = check(text).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [2, 4, 4]);
}
