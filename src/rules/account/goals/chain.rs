//! Chaining: a goal is locked for a subject until the goal before it has been reached.

use super::super::publish::Dirty;
use super::super::running::running;
use super::super::{Account, Cause};
use super::row::GoalRow;
use crate::events::{Duration, Span, Timestamp};
use crate::rulebook::{After, Goal};

/// When the goal before was reached, in its period that holds an instant; `None`: it was not.
pub(super) fn unlocked_at(account: &mut Account<'_>, after: &After, subject: &str, at: Timestamp) -> Option<Timestamp> {
    let version = account.book.version;
    let before = running::<Goal>(account, version, at, |goal| goal.key == after.goal).pop()?;
    let key = GoalRow::key(account.id, &after.goal, &before.period.label, subject);
    account.state.get::<GoalRow>(&key)?.reached_at(&after.tier)
}

/// Until when goals that are chained to one can ask when it was reached in a period: until the last of their own periods that
/// reach into it is final. `None`: no goal is chained to it.
pub(super) fn asked_until(account: &mut Account<'_>, goal: &str, span: Span) -> Option<Timestamp> {
    let (version, last) = (account.book.version, span.end?.minus(Duration(1)));
    let follows = |next: &Goal| next.after.as_ref().is_some_and(|after| after.goal == goal);
    let following = running(account, version, last, follows);
    following.iter().filter_map(|next| account.final_at(next.period.span)).max()
}

/// Whether a cause counts in a goal that was unlocked at an instant. What lies before the unlocking never does, and neither
/// does what unlocked it: rewards that follow from the unlocking carry its time and no event of their own.
pub(super) fn counts(unlocked_at: Timestamp, cause: &Cause<'_>) -> bool {
    if cause.event.is_some() { cause.at >= unlocked_at } else { cause.at > unlocked_at }
}

/// A tier was reached: what waited for it shows itself unlocked.
pub(super) fn unlock(account: &mut Account<'_>, goal: &Goal, tier: &str, subject: &str, at: Timestamp) {
    let version = account.book.version;
    let waits = |next: &Goal| next.after.as_ref().is_some_and(|after| after.goal == goal.key && after.tier == tier);
    for next in running(account, version, at, waits) {
        let key = GoalRow::key(account.id, &next.rule.key, &next.period.label, subject);
        // a goal without a credited event has no record yet
        if account.state.get::<GoalRow>(&key).is_none_or(|row| !row.locked || row.is_final || row.looked_at > at) {
            continue;
        }
        if let Some(row) = account.state.get_mut::<GoalRow>(&key) {
            (row.locked, row.looked_at) = (false, at);
        }
        account.touch(Dirty::Goal { goal: &next.rule.key, period: &next.period.label, subject });
    }
}
