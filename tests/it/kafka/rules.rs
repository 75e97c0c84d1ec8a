//! Rules that come while workers run; transfers that take several steps; time that passes without events.

use scorekeeper::events::{AccountRecord, StampedEvent, Timestamp};
use serde_json::{Value, json};

use super::harness::{Deployment, Process, eventually, owned};

/// The record of an event that another worker has stamped with a version.
fn stamped(id: &str, version: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let event = StampedEvent {
        account: "demo",
        contact: Some("c1"),
        actor: Some("ana"),
        source: "/t",
        id,
        kind: "deal.won",
        time: Timestamp(1_770_000_000_000),
        version,
        scored: vec![0],
        data: "{}",
        ..Default::default()
    };
    AccountRecord::Event(event).encode(&mut bytes);
    bytes
}

#[test]
fn an_event_waits_for_the_rules_it_was_stamped_with() {
    let deployment = Deployment::new("tests/data/live.yaml");
    let publish = |version: u32| {
        let document = json!({"account": "demo", "effective_from": format!("202{version}-01-01T00:00:00Z"),
            "catalog": [{"key": "deal.won", "points": 1, "xp": 10 * version}], "reps": [{"id": "ana"}]});
        deployment.produce("rules", [("demo", document.to_string().as_bytes())].into_iter());
    };
    publish(1);
    let (mut command, admin) = deployment.worker("w", &[]);
    command.env_remove("SCOREKEEPER__RULES__DIR").env("SCOREKEEPER__RULES__TOPIC", "true");
    let worker = Process::start(command);
    eventually("it works", || owned(&admin) == [0, 1, 2, 3]);
    // each version is there when its event comes, and not yet seen
    for version in 2..=5 {
        publish(version);
        let event = stamped(&format!("e{version}"), version);
        deployment.produce("account-events", [("demo", event.as_slice())].into_iter());
        let xp = || deployment.latest("rep-progress").get("demo/ana").map_or(0, |rep| rep["xp"].as_u64().unwrap());
        let expected: u64 = (2..=version).map(|version| 10 * u64::from(version)).sum();
        eventually("it is credited by its version", || xp() == expected || !deployment.read("dead-letters").is_empty());
        assert_eq!(xp(), expected);
    }
    // one that never comes does not hold the partition up for ever
    for (id, version) in [("x", 99), ("y", 99), ("e6", 5)] {
        deployment.produce("account-events", [("demo", stamped(id, version).as_slice())].into_iter());
    }
    eventually("the partition goes on", || deployment.latest("rep-progress")["demo/ana"]["xp"] == 20 + 30 + 40 + 50 + 50);
    let dead = deployment.read("dead-letters");
    let reasons: Vec<_> = dead.iter().map(|read| &read.headers["__connect.errors.exception.class.name"][..]).collect();
    assert_eq!(reasons, [b"rule_failure", b"rule_failure"]);
    assert_eq!(worker.terminate(), Some(0));
}

fn event(id: String, kind: &str, time: &str, contact: &str, data: &Value) -> String {
    json!({"specversion": "1.0", "id": id, "source": "/t", "type": kind, "time": time, "account": "acme",
        "contact": contact, "data": data})
    .to_string()
}

fn rules(deployment: &std::path::Path, text: &str) -> String {
    let file = deployment.join("rules.yaml");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

/// A transfer of more contacts than one record moves goes on to its end, though the inputs have ended.
#[test]
fn the_end_waits_for_transfers() {
    let dir = tempfile::tempdir().unwrap();
    let rules = rules(
        dir.path(),
        "account: acme\nreps: [{id: r1}, {id: r2}]\nownership: {new_contacts: {strategy: round_robin, reps: [r1]}}\n",
    );
    let deployment = Deployment::new(&rules);
    let contacts = 3500;
    let events: Vec<String> = (0..contacts)
        .map(|n| event(format!("e{n}"), "contact.created", "2026-02-02T12:00:00Z", &format!("c{n}"), &json!({})))
        .collect();
    deployment.produce_events(events.iter().map(String::as_str));
    deployment.run_to_end("w");
    let owners = || {
        let ownership = deployment.latest("ownership");
        let of = |rep: &str| ownership.values().filter(|contact| contact["owner"] == rep).count();
        (of("r1"), of("r2"))
    };
    assert_eq!(owners(), (contacts, 0));
    let command = json!({"specversion": "1.0", "id": "k", "source": "/t", "type": "contacts.transfer", "actor": "boss",
        "time": now(), "account": "acme", "data": {"from": "r1", "to": "r2", "reason": "left"}});
    deployment.produce("commands", [("acme", command.to_string().as_bytes())].into_iter());
    deployment.run_to_end("w");
    assert_eq!(owners(), (0, contacts));
}

fn now() -> String {
    chrono::DateTime::from_timestamp_millis(scorekeeper::runtime::now().0).unwrap().to_rfc3339()
}

/// A contact falls silent and nothing more comes on its partition; its worker changes meanwhile. The transfer comes all the
/// same.
#[test]
fn silence_is_noticed_without_events() {
    let dir = tempfile::tempdir().unwrap();
    let rules = rules(
        dir.path(),
        "account: acme\nreps: [{id: r1}, {id: r2}]\nownership:\n  new_contacts: {strategy: round_robin, reps: [r1]}\n  \
         transfers: [{when: inactive, for: 15s, to: {rep: r2}}]\n",
    );
    let deployment = Deployment::new(&rules);
    let (command, _) = deployment.worker("first", &[]);
    let first = Process::start(command);
    let created = event("e".to_owned(), "contact.created", &now(), "c1", &json!({}));
    deployment.produce_events([created.as_str()].into_iter());
    let owner = || deployment.latest("ownership").get("acme/c1").map(|contact| contact["owner"].clone());
    eventually("it has an owner", || owner() == Some(json!("r1")));
    first.kill();
    let (command, _) = deployment.worker("second", &[]);
    let second = Process::start(command);
    eventually("it is given to another", || owner() == Some(json!("r2")));
    assert_eq!(second.terminate(), Some(0));
    assert_eq!(deployment.ledger("ownership-history").len(), 2);
}
