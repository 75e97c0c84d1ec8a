//! Ownership on a real broker: rules that change while two workers run, a large transfer and `kill -9`, and how long an
//! assignment takes.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::harness::{Deployment, Process, eventually, get, metric};

/// Rules from the topic, none of them from files.
fn follows_topic(command: &mut Command) -> &mut Command {
    command.env_remove("SCOREKEEPER__RULES__DIR").env("SCOREKEEPER__RULES__TOPIC", "true")
}

/// Publishes rules of `acme`; what the command answers.
fn publish(deployment: &Deployment, rules: &str) -> Value {
    let file = deployment.dir.path().join("rules.yaml");
    std::fs::write(&file, rules).unwrap();
    let file = file.to_str().unwrap();
    let mut command = deployment.program(&["--output-format", "json", "rules", "publish", file, "--account", "acme"]);
    let output = follows_topic(&mut command).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn start(deployment: &Deployment, name: &str) -> (Process, String) {
    let (mut command, admin) = deployment.worker(name, &[]);
    follows_topic(&mut command);
    (Process::start(command), admin)
}

fn is_ready(admin: &str) -> bool {
    get(admin, "/readyz").is_some_and(|(status, _)| status == 200)
}

/// Milliseconds of the wall clock.
fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}

/// The wall clock as events have it.
fn time() -> String {
    scorekeeper::events::Timestamp(now() as i64).to_string()
}

fn event(number: usize, kind: &str, contact: &str, data: &Value) -> String {
    json!({
        "specversion": "1.0", "id": format!("e{number}"), "source": "/t", "type": kind, "time": time(), "account": "acme",
        "contact": contact, "data": data,
    })
    .to_string()
}

fn opened(number: usize) -> String {
    event(number, "conversation.opened", &format!("c{number}"), &json!({"conversation": format!("v{number}")}))
}

#[test]
fn a_published_strategy_applies_to_new_items_on_two_workers_and_none_is_lost_or_doubled() {
    let deployment = Deployment::new("tests/data/live.yaml");
    let rules = |strategy: &str| {
        format!(
            "account: acme\nreps: [{{id: r1}}, {{id: r2}}, {{id: r3}}]\nownership: {{conversations: {{strategy: {strategy}}}}}\n"
        )
    };
    assert_eq!(publish(&deployment, &rules("round_robin"))["version"], 1);
    let (first, second) = (start(&deployment, "first"), start(&deployment, "second"));
    eventually("both workers are ready", || is_ready(&first.1) && is_ready(&second.1));
    let writer = deployment.writer("product-events");
    let mut sent = 0;
    let mut send = |until: &mut dyn FnMut() -> bool| {
        while !until() {
            writer.send(&format!("acme/c{sent}"), opened(sent).as_bytes());
            sent += 1;
            std::thread::sleep(Duration::from_millis(10));
        }
        writer.flush();
        sent
    };
    let before = send(&mut count_down(100));
    eventually("the first items are assigned", || deployment.latest("assignments").len() == before);
    let published_at = time();
    let changed = publish(&deployment, &rules("workload"));
    let from = changed["effective_from"].as_str().unwrap().to_owned();
    assert!(from > published_at);
    send(&mut || time() > from);
    let all = send(&mut count_down(100));
    eventually("every item is assigned", || deployment.latest("assignments").len() == all);

    // one record each: nothing was assigned twice
    let assignments = deployment.ledger("assignments");
    assert_eq!(assignments.len(), all);
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for assignment in assignments.values() {
        let strategy = if assignment["at"].as_str().unwrap() < from.as_str() { "round_robin" } else { "workload" };
        assert_eq!(assignment["strategy"], strategy, "{assignment}, rules change at {from}");
        *counts.entry((strategy, assignment["rep"].as_str().unwrap())).or_default() += 1;
    }
    assert_eq!(counts.len(), 6, "every rep by each strategy");
    // in the order of account-events rotations and workloads are exact, whichever worker has it
    for strategy in ["round_robin", "workload"] {
        let served: Vec<usize> = counts.iter().filter(|((by, _), _)| *by == strategy).map(|(_, count)| *count).collect();
        assert!(served.iter().max().unwrap() - served.iter().min().unwrap() <= 1, "{counts:?}");
    }
    assert!(deployment.read("dead-letters").is_empty());
}

fn count_down(mut times: u32) -> impl FnMut() -> bool {
    move || {
        let is_over = times == 0;
        times = times.saturating_sub(1);
        is_over
    }
}

