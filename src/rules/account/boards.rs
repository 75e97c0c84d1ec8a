//! Leaderboards: an index of each board in the order of its ranks.

use super::Account;
use super::metrics::Contribution;

/// Takes a contribution to the boards that rank by its metric.
pub fn take(_account: &mut Account<'_>, _contribution: &Contribution<'_>) {}

/// A period of a board is final.
pub fn close(_account: &mut Account<'_>, _board: &str, _period: &str) {}

/// Publishes a board as it stands.
pub fn publish(_account: &mut Account<'_>, _board: &str, _period: &str) {}
