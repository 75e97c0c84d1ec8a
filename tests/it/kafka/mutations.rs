//! The rules of the loop are broken on purpose, one after the other, on a real broker: the tests must notice. (The simulator
//! does the same, and notices more of them.)

use std::panic::{AssertUnwindSafe, catch_unwind};

use scorekeeper::runtime::failpoint::Failpoint;
use scorekeeper::runtime::worker::Mutation;

use super::answers::lost_answers;
use super::failpoints::killed_at_every_place;
use super::harness::Deployment;
use super::zombies::stopped_at;

fn notices(mutation: Mutation, test: impl Fn(&Deployment)) -> bool {
    let mut deployment = Deployment::new("tests/data/fire.yaml");
    deployment.mutation = Some(mutation);
    catch_unwind(AssertUnwindSafe(|| test(&deployment))).is_err()
}

#[test]
#[ignore = "minutes"]
fn broken_rules_are_noticed_by_kills() {
    for mutation in [Mutation::OffsetsBeforeOutputs, Mutation::SkipTakeChanges, Mutation::SkipRestore] {
        assert!(notices(mutation, |deployment| killed_at_every_place(deployment, 30_000, 1)), "{mutation:?}");
    }
}

#[test]
#[ignore = "a minute"]
fn broken_rules_are_noticed_by_zombies() {
    assert!(notices(Mutation::OutputsBeforeOffsets, |deployment| stopped_at(deployment, &[Failpoint::BeforeProduce])));
}

#[test]
#[ignore = "minutes"]
fn broken_rules_are_noticed_by_lost_answers() {
    assert!(notices(Mutation::KeepSession, lost_answers));
}
