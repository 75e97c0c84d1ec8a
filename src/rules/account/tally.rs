//! Tallies: a subject's value of a metric over a period, and when it was reached.

use serde::{Deserialize, Serialize};

use super::Account;
use crate::events::{Amount, Timestamp, keys};
use crate::state::{Row, Table};

/// A subject's value over a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub value: Amount,
    /// The greatest event time among the contributions that made the value.
    pub reached_at: Timestamp,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally { value: Amount::ZERO, reached_at: Timestamp::MIN }
    }
}

impl Row for Tally {
    const TABLE: Table = Table::Tally;
}

/// The key of a subject's tally within a scope: a ranking, or a badge and its period.
pub fn key(scope: &str, subject: &str) -> String {
    let mut key = String::with_capacity(scope.len() + subject.len() + 1);
    key.push_str(scope);
    key.push('/');
    keys::push_component(&mut key, subject);
    key
}

/// Adds a contribution; gives the tally before and after. A reversal is a negative value at its own time.
pub fn add(account: &mut Account<'_>, scope: &str, subject: &str, value: Amount, at: Timestamp) -> (Tally, Tally) {
    let tally = account.state.entry::<Tally>(&key(scope, subject), Tally::default);
    let before = *tally;
    tally.value += value;
    tally.reached_at = tally.reached_at.max(at);
    (before, *tally)
}

/// Deletes all tallies of a scope.
pub fn clear(account: &mut Account<'_>, scope: &str) {
    for (key, _) in account.state.scan::<Tally>(&format!("{scope}/"), usize::MAX) {
        account.state.delete::<Tally>(&key);
    }
}
