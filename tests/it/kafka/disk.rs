//! What may become of the state on disk, which is only a cache.

use std::path::Path;
use std::process::{Command, Stdio};

use super::harness::{Deployment, Process, eventually, metric};
use super::invariants;
use super::load::Load;

const RULES: &str = "tests/data/fire.yaml";

/// A way to damage a state directory.
type Damage = fn(&Path);

fn rewrite(dir: &Path, change: impl Fn(&mut Vec<u8>)) {
    let path = dir.join("sled/db");
    let mut bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.is_empty());
    change(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
}

/// The part of a database file that holds anything.
fn used(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1
}

const DAMAGES: [(&str, Damage); 7] = [
    ("deleted", |dir| std::fs::remove_dir_all(dir).unwrap()),
    ("database deleted", |dir| std::fs::remove_dir_all(dir.join("sled")).unwrap()),
    ("cut in half", |dir| rewrite(dir, |bytes| bytes.truncate(used(bytes) / 2))),
    ("emptied", |dir| rewrite(dir, Vec::clear)),
    ("one bit here and there", |dir| {
        rewrite(dir, |bytes| (100..used(bytes)).step_by(5000).for_each(|at| bytes[at] ^= 1 << (at % 7)));
    }),
    ("one bit", |dir| {
        rewrite(dir, |bytes| {
            let at = used(bytes) * 2 / 3;
            bytes[at] ^= 4;
        });
    }),
    ("something else", |dir| rewrite(dir, |bytes| bytes.fill(0xa5))),
];

#[test]
fn damaged_state_is_restored() {
    let count = DAMAGES.len();
    let (deployment, load) = (Deployment::new(RULES), Load::new(RULES, 1000 * (count as u32 + 1), 61));
    let lines = load.lines();
    let mut parts = lines.chunks(1000);
    deployment.produce_events(parts.next().unwrap().iter().copied());
    deployment.run_to_end("w");
    for (lines, (what, damage)) in parts.zip(DAMAGES) {
        let dir = deployment.dir.path().join("w");
        assert!(!invariants::is_open(&dir), "the state would not be used anyway");
        damage(&dir);
        deployment.produce_events(lines.iter().copied());
        let summary = deployment.run_to_end("w");
        assert_eq!(summary["events"], 1000, "{what}");
    }
    load.check_all(&deployment);
    assert!(invariants::check_stores(&deployment, "w") > 100);
}

/// A file system without room, as far as that can be had without one: no file may grow beyond a size.
#[test]
fn a_full_disk_costs_time_and_nothing_else() {
    let (deployment, load) = (Deployment::new(RULES), Load::new(RULES, 20_000, 62));
    deployment.produce_events(load.lines().into_iter());
    let (worker, admin) = deployment.nervous_worker("w", &[]);
    let mut command = Command::new("bash");
    command.args(["-c", "trap '' XFSZ; ulimit -f 700; exec \"$0\" \"$@\""]).arg(worker.get_program()).args(worker.get_args());
    command.envs(worker.get_envs().filter_map(|(key, value)| Some((key, value?)))).stdout(Stdio::null());
    let mut process = Process(command.spawn().unwrap());
    // it goes on without its disk as long as it can, or ends by itself; either way it says so
    eventually("the disk is full", || {
        metric(&admin, "scorekeeper_sessions_ended_total") > 0.0 || process.0.try_wait().unwrap().is_some()
    });
    process.kill();
    deployment.run_to_end("w");
    load.check_all(&deployment);
    invariants::check(&deployment);
    assert!(invariants::check_stores(&deployment, "w") > 100);
}
