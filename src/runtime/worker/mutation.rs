//! Ways to break the loop on purpose.

use super::Context;

/// One ordering rule of the loop, broken. A service has none of these; tests show that each is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// The stores take in a batch before it is committed.
    StateBeforeCommit,
    /// Offsets are committed by themselves, before the outputs.
    OffsetsBeforeOutputs,
    /// Outputs are committed by themselves, before the offsets.
    OutputsBeforeOffsets,
    /// An aborted batch leaves its changes in the overlay.
    KeepOverlay,
    /// After an aborted batch reading goes on where it was.
    NoRewind,
    /// A commit with an unknown outcome is taken for one that was aborted.
    KeepSession,
    /// The stores do not take in what was committed.
    SkipTakeChanges,
    /// Some of the changelog is left out when partitions are taken over.
    RestoreStopsEarly,
    /// Partitions are worked on as if all of the changelog were in their stores.
    SkipRestore,
    /// A store on disk says that it is further than its rows.
    PositionAhead,
    /// The stores write a batch to disk before it is committed.
    FlushBeforeCommit,
    /// What was given up is still written for, and commits are fenced only where an offset moves.
    WorkAfterRevoke,
    /// The changelog is read up to where it is stable, although a commit of the former owner is not settled yet. (The
    /// simulator's log does it.)
    RestoreToStable,
    /// Identities are left out when partitions are taken over.
    IdentitiesNotRestored,
    /// Watermarks are committed by themselves, before the outputs of what they count.
    WatermarkBeforeOutputs,
    /// Records of a version of the rules that is not known yet become dead letters at once.
    RulesNotLookedFor,
}

impl Mutation {
    pub const ALL: [Mutation; 16] = [
        Mutation::StateBeforeCommit,
        Mutation::OffsetsBeforeOutputs,
        Mutation::OutputsBeforeOffsets,
        Mutation::KeepOverlay,
        Mutation::NoRewind,
        Mutation::KeepSession,
        Mutation::SkipTakeChanges,
        Mutation::RestoreStopsEarly,
        Mutation::SkipRestore,
        Mutation::PositionAhead,
        Mutation::FlushBeforeCommit,
        Mutation::WorkAfterRevoke,
        Mutation::RestoreToStable,
        Mutation::IdentitiesNotRestored,
        Mutation::WatermarkBeforeOutputs,
        Mutation::RulesNotLookedFor,
    ];
}

impl Mutation {
    /// For processes of tests: their environment names one. Only in builds with debug assertions.
    pub const VARIABLE: &str = "SCOREKEEPER_MUTATION";

    pub fn of_environment() -> Option<Mutation> {
        let name = std::env::var(Self::VARIABLE).ok().filter(|_| cfg!(debug_assertions))?;
        Mutation::ALL.into_iter().find(|mutation| format!("{mutation:?}") == name)
    }
}

impl Context {
    pub(super) fn is_broken_by(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }
}
