//! Goals over goals: tiers, accelerators, chains, collective rewards.

use std::collections::BTreeSet;

use super::metrics::Contribution;
use super::{Account, Cause};

/// Takes a contribution to the goals that measure by its metric.
pub fn take(_account: &mut Account<'_>, _contribution: &Contribution<'_>) {}

/// Grants what the touched goals (goal, period, subject) have reached: tiers, then steps, then collective shares.
pub fn settle(_account: &mut Account<'_>, _touched: &BTreeSet<(String, String, String)>, _cause: &Cause<'_>) {}

/// A period of a goal is final.
pub fn close(_account: &mut Account<'_>, _goal: &str, _period: &str, _subject: &str) {}

/// Publishes a goal as it stands.
pub fn publish(_account: &mut Account<'_>, _goal: &str, _period: &str, _subject: &str) {}