#[test]
fn a_large_transfer_is_finished_after_kill_9_with_a_complete_history() {
    const CONTACTS: usize = 9_000;
    let deployment = Deployment::new("tests/data/live.yaml");
    publish(
        &deployment,
        "account: acme\nreps: [{id: r1}, {id: r2}]\nownership: {new_contacts: {strategy: default, reps: [r1]}, \
         conversations: {strategy: default, reps: [r2]}}\n",
    );
    let created: Vec<String> = (0..CONTACTS).map(|i| event(i, "contact.created", &format!("c{i}"), &json!({}))).collect();
    deployment.produce_events(created.iter().map(String::as_str));
    let (worker, admin) = start(&deployment, "w");
    let written = |admin: &str| metric(admin, "scorekeeper_records_out_total{topic=\"ownership-history\"}") as usize;
    eventually("every contact has its owner", || written(&admin) == CONTACTS);
    let command = json!({
        "specversion": "1.0", "id": "k1", "source": "/t", "type": "contacts.transfer", "time": time(), "account": "acme",
        "actor": "boss", "data": {"from": "r1", "to": "r2", "reason": "left"},
    })
    .to_string();
    deployment.produce("commands", [("acme", command.as_bytes())].into_iter());
    eventually("the transfer is under way", || written(&admin) > CONTACTS);
    worker.kill();
    let moved = |history: &BTreeMap<String, Value>| history.values().filter(|change| change["to"] == "r2").count();
    let before = moved(&deployment.ledger("ownership-history"));
    assert!((1..CONTACTS).contains(&before), "it was killed in the middle: {before}");

    let (worker, _) = start(&deployment, "w");
    // others of the account do not wait for it
    let item = opened(CONTACTS);
    deployment.produce_events([item.as_str()].into_iter());
    let key = format!("acme/conversation/v{CONTACTS}");
    eventually("a conversation is assigned", || deployment.latest("assignments").contains_key(&key));
    eventually("the transfer is finished", || moved(&deployment.latest("ownership-history")) == CONTACTS);
    let history = deployment.ledger("ownership-history");
    for contact in 0..CONTACTS {
        let versions = [("1", Value::Null, "r1"), ("2", json!("r1"), "r2")];
        for (version, from, to) in versions {
            let change = &history[&format!("acme/c{contact}/{version}")];
            assert_eq!((&change["from"], &change["to"]), (&from, &json!(to)), "{change}");
        }
    }
    let owners = deployment.latest("ownership");
    assert!((0..CONTACTS).all(|contact| owners[&format!("acme/c{contact}")]["owner"] == "r2"));
    assert!(deployment.read("dead-letters").is_empty());
    assert_eq!(worker.terminate(), Some(0));
}

/// How long from `conversation.opened` to `assignments`, as a reader of committed records sees it.
/// `cargo test --release --test it latency_of_assignments -- --ignored --nocapture`
#[test]
#[ignore = "a measurement: it says how long, and asserts nothing about it"]
fn latency_of_assignments() {
    // a broker that has just been started is slow: the first two thirds warm it up
    let (interval, count, pause) = (50, 9_000, Duration::from_millis(5));
    let rules = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    let text = "account: acme\nreps: [{id: r1}, {id: r2}, {id: r3}]\nownership: {conversations: {strategy: workload}}\n";
    std::fs::write(rules.path(), text).unwrap();
    let deployment = Deployment::new(rules.path().to_str().unwrap());
    let (mut command, admin) = deployment.worker("w", &[]);
    command.env("SCOREKEEPER__WORKER__COMMIT_INTERVAL", format!("{interval}ms"));
    let _worker = Process::start(command);
    eventually("the worker is ready", || is_ready(&admin));
    let (writer, reader) = (deployment.writer("product-events"), deployment.reader("assignments"));
    let lines: Vec<usize> = (0..count).collect();
    let latencies: Vec<u128> = std::thread::scope(|scope| {
        scope.spawn(|| {
            for &number in &lines {
                writer.send(&format!("acme/c{number}"), opened(number).as_bytes());
                std::thread::sleep(pause);
            }
            writer.flush();
        });
        let mut seen = Vec::new();
        let started = Instant::now();
        while seen.len() < count && started.elapsed() < Duration::from_secs(120) {
            if let Some(value) = reader.next(Duration::from_millis(100)) {
                let assignment: Value = serde_json::from_slice(&value).unwrap();
                let at = scorekeeper::events::Timestamp::parse(assignment["at"].as_str().unwrap()).unwrap();
                seen.push(now() - at.0 as u128);
            }
        }
        seen
    });
    assert_eq!(latencies.len(), count);
    let mut sorted = latencies[count * 2 / 3..].to_vec();
    sorted.sort_unstable();
    let at = |percent: usize| sorted[sorted.len() * percent / 100 - 1];
    let commit = metric(&admin, "scorekeeper_commit_seconds_sum") / metric(&admin, "scorekeeper_commit_seconds_count");
    println!("a commit takes {:.1} ms on average", commit * 1000.0);
    println!("commit_interval {interval} ms: p50 {} ms, p90 {} ms, p99 {} ms, max {} ms", at(50), at(90), at(99), at(100));
}
