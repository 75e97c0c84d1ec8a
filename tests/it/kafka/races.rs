//! What must happen once, although workers are killed while it happens: the last piece of a prize goes to one, and a goal's
//! reward is granted once.

use std::time::{Duration, SystemTime};

use scorekeeper::events::Timestamp;
use serde_json::{Value, json};

use super::harness::{Deployment, Process, eventually, get};

const RULES: &str = "tests/data/prizes.yaml";

fn now() -> String {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp(since_1970.as_millis() as i64).to_string()
}

/// A command, with a key that decides which partition it comes in by: whoever reads it sends it on to the account.
fn command(deployment: &Deployment, key: &str, id: &str, kind: &str, data: &Value) {
    let envelope = json!({"specversion": "1.0", "id": id, "source": "/test", "type": kind, "account": "demo", "actor": "admin",
        "time": now(), "data": data});
    let bytes = serde_json::to_vec(&envelope).unwrap();
    deployment.produce("commands", [(key, bytes.as_slice())].into_iter());
}

fn start(deployment: &Deployment, name: &str) -> Process {
    let (command, admin) = deployment.worker(name, &[]);
    let process = Process::start(command);
    let is_running = || get(&admin, "/readyz?verbose").is_some_and(|(_, body)| body.contains("running"));
    eventually("the worker runs", is_running);
    process
}

#[test]
fn two_race_for_the_last_piece_while_a_worker_is_killed() {
    let deployment = Deployment::new(RULES);
    for rep in ["ana", "bruno"] {
        command(
            &deployment,
            "demo",
            &format!("coins-{rep}"),
            "coins.adjust",
            &json!({"rep": rep, "coins": 100, "reason": "start"}),
        );
    }
    deployment.run_to_end("first");
    for (round, prize) in ["mug", "pen", "cap"].into_iter().enumerate() {
        let (first, second) = (start(&deployment, "first"), start(&deployment, "second"));
        for (i, rep) in ["ana", "bruno"].into_iter().enumerate() {
            let (id, data) =
                (format!("{prize}-{rep}"), json!({"redemption": format!("x-{prize}-{rep}"), "rep": rep, "prize": prize}));
            command(&deployment, &format!("demo/{round}{i}"), &id, "redemption.request", &data);
        }
        // sooner or later after the commands: before they are read, while they are worked off, or when they are committed
        std::thread::sleep(Duration::from_millis([0, 30, 150][round]));
        let (killed, other) = if round == 1 { (second, first) } else { (first, second) };
        killed.kill();
        assert_eq!(other.terminate(), Some(0), "a clean end");
        deployment.run_to_end("first");
        deployment.run_to_end("second");

        let results = deployment.latest("command-results");
        let of = |rep: &str| results[&format!("demo/{prize}-{rep}")].clone();
        let mut statuses = ["ana", "bruno"].map(|rep| (of(rep)["status"].clone(), of(rep)["reason"].clone()));
        statuses.sort_by_key(|(status, _)| status.to_string());
        assert_eq!(statuses, [(json!("accepted"), json!(null)), (json!("rejected"), json!("out_of_stock"))], "{prize}");
    }
    // the coins: what was given, less 5 for each of three pieces
    let coins: i64 = deployment.ledger("coins").values().map(|entry| entry["coins"].as_i64().unwrap()).sum();
    assert_eq!(coins, 200 - 3 * 5);
    let held: i64 = deployment.latest("redemptions").values().map(|redemption| redemption["quantity"].as_i64().unwrap()).sum();
    assert_eq!(held, 3);
    assert_eq!(deployment.read("dead-letters"), []);
}

#[test]
fn a_goal_is_granted_once_while_workers_are_killed() {
    let deployment = Deployment::new(RULES);
    let deal = |number: usize, rep: &str| {
        let event = json!({"specversion": "1.0", "id": format!("d{number}"), "source": "/test", "type": "deal.won", "time": now(),
            "account": "demo", "contact": format!("c{number}"), "actor": rep, "data": {}});
        deployment.produce_events([event.to_string().as_str()].into_iter());
    };
    let mut number = 0;
    // the third deal of each reaches base, the sixth mega: a worker is killed sooner or later after each of these
    for (round, delay) in [0, 40, 80, 200].into_iter().enumerate() {
        let rep = ["ana", "bruno"][round % 2];
        for _ in 0..2 {
            number += 1;
            deal(number, rep);
        }
        deployment.run_to_end("w");
        let worker = start(&deployment, "w");
        number += 1;
        deal(number, rep);
        std::thread::sleep(Duration::from_millis(delay));
        worker.kill();
    }
    deployment.run_to_end("w");
    // `ledger` refuses a key that is there twice, even of a topic that will be compacted
    let grants = deployment.ledger("grants");
    assert_eq!(grants.len(), 4, "{:?}", grants.keys());
    let coins = deployment.ledger("coins");
    let of = |rep: &str| -> i64 {
        let entries = coins.values().filter(|entry| entry["rep"] == rep);
        entries.map(|entry| entry["coins"].as_i64().unwrap()).sum()
    };
    assert_eq!((of("ana"), of("bruno")), (7 + 9, 7 + 9));
    assert_eq!(deployment.read("dead-letters"), []);
}
