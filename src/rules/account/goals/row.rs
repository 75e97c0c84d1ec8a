//! What is kept of a goal, for one period and subject.

use serde::{Deserialize, Serialize};

use super::super::Account;
use crate::events::{Amount, Span, Timestamp, keys};
use crate::rulebook::{Goal, Rulebook};
use crate::state::{Row, Table};

/// A goal of one subject in one period, by `account/goal/period/subject`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoalRow {
    /// The version of the rules that the period keeps.
    pub version: u32,
    pub span: Span,
    pub value: Amount,
    /// The tiers reached, by key, in the order in which they were reached.
    pub reached: Vec<(String, Timestamp)>,
    /// Accelerator steps granted.
    pub steps: u32,
    /// For a chained goal: whether the goal before it was still to be reached when last looked at, …
    pub locked: bool,
    /// … and the time that was looked at.
    pub looked_at: Timestamp,
    pub is_final: bool,
}

impl Row for GoalRow {
    const TABLE: Table = Table::Goal;
}

impl GoalRow {
    pub fn key(account: &str, goal: &str, period: &str, subject: &str) -> String {
        keys::join(&[account, goal, period, subject])
    }

    pub fn reached_at(&self, tier: &str) -> Option<Timestamp> {
        self.reached.iter().find(|(key, _)| key == tier).map(|(_, at)| *at)
    }
}

/// A goal's row with the rules that its period keeps. `None` where there is no such row.
pub(super) fn load<'a>(
    account: &mut Account<'a>,
    goal: &str,
    period: &str,
    subject: &str,
) -> Option<(&'a Rulebook, &'a Goal, GoalRow)> {
    let row = account.state.get::<GoalRow>(&GoalRow::key(account.id, goal, period, subject))?.clone();
    let rules = account.rules;
    let book = rules.version(row.version)?;
    let goal = book.goals.iter().find(|g| g.key == goal)?;
    Some((book, goal, row))
}
