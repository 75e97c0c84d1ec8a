//! Processes among others, and how they end.

use std::fs::File;
use std::process::Command;

use super::harness::{Broker, Deployment, Process, events_in, eventually, metric, owned};
use super::load::Load;
use super::proxy::{END_TXN, Trouble};

const RULES: &str = "tests/data/live.yaml";

/// A worker whose commits never end, since the broker's answers are lost.
fn stuck(deployment: &Deployment, shutdown_timeout: &str) -> Process {
    let proxy = &Broker::shared().proxy;
    let (mut command, _) = deployment.worker("stuck", &[]);
    command
        .env("SCOREKEEPER__KAFKA__BOOTSTRAP_SERVERS", proxy.address())
        .env("SCOREKEEPER__KAFKA__PROPERTIES__TRANSACTION_TIMEOUT_MS", "600000")
        .env("SCOREKEEPER__WORKER__SHUTDOWN_TIMEOUT", shutdown_timeout);
    proxy.trouble(END_TXN, Trouble::LoseAnswer, 1000);
    let process = Process::start(command);
    eventually("a commit is under way", || proxy.struck() > 0);
    process
}

#[test]
fn a_second_signal_and_the_limit_end_what_hangs() {
    let proxy = &Broker::shared().proxy;
    let _mine = proxy.mine();
    let (deployment, load) = (Deployment::new(RULES), Load::new(RULES, 2000, 71));
    deployment.produce_events(load.lines().into_iter());

    let mut process = stuck(&deployment, "10m");
    process.signal("TERM");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(process.0.try_wait().unwrap().is_none(), "it waits for its commit");
    process.signal("TERM");
    assert_eq!(process.end("the second signal").code(), Some(130));

    let mut process = stuck(&deployment, "1s");
    process.signal("TERM");
    assert_eq!(process.end("the limit").code(), Some(1));

    proxy.trouble(END_TXN, Trouble::LoseAnswer, 0);
    deployment.run_to_end("w");
    load.check(&deployment);
}

#[test]
fn a_static_member_that_comes_back_keeps_its_partitions() {
    let (deployment, load) = (Deployment::new(RULES), Load::new(RULES, 2000, 72));
    let worker = |name: &str| {
        let (mut command, admin) = deployment.worker(name, &[]);
        command.env("SCOREKEEPER__KAFKA__PROPERTIES__SESSION_TIMEOUT_MS", "20000");
        let log = deployment.dir.path().join(format!("{name}.log"));
        command.env("SCOREKEEPER__TELEMETRY__LOG_LEVEL", "info").stderr(File::create(&log).unwrap());
        let taken = move || std::fs::read_to_string(&log).unwrap().matches("are taken over").count();
        (Process::start(command), admin, taken)
    };
    let (a, a_admin, _) = worker("a");
    let (b, b_admin, taken) = worker("b");
    let shared = || (owned(&a_admin), owned(&b_admin));
    eventually("both have partitions", || shared().0.len() == 2 && shared().1.len() == 2);
    let (before, times) = (shared(), taken());
    a.kill();
    deployment.produce_events(load.lines().into_iter());
    let (a, again, _) = worker("a");
    eventually("it is back", || owned(&again).len() == 2);
    deployment.worked_off();
    assert_eq!((owned(&again), owned(&b_admin)), before);
    assert_eq!(taken(), times, "the other was left alone");
    load.check(&deployment);
    assert_eq!((a.terminate(), b.terminate()), (Some(0), Some(0)));
}

/// Without any identity in the settings, two workers on one host leave each other alone.
#[test]
fn workers_of_one_host_do_not_fence_each_other() {
    let (deployment, load) = (Deployment::new(RULES), Load::new(RULES, 20_000, 73));
    let worker = |name: &str| {
        let (mut command, admin) = deployment.nervous_worker(name, &[]);
        anonymous(&mut command);
        (Process::start(command), admin)
    };
    let workers = ["a", "b"].map(worker);
    eventually("both have partitions", || workers.iter().all(|(_, admin)| !owned(admin).is_empty()));
    let ended = || workers.iter().map(|(_, admin)| metric(admin, "scorekeeper_sessions_ended_total")).sum::<f64>();
    let admins = workers.each_ref().map(|(_, admin)| admin.as_str());
    deployment.produce_events(load.lines().into_iter());
    deployment.worked_off();
    assert_eq!(ended(), 0.0);
    assert!(admins.iter().all(|admin| events_in(&[admin]) > 0.0));
    for (worker, _) in workers {
        assert_eq!(worker.terminate(), Some(0));
    }
    load.check(&deployment);
}

fn anonymous(command: &mut Command) {
    command.env_remove("SCOREKEEPER__KAFKA__GROUP_INSTANCE_ID").env_remove("SCOREKEEPER__KAFKA__TRANSACTIONAL_ID_PREFIX");
}
