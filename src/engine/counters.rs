//! What a task counts, for the metrics.

use crate::decode::Reason;

/// Running totals of a task since it was made; a discarded batch takes its part back. All but the last are of the contact
/// stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events taken, duplicates among them.
    pub events: u64,
    pub commands: u64,
    /// The same content again.
    pub deduplicated: u64,
    /// By [`Reason`].
    pub rejected: [u64; Reason::ALL.len()],
    /// From before their account's first rules.
    pub before_rules: u64,
    /// Of an account without rules.
    pub no_rules: u64,
    /// Sent on under the right key.
    pub rerouted: u64,
    /// Sent on to the contact that stays of a merge.
    pub redirected: u64,
    /// Events and commands of which something came too late for a final figure.
    pub late: u64,
}

impl Counters {
    pub fn reject(&mut self, reason: Reason) {
        self.rejected[reason as usize] += 1;
    }

    pub fn rejected(&self, reason: Reason) -> u64 {
        self.rejected[reason as usize]
    }

    pub fn rejected_total(&self) -> u64 {
        self.rejected.iter().sum()
    }
}
