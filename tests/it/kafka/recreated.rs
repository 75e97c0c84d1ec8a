//! An input topic that was made anew: the group's offsets lie beyond its end.

use serde_json::json;

use super::harness::{Broker, Deployment};

const RULES: &str = "tests/data/live.yaml";

#[test]
fn an_input_that_was_made_anew_is_refused_by_name() {
    let broker = Broker::shared();
    let deployment = Deployment::new(RULES);
    let send = |from: usize, to: usize| {
        let event = |n| {
            json!({"specversion": "1.0", "id": format!("g{n}"), "source": "/t", "type": "deal.won", "actor": "ana",
                "time": "2026-02-02T12:00:00Z", "account": "demo", "contact": "c1", "data": {}})
            .to_string()
        };
        let events: Vec<String> = (from..to).map(event).collect();
        deployment.produce_events(events.iter().map(String::as_str));
    };
    send(0, 20);
    deployment.run_to_end("w");
    let topic = format!("{}product-events", deployment.prefix);
    broker.tool("topics", &["--delete", "--topic", &topic]);
    deployment.create_topics();
    send(20, 25);

    let output = deployment.worker("w", &["--stop-at-end"]).0.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains(&topic) && said.contains("made anew"), "{said}");
    assert_eq!(deployment.latest("lead-scores")["demo/c1"]["score"], 1000, "nothing was done");

    // as the message says: then what the topic holds is worked off, on top of what was counted before
    let group = ["--bootstrap-server", &deployment.broker, "--group", &deployment.prefix, "--delete-offsets", "--topic", &topic];
    broker.tool("run", &[&["org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"], &group[..]].concat());
    deployment.run_to_end("w");
    assert_eq!(deployment.latest("lead-scores")["demo/c1"]["score"], 1250);
}
