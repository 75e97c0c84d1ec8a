//! Contests: upcoming, running, final; prizes by places.

use super::Account;
use super::metrics::Contribution;
use crate::rulebook::Rulebook;

/// Schedules the contests that a version of the rules brings in.
pub fn introduce(_account: &mut Account<'_>, _book: &Rulebook) {}

/// Takes a contribution to the contests that rank by its metric.
pub fn take(_account: &mut Account<'_>, _contribution: &Contribution<'_>) {}

/// A contest starts.
pub fn start(_account: &mut Account<'_>, _contest: &str) {}

/// A contest is final: its prizes are granted.
pub fn close(_account: &mut Account<'_>, _contest: &str) {}

/// Publishes a contest as it stands.
pub fn publish(_account: &mut Account<'_>, _contest: &str) {}
