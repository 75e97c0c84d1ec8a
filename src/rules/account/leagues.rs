//! Leagues: each ranks its own members; at every close the best move up and the last move down.

use super::Account;
use super::metrics::Contribution;
use crate::rulebook::Rulebook;

/// Schedules the closes that a version of the rules brings in.
pub fn introduce(_account: &mut Account<'_>, _book: &Rulebook) {}

/// Takes a contribution to the leagues if they rank by its metric.
pub fn take(_account: &mut Account<'_>, _contribution: &Contribution<'_>) {}

/// A window is final: reps move.
pub fn close(_account: &mut Account<'_>, _period: &str) {}
