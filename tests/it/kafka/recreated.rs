//! An input topic that is made anew, and offsets that lie beyond the end of a log.

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::json;

use super::harness::{Broker, Deployment, Process, eventually, owned};

/// Fifty points a deal, all of one contact.
const RULES: &str = "tests/data/live.yaml";

struct Deals {
    deployment: Deployment,
    sent: usize,
}

impl Deals {
    fn new() -> Deals {
        Deals { deployment: Deployment::new(RULES), sent: 0 }
    }

    fn topic(&self) -> String {
        format!("{}product-events", self.deployment.prefix)
    }

    fn send(&mut self, count: usize) {
        let event = |n| {
            json!({"specversion": "1.0", "id": format!("g{n}"), "source": "/t", "type": "deal.won", "actor": "ana",
                "time": "2026-02-02T12:00:00Z", "account": "demo", "contact": "c1", "data": {}})
            .to_string()
        };
        let events: Vec<String> = (self.sent..self.sent + count).map(event).collect();
        self.deployment.produce_events(events.iter().map(String::as_str));
        self.sent += count;
    }

    fn make_topic_anew(&self) {
        Broker::shared().tool("topics", &["--delete", "--topic", &self.topic()]);
        self.deployment.create_topics();
    }

    fn counted(&self) -> u64 {
        self.deployment.latest("lead-scores").get("demo/c1").map_or(0, |lead| lead["score"].as_u64().unwrap() / 50)
    }
}

/// The group's offsets are deleted with their topic: what the new one holds comes on top.
#[test]
fn an_input_made_anew_between_runs_is_read_from_its_beginning() {
    let mut deals = Deals::new();
    deals.send(20);
    deals.deployment.run_to_end("w");
    deals.make_topic_anew();
    deals.send(5);
    deals.deployment.run_to_end("w");
    assert_eq!(deals.counted(), 25);
}

/// Offsets of another log than this one: nothing is passed over in silence.
#[test]
fn offsets_beyond_the_end_are_refused_by_name() {
    let mut deals = Deals::new();
    deals.send(5);
    let mut list = TopicPartitionList::new();
    (0..4).for_each(|partition| list.add_partition_offset(&deals.topic(), partition, Offset::Offset(1000)).unwrap());
    deals.deployment.group("read_committed").commit(&list, CommitMode::Sync).unwrap();

    let output = deals.deployment.worker("w", &["--stop-at-end"]).0.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains(&deals.topic()) && said.contains("made anew"), "{said}");
    assert_eq!(deals.counted(), 0);

    // as the message says
    let (group, topic) = (&deals.deployment.prefix, &deals.topic());
    let broker = &deals.deployment.broker;
    let args = ["--bootstrap-server", broker, "--group", group, "--delete-offsets", "--topic", topic];
    let class = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
    Broker::shared().tool("run", &[&[class], &args[..]].concat());
    deals.deployment.run_to_end("w");
    assert_eq!(deals.counted(), 5);
}

/// A topic made anew under a worker that runs: it ends by name, or reads the new one whole.
#[test]
fn an_input_made_anew_under_a_worker_loses_nothing() {
    let mut deals = Deals::new();
    let (mut command, admin) = deals.deployment.nervous_worker("w", &[]);
    command.env("SCOREKEEPER__KAFKA__PROPERTIES__TOPIC_METADATA_REFRESH_INTERVAL_MS", "1000");
    let mut worker = Process::start(command);
    eventually("it works", || owned(&admin) == [0, 1, 2, 3]);
    deals.send(20);
    eventually("all is counted", || deals.counted() == 20);
    deals.make_topic_anew();
    deals.send(5);
    let mut code = None;
    eventually("an end, or the new records", || {
        code = worker.0.try_wait().unwrap();
        code.is_some() || deals.counted() == 25
    });
    if let Some(status) = code {
        assert_eq!(status.code(), Some(78));
        eprintln!("RECREATED: ended 78");
    }
}
