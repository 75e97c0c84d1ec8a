//! Whole runs: whatever happens on the way, the outputs are those of an undisturbed `score`.

use std::process::Command;

use serde_json::{Value, json};

use super::harness::{Deployment, Process, events_in, eventually, owned};
use super::invariants::{self, Watch};
use super::load::Load;

const RULES: &str = "tests/data/live.yaml";

#[test]
fn a_plain_run_equals_score() {
    let (deployment, expected) = (Deployment::new(RULES), Load::new(RULES, 10_000, 1));
    deployment.produce_events(expected.lines().into_iter());
    let summary = deployment.run_to_end("w");
    assert_eq!(summary["events"], 10_000);
    expected.check(&deployment);
    // again: nothing is left to do, and nothing changes
    assert_eq!(deployment.run_to_end("w")["events"], 0);
    expected.check(&deployment);
}

#[test]
fn kills_in_the_middle_change_nothing() {
    let (deployment, expected) = (Deployment::new(RULES), Load::new(RULES, 200_000, 2));
    deployment.produce_events(expected.lines().into_iter());
    for read in [20_000.0, 30_000.0] {
        let (command, admin) = deployment.worker("w", &[]);
        let process = Process::start(command);
        eventually("work is under way", || events_in(&[&admin]) > read);
        process.kill();
    }
    deployment.run_to_end("w");
    expected.check(&deployment);
}

#[test]
fn state_is_restored_from_the_changelog() {
    let (deployment, expected) = (Deployment::new(RULES), Load::new(RULES, 10_000, 3));
    let lines = expected.lines();
    for (part, lines) in lines.chunks(3334).enumerate() {
        deployment.produce_events(lines.iter().copied());
        if part == 1 {
            std::fs::remove_dir_all(deployment.dir.path().join("w")).unwrap();
        }
        // the last part is done by a worker that has never been here, and gets everything from the changelog
        deployment.run_to_end(if part == 2 { "other" } else { "w" });
    }
    expected.check(&deployment);
}

#[test]
fn workers_come_and_go() {
    let (deployment, expected) = (Deployment::new(RULES), Load::new(RULES, 40_000, 4));
    let watch = Watch::start(&deployment);
    let parts: Vec<Vec<&str>> = expected.lines().chunks(10_000).map(<[&str]>::to_vec).collect();
    let worker = |name: &str| {
        let (mut command, admin) = deployment.nervous_worker(name, &[]);
        command.env("SCOREKEEPER__WORKER__THREADS", "1");
        (Process::start(command), admin)
    };
    let (first, first_admin) = worker("first");
    deployment.produce_events(parts[0].iter().copied());
    eventually("the first has begun", || events_in(&[&first_admin]) > 0.0);
    let others = ["second", "third"].map(worker);
    eventually("all three have partitions", || {
        !owned(&first_admin).is_empty() && others.iter().all(|(_, admin)| !owned(admin).is_empty())
    });
    deployment.produce_events(parts[1].iter().copied());
    eventually("all have worked", || others.iter().all(|(_, admin)| events_in(&[admin]) > 0.0));
    assert_eq!(first.terminate(), Some(0), "a clean end");
    deployment.produce_events(parts[2].iter().copied());
    let [(second, second_admin), (third, _)] = others;
    third.kill();
    eventually("the second has everything", || owned(&second_admin) == [0, 1, 2, 3]);
    deployment.produce_events(parts[3].iter().copied());
    assert_eq!(second.terminate(), Some(0), "a clean end");
    deployment.run_to_end("fourth");
    expected.check(&deployment);
    watch.end();
    invariants::check(&deployment);
}

#[test]
fn bad_input_becomes_dead_letters_and_stops_nothing() {
    let deployment = Deployment::new(RULES);
    let event = |id: &str, more: Value| {
        let mut event = json!({"specversion": "1.0", "id": id, "source": "/t", "type": "page.viewed",
            "time": "2026-11-02T12:00:00Z", "account": "demo", "contact": "c1", "data": {"path": "/docs"}});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::to_vec(&event).unwrap()
    };
    let large = "x".repeat(2 << 20);
    let bad: Vec<(&str, Vec<u8>)> = vec![
        ("malformed_json", b"{\"specversion\": ".to_vec()),
        ("malformed_json", vec![0xff, 0xfe, 0, 1]),
        ("not_an_event", b"[1, 2]".to_vec()),
        ("missing_attribute", event("m", json!({"type": null}))),
        ("invalid_time", event("t", json!({"time": "yesterday"}))),
        ("from_future", event("f", json!({"time": "2126-01-01T00:00:00Z"}))),
        ("too_large", event("l", json!({"data": {"path": large}}))),
        ("conflicting_duplicate", event("g0", json!({"data": {"path": "/other"}}))),
    ];
    let good: Vec<Vec<u8>> = (0..bad.len() + 1).map(|n| event(&format!("g{n}"), json!({}))).collect();
    let mut all = vec![&good[0]];
    for (good, (_, bad)) in good[1..].iter().zip(&bad) {
        all.extend([bad, good]);
    }
    deployment.produce("product-events", all.into_iter().map(|value| ("demo/c1", value.as_slice())));
    deployment.run_to_end("w");

    let scores = deployment.latest("lead-scores");
    assert_eq!(scores["demo/c1"]["score"], good.len(), "every good one counts");
    let dead: Vec<(String, Vec<u8>)> = deployment
        .read("dead-letters")
        .into_iter()
        .map(|read| {
            assert_eq!(
                (read.key.as_str(), read.headers["__connect.errors.topic"].as_slice()),
                ("demo/c1", &b"product-events"[..])
            );
            let reason = read.headers["__connect.errors.exception.class.name"].clone();
            (String::from_utf8(reason).unwrap(), read.value.unwrap())
        })
        .collect();
    assert_eq!(dead, bad.into_iter().map(|(reason, value)| (reason.to_owned(), value)).collect::<Vec<_>>());
}

#[test]
fn wrong_rules_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wrong.yaml");
    std::fs::write(&file, "account: demo\ncatalog: [{key: a, points: many}]\n").unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_scorekeeper")).arg("run").env("SCOREKEEPER__RULES__DIR", &file).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&output.stderr).contains("wrong.yaml"));
}

#[test]
fn topics_are_compared_and_a_changed_count_is_refused() {
    let deployment = Deployment::new(RULES);
    let topics = |args: &[&str]| {
        let output = deployment.program(&[&["topics"], args, &["--replication-factor", "1"]].concat()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    };
    assert_eq!(topics(&["check", "--partitions", "4"]).0, Some(0));
    let (code, text) = topics(&["check", "--partitions", "8"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("it has 4 partitions, not 8"), "{text}");
    assert_eq!(topics(&["apply", "--partitions", "8"]).0, Some(78));
}
