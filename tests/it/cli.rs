//! The program as a user runs it: files in, files and exit codes out.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const RULES: &str = "
account: acme
catalog: [{key: form.submitted, name: Form, points: 10}]
reps: [{id: r1, name: Ana}]
metrics: [{key: paid, type: payment.confirmed, sum: data.amount}]
";

fn scorekeeper(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scorekeeper")).args(arguments).current_dir(folder).output().unwrap()
}

fn in_folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn event(id: &str, rest: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"/t","type":"form.submitted","time":"2026-03-03T12:00:00Z","account":"acme"{rest}}}"#
    )
}

#[test]
fn bad_input_among_good_is_dead_lettered_and_nothing_stops() {
    let large = event("large", &format!(r#","contact":"c1","data":{{"x":"{}"}}"#, "x".repeat(2 << 20)));
    let payment = |id: &str, data: &str| {
        event(id, &format!(r#","contact":"c1","data":{data}"#)).replace("form.submitted", "payment.confirmed")
    };
    let cases: Vec<(Vec<u8>, Option<&str>)> = vec![
        (event("e1", r#","contact":"c1""#).into_bytes(), None),
        (b"{\"specversion\":\"1.0\"".to_vec(), Some("malformed_json")),
        (b"\xff\xfe\x00binary\x01noise".to_vec(), Some("malformed_json")),
        (b"[1,2,3]".to_vec(), Some("not_an_event")),
        (br#"{"hello":"world"}"#.to_vec(), Some("not_an_event")),
        (
            br#"{"specversion":"1.0","id":"x","type":"form.submitted","time":"2026-03-03T12:00:00Z","account":"acme"}"#.to_vec(),
            Some("missing_attribute"),
        ),
        (event("e2", "").replace("2026-03-03T12:00:00Z", "yesterday").into_bytes(), Some("invalid_time")),
        (event("e3", "").replace("2026-03-03T12:00:00Z", "2026-03-03T12:00:60Z").into_bytes(), Some("invalid_time")),
        (large.into_bytes(), Some("too_large")),
        (payment("p1", r#"{"amount":"lots"}"#).into_bytes(), Some("invalid_amount")),
        (payment("p2", r#"{"amount":"-1.00"}"#).into_bytes(), Some("invalid_amount")),
        (payment("p3", r#"{"amount":"1.00","currency":"EUR"}"#).into_bytes(), Some("currency_mismatch")),
        (event("e1", r#","contact":"c1","data":{"other":true}"#).into_bytes(), Some("conflicting_duplicate")),
        (event("e4", r#","contact":"c1""#).into_bytes(), None),
    ];
    let input: Vec<u8> = cases.iter().flat_map(|(line, _)| [line.as_slice(), b"\n"].concat()).collect();
    let folder = in_folder(&[("rules.yaml", RULES.as_bytes()), ("events.jsonl", &input)]);
    let output = scorekeeper(&["score", "--rules", "rules.yaml", "--events", "events.jsonl", "--output", "out"], folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    let dead = lines(&folder.path().join("out/dead-letters.jsonl"));
    let rejected: Vec<&(Vec<u8>, Option<&str>)> = cases.iter().filter(|(_, reason)| reason.is_some()).collect();
    assert_eq!(dead.len(), rejected.len(), "{dead:?}");
    for (letter, (line, reason)) in dead.iter().zip(rejected) {
        assert_eq!(letter["headers"]["__connect.errors.exception.class.name"].as_str(), *reason, "{letter}");
        let original = match &letter["value"] {
            Value::String(text) => text.clone(),
            json => serde_json::to_string(json).unwrap(),
        };
        if let Ok(parsed) = serde_json::from_slice::<Value>(line) {
            assert_eq!(serde_json::from_str::<Value>(&original).unwrap(), parsed);
        } else {
            assert_eq!(original, String::from_utf8_lossy(line));
        }
    }
    let scores = lines(&folder.path().join("out/lead-scores.jsonl"));
    assert_eq!(scores.last().unwrap()["value"]["score"], 20);
}

#[test]
fn wrong_rules_are_shown_all_at_once_with_their_places() {
    let wrong = "account: acme\ngroups: [{key: a, name: A}]\ncatalog:\n  - {key: deal.won, group: nowhere}\n  - {key: x, pionts: 5}\ntimezone: Mars/Olympus\n";
    let folder = in_folder(&[("wrong.yaml", wrong.as_bytes()), ("events.jsonl", b"")]);
    let checked = scorekeeper(&["check", "wrong.yaml"], folder.path());
    assert_eq!(checked.status.code(), Some(1));
    let text = stderr(&checked);
    for (fragment, place) in [("nowhere", "wrong.yaml:4"), ("pionts", "wrong.yaml:5"), ("Mars/Olympus", "wrong.yaml:6")] {
        assert!(text.contains(fragment) && text.contains(place), "{fragment} at {place} in:\n{text}");
    }
    {
        let arguments = &["score", "--rules", "wrong.yaml", "--events", "events.jsonl"][..];
        let output = scorekeeper(arguments, folder.path());
        assert_eq!(output.status.code(), Some(78), "{}", stderr(&output));
        assert!(stderr(&output).contains("wrong.yaml"));
    }
}

#[test]
fn exit_codes_are_those_of_sysexits() {
    let folder = in_folder(&[("rules.yaml", RULES.as_bytes())]);
    for (arguments, code) in [
        (&["check", "rules.yaml"][..], 0),
        (&["check", "missing.yaml"], 1),
        (&["score", "--rules", "rules.yaml", "--events", "missing.jsonl"], 65),
        (&["score", "--rules", "missing.yaml", "--events", "missing.jsonl"], 78),
        (&["score", "--nonsense"], 64),
        (&["frobnicate"], 64),
        (&["--help"], 0),
        (&["schema", "rules"], 0),
        (&["completions", "bash"], 0),
        (&["packs", "list"], 0),
        (&["packs", "show", "bakery"], 64),
        (&["packs", "init", "retail"], 0),
        (&["packs", "init", "retail"], 73),
        (&["score", "--rules", "retail.yaml", "--events", "retail.events.jsonl"], 0),
    ] {
        let output = scorekeeper(arguments, folder.path());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn every_command_has_an_example_in_its_help() {
    let folder = tempfile::tempdir().unwrap();
    let help = stdout(&scorekeeper(&["--help"], folder.path()));
    let commands =
        help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1).take_while(|line| line.starts_with("  "));
    let names: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(names.len() > 5);
    for name in names {
        let help = stdout(&scorekeeper(&[name, "--help"], folder.path()));
        let subcommands = help.contains("\nCommands:");
        assert!(subcommands || help.contains("Example"), "{name}:\n{help}");
    }
}

#[test]
fn events_come_from_standard_input_and_a_summary_goes_out() {
    let folder = in_folder(&[("rules.yaml", RULES.as_bytes())]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_scorekeeper"))
        .args(["--output-format", "json", "score", "--rules", "rules.yaml", "--events", "-"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", event("e1", r#","contact":"c1""#)).unwrap();
    let output = child.wait_with_output().unwrap();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["contacts"], &summary["sum_of_scores"]), (&1.into(), &10.into()));
}

#[test]
fn generated_events_are_the_same_for_a_seed_and_all_of_them_count() {
    let folder = tempfile::tempdir().unwrap();
    let generate = |seed: &str| stdout(&scorekeeper(&["generate", "--events", "3000", "--seed", seed], folder.path()));
    let events = generate("7");
    assert_eq!(events, generate("7"));
    assert_ne!(events, generate("8"));
    std::fs::write(folder.path().join("events.jsonl"), &events).unwrap();
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo/rules.yaml");
    let arguments = ["score", "--rules", rules.to_str().unwrap(), "--events", "events.jsonl", "--output", "out"];
    let output = scorekeeper(&arguments, folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(lines(&folder.path().join("out/dead-letters.jsonl")), Vec::<Value>::new());
    for topic in [
        "lead-scores",
        "timeline",
        "segments",
        "xp",
        "rep-progress",
        "leaderboards",
        "goals",
        "grants",
        "statements",
        "assignments",
        "ownership",
    ] {
        assert!(!lines(&folder.path().join(format!("out/{topic}.jsonl"))).is_empty(), "{topic}");
    }
}

#[test]
fn rule_tests_pass_or_show_what_is_different() {
    let test = "rules: {account: acme, catalog: [{key: deal.won, points: 50}]}\ngiven: [{t: deal.won, c: c1, at: \"2026-03-03T12:00:00Z\"}]\nexpect: [{final: lead-scores, key: acme/c1, has: {score: POINTS}}]\n";
    let folder = in_folder(&[
        ("good.test.yaml", test.replace("POINTS", "50").as_bytes()),
        ("bad.test.yaml", test.replace("POINTS", "51").as_bytes()),
    ]);
    let good = scorekeeper(&["test", "good.test.yaml"], folder.path());
    assert_eq!((good.status.code(), stdout(&good).trim()), (Some(0), "1 passed, 0 failed"), "{}", stderr(&good));
    let bad = scorekeeper(&["test", "."], folder.path());
    assert_eq!(bad.status.code(), Some(1));
    assert!(stdout(&bad).contains("\"score\":50") && stdout(&bad).contains("1 passed, 1 failed"), "{}", stdout(&bad));
}

#[test]
fn simulates_commissions_of_two_plans() {
    let plan = |rate: &str| {
        format!(
            "account: acme\ncurrency: BRL\nreps: [{{id: r1}}]\ncommissions:\n  - {{key: ae, bands: [{{from: 0, rate: \"{rate}\"}}], \
             clawback: {{events: [payment.refunded], within: 90d}}}}\n"
        )
    };
    let sales = "time,amount,type,payment\n2026-03-01T12:00:00Z,1000.00,,p1\n2026-03-02T12:00:00Z,250.00,payment.refunded,p1\n";
    let (five, eight) = (plan("5%"), plan("8%"));
    let files = [("five.yaml", five.as_bytes()), ("eight.yaml", eight.as_bytes()), ("sales.csv", sales.as_bytes())];
    let folder = in_folder(&files);
    let simulate = ["simulate", "commissions", "--plan", "ae", "--rules", "five.yaml", "--sales", "sales.csv", "--rep"];
    let with = |more: &[&str]| scorekeeper(&[&simulate[..], more].concat(), folder.path());

    let shown: Value =
        serde_json::from_str(&stdout(&with(&["r1", "--compare", "eight.yaml", "--output-format", "json"]))).unwrap();
    assert_eq!(shown["simulation"]["totals"]["total"], "37.50");
    assert_eq!((&shown["compare"]["totals"]["total"], &shown["difference"]), (&"60.00".into(), &"22.50".into()));
    let table = stdout(&with(&["r1"]));
    assert!(table.contains("1,000.00 at 5 %") && table.contains("clawback") && table.contains("37.50"), "{table}");
    let unknown = with(&["nobody"]);
    assert_eq!((unknown.status.code(), stderr(&unknown).trim()), (Some(65), "no rep \"nobody\" in these rules"));
}
