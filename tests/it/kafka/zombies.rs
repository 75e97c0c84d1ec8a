//! A worker that stands still for longer than its session and its transaction last, and then goes on as if nothing were.

use scorekeeper::runtime::failpoint::{Failpoint, VARIABLE};

use super::harness::{Deployment, Process, events_in, eventually, metric, owned};
use super::invariants::{self, Watch};
use super::load::Load;

const RULES: &str = "tests/data/fire.yaml";

/// The worker is stopped at each place in turn, another takes over, and the first is woken up.
fn stopped_at(points: &[Failpoint]) {
    let (deployment, load) = (Deployment::new(RULES), Load::new(RULES, 5000 * points.len() as u32, 31));
    let watch = Watch::start(&deployment);
    for (lines, point) in load.lines().chunks(5000).zip(points) {
        deployment.produce_events(lines.iter().copied());
        let (mut command, zombie_admin) = deployment.nervous_worker("zombie", &[]);
        command.env(VARIABLE, format!("{}/4/STOP", point.name()));
        let zombie = Process::start(command);
        eventually("it stands still", || zombie.is_stopped());
        let (command, heir_admin) = deployment.nervous_worker("heir", &[]);
        let heir = Process::start(command);
        eventually("the other has taken over", || owned(&heir_admin) == [0, 1, 2, 3] && events_in(&[&heir_admin]) > 0.0);
        let before = metric(&heir_admin, "scorekeeper_commits_total");
        eventually("and works", || metric(&heir_admin, "scorekeeper_commits_total") > before);
        zombie.signal("CONT");
        eventually("the first is back in the group", || !owned(&zombie_admin).is_empty() && !owned(&heir_admin).is_empty());
        // what it had begun is not committed: the session ended, the batch was aborted, or it was told to drop it
        assert_eq!(zombie.terminate(), Some(0), "{point:?}");
        assert_eq!(heir.terminate(), Some(0), "{point:?}");
    }
    deployment.run_to_end("last");
    load.check_all(&deployment);
    watch.end();
    invariants::check(&deployment);
}

#[test]
fn a_zombie_in_a_transaction_is_fenced() {
    stopped_at(&[Failpoint::AfterProduce, Failpoint::BeforeCommit]);
}

#[test]
#[ignore = "a minute"]
fn a_zombie_is_fenced_wherever_it_stood() {
    stopped_at(&[
        Failpoint::BeforeProduce,
        Failpoint::AmidProduce,
        Failpoint::AfterProduce,
        Failpoint::BeforeCommit,
        Failpoint::AfterCommit,
        Failpoint::AmidTakeIn,
        Failpoint::BeforeFlush,
        Failpoint::AfterFlush,
    ]);
}
