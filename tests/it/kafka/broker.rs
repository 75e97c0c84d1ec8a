//! The broker is killed under load, and comes back.

use super::harness::{Broker, Deployment, Process, events_in, eventually};
use super::invariants::{self, Watch};
use super::load::Load;

const RULES: &str = "tests/data/fire.yaml";

#[test]
fn a_broker_that_is_killed_and_comes_back() {
    let broker = Broker::start();
    let (deployment, load) = (Deployment::on(&broker, RULES), Load::new(RULES, 30_000, 51));
    let watch = Watch::start(&deployment);
    let (command, admin) = deployment.nervous_worker("w", &[]);
    let worker = Process::start(command);
    for lines in load.lines().chunks(10_000) {
        deployment.produce_events(lines.iter().copied());
        let read = events_in(&[&admin]);
        eventually("work is under way", || events_in(&[&admin]) > read);
        broker.tool("kill", &[]);
        broker.up();
    }
    // by the same process
    deployment.worked_off();
    assert_eq!(worker.terminate(), Some(0));
    deployment.run_to_end("w");
    load.check_all(&deployment);
    watch.end();
    invariants::check(&deployment);
}
