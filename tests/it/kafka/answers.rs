//! Answers of the broker that come late or never, at the two steps of a commit whose outcome then nobody knows.

use std::time::Duration;

use super::harness::{Broker, Deployment, Process, eventually, metric};
use super::invariants::{self, Watch};
use super::load::Load;
use super::proxy::{END_TXN, TXN_OFFSET_COMMIT, Trouble};

const RULES: &str = "tests/data/fire.yaml";

#[test]
fn commits_with_an_unknown_outcome_happen_once_or_not_at_all() {
    let late = Trouble::Delay(Duration::from_millis(2600));
    let troubles = [Trouble::LoseRequest, Trouble::LoseAnswer, Trouble::CutOff, late];
    let troubles: Vec<_> = [END_TXN, TXN_OFFSET_COMMIT].into_iter().flat_map(|kind| troubles.map(|t| (kind, t))).collect();
    let proxy = &Broker::shared().proxy;
    let _mine = proxy.mine();
    let (deployment, load) = (Deployment::new(RULES), Load::new(RULES, 2000 * troubles.len() as u32, 41));
    let watch = Watch::start(&deployment);
    let (mut command, admin) = deployment.nervous_worker("w", &[]);
    command.env("SCOREKEEPER__KAFKA__BOOTSTRAP_SERVERS", proxy.address());
    let worker = Process::start(command);
    for (lines, (kind, trouble)) in load.lines().chunks(2000).zip(&troubles) {
        proxy.trouble(*kind, *trouble, 2);
        deployment.produce_events(lines.iter().copied());
        eventually(&format!("{trouble:?} at {kind}"), || proxy.is_over());
        deployment.worked_off();
    }
    assert!(metric(&admin, "scorekeeper_sessions_ended_total") > 0.0, "some outcomes were unknown");
    assert_eq!(worker.terminate(), Some(0));
    deployment.run_to_end("w");
    load.check_all(&deployment);
    watch.end();
    invariants::check(&deployment);
}
