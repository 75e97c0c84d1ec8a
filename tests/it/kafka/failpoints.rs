//! `kill -9` at every place where it could matter.

use std::os::unix::process::ExitStatusExt;

use scorekeeper::runtime::failpoint::{Failpoint, VARIABLE};

use super::harness::{Deployment, Process};
use super::invariants::{self, Watch};
use super::load::Load;

const RULES: &str = "tests/data/fire.yaml";

/// Over one load a worker is killed at each place in turn, `rounds` times, and at the end nothing shows of it. Now and then
/// another worker takes over, to whom the open transaction is a stranger's.
pub fn killed_at_every_place(deployment: &Deployment, events: u32, rounds: usize) {
    let load = Load::new(RULES, events, 21);
    deployment.produce_events(load.lines().into_iter());
    let watch = Watch::start(deployment);
    for round in 0..rounds {
        for (i, point) in Failpoint::ALL.into_iter().enumerate() {
            let passes = match point {
                Failpoint::AmidRestore => 50,
                Failpoint::BeforeFlush | Failpoint::AmidFlush | Failpoint::AfterFlush => 4,
                _ => 10 + (round + i) % 2,
            };
            let name = if (round * Failpoint::ALL.len() + i) % 4 == 3 { "b" } else { "a" };
            let (mut command, _) = deployment.nervous_worker(name, &[]);
            command.env("SCOREKEEPER__WORKER__COMMIT_MAX_EVENTS", "50");
            command.env(VARIABLE, format!("{}/{passes}/KILL", point.name()));
            let status = Process::start(command).end(&format!("killed at {}", point.name()));
            assert_eq!(status.signal(), Some(9), "{}", point.name());
        }
    }
    assert!(deployment.read("timeline").len() < load.latest("timeline").len(), "there was work left at the last kill");
    deployment.run_to_end("a");
    load.check_all(deployment);
    watch.end();
    invariants::check(deployment);
    assert!(invariants::check_stores(deployment, "a") > 100);
}

#[test]
fn killed_at_every_place_once() {
    killed_at_every_place(&Deployment::new(RULES), 30_000, 1);
}

#[test]
#[ignore = "minutes"]
fn killed_at_every_place_again_and_again() {
    killed_at_every_place(&Deployment::new(RULES), 120_000, 5);
}
